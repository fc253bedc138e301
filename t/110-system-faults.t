#!/usr/bin/perl

# A whole system under the writes of twenty clients, and whatever can be killed
# or hang is killed or hangs: a proxy, the Redis of a master or a replica, the
# coordinator, the broker.  Clients go on by themselves, the cluster gets whole
# again by itself, and what was acknowledged is there; but for what a killed
# Redis had not yet told its replica, which is counted, with its age.
# UM_TEST_SLOW=1 repeats it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Ledger;
use Undermoon::System;
use Undermoon::Test qw(wait_for slow_tests patience);

my $ROUNDS = slow_tests() ? 20 : 1;

# A killed Redis may have acknowledged what was still on its way to its replica:
# so much, and no older than this, ms.
my $REDIS_LAG = 200;

# So many writes of each half are acknowledged before a fault, and after it.
my $MANY = 300;

my $s = Undermoon::System->new(proxies => 5, proxy => 'node_timeout 2s;',
    broker => 'storage file @DIR@/meta;')->start;
$s->create('c', 4);
ok($s->wait_in_sync('c'), 'a cluster') or BAIL_OUT($s->why('c'));

# The member that has the master of a half of the slots, and that master.
sub master_of {
    my ($half) = @_;
    my ($m, $i, $n) = $s->master_of('c', $half);

    return ($m, $m->node($i), $n->{repl}{peers}[0]{node_address});
}

sub redis_at {
    my ($addr) = @_;

    return (grep { $_->addr eq $addr } map { $_->nodes } $s->members)[0];
}

sub kill_redis {
    my ($r) = @_;

    kill 'KILL', $r->pid;
    $r->stop;
}

# [ what, what happens (gives what mends it), may a Redis have lost some ]
my @faults = (
    [ 'kill -9 of a proxy', sub {
        my ($m) = master_of(0);
        $m->kill_9;
        return sub { $m->start };
    } ],
    [ 'SIGSTOP of a proxy', sub {
        my ($m) = master_of(1);
        $m->pause;
        return sub { $m->resume };
    } ],
    [ 'kill -9 of a master Redis', sub {
        my (undef, $r) = master_of(0);
        kill_redis($r);
        return sub { $r->start };
    }, 1 ],
    [ 'kill -9 of a master Redis, and an empty one at once', sub {
        my (undef, $r) = master_of(1);
        kill_redis($r);
        $r->start;
        return sub { };
    }, 1 ],
    [ 'SIGSTOP of a master Redis', sub {
        my (undef, $r) = master_of(0);
        $r->pause;
        return sub { $r->resume };
    } ],
    [ 'kill -9 of a replica Redis', sub {
        my (undef, undef, $replica) = master_of(0);
        my $r = redis_at($replica);
        kill_redis($r);
        return sub { $r->start };
    } ],
    [ 'the coordinator is killed, and a proxy', sub {
        my ($m) = master_of(1);
        kill 'KILL', $s->coordinator->pid;
        $m->kill_9;
        return sub { $m->start };
    } ],
    [ 'the broker is killed, and a proxy', sub {
        my ($m) = master_of(0);
        $s->broker->kill_9;
        $m->kill_9;
        $s->broker->start;
        return sub { $m->start };
    } ],
);

my @table;
for my $f ((@faults) x $ROUNDS) {
    my ($what, $happens, $may_lose) = @$f;
    my $ledger = Undermoon::Ledger->start([ map { $_->addr } $s->members ]);

    ok($ledger->goes_on(acks => $MANY), "$what: writers write")
        or diag($s->why('c'));
    my $since = time;
    my $mend = $happens->();
    ok($ledger->goes_on(within => 60), '  and go on')
        or diag($s->why('c'), $s->coordinator->log);
    my $gap = (sort { $b <=> $a } map { $ledger->gap($_, $since) } 0, 1)[0];
    $mend->();
    ok($s->wait_in_sync('c', 90), '  the cluster is whole again')
        or diag($s->why('c'));
    ok($ledger->goes_on(acks => $MANY, within => 30),
        '  and is written to');

    my @lost = $ledger->lost_of(since => $since);
    my @ours = grep { !$may_lose
            || ($since - $_->{from}) * 1000 > patience($REDIS_LAG) } @lost;
    is_deeply([ map { $_->{text} } @ours ], [], '  nothing is lost')
        or diag($s->why('c'), map { $_->um->log } $s->members);
    push @table, sprintf '%-52s %6d ms %6d acks %d lost by Redis', $what, $gap,
        $ledger->acks, scalar @lost;
    ok(wait_for {
            my $failed = $s->broker->ask('GET', '/proxies/failed/addresses')
                ->{json}{addresses};
            !@$failed } 60, '  and everybody is taken back');
}

diag($_) for @table;
done_testing();
