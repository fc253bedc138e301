#!/usr/bin/perl

# A reply that trickles in keeps its own deadline at bay, not those of the
# commands behind it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon mock_redis patience);

my $node = mock_redis(GET => sub {
    return $_[1] eq 'slow'
        ? ("\$20\r\n", (map { ([0.2], 'x') } 1 .. 20), "\r\n")
        : "+quick\r\n";
});
my $timeout = patience(0.6) * 1000;
my $um = undermoon(workers => 1,
    proxy => "backend_timeout ${timeout}ms;")->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);

my ($slow, @behind) = map { $um->client } 1 .. 4;
is($slow->cmd(qw(GET k)), 'quick', 'connected');
my $begin = time;
$slow->send(qw(GET slow));
$node->saw('GET', 2);
$_->send(qw(GET k)) for @behind;
like($_->read, qr/^-ERR_BACKEND_TIMEOUT/, 'one behind it is told in time')
    for @behind;
cmp_ok(time - $begin, '<', patience(0.6) + 1.5, 'that is, soon');
SKIP: {
    skip 'the pieces come too slowly for a longer patience', 1
        if patience(1) > 1.5;
    is($slow->read, 'x' x 20, 'the slow one comes whole');
}
is($behind[0]->cmd(qw(GET k)), 'quick', 'replies are still matched');

done_testing;
