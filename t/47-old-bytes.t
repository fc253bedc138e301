#!/usr/bin/perl

# Bytes sent on a connection that was given up may still be executed by the
# Redis, later.  So before a new one is used, the old one is killed there.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis redis wait_for cluster);

my $node = mock_redis(INCR => sub { ":1\r\n" }, GET => sub { "+v\r\n" },
    'CLIENT KILL' => sub { ":1\r\n" });
my $um = undermoon(workers => 1, proxy => 'backend_timeout 300ms;')->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
my $c = $um->client;

# It hangs with a command in its socket, and is given up.
is($c->cmd(qw(GET k)), 'v', 'it serves');
$node->pause;
like($c->cmd(qw(INCR n)), qr/^-ERR_BACKEND_TIMEOUT/, 'it hangs');
ok(wait_for { $um->log =~ /hung/ } 5, 'the connection is given up');
$node->resume;
ok(wait_for { $c->cmd(qw(GET k)) eq 'v' } 10, 'another one serves');

my ($first) = map { join "\n", @$_ } $node->sessions;
like($first, qr/^CLIENT ID\n/, 'the id of the first was asked for');
like($first, qr/^INCR n$/m, 'its bytes were still read');
my $all = join "\n", map { "@$_" } $node->commands;
like($all, qr/\nGET k\n.*\nCLIENT KILL ID 1\b.*\nGET k/s,
    'the first was killed before data went over another');
is(() = $all =~ /^INCR/mg, 1, 'the INCR was not sent again');

# With a real Redis: it sleeps with INCRs in its socket, is given up or loses
# the worker that sent them, wakes up, and what is done next is not undone.
my $cl = cluster(nodes => 1, workers => 1, proxy => 'backend_timeout 300ms;');
my $real = $cl->node;
for my $how ('slow', 'given up', 'without its worker') {
    my @clients = map { $cl->client } 1 .. 8;
    my $before = $cl->proxy->log;

    is($clients[0]->cmd(qw(SET n 0)), 'OK', "$how: a counter");
    $real->pause;
    $_->send(qw(INCR n)) for @clients;
    if ($how eq 'without its worker') {
        kill 'KILL', $cl->proxy->workers;
    } else {
        is((grep { $_->read =~ /^-ERR_BACKEND_TIMEOUT/ } @clients), 8,
            "$how: they get errors");
    }
    if ($how eq 'given up') {
        ok(wait_for { $cl->proxy->log =~ /hung/ } 5, "$how: it is");
    }
    $real->resume;

    my $new = $cl->client;
    ok(wait_for { $new->cmd(qw(SET n 1000)) eq 'OK' } 10,
        "$how: it comes back");
    is(join(' ', map { $cl->client->cmd(qw(GET n)) } 1 .. 50),
        join(' ', (1000) x 50), "$how: no old INCR comes behind the SET");
}

# The connections of a worker that died are killed by the one who follows.
my $lost = mock_redis(GET => sub { "+v\r\n" },
    'CLIENT KILL' => sub { ":1\r\n" });
my $dies = undermoon(workers => 1)->start;
$dies->setcluster(local => [ $lost->addr, [ [ 0, 16383 ] ] ]);
is($dies->client->cmd(qw(GET k)), 'v', 'a worker');
kill 'KILL', $dies->workers;
ok(wait_for { (eval { $dies->client->cmd(qw(GET k)) } // '') eq 'v' } 5,
    'dies, another one comes');
ok(wait_for { grep { "@$_" =~ /^CLIENT KILL ID 1$/ } $lost->commands } 5,
    'and has the old connection killed');

# Another run_id: the old bytes have died with their Redis, and the old id
# belongs to somebody else.
my $other = redis();
my $two = undermoon(workers => 1, proxy => 'backend_timeout 500ms;')->start;
$two->setcluster(local => [ $other->addr, [ [ 0, 16383 ] ] ]);
is($two->client->cmd(qw(SET k v)), 'OK', 'a Redis');
$other->restart;
my $watch = $other->client;
$watch->cmd('CLIENT', 'SETNAME', 'innocent');
ok(wait_for { ($two->client->cmd(qw(GET k)) // 'nil') eq 'nil' } 10,
    'restarts');
is($other->info('cmdstat_client|kill') // 'never', 'never',
    'nobody is killed at a Redis that is another');
is($watch->cmd('CLIENT', 'GETNAME'), 'innocent', 'the innocent lives');

done_testing;
