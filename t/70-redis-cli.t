#!/usr/bin/perl

# redis-cli -c walks the proxies as it walks a Redis cluster.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster);
use Undermoon::Redis;

my $cli = Undermoon::Redis::program('redis-cli')
    or plan skip_all => 'no redis-cli in PATH';
my $c = cluster(nodes => 3, proxies => 3, workers => 2);

sub cli {
    my (@args) = @_;
    my $port = $c->proxy->{port};

    open my $out, '-|', 'timeout', 20, $cli, '-h', '127.0.0.1',
        '-p', $port, @args
        or die "$cli: $!";
    my $text = join '', <$out>;
    close $out;
    return $text;
}

# Lines of commands on its standard input.
sub script {
    my ($text, @args) = @_;
    my $file = Undermoon::Test::tempdir() . '/script';

    Undermoon::Test::spew($file, $text);
    my $port = $c->proxy->{port};
    return `timeout 20 $cli -h 127.0.0.1 -p $port @args < $file 2>&1`;
}

is(cli(qw(PING)), "PONG\n", 'PING');
like(cli('SET', $c->key_on(1), 'x'), qr/^(?:\(error\) )?MOVED /,
    'MOVED without -c');
is(cli('-c', 'SET', "k$_", "v$_"), "OK\n", "-c SET k$_") for 1 .. 6;
is(cli('-c', 'GET', "k$_"), "v$_\n", "-c GET k$_") for 1 .. 6;

my $said = script(join('', map { "SET s$_ $_\nINCR s$_\n" } 1 .. 60), '-c');
my @numbers = $said =~ /^(\d+)$/mg;
is_deeply(\@numbers, [ 2 .. 61 ], 'a session over all nodes');

my $nodes = cli(qw(CLUSTER NODES));
is(() = $nodes =~ /^\S+ 127\.0\.0\.1:\d+@\d+ \S*master \S+ /mg, 3,
    'CLUSTER NODES');
like(cli(qw(CLUSTER INFO)), qr/^cluster_state:ok\r?$/m, 'CLUSTER INFO');
like(cli(qw(--cluster check), $c->proxy->addr), qr/All 16384 slots covered/,
    '--cluster check');
like(cli('-c', '--cluster', 'call', $c->proxy->addr,
    'PING'), qr/PONG.*PONG.*PONG/s,
    '--cluster call');
is(cli('-c', qw(EVAL), 'return redis.call("SET",KEYS[1],ARGV[1])', 1, 'e', 'v'),
    "OK\n", 'EVAL');
like(cli('--no-raw', 'COMMAND', 'COUNT'), qr/^\(integer\) \d{3}$/m,
    'COMMAND COUNT');

done_testing;
