#!/usr/bin/perl

# Clients of RESP3 are served over connections of RESP3, with Redis' own
# bytes; where there is none to be had, it costs the command and no more.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis mock_redis cluster wait_for);
use Undermoon::Client;
use Undermoon::Mock qw(bulk CUT);

sub raws {
    my ($c, @cmds) = @_;

    $c->write(join '', map { Undermoon::Client::request(split / /) } @cmds);
    return [ map { $c->read_raw } @cmds ];
}

# ---- one node: the same bytes as without us ------------------------------

my $node = redis();
my $um = undermoon(workers => 1)->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my @reads = ('HGETALL h', 'SMEMBERS s', 'ZRANGE z 0 -1 WITHSCORES',
    'ZSCORE z a', 'ZSCORE z none', 'GET none', 'MGET none {none}2',
    'CONFIG GET nothing', 'XRANGE x - +', 'GEOPOS g a', 'INCRBYFLOAT f 1.5',
    'GET h', 'EVAL return{double=3.5} 0', 'DEBUG PROTOCOL x');
{
    my $c = $um->client;
    my $plain = $node->client;
    my @writes = ('DEL h s z f', 'HSET h a 1', 'SADD s a', 'ZADD z 1.5 a 2 b');

    raws($plain, @writes);
    for my $proto (2, 3, 2, 3) {
        like($_->raw('HELLO', $proto), $proto == 3 ? qr/^%7/ : qr/^\*14/,
            "HELLO $proto") for $c, $plain;
        my @same = grep { !/CONFIG|DEBUG/ } @reads;
        raws($plain, 'DEL f');
        my $theirs = raws($plain, @same);
        raws($plain, 'DEL f');
        is_deeply(raws($c, @same), $theirs, "RESP$proto: the same bytes");
    }
}

# One connection more, and only when it is needed.
is(() = $node->client->cmd(qw(CLIENT LIST)) =~ /resp=3/g, 1,
    'one connection of RESP3, for all of them') or
    diag $node->client->cmd(qw(CLIENT LIST));

# A big request has one of its own.
{
    my $c = $um->client;
    my $big = 'x' x 3_000_000;

    $c->cmd(qw(HELLO 3));
    is($c->cmd('SET', 'big', $big), 'OK', 'a big request');
    is($c->cmd('GET', 'big'), $big, 'and a big reply');
    is($c->raw('GET', 'none'), "_\r\n", 'of RESP3 still');
    is($c->cmd(qw(BLPOP none 0.01)), undef, 'blocking');
    is($c->{raw}, "_\r\n", 'in RESP3');
}

# The node dies and comes again.
{
    my $c = $um->client;

    $c->cmd(qw(HELLO 3));
    $node->stop;
    ok(wait_for { $c->cmd(qw(GET h)) =~ /^-ERR_BACKEND/ } 5, 'the node died');
    $node->start;
    ok(wait_for { ref $c->cmd(qw(HGETALL h)) eq 'Undermoon::Map' } 5,
        'and came again: RESP3 as before');
}

# ---- who does not speak it ----------------------------------------------

my $peer = mock_redis(UMFORWARD => sub { bulk("by $_[1]") });
my $old = mock_redis(GET => sub { bulk('old') }, INFO => sub {
    bulk("# Server\r\nredis_version:7.0.15\r\nrun_id:" . ('b' x 40) . "\r\n");
});
$um = undermoon(workers => 1, proxy => 'active_redirection on;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 4000 ] ],
            $old->addr, [ [ 4001, 8191 ] ] ],
        peer => [ $peer->addr, [ [ 8192, 16383 ] ] ]), 'OK', 'metadata');
{
    my $c = $um->client;
    my $d = $um->client;

    is($c->cmd(qw(GET foo)), 'by 2', 'a peer serves RESP2');
    like($c->raw(qw(HELLO 3)), qr/^%/, 'HELLO 3');
    like($c->cmd(qw(GET foo)), qr/^-ERR_BACKEND_CONNECTION: .* was not sent/,
        'it does not serve RESP3: an error');
    is($c->cmd(qw(GET b)), undef, 'the client lives on');
    is($c->{raw}, "_\r\n", 'and gets RESP3 from others');
    is($d->cmd(qw(GET foo)), 'by 2', 'RESP2 is not disturbed');
    like($c->cmd(qw(MGET b foo)), qr/^-ERR_BACKEND_CONNECTION/,
        'a part fails, and so does the whole');
    like($c->raw(qw(HELLO 2)), qr/^\*14/, 'back to RESP2');
    is($c->cmd(qw(GET foo)), 'by 2', 'which is served again');
}

# A Redis of ours that does not know HELLO, whatever its version says.
{
    my $c = $um->client;
    my $key = (grep { my $s = $um->client->cmd(qw(CLUSTER KEYSLOT), $_);
            $s > 4000 && $s < 8192 } map { "k$_" } 1 .. 50)[0];

    is($c->cmd('GET', $key), 'old', 'RESP2');
    $c->cmd(qw(HELLO 3));
    like($c->cmd('GET', $key), qr/^-ERR_BACKEND_CONNECTION/, 'no RESP3');
    is($c->cmd(qw(GET b)), undef, 'the client lives on');
    like(join("\n", $um->log =~ /HELLO 3:.*/g), qr/unknown command/,
        'the log says why');
}

# ---- what nobody asked for ----------------------------------------------

my $pushy = mock_redis(
    HELLO => sub { "%1\r\n\$5\r\nproto\r\n:3\r\n" },
    GET   => sub { ">2\r\n\$10\r\ninvalidate\r\n*1\r\n\$1\r\nk\r\n", CUT });
$um = undermoon(workers => 1)->start;
is($um->setcluster(local => [ $pushy->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
{
    my $c = $um->client;

    $c->cmd(qw(HELLO 3));
    like($c->cmd(qw(GET k)), qr/^-ERR_BACKEND_CONNECTION: .* may have been/,
        'a push is nobody\'s answer');
}

# ---- many in both languages ---------------------------------------------

my $two = cluster(nodes => 2, proxies => 2, workers => 2,
    proxy => 'active_redirection on;');
{
    my @c = map { $two->client(proxy => $_ % 2) } 0 .. 7;
    my $wrong = 0;

    $_->cmd(qw(HELLO 3)) for @c[ 0 .. 3 ];
    for my $round (1 .. 20) {
        for my $i (0 .. $#c) {
            $c[$i]->write(join '', map { (Undermoon::Client::request('INCR',
                    "n$i:$_"), Undermoon::Client::request('GET', "none$_")) }
                    1 .. 10);
        }
        for my $i (0 .. $#c) {
            for (1 .. 10) {
                $wrong++ if $c[$i]->read != $round;
                $wrong++ if $c[$i]->read_raw ne ($i < 4 ? "_\r\n" : "\$-1\r\n");
            }
        }
    }
    is($wrong, 0, 'each in its own, and in order');
}

done_testing;
