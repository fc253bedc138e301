#!/usr/bin/perl

# The calls of undermoon-operator, as its reconcile makes them: every step
# twice, all day long.  What is there already is as good as done, nothing that
# changes nothing takes an epoch, and the operator understands each answer: it
# takes 200 alone for success, and reads JSON only where the type says so.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(mock_redis wait_for tempdir spew slurp);

my $json = JSON::PP->new->canonical;
my $name = 'prod';
my $dns = 'prod-stg-svc.default.svc.cluster.local';

# Storage pods: proxies of which the broker asks the epoch.
my $told = tempdir() . '/epoch';
spew($told, 1);
my @pod = map {
    mock_redis(UMCTL => sub { ':' . slurp($told) . "\r\n" })
} 0 .. 5;

my ($b, $addr); # the broker of this story

# ---- As its HTTP client sees answers ----------------------------------------

# Each call on a connection of its own.  What may be said is a status, or a
# status and a code; both are "200" when it is 200.
sub call {
    my ($may, $method, $path, $body, %o) = @_;
    my $base = $o{base} // '/api/v3';
    my $r = Undermoon::Http->new($addr)->ask($method, "$base$path",
        defined $body ? ('Content-Type' => 'application/json',
            body => $json->encode($body)) : ());
    my $type = $r->{headers}{'content-type'} // '';
    my $is_json = $type =~ m{^application/json\b};
    my $value = $is_json ? JSON::PP->new->allow_nonref->decode($r->{body})
        : undef;
    my $said = $r->{status};

    $said .= ' ' . (ref $value ? $value->{error} // '?' : '?')
        if $said != 200;
    ok((grep { $_ eq $said } @$may), "$method $path: $said")
        or diag($r->{body});
    ok($r->{body} eq '' || $is_json, '  its type is JSON') or diag($type);
    return ($said, $value, $r->{body});
}

# ParseInt() of the bytes as they are.
sub epoch {
    my (undef, undef, $raw) = call([200], 'GET', '/epoch');

    like($raw, qr/^\d+\z/, '  a bare number');
    return $raw;
}

# ---- Reconcile --------------------------------------------------------------

# Which pods there are to be.
sub proxies {
    my ($n) = @_;

    return map { {
            proxy_address => $pod[$_]->addr,
            nodes => [ map { "prod-stg-ss-$_->[0].$dns:$_->[1]" }
                    [ $_, 7001 ], [ $_, 7002 ] ],
            host => "prod-stg-ss-$_.$dns",
            index => $_,
        } } 0 .. $n - 1;
}

# Whether the broker is the one with replicas or the highest epoch.
sub reconcile_broker {
    my (undef, $config) = call([200], 'GET', '/config');

    is_deeply($config, { replica_addresses => [] }, '  no replicas');
    epoch();
    call([200], 'PUT', '/config', { replica_addresses => [] });
}

sub reconcile_proxies {
    my ($n) = @_;
    my %wanted = map { $_->{proxy_address} => 1 } proxies($n);

    call([ 200, '409 ALREADY_EXISTED' ], 'POST', '/proxies/meta', $_)
        for proxies($n);
    my (undef, $there) = call([200], 'GET', '/proxies/addresses');
    my @strays = grep { !$wanted{$_} } @{ $there->{addresses} };

    # One that is still in use is none of its cases: it fails and comes again.
    call([ 200, '404 PROXY_NOT_FOUND' ], 'DELETE', "/proxies/meta/$_")
        for @strays;
}

# The cluster.  True when it is as it should be.
sub reconcile_cluster {
    my ($chunks) = @_;
    my $nodes = 4 * $chunks;
    my (undef, $names) = call([200], 'GET', '/clusters/names');

    # Asked first, for an ordered broker has another word for it.
    call([ 200, '409 ALREADY_EXISTED' ], 'POST', "/clusters/meta/$name",
        { node_number => $nodes })
        if !grep { $_ eq $name } @{ $names->{names} };
    call([ 200, '409 MIGRATION_RUNNING' ], 'PATCH', "/clusters/config/$name", {
            migration_scan_interval => '500',
            migration_scan_count => '16' }) for 1, 2;

    my (undef, $info) = call([200], 'GET', "/clusters/info/$name");
    is($info->{name}, $name, '  its name');
    return if $info->{is_migrating};

    my ($auto) = call([ 200, '409 MIGRATION_RUNNING' ], 'POST',
        "/clusters/migrations/auto/$name/$nodes");
    call([ 200, '404 FREE_NODE_NOT_FOUND', '409 MIGRATION_RUNNING' ],
        'DELETE', "/clusters/free_nodes/$name");
    return $auto eq 200 && $info->{node_number_with_slots} == $nodes;
}

sub reconcile {
    my ($chunks, $pods) = @_;
    my $done;

    for my $again (1, 2) {
        reconcile_broker();
        reconcile_proxies($pods // 2 * $chunks);
        $done = reconcile_cluster($chunks);
    }
    return $done;
}

# ---- Its coordinator --------------------------------------------------------

sub info { (call([200], 'GET', "/clusters/info/$name"))[1] }

# All proxies know of the metadata, and what moves has moved.
sub coordinate {
    my $moved = 0;

    spew($told, epoch());
    wait_for {
        my $nodes = $b->ask('GET', "/clusters/meta/$name")
            ->{json}{cluster}{nodes};

        for my $slots (map { @{ $_->{slots} } } @$nodes) {
            next unless ref $slots->{tag} && $slots->{tag}{Migrating};
            $moved += $b->say('PUT', '/clusters/migrations',
                { cluster_name => $name, slot_range => $slots }) eq '200';
        }
        !$b->ask('GET', "/clusters/info/$name")->{json}{is_migrating};
    } 20;
    return $moved;
}

# ---- One life of a cluster --------------------------------------------------

sub is_quiet {
    my ($chunks, $what, @pods) = @_;
    my $before = epoch();

    ok(reconcile($chunks, @pods), "$what: again, all is as it should be");
    is(epoch(), $before, "$what: that took no epoch");
}

sub story {
    my ($mode) = @_;

    note("---- $mode proxies ----");
    reconcile(1);
    call([ $mode eq 'ordered' ? '409 ONE_CLUSTER_ALREADY_EXISTED'
            : '409 ALREADY_EXISTED' ], 'POST', "/clusters/meta/$name",
        { node_number => 4 });
    is(info()->{node_number_with_slots}, 4, 'made');
    is_quiet(1, 'made');

    # Out.
    reconcile(2);
    is(info()->{is_migrating}, JSON::PP::true, 'on its way out');
    my $before = epoch();
    reconcile(2);
    is(epoch(), $before, 'asking again does not hurry it');
    cmp_ok(coordinate(), '>', 0, 'slots have moved');
    is(info()->{node_number_with_slots}, 8, 'out');
    is_quiet(2, 'out');

    # A pod is stopped: roles move before it goes, it comes back as it was.
    my $stopped = $pod[0]->addr;
    my $role = sub {
        return join ' ', map { $_->{repl}{role} }
            grep { $_->{proxy_address} eq $stopped } @{ $b->ask('GET',
                "/clusters/meta/$name")->{json}{cluster}{nodes} };
    };
    is($role->(), 'master replica', 'before it stops');
    my $may = $mode eq 'ordered' ? [200] : [ '409 NO_AVAILABLE_RESOURCE' ];
    call($may, 'POST', "/proxies/failover/$stopped", undef,
        base => '/api/v2');
    is($role->(), 'replica replica', 'its masters have moved');
    $before = epoch();
    call($may, 'POST', "/proxies/failover/$stopped", undef,
        base => '/api/v2') for 1 .. 3;
    is(epoch(), $before, 'once');
    call([ 200, '409 ALREADY_EXISTED' ], 'POST', '/proxies/meta',
        (proxies(1))[0]);
    is_quiet(2, 'it is back');

    # In.
    reconcile(1, 4); # its pods stay until they have nothing
    cmp_ok(coordinate(), '>', 0, 'slots have moved back');
    reconcile(1, 4);
    is_deeply(info(), { name => $name, node_number => 4,
            node_number_with_slots => 4, is_migrating => JSON::PP::false },
        'in');
    is_quiet(1, 'in', 4);
    reconcile(1);
    is(scalar @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} }, 2,
        'the pods are gone');
    is_quiet(1, 'in without them');
}

for my $mode ('ordered', 'other') {
    $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;'
            . 'migration_limit 2; enable_ordered_proxy '
            . ($mode eq 'ordered' ? 'on;' : 'off;'))->start;
    $addr = $b->addr;
    story($mode);
}

# ---- What it does when a call is not for it ---------------------------------

call(['404 CLUSTER_NOT_FOUND'], 'GET', '/clusters/info/none');
call(['404 PROXY_NOT_FOUND'], 'POST', '/proxies/failover/none:1', undef,
    base => '/api/v2');
is(Undermoon::Http->new($addr)->ask('POST', '/api/v1/proxies/failover/x:1')
        ->{status}, 404, 'v1 is not there');

done_testing();
