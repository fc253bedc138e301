#!/usr/bin/perl

# What the proxy answers itself has, in RESP3 as in RESP2, the types in which a
# Redis of a cluster answers: maps, sets, verbatim strings, nulls.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis cluster free_port wait_for);

# ---- the shape of a reply -----------------------------------------------

# Types without values; names in maps are kept, repetitions are not.
sub shape {
    my ($in) = @_;

    $$in =~ s/^(.)([^\r]*)\r\n// or die "no reply: $$in";
    my ($type, $n) = ($1, $2);

    return 'null' if $type eq '_' || $n eq '-1' && $type =~ /[\$*]/;
    if ($type =~ /[\$=]/) {
        my $text = substr $$in, 0, $n + 2, '';
        return $type eq '=' ? substr($text, 0, 4) . 'text' : 'bulk';
    }
    return "$type" unless $type =~ /[*~%]/;

    my @of = map {
        my ($name) = $$in =~ /^\$\d+\r\n([^\r]*)\r\n/;
        my $key = $type eq '%' ? shape($in) : '';
        $type eq '%' ? ($name // $key) . ':' . shape($in) : shape($in);
    } 1 .. $n;
    my $last = '';
    @of = grep { my $new = $_ ne $last; $last = $_; $new } @of;
    return $type . '(' . join(' ', @of) . ')';
}

sub shape_of { my $raw = shift; return shape(\$raw) }

my $redis = redis(more => [ qw(--cluster-enabled yes --cluster-port),
        free_port() ]);
my $cluster = cluster(with => [ redis() ], nodes => 1);
is($redis->cmd(qw(CLUSTER ADDSLOTSRANGE 0 16383)), 'OK', 'a Redis cluster');
ok(wait_for { $redis->cmd(qw(CLUSTER INFO)) =~ /state:ok/ } 20, 'is up');

my @all = map { [ split ] } split /\n/, <<'SAID';
CLUSTER NODES
CLUSTER INFO
CLUSTER SHARDS
CLUSTER SLOTS
CLUSTER LINKS
CLUSTER MYID
CLUSTER KEYSLOT foo
CLUSTER COUNTKEYSINSLOT 0
CLUSTER GETKEYSINSLOT 0 10
CLUSTER REPLICAS myid
CLUSTER REPLICAS nobody
CLUSTER HELP
INFO
INFO server
INFO nope
CLIENT INFO
CLIENT LIST
CLIENT LIST ID 0
CLIENT ID
CLIENT GETNAME
CLIENT GETREDIR
CLIENT TRACKINGINFO
CLIENT HELP
CLIENT UNBLOCK 0
CONFIG GET maxclients
CONFIG GET max?lients
CONFIG GET nope
CONFIG SET slowlog-log-slower-than 10000
CONFIG RESETSTAT
CONFIG HELP
COMMAND COUNT
COMMAND LIST
COMMAND INFO get nope
COMMAND DOCS get set nope
COMMAND GETKEYS get x
COMMAND GETKEYSANDFLAGS get x
COMMAND HELP
TIME
PING
ECHO x
READONLY
READWRITE
HELLO
RESET
SAID

for my $proto (2, 3) {
    my ($ours, $theirs) = map { $_->client } $cluster->proxy, $redis;

    for my $words (@all) {
        my @got = map {
            my $c = $_;
            $c->cmd('HELLO', $proto);
            my $id = $c->cmd(qw(CLUSTER MYID));
            shape_of($c->raw(map { $_ eq 'myid' ? $id : $_ } @$words));
        } $ours, $theirs;
        is($got[0], $got[1], "RESP$proto: @$words");
    }
}

# ---- what is ours stays what it is --------------------------------------

{
    my ($two, $three) = map { $cluster->client } 1, 2;
    $three->cmd(qw(HELLO 3));

    is($three->raw('UMCTL', @$_), $two->raw('UMCTL', @$_), "UMCTL @$_")
        for ['INFO'], ['READY'], ['GETEPOCH'], ['LISTCLUSTER'], ['INFOMGR'],
        ['INFOREPL'];
    like($three->raw(qw(UMCTL STATS)), qr/^\*/, 'UMCTL STATS');
}

done_testing;
