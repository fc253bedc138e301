#!/usr/bin/perl

# From the command line to a serving proxy and back: what the program says of
# itself and of a configuration, when it is ready, and that it stops clean.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test
    qw(undermoon wait_for patience slurp spew tempdir free_port);

my $um = undermoon(conf => <<'CONF', workers => 3);
worker_processes  3;
pid               @PIDFILE@;
error_log         stderr info;
proxy {
    listen            127.0.0.1:@PORT@;
    listen            unix:@DIR@/sock;
    announce_address  127.0.0.1:@PORT@;
}
CONF

# Without starting.
my ($status, $said) = $um->run('-v');
is($status, 0, '-v');
like($said, qr/^undermoond \d+\.\d+/, 'names the version');
($status, $said) = $um->run('-V');
like($said, qr/compiler.*modules/s, '-V how it was built');
($status, $said) = $um->run('-h');
like($said, qr/usage: .*reload/s, '-h');
($status, $said) = $um->run('-x');
is($status >> 8, 1, 'an unknown option');
($status, $said) = $um->run('surplus');
like($said, qr/what is "surplus"/, 'a word too many');
($status, $said) = $um->run('-t');
is($status, 0, '-t');
like($said, qr/the configuration is right/, 'and says so');
($status, $said) = $um->run('-T');
like($said, qr/^(?:# )?worker_watchdog\s+5s/m, '-T dumps defaults');

for my $word (qw(stop quit reload reopen)) {
    ($status, $said) = $um->run('-s', $word);
    is($status >> 8, 1, "-s $word without a master");
    like($said, qr/no undermoond runs/, 'says that there is none');
}
for my $word (qw(upgrade rollback)) {
    ($status, $said) = $um->run('-s', $word);
    is($status >> 8, 1, "-s $word");
    like($said, qr/-s $word: this version cannot/, 'is not there yet');
}
like(($um->run(qw(-s dance)))[1], qr/-s dance: no such word/, '-s dance');

my $idle = undermoon(conf => "pid \@PIDFILE\@;\n");
for my $args ([], ['-t']) {
    ($status, $said) = $idle->run(@$args);
    is($status >> 8, 1, "no role: @$args fails");
    like($said, qr/no role configured/, 'and says why');
}

# Ready is: the pid file is there and the workers serve.
$um->start;
is(scalar(my @workers = $um->workers), 3, 'as many workers as configured');
is(slurp($um->{pidfile}), $um->pid . "\n", 'the pid file names the master');
like(slurp("/proc/$workers[0]/cmdline"), qr/^undermoond: worker \d/,
    'ps tells who is who');
is($um->client->cmd('PING'), 'PONG', 'TCP is served');
is(Undermoon::Client->new("unix:$um->{dir}/sock")->cmd('PING'), 'PONG',
    'the unix: socket is served');

# 300 connections find all workers.
my @clients = map { $um->client } 1 .. 300;
is((grep { $_->cmd('PING') eq 'PONG' } @clients), 300, '300 clients');
undef @clients;

# A second one does not steal the port, nor the sockets, nor the pid file.
my $second = undermoon(port => $um->{port});
my $begin = time;
($status, $said) = $second->run('-t');
is($status, 0, '-t says nothing of a port in use');
cmp_ok(time - $begin, '<', patience(1.9), 'and waits for nobody');
$begin = time;
($status, $said) = $second->run;
is($status >> 8, 1, 'a second one on the same port does not start');
cmp_ok(time - $begin, '<', 2 + patience(2), 'and has not waited for long');
like($said, qr/\[notice\] .*listen \S+: is in use, waits/, 'says so');
like($said, qr/listen \S+: bind failed: Address already in use/, 'says why');
($status, $said) = $um->run;
like($said, qr/undermoond runs already, with pid \d+/, 'same pid file: too');
$second = undermoon(conf => <<"CONF");
proxy { listen unix:$um->{dir}/sock; announce_address 127.0.0.1:1; }
CONF
($status, $said) = $second->run('-g', 'pid "";');
like($said, qr/listen unix:\S+: Address already in use/, 'same socket: too');
is($um->client->cmd('PING'), 'PONG', 'the first is not disturbed');
is(Undermoon::Client->new("unix:$um->{dir}/sock")->cmd('PING'), 'PONG',
    'on neither socket');

# Who was killed may have the address for a moment longer.
my $late = undermoon(level => 'notice');
$late->configure(<<"CONF");
pid        \@PIDFILE\@;
error_log  stderr notice;
proxy {
    listen            127.0.0.1:\@PORT\@;
    listen            unix:\@DIR\@/s;
    announce_address  127.0.0.1:\@PORT\@;
}
CONF
for my $addr ([ INET => LocalAddr => $late->addr, ReuseAddr => 1 ],
    [ UNIX => Local => "$late->{dir}/s" ]) {
    my ($kind, @where) = @$addr;

    spew($late->{logfile}, '');
    my $held = "IO::Socket::$kind"->new(Listen => 1, @where) or die "$kind: $!";
    defined(my $holder = fork) or die "fork: $!";
    if (!$holder) {
        wait_for { $late->log =~ /is in use, waits/ } 20;
        POSIX::_exit(0);
    }
    close $held;
    $late->start;
    waitpid $holder, 0;
    like($late->log, qr/is in use, waits/, "$kind: a start waits for it");
    is($late->client->cmd('PING'), 'PONG', "$kind: and then it serves");
    is($late->stop, 0, "$kind: stop");
}

# Told to stop by the command line.
($status, $said) = $um->run('-s', 'stop');
is($status, 0, '-s stop');
ok(wait_for { !-e $um->{pidfile} } 5, 'the pid file goes');
is($um->stop, 0, 'it has ended well');
ok(!-e "$um->{dir}/sock", 'the unix: socket is gone');

# One that was killed leaves a pid file and a socket; neither stands in the
# way of the next.
$um->start;
$um->signal('KILL')->killed;
ok(-e $um->{pidfile} && -e "$um->{dir}/sock", 'killed: both stay behind');
like(($um->run('-s', 'stop'))[1], qr/no undermoond runs/,
    'and are not trusted');
$um->start;
is(Undermoon::Client->new("unix:$um->{dir}/sock")->cmd('PING'), 'PONG',
    'the next one replaces them');
is($um->stop('INT'), 0, 'SIGINT stops it too');

# What is no socket is not removed.
spew("$um->{dir}/sock", 'a letter');
($status, $said) = $um->run;
like($said, qr/a file that is no socket/, 'a file in the way');
is(slurp("$um->{dir}/sock"), 'a letter', 'is left alone');
unlink "$um->{dir}/sock";

# Names of the reference's programs choose the role, the environment the rest.
my $link = tempdir() . '/server_proxy';
my $port = free_port();
symlink Undermoon::Daemon::binary(), $link or die $!;
my $pid = Undermoon::Test::spawn(my $log = tempdir() . '/link.log',
    { UNDERMOON_ADDRESS => "127.0.0.1:$port",
        UNDERMOON_THREAD_NUMBER => 1 }, $link);
ok(wait_for { (eval { Undermoon::Client->new("127.0.0.1:$port")
        ->cmd('PING') } // '') eq 'PONG' } 10, 'server_proxy: no file needed')
    or diag(slurp($log));
kill 'TERM', $pid;
is(Undermoon::Test::reap($pid, 5), 0, 'and ends well');

# As many workers as this machine has processors for us.
chomp(my $processors = `nproc 2>/dev/null` || 0);
SKIP: {
    skip 'no nproc here', 1 unless $processors;
    is(scalar(my @auto = undermoon(workers => 'auto')->start->workers),
        $processors, 'worker_processes auto');
}

# UMCTL SHUTDOWN ends it all.
$um = undermoon(workers => 2)->start;
is($um->client->cmd(qw(UMCTL SHUTDOWN)), 'OK', 'UMCTL SHUTDOWN');
is(Undermoon::Test::reap(delete $um->{pid}, 10), 0, 'ends the master');

done_testing;
