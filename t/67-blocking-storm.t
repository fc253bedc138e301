#!/usr/bin/perl

# Clients of all kinds come, wait, and leave in the middle of it, with few
# private connections for all of them: in the end not one of these is missing.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for slow_tests);

my $seed = $ENV{UM_TEST_SEED} // $$;
my $rounds = slow_tests() ? 3000 : 300;
srand $seed;
note("UM_TEST_SEED=$seed");

my @node = map { redis() } 0, 1;
my $um = undermoon(workers => 1, proxy => 'private_connections 12;')->start;
my @local = (local => [ $node[0]->addr, [ [ 0, 8191 ] ],
    $node[1]->addr, [ [ 8192, 16383 ] ] ]);
is($um->setcluster(@local), 'OK', 'metadata');

# 'b' is of the first node, 'foo' of the second.
my @calls = map { [ split ' ' ] } 'WAIT 1 0', 'WAIT 1 20', 'WAIT 0 0',
    'WAIT x 0', 'BLPOP b 0', 'BLPOP foo 0.02', 'BLPOP b x',
    'XREAD BLOCK 0 STREAMS {b}s $', 'BZMPOP 0 1 {foo}z MIN',
    'RPUSH b e', 'HELLO 3';

for (1 .. $rounds) {
    my @c = map { $um->client } 0 .. rand 14;

    for my $c (@c) {
        $c->write(join '', map { Undermoon::Client::request(@$_) }
            [qw(SET {b}k v)], [qw(SET {foo}k v)],
            map { $calls[ rand @calls ] } 1 .. 3);
    }
    sleep rand 0.01 if rand() < 0.7;

    my $what = rand;
    if ($what < 0.1) {
        my $by = $um->client;
        $by->cmd(qw(CLIENT UNBLOCK), $_, (qw(ERROR TIMEOUT))[ rand 2 ])
            for $by->cmd(qw(CLIENT LIST)) =~ /^id=(\d+).* flags=b/mg;
    } elsif ($what < 0.15) {
        $node[ rand 2 ]->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    }
    rand() < 0.5 ? $_->close : $_->reset for @c;
}

ok($_->has_blocked(0), 'in the end nobody waits at Redis') for @node;
my $c = $um->client;
ok(wait_for {
    $c->cmd(qw(INFO clients)) =~ /^connected_clients:1\r$/m
} 10, 'all have left');
like($c->cmd(qw(INFO clients)), qr/^blocked_clients:0\r$/m,
    'and nobody waits here');
$um->setcluster(@local);
ok(wait_for { $c->cmd(qw(INFO cluster)) =~ /^cluster_settled:1\r$/m } 10,
    'nothing they sent is still under way');
ok(wait_for { $c->cmd(qw(DEL b)) =~ /^\d/ && $c->cmd(qw(DEL foo)) =~ /^\d/ } 5,
    'both nodes are served');

# Ten of the twelve may wait, two are for big requests.
my @wait = map { $um->client } 1 .. 10;
$_->send(qw(BLPOP b 0)) for @wait;
ok($node[0]->has_blocked(10), 'all private connections are there');
is($c->cmd('SET', '{b}big', 'x' x 2_000_000), 'OK', 'also for a big request');
is($c->cmd('RPUSH', 'b', 1 .. 10), 10, 'ten elements');
is((grep { ref($_->read) eq 'ARRAY' } @wait), 10, 'for ten who wait');

done_testing;
