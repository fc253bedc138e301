#!/usr/bin/perl

# A big request does not go over a private connection while an old shared one
# to the same Redis is not killed yet; and an old connection whose node
# leaves the topology is killed all the same.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis redis wait_for);

my $node = mock_redis(GET => sub { "what is this?\r\n" },
    SET => sub { "+OK\r\n" }, 'CLIENT KILL' => sub { ":1\r\n" });
my $um = undermoon(workers => 1, proxy => 'big_request 4k;')->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
my $c = $um->client;
my $big = 'b' x 10_000;

is($c->cmd('SET', 'k', $big), 'OK', 'a private connection is there');
like($c->cmd(qw(GET k)), qr/^-ERR_BACKEND_CONNECTION/, 'the shared one ends');
is($c->cmd('SET', 'k', $big), 'OK', 'a big request at once');
my @all = map { "@$_" } $node->commands;
my ($get) = grep { $all[$_] =~ /^GET/ } 0 .. $#all;
my ($kill) = grep { $all[$_] =~ /^CLIENT KILL/ } $get .. $#all;
my ($set) = grep { $all[$_] =~ /^SET/ } $get .. $#all;
ok(defined $kill && $kill < $set, 'the old connection was killed before it');

# A node that hangs, is given up, and leaves.
my ($hung, $other) = map { redis() } 1 .. 2;
my $um2 = undermoon(workers => 1, proxy => 'backend_timeout 300ms;')->start;
$um2->setcluster(local => [ $hung->addr, [ [ 0, 16383 ] ] ]);
$c = $um2->client;
is($c->cmd(qw(SET n 0)), 'OK', 'a counter');
my $id = (grep { $_->{cmd} eq 'set' } $hung->clients)[0]{id};
$hung->pause;
$c->send(qw(INCR n));
like($c->read, qr/^-ERR_BACKEND_TIMEOUT/, 'its node hangs');
ok(wait_for { $um2->log =~ /hung/ } 10, 'and is given up');
$um2->setcluster(local => [ $other->addr, [ [ 0, 16383 ] ] ]);
is($c->cmd(qw(SET n 5)), 'OK', 'another one has its slots');
$hung->resume;
ok(wait_for { $hung->calls('client|kill') > 0 } 10,
    'the old connection is killed when it wakes up');
ok(wait_for {
    !grep { $_->{id} == $id || $_->{cmd} ne 'client|list' } $hung->clients
} 10, 'and nothing of ours is left there');

done_testing;
