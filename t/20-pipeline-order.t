#!/usr/bin/perl

# Many clients pipeline mixed commands, cut at arbitrary bytes, and every
# reply is what their own history says, also when a node restarts midway.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster helper slow_tests);

my $order = helper('order')
    or plan skip_all => 't/clients/order is built by make check';
my @size = slow_tests() ? qw(-c 200 -n 200 -b 4000) : qw(-c 200 -n 4 -b 8000);

# What was answered is in the file before the answer, so a killed node comes
# back with all that its clients were told.
my $c = cluster(nodes => 3, workers => 2, proxy => 'active_redirection on;',
    redis => { more => [qw(--appendonly yes --appendfsync no)] });

sub drive {
    my ($at_half, @args) = @_;
    my $last = '';

    open my $out, '-|', $order, '-p', $c->proxy->{port}, '-d', 500, @args
        or die "$order: $!";
    while (<$out>) {
        $at_half->() if /^half/;
        $last = $_;
    }
    close $out;
    chomp $last;
    diag($last) if $?;
    return $last;
}

like(drive(sub { $c->deal for 1 .. 10 }, '-c', 20, '-n', 4, '-s', $$),
    qr/^right: .* 0 errors, 0 cut$/,
    'new metadata, no change: in order, no error');

my $memory = $c->proxy->memory;
$_->cmd('FLUSHALL') for $c->nodes;
my @workers = sort $c->proxy->workers;
my $said = drive(sub { $c->node(1)->restart }, @size, '-e', '-s', $$ + 1);
like($said, qr/^right: /, 'a node restarts: every reply fits the model');
note($said);

is_deeply([ sort $c->proxy->workers ], \@workers, 'the same workers serve on');
$c->proxy->is_well($memory, 'INCR', 'n');

# The same through peers, each with one of the nodes.
my $nodes = [ $c->nodes ];
$c = cluster(with => $nodes, proxies => 3, workers => 1,
    proxy => 'active_redirection on; max_redirections 4;');
$_->cmd('FLUSHALL') for @$nodes;
$said = drive(sub { $c->node(1)->restart }, '-c', 30, '-n', 4, '-e', '-s', $$);
like($said, qr/^right: /, 'peers forward, the node of one restarts: likewise');
note($said);

done_testing;
