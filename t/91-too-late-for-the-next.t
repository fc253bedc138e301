#!/usr/bin/perl

# What was meant for one command must not hit the next: a CLIENT UNBLOCK that
# is late for the call it was to end, and a command that was given up behind
# what its client says after HELLO, over another connection.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Mock qw(bulk);
use Undermoon::Test qw(undermoon redis mock_redis wait_for);

# ---- CLIENT UNBLOCK ----------------------------------------------------

my $mock = mock_redis(
    BLPOP => sub { ([0.3], "*2\r\n" . bulk($_[1]) . bulk('v')) },
    'CLIENT UNBLOCK' => sub { ([2], ":0\r\n") });
my $um = undermoon(workers => 1)->start;
is($um->setcluster(local => [ $mock->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

my $leaves = $um->client;
$leaves->send(qw(BLPOP first 0));
ok($mock->saw('BLPOP'), 'one waits');
$leaves->close;
ok(wait_for { grep { "@$_" =~ /^CLIENT UNBLOCK/ } $mock->commands } 10,
    'he leaves, and his call is to be ended');
ok(wait_for { $um->client->cmd(qw(INFO everything)) =~ /blocked_lost:1\b/ } 10,
    'but it was answered before');
is_deeply($um->client->cmd(qw(BLPOP second 0)), [qw(second v)],
    'the next one waits');
is((grep { grep { /^BLPOP/ } @$_ } $mock->sessions), 2,
    'where the late CLIENT UNBLOCK does not find him');

# Without one under way the connection is used again.
is_deeply($um->client->cmd('BLPOP', $_, 0), [ $_, 'v' ], 'and one more')
    for 1 .. 2;
is((grep { grep { /^BLPOP/ } @$_ } $mock->sessions), 2,
    'who can use the same connection');

# Who waits for those before it is counted once.
sub counted {
    my $info = $leaves->cmd(qw(INFO stats));
    return ($info =~ /^total_commands_processed:(\d+)/m)[0];
}
$leaves = $um->client;
my $before = counted();
$leaves->write(join '', map { Undermoon::Client::request(@$_) }
    [qw(GET a)], [qw(BLPOP a 0)], [qw(GET a)]);
$leaves->read for 1 .. 3;
is(counted() - $before, 4, 'each command counts once');

# ---- a connection that ends ---------------------------------------------

# It ends once, also when the last part of a WAIT ends with it: else there
# are soon fewer than none in use, and nobody gets one any more.
my $dies = redis();
$um = undermoon(workers => 1, proxy => 'private_connections 4;')->start;
$um->setcluster(local => [ $dies->addr, [ [ 0, 16383 ] ] ]);
for my $round (1 .. 3) {
    my $waits = $um->client;
    $waits->cmd(qw(SET a 1));
    $waits->send(qw(WAIT 1 0));
    ok($dies->has_blocked(1), 'WAIT waits');
    $dies->restart;
    like($waits->read, qr/^-ERR_BACKEND_CONNECTION/, 'its Redis dies');
    ok(wait_for { $um->serves('GET', 'a') } 10, 'and comes back');
    is($um->client->cmd(qw(BLPOP no 0.01)), undef, 'there are connections');
}

# ---- no memory for who waits -------------------------------------------

# He is closed, and does not wait on for a place behind his call to be told.
my $um2 = undermoon(workers => 1,
    proxy => 'buffer_memory 1m; client_output_limit 1m;')->start;
$um2->setcluster(local => [ $dies->addr, [ [ 0, 16383 ] ] ]);
my $waits = $um2->client;
$waits->send(qw(BLPOP no 0));
ok($dies->has_blocked(1), 'one waits');
$waits->send('PING');
my @much = map { $um2->client } 1 .. 40;
$_->write("*2\r\n\$3\r\nGET\r\n\$50000\r\n" . 'x' x 40000) for @much;
ok(wait_for { $um2->client->cmd(qw(INFO memory)) =~ /^used_memory:(\d{7,})/m }
    10, 'there is no memory any more');
$waits->send('PING');
is(eval { $waits->read } // $@, "closed\n", 'he says more, and is closed');
ok($dies->has_blocked(0), 'nothing of his is left');

# ---- HELLO -------------------------------------------------------------

my $node = redis();
$um = undermoon(workers => 1, proxy => 'backend_timeout 700ms;')->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
my ($other, $c) = ($um->client, $um->client);

$other->cmd('HELLO', 3);
is($other->cmd(qw(SET k first)), 'OK', 'there are connections of RESP3');
is($c->cmd(qw(SET k second)), 'OK', 'and of RESP2');

for my $way ([qw(HELLO 3)], ['RESET']) {
    my ($behind, $said) = (400, '');

    ok(wait_for { $um->client->cmd(qw(GET k)) eq $other->cmd(qw(GET k)) } 10,
        "@$way: both kinds serve");

    # So much that Redis reads it in many turns.
    $node->pause;
    $c->write(Undermoon::Client::request('SET', 'other', 'x' x 500) x $behind
        . Undermoon::Client::request(qw(SET k old)));
    $said = $c->read for 0 .. $behind;
    like($said, qr/^-ERR_BACKEND_/, 'all of it is given up');

    $c->write(Undermoon::Client::request(@$way)
        . Undermoon::Client::request(qw(SET k new)));
    $c->read;
    $node->resume;
    is($c->read, 'OK', 'what comes behind is done');
    ok(wait_for { !grep { $_->{qbuf} > 0 && $_->{cmd} ne 'client|list' }
            $node->clients } 10, 'and nothing is left to be done');
    is($node->client->cmd(qw(GET k)), 'new', 'not before it');
}

done_testing;
