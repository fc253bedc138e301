#!/usr/bin/perl

# Nodes, workers and configurations go while clients wait in them: each of them
# hears of it soon, and no call that was given up takes an element later.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(cluster wait_for patience);

my $c = cluster(nodes => 2, workers => 2, proxy => 'backend_timeout 400ms;');
my $um = $c->proxy;
my $memory = $um->memory;
my @key = map { $c->key_on($_, 'list') } 0, 1;
my $node = $c->node(0);

sub waiting {
    my ($n, @call) = @_;
    my @c = map { $um->client } 1 .. $n;

    $_->send(@call) for @c;
    $node->has_blocked($n) or die "@call: they do not block";
    return @c;
}

# For every worker.
sub comes_back {
    my @c = (@_, map { $um->client } 1 .. 16);

    return wait_for { !grep { $_->cmd('LLEN', $key[0]) ne '0' } @c } 10;
}

# Killed.
my @c = waiting(6, 'BLPOP', $key[0], 0);
my $beside = $um->client;
$beside->send('BLPOP', $key[1], 0);
ok($c->node(1)->has_blocked(1), 'one waits at another node');
my $begin = time;
$node->stop;
is((grep { $_->read =~ /^-ERR_BACKEND/ } @c), 6,
    'their node dies: all of them hear of it');
cmp_ok(time - $begin, '<', patience(2), 'at once');
ok($beside->silent(0), 'he who waits elsewhere does not');
like($c[0]->cmd('BLPOP', $key[0], 0), qr/^-ERR_BACKEND/,
    'without a node nobody waits');
$node->start;
ok(comes_back(@c), 'it comes back');
$_->send('BLPOP', $key[0], 0) for @c;
ok($node->has_blocked(6), 'all wait again');
is($um->client->cmd('RPUSH', $key[0], 1 .. 6), 6, 'elements come');
is((grep { ref($_->read) eq 'ARRAY' } @c), 6, 'and are served');
is($um->client->cmd('RPUSH', $key[1], 'e'), 1, 'one more, elsewhere');
is($beside->read->[1], 'e', 'he had not been disturbed');

# Hung.  Those who wait have no time of their own in which to find out.
@c = waiting(6, 'BLPOP', $key[0], 0);
$begin = time;
$node->pause;
is((grep { $_->read =~ /^-ERR_BACKEND/ } @c), 6,
    'their node hangs: all hear of it, although nobody else asks it');
cmp_ok(time - $begin, '<', patience(6), 'soon enough');
$node->resume;
ok(comes_back(@c), 'it goes on');
ok($node->has_blocked(0), 'their calls are ended there');
is($c[1]->cmd('RPUSH', $key[0], 'e'), 1, 'what comes now');
is($c[2]->cmd('LPOP', $key[0]), 'e', 'stays for those who ask now');

# Slow is not hung.
@c = waiting(2, 'BLPOP', $key[0], 0);
$node->pause;
wait_for { 0 } 0.2 / patience(1);
$node->resume;
is($um->client->cmd('RPUSH', $key[0], 1, 2), 2, 'slow is not hung');
is((grep { ref($_->read) eq 'ARRAY' } @c), 2, 'they waited on');

# Redis sends them away: it becomes a replica, or somebody kills them there.
@c = waiting(3, 'BLPOP', $key[0], 0);
$node->cmd(qw(REPLICAOF 127.0.0.1 1));
is((grep { $_->read =~ /^-UNBLOCKED/ } @c), 3,
    'Redis becomes a replica: it says so itself');
$node->cmd(qw(REPLICAOF NO ONE));
is($_->cmd('PING'), 'PONG', 'the connection lives on') for @c;
@c = waiting(3, 'BLPOP', $key[0], 0);
my $admin = $node->client;
$admin->cmd(qw(CLIENT KILL ID), $_->{id})
    for grep { $_->{flags} =~ /b/ } $node->clients;
is((grep { $_->read =~ /^-ERR_BACKEND/ } @c), 3, 'somebody kills them there');

# Their worker is killed.
@c = waiting(12, 'BLPOP', $key[0], 0);
my ($worker) = $um->workers;
kill 'KILL', $worker;
ok(wait_for { 2 == grep { $_ != $worker } $um->workers } 5,
    'a worker is killed, another comes');
my @left = grep { $_->silent(0.05) } @c;
@left or diag(join "\n", $um->log, map { eval { $_->read } // $@ } @c);
ok($node->has_blocked(scalar @left), 'those of the dead one wait no more');
is($um->client->cmd('RPUSH', $key[0], 1 .. @left), scalar @left, 'elements');
is((grep { ref($_->read) eq 'ARRAY' } @left), scalar @left,
    'are for the living');
$node->pause;
kill 'KILL', $um->workers;
$node->resume;
ok(wait_for { $um->serves('LLEN', $key[0]) } 10, 'all workers are killed');
ok($node->has_blocked(0), 'nothing old waits');
is($um->client->cmd('RPUSH', $key[0], 'e'), 1, 'what comes now');
is($um->client->cmd('LPOP', $key[0]), 'e', 'is not eaten');

# A reload: they stay where they are, and are served there.
@c = waiting(8, 'BLPOP', $key[0], 0);
my @before = $um->workers;
$um->reload;
ok(wait_for { $um->has_new_workers(@before) } 10, 'a reload');
is((grep { $_->silent(0) } @c), 8, 'they all still wait');
my ($id) = map { /^id=(\d+)/ } grep { / flags=\S*b/ }
    split /\n/, $um->client->cmd(qw(CLIENT LIST));
ok($id, 'CLIENT LIST of a new worker knows them');
is($um->client->cmd(qw(CLIENT UNBLOCK), $id), 1, 'and UNBLOCK reaches them');
is($um->client->cmd('RPUSH', $key[0], 1 .. 7), 7, 'elements');
is((grep { ref($_->read) eq 'ARRAY' } @c), 7, 'all others are served');
is($_->cmd('PING'), 'PONG', 'and serve on') for $c[0];
@c = waiting(1, 'BLPOP', $key[0], 0);
$um->setcluster(local => [ map { ($c->node($_)->addr, [ [ $c->range($_) ] ]) }
        0, 1 ]);
ok($c[0]->silent(0.05), 'metadata that changes nothing disturbs nobody');
$_->close for @c;
ok($node->has_blocked(0), 'nobody is left');

$um->is_well($memory, 'LLEN', $key[0]);
done_testing;
