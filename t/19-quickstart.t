#!/usr/bin/perl

# The README's first command: a whole cluster that proves itself and outlives
# one of its proxies. After Ctrl-C neither a process nor a directory is left.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Undermoon::Test qw(wait_for);

plan skip_all => 'no redis-server or redis-cli'
    if grep { system("command -v $_ >/dev/null 2>&1") } qw(redis-server
        redis-cli);
plan tests => 14;

my $script = "$ENV{UM_SRCDIR}/contrib/quickstart";
my $tmp    = tempdir(CLEANUP => 1);
$ENV{TMPDIR} = $tmp;
$ENV{UM_NO_INSTALL} = 1;

sub free_port {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no port: $!";
    return $s->sockport;
}

sub slurp {
    open my $fh, '<', $_[0] or return '';
    local $/;
    return scalar(<$fh>) // '';
}

# Processes whose command line or directory names our temporary directory.
sub left_running {
    return grep {
        my $cwd = readlink("/proc/$_/cwd") // '';
        /^\d+$/ && $_ != $$
            && (slurp("/proc/$_/cmdline") =~ /\Q$tmp\E/
            || index($cwd, $tmp) == 0);
    } map { s{^/proc/}{}r } glob('/proc/[0-9]*');
}

sub dirs_left {
    return grep { -d } glob("$tmp/undermoon.*");
}

# Prove and leave.
my $port = free_port();
my $said = qx($script --once --nodes 8 --port $port 2>&1 </dev/null);
is($?, 0, '--once proves itself') or diag($said);
like($said, qr/^\s+\.\.\. 16 keys written and read back$/m,
    'on eight nodes');
is_deeply([dirs_left()], [], 'no directory is left');
ok((wait_for { !left_running() } 5), 'no process is left');

like(qx($script --nodes 6 2>&1), qr/multiple of 4/, 'not with any number');

# Stay, serve, and go with Ctrl-C.
$port = free_port();
my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    setpgrp(0, 0);
    $SIG{INT} = 'DEFAULT';
    open STDIN, '<', '/dev/null' or die;
    open STDOUT, '>', "$tmp/said" or die;
    open STDERR, '>&', \*STDOUT or die;
    exec $script, '--port', $port or die "exec: $!";
}

ok((wait_for { slurp("$tmp/said") =~ /^Stop:\s+Ctrl-C/m } 60),
    'it says how to stop') or diag(slurp("$tmp/said"));
like(slurp("$tmp/said"), qr/redis-cli -c -p $port\b/, 'and how to connect');
is(qx(redis-cli -c -p $port SET from outside 2>&1), "OK\n", 'it serves');
is(qx(redis-cli -c -p $port GET from 2>&1), "outside\n", 'and reads back');

my ($masters) = slurp("$tmp/said") =~ /^Break:.*\n\s+([\d ]+)$/m;
my $last = (split ' ', $masters // '')[-1];
ok($last && kill('KILL', -$last), 'a proxy is lost, with its Redis');
ok((wait_for { 4 == grep { qx(redis-cli -c -p $port SET k$_ v 2>&1) eq "OK\n" }
        qw(1 2 3 4) } 60), 'and the cluster goes on');

kill 'INT', -$pid;
ok((wait_for { waitpid($pid, WNOHANG) == $pid } 20), 'Ctrl-C ends it')
    or kill 'KILL', -$pid;
is_deeply([dirs_left()], [], 'without a directory');
ok((wait_for { !left_running() } 5), 'without a process');
