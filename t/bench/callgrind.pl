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
use Undermoon::Bench qw(stage load);
use Undermoon::Test qw(slurp tempdir);

my ($n, $depths, $command, $size, $top) = (20_000, '1,32', 'get', 64, 25);
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
    my ($short) = count($depth, $n / 4);
    my ($long, $file) = count($depth, $n + $n / 4);

    printf "%s of %d bytes at -P %d: %.0f instructions per request\n",
        uc $command, $size, $depth, ($long - $short) / $n;
    print_top($file) if $top;
}

# Instructions of the worker for so many requests, and where they were noted.
sub count {
    my ($depth, $requests) = @_;
    my $um = stage(binary => $binary, workers => 1,
        wrap => [ qw(valgrind -q --tool=callgrind --trace-children=yes),
            "--callgrind-out-file=$dir/$depth-$requests.%p" ]);
    my ($worker) = $um->workers;

    load($um, $requests, '-c', 50, '-P', $depth, '-t', $command, '-d', $size,
        '-r', 10000);
    $um->stop;

    my $file = "$dir/$depth-$requests.$worker";
    my ($sum) = slurp($file) =~ /^(?:summary|totals):\s+(\d+)/m
        or die "$file: no sum in it\n";
    return ($sum, $file);
}

# The functions with the most instructions of their own.
sub print_top {
    my ($file) = @_;
    my @lines = grep { /^\s*[\d,]+ \(/ } qx(callgrind_annotate $file 2>&1);

    for my $line (grep { defined } @lines[0 .. $top]) {
        chomp $line;
        $line =~ s/ \[.*//;
        print "    ", substr($line, 0, 100), "\n";
    }
}
