#!/usr/bin/perl

# What a cluster client is told of the cluster: CLUSTER NODES, SLOTS, SHARDS,
# INFO and their kin, in the forms of Redis 7.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Cluster;
use Undermoon::Test qw(undermoon redis cluster);

my $node = redis();
my $um = undermoon(workers => 2)->start;
my $c = $um->client;
my $empty = '_' x 24;
my $hex = qr/[0-9a-f]{1,16}_*/;

# Before there is metadata.
my $us = quotemeta $um->addr;
like($c->cmd(qw(CLUSTER NODES)),
    qr/^$empty$hex $us\@5299 myself,master - 0 0 0 connected\n\z/, 'alone');
is_deeply($c->cmd(qw(CLUSTER SLOTS)), [], 'nobody has slots');
like($c->cmd(qw(CLUSTER INFO)), qr/^cluster_state:fail\r\n/, 'so it says');

# A part of the slots each, and one nobody has.
my @peer = map { "127.0.0.1:$_" } 2, 3;
is($um->setcluster(name => 'mydb', epoch => 7,
    local => [ $node->addr, [ [ 300, 200 ], [ 0, 100 ], [ 101, 150 ] ],
        $node->addr, [ [ 5000, 5000 ] ] ],
    peer => [ $peer[0], [ [ 151, 199 ] ], $peer[1], [ [ 8000, 20000 ] ] ]),
    'OK', 'metadata');

my $id = $c->cmd(qw(CLUSTER MYID));
like($id, qr/^mydb____________________$hex\z/, 'an id of the cluster');
is(length $id, 40, 'of forty characters');

my @lines = split /\n/, $c->cmd(qw(CLUSTER NODES));
is($lines[0], "$id " . $um->addr
    . '@5299 myself,master - 0 0 7 connected 0-150 200-300 5000', 'we');
like($lines[1], qr/^mydb_{20}$hex 127\.0\.0\.1:2\@5299 master - 0 0 7 /,
    'a peer');
like($lines[1], qr/ connected 151-199\z/, 'with its slots');
like($lines[2], qr/ 127\.0\.0\.1:3\@5299 .* connected 8000-16383\z/,
    'none above 16383');
is(@lines, 3, 'nobody else');

my %id = map { (split)[1] =~ /(.*)@/ ? ($1 => (split)[0]) : () } @lines;
my @slots = map { [ @$_[0, 1], "$_->[2][0]:$_->[2][1]", @{ $_->[2] }[2, 3] ] }
    @{ $c->cmd(qw(CLUSTER SLOTS)) };
is_deeply(\@slots, [
    map { [ @$_, $id{ $_->[2] }, [] ] } [ 0, 150, $um->addr ],
    [ 200, 300, $um->addr ], [ 5000, 5000, $um->addr ],
    [ 151, 199, $peer[0] ], [ 8000, 16383, $peer[1] ]
], 'SLOTS says the same');

my %shard;
for my $s (map { +{@$_} } @{ $c->cmd(qw(CLUSTER SHARDS)) }) {
    my %n = @{ $s->{nodes}[0] };
    $shard{"$n{ip}:$n{port}"} = join ' ', @{ $s->{slots} }, @n{qw(id role
        health endpoint)};
}
is_deeply(\%shard, {
    $um->addr => "0 150 200 300 5000 5000 $id master online 127.0.0.1",
    $peer[0] => "151 199 $id{$peer[0]} master online 127.0.0.1",
    $peer[1] => "8000 16383 $id{$peer[1]} master online 127.0.0.1",
}, 'SHARDS too');

my %info = map { split /:/, $_, 2 } split /\r\n/, $c->cmd(qw(CLUSTER INFO));
is_deeply([ @info{qw(cluster_state cluster_slots_assigned cluster_slots_ok
    cluster_known_nodes cluster_size cluster_current_epoch)} ],
    [ 'fail', 8686, 8686, 3, 3, 7 ], 'INFO counts');

# The rest.
is($c->cmd(qw(CLUSTER KEYSLOT), @$_[0]), $_->[1], "slot of '$_->[0]'")
    for [ foo => 12182 ], [ 'foo{bar}' => 5061 ], [ 'foo{}{bar}' => 8363 ],
    [ '' => 0 ], [ '{a}{b}' => 15495 ];
is_deeply($c->cmd(qw(CLUSTER LINKS)), [], 'no links');
is_deeply($c->cmd(qw(CLUSTER REPLICAS), $id), [], 'no replicas');
is($c->cmd(qw(CLUSTER REPLICAS x)), '-ERR Unknown node x', 'of whom?');
is($c->cmd(qw(cluster foo)),
    "-ERR unknown subcommand 'foo'. Try CLUSTER HELP.", 'what?');
is($c->cmd(qw(CLUSTER NODES x)),
    "-ERR wrong number of arguments for 'cluster|nodes' command", 'arity');
like($c->cmd(qw(CLUSTER MEET 127.0.0.1 1)), qr/^-ERR .*not supported/,
    'the broker says who is who');
like($c->cmd(qw(CLUSTER HELP))->[0], qr/^CLUSTER <subcommand>/, 'HELP');

# Every worker says so, byte for byte.
my %said;
$said{ $um->client->cmd(qw(CLUSTER SLOTS))->[0][2][2] }++ for 1 .. 20;
is_deeply([ keys %said ], [$id], 'one face');

# Keys of a slot; {foo} is 12182.
my $cl = cluster(nodes => 2, workers => 2, proxy => 'active_redirection on;');
my $cc = $cl->client;
my @keys = map { "{foo}:$_" } 1 .. 300;
$cc->cmd('SET', $_, 1) for @keys, map { "other:$_" } 1 .. 3000;

is($cc->cmd(qw(CLUSTER COUNTKEYSINSLOT 12182)), 300, 'keys are counted');
is($cc->cmd(qw(CLUSTER COUNTKEYSINSLOT 12181)),
    scalar(grep { Undermoon::Cluster::slot("other:$_") == 12181 } 1 .. 3000),
    'in another slot');
is_deeply([ sort @{ $cc->cmd(qw(CLUSTER GETKEYSINSLOT 12182 1000)) } ],
    [ sort @keys ], 'and named');
is(@{ $cc->cmd(qw(CLUSTER GETKEYSINSLOT 12182 7)) }, 7, 'as many as wanted');
is_deeply($cc->cmd(qw(CLUSTER GETKEYSINSLOT 12182 0)), [], 'or none');
is($c->cmd(qw(CLUSTER COUNTKEYSINSLOT 16000)), 0, "a peer's are not ours");
is($cc->cmd(qw(CLUSTER COUNTKEYSINSLOT x)),
    '-ERR value is not an integer or out of range', 'no number');
is($cc->cmd(qw(CLUSTER COUNTKEYSINSLOT 16384)), '-ERR Invalid slot',
    'no slot');
is($cc->cmd(qw(CLUSTER GETKEYSINSLOT 1 -1)),
    '-ERR Invalid slot or number of keys', 'no count');

# Many at once, and behind each other, hold nobody up for good.
my @counts = $cc->pipeline(
    ([qw(CLUSTER COUNTKEYSINSLOT 12182)], ['PING']) x 20);
is_deeply(\@counts, [ (300, 'PONG') x 20 ], 'in order');
my @c = map { $cl->client } 1 .. 30;
$_->send(qw(CLUSTER COUNTKEYSINSLOT 12182)) for @c;
is_deeply([ map { $_->read } @c ], [ (300) x 30 ], 'for many clients');

# A client that leaves meanwhile, and a node that is gone.
my $left = $cl->client;
$left->send(qw(CLUSTER COUNTKEYSINSLOT 12182));
$left->close;
$cl->node(1)->stop;
like($cc->cmd(qw(CLUSTER COUNTKEYSINSLOT 12182)), qr/^-ERR /, 'no node');
ok($cl->proxy->serves, 'and yet it serves');

# The old form has no bus port.
my $v1 = undermoon(proxy => 'cluster_nodes_version v1;')->start;
like($v1->client->cmd(qw(CLUSTER NODES)), qr/ \Q@{[$v1->addr]}\E myself,/,
    'cluster_nodes_version v1');

done_testing;
