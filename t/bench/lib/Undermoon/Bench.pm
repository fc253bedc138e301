package Undermoon::Bench;

# What the measurements share: an undermoond before two redis-servers, a load,
# and what the kernel says the proxy has used.  The harness of the black-box
# tests starts and stops it all.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use lib "$FindBin::Bin/../lib";
use Undermoon::Daemon;
use Undermoon::Test qw(cluster redis slurp wait_for);

our @EXPORT_OK = qw(stage load cpu_us sockets_of median raise_nofile);

my @nodes;

# More descriptors than the shell gave us, for us and all we start.
sub raise_nofile {
    my ($need) = @_;
    my $soft = `sh -c 'ulimit -n'`;
    chomp $soft;

    return if $soft eq 'unlimited' || $soft >= $need;
    die "cannot raise the limit of open files to $need\n"
        if $ENV{UM_BENCH_RAISED};
    local $ENV{UM_BENCH_RAISED} = 1;
    exec 'sh', '-c', "ulimit -n $need && exec \"\$@\"", 'sh', $^X,
        (map { "-I$_" } @INC), $0, @ARGV;
    die "sh: $!\n";
}

# An undermoond before two nodes, the same for all of a script.  Options are
# those of undermoond(); `binary` may be empty: what was built here.
sub stage {
    my (%o) = @_;
    my $more = delete $o{proxy} // '';

    delete $o{binary} unless length($o{binary} // '');
    die "no undermoond: build it, or set UM_BINARY\n"
        unless -x ($o{binary} // Undermoon::Daemon::binary());

    @nodes = map { redis() } 1 .. 2 unless @nodes;
    my $c = cluster(with => \@nodes, proxy => "active_redirection on; $more",
        %o);
    my $um = $c->proxy;

    # A new connection may meet any worker: when so many in a row are served
    # on either node, all know.
    my $row = 0;
    wait_for {
        my $ok = eval {
            my $client = $um->client;
            2 == grep { $client->cmd('SET', $c->key_on($_, 'ready'), 1)
                    eq 'OK' } 0, 1;
        };
        $row = $ok ? $row + 1 : 0;
        $row >= 16;
    } 30 or die "the nodes are not served:\n" . $um->log;

    return $um;
}

# How many sockets a process holds.
sub sockets_of {
    my ($pid) = @_;

    return scalar grep { (readlink // '') =~ /^socket:/ }
        glob "/proc/$pid/fd/*";
}

# CPU time of the proxy so far, all processes and threads, microseconds.
sub cpu_us {
    my ($um) = @_;
    my $ns = 0;

    for my $pid ($um->pid, $um->workers) {
        $ns += (split ' ', slurp($_) || '0')[0]
            for glob "/proc/$pid/task/*/schedstat";
    }

    return $ns / 1000;
}

# Run redis-benchmark: { rps, p50, p99 (ms), cpu (us per request) }.
sub load {
    my ($um, $n, @args) = @_;
    my $before = cpu_us($um);
    my @lines = qx(redis-benchmark -h 127.0.0.1 -p $um->{port} \\
        -n $n --csv @args 2>&1);
    my $cpu = (cpu_us($um) - $before) / $n;
    my ($wrong) = grep { /rror/ } @lines;
    my ($row) = grep { /^"/ && !/"rps"/ } @lines;

    die "redis-benchmark: $wrong" if defined $wrong;
    die "redis-benchmark said nothing\n" unless defined $row;
    my (undef, $rps, undef, undef, $p50, undef, $p99) =
        map { s/"//gr } split /","/, $row;
    return { rps => $rps, p50 => $p50, p99 => $p99, cpu => $cpu };
}

sub median {
    my @sorted = sort { $a <=> $b } @_;

    return $sorted[ $#sorted / 2 ];
}

1;
