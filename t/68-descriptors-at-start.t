#!/usr/bin/perl

# Each client needs a descriptor, and one that blocks needs two.  The limit is
# raised as far as it may be, and what it does not allow is said at the start:
# by the log, by INFO, and to the client that is one too many.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for slurp);

my $node = redis();
my $conf = 'max_clients 1000; private_connections 500;';

sub limit_of {
    my ($pid) = @_;

    return (slurp("/proc/$pid/limits") =~ /^Max open files\s+(\d+)/m)[0];
}

sub info {
    my ($um, $name) = @_;

    return ($um->client->cmd(qw(INFO clients)) =~ /^$name:(\d+)\r$/m)[0];
}

# The soft limit is lower than the hard one, as a shell has it.
my ($prlimit) = grep { -x } map { "$_/prlimit" } split /:/, $ENV{PATH};
SKIP: {
    skip 'no prlimit in PATH', 5 if !defined $prlimit;
    my $um = undermoon(workers => 2, proxy => $conf,
        wrap => [ $prlimit, '--nofile=256:4096' ])->start;
    cmp_ok(limit_of($_), '>=', 2000, 'a worker has more than the shell')
        for $um->workers;
    unlike($um->log, qr/descriptors/, 'no warning');
    is(info($um, 'maxclients'), 1000, 'all clients may come');
    is(info($um, 'private_connections_per_worker'), 500, 'and may block');
}

# The hard limit is too low.
my $um = undermoon(workers => 1, proxy => $conf,
    main => 'worker_rlimit_nofile 300;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'with too few it starts all the same');
like($um->log, qr/\[warn\].*descriptors: a worker may have 300 and could need/,
    'and warns');
like($um->log, qr/\(max_clients 1000, private_connections 500\): it serves \d/,
    'with all numbers');
my ($clients, $private) = $um->log =~ /serves (\d+) clients and opens (\d+)/;
is(info($um, 'maxclients'), $clients, 'INFO tells how many clients');
is(info($um, 'max_clients_per_worker'), $clients, 'each worker may serve');
is(info($um, 'private_connections_per_worker'), $private,
    'and how many may block');

my @all;
while (@all < $clients + 10) {
    my $c = $um->client;

    last if (eval { $c->cmd(qw(SET k v)) } // '') ne 'OK';
    push @all, $c;
}
cmp_ok(scalar @all, '>', $clients - 10, 'so many are served');
cmp_ok(scalar @all, '<=', $clients, 'and no more');
is($um->client->read_all, "-ERR max number of clients reached\r\n",
    'more are told so');
is($all[0]->cmd('SET', 'big', 'b' x 2_000_000), 'OK',
    'there is a descriptor for a private connection');
unlike($um->log, qr/EMFILE|Too many open files/, 'they never ran out');

# Far too low.
my ($status, $out) = undermoon(workers => 16, proxy => $conf,
    main => 'worker_rlimit_nofile 64;')->run;
isnt($status, 0, 'nobody could be served: it does not start');
like($out, qr/\[error\].*descriptors: a worker may have 64, which are too few/,
    'and says why');

# A reload that would end so leaves all as it was.
my $before = join ' ', $um->workers;
$um->{main} = 'worker_rlimit_nofile 64; worker_processes 16;';
$um->configure($um->_template);
$um->reload;
ok(wait_for { $um->log =~ /the old configuration stays/ } 5,
    'such a reload fails');
is(join(' ', $um->workers), $before, 'the workers are still there');
is($all[0]->cmd(qw(GET k)), 'v', 'and serve');

done_testing;
