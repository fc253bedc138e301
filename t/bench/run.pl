#!/usr/bin/perl

# Requests per second, latency and CPU time per request of one or several
# builds, in interleaved rounds, so that the machine's noise hits all alike:
#
#     perl run.pl before=/tmp/old/undermoond after=./undermoond
#     perl run.pl 1x= 2x=                     # one worker against two
#     perl run.pl resp2= resp3=               # clients of RESP2 against RESP3
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Undermoon::Bench qw(stage load median);

my %cases = (
    p1     => [ 1,     qw(-c 50 -P 1 -t get -d 64 -r 100000) ],
    p32    => [ 3,     qw(-c 50 -P 32 -t get -d 64 -r 100000) ],
    p32set => [ 3,     qw(-c 50 -P 32 -t set -d 64 -r 100000) ],
    p1_4k  => [ 1,     qw(-c 50 -P 1 -t get -d 4096 -r 1000) ],
    mget   => [ 1 / 2, qw(-c 20 -P 4 -r 100000 MGET),
        ('key:__rand_int__') x 10 ],
);
my ($n, $rounds, $workers) = (100_000, 7, 1);
my $cases = 'p1,p32,p32set,p1_4k,mget';

GetOptions('n=i' => \$n, 'rounds=i' => \$rounds, 'workers=i' => \$workers,
    'cases=s' => \$cases) or die "usage: $0 [--n N] [--rounds N]"
    . " [--workers N] [--cases LIST] [NAME=[PROGRAM] | Nx=[PROGRAM] ...]\n";

my (@builds, %got);

for my $arg (@ARGV ? @ARGV : 'undermoond=') {
    my ($name, $binary) = $arg =~ /^([^=]+)=(.*)$/
        or die "$arg: not of the form NAME=PROGRAM\n";

    push @builds, [ $name, stage(binary => $binary,
        workers => $name =~ /^(\d+)x$/ ? $1 : $workers) ];
}

load($builds[0][1], 300_000, qw(-P 32 -t set -d 64 -r 100000));

for my $case (split /,/, $cases) {
    my ($share, @args) = @{ $cases{$case} or die "$case: no such case\n" };

    load($builds[0][1], 10_000, qw(-P 8 -t set -d 4096 -r 1000))
        if $case eq 'p1_4k';
    for (1 .. $rounds) {
        push @{ $got{$case}{ $_->[0] } },
            load($_->[1], int($n * $share), $_->[0] =~ /^resp3/ ? '-3' : (),
                @args) for @builds;
    }
}

printf "%-8s %-12s %9s %8s %8s %10s %17s\n", qw(case build req/s p50ms p99ms),
    'cpu us/req', '(least..most)';
for my $case (split /,/, $cases) {
    for my $name (map { $_->[0] } @builds) {
        my @got = @{ $got{$case}{$name} };
        my @cpu = sort { $a <=> $b } map { $_->{cpu} } @got;
        my @mid = map { my $k = $_; median(map { $_->{$k} } @got) }
            qw(rps p50 p99 cpu);

        printf "%-8s %-12s %9.0f %8.3f %8.3f %10.2f %8.2f..%-7.2f\n", $case,
            $name, @mid, $cpu[0], $cpu[-1];
    }
}
printf "PSS of %s: %.1f MB\n", $_->[0], $_->[1]->memory / 1048576 for @builds;
