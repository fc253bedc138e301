#!/usr/bin/perl

# Those who wait are seen by all, and may be sent away: CLIENT LIST, UNBLOCK
# and KILL reach them whichever worker is asked.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster redis wait_for);

my $c = cluster(nodes => 2, workers => 3);
my ($um, $plain) = ($c->proxy, redis());
my $key = '{q}';
my $node = $c->node($c->node_of($key));

# Enough of them to come from every worker.
my @ask = map { $um->client } 1 .. 12;

sub list { map { +{ map { /^([^=]+)=(.*)/ } split / / } }
    split /\n/, $_[0]->cmd(qw(CLIENT LIST)) }

sub blocked_one {
    my ($proto, @call) = @_;
    my $client = $um->client;

    $client->cmd('HELLO', 3) if $proto == 3;
    my $id = $client->cmd(qw(CLIENT ID));
    $client->send(@call);
    $node->has_blocked(1) or die "@call does not block";
    return ($client, $id);
}

# What Redis says.
my %said;
for my $proto (2, 3) {
    for my $how ([], ['TIMEOUT'], ['ERROR']) {
        my $client = $plain->client;
        $client->cmd('HELLO', 3) if $proto == 3;
        my $id = $client->cmd(qw(CLIENT ID));
        $client->send(qw(BLPOP k 0));
        $plain->has_blocked(1);
        is($plain->client->cmd(qw(CLIENT UNBLOCK), $id, @$how), 1,
            'the plain Redis');
        $said{"$proto @$how"} = $client->read_raw;
    }
}

my @calls = ([ 'BLPOP', $key, 0 ], [ 'BLMOVE', $key, $key, qw(LEFT LEFT 0) ],
    [ 'BZMPOP', 0, 1, $key, 'MIN' ], [ qw(XREAD BLOCK 0 STREAMS), $key, '$' ]);
my $turn = 0;
for my $proto (2, 3) {
    for my $call (@calls) {
        for my $how ([], ['TIMEOUT'], ['ERROR']) {
            my ($client, $id) = blocked_one($proto, @$call);
            my $by = $ask[ $turn++ % @ask ];

            is($by->cmd(qw(CLIENT UNBLOCK), $id, @$how), 1,
                "$call->[0], RESP$proto: UNBLOCK @$how");
            is($client->read_raw, $said{"$proto @$how"}, 'as Redis says it');
            is($by->cmd(qw(CLIENT UNBLOCK), $id, @$how), 0, 'once only');
            is($client->cmd('PING'), 'PONG', 'the connection lives on');
            ok($node->has_blocked(0), 'nothing is left at Redis');
        }
    }
}

# One that does not wait, is not there, or is no number.
my $idle = $um->client;
my $id = $idle->cmd(qw(CLIENT ID));
is($_->cmd(qw(CLIENT UNBLOCK), $id), 0, 'who does not wait is not unblocked')
    for @ask[ 0 .. 3 ];
is($ask[0]->cmd(qw(CLIENT UNBLOCK 999999)), 0, 'nor who is not there');
for my $words ([qw(CLIENT UNBLOCK x)], [qw(CLIENT UNBLOCK)],
    [qw(CLIENT UNBLOCK 1 SOON)], [qw(CLIENT UNBLOCK 1 ERROR x)]) {
    is($ask[0]->raw(@$words), $plain->client->raw(@$words), "@$words");
}

# With a pipeline behind: it goes on.
my ($client, $cid) = blocked_one(2, 'BLPOP', $key, 0);
$client->write(Undermoon::Client::request('RPUSH', $key, 'x')
    . Undermoon::Client::request('BLPOP', $key, 0));
is($ask[1]->cmd(qw(CLIENT UNBLOCK), $cid), 1, 'with others behind it');
is($client->read, undef, 'the first ends');
is($client->read, 1, 'the next is done');
is_deeply($client->read, [ $key, 'x' ], 'and the next');

# LIST, INFO.
my @c = map { $um->client } 1 .. 9;
my %id = map { $_->cmd(qw(CLIENT ID)) => 1 } @c;
$_->send('BLPOP', $key, 0) for @c;
ok($node->has_blocked(9), 'nine wait');
for my $by (@ask) {
    my @b = grep { $_->{flags} =~ /b/ } list($by);
    is(join(' ', sort map { $_->{id} } @b), join(' ', sort keys %id),
        'CLIENT LIST shows them blocked');
    is((grep { $_->{cmd} eq 'blpop' } @b), 9, 'in blpop');
    like($by->cmd(qw(INFO clients)), qr/^blocked_clients:9\r$/m, 'INFO too');
}

# KILL.
my ($victim) = sort { $a <=> $b } keys %id;
is($ask[2]->cmd(qw(CLIENT KILL ID), $victim), 1, 'CLIENT KILL');
ok($node->has_blocked(8), 'ends its call at Redis');
my ($gone) = grep { !$_->silent(0) } @c;
ok(defined $gone && $gone->closed, 'and its connection');
is($um->client->cmd('RPUSH', $key, 1 .. 8), 8, 'the others wait on');
my @got = map { $_->read->[1] } grep { !defined $gone || $_ != $gone } @c;
is(join(' ', sort @got), '1 2 3 4 5 6 7 8', 'and get their elements');
ok(!(grep { $_->{flags} =~ /b/ } list($ask[0])), 'nobody is blocked any more');

done_testing;
