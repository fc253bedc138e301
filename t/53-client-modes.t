#!/usr/bin/perl

# What CLIENT says of a connection and of others: who is blocked and is not any
# more, who is closed last when memory is short, and what is refused.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster wait_for);

# One client's line of CLIENT LIST, as a hash.
sub line {
    my ($asked, $id) = @_;
    my $line = $asked->cmd(qw(CLIENT LIST ID), $id);

    chomp $line;
    return +{ map { /^([^=]+)=(.*)/ } split / /, $line };
}

# ---- CLIENT UNBLOCK -----------------------------------------------------

{
    my $cluster = cluster(nodes => 2, workers => 3);
    my @c = map { $cluster->client } 1 .. 12;
    my $by = $cluster->client;
    my @how = ([], ['TIMEOUT'], ['ERROR']);

    for my $i (0 .. $#c) {
        my ($c, $how) = ($c[$i], $how[ $i % 3 ]);
        my $proto = $i % 2 ? 3 : 2;
        my @said = $i % 4 < 2 ? ('BLPOP', "k$i", 0)
            : ('XREAD', qw(BLOCK 0 STREAMS), "s$i", '$');
        my $node = $cluster->node($cluster->node_of(
            $said[0] eq 'BLPOP' ? "k$i" : "s$i"));
        my ($redis, $r) = ($node->client, $node->client);

        $_->cmd('HELLO', $proto) for $c, $redis;
        my $id = $c->cmd(qw(CLIENT ID));
        is($by->cmd(qw(CLIENT UNBLOCK), $id), 0, "client $i is not blocked");
        $c->send(@said);
        ok(wait_for { line($by, $id)->{flags} eq 'b' } 10, 'now it is');

        # The same straight to the Redis.
        my $direct = $redis->cmd(qw(CLIENT ID));
        $redis->send(@said);
        ok(wait_for { line($r, $direct)->{flags} eq 'b' } 10, 'at Redis, too');
        $r->cmd(qw(CLIENT UNBLOCK), $direct, @$how);

        is($by->cmd(qw(CLIENT UNBLOCK), $id, @$how), 1, "UNBLOCK @$how");
        is($c->read_raw, $redis->read_raw, "RESP$proto: $said[0] is answered");
        is($by->cmd(qw(CLIENT UNBLOCK), $id), 0, 'it is blocked no more');
        is(line($by, $id)->{flags}, 'N', 'nor shown so');
        is($c->cmd('PING'), 'PONG', 'and lives on');
    }

    # Nobody hears of it whose replies are off.
    my $id = $c[0]->cmd(qw(CLIENT ID));
    $c[0]->send(qw(CLIENT REPLY SKIP));
    $c[0]->send(qw(BLPOP k0 0));
    ok(wait_for { line($by, $id)->{flags} eq 'b' } 10, 'muted and blocked');
    is($by->cmd(qw(CLIENT UNBLOCK), $id, 'ERROR'), 1, 'UNBLOCK');
    is($c[0]->cmd('PING'), 'PONG', 'is not told it');
}

# ---- CLIENT NO-EVICT ----------------------------------------------------

{
    my $cluster = cluster(nodes => 1, workers => 1,
        proxy => 'client_output_limit 30m; buffer_memory 32m;');
    my $by = $cluster->client;
    my $memory = $cluster->proxy->memory;

    $by->cmd('SET', 'big', 'x' x (24 << 20));

    # One that asks for it and does not read.
    my $deaf = sub {
        my (@before) = @_;
        my $c = $cluster->client(rcvbuf => 1 << 18);
        my $id = $c->cmd(qw(CLIENT ID));

        $c->cmd(@$_) for @before;
        $c->send(qw(GET big));
        ok(wait_for {
            my $l = line($by, $id);
            !$l->{id} || $l->{omem} > 16 << 20;
        } 20, 'a client does not read');
        return ($c, $id);
    };
    my $on = [qw(CLIENT NO-EVICT ON)];
    my ($first) = $deaf->();
    my ($second, $id) = $deaf->($on);
    my $l = line($by, $id);
    is($l->{flags}, 'e', 'one more, with NO-EVICT, is kept');

    my ($third, $its) = $deaf->();
    ok($third->closed, 'one without is closed when buffer_memory is used up');
    ($third, $its) = $deaf->($on, [qw(CLIENT NO-EVICT OFF)]);
    ok($third->closed, 'so is one that took it back');

    my @more = map { [ $deaf->($on) ] } 1 .. 2;
    is(scalar(grep { !line($by, $_->[1])->{id} } @more) > 0, 1,
        'twice of it is enough of them');
    ok(line($by, $id)->{id}, 'others stay');
    is(length $second->read, 24 << 20, 'and get what they wait for');
    $_->close for $first, $second, map { $_->[0] } @more;

    my $c = $cluster->client;
    $c->cmd(@$on);
    is($c->cmd('RESET'), 'RESET', 'RESET');
    like($c->cmd(qw(CLIENT INFO)), qr/ flags=e /, 'leaves it, as in Redis 7.0');
    $by->cmd(qw(DEL big));
    $cluster->proxy->is_well($memory, 'PING');
}

# ---- what is refused, saying why ----------------------------------------

{
    my $cluster = cluster(nodes => 1);
    my $c = $cluster->client;
    my @refused = (
        [ 'CLIENT TRACKING ON' => qr/^-ERR CLIENT TRACKING ON is not supp/ ],
        [ 'CLIENT TRACKING on BCAST' => qr/^-ERR CLIENT TRACKING ON is not / ],
        [ 'CLIENT NO-TOUCH ON' => qr/^-ERR CLIENT NO-TOUCH ON is not supp/ ],
        [ 'CLIENT NO-TOUCH x' => qr/^-ERR syntax error$/ ],
        [ 'CLIENT PAUSE 10' => qr/^-ERR command 'client\|pause' is not supp/ ],
    );

    for my $proto (2, 3) {
        $c->cmd('HELLO', $proto);
        like($c->cmd(split / /, $_->[0]), $_->[1], "RESP$proto: $_->[0]")
            for @refused;
        is($c->cmd(qw(CLIENT NO-TOUCH OFF)), 'OK', 'what it always is: OK');
        is($c->cmd(qw(CLIENT GETREDIR)), -1, 'nothing is redirected');
    }
}

done_testing;
