#!/usr/bin/perl

# A broker with `storage http': what it acknowledges is in the external store,
# what the store does wrong is said and harms nothing, and no change is ever
# written there twice.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Store;
use Undermoon::Test qw(wait_for slurp spew);

my $json = JSON::PP->new->canonical->allow_nonref;

sub ready {
    my ($b) = @_;

    return ok((wait_for {
        Undermoon::Http::get($b->addr, '/healthz')->{status} == 200;
    } 10), 'the broker is ready') || diag($b->um->log);
}

sub with_store {
    my ($store, %o) = @_;
    my $b = Undermoon::Broker->new(broker => $store->directives(%o))->start;

    ready($b);
    return $b;
}

my $n = 0;

sub proxy {
    my $name = 'p' . ++$n . ':1';

    return { proxy_address => $name, nodes => [ "$name-a", "$name-b" ] };
}

sub add { $_[0]->say('POST', '/proxies/meta', proxy()) }

# Proxies of the store, as it lies there.
sub there { sort keys %{ $_[0]->object->{store}{all_proxies} } }
sub count { scalar(() = there($_[0])) }
sub puts { scalar grep { $_->{method} eq 'PUT' } $_[0]->requests }
sub gets { scalar grep { $_->{method} eq 'GET' } $_[0]->requests }

sub metric {
    my ($b, $name) = @_;

    return (Undermoon::Http::metrics($b->addr))[0]{"undermoon_broker_$name"};
}

# ---- What is said -----------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store, addr => "localhost:$store->{port}");
    my ($first, $offer, $then) = $store->requests;

    is("$first->{method} $first->{path}", 'GET /api/v1/store/my@store',
        'it asks first');
    is($first->{auth}, 'Basic ' . encode_base64('my@store:pass:word', ''),
        'with name and password');
    is($offer->{method}, 'PUT', 'nothing is there: it puts an empty one');
    is($offer->{type}, 'application/json', 'as JSON');
    like($offer->{body}, qr/^\{"store":\{.*\},"version":null\}$/,
        'that knows no version');
    is($then->{method}, 'GET', 'and looks what is there');
    is($b->ask('GET', '/status')->{json}{storage}, 'http', 'so /status says');

    my $before = $store->requests;
    is(add($b), 200, 'a proxy');
    my @did = ($store->requests)[ $before .. $before + 1 ];
    is(join(' ', map { $_->{method} } @did), 'GET PUT', 'a GET and a PUT');
    like($did[1]{body}, qr/"version":"1"\}$/, 'with the version that it read');
    is($store->object->{version}, 2, 'and there it is');
    is_deeply($b->ask('GET', '/metadata')->{json}, $store->object->{store},
        'the store has the dump');

    my $puts = puts($store);
    is($b->say('POST', '/clusters/migrations/expand/c'),
        '404 CLUSTER_NOT_FOUND', 'what changes nothing');
    is(puts($store), $puts, 'is not put there');

    # All that come while the first is under way travel together.
    $store->fault(GET => 'delay', 1, 0.3);
    my @all = map { Undermoon::Http->new($b->addr) } 1 .. 20;
    for my $c (@all) {
        my $body = $json->encode(proxy());

        $c->client->write("POST /api/v3/proxies/meta HTTP/1.1\r\nHost: x\r\n"
                . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
    }
    is(scalar(grep { $_->answer->{status} == 200 } @all), 20, 'twenty proxies');
    cmp_ok(puts($store) - $puts, '<=', 2, 'need two PUTs at most');
    is(count($store), 21, 'and are all there');

    my $dump = $b->ask('GET', '/metadata')->{body};
    my $pid = $b->pid;
    kill 'KILL', $pid;
    delete $b->{http};
    ready($b);
    is($b->ask('GET', '/metadata')->{body}, $dump, 'after its process died');
    is(metric($b, 'proxies'), 21, 'metrics know');
    is(metric($b, 'storage_trouble'), 0, 'no trouble');
    unlike($b->um->log, qr/\[(?:warn|error)\].*external/, 'nor in the log');
    $b->stop;
}

# ---- Nothing there, in all forms --------------------------------------------

for my $nothing ('{}', '{"store":null}',
    qq( {\t"more" : [1, {"a":"]\\""}], "version" : null,\r\n"store":null } \n),
    404)
{
    my $store = Undermoon::Store->new->start;

    $store->fault(GET => $nothing eq 404 ? ('status', 1, 404)
        : ('say', 1, $nothing));
    my $b = with_store($store);
    is(add($b), 200, 'nothing, as ' . $nothing =~ s/\s+/ /gr . ': it begins');
    is(count($store), 1, 'and goes on');
    $b->stop;
}

# A store that counts versions of nothing, too.
{
    my $store = Undermoon::Store->new->start;

    $store->fault(GET => 'say', 1000, '{"store":null,"version":"7"}');
    my $b = Undermoon::Broker->new(broker => $store->directives)->start;
    ok((wait_for { puts($store) > 0 } 10), 'something is put there');
    like((grep { $_->{method} eq 'PUT' } $store->requests)[0]{body},
        qr/"version":"7"\}$/, 'under the version of nothing');
    ok((wait_for { $b->um->log =~ /has no metadata/ } 10),
        'which was in vain: said aloud');
    is($b->say('GET', '/epoch'), '500 EXTERNAL', 'and waited for');
    $b->stop;
}

# ---- Something there --------------------------------------------------------

my $reference = '"global_epoch":77,"clusters":{},"failed_proxies":[],'
    . '"all_proxies":{"r:1":{"proxy_address":"r:1","node_addresses":["a","b"],'
    . '"host":"r","cluster":null%s}},"failures":{}';

for my $case ([ '0.2', ',"index":0', ',"enable_ordered_proxy":false' ],
    [ '0.1', '', '' ])
{
    my ($version, $index, $ordered) = @$case;
    my $store = Undermoon::Store->new->start;

    $store->put_text('{"version":"1","store":{'
            . qq("version":"mem-broker-$version",)
            . sprintf($reference, $index) . "$ordered}}");
    my $b = with_store($store);
    is($b->epoch, 77, "a dump $version of the reference is taken");
    is(puts($store), 0, 'and nothing put in its place');
    is(add($b), 200, 'and changed');
    is(join(' ', there($store)), "p$n:1 r:1", 'and kept');
    is($store->object->{store}{version}, 'mem-broker-0.2', 'as 0.2');
    $b->stop;
}

# ---- It is not there when the broker starts ---------------------------------

{
    my $store = Undermoon::Store->new;
    my $b = Undermoon::Broker->new(broker => $store->directives)->start;

    ok((wait_for { $b->um->log =~ /reading it: connect failed/ } 10),
        'no store: said aloud');
    is($b->say('GET', '/epoch'), '500 EXTERNAL', 'nothing is made up');
    is($b->say('GET', '/clusters/names'), '500 EXTERNAL', 'no names either');
    is(add($b), '500 EXTERNAL', 'nor taken');
    is($b->ask('GET', '/version')->{status}, 200, 'its version it knows');
    my $health = Undermoon::Http::get($b->addr, '/healthz');
    is($health->{status}, 503, 'it is not healthy');
    like($health->{body}, qr/has not been read yet/, 'and says why');
    like($b->ask('GET', '/status')->{json}{storage_trouble_text},
        qr/connect failed/, 'in words');

    $store->start;
    ready($b);
    is(add($b), 200, 'the store is there: it goes on');
    like($b->um->log, qr/works again/, 'said, too');
    is(() = $b->um->log =~ /connect failed/g, 1, 'the trouble was said once');

    # It goes away and comes back.
    $store->stop;
    is(add($b), '500 EXTERNAL', 'gone again: no changes');
    is($b->ask('GET', '/proxies/addresses')->{json}{addresses}[0],
        'p' . ($n - 1) . ':1', 'but reading goes on');
    is(Undermoon::Http::get($b->addr, '/healthz')->{status}, 503, 'unhealthy');
    $store->start;
    is(add($b), 200, 'and there again');
    is(count($store), 2, 'with what was acknowledged, and no more');
    $b->stop;
}

# ---- Time -------------------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store, timeout => '300ms');

    is(add($b), 200, 'a proxy');
    $store->fault(GET => 'hang', 1);
    my $began = time;
    is(add($b), '504 EXTERNAL_TIMEOUT', 'a GET without an answer');
    cmp_ok(time - $began, '<', 10, 'ends in time');
    is(count($store), 1, 'nothing has happened');

    $store->fault(PUT => 'hang', 1);
    is(add($b), '504 EXTERNAL_TIMEOUT', 'a PUT without an answer');
    ok((wait_for { $b->um->log =~ /have not been made/ } 10),
        'it looks what came of it');
    is(add($b), 200, 'and goes on');
    is(count($store), 2, 'from what is there');

    $store->fault(PUT => 'delay', 1, 0.8);
    is(add($b), '504 EXTERNAL_TIMEOUT', 'a PUT that is answered too late');
    ok((wait_for { $b->um->log =~ /have been made/ } 10), 'has been done');
    ok((wait_for {
        @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} } == 3;
    } 10), 'and is seen');
    is(count($store), 3, 'once');
    is(metric($b, 'external_unsure_total'), 2, 'counted');
    $b->stop;
}

# ---- A lost answer ----------------------------------------------------------

for my $way (qw(lose mute drop)) {
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store, timeout => '500ms');

    is(add($b), 200, "$way: a proxy");
    my $puts = puts($store);
    $store->fault(PUT => $way, 1);
    is(add($b), $way eq 'mute' ? '504 EXTERNAL_TIMEOUT' : '500 EXTERNAL',
        'a PUT whose answer is lost is no success');
    is(add($b), 200, 'the next change');
    is(puts($store) - $puts, 2, 'nothing was sent twice');
    is(count($store), $way eq 'drop' ? 2 : 3, 'it knows what came of it');
    is_deeply($b->ask('GET', '/metadata')->{json}, $store->object->{store},
        'and has it itself');
    $b->stop;
}

# ---- Refusals ---------------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store);

    is(add($b), 200, 'a proxy');
    my $puts = puts($store);
    $store->fault(PUT => 'status', 2, 409);
    is(add($b), 200, 'two conflicts: it is tried again');
    is(puts($store) - $puts, 3, 'each time anew');
    is(count($store), 2, 'and has happened once');
    is(metric($b, 'external_conflicts_total'), 2, 'counted');

    $store->fault(PUT => 'status', 100, 409);
    is(add($b), '409 RETRY', 'nothing but conflicts: try again');
    cmp_ok(puts($store) - $puts, '<', 12, 'after a few');
    $store->no_faults;
    is(count($store), 2, 'nothing has happened');

    for my $status (400, 401, 404, 413, 500, 503) {
        $store->fault(PUT => 'status', 1, $status);
        is(add($b), '500 EXTERNAL', "a PUT answered with $status");
        is(Undermoon::Http::get($b->addr, '/healthz')->{status}, 503,
            'is trouble');
    }
    is(count($store), 2, 'and not a change');
    is(add($b), 200, 'it works again');
    is(Undermoon::Http::get($b->addr, '/healthz')->{status}, 200, 'healthy');

    for my $status (302, 401, 404, 500) {
        $store->fault(GET => 'status', 1, $status);
        is(add($b), '500 EXTERNAL', "a GET answered with $status");
    }
    is(count($store), 3, 'nothing was put there meanwhile');

    $store->stop;
    $store->{password} = 'another';
    $store->start;
    is(add($b), '500 EXTERNAL', 'a wrong password');
    like($b->um->log, qr/reading it was answered with 401/, 'the log says it');
    unlike($b->um->log, qr/pass:word/, 'without the password');
    $b->stop;
}

# ---- Rubbish ----------------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store);

    is($b->register(4), 4, 'four proxies');
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200,
        'a cluster');
    my $dump = $b->ask('GET', '/metadata')->{body};
    my $good = $json->encode($store->object);

    for my $case ([ 'no JSON', 'is no JSON object', '<html>' ],
        [ 'cut', 'is broken JSON', substr $good, 0, length($good) / 2 ],
        [ 'more', 'behind its end', "$good}" ],
        [ 'a version of another type', 'version that is no string',
            $good =~ s/"version":"\d+"\}$/"version":7}/r ],
        [ 'empty', 'has no metadata', '{}' ],
        [ 'null', 'has no metadata', '{"store":null,"version":null}' ],
        [ 'no dump', 'INVALID_METADATA', '{"store":[],"version":"99"}' ],
        [ 'another version', 'INVALID_META_VERSION',
            $good =~ s/mem-broker-0.2/mem-broker-9.9/r
                =~ s/"version":"\d+"\}$/"version":"99"}/r ],
        [ 'a slot without an owner', 'INVALID_METADATA',
            $good =~ s/\[0,8191\]/[0,8190]/r
                =~ s/"version":"\d+"\}$/"version":"99"}/r ],
        [ 'an epoch that has gone back', 'gone back',
            $good =~ s/"global_epoch":\d+/"global_epoch":1/r
                =~ s/"epoch":\d+/"epoch":1/gr
                =~ s/"version":"\d+"\}$/"version":"99"}/r ])
    {
        my ($what, $why, $text) = @$case;

        $store->fault(GET => 'say', 1, $text);
        is($b->say('PUT', '/epoch/1000'), '500 EXTERNAL', "$what is refused");
        like($b->um->log, qr/\[error\].*external store .*\Q$why/, 'aloud');
        is($b->ask('GET', '/metadata')->{body}, $dump,
            'what was good last is served');
    }

    $store->fault(GET => 'huge', 1);
    is($b->say('PUT', '/epoch/1000'), '500 EXTERNAL', 'more than it can take');
    like($b->um->log, qr/answer too large/, 'is refused as that');
    is($b->say('PUT', '/epoch/1000'), 200, 'after all this it works');
    is($b->epoch, 1000, 'at once');

    # Somebody has emptied it.
    $store->put_text(undef);
    is($b->say('PUT', '/epoch/2000'), '500 EXTERNAL',
        'a store that became empty is not filled again');
    is($store->object->{store}, undef, 'by nobody');
    $b->stop;
}

# ---- A store that tells no version ------------------------------------------

{
    my $store = Undermoon::Store->new(version_null => 1)->start;
    my $b = with_store($store);

    is(add($b), '500 EMPTY_EXTERNAL_VERSION', 'no version, no change');
    is(count($store), 0, 'none at all');
    is($b->say('GET', '/epoch'), '200 0', 'but it can be read');
    $b->stop;
}

# ---- Changes of others ------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store, refresh => '100ms');
    my $c;

    $b->register(4);
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200,
        'a cluster');
    my $view = $b->ask('GET', '/clusters/meta/c');
    $store->fault(GET => 'tidy', 3);
    is($b->ask('PUT', '/proxies/protocol/127.0.1.1:7001',
        { version => 0 })->{status}, 200, 'read in another form');
    is($b->ask('GET', '/clusters/meta/c', undef,
        'If-None-Match' => $view->{headers}{etag})->{status}, 304,
        'it is the same store: views that are known stay so');

    my $epoch = $b->epoch;
    $store->change(sub {
        $_[0]{global_epoch} = $epoch + 5;
        $_[0]{clusters}{c}{epoch} = $epoch + 5;
    });
    ok((wait_for { $b->epoch == $epoch + 5 } 10), 'a change of others is seen');
    is($b->ask('GET', '/clusters/meta/c', undef,
        'If-None-Match' => $view->{headers}{etag})->{json}{cluster}{epoch},
        $epoch + 5, 'in views, too');
    is($b->say('PUT', '/epoch/' . ($epoch + 6)), 200, 'and built on');

    # A read that was overtaken by a write.
    $store->fault(GET => 'back', 1);
    ok((wait_for { $b->um->log =~ /gone back/ } 10), 'a read of what was');
    is($b->epoch, $epoch + 6, 'does not go back');
    ok((wait_for {
        Undermoon::Http::get($b->addr, '/healthz')->{status} == 200;
    } 10), 'and is forgotten');

    # Reports expire without any request.
    $store->change(sub {
        $_[0]{failures} = { '127.0.1.1:7001' => { someone => 1 } };
    });
    ok((wait_for { !%{ $store->object->{store}{failures} } } 10),
        'a report that has expired is taken out');
    $b->stop;
}

# ---- PUT metadata -----------------------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my $b = with_store($store, refresh => '100ms');

    is(add($b), 200, 'a proxy');
    my $dump = $b->ask('GET', '/metadata')->{json};

    is($b->say('PUT', '/epoch/50'), 200, 'an epoch');
    $dump->{global_epoch} = 40;
    is($b->say('PUT', '/metadata', $dump), '409 EPOCH_SMALLER_THAN_CURRENT',
        'a dump from before');
    $dump->{global_epoch} = 100;
    $store->fault(PUT => 'status', 1, 409);
    is($b->say('PUT', '/metadata', $dump), 200, 'a newer one');
    is($store->object->{store}{global_epoch}, 100, 'is in the store');
    my $gets = gets($store);
    ok((wait_for { gets($store) > $gets + 1 } 10), 'over a refresh');
    is($b->epoch, 100, 'it stays');
    is($b->ask('GET', '/status')->{json}{is_replica}, 0, 'it is no copy');
    $b->stop;
}

# ---- Words ------------------------------------------------------------------

{
    my $said = sub {
        my $um = Undermoon::Broker->new(env => {@_})->um;
        my ($status, $text) = $um->run('-T');

        is($status, 0, "taken: @_") or diag($text);
        return $text;
    };
    my $text = $said->(UNDERMOON_STORAGE_TYPE => 'HTTP',
        UNDERMOON_RECOVER_FROM_META_FILE => 'true');

    like($text, qr/^\s*storage\s+http "?localhost:9999"?;/m, 'the default');
    like($text, qr/^\s*# storage_name my_storage_name;/m, 'of all of it');
    like($text, qr/^\s*# refresh_interval 30s;/m, 'as in the reference');

    $text = $said->(UNDERMOON_STORAGE_TYPE => 'http',
        UNDERMOON_HTTP_STORAGE_ADDRESS => 'store.somewhere:1234',
        UNDERMOON_STORAGE_NAME => 'cr@ns',
        UNDERMOON_STORAGE_PASSWORD => 'a"b;{ \\',
        UNDERMOON_REFRESH_INTERVAL => 5);
    like($text, qr/^\s*storage\s+http "?store\.somewhere:1234"?;/m,
        'an address');
    like($text, qr/^\s*storage_name\s+"?cr\@ns"?;/m, 'a name');
    like($text, qr/^\s*refresh_interval\s+5s;/m, 'seconds');

    for my $wrong (
        [ 'storage http', 'needs an address' ],
        [ 'storage http 1.2.3.4', 'has no port' ],
        [ 'storage http unix:/x', 'is no host' ],
        [ 'storage http a:1 b', 'takes' ],
        [ 'storage etcd', 'is neither memory, file nor http' ],
        [ 'storage_name a:b', 'has a colon' ],
        [ 'storage_name ""', 'is empty' ])
    {
        my ($words, $why) = @$wrong;
        my ($status, $out) = Undermoon::Broker->new(broker => "$words;")
            ->um->run('-t');

        ok($status, "refused: $words");
        like($out, qr/\Q$why/, "as it $why");
    }
}

# ---- The example as a program -----------------------------------------------

{
    my $store = Undermoon::Store->new;
    my $file = $store->file;
    my $log = "$file.log";
    my $run = sub {
        $store->{pid} = Undermoon::Test::spawn($log, {
            STORAGE_NAME => $store->{name},
            STORAGE_PASSWORD => $store->{password} }, $^X,
            Undermoon::Store::program(), $store->addr, $file);
    };

    $run->();
    my $b = with_store($store, refresh => '100ms');
    is(add($b), 200, 'it takes a change');
    my $kept = slurp($file);
    like($kept, qr/"p$n:1".*"version":"2"\}$/, 'which is in its file');

    $store->stop;
    $run->();
    ok((wait_for { add($b) eq 200 } 10), 'killed and started again');
    like(slurp($file), qr/"version":"3"\}$/, 'it counts on');

    $store->stop;
    spew($file, 'rubbish');
    $run->();
    ok((wait_for { slurp($log) =~ /malformed|unexpected|Perl|JSON/i } 10),
        'a file that is none is not used')
        or diag(slurp($log));
    is(slurp($file), 'rubbish', 'nor replaced');
    $b->stop;
}

done_testing();
