#!/usr/bin/perl

# The master dies, and clients have sent half a request or do not read their
# replies: the workers leave all the same.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster wait_for);

my $cl = cluster(nodes => 1, workers => 1);
my $um = $cl->proxy;
my $big = 'x' x 5_000_000;
my ($half, $deaf) = ($cl->client, $cl->client(rcvbuf => 4096));

is($deaf->cmd('SET', 'big', $big), 'OK', 'a big value');
$half->write("*2\r\n\$3\r\nGET\r\n\$3\r\nfo");
$deaf->send('GET', 'big') for 1 .. 3;
ok($cl->client->cmd('PING'), 'all is served');
my @workers = $um->workers;
$um->signal('KILL');
ok(wait_for { !grep { kill 0, $_ } @workers } 25, 'the workers leave');
$um->killed;

done_testing;
