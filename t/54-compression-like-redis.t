#!/usr/bin/perl

# Random commands under compression, pipelined, to two proxies and to one
# redis-server without any: the bytes that come back are the same, also while
# the strategy is switched on over what was stored before.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster redis slow_tests);

my $seed = $ENV{UM_TEST_SEED} // $$;
my $rounds = slow_tests() ? 1200 : 90;
srand $seed;

my $c = cluster(nodes => 2, proxies => 2, workers => 2,
    proxy => 'active_redirection on; max_redirections 4;');
my $one = redis();

sub pick { $_[ rand @_ ] }
my $frame = "\x28\xb5\x2f\xfd\x00\x48\x59\x00\x00hello world";
my $noise = join '', map { chr int rand 256 } 1 .. 400_000;
my @words = ('', 'a', 'GET', 'EX', 'x' x 200, "\r\n\0", "$frame.", '12',
    '{"name": "value"}' x 40, substr($frame, 0, 12));
my $is_on = 0;
sub value {
    my $dice = rand;

    return 'v' x rand 700_000 if $dice < 0.01;
    return substr $noise, 0, rand 400_000 if $dice < 0.02;
    return $frame if $is_on && $dice < 0.1;
    return pick(@words);
}
my @tags = map { "{$_}" } 1 .. 9;
sub key { pick(@tags) . pick(qw(s s s t l)) }
sub near { my ($key) = @_; $key =~ s/\}.*/}/; $key . pick(qw(s t l)) }
sub some { map { key() } 0 .. rand 6 }

my %make = (
    SET => sub { (key(), value(), rand() < 0.5 ? pick([qw(GET)], [qw(NX)],
        [qw(XX GET)], [qw(EX 100)], [qw(KEEPTTL)], [qw(PX 9999999 GET)],
        [qw(NX GET)], [qw(EX x)], [qw(BAD)])->@* : ()) },
    GET => sub { key() }, GETDEL => sub { key() },
    GETSET => sub { (key(), value()) }, SETNX => sub { (key(), value()) },
    GETEX => sub { (key(), rand() < 0.5 ? qw(EX 100) : ()) },
    SETEX => sub { (key(), pick(100, 0, 'x'), value()) },
    PSETEX => sub { (key(), 9999999, value()) },
    MSET => sub { map { (key(), value()) } 0 .. rand 5 },
    MSETNX => sub { my $k = key(); map { (near($k), value()) } 0 .. rand 3 },
    MGET => sub { some() }, DEL => sub { some() }, EXISTS => sub { some() },
    TYPE => sub { key() }, PERSIST => sub { key() },
    RENAME => sub { my $k = key(); ($k, near($k)) },
    COPY => sub { my $k = key(); ($k, near($k), 'REPLACE') },
    LPUSH => sub { (key(), value()) }, LRANGE => sub { (key(), 0, -1) },
);
my @names = sort keys %make;
my @weight = (@names, (qw(SET GET MGET MSET)) x 3);

sub pipeline {
    return join '', map {
        my $name = pick(@weight);
        my @args = $make{$name}->();
        my $dice = $name eq 'MSETNX' ? 0.5 : rand; # half a pair: CROSSSLOT

        pop @args if $dice < 0.03;
        push @args, 'more' if $dice > 0.97;
        Undermoon::Client::request(rand() < 0.5 ? lc $name : $name, @args);
    } 1 .. 1 + rand 80;
}

my @both = ($c->client, $one->client);
my $three = [ $c->client(proxy => 1), $one->client ];
$_->cmd(qw(HELLO 3)) for @$three;
my $wrong = 0;
for my $round (1 .. $rounds) {
    if ($round > $rounds / 6 && $round % 10 == 0) {
        $is_on = 1;
        $c->deal(config => { compression_strategy => $round % 20
            ? 'set_get_only' : 'allow_all' });
    }

    my $bytes = pipeline()
        . Undermoon::Client::request('ECHO', "end $round");
    my @said;
    for my $client (rand() < 0.7 ? @both : @$three) {
        my $replies = '';

        $client->write($bytes);
        until ($replies =~ /\$\d+\r\nend $round\r\n\z/) {
            $replies .= $client->read_raw;
        }
        push @said, $replies;
    }

    next if $said[0] eq $said[1];
    $wrong++;
    my $at = 0;
    $at++ while substr($said[0], $at, 1) eq substr $said[1], $at, 1;
    my $from = $at > 60 ? $at - 60 : 0;
    diag("round $round, byte $at: got ", substr($said[0], $from, 160),
        "\nexpected ", substr($said[1], $from, 160));
    last;
}
is($wrong, 0, 'every byte is as from one Redis') or diag("UM_TEST_SEED=$seed");
like($c->client->cmd('INFO', 'stats'), qr/values_unpacked:[1-9]/i,
    'and it was compressed');

done_testing;
