#!/usr/bin/perl

# Thousands wait at once: each of them gets an element, or is let go, and
# others are served meanwhile.  Prints what one that waits costs.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for slow_tests patience slurp);

my $n = slow_tests() ? 5000 : 2000;

# This process needs them, too: raised by a shell, for its children and itself.
my ($soft, $hard) =
    slurp('/proc/self/limits') =~ /^Max open files +(\d+) +(\d+)/m;
plan(skip_all => "descriptors: $hard are too few") if $hard < 3 * $n + 500;
if ($soft < 3 * $n + 500) {
    exec '/bin/sh', '-c', "ulimit -n $hard; exec \"\$@\"", 'sh', $^X,
        (map { "-I$_" } @INC), $0 or die "sh: $!";
}

my $node = redis(more => [ '--maxclients', $n + 200 ]);
my $um = undermoon(workers => 2,
    proxy => "private_connections $n; max_clients 8000;")->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my $other = $um->client;
is($other->cmd(qw(SET k v)), 'OK', 'it serves');

sub come {
    my ($count) = @_;
    my @c = map { $um->client } 1 .. $count;

    $_->send(qw(BLPOP {q}l 0)) for @c;
    ok(wait_for { $node->info('blocked_clients') == $count } 60,
        "$count wait");
    return @c;
}

sub slowest {
    my $most = 0;

    for (1 .. 100) {
        my $begin = time;
        $other->cmd(qw(GET k)) eq 'v' or die 'wrong';
        my $took = time - $begin;
        $most = $took if $took > $most;
    }
    return $most;
}

# A first time, so that all pools are there.
my @c = come(50);
$_->close for @c;
ok($node->has_blocked(0), 'a few leave');
my $before = $um->memory;

my $begin = time;
@c = come($n);
note(sprintf 'to come and wait takes %.1f s', time - $begin);
note(sprintf '%.1f kB of memory for each that waits',
    ($um->memory - $before) / $n / 1024);
cmp_ok(slowest(), '<', patience(0.25), 'others are served meanwhile');
like($um->client->cmd(qw(INFO clients)), qr/^blocked_clients:$n\r$/m,
    'INFO knows all of them');
unlike($um->log, qr/descriptors/, 'there are descriptors for all');

# Each gets one.
$begin = time;
$other->cmd('RPUSH', '{q}l', ($_ - 1) * 500 + 1 .. $_ * 500)
    for 1 .. $n / 500;
my %seen;
$seen{ $_->read->[1] }++ for @c;
is(scalar keys %seen, $n, 'each gets an element of his own');
note(sprintf 'to serve them takes %.1f s', time - $begin);
is($other->cmd(qw(LLEN {q}l)), 0, 'none is left');

# libevent keeps a little for each descriptor there ever was; from now on it
# must not be more.
my $memory = $um->memory;

# Metadata while they wait.
$_->send(qw(BLPOP {q}l 0)) for @c;
ok(wait_for { $node->info('blocked_clients') == $n } 60, 'they wait again');
$begin = time;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata that changes nothing');
cmp_ok(time - $begin, '<', patience(1), 'is not held up');
$begin = time;
is($um->setcluster(peer => [ '127.0.0.1:1', [ [ 0, 16383 ] ] ]), 'OK',
    'all slots leave');
is((grep { $_->read =~ /^-MOVED/ } @c), $n, 'all are told');
note(sprintf 'to tell them takes %.1f s', time - $begin);
ok(wait_for { $node->info('blocked_clients') == 0 } 30,
    'nothing is left at Redis');

# And all leave at once.
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK', 'back');
$_->send(qw(BLPOP {q}l 0)) for @c;
ok(wait_for { $node->info('blocked_clients') == $n } 60, 'once more');
$begin = time;
$_->close for splice @c;
ok(wait_for { $node->info('blocked_clients') == 0 } 30, 'all leave');
note(sprintf 'which takes %.1f s', time - $begin);
is($other->cmd(qw(RPUSH {q}l e)), 1, 'what comes now');
is($other->cmd(qw(LPOP {q}l)), 'e', 'is still there');
ok(wait_for {
    $um->client->cmd(qw(INFO clients)) =~ /^connected_clients:[1-3]\r$/m
} 10, 'no client is left');

# Connections are kept a while for those who ask again at once.
ok(wait_for { $node->info('connected_clients') < 50 } 30,
    'nor their connections, after a while');
$um->is_well($memory, qw(GET k));
done_testing;
