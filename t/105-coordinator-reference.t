#!/usr/bin/perl

# Beside parts of the reference: proxies that do not know UMCTL BEAT, and a
# broker that does not know what is ours alone.  Two coordinators that need not
# know of each other.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 16;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::Relay;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for);

my $broker = Undermoon::Broker->new(
    broker => 'migration_limit 0; failure_quorum 2;')->start;
my $relay = Undermoon::Relay->new($broker->addr, reference => 1);
my $stubs = Undermoon::StubProxies->new(6, ours => 0);
my @co = map { Undermoon::Coordinator->new(brokers => [ $relay->addr ],
        block => "reporter_id co$_;")->start } 1, 2;

$stubs->register($broker);

sub synced {
    my ($n) = @_;

    return wait_for { !grep { my $s = $_->status;
            $s->{epoch} != $broker->epoch || $s->{proxies_synced} != $n }
            @co } 30;
}

ok(synced(6), 'proxies of the reference are told, by both');
is($co[0]->proxy($stubs->addr(0))->{kind}, 'reference', 'and known as such');
is($broker->say('POST', '/clusters/meta/mydb', { node_number => 4 }), 200,
    'a cluster');
ok(synced(6), 'they have it');

# --- Idle: what they are asked, and nothing else.

$stubs->log;
my $beats = $stubs->get(0)->{beats};
ok(wait_for { $stubs->get(0)->{beats} > $beats + 12 } 20,
    'they are looked at');
is(scalar $stubs->log, 0, 'and are not told what they have');

# --- A proxy that cannot say so is told again when its connection was another.

$stubs->set(0, repl_epoch => 0, cut => 1);
ok(wait_for { $stubs->get(0)->{repl_epoch} > 0 } 20,
    'after a new connection it is told');

# --- A failure: two reports, one replacement.

my $view = $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster};
my $victim = $stubs->index_of($view->{nodes}[0]{proxy_address});
$relay->log;
$stubs->set($victim, gone => 1);
ok(wait_for { grep { $_ eq $stubs->addr($victim) } @{ $broker->ask('GET',
                '/proxies/failed/addresses')->{json}{addresses} } } 30,
    'both have reported, and it was replaced');
my @said = $relay->log;
for my $co ('co1', 'co2') {
    ok(grep({ m{^POST /api/v3/failures/[^/]+/\Q$co\E 200} } @said),
        "a report of $co");
}

# --- It comes back: no broker of the reference takes a report back, and that
# is found out once.

$stubs->set($victim, gone => 0, epoch => 0, repl_epoch => 0);
ok(wait_for { $stubs->get($victim)->{epoch} } 30, 'it is sent metadata');
ok(wait_for { push @said, $relay->log;
        grep({ /^DELETE .* 405/ } @said) == 2 } 20,
    'each tries once to take its report back');
my ($before) = $co[0]->status->{taken_back};
$beats = $stubs->get($victim)->{beats};
ok(wait_for { $stubs->get($victim)->{beats} > $beats + 40 } 60,
    'though it is well for long');
is($co[0]->status->{taken_back} + $co[1]->status->{taken_back}, 0,
    'nobody can say that its nodes are in sync: it is left to people');

# --- The broker has gone back in time.

$relay->log;
my $other = $stubs->index_of($view->{nodes}[2]{proxy_address});
$stubs->set($other, epoch => $broker->epoch + 5);
ok(wait_for { push @said, $relay->log;
        grep({ m{^PUT /api/v3/epoch/recovery 200} } @said) } 40,
    'a broker that cannot be told of one is made to ask all');
ok(synced(6), 'and everybody follows');
