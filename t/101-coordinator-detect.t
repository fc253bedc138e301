#!/usr/bin/perl

# Who has failed, and who has not: refused, cut, mute, slow, sick.  Nobody who
# is in trouble delays what others are found out to be.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 24;
use Time::HiRes qw(time);
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for);

my $broker = Undermoon::Broker->new->start;
my $stubs = Undermoon::StubProxies->new(10);
my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ],
    block => 'reporter_id me;')->start;

$stubs->register($broker);

sub state_of { $co->proxy($stubs->addr($_[0]))->{state} // '' }

sub failed {
    my ($i) = @_;

    return grep { $_ eq $stubs->addr($i) } @{ $broker->ask('GET',
            '/proxies/failed/addresses')->{json}{addresses} };
}

ok(wait_for { $co->status->{proxies_alive} == 10 } 10, 'all are found alive');
is($broker->say('POST', '/clusters/meta/mydb', { node_number => 8 }), 200,
    'a cluster of four');

my @in = map { $stubs->index_of($_) } do {
    my %seen;
    grep { !$seen{$_}++ } map { $_->{proxy_address} } @{ $broker->ask('GET',
            '/clusters/meta/mydb')->{json}{cluster}{nodes} };
};
is(scalar @in, 4, 'four proxies have it');
my @spare = grep { my $i = $_; !grep { $_ == $i } @in } 0 .. 9;

ok(wait_for { $co->status->{proxies_synced} == 10 } 10,
    'all have what they should have');

# --- A connection that is cut is no failure, nor is a slow proxy.

$stubs->set($in[0], cut => 1);
$stubs->set($in[1], slow => 0.4);
my $beats = $stubs->get($in[0])->{beats};
my $slow = $stubs->get($in[1])->{beats};
ok(wait_for { $stubs->get($in[0])->{beats} > $beats + 3
            && $stubs->get($in[1])->{beats} > $slow + 3 } 20,
    'both are looked at, time and again');
is($co->status->{failures}, 0, 'neither has failed');
is(state_of($in[$_]), 'alive', 'it is alive') for 0, 1;
$stubs->set($in[1], slow => 0);

# --- One that listens no more is replaced at once.

my $began = time;
$stubs->set($in[0], gone => 1);
ok(wait_for { failed($in[0]) } 20, 'who refuses connections is replaced');
diag(sprintf 'refused: replaced within %.2f s', time - $began);
is(state_of($in[0]), 'dead', 'it is dead');
my $view = $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster};
ok(!grep({ $_->{proxy_address} eq $stubs->addr($in[0]) } @{ $view->{nodes} }),
    'it is in the cluster no more');

# --- Two that do not answer: each on its own, and the others live on.

$began = time;
$stubs->set($_, mute => 1) for @in[1, 2];
ok(wait_for { failed($in[1]) && failed($in[2]) } 30,
    'who says nothing is replaced, both of them');
diag(sprintf 'mute: replaced within %.2f s', time - $began);
$beats = $stubs->get($in[3])->{beats};
ok(wait_for { $stubs->get($in[3])->{beats} > $beats + 2 } 10,
    'meanwhile the others are looked at');
ok(wait_for { $co->status->{proxies_synced} >= 7 } 10,
    'and have the newest metadata')
    or diag(explain($co->status));

# --- One whose Redis fails.

$stubs->set($in[3], fault => 'down', in_sync => 0);
ok(wait_for { failed($in[3]) } 20, 'whose master is down is replaced');
is(state_of($in[3]), 'faulty', 'though it answers');

# --- They come back, each in its way; what they have is old.

my @log = $stubs->log;
$stubs->set($in[0], gone => 0, epoch => 0, repl_epoch => 0);
$stubs->set($_, mute => 0) for @in[1, 2];
ok(wait_for { my $s = $co->status;
        $s->{proxies_alive} == 9 && $s->{proxies_synced} == 10 } 20,
    'who is back is sent metadata, though marked as failed')
    or diag(explain($co->status));
my ($told) = grep { $_->[1] == $in[0] && $_->[3] eq 'SETCLUSTER' } $stubs->log;
is($told->[7], '', 'namely that it owns nothing');

ok(wait_for { !failed($in[0]) && !failed($in[1]) && !failed($in[2]) } 30,
    'those who stay well are taken back');
ok(failed($in[3]), 'the sick one is not');
$stubs->set($in[3], fault => 'none');
$beats = $stubs->get($in[3])->{beats};
ok(wait_for { $stubs->get($in[3])->{beats} > $beats + 8 } 20,
    'nor when its nodes are not in sync yet');
ok(failed($in[3]), 'for there it could take over nothing');
$stubs->set($in[3], in_sync => 1);
ok(wait_for { !failed($in[3]) } 30, 'but then');

# --- A proxy that is registered no more is forgotten.

$broker->ask('DELETE', '/proxies/meta/' . $stubs->addr($in[0]));
ok(wait_for { !$co->status->{member}{ $stubs->addr($in[0]) } } 20,
    'who is registered no more is not looked at');
