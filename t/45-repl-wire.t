#!/usr/bin/perl

# UMCTL SETREPL and what is said of it: the replies of the reference, its epoch
# rule, and our own words.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);

my @node = map { redis() } 0, 1;
my ($a, $b) = map { $_->addr } @node;
my $um = undermoon(workers => 2)->start;
my $c = $um->client;

sub set { return $c->cmd(qw(UMCTL SETREPL), @_) }

# What is wrong, as the reference puts it.
my $args = '-Invalid arguments';
for (
    [ [], $args ],
    [ [qw(x NOFLAG)], $args ],
    [ [qw(1)], $args ],
    [ [qw(0 NOFLAG)], '-OLD_EPOCH' ],
    [ [qw(1 NOFLAG master mydb)], $args ],
    [ [ qw(1 NOFLAG boss mydb), $a, 0 ], $args ],
    [ [ qw(1 NOFLAG master my/db), $a, 0 ], $args ],
    [ [ qw(1 NOFLAG master mydb), $a, 'x' ], $args ],
    [ [ qw(1 NOFLAG master mydb), $a, 1, $b ], $args ],
    [ [qw(1 NOFLAG master mydb 10.0.0.1:1 0)], '-ERR_NOT_MY_META' ],
    [ [qw(1 NOFLAG replica mydb nohost 0)], '-ERR_NOT_MY_META' ],
    [ [ qw(1 NOFLAG master mydb), $a, 5, map { ($b, $um->addr) } 1 .. 5 ],
        '-Invalid arguments: too many peers of a node' ],
    [ [ qw(1 NOFLAG master mydb), $a, qw(0 replica mydb), $a, 0 ],
        '-Invalid arguments: a node has two roles' ],
    [ [ 1, "NOFLAG", map { ("master", "mydb", "127.0.0.1:$_", 0) } 1 .. 129 ],
        '-Invalid arguments: too many nodes' ],
) {
    my $words = substr "@{ $_->[0] }", 0, 60;
    is(set(@{ $_->[0] }), $_->[1], "SETREPL $words");
}
is_deeply($c->cmd(qw(UMCTL INFOREPL)), [], 'nothing of it was taken');
is($c->cmd(qw(UMCTL BEAT)), '0 0 none 1 0', 'BEAT: nothing is wanted');
is($c->cmd(qw(UMCTL READY)), 0, 'not ready');

# Taken: masters first, then replicas.
my @replica = ('replica', 'mydb', $b, 1, $a, $um->addr);
my @both = (@replica, 'MASTER', 'mydb', $a, 1, $b, '127.0.0.1:21602');
is(set(qw(1 NOFLAG), @both), 'OK', 'a replica and a master');
is($c->raw(qw(UMCTL INFOREPL)), join('', "*2\r\n",
    map { my @b = @$_; ('*' . @b . "\r\n",
        map { my $l = length($_) + 1; "\$$l\r\n$_\n\r\n" } @b) }
    [ 'cluster:mydb', 'role:master', "node_address:$a",
        "replica:$b\@127.0.0.1:21602" ],
    [ 'cluster:mydb', 'role:replica', "node_address:$b",
        'master:' . "$a\@" . $um->addr ]), 'INFOREPL');
ok((wait_for { $c->cmd(qw(UMCTL BEAT)) eq '0 1 none 1 0' } 20),
    'BEAT: all are what they should be');
is_deeply([ map { $_->cmd('ROLE')->[0] } @node ], [qw(master slave)],
    'and they are');
is($node[1]->info('master_port'), $node[0]{port}, 'one follows the other');
is($node[1]->info('master_link_status'), 'up', 'in sync');

# Epochs.
is(set(qw(1 NOFLAG), @both), '-OLD_EPOCH', 'the same epoch');
is(set(qw(7 whatever), @both), 'OK', 'a higher one');
is(set(qw(6 NOFLAG), @both), '-OLD_EPOCH', 'a lower one');
is(set(1, 'compress,FORCE', @replica), 'OK', 'by force');
is(scalar @{ $c->cmd(qw(UMCTL INFOREPL)) }, 1, 'the whole set is replaced');
is($c->cmd(qw(UMCTL GETEPOCH)), 0, 'the epoch of SETCLUSTER is another');
is($c->cmd(qw(UMCTL READY)), 1, 'only replicas: ready');
is(set(qw(2 NOFLAG), @both), 'OK', 'both again');
is($c->cmd(qw(UMCTL READY)), 0, 'a master without slots: not ready');

# Words that are not UTF-8 do not count.
is(set("\xff", 3, 'NOFLAG', "\xfe\xff", @both), 'OK', 'what is no text');
ok((wait_for { $c->cmd(qw(UMCTL BEAT)) =~ /^0 3 none 1/ } 20), 'in sync');
is(scalar @{ $c->cmd(qw(UMCTL INFOREPL)) }, 2, 'is left out');

# UMCTL INFO tells more.
my %info = @{ $c->cmd(qw(UMCTL INFO)) };
my ($master, $replica) = map {
    +{ map { chomp; my ($k, $v) = split /:/, $_, 2; ($k, $v) } @$_ }
} @{ $info{Replication} };
is($master->{node_address}, $a, 'INFO: the master');
is($master->{state}, 'serving', 'serves');
is($replica->{role}, 'replica', 'the replica');
ok((wait_for {
    %info = @{ $c->cmd(qw(UMCTL INFO)) };
    "@{ $info{Replication}[1] }" =~ /state:in_sync\n.*link:up\n/s;
} 10), 'is in sync');
like("@{ $info{Replication}[1] }", qr/offset:\d+\n lag:\d+\n/, 'and how far');

# HEALTH, by lines.
is($c->cmd(qw(UMCTL SETCLUSTER v2 4 NOFLAG mydb), $a, 1, '0-16383'), 'OK',
    'SETCLUSTER');
my $health = $c->cmd(qw(UMCTL HEALTH));
is($health =~ /\A(.*?)node\d/s && $1, join("\r\n", qw(epoch:4 repl_epoch:3
    cluster:mydb fault:none in_sync:1 nodes:2), ''), 'HEALTH');
like($health, qr/^node\d:addr=\Q$a\E,role=master,state=serving,fault=none,
    confirmed=1,link=0,offset=\d+,lag=0,lost=0\r$/mx, 'its master');
like($health, qr/^node\d:addr=\Q$b\E,role=replica,state=in_sync,fault=none,
    confirmed=0,link=1,offset=\d+,lag=\d+,lost=0\r$/mx, 'its replica');
is($c->cmd(qw(UMCTL READY)), 1, 'a master with slots: ready');

# INFO for people.
my $text = $c->cmd(qw(INFO replication));
like($text, qr/^role:master\r\n/m, 'INFO: a master to its clients');
like($text, qr/^repl_promotions:\d+\r\n/m, 'counters');
like($text, qr/^node\d:addr=\Q$b\E,role=replica,state=in_sync,link=up,/m,
    'and nodes');

# Free nodes, and nothing at all.
is(set(qw(5 NOFLAG master), '', $b, 0), 'OK', 'a free node');
ok((wait_for { $node[1]->cmd('ROLE')->[0] eq 'master' } 10), 'is a master');
is_deeply($c->cmd(qw(UMCTL INFOREPL)),
    [ [ "cluster:\n", "role:master\n", "node_address:$b\n" ] ], 'of nobody');
is(set(qw(6 NOFLAG)), 'OK', 'no node at all');
is_deeply($c->cmd(qw(UMCTL INFOREPL)), [], 'nothing is wanted');
is($node[1]->cmd('ROLE')->[0], 'master', 'who is left out is left alone');
is($um->client->cmd('SET', 'x', 1), 'OK', 'and its slots are served');

done_testing;
