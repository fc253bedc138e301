#!/usr/bin/perl

# A peer closes the connection just before the next command for it: that one
# is not forgotten, though nothing else comes for the peer.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon mock_redis redis patience);
use Undermoon::Mock qw(CUT);

my $node = redis();
my $peer = mock_redis(UMFORWARD => sub { ("+here\r\n", CUT) });
my $um = undermoon(workers => 1, proxy => 'active_redirection on;')->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 100 ] ] ],
    peer => [ $peer->addr, [ [ 101, 16383 ] ] ]);

my $c = $um->client(timeout => 6);
my ($answered, $slow) = (0, 0);
for my $i (1 .. 40) {
    my $begin = time;
    my $said = eval { $c->cmd('GET', "foo$i") } // last;

    $answered++ if $said eq 'here' || $said =~ /^-ERR_BACKEND_CONNECTION/;
    $slow++ if time - $begin > patience(2);
    $c->cmd('PING') for 0 .. $i % 4; # the farewell comes in meanwhile
}
is($answered, 40, 'every command has its answer');
is($slow, 0, 'none waits for its deadline');

done_testing;
