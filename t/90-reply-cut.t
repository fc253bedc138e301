#!/usr/bin/perl

# A backend dies in the middle of a long reply, of which the client has a part
# already.  No error can be said any more: the client gets what was due before
# it, then the part, then the end of the connection; nothing else is dropped.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 3;
use Undermoon::Test qw(undermoon mock_redis redis);
use Undermoon::Mock qw(CUT);

my $part = 'x' x 300_000;
my $dying = mock_redis(GET => sub { ("\$1000000\r\n$part", CUT) });
my $true = redis();
my $um = undermoon(workers => 1)->start;
$um->setcluster(local => [ $dying->addr, [ [ 0, 16382 ] ],
    $true->addr, [ [ 16383, 16383 ] ] ]);

my $c = $um->client(timeout => 5);
$c->write(Undermoon::Client::request('ECHO', 'before')
    . Undermoon::Client::request('GET', 'k'));
my $got = $c->read_all;

is(substr($got, 0, 12), "\$6\r\nbefore\r\n", 'what was due before it');
is(substr($got, 12), "\$1000000\r\n$part", 'all of the part, then the end');
ok($um->serves('PING'), 'others are served');
