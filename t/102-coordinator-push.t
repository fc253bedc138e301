#!/usr/bin/perl

# What is sent to proxies, to whom, in what order, and when it is not.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 34;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for);

my $broker = Undermoon::Broker->new(broker => 'migration_limit 0;')->start;
my $stubs = Undermoon::StubProxies->new(8);
my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ])->start;

my @log;

sub take { push @log, $stubs->log; return @log }

# Commands of one kind to one stub, as words.
sub told {
    my ($what, $i) = @_;

    return map { join ' ', @$_[ 2 .. $#$_ ] }
        grep { $_->[3] eq $what && (!defined $i || $_->[1] == $i) } take();
}

sub forget { take(); @log = () }

sub view { $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster} }

sub synced {
    my ($n) = @_;

    return wait_for { my $s = $co->status;
        $s->{epoch} == $broker->epoch && $s->{proxies_synced} == $n } 20;
}

# So many more beats, so that what would be sent has been.
sub beats {
    my ($i, $n) = @_;
    my $from = $stubs->get($i)->{beats};

    return wait_for { $stubs->get($i)->{beats} >= $from + $n } 30;
}

# --- Spares.

$stubs->register($broker);
ok(synced(8), 'all spares have been told');
my $node = '127.0.0.1:13';
like((told('SETREPL', 3))[-1],
    qr/^UMCTL SETREPL \d+ NOFLAG master  \Q$node\E 0 master  127.0.0.1:23 0$/,
    'a spare: two masters of no cluster');
like((told('SETCLUSTER', 3))[-1],
    qr/^UMCTL SETCLUSTER v2 \d+ NOFLAG  CONFIG compression_strategy disabled /,
    'and no slots');

# --- A cluster.

forget();
is($broker->say('POST', '/clusters/meta/mydb', { node_number => 4 }), 200,
    'a cluster is made');
ok(synced(8), 'all have the news');
my $view = view();
my %seen;
my @in = map { $stubs->index_of($_) } grep { !$seen{$_}++ }
    map { $_->{proxy_address} } @{ $view->{nodes} };
my ($a, $b) = map { $stubs->addr($_) } @in;
my @n = map { $_->{address} } @{ $view->{nodes} };

is_deeply([ told('SETREPL', $in[0]) ],
    [ "UMCTL SETREPL $view->{epoch} NOFLAG master mydb $n[0] 1 $n[3] $b"
            . " replica mydb $n[1] 1 $n[2] $b" ], 'SETREPL of the first');
my $config = 'CONFIG compression_strategy disabled'
    . ' migration_max_migration_time 10800 migration_max_blocking_time 10000'
    . ' migration_scan_interval 500 migration_scan_count 16';
is_deeply([ told('SETCLUSTER', $in[0]) ],
    [ "UMCTL SETCLUSTER v2 $view->{epoch} NOFLAG mydb $n[0] 1 0-8191"
            . " PEER $b 1 8192-16383 $config" ], 'SETCLUSTER of the first');
is_deeply([ told('SETCLUSTER', $in[1]) ],
    [ "UMCTL SETCLUSTER v2 $view->{epoch} NOFLAG mydb $n[2] 1 8192-16383"
            . " PEER $a 1 0-8191 $config" ], 'and of the second');
my ($first) = grep { $_->[1] == $in[0] } @log;
is($first->[3], 'SETREPL', 'SETREPL comes first');
my @others = grep { $_ != $in[0] && $_ != $in[1] } 0 .. 7;
is(scalar(grep { my $i = $_; grep { $_->[1] == $i } @log } @others), 0,
    'spares are not told again because others have a new epoch');

# --- Idle, nothing is sent but beats, and these are short.

forget();
my ($bytes, $beats) = @{ $stubs->get($in[0]) }{qw(bytes beats)};
ok(beats($in[0], 6), 'some time goes by');
is(scalar take(), 0, 'nothing is sent');
my $now = $stubs->get($in[0]);
is($now->{bytes} - $bytes, 25 * ($now->{beats} - $beats),
    'a beat is 25 bytes');

# --- Who has lost it gets it again; who was not sure, too.

$stubs->set($in[0], epoch => 0, repl_epoch => 0, cut => 1);
ok(wait_for { $stubs->get($in[0])->{epoch} == $view->{epoch} } 20,
    'a proxy that was started anew is told at once');
$stubs->set($in[1], repl_epoch => 1);
ok(wait_for { $stubs->get($in[1])->{repl_epoch} == $view->{epoch} } 20,
    'so is one that has only half of it');

forget();
$stubs->set($in[1], epoch => 1, setcluster => 'TRY_AGAIN');
ok(wait_for { told('SETCLUSTER', $in[1]) >= 3 } 20,
    'TRY_AGAIN: it is tried again');
$stubs->set($in[1], setcluster => '');
ok(wait_for { $stubs->get($in[1])->{epoch} == $view->{epoch} } 20,
    'until it is taken');

$stubs->set($in[1], epoch => 1, repl_epoch => 1,
    setrepl => 'ERR_NOT_MY_META');
forget();
ok(wait_for { told('SETREPL', $in[1]) >= 3 } 20, 'an error: again, later');
is(scalar told('SETCLUSTER', $in[1]), 0, 'and no SETCLUSTER behind it');
is(scalar(() = $co->log =~ /refuses SETREPL: ERR_NOT_MY_META/g), 1,
    'it is logged once');
is($co->proxy($b)->{refuses}, 'SETREPL: ERR_NOT_MY_META', 'and shown');
$stubs->set($in[1], setrepl => '');
ok(synced(8), 'all is well in the end');

# --- Slots move: who imports knows first, even if he is slow.

forget();
$stubs->set($_, slow => 0.2) for @others;
is($broker->ask('PATCH', '/clusters/nodes/mydb', { node_number => 4 })
        ->{status}, 200, 'four nodes more');
ok(synced(8), 'they are known');
forget();
is($broker->say('POST', '/clusters/migrations/expand/mydb'), 200,
    'slots are to move');
ok(synced(8), 'everybody knows');
$stubs->set($_, slow => 0) for @others;
my @told = grep { $_->[3] eq 'SETCLUSTER' } take();
my @imports = grep { "@{ $told[$_] }" =~ / v2 \d+ NOFLAG mydb \S+ IMPORTING / }
    0 .. $#told;
is("@imports", '0 1', 'first those who import');

# --- A migration is done: the destination knows first, then the source.

my ($task) = map { my $n = $_; map { [ $_, $n ] } grep { ref $_->{tag} }
        @{ $n->{slots} } } @{ view()->{nodes} };
my ($range, $meta) = ($task->[0]{range_list}[0], $task->[0]{tag}{Migrating});
my ($src, $dst) = map { $stubs->index_of($meta->{$_}) }
    qw(src_proxy_address dst_proxy_address);
forget();
$stubs->set($src, infomgr => [ "mydb MIGRATING 1 $range->[0]-$range->[1] "
        . join ' ', @$meta{qw(epoch src_proxy_address src_node_address
                dst_proxy_address dst_node_address)} ]);
ok(wait_for { $co->status->{commits} >= 1 } 20, 'the broker is told of it');
ok(synced(8), 'and all of the cluster');
@told = map { $_->[1] } grep { $_->[3] eq 'SETCLUSTER' } take();
my ($dst_at) = grep { $told[$_] == $dst } 0 .. $#told;
my ($src_at) = grep { $told[$_] == $src } 0 .. $#told;
cmp_ok($dst_at, '<', $src_at, 'first the destination, then the source');

# --- The broker has gone back in time: it is told.

forget();
my $epoch = $broker->epoch;
$stubs->set($in[0], epoch => $epoch + 5);
ok(wait_for { $broker->epoch > $epoch + 5 } 40,
    'a proxy that is ahead: the broker goes beyond its epoch')
    or diag($co->log);
ok(synced(8), 'and everybody follows') or diag(explain($co->status));

# --- Packed.

my $packed = Undermoon::Coordinator->new(brokers => [ $broker->addr ],
    block => 'enable_compression on;')->start;
$co->stop;
forget();
$stubs->set($in[0], epoch => 0);
ok(wait_for { told('SETCLUSTER', $in[0]) } 20, 'another coordinator goes on');
like((told('SETCLUSTER', $in[0]))[0],
    qr/^UMCTL SETCLUSTER v2 \d+ COMPRESS H4sI\S+$/, 'in the packed form');
