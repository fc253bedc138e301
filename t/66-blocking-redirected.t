#!/usr/bin/perl

# With active redirection a client may wait at any proxy for what comes at
# another's node; when it leaves, its call is ended there.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster wait_for patience);

my $c = cluster(nodes => 2, proxies => 2, workers => 2,
    proxy => 'active_redirection on; max_redirections 4; backend_timeout 1s;');
my @um = map { $c->proxy($_) } 0, 1;
my @key = map { $c->key_on($_, 'list') } 0, 1;
my @memory = map { $_->memory } @um;

for my $here (0, 1) {
    my $there = 1 - $here;
    my ($um, $node, $key) = ($um[$here], $c->node($there), $key[$there]);
    my $other = $um[$there]->client;
    my $way = "by $here at $there";

    # Served, at once, or when it comes; or nothing.
    my $client = $um->client;
    $node->cmd('RPUSH', $key, 'e');
    is_deeply($client->cmd('BLPOP', $key, 0), [ $key, 'e' ],
        "$way: what is there");
    $client->send('BLPOP', $key, 0);
    ok($node->has_blocked(1), "$way: waits there");
    like($um->client->cmd(qw(INFO clients)), qr/^blocked_clients:1\r$/m,
        'his proxy knows it');
    $other->cmd('RPUSH', $key, 'f');
    is_deeply($client->read, [ $key, 'f' ], 'what comes');
    my $begin = time;
    is($client->cmd('BLPOP', $key, 0.3), undef, 'the end of the time');
    my $took = time - $begin;
    cmp_ok($took, '>', 0.29, 'not sooner');
    cmp_ok($took, '<', 0.3 + patience(0.5), 'nor much later');

    # Longer than a proxy waits for a peer that is silent.
    $client->send('BLPOP', $key, 3.5);
    ok($client->silent(2.5), 'a long wait is no hung peer');
    is($client->read, undef, 'until it is over');

    # RESP3.
    $client->cmd('HELLO', 3);
    is($client->raw('BLPOP', $key, 0.05), "_\r\n", 'a null of RESP3');
    $client->send('XREAD', 'BLOCK', 0, 'STREAMS', "{$key}s", '$');
    $node->has_blocked(1) if $c->node_of("{$key}s") == $there;
    $client = $um->client;
    ok($node->has_blocked(0), 'who left does not wait');

    # Leaves.
    for my $how (qw(close reset shut)) {
        my $leaves = $um->client;
        $leaves->send('BLPOP', $key, 0);
        ok($node->has_blocked(1), "$way: waits and leaves by $how");
        $leaves->$how;
        ok($node->has_blocked(0), 'his call is ended there');
        is($other->cmd('RPUSH', $key, $how), 1, 'what comes afterwards');
        is($other->cmd('LPOP', $key), $how, 'is still there');
    }

    # Sent away.
    my $id = $client->cmd(qw(CLIENT ID));
    for my $how (qw(TIMEOUT ERROR)) {
        $client->send('BLPOP', $key, 0);
        $node->has_blocked(1);
        is($um->client->cmd(qw(CLIENT UNBLOCK), $id, $how), 1,
            "$way: CLIENT UNBLOCK $how");
        my $said = $client->read;
        $how eq 'ERROR' ? like($said, qr/^-UNBLOCKED/, 'said')
            : is($said, undef, 'said');
        ok($node->has_blocked(0), 'nothing is left there');
    }

    # In order, with keys of both.
    my $mine = $key[$here];
    $client->write(join '', map { Undermoon::Client::request(@$_) }
        [ 'SET', "{$mine}n", 1 ], [ 'BLPOP', $key, 0 ],
        [ 'INCR', "{$mine}n" ], [ 'BLPOP', $mine, 0.05 ], ['PING']);
    is($client->read, 'OK', "$way: in order");
    ok($node->has_blocked(1), 'the first waits');
    is($um->client->cmd('GET', "{$mine}n"), 1, 'nothing behind it is done');
    $other->cmd('RPUSH', $key, 'g');
    is_deeply([ map { $client->read } 1 .. 4 ],
        [ [ $key, 'g' ], 2, undef, 'PONG' ], 'then all the rest');

    # Others on the way are not delayed.
    my @wait = map { $um->client } 1 .. 20;
    $_->send('BLPOP', $key, 0) for @wait;
    ok($node->has_blocked(20), "$way: twenty wait");
    $begin = time;
    is($client->cmd('SET', "{$key}k", $_), 'OK') for 1 .. 3;
    cmp_ok(time - $begin, '<', patience(0.5), 'others go the same way at once');
    $other->cmd('RPUSH', $key, 1 .. 20);
    is(join(' ', sort { $a <=> $b } map { $_->read->[1] } @wait),
        join(' ', 1 .. 20), 'each gets one');
}

# Not every worker over there may be ready for it at once.
sub wait_again {
    my (@c) = @_;

    $_->send('BLPOP', $key[1], 0) for @c;
    return wait_for {
        for my $refused (grep { !$_->silent(0) } @c) {
            $refused->read =~ /not sent/ or die 'neither waits nor refused';
            $refused->send('BLPOP', $key[1], 0);
        }
        $c->node(1)->info('blocked_clients') == @c;
    } 10;
}

# The other proxy's workers are killed, or its node.
my @c = map { $um[0]->client } 1 .. 4;
$_->send('BLPOP', $key[1], 0) for @c;
ok($c->node(1)->has_blocked(4), 'four wait');
my $begin = time;
kill 'KILL', $um[1]->workers;
is((grep { $_->read =~ /^-ERR/ } @c), 4, 'the other proxy\'s workers die');
cmp_ok(time - $begin, '<', patience(3), 'and they hear of it');
ok($c->node(1)->has_blocked(0), 'nothing is left');
ok(wait_for { !grep { $_->cmd('LLEN', $key[1]) ne '0' } @c } 10,
    'others come');
ok(wait_again(@c), 'four wait again');
$begin = time;
$c->node(1)->stop;
is((grep { $_->read =~ /^-ERR/ } @c), 4, 'its node dies');
cmp_ok(time - $begin, '<', patience(3), 'and they hear of it');
$c->node(1)->start;
ok(wait_for { !grep { $_->cmd('LLEN', $key[1]) ne '0' } @c } 10,
    'it comes back');

# The waiting proxy's own workers die: the other one ends their calls.
ok(wait_again(@c), 'four wait again');
kill 'KILL', $um[0]->workers;
ok($c->node(1)->has_blocked(0), 'their proxy dies: their calls are ended');
ok(wait_for { $um[0]->serves } 10, 'it comes back');

# The slot goes over to the proxy where they wait.
my $w = $um[0]->client;
$w->send('BLPOP', $key[1], 0);
ok($c->node(1)->has_blocked(1), 'one waits');
my @all = ([ 0, 16383 ]);
$_->setcluster($_ == $um[0] ? (local => [ $c->node(0)->addr, \@all ])
    : (peer => [ $um[0]->addr, \@all ])) for @um;
ok($c->node(0)->has_blocked(1), 'his slot comes home: he waits here');
$um[1]->client->cmd('RPUSH', $key[1], 'home');
is_deeply($w->read, [ $key[1], 'home' ], 'and is served');
ok($c->node(1)->has_blocked(0), 'nothing is left there');

$c->deal;
$um[$_]->is_well($memory[$_], 'LLEN', $key[$_]) for 0, 1;
done_testing;
