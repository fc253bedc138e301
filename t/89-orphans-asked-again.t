#!/usr/bin/perl

# A worker dies, and the CLIENT KILL for its connection is answered too late:
# it is asked for again, so that the row of the dead worker can be used again.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis wait_for patience);

my $kills = 0;
my $node = mock_redis(SET => sub { "+OK\r\n" },
    'CLIENT KILL' => sub { $kills++ < 4 ? ([ patience(0.9) ], ":1\r\n")
        : ":1\r\n" });
my $timeout = patience(0.3) * 1000;
my $um = undermoon(workers => 2,
    proxy => "backend_timeout ${timeout}ms;")->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
is($um->client->cmd(qw(SET k v)), 'OK', 'it serves');

# Each worker has a connection; the ids of those that died are killed until
# an answer has come in time.
ok(wait_for { 2 <= grep { "@$_" eq 'CLIENT ID' } $node->commands } 5,
    'both workers are connected');
my ($victim) = $um->workers;
kill 'KILL', $victim;
ok(wait_for { 4 <= grep { "@$_" =~ /^CLIENT KILL/ }
    $node->commands } 20, 'it is asked for again');
ok(wait_for {
    my $n = grep { "@$_" =~ /^CLIENT KILL/ } $node->commands;
    select undef, undef, undef, patience(1);
    $n == grep { "@$_" =~ /^CLIENT KILL/ } $node->commands;
} 20, 'until it is answered');
ok(wait_for { $um->client->cmd(qw(SET k v)) eq 'OK' } 10, 'and it serves');

done_testing;
