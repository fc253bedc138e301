#!/usr/bin/perl

# Crowds before the broker: a thousand at once, more than may come in, some so
# slow that they never end, with large bodies, or so many that descriptors run
# out.  Nobody in the middle of a request is hurt, everything that was answered
# was done once, and whoever behaves is served.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(wait_for patience slurp);
use Undermoon::Witness;

my $base = '/api/v3';
my $host = "Host: x\r\n";

# As many clients as we may have descriptors for.
my $limit = `sh -c 'ulimit -n'`;
my $thousand = $limit =~ /^(\d+)/ && $1 < 1200 ? $1 - 200 : 1000;

sub connections { $_[0]->ask('GET', '/status')->{json}{connections} }

sub crowd {
    my ($b, $n) = @_;

    return map { Undermoon::Http->new($b->addr, timeout => 60) } 1 .. $n;
}

sub register {
    my ($name) = @_;
    my $body = qq({"proxy_address":"$name:1","nodes":["a:1","a:2"]});

    return "POST $base/proxies/meta HTTP/1.1\r\n${host}Content-Length: "
        . length($body) . "\r\n\r\n$body";
}

sub statuses {
    my %n;

    $n{ eval { $_->answer->{status} } // 'none' }++ for @_;
    return join ', ', map { "$n{$_} times $_" } sort keys %n;
}

# ---- A thousand -------------------------------------------------------------

{
    my $b = Undermoon::Broker->new(broker => <<'CONF')->start;
storage          file @DIR@/meta;
max_connections  1100;
view_memory      64k;
CONF
    is($b->say('PUT', '/epoch/1'), 200, 'it serves');
    my $before = $b->holds;
    my $witness = Undermoon::Witness->new($b->addr);
    my @c = crowd($b, $thousand);

    is($b->say('GET', '/proxies/meta/none'), '200 {"proxy":null}',
        "behind $thousand that say nothing one is served");
    ok((wait_for { connections($b) >= $thousand } 10), 'they are all there');

    $_->client->write("GET $base/version HTTP/1.1\r\n$host\r\n") for @c;
    is(statuses(@c), "$thousand times 200", 'all at once look');
    $witness->is_content(2, 'meanwhile');

    my $epoch = $b->epoch;
    my $n = 0;
    $_->client->write(register('c' . ++$n)) for @c;
    is(statuses(@c), "$thousand times 200", 'all at once change something');
    is($b->epoch, $epoch + $thousand, 'each did so once');
    cmp_ok($b->ask('GET', '/status')->{json}{saves}, '<', $thousand,
        'and many together');

    $n = 0;
    $_->client->write("DELETE $base/proxies/meta/c" . ++$n . ":1 HTTP/1.1\r\n"
            . "$host\r\n") for @c;
    is(statuses(@c), "$thousand times 200", 'all at once take it back');
    $_->client->reset for splice @c;
    $b->is_well($before);
}

# ---- More than may come in --------------------------------------------------

{
    my $b = Undermoon::Broker->new(broker => <<'CONF')->start;
storage          file @DIR@/meta;
max_connections  50;
request_timeout  20s;
view_memory      64k;
CONF
    is($b->say('PUT', '/epoch/1'), 200, 'it serves');
    my $before = $b->holds;
    delete $b->{http};

    # Fifty in the middle of a request, and behind them five hundred.
    my @half = crowd($b, 50);
    my $n = 0;
    my @rest = map {
        my $whole = register('h' . ++$n);
        $_->client->write(substr $whole, 0, -9, '');
        $whole;
    } @half;
    my @more = crowd($b, 500);
    $_->client->write(register('m' . $n++)) for @more;
    ok((grep { $_->client->silent(0.001) } @half, @more) == 550,
        'nobody in the middle of a request makes room');

    $half[$_]->client->write($rest[$_]) for 0 .. 49;
    is(statuses(@half), '50 times 200', 'they are answered');
    is(statuses(@more), '500 times 200', 'and then all that waited');
    is(scalar @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} },
        550, 'all was done');
    is($b->epoch, 551, 'and once');
    cmp_ok((grep { $_->client->closed(0.01) } @half, @more), '>', 400,
        'most were closed when they were idle');
    cmp_ok(connections($b), '<=', 50, 'there were never more than fifty');
    $_->client->close for splice(@half), splice @more;

    # With that many places a thousand come and go, and one stays.
    my $witness = Undermoon::Witness->new($b->addr);
    for my $round (1 .. 20) {
        my @c = crowd($b, 50);

        for my $i (0 .. $#c) {
            $c[$i]->client->write($i % 2 ? "GET $base/metadata HTTP/1.1\r\n"
                : "GET $base/epoch HTTP/1.1\r\n$host\r\n");
        }
        $round % 2 ? $_->client->reset : $_->client->close for @c;
    }
    $witness->is_content(3, 'while a thousand come and go');

    is((grep { $b->say('DELETE', "/proxies/meta/$_") ne 200 }
            @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} }),
        0, 'what they registered goes');
    $b->is_well($before);
}

# ---- Slow ones --------------------------------------------------------------

{
    my $b = Undermoon::Broker->new(broker => <<'CONF')->start;
max_connections  50;
request_timeout  1s;
metadata_limit   1m;
CONF
    is($b->say('PUT', '/epoch/1'), 200, 'it serves');
    my $before = $b->holds;
    my $witness = Undermoon::Witness->new($b->addr);

    # They hold all places, a byte at a time.
    my @slow = map { $_->client } crowd($b, 150);
    my $begin = time;
    for my $i (0 .. $#slow) {
        $slow[$i]->write(('', 'GET /ap', "GET $base/epoch HTTP/1.1\r\nHos",
                "PUT $base/metadata HTTP/1.1\r\n${host}Content-Length: 900000"
                . "\r\n\r\n{", "PUT $base/metadata HTTP/1.1\r\n${host}"
                . "Transfer-Encoding: chunked\r\n\r\n1\r\n{")[$i % 5]);
    }
    my $gone = wait_for {
        @slow = grep {
            $_->write_some('1');
            $_->silent(0) || eval { $_->_fill };
        } @slow;
        !@slow;
    } 30;
    ok($gone, 'all that are slow are closed') or diag(scalar @slow);
    cmp_ok(time - $begin, '>', 0.5, 'but not at once');
    $witness->is_content(10, 'behind the slow ones');
    $b->is_well($before);
}

# ---- Large bodies share what there is ---------------------------------------

{
    my $b = Undermoon::Broker->new(broker => 'metadata_limit 1m;')->start;

    is($b->say('PUT', '/epoch/1'), 200, 'it serves');
    my $before = $b->holds;
    my @large = crowd($b, 30);
    my $whole = "PUT $base/metadata HTTP/1.1\r\n${host}Content-Length: 900000"
        . "\r\n\r\n{\"x\":\"";
    my $most = 0;
    my $other = Undermoon::Witness->new($b->addr);

    $_->client->write($whole) for @large;
    for (1 .. 20) {
        $_->client->write('y' x 40_000) for @large;
        my $now = $b->holds->{memory};
        $most = $now if $now > $most;
    }
    $_->client->write('y' x 100_000) for @large;
    my @answer = map { eval { $_->answer } // { status => 0 } } @large;
    my %n;
    $n{ $_->{status} }++ for @answer;
    cmp_ok($n{400} // 0, '<=', 2, 'two of them at most are taken');
    cmp_ok($n{503} // 0, '>=', 20, 'the others are told to come again');
    is((grep { $_->{status} == 503 && ($_->{headers}{'retry-after'} // '') ne 1
            } @answer), 0, 'and when');
  SKIP: {
        skip('a sanitizer has memory of its own', 1)
            if Undermoon::Daemon::sanitized();
        cmp_ok($most, '<', $before->{memory} + (10 << 20),
            'it needs no more than there is');
    }
    $other->is_content(2, 'beside large bodies');
    splice @large;
    $b->is_well($before);
}

# ---- Too few descriptors ----------------------------------------------------

{
    my $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;',
        nofile => 80)->start;
    is($b->say('PUT', '/epoch/1'), 200, 'with few descriptors it serves');
    like($b->um->log,
        qr/\[warn\].*: this process may have 80 .* serves 40 connections/,
        'and says what the limit means');
    my $before = $b->holds;
    my $witness = Undermoon::Witness->new($b->addr);

    my @c = crowd($b, 300);
    $_->client->write("GET $base/epoch HTTP/1.1\r\n$host\r\n") for @c;
    is(statuses(@c), '300 times 200', 'three hundred are served by forty');
    $_->client->close for splice @c;
    $witness->is_content(3, 'beside them');
    unlike($b->um->log, qr/Too many open files/, 'they never ran out');
    $b->is_well($before);
}

# A limit that shrinks is not known beforehand.
SKIP: {
    my ($prlimit) = grep { -x } map { "$_/prlimit" } split /:/, $ENV{PATH};
    skip('no prlimit in PATH', 1) if !defined $prlimit;
    my $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;')->start;

    is($b->say('PUT', '/epoch/1'), 200, 'it serves');
    my $before = $b->holds;
    my $n = $before->{descriptors} + 20;
    # What is open may stand above it; only new numbers count.
    system($prlimit, "--pid=$before->{pid}", "--nofile=$n:") == 0 or die;

    my @c = crowd($b, 200);
    $_->client->write("GET $base/epoch HTTP/1.1\r\n$host\r\n") for @c;
    is($b->say('GET', '/epoch'), '200 1', 'who is there is served');
    ok((wait_for { $b->um->log =~ /accept failed: Too many open/ } 10),
        'the log says why others are not');
    my $said = () = $b->um->log =~ /accept failed/g;
    cmp_ok($said, '<', 5, 'and not for each of them');
    is(statuses(@c), '200 times 200', 'in the end they are');
    $_->client->close for splice @c;
    ok((wait_for { $b->say('PUT', '/epoch/' . ($b->epoch + 1)) eq 200 } 10),
        'changes are saved again');
    $b->is_well($before);
}

done_testing();
