#!/usr/bin/perl

# A Redis without persistence is killed and comes back at once, on the same
# port, empty or with the old file of a sync that it once had.  It is not
# served, its replica does not throw its data away for it, takes over when told,
# and is followed by the one that came back.
#
# What its Redis had acknowledged and not yet passed on when it was killed is
# lost with it: that is Redis' own, some milliseconds at most, and counted
# apart.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time sleep);
use Undermoon::Ledger;
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(wait_for patience slow_tests);

my $rounds = slow_tests() ? 100 : 20;
my @delays = (0, 0, 0.005, 0.02, 0.1, 0.5, 1.1, 0, 2.2, 0.05);

# How old what is lost may be: unreplicated when its Redis was killed.
my $redis_own = 0.1;

my $pair = pair(workers => 2);
$pair->tell('normal');
ok($pair->in_sync, 'in sync');

# Has somebody tried to log in there since it was started?
sub refused {
    my ($redis) = @_;
    my $log = $redis->cmd(qw(ACL LOG));

    return !ref $log || grep { {@$_}->{reason} eq 'auth' } @$log;
}

my $ledger = Undermoon::Ledger->start([ map { $_->addr } $pair->proxies ],
    timeout => 4);
my (@fault, @back, %seen);

for my $round (1 .. $rounds) {
    my $delay = $delays[ $round % @delays ];
    my $diskless = $round % 4 < 2 ? 'yes' : 'no';
    my $tag = "$round ($delay s, diskless $diskless)";
    my ($dead, $heir) = ($pair->node(0), $pair->node(3));

    $pair->node($_)->cmd(qw(CONFIG SET repl-diskless-sync), $diskless)
        for 0 .. 3;
    $ledger->goes_on(within => 30) or fail("$tag: writers write");
    my $had = $heir->cmd('DBSIZE');

    push @fault, time;
    $dead->stop;
    sleep $delay; # as long as a supervisor takes
    unlink "$dead->{dir}/dump.rdb" if $round % 3;
    $dead->start;
    wait_for { $pair->beat(0)->{fault} eq 'lost' } 20
        or fail("$tag: it is told that its data are lost: "
            . $pair->beat(0)->{fault});

    # Its replica tries to come back to it, and is not let in: by its name,
    # which the one that came back does not know.
    if ($round % 5 == 1) {
        (wait_for { refused($dead) } 20) or fail("$tag: its replica tries");
    }
    my $came = $dead->info('rdb_last_load_keys_loaded') // 0;
    is($dead->cmd('DBSIZE'), $came, "$tag: nothing is written to it");
    is($came, 0, "$tag: it came back empty") if $round % 3;
    cmp_ok($heir->cmd('DBSIZE'), '>=', $had, "$tag: its replica keeps all");

    $pair->tell('second');
    $pair->in_sync(within => 30) or fail("$tag: the replica takes over");
    is($pair->role(0), 'slave', "$tag: the one that came back follows");
    $ledger->goes_on(within => 30) or fail("$tag: writers go on");
    push @back, $ledger->gap(0, $fault[-1]);

    # Back, for the next round.
    $pair->tell('normal');
    $pair->in_sync(within => 30) or fail("$tag: back");
}

diag('gaps of ', join(' ', @back), ' ms');

my @lost = $ledger->lost_of;
my ($own, $age) = (0, 0);
my @ours = grep {
    my $l = $_;
    my ($fault) = grep { $_ >= $l->{from} } @fault;
    my $its = defined $fault && $l->{to} <= $fault + $redis_own
        && $fault - $l->{from} < $redis_own;

    $own += $its;
    $age = $fault - $l->{from} if $its && $fault - $l->{from} > $age;
    !$its;
} @lost;

diag(sprintf '%d keys of %d with a loss of Redis\' own, %.1f ms old at most',
    $own, $ledger->keys_written, 1000 * $age);
is_deeply([ map { $_->{text} } @ours ], [], 'nothing else is lost');
cmp_ok($ledger->acks, '>', 100 * $rounds, 'of many writes');
diag(explain($ledger->errors));

my $info = $pair->proxy(0)->client->cmd(qw(INFO replication));
cmp_ok(($info =~ /^repl_doubts:(\d+)/m)[0], '>=', $rounds,
    'the doubts are counted');

# Who asks while it is lost is told so, after a while.
$pair->node(0)->stop;
unlink $pair->node(0)->{dir} . '/dump.rdb';
$pair->node(0)->start;
ok((wait_for { $pair->beat(0)->{fault} eq 'lost' } 20), 'lost once more');
my $n = 0;
$n++ until Undermoon::Cluster::slot("key:$n") < 8192;
my $c = $pair->proxy(0)->client;
like($c->cmd('GET', "key:$n"), qr/^-CLUSTERDOWN .* not confirmed/,
    'its slots are refused');
like($pair->proxy(0)->log, qr/doubted: it began anew and its replica has/,
    'the log tells why');

# An operator who wants it empty says so: first in no cluster, then a replica.
is($pair->proxy(1)->client->cmd(qw(UMCTL SETREPL 900 NOFLAG),
    'replica', 'testcluster', $pair->node(3)->addr, 1, $pair->node(0)->addr,
    $pair->proxy(0)->addr, 'master', 'testcluster', $pair->node(2)->addr, 0),
    'OK', 'its replica is to follow it all the same');
ok((wait_for { $pair->state(3) eq 'doubted' } 10),
    'which it does not for nothing');
is($pair->proxy(1)->client->cmd(qw(UMCTL SETREPL 901 NOFLAG),
    'master', '', $pair->node(3)->addr, 0), 'OK', 'in no cluster');
ok((wait_for { $pair->state(3) eq 'serving' } 10), 'it is nobody\'s');
is($pair->proxy(1)->client->cmd(qw(UMCTL SETREPL 902 NOFLAG),
    'replica', 'testcluster', $pair->node(3)->addr, 1, $pair->node(0)->addr,
    $pair->proxy(0)->addr), 'OK', 'and a replica then');
ok((wait_for { $pair->state(3) eq 'in_sync' } 20), 'follows');
is($pair->node(3)->cmd('DBSIZE'), 0, 'and has as much as its master');

done_testing;
