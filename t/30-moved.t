#!/usr/bin/perl

# Where keys are that are not here: MOVED, CLUSTERDOWN, CROSSSLOT, as Redis
# says it; and a new topology counts for every worker once it is accepted.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Cluster;
use Undermoon::Test qw(undermoon redis);

my $node = redis();
my $peer = '127.0.0.1:1';
my $um = undermoon(workers => 2)->start;
my $c = $um->client;

like($c->cmd(qw(GET foo)), qr/^-CLUSTERDOWN /, 'no metadata yet');
is($c->cmd('PING'), 'PONG', 'but it lives');

is($um->setcluster(local => [ $node->addr, [ [ 0, 5999 ], [ 12182, 12182 ] ] ],
    peer => [ $peer, [ [ 6000, 12181 ] ] ]), 'OK', 'metadata');

is($c->cmd(qw(SET foo bar)), 'OK', 'foo (12182) is here');
is($c->cmd(qw(GET foo)), 'bar', 'and stays');
sub slot { Undermoon::Cluster::slot($_[0]) }

# Keys of our own slots, of the peer's and of nobody's.
my ($here, $there, $nowhere) = map {
    my ($from, $to) = @$_;
    my $i = 0;
    $i++ until do { my $s = slot("k$i"); $s >= $from && $s <= $to };
    "k$i";
} [ 0, 5999 ], [ 6000, 12181 ], [ 12183, 16383 ];

is($c->cmd('GET', $there), '-MOVED ' . slot($there) . " $peer",
    'MOVED names slot and peer');
is($c->cmd('SET', $there, 1), '-MOVED ' . slot($there) . " $peer",
    'for writes too');
is($c->cmd('GET', $nowhere), '-CLUSTERDOWN Hash slot not served',
    'a slot of nobody');
is($c->cmd('MGET', $here, $there),
    "-CROSSSLOT Keys in request don't hash to the same slot", 'two slots');
is($c->cmd('MSET', "{$here}a", 1, "{$here}b", 2), 'OK', 'one slot by a tag');
is($c->cmd('MSETNX', "{$here}a", 1, "{$here}c", 2), 0, 'whole, as one');
is($c->cmd('EXISTS', "{$here}c"), 0, 'none of it was set');
is($c->cmd('EVAL', 'return {KEYS[1],ARGV[1]}', 1, $here, 'x')->[1], 'x',
    'EVAL');
is($c->cmd('EVAL', 'return 1', 2, $here, $there),
    "-CROSSSLOT Keys in request don't hash to the same slot", 'EVAL of two');
is($c->cmd('BITOP', 'AND', $there, "{$there}x"), '-MOVED ' . slot($there)
    . " $peer", 'BITOP by its keys, not by its first word');

# In a pipeline each gets its own.
is_deeply([ map { "$_" } $c->pipeline([ 'GET', 'foo' ], [ 'GET', $there ],
    [ 'GET', $nowhere ], ['PING'], [ 'GET', 'foo' ]) ],
    [ 'bar', '-MOVED ' . slot($there) . " $peer",
        '-CLUSTERDOWN Hash slot not served', 'PONG', 'bar' ], 'in a pipeline');

# All workers route by the new map as soon as it is accepted.
my @clients = map { $um->client } 1 .. 20;
my $wrong = 0;
for my $round (1 .. 20) {
    my $other = "127.0.0.1:" . (1 + $round % 2);
    $um->setcluster(local => [ $node->addr, [ [ 0, 100 ] ] ],
        peer => [ $other, [ [ 101, 16383 ] ] ]);
    $wrong += $_->cmd(qw(GET foo)) ne "-MOVED 12182 $other" for @clients;
}
is($wrong, 0, 'after +OK no worker routes by an older map');

# A default to send to.
my $lost = undermoon(
    proxy => 'default_redirection_address 127.0.0.1:7;')->start;
is($lost->client->cmd(qw(GET foo)), '-MOVED 12182 127.0.0.1:7',
    'without metadata: default_redirection_address');
is($lost->setcluster(local => [ $node->addr, [ [ 0, 100 ] ] ]), 'OK',
    'with metadata');
is($lost->client->cmd(qw(GET foo)), '-CLUSTERDOWN Hash slot not served',
    'it counts no more');

# SORT by keys made up from what it sorts: those may be anywhere.
is($c->cmd(qw(SORT {foo}l BY w_*)),
    '-ERR BY option of SORT denied in Cluster mode.', 'SORT BY');
is($c->cmd(qw(SORT_RO {foo}l GET w_*)),
    '-ERR GET option of SORT denied in Cluster mode.', 'SORT GET');
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
$c->cmd(qw(RPUSH {foo}l 1 2 3));
$c->cmd(qw(MSET {foo}w_1 3 {foo}w_2 2 {foo}w_3 1));
is_deeply($c->cmd(split ' ', 'SORT {foo}l BY {foo}w_* GET # GET {foo}w_*'),
    [ 3, 1, 2, 2, 1, 3 ], 'with their tag they are known to be here');

done_testing;
