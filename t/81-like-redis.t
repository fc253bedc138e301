#!/usr/bin/perl

# Random commands of all kinds, pipelined and cut at random, to a proxy before
# three nodes and to one redis-server: the bytes that come back are the same.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster redis slow_tests);

my $seed = $ENV{UM_TEST_SEED} // $$;
my $rounds = slow_tests() ? 2000 : 100;
srand $seed;

my $c = cluster(nodes => 3, workers => 2, proxy => 'active_redirection on;');
my $one = redis();

my @tags = map { "{$_}" } 1 .. 12;
my @words = ('', 'a', 'b', 'abc', '0', '-1', '10', '3.5', 'x' x 200, "\r\n\0",
    'inf', '9223372036854775807', 'NX', 'XX', 'EX', 'WITHSCORES', '*', '(1');

sub pick { $_[ rand @_ ] }
sub key { pick(@tags) . pick(qw(s l h z t n x)) }
sub value { rand() < 0.01 ? 'v' x (1_100_000 + rand 9) : pick(@words) }
sub number { pick(0, 1, -1, 2, 5, 100, 'no number') }

# A key of some kind in the same slot.
sub near { my ($key) = @_; $key =~ s/\}.*/}/; $key . pick(qw(s l h z t n x)) }

my %make = (
    SET => sub { (key(), value(), rand() < 0.3 ? pick(@words) : ()) },
    GET => sub { key() }, GETDEL => sub { key() }, STRLEN => sub { key() },
    GETSET => sub { (key(), value()) }, APPEND => sub { (key(), pick(@words)) },
    INCR => sub { key() }, DECRBY => sub { (key(), number()) },
    INCRBYFLOAT => sub { (key(), number()) },
    SETRANGE => sub { (key(), number(), pick(@words)) },
    GETRANGE => sub { (key(), number(), number()) },
    SETBIT => sub { (key(), number(), number()) },
    BITCOUNT => sub { key() },
    MSET => sub { map { (key(), pick(@words)) } 0 .. rand 5 },
    MGET => sub { map { key() } 0 .. rand 8 },
    DEL => sub { map { key() } 0 .. rand 5 },
    UNLINK => sub { map { key() } 0 .. rand 5 },
    EXISTS => sub { map { key() } 0 .. rand 5 },
    TOUCH => sub { map { key() } 0 .. rand 5 },
    TYPE => sub { key() }, EXPIRE => sub { (key(), 1000) },
    TTL => sub { key() }, PERSIST => sub { key() },
    RENAME => sub { my $k = key(); ($k, near($k)) },
    COPY => sub { my $k = key(); ($k, near($k)) },
    LPUSH => sub { (key(), map { pick(@words) } 0 .. rand 4) },
    RPUSH => sub { (key(), value()) },
    LRANGE => sub { (key(), number(), number()) }, LPOP => sub { key() },
    LLEN => sub { key() }, LINDEX => sub { (key(), number()) },
    LMOVE => sub { my $k = key(); ($k, near($k), 'LEFT', 'RIGHT') },
    RPOPLPUSH => sub { my $k = key(); ($k, near($k)) },
    HSET => sub { (key(), pick(@words), value()) },
    HGET => sub { (key(), pick(@words)) }, HLEN => sub { key() },
    HDEL => sub { (key(), pick(@words)) },
    HINCRBY => sub { (key(), pick(@words), number()) },
    ZADD => sub { (key(), number(), pick(@words)) },
    ZRANGE => sub { (key(), number(), number(), 'WITHSCORES') },
    ZSCORE => sub { (key(), pick(@words)) }, ZCARD => sub { key() },
    ZPOPMIN => sub { key() },
    ZUNIONSTORE => sub { my $k = key(); ($k, 2, near($k), near($k)) },
    SADD => sub { (key(), pick(@words)) }, SCARD => sub { key() },
    SISMEMBER => sub { (key(), pick(@words)) },
    SMOVE => sub { my $k = key(); ($k, near($k), pick(@words)) },
    SINTERCARD => sub { my $k = key(); (2, $k, near($k)) },
    PFADD => sub { (key(), pick(@words)) }, PFCOUNT => sub { key() },
    XLEN => sub { key() }, OBJECT => sub {
        ('ENCODING', key()) },
    SORT => sub { key() }, GEOADD => sub { (key(), 1, number(), 'm') },
    EVAL => sub { ('return {redis.call("TYPE",KEYS[1]),ARGV[1],#ARGV}', 1,
        key(), pick(@words)) },
    PING => sub { rand() < 0.5 ? () : pick(@words) },
    ECHO => sub { pick(@words) }, SELECT => sub { 0 },
    NOSUCH => sub { (key(), pick(@words)) },
    RESET => sub { }, 'CLIENT' => sub { ('SETNAME', 'n') },
);
my @names = sort keys %make;

sub pipeline {
    return join '', map {
        my $name = pick(@names);
        my @args = $make{$name}->();

        # Wrong arity now and then, and any case.
        my $dice = rand;
        pop @args if $dice < 0.03;
        push @args, 'more' if $dice > 0.97 && $name ne 'PFCOUNT';
        $name = lc $name if rand() < 0.5;
        Undermoon::Client::request($name, @args);
    } 1 .. 1 + rand 200;
}

my @both = ($c->client, $one->client);
my $wrong = 0;
for my $round (1 .. $rounds) {
    my $bytes = pipeline();
    my $n = () = $bytes =~ /^\*\d+\r\n\$\d+\r\n/mg;
    my @said;

    for my $client (@both) {
        my $rest = $bytes . Undermoon::Client::request('ECHO', "end $round");
        my $replies = '';

        while ($rest ne '') {
            my $n = rand() < 0.5 ? 1 + int rand 50 : 1 + int rand length $rest;
            $client->write(substr $rest, 0, $n, '');
        }
        while (1) {
            my $raw = $client->read_raw;
            last if $raw =~ /\r\nend $round\r\n\z/;
            $replies .= $raw;
        }
        push @said, $replies;
    }

    next if $said[0] eq $said[1];
    $wrong++;
    my $at = 0;
    $at++ while substr($said[0], $at, 1) eq substr $said[1], $at, 1;
    diag("round $round, byte $at: got ", substr($said[0], $at - 20, 120),
        "\nexpected ", substr($said[1], $at - 20, 120));
    last;
}
is($wrong, 0, 'every byte is as from one Redis') or diag("UM_TEST_SEED=$seed");
ok($c->proxy->serves('GET', 'k'), 'and a new client is served');

done_testing;
