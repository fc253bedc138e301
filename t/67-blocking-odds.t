#!/usr/bin/perl

# What else a client that waits may come upon: big words, much that stands
# behind, other protocols, the end of its worker's time.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for patience);

my $node = redis();
my $um = undermoon(workers => 1,
    proxy => 'session_timeout 1s; backend_timeout 500ms; big_request 1m;',
    main => 'worker_shutdown_timeout 2s;')->start;
my @local = (local => [ $node->addr, [ [ 0, 16383 ] ] ]);
is($um->setcluster(@local), 'OK', 'metadata');
my $memory = $um->memory;
my $request = \&Undermoon::Client::request;

# To wait is not to be idle, nor is it to be late.
my $c = $um->client;
my $begin = time;
is($c->cmd(qw(BLPOP l 2.5)), undef, 'longer than session_timeout');
cmp_ok(time - $begin, '>', 2.4, 'and than backend_timeout');

# Big words and big elements, many keys.
my $key = 'k' x 500_000;
is($c->cmd('BLPOP', $key, 0.05), undef, 'a big key');
$c->send('BLPOP', $key, 0);
ok($node->has_blocked(1), 'waits');
my $big = 'v' x 3_000_000;
is($um->client->cmd('RPUSH', $key, $big), 1, 'for a big element');
my $got = $c->read;
ok($got->[0] eq $key && $got->[1] eq $big, 'and gets it');
like($c->cmd('BLPOP', $key x 3, 0), qr/^-ERR .*big_request/,
    'bigger than big_request it must not be');
is($c->cmd('BLPOP', (map { "{q}$_" } 1 .. 5000), 0.05), undef, 'many keys');
is($c->cmd(qw(PING)), 'PONG', 'the connection lives on');

# The words of a person, and of a proxy.
$c->write("blpop l 0.05\r\nping\r\n");
is($c->read, undef, 'an inline command');
is($c->read, 'PONG', 'and the next');
is($c->cmd(qw(UMFORWARD 2 BLPOP l 0.05)), undef, 'one that was forwarded');

# The protocol changes behind it.
$c->write(join '', map { $request->(@$_) } [qw(BLPOP l 0.05)], [qw(HELLO 3)],
    [qw(BLPOP l 0.05)], [qw(HELLO 2)], [qw(BLPOP l 0.05)]);
is($c->read_raw, "*-1\r\n", 'RESP2');
is({ @{ $c->read } }->{proto}, 3, 'HELLO behind it');
is($c->read_raw, "_\r\n", 'RESP3');
$c->read;
is($c->read_raw, "*-1\r\n", 'and back');

# Nobody wants to know.
$c->write(join '', map { $request->(@$_) } [qw(CLIENT REPLY SKIP)],
    [qw(BLPOP l 0.05)], [qw(PING)]);
is($c->read, 'PONG', 'CLIENT REPLY SKIP');

# It leaves with much behind.
for my $n (1, 10, 100) {
    my $leaves = $um->client;
    $leaves->send(qw(BLPOP l 0));
    ok($node->has_blocked(1), 'one waits');
    $leaves->write($request->('SET', 'behind', 'y' x 1000) x $n);
    $leaves->close;
    ok($node->has_blocked(0), "and leaves, with $n behind it");
}
is($c->cmd(qw(EXISTS behind)), 0, 'they are not done');

# It leaves in a crowd.
my @crowd = map { $um->client } 1 .. 50;
$_->send(qw(BLPOP l 0)) for @crowd;
ok($node->has_blocked(50), 'fifty wait');
$_ % 2 ? $crowd[$_]->close : $crowd[$_]->reset for 0 .. 48;
ok($node->has_blocked(1), 'all but one leave');
is($c->cmd(qw(RPUSH l e)), 1, 'what comes now');
is_deeply($crowd[49]->read, [qw(l e)], 'is his');
$_->close for @crowd;
$um->is_well($memory);

# A reload, and the time of the old worker is over.
my $old = $um->client;
$old->send(qw(BLPOP l 0));
ok($node->has_blocked(1), 'one waits');
my @before = $um->workers;
$um->reload;
ok(wait_for { $um->has_new_workers(@before) } 5, 'a reload');
like($old->read, qr/^-UNBLOCKED/, 'when its time is over he is let go');
ok($old->closed, 'and closed');
ok($node->has_blocked(0), 'and nothing is left');

# Redis has no room for so many.
my $narrow = redis(more => [qw(--maxclients 20)]);
my $full = undermoon(workers => 1)->start;
$full->setcluster(local => [ $narrow->addr, [ [ 0, 16383 ] ] ]);
$c = $full->client;
is($c->cmd(qw(SET k v)), 'OK', 'a Redis with maxclients 20');
my @c = map { $full->client } 1 .. 40;
$_->send(qw(BLPOP l 0)) for @c;
ok(wait_for { 15 < grep { !$_->silent(0) } @c } 10, 'most cannot wait there');
my @wait = grep { $_->silent(0.05) } @c;
is((grep { my $w = $_; (grep { $_ == $w } @wait) || $w->read =~ /not sent/ }
    @c), 40, 'and are told so');
cmp_ok(scalar @wait, '>', 10, 'the others do');
is($c->cmd(qw(GET k)), 'v', 'what does not wait is served');
is($c->cmd('RPUSH', 'l', 1 .. @wait), scalar @wait, 'elements');
is((grep { ref($_->read) eq 'ARRAY' } @wait), scalar @wait,
    'come to those who wait');
cmp_ok(scalar(() = $full->log =~ /\[error\]/g), '<', 15,
    'and the log is not flooded');

# Without the right to ask.
my $locked = undermoon(workers => 1, password => 'secret',
    proxy => 'password secret;')->start;
$locked->setcluster(@local);
is($locked->client->cmd(qw(BLPOP l 0)), '-NOAUTH Authentication required.',
    'without a password nobody waits');
$c = $locked->client;
$c->write($request->(qw(AUTH secret)) . $request->(qw(BLPOP l 0.05)));
is($c->read, 'OK', 'AUTH');
is($c->read, undef, 'and it is tried');

# The end.
for my $signal (qw(QUIT TERM)) {
    my $last = $locked->client;
    $last->cmd(qw(AUTH secret));
    $last->send(qw(BLPOP l 0));
    ok($node->has_blocked(1), 'one waits');
    $begin = time;
    is($locked->stop($signal), 0, "SIG$signal");
    cmp_ok(time - $begin, '<', patience(2), 'does not wait for him');
    like(eval { $last->read } // '-', qr/^-/, 'he is let go');
    ok($node->has_blocked(0), 'nothing is left');
    last if $signal eq 'TERM';
    $locked->start;
    is($locked->setcluster(@local), 'OK', 'and it starts again');
}
is($node->cmd(qw(RPUSH l e)), 1, 'what comes now');
is($node->cmd(qw(LPOP l)), 'e', 'is still there');

done_testing;
