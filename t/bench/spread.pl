#!/usr/bin/perl

# Do connections spread over the workers?  Opens many and counts who holds
# them; every worker must hold between 80 and 120 % of a fair share (of two:
# 40 to 60 % of all).
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Undermoon::Bench qw(stage raise_nofile sockets_of);
use Undermoon::Test qw(wait_for);

my ($clients, $workers, $binary) = (1000, 2);

GetOptions('clients=i' => \$clients, 'workers=i' => \$workers,
    'binary=s' => \$binary)
    or die "usage: $0 [--clients N] [--workers N] [--binary PROGRAM]\n";
raise_nofile($clients + 1000);

my $um = stage(binary => $binary, workers => $workers);
my %before = map { $_ => sockets_of($_) } $um->workers;
my @all = map { $um->client } 1 .. $clients;
my %held;

wait_for {
    my $sum = 0;
    $sum += $held{$_} = sockets_of($_) - $before{$_} for keys %before;
    $sum >= $clients;
} 10 or die "not all connections were accepted\n";

my $fair = 0;
for my $pid (sort { $a <=> $b } keys %held) {
    my $share = $held{$pid} * $workers / $clients;

    printf "worker %d: %d connections, %.1f %% of all\n", $pid, $held{$pid},
        100 * $held{$pid} / $clients;
    $fair++ if $share >= 0.8 && $share <= 1.2;
}
exit($fair == $workers ? 0 : 1);
