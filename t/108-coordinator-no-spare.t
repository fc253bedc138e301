#!/usr/bin/perl

# A proxy fails and there is nobody to take its place: its partner serves, that
# is told once, and a spare that comes later is used.  And a coordinator that
# may only report.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 14;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::Relay;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for);

my $broker = Undermoon::Broker->new->start;
my $relay = Undermoon::Relay->new($broker->addr);
my $stubs = Undermoon::StubProxies->new(3);
my $co = Undermoon::Coordinator->new(brokers => [ $relay->addr ])->start;

$stubs->register($broker, 0, 1);
is($broker->say('POST', '/clusters/meta/mydb', { node_number => 4 }), 200,
    'a cluster of all there are');
ok(wait_for { $co->status->{proxies_synced} == 2 } 10, 'they know');

sub masters {
    return map { $_->{proxy_address} } grep { $_->{repl}{role} eq 'master' }
        @{ $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster}{nodes} };
}

# --- Nobody is left.

$stubs->set(0, gone => 1);
ok(wait_for { !grep { $_ eq $stubs->addr(0) } masters() } 20,
    'the partner has both masters');
my $epoch;
ok(wait_for { $epoch = $broker->ask('GET',
            '/clusters/meta/mydb')->{json}{cluster}{epoch};
        $stubs->get(1)->{epoch} == $epoch } 20, 'and knows it');
$relay->log;
my @asked;
ok(wait_for { push @asked, grep { m{^GET \S+/failures } } $relay->log;
        @asked > 4 } 30, 'the failures are read time and again');
cmp_ok(scalar(() = $co->log
            =~ /is not replaced yet: NO_AVAILABLE_RESOURCE/g), '<=', 1,
    'that it is not replaced is told once');

# --- A spare comes.

$stubs->register($broker, 2);
ok(wait_for { grep({ $_ eq $stubs->addr(2) } map { $_->{proxy_address} }
            @{ $broker->ask('GET', '/clusters/meta/mydb')
                    ->{json}{cluster}{nodes} }) } 60, 'it is used');
ok(wait_for { my $v = $broker->ask('GET',
            '/clusters/meta/mydb')->{json}{cluster};
        !grep { $stubs->get($_)->{epoch} != $v->{epoch} } 1, 2 } 20,
    'and all know');

# --- A coordinator that has forgotten everything finds all as it was.

$co->stop;
$stubs->log;
$co = Undermoon::Coordinator->new(brokers => [ $relay->addr ],
    block => 'disable_failover on; reporter_id shy;')->start;
ok(wait_for { $co->status->{proxies_synced} == 2 } 20, 'another coordinator');
is(scalar(grep { $_->[1] != 0 } $stubs->log), 0,
    'who has what he should have is told nothing');

# --- It may only report.

$relay->log;
$stubs->set(1, gone => 1);
@asked = ();
ok(wait_for { push @asked, $relay->log;
        grep({ m{^POST \S+/failures/\S+/shy 200} } @asked) > 2 } 30,
    'a failure is reported, each second');
is(scalar(grep { m{/proxies/failover/|GET \S+/failures } } @asked), 0,
    'no failover is asked for');
my $addr = $stubs->addr(1);
$stubs->set(1, gone => 0);
ok(wait_for { push @asked, $relay->log;
        grep { m{^DELETE \S+/failures/\Q$addr\E/shy \d} } @asked } 30,
    'when it is well again the report is taken back');
is($co->status->{proxies_failed}, 1, 'who had failed before stays failed');
