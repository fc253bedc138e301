#!/usr/bin/perl

# HELLO, and what follows it: every line is said to a Redis and to the proxy,
# each on a new connection, and the bytes of all replies are the same.  So are
# the types of RESP3 in which both answer.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis mock_redis cluster free_port wait_for);

my $open = <<'SAID';
HELLO 0
HELLO 1
HELLO 4
HELLO 3.0
HELLO 03
HELLO -3
HELLO 30000000000000000000
HELLO 3 AUTH ; CLIENT GETNAME
HELLO 3 AUTH default ; CLIENT GETNAME
HELLO 3 AUTH nobody x ; CLIENT GETNAME
HELLO 3 AUTH nobody x SETNAME y ; CLIENT GETNAME
HELLO 3 SETNAME
HELLO 3 SETNAME a_b ; CLIENT GETNAME
HELLO 3 SETNAME x FOO ; CLIENT GETNAME
HELLO 3 SETNAME x SETNAME a_b ; CLIENT GETNAME
HELLO 3 SETNAME x AUTH nobody y ; CLIENT GETNAME
HELLO 4 SETNAME x ; CLIENT GETNAME
HELLO SETNAME x
HELLO 3 FOO
HELLO 3 FOO SETNAME x
HELLO 3 setname x auth default y FOO ; CLIENT GETNAME
SAID

my $after = <<'SAID';
CLIENT GETNAME
CLIENT SETNAME x ; CLIENT GETNAME ; RESET ; CLIENT GETNAME
PING
PING x
ECHO x
CLIENT NO-EVICT on
CLIENT NO-EVICT OFF
CLIENT NO-EVICT x
CLIENT NO-EVICT
CLIENT GETREDIR
CLIENT GETREDIR x
CLIENT TRACKINGINFO
CLIENT TRACKINGINFO x
CLIENT TRACKING OFF
CLIENT TRACKING off BCAST PREFIX x PREFIX y NOLOOP
CLIENT TRACKING x
CLIENT TRACKING
CLIENT TRACKING OFF FOO
CLIENT TRACKING OFF PREFIX
CLIENT TRACKING ON REDIRECT x
CLIENT TRACKING ON REDIRECT
CLIENT TRACKING ON FOO
CLIENT CACHING YES
CLIENT CACHING NO
CLIENT CACHING x
CLIENT CACHING
CLIENT REPLY
CLIENT REPLY x
CLIENT REPLY ON
CLIENT REPLY ON x
CLIENT UNBLOCK
CLIENT UNBLOCK x
CLIENT UNBLOCK 99999
CLIENT UNBLOCK 99999 TIMEOUT
CLIENT UNBLOCK 99999 error
CLIENT UNBLOCK 99999 foo
CLIENT UNBLOCK x foo
CLIENT UNBLOCK -1
CLIENT UNBLOCK 0
CLIENT UNBLOCK 1 2 3 4
CLIENT LIST ID 99999
CLIENT LIST TYPE pubsub
CLIENT LIST TYPE foo
CLIENT KILL ID 99999
CLIENT KILL 1.2.3.4:5
CONFIG GET nope
CONFIG GET
CONFIG FOO
COMMAND INFO get nope set
COMMAND INFO config|get
COMMAND INFO bitop geoadd xread
COMMAND GETKEYS MSET a 1 b 2
COMMAND GETKEYSANDFLAGS MSET a 1 b 2
COMMAND GETKEYSANDFLAGS SORT a STORE b
COMMAND GETKEYS PING
COMMAND LIST FILTERBY MODULE x
COMMAND LIST FILTERBY PATTERN getdel
COMMAND FOO
CLUSTER KEYSLOT foo
CLUSTER KEYSLOT
CLUSTER FOO
INFO x y nope
READONLY ; READWRITE
SELECT 0
SELECT 1
FOO bar
GET
QUIT
SAID

my $locked = <<'SAID';
HELLO 3
HELLO 3 SETNAME x
HELLO 3 SETNAME a_b
HELLO 3 FOO
HELLO 3 AUTH default wrong ; PING
HELLO 3 AUTH default sesame FOO ; CLIENT GETNAME
HELLO 3 AUTH default sesame SETNAME a_b ; PING
HELLO 3 SETNAME foo ; AUTH sesame ; CLIENT GETNAME
HELLO 2 AUTH default wrong ; HELLO 3 ; PING
AUTH sesame ; HELLO 3 AUTH default wrong ; CLIENT GETNAME
AUTH sesame ; HELLO 4 AUTH default wrong ; CLIENT GETNAME
AUTH sesame ; HELLO 3 SETNAME x AUTH default wrong ; CLIENT GETNAME
SAID

# "" is an empty word and _ a blank in one.
sub said {
    my ($server, @cmds) = @_;
    my $c = $server->client;
    my @replies;

    for my $cmd (@cmds) {
        my @words = map { s/^""$//r =~ tr/_/ /r } split ' ', $cmd;
        push @replies, eval { $c->raw(@words) } // 'closed';
    }

    # Who it is and who we are to it must differ.
    return join '', map {
        s/(\$2\r\nid\r\n):\d+/$1:ID/r
            =~ s/(\$7\r\nversion\r\n)\$\d+\r\n[\d.]+/$1/r
    } @replies;
}

sub compare {
    my ($redis, $um, @lines) = @_;

    for my $line (@lines) {
        my @cmds = split / ; /, $line;
        is(said($um, @cmds), said($redis, @cmds), $line);
    }
}

my @cluster = qw(--cluster-enabled yes --cluster-port);
my $redis = redis(more => [ @cluster, free_port() ]);
my $um = undermoon(workers => 2)->start;

compare($redis, $um, split /\n/, $open);
compare($redis, $um, "HELLO 3 ; $_", "HELLO 2 ; $_") for split /\n/, $after;

# The harness logs in by itself where it is told a password.
my $redis_locked =
    redis(more => [ qw(--requirepass sesame), @cluster, free_port() ]);
my $um_locked = undermoon(proxy => 'password sesame;')->start;
compare($redis_locked, $um_locked, split /\n/, $locked);

# ---- what is told, and lasts --------------------------------------------

# The reply to HELLO as a hash.
sub hello {
    my ($c, @words) = @_;
    my $said = $c->cmd('HELLO', @words);

    return ref $said ? +{@$said} : { error => $said };
}

my $cluster = cluster(nodes => 2, workers => 2);

{
    my ($u, $r) = ($cluster->client, $cluster->node->client);
    my $version = hello($r)->{version};

    ok(wait_for { hello($u)->{version} eq $version } 10,
        'the version told is that of the nodes');

    my ($ours, $theirs) = map { $_->raw(qw(HELLO 3)) } $u, $r;
    s/(\$2\r\nid\r\n):\d+/$1:ID/ for $ours, $theirs;
    $theirs =~ s/\$10\r\nstandalone/\$7\r\ncluster/;
    is($ours, $theirs, 'HELLO 3: the same map');
    is(hello($u)->{proto}, 3, 'HELLO alone changes nothing');
    like($u->cmd(qw(CLIENT INFO)), qr/ resp=3 /, 'shown in CLIENT INFO');

    is($u->raw('GET', 'nope'), "_\r\n", 'data comes in RESP3');
    is($u->raw(qw(MGET {a}1 {a}2)), "*2\r\n_\r\n_\r\n", 'also in arrays');
    $u->cmd(qw(HSET h a 1));
    is($u->raw(qw(HGETALL h)), "%1\r\n\$1\r\na\r\n\$1\r\n1\r\n", 'and maps');

    is(hello($u, 2)->{proto}, 2, 'and back');
    is($u->raw('GET', 'nope'), "\$-1\r\n", 'so is the data');
    hello($u, 3, 'SETNAME', 'me');
    is($u->cmd('RESET'), 'RESET', 'RESET');
    is($u->raw(qw(CLIENT GETNAME)), "\$-1\r\n", 'goes back, too');
    like($u->cmd(qw(CLIENT INFO)), qr/ resp=2 /, 'shown in CLIENT INFO');
}

# In a pipeline each command is answered in the protocol that held for it.
{
    my $u = $cluster->client;
    my @said = map { [ split / / ] } 'GET x', 'HELLO 3', 'GET x',
        'CLIENT GETNAME', 'HELLO 2', 'GET x', 'HELLO 3', 'GET y', 'RESET',
        'GET y';

    $u->write(join '', map { Undermoon::Client::request(@$_) } @said);
    is(join('', map { substr $u->read_raw, 0, 1 } @said), '$%__*$%_+$',
        'a pipeline of both protocols');
}

# ---- nodes that do not know RESP3 ---------------------------------------

for my $case ([ '5.0.14' => 0 ], [ '6.0.0' => 1 ]) {
    my ($version, $can) = @$case;
    my $node = mock_redis(INFO => sub {
        Undermoon::Mock::bulk("# Server\r\nredis_version:$version\r\nrun_id:"
                . 'b' x 40 . "\r\n");
    });
    my $old = undermoon()->start;
    is($old->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
        "a node of $version");
    my $u = $old->client;
    ok(wait_for { hello($u)->{version} eq $version } 10, 'is met');

    if ($can) {
        is(hello($u, 3)->{proto}, 3, 'it speaks RESP3');
    } else {
        is($u->cmd(qw(HELLO 3 SETNAME x)),
            '-NOPROTO unsupported protocol version', 'it does not speak RESP3');
        is($u->cmd(qw(CLIENT GETNAME)), undef, 'and nothing has changed');
        is(hello($u, 2)->{proto}, 2, 'HELLO 2 is welcome');
    }
}

done_testing;
