#!/usr/bin/perl

# UMCTL SETCLUSTER and what the proxy says of its metadata: the replies of the
# reference, its epoch rule, and TRY_AGAIN while a worker does not follow.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Compress::Gzip qw(gzip $GzipError);
use JSON::PP;
use List::Util qw(first);
use MIME::Base64;
use Test::More;
use Undermoon::Cluster;
use Undermoon::Test qw(undermoon redis slurp wait_for);

my $node = redis();
my $a = $node->addr;
my $um = undermoon(workers => 2, main => 'worker_watchdog 60s;')->start;
my $c = $um->client;

sub set { $c->cmd(qw(UMCTL SETCLUSTER), @_) }

sub packed {
    my ($doc) = @_;
    my $json = ref $doc ? encode_json($doc) : $doc;

    gzip(\$json, \my $gz, -Level => 1) or die $GzipError;
    return encode_base64($gz, '');
}

# What is wrong, as the reference puts it.
my $args = '-Failed to parse args: InvalidArgs';
for (
    [ [], $args ],
    [ [ 'v1', 1, 'NOFLAG', 'mydb', $a, 1, '0-16383' ],
        '-Failed to parse args: InvalidVersion' ],
    [ [qw(v2 x NOFLAG mydb)], $args ],
    [ [qw(v2 1)], $args ],
    [ [ 'v2', 1, 'NOFLAG', 'my/db', $a, 1, '0-16383' ],
        '-Failed to parse args: InvalidClusterName' ],
    [ [ 'v2', 1, 'NOFLAG', 'mydb', $a, 2, '0-100' ], $args ],
    [ [qw(v2 1 NOFLAG mydb 10.0.0.1:7001 1 0-100)], '-ERR_NOT_MY_META' ],
    [ [qw(v2 1 NOFLAG mydb nohostport 1 0-100)], '-ERR_NOT_MY_META' ],
    [ [ 'v2', 1, 'NOFLAG', 'mydb', $a, qw(1 0-100 CONFIG nosuch 1) ], $args ],
    [ [qw(v2 1 COMPRESS)], $args ],
    [ [qw(v2 1 COMPRESS !!!)], $args ],
    [ [qw(v2 1 COMPRESS bm90Z3ppcA==)], $args ],
    [ [ qw(v2 1 COMPRESS), packed('{"cluster_name":"mydb"}') ], $args ],
    [ [ 'v2', 0, 'NOFLAG', 'mydb', $a, 1, '0-100' ], '-OLD_EPOCH' ],
) {
    is(set(@{ $_->[0] }), $_->[1], "SETCLUSTER @{ $_->[0] }");
}
is($c->cmd(qw(UMCTL GETEPOCH)), 0, 'nothing of it was taken');
is_deeply($c->cmd(qw(UMCTL LISTCLUSTER)), [''], 'no cluster');
is($c->cmd(qw(UMCTL READY)), 0, 'not ready');

# Accepted, with a shrug.
is(set('v2', 1, 'whatever', 'mydb', $a, qw(1 0-8000 PEER 127.0.0.1:2 1
    8001-16383 CONFIG nosuch 1)), 'WARNING: ignored invalid config', 'config');
is($c->cmd(qw(UMCTL GETEPOCH)), 1, 'all but the config counts');
is(set('v2', 1, 'NOFLAG', 'mydb', $a, 1, '0-8000'), '-OLD_EPOCH', 'again');
is(set('v2', 2, 'NOFLAG', 'mydb', $a, qw(1 0-8000 peer 127.0.0.1:2 1
    8001-16383 config MIGRATION_SCAN_COUNT 32)), 'OK', 'any case');
is_deeply($c->cmd(qw(UMCTL LISTCLUSTER)), ['mydb'], 'its name');
is($c->cmd(qw(UMCTL READY)), 1, 'ready');

# Epochs: higher, or by force.
is(set('v2', 1, 'FORCE', 'other', $a, 1, '0-16383'), 'OK', 'lower by force');
is($c->cmd(qw(UMCTL GETEPOCH)), 1, 'that it is then');
is(set('v2', 1, 'NOFLAG', 'mydb', $a, 1, '0-16383'), '-OLD_EPOCH', 'not so');

# What UMCTL INFO shows, tags and all, in the compressed form too.
my %tag = (epoch => 8, src_proxy_address => $um->addr, src_node_address => $a,
    dst_proxy_address => '127.0.0.1:2', dst_node_address => '127.0.0.1:3');
my %doc = (cluster_name => 'mydb',
    local => { $a => [ { range_list => [ [ 0, 8000 ] ], tag => 'None' },
        { range_list => [ [ 8001, 8001 ] ], tag => { Migrating => \%tag } } ] },
    peer => { '127.0.0.1:2' =>
        [ { range_list => [ [ 8002, 16383 ] ], tag => 'None' } ] },
    cluster_config => {});
is(set('v2', 8, 'COMPRESS', packed(\%doc)), 'OK', 'compressed');

my $n = 0;
$n++ until Undermoon::Cluster::slot("key:$n") == 8001;
my $migrating = "key:$n";
my @migrating = ('8', 'src_proxy: ' . $um->addr, "src_node: $a",
    'dst_proxy: 127.0.0.1:2', 'dst_node: 127.0.0.1:3', '1 8001-8001');
is_deeply($c->cmd(qw(UMCTL INFO)), [ 'Cluster',
    [ 'mydb', 'local', [ 'name: mydb', 'epoch: 8', 'nodes:',
        [ $a, [ ['1 0-8000'], \@migrating ] ] ],
        'peer', [ 'peers:', [ '127.0.0.1:2', [ ['1 8002-16383'] ] ] ] ],
    'Replication', [], 'Migration',
    [ 'name: mydb', "1 8001-8001 $a -> 127.0.0.1:3 PRE_CHECK" ] ], 'INFO');
is_deeply($c->cmd(qw(UMCTL INFOMGR)), [], 'INFOMGR');
is_deeply($c->cmd(qw(UMCTL INFOREPL)), [], 'INFOREPL');
is($c->cmd('SET', $migrating, 1), 'OK', 'the source serves what migrates');

# The destination and a third one send clients to the source, too, and say so
# to who asks for the map.
my @plan = (8, $um->addr, $a, '127.0.0.1:2', '127.0.0.1:3');
my @source = ($um->addr, 1, '0-8000', $um->addr, 'MIGRATING', 1, '8001-16383',
    @plan);
my @target = ('IMPORTING', 1, '8001-16383', @plan);
for my $view ([ 'the destination', '127.0.0.1:3', @target, 'PEER', @source ],
    [ 'a third one', 'PEER', @source, '127.0.0.1:2', @target ]) {
    my ($who, @words) = @$view;
    my $client = undermoon()->start->client;

    is($client->cmd(qw(UMCTL SETCLUSTER v2 8 NOFLAG mydb), @words), 'OK', $who);
    is($client->cmd(qw(GET foo)), '-MOVED 12182 ' . $um->addr,
        "$who: MOVED to the source");
    is_deeply([ map { "@$_[0, 1] $_->[2][1]" }
        @{ $client->cmd(qw(CLUSTER SLOTS)) } ], [ "0 16383 $um->{port}" ],
        "$who: CLUSTER SLOTS");
}

# Unsorted ranges, which the reference chokes on.
$doc{local}{$a} = [ { range_list => [ [ 9, 7 ], [ 0, 5 ], [ 6, 6 ] ],
    tag => 'None' } ];
is(set('v2', 9, 'FORCE,COMPRESS', packed(\%doc)), 'OK', 'unsorted');
is_deeply($c->cmd(qw(UMCTL INFO))->[1][2][3], [ $a, [ ['1 0-9'] ] ], 'sorted');

# A bomb, and too much for the tables: an error, and life goes on.
is(set('v2', 10, 'COMPRESS', packed('[' . ' ' x (40 << 20))),
    '-Failed to parse args: unpacks to too many bytes', 'a bomb');
is(set('v2', 10, 'NOFLAG', 'mydb', map { ("127.0.0.1:$_", 0) } 1 .. 6145),
    '-Failed to parse args: too many addresses', 'too many');
is($c->cmd(qw(UMCTL GETEPOCH)), 9, 'nothing changed');

# What follows in a pipeline meets the new topology.
my @all = ('mydb', $a, 1, '0-16383');
is_deeply([ map { "$_" } $c->pipeline(
    [ qw(UMCTL SETCLUSTER v2 20 NOFLAG), @all ], [qw(UMCTL GETEPOCH)],
    [qw(SET foo new)], [ qw(UMCTL SETCLUSTER v2 21 NOFLAG mydb PEER
        127.0.0.1:2 1 0-16383) ], [qw(GET foo)],
    [ qw(UMCTL SETCLUSTER v2 22 NOFLAG), @all ], [qw(GET foo)]) ],
    [ 'OK', 20, 'OK', 'OK', '-MOVED 12182 127.0.0.1:2', 'OK', 'new' ],
    'in order');

# Many at once: the highest is what stays.  They wait in a queue, so on a busy
# machine the last ones hear TRY_AGAIN, and say the same again: OLD_EPOCH then
# means that all have it, or a newer one.
my @clients = map { $um->client } 1 .. 40;
$clients[ $_ - 1 ]->send(qw(UMCTL SETCLUSTER v2), 100 + $_, 'NOFLAG', @all)
    for 1 .. 40;
my @said = map { $_->read } @clients;
my $late = grep { $_ eq '-TRY_AGAIN' } @said;
note("$late heard TRY_AGAIN") if $late;
my $newest = $said[39] eq '-TRY_AGAIN' ? qr/^(?:OK|-OLD_EPOCH)\z/ : qr/^OK\z/;
for my $i (grep { $said[$_] eq '-TRY_AGAIN' } 0 .. 39) {
    wait_for {
        $said[$i] = $clients[$i]->cmd(qw(UMCTL SETCLUSTER v2), 101 + $i,
            'NOFLAG', @all);
        $said[$i] ne '-TRY_AGAIN';
    } 20;
}
is_deeply([ grep { !/^(?:OK|-OLD_EPOCH)\z/ } @said ], [], 'OK or old');
like($said[39], $newest, 'the newest is taken');
is($c->cmd(qw(UMCTL GETEPOCH)), 140, 'and stays');

# A worker that does not follow: TRY_AGAIN, as long as it does not.
my ($stopped) = $um->workers;
my @probes = map { $um->client } 1 .. 20;
kill 'STOP', $stopped;
wait_for { slurp("/proc/$stopped/stat") =~ /\) T / } 5;
$_->send('PING') for @probes;
my $asks = first { !$_->silent(0.2) } @probes;
$asks->read;
my $set = sub { $asks->cmd(qw(UMCTL SETCLUSTER v2 200 NOFLAG), @all) };
is($set->(), '-TRY_AGAIN', 'not everybody has it');
is($asks->cmd(qw(UMCTL GETEPOCH)), 200, 'although it is published');
is($set->(), '-TRY_AGAIN', 'the same epoch waits again');
is($asks->cmd('PING'), 'PONG', 'nobody is held up');
kill 'CONT', $stopped;
is($set->(), '-OLD_EPOCH', 'until all are there');

# What comes in later issues, and what does not exist.
like($c->cmd('UMCTL', @$_), qr/^-ERR UMCTL $_->[0].* not supported yet\z/,
    "UMCTL @$_") for ['PRECHECK'], ['PRESWITCH'], ['FINALSWITCH'];
is($c->cmd('UMCTL'), '-Missing sub command', 'nothing');
is($c->cmd(qw(UMCTL LISTDB)), '-Invalid sub command', 'what is not there');
is($c->cmd(qw(UMCTL STATS))->[0], '# Migration', 'STATS');
is($c->cmd(qw(UMCTL STATS))->[22], 'importing_src_failed: 0', '22 lines');

# The end, with the answer first.
is($c->cmd(qw(UMCTL SHUTDOWN)), 'OK', 'SHUTDOWN');
ok($c->closed, 'and gone');
is(Undermoon::Test::reap($um->{pid}, 10), 0, 'the master too');
$um->killed;

done_testing;
