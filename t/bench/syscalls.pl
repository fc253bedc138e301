#!/usr/bin/perl

# System calls per request, as strace -c counts them on the worker while
# redis-benchmark runs with 50 clients.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Undermoon::Bench qw(stage load);
use Undermoon::Test qw(wait_for slurp tempdir);

my ($n, $depth, $binary) = (30_000, 1);

GetOptions('n=i' => \$n, 'P=i' => \$depth, 'binary=s' => \$binary)
    or die "usage: $0 [--n N] [--P DEPTH] [--binary PROGRAM]\n";

my $um = stage(binary => $binary, workers => 1);
my ($worker) = $um->workers;
my $out = tempdir() . '/counts';

load($um, 20_000, qw(-c 50 -P 16 -t set -d 64 -r 10000));

defined(my $strace = fork) or die "fork: $!\n";
if ($strace == 0) {
    exec 'strace', '-q', '-c', '-f', '-o', $out, '-p', $worker
        or die "strace: $!\n";
}
wait_for { slurp("/proc/$worker/status") =~ /^TracerPid:\s+[1-9]/m } 10
    or die "strace does not attach\n";

load($um, $n, '-c', 50, '-P', $depth, qw(-t get -d 64 -r 10000));
kill 'INT', $strace;
waitpid $strace, 0;

# % time, seconds, usecs/call, calls, [errors,] name
my (%calls, $both);
for (split /\n/, slurp($out)) {
    my ($calls, $name) =
        /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w*)$/ or next;
    $calls{$name} = $calls unless $name eq 'total';
}

for my $name (sort { $calls{$b} <=> $calls{$a} } keys %calls) {
    printf "%-16s %8d  %.3f per request\n", $name, $calls{$name},
        $calls{$name} / $n if $calls{$name} * 1000 > $n;
    $both += $calls{$name}
        if $name =~ /^(?:p?(?:read|write)(?:v2?|64)?|(?:recv|send)\w*)$/;
}
printf "reads and writes per request at -P %d: %.3f\n", $depth, $both / $n;
