#!/usr/bin/perl

# The smallest system, two proxies and no spare: one side is lost, both sides
# are, in any order; a spare comes only later; the coordinator is cut off from
# the broker.  Redis keeps its data on disk.  In the end all is whole, and what
# was acknowledged is there.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Coordinator;
use Undermoon::Cut;
use Undermoon::Ledger;
use Undermoon::System;
use Undermoon::Test qw(wait_for);

my $s = Undermoon::System->new(proxies => 2, hosts => 2, coordinators => 0,
    redis => { more => [qw(--appendonly yes --appendfsync always)] })->start;
my $wire = Undermoon::Cut->new($s->broker->addr);
my $co = Undermoon::Coordinator->new(brokers => [ $wire->addr ])->start;
$s->create('c', 4);
ok($s->wait_in_sync('c'), 'a pair') or BAIL_OUT($s->why('c') . $co->log);

my ($a, $b) = $s->members_of('c');
my @addrs = map { $_->addr } $s->members;

sub failed {
    return @{ $s->broker->ask('GET', '/proxies/failed/addresses')
            ->{json}{addresses} };
}

# Under writes: `happens`, then the cluster gets whole.
sub story {
    my ($what, $happens) = @_;
    my $ledger = Undermoon::Ledger->start(\@addrs);

    ok($ledger->goes_on, "$what: writers write");
    my $since = time;
    $happens->($ledger);
    ok($s->wait_in_sync('c', 90), '  whole again')
        or diag($s->why('c'), $co->log, map { $_->um->log } $s->members);
    ok($ledger->goes_on(within => 60), '  and written to')
        or diag($s->why('c'), $co->log);
    is_deeply([ $ledger->lost(since => $since) ], [], '  nothing is lost');
    ok((wait_for { !failed() } 60), '  nobody counts as failed')
        or diag(failed());
}

story('one side', sub {
    my ($ledger) = @_;

    $a->kill_9;
    ok($ledger->goes_on(within => 30), '  the other serves all');
    $a->start;
});

story('both sides, the first is back first', sub {
    $a->kill_9;
    $b->kill_9;
    $a->start;
    $b->start;
});

story('one after the other, the last is back first', sub {
    my ($ledger) = @_;

    $a->kill_9;
    ok($ledger->goes_on(within => 30), '  the other serves all');
    $b->kill_9;
    $b->start;
    $a->start;
});

story('one after the other, the last is back last', sub {
    my ($ledger) = @_;

    $b->kill_9;
    ok($ledger->goes_on(within => 30), '  the other serves all');
    $a->kill_9;
    $b->start;
    $a->start;
});

story('both sides with all their Redis', sub {
    $_->kill_9 for $a, $b;
    for my $r (map { $_->nodes } $a, $b) {
        kill 'KILL', $r->pid;
        $r->stop;
    }
    $_->start for (map { $_->nodes } $b, $a), $b, $a;
});

# Masters go back to where they began, so that each side has one.
is($s->broker->say('PUT', '/clusters/balance/c'), 200, 'balanced');
ok($s->wait_in_sync('c', 60), 'and whole') or diag($s->why('c'));

story('the coordinator is cut off, and a side is lost', sub {
    my ($ledger) = @_;

    $wire->cut;
    $a->kill_9;
    ok(!$ledger->goes_on(half => 0, within => 2)
        || !$ledger->goes_on(half => 1, within => 2),
        '  nobody takes over');
    $wire->mend;
    ok($ledger->goes_on(within => 60), '  afterwards somebody does')
        or diag($co->log);
    $a->start;
});

# ---- A spare that comes later -----------------------------------------------

{
    my $spare = Undermoon::System::Member->new($s, 2);
    my $ledger = Undermoon::Ledger->start(\@addrs);

    $b->kill_9;
    ok($ledger->goes_on(within => 30), 'a side is lost for good');
    ok((wait_for { failed() } 20), 'nobody takes its place');
    $spare->{host} = 'host9';
    $spare->start;
    push @{ $s->{member} }, $spare;
    $s->register($spare);
    ok((wait_for { grep { $_ eq $spare->addr } $s->proxies_of('c') } 30),
        'a spare comes, and does');
    ok($s->wait_in_sync('c', 60), 'the cluster is whole')
        or diag($s->why('c'), $co->log);
    is_deeply([ $ledger->lost ], [], 'and nothing is lost');
}

done_testing();
