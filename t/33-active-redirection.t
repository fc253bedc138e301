#!/usr/bin/perl

# Proxies forward to each other: in the form the reference speaks, bounded in
# hops, and never waiting for each other in a circle.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(cluster undermoon mock_redis redis patience);
use Undermoon::Client;
use Undermoon::Mock qw(bulk);

# What a peer is told.
my $peer = mock_redis(
    UMFORWARD => sub { bulk("by $_[1]: " . join ' ', @_[ 2 .. $#_ - 1 ]) });
my $node = redis();
my $um = undermoon(workers => 1, proxy => <<'END')->start;
    active_redirection on;
    max_redirections   4;
END
is($um->setcluster(local => [ $node->addr, [ [ 0, 8191 ] ] ],
    peer => [ $peer->addr, [ [ 8192, 16383 ] ] ]), 'OK', 'metadata');
my $c = $um->client;

is($c->cmd(qw(GET foo)), 'by 2: GET foo',
    'a peer is told how often it may forward');
is($c->cmd(qw(UMFORWARD 3 GET foo)), 'by 2: GET foo', 'one less each time');
is($c->cmd(qw(UMFORWARD 1 GET foo)), 'by 0: GET foo', 'down to none');
is($c->cmd(qw(UMFORWARD 0 GET foo)), '-ERR_TOO_MANY_REDIRECTIONS',
    'then no more');
is($c->cmd(qw(UMFORWARD 0 SET b 1)), 'OK', 'what is here needs no hop');
my $bytes = Undermoon::Client::request(qw(UMFORWARD 2 GET foo));
cmp_ok(index($peer->received, $bytes), '>=', 0, 'the bytes of it');

is($c->cmd('UMFORWARD'), '-Missing sub command', 'no times');
is($c->cmd(qw(UMFORWARD x GET b)), '-invalid redirection times',
    'times of letters');
is($c->cmd(qw(UMFORWARD 2)), '-missing forwarded command', 'no command');
for my $inner ([qw(PING)], [qw(UMCTL SHUTDOWN)], [qw(AUTH x)], [qw(CONFIG SET
    maxmemory 1)], [qw(UMFORWARD 1 GET b)], [qw(FLUSHALL)], [qw(QUIT)]) {
    like($c->cmd('UMFORWARD', 2, @$inner), qr/^-/, "no data command: @$inner");
}
is($c->cmd(qw(UMFORWARD 1 GET b)), 1, 'the connection lives on');

# Three real ones: any key by any proxy.
my $three = cluster(nodes => 3, proxies => 3, workers => 2,
    proxy => 'active_redirection on; max_redirections 4;');
my @door = map { $three->client(proxy => $_) } 0 .. 2;
my $wrong = 0;
for my $i (1 .. 150) {
    $wrong++ if $door[ $i % 3 ]->cmd('SET', "k$i", "v$i") ne 'OK';
    $wrong++ if $door[ ($i + 1) % 3 ]->cmd('GET', "k$i") ne "v$i";
}
is($wrong, 0, 'any key by any of three proxies');
is_deeply($door[0]->cmd('MGET', map { "k$_" } 1 .. 150),
    [ map { "v$_" } 1 .. 150 ], 'MGET over all of them');
is($door[1]->cmd('DEL', map { "k$_" } 1 .. 150), 150, 'DEL too');
my @replies = $door[2]->pipeline(map { my $i = $_;
    ([ 'SET', "p$i", $i ], [ 'INCR', "p$i" ], [ 'GET', "p$i" ]) } 1 .. 100);
is_deeply(\@replies, [ map { ('OK', $_ + 1, $_ + 1) } 1 .. 100 ],
    'a pipeline keeps its order over them');
my $big = 'x' x 3_000_000;
is($door[0]->cmd('SET', $three->key_on(1, 'big'), $big), 'OK', 'a big value');
ok($door[2]->cmd('GET', $three->key_on(1, 'big')) eq $big, 'there and back');

# Two that each believe the other has everything.
my @both = map { undermoon(workers => 1, proxy => <<'END')->start } 1 .. 2;
    active_redirection on;
    max_redirections   4;
    backend_timeout    3s;
END
for my $i (0, 1) {
    $both[$i]->setcluster(local => [ $node->addr, [ [ 0, 100 ] ] ],
        peer => [ $both[ 1 - $i ]->addr, [ [ 101, 16383 ] ] ]);
}
my @memory = map { $_->memory } @both;
my $begin = time;
my @c = map { $_->client } @both, @both, @both;
for my $round (1 .. 5) {
    $_->write(join '', map { Undermoon::Client::request(@$_) } [qw(GET foo)],
        [ 'MGET', map { "x$_" } 1 .. 20 ], [qw(SET foo bar)]) for @c;
    for my $c (@c) {
        like($c->read, qr/^-ERR_TOO_MANY_REDIRECTIONS/, 'in a circle: GET');
        $c->read for 1, 2;
    }
}
cmp_ok(time - $begin, '<', patience(2), 'a circle is no dead-lock');
$_->close for @c;
$both[$_]->is_well($memory[$_]) for 0, 1;

done_testing;
