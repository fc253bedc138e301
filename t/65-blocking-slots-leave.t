#!/usr/bin/perl

# The slot of those who wait goes elsewhere: to a peer, and they are told to
# follow; to another node of ours, and they wait there for what is left of
# their time.  Who waits in a slot that stays is not disturbed.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for patience);

my @node = map { redis() } 0, 1;
my $peer = '127.0.0.1:2';
my $um = undermoon(workers => 2)->start;

# 'foo' is of slot 12182, 'b' of 3300.  Who has them?
my $slow = 0;
sub deal {
    my ($low, $high) = @_;
    my (%local, %peer);
    my @half = ([ 0, 8191 ], [ 8192, 16383 ]);

    for my $i (0, 1) {
        my $who = ($low, $high)[$i] // next;
        my $to = $who eq 'peer' ? \%peer : \%local;
        push @{ $to->{ $who eq 'peer' ? $peer : $node[$who]->addr } },
            $half[$i];
    }
    my $begin = time;
    my $said = $um->setcluster(local => [%local],
        %peer ? (peer => [%peer]) : ());
    $slow++ if time - $begin > patience(0.5);
    return $said eq 'OK';
}

sub waiting {
    my ($n, $at, @call) = @_;
    my @c = map { $um->client } 1 .. $n;
    my $before = $node[$at]->info('blocked_clients');

    $_->send(@call) for @c;
    $node[$at]->has_blocked($before + $n) or die "@call: they do not block";
    return @c;
}

sub blocked_ids {
    return join ' ', sort { $a <=> $b } map { $_->{id} }
        grep { $_->{flags} =~ /b/ } $_[0]->clients;
}

ok(deal(0, 0), 'metadata');

# To a peer.
my @stay = waiting(4, 0, qw(BLPOP b 0));
my $ids = blocked_ids($node[0]);
for my $call ([qw(BLPOP foo 0)], [qw(BLMOVE foo foo LEFT LEFT 0)],
    [qw(BZMPOP 0 1 foo MIN)], [qw(XREAD BLOCK 0 STREAMS foo $)]) {
    my @go = waiting(4, 0, @$call);
    my $begin = time;
    ok(deal(0, 'peer'), "$call->[0]: the slot goes to a peer");
    is((grep { $_->read eq "-MOVED 12182 $peer" } @go), 4, 'MOVED');
    cmp_ok(time - $begin, '<', 0.1 + patience(0.9), 'at once');
    ok($node[0]->has_blocked(4), 'nothing of it is left at Redis');
    is($go[0]->cmd('PING'), 'PONG', 'the connection lives on');
    ok(deal(0, 0), 'it comes back');
}
is(blocked_ids($node[0]), $ids, 'who waits in a slot that stays is the same');
is((grep { $_->silent(0) } @stay), 4, 'and has heard nothing');

# Those who stay count with the new metadata; who waits for an answer to what
# was sent by the old does not.
sub settled {
    return $um->client->cmd(qw(INFO cluster)) =~ /^cluster_settled:1\r$/m;
}
ok(wait_for { settled() } 5, 'nothing of older metadata is under way, '
    . 'although somebody waits');
$node[0]->pause;
my $asks = $um->client;
$asks->send(qw(GET foo));
wait_for { $um->client->cmd(qw(CLIENT LIST)) =~ / cmd=get / } 5;
deal(0, 'peer');
ok(!settled(), 'an answer that is still to come is');
$node[0]->resume;
is($asks->read, undef, 'it comes');
ok(wait_for { settled() } 5, 'and all is settled again');
deal(0, 0);

# With commands behind: they go on, in order.
my ($one) = waiting(1, 0, qw(BLPOP foo 0));
$one->write(Undermoon::Client::request(qw(GET foo))
    . Undermoon::Client::request(qw(PING)));
deal(0, 'peer');
is_deeply([ map { '' . $one->read } 1 .. 3 ], [ ("-MOVED 12182 $peer") x 2,
    'PONG' ], 'what stands behind is answered too');
deal(0, 0);

# To another node of ours.
my @go = waiting(6, 0, qw(BLPOP foo 0));
ok(deal(0, 1), 'the slot goes to another node of ours');
ok($node[1]->has_blocked(6), 'they wait there');
ok($node[0]->has_blocked(4), 'and not where they were');
is($um->client->cmd('RPUSH', 'foo', 1 .. 6), 6, 'elements come');
is((grep { ref($_->read) eq 'ARRAY' } @go), 6, 'all are served');

# For what is left of their time.
($one) = waiting(1, 1, qw(BLPOP foo 1.2));
my $begin = time;
wait_for { time > $begin + 0.6 } 1;
ok(deal(0, 0), 'and back, half their time is over');
ok($node[0]->has_blocked(5), 'they wait again');
is($one->read, undef, 'until it is over');
my $took = time - $begin;
cmp_ok($took, '>', 1.0, 'which is not sooner');
cmp_ok($took, '<', 1.2 + patience(0.5), 'nor later than they said');

# What is there already at the other node.
$node[1]->cmd(qw(RPUSH foo there));
($one) = waiting(1, 0, qw(BRPOP foo 0));
deal(0, 1);
is_deeply($one->read, [qw(foo there)], 'what is there already is theirs');

# To nobody.
($one) = waiting(1, 1, qw(BLPOP foo 0));
deal(0, undef);
like($one->read, qr/^-(CLUSTERDOWN|MOVED)/, 'to nobody: they are told');
ok($node[1]->has_blocked(0), 'nothing is left there');

# Back and forth, while elements come at both: each is served, or still there.
deal(0, 0);
my ($pushed, $got, $memory) = (0, 0, 0);
my @wait = map { $um->client } 1 .. 5;
$_->send(qw(BLPOP foo 0)) for @wait;
for my $round (1 .. 30) {
    deal(0, $round % 2);
    my $said = $um->client->cmd('RPUSH', 'foo', $round);
    $pushed++ if $said =~ /^\d+$/;
    for my $w (@wait) {
        next if $w->silent(0.002);
        $got++ if ref($w->read) eq 'ARRAY';
        $w->send(qw(BLPOP foo 0));
    }
    $memory = $um->memory if $round == 15;
}
$_->shut for @wait;
my $late = 0;
for my $w (@wait) {
    my $last = eval { $w->read };
    $late++ if ref($last) eq 'ARRAY';
}
ok($node[$_]->has_blocked($_ ? 0 : 4), 'all have left') for 0, 1;
my $there = $node[0]->cmd(qw(LLEN foo)) + $node[1]->cmd(qw(LLEN foo));
my ($counted) = $um->client->cmd(qw(INFO everything))
    =~ /^blocked_lost:(\d+)/m;
is($got + $late + $there + $counted, $pushed,
    "of $pushed elements each was served or is there")
    or diag("$got got, $late late, $there there, $counted lost");

is((grep { $_->silent(0) } @stay), 4, 'who waits in a slot that stays '
    . 'has not been disturbed by any of this');
is(blocked_ids($node[0]), $ids, 'he has the same connection');
is($slow, 0, 'and SETCLUSTER never waited for them');
is($um->client->cmd(qw(RPUSH b 1 2 3 4)), 4, 'in the end');
is((grep { ref($_->read) eq 'ARRAY' } @stay), 4,
    'they get what they waited for');

$um->is_well($memory, qw(GET b));
done_testing;
