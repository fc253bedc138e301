#!/usr/bin/perl

# A proxy that hangs (SIGSTOP) is replaced, and its keys are written elsewhere;
# when it goes on it serves nothing any more, nothing is lost, and it is taken
# back.  Two coordinators look after it all, one of them dies.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 14;
use Time::HiRes qw(time);
use Undermoon::System;
use Undermoon::Test qw(wait_for);

my $s = Undermoon::System->new(proxies => 4, coordinators => 2)->start;

$s->create('mydb', 4);
ok($s->wait_in_sync('mydb'), 'a cluster, in sync') or diag($s->why('mydb'));
my @keys = grep { Undermoon::System::slot_of($_) < 8192 }
    map { "key$_" } 1 .. 200;
is(scalar(grep { ($s->cmd('SET', $_, "of $_") // '') ne 'OK' } @keys), 0,
    'keys are written');

my ($victim) = $s->members_of('mydb');
my $client = $victim->um->client;
is($client->cmd('GET', $keys[0]), "of $keys[0]", 'a client of the victim');

my $began = time;
$victim->pause;
my $took = $s->cmd_within(60, 'SET', $keys[0], 'after');
ok(defined $took, 'its keys can be written elsewhere')
    or diag($s->coordinator->log, $s->why('mydb'));
diag(sprintf 'after SIGSTOP: written within %.2f s', $took // -1);
ok(wait_for { !grep { $_ eq $victim->addr } $s->proxies_of('mydb') } 30,
    'a spare has taken its place');

# --- It goes on.

$client->send('SET', $keys[0], 'stale');
$victim->resume;
my $said = eval { $client->read } // 'closed';
isnt($said, 'OK', "what it is asked for first is not done: $said");
is($s->cmd('GET', $keys[0]), 'after', 'what was written elsewhere stays');
is(scalar(grep { ($s->cmd('GET', $_) // '') ne "of $_" } @keys[1 .. $#keys]),
    0, 'and all that was written before');
ok(wait_for { eval { $victim->cmd('SET', $keys[1], 'stale') } // ''
        and ($victim->beat)[0] > 3 } 20, 'it has news');
like($victim->cmd('SET', $keys[1], 'stale'), qr/^-/, 'it owns nothing now');
ok(wait_for {
        !@{ $s->broker->ask('GET', '/proxies/failed/addresses')
                ->{json}{addresses} } } 60, 'it is taken back')
    or diag($s->coordinator->log, $victim->health);

# --- A coordinator dies; the other one is enough.

$s->wait_in_sync('mydb');
kill 'KILL', $s->coordinator(0)->pid;
my ($next) = $s->members_of('mydb');
$next->kill_9;
ok(defined $s->cmd_within(60, 'SET', $keys[2], 'again'),
    'with one coordinator less another failure is seen to')
    or diag($s->coordinator(1)->log, $s->why('mydb'));
ok($s->wait_ready('mydb', 60), 'the cluster is whole again')
    or diag($s->why('mydb'));
is(scalar(grep { ($s->cmd('GET', $_) // '') ne "of $_" } @keys[3 .. $#keys]),
    0, 'and nothing is lost');
