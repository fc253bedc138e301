#!/usr/bin/perl

# When the master is killed its workers answer what is due and leave; the
# port is free for the next one.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);

my $node = redis();
my $um = undermoon(workers => 2, level => 'info')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

my @idle = map { $um->client } 1 .. 20;
is((grep { $_->cmd('PING') eq 'PONG' } @idle), 20, 'clients on all workers');
my @workers = $um->workers;

# One waits for an answer: the Redis stands still.
my $busy = $um->client;
is($busy->cmd(qw(SET foo bar)), 'OK', 'a client of the Redis');
$node->pause;
$busy->send(qw(GET foo));
select undef, undef, undef, 0.1; # let it arrive; no fact tells

$um->signal('KILL');
is((grep { !defined eval { $_->read } } @idle), 20,
    'idle clients are let go');
$node->resume;
is($busy->read, 'bar', 'an answer that was due is given');
ok(wait_for { !grep { kill 0, $_ } @workers } 10, 'the workers leave');
$um->killed;
like($um->log, qr/the master is gone/, 'and say why');

$um->start;
is($um->client->cmd('PING'), 'PONG', 'the next one has the port');

done_testing;
