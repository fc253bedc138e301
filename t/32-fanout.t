#!/usr/bin/perl

# With active redirection commands over several slots are split and joined;
# the answers are those of one Redis.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster redis);

my $c = cluster(nodes => 3, workers => 1, proxy => 'active_redirection on;');
my $one = redis();
my $um = $c->client;
my $direct = $one->client;
my @k = map { my $n = $_; map { $c->key_on($n, "k$_") } 1 .. 3 } 0 .. 2;
my @mixed = @k[ 0, 3, 6, 1, 4, 7, 2, 5, 8 ];

for my $step (
    [ 'MSET', map { ($_, "v-$_") } @mixed ],
    [ 'MGET', @mixed ],
    [ 'MGET', 'none', $k[0], 'none', $k[0], $k[8] ],
    [ 'EXISTS', @mixed, @mixed, 'none' ],
    [ 'TOUCH', @mixed, 'none' ],
    [ 'LPUSH', 'list', 'x' ],
    [ 'MGET', $k[0], 'list', $k[3] ],
    [ 'DEL', $k[0], $k[3], 'none', $k[0] ],
    [ 'UNLINK', $k[1], $k[4], 'none' ],
    [ 'MGET', @mixed ],
    [ 'MSET', $k[0], 1, $k[3], 2, $k[0], 3 ],
    [ 'MGET', $k[0], $k[3] ],
    [ 'MSET', $k[0], 1, $k[3] ],
    ['MGET'], ['MSET'], ['DEL'],
    [ 'DEL', @mixed, 'list' ],
    [ 'EXISTS', @mixed ],
    [ 'MGET', map { "m$_" } 1 .. 500 ],
    [ 'MSET', map { ("m$_", "value $_") } 1 .. 500 ],
    [ 'MGET', map { "m$_" } 1 .. 500 ],
    [ 'DEL', map { "m$_" } 1 .. 500 ],
    ) {
    my $name = "@$step" =~ s/^(.{60}).*/$1.../sr;
    is($um->raw(@$step), $direct->raw(@$step), $name);
}

# Split commands keep their place between plain ones.
my @steps = map { my $i = $_;
    [ 'SET', $k[0], $i ], [ 'MSET', $k[3], $i, $k[6], $i, $k[0], -$i ],
    [ 'GET', $k[0] ], [ 'MGET', @k[ 0, 3, 6 ] ], [ 'DEL', @k[ 3, 6 ] ],
    [ 'MGET', @k[ 3, 6, 0 ] ], [ 'INCR', $k[3] ] } 1 .. 100;
is_deeply([ $um->pipeline(@steps) ], [ $direct->pipeline(@steps) ],
    'in a pipeline they keep their order');

my $memory = $c->proxy->memory;

# What is no sum of its parts is refused.
my $cross = "-CROSSSLOT Keys in request don't hash to the same slot";
is($um->cmd('MSETNX', 'new1', 1, $k[3], 1), $cross, 'MSETNX over slots');
is($um->cmd('EXISTS', 'new1'), 0, 'has set nothing');
is($um->cmd('RENAME', @k[ 0, 3 ]), $cross, 'RENAME over slots');
is($um->cmd('SINTER', @k[ 0, 3 ]), $cross, 'SINTER over slots');

# In one slot everything is one command.
is($um->cmd('MSETNX', '{t}a', 1, '{t}b', 2), 1, 'MSETNX in one slot');
is($um->cmd('MSETNX', '{t}b', 1, '{t}c', 2), 0, 'all or nothing');
my $calls = sub { my $n = 0; $n += $_->calls($_[0]) for $c->nodes; $n };
my $before = $calls->('mget');
is_deeply($um->cmd(qw(MGET {t}a {t}b {t}c)), [ 1, 2, undef ],
    'MGET in one slot');
is($calls->('mget'), $before + 1, 'is one MGET');

# One node is away: an error for the whole, not a wrong nil.
$um->cmd('MSET', map { ($_, 'v') } @k);
$c->node(1)->stop;
like($um->cmd('MGET', @k), qr/^-ERR_BACKEND_/, 'MGET with a node away');
like($um->cmd('DEL', $k[0], $k[3]), qr/^-ERR_BACKEND_/, 'DEL with a node away');
is($um->cmd('MGET', @k[ 1, 6 ])->[1], 'v', 'the others serve on');
$c->proxy->is_well($memory, 'GET', $k[6]);

done_testing;
