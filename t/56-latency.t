#!/usr/bin/perl

# LATENCY HISTOGRAM and INFO tell what commands cost, of all workers together
# and in Redis' forms; UMCTL DEBUG FUTURE tells what the workers are about.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster redis wait_for);

my $c = cluster(nodes => 2, workers => 2);
my ($um, $redis) = ($c->proxy, redis());
my ($client, $plain) = ($um->client, $redis->client);
my $key = $c->key_on(0);

# ---- LATENCY, beside a Redis whose monitor is off -----------------------

for my $line ('LATENCY', 'LATENCY FOO', 'LATENCY HELP', 'LATENCY LATEST',
    'LATENCY LATEST x', 'LATENCY HISTORY x', 'LATENCY HISTORY',
    'LATENCY GRAPH x', 'LATENCY RESET', 'LATENCY RESET a b',
    'LATENCY DOCTOR x', 'LATENCY HISTOGRAM nosuch')
{
    is($client->raw(split / /, $line), $plain->raw(split / /, $line), $line);
}
like($client->cmd(qw(LATENCY DOCTOR)), qr/\AEvents are not monitored/,
    'LATENCY DOCTOR has nothing to say');

# ---- numbers ------------------------------------------------------------

sub stat_of {
    my ($name, $from) = @_;
    my ($line) = ($from // $um->client)->cmd(qw(INFO commandstats))
        =~ /^cmdstat_\Q$name\E:(.*)\r$/m;

    return defined $line ? { map { split /=/ } split /,/, $line } : undef;
}

$_->cmd(qw(CONFIG RESETSTAT)) for $client, $plain;
is(stat_of('get'), undef, 'nothing yet');

my @clients = map { $um->client } 1 .. 10;
for my $to (@clients, map { $plain } 1 .. 10) {
    $to->cmd(@$_) for [ 'SET', $key, 1 ], [ 'GET', $key ], [ 'GET', $key ],
        [ 'LPUSH', $key, 1 ], ['GET'], [qw(CONFIG GET save)],
        [ 'OBJECT', 'ENCODING', $key ], [qw(NOSUCH command)],
        [qw(CLIENT SETNAME x)], [qw(ECHO)], [ 'EVAL', 'return x', 1, $key ];
    $to->pipeline(map { [ 'INCR', $key ] } 1 .. 20);
}

for my $name (qw(set get lpush config|get object|encoding client|setname echo
    incr eval))
{
    my ($ours, $theirs) = (stat_of($name), stat_of($name, $plain));

    is_deeply([ @$ours{qw(calls rejected_calls failed_calls)} ],
        [ @$theirs{qw(calls rejected_calls failed_calls)} ],
        "calls, rejected and failed of $name");
    is_deeply([ sort keys %$ours ], [ sort keys %$theirs ], 'the same fields');
    cmp_ok(abs($ours->{usec_per_call} * $ours->{calls} - $ours->{usec}), '<=',
        $ours->{calls}, 'the mean');
}

my ($ours, $theirs) = map {
    { $_->cmd(qw(INFO errorstats)) =~ /^errorstat_(\w+):count=(\d+)\r$/mg }
} $client, $plain;
is_deeply($ours, $theirs, 'errors by their first word');

my $latency = $client->cmd(qw(INFO latencystats));
like($latency, qr/\A# Latencystats\r\n/, 'latencystats');
for (qw(get config|get)) {
    my ($p50, $p99, $p999) = $latency =~ /^latency_percentiles_usec_\Q$_\E
        :p50=(\d+\.\d{3}),p99=(\d+\.\d{3}),p99\.9=(\d+\.\d{3})\r$/mx;
    ok(defined $p999 && $p50 <= $p99 && $p99 <= $p999, "percentiles of $_");
}

my $before = stat_of('get')->{rejected_calls};
$client->cmd('GET') for 1 .. 3;
is(stat_of('get')->{rejected_calls}, $before + 3, 'refused here, unseen');

# ---- histograms ---------------------------------------------------------

my %of = @{ $client->cmd(qw(LATENCY HISTOGRAM get SET nosuch)) };
is_deeply([ sort keys %of ], [qw(get set)], 'those asked for');
my %get = @{ $of{get} };
is($get{calls}, 20, 'how many');
my @pairs = @{ $get{histogram_usec} };
my %below = @pairs;
my @bounds = sort { $a <=> $b } keys %below;
is_deeply([ map { $pairs[ 2 * $_ ] } 0 .. $#bounds ], \@bounds, 'in order');
is(scalar(grep { $_ & $_ - 1 } @bounds), 0, 'powers of two');
is_deeply([ map { $below{$_} } @bounds ], [ sort { $a <=> $b } values %below ],
    'each holds those before it');
is($below{ $bounds[-1] }, 20, 'the last all');

%of = @{ $client->cmd(qw(LATENCY HISTOGRAM config)) };
is_deeply([ sort keys %of ], [ 'config|get', 'config|resetstat' ],
    'a container shows what is under it');
%of = @{ $client->cmd(qw(LATENCY HISTOGRAM client|setname)) };
is_deeply([ keys %of ], ['client|setname'], 'a subcommand alone');
%of = @{ $client->cmd(qw(LATENCY HISTOGRAM)) };
is_deeply([ grep { !$of{$_} } qw(get set incr lpush eval config|get) ], [],
    'all of them');

my $three = $um->client;
$three->cmd(qw(HELLO 3));
like($three->raw(qw(LATENCY HISTOGRAM set)), qr/\A%1\r\n\$3\r\nset\r\n%2\r\n
    \$5\r\ncalls\r\n:10\r\n\$14\r\nhistogram_usec\r\n%\d+\r\n/x, 'RESP3: maps');

is($client->cmd(qw(CONFIG RESETSTAT)), 'OK', 'all is forgotten');
is_deeply($um->client->cmd(qw(LATENCY HISTOGRAM get)), [], 'histograms');
is(stat_of('get'), undef, 'calls');
unlike($um->client->cmd(qw(INFO errorstats)), qr/errorstat_/, 'errors');

# ---- UMCTL DEBUG FUTURE -------------------------------------------------

my @lines = @{ $clients[0]->cmd(qw(UMCTL DEBUG FUTURE)) };
my $at = qr/\A\d+ 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d /;
my $what = qr/session: session_id=\d+ peer|backend::\w+BackendNode: address/;
is_deeply([ grep { !/$at$what=\S+\z/ } @lines ], [],
    'lines in the reference\'s form');

my @addrs = map { ($_->cmd(qw(CLIENT INFO)) =~ / addr=(\S+)/)[0] } @clients;
is_deeply([ grep { my $a = $_; !grep { /session: .* peer=\Q$a\E\z/ } @lines }
            @addrs ], [], 'sessions of all workers');
for my $node ($c->nodes) {
    my $to = qr/Backend.* address=\Q${\ $node->addr}\E\z/;
    ok(wait_for { 2 <= grep { $_ =~ $to }
            @{ $client->cmd(qw(UMCTL DEBUG FUTURE)) } } 5,
        'a connection of each worker to each node');
}

my @when = map { (split)[1] . (split)[2] } @lines;
is_deeply(\@when, [ sort @when ], 'in the order in which they began');
is($client->cmd(qw(UMCTL DEBUG)), '-Missing sub command', 'nothing');
is($client->cmd(qw(UMCTL DEBUG X)), '-invalid debug sub-command', 'X');

done_testing;
