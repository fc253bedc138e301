#!/usr/bin/perl

# The mover is killed at any moment, of whatever it is doing: the next one goes
# on, nothing is confirmed wrongly, and nothing is lost.  One that hangs is
# killed by the master.  A worker that dies costs no more than that.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time sleep);
use Undermoon::Ledger;
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(wait_for patience slow_tests);

my $seed = $ENV{UM_TEST_SEED} // int(rand 1e6);
srand $seed;
diag("UM_TEST_SEED=$seed");

my $pair = pair(workers => 2, main => 'worker_watchdog 2s;');
$pair->tell('normal');
ok($pair->in_sync, 'in sync');
my $ledger = Undermoon::Ledger->start([ map { $_->addr } $pair->proxies ],
    timeout => 4);
ok($ledger->goes_on, 'writers write');

sub kill_mover {
    my ($p) = @_;
    my $pid = $pair->proxy($p)->mover or return;

    kill 'KILL', $pid;
    return $pid;
}

# Within a promotion, at random; one of the two movers, or both.
my @layouts = qw(second normal first normal);
for my $round (1 .. (slow_tests() ? 200 : 24)) {
    my $layout = $layouts[ $round % 4 ];
    my $pause = rand 0.025;

    $pair->tell($layout);
    sleep $pause;
    kill_mover($_) for $round % 3 == 0 ? (0, 1) : $round % 2;
    $pair->in_sync(within => 30)
        or fail("$round: in sync, killed after $pause s: "
            . join ' ', map { $pair->state($_) } 0 .. 3);
    is(join(' ', map { $pair->role($_) } $pair->masters), 'master master',
        "$round ($layout): masters");
}
ok($ledger->goes_on(within => 30), 'writers go on');

# A worker, and all of them.
for my $n (1, 2) {
    $pair->tell('second');
    kill 'KILL', ($pair->proxy(1)->workers)[ 0 .. $n - 1 ];
    ok($pair->in_sync(within => 30), "$n killed workers in a promotion");
    $pair->tell('normal');
    ok($pair->in_sync(within => 30), 'and back');
}
ok($ledger->goes_on(within => 30), 'writers go on');

# One that stands still.
my $mover = $pair->proxy(0)->mover;
kill 'STOP', $mover;
ok((wait_for { my $m = $pair->proxy(0)->mover; $m && $m != $mover } 20),
    'a mover that hangs is replaced');
like($pair->proxy(0)->log, qr/mover: pid $mover does not turn, it is killed/,
    'the log tells');
ok($ledger->goes_on(within => 30), 'writers go on');

# A node that was fenced stays so, whoever looks at it.
my $frozen = $pair->proxy(0);
kill 'STOP', -$frozen->{group};
$pair->tell('second', skip => [0]);
ok((wait_for { $pair->role(0) eq 'slave' } 20), 'its Redis was fenced');
sleep 1.2; # it is a gap only then
kill 'CONT', -$frozen->{group};
ok((wait_for { $pair->state(0) eq 'fenced' } 20), 'the proxy finds it so');
my $old = kill_mover(0);
ok((wait_for { my $m = $frozen->mover; $m && $m != $old } 10),
    'its mover is killed');
my $until = time + 1;
my %state;
wait_for { $state{ $pair->state(0) }++; time > $until } 5;
is(join(' ', sort keys %state), 'fenced', 'the next one knows');
is($pair->role(0), 'slave', 'and does not promote it');
is($pair->role(3), 'master', 'nor touches the other');
$pair->tell_again(0);
ok($pair->in_sync(within => 30), 'newer metadata');
$pair->tell('normal');
ok($pair->in_sync(within => 30), 'and back');
is_deeply([ $ledger->lost ], [], 'nothing is lost');

# An old master that hung when it lost its place, and whose proxy stands still:
# it is told by the next mover when the one that promoted is dead.
$frozen = $pair->proxy(0);
kill 'STOP', -$frozen->{group};
$pair->node(0)->pause;
$pair->tell('second', skip => [0]);
ok((wait_for { $pair->state(3) eq 'serving' } 20),
    'a replica takes over from one that hangs');
$old = kill_mover(1);
ok((wait_for { my $m = $pair->proxy(1)->mover; $m && $m != $old } 10),
    'its mover is killed');
ok((wait_for { $pair->state(3) eq 'serving' } 20), 'another one serves on');
is($pair->proxy(1)->client->cmd('SET', 'x', 1), 'OK', 'a write');
$pair->node(0)->resume;
ok((wait_for { $pair->role(0) eq 'slave' } 20),
    'the old master wakes and is told');
like($pair->proxy(1)->log, qr/old master \S+ has not heard of it/,
    'the log tells');
kill 'CONT', -$frozen->{group};
$pair->tell_again(0);
ok($pair->in_sync(within => 30), 'all is well');

done_testing;
