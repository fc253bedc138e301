#!/usr/bin/perl

# In the background: whoever starts it learns how it went; workers are
# another user; the service manager is told.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::UNIX;
use Socket;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(undermoon wait_for slurp tempdir free_port);

my $um = undermoon(conf => <<'CONF');
worker_processes  2;
pid               @DIR@/run/undermoond.pid;
error_log         @DIR@/error.log info;
daemon            on;
proxy { listen 127.0.0.1:@PORT@; announce_address 127.0.0.1:@PORT@; }
CONF
my $pidfile = "$um->{dir}/run/undermoond.pid";

my ($status, $said) = $um->run;
is($status, 0, 'the command returns with 0') or diag($said);
is($said, '', 'and has nothing to say');
ok(-s $pidfile, 'by then the pid file is there, its directory was made');
is($um->client->cmd('PING'), 'PONG', 'and it serves');
chomp(my $pid = slurp($pidfile));
$um->{group} = getpgrp $pid;
is($um->{group}, $pid, 'the master leads a session of its own');
is(readlink "/proc/$pid/fd/$_", '/dev/null', "descriptor $_ is given up")
    for 0 .. 2;

($status, $said) = $um->run;
is($status >> 8, 1, 'a second one fails');
like($said, qr/runs already, with pid $pid/, 'and says so to the terminal');

($status) = $um->run('-s', 'quit');
is($status, 0, '-s quit');
ok(wait_for { !-e $pidfile && !kill 0, $pid } 10, 'ends it');

# What cannot start says so by its exit code.
my $taken = free_port();
my $bad = undermoon(conf => <<"CONF");
pid \@PIDFILE\@;
daemon on;
proxy { listen 192.0.2.1:$taken; announce_address 127.0.0.1:1; }
CONF
($status, $said) = $bad->run;
is($status >> 8, 1, 'an address that is not ours: 1');
like($said, qr/bind failed/, 'with the reason');

# A pid file that cannot be written is found after the fork.
$bad = undermoon(conf => <<'CONF');
pid /proc/nowhere/undermoond.pid;
error_log stderr info;
daemon on;
proxy { listen 127.0.0.1:@PORT@; announce_address 127.0.0.1:1; }
CONF
($status, $said) = $bad->run;
is($status >> 8, 1, 'no place for the pid file: 1');
like($said, qr{pid file /proc/nowhere/\S+: open failed}, 'with the reason');

# The service manager.
my $notify = tempdir() . '/notify';
my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $notify);
my $told = undermoon(env => { NOTIFY_SOCKET => $notify })->start;
$manager->recv(my $word, 100);
is($word, 'READY=1', 'the service manager is told that we are ready');
$told->stop;
$manager->recv($word, 100);
is($word, 'STOPPING=1', 'and that we stop');

SKIP: {
    skip 'only root can be somebody else', 9 if $> != 0;
    my ($name, undef, $uid, $gid) = getpwnam 'nobody';
    skip 'there is no user nobody', 9 if !defined $uid;

    chmod 0755, tempdir();
    my $other = undermoon(workers => 2, conf => <<'CONF')->start;
user              nobody;
worker_processes  2;
pid               @PIDFILE@;
error_log         @DIR@/error.log info;
proxy {
    listen            127.0.0.1:@PORT@;
    listen            unix:@DIR@/sock;
    announce_address  127.0.0.1:@PORT@;
}
CONF
    my $status = slurp('/proc/' . $other->pid . '/status');
    like($status, qr/^Uid:\s+0\s/m, 'the master stays root');
    for my $w ($other->workers) {
        like(slurp("/proc/$w/status"),
            qr/^Uid:\s+$uid\s+$uid\s+$uid.*^Gid:\s+$gid\s+$gid\s+$gid/ms,
            'a worker is nobody');
    }
    is($other->client->cmd('PING'), 'PONG', 'and serves');
    is((stat "$other->{dir}/error.log")[4], $uid, 'the log is given to it');

    # It can open its log again, below a directory it may enter.
    chmod 0755, $other->{dir};
    rename "$other->{dir}/error.log", "$other->{dir}/old.log";
    $other->signal('USR1');
    ok(wait_for { -e "$other->{dir}/error.log" } 5, 'the log is opened again');
    my @before = $other->workers;
    $other->reload;
    ok(wait_for { $other->has_new_workers(@before) } 5, 'a reload');
    ok(wait_for { slurp("$other->{dir}/error.log") =~ /worker\d: leaving/ } 5,
        'old workers write to the new one');
    is($other->client->cmd(qw(UMCTL SHUTDOWN)), 'OK',
        'a worker without rights can ask for the end');
    is(Undermoon::Test::reap(delete $other->{pid}, 10), 0, 'of all');
}

done_testing;
