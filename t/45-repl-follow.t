#!/usr/bin/perl

# Replicas follow: by passwords, users, names; past what others tell them by
# hand; with what old versions know.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Mock qw(bulk);
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(undermoon redis mock_redis wait_for patience);

# ---- As it is made ---------------------------------------------------------

{
    my $pair = pair(workers => 2);
    my $begin = time;

    $pair->tell('normal');
    ok($pair->in_sync, 'a new chunk is in sync');
    cmp_ok(time - $begin, '<', patience(10), 'soon');
    diag(sprintf 'in sync after %.0f ms', 1000 * (time - $begin));
    is($pair->health(3)->{link}, 1, 'its link is up');
    $pair->proxy(0)->client->cmd('SET', "k$_", 'x' x 1000) for 1 .. 100;
    ok((wait_for {
        my ($m, $r) = map { $pair->health($_) } 0, 3;
        $m->{offset} > 1000 && $r->{offset} >= $m->{offset} && $r->{lag} eq 0;
    } 10), 'offset and lag are told');
    like($pair->proxy(0)->client->cmd(qw(INFO replication)),
        qr/role=master,state=serving,link=down,replicas=1,/,
        'and how many follow');

    # By hand: a replica is brought back, a master was taken over from.
    $pair->node(3)->cmd(qw(REPLICAOF 127.0.0.1 1));
    ok((wait_for { $pair->state(3) ne 'in_sync' } 10), 'led astray');
    ok($pair->in_sync, 'a replica comes back');
    $pair->node(3)->cmd(qw(REPLICAOF NO ONE));
    ok((wait_for { $pair->role(3) eq 'slave' } 10), 'also from freedom');
    ok($pair->in_sync, 'in sync');

    $pair->node(0)->cmd(qw(REPLICAOF 127.0.0.1), $pair->node(2)->{port});
    ok((wait_for { $pair->beat(0)->{fault} eq 'fenced' } 10),
        'a master that somebody made a replica is fenced');
    like($pair->proxy(0)->log, qr/fenced: it was made a replica/, 'and told');
}

# ---- Passwords -------------------------------------------------------------

for my $how (
    [ 'a password', { password => 'the secret' },
        'backend_password "the secret";', '' ],
    [ 'a user with all rights', { more => [
        qw(--user app on >hidden ~* &* +@all), qw(--user default off) ] },
        'backend_user app; backend_password hidden;', '' ],
    [ 'a user that may not make users', { more => [
        qw(--user app on >hidden ~* &* +@all -acl), qw(--user default off) ] },
        'backend_user app; backend_password hidden;',
        qr/follows without a name of its own: NOPERM/ ],
) {
    my ($what, $redis, $proxy, $said) = @$how;
    my $pair = pair(redis => $redis, proxy => $proxy);

    $pair->tell('normal');
    ok($pair->in_sync(within => 30), "$what: in sync");
    is($pair->proxy(0)->client->cmd(qw(SET {a}1 v)) =~ /^(?:OK|-MOVED)/, 1,
        "$what: served");
    $pair->tell('second');
    ok($pair->in_sync(within => 30), "$what: promoted");
    unlike(join('', map { $_->log } $pair->proxies), qr/hidden|the secret/,
        "$what: no password is told");
    like($pair->proxy(0)->log, $said, "$what: the log tells") if $said;
}

# ---- Names and sockets -----------------------------------------------------

{
    my @node = map { redis() } 0, 1;
    my @name = map { "localhost:$_->{port}" } @node;
    my $um = undermoon(conf => <<'CONF')->start;
worker_processes  1;
pid               @PIDFILE@;
error_log         stderr notice;
proxy {
    listen            127.0.0.1:@PORT@;
    announce_address  localhost:@PORT@;
}
CONF
    my $c = $um->client;

    is($c->cmd(qw(UMCTL SETREPL 1 NOFLAG), 'master', 'mydb', $name[0], 1,
        $name[1], $um->addr, 'replica', 'mydb', $name[1], 1, $name[0],
        $um->addr), 'OK', 'nodes may have names');
    is($c->cmd(qw(UMCTL SETCLUSTER v2 1 NOFLAG mydb), $name[0], 1, '0-16383'),
        'OK', 'SETCLUSTER');
    ok((wait_for { $c->cmd(qw(UMCTL BEAT)) eq '1 1 none 1 0' } 20), 'in sync');
    is($c->cmd(qw(SET k v)), 'OK', 'served');
    is($c->cmd(qw(UMCTL SETREPL 2 NOFLAG), 'replica', 'mydb', $name[0], 1,
        $name[1], $um->addr, 'master', 'mydb', $name[1], 1, $name[0],
        $um->addr), 'OK', 'the other way round');
    is($c->cmd(qw(UMCTL SETCLUSTER v2 2 NOFLAG mydb), $name[1], 1, '0-16383'),
        'OK', 'SETCLUSTER');
    ok((wait_for { $c->cmd(qw(UMCTL BEAT)) eq '2 2 none 1 0' } 20), 'in sync');
    is($c->cmd(qw(GET k)), 'v', 'with its data');

    # A name that nobody knows.
    is($c->cmd(qw(UMCTL SETREPL 3 NOFLAG), 'replica', 'mydb', $name[0], 1,
        'no-such-host.invalid:1', $um->addr), 'OK', 'a master without a host');
    ok((wait_for {
        my %info = @{ $c->cmd(qw(UMCTL INFO)) };
        "@{ $info{Replication}[0] // [] }" =~
            /state:waiting\n why:its master does not answer\n/;
    } 20), 'is waited for');
}

{
    my ($unix, $tcp) = (redis(unix => 1), redis());
    my $um = undermoon()->start;
    my $c = $um->client;

    is($c->cmd(qw(UMCTL SETREPL 1 NOFLAG), 'master', 'mydb', $unix->addr, 1,
        $tcp->addr, $um->addr, 'replica', 'mydb', $tcp->addr, 1, $unix->addr,
        $um->addr), 'OK', 'a master at a UNIX socket');
    ok((wait_for {
        my %info = @{ $c->cmd(qw(UMCTL INFO)) };
        "@{ $info{Replication}[1] // [] }" =~ /why:its master is at a UNIX/;
    } 10), 'cannot be followed, which is told');
    is($c->cmd(qw(UMCTL SETCLUSTER v2 1 NOFLAG mydb), $unix->addr, 1,
        '0-16383'), 'OK', 'SETCLUSTER');
    is($c->cmd(qw(SET k v)), 'OK', 'but serves');
}

# ---- Before 6.2 ------------------------------------------------------------

# Two that know neither ACL nor CLIENT PAUSE ... WRITE, and of which one is told
# to take over from the other.
{
    my ($master_addr, $is_master);
    my %common = (ACL => sub { "-ERR unknown command `ACL`\r\n" },
        AUTH => sub { "-ERR Client sent AUTH, but no password is set\r\n" },
        'CLIENT PAUSE' => sub { "-ERR timeout is not an integer\r\n" },
        'CLIENT UNPAUSE' => sub { "-ERR unknown subcommand\r\n" },
        'CONFIG GET' => sub {
            "*2\r\n" . bulk($_[2]) . bulk($_[2] =~ /min-slaves/ ? 3 : '');
        });
    my $server = "redis_version:5.0.7\r\nloading:0\r\n";
    my $old = mock_redis(%common, INFO => sub {
        bulk($server . 'run_id:' . 'b' x 40 . "\r\nrole:master\r\n"
            . "master_repl_offset:700\r\nmaster_replid:" . 'c' x 40 . "\r\n"
            . "connected_slaves:1\r\n") });
    my $new = mock_redis(%common, INFO => sub {
        bulk($server . 'run_id:' . 'a' x 40 . "\r\n" . ($is_master
            ? "role:master\r\nmaster_repl_offset:700\r\nmaster_replid:"
                . 'd' x 40 . "\r\nmaster_replid2:" . 'c' x 40 . "\r\n"
            : "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:$old->{port}"
                . "\r\nmaster_link_status:up\r\nslave_repl_offset:700\r\n"
                . 'master_replid:' . 'c' x 40 . "\r\n")) },
        SLAVEOF => sub { $is_master = $_[1] eq 'NO'; "+OK\r\n" });
    my $um = undermoon()->start;
    my $c = $um->client;

    is($c->cmd(qw(UMCTL SETREPL 1 NOFLAG), 'master', 'mydb', $new->addr, 1,
        $old->addr, '127.0.0.1:1'), 'OK', 'old versions');
    ok((wait_for {
        grep { "@$_" =~ /^SLAVEOF 127\.0\.0\.1 $new->{port}/ } $old->commands;
    } 20), 'are promoted and told to follow, too');

    my $said = join "\n", map { "@$_" } $old->commands;
    like($said, qr/CONFIG\ GET\ min-slaves-to-write\n
        CONFIG\ SET\ min-slaves-to-write\ 1000000\nINFO\n
        (?:.*\n)*?SLAVEOF\ 127/x, 'the old one is fenced by what it knows');
    is((grep { "@$_" eq 'SLAVEOF NO ONE' } $new->commands), 1, 'promoted once');
    unlike($said, qr/ACL|PAUSE/, 'what it does not know is not asked for');
}

done_testing;
