#!/usr/bin/perl

# Clients that leave in the middle of anything: what they had under way is
# thrown away, nobody gets another's reply, and nothing is left behind.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster);

my $c = cluster(nodes => 3, workers => 1, proxy => 'active_redirection on;');
my $um = $c->proxy;
my @key = map { $c->key_on($_) } 0 .. 2;
my $stays = $c->client;
my $big = 'b' x 300_000;

is($stays->cmd('MSET', map { ($_, "value of $_") } @key), 'OK', 'three values');
is($stays->cmd('SET', 'big', $big), 'OK', 'a big one');
$stays->cmd('PING') for 1 .. 10;

my $rounds = 60;
my ($memory, $wrong) = (0, 0);
for my $round (1 .. $rounds) {
    my @leaves = map { $c->client } 1 .. 6;

    # In the middle of a request: line, length, body.
    $leaves[0]->write(substr Undermoon::Client::request('SET', 'half', $big), 0,
        5 * $round * $round);

    # With requests under way, on all nodes and by parts.
    $leaves[1]->write(Undermoon::Client::request('MGET', @key, 'big') x 50);
    $leaves[2]->write(join '',
        map { Undermoon::Client::request('INCR', "n:$_") } 1 .. 200);

    # In the middle of a reply.
    $leaves[3]->write(Undermoon::Client::request('GET', 'big') x 20);
    $leaves[3]->_fill;
    $leaves[4]->write("SET x\0");
    $leaves[5]->shut;

    $_ % 2 ? $leaves[$_]->reset : $leaves[$_]->close for 0 .. 5;

    for my $key (@key) {
        $wrong++ if $stays->cmd('GET', $key) ne "value of $key";
    }
    my $all = $stays->cmd('MGET', @key);
    $wrong++ if "@$all" ne join ' ', map { "value of $_" } @key;

    $memory = $um->memory if $round == $rounds / 2;
}
is($wrong, 0,
    "$rounds times six leave, the one who stays gets his own replies");

# While their Redis sleeps, a whole FIFO is orphaned.
my $node = $c->node(0)->client;
$node->send('DEBUG', 'SLEEP', '0.5');
my @waiting = map { $c->client } 1 .. 50;
$_->write(Undermoon::Client::request('GET', $key[0]) x 100) for @waiting;
is($stays->cmd('GET', $key[1]), "value of $key[1]", 'another node meanwhile');
$_->reset for @waiting;
is($stays->cmd('GET', $key[0]), "value of $key[0]",
    'the replies are not mixed up');

# A half-closed client still gets what it asked for.
my $half = $c->client;
$half->write(Undermoon::Client::request('GET', $key[0])
    . Undermoon::Client::request('GET', 'big'));
$half->shut;
is($half->read, "value of $key[0]", 'EOF behind a request: the first reply');
ok($half->read eq $big, 'and the big one');
ok($half->closed, 'then the end');

$um->is_well($memory, 'GET', $key[0]);
ok(Undermoon::Test::wait_for { $um->client->cmd('INFO', 'clients')
        =~ /^connected_clients:2\r$/m } 5, 'no client is left');

done_testing;
