#!/usr/bin/perl

# Nodes may listen on UNIX sockets; so may the proxy.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for);

my ($unix, $tcp) = (redis(unix => 1), redis());
my $um = undermoon(conf => <<'CONF')->start;
worker_processes  2;
pid               @PIDFILE@;
error_log         stderr notice;
proxy {
    listen              127.0.0.1:@PORT@;
    listen              unix:@DIR@/sock;
    active_redirection  on;
}
CONF
is($um->setcluster(local => [ $unix->addr, [ [ 0, 8191 ] ],
    $tcp->addr, [ [ 8192, 16383 ] ] ]), 'OK',
        'a node on a socket of the file system');

my @door = ($um->client, Undermoon::Client->new("unix:$um->{dir}/sock"));
is($door[0]->cmd(qw(MSET a 1 b 2 foo 3 key 4)), 'OK', 'writes over both kinds');
is_deeply($door[1]->cmd(qw(MGET a b foo key)), [ 1 .. 4 ],
    'reads by the other door');
is($unix->cmd('DBSIZE') + $tcp->cmd('DBSIZE'), 4, 'the nodes have them');
cmp_ok($unix->cmd('DBSIZE'), '>', 0, 'the one on a socket too');

my $big = 'x' x 5_000_000;
is($door[1]->cmd('SET', 'b', $big), 'OK', 'a big value');
ok($door[0]->cmd('GET', 'b') eq $big, 'and back');

$unix->restart;
ok(wait_for { ($door[1]->cmd(qw(GET b)) // 'nil') eq 'nil' } 5,
    'the node restarts: it is found again');
is($door[1]->cmd(qw(SET b new)), 'OK', 'and serves');

done_testing;
