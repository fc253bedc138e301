#!/usr/bin/perl

# A broker, a coordinator and real proxies with real redis-servers: a cluster
# that is created is served; a proxy that is killed is replaced, and writes go
# on; when it comes back it is told that it owns nothing, and is taken back.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 19;
use Time::HiRes qw(time);
use Undermoon::System;
use Undermoon::Test qw(wait_for);

my $s = Undermoon::System->new(proxies => 4)->start;
my $co = $s->coordinator;

# --- A cluster is created by HTTP, and that is all.

my $began = time;
$s->create('mydb', 4);
diag(sprintf 'created and served within %.2f s', time - $began);

my @keys = map { "key$_" } 1 .. 200;
is(scalar(grep { ($s->cmd('SET', $_, "of $_") // '') ne 'OK' } @keys), 0,
    'every key can be written');
ok($s->wait_in_sync('mydb'), 'its replicas follow') or diag($s->why('mydb'));

my $view = $s->view('mydb');
my %role;
push @{ $role{ $_->{repl}{role} } }, $_ for @{ $view->{nodes} };
is(scalar @{ $role{replica} }, 2, 'there are two replicas');
for my $r (@{ $role{replica} }) {
    my ($m) = map { $s->by_addr($_->{proxy_address})->nodes }
        grep { $_->{address} eq $r->{repl}{peers}[0]{node_address} }
        @{ $role{master} };
    my ($node) = grep { $_->addr eq $r->{address} }
        $s->by_addr($r->{proxy_address})->nodes;

    is($node->info('role'), 'slave', "$r->{address} is a replica");
}

ok(wait_for { $co->status->{proxies_synced} == 4 } 10,
    'the coordinator sees all of them with what they should have');

# --- A proxy is killed.

my ($victim, $partner) = $s->members_of('mydb');
my @its = grep { Undermoon::System::slot_of($_) < 8192 } @keys;
my ($m0) = grep { $_->{repl}{role} eq 'master'
        && $_->{proxy_address} eq $victim->addr } @{ $view->{nodes} };
is_deeply($m0->{slots}[0]{range_list}, [ [ 0, 8191 ] ],
    'the first proxy has the first half');

$victim->kill_9;
my $took = $s->cmd_within(30, 'SET', $its[0], 'after');
ok(defined $took, 'its keys can be written again')
    or diag($co->log, $s->why('mydb'));
diag(sprintf 'after kill -9: written within %.2f s', $took // -1);

is($s->cmd('GET', $its[0]), 'after', 'and read');
is(scalar(grep { ($s->cmd('GET', $_) // '') ne "of $_" } @its[1 .. $#its]), 0,
    'nothing that was written before is lost');

ok(wait_for { !grep { $_ eq $victim->addr } $s->proxies_of('mydb') } 20,
    'a spare has taken its place');
ok($s->wait_ready('mydb'), 'all of the cluster have the new epoch')
    or diag($s->why('mydb'));
ok(wait_for {
        grep { $_ eq $victim->addr } @{ $s->broker->ask('GET',
                '/proxies/failed/addresses')->{json}{addresses} } } 10,
    'the broker has it marked as failed');
ok($s->wait_in_sync('mydb'), 'the new replicas follow')
    or diag($s->why('mydb'));

# --- It comes back.

$victim->start;
ok(wait_for { ($victim->beat)[0] } 20, 'it is sent metadata, though it failed');
like($victim->cmd('SET', $its[0], 'stale'), qr/^-/, 'it owns nothing');
ok(wait_for {
        !@{ $s->broker->ask('GET', '/proxies/failed/addresses')
                ->{json}{addresses} } } 60, 'it is taken back')
    or diag($co->log, $victim->health);
is($co->status->{taken_back}, 1, 'once');
is($s->cmd('GET', $its[0]), 'after', 'the cluster goes on');
