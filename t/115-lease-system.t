#!/usr/bin/perl

# With a lease, a proxy that no coordinator can reach stops by itself, and
# whoever takes over from a master that cannot be told to stop waits until then:
# at no moment do two acknowledge writes to a slot.  A coordinator that is cut
# off from the broker vouches for nobody.  While all is well nothing of it is
# felt.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Coordinator;
use Undermoon::Cut;
use Undermoon::Ledger;
use Undermoon::System;
use Undermoon::Test qw(wait_for patience);

# Longer than it takes to find out that a proxy does not answer, so that it
# serves yet when another is told to.
my $LEASE = patience(5);

my ($s, $broker_wire, $co);

sub whole_system {
    $s = Undermoon::System->new(wires => 1, coordinators => 0,
        proxy => "node_timeout 2s; lease ${LEASE}s;", @_)->start;
    $broker_wire = Undermoon::Cut->new($s->broker->addr);
    $co = Undermoon::Coordinator->new(brokers => [ $broker_wire->addr ])->start;
    $s->{coordinator} = [$co];

    my $since = time;
    $s->create('c', 4);
    cmp_ok(time - $since, '<', $LEASE, 'who was free has nobody to wait for');
    ok($s->wait_in_sync('c'), 'a cluster') or BAIL_OUT($s->why('c'));
}

my $half = 0;

# The member that has the master of a half, that Redis and its wire.
sub master_of {
    my ($half) = @_;
    my ($m, $i) = $s->master_of('c', $half);

    return ($m, $m->node($i), $m->node_wire($i));
}

sub key { Undermoon::System::key_of(8192 * $half + $_[0]) }

# What is left of its lease, in ms.
sub left {
    my ($m) = @_;
    my $info = eval { $m->cmd(qw(INFO replication)) } // '';

    return $info =~ /^repl_lease_left_ms:(\d+)/m ? $1 : -1;
}

sub failed {
    return @{ $s->broker->ask('GET', '/proxies/failed/addresses')
            ->{json}{addresses} };
}

sub writers {
    my $ledger = Undermoon::Ledger->start(
        [ map { $_->um->addr } $s->members ],
        alias => { map { $_->addr => $_->um->addr } $s->members });

    ok($ledger->goes_on, "$_[0]: writers write") or diag($s->why('c'));
    return $ledger;
}

sub is_whole {
    my ($ledger) = @_;

    ok($s->wait_in_sync('c', 90), '  the cluster is whole')
        or diag($s->why('c'), $co->log, map { $_->um->log } $s->members);
    ok($ledger->goes_on(within => 60), '  and is written to')
        or diag($s->why('c'));
    ok((wait_for { !failed() } 60), '  nobody counts as failed');
}

# Old and new: that they were never masters at one time.
sub took_turns {
    my ($ledger, $old, $told) = @_;
    my %span = %{ $ledger->spans($half) };
    my $was = delete $span{ $old->um->addr };
    my ($now) = sort { $a->[0] <=> $b->[0] } values %span;

    cmp_ok($was->[1], '<', $now->[0], '  at no moment two acknowledge');
    cmp_ok($now->[0] - $told, '>', $LEASE - 0.5, '  the lease was waited for');
    is_deeply([ $ledger->rivals ], [], '  nor by turns');
    diag(sprintf '  the old one stopped %d ms after, the new one began %d ms '
        . 'after another was told to', map { 1000 * ($_ - $told) } $was->[1],
        $now->[0]);
}

whole_system(proxies => 5);

# ---- Calm -------------------------------------------------------------------

{
    my $ledger = writers('calm');
    my $begin = time;

    ok((wait_for { time > $begin + 2 * $LEASE
                || grep { left($_) == 0 } $s->members_of('c') } 3 * $LEASE),
        '  time passes');
    my %errors = %{ $ledger->errors };
    delete $errors{'-CLUSTERDOWN The cluster is down'}; # a spare has none
    is_deeply(\%errors, {}, '  and nothing is refused');
    my @left = map { left($_) } $s->members;
    ok(!(grep { $_ < 500 * $LEASE } @left), "  leases are renewed: @left ms");

    # Another takes over from one that lives and lets itself be stopped.
    my ($m) = master_of($half);
    my $since = time;
    is($s->broker->say('POST', '/proxies/failover/' . $m->addr) =~ /^200/, 1,
        '  a master is replaced');
    ok((wait_for { $ledger->takeovers($half) > 0 } 30), '  another serves')
        or diag($s->why('c'));
    my $gap = $ledger->gap($half, $since);
    cmp_ok($gap, '<', 1000 * $LEASE / 2, "  after $gap ms: not a lease");
    is_whole($ledger);
    is_deeply([ $ledger->lost(since => $since) ], [], '  nothing is lost');
}

# ---- The coordinator is cut off from the broker -----------------------------

{
    my $ledger = writers('no broker');
    my $epoch = $s->view('c')->{epoch};

    $half = 1 - $half;
    my ($m) = master_of($half);
    my $since = time;
    $broker_wire->cut;
    ok((wait_for { !grep { left($_) } $s->members } 3 * $LEASE),
        '  leases are not renewed');
    my $took = time - $since;
    cmp_ok($took, '<', $LEASE + patience(1), sprintf '  for %.1f s', $took);
    like($m->cmd('SET', key(1), 'late'),
        qr/^-CLUSTERDOWN .*no coordinator vouches/,
        '  and who has none says so');
    ok((wait_for { $m->um->log =~ /lease: no coordinator has vouched/ } 5),
        '  so does its log');
    is(($m->beat)[2], 'none', '  though that is no fault of its Redis');
    $since = time;
    $broker_wire->mend;
    ok((wait_for { !grep { !left($_) } $s->members } 30), '  mended: renewed')
        or diag($co->log);
    ok($ledger->goes_on(within => 30), '  and they serve');
    diag(sprintf '  %d ms after', 1000 * (time - $since));
    ok((wait_for { $m->um->log =~ /a coordinator vouches .* again/ } 5),
        '  which is told');
    is($s->view('c')->{epoch}, $epoch, '  without a failover');
    is_whole($ledger);
    is_deeply([ $ledger->lost(since => $since) ], [], '  nothing is lost');
}

# ---- A proxy that its clients alone can reach -------------------------------

# Its Redis, too, can be reached by its own workers alone: nobody can stop it.
# What it acknowledged in that time is lost, for nobody could copy it.
{
    my $ledger = writers('a proxy is cut off, and its Redis');
    my $epoch = $s->view('c')->{epoch};
    my ($m, undef, $redis_wire) = master_of($half);
    my $cut = time;

    $redis_wire->cut('both', '!CLIENT');
    $m->wire->cut('both', 'UMCTL');
    ok((wait_for { $s->view('c')->{epoch} > $epoch } 30), '  it is given up')
        or diag($co->log);
    my $told = time;
    ok($ledger->goes_on(half => $half, within => 5), '  and serves yet');
    ok((wait_for { grep { $_ != $m && $_->um->log =~ /its lease is waited for/ }
                $s->members } 10), '  another waits for its lease');
    ok((wait_for { left($m) == 0 } 3 * $LEASE), '  which runs out');
    like($m->cmd('SET', key(2), 'late'), qr/^-/, '  then it refuses');
    ok((wait_for { $ledger->takeovers($half) > 0 } 3 * $LEASE),
        '  and another serves') or diag($s->why('c'));
    took_turns($ledger, $m, $told);
    my $end = $ledger->spans($half)->{ $m->um->addr }[1];

    $_->mend for $redis_wire, $m->wire;
    is_whole($ledger);
    my @lost = $ledger->lost_of(since => $cut);
    is_deeply([ map { $_->{text} } grep { $_->{half} != $half
                || $_->{from} < $cut - 0.2 || $_->{to} > $end } @lost ], [],
        '  what is lost is of the time when it was alone: '
            . scalar(@lost) . ' keys');
}

# ---- A proxy and its Redis hang, and wake together --------------------------

# What waited for the Redis is executed when that wakes, and its proxy has the
# answers in its hands before it has heard anything.
whole_system(proxies => 5, backend_timeout => '60s');
{
    my $ledger = writers('a proxy and its Redis hang');

    $half = 1 - $half;
    my ($m, $redis) = master_of($half);
    my @client = map { $m->um->client(timeout => 30) } 1 .. 20;
    is($_->cmd('SET', key(9), 'first'), 'OK', '  written') for $client[0];
    my ($sent) = map { /^commands_forwarded: (\d+)/m }
        join "\n", @{ $m->cmd(qw(UMCTL STATS)) };

    $redis->pause;
    my $n = 10;
    $_->send('SET', key($n++), 'late') for @client;
    ok((wait_for { join("\n", @{ $m->cmd(qw(UMCTL STATS)) })
                =~ /^commands_forwarded: (\d+)/m && $1 >= $sent + @client } 10),
        '  writes wait for the Redis');
    $m->pause;
    my $told = time;
    ok((wait_for { $ledger->takeovers($half) > 0 } 60), '  another serves')
        or diag($s->why('c'));

    $redis->resume;
    my $c = Undermoon::Client->new($redis->addr, timeout => 10);
    is($c->cmd('PING'), 'PONG', '  the Redis wakes') for 1, 2;
    $m->resume;
    my %said;
    $said{ eval { $_->read } // 'LOST' }++ for @client;
    ok(!$said{OK}, '  none of them is told that it is done') or diag(%said);
    diag("  $said{$_} of $_") for sort keys %said;
    is_whole($ledger);
    is_deeply([ $ledger->rivals ], [], '  no two are masters at one time');
    $ledger->stop;
}

done_testing();
