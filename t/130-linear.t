#!/usr/bin/perl

# Whatever fails that need not lose data, clients see one Redis.  Forty-eight
# cluster clients do all kinds of commands at random and write down what they
# see, while workers and proxies are killed, hang, are reloaded and replaced,
# and wires are cut; then it is looked for an order of all these commands that
# explains every answer.  (A killed Redis may lose what it had not told its
# replica, so none is killed here.)
#
# UM_TEST_SEED repeats a run's faults and commands, not how they meet;
# UM_TEST_STEPS: so many faults; UM_TEST_FAULTS: a regex of their names;
# UM_TEST_RATE: operations a second, 0 as many as
# possible; UM_TEST_SLOW=1 takes an hour.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(time clock_gettime CLOCK_MONOTONIC);
use Undermoon::Ctl;
use Undermoon::Linear;
use Undermoon::System;
use Undermoon::Test qw(wait_for slow_tests);

my $SEED  = $ENV{UM_TEST_SEED} // 1 + time % 100_000;
my $STEPS = $ENV{UM_TEST_STEPS} // (slow_tests() ? 1 << 20 : 0);
my $RATE  = $ENV{UM_TEST_RATE} // (slow_tests() ? 20_000 : 6000);
my $FAULTS = $ENV{UM_TEST_FAULTS} // '';
my $END   = time + 3600;
diag("UM_TEST_SEED=$SEED");
srand $SEED;

# How a connection of the coordinator to a proxy begins.
my $ITS = 'UMCTL';

my ($s, @told);

sub told { push @told, sprintf '%.3f %s', clock_gettime(CLOCK_MONOTONIC), @_ }

sub any_master { $s->master_of('c', int rand 2) }

# Does somebody else take over?
sub taken_over {
    my ($epoch) = @_;

    return wait_for { $s->view('c')->{epoch} > $epoch } 60;
}

# A cut that another is to be found for.
sub cut_until_taken_over {
    my ($wire, @how) = @_;
    my $epoch = $s->view('c')->{epoch};

    $wire->cut(@how);
    ok(taken_over($epoch), '  another takes over') or diag($s->why('c'));
    return sub { $wire->mend };
}

# What is done while clients ask; each gives what mends it, if there is
# something to mend.  Whatever else can happen to a system, such as slots that
# migrate there and back, is one more entry: `wires` says that its system must
# have wires (undef: either will do), `loses` that clients cannot be served
# meanwhile, `known` what is known to be wrong then: it is left out, but for
# UM_TEST_KNOWN=1.
my $STALE = 'an old master answers reads for up to 250 ms after another has '
    . 'taken over';
my $story = { faults => [
    { name => 'kill -9 of a worker', do => sub {
        my ($m) = any_master();
        my ($pid) = shuffle($m->um->workers);

        kill 'KILL', $pid;
        ok((wait_for {
            my @now = $m->um->workers;
            @now >= $s->{workers} && !grep { $_ == $pid } @now;
        } 10), '  another comes');
        return;
    } },
    { name => 'kill -9 of a mover', do => sub {
        my ($m) = any_master();
        my $pid = $m->um->mover // return;

        kill 'KILL', $pid;
        ok((wait_for { ($m->um->mover // $pid) != $pid } 10),
            '  another comes');
        return;
    } },
    { name => 'reload of all proxies', do => sub {
        for my $m ($s->members_of('c')) {
            my @before = $m->um->workers;

            $m->um->reload;
            ok((wait_for { $m->um->has_new_workers(@before) } 10),
                '  new workers');
        }
        return;
    } },
    { name => 'undermoonctl failover', do => sub {
        my ($m) = any_master();
        my $r = Undermoon::Ctl->new(broker => $s->broker->addr)
            ->run('failover', $m->addr, '--yes');

        is($r->{status}, 0, '  done') or diag($r->{err}, $s->why('c'));
        return;
    } },
    { name => 'cluster balance', do => sub {
        like($s->broker->say('PUT', '/clusters/balance/c'), qr/^(?:200|409)/,
            '  is answered');
        return;
    } },
    { name => 'kill -9 of a proxy', wires => 0, do => sub {
        my ($m) = any_master();
        my $epoch = $s->view('c')->{epoch};

        $m->kill_9;
        ok(taken_over($epoch), '  another takes over') or diag($s->why('c'));
        return sub { $m->start };
    } },
    { name => 'kill -9 of a proxy, which is back at once', wires => 0,
        do => sub {
        my ($m) = any_master();

        $m->kill_9;
        $m->start;
        return;
    } },
    { name => 'a proxy hangs for a moment', do => sub {
        my ($m) = any_master();
        my $begin = time;

        $m->pause;
        wait_for { time > $begin + 0.3 } 1;
        $m->resume;
        return;
    } },
    { name => 'a proxy hangs', do => sub {
        my ($m) = any_master();
        my $epoch = $s->view('c')->{epoch};

        $m->pause;
        ok(taken_over($epoch), '  another takes over') or diag($s->why('c'));
        return sub { $m->resume };
    } },
    (map { my $way = $_; (
        { name => "coordinator and proxy, $way", wires => 1,
            known => $STALE, do => sub {
            my ($m) = any_master();

            return cut_until_taken_over($m->wire, $way, $ITS);
        } },
        { name => "a master Redis and all others, $way", wires => 1,
            do => sub {
            my ($m, $i) = any_master();

            return cut_until_taken_over($m->node_wire($i), $way);
        } },
        { name => "clients and a proxy, $way", wires => 1, loses => 1,
            do => sub {
            my ($m) = any_master();

            $m->wire->cut($way, "!$ITS");
            return sub { $m->wire->mend };
        } },
    ) } qw(both in out)),
] };

# ---- one after the other, under load ----------------------------------------

sub whole_system {
    my ($wires) = @_;

    $s = Undermoon::System->new(proxies => 5, wires => $wires, workers => 2,
        proxy => 'node_timeout 2s;')->start;
    $s->create('c', 4);
    ok($s->wait_in_sync('c'), 'a cluster' . ($wires ? ' with wires' : ''))
        or BAIL_OUT($s->why('c'));
    return $s;
}

sub fail_under {
    my ($load, $fault) = @_;

    note($fault->{name});
    told($fault->{name});
    my $unknown = $load->says->{unknown} // 0;
    my $mend = $fault->{do}->();
    if ($fault->{loses}) {
        # They do not know what became of what they asked.
        ok((wait_for { ($load->says->{unknown} // 0) > $unknown } 20),
            '  some do not know');
    } else {
        ok($load->goes_on(within => 60), "$fault->{name}: clients go on")
            or diag($s->why('c'));
    }
    if ($mend) {
        $mend->();
        told('  mended');
    }
    ok($s->wait_in_sync('c', 90), '  the cluster is whole')
        or diag($s->why('c'));
    ok($load->goes_on(within => 60), '  and serves') or diag($s->why('c'));
}

sub round_of {
    my @faults = @_;
    my $load = Undermoon::Linear->start([ map { $_->addr } $s->members ],
        seed => $SEED + @told, $s->{wires}
            ? (rate => 3000, clients => 24, groups => 2)
            : (rate => $RATE || undef, groups => 6));

    @told = ();
    ok($load->goes_on, 'clients are served') or diag($s->why('c'));
    fail_under($load, $_) for @faults;
    ok($load->stop, 'all keys were read at the end');
    my ($status, $text) = $load->judge;
    if ($status == 0) {
        pass('what clients saw is linearizable');
        diag($text);
    } else {
        fail("what clients saw is linearizable (um_lin_check: $status)");
        diag($text, map { "$_\n" } "UM_TEST_SEED=$SEED, what was done:",
            @told);
        diag(map { $_->um->log } $s->members) if $ENV{UM_TEST_LOG};
    }
    unlink $load->log_file if $status == 0;
    return $status == 0;
}

sub faults_of {
    my ($wires, $most) = @_;
    my @f = shuffle(grep { ($_->{wires} // $wires) == $wires
                && $_->{name} =~ /$FAULTS/
                && ($ENV{UM_TEST_KNOWN} || !$_->{known}) }
            @{ $story->{faults} });

    return @f[ 0 .. ($most < @f ? $most : @f) - 1 ];
}

for my $fault (grep { $_->{known} } @{ $story->{faults} }) {
    note("left out: $fault->{name}: $fault->{known}")
        unless $ENV{UM_TEST_KNOWN};
}

my @systems = map { whole_system($_) } 0, 1;
my $done = 0;

for (my $round = 0; ; $round++) {
    my $wires = $round % 2;
    my $left = $STEPS ? $STEPS - $done : 100;
    # In short, most of what needs no wires, and some of the rest.
    my @f = faults_of($wires, slow_tests() || $STEPS ? $left
        : $wires ? 4 : 7);

    $s = $systems[$wires];
    last unless !@f || round_of(@f);
    $done += @f;
    last if $STEPS ? $done >= $STEPS || time > $END : $wires;
}

done_testing();
