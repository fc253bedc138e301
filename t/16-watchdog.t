#!/usr/bin/perl

# A worker that hangs is killed and replaced after worker_watchdog; while the
# master slept as well, nobody is blamed.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon wait_for patience);

my $limit = patience(1);
my $um = undermoon(workers => 2, main => "worker_watchdog ${limit}s;")->start;
my @workers = $um->workers;
my @clients = map { $um->client } 1 .. 40;
is((grep { $_->cmd('PING') eq 'PONG' } @clients), 40, 'clients of both');

kill 'STOP', $workers[0] or die $!;
my $begin = time;
ok(wait_for { !grep { $_ == $workers[0] } $um->workers } 15,
    'the one that hangs is killed');
my $took = time - $begin;
cmp_ok($took, '>', $limit * 0.8, 'not before its time');
cmp_ok($took, '<', $limit + patience(3), 'and soon after');
ok(wait_for { 2 == $um->workers } 5, 'another one takes its place');
like($um->log, qr/\[error\] .*worker\d: pid $workers[0] has not turned for/,
    'the log says why');
ok((grep { $_ == $workers[1] } $um->workers), 'the other was left alone');
my $served = grep { (eval { $_->cmd('PING') } // '') eq 'PONG' } @clients;
cmp_ok($served, '>', 0, "clients of the other ($served) are still served");
cmp_ok($served, '<', 40, 'those of the hung one are not');

# The whole job stops, as by a terminal's Ctrl-Z, and goes on.
@workers = sort $um->workers;
kill 'STOP', -$um->{group};
select undef, undef, undef, $limit + patience(1); # time itself is the fact
kill 'CONT', -$um->{group};
ok(wait_for { $um->serves } 5, 'it serves again');
select undef, undef, undef, patience(1);
is_deeply([ sort $um->workers ], \@workers, 'and nobody was killed for it');

# One that hangs while it is to stop does not keep us.
kill 'STOP', $workers[0];
is($um->stop, 0, 'it stops all the same');

done_testing;
