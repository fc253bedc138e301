#!/usr/bin/perl

# What clients may keep: the tag of a view changes when the view does and not
# else, over a life at random; lists of tags, HEAD, packed and plain answers
# are what HTTP says they are.  UM_TEST_SEED repeats a life.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Uncompress::Gunzip qw(gunzip);
use List::Util qw(shuffle);
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(slow_tests);

my $seed = $ENV{UM_TEST_SEED} // time;
srand $seed;
note("UM_TEST_SEED=$seed");

my $b = Undermoon::Broker->new(broker => 'migration_limit 1; view_memory 20k;')
    ->start;
my @proxies = $b->register(8, 2);
my @clusters = qw(one two);

# ---- A life at random -------------------------------------------------------

sub pick { $_[ rand @_ ] }

sub tasks {
    my @all;

    for my $c (@clusters) {
        my $view = $b->ask('GET', "/clusters/meta/$c")->{json}{cluster} // {};

        push @all, map { { cluster_name => $c, slot_range => $_ } }
            grep { ref $_->{tag} } map { @{ $_->{slots} } }
            @{ $view->{nodes} // [] };
    }
    return @all;
}

my %deed = (
    create => sub { ('POST', '/clusters/meta/' . pick(@clusters),
            { node_number => pick(4, 8) }) },
    remove => sub { ('DELETE', '/clusters/meta/' . pick(@clusters)) },
    nodes => sub { ('PATCH', '/clusters/nodes/' . pick(@clusters),
            { node_number => 4 }) },
    free => sub { ('DELETE', '/clusters/free_nodes/' . pick(@clusters)) },
    expand => sub {
        ('POST', '/clusters/migrations/expand/' . pick(@clusters)) },
    shrink => sub { ('POST', '/clusters/migrations/shrink/'
            . pick(@clusters) . '/4') },
    auto => sub { ('POST', '/clusters/migrations/auto/' . pick(@clusters)
            . '/' . pick(4, 8)) },
    cancel => sub { ('DELETE', '/clusters/migrations/' . pick(@clusters)) },
    commit => sub { my $t = pick(tasks());
        $t ? ('PUT', '/clusters/migrations', $t) : () },
    undone => sub { my $t = pick(@{ $b->ask('GET',
                '/clusters/migrations/cancelling')->{json}{tasks} });
        $t ? ('PUT', '/clusters/migrations/undone',
            { map { $_ => $t->{$_} } qw(cluster_name slot_range) }) : () },
    config => sub { ('PATCH', '/clusters/config/' . pick(@clusters),
            { migration_scan_count => pick(8, 9) . '' }) },
    wrong => sub { ('PATCH', '/clusters/config/' . pick(@clusters),
            { migration_scan_count => '0' }) },
    balance => sub { ('PUT', '/clusters/balance/' . pick(@clusters)) },
    report => sub { ('POST', '/failures/' . pick(@proxies) . '/r') },
    failover => sub { ('POST', '/proxies/failover/' . pick(@proxies)) },
    again => sub { my $p = pick(@proxies); ('POST', '/proxies/meta',
            { proxy_address => $p, nodes => [ "$p", "$p" ] }) },
    go => sub { ('DELETE', '/proxies/meta/' . pick(@proxies)) },
    protocol => sub { ('PUT', '/proxies/protocol/' . pick(@proxies),
            { version => 1 }) },
    epoch => sub { ('PUT', '/epoch/' . ($b->epoch + 1)) },
    look => sub { ('GET', '/failures') },
    reload => sub { ('PUT', '/metadata', $b->ask('GET', '/metadata')->{body}) },
);

my @paths = (map({ "/proxies/meta/$_" } @proxies),
    map({ "/clusters/meta/$_" } @clusters), '/clusters/migrations/cancelling');
my (%seen, %body_of); # path => [tag, body] now; path and tag => body
my ($kept, $changed, $both) = (0, 0, 0);
my (@stale, @vain, @wrong304);

for my $step (1 .. (slow_tests() ? 3000 : 300)) {
    my $what = pick(sort keys %deed);
    my @ask = $deed{$what}->();

    next if !@ask;
    my $said = $b->say(@ask);

    for my $path (shuffle @paths) {
        my $r = $b->ask('GET', $path);
        my $tag = $r->{headers}{etag} // 'none';
        my ($old_tag, $old_body) = @{ $seen{$path} // [ '', '' ] };
        my $about = "step $step, @ask[0, 1]: $said: $path: $tag";

        $seen{$path} = [ $tag, $r->{body} ];
        # One tag never stands for two bodies.
        my $was = $body_of{"$path $tag"} //= $r->{body};
        push @stale, $about if $tag ne 'none' && $was ne $r->{body};
        # And what is the same keeps its tag, unless all was put anew.
        if ($old_body eq $r->{body}) {
            $kept++;
            push @vain, $about if $old_tag ne $tag && $what ne 'reload'
                && $path !~ /cancelling$/; # it has the tag of everything
        } else {
            $changed++;
        }

        next if $old_tag eq '' || $old_tag eq 'none' || rand > 0.2;
        my $c = $b->ask('GET', $path, undef, 'If-None-Match' => $old_tag);
        my $want = $old_tag eq $tag ? 304 : 200;
        push @wrong304, "$about: $c->{status}" if $c->{status} != $want
            || ($want == 304 ? $c->{body} ne '' : $c->{body} ne $r->{body});
        $both++;
    }
}

cmp_ok($kept, '>', 100, "views that stayed: $kept");
cmp_ok($changed, '>', 100, "views that changed: $changed");
is(@stale, 0, 'a tag stands for one body') or diag(@stale[ 0 .. 3 ]);
is(@vain, 0, 'a view that is the same keeps its tag')
    or diag(scalar(@vain) . " times:\n" . join "\n", @vain[ 0 .. 5 ]);
is(@wrong304, 0, "304 says that it is the same, $both times")
    or diag(@wrong304[ 0 .. 3 ]);
diag("UM_TEST_SEED=$seed repeats it") if @stale || @vain || @wrong304;

# ---- Lists of tags ----------------------------------------------------------

$b = Undermoon::Broker->new->start;
@proxies = $b->register(4);
is($b->say('POST', '/clusters/meta/one', { node_number => 4 }), 200,
    'a cluster');

for my $path ("/proxies/meta/$proxies[0]", '/clusters/meta/one',
    '/clusters/migrations/cancelling') {
    my $plain = $b->ask('GET', $path);
    my $tag = $plain->{headers}{etag};
    my ($strong) = $tag =~ /^W\/(".*")$/;
    my $gets = sub {
        my ($status, $said, $method) = @_;
        my $r = $b->ask($method // 'GET', $path, undef,
            'If-None-Match' => $said);

        is($r->{status}, $status, "$path: $status for $said");
        is($r->{headers}{etag}, $tag, '  with its tag');
        is($r->{headers}{vary}, 'Accept-Encoding', '  and what it depends on');
        is($r->{body}, $status == 304 || $method ? '' : $plain->{body},
            '  and its body');
    };

    ok($strong, "$path: a weak tag: packed and plain have the same");
    $gets->(304, $_) for $tag, $strong, '*', " * ", "$tag, \"x\"",
        "\"x\",$tag", "\"x\" , $strong ,\"y\"", "W/\"x\", W/\"y\", $tag",
        ", $tag,";
    $gets->(200, $_) for '"x"', 'W/"x"', '', '""', '"*"', $strong =~ s/"//gr,
        substr($strong, 0, -1), $strong =~ s/.$/0"/r, $strong =~ s/^"/"0/r,
        '"x" *';
    $gets->(304, $tag, 'HEAD');
    $gets->(200, '"x"', 'HEAD');

    # On a connection of its own: nothing comes behind a 304.
    my $c = Undermoon::Http->new($b->addr);
    $c->client->write("GET /api/v3$path HTTP/1.1\r\nHost: x\r\n"
            . "If-None-Match: $tag\r\nConnection: close\r\n\r\n");
    my $all = $c->client->read_all;
    like($all, qr/\AHTTP\/1\.1 304 [^\r\n]*\r\n(?:[^\r\n]+\r\n)+\r\n\z/,
        'a 304 ends with its head');
    unlike($all, qr/Content-Length: [1-9]/i, 'and promises nothing');

    my $packed = $b->ask('GET', $path, undef, 'Accept-Encoding' => 'gzip');
    gunzip \$packed->{body}, \my $text;
    is($text, $plain->{body}, 'packed it is the same');
    is($packed->{headers}{$_}, $plain->{headers}{$_}, "  with the same $_")
        for qw(etag vary content-type);
    is($b->ask('GET', $path, undef, 'Accept-Encoding' => 'gzip',
            'If-None-Match' => $tag)->{status}, 304, 'and need not come again');
}

for my $path ('/proxies/meta/none', '/clusters/meta/none') {
    my $r = $b->ask('GET', $path, undef, 'If-None-Match' => '*');

    is("$r->{status} " . ($r->{headers}{etag} // ''), '200 ',
        "$path: what is not there has no tag");
}

# ---- HEAD -------------------------------------------------------------------

# One that is answered anew: a request more would be counted in the next.
for my $path (map({ "/api/v3$_" } qw(/version /metadata /config /epoch
            /clusters/names /clusters/names?limit=1 /clusters/meta/one
            /clusters/meta/none /clusters/info/one /clusters/info/none
            /clusters/migrations/cancelling /proxies/addresses
            /proxies/failed/addresses /proxies/meta/none /failures
            /clusters/names?limit=x /nothing /resources/failures/check),
        "/proxies/meta/$proxies[0]"), '/healthz', '/nothing') {
    for my $packed ({}, { 'Accept-Encoding' => 'gzip' }) {
        my ($head, $get) = map { Undermoon::Http->new($b->addr)
                ->ask($_, $path, %$packed) } qw(HEAD GET);

        delete $_->{headers}{date} for $head, $get;
        is($head->{status}, $get->{status}, "HEAD $path: $get->{status}");
        is_deeply($head->{headers}, $get->{headers}, '  the fields of GET')
            or diag(explain([ $head->{headers}, $get->{headers} ]));
        is($get->{headers}{'content-length'} // '', length $get->{body},
            '  and the length of its body');
    }
}

{
    my $c = Undermoon::Http->new($b->addr);

    is($c->ask('HEAD', '/api/v3/metadata')->{status}, 200, 'HEAD has no body');
    is($c->ask('GET', '/api/v3/epoch')->{body}, $b->epoch,
        'the next answer comes behind it');
    is($b->ask('HEAD', '/clusters/meta/one', undef)->{status}, 200,
        'HEAD changes nothing');
    is($b->ask('HEAD', '/epoch/recovery')->{status}, 405,
        'it is none of what changes something');
}

# ---- Which answers are packed -----------------------------------------------

{
    my $is = sub {
        my ($packed, $said) = @_;
        my $r = $b->ask('GET', '/metadata', undef,
            'Accept-Encoding' => $said);

        is($r->{headers}{'content-encoding'} // 'plain',
            $packed ? 'gzip' : 'plain', "$said: " . ($packed ? '' : 'not ')
                . 'packed');
    };

    $is->(1, $_) for 'gzip', 'GZIP', 'deflate, gzip', 'gzip;q=1', 'gzip;q=0.1',
        'gzip; q=0.001', 'gzip ;q=0.5', '*', '*;q=0.1', '*;q=0, gzip',
        'identity;q=0, *', 'gzip;q=1.0, *;q=0', 'br,gzip,zstd';
    $is->(0, $_) for '', 'identity', 'deflate', 'gzip;q=0', 'gzip;q=0.000',
        'gzip;Q=0', 'gzip; q=0', 'gzip;q=0, *', '*;q=0', 'gzipped', 'x-gzip',
        'identity, *;q=0', ',,,', ';q=1';
}

done_testing();
