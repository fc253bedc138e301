#!/usr/bin/perl

# The broker with 1,000 proxies on 500 hosts and a cluster of 400 nodes, over
# HTTP, beside what the reference's broker took: changes, answers, memory.  It
# runs on one processor, the load on another.  See docs/performance.md.
#
#     perl broker.pl                              what was built here
#     perl broker.pl --answers old=PATH new=PATH  answers only, interleaved
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Getopt::Long;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP ();
use Time::HiRes qw(time);
use Undermoon::Bench qw(median);
use Undermoon::Broker;
use Undermoon::Daemon;
use Undermoon::Http;
use Undermoon::Test qw(tempdir slurp spew);

my ($n, $rounds, $answers_only, $cpus) = (40_000, 7, 0, '0,1');

GetOptions('n=i' => \$n, 'rounds=i' => \$rounds, 'answers' => \$answers_only,
    'cpus=s' => \$cpus)
    or die "usage: $0 [--n N] [--rounds N] [--cpus SERVER,LOAD] [--answers]"
    . " [NAME=PROGRAM ...]\n";

my ($server_cpu, $load_cpu) = split /,/, $cpus;
my ($loader) = grep { -x } map { "$_/t/bench/http_load" }
    $ENV{UM_BUILDDIR} // '.', '.', 'build';
my $json = JSON::PP->new->canonical;
my @builds = map {
    /^([^=]+)=(.*)$/ or die "$_: not of the form NAME=PROGRAM\n";
    [ $1, abs_path($2) ];
} @ARGV ? @ARGV : 'here=' . Undermoon::Daemon::binary();

die "no http_load: make check builds it\n" unless defined $loader;

# ---- A broker, and what it costs --------------------------------------------

sub broker {
    my ($program, $directives) = @_;

    local $ENV{UM_BINARY} = $program;
    local $ENV{UM_MODULES} = dirname($program) . '/modules/.libs';
    my $b = Undermoon::Broker->new(
        broker => "idle_timeout 1h; $directives")->start;

    $b->{program} = $b->pid;
    system("taskset -a -p -c $server_cpu $b->{program} >/dev/null") == 0
        or die "taskset does not work\n";
    $b->{wire} = Undermoon::Http->new($b->addr);
    return $b;
}

sub cpu_ms {
    my ($b) = @_;
    my $ns = 0;

    $ns += (split ' ', slurp($_) || '0')[0]
        for glob "/proc/$b->{program}/task/*/schedstat";
    return $ns / 1e6;
}

sub rss_mb {
    my ($b) = @_;

    slurp("/proc/$b->{program}/status") =~ /^VmRSS:\s+(\d+)/m or die "VmRSS\n";
    return $1 / 1024;
}

# One request that succeeds: its body, ms until it is there, ms of CPU.
sub timed {
    my ($b, $method, $path, $body) = @_;
    my %more = defined $body ? (body => $json->encode($body)) : ();
    my ($cpu, $began) = (cpu_ms($b), time);
    my $r = $b->{wire}->ask($method, "/api/v3$path", %more);
    my $ms = 1000 * (time - $began);

    $r->{status} == 200 or die "$method $path: $r->{status} $r->{body}\n";
    return ($r->{body}, $ms, cpu_ms($b) - $cpu);
}

# ---- What it is asked -------------------------------------------------------

sub proxy {
    my ($i) = @_;
    my $ip = sprintf '10.0.%d.%d', $i / 250, $i % 250;

    return { proxy_address => "$ip:7000", nodes => [ "$ip:7001", "$ip:7002" ],
        host => 'host-' . int($i / 2) };
}

# Seconds, and seconds of CPU.
sub register {
    my ($b, $count) = @_;
    my ($cpu, $began) = (cpu_ms($b), time);

    timed($b, 'POST', '/proxies/meta', proxy($_)) for 0 .. $count - 1;
    return (time - $began, (cpu_ms($b) - $cpu) / 1000);
}

sub nodes {
    my ($b) = @_;

    return @{ $json->decode((timed($b, 'GET', '/clusters/meta/c'))[0])
            ->{cluster}{nodes} };
}

# The proxies in the cluster, or those that are not.
sub proxies {
    my ($b, $in) = @_;
    my %in = map { $_->{proxy_address} => 1 } nodes($b);

    return grep { !$in == !$in{$_} } map { proxy($_)->{proxy_address} }
        0 .. 999;
}

# A task the cluster shows, as it is said when it is done.
sub task {
    my ($b) = @_;
    my ($slots) = grep { ref $_->{tag} && $_->{tag}{Migrating} }
        map { @{ $_->{slots} } } nodes($b);

    return { cluster_name => 'c', slot_range => $slots };
}

# ---- Changes ----------------------------------------------------------------

my %change; # by what and storage: [ ms, ms of CPU ] each time

sub change {
    my ($storage, $what, @ask) = @_;
    my (undef, @ms) = timed(@ask);

    push @{ $change{$what}{$storage} }, \@ms;
}

sub changes {
    my ($storage, $directives) = @_;
    my $b = broker($builds[0][1], $directives);

    $change{register}{$storage} = [ [ map { 1000 * $_ } register($b, 1000) ] ];
    for my $round (1 .. $rounds) {
        my $say = sub { change($storage, shift, $b, @_) };

        $say->('create 400', 'POST', '/clusters/meta/c',
            { node_number => 400 });
        $say->('create 4', 'POST', '/clusters/meta/d', { node_number => 4 });

        my ($lost) = map { $_->{proxy_address} } (nodes($b))[ 4 * $round ];

        $say->('failover', 'POST', "/proxies/failover/$lost");
        timed($b, 'DELETE', "/proxies/meta/$lost"); # a new one comes for it
        $say->('check', 'POST', '/resources/failures/check');
        timed($b, 'POST', '/proxies/meta',
            grep { $_->{proxy_address} eq $lost } map { proxy($_) } 0 .. 999);
        $say->('add 400', 'PATCH', '/clusters/nodes/c',
            { node_number => 400 });
        $say->('plan', 'POST', '/clusters/migrations/expand/c');
        $say->('commit', 'PUT', '/clusters/migrations', task($b));
        timed($b, 'DELETE', "/clusters/meta/$_") for qw(c d);
    }
    $b->um->stop;
}

my @change_rows = (
    [ 'register', 'register 1,000, one by one',    '500' ],
    [ 'create 400', 'create 400 nodes',            '316' ],
    [ 'create 4', 'create 4 nodes more',           '328' ],
    [ 'failover', 'failover',                      '331' ],
    [ 'add 400', 'add 400 nodes',                  '320' ],
    [ 'plan', 'plan 400 -> 800',                   '0.7' ],
    [ 'commit', 'commit of a task',                '' ],
    [ 'check', 'resources/failures/check',         'none in 45 s' ],
);

sub print_changes {
    printf "\n%-28s %17s %17s  %s\n", 'ms, and ms of CPU', 'memory', 'file',
        'reference';
    for (@change_rows) {
        my ($what, $name, $reference) = @$_;

        printf "%-28s", $name;
        for my $storage (qw(memory file)) {
            my @all = @{ $change{$what}{$storage} };

            printf ' %8.2f %8.2f', map { my $i = $_;
                median(map { $_->[$i] } @all) } 0, 1;
        }
        print "  $reference\n";
    }
}

# ---- Answers ----------------------------------------------------------------

# The paths are in a file: { rps, p50, p99, cpu, bytes }.
sub load {
    my ($b, $file, $count, @args) = @_;
    my $addr = $b->addr;
    my $line = qx(taskset -c $load_cpu $loader -n $count -p $b->{program} \\
        @args $addr < $file);

    $? == 0 or die "http_load @args failed\n";
    return { $line =~ /(\w+)=(\S+)/g };
}

# Of one that stands, paths of each kind.
sub paths {
    my ($name, @paths) = @_;
    my $file = tempdir() . "/paths-$name";

    spew($file, join '', map { "/api/v3$_\n" } @paths);
    return $file;
}

# [ kind of paths, share of n, what is said, options, reference's p50/p99 ]
my $packed = q(-H 'Accept-Encoding: gzip');
my @small = (
    [ cluster => 1, 'proxies/meta, 400 nodes', '', '1.1 / 5.5' ],
    [ cluster => 1, '  unchanged: 304', '-e', '' ],
    [ cluster => 1, '  gzip', $packed, '' ],
    [ cluster => 1 / 4, '  a new connection each', '-1', '' ],
    [ free => 1, 'proxies/meta, a spare', '', '0.45' ],
    [ whole => 1 / 4, 'clusters/meta, 400 nodes', '', '2.9 / 8.6' ],
    [ metadata => 1 / 40, 'metadata', '', '7.0' ],
    [ page => 1 / 4, 'proxies/addresses, 100', '', '0.31' ],
    [ epoch => 1, 'epoch', '', '0.30' ],
);
my @large = (
    [ cluster => 1, 'proxies/meta, 800, migrating', '', '1.9 / 5.9' ],
    [ cluster => 1, '  unchanged: 304', '-e', '' ],
    [ cluster => 1, '  gzip', $packed, '' ],
);

sub answers {
    my ($brokers, $cases) = @_;
    my $first = $brokers->[0];
    my %file = (
        cluster => paths('cluster', map { "/proxies/meta/$_" }
            proxies($first, 1)),
        free => paths('free', map { "/proxies/meta/$_" } proxies($first, 0)),
        whole => paths('whole', '/clusters/meta/c'),
        metadata => paths('metadata', '/metadata'),
        page => paths('page', map { "/proxies/addresses?offset=${_}00&limit=100"
            } 0 .. 9),
        epoch => paths('epoch', '/epoch'),
    );

    for (@$cases) {
        my ($kind, $share, $name, $args, $reference) = @$_;
        my %got;

        for (1 .. $rounds) {
            for my $b (@$brokers) {
                push @{ $got{$b} }, {
                    all => load($b, $file{$kind}, int($n * $share), $args),
                    one => load($b, $file{$kind}, int($n * $share / 8),
                        '-c 1', $args),
                };
            }
        }

        for my $i (0 .. $#$brokers) {
            my @got = @{ $got{ $brokers->[$i] } };
            my @cpu = sort { $a <=> $b } map { $_->{all}{cpu} } @got;
            my $mid = sub { my ($with, $key) = @_;
                median(map { $_->{$with}{$key} } @got) };

            printf "%-29s %-6s %8.0f %7.2f %15s %7.3f %7.3f %8.0f  %s\n", $name,
                $builds[$i][0], $mid->('all', 'rps'), $mid->('all', 'cpu'),
                sprintf('(%.2f..%.2f)', @cpu[ 0, -1 ]),
                $mid->('one', 'p50') / 1000, $mid->('one', 'p99') / 1000,
                $mid->('all', 'bytes'), $i == 0 ? $reference : '';
        }
    }
}

# All bodies, by path.
sub bodies {
    my ($b, $file, @args) = @_;
    my $out = tempdir() . '/bodies';
    my %body;

    load($b, $file, 0, "-o $out", @args);
    my $text = slurp($out);
    while ($text =~ /\G(\S+) (\d+)\n/gc) {
        $body{$1} = substr $text, pos $text, $2;
        pos($text) += $2;
    }
    return \%body;
}

# What is kept is what would be made anew, packed or not.
sub compare {
    my ($b) = @_;
    my $other = broker($builds[0][1], 'view_memory 0;');
    my $file = paths('all', map({ "/proxies/meta/" . proxy($_)->{proxy_address}
            } 0 .. 999), '/clusters/meta/c');
    my ($dump) = timed($b, 'GET', '/metadata');
    my $r = $other->{wire}->ask('PUT', '/api/v3/metadata', body => $dump);

    $r->{status} == 200 or die "PUT metadata: $r->{status} $r->{body}\n";
    my ($kept, $packed, $anew) = (bodies($b, $file),
        bodies($b, $file, $packed), bodies($other, $file));
    for my $path (sort keys %$anew) {
        gunzip(\$packed->{$path}, \my $unpacked) or die "$path: no gzip\n";
        die "$path: differs\n" if $kept->{$path} ne $anew->{$path}
            || $unpacked ne $anew->{$path};
    }
    printf "%d answers are those of a broker that keeps none, gzip too\n",
        scalar keys %$anew;
    $other->um->stop;
}

sub print_answers {
    my @brokers = map { broker($_->[1], '') } @builds;

    printf "\n%-29s %-6s %8s %7s %15s %7s %7s %8s  %s\n", '', 'build', 'req/s',
        'CPU us', 'least..most', 'p50 ms', 'p99 ms', 'bytes', 'reference';
    for my $b (@brokers) {
        register($b, 1000);
        timed($b, 'POST', '/clusters/meta/c', { node_number => 400 });
    }
    answers(\@brokers, \@small);
    compare($brokers[0]);
    for my $b (@brokers) {
        timed($b, 'PATCH', '/clusters/nodes/c', { node_number => 400 });
        timed($b, 'POST', '/clusters/migrations/expand/c');
    }
    answers(\@brokers, \@large);
    compare($brokers[0]);
}

# ---- Memory -----------------------------------------------------------------

sub print_memory {
    my $b = broker($builds[0][1], '');
    my $empty = rss_mb($b);

    register($b, 2000);
    timed($b, 'POST', "/clusters/meta/c$_", { node_number => 36 })
        for 1 .. 100;
    my $full = rss_mb($b);
    my $file = paths('memory', map({ "/proxies/meta/"
            . proxy($_)->{proxy_address} } 0 .. 1999),
        map { "/clusters/meta/c$_" } 1 .. 100);

    load($b, $file, 0, $_) for '', $packed, '-e -n 2100';
    printf "\nRSS of 2,000 proxies and 100 clusters: %.1f MB; empty %.1f, with"
        . " every view asked for, plain, gzip and unchanged, %.1f\n", $full,
        $empty, rss_mb($b);
}

printf "load average %s\n", (split ' ', slurp('/proc/loadavg'))[0];
unless ($answers_only) {
    changes('memory', '');
    changes('file', 'storage file @DIR@/meta;');
    print_changes();
}
print_answers();
print_memory() unless $answers_only;
printf "load average %s\n", (split ' ', slurp('/proc/loadavg'))[0];
