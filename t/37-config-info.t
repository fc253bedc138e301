#!/usr/bin/perl

# CONFIG and INFO: one face for all workers, forms and errors those of Redis.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis cluster wait_for);

my $c = cluster(nodes => 2, workers => 2,
    proxy => 'max_clients 321; session_timeout 90500ms;');
my ($um, $redis) = ($c->proxy, $c->node(0));
my $port = $um->{port};

# ---- CONFIG GET ---------------------------------------------------------

sub config {
    my ($name) = @_;
    my $got = $um->client->cmd(qw(CONFIG GET), $name);

    return @$got == 2 && $got->[0] eq $name ? $got->[1] : "@$got";
}

my %want = (
    address => "127.0.0.1:$port", announce_address => "127.0.0.1:$port",
    announce_host => '127.0.0.1', thread_number => 2, slowlog_len => 1024,
    backend_conn_num => 1, backend_timeout => 3000,
    slowlog_log_slower_than => 50000, slowlog_sample_rate => 1,
    active_redirection => 'false', cluster_nodes_version => 'v2',
    default_redirection_address => '',

    'slowlog-log-slower-than' => 50000, 'slowlog-max-len' => 1024,
    port => $port, bind => '127.0.0.1', timeout => 91, maxclients => 321,
    databases => 1, save => '', appendonly => 'no', maxmemory => 0,
    'proto-max-bulk-len' => 512 << 20, 'cluster-enabled' => 'yes',
    'cluster-require-full-coverage' => 'no', 'maxmemory-policy' => 'noeviction',
);
is(config($_), $want{$_}, "CONFIG GET $_") for sort keys %want;

is_deeply($um->client->cmd(qw(CONFIG GET password)), [],
    'no passwords are told');
is_deeply($um->client->cmd(qw(CONFIG GET *pass*)), [], 'to nobody');

my %all = @{ $um->client->cmd(qw(CONFIG GET *)) };
is_deeply([ grep { !exists $all{$_} } keys %want ], [], 'CONFIG GET *');

# Redis deals its own out in no order at all.
sub pairs {
    my ($reply) = @_;
    my %h = @$reply;

    return [ map { [ $_, $h{$_} ] } sort keys %h ];
}

for my $ask ([qw(maxmemory)], [qw(MAXMEMORY maxmemory)], [qw(nope)],
    [qw(sav? SAVE)], [qw(SAVE sav?)], [qw([S]ave appendonl*)],
    [qw(maxmemory-polic? maxmemory)]) {
    is_deeply(pairs($um->client->cmd(qw(CONFIG GET), @$ask)),
        pairs($redis->cmd(qw(CONFIG GET), @$ask)), "CONFIG GET @$ask");
}

# ---- CONFIG SET ---------------------------------------------------------

{
    my @c = map { $um->client } 1 .. 20;

    is($c[0]->cmd(qw(CONFIG SET slowlog_sample_rate 7)), 'OK', 'CONFIG SET');
    is_deeply([ map { $_->cmd(qw(CONFIG GET slowlog_sample_rate))->[1] } @c ],
        [ (7) x 20 ], 'all workers know at once');

    is($c[1]->cmd(qw(CONFIG SET slowlog-log-slower-than 12
                slowlog_sample_rate 8)), 'OK', 'two at a time');
    is(config('slowlog_log_slower_than'), 12, 'by the name of Redis');
    is($c[2]->cmd(qw(CONFIG SET slowlog_log_slower_than -1)), 'OK', 'negative');
    is(config('slowlog-log-slower-than'), -1, 'the same number');

    is($c[3]->cmd(qw(CONFIG SET slowlog_sample_rate 9
                slowlog_log_slower_than x)), "-ERR CONFIG SET failed (possibly "
            . "related to argument 'slowlog_log_slower_than') - argument "
            . "couldn't be parsed into an integer", 'one of two is wrong');
    is(config('slowlog_sample_rate'), 8, 'neither is set');
    is($c[4]->cmd(qw(CONFIG SET slowlog_log_slower_than 1
                slowlog-log-slower-than 1)), "-ERR CONFIG SET failed (possibly "
            . "related to argument 'slowlog-log-slower-than') - duplicate "
            . 'parameter', 'two names of one number');
    is($c[5]->cmd(qw(CONFIG SET slowlog_sample_rate -1)), "-ERR CONFIG SET "
            . "failed (possibly related to argument 'slowlog_sample_rate') - "
            . 'argument must be between 0 and 9223372036854775807 inclusive',
        'out of range');
    is($c[6]->cmd(qw(CONFIG SET backend_timeout 1)), "-ERR CONFIG SET failed "
            . "(possibly related to argument 'backend_timeout') - can't set "
            . 'immutable config', 'what only the file can change');
    is($c[7]->cmd(qw(CONFIG REWRITE)) =~ /^-ERR .*not supported/ ? 1 : 0, 1,
        'the file is the operator\'s');
}

for my $line (split /\n/, <<'SAID') {
CONFIG
CONFIG GET
CONFIG SET
CONFIG SET a
CONFIG SET a b
CONFIG SET a b c
CONFIG SET slowlog-log-slower-than x
CONFIG SET SLOWLOG-log-slower-than x
CONFIG SET slowlog-log-slower-than 007
CONFIG SET slowlog-log-slower-than -2
CONFIG SET slowlog-log-slower-than 99999999999999999999
CONFIG SET slowlog-log-slower-than 1 slowlog-log-slower-than 2
CONFIG SET slowlog-log-slower-than 1 FOO 2
CONFIG SET databases 1
CONFIG SET databases 1 FOO 2
CONFIG SET FOO 2 databases 1
CONFIG SET slowlog-log-slower-than 10000
CONFIG RESETSTAT x
CONFIG HELP x
CONFIG FOO
SAID
    my @words = split / /, $line;
    is($um->client->raw(@words), $redis->client->raw(@words), $line);
}

{
    my $locked = undermoon(proxy => 'password sesame;'
            . ' control_allow 10.0.0.1;')->start;
    my $stranger = $locked->client;
    is($stranger->cmd(qw(CONFIG SET slowlog_sample_rate 1)),
        '-NOAUTH Authentication required.', 'CONFIG SET needs control rights');
    $stranger->cmd(qw(AUTH sesame));
    is($stranger->cmd(qw(CONFIG SET slowlog_sample_rate 1)), 'OK',
        'which AUTH gives');
}

# ---- INFO ---------------------------------------------------------------

sub info {
    my (@sections) = @_;

    return $um->client->cmd('INFO', @sections);
}

sub field {
    my ($name, @sections) = @_;

    return info(@sections) =~ /^\Q$name\E:(.*)\r$/m ? $1 : undef;
}

sub sections { join ' ', $_[0] =~ /^# (.*)\r$/mg }

my $default = 'Server Clients Memory Persistence Stats Replication CPU'
    . ' Errorstats Cluster Keyspace';
my $all = $default =~ s/Errorstats/Commandstats Errorstats Latencystats/r;
is(sections(info(@$_)), $default, "INFO @$_")
    for [], ['default'], [qw(server default)];
is(sections(info(@$_)), $all, "INFO @$_")
    for ['all'], ['Everything'], [qw(server all)];
is(sections(info('CommandStats')), 'Commandstats', 'INFO commandstats');
is(sections(info(qw(cluster SERVER nope))), 'Server Cluster',
    'INFO of some, in the order of Redis');
is(info('nope'), '', 'INFO of nothing');
like(info(), qr/\A# Server\r\nredis_version:/, 'as Redis begins');
unlike(info(), qr/[^\r]\n/, 'CRLF ends all lines');
is_deeply([ grep { !/^(|# \w+|\w+:.*)$/ } split /\r\n/, info() ], [],
    'lines are name:value');

$um->client->cmd(qw(SET foo bar)); # a node must have been met
my ($version) = $redis->info('redis_version');
ok((wait_for { field('redis_version') eq $version } 5),
    'the version of the nodes');
like(field('undermoon_version'), qr/^\d+\.\d+\.\d+$/, 'and ours');
is(field('redis_mode'), 'cluster', 'mode');
is(field('tcp_port'), $port, 'port');
is(field('process_id'), $um->pid, 'the master');
is(field('worker_processes'), 2, 'workers');
like(field('run_id'), qr/^[0-9a-f]{40}$/, 'a run id');
my %run_ids = map { field('run_id') => 1 } 1 .. 10;
is(keys %run_ids, 1, 'the same from every worker');
is(field('maxclients'), 321, 'maxclients');
is(field('role'), 'master', 'role');
is(field('cluster_enabled'), 1, 'cluster_enabled');
is(field('cluster_slots_assigned'), 16384, 'slots');
is(field('local_nodes'), 2, 'nodes');
is(field('cluster_name'), 'testcluster', 'cluster name');
like(field('uptime_in_seconds'), qr/^\d$/, 'uptime');
cmp_ok(field('used_memory_rss'), '>', 100_000, 'memory in use');
like(field('used_memory_rss_human'), qr/^\d+\.\d\d[KMG]$/, 'for people');
like(field('used_cpu_user'), qr/^\d+\.\d{6}$/, 'processor time');
is(field('loading'), 0, 'nothing to load');

# What clients and monitors look for is there, under the names of Redis.
{
    my %ours = map { $_ => 1 } info() =~ /^(\w+):/mg;
    my %redis = map { $_ => 1 } $redis->cmd(qw(INFO everything)) =~
        /^(\w+):/mg;

    for my $name (qw(os arch_bits server_time_usec uptime_in_days
        connected_clients blocked_clients used_memory used_memory_human
        total_system_memory maxmemory maxmemory_policy loading
        total_connections_received total_commands_processed
        total_net_input_bytes total_net_output_bytes rejected_connections
        connected_slaves master_replid master_repl_offset used_cpu_sys)) {
        ok($ours{$name} && $redis{$name}, "INFO tells $name");
    }
}

# ---- counters -----------------------------------------------------------

{
    my @c = map { $um->client } 1 .. 20;
    ok((wait_for { field('connected_clients') == 21 } 5),
        'clients of all workers');
    undef @c;
    ok((wait_for { field('connected_clients') == 1 } 5), 'and back');

    my $before = field('total_commands_processed');
    for my $c (map { $um->client } 1 .. 20) {
        $c->pipeline(map { [ SET => "k$_", 1 ] } 1 .. 10);
    }
    cmp_ok(field('total_commands_processed'), '>=', $before + 200,
        'commands of all workers');
    is(field('commands_forwarded') >= 200, 1, 'by what was done with them');
    cmp_ok(field('total_net_input_bytes'), '>', 200 * 20, 'bytes in');

    is($um->client->cmd(qw(CONFIG RESETSTAT)), 'OK', 'CONFIG RESETSTAT');
    cmp_ok(field('total_commands_processed'), '<', 10, 'counts from now on');
    is(field('commands_forwarded'), 0, 'all of them');
}

# ---- one Redis, to look at ----------------------------------------------

{
    my $one = undermoon(proxy => 'active_redirection on;')->start;
    my $info = $one->client->cmd('INFO');
    like($info, qr/^redis_mode:standalone\r$/m, 'standalone when redirecting');
    like($info, qr/^cluster_enabled:0\r$/m, 'no cluster then');
    is($one->client->cmd(qw(CONFIG GET cluster-enabled))->[1], 'no',
        'nor here');
    is({ @{ $one->client->cmd('HELLO') } }->{mode}, 'standalone', 'nor there');
    is($one->client->cmd(qw(SELECT 1)), '-ERR DB index is out of range',
        'SELECT as on a Redis with one database');
}

done_testing;
