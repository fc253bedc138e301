#!/usr/bin/perl

# SIGQUIT: nobody new is let in, everybody gets the answers that are due, and
# then it ends.  Who takes too long is sent away.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon redis wait_for);

my $node = redis();
my @drain = (workers => 2, level => 'info');
my $um = undermoon(@drain)->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

my @busy = map { $um->client } 1 .. 6;
my @idle = map { $um->client } 1 .. 6;
is((grep { $_->cmd('PING') eq 'PONG' } @busy, @idle), 12, 'clients');

# The Redis stands still, so answers are due.
$node->pause;
$_->send(qw(SET foo bar)) for @busy;
select undef, undef, undef, 0.1; # let the requests arrive; no fact tells
$um->signal('QUIT');

ok(wait_for { !eval { $um->client } } 5, 'nobody new is let in');
ok(wait_for { 2 == (() = $um->log =~ /draining/g) } 5, 'the workers drain');
is((grep { !defined eval { $_->read } } @idle), 6, 'idle clients are let go');
ok(-e $um->{pidfile}, 'the master is still there');

$node->resume;
is((grep { (eval { $_->read } // '') eq 'OK' } @busy), 6,
    'answers that were due are given');
is($um->stop('QUIT'), 0, 'it ends well');
ok(!-e $um->{pidfile}, 'its pid file goes with it');

# One that does not get its answer does not keep us for ever.
$um = undermoon(@drain, main => 'worker_shutdown_timeout 500ms;',
    proxy => 'backend_timeout 60s;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my $stuck = $um->client;
is($stuck->cmd('PING'), 'PONG', 'a client');
$node->pause;
$stuck->send(qw(GET foo));
select undef, undef, undef, 0.1;
my $begin = time;
is($um->stop('QUIT'), 0, 'worker_shutdown_timeout ends it');
cmp_ok(time - $begin, '>', 0.4, 'not at once');
$node->resume;

# SIGTERM during SIGQUIT means now.
$um = undermoon(@drain, proxy => 'backend_timeout 60s;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
$stuck = $um->client;
is($stuck->cmd('PING'), 'PONG', 'a client');
$node->pause;
$stuck->send(qw(GET foo));
select undef, undef, undef, 0.1;
$um->signal('QUIT');
ok(wait_for { $um->log =~ /draining/ } 5, 'it drains');
$begin = time;
is($um->stop('TERM'), 0, 'SIGTERM ends it');
cmp_ok(time - $begin, '<', Undermoon::Test::patience(4), 'soon');
$node->resume;

done_testing;
