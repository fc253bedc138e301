#!/usr/bin/perl

# AUTH, and what is refused before it, as Redis does it: byte for byte beside
# a redis-server with requirepass.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(redis undermoon);

my $password = 'a pass;word';
my $redis = redis(password => $password);
my $node = redis();
my $um = undermoon(proxy => "password '$password';")->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata from the loopback, which control_allow allows');

my $as_redis = Undermoon::Client->new($redis->addr);
my $as_um = $um->client;

for my $step (
    [qw(GET k)], [qw(PING)], [qw(ECHO x)], [qw(SET k v)], [qw(NOSUCH a)],
    [qw(GET)], [qw(COMMAND COUNT)], [qw(CLIENT ID)], [qw(CLUSTER INFO)],
    [qw(INFO)], [qw(SELECT 0)], [qw(CONFIG GET maxmemory)], [qw(HELLO)],
    [qw(HELLO 2)], [qw(AUTH)], [qw(AUTH wrong)], [qw(AUTH nobody wrong)],
    [ 'AUTH', 'nobody', $password ], [qw(AUTH a b c)], [qw(HELLO 2 AUTH x y)],
    [qw(GET k)], [qw(RESET)], [ 'AUTH', $password ], [qw(GET k)], [qw(PING)],
    [qw(AUTH wrong)], [qw(GET k)], [ 'AUTH', 'default', $password ],
    [qw(RESET)], [qw(GET k)], [ 'AUTH', 'default', $password ],
    [qw(SELECT 0)], [qw(SET k v)], [qw(GET k)], [qw(DEL k)],
    ) {
    is($as_um->raw(@$step), $as_redis->raw(@$step), "@$step");
}

# A pipeline behind AUTH is judged by its outcome.
for my $word ($password, 'wrong') {
    my @both = map {
        my $c = Undermoon::Client->new($_->addr);
        $c->write(join '', map { Undermoon::Client::request(@$_) }
            [qw(GET a)], [ 'AUTH', $word ], [qw(SET a 1)], [qw(GET a)],
            [qw(AUTH wrong)], [qw(GET a)], [qw(DEL a)], ['QUIT']);
        $c->read_all;
    } $um, $redis;
    is($both[0], $both[1], "AUTH '$word' in the middle of a pipeline");
}

# HELLO with AUTH.
my $hello = $um->client;
like($hello->raw('HELLO', 2, 'AUTH', 'default', $password), qr/^\*14\r\n/,
    'HELLO 2 AUTH');
is($hello->cmd(qw(GET k)), undef, 'counts as AUTH');

# QUIT needs none; nor does it tell.
is(do { my $c = $um->client; $c->write("QUIT\r\n"); $c->read_all }, "+OK\r\n",
    'QUIT without AUTH');

# Without a password.
my $open = undermoon()->start;
my $plain = redis();
is($open->client->raw(@$_), $plain->client->raw(@$_), "no password: @$_")
    for [qw(AUTH x)], [qw(AUTH default x)], [qw(AUTH who x)];

done_testing;
