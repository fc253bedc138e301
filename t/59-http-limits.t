#!/usr/bin/perl

# Clients of the HTTP server that are slow, rude or too many: each costs
# little and is gone soon, and whoever asks properly is answered meanwhile.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Http;
use Undermoon::Test qw(undermoon wait_for patience free_port slurp);

my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/status.so';
my $module = -e $file ? $file : 'status'; # --with-modules=static
my $port = free_port();
my $addr = "127.0.0.1:$port";

my $um = undermoon(main => <<"CONF")->start;
module $module;
status {
    listen           $addr;
    max_connections  20;
    request_timeout  1s;
    idle_timeout     30s;
}
CONF

sub healthy {
    my $r = eval { Undermoon::Http::get($addr, '/healthz') };

    return $r && $r->{status} == 200;
}

sub conn { Undermoon::Http->new($addr)->client }

# What comes until the server closes.
sub rest {
    my ($c) = @_;

    return eval { $c->read_all } // '';
}

my ($pid) = grep { slurp("/proc/$_/cmdline") =~ /: status/ } $um->workers;
ok($pid, 'the process');
ok(healthy(), 'it answers');

sub memory {
    return slurp("/proc/$pid/statm") =~ /^\d+ (\d+)/ ? $1 * 4096 : 0;
}

sub descriptors { return scalar(() = glob("/proc/$pid/fd/*")) }

my ($memory, $descriptors) = (memory(), descriptors());

# ---- Too large --------------------------------------------------------------

{
    my $c = conn();
    $c->write("GET /status HTTP/1.1\r\nHost: x\r\nX: " . 'y' x 100_000
            . "\r\n\r\n");
    like(rest($c), qr{^HTTP/1\.[01] 431 }, 'a huge header');

    $c = conn();
    $c->write("GET /status HTTP/1.1\r\nHost: x\r\n"
            . join('', map { "X-$_: $_\r\n" } 1 .. 5000) . "\r\n");
    like(rest($c), qr{^HTTP/1\.[01] (?:431|413) }, 'thousands of headers');

    $c = conn();
    $c->write('GET /' . 'x' x 100_000 . " HTTP/1.1\r\nHost: x\r\n\r\n");
    like(rest($c), qr{^(?:HTTP/1\.[01] 414 |\z)}, 'a huge path');

    $c = conn();
    $c->write("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: "
            . "18446744073709551615\r\n\r\n");
    like(rest($c), qr{^HTTP/1\.[01] 4\d\d }, 'a huge body is announced');

    $c = conn();
    $c->write("POST /status HTTP/1.1\r\nHost: x\r\n"
            . "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n");
    like(rest($c), qr{^HTTP/1\.[01] 4\d\d }, 'a huge chunk');
}

# ---- Not HTTP ---------------------------------------------------------------

for my $junk ("\0" x 1000, "PING\r\n", "*1\r\n\$4\r\nPING\r\n", "\x16\x03\x01",
    "GET\r\n\r\n", "GET /status\r\n\r\n", "GET /status HTTP/9.9\r\n\r\n",
    "\r\n" x 5000, "GET /status HTTP/1.1\r\nHost: x\r\n : y\r\n\r\n",
    join '', map { chr(($_ * 7919) % 256) } 1 .. 20_000) {
    my $c = conn();

    $c->write($junk);
    $c->shut;
    unlike(rest($c), qr{^HTTP/\d\.\d 200 .*"version"}s, 'junk: '
            . substr($junk, 0, 12) =~ s/[^ -~]/./gr);
}
ok(healthy(), 'it lives');

# ---- Too slow ---------------------------------------------------------------

{
    my $begin = time;
    my @slow = map { conn() } 1 .. 5;

    $slow[1]->write('GET /sta');
    $slow[2]->write("GET /status HTTP/1.1\r\nHost");
    $slow[3]->write("POST /status HTTP/1.1\r\nHost: x\r\nContent-Le");

    # One byte at a time does not help.
    my $drip = $slow[4];
    my $text = "GET /status HTTP/1.1\r\nHost: x\r\nX: " . 'y' x 1000;
    my $gone = wait_for {
        $drip->write_some(substr $text, 0, 1, '');
        $drip->silent(0.05) ? 0 : eval { !$drip->_fill };
    } 10;
    ok($gone, 'who drips is closed');
    $_->closed for @slow[ 0 .. 3 ];
    cmp_ok(time - $begin, '<', patience(5), 'so is everybody who is slow');
    cmp_ok(time - $begin, '>', 0.5, 'but not at once');
}

{
    # Answers are too small to fill a socket: ask for many and read none.
    my $c = conn();

    $c->write_some("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" x 2000);
    ok(healthy(), 'who does not read holds up nobody');
    ok((wait_for { descriptors() <= $descriptors } 15), 'and is closed');
}

# ---- Too many ---------------------------------------------------------------

{
    my @idle = map { Undermoon::Http->new($addr) } 1 .. 20;
    my $ok = grep { $_->ask('GET', '/healthz')->{status} == 200 } @idle;
    is($ok, 20, 'twenty connections');

    ok(healthy(), 'one more makes an idle one go');
    ok($idle[0]->client->closed, 'the one idle for longest');
    is($idle[19]->ask('GET', '/healthz')->{status}, 200, 'not the others');
}

{
    my $begin = time;
    my @mute = map { conn() } 1 .. 60;

    ok((wait_for { healthy() } 15),
        'behind sixty mute ones we are served in the end');
    cmp_ok(time - $begin, '<', patience(8), 'in bounded time');
}

{
    my $n = 0;

    for (1 .. 300) {
        my $c = conn();
        $c->write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") if $_ % 2;
        $_ % 3 ? $c->reset : $c->close;
        $n++;
    }
    ok((wait_for { healthy() } 5), "$n come and go");
}

# ---- Afterwards -------------------------------------------------------------

SKIP: {
    skip('a sanitizer keeps freed memory', 1)
        if Undermoon::Daemon::sanitized();
    cmp_ok(memory(), '<', $memory + (4 << 20), 'memory is bounded');
}

my ($now) = grep { slurp("/proc/$_/cmdline") =~ /: status/ } $um->workers;
is($now, $pid, 'it is the same process');
ok((wait_for { descriptors() <= $descriptors } 5), 'with as few descriptors');
ok($um->serves, 'the proxy did not notice');

done_testing;
