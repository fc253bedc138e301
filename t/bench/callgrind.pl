#!/usr/bin/perl

# Instructions of user code per request, counted by callgrind on the worker:
# the same on a busy machine as on an idle one.  Start and end are taken out
# by two runs of different length.  Needs a build without sanitizers.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Time::HiRes qw(sleep);
use Undermoon::Bench qw(stage load cpu_us);
use Undermoon::Test qw(tempdir wait_for);

my ($n, $depths, $command, $size, $top) = (100_000, '1,32', 'get', 64, 25);
my ($keep, $binary);

GetOptions('n=i' => \$n, 'P=s' => \$depths, 't=s' => \$command,
    'd=i' => \$size, 'top=i' => \$top, 'keep=s' => \$keep,
    'binary=s' => \$binary)
    or die "usage: $0 [--n N] [--P LIST] [--t TEST] [--d BYTES] [--top N]"
    . " [--keep DIR] [--binary PROGRAM]\n";

my $dir = $keep // tempdir();
$Undermoon::Test::FACTOR *= 5;

# Values to be found; the nodes serve all runs.
load(stage(binary => $binary), 100_000,
    qw(-P 32 -t set -r 10000 -d), $size);

for my $depth (split /,/, $depths) {
    my $short = count($depth, $n / 5);
    my $long = count($depth, $n + $n / 5);
    my %each = map { $_ => ($long->{$_} - ($short->{$_} // 0)) / $n }
        keys %$long;
    my $total = delete $each{TOTALS};

    printf "%s of %d bytes at -P %d: %.0f instructions per request\n",
        uc $command, $size, $depth, $total;

    for my $name ((sort { $each{$b} <=> $each{$a} } keys %each)[0 .. $top - 1])
    {
        printf "%8.1f %5.1f %%  %s\n", $each{$name},
            100 * $each{$name} / $total, $name if defined $name;
    }
}

# Instructions of the worker for so many requests, by function.
sub count {
    my ($depth, $requests) = @_;
    # So slow are commands under callgrind that all would be logged as such.
    my $um = stage(binary => $binary, workers => 1,
        proxy => 'slowlog_log_slower_than 1000s;',
        wrap => [ qw(valgrind -q --tool=callgrind --trace-children=yes),
            "--callgrind-out-file=$dir/$depth-$requests.%p" ]);
    my ($worker) = $um->workers;
    my ($last, %sum) = 0;

    # What it learns of its nodes first is not to be counted.
    wait_for {
        my $now = cpu_us($um);
        my $calm = $now - $last < 10_000;
        ($last, undef) = ($now, sleep 0.3);
        $calm;
    } 60;

    load($um, $requests, '-c', 50, '-P', $depth, '-t', $command, '-d', $size,
        '-r', 10000);
    $um->stop;

    my $file = "$dir/$depth-$requests.$worker";
    for (qx(callgrind_annotate --auto=no --threshold=100 $file)) {
        my ($cost, $name) = /^\s*([\d,]+) \([^)]*\)\s+(\S+)/ or next;

        $name =~ s{^.*/}{} unless $name =~ /:0x/;
        $name =~ s/^\?+://;
        $name = 'TOTALS' if /PROGRAM TOTALS$/;
        $sum{$name} += $cost =~ tr/,//dr;
    }

    die "callgrind has counted nothing\n" unless $sum{TOTALS};
    return \%sum;
}
