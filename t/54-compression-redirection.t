#!/usr/bin/perl

# Two proxies, or one and the reference: whoever a client speaks to, a value is
# packed once, by the proxy before its Redis, and unpacked there.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Mock qw(bulk);
use Undermoon::Test qw(cluster undermoon mock_redis redis);

my $frame = "\x28\xb5\x2f\xfd\x00\x48";
my $hello = "$frame\x59\x00\x00hello world";
my %on = (compression_strategy => 'set_get_only');
my $conf = 'active_redirection on; max_redirections 4;';

# Two of ours: each way in, each place.
my $c = cluster(nodes => 2, proxies => 2, workers => 2, config => \%on,
    proxy => $conf);
my @door = map { $c->client(proxy => $_) } 0, 1;
my $big = '';
$big .= sprintf '{"id":%d},', rand 1e6 while length $big < 1_500_000;
for my $in (0, 1) {
    for my $at (0, 1) {
        my $key = $c->key_on($at, "k$in");
        my ($door, $other) = @door[ $in, 1 - $in ];
        my $way = "by $in at $at";

        is($door->cmd('SET', $key, 'hello world'), 'OK', "SET $way");
        is($c->node($at)->client->cmd('GET', $key), $hello, 'packed once');
        is($door->cmd('GET', $key), 'hello world', 'GET by the same');
        is($other->cmd('GET', $key), 'hello world', 'GET by the other');
        is($other->cmd('SET', $key, $hello, 'GET'), 'hello world', 'SET GET');
        is($door->cmd('GETSET', $key, 'x'), $hello,
            'a value that is a frame itself');
        is($door->cmd('SET', $key, $big), 'OK', 'a big one');
        ok($other->cmd('GETDEL', $key) eq $big, 'and back by the other');
        like($door->cmd('APPEND', $key, 'x'), qr/^-unsupported string command/,
            'APPEND');
    }
}
my %all = (map { ("a$_" => "v$_") } 1 .. 50);
$all{a7} = $hello;
$all{a8} = '';
$all{a9} = $big;
is($door[0]->cmd('MSET', %all), 'OK', 'MSET over both');
is_deeply($door[1]->cmd('MGET', 'nil', sort keys %all),
    [ undef, map { $all{$_} } sort keys %all ], 'MGET over both by the other');
my @replies = $door[1]->pipeline(map { my $i = $_;
    ([ 'SET', "p$i", $i % 7 ? "w$i" : "$i$big" ], [ 'GET', "p$i" ]) } 1 .. 50);
is_deeply(\@replies, [ map { ('OK', $_ % 7 ? "w$_" : "$_$big") } 1 .. 50 ],
    'a pipeline keeps its order over both');

# A switch reaches the proxies one after the other: no value hides meanwhile.
my @key = map { $c->key_on($_, 'switch') } 0, 1;
for my $strategy ('disabled', 'set_get_only', 'allow_all', 'set_get_only') {
    my @deal = map { my $me = $_; [ local => [ $c->node($me)->addr,
        [ [ $c->range($me) ] ] ], peer => [ $c->proxy(1 - $me)->addr,
        [ [ $c->range(1 - $me) ] ] ],
        config => { compression_strategy => $strategy } ] } 0, 1;

    for my $me (0, 1) {
        is($c->proxy($me)->setcluster(@{ $deal[$me] }), 'OK',
            "$strategy for proxy $me");
        for my $key (@key) {
            is($_->cmd('SET', $key, "at $me"), 'OK', 'SET') for @door;
            is($_->cmd('GET', $key), "at $me", 'and GET') for @door;
        }
    }
}

# A peer is told that nothing is packed yet, in words the reference reads.
my $peer = mock_redis(UMFORWARD => sub { bulk("by $_[1]: " . join ' ',
    @_[ 2 .. $#_ - 1 ]) });
my $node = redis();
my $um = undermoon(workers => 1, proxy => $conf)->start;
my @cluster = (local => [ $node->addr, [ [ 0, 8191 ] ] ],
    peer => [ $peer->addr, [ [ 8192, 16383 ] ] ]);
is($um->setcluster(@cluster, config => \%on), 'OK', 'metadata');
my $one = $um->client;
is($one->cmd(qw(SET foo hello)), 'by 02: SET foo hello', 'plain, and marked');
is($one->cmd(qw(MSET foo hello {foo}2 x)),
    'by 02: MSET foo hello {foo}2 x', 'MSET');
is($one->cmd(qw(UMFORWARD 03 SET foo hello)), 'by 02: SET foo hello',
    'a mark goes on');
is($one->cmd(qw(UMFORWARD 3 SET foo), $hello), "by 2: SET foo $hello",
    'what is not marked is handed on as it is');

# The reference packs what it forwards, and unpacks nothing of the answer.
my $direct = $node->client;
is($one->cmd(qw(UMFORWARD 3 SET b), $hello), 'OK', 'packed by the reference');
is($direct->cmd(qw(GET b)), $hello, 'is stored as it is');
is($one->cmd(qw(UMFORWARD 3 GET b)), 'hello world', 'it is told the value');
is($one->cmd(qw(GET b)), 'hello world', 'so is a client');
is($one->cmd(qw(UMFORWARD 3 SETEX b 100 plain)), 'OK',
    'one that does not pack yet');
is($direct->cmd(qw(GET b)), "$frame\x29\x00\x00plain", 'is packed here');
is($one->cmd(qw(UMFORWARD 03 SET b), $hello), 'OK', 'a mark and a frame');
is($one->cmd(qw(GET b)), $hello, 'it is a value');
is($one->cmd(qw(UMFORWARD 1 STRLEN b)),
    '-unsupported string command when compression is enabled', 'refused too');

is($um->setcluster(@cluster), 'OK', 'compression is off again');
is($one->cmd(qw(SET foo hello)), 'by 2: SET foo hello', 'no mark any more');
is($one->cmd(qw(UMFORWARD 03 SET foo hello)), 'by 02: SET foo hello',
    'that of another is kept');

done_testing;
