#!/usr/bin/perl

# Wires are cut between the parts of a whole system, one way and both ways, and
# mended: coordinator and proxy, proxy and Redis, proxy and proxy, coordinator
# and broker.  Under the writes of twenty clients, which reach all proxies: who
# can goes on, the cluster gets whole by itself, what was acknowledged is there,
# and no two proxies acknowledge writes to a slot at one time.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Cut;
use Undermoon::Coordinator;
use Undermoon::Ledger;
use Undermoon::System;
use Undermoon::Test qw(wait_for);

# How a connection of the coordinator to a proxy begins.
my $ITS = 'UMCTL';

sub whole_system {
    my ($proxies, $more) = @_;
    my $s = Undermoon::System->new(proxies => $proxies, wires => 1,
        coordinators => 0, proxy => "node_timeout 2s; $more")->start;

    $s->{broker_wire} = Undermoon::Cut->new($s->broker->addr);
    $s->{coordinator} = [ Undermoon::Coordinator->new(
            brokers => [ $s->{broker_wire}->addr ])->start ];
    $s->create('c', 4);
    ok($s->wait_in_sync('c'), 'a cluster') or BAIL_OUT($s->why('c'));
    return $s;
}

my $half = 0;

# The member with the master of a half of the slots, and that Redis' wire.
sub master_of {
    my ($s, $half) = @_;
    my ($m, $i) = $s->master_of('c', $half);

    return ($m, $m->node_wire($i));
}

# The wire of the replica of a half.
sub replica_wire {
    my ($s, $half) = @_;
    my (undef, $master) = master_of($s, $half);
    my ($n) = grep { $_->{address} eq $master->addr }
        @{ $s->view('c')->{nodes} };
    my $replica = $n->{repl}{peers}[0]{node_address};

    return (grep { $_->addr eq $replica }
        map { ($_->node_wire(0), $_->node_wire(1)) } $s->members)[0];
}

sub failed {
    my ($s) = @_;

    return @{ $s->broker->ask('GET', '/proxies/failed/addresses')
            ->{json}{addresses} };
}

# Under writes: `cut`, which gives what mends it; then the cluster gets whole.
# `fails_over`: another is to take over before it is mended.  `meanwhile`: what
# else is true then.  `spreads`: proxies acknowledge for one another.
sub story {
    my ($s, $what, $cut, %o) = @_;
    my $ledger = Undermoon::Ledger->start(
        [ map { $_->um->addr } $s->members ],
        alias => { map { $_->addr => $_->um->addr } $s->members });

    ok($ledger->goes_on, "$what: writers write") or diag($s->why('c'));
    my $since = time;
    my $epoch = $s->view('c')->{epoch};
    my $mend = $cut->($ledger);
    if ($o{fails_over}) {
        ok((wait_for { $s->view('c')->{epoch} > $epoch
                    && $ledger->takeovers($half) > 0 } 60),
            '  another takes over') or diag($s->why('c'),
            $s->coordinator->log);
    }
    ok($ledger->goes_on(within => 60), '  writers go on')
        or diag($s->why('c'), $s->coordinator->log);
    $o{meanwhile}->() if $o{meanwhile};
    $mend->();
    ok($s->wait_in_sync('c', 90), '  mended: the cluster is whole')
        or diag($s->why('c'), $s->coordinator->log);
    ok($ledger->goes_on(within => 60), '  and is written to')
        or diag($s->why('c'));
    is_deeply([ $ledger->lost(since => $since) ], [], '  nothing is lost')
        or diag($s->why('c'), $s->coordinator->log,
            map { $_->um->log } $s->members);
    if ($o{spreads}) {
        ok(scalar $ledger->rivals, '  proxies have answered for one another');
    } else {
        is_deeply([ $ledger->rivals ], [], '  no two are masters at one time');
    }
    ok((wait_for { !failed($s) } 60), '  and nobody counts as failed')
        or diag(failed($s));
}

# ---- The coordinator on one side, Redis on the other ------------------------

my $s = whole_system(5, '');
# Another half each time, so that the masters do not all end up in one place.
sub next_master {
    $half = 1 - $half;
    return master_of($s, $half);
}

# A key of that half.
sub key { Undermoon::System::key_of(8192 * $half + $_[0]) }

# Clients still reach the proxy that another takes over from.
for my $way (qw(both in out)) {
    my $m;

    story($s, "coordinator and proxy, $way", sub {
        ($m) = next_master();
        $m->wire->cut($way, $ITS);
        return sub { $m->wire->mend };
    }, fails_over => 1, meanwhile => sub {
        like($m->cmd('SET', key($_), 'late'), qr/^-/,
            '  the old one writes no more') for 1 .. 3;
    });
}

for my $way (qw(both in out)) {
    story($s, "a master Redis and all others, $way", sub {
        my (undef, $wire) = next_master();

        $wire->cut($way);
        return sub { $wire->mend };
    }, fails_over => 1);
}

for my $way (qw(both in out)) {
    story($s, "a replica Redis and all others, $way", sub {
        my $wire = replica_wire($s, $half);

        $wire->cut($way);
        ok((wait_for { !$s->is_in_sync('c') } 60), '  it is found');
        return sub { $wire->mend };
    });
}

# It sees nobody any more, and nobody hears what it makes of that.
for my $way (qw(both in out)) {
    story($s, "coordinator and all proxies, $way", sub {
        $_->wire->cut($way, $ITS) for $s->members;
        ok((wait_for { !$s->coordinator->status->{proxies_alive} } 60),
            '  it sees nobody');
        return sub { $_->wire->mend for $s->members };
    });
}

# What is reported, decided or told in that time does not arrive, or nobody
# hears that it did.
for my $way (qw(both in out)) {
    story($s, "coordinator and broker, $way, and a proxy dies", sub {
        my ($m) = next_master();
        my $co = $s->coordinator;

        $s->{broker_wire}->cut($way);
        $m->kill_9;
        ok((wait_for { $co->proxy($m->addr)->{state} eq 'dead' } 30),
            '  the coordinator finds it dead');
        $s->{broker_wire}->mend;
        return sub { $m->start };
    }, fails_over => 1);
}

# ---- Proxies that send on to one another ------------------------------------

my $a = whole_system(4, 'active_redirection on;');

$half = 0;
for my $way (qw(both in out)) {
    my ($m) = master_of($a, $half);
    my ($other) = grep { $_ != $m } $a->members_of('c');

    story($a, "proxy and proxy, $way", sub {
        $m->wire->cut($way, "!$ITS");
        return sub { $m->wire->mend };
    }, spreads => 1, meanwhile => sub {
        like($other->cmd('SET', key(1), 'lost'), qr/^-/,
            '  the other says that it cannot be done');
        is($m->cmd('SET', key(2), 'done'), 'OK', '  who has it does it');
    });
}

done_testing();
