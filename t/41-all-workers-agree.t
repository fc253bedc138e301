#!/usr/bin/perl

# When SETCLUSTER has said +OK, no worker routes by the old topology: whichever
# a client landed on, also when workers are killed meanwhile.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);

my $node = redis();
my $peer = '127.0.0.1:2';
my $um = undermoon(workers => 4)->start;
my $all = [ [ 0, 16383 ] ];
my $epoch = 0;

# Odd epochs: all slots are ours; even ones: the peer's.
sub deal {
    my ($c) = @_;
    my @who = ++$epoch % 2
        ? ($node->addr, 1, '0-16383')
        : ('PEER', $peer, 1, '0-16383');

    return $c->cmd(qw(UMCTL SETCLUSTER v2), $epoch, 'NOFLAG', 'mydb', @who);
}

# What every one of the clients has to say now: how many say something else.
sub dissent {
    my $moved = $epoch % 2 ? undef : "-MOVED 12182 $peer";
    my $slots = $epoch % 2 ? $um->{port} : 2;
    my $wrong = 0;

    $_->write(Undermoon::Client::request(qw(GET foo))
            . Undermoon::Client::request(qw(CLUSTER SLOTS))
            . Undermoon::Client::request(qw(UMCTL GETEPOCH))) for @_;
    for my $c (@_) {
        my $get = $c->read;
        my $port = $c->read->[0][2][1];
        my $said = $c->read;

        next if ($get // '') eq ($moved // '') && $port == $slots
            && $said == $epoch;
        $wrong++;
        diag("epoch $epoch: ", $get // 'nil', " $port $said");
    }

    return $wrong;
}

# Enough connections to meet every worker.
my @clients = map { $um->client } 1 .. 32;
my ($ok, $wrong) = (0, 0);

for (1 .. 60) {
    $ok++ if deal($clients[ $_ % 32 ]) eq 'OK';
    $wrong += dissent(@clients);
}
is($ok, 60, 'every one was taken');
is($wrong, 0, 'and counted for every client at once');

# The same, while workers are killed: those who are left agree, and a new one
# knows what the old one knew before it serves.
($ok, $wrong) = (0, 0);
for (1 .. 10) {
    my @before = $um->workers;

    $clients[0]->send(qw(UMCTL SETCLUSTER v2), ++$epoch, 'NOFLAG', 'mydb',
        $epoch % 2 ? ($node->addr, 1, '0-16383')
        : ('PEER', $peer, 1, '0-16383'));
    my $victim = $before[ rand @before ];
    kill 'KILL', $victim;
    my $said = eval { $clients[0]->read };

    # Its clients are closed one after the other: to the last.
    wait_for { !kill 0, $victim } 5;

    # Its worker was it: nobody knows.  Otherwise all who live have it.
    if (!defined $said) {
        $um->client->cmd(qw(UMCTL SETCLUSTER v2), $epoch, 'NOFLAG', 'mydb',
            $epoch % 2 ? ($node->addr, 1, '0-16383')
            : ('PEER', $peer, 1, '0-16383'));
    }
    $ok++ if !defined $said || $said eq 'OK';

    @clients = grep { $_->silent(0) } @clients;
    push @clients, $um->client while @clients < 32;
    $wrong += dissent(@clients);

    wait_for { (grep { my $w = $_; !grep { $_ == $w } @before } $um->workers)
            && $um->workers == 4 } 5;
}
is($ok, 10, 'taken although workers die');
is($wrong, 0, 'and all agree');
ok($um->serves(qw(UMCTL GETEPOCH)), 'it serves');

done_testing;
