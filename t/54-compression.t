#!/usr/bin/perl

# Values of strings are packed on their way to Redis and come back as they
# were; what was stored otherwise comes back as it was stored; no value hides.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Mock qw(CUT bulk);
use Undermoon::Test qw(undermoon redis mock_redis);

my $frame = "\x28\xb5\x2f\xfd";
my $hello = "$frame\x00\x48\x59\x00\x00hello world";
my $refused = '-unsupported string command when compression is enabled';

my $node = redis();
my $um = undermoon(workers => 1)->start;
my $direct = $node->client;
my $c = $um->client;

sub strategy {
    is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ],
        config => { compression_strategy => $_[0] }), 'OK', "now $_[0]");
}

strategy('disabled');
is($c->cmd('SET', 'p:plain', 'plain'), 'OK', 'a value from before');
is($c->cmd('SET', 'p:own', "$frame\x04\x48\x09\x00\x00x\x8d\x65\xa1\x79"),
    'OK', 'and one its client had packed itself');
is($c->cmd('SET', 'p:like', $hello), 'OK', 'and one that looks like ours');

strategy('set_get_only');

# What is stored is what the reference stores.
is($c->cmd('SET', 'k', 'hello world'), 'OK', 'SET');
is($direct->cmd('GET', 'k'), $hello, 'a frame is stored');
is($c->cmd('GET', 'k'), 'hello world', 'GET gives the value');
is($c->cmd('SET', 'e', ''), 'OK', 'an empty value');
is($direct->cmd('GET', 'e'), "$frame\x20\x00\x01\x00\x00", 'has a frame too');
is($c->cmd('GET', 'e'), '', 'and comes back');
is($c->cmd('set', 'k', 'hello world', 'EX', 100), 'OK', 'SET with options');
is($c->cmd('GET', 'k'), 'hello world', 'and GET');
$c->write("SET k \"hello world\"\r\nGET k\r\n");
is($c->read, 'OK', 'SET inline');
is($direct->cmd('GET', 'k'), $hello, 'is packed as well');
is($c->read, 'hello world', 'GET inline');

# Commands that write and those that read, each with the other.
is($c->cmd('GETSET', 'k', 'second'), 'hello world', 'GETSET');
is($direct->cmd('GET', 'k'), "$frame\x00\x48\x31\x00\x00second", 'packs too');
is($c->cmd(qw(SET k third GET)), 'second', 'SET ... GET');
is($c->cmd(qw(SET k fourth NX GET)), 'third', 'SET ... NX GET');
is($c->cmd(qw(GETEX k EX 100)), 'third', 'GETEX');
is($c->cmd(qw(GETDEL k)), 'third', 'GETDEL');
is($c->cmd(qw(GETDEL k)), undef, 'which was there no more');
is($c->cmd(qw(SET k x GET)), undef, 'SET ... GET of nothing');
is($c->cmd(qw(SETNX k y)), 0, 'SETNX of what is there');
is($c->cmd(qw(SETNX n y)), 1, 'and of what is not');
is($c->cmd(qw(SETEX x 100 v3)), 'OK', 'SETEX');
is($c->cmd(qw(PSETEX y 100000 v4)), 'OK', 'PSETEX');
is($c->cmd(qw(MSET {m}1 one {m}2 two {m}3), ''), 'OK', 'MSET');
is($c->cmd(qw(MSETNX {m}4 four)), 1, 'MSETNX');
is($direct->cmd(qw(STRLEN), $_->[0]), 9 + $_->[1], "$_->[0] is packed")
    for [ n => 1 ], [ x => 2 ], [ y => 2 ], [ '{m}1' => 3 ], [ '{m}4' => 4 ];
is_deeply($c->cmd(qw(MGET {m}1 {m}2 {m}3 {m}nil {m}4)),
    [ 'one', 'two', '', undef, 'four' ], 'MGET');

# Errors are Redis' own.
$direct->cmd(qw(RPUSH list a));
is($c->cmd(qw(GET list)),
    '-WRONGTYPE Operation against a key holding the wrong kind of value',
    'WRONGTYPE');
like($c->cmd(@$_), qr/^-ERR wrong number of arguments for/, "@$_")
    for [qw(SET k)], [qw(SETEX k 1)], [qw(MSET a)], [qw(MSET {m}1 1 {m}2)],
    [qw(GETSET k)], [qw(GET)], [qw(MSETNX {m}1 1 {m}2)];
is($c->cmd(qw(SET k v NOSUCH)), '-ERR syntax error', 'a wrong option');
is($c->cmd(qw(SETEX k x v)), '-ERR value is not an integer or out of range',
    'a wrong time');

# What would see frames.
is($c->cmd(@$_), $refused, "$_->[0] is refused")
    for [qw(APPEND k x)], [qw(BITCOUNT k)], [qw(BITFIELD k GET u8 0)],
    [qw(BITFIELD_RO k GET u8 0)], [qw(BITOP NOT {k}d {k})], [qw(BITPOS k 1)],
    [qw(DECR k)], [qw(DECRBY k 1)], [qw(GETBIT k 0)], [qw(GETRANGE k 0 1)],
    [qw(SUBSTR k 0 1)], [qw(INCR k)], [qw(INCRBY k 1)], [qw(INCRBYFLOAT k 1)],
    [qw(SETBIT k 0 1)], [qw(SETRANGE k 0 v)], [qw(STRLEN k)],
    [qw(LCS {k}1 {k}2)], [qw(SET k v IFEQ w)];
is($c->cmd(qw(GET k)), 'x', 'nothing of it has happened');
is($c->cmd(qw(RPUSH list b)), 2, 'lists');
is_deeply($c->cmd(qw(LRANGE list 0 -1)), [qw(a b)], 'are untouched');
is($c->cmd('EVAL', 'return redis.call("get", KEYS[1])', 1, 'x'),
    "$frame\x00\x48\x11\x00\x00v3", 'a script sees what is stored');
is($c->cmd(qw(RENAME {m}1 {m}9)), 'OK', 'RENAME');
is($c->cmd(qw(GET {m}9)), 'one', 'takes the value along');

# Nothing hides.
is($c->cmd('GET', 'p:plain'), 'plain', 'a plain value from before');
is($c->cmd('GET', 'p:own'), $direct->cmd('GET', 'p:own'),
    'what a client has packed in a form of its own');
is($c->cmd('GET', 'p:like'), 'hello world',
    'only what looks just like ours is taken for it');
is($c->cmd('SET', 'q:like', $hello), 'OK', 'written under compression');
is($c->cmd('GET', 'q:like'), $hello, 'such a value is safe too');
my $bomb = "$frame\x00\x48" . pack('V', 131072 << 3 | 2) =~ s/\0\z/b/sr x 5000
    . "\x09\x00\x00b";
my %odd = (cut => substr($hello, 0, -1), longer => "$hello!",
    header => "$frame\x00\x48", magic => $frame, bomb => $bomb,
    rubbish => "$frame\x00\x48\x5d\x00\x00hello world", short => '(',
    number => 12345);
my @odd = sort keys %odd;
for my $name (@odd) {
    $direct->cmd('SET', "{odd}$name", $odd{$name});
    is($c->cmd('GET', "{odd}$name"), $odd{$name}, "as stored: $name");
    is($c->cmd('GETEX', "{odd}$name"), $odd{$name}, "and by GETEX: $name");
}
is_deeply($c->cmd('MGET', '{odd}nil', map { "{odd}$_" } @odd),
    [ undef, map { $odd{$_} } @odd ], 'all of them');
cmp_ok($um->memory, '<', 200e6, 'a bomb does not go off');

# RESP3.
my $three = $um->client;
$three->cmd(qw(HELLO 3));
is($three->raw('GET', 'nil'), "_\r\n", 'a null of RESP3');
is($three->raw('GET', 'x'), "\$2\r\nv3\r\n", 'a value');
is($three->raw(qw(MGET {m}9 {m}nil)), "*2\r\n\$3\r\none\r\n_\r\n", 'an array');
is($three->raw(qw(SET k w GET)), "\$1\r\nx\r\n", 'SET ... GET');
is($three->raw(qw(GET list)), "-WRONGTYPE Operation against a key holding "
    . "the wrong kind of value\r\n", 'an error');

# allow_all runs them on what is stored.
strategy('allow_all');
is($c->cmd(qw(SET k abc)), 'OK', 'SET');
is($c->cmd(qw(STRLEN k)), 12, 'STRLEN tells of the frame');
is($c->cmd(qw(APPEND k zz)), 14, 'APPEND goes behind it');
is($c->cmd(qw(GET k)), "$frame\x00\x48\x19\x00\x00abczz",
    'which is a frame no more, and not nil');
is($c->cmd(qw(INCR number)), 1, 'a counter');
is($c->cmd(qw(INCRBY number 41)), 42, 'counts');
is($c->cmd(qw(GET number)), 42, 'and is read');

# Back again: nothing is converted, all is there.
strategy('disabled');
is($c->cmd(qw(GET x)), "$frame\x00\x48\x11\x00\x00v3", 'as it is stored');
is($c->cmd(qw(STRLEN x)), 11, 'every command works');
is($c->cmd(qw(GET p:plain)), 'plain', 'plain is plain');
strategy('set_get_only');
is($c->cmd(qw(GET x)), 'v3', 'and here it is again');

like($c->cmd('INFO', 'stats'), qr/values_packed:[1-9]/i, 'counted');

# A reply that comes in pieces, and one that breaks off: nothing of it has been
# said yet, so there is room for an error.
my @piece = (bulk($hello) =~ /(.{1,7})/gs);
my $mock = mock_redis(
    GET => sub { map { ($_, [0.01]) } @piece[ 0 .. $#piece - 1 ], $piece[-1] },
    GETDEL => sub { (@piece[ 0, 1 ], CUT) },
    MGET => sub { ("*3\r\n" . bulk($hello), [0.01], bulk('x') . substr(
        bulk($hello), 0, 9), [0.01], substr bulk($hello), 9) },
    PING => sub { "+PONG\r\n" });
is($um->setcluster(local => [ $mock->addr, [ [ 0, 16383 ] ] ],
    config => { compression_strategy => 'set_get_only' }), 'OK', 'a mock');
is($c->cmd(qw(GET k)), 'hello world', 'a reply in pieces');
is_deeply($c->cmd(qw(MGET k k k)), [ 'hello world', 'x', 'hello world' ],
    'an array in pieces');
is_deeply([ $c->pipeline([qw(GET k)], [qw(ECHO x)], [qw(MGET k k k)],
    [qw(GET k)]) ], [ 'hello world', 'x', [ 'hello world', 'x', 'hello world' ],
    'hello world' ], 'in order');
like($c->cmd(qw(GETDEL k)), qr/^-ERR_BACKEND_CONNECTION: .*may have been/,
    'one that breaks off is an error');
is($c->cmd(qw(ECHO x)), 'x', 'and the client lives');
$c->send(qw(CLIENT REPLY OFF));
$c->send(qw(MGET k k k));
$c->send(qw(GET k));
$c->send(qw(CLIENT REPLY ON));
is($c->read, 'OK', 'what nobody wants is not unpacked');

done_testing;
