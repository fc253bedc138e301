#!/usr/bin/perl

# Values of 5 and 64 MB keep their place in the order, and others are served
# while they pass.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(cluster wait_for patience);

my $c = cluster(nodes => 3, workers => 1,
    proxy => 'active_redirection on; client_output_limit 512m;'
        . ' backend_timeout 20s;');
my $um = $c->proxy;
my $key = $c->key_on(0);
my $near = $c->key_on(0, 'near');
my $far = $c->key_on(1, 'far');

$c->client->pipeline([ 'SET', $near, 0 ], [ 'SET', $far, 0 ]);
my $memory = $um->memory;

for my $mb (5, 64) {
    my $value = join '', map { chr(rand 256) } 1 .. 1 << 16;
    $value x= 16 * $mb;

    my $client = $c->client(timeout => 60);
    my @said = $client->pipeline(
        [ 'INCR', $near ], [ 'SET', $key, 'small' ], [ 'SET', $key, $value ],
        [ 'STRLEN', $key ], [ 'INCR', $near ], [ 'INCR', $far ],
        [ 'GET', $key ], [ 'APPEND', $key,
            'end' ], [ 'GETRANGE', $key, -6, -1 ],
        [ 'SET', $key, 'small again' ], [ 'GET', $key ], [ 'INCR', $near ]);

    my $got = splice @said, 6, 1;
    ok($got eq $value, "$mb MB come back as they went");
    is_deeply(\@said, [ 1, 'OK', 'OK', $mb << 20, 2, 1, ($mb << 20) + 3,
        substr($value, -3) . 'end', 'OK', 'small again', 3 ],
        "$mb MB: what was before and behind is in order");

    # A big one that is still coming in holds up nobody.
    my $request = Undermoon::Client::request('SET', $key, $value);
    my $half = $c->client(timeout => 60);
    my $other = $c->client;
    my $worst = 0;
    $half->write(substr $request, 0, length($request) / 2);
    for (1 .. 200) {
        my $begin = time;
        $other->cmd('GET', $_ % 2 ? $near : $far);
        $worst = time - $begin if time - $begin > $worst;
    }
    cmp_ok($worst, '<', patience(1), "$mb MB half sent: others are served");
    $half->write(substr $request, length($request) / 2);
    is($half->read, 'OK', "$mb MB: then the rest");

    # MGET and MSET of such things over several nodes.
    is($half->cmd('MSET', $key, $value, $far, 0, $near, 0), 'OK',
        "$mb MB: MSET");
    my $all = $half->cmd('MGET', $far, $key, $near);
    ok("$all->[0] $all->[2]" eq '0 0' && $all->[1] eq $value, "$mb MB: MGET");
    $half->cmd('DEL', $key);
    $_->close for $client, $half;
}

$um->is_well($memory, 'GET', $near);

done_testing;
