#!/usr/bin/perl

# Redis nodes with an append only file are killed and come back, one or both,
# in any order; a replica that never was in sync is not promoted for a master
# that is gone; one that hangs is told from one that is busy.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time sleep);
use Undermoon::Client;
use Undermoon::Ledger;
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(wait_for patience redis slow_tests);

my $timeout = 5; # seconds, of which a tenth is room for a crowded machine
my $aof = { more => [qw(--appendonly yes --appendfsync no)] };
my $pair = pair(workers => 2, redis => $aof,
    proxy => "node_timeout ${timeout}s;");
my @addr = map { $_->addr } $pair->proxies;

sub key_of { # in the half of node 0
    my ($name) = @_;
    my $n = 0;

    $n++ until Undermoon::Cluster::slot("$name:$n") < 8192;
    return "$name:$n";
}

$pair->tell('normal');
ok($pair->in_sync, 'in sync');

# ---- One, the other, both, in any order ------------------------------------

# How it goes: what is done to nodes 0 (master) and 3 (replica), and whether
# there is a moment at which only the file of the master can be right.
my @how = (
    [ 'the master' => sub { $_[0]->restart } ],
    [ 'the replica' => sub { $_[1]->restart } ],
    [ 'both, the master first' => sub { $_->stop for @_; $_->start for @_ } ],
    [ 'both, the replica first' =>
        sub { $_->stop for reverse @_; $_->start for reverse @_ } ],
    [ 'the replica, and the master while it is away' =>
        sub { $_[1]->stop; $_[0]->restart; $_[1]->start } ],
);

for my $how (@how) {
    my ($what, $deed) = @$how;
    my $ledger = Undermoon::Ledger->start(\@addr, timeout => 4, writers => 8);

    $ledger->goes_on(within => 30) or fail("$what: writers write");

    # Writers stand still for the fault: what Redis had not passed on is not
    # what this is about.
    $ledger->stop;
    ok((wait_for { $pair->health(3)->{lag} eq 0 } 10), "$what: no lag");
    wait_for {
        $pair->node(0)->info('master_repl_offset')
            == $pair->node(3)->info('slave_repl_offset');
    } 10;
    $deed->($pair->node(0), $pair->node(3));

    # It serves again, or says that its replica knows better, and that one is
    # told to take over: what a coordinator does.
    wait_for {
        $pair->beat(0)->{fault} eq 'lost'
            || $pair->state(0) eq 'serving' && $pair->state(3) eq 'in_sync';
    } 20 or fail("$what: neither well nor lost");
    my $fault = $pair->beat(0)->{fault};
    diag("$what: $fault");
    $pair->tell('second') if $fault eq 'lost';
    ok($pair->in_sync(within => 30), "$what: in sync afterwards");
    is_deeply([ $ledger->lost ], [], "$what: nothing is lost");
    $pair->tell('normal');
    ok($pair->in_sync(within => 30), "$what: and back");
}

# The whole of it: both proxies and all nodes are killed, as when the power
# fails.
my $ledger = Undermoon::Ledger->start(\@addr, timeout => 4, writers => 8);
ok($ledger->goes_on, 'writers write');
$ledger->stop;
wait_for {
    $pair->node(0)->info('master_repl_offset')
        == $pair->node(3)->info('slave_repl_offset')
        && $pair->node(2)->info('master_repl_offset')
        == $pair->node(1)->info('slave_repl_offset');
} 10;
for my $um ($pair->proxies) {
    $um->{may_fail} = 1;
    kill 'KILL', -$um->{group};
    $um->killed;
}
$pair->node($_)->stop for 0 .. 3;
$pair->node($_)->start for 0 .. 3;
$_->start for $pair->proxies;
$pair->{beat} = [];
$pair->tell_again($_) for 0, 1;
ok($pair->in_sync(within => 30), 'everything was killed, and comes back');
is_deeply([ $ledger->lost ], [], 'with all its data');

# ---- Hung, or busy ---------------------------------------------------------

my $c = $pair->proxy(0)->client;
my ($script, $key) = ('local n = 0; local t = redis.call("TIME");
    repeat n = n + 1; local u = redis.call("TIME")
    until (u[1] - t[1]) * 1000000 + u[2] - t[2] > ARGV[1] * 1000000;
    return n', key_of('busy'));

# A script of 9 s at a node_timeout of 10 s, or in proportion.
my $busy = $timeout * 0.9;
my %faults;
$pair->node(0)->cmd(qw(CONFIG SET lua-time-limit 60000));
my $direct = $pair->node(0)->client;
$direct->send('EVAL', $script, 1, $key, $busy);
my $until = time + $busy;
wait_for { $faults{ $pair->beat(0)->{fault} }++; time > $until } 30;
is(join(' ', keys %faults), 'none', "a script of $busy s: nothing is wrong");
$direct->read;

# With BUSY as its answer it is known to live, however long it takes.
%faults = ();
$pair->node(0)->cmd(qw(CONFIG SET lua-time-limit 200));
$direct->send('EVAL', $script, 1, $key, $timeout * 2.5);
$until = time + $timeout * 2.5;
wait_for { $faults{ $pair->beat(0)->{fault} }++; time > $until } 30;
is(join(' ', keys %faults), 'none', 'nor when it says that it is busy');
$direct->read;

my $stopped = time;
$pair->node(0)->pause;
ok((wait_for { $pair->state(0) eq 'silent' } 10), 'stopped, it is silent');
is($pair->beat(0)->{fault}, 'none', 'which is no fault yet');
ok((wait_for { $pair->beat(0)->{fault} eq 'hung' } 20), 'then it hangs');
cmp_ok(time - $stopped, '>', $timeout * 0.9, 'after node_timeout');

# Its replica takes over; what it had been sent before is not told as done
# when it wakes.
my $ledger2 = Undermoon::Ledger->start(\@addr, timeout => 10, writers => 8);
$pair->tell('second');
ok((wait_for { $pair->state(3) eq 'serving' } 20), 'its replica takes over');
ok($ledger2->goes_on, 'writers go on');
$pair->node(0)->resume;
ok($pair->in_sync(within => 30), 'it wakes and follows');
is($pair->role(0), 'slave', 'as a replica');
ok($ledger2->goes_on, 'writers go on');
is_deeply([ $ledger2->lost ], [], 'nothing is lost');
like($pair->proxy(1)->log,
    qr/does not answer; it is told to follow when it does/, 'the log tells');
$pair->tell('normal');
ok($pair->in_sync(within => 30), 'and back');

# ---- Never in sync ---------------------------------------------------------

# A replica whose master is dead before the first sync.
my $young = pair(workers => 1);
$young->node(0)->stop;
$young->tell('normal');
ok((wait_for { $young->state(3) eq 'waiting' } 10), 'no master: it waits');
like($young->health(3)->{state}, qr/waiting/, 'and says so');

# Told to follow by hand, it has never seen its master.
$young->node(3)->cmd('REPLICAOF', '127.0.0.1', $young->node(0)->{port});
$young->tell('second');
ok((wait_for { $young->beat(1)->{fault} eq 'unsynced' } 10),
    'it is not promoted for a master that is gone');
is($young->role(3), 'slave', 'it stays a replica');
like($young->proxy(1)->client->cmd('SET', key_of('x'), 1),
    qr/^-CLUSTERDOWN .* not confirmed/, 'its slots are not served');
ok($young->beat(1)->{fault} eq 'unsynced', 'and it stays so');

# The master comes: the sync is had, then the promotion.
$young->node(0)->start;
$young->node(0)->cmd('SET', key_of('kept'), 'safe');
ok((wait_for { $young->state(3) eq 'serving' } 30),
    'its master comes: first the sync, then the promotion');
is($young->proxy(1)->client->cmd('GET', key_of('kept')), 'safe',
    'so nothing is lost');

# An operator may decide otherwise.
my $third = pair(workers => 1, proxy => "node_timeout ${timeout}s;");
$third->node(0)->stop;
$third->node(3)->cmd('REPLICAOF', '127.0.0.1', $third->node(0)->{port});
$third->tell('second');
ok((wait_for { $third->beat(1)->{fault} eq 'unsynced' } 10), 'another one');
$third->node(3)->cmd(qw(REPLICAOF NO ONE));
ok((wait_for { $third->state(3) eq 'serving' } 20),
    'an operator makes it a master: it serves');

done_testing;
