#!/usr/bin/perl

# Commands that block do so, and end as they would at a Redis: with an element
# that is there or comes, or with nothing when their time is over.  What a plain
# redis-server says is compared byte by byte, in RESP2 and RESP3.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster redis wait_for patience);

my $c = cluster(nodes => 1, workers => 2);
my ($um, $node, $plain) = ($c->proxy, $c->node, redis());

sub speaks {
    my ($client, $proto) = @_;

    $client->cmd('HELLO', 3) if $proto == 3;
    return $client;
}

# The same at the plain Redis and through the proxy.
sub both {
    my ($do) = @_;

    return ($do->($plain, sub { $plain->client }),
        $do->($node, sub { $um->client }));
}

# [name, before, the call, what another client does while it blocks]
my @give = (
    [ 'BLPOP', [], [qw(BLPOP {q}a {q}b 5)], [qw(RPUSH {q}b 1 2)] ],
    [ 'BRPOP', [], [qw(BRPOP {q}a 0)], [qw(RPUSH {q}a 1 2)] ],
    [ 'BLMOVE', [], [qw(BLMOVE {q}a {q}b LEFT RIGHT 0)], [qw(RPUSH {q}a 1)] ],
    [ 'BRPOPLPUSH', [], [qw(BRPOPLPUSH {q}a {q}b 5)], [qw(RPUSH {q}a 1)] ],
    [ 'BLMPOP', [], [qw(BLMPOP 5 2 {q}a {q}b RIGHT COUNT 2)],
        [qw(RPUSH {q}b 1 2 3)] ],
    [ 'BZPOPMIN', [], [qw(BZPOPMIN {q}z 5)], [qw(ZADD {q}z 1.5 m 2 n)] ],
    [ 'BZPOPMAX', [], [qw(BZPOPMAX {q}y {q}z 0.0)], [qw(ZADD {q}z 1 m 2 n)] ],
    [ 'BZMPOP', [], [qw(BZMPOP 0 1 {q}z MIN COUNT 5)],
        [qw(ZADD {q}z 1 m 2 n)] ],
    [ 'XREAD', [], [qw(XREAD BLOCK 0 STREAMS {q}s $)],
        [qw(XADD {q}s 7-1 f v)] ],
    [ 'XREAD of two', [], [qw(XREAD COUNT 1 BLOCK 5000 STREAMS {q}r {q}s 0 0)],
        [qw(XADD {q}s 7-1 f v)] ],
    [ 'XREADGROUP', [ [qw(XGROUP CREATE {q}s g $ MKSTREAM)] ],
        [qw(XREADGROUP GROUP g me BLOCK 0 STREAMS {q}s >)],
        [qw(XADD {q}s 7-1 f v)] ],
    [ 'a wrong type', [], [qw(BLPOP {q}a {q}b 5)],
        [qw(RPUSH {q}b v)], [qw(SET {q}a v)] ],
);

for my $proto (2, 3) {
    for my $case (@give) {
        my ($name, $before, $call, @while) = @$case;
        my ($want, $got) = both(sub {
            my ($redis, $connect) = @_;
            my $client = speaks($connect->(), $proto);
            my $other = $connect->();

            $redis->cmd('FLUSHALL');
            $other->cmd(@$_) for @$before;
            $client->send(@$call);
            $redis->has_blocked(1) or return 'does not block';
            $other->cmd(@$_) for reverse @while;
            return $client->read_raw;
        });
        is($got, $want, "$name gets what comes, RESP$proto");

        # And what is there already, though the type is wrong of the last case.
        ($want, $got) = both(sub {
            my ($redis, $connect) = @_;
            my $client = speaks($connect->(), $proto);

            $redis->cmd('FLUSHALL');
            $redis->cmd(@$_) for @$before, reverse @while;
            my @call = map { $_ eq '$' ? 0 : $_ } @$call;
            return $client->raw(@call);
        });
        is($got, $want, "$name takes what is there, RESP$proto");
    }
}
ok($node->has_blocked(0), 'nobody is left blocked');

# The end of the time, and calls that Redis refuses.
my @end = map { [ split ' ' ] } (
    'BLPOP {q}a 0.05', 'BRPOP {q}a {q}b 0.05', 'BZPOPMIN {q}a 0.05',
    'BZPOPMAX {q}a .05', 'BLMOVE {q}a {q}b LEFT LEFT 0.05',
    'BRPOPLPUSH {q}a {q}b 5e-2', 'BLMPOP 0.05 1 {q}a LEFT',
    'BZMPOP 0.05 1 {q}a MAX', 'XREAD BLOCK 50 STREAMS {q}s $',
    'XREAD BLOCK 50 STREAMS {q}s 0', 'BLPOP {q}a 0.0001',
    'BLPOP {q}a 0x.1p-3',
);
my @refused = map { [ split / / ] } (
    'BLPOP {q}a x', 'BLPOP {q}a -1', 'BLPOP {q}a nan', 'BLPOP {q}a 1e5000',
    'BLPOP {q}a ', 'BLPOP {q}a', 'BLPOP', 'BZPOPMIN {q}a 1,5',
    'BLMOVE {q}a {q}b UP LEFT 0', 'BLMOVE {q}a {q}b LEFT LEFT x',
    'BRPOPLPUSH {q}a {q}b inf', 'BLMPOP 0 x {q}a LEFT', 'BLMPOP 0 0 {q}a LEFT',
    'BLMPOP x 1 {q}a LEFT', 'BLMPOP 0 5 {q}a LEFT', 'BLMPOP 0 1 {q}a UP',
    'BZMPOP 0 1 {q}a', 'BZMPOP -1 1 {q}a MIN', 'XREAD BLOCK x STREAMS {q}s 0',
    'XREAD BLOCK 0.5 STREAMS {q}s 0', 'XREAD BLOCK -1 STREAMS {q}s 0',
    'XREAD BLOCK STREAMS {q}s 0', 'XREAD BLOCK 5 STREAMS {q}s',
    'XREAD BLOCK 5 STREAMS {q}s {q}r 0', 'XREAD BLOCK 5',
    'XREAD BLOCK 5 STREAMS {q}s x', 'XREAD NOACK BLOCK 5 STREAMS {q}s 0',
    'XREADGROUP GROUP g me BLOCK 5 STREAMS {q}s >',
    'XREADGROUP BLOCK 5 STREAMS {q}s >', 'BLPOP {q}t 0', 'BZPOPMIN {q}t 0',
);
$_->cmd('FLUSHALL'), $_->cmd(qw(SET {q}t text)) for $node, $plain;
for my $proto (2, 3) {
    my $mine = speaks($um->client, $proto);
    my $theirs = speaks($plain->client, $proto);

    for my $call (@end, @refused) {
        is($mine->raw(@$call), $theirs->raw(@$call), "@$call, RESP$proto");
    }
    is($mine->cmd('PING'), 'PONG', 'the connection lives on');
}

# So long and not much longer.
my $client = $um->client;
for my $call ([qw(BLPOP {q}a 0.25)], [qw(XREAD BLOCK 250 STREAMS {q}s $)]) {
    my $begin = time;
    $client->cmd(@$call);
    my $took = time - $begin;
    cmp_ok($took, '>', 0.24, "@$call: not less");
    cmp_ok($took, '<', 0.25 + patience(0.5), 'nor much more');
}

# In order with what stands before and behind it.
$client->write(join '', map { Undermoon::Client::request(@$_) }
    [qw(SET {q}n 1)], [qw(INCR {q}n)], [qw(BLPOP {q}list 0)], [qw(INCR {q}n)],
    [qw(GET {q}n)], [qw(PING)]);
is($client->read, 'OK', 'what stands before it is answered');
is($client->read, 2, 'all of it');
ok($node->has_blocked(1), 'then it blocks');
is($um->client->cmd(qw(GET {q}n)), 2, 'and nothing behind it is done');
ok($client->silent(0.05), 'nor answered');
is($um->client->cmd(qw(RPUSH {q}list e)), 1, 'an element comes');
is_deeply($client->read, [qw({q}list e)], 'it is served');
is_deeply([ map { $client->read } 1 .. 3 ], [ 3, 3, 'PONG' ],
    'and then what stands behind it');

# One behind the other, and what they push themselves.
$client->write(join '', map { Undermoon::Client::request(@$_) }
    [qw(BLPOP {q}l 0)], [qw(RPUSH {q}m x)], [qw(BLMOVE {q}m {q}l LEFT LEFT 0)],
    [qw(BLPOP {q}l 0)], [qw(BLPOP {q}l 0.05)], [qw(LLEN {q}l)]);
ok($node->has_blocked(1), 'several that block');
$um->client->cmd(qw(RPUSH {q}l first));
is_deeply([ map { $client->read } 1 .. 6 ],
    [ [qw({q}l first)], 1, 'x', [qw({q}l x)], undef, 0 ],
    'each has its turn');

# Many clients on a few keys: each gets one element, nothing is lost.
my @many = map { $um->client } 1 .. 30;
$_->send(qw(BRPOP {q}q 0)) for @many;
ok($node->has_blocked(30), 'thirty wait');
like($um->client->cmd(qw(INFO clients)), qr/^blocked_clients:30\r$/m,
    'INFO counts them over all workers');
$um->client->cmd('RPUSH', '{q}q', 1 .. 30);
is(join(' ', sort { $a <=> $b } map { $_->read->[1] } @many),
    join(' ', 1 .. 30), 'each gets an element');
ok(wait_for {
    $um->client->cmd(qw(INFO clients)) =~ /^blocked_clients:0\r$/m
} 5, 'and INFO has none left');

# Keys of two slots, and of nobody.
like($client->cmd(qw(BLPOP a b 0)), qr/^-CROSSSLOT/, 'keys of two slots');
like($client->cmd(qw(BLMOVE a b LEFT LEFT 0)), qr/^-CROSSSLOT/, 'BLMOVE too');
is($client->cmd(qw(PING)), 'PONG', 'it lives on');

# A NUL ends an option's name at Redis: it must not block what others use.
$client->send("XREAD", "BLOCK\0x", 0, "STREAMS\0y", '{q}s', '$');
ok($node->has_blocked(1), 'BLOCK with a NUL in it blocks');
ok($um->serves(qw(GET {q}n)), 'and disturbs nobody');
$client->close;
ok($node->has_blocked(0), 'it leaves');

done_testing;
