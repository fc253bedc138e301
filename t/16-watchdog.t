#!/usr/bin/perl

# A worker that hangs is killed and replaced after worker_watchdog, be it
# stopped or spinning; while the master slept as well, nobody is blamed, and
# neither is a worker that would turn if it were given a processor.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use POSIX ();
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon wait_for patience tempdir spew slurp);

my $limit = patience(1);
my $um = undermoon(workers => 2, main => "worker_watchdog ${limit}s;")->start;
my @workers = $um->workers;
my @clients = map { $um->client } 1 .. 40;
is((grep { $_->cmd('PING') eq 'PONG' } @clients), 40, 'clients of both');

kill 'STOP', $workers[0] or die $!;
my $begin = time;
ok(wait_for { !grep { $_ == $workers[0] } $um->workers } 15,
    'the one that hangs is killed');
my $took = time - $begin;
cmp_ok($took, '>', $limit * 0.8, 'not before its time');
cmp_ok($took, '<', $limit + patience(3), 'and soon after');
ok(wait_for { 2 == $um->workers } 5, 'another one takes its place');
like($um->log, qr/\[error\] .*worker\d: pid $workers[0] has not turned for/,
    'the log says why');
ok((grep { $_ == $workers[1] } $um->workers), 'the other was left alone');
my $served = grep { (eval { $_->cmd('PING') } // '') eq 'PONG' } @clients;
cmp_ok($served, '>', 0, "clients of the other ($served) are still served");
cmp_ok($served, '<', 40, 'those of the hung one are not');

# The whole job stops, as by a terminal's Ctrl-Z, and goes on.
@workers = sort $um->workers;
kill 'STOP', -$um->{group};
select undef, undef, undef, $limit + patience(1); # time itself is the fact
kill 'CONT', -$um->{group};
ok(wait_for { $um->serves } 5, 'it serves again');
select undef, undef, undef, patience(1);
is_deeply([ sort $um->workers ], \@workers, 'and nobody was killed for it');

# One that hangs while it is to stop does not keep us.
kill 'STOP', $workers[0];
is($um->stop, 0, 'it stops all the same');

# One that spins.  To make it, a handler comes in before main().
SKIP: {
    my $lib = tempdir() . '/spin.so';

    spew(tempdir() . '/spin.c', <<'C');
#include <signal.h>
static void spin(int n) { (void) n; for (volatile unsigned i = 0;;) i++; }
__attribute__((constructor)) static void
begin(void) { signal(SIGVTALRM, spin); }
C
    system("cc -shared -fPIC -o $lib " . tempdir() . '/spin.c 2>/dev/null') == 0
        or skip('no cc', 4);
    $um = undermoon(main => "worker_watchdog ${limit}s;",
        env => { LD_PRELOAD => join ' ', asan(), $lib })->start;
    my ($spins) = $um->workers;
    my $begin = time;
    kill 'VTALRM', $spins or die $!;
    my $killed = qr/pid $spins has not turned for \d+ ms, it is killed/;
    ok(wait_for { $um->log =~ $killed } 60, 'one that spins is killed, too');
    cmp_ok(time - $begin, '>', $limit * 0.8, 'not before its time');
    ok(wait_for { $um->serves } 5, 'another one takes its place');
    is($um->stop, 0, 'stop');
}

# A worker on a processor that others keep busy, and that comes after them.
SKIP: {
    my ($cpu) = slurp('/proc/self/status') =~ /^Cpus_allowed_list:\s+(\d+)/m;

    $limit = 0.3;
    $um = undermoon(main => 'worker_watchdog 300ms;')->start;
    my ($starved) = $um->workers;
    my @busy = map { busy($cpu) } 1 .. 3;
    my $placed = system("(taskset -pc $cpu $starved && chrt -i -p 0 $starved)"
        . ' >/dev/null') == 0;

    # Work for it, or its short turns come in between.
    my $c = $um->client(timeout => 60);
    my ($late, $end) = (0, time + 20);
    while ($placed && $late < 3 && time < $end) {
        my $begin = time;

        eval { $c->pipeline(map { ['PING'] } 1 .. 2000) } or last;
        $late++ if time - $begin > 3 * $limit;
    }
    kill 'KILL', @busy;
    waitpid $_, 0 for @busy;

    my $log = $um->log;
    is_deeply([ $um->workers ], [$starved], 'one that gets no CPU lives on')
        or diag($log);
    $late >= 3 or skip('none can be kept from running here', 1);
    like($log, qr/pid $starved has not turned for \d+ ms, for it got no CPU/,
        'and the log tells that it could not run');
}

# A process that does nothing but use this processor.
sub busy {
    my ($cpu) = @_;

    defined(my $pid = fork) or die "fork: $!";
    return $pid if $pid;
    open STDOUT, '>', '/dev/null';
    exec 'taskset', '-c', $cpu, 'sh', '-c',
        "while kill -0 $um->{pid}; do i=0; "
        . 'while [ $i -lt 100000 ]; do i=$((i+1)); done; done'
        or POSIX::_exit(1);
}

# Sanitizers want to be the first.
sub asan {
    my $needs = 'ldd ' . Undermoon::Daemon::binary();

    return `$needs` =~ /(\S*libasan\S*) \(/ ? $1 : ();
}

done_testing;
