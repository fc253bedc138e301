#!/usr/bin/perl

# A Redis fails behind a proxy that lives, which nobody who only asks the proxy
# would notice.  All proxies want a password.  A coordinator that was asleep
# takes nobody for dead.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 15;
use Time::HiRes qw(time);
use Undermoon::System;
use Undermoon::Test qw(wait_for);

my $s = Undermoon::System->new(proxies => 4,
    proxy => 'password "sesame";', password => 'sesame',
    coordinator => 'proxy_password "sesame";')->start;
my $co = $s->coordinator;

$s->create('mydb', 4);
ok($s->wait_in_sync('mydb'), 'a cluster, in sync') or diag($s->why('mydb'));
my @keys = grep { Undermoon::System::slot_of($_) < 8192 }
    map { "key$_" } 1 .. 200;
is(scalar(grep { ($s->cmd('SET', $_, "of $_") // '') ne 'OK' } @keys), 0,
    'keys are written');

sub failed {
    return map { $s->by_addr($_) } @{ $s->broker->ask('GET',
            '/proxies/failed/addresses')->{json}{addresses} };
}

# --- The Redis that is master of the first half.

my ($m) = grep { $_->{repl}{role} eq 'master' } @{ $s->view('mydb')->{nodes} };
my $victim = $s->by_addr($m->{proxy_address});
my ($node) = grep { $_->addr eq $m->{address} } $victim->nodes;

# Killed at once: a master that has just sent its data holds back what comes
# next, and as long as it does its replica is not in sync.
$node->stop;
my $took = $s->cmd_within(60, 'SET', $keys[0], 'after');
ok(defined $took, 'its keys can be written again')
    or diag($co->log, $s->why('mydb'));
diag(sprintf 'a Redis killed: written within %.2f s', $took // -1);
ok(wait_for { (failed())[0] } 20, 'its proxy was replaced');
is((failed())[0]->addr, $victim->addr, 'and no other');
like($co->log, qr/\Q${\$victim->addr}\E: has failed: a master is down/,
    'the log says why');
is(scalar(grep { ($s->cmd('GET', $_) // '') ne "of $_" } @keys[1 .. $#keys]),
    0, 'nothing is lost');

# --- It is started again, empty.

$node->start;
ok(wait_for { !failed() } 60, 'the proxy is taken back')
    or diag($co->log, $victim->health);
is(scalar(grep { ($s->cmd('GET', $_) // '') ne "of $_" } @keys[1 .. $#keys]),
    0, 'still nothing is lost');
ok($s->wait_in_sync('mydb'), 'the cluster is in sync') or diag($s->why('mydb'));

# --- A Redis that hangs.

($m) = grep { $_->{repl}{role} eq 'master' } @{ $s->view('mydb')->{nodes} };
$victim = $s->by_addr($m->{proxy_address});
($node) = grep { $_->addr eq $m->{address} } $victim->nodes;
my ($key) = grep { Undermoon::System::slot_of($_)
        == $m->{slots}[0]{range_list}[0][0] }
    Undermoon::System::key_of($m->{slots}[0]{range_list}[0][0]);
$node->pause;
$took = $s->cmd_within(90, 'SET', $key, 'after');
ok(defined $took, 'a Redis that hangs is replaced, too')
    or diag($co->log, $s->why('mydb'));
diag(sprintf 'a Redis stopped: written within %.2f s', $took // -1);
$node->resume;
is($s->cmd('GET', $key), 'after', 'when it goes on, what was written stays');
ok(wait_for { !failed() } 60, 'and its proxy is taken back')
    or diag($co->log, $victim->health);

# --- The coordinator sleeps.

my $before = $co->status->{failures};
my $beats = $co->status->{beats};
kill 'STOP', $co->pid;
my $asleep = time;
wait_for { time - $asleep > 4 } 10; # every deadline of it has passed
kill 'CONT', $co->pid;
ok(wait_for { $co->status->{beats} > $beats + 40 } 30, 'it has been asleep');
is($co->status->{failures}, $before, 'and takes nobody for dead');
