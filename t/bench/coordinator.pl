#!/usr/bin/perl

# One coordinator on one core, and 1,000 proxies: how soon does a change reach
# all of them, what does it cost to look after them, and how soon is one that
# fails replaced?  2 % of them take a second for each answer, 1 % never answer.
#
#     UM_BENCH_PROXIES=1000 UM_BENCH_CORE=1 perl -It/lib t/bench/coordinator.pl
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Open2;
use Time::HiRes qw(time sleep);
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::Test qw(wait_for free_port slurp);

my $count = $ENV{UM_BENCH_PROXIES} // 1000;
my $core = $ENV{UM_BENCH_CORE} // 1;
my $idle = $ENV{UM_BENCH_IDLE} // 20;
my $changes = 10;
my $stub = ($ENV{UM_BUILDDIR} // 'build') . '/t/bench/stub_proxies';
my $port = free_port();

-x $stub or die "no $stub: make check builds it";
my $pid = open2(my $out, my $in, $stub, $count, $port, 50, 100);
<$out> =~ /ready/ or die 'the stubs do not start';

sub stubs {
    print $in "@_\n";
    return split / /, scalar <$out>;
}

my $broker = Undermoon::Broker->new(broker => 'migration_limit 0;')->start;
for my $i (0 .. $count - 1) {
    my $ip = sprintf '127.1.%d.%d', $i >> 8, $i & 255;

    $broker->ask('POST', '/proxies/meta', { proxy_address => "$ip:$port",
            host => "host$i", nodes => [ "$ip:7001", "$ip:7002" ] })
        ->{status} == 200 or die 'register';
}

# What is spare takes the place of those that never answer.
my $spares = int($count / 40) * 2;
my $nodes = 2 * ($count - $spares);
$nodes -= $nodes % 4;
$broker->ask('POST', '/clusters/meta/big', { node_number => $nodes })
    ->{status} == 200 or die 'create';

sub cluster_epoch {
    return $broker->ask('GET', '/clusters/meta/big')->{json}{cluster}{epoch};
}

my $began = time;
my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ],
    wrap => [ 'taskset', '-c', $core ],
    block => $ENV{UM_BENCH_BLOCK} // '')->start;
my ($held, $members);

# All of the cluster that answer, and not only most.
sub reached {
    my ($epoch) = @_;
    my ($have) = stubs('at', $epoch);

    return $have >= $members;
}

wait_for {
    my $s = $co->status;
    my $dead = grep { $_->{state} eq 'dead' && $_->{cluster} }
        @{ $s->{members} };
    $s->{failovers} && !$dead && $s->{epoch} == $broker->epoch
        && $s->{proxies_doubted} == 0
        && $s->{proxies_synced} >= $count - int($count / 100);
} 60 or die "it does not settle\n" . $co->cmd("INFO") . $co->log;
printf "start: all of %d told, %d that never answer replaced: %.2f s\n",
    $count, $co->status->{failovers}, time - $began;
$members = $nodes / 2;

# ---- A change reaches everybody

my (@all, @most);
for my $k (1 .. $changes) {
    $began = time;
    $broker->ask('PATCH', '/clusters/config/big',
        { migration_scan_count => '' . (100 + $k) })->{status} == 200
        or die 'change';
    my $epoch = cluster_epoch();
    my $fast = $members - int($count / 50);
    my $seen;

    until (reached($epoch)) {
        $seen //= time - $began if (stubs('at', $epoch))[0] >= $fast;
        time - $began < 30 or die 'a change does not arrive';
        sleep 0.005;
    }
    push @most, $seen // time - $began;
    push @all, time - $began;
}

sub middle { my @s = sort { $a <=> $b } @_; $s[ $#s / 2 ] }

my $pushed = $co->status;
printf "a change, cluster of %d proxies: 98%% told after %.2f s (worst %.2f), "
    . "all, those slow by 1 s too, after %.2f s (worst %.2f)\n",
    $members, middle(@most), (sort { $a <=> $b } @most)[-1], middle(@all),
    (sort { $a <=> $b } @all)[-1];
printf "  %.0f kB for each of them\n",
    $pushed->{push_bytes} / $pushed->{pushes} / 1000;

# ---- Idle

sub cpu {
    my @f = split / /, slurp('/proc/' . $co->pid . '/stat') =~ s/.*\) //rs;
    return ($f[11] + $f[12]) / 100;
}

sleep 2;
my ($cpu, @bytes) = (cpu(), stubs('bytes'));
my $status = $co->status;
sleep $idle;
my ($cpu2, @bytes2) = (cpu(), stubs('bytes'));
my $now = $co->status;
printf "idle: %.1f %% of a core; %.1f bytes sent and %.1f received "
    . "per proxy and second; %d pushes\n",
    100 * ($cpu2 - $cpu) / $idle,
    ($bytes2[0] - $bytes[0]) / $idle / $count,
    ($bytes2[1] - $bytes[1]) / $idle / $count,
    $now->{pushes} - $status->{pushes};
printf "  memory %.1f MB\n", do {
    slurp('/proc/' . $co->pid . '/smaps_rollup') =~ /^Pss:\s+(\d+)/m;
    $1 / 1024;
};

close $in;
waitpid $pid, 0;
