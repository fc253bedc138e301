#!/usr/bin/perl

# A client that leaves while it blocks takes no element with it: its call is
# ended at Redis, so that what is pushed afterwards goes to the next who waits,
# or stays in the list.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster wait_for slow_tests);

my $c = cluster(nodes => 1, workers => 2);
my ($um, $node) = ($c->proxy, $c->node);
my $other = $um->client;
my $memory = $um->memory;

my %leave = (
    close => sub { $_[0]->close },
    reset => sub { $_[0]->reset },
    'half a farewell' => sub { $_[0]->shut },
    QUIT => sub { $_[0]->send('QUIT'); $_[0]->shut },
    'half a command and close' => sub { $_[0]->write("*2\r\n\$3\r\nGE");
        $_[0]->close },
    'megabytes and close' => sub {
        $_[0]->write(Undermoon::Client::request(qw(RPUSH {q}evil x)) x 100_000);
        $_[0]->close },
    'a pipeline and close' => sub {
        $_[0]->write(Undermoon::Client::request(qw(RPUSH {q}evil x)) x 20);
        $_[0]->close },
);

for my $how (sort keys %leave) {
    my $client = $um->client;
    $client->send(qw(BLPOP {q}l 0));
    ok($node->has_blocked(1), "it waits and leaves by $how");
    $leave{$how}->($client);
    ok($node->has_blocked(0), 'Redis has it no more');
    is($other->cmd(qw(RPUSH {q}l e)), 1, 'a push right afterwards');
    is($other->cmd(qw(LPOP {q}l)), 'e', 'stays in the list');
}
is($other->cmd(qw(EXISTS {q}evil)), 0, 'what stood behind was never done');

# The next one in the queue.
for my $call ([qw(BLPOP {q}l 0)], [qw(BLMPOP 0 1 {q}l LEFT)],
    [qw(BLMOVE {q}l {q}d LEFT LEFT 0)]) {
    my @two = map { $um->client } 1 .. 2;
    for my $i (0, 1) {
        $two[$i]->send(@$call);
        $node->has_blocked($i + 1);
    }
    $two[0]->close;
    ok($node->has_blocked(1), "$call->[0]: the first of two leaves");
    $other->cmd(qw(RPUSH {q}l for-the-second));
    my $got = $two[1]->read;
    $got = $got->[1] if ref $got;
    $got = $got->[0] if ref $got;
    is($got, 'for-the-second', 'the second is served');
}

# Streams and sorted sets.
for my $call ([qw(BZPOPMAX {q}z 0)], [qw(XREAD BLOCK 0 STREAMS {q}s $)],
    [qw(BRPOPLPUSH {q}l {q}d 0)]) {
    my $client = $um->client;
    $client->send(@$call);
    ok($node->has_blocked(1), "$call->[0] blocks");
    $client->reset;
    ok($node->has_blocked(0), 'and is ended');
}

# An element that came while it left: it has got it, or it is still there, or
# it was popped for a client that had left, which is counted.
my ($rounds, $lost, $got, $stayed) = (slow_tests() ? 2000 : 200, 0, 0, 0);
$node->cmd('DEL', '{q}l');
for my $i (1 .. $rounds) {
    my $client = $um->client;
    $client->send(qw(BLPOP {q}l 0));
    $node->has_blocked(1) or last;

    # Which of the two is first depends on the machine's mood.
    my $begin = $i % 2;
    $client->shut if $begin;
    $other->send(qw(RPUSH {q}l), $i);
    $client->shut if !$begin;
    $other->read;
    $node->has_blocked(0) or last;
    my $reply = eval { $client->read };
    my $there = $other->cmd(qw(LPOP {q}l));
    my $has = ref($reply) eq 'ARRAY';
    $has && defined $there ? fail('twice')
        : $has ? $got++ : defined $there ? $stayed++ : $lost++;
}
is($lost + $got + $stayed, $rounds, 'all rounds were played');
my ($counted) = $other->cmd(qw(INFO everything)) =~ /^blocked_lost:(\d+)/m;
note("of $rounds elements $got were got, $stayed stayed, $lost were lost");
is($counted, $lost, 'and those are counted');

$um->is_well($memory, 'PING');
done_testing;
