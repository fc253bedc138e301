#!/usr/bin/perl

# Running out of file descriptors stops new clients, not the process.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);

my $node = redis();

# What the limit allows is known at the start, and clients beyond it are not
# let in; so it must shrink later.
my ($prlimit) = grep { -x } map { "$_/prlimit" } split /:/, $ENV{PATH};
plan(skip_all => 'no prlimit in PATH') if !defined $prlimit;
my $um = undermoon(workers => 1, proxy => 'max_clients 1000;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
is($um->client->cmd(qw(SET k v)), 'OK', 'it serves');

my @worker = $um->workers;
system($prlimit, "--pid=$worker[0]", '--nofile=100:') == 0 or die 'prlimit';
my $memory = $um->memory;
my $first = $um->client;
is($first->cmd(qw(GET k)), 'v', 'the first client');

# Far more than there are descriptors; the kernel takes them all at the door.
my @many = map { $um->client(timeout => 1) } 1 .. 300;
$_->write("GET k\r\n") for @many;

is($first->cmd(qw(GET k)), 'v', 'is served while others stand at the door');
ok(wait_for { $um->log =~ /file descriptors|descriptors|EMFILE|Too many/i } 5,
    'the log says why');
my @served = grep { (eval { $_->read } // '') eq 'v' } @many[ 0 .. 9 ];
cmp_ok(scalar @served, '>', 0, 'some of the many are served');
is($first->cmd(qw(INCR n)), 1, 'the first still is');

# Now they leave.  Whoever waited at the door is let in, or was refused.
$_->reset for splice @many;
ok(wait_for { $um->serves(qw(GET k)) } 5, 'new clients come in again');
$um->is_well($memory, qw(GET k));
is_deeply([ $um->workers ], \@worker, 'nobody has died');
is($first->cmd(qw(GET k)), 'v', 'the first client is still there');

# More than max_clients are told so.
my $small = undermoon(workers => 2, proxy => 'max_clients 10;')->start;
my @ten = map { $small->client } 1 .. 10;
is((grep { $_->cmd('PING') eq 'PONG' } @ten), 10, 'max_clients are served');
is($small->client->read_all, "-ERR max number of clients reached\r\n",
    'one more is told so');
(pop @ten)->close;
ok(wait_for { $small->serves } 5, 'one leaves, one may come');

done_testing;
