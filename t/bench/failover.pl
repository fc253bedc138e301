#!/usr/bin/perl

# A whole system, a broker, a coordinator and six proxies with two
# redis-servers each, all with default timeouts: how long is it from a fault
# until writes to all slots succeed, and from the creation of a cluster until
# all of it serves, replicas too?  Beside it what the reference took.  See
# docs/performance.md.
#
#     perl t/bench/failover.pl [--kills N] [--stops N] [--redis N] [--creates N]
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use Getopt::Long;
use Time::HiRes qw(time);
use Undermoon::Bench qw(median);
use Undermoon::System;
use Undermoon::Test qw(wait_for slurp);

my ($kills, $stops, $redis, $creates) = (20, 5, 5, 10);

GetOptions('kills=i' => \$kills, 'stops=i' => \$stops, 'redis=i' => \$redis,
    'creates=i' => \$creates)
    or die "usage: $0 [--kills N] [--stops N] [--redis N] [--creates N]\n";

# One key in each of these slots, which lie on both sides of the cluster.
my @keys = map { Undermoon::System::key_of(1024 * $_ + 512) } 0 .. 15;

my $s = Undermoon::System->new(proxies => 6)->start;

sub failed {
    return @{ $s->broker->ask('GET', '/proxies/failed/addresses')
            ->{json}{addresses} };
}

# Whole again, and the one that failed is a spare.  The coordinator takes one
# back that fails often later each time; an operator does it at once.
sub whole {
    my @said;

    $s->wait_in_sync('c', 60)
        or die "not whole:\n" . $s->why('c') . $s->coordinator->log;
    for my $addr (failed()) {
        my $m = $s->by_addr($addr);

        wait_for { ($s->coordinator->proxy($addr)->{state} // '') eq 'alive'
                && ($m->beat)[3] } 30 or die "$addr stays dead\n";
        push @said, $s->broker->say('POST', '/proxies/meta', {
                proxy_address => $addr, host => $m->host,
                nodes => [ $m->node_addrs ] });
    }
    wait_for { !failed() } 10 or die "failed: @{[ failed() ]}: @said\n";
}

# ---- Creation ---------------------------------------------------------------

# Nothing but what lasts from one cluster to the next: its proxies are empty.
sub create {
    my $began = time;
    my $said = $s->broker->say('POST', '/clusters/meta/c',
        { node_number => 4 });

    $said =~ /^200/ or die "create: $said\n";
    $s->wait_ready('c') or die "not served:\n" . $s->why('c');
    my $served = time - $began;
    $s->wait_in_sync('c') or die "not in sync:\n" . $s->why('c');
    return ($served, time - $began);
}

sub forget {
    my @were = $s->members_of('c');

    $s->broker->say('DELETE', '/clusters/meta/c') =~ /^200/ or die 'delete';
    wait_for {
        !grep { ($_->cmd('GET', $keys[0]) // '') !~ /^-/ } @were;
    } 30 or die "a cluster stays\n";
}

# ---- Faults -----------------------------------------------------------------

# The member with the master of this half of the slots, and that master.
sub master_of {
    my ($half) = @_;
    my ($m, $i) = $s->master_of('c', $half);

    return ($m, $m->node($i));
}

# Seconds until each key has been written after `happens`, which gives what
# mends it.
sub outage {
    my ($happens) = @_;
    my @left = @keys;
    my $began = time;
    my $mend = $happens->();

    wait_for {
        shift @left while @left && ($s->cmd('SET', $left[0], $began) // '-')
            !~ /^-/;
        !@left;
    } 60 or die "no writes:\n" . $s->why('c') . $s->coordinator->log;

    my $took = time - $began;
    $mend->();
    whole();
    return $took;
}

sub killed {
    my ($m) = master_of($_[0]);

    return outage(sub { $m->kill_9; sub { $m->start } });
}

sub stopped {
    my ($m) = master_of($_[0]);

    return outage(sub { $m->pause; sub { $m->resume } });
}

sub redis_killed {
    my (undef, $r) = master_of($_[0]);

    return outage(sub {
        kill 'KILL', $r->pid;
        sub { $r->restart };
    });
}

# ---- The table --------------------------------------------------------------

sub row {
    my ($what, $reference, @took) = @_;

    @took = sort { $a <=> $b } @took or return;
    printf "%-44s %3d %7.2f %7.2f %7.2f  %s\n", $what, scalar @took, $took[0],
        median(@took), $took[-1], $reference;
}

sub load { (split ' ', slurp('/proc/loadavg'))[0] }

my $load = load();
my @created;
for my $i (1 .. $creates) {
    push @created, [ create() ];
    forget();
}
create();
whole();

my @killed = map { killed($_ & 1) } 1 .. $kills;
my @stopped = map { stopped($_ & 1) } 1 .. $stops;
my @redis = map { redis_killed($_ & 1) } 1 .. $redis;

printf "load average %s before, %s after\n\n", $load, load();
printf "%-44s %3s %7s %7s %7s  %s\n", 'seconds', 'n', 'least', 'median',
    'worst', 'reference';
row('kill -9 of a proxy, all slots written', '1.07 - 1.80 (4.79)', @killed);
row('SIGSTOP of a proxy, all slots written', '9.39', @stopped);
row('kill -9 of a master Redis, all slots written', 'never', @redis);
row('create, all slots served', '0.98', map { $_->[0] } @created);
row('create, all replicas in sync', '', map { $_->[1] } @created);
