#!/usr/bin/perl

# Several brokers: one is kept to, the next one is asked when it does not
# answer; they can be set while it runs, and that lasts.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 26;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::Relay;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for free_port slurp);

my $broker = Undermoon::Broker->new->start;
my $stubs = Undermoon::StubProxies->new(4);
my @relay = map { Undermoon::Relay->new($broker->addr) } 1, 2;
my $nobody = '127.0.0.1:' . free_port();

$stubs->register($broker);
is($broker->say('POST', '/clusters/meta/mydb', { node_number => 4 }), 200,
    'there is a cluster');

# --- The first refuses: the second one is asked, and kept to.

my $co = Undermoon::Coordinator->new(
    brokers => [ $nobody, map { $_->addr } @relay ],
    block => 'broker_timeout 500ms;')->start;
ok(wait_for { $co->status->{proxies_synced} == 4 } 20,
    'a broker that refuses is passed over');
my @asked = $relay[0]->log;
ok(@asked > 0, 'the next one is asked');
is(scalar $relay[1]->log, 0, 'and only that one');

# --- It answers no more: the next but one.

$relay[0]->set(mute => 1);
is($broker->ask('PATCH', '/clusters/config/mydb',
        { migration_scan_count => '17' })->{status}, 200,
    'something changes meanwhile');
my $epoch = $broker->epoch;
ok(wait_for { my $s = $co->status;
        $s->{epoch} == $epoch && $s->{proxies_synced} == 4 } 20,
    'a broker that is mute is passed over, and nothing is lost');
my ($now) = grep { $_->{current} } @{ $co->status->{brokers} };
is($now->{address}, $relay[1]->addr, 'the status says who is asked');
like($co->cmd('INFO', 'brokers'),
    qr/^broker1:addr=\S+,state=down,asked=\d+,failed=\d+\r$/m,
    'and so does INFO');

# --- It can answer again: nobody goes back to it for that.

$relay[0]->set(mute => 0);
$relay[$_]->log for 0, 1;
ok(wait_for { grep({ /epoch/ } $relay[1]->log) > 0 } 10,
    'the other is kept to');
is(scalar grep({ /api/ } $relay[0]->log), 0, 'the first one has its rest');

# --- A failover whose outcome nobody knows is not asked for again elsewhere:
# the list of failures is read.

$stubs->set(0, gone => 1);
ok(wait_for { grep { m{^POST /api/v3/proxies/failover/} } $relay[1]->log } 20,
    'a failover is asked for');
ok(wait_for { $co->status->{failovers} >= 1 } 10, 'and made');

# --- Other brokers, for good.

is($co->cmd(qw(CONFIG GET brokers)),
    join(',', $nobody, map { $_->addr } @relay), 'what is configured');
is($co->cmd(qw(CONFIG SET brokers), $broker->addr), 'OK', 'another one is set');
is($co->cmd(qw(CONFIG GET brokers)), $broker->addr, 'and told');
$relay[$_]->log for 0, 1;
$epoch = $broker->epoch;
$broker->ask('PATCH', '/clusters/config/mydb',
    { migration_scan_count => '18' });
ok(wait_for { $co->status->{epoch} == $broker->epoch } 20, 'and asked');
is(scalar(grep { !/ -$/ } map { $_->log } @relay), 0, 'nobody else is');

like(slurp($co->state_file), qr/^brokers \Q${\$broker->addr}\E$/m,
    'it is kept');
my $pid = $co->pid;
$co->um->reload;
ok(wait_for { ($co->pid // $pid) != $pid } 20, 'a reload');
ok(wait_for { eval { $co->cmd(qw(CONFIG GET brokers)) } eq $broker->addr } 20,
    'does not change it');
$co->stop;
$co->start;
is($co->cmd(qw(CONFIG GET brokers)), $broker->addr, 'nor does a restart');

# --- Until something else is configured.

$co->stop;
$co->um->configure(slurp($co->um->{file})
    =~ s/broker_address .*/broker_address $nobody;/r);
$co->start;
is($co->cmd(qw(CONFIG GET brokers)), $nobody,
    'what is configured later counts');
is(Undermoon::Http::get($co->http, '/healthz')->{status}, 200,
    'without a broker it is healthy');
is(Undermoon::Http::get($co->http, '/readyz')->{status}, 503, 'and not ready');
$co->stop;

# --- A broker that wants to know who writes.

my $shy = Undermoon::Broker->new(broker => 'write_token "a secret";')->start;
my $one = Undermoon::StubProxies->new(1);
is($shy->ask('POST', '/proxies/meta', { proxy_address => $one->addr(0),
            nodes => [ 'a:1', 'a:2' ] },
        Authorization => 'Bearer a secret')->{status}, 200, 'a proxy there');
my $bearer = Undermoon::Coordinator->new(brokers => [ $shy->addr ],
    block => 'broker_token "a secret";')->start;
wait_for { $bearer->status->{proxies_alive} == 1 } 10;
$one->set(0, gone => 1);
ok(wait_for {
        @{ $shy->ask('GET', '/proxies/failed/addresses')
                ->{json}{addresses} } == 1 } 20,
    'a coordinator that knows the token may report');
