#!/usr/bin/perl

# redis-benchmark, plain and --cluster, runs through without an error.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster);
use Undermoon::Redis;

my $program = Undermoon::Redis::program('redis-benchmark')
    or plan skip_all => 'no redis-benchmark in PATH';
my $one = cluster(nodes => 3, workers => 2, proxy => 'active_redirection on;');
my $three = cluster(nodes => 3, proxies => 3, workers => 1);

sub bench {
    my ($c, @args) = @_;
    my $port = $c->proxy->{port};

    return `timeout 60 $program -h 127.0.0.1 -p $port -q -n 4000 @args 2>&1`;
}

my $tests = join ',', qw(ping set get incr lpush rpush lpop rpop sadd hset
    spop zadd zpopmin mset);
my $out = bench($one, qw(-c 20 -P 16 -r 10000 -t), $tests);
my $line = qr/(\w+)(?: \(.*?\))?: [\d.]+ requests per second/;
my @done = $out =~ /$line/g;
is(scalar @done, 15, 'all its tests by one proxy') or diag($out);
unlike($out, qr/error/i, 'without an error');

$out = bench($three, qw(--cluster -c 15 -P 8 -r 10000 -t), 'set,get,incr,hset');
like($out, qr/Cluster has 3 master nodes/i, '--cluster finds three nodes')
    or diag($out);
@done = $out =~ /$line/g;
is(scalar @done, 4, 'all its tests over three proxies') or diag($out);
unlike($out, qr/error|MOVED/i, 'without an error');
cmp_ok($_->cmd('DBSIZE'), '>', 100,
    'each node has its share') for $three->nodes;
ok($_->serves, 'and each proxy serves') for $three->proxies, $one->proxy;

done_testing;
