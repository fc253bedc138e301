#!/usr/bin/perl

# /metrics: what Prometheus' own tool takes, what was done and nothing else,
# never less than before, and all of it in docs/metrics.md.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Http;
use Undermoon::Redis;
use Undermoon::Test qw(cluster wait_for free_port tempdir spew slurp);

my $top = $ENV{UM_SRCDIR} // '.';
my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/status.so';
my $module = -e $file ? $file : 'status'; # --with-modules=static
my $port = free_port();
my $addr = "127.0.0.1:$port";

my $c = cluster(nodes => 2, workers => 2,
    main => "module $module;\nstatus { listen $addr; }");
my $um = $c->proxy;

is($um->client->cmd(qw(UMCTL SETREPL 3 NOFLAG),
    map { ('master', 'testcluster', $_->addr, 0) } $c->nodes), 'OK', 'masters');

# The deeds that the numbers are about: clients, as many on each worker as the
# kernel likes.
sub deeds {
    my ($n, @cmd) = @_;
    my @clients = map { $um->client } 1 .. 10;

    $clients[ $_ % 10 ]->cmd(@cmd) for 1 .. $n;
}

sub value {
    my ($name) = @_;

    return (Undermoon::Http::metrics($addr))[0]{"undermoon_$name"};
}

# ---- Values ----------------------------------------------------------------

my %before = %{ (Undermoon::Http::metrics($addr))[0] };
deeds(100, qw(GET foo));
deeds(50, qw(SET foo bar));
deeds(20, qw(LPUSH foo x)); # WRONGTYPE
deeds(30, 'PING');
$um->client->cmd('MONITOR');

sub grown {
    my ($name, $n, $what) = @_;
    my $more;

    # A worker may write its numbers a moment behind its replies.
    wait_for {
        $more = (value($name) // 0) - ($before{"undermoon_$name"} // 0);
        $more >= $n;
    } 2;
    is($more, $n, $what // "$name: $n more");
}

grown('commands_total', 201);
grown('commands_handled_total{way="node"}', 170);
grown('commands_handled_total{way="self"}', 30);
grown('commands_handled_total{way="refused"}', 1);
grown('client_connections_accepted_total', 41);
cmp_ok(value('client_received_bytes_total')
        - $before{undermoon_client_received_bytes_total},
    '>', 100 * length "*2\r\n\$3\r\nGET\r\n\$3\r\nfoo\r\n", 'bytes in');

grown('command_calls_total{command="get"}', 100);
grown('command_calls_total{command="set"}', 50);
grown('command_calls_total{command="lpush"}', 20);
grown('command_failed_total{command="lpush"}', 20);
grown('command_failed_total{command="get"}', 0);
grown('command_rejected_total{command="monitor"}', 1);
grown('error_replies_total{error="WRONGTYPE"}', 20);
grown('commands_by_kind_total{kind="read"}', 100);
grown('commands_by_kind_total{kind="write"}', 70);
cmp_ok(value('commands_by_kind_total{kind="other"}'), '>=', 30, 'the others');

# Histograms: buckets grow to the count, the sum is that of all.
{
    my ($value) = Undermoon::Http::metrics($addr);
    my @le = sort { $a->[0] <=> $b->[0] }
        map { /^undermoon_command_duration_seconds_bucket
            \{command="get",le="(.*)"\}$/x
            ? [ $1 eq '+Inf' ? 9e9 : $1, $value->{$_} ] : () } keys %$value;
    my $last = 0;

    cmp_ok(scalar @le, '>', 8, 'buckets of GET');
    is(scalar(grep { my $less = $_->[1] < $last; $last = $_->[1]; $less } @le),
        0, 'only grow');
    is($last, 100, 'up to 100');
    is(value('command_duration_seconds_count{command="get"}'), 100, 'count');
    my $sum = value('command_duration_seconds_sum{command="get"}');
    ok($sum > 0 && $sum < 100, "sum: $sum s");

    my $node = $c->node($c->node_of('foo'))->addr;
    cmp_ok(value(qq(node_latency_seconds_count{node="$node"})), '>=', 170,
        'latency of the node');
    cmp_ok(value(qq(node_latency_seconds_bucket{node="$node",le="+Inf"})),
        '==', value(qq(node_latency_seconds_count{node="$node"})),
        'the last bucket has all');
    my $latency = Undermoon::Http::json($addr, '/status')->{latency}{$node};
    cmp_ok($latency->{p99_seconds}, '>=', $latency->{p50_seconds},
        'percentiles for people');
}

{
    my @held = map { $um->client } 1 .. 7;
    $_->cmd('PING') for @held;
    ok((wait_for { value('clients') == 7 } 5), 'clients now');
    ok((wait_for { value('backend_connections{kind="shared"}') == 4 } 5),
        'two workers have a connection to each of two nodes');
}

is(value('topology_epoch'), $um->{epoch}, 'epoch');
is(value('replication_epoch'), 3, 'of SETREPL, too');
my $first = $c->node->addr;
ok((wait_for {
    value(qq(replication_node_state{node="$first",role="master",)
            . 'state="serving"}');
} 5), 'a node is what it should be');
is(value('replication_promotions_total'), 0, 'nobody was promoted');
is(value('slots_assigned'), 16384, 'slots');
is(value('local_nodes'), 2, 'nodes');
is(value('workers{state="running"}'), 2, 'workers');
is(value('cluster_info{cluster="testcluster"}'), 1, 'cluster');
is(value('healthy') . value('ready'), '11', 'healthy and ready');
cmp_ok(abs(value('start_time_seconds') - time), '<', 120, 'start');
cmp_ok(value('process_resident_memory_bytes{process="master"}'), '>', 1e5,
    'memory of the master');

# ---- Sums and workers ------------------------------------------------------

# Every counter that has both: the sum of the workers is the sum.
sub check_sums {
    my ($why) = @_;
    my ($value) = Undermoon::Http::metrics($addr);
    my (%sum, @wrong);

    for my $name (grep { /^undermoon_worker_.*_total\{/ } keys %$value) {
        my ($metric, $labels) = $name =~ /^undermoon_worker_(\w+)\{(.*)\}$/;
        $labels =~ s/worker="\d+",?//;
        $sum{ "undermoon_$metric" . ($labels ? "{$labels}" : '') }
            += $value->{$name};
    }
    delete $sum{undermoon_starts_total};

    for my $name (sort keys %sum) {
        push @wrong, "$name: $sum{$name}, not " . ($value->{$name} // 'there')
            if $sum{$name} != ($value->{$name} // -1);
    }
    cmp_ok(scalar keys %sum, '>', 20, 'there are counters by worker');
    is("@wrong", '', "workers come to their sum $why");
    return $value;
}

my $both = check_sums('at first');

# ---- Never less ------------------------------------------------------------

sub falls {
    my ($was, $now) = @_;

    return grep { /_total(?:\{|$)|_count|_bucket|_sum/ && !/process_cpu/
            && $now->{$_} < $was->{$_} } sort keys %$was;
}

for my $how (qw(KILL TERM HUP)) {
    my ($now, @pids) = ($both, $um->workers);

    if ($how eq 'HUP') {
        $um->reload;
    } else {
        my ($worker) = grep {
            slurp("/proc/$_/cmdline") =~ /: worker/
        } @pids;
        kill $how, $worker;
    }
    ok((wait_for {
        my ($next) = eval { Undermoon::Http::metrics($addr) } or return 0;
        push @$how_fell::list, falls($now, $next);
        $now = $next;
        $now->{undermoon_ready} && grep { my $p = $_; !grep { $_ == $p } @pids }
            $um->workers;
    } 10), "$how: workers come anew");
    deeds(10, qw(GET foo));
    my $after = check_sums("after $how");
    is(join(', ', @$how_fell::list, falls($both, $after)), '',
        'and no counter fell');
    is($after->{undermoon_commands_total},
        $both->{undermoon_commands_total} + 10, 'none jumped, either');
    $both = $after;
}

cmp_ok(value('worker_deaths_total'), '>=', 1, 'deaths are counted');
is(value('reloads_total'), 1, 'and reloads');

# CONFIG RESETSTAT is for INFO; Prometheus must not see it.
$um->client->cmd(qw(CONFIG RESETSTAT));
is_deeply([ falls($both, (Undermoon::Http::metrics($addr))[0]) ], [],
    'CONFIG RESETSTAT changes nothing here');

# ---- promtool --------------------------------------------------------------

my (undef, $families, $text) = Undermoon::Http::metrics($addr);
my $open = Undermoon::Http::get($addr, '/metrics',
    Accept => 'application/openmetrics-text; version=1.0.0,*/*;q=0.1');

SKIP: {
    my $promtool = Undermoon::Redis::program('promtool')
        or skip('promtool (Debian: prometheus) is not installed', 1);
    my $copy = tempdir() . '/metrics';

    spew($copy, $text);
    my $said = qx($promtool check metrics <$copy 2>&1);
    is($said . $?, '0', 'promtool check metrics has nothing to say');
}

like($open->{headers}{'content-type'}, qr{^application/openmetrics-text;},
    'OpenMetrics when that is asked for');
like($open->{body}, qr/\n# EOF\n\z/, 'which has an end');
like($open->{body}, qr/^# TYPE undermoon_commands counter$/m,
    'and its own names of counters');
is(Undermoon::Http::get($addr, '/metrics')->{headers}{'content-type'},
    'text/plain; version=0.0.4; charset=utf-8', 'the older form otherwise');

# In both, families stand together, and no value comes twice.
for my $form ($text, $open->{body}) {
    my (%seen, %done, $now, @bad);

    for (split /\n/, $form) {
        if (/^# TYPE (\S+)/) {
            push @bad, $1 if $done{$1}++;
            $now = $1;
        } elsif (/^([a-z_]+)(?:\{.*\})? /) {
            push @bad, $_ unless index($1, $now) == 0;
            push @bad, "twice: $_" if $seen{ s/ \S+$//r }++;
        }
    }
    is("@bad", '', 'families stand together');
}

# ---- docs/metrics.md -------------------------------------------------------

# The labels of each family, as they were seen.
my %labels;
for my $line (split /\n/, $text) {
    my ($name, $all) = $line =~ /^(\w+)\{(.*)\} \S+$/ or next;

    $name =~ s/_(?:bucket|sum|count)$//;
    $labels{$name}{$1} = 1 while $all =~ /(\w+)="(?:[^"\\]|\\.)*"/g;
}

# Rows of its table: name, type, labels, by worker too, help.
my $page = slurp("$top/docs/metrics.md");
my (%is, @want);

for (@$families) {
    my ($name, $type, $help) = @$_;

    if ($name =~ /^undermoon_worker_(.*)/ && $is{"undermoon_$1"}) {
        $is{"undermoon_$1"}[3] = 'yes';
    } else {
        push @want, $is{$name} = [ $name, $type,
            join(' ', sort keys %{ $labels{$name} }), '', $help ];
    }
}

my @rows = map { "| `$_->[0]` | $_->[1] | $_->[2] | $_->[3] | $_->[4] |" }
    @want;

# UM_METRICS_WRITE=1 writes the table instead.
if ($ENV{UM_METRICS_WRITE}) {
    my $rows = join '', map { "$_\n" } @rows;
    $page =~ s/(\|---\|---\|---\|---\|---\|\n).*\z/$1$rows/s;
    spew("$top/docs/metrics.md", $page);
}

my @told = grep { /^\| `undermoon_/ } split /\n/, $page;
is(join("\n", @told), join("\n", @rows), 'every metric is in docs/metrics.md')
    or diag('UM_METRICS_WRITE=1 writes it');

# UMCTL STATS has the counters of the same table, and docs/umctl.md has them.
{
    my $table = slurp("$top/src/shm/um_stat_tbl.h");
    my @counters;
    push @counters, [ lc $1, $2 ]
        while $table =~ /^UM_STAT\((\w+), "\w+",\s*"(.*?)\.?"[,)]/mg;
    my $rows = join '', map { "| $_->[0] | $_->[1] |\n" } @counters;
    my $stats = qr/(?<=\| name \| counts \|\n\|---\|---\|\n)(?:\|.*\n)*/;
    my $umctl = slurp("$top/docs/umctl.md");

    if ($ENV{UM_METRICS_WRITE}) {
        $umctl =~ s/$stats/$rows/;
        spew("$top/docs/umctl.md", $umctl);
    }
    cmp_ok(scalar @counters, '>', 25, 'there are counters');
    is($umctl =~ /($stats)/ ? $1 : '', $rows, 'they are in docs/umctl.md');

    my %told = map { /^(\w+): \d+$/ ? ($1, 1) : () }
        @{ $um->client->cmd(qw(UMCTL STATS)) };
    is(join(' ', grep { !$told{$_} } map { $_->[0] } @counters), '',
        'in UMCTL STATS');
    my $info = $um->client->cmd(qw(INFO stats));
    is(join(' ', grep { $info !~ /^$_:\d+\r$/m } map { $_->[0] } @counters),
        '', 'and in INFO');
}

done_testing;
