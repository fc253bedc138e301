#!/usr/bin/perl

# It ends while names of nodes are being looked up.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon redis wait_for patience);

my $node = redis();
for my $round (1 .. 3) {
    my $um =
        undermoon(workers => 1, proxy => 'active_redirection on;')->start;
    my @workers = $um->workers;

    is($um->setcluster(local => [ $node->addr, [ [ 0, 99 ] ] ],
        peer => [ map { ("node$_.invalid:5299",
            [ [ $_ * 100, $_ * 100 + 99 ] ]) } 1 .. 163 ]), 'OK', 'names');
    my @asked = map { $um->client } 1 .. 20;
    for my $c (@asked) {
        $c->send('GET', 'k' . int rand 1e6) for 1 .. 50;
    }
    ok($um->client->cmd('PING'), 'clients wait for them');
    my $begin = time;
    $um->signal('TERM');
    ok(wait_for { !grep { kill 0, $_ } @workers } 20, 'the worker leaves');
    cmp_ok(time - $begin, '<', patience(3), 'at once');
}

done_testing;
