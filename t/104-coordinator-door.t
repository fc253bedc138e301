#!/usr/bin/perl

# The coordinator's Redis protocol: what operators' tools ask, in the words of
# the reference, and what rude clients do to it; and what it says over HTTP.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Client;
use Undermoon::Coordinator;
use Undermoon::Http;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for slurp);

my $broker = Undermoon::Broker->new->start;
my $stubs = Undermoon::StubProxies->new(2);
my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ],
    block => 'reporter_id me; max_clients 20; session_timeout 2s;')->start;
my $addr = $broker->addr;

$stubs->register($broker);

# --- In words.

my @says = (
    [ 'PONG', qw(PING) ],
    [ 'hello', qw(ping hello) ],
    [ $addr, qw(CONFIG GET brokers) ],
    [ $addr, qw(config get brokers) ],
    [ 'me', qw(CONFIG GET reporter_id) ],
    [ '-Invalid CONFIG field Brokers', qw(CONFIG GET Brokers) ],
    [ '-Invalid CONFIG field x', qw(CONFIG GET x) ],
    [ '-Invalid CONFIG SET field reporter_id', qw(CONFIG SET reporter_id you) ],
    [ '-Invalid config sub command: REWRITE', qw(CONFIG rewrite) ],
    [ '-Missing sub argument', qw(CONFIG) ],
    [ '-Missing sub argument', qw(CONFIG GET) ],
    [ '-Missing sub argument', qw(CONFIG SET brokers) ],
    [ 'OK', 'CONFIG', 'SET', 'brokers', $addr ],
    [ qr/^-Invalid brokers: /, 'CONFIG', 'SET', 'brokers', '' ],
    [ qr/^-Invalid brokers: /, 'CONFIG', 'SET', 'brokers', 'nobody' ],
    [ qr/^-Invalid brokers: /, 'CONFIG', 'SET', 'brokers', "$addr,a:b" ],
    [ qr/^-Invalid brokers: /, 'CONFIG', 'SET', 'brokers', 'unix:/x' ],
    [ qr/^-Invalid brokers: are too many/, 'CONFIG', 'SET', 'brokers',
        join ',', map { "a:$_" } 1 .. 17 ],
    [ "-ERR unknown command 'HELLO'", qw(HELLO 3) ],
    [ '-Invalid sub command for UMCTL', qw(UMCTL INFO) ],
    [ '-Invalid sub command for UMCTL', qw(UMCTL) ],
    [ '-ERR_COMMAND_NOT_SUPPORTED: GET', qw(get x) ],
    [ "-ERR_COMMAND_NOT_SUPPORTED: A B", "a\r\nb" =~ s/\r\n/ /r ],
);

my $c = $co->client;
for (@says) {
    my ($want, @words) = @$_;
    my $said = $c->cmd(@words);

    ref $want ? like($said, $want, "@words") : is($said, $want, "@words");
}

my $when = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
like($c->cmd(qw(UMCTL DEBUG FUTURE))->[0],
    qr/^1 $when session: session_id=1 peer=127\.0\.0\.1:\d+$/,
    'UMCTL DEBUG FUTURE');

my $info = $c->cmd('INFO');
like($info, qr/^# $_\r$/m, "INFO has $_")
    for qw(Server Brokers Proxies Counters);
like($c->cmd(qw(INFO proxies)), qr/^# Proxies\r\n(?:\w+:\d+\r\n)+\z/,
    'a section alone');
is($c->cmd(qw(INFO nothing)), '', 'one that is none');

# --- By hand, in pieces, many at once, and the end.

my $line = $co->client;
$line->write("ping\r\nCONFIG GET \"reporter_id\"\r\n");
is($line->read, 'PONG', 'an inline command');
is($line->read, 'me', 'and another, in quotes');
is(join(' ', $line->pipeline(map { ['PING'] } 1 .. 500)),
    join(' ', ('PONG') x 500), 'five hundred at once');
for my $byte (split //, Undermoon::Client::request(qw(PING pieces))) {
    $line->write($byte);
}
is($line->read, 'pieces', 'byte by byte');
is($line->cmd('QUIT'), 'OK', 'QUIT');
is($line->read_all, '', 'and it has closed');

# --- Rude clients.

my $rude = $co->client;
$rude->write("*1\r\n\$x\r\n");
like($rude->read_all, qr/^-ERR Protocol error/, 'what is no request');
$rude = $co->client;
$rude->write('*1000000' . "\r\n");
like($rude->read_all, qr/^-ERR Protocol error: invalid multibulk length/,
    'too many words');
$rude = $co->client;
$rude->write("*1\r\n\$100000000\r\n");
like($rude->read_all, qr/^-ERR Protocol error: invalid bulk length/,
    'too long a word');
$rude = $co->client;
$rude->write('x' x 200000);
like($rude->read_all, qr/^-ERR Protocol error: too big/, 'a line without end');

my @crowd = map { $co->client } 1 .. 30;
my $refused = grep { my $r = eval { $_->cmd('PING') } // ''; $r ne 'PONG' }
    @crowd;
cmp_ok($refused, '>=', 10, 'no more than max_clients');
@crowd = ();
ok(wait_for { (eval { $co->cmd('PING') } // '') eq 'PONG' } 10,
    'when they have left others are served');

my $deaf = $co->client(rcvbuf => 4096);
my $before = slurp('/proc/' . $co->pid . '/statm') =~ /^\d+ (\d+)/ ? $1 : 0;
$deaf->write_some(Undermoon::Client::request('INFO') x 2000) for 1 .. 20;
is($co->cmd('PING'), 'PONG', 'who asks and does not read delays nobody');
my $after = slurp('/proc/' . $co->pid . '/statm') =~ /^\d+ (\d+)/ ? $1 : 0;
cmp_ok($after - $before, '<', 10 * 256, 'nor does it cost much memory');

my $idle = $co->client(timeout => 20);
is($idle->cmd('PING'), 'PONG', 'an idle client');
is($idle->read_all, '', 'is closed after session_timeout');

# --- HTTP.

my ($metrics, $families) = Undermoon::Http::metrics($co->http);
is($metrics->{undermoon_coordinator_proxies}, 2, '/metrics');
is(scalar(grep { $_->[0] !~ /^undermoon_coordinator_[a-z_]+$/
            || ($_->[1] eq 'counter') != ($_->[0] =~ /_total$/)
            || !defined $_->[2] } @$families), 0,
    'every family has a help, and counters their ending');
ok(wait_for { $co->status->{proxies_synced} == 2 } 10, '/status');
is_deeply([ sort map { $_->{address} } @{ $co->status->{members} } ],
    [ sort $stubs->addrs ], 'it names all proxies');
is(Undermoon::Http::get($co->http, $_)->{status}, 200, $_)
    for qw(/healthz /readyz);
is(Undermoon::Http::get($co->http, '/nothing')->{status}, 404, 'nothing else');

# --- Who may.

my $shut = Undermoon::Coordinator->new(brokers => [ $addr ],
    block => 'allow 10.1.2.3;')->start;
like($shut->client->read_all, qr/^-NOPERM /, 'allow: others are sent away');
is(Undermoon::Http::get($shut->http, '/status')->{status}, 403,
    'over HTTP, too');

# --- The reference's environment.

my $port = Undermoon::Test::free_port();
my $env = Undermoon::Test::undermoon(
    conf => "pid \@PIDFILE\@;\nerror_log stderr notice;\nmodule "
        . Undermoon::Coordinator::module()
        . ";\ncoordinator { state_file \"\"; }\n",
    env => { UNDERMOON_ADDRESS => "127.0.0.1:$port",
        UNDERMOON_BROKER_ADDRESS => "$addr,127.0.0.1:1",
        UNDERMOON_REPORTER_ID => 'by-env', UNDERMOON_THREAD_NUMBER => 2,
        UNDERMOON_PROXY_TIMEOUT => 3, UNDERMOON_ENABLE_COMPRESSION => 1,
        UNDERMOON_DISABLE_FAILOVER => 'false' })->start;
$c = Undermoon::Client->new("127.0.0.1:$port");
is($c->cmd(qw(CONFIG GET brokers)), "$addr,127.0.0.1:1", 'BROKER_ADDRESS');
is($c->cmd(qw(CONFIG GET reporter_id)), 'by-env', 'REPORTER_ID');
like(($env->run('-T'))[1],
    qr/proxy_timeout\s+3(?:s|000ms).*enable_compression\s+on/s,
    'PROXY_TIMEOUT in seconds, ENABLE_COMPRESSION as 1');

done_testing();
