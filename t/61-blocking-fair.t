#!/usr/bin/perl

# Who has waited longest is served first, whichever worker serves him, and who
# does not wait is not disturbed by those who do.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(cluster wait_for patience);

my $c = cluster(nodes => 1, workers => 2,
    proxy => 'private_connections 40; big_request 100k;');
my ($um, $node) = ($c->proxy, $c->node);
my $other = $um->client;
$other->cmd('PING') for 1 .. 10;

# Each is known to wait before the next one comes.
sub waiting {
    my ($n, @call) = @_;
    my $before = $node->info('blocked_clients');
    my @c;

    for my $i (1 .. $n) {
        push @c, $um->client;
        $c[-1]->send(@call);
        $node->has_blocked($before + $i) or die "client $i does not block";
    }
    return @c;
}

my @pushes = (
    [ 'BLPOP', [qw(BLPOP {q}l 0)], sub { (RPUSH => '{q}l', $_[0]) },
        sub { $_[0][1] } ],
    [ 'BLMOVE', [qw(BLMOVE {q}l {q}m LEFT RIGHT 0)],
        sub { (RPUSH => '{q}l', $_[0]) }, sub { $_[0] } ],
    [ 'BZPOPMIN', [qw(BZPOPMIN {q}z 0)],
        sub { (ZADD => '{q}z', $_[0], $_[0]) }, sub { $_[0][1] } ],
);
for my $case (@pushes) {
    my ($name, $call, $push, $element) = @$case;
    my @c = waiting(16, @$call);
    my (@got, $early);

    for my $i (1 .. 16) {
        $other->cmd($push->($i));
        push @got, $element->($c[ $i - 1 ]->read);
        $early += grep { !$_->silent(0) } @c[ $i .. $#c ];
    }
    is("@got", join(' ', 1 .. 16), "$name: the first come is the first served");
    is($early, 0, 'and nobody else is');
}

# All at once: in the same order.
my @c = waiting(16, qw(BRPOP {q}l 0));
$other->cmd('LPUSH', '{q}l', 1 .. 16);
is(join(' ', map { $_->read->[1] } @c), join(' ', 1 .. 16), 'sixteen at once');

# One who comes back goes to the end.
@c = waiting(3, qw(BLPOP {q}l 0));
$other->cmd(qw(RPUSH {q}l a));
is($c[0]->read->[1], 'a', 'the first of three');
$c[0]->send(qw(BLPOP {q}l 0));
ok($node->has_blocked(3), 'comes again');
$other->cmd(qw(RPUSH {q}l b c d));
is(join(' ', map { $_->read->[1] } @c[ 1, 2, 0 ]), 'b c d',
    'and goes to the end');

# Others of the same node.
sub half_takes {
    my @took = sort { $a <=> $b } map {
        my $begin = time;
        $other->cmd(qw(SET {q}k v));
        time - $begin;
    } 1 .. 300;

    return $took[150];
}
my $memory = $um->memory;
my $usual = half_takes();
@c = waiting(30, qw(BLPOP {q}l 0));
my $beside = half_takes();
note(sprintf '%.2f ms, beside thirty that wait %.2f ms', 1000 * $usual,
    1000 * $beside);
cmp_ok($beside, '<', $usual + 0.005 * patience(1), 'others are not delayed');

# All private connections of a worker in use.
my @more;
my $said;
for (1 .. 200) {
    my $client = $um->client;
    $client->send(qw(BLPOP {q}l 0));
    push @more, $client;
    last if wait_for { $node->info('blocked_clients') == @c + @more
            || !$client->silent(0) } 5 and !$client->silent(0);
}
$said = $more[-1]->read;
like($said, qr/^-ERR.*private/i, 'one too many is told so') or diag($said);
cmp_ok(@c + @more, '>', 40, 'not before all are in use');
cmp_ok(@c + @more, '<=', 81, 'nor later');
is($more[-1]->cmd('PING'), 'PONG', 'his connection lives on');
is($more[-1]->cmd(qw(GET {q}k)), 'v', 'and serves');
is($more[-1]->cmd('SET', '{q}big', 'b' x 300_000), 'OK', 'a big request');
is(length $more[-1]->cmd(qw(GET {q}big)), 300_000, 'is done all the same');
ok($um->serves(qw(GET {q}k)), 'others are served');

# One leaves, one may come.
pop @more;
(shift @c)->close;
ok($node->has_blocked(@c + @more), 'one leaves');
my $room = wait_for {
    my $client = $um->client;
    $client->send(qw(BLPOP {q}l 0));
    wait_for { !$client->silent(0)
            || $node->info('blocked_clients') == @c + @more + 1 } 5;
    push @more, $client if $client->silent(0);
} 5;
ok($room, 'another may block');
$_->close for @c, @more;
ok($node->has_blocked(0), 'all are gone');
$um->is_well($memory, qw(GET {q}k));

done_testing;
