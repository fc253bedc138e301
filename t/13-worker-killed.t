#!/usr/bin/perl

# A worker killed under load is replaced at once.  Its clients lose their
# connections and nobody else anything: who stood at its door is served by
# the one that takes its place.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for);

my $node = redis();
my $um = undermoon(workers => 2)->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

# Load: each connects, writes and reads its own keys.  A connection that
# breaks is made anew; one that is refused or gets no answer is an error.
sub load {
    my ($n, $seconds) = @_;
    my ($bad, $lost) = ('', 0);
    my $end = time + $seconds;

    while (time < $end && !$bad) {
        my $c = eval { Undermoon::Client->new($um->addr, timeout => 5) }
            or return "connect: $@";

        for my $i (1 .. 20) {
            my $ok = eval { $c->cmd('SET', "k$n", $i) };
            my $got = $ok && eval { $c->cmd('GET', "k$n") };

            if (!defined $got) {
                return "no answer: $@" if $@ =~ /time is up/;
                $lost++;
                last;
            }

            # What was broken off may run or not; what was answered counts.
            $bad = "got $got instead of $i" if "$got" ne $i;
        }
    }

    return $bad;
}

my @load;
for my $n (1 .. 4) {
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        my $bad = load($n, 4);
        print STDERR "# load $n: $bad\n" if $bad;
        POSIX::_exit($bad ? 1 : 0);
    }
    push @load, $pid;
}

for my $round (1 .. 6) {
    my @before = $um->workers;
    my $victim = $before[ $round % 2 ];

    kill 'KILL', $victim or die "kill $victim: $!";
    ok(wait_for { my @now = $um->workers;
            @now == 2 && !grep { $_ == $victim } @now } 10,
        "killed one ($round), another takes its place");
}

is(Undermoon::Test::reap($_, 20), 0, 'the load saw nothing wrong') for @load;
like($um->log, qr/worker\d: was killed by signal 9 \(Killed\)/,
    'the log tells');

# The queue at its door: nobody serves while the workers stand still.
my @workers = $um->workers;
kill 'STOP', @workers;
my @waiting = map { $um->client(timeout => 10) } 1 .. 100;
$_->write("PING\r\n") for @waiting;
kill 'KILL', $workers[0];
ok(wait_for { 2 == grep { my $w = $_; !grep { $_ == $w } $workers[0] }
        $um->workers } 10, 'one is killed and replaced');
kill 'CONT', $workers[1];
is((grep { (eval { $_->read } // '') eq 'PONG' } @waiting), 100,
    'all who stood at the door are served');

# All at once.
kill 'KILL', $um->workers;
ok(wait_for { $um->serves } 10, 'all killed at once: it serves again');
ok(wait_for { (eval { $um->client->cmd(qw(GET k1)) } // '') =~ /^\d+$/ } 5,
    'with the metadata it had');
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'and takes new ones: no dead worker is waited for');

# One that dies young every time is not restarted all the time.
my $log = length $um->log;
for (1 .. 3) {
    my @now = $um->workers;
    kill 'KILL', @now;
    wait_for { my %old = map { $_ => 1 } @now;
        2 == grep { !$old{$_} } $um->workers } 10;
}
like(substr($um->log, $log), qr/another one starts in [1-9]\d\d+ ms/,
    'pauses grow while they die young');
ok(wait_for { $um->serves } 10, 'it serves');

done_testing;
