#!/usr/bin/perl

# The redis block: redis-servers as children, with data that outlives them,
# started again when they die, and stopped last.  They begin as replicas of
# nobody, and are masters when SETREPL says so.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use File::Path ();
use Test::More;
use Undermoon::Client;
use Undermoon::Redis;
use Undermoon::Test qw(undermoon wait_for slurp free_port tempdir spew);

my $program = $ENV{UM_REDIS_SERVER} // Undermoon::Redis::program('redis-server')
    // plan(skip_all => 'no redis-server in PATH');
my $port = free_port();
my $um = undermoon(workers => 1, conf => <<"CONF")->start;
worker_processes  1;
pid               \@PIDFILE\@;
error_log         stderr info;
proxy {
    listen            127.0.0.1:\@PORT\@;
    announce_address  127.0.0.1:\@PORT\@;
    backend_password  "se cret\\\\";
}
redis {
    server      $program;
    listen      127.0.0.1:$port unix:\@DIR\@/r.sock;
    dir         \@DIR\@/deep/redis;
    maxmemory   100m;
    set         hz 50;
}
CONF
my $secret = 'se cret\\';
my @addr = ("127.0.0.1:$port", "unix:$um->{dir}/r.sock");

sub direct {
    my ($addr) = @_;
    my $c = Undermoon::Client->new($addr);

    $c->cmd('AUTH', $secret) eq 'OK' or die 'password';
    return $c;
}

ok(wait_for { eval { direct($_) for @addr; 1 } } 10, 'both servers are up');
like(Undermoon::Client->new($addr[0])->cmd(qw(GET k)), qr/^-NOAUTH/,
    'and ask for the password');
my %config = @{ direct($addr[0])->cmd(qw(CONFIG GET *)) };
is($config{dir}, "$um->{dir}/deep/redis/$port", 'a directory of its own');
is($config{appendonly}, 'yes', 'data is kept');
is($config{maxmemory}, 100 << 20, 'maxmemory');
is($config{hz}, 50, 'other settings');
is($config{bind}, '127.0.0.1', 'only where it was told to listen');

is($config{replicaof}, '127.0.0.1 0', 'a replica of nobody');
like(direct($addr[0])->cmd(qw(SET k v)), qr/^-READONLY/,
    'that nobody writes to');

# What a coordinator says: both are masters, without replicas.
sub assign {
    my ($epoch) = @_;

    is($um->client->cmd('UMCTL', 'SETREPL', $epoch, 'FORCE',
        map { ('master', 'testcluster', $_, 0) } @addr), 'OK', 'masters');
    is($um->setcluster(epoch => $epoch, flags => 'FORCE',
        local => [ $addr[0], [ [ 0, 8191 ] ], $addr[1],
            [ [ 8192, 16383 ] ] ]), 'OK', 'metadata');
}

assign(1);
ok(wait_for { $um->client->cmd(qw(UMCTL BEAT)) eq '1 1 none 1 0' } 10,
    'both are masters');
my $client = $um->client;
ok(wait_for { $client->cmd(qw(SET a 1)) eq 'OK'
        && $client->cmd(qw(SET b 1)) eq 'OK' } 5, 'the proxy serves with them');

sub redis_pid {
    return direct($_[0])->cmd(qw(INFO server)) =~ /process_id:(\d+)/ && $1;
}
my @pid = map { redis_pid($_) } @addr;
unlike(slurp("/proc/$pid[0]/cmdline"), qr/cret/, 'ps shows no password');

# Killed: it comes back with its data, the other is not touched.
kill 'KILL', $pid[0] or die $!;
ok(wait_for { my $p = eval { redis_pid($addr[0]) }; $p && $p != $pid[0] } 10,
    'a killed server comes back');
ok(wait_for { (eval { $client->cmd(qw(GET a)) } // '') eq 1
        && $client->cmd(qw(GET b)) eq 1 } 10, 'with its data');
like($um->log, qr/redis $port: was killed by signal 9.*redis\.log/,
    'the log tells, and where to read on');
is(redis_pid($addr[1]), $pid[1], 'the other runs on');

# A reload does not touch them; a change is told to need a restart.
my @before = $um->workers;
@pid = map { redis_pid($_) } @addr;
$um->configure(slurp($um->{file}) =~ s/hz 50/hz 20/r)->reload;
ok(wait_for { $um->log =~ /redis: set: the change counts after a restart/ } 5,
    'a reload says what it cannot do');
ok(wait_for { $um->log =~ /the old ones retire/ } 5, 'and is done');
is_deeply([ map { redis_pid($_) } @addr ], \@pid, 'the servers run on');

# Stopped last, in order, with everything on disk.
is($um->client->cmd(qw(SET last word)), 'OK', 'a last write');
is($um->stop, 0, 'stop');
is((grep { kill 0, $_ } @pid), 0, 'the servers have ended');
like($um->log, qr/worker0:\ (?:has\ left|exited).*
        redis\ $port:\ exited\ with\ code\ 0.*ends/xs, 'after the workers');
$um->start;
ok(wait_for { eval { direct($_) for @addr; 1 } } 10, 'started again');
assign(100);
ok(wait_for { (eval { $um->client->cmd(qw(GET last)) } // '') eq 'word' } 5,
    'the data is there');

# One that cannot save refuses to stop; it is told again, and then it can.
@pid = map { redis_pid($_) } @addr;
my $dir = "$um->{dir}/deep/redis/$port";
mkdir "$dir/temp-$pid[0].rdb" or die $!; # where it would write
is($um->client->cmd(qw(SET last said)), 'OK', 'something to save');
$um->signal('TERM');
ok(wait_for { slurp("$dir/redis.log") =~ /trying to save the DB, can't exit/ }
    10, 'a server cannot save');
rmdir "$dir/temp-$pid[0].rdb" or die $!;
is($um->stop, 0, 'it stops all the same');
like($um->log, qr/redis\ $port:\ has\ not\ stopped\ yet,\ is\ told\ again.*
        redis\ $port:\ exited\ with\ code\ 0/xs, 'and has saved');

# Where it never can it is killed in the end.
$um->configure(slurp($um->{file}) =~ s/hz 20;/hz 20; stop_timeout 2s;/r);
$um->start;
ok(wait_for { eval { direct($_) for @addr; 1 } } 10, 'and again');
assign(200);
ok(wait_for { (eval { $um->client->cmd(qw(GET last)) } // '') eq 'said' } 5,
    'the data is there');
@pid = map { redis_pid($_) } @addr;
is($um->client->cmd(qw(SET last lost)), 'OK', 'something to save');
File::Path::remove_tree($dir);
is($um->stop, 0, 'stop, and a directory is gone');
is((grep { kill 0, $_ } @pid), 0, 'the servers have ended');
like($um->log, qr/redis $port: does not stop, see .*; it is killed/,
    'one had to be killed');
$um->start;
ok(wait_for { eval { direct($_) for @addr; 1 } } 10, 'and again');

# With the master they go, too.
@pid = map { redis_pid($_) } @addr;
$um->signal('KILL')->killed;
ok(wait_for { !grep { kill 0, $_ } @pid } 10,
    'the master is killed: they stop as well');

# One that cannot run is tried again, ever more slowly; the rest serves.
my $bad = tempdir() . '/bad-server';
spew($bad, "#!/bin/sh\nexit 3\n");
chmod 0755, $bad;
$um = undermoon(main => "redis { server $bad; listen 127.0.0.1:$port;"
    . " dir \@DIR\@; }")->start;
ok(wait_for { join(' ', $um->log =~ /exited with code 3.* again in (\d+) ms/g)
        =~ /^0 100 200\b/ } 5, 'a server that dies young');
is($um->client->cmd('PING'), 'PONG', 'does not hinder the proxy');
is($um->stop, 0, 'nor its end');

my ($status, $said) = undermoon(main => "redis { server $bad.none;"
    . ' listen 127.0.0.1:1; dir @DIR@; }')->run;
is($status >> 8, 1, 'a program that is not there');
like($said, qr/redis: server \S+: No such file/, 'is named');

# Without `server` the first that is in PATH, valkey before redis.
my $bin = tempdir() . '/bin';
mkdir $bin or die $!;
my %poor = (env => { PATH => "/nowhere:$bin" },
    main => "redis { listen 127.0.0.1:$port; dir \@DIR\@; }");
($status, $said) = undermoon(%poor)->run;
is($status >> 8, 1, 'no program in PATH');
like($said, qr/redis: neither valkey-server, redis-server nor keydb-server/,
    'is told');
symlink $program, "$bin/$_" or die $! for qw(keydb-server valkey-server);
$um = undermoon(%poor)->start;
ok(wait_for { (eval { Undermoon::Client->new($addr[0])->cmd('PING') } // '')
        eq 'PONG' } 10, 'one that is there is run');
my ($pid) = Undermoon::Client->new($addr[0])->cmd(qw(INFO server))
    =~ /process_id:(\d+)/;
like(slurp("/proc/$pid/cmdline"), qr/^\Q$bin\E\/valkey-server/,
    'the first of the list');

done_testing;
