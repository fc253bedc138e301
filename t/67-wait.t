#!/usr/bin/perl

# WAIT answers when what this client has written is with so many replicas, as
# if it had a connection to Redis of its own; over several nodes it is the
# least of them.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster undermoon redis mock_redis wait_for patience);

sub replica_of {
    my ($node) = @_;
    my $replica = redis(more => [ '--replicaof', '127.0.0.1', $node->{port},
        '--repl-diskless-sync-delay', 0 ]);

    wait_for { $replica->info('master_link_status') eq 'up'
            && $node->cmd(qw(WAIT 1 10)) >= 1 } 20
        or die 'the replica does not come';
    return $replica;
}

my $node = redis(more => [qw(--repl-diskless-sync-delay 0)]);
my $replica = replica_of($node);
my $um = undermoon(workers => 2)->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my $memory = $um->memory;
my $c = $um->client;

# It is there when WAIT says so.
my ($one, $there) = (0, 0);
for my $i (1 .. 100) {
    $c->cmd('SET', 'k', $i);
    $one++ if $c->cmd(qw(WAIT 1 5000)) == 1;
    $there++ if $replica->cmd(qw(GET k)) eq $i;
}
is($one, 100, 'after each write the replica has it');
is($there, 100, 'and it has');

# In a pipeline.
$c->write(join '', map { Undermoon::Client::request(@$_) } [qw(SET k a)],
    [qw(WAIT 1 5000)], [qw(GET k)], [qw(SET k b)], [qw(WAIT 1 5000)]);
is_deeply([ map { $c->read } 1 .. 5 ], [ 'OK', 1, 'a', 'OK', 1 ],
    'in a pipeline');
is($replica->cmd(qw(GET k)), 'b', 'the last of it is there');
is($um->client->cmd(qw(WAIT 1 5000)), 1, 'a client that wrote nothing');
like($um->client->cmd(qw(WAIT 0 0)), qr/^[01]$/,
    'none are asked for: how many have it already');

# The replica sleeps.
$replica->pause;
$c->cmd(qw(SET k asleep));
my $begin = time;
is($c->cmd(qw(WAIT 1 200)), 0, 'a replica that sleeps has nothing');
my $took = time - $begin;
cmp_ok($took, '>', 0.19, 'after the time');
cmp_ok($took, '<', 0.2 + patience(0.8), 'not much later');
$begin = time;
is($um->client->cmd(qw(GET k)), 'asleep', 'others are served meanwhile');

# It wakes up while somebody waits.
$c->cmd(qw(SET k woken));
$c->send(qw(WAIT 1 0));
ok($node->has_blocked(1), 'for ever means until it comes');
$um->client->cmd(qw(SET other value));
ok($c->silent(0.05), 'what another writes does not count');
$replica->resume;
is($c->read, 1, 'and it comes');
is($replica->cmd(qw(GET k)), 'woken', 'with the value');

# Who leaves does not wait.
$replica->pause;
my $leaves = $um->client;
$leaves->cmd(qw(SET k x));
$leaves->send(qw(WAIT 1 0));
ok($node->has_blocked(1), 'one waits');
$leaves->close;
ok($node->has_blocked(0), 'and leaves');

# Sent away.
my $id = $c->cmd(qw(CLIENT ID));
$c->cmd(qw(SET k y));
$c->send(qw(WAIT 1 0));
ok($node->has_blocked(1), 'one waits');
is($um->client->cmd(qw(CLIENT UNBLOCK), $id), 1, 'CLIENT UNBLOCK');
is($c->read, 0, 'it is told that nobody has it');
$replica->resume;

# What Redis refuses.
for my $words ([qw(WAIT)], [qw(WAIT 1)], [qw(WAIT x 1)], [qw(WAIT 1 x)],
    [qw(WAIT 1 -1)], [qw(WAIT 1 0.5)], [qw(WAIT 1 2 3)]) {
    is($c->raw(@$words), $node->client->raw(@$words), "@$words");
}
is($c->cmd('PING'), 'PONG', 'the connection lives on');

# Two nodes, of which one has a replica.
my $alone = redis();
my $two = undermoon(workers => 1)->start;
$two->setcluster(local => [ $node->addr, [ [ 0, 8191 ] ],
    $alone->addr, [ [ 8192, 16383 ] ] ]);
my $d = $two->client;
is($d->cmd(qw(SET b here)), 'OK', 'written to one');
is($d->cmd(qw(SET foo there)), 'OK', 'and to the other');
is($d->cmd(qw(WAIT 1 200)), 0, 'the least of both nodes');
my $second = replica_of($alone);
is($d->cmd(qw(SET foo again)), 'OK', 'it has a replica now');
is($d->cmd(qw(WAIT 1 5000)), 1, 'both have one');
is($second->cmd(qw(GET foo)), 'again', 'with the value');

# A node that dies while one waits for it.
$second->pause;
$d->cmd(qw(SET foo lost));
$d->send(qw(WAIT 1 0));
ok($alone->has_blocked(1), 'one waits for a node');
$alone->stop;
like($d->read, qr/^-ERR/, 'that dies: an error, and no number');
$second->resume;

# With active redirection: what was written at a peer is asked for there.
my @pair = map { redis(more => [qw(--repl-diskless-sync-delay 0)]) } 0, 1;
my $far = replica_of($pair[1]);
my $both = cluster(with => \@pair, proxies => 2, workers => 1,
    proxy => 'active_redirection on;');
my ($near_key, $far_key) = map { $both->key_on($_) } 0, 1;
my $f = $both->client;
is($f->cmd('SET', $far_key, 'v'), 'OK', 'written at a peer');
is($f->cmd(qw(WAIT 1 5000)), 1, 'WAIT asks there');
is($far->cmd('GET', $far_key), 'v', 'and it is there');
is($f->cmd('SET', $near_key, 'v'), 'OK', 'written here, too');
is($f->cmd(qw(WAIT 1 100)), 0, 'the least of both');
$far->pause;
$f = $both->client;
is($f->cmd('SET', $far_key, 'w'), 'OK', 'its replica sleeps');
$f->send(qw(WAIT 1 0));
ok($pair[1]->has_blocked(1), 'one waits at a peer');
$f->close;
ok($pair[1]->has_blocked(0), 'and leaves');
$far->resume;

# WAITAOF, and what a connection of one's own is told before it is asked.
my $mock = mock_redis(WAITAOF => sub { "*2\r\n:1\r\n:0\r\n" },
    WAIT => sub { ":3\r\n" }, PUBLISH => sub { ":0\r\n" });
my $by = undermoon(workers => 1)->start;
$by->setcluster(local => [ $mock->addr, [ [ 0, 16383 ] ] ]);
my $e = $by->client;
is($e->cmd(qw(SET k v)), 'OK', 'a write');
is_deeply($e->cmd(qw(WAITAOF 1 0 100)), [ 1, 0 ], 'WAITAOF is passed on');
my ($session) = grep { /^WAITAOF/m } map { join "\n", @$_ } $mock->sessions;
like($session, qr/^PUBLISH __um:wait \nWAITAOF 1 0 100$/m,
    'after what moves the offset of its own connection');
is($e->cmd(qw(WAIT 2 100)), 3, 'WAIT likewise');
($session) = grep { /^WAIT 2/m } map { join "\n", @$_ } $mock->sessions;
like($session, qr/^PUBLISH __um:wait \nWAIT 2 100$/m, 'after the same');
unlike(join("\n", map { "@$_" } $mock->commands), qr/PUBLISH.*\nSET/,
    'and not on the connection of others');

$um->is_well($memory, qw(GET k));
done_testing;
