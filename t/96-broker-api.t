#!/usr/bin/perl

# The broker's HTTP API from outside: paths, methods, bodies, codes, packed
# and conditional answers, who may write.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(wait_for tempdir slurp);

my $b = Undermoon::Broker->new->start;

# ---- Paths and methods ------------------------------------------------------

{
    my $r = $b->ask('GET', '/version');
    is($r->{status}, 200, 'version');
    like($r->{body}, qr/^\d+\.\d+\.\d+$/, 'is text without a line end');
    like($r->{headers}{'content-type'}, qr{^text/plain}, 'and says so');

    is($b->say('GET', '/epoch'), '200 0', 'a new broker begins at epoch 0');
    is($b->say('GET', '/api/v2/epoch'), '200 0', 'v2 is there as well');
    is($b->say('GET', '/epoch/'), '200 0', 'a slash at the end is fine');
    is($b->say('GET', '/config'), '200 {"replica_addresses":[]}', 'config');

    $r = $b->ask('GET', '/nothing');
    is($r->{status}, 405, 'an unknown path below the base');
    is($r->{body}, 'HTTP method not allowed', 'in the words of the reference');
    is($b->ask(@$_)->{status}, 405, "405: @$_") for [ 'DELETE', '/epoch' ],
        [ 'GET', '/clusters//names' ], [ 'PUT', '/epoch/x' ],
        [ 'POST', '/clusters/migrations/shrink/c/abc' ],
        [ 'OPTIONS', '/epoch' ], [ 'PATCH', '/clusters/meta/a' ];
    like($b->ask('DELETE', '/clusters/names')->{headers}{allow}, qr/GET/,
        'which methods there are');

    my $c = Undermoon::Http->new($b->addr);
    $r = $c->ask('GET', '/elsewhere');
    is("$r->{status} [$r->{body}]", '404 []', 'elsewhere there is nothing');
    is($c->ask('GET', '/healthz')->{body}, qq({"status":"ok"}\n), 'healthy');
}

# ---- Bodies -----------------------------------------------------------------

{
    my $wrong = sub {
        my ($body, $text, %headers) = @_;
        my $r = $b->ask('POST', '/clusters/meta/c', $body, %headers);

        is($r->{status}, 400, "refused: $body");
        like($r->{body}, qr/^Request body deserialize error: .*$text/,
            "and why: $text");
    };

    $wrong->('{}', 'missing field `node_number`');
    $wrong->('{"node_number":"4"}', '`node_number`');
    $wrong->('{"node_number":4.5}', '`node_number`');
    $wrong->('{"node_number":-4}', '`node_number`');
    $wrong->('{"node_number":1e300}', '`node_number`');
    $wrong->('{"node_number":null}', '`node_number`');
    $wrong->('{"node_number":4', 'not JSON');
    $wrong->('{"node_number":4}x', 'not JSON');
    $wrong->('', 'not JSON');
    $wrong->('[4]', 'not an object');
    $wrong->('[' x 1010, 'not JSON');

    is($b->ask('POST', '/clusters/meta/c', '{"node_number":4}',
            'Content-Type' => 'text/plain')->{status}, 415, 'another type');
    is($b->say('POST', '/clusters/meta/c', '{"node_number":4,"more":[]}',
            'Content-Type' => 'Application/JSON; charset=utf-8'),
        '409 NO_AVAILABLE_RESOURCE', 'what nobody asks for is ignored');
    is($b->ask('POST', '/clusters/meta/c', ' ' x 100_000)->{status}, 413,
        'a body that is too large');

    like($b->ask('POST', '/proxies/meta', $_)->{body}, qr/`nodes`/, $_)
        for '{"proxy_address":"a:1"}', '{"proxy_address":"a:1","nodes":["x"]}',
        '{"proxy_address":"a:1","nodes":["x",1]}',
        '{"proxy_address":"a:1","nodes":{"a":1,"b":2}}';
    like($b->ask('PATCH', '/clusters/config/c', '{"a":1}')->{body}, qr/`a`/,
        'config is strings');
    is($b->ask('GET', '/clusters/names?offset=x')->{body},
        'Invalid query string', 'a query that is no number');
    is($b->say('GET', '/epoch'), '200 0', 'nothing of that took an epoch');
}

# ---- A cluster --------------------------------------------------------------

my @proxies = $b->register(4);
is($b->say('POST', '/proxies/meta',
        { proxy_address => $proxies[0], nodes => [ 'a:1', 'a:2' ] }),
    '409 ALREADY_EXISTED', 'registered once');
is($b->say('POST', '/proxies/meta',
        { proxy_address => 'nobody', nodes => [ 'a:1', 'a:2' ] }),
    '400 INVALID_PROXY_ADDRESS', 'no port');
is($b->say('GET', '/proxies/addresses?offset=1&limit=2'),
    qq(200 {"addresses":["$proxies[1]","$proxies[2]"]}), 'a page of them');
is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'a cluster');
is($b->say('POST', '/clusters/meta/c', { node_number => 4 }),
    '409 ALREADY_EXISTED', 'once');
is($b->say('GET', '/clusters/names'), '200 {"names":["c"]}', 'its name');
is($b->say('GET', '/clusters/meta/none'), '200 {"cluster":null}', 'no such');
is($b->say('GET', '/proxies/meta/none'), '200 {"proxy":null}', 'no such proxy');

my $view = $b->ask('GET', '/clusters/meta/c')->{json}{cluster};
is(scalar @{ $view->{nodes} }, 4, 'four nodes');
is($view->{epoch}, $b->epoch, 'at this epoch');

{
    my $path = "/proxies/meta/$view->{nodes}[0]{proxy_address}";
    my $plain = $b->ask('GET', $path);
    my $encoding = sub {
        my ($what, $accept) = @_;

        return $b->ask('GET', $what, undef, 'Accept-Encoding' => $accept)
            ->{headers}{'content-encoding'};
    };

    is($encoding->('/metadata', $_), undef, "not packed for $_")
        for 'identity', 'gzip;q=0', 'gzip; q=0.0, br', 'gzipx';
    is($encoding->('/metadata', $_), 'gzip', "packed for $_")
        for 'br, gzip', 'GZIP;q=0.5', '*';
    is($encoding->($_, 'gzip'), undef, "too small: $_")
        for '/clusters/names', $path;

    my $tag = $plain->{headers}{etag};
    ok($tag, 'a tag');
    my $same = $b->ask('GET', $path, undef, 'If-None-Match' => $tag);
    is("$same->{status} [$same->{body}]", '304 []', 'it has not changed');
    is($same->{headers}{etag}, $tag, 'its tag is told again');
    is($b->ask('GET', $path, undef, 'If-None-Match' => "W/\"x\", $tag")
            ->{status}, 304, 'one of several tags');
    is($b->ask('GET', $path, undef, 'If-None-Match' => '"x"')->{status}, 200,
        'another tag');

    is($b->say('PATCH', '/clusters/config/c',
            { migration_scan_count => '32' }), 200, 'a change');
    my $other = $b->ask('GET', $path, undef, 'If-None-Match' => $tag);
    is($other->{status}, 200, 'it has changed');
    is($other->{json}{proxy}{epoch}, $b->epoch, 'and is the new one');
    is($other->{json}{proxy}{cluster_config}{migration_config}{scan_count}, 32,
        'with the change in it');
}

{
    my $r = $b->ask('PATCH', '/clusters/config/c', { "od\"d\n" => 'x' });
    is_deeply($r->{json}, { error => 'INVALID_CONFIG', key => "od\"d\n",
            value => 'x', message => 'FIELD_NOT_FOUND' }, 'what was wrong');
    like($r->{body}, qr/^\{"error":.*"key":.*"value":.*"message":/,
        'in the order of the reference');
}

# ---- Failures ---------------------------------------------------------------

{
    my $p = $view->{nodes}[0]{proxy_address};
    my $epoch = $b->epoch;

    is($b->say('POST', "/failures/$p/one"), 200, 'a report');
    is($b->epoch, $epoch + 1, 'takes an epoch');
    is($b->say('POST', "/failures/$p/one"), 200, 'the same again');
    is($b->epoch, $epoch + 1, 'takes none');
    is($b->say('GET', '/failures'), qq(200 {"addresses":["$p"]}), 'failed');
    is($b->say('DELETE', "/failures/$p/two"), 200, 'another finds it alive');
    is($b->say('GET', '/failures'), qq(200 {"addresses":["$p"]}), 'and so?');
    is($b->say('DELETE', "/failures/$p/one"), 200, 'who said it takes it back');
    is($b->say('GET', '/failures'), '200 {"addresses":[]}', 'alive');
    is($b->say('DELETE', "/failures/$p/one"), 200, 'once more is fine');
    is($b->epoch, $epoch + 1, 'none of that takes an epoch');
    is($b->say('POST', "/failures/$p/one"), 200, 'dead again');

    my $heir = $b->ask('POST', "/proxies/failover/$p")->{json}{proxy};
    is($heir->{cluster_name}, 'c', 'a spare takes its place');
    is($b->say('GET', '/proxies/failed/addresses'),
        qq(200 {"addresses":["$p"]}), 'it is out');
    is($b->say('POST', '/proxies/failover/none'), '404 PROXY_NOT_FOUND',
        'an unknown one');
}

# ---- Epochs and all of it ---------------------------------------------------

{
    my $dump = $b->ask('GET', '/metadata')->{body};
    my $epoch = $b->epoch;

    is($b->say('PUT', "/epoch/$epoch"), '409 EPOCH_SMALLER_THAN_CURRENT',
        'not the same epoch');
    is($b->say('PUT', '/epoch/1000'), 200, 'a higher one');
    is($b->say('GET', '/epoch'), '200 1000', 'is the epoch now');
    is($b->ask('GET', '/clusters/meta/c')->{json}{cluster}{epoch}, 1000,
        'of every cluster');
    is($b->say('PUT', '/metadata', $dump), '409 EPOCH_SMALLER_THAN_CURRENT',
        'not back in time');

    my $later = $b->ask('GET', '/metadata')->{body};
    my @views = map { ("/proxies/meta/$_") x 2 } @proxies;
    my @kept = map { $b->ask('GET', $_)->{body} } @views;

    is($b->say('DELETE', '/clusters/meta/c'), 200, 'the cluster is gone');
    my $other = Undermoon::Broker->new(broker => 'view_memory 0;')->start;

    is($other->say('PUT', '/metadata', $later), 200, 'another broker takes it');
    is($other->ask('GET', '/metadata')->{body}, $later, 'as it was');
    is_deeply([ map { $other->ask('GET', $_)->{body} } @views ], \@kept,
        'what was kept is what is made anew');
    like($other->ask('PUT', '/metadata', $later =~ s/0\.2"/0.9"/r)->{body},
        qr/INVALID_META_VERSION/, 'nor another version');
    is($other->say('GET', '/clusters/names'), '200 {"names":["c"]}',
        'and keeps what it has');

    my $r = $other->ask('PUT', '/epoch/recovery');
    is($r->{status}, 200, 'epochs are recovered');
    is(scalar @{ $r->{json}{failed_addresses} }, 4, 'nobody has answered');
    cmp_ok($other->epoch, '>', 1000, 'on its own it goes further');
}

# ---- Packed -----------------------------------------------------------------

{
    my $large = Undermoon::Broker->new->start;
    my ($proxy) = $large->register(10);
    my @ask = ('GET', "/proxies/meta/$proxy", undef);

    is($large->say('POST', '/clusters/meta/c', { node_number => 20 }), 200,
        'a cluster');
    for my $round (1, 2) {
        my $plain = $large->ask(@ask);
        my $packed = $large->ask(@ask, 'Accept-Encoding' => 'gzip');

        is($plain->{headers}{'content-encoding'}, undef, 'a view, plain');
        is($packed->{headers}{'content-encoding'}, 'gzip', 'and packed');
        is($packed->{headers}{etag}, $plain->{headers}{etag}, 'one tag');
        gunzip \$packed->{body}, \my $text;
        is($text, $plain->{body}, 'one content');
    }
}

# ---- Who may write ----------------------------------------------------------

{
    my $safe = Undermoon::Broker->new(broker => <<'CONF')->start;
    write_token  sesame;
    write_user   admin "open: up";
CONF
    my @write = ('PUT', '/epoch/5', undef);

    is($safe->say('GET', '/epoch'), '200 0', 'everybody may read');
    my $r = $safe->ask(@write);
    is($r->{status}, 401, 'and not write');
    like($r->{headers}{'www-authenticate'}, qr/^Basic /, 'it says how');
    is($safe->ask(@write, Authorization => $_)->{status}, 401, "not: $_")
        for 'Bearer ses', 'Bearer sesame2', 'Bearer ', 'sesame',
        'Basic YWRtaW4=', 'Basic ?', 'Basic ' . 'A' x 3000;
    is($safe->ask(@write, Authorization => 'Bearer sesame')->{status}, 200,
        'with the token');
    is($safe->ask('PUT', '/epoch/6', undef,
            Authorization => 'Basic YWRtaW46b3BlbjogdXA=')->{status}, 200,
        'by name');
    is($safe->say('GET', '/epoch'), '200 6', 'both were heard');
    is($safe->ask('POST', '/resources/failures/check')->{status}, 200,
        'a check changes nothing');
    unlike(slurp($safe->um->{logfile}), qr/sesame/, 'no secret in the log');
}

# Who writes by where he is: coordinators of the reference know no token.
{
    my $dir = tempdir();
    my $here = Undermoon::Broker->new(listen => "unix:$dir/here",
        broker => 'write_token sesame; write_allow 10.0.0.0/8 unix;')->start;
    my $by = sub {
        Undermoon::Http->new($_[0])
            ->ask('PUT', '/api/v3/epoch/' . $_[1], @_[2 .. $#_])->{status};
    };

    is($by->($here->addr, 5), 401, 'not from here');
    is($by->("unix:$dir/here", 5), 200, 'but over the socket');
    is($by->($here->addr, 6, Authorization => 'Bearer sesame'), 200,
        'and with the token');

    my $loop = Undermoon::Broker->new(
        broker => 'write_token sesame; write_allow 127.0.0.0/8;')->start;
    is($by->($loop->addr, 5), 200, 'from a network');

    my $none = Undermoon::Broker->new(listen => "unix:$dir/none",
        broker => 'write_allow unix; write_allow 10.0.0.1;')->start;
    is($by->($none->addr, 5), 403, 'without a token there is no way in');
    is($by->("unix:$dir/none", 5), 200, 'but to be elsewhere');
    is($none->say('GET', '/epoch'), '200 5', 'and everybody may read');
}

# ---- Many at once -----------------------------------------------------------

{
    my @c = map { Undermoon::Http->new($b->addr) } 1 .. 40;
    my $epoch = $b->epoch;
    my $n = 0;

    for my $c (@c) {
        my $body = sprintf '{"proxy_address":"10.9.9.%d:1","nodes":["a:1",'
            . '"a:2"]}', ++$n;
        $c->client->write("POST /api/v3/proxies/meta HTTP/1.1\r\nHost: x\r\n"
                . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
    }
    is_deeply([ map { $_->answer->{status} } @c ], [ (200) x 40 ],
        'all are answered');
    is($b->epoch, $epoch + 40, 'each has taken an epoch');

    my ($m) = Undermoon::Http::metrics($b->addr);
    is($m->{undermoon_broker_proxies}, 44, 'and is counted');
    is(JSON::PP::decode_json($c[0]->ask('GET', '/status')->{body})->{epoch},
        $epoch + 40, 'status');
}

# ---- Reload -----------------------------------------------------------------

{
    my $um = $b->um;
    my $before = $b->pid;

    is($b->say('GET', '/clusters/names'), '200 {"names":[]}', 'before');
    $um->reload;
    ok((wait_for { ($b->pid // 0) != $before && $b->pid } 10), 'a new process');
    delete $b->{http};
    is($b->say('GET', '/epoch'), '200 0', 'what was in memory is gone');
    like($um->log, qr/metadata is in memory only/, 'as the log says');
}

done_testing();
