#!/usr/bin/perl

# After a rotation SIGUSR1 makes everybody write to the new file, those too
# that retire or have just started.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon wait_for slurp);

my $um = undermoon(workers => 2, conf => <<'CONF')->start;
worker_processes  2;
pid               @PIDFILE@;
error_log         @DIR@/error.log info;
proxy { listen 127.0.0.1:@PORT@; announce_address 127.0.0.1:@PORT@; }
CONF
my $log = "$um->{dir}/error.log";

# Who of them has the file of this name open?
sub writers {
    my ($file) = @_;
    my ($dev, $ino) = stat $file or return;

    return grep {
        my $pid = $_;
        grep { my @s = stat; @s && $s[0] == $dev && $s[1] == $ino }
            glob "/proc/$pid/fd/*";
    } $um->pid, $um->workers;
}

my $old = $um->client;
is($old->cmd('PING'), 'PONG', 'a client');
like(slurp($log), qr/\[notice\] \d+ master: ready/, 'the log is a file');
is((stat $log)[2] & 07777, 0640, 'not for everybody to read');

my @before = $um->workers;
$um->reload;
ok(wait_for { 3 == $um->workers && $um->has_new_workers(@before) } 5,
    'two new workers, and one that retires');

for my $round (1 .. 3) {
    rename $log, "$log.$round" or die $!;
    my ($status) = $um->run('-s', 'reopen');
    is($status, 0, '-s reopen') if $round == 1;
    $um->signal('USR1') if $round > 1;
    ok(wait_for { 4 == (my @w = writers($log)) } 5,
        "rotation $round: all four write to the new file");
    is(scalar(my @w = writers("$log.$round")), 0, 'and nobody to the old one');
}
is($old->cmd('PING'), 'PONG', 'the client did not notice');

# A file that cannot be opened: the old one is kept.
rename $log, "$log.kept";
mkdir $log or die $!;
$um->signal('USR1');
ok(wait_for { slurp("$log.kept") =~ /error\.log.*Is a directory/ } 5,
    'one that cannot be opened: the old one says so');
rmdir $log;
$um->signal('USR1');
ok(wait_for { 4 == (my @w = writers($log)) } 5, 'when it can, it is');

# A reload can move it.
@before = $um->workers;
$um->configure(slurp($um->{file}) =~ s/error\.log info/other.log info/r)
    ->reload;
ok(wait_for { slurp("$um->{dir}/other.log") =~ /worker\d: serving/ } 5,
    'a reload moves the log');
is($um->client->cmd('PING'), 'PONG', 'and serves');

done_testing;
