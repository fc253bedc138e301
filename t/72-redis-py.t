#!/usr/bin/perl

# redis-py's cluster client, which learns the cluster from the proxies.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster);

my ($python) = grep { -x && !system "$_ -c 'import redis.cluster' 2>/dev/null" }
    '/usr/bin/python3', map { "$_/python3" } split /:/, $ENV{PATH};
plan skip_all => 'no python3 with redis.cluster' unless $python;

my $c = cluster(nodes => 3, proxies => 3, workers => 2);
my $program = ($ENV{UM_SRCDIR} // '.') . '/t/clients/redis_py.py';
my $out = `timeout 60 $python $program @{[ $c->proxy->{port} ]} 2>&1`;
my @lines = split /\n/, $out;

is($?, 0, 'it runs to its end') or diag($out);
for my $line (@lines) {
    next unless $line =~ /^(ok|not ok) (.*)/;
    is($1, 'ok', $2);
}
cmp_ok(scalar(@lines), '>', 10, 'with all its steps');
ok($_->serves, 'the proxies serve on') for $c->proxies;

done_testing;
