#!/usr/bin/perl

# New metadata, again and again: connections to nodes and peers that stay are
# kept, those to others end, and nothing grows.  A peer that was away is found
# again.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster redis undermoon mock_redis wait_for);

my @node = map { redis() } 1 .. 3;
my $peer = mock_redis(UMFORWARD => sub { "+the peer's\r\n" });
my $um = undermoon(workers => 2, proxy => <<'END')->start;
    active_redirection  on;
    max_redirections    4;
END

# Two of the three nodes, in turns; keys of all of them.
sub deal {
    my ($turn) = @_;

    return $um->setcluster(
        local => [ $node[ $turn % 3 ]->addr, [ [ 0, 5000 ] ],
            $node[ ($turn + 1) % 3 ]->addr, [ [ 5001, 10000 ] ] ],
        peer => [ $peer->addr, [ [ 10001, 16383 ] ] ]);
}

# Connections to our nodes, without the one that asks.
sub connections {
    my $sum = 0;

    $sum += $_->clients - 1 for @node;
    return $sum;
}

my @c = map { $um->client } 1 .. 20;
my @all = ([qw(GET foo)], [qw(SET b 1)], [qw(SET a 1)], [qw(SET k3 1)]);

sub talk {
    for my $c (@_) {
        $c->cmd(@$_) for @all;
    }
}

# The tables of both halves of the noticeboard are touched, and paid, once.
deal($_), talk(@c) for 0 .. 9;
my ($memory, $sessions) = ($um->memory, scalar(() = $peer->sessions));
my $bad = 0;
for my $turn (10 .. 160) {
    $bad++ if deal($turn) ne 'OK';
    talk($c[ $turn % 20 ]);
}
is($bad, 0, '150 times new metadata');
ok((wait_for { connections() <= 4 * 2 } 5),
    'a connection per worker and node is what remains')
    or diag(connections());
is(scalar(() = $peer->sessions), $sessions,
    'to the peer, who was there all the time, no new one was made');

ok((wait_for { $um->setcluster(peer => [ $peer->addr, [ [ 0, 16383 ] ] ])
    eq 'OK' } 5), 'without nodes of our own');
ok((wait_for { connections() == 0 } 5), 'none remains');
deal(0);
$um->is_well($memory, qw(SET b 1));

# A peer that is away, and comes back.
my $two = cluster(nodes => 2, proxies => 2,
    proxy => 'active_redirection on; max_redirections 4;');
my $c = $two->client;
my $key = $two->key_on(1);
is($c->cmd('SET', $key, 'v'), 'OK', 'a key of the peer');
$two->proxy(1)->stop;
like($c->cmd('GET', $key), qr/^-ERR_BACKEND_/, 'the peer is away: an error');
is($c->cmd('SET', $two->key_on(0), 1), 'OK', 'our own keys are served');
$two->proxy(1)->start;
$two->deal;
ok((wait_for { ($c->cmd('GET', $key) // '') eq 'v' } 10), 'it is back');

done_testing;
