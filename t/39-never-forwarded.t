#!/usr/bin/perl

# What controls a Redis, or gives a shared connection a state of its own, is
# answered with an error and never reaches the Redis.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis redis);

my $node = mock_redis('*' => sub { "+the node has got it\r\n" });
my $um = undermoon(workers => 1)->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my $c = $um->client;
is($c->cmd(qw(GET k)), 'the node has got it', 'others do reach it');

my $memory = $um->memory;
my @all = map { [ split ] } (
    'SUBSCRIBE ch', 'PSUBSCRIBE *', 'SSUBSCRIBE ch', 'UNSUBSCRIBE',
    'FLUSHALL', 'FLUSHALL ASYNC', 'FLUSHDB', 'FLUSHDB k', 'SHUTDOWN',
    'SHUTDOWN NOSAVE', 'SLAVEOF NO ONE', 'REPLICAOF NO ONE', 'SWAPDB 0 1',
    'DEBUG SLEEP 0', 'DEBUG SEGFAULT',
    'CLIENT PAUSE 1000', 'CLIENT TRACKING ON', 'CLIENT NO-TOUCH ON',
    'MONITOR', 'SYNC', 'PSYNC ? -1', 'REPLCONF ACK 1',
    'MODULE LOAD /tmp/x', 'MODULE LIST', 'CONFIG REWRITE',
    'CONFIG SET save x', 'BGSAVE', 'SAVE', 'BGREWRITEAOF', 'FAILOVER',
    'ACL SETUSER x', 'ACL LIST', 'MIGRATE 127.0.0.1 1 k 0 100', 'SCRIPT FLUSH',
    'SCRIPT KILL', 'FUNCTION FLUSH', 'FUNCTION KILL', 'SELECT 1', 'MOVE k 1',
    'MULTI', 'EXEC', 'DISCARD', 'WATCH k', 'CLUSTER RESET', 'CLUSTER FAILOVER',
    'CLUSTER FORGET k', 'CLUSTER ADDSLOTS 1', 'LATENCY RESTART',
    'RESTORE-ASKING k 0 x', 'PFDEBUG ENCODING k', 'PFSELFTEST', 'HELLO 9',
    'NOSUCHCOMMAND k', 'NOSUCHCOMMAND', 'SLOWLOG RESET k', 'SWAPDB',
    'COPY k {k} DB 1', 'COPY k {k} REPLACE DB 9',
    'OBJECT NOSUCH k',
);

my (@not_refused, @broken);
for my $cmd (@all, map { my ($n, @r) = @$_; [ lc $n, @r ] } @all) {
    my $said = eval { $c->cmd(@$cmd) } // 'nothing';

    push @not_refused, "@$cmd: $said"
        unless "$said" =~ /^-(?:ERR|NOPROTO|MISCONF|NOPERM) ./;
    push @broken, "@$cmd" unless eval { $c->cmd('PING') eq 'PONG' };
    $c = $um->client if !eval { $c->cmd('PING') };
}
is_deeply(\@not_refused, [], 'each is answered with an error');
is_deeply(\@broken, [], 'and the connection lives on');

# These do what they say, here.
$um->client->cmd(split) for 'CLIENT NO-EVICT ON', 'CLIENT NO-TOUCH OFF',
    'CLIENT UNBLOCK 1', 'CLIENT TRACKING OFF', 'HELLO 3', 'CLIENT TRACKINGINFO';
$um->client->send(split) for 'CLIENT REPLY OFF', 'CLIENT REPLY SKIP';

# The node was told nothing of it, whatever the proxy asks on its own.
my %ours = map { $_ => 1 } qw(PING AUTH HELLO INFO ROLE COMMAND GET),
    'CLIENT ID', 'CLIENT KILL', 'CLIENT SETNAME', 'CLIENT LIST',
    'CLIENT SETINFO';
my @strange = grep {
    my ($a, $b) = map { uc } @$_, '';
    !$ours{$a} && !$ours{"$a $b"};
} $node->commands;
is_deeply(\@strange, [], 'the node has seen none of them')
    or diag(explain \@strange);

is($c->cmd(qw(GET k)), 'the node has got it',
    'the shared connection is as before');
$um->is_well($memory, qw(GET k));

# The same with a real Redis: it has kept its data, its role and its settings,
# and the connection that all share is in no state of its own.
my $real = redis();
my $two = undermoon(workers => 1)->start;
is($two->setcluster(local => [ $real->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my @c = map { $two->client } 1 .. 2;
$c[0]->cmd('SET', "k$_", "v$_") for 1 .. 50;
$memory = $two->memory;
my $before = $real->info('run_id');
my $wrong = 0;
for my $cmd (@all) {
    eval { $c[1]->cmd(@$cmd) };
    $c[1] = $two->client if !eval { $c[1]->cmd('PING') eq 'PONG' };
    my $n = 1 + int rand 50;
    $wrong++ if ($c[0]->cmd('GET', "k$n") // '') ne "v$n";
}
is($wrong, 0, 'a real Redis: others get their replies all the while');
is($real->cmd('DBSIZE'), 50, 'nothing is deleted');
is($real->info('run_id'), $before, 'it is the same process');
is($real->info('role'), 'master', 'a master');
is_deeply($real->cmd(qw(CONFIG GET save)), [ 'save', '' ], 'configured so');
is_deeply([ grep { $_->{flags} =~ /[PxO]/ || $_->{db} || $_->{sub} }
    $real->clients ], [], 'no connection is in a state of its own');
$two->is_well($memory, qw(GET k1));

done_testing;
