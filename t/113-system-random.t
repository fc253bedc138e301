#!/usr/bin/perl

# A whole system at random: proxies, Redis, coordinators, the broker and the
# wire between them fail and overlap, while an operator changes clusters and
# clients write.  After each few steps all is mended, and the system is what it
# should be.  What a step does follows from the seed and its number:
# UM_TEST_SEED repeats a run, UM_TEST_STEPS makes it longer, UM_TEST_SLOW=1
# takes an hour.
#
# Of a chunk only one side is harmed until all is mended, and a Redis only while
# its partner has everything.  What a killed Redis had not told its replica is
# counted, and no older than in 110-system-faults.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use File::Path qw(remove_tree);
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Coordinator;
use Undermoon::Cut;
use Undermoon::Ledger;
use Undermoon::System;
use Undermoon::Test qw(wait_for slow_tests patience);

my $SEED  = $ENV{UM_TEST_SEED} // 1 + time % 100_000;
my $STEPS = $ENV{UM_TEST_STEPS} // (slow_tests() ? 1 << 20 : 25);
my $END   = time + 3600;
my $LAG   = 200; # of a killed Redis, ms, as in 110-system-faults
diag("UM_TEST_SEED=$SEED");

my $s = Undermoon::System->new(proxies => 7, coordinators => 0,
    proxy => 'node_timeout 2s;', broker => 'storage file @DIR@/meta;',
    redis => { more => [qw(--appendonly yes)] })->start;
my $wire = Undermoon::Cut->new($s->broker->addr);
my @co = map { Undermoon::Coordinator->new(brokers => [ $wire->addr ])->start }
    1, 2;
$s->create('c', 4);
ok($s->wait_in_sync('c'), 'a cluster') or BAIL_OUT($s->why('c'));

# Of this run: what was done, and the highest epoch seen.
my (@told, $epoch, @ledgers);
my $acks = 0;

# Since all was mended last: what mends it, the chunks that were harmed, is a
# second cluster out of the question, times when a Redis was killed.
my (@mend, %harmed, $touched, @killed);
my $cut = 0;

sub pick { $_[ int rand @_ ] }

sub has_second { defined $s->view('d') }

sub failed {
    return @{ $s->broker->ask('GET', '/proxies/failed/addresses')
            ->{json}{addresses} };
}

sub is_spare {
    my ($m) = @_;
    my $p = $s->broker->ask('GET', '/proxies/meta/' . $m->addr)->{json}{proxy};

    return $p && !defined $p->{cluster_name};
}

# What an operator asks; it may be refused, but not fail.
sub ask {
    my ($method, $path, @body) = @_;
    my $said = $s->broker->say($method, $path, @body);

    like($said, qr/^(?:200|4\d\d)/, "$method $path is answered");
    return "$method $path: " . substr $said, 0, 40;
}

# A proxy of a chunk that was not harmed yet, which is harmed from now on.
sub victim {
    my @nodes = @{ $s->view('c')->{nodes} };
    my @may = grep { !$harmed{$_} } 0 .. @nodes / 4 - 1;
    my $chunk = @may ? pick(@may) : return;
    my $m = $s->by_addr($nodes[ 4 * $chunk + pick(0, 2) ]{proxy_address});

    return unless $m->lives;
    $harmed{$chunk} = $touched = 1;
    return $m;
}

# Kill a Redis; it comes back at once or later, with its data or without.
sub redis_killed {
    return unless $s->is_in_sync('c');
    my $m = victim() or return;
    my $i = pick(0, 1);
    my $r = $m->node($i);
    my ($later, $empty) = (pick(0, 1), pick(0, 1));
    my $back = sub {
        remove_tree("$r->{dir}/appendonlydir") if $empty;
        $r->start;
    };

    push @killed, time;
    kill 'KILL', $r->pid;
    $r->stop;
    $later ? push @mend, $back : $back->();
    return 'kill -9 of Redis ' . $r->addr . ' of ' . $m->addr
        . ($later ? ', back later' : ', back at once')
        . ($empty ? ' and empty' : '');
}

my @deeds = (
    sub {
        my $m = victim() or return;
        $m->kill_9;
        pick(0, 1) ? $m->start : push @mend, sub { $m->start };
        return 'kill -9 of proxy ' . $m->addr
            . ($m->lives ? ', back at once' : '');
    },
    sub {
        my $m = victim() or return;
        $m->pause;
        push @mend, sub { $m->resume };
        return 'SIGSTOP of proxy ' . $m->addr;
    },
    \&redis_killed,
    \&redis_killed,
    sub {
        return unless $s->is_in_sync('c');
        my $m = victim() or return;
        my $r = pick($m->nodes);
        $r->pause;
        push @mend, sub { $r->resume };
        return 'SIGSTOP of Redis ' . $r->addr . ' of ' . $m->addr;
    },
    sub {
        my $i = pick(0, 1);
        my $pid = $co[$i]->pid or return;
        kill 'KILL', $pid;
        return "kill -9 of coordinator $i";
    },
    sub {
        $s->broker->kill_9;
        $s->broker->start;
        return 'kill -9 of the broker';
    },
    sub {
        my $how = pick(qw(both in out));
        $wire->cut($how);
        $cut = 1;
        push @mend, sub { $wire->mend; $cut = 0 };
        return "the wire is cut: $how";
    },
    sub {
        return unless $cut;
        $wire->mend;
        $cut = 0;
        return 'the wire is mended';
    },
    sub { ask('PUT', '/clusters/balance/c') },
    sub {
        return if @{ $s->view('c')->{nodes} } > 4;
        return ask('PATCH', '/clusters/nodes/c', { node_number => 4 });
    },
    sub {
        return if @{ $s->view('c')->{nodes} } == 4;
        $touched = 1;
        return ask('DELETE', '/clusters/free_nodes/c');
    },
    sub {
        my $m = pick($s->members);
        return unless is_spare($m);
        push @mend, sub { $s->register($m) };
        return ask('DELETE', '/proxies/meta/' . $m->addr);
    },
    sub {
        # Writers must not come upon a proxy of theirs in another cluster.
        return if $touched || has_second();
        return ask('POST', '/clusters/meta/d', { node_number => 4 });
    },
    sub { has_second() ? ask('DELETE', '/clusters/meta/d') : undef },
    sub {
        return ask('PATCH', '/clusters/config/c',
            { migration_scan_count => 1 + int(rand 100) . '' });
    },
);

# Who has each slot, by lists of [ address, [first, last], ... ]; twice or
# nobody shows.
sub owners {
    my @owner = ('') x 16384;

    for my $o (@_) {
        my ($addr, @ranges) = @$o;
        $owner[$_] .= $addr for map { $_->[0] .. $_->[1] } @ranges;
    }

    return \@owner;
}

sub owners_seen_by {
    my ($m) = @_;

    return owners(map {
        my (undef, $addr, @f) = split / /;
        $addr =~ s/\@.*//;
        [ $addr, map { /^(\d+)(?:-(\d+))?$/ ? [ $1, $2 // $1 ] : () }
            @f[ 6 .. $#f ] ];
    } grep { /\S/ } split /\n/, $m->cmd(qw(CLUSTER NODES)));
}

# The first slot that is not owned once, or of which a proxy thinks otherwise.
sub disagreement {
    my ($name) = @_;
    my $broker = owners(map {
        my $n = $_;
        map { [ $n->{proxy_address}, @{ $_->{range_list} } ] } @{ $n->{slots} }
    } @{ $s->view($name)->{nodes} });
    my %proxy = map { $_ => 1 } $s->proxies_of($name);

    for my $slot (0 .. 16383) {
        return "broker: $slot of '$broker->[$slot]'"
            unless $proxy{ $broker->[$slot] };
    }
    for my $m ($s->members_of($name)) {
        my $seen = owners_seen_by($m);
        my ($slot) = grep { $seen->[$_] ne $broker->[$_] } 0 .. 16383;

        return $m->addr . ": $slot of '$seen->[$slot]'" if defined $slot;
    }

    return '';
}

sub state_now {
    diag("UM_TEST_SEED=$SEED, the steps:\n", map { "  $_\n" } @told);
    diag(map { $s->view($_) ? "$_: " . $s->why($_) : () } qw(c d));
    diag($_->log) for @co, map { $_->um } $s->broker, $s->members;
}

sub epoch_grows {
    my $now = $s->broker->epoch;
    my $held = $now >= ($epoch // 0);

    ok($held, 'the epoch did not go down') or diag("$epoch, then $now");
    $epoch = $now;
    return $held;
}

# What no killed Redis explains.
sub lost_of {
    my ($l) = @_;

    delete $l->{ledger}{reader};
    $l->{ledger}{proxies} = [ map { $_->addr } $s->members_of('c') ];
    my @lost = $l->{ledger}->lost_of(since => $l->{since});

    diag(scalar @lost, ' keys went with a Redis') if @lost && @{ $l->{killed} };
    return map { $_->{text} } grep { my $k = $_;
        !grep { $k->{from} > $_ - patience($LAG) / 1000 } @{ $l->{killed} }
    } @lost;
}

sub begin {
    (@mend, %harmed, @killed) = ();
    $touched = 0;
    my $l = { since => time, ledger => Undermoon::Ledger->start(
            [ map { $_->addr } $s->members_of('c') ]) };
    push @ledgers, $l;
    return ok($l->{ledger}->goes_on, 'writers write');
}

# All is mended, and holds.
sub whole {
    my $l = $ledgers[-1];

    $_->() for splice @mend;
    push @told, 'all is mended';
    for my $name ('c', has_second() ? 'd' : ()) {
        ok($s->wait_in_sync($name, 90), "$name is whole") or return 0;
        my $why;
        ok(wait_for { ($why = disagreement($name)) eq '' } 20,
            "all agree on the slots of $name") or diag($why), return 0;
    }
    ok(wait_for { !failed() } 60, 'nobody counts as failed') or return 0;
    ok($l->{ledger}->goes_on(within => 60), 'writers go on') or return 0;
    $l->{killed} = [@killed];
    # Of earlier writers, too, whose keys nobody has written to since.
    is_deeply([ map { lost_of($_) } @ledgers ], [], 'nothing is lost')
        or return 0;
    $acks += $l->{ledger}->acks;
    shift @ledgers if @ledgers > 20;
    return epoch_grows();
}

my $good = begin();
for my $n (1 .. $STEPS) {
    last if !$good;
    srand $SEED * 1_000_003 + $n;
    my $told;

    for (1 .. 50) {
        last if defined($told = pick(@deeds)->());
    }
    push @told, "$n: " . ($told // 'nothing can be done');
    note($told[-1]);
    $good = epoch_grows();
    srand $SEED * 1_000_003 + $n;
    my $last = $n == $STEPS || time > $END;
    $good &&= whole() && ($last || begin()) if $last || rand() < 0.25;
    last if $last;
}

diag("$acks acks");
state_now() unless $good;

done_testing();
