#!/usr/bin/perl

# A client leaves while the parts of its command wait for a connection: what
# others asked behind them gets its own answers, and the room is given back.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);
use Undermoon::Client;

my @node = map { redis() } 1 .. 2;
my $um = undermoon(workers => 1, proxy => 'active_redirection on;')->start;

$_->pause for @node;
$um->setcluster(local => [ $node[0]->addr, [ [ 0, 8191 ] ],
    $node[1]->addr, [ [ 8192, 16383 ] ] ]);

# Redis accepts and does not answer: everything waits.
my @leave = map { $um->client } 1 .. 5;
$_->send('MSET', map { ("k$_", 'old' x 1000) } 1 .. 50) for @leave;
my @stay = map { $um->client } 1 .. 5;
for my $c (@stay) {
    $c->write(join '', map { Undermoon::Client::request(@$_) }
        map { ([ 'SET', "s$_", "v$_" ], [ 'GET', "s$_" ]) } 1 .. 20);
}
my $watch = $um->client;
ok(wait_for { $watch->cmd(qw(CLIENT LIST)) =~ /(?:.*cmd=mset){5}/s } 5,
    'five wait with an MSET');
$_->reset for @leave;
ok(wait_for { $watch->cmd(qw(CLIENT LIST)) !~ /cmd=mset/ } 5, 'and leave');
$_->resume for @node;

for my $c (@stay) {
    my $said = join ' ', map { $c->read } 1 .. 40;
    ok($said eq join(' ', map { "OK v$_" } 1 .. 20),
        'the answers of one that stayed') or diag(substr $said, 0, 100);
}

done_testing;
