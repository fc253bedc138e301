#!/usr/bin/perl

# A connection lost with commands under way: what may have been executed is
# answered with an error and never sent again.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(undermoon mock_redis redis wait_for free_port cluster);
use Undermoon::Mock qw(CUT RESET);

for my $how ([ 'a farewell', CUT ], [ 'a reset', RESET ],
    [ 'half a reply', ':1', CUT ]) {
    my ($name, @end) = @$how;
    my $node = mock_redis(INCR => sub { @end }, GET => sub { "+value\r\n" });
    my $um = undermoon(workers => 1)->start;
    $um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
    my $c = $um->client;

    is($c->cmd(qw(GET k)), 'value', "$name: before");
    my @said = map { "$_" } $c->pipeline([qw(GET k)], [qw(INCR n)]);
    is($said[0], 'value', "$name: what was answered is answered");
    like($said[1], qr/^-ERR_BACKEND_CONNECTION/, "$name: the INCR is an error");
    note($said[1]);
    ok(wait_for { $c->cmd(qw(GET k)) eq 'value' } 5, "$name: a new connection");
    is(scalar $node->commands('INCR'), 1, "$name: it was sent once");
}

# Many at once: each gets an error or an answer, none twice.
my $count = 0;
my $node = mock_redis(INCR => sub { ++$count % 50 ? ":$count\r\n" : CUT });
my $um = undermoon(workers => 1)->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
my $c = $um->client;
my $memory = $um->memory;
my $sent = 0;
for (1 .. 10) {
    my @said = $c->pipeline(map { [ 'INCR', "n$_" ] } 1 .. 30);
    $sent += 30;
}
cmp_ok(scalar $node->commands('INCR'), '<=', $sent,
    'none of 300 was sent twice');
ok(wait_for { $c->cmd(qw(INCR n)) !~ /^-/ } 5, 'and it goes on');

$um->is_well($memory, qw(INCR n));

# A node that is away is tried with pauses, and its commands fail at once.
my $away = free_port();
my $real = redis();
$um->setcluster(local => [ "127.0.0.1:$away", [ [ 0, 8191 ] ],
    $real->addr, [ [ 8192, 16383 ] ] ]);
my $begin = time;
my $errors = 0;
for (1 .. 500) {
    $errors++ if $c->cmd(qw(GET b)) =~ /^-ERR_BACKEND_CONNECTION/;
}
is($errors, 500, 'a node away: its commands are errors');
cmp_ok(time - $begin, '<', Undermoon::Test::patience(4),
    'and do not wait long');
is($c->cmd(qw(SET foo bar)), 'OK', 'another node serves');
my @lines = $um->log =~ /127\.0\.0\.1:$away: connect failed/g;
cmp_ok(scalar @lines, '<', 100, 'it is not tried for each of them');

# Restarted nodes are found again; a name is looked up.
my $named = undermoon(workers => 1, conf => <<'CONF')->start;
worker_processes  1;
pid               @PIDFILE@;
error_log         stderr notice;
proxy {
    listen            127.0.0.1:@PORT@;
    announce_address  localhost:@PORT@;
}
CONF
is($named->setcluster(local => [ "localhost:$real->{port}", [ [ 0, 16383 ] ] ]),
    'OK', 'a node by its name');
my $by_name = $named->client;
is($by_name->cmd(qw(GET foo)), 'bar', 'is found');
$real->restart;
ok(wait_for { ($by_name->cmd(qw(GET foo)) // 'nil') eq 'nil' } 5,
    'and again after its restart, empty');
is($by_name->cmd(qw(SET foo new)), 'OK', 'it takes writes');

# A name nobody knows fails its own commands only.
is($named->setcluster(local => [ "localhost:$real->{port}", [ [ 0, 16383 ] ] ],
    peer => [ 'nobody.invalid:1', [ [ 16383, 16383 ] ] ]), 'OK',
    'a peer with a name nobody knows');
ok($named->serves(qw(GET foo)), 'holds up nobody');

done_testing;
