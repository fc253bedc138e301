#!/usr/bin/perl

# A proxy is killed, or stands still, while its Redis lives.  The replica on
# the other side takes over behind a fence; nothing that was acknowledged is
# lost, never do two masters take writes for a slot, and the proxy that wakes
# serves nothing before it has heard what is new.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time sleep);
use Undermoon::Client;
use Undermoon::Ledger;
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(wait_for patience);

# ---- Killed ----------------------------------------------------------------

for my $round (1 .. 3) {
    my $pair = pair(workers => 2, may_fail => 1);

    $pair->tell('normal');
    ok($pair->in_sync, "$round: in sync");
    my $ledger = Undermoon::Ledger->start([ map { $_->addr } $pair->proxies ]);
    ok($ledger->goes_on, "$round: writers write");

    my $fault = time;
    my $dead = $pair->proxy(0);
    kill 'KILL', -$dead->{group};
    $dead->killed;
    $pair->tell('second', skip => [0]);
    ok($ledger->goes_on, "$round: writers go on at the other proxy");
    diag('a killed proxy: gaps of ',
        join ' and ', map { $ledger->gap($_, $fault) . ' ms' } 0, 1);
    is($pair->role(0), 'slave', "$round: its Redis was told to follow")
        if wait_for { $pair->role(0) eq 'slave' } 10;

    # It comes back and is told.
    $dead->start;
    $pair->tell_again(0);
    ok($pair->in_sync, "$round: back, all is in sync");
    ok($ledger->goes_on, "$round: writers go on");
    is_deeply([ $ledger->lost(since => $fault) ], [], "$round: nothing lost");
    $_->finish for $pair->proxies, map { $pair->node($_) } 0 .. 3;
}

# ---- Frozen ----------------------------------------------------------------

my $pair = pair(workers => 2);
$pair->tell('normal');
ok($pair->in_sync, 'in sync');
my $ledger = Undermoon::Ledger->start([ map { $_->addr } $pair->proxies ]);
my @node = map { $pair->node($_)->client(timeout => 5) } 0 .. 3;

# Does this Redis take writes?  A master that is fenced holds them, so who
# does not answer at once does not.  Probes are of the same slot.
my $probes = 0;
sub takes_writes {
    my ($i) = @_;
    my $c = eval { $pair->node($i)->client(timeout => 0.1) } or return 0;
    my $said = eval { $c->cmd('SET', 'probe:' . $probes++, 1) } // '';

    return $said eq 'OK';
}

for my $round (1 .. 3) {
    my $frozen = $pair->proxy(0);
    my $clients = $frozen->client;
    my (@two, $n);

    ok($ledger->goes_on(within => 30), "$round: writers write");
    $n = 0;
    $n++ until Undermoon::Cluster::slot("stale:$n") < 8192;
    is($clients->cmd('SET', "stale:$n", "old $round"), 'OK', "$round: a value");

    # Asked while it stands still, and answered when it wakes: not with what
    # was true before.
    my $fault = time;
    kill 'STOP', -$frozen->{group};
    $clients->send('GET', "stale:$n");
    $pair->tell('second', skip => [0]);
    my $taken = wait_for {
        push @two, 'both' if takes_writes(0) && takes_writes(3);
        takes_writes(3);
    } 20;
    ok($taken, "$round: the replica takes over");
    ok($ledger->goes_on(within => 30), "$round: writers go on");
    diag('a frozen proxy: gaps of ',
        join ' and ', map { $ledger->gap($_, $fault) . ' ms' } 0, 1);
    is($pair->proxy(1)->client->cmd('SET', "stale:$n", "new $round"), 'OK',
        "$round: a newer value");
    wait_for { time > $fault + 1.5 } 5; # it is a gap only then

    my $woken = time;
    kill 'CONT', -$frozen->{group};
    for (1 .. 20) {
        push @two, 'both' if takes_writes(0) && takes_writes(3);
    }
    my $said = $clients->read;
    like($said, qr/^-(?:CLUSTERDOWN|MOVED)/,
        "$round: who asked meanwhile is not told the old value");
    my $refused = $frozen->client;
    like($refused->cmd('SET', "stale:$n", 'x'), qr/^-CLUSTERDOWN/,
        "$round: the woken one refuses its slots");
    is($pair->health(0)->{fault}, 'fenced', "$round: and says why");
    is(scalar @two, 0, "$round: never did two masters take writes");

    $pair->tell_again(0);
    ok($pair->in_sync, "$round: told, it is in sync");
    like($refused->cmd('GET', "stale:$n"), qr/^-MOVED/,
        "$round: and sends clients to the other");
    $pair->tell('normal');
    ok($pair->in_sync, "$round: and takes over again");
    is($pair->proxy(0)->client->cmd('GET', "stale:$n"), "new $round",
        "$round: with the newer value");
}

# Frozen for less than that, or alone: it goes on where it was.
my $before = $pair->proxy(0)->log =~ tr/\n//;
kill 'STOP', -$pair->proxy(0)->{group};
sleep 1.5;
kill 'CONT', -$pair->proxy(0)->{group};
ok($ledger->goes_on, 'who was frozen and is still the master serves again');
is($pair->beat(0)->{fault}, 'none', 'nobody is blamed for it');

# The mover alone: what it has confirmed does not count while it stands still.
my $mover = $pair->proxy(0)->mover;
kill 'STOP', $mover;
my $c = $pair->proxy(0)->client;
my $n = 0;
$n++ until Undermoon::Cluster::slot("alone:$n") < 8192;
sleep 1.3;
my $asked = time;
$c->send('SET', "alone:$n", 1);
ok($c->silent(0.3), 'a mover that stands still: clients wait');
kill 'CONT', $mover;
is($c->read, 'OK', 'and go on with it');

is_deeply([ $ledger->lost ], [], 'nothing is lost');

done_testing;
