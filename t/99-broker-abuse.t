#!/usr/bin/perl

# Clients of the broker that do not speak HTTP, or lie in it, or leave in the
# middle: each gets an error or is closed, nothing is done that nobody asked
# for, and whoever behaves does not notice.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(wait_for slurp);
use Undermoon::Witness;

my $b = Undermoon::Broker->new(broker => <<'CONF')->start;
storage          file @DIR@/meta;
request_timeout  2s;
body_limit       64k;
metadata_limit   1m;
view_memory      64k;
CONF

my $base = '/api/v3';
my $host = "Host: x\r\n";
my $close = "Connection: close\r\n";
my $create = "POST $base/clusters/meta/c HTTP/1.1\r\n$host";
my $chunked = "${create}Transfer-Encoding: chunked\r\n$close\r\n";
my $chunks = "10\r\n{\"node_number\":4\r\n1\r\n}\r\n0\r\n\r\n";
my $smuggled = "PUT $base/epoch/666666 HTTP/1.1\r\n$host\r\n";
my $none = '409 NO_AVAILABLE_RESOURCE'; # that is: it was read and understood

is($b->say('PUT', '/epoch/10'), 200, 'it serves');
my $before = $b->holds;
my $witness = Undermoon::Witness->new($b->addr);

# All that comes until the broker closes.
sub raw {
    my ($bytes, $shut) = @_;
    my $c = Undermoon::Http->new($b->addr)->client;

    $c->write($bytes);
    $c->shut if $shut;
    return eval { $c->read_all } // "$@";
}

# The statuses of all answers in it, of ours with their codes; behind one that
# is the last nothing counts.
sub statuses {
    my ($text) = @_;
    my @all;

    while ($text =~ s{\AHTTP/1\.1 (\d+) (.*?)\r\n\r\n}{}s) {
        my ($status, $head) = ($1, $2);
        my ($length) = $head =~ /Content-Length: (\d+)/i;
        my $body = substr $text, 0, $length // 0, '';

        push @all, join ' ', $status,
            $body =~ /^\{"error":"(\w+)"/ ? $1 : ();
        last if $head =~ /Connection: close/i;
    }
    return "@all";
}

# Have all others gone?  Who came before a new one has been let in when that is
# answered, and what they changed is there when another change is.
sub alone {
    Undermoon::Http::get($b->addr, '/healthz');
    my $gone = wait_for {
        $b->ask('GET', '/status')->{json}{connections} < 2;
    } 10;

    return $gone && $b->say('PUT', '/epoch/' . ($b->epoch + 100)) eq 200;
}

sub says {
    my ($want, $what, @ask) = @_;
    my $got = raw(@ask);

    like(statuses($got), qr/^(?:$want)$/, $what) or diag($got);
}

# ---- Where a body ends ------------------------------------------------------

says('400', "a length of '$_'",
    "${create}Content-Length: $_\r\n\r\n{}$smuggled")
    for '17, 17', '2;', '-17', '+17', '0x11', '', 'x', '1e1';
says('413', "a length of $_",
    "${create}Content-Length: $_\r\n\r\n{}$smuggled")
    for '99999999999999999999999', '18446744073709551615',
    '9223372036854775808', '65537';
says('400', "two lengths: @$_", join('', $create,
        map({ "Content-Length: $_\r\n" } @$_), "\r\n", '{"node_number":4}',
        $smuggled)) for [ 17, 17 ], [ 17, 0 ], [ 0, 17 ], [ 17, 99 ];
says('400', 'a length and chunks', "${create}Content-Length: 17\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n$smuggled");
says('400', 'chunks and a length', "${create}Transfer-Encoding: chunked\r\n"
        . "Content-Length: 5\r\n\r\n0\r\n\r\n$smuggled");
says('400|501', "an encoding that is '$_'",
    "${create}Transfer-Encoding: $_\r\n\r\n0\r\n\r\n$smuggled")
    for 'gzip, chunked', 'identity', 'chunked, chunked', 'xchunked';
says('400', "a field named '$_'", "${create}$_: 5\r\n\r\n{}$smuggled")
    for 'Content-Length ', 'Content Length', "Content-Length\t";
cmp_ok($b->epoch, '<', 600_000, 'nothing that stood in a body was done');

# ---- Lies about the length --------------------------------------------------

says('400 40[05]', 'a body longer than it says, whose rest is no request',
    "${create}Content-Length: 2\r\n\r\n{}{}{}{} $base/epoch HTTP/1.1\r\n"
        . "${host}$close\r\n");
says("$none 200", 'or is one',
    "${create}Content-Length: 17\r\n\r\n{\"node_number\":4}"
        . "GET $base/version HTTP/1.1\r\n$host$close\r\n");
says('200', 'a body where none is wanted',
    "GET $base/epoch HTTP/1.1\r\n${host}${close}Content-Length: 2\r\n\r\n{}");

# ---- Chunks -----------------------------------------------------------------

says($none, 'a body in chunks', $chunked . $chunks);
says($none, 'byte by byte', $chunked
        . join('', map { "1\r\n$_\r\n" } split //, '{"node_number":4}')
        . "0\r\n\r\n");
says($none, 'with extensions and trailers', $chunked
        . "011;a=b\r\n{\"node_number\":4}\r\n0;c\r\nX: y\r\n\r\n");
says('400', "a chunk of '" . ($_ =~ s/\r\n/|/gr) . "'",
    "${chunked}$_$smuggled")
    for "x\r\n", "-2\r\n{}\r\n", "0x2\r\n{}\r\n", " 2\r\n{}\r\n",
    "2 \r\n{}\r\n", "\r\n", "2\r\n{}0\r\n\r\n", "2\r\n{}}\r\n";
says('413', 'a chunk beyond all numbers', "${chunked}fffffffffffffffff\r\n{}");
says('431', 'an endless trailer', "${chunked}2\r\n{}\r\n0\r\n"
        . ('X: ' . 'y' x 30000) . "\r\n\r\n");

# ---- Too large --------------------------------------------------------------

{
    my $pad = sub { # an object of so many bytes, all told
        my ($n, $begin) = @_;
        return $begin . '"x":"' . 'y' x ($n - length($begin) - 7) . '"}';
    };
    my $put = sub {
        my ($path, $body) = @_;
        return "PUT $base$path HTTP/1.1\r\n$host${close}Content-Length: "
            . length($body) . "\r\n\r\n$body";
    };
    my $text = sub {
        my ($n) = @_;
        return $chunked . sprintf("%x\r\n%s\r\n0\r\n\r\n", $n,
            $pad->($n, '{"node_number":4,'));
    };
    my $config = '{"replica_addresses":[],';

    says($none, 'a body as large as may be, in chunks', $text->(65536));
    says('413', 'a byte more', $text->(65537));
    says('200', 'a body as large as may be',
        $put->('/config', $pad->(65536, $config)));
    says('413', 'a byte more', $put->('/config', $pad->(65537, $config)));
    says('400 INVALID_METADATA', 'a dump as large as may be',
        $put->('/metadata', $pad->(1 << 20, '{')));
    says('413', 'a byte more', $put->('/metadata', $pad->((1 << 20) + 1, '{')));
    says('413', 'more values than make sense', $create . $close
            . "Content-Length: 6008\r\n\r\n{\"x\":[" . '1,' x 3000 . '0]}');
    says('413|', 'a body that never ends', "$chunked"
            . ("10000\r\n" . 'x' x 65536 . "\r\n") x 40);
}

# ---- The head ---------------------------------------------------------------

{
    my $get = "GET $base/epoch HTTP/1.1\r\n$host$close";

    says('431', 'a huge field', $get . 'X: ' . 'y' x 100_000 . "\r\n\r\n");
    says('431', 'a field that never ends', $get . 'X: ' . 'y' x 100_000);
    says('431', 'thousands of fields',
        $get . join('', map { "X-$_: y\r\n" } 1 .. 5000) . "\r\n");
    says('414', 'a huge path',
        "GET $base/" . 'x' x 100_000 . " HTTP/1.1\r\n$host\r\n");
    says('414', 'a path that never ends', "GET $base/" . 'x' x 100_000);
    says('414', 'a huge query', "GET $base/clusters/names?offset="
            . '1' x 17_000 . " HTTP/1.1\r\n$host\r\n");
    # Hardly above what it reads there may be no room left for an answer.
    says($_ < 17_500 ? '200|431' : '431|', "a field of $_ bytes",
        $get . 'X: ' . 'y' x $_ . "\r\n\r\n")
        for map { 500 * $_ + 8 } 1 .. 40;
    says($_ < 17_500 ? '405|414' : '414|', "a path of $_ bytes",
        "GET $base/" . 'x' x $_
            . " HTTP/1.1\r\n$host$close\r\n") for map { 500 * $_ + 8 } 1 .. 40;
    says('200|431', "$_ fields",
        $get . join('', map { "X-$_: y\r\n" } 1 .. $_) . "\r\n")
        for map { 20 * $_ } 8 .. 20;
    says('400', 'a line that is no field', "${get}Foo\r\n\r\n");
    says('400', 'no host', "GET $base/epoch HTTP/1.1\r\n$close\r\n");
    says('400', 'a field before any', "GET $base/epoch HTTP/1.1\r\n X: y\r\n"
            . "$host$close\r\n");
}

# ---- Other kinds of HTTP ----------------------------------------------------

says('400', 'HTTP/0.9', "GET $base/epoch\r\n\r\n");
says('400', 'HTTP/0.9 of one line', "GET $base/epoch\r\n", 1);
says('200', 'HTTP/1.0', "GET $base/epoch HTTP/1.0\r\n\r\n");
says('200 200', 'HTTP/1.0 that stays',
    "GET $base/epoch HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        . "GET $base/epoch HTTP/1.0\r\n\r\n");
says('505', "version $_", "GET $base/epoch HTTP/$_\r\n$host\r\n")
    for '2.0', '9.9';
says('505|400', 'HTTP/2', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
says('40[05]', "method $_", "$_ $base/epoch HTTP/1.1\r\n$host$close\r\n")
    for 'get', 'BREW', 'TRACE', 'OPTIONS', 'CONNECT', 'G' x 2000;
says('400', "target $_", "GET $_ HTTP/1.1\r\n$host$close\r\n")
    for '*', 'a:1', '/%', '/%4', '/%xx', '/%00', '/a%0a', '';
says('404', 'a target with a host',
    "GET http://x:99/api HTTP/1.1\r\n$host$close\r\n");
unlike(statuses(raw($_, 1)), qr/200 .*200/, 'with NULs: '
        . substr($_, 0, 40) =~ s/[^ -~]/./gr)
    for "GET $base/epoch\0 HTTP/1.1\r\n$host$close\r\n",
    "GET\0 $base/epoch HTTP/1.1\r\n$host$close\r\n",
    "GET $base/epoch HTTP/1.1\r\n${host}X: a\0b\r\n$close\r\n",
    "\0GET $base/epoch HTTP/1.1\r\n$host$close\r\n", "\0" x 40_000;

# ---- What never comes to its end --------------------------------------------

{
    my $text = '{"node_number":4}';
    my @never = (
        [ 'a body that stops short',
            "${create}Content-Length: 50\r\n\r\n$text" ],
        [ 'a chunk', "${chunked}ffffffffffffffff\r\n{}" ],
        [ 'a last chunk', "${chunked}2\r\n{}\r\n" ],
        [ 'a trailer', "${chunked}2\r\n{}\r\n0\r\nX: y\r\n" ],
        [ 'an extension', "${chunked}2;" . 'x' x 30000 . "\r\n{}\r\n" ],
        [ 'a head', "GET $base/epoch HTTP/1.1\r\n$host" ],
        [ 'a line', "GET $base/epoch" ],
        [ 'the start of TLS', "\x16\x03\x01\x02\x00" ],
        [ 'empty lines', "\r\n" x 8000 ],
        [ 'nothing', '' ],
    );
    my @c = map { Undermoon::Http->new($b->addr)->client } @never, @never;
    my @shut = splice @c, @never;

    for my $i (0 .. $#never) {
        $_->write($never[$i][1]) for $c[$i], $shut[$i];
        $shut[$i]->shut;
    }
    is($c[$_]->read_all . $shut[$_]->read_all, '',
        "never comes to its end and is closed: $never[$_][0]") for 0 .. $#never;
}

# ---- Expect -----------------------------------------------------------------

{
    my $config = "PUT $base/config HTTP/1.1\r\n${host}Expect: 100-continue\r\n";
    my $c = Undermoon::Http->new($b->addr);

    $c->client->write("${config}Content-Length: 24\r\n\r\n");
    is($c->answer->{status}, 100, 'go on');
    $c->client->write('{"replica_addresses":[]}');
    is($c->answer->{status}, 200, 'and it was read');
    $c->client->write("${config}Content-Length: 240000\r\n\r\n");
    is($c->answer->{status}, 413, 'not so much');
    ok($c->client->closed, 'and none of it is waited for');
}

# ---- Half of a connection ---------------------------------------------------

says('200', "who only speaks once is answered: $_",
    "$_ HTTP/1.1\r\n$host\r\n", 1)
    for "GET $base/epoch", "PUT $base/epoch/200000", "GET $base/failures";
says('200 409 EPOCH_SMALLER_THAN_CURRENT 200 200', 'and four times', join('',
        map { "$_ HTTP/1.1\r\n$host\r\n" } "PUT $base/epoch/300000",
        "PUT $base/epoch/300000", "GET $base/epoch", "PUT $base/epoch/400000"),
    1);
cmp_ok($b->epoch, '>=', 400_000, 'all of it was done');

# ---- Pipelines --------------------------------------------------------------

{
    my $c = Undermoon::Http->new($b->addr);
    my $n = 400;
    my ($text, @want) = ('');

    $witness->is_content(2, 'so far'); # its changes would be counted
    my $begin = $b->epoch;

    # Each change, and what can be seen behind it; the answer to a look is the
    # number of proxies that were registered before it.
    for my $i (1 .. $n) {
        my $body = qq({"proxy_address":"p$i:1","nodes":["a:1","a:2"]});

        $text .= "POST $base/proxies/meta HTTP/1.1\r\n${host}Content-Length: "
            . length($body) . "\r\n\r\n$body";
        push @want, '200 ';
        next if $i % 4;
        $text .= "GET $base/proxies/addresses?offset=" . ($i - 1)
            . "&limit=9 HTTP/1.1\r\n$host\r\n";
        push @want, 'one';
        $text .= "GET $base/proxies/meta/p$i:1 HTTP/1.1\r\n$host\r\n";
        push @want, "p$i:1";
    }

    $c->client->write($text);
    my @got = map { $c->answer } @want;
    my @wrong = grep {
        my $w = $want[$_];
        my $r = $got[$_];
        my $names = () = $r->{body} =~ /:1"/g;

        $r->{status} != 200
            || ($w eq 'one' ? $names != 1
            : $w eq '200 ' ? $r->{body} ne ''
            : $r->{body} !~ /"address":"\Q$w\E"/);
    } 0 .. $#want;

    is(@wrong, 0, @want . ' requests in one go, changes and looks: all are '
            . 'answered in their order')
        or diag("$wrong[0]: $want[$wrong[0]]: $got[$wrong[0]]{body}");
    is($b->epoch, $begin + $n, 'and each was done once');
    is(scalar @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} },
        $n, 'all of them');

    # One that is wrong does not stop those behind it, unless it is unclear
    # where it ends.
    says('200 400 200', 'one of them is wrong', "GET $base/epoch HTTP/1.1\r\n"
            . "$host\r\n${create}Content-Length: 2\r\n\r\n{}"
            . "GET $base/epoch HTTP/1.1\r\n$host$close\r\n");
    says('200 400', 'one of them is unclear', "GET $base/epoch HTTP/1.1\r\n"
            . "$host\r\n${create}Content-Length: 2\r\nContent-Length: 3\r\n\r\n"
            . "{}$smuggled");
}

$witness = Undermoon::Witness->new($b->addr);

# ---- JSON -------------------------------------------------------------------

{
    my $refused = sub {
        my ($what, $body, $like, $path) = @_;
        my $r = $b->ask('POST', $path // '/clusters/meta/c', $body);

        is($r->{status}, 400, $what);
        like($r->{body}, $like // qr/not JSON/, '  and why');
        ok(utf8::decode(my $copy = $r->{body}), '  in text');
    };
    my $proxy = '{"proxy_address":"q:1","nodes":["a:1","a:2"]';

    $refused->('arrays in arrays', '{"node_number":' . '[' x 1010 . ']' x 1010
            . '}');
    $refused->('deep, but not too deep', '{"node_number":' . '[' x 900
            . ']' x 900 . '}', qr/`node_number`/);
    $refused->("a number of $_", "{\"node_number\":$_}", qr/`node_number`/)
        for '1e400', '-1e400', '9007199254740993000', '18446744073709551616',
        '9' x 60, '0.1', '1e-9', '-0.5', 'true', '"4"', '{}', '[4]';
    $refused->("no number: $_", "{\"node_number\":$_}")
        for '0x4', '1e', '--1', '1.2.3', 'NaN', 'Infinity', '+4', 'nul';
    $refused->('a field twice', '{"node_number":4,"node_number":8}',
        qr/duplicate field `node_number`/);
    $refused->('a field twice, of another type',
        '{"node_number":4,"node_number":"4"}',
        qr/duplicate field `node_number`/);
    $refused->('two hosts', "$proxy,\"host\":\"a\",\"host\":\"b\"}",
        qr/duplicate field `host`/, '/proxies/meta');
    $refused->('two hosts, one of them none',
        "$proxy,\"host\":null,\"host\":\"b\"}", qr/duplicate field `host`/,
        '/proxies/meta');
    $refused->('what is no UTF-8', "{\"node_number\":4,\"$_\":1}")
        for "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80";
    $refused->('no UTF-8 in a value', "$proxy,\"host\":\"\xe4\"}", undef,
        '/proxies/meta');
    $refused->("escaped: $_", "{\"node_number\":4,\"$_\":1}")
        for '\ud800', '\udc00\ud800', '\u0000', '\u12', '\x41', '\\';
    $refused->("bytes: $_->[0]", "{\"node_number\":4}$_->[1]")
        for [ 'a NUL', "\0" ], [ 'another object', '{}' ], [ 'a comma', ',' ];
    $refused->("not an object: $_", $_, qr/not an object/)
        for '4', '"4"', 'null', '[]', 'true';

    my $r = $b->ask('PATCH', '/clusters/config/c',
        '{"migration_scan_count":"1","migration_scan_count":"2"}');
    like($r->{body}, qr/duplicate field `migration_scan_count`/,
        'config twice');
    like($b->ask('PATCH', '/clusters/config/c', '{' . join(',',
                map { "\"k$_\":\"v\"" } 1 .. 100) . '}')->{body},
        qr/`k65`: is one too many/, 'a hundred settings');
    is($b->say('PUT', '/metadata', '{"version":"mem-broker-0.2",'
                . '"global_epoch":9999,"global_epoch":99999}'),
        '400 INVALID_METADATA', 'two epochs in a dump');
    is($b->say('PUT', '/metadata', '[' x 200_000), '400 INVALID_METADATA',
        'a deep dump');
    is($b->say('PUT', '/metadata', "\xff" x 1000), '400 INVALID_METADATA',
        'a dump that is no text');
}

# ---- Leaving in the middle of a change --------------------------------------

{
    my $known = sub {
        return map { $_ => 1 }
            @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} };
    };
    my (%heard, %asked);

    $witness->is_content(2, 'meanwhile');

    # Everything is said; the client does not wait for the answer.
    for my $i (1 .. 200) {
        my $body = qq({"proxy_address":"v$i:1","nodes":["v:1","v:2"]});
        my $c = Undermoon::Http->new($b->addr)->client;
        my $whole = "POST $base/proxies/meta HTTP/1.1\r\n${host}"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

        if ($i % 5 == 0) { # not even that
            $c->write(substr $whole, 0, $i * 37 % length $whole);
        } else {
            $c->write($whole);
            $asked{"v$i:1"} = 1;
        }
        if ($i % 5 == 1) { # the kind that stays
            $heard{"v$i:1"} = $c->_fill && $c->{in} =~ / 200 OK/;
        }
        $i % 3 ? $c->close : $c->reset;
    }

    ok(!(grep { !$_ } values %heard), 'who waits is answered');
    ok(alone(), 'all have gone');
    my %there = $known->();
    is((grep { !$there{$_} } keys %heard), 0, 'what was answered was done');
    is((grep { /^v/ && !$asked{$_} } keys %there), 0,
        'what was not said to its end was not');
    is((grep { $b->ask('GET', "/proxies/meta/$_")->{body} !~ /"address":"$_"/ }
            grep { /^v/ } keys %there), 0, 'what was done is whole');
}

# ---- A cluster half made ----------------------------------------------------

{
    $b->register(8, 2);
    for my $i (1 .. 20) {
        my $c = Undermoon::Http->new($b->addr)->client;
        my $body = '{"node_number":16}';

        $c->write("POST $base/clusters/meta/half$i HTTP/1.1\r\n$host"
                . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
        $i % 2 ? $c->close : $c->reset;
        ok(alone(), "the maker of cluster $i has gone");
        my $info = $b->ask('GET', "/clusters/info/half$i");

        if ($info->{status} == 200) {
            is($info->{json}{node_number_with_slots}, 16,
                "cluster $i is whole");
            is($b->say('DELETE', "/clusters/meta/half$i"), 200, '  and goes');
        } else {
            is($info->{status}, 404, "cluster $i is none");
        }
    }
    is($b->ask('GET', '/status')->{json}{proxies_free},
        $b->ask('GET', '/status')->{json}{proxies}, 'no proxy is left in one');
}

# ---- Afterwards -------------------------------------------------------------

{
    my $known = $b->ask('GET', '/proxies/addresses')->{json}{addresses};

    is(slurp($b->dir . '/meta') =~ s/,"checksum":"[^"]*"\}\n\z/}/r,
        $b->ask('GET', '/metadata')->{body}, 'the disk has it as the broker');
    is((grep { $b->say('DELETE', "/proxies/meta/$_") ne 200 } @$known), 0,
        'what was registered goes');
    $b->is_well($before);
}

unlike($b->um->log, qr/\[(?:alert|crit|error)\]/, 'no trouble in the log');

done_testing();
