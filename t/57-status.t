#!/usr/bin/perl

# The status module: what it says of a proxy, whether that is well, and how it
# comes, goes and reloads without turning anybody away.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::INET;
use Test::More;
use Undermoon::Http;
use Undermoon::Test qw(undermoon redis wait_for free_port tempdir slurp);

my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/status.so';
my $module = -e $file ? $file : 'status'; # --with-modules=static
my $port = free_port();
my $addr = "127.0.0.1:$port";
my $unix = tempdir() . '/status.sock';

sub get { Undermoon::Http::get($addr, @_) }
sub status { Undermoon::Http::json($addr, '/status') }

my $block = "status { listen 127.0.0.1:$port unix:$unix; turn_limit 1s; }";
my $um = undermoon(workers => 2,
    main => "worker_watchdog 0;\nmodule $module;\n$block")->start;
my $redis = redis();

# ---- Health --------------------------------------------------------------

is(get('/healthz')->{status}, 200, 'it lives');
is(get('/healthz')->{body}, qq({"status":"ok"}\n), 'and says so');

my $r = get('/readyz');
is($r->{status}, 503, 'without metadata it is not ready');
like($r->{body}, qr/"unavailable".*SETCLUSTER/, 'and why not');
is($r->{headers}{'content-type'}, 'application/json', 'in JSON');
is($r->{headers}{'cache-control'}, 'no-store', 'for nobody to keep');

is($um->setcluster(local => [ $redis->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
is(get('/readyz')->{status}, 200, 'now it is ready');

# ---- /status -------------------------------------------------------------

{
    my @c = map { $um->client } 1 .. 3;
    $_->cmd(qw(SET foo bar)) for @c;
    ok((wait_for { status()->{clients} == 3 } 5), 'clients are counted');

    my $s = status();
    like($s->{version}, qr/^\d+\.\d+\.\d+$/, 'version');
    is($s->{pid}, $um->pid, 'pid of the master');
    is("@{ $s->{roles} }", 'proxy status', 'roles');
    cmp_ok(abs($s->{started} - time), '<', 120, 'started');
    cmp_ok($s->{uptime_seconds}, '<', 120, 'uptime');
    ok($s->{healthy} && $s->{ready}, 'healthy and ready');
    is_deeply($s->{reasons}, [], 'so no reasons');

    is($s->{workers_configured}, 2, 'two workers');
    my @w = grep { $_->{state} eq 'running' } @{ $s->{workers} };
    is(@w, 2, 'are running');
    my %mine = map { $_ => 1 } $um->workers;
    is_deeply([ grep { !$mine{ $_->{pid} } } @w ], [], 'with these pids');
    cmp_ok($_->{resident_bytes}, '>', 100_000, 'in memory') for @w;
    is($w[0]{clients} + $w[1]{clients}, 3, 'clients of each');

    is($s->{topology}{cluster}, 'testcluster', 'cluster');
    is($s->{topology}{epoch}, $um->{epoch}, 'epoch');
    is($s->{topology}{slots_assigned}, 16384, 'slots');
    is_deeply($s->{topology}{nodes},
        [ { address => $redis->addr, slots => 16384 } ], 'nodes');
    cmp_ok($s->{counters}{commands_forwarded}, '>=', 3, 'counters');
    is_deeply([ sort keys %{ $s->{gauges} } ],
        [ grep { exists $s->{gauges}{$_} }
            sort map { /^(\w+):/ ? $1 : () }
            split /\r\n/, $um->client->cmd('INFO', 'stats') ],
        'INFO has the same gauges');
    is_deeply([ grep { !exists $s->{counters}{$_} }
            map { /^(\w+): / ? $1 : () }
            map { my $l = $_; grep { defined } @$l }
            [ after_proxy(@{ $um->client->cmd(qw(UMCTL STATS)) }) ] ],
        [], 'and UMCTL STATS the same counters');
}

sub after_proxy {
    my @lines = @_;

    shift @lines while @lines && $lines[0] ne '# Proxy';
    return @lines;
}

is(Undermoon::Http::get("unix:$unix", '/healthz')->{status}, 200,
    'over a UNIX socket, too');

# ---- HTTP ----------------------------------------------------------------

{
    my $h = Undermoon::Http->new($addr);

    is($h->ask('GET', '/')->{status}, 200, 'an index');
    like($h->ask('GET', '/')->{body}, qr{href="/metrics"}, 'with links');
    is($h->ask('GET', '/status?what=ever')->{status}, 200,
        'a query is ignored');

    my $head = $h->ask('HEAD', '/metrics');
    is($head->{status}, 200, 'HEAD');
    cmp_ok($head->{headers}{'content-length'}, '>', 1000, 'has a length');
    is($h->ask('GET', '/nothing')->{status}, 404, 'nothing there');
    is($h->ask('GET', '/status/')->{status}, 404, 'paths are exact');

    my $post = $h->ask('POST', '/status');
    is($post->{status}, 405, 'no such method');
    is($post->{headers}{allow}, 'GET, HEAD', 'says what is allowed');
    is($h->ask('GET', '/healthz')->{status}, 200,
        'all over one connection');
}

is(Undermoon::Http->new($addr)->ask('GET', '/%00')->{status}, 400,
    'no path');
is(Undermoon::Http->new($addr)
        ->ask('POST', '/status', body => 'x')->{status}, 405,
    'a body for what takes none');

# ---- Workers that do not serve -------------------------------------------

{
    my ($one, $other) = map { $_->{pid} }
        grep { $_->{state} eq 'running' } @{ status()->{workers} };

    kill 'STOP', $one;
    ok((wait_for { get('/readyz')->{status} == 503 } 5),
        'one worker hangs: not ready');
    like(get('/readyz')->{body}, qr/not all workers/, 'for that reason');
    is(get('/healthz')->{status}, 200, 'but alive');

    kill 'STOP', $other;
    ok((wait_for { get('/healthz')->{status} == 503 } 5),
        'both hang: not healthy');
    like(get('/healthz')->{body}, qr/no worker serves/, 'for that reason');

    kill 'CONT', $one, $other;
    ok((wait_for { get('/readyz')->{status} == 200 } 5), 'they go on');

    kill 'KILL', $one;
    ok((wait_for {
        my $s = status();
        $s->{worker_deaths} == 1
            && 2 == grep { $_->{up} && $_->{pid} != $one } @{ $s->{workers} };
    } 5), 'a worker dies and another comes');
    ok((wait_for { get('/readyz')->{status} == 200 } 5), 'ready again');
}

{
    kill 'STOP', $um->pid;
    ok((wait_for { get('/healthz')->{status} == 503 } 5), 'the master hangs');
    like(get('/healthz')->{body}, qr/master/, 'which is said');
    kill 'CONT', $um->pid;
    ok((wait_for { get('/healthz')->{status} == 200 } 5), 'it goes on');
}

# ---- A reload ------------------------------------------------------------

sub status_pid {
    my ($pid) = grep { slurp("/proc/$_/cmdline") =~ /: status/ } $um->workers;

    return $pid // 0;
}

{
    my $before = status_pid();
    my ($asked, $answered) = (0, 0);

    $um->reload;
    ok((wait_for {
        $asked++;
        $answered++ if (eval { get('/healthz')->{status} } // 0) == 200;
        my $now = status_pid();
        $now && $now != $before;
    } 10), 'a reload brings a new process');
    ok((wait_for {
        $asked++;
        $answered++ if (eval { get('/healthz')->{status} } // 0) == 200;
        status()->{reloads}{count} == 1;
    } 10), 'which counts it');
    is($answered, $asked, "and all $asked requests meanwhile were answered");
    is(Undermoon::Http::get("unix:$unix", '/healthz')->{status}, 200,
        'over the UNIX socket, too');

    # Another address; one that is taken keeps the old configuration.
    my $taken = free_port();
    my $guard = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$taken",
        Listen => 1, ReuseAddr => 1);
    my $text = $um->_template;
    $um->configure($text =~ s/127\.0\.0\.1:$port unix/127.0.0.1:$taken unix/r);
    $um->reload;
    ok((wait_for { status()->{reloads}{errors} == 1 } 5),
        'an address that is taken is an error');
    is(get('/healthz')->{status}, 200, 'and nothing changes');

    my $free = free_port();
    $um->configure($text =~ s/127\.0\.0\.1:$port unix:\S+;/127.0.0.1:$free;/r);
    $um->reload;
    ok((wait_for {
        (eval { Undermoon::Http::get("127.0.0.1:$free", '/healthz')->{status} }
            // 0) == 200
    } 5), 'one that is free is taken');
    ok((wait_for { !eval { get('/healthz') } } 5), 'and the old one is left');
    ok(!-e $unix, 'with its file');
    $addr = "127.0.0.1:$free";
}

# ---- Death and the end ---------------------------------------------------

{
    my $before = status_pid();

    kill 'KILL', $before;
    ok((wait_for {
        (eval { get('/healthz')->{status} } // 0) == 200
            && status_pid() != $before
    } 5), 'a status process that is killed is replaced');
}

{
    my $log = $um->{logfile};
    my $idle = Undermoon::Http->new($addr);

    is($idle->ask('GET', '/healthz')->{status}, 200, 'an idle connection');
    is($um->stop('QUIT'), 0, 'does not hold up the end');
    ok($idle->client->closed, 'and is closed');
}

# ---- Without a proxy, and for some only ----------------------------------

{
    my $p = free_port();
    my $alone = undermoon(conf => <<"CONF")->start;
pid \@PIDFILE\@;
module $module;
status { listen 127.0.0.1:$p; allow 10.0.0.0/8 unix; }
CONF
    is(Undermoon::Http::get("127.0.0.1:$p", '/healthz')->{status}, 403,
        'strangers are turned away');
    $alone->configure(<<"CONF")->reload;
pid \@PIDFILE\@;
module $module;
status { listen 127.0.0.1:$p; allow 127.0.0.0/8; }
CONF
    ok((wait_for {
        Undermoon::Http::get("127.0.0.1:$p", '/healthz')->{status} == 200
    } 5), 'and friends are not');
    is(Undermoon::Http::get("127.0.0.1:$p", '/readyz')->{status}, 200,
        'a machine without a proxy is ready');

    my ($code, $said) = undermoon(
        main => "module $module;\nstatus { allow nobody; }")->run('-t');
    isnt($code, 0, 'a wrong network is refused');
    like($said, qr/nobody/, 'and named');
}

done_testing;
