#!/usr/bin/perl

# A reload starts new workers; a client of an old one keeps its connection
# until it leaves or worker_shutdown_timeout is over.  Nobody at the door is
# lost meanwhile, whether there are more workers afterwards or fewer.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis wait_for free_port);

my $node = redis();
my $um = undermoon(workers => 2, level => 'info')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

sub reload {
    my (%o) = @_;
    my @before = $um->workers;

    $um->{$_} = $o{$_} for keys %o;
    $um->configure($um->_template)->reload;
    return wait_for { $um->has_new_workers(@before) } 5;
}

my $old = $um->client;
is($old->cmd(qw(SET foo bar)), 'OK', 'before the reload');
my @before = $um->workers;
my $master = $um->pid;

ok(reload(), 'new workers come');
is($old->cmd(qw(GET foo)), 'bar', 'the old connection still answers');
is($um->client->cmd(qw(GET foo)), 'bar', 'a new one is served with the same '
    . 'metadata');
ok(wait_for { $um->log =~ /the old ones retire/ } 5, 'the log tells');
ok(wait_for { 3 == $um->workers } 5, 'an old worker without clients leaves');
is($um->pid, $master, 'the master is the same');

# New metadata reaches those who retire, too.
is($um->setcluster(peer => [ '127.0.0.1:1', [ [ 0, 16383 ] ] ]), 'OK',
    'new metadata');
like($old->cmd(qw(GET foo)), qr/^-MOVED 12182 127.0.0.1:1/,
    'the old connection follows it');
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK', 'and on');
is($old->cmd(qw(GET foo)), 'bar', 'so does this');

$old->close;
ok(wait_for { 2 == $um->workers } 5, 'the last client leaves, its worker too');

# More workers, fewer, with people at the door all the time.
my ($bad, $good) = (0, 0);
sub knock {
    for (1 .. $_[0]) {
        my $c = eval { $um->client(timeout => 5) };
        (eval { $c->cmd('PING') } // '') eq 'PONG' ? $good++ : $bad++;
    }
}
for my $workers (4, 1, 3) {
    ok(reload(workers => $workers), "reload to $workers");
    knock(30);
    ok(wait_for { $workers == $um->workers } 5, "there are $workers");
    knock(100);
}
is($bad, 0, "all of $good connections were served");

# While connections come as fast as they can, reload after reload.
defined(my $child = fork) or die $!;
if (!$child) {
    my $end = time + 3;
    while (time < $end) {
        my $c = eval { Undermoon::Client->new($um->addr, timeout => 5) };
        (eval { $c->cmd('PING') } // '') eq 'PONG' or POSIX::_exit(1);
    }
    POSIX::_exit(0);
}
ok(reload(workers => 2), "reload $_ under knocking") for 1 .. 5;
is(Undermoon::Test::reap($child, 20), 0, 'nobody was turned away');
ok(wait_for { 2 == $um->workers } 5, 'all old ones have left');

# Fewer workers take over all queues: those of the workers that are no more,
# too, with whom stands in them, and again when one of the few is killed.
my $many = undermoon(workers => 4)->start;
my @four = $many->workers;
kill 'STOP', @four;
my @queue = map { $many->client(timeout => 10) } 1 .. 200;
$_->write("PING\r\n") for @queue;
$many->{workers} = 1;
$many->configure($many->_template)->reload;
is((grep { (eval { $_->read } // '') eq 'PONG' } @queue), 200,
    'one worker serves who stood at the doors of four');
kill 'CONT', @four;
undef @queue;
ok(wait_for { 1 == $many->workers } 10, 'the four leave');

my ($one) = $many->workers;
kill 'STOP', $one;
@queue = map { $many->client(timeout => 10) } 1 .. 200;
$_->write("PING\r\n") for @queue;
kill 'KILL', $one;
is((grep { (eval { $_->read } // '') eq 'PONG' } @queue), 200,
    'it is killed: the next one serves who stood at any of the doors');
undef @queue;

# The time of an old worker is limited.
$um->{main} = 'worker_shutdown_timeout 300ms;';
ok(reload(), 'a short time');
$old = $um->client;
is($old->cmd('PING'), 'PONG', 'an idle client');
ok(reload(), 'another reload');
ok(wait_for { 2 == $um->workers } 10, 'its worker leaves all the same');
is(eval { $old->cmd('PING') }, undef, 'with the client');

# There is room for so many old workers and no more; they are waited for.
my $crowded = undermoon(workers => 1)->start;
my @held;
my $refused = 0;
for (1 .. 14) {
    push @held, $crowded->client;
    $held[-1]->cmd('PING');
    my @had = $crowded->workers;
    my $log = length $crowded->log;
    $crowded->reload;
    wait_for { substr($crowded->log, $log) =~ /retire|stays/ } 5;
    last if $refused = substr($crowded->log, $log) =~ /no room for 1 more/;
}
ok($refused, 'too many old workers: a reload is refused');
is((grep { $_->cmd('PING') eq 'PONG' } @held), scalar @held,
    'all of their ' . @held . ' clients are served');
$_->close for splice @held, 0, 3;
ok(wait_for { @held + 1 >= $crowded->workers } 5, 'some leave');
@before = $crowded->workers;
$crowded->reload;
ok(wait_for { $crowded->has_new_workers(@before) } 5, 'there is room again');

# A new address is served, one that is not named any more is not.
my $other = free_port();
$um->{proxy} = "listen 127.0.0.1:$other;";
ok(reload(), 'one more address');
is(Undermoon::Client->new("127.0.0.1:$other")->cmd('PING'), 'PONG',
    'is served');
$um->{proxy} = '';
ok(reload(), 'without it');
ok(wait_for { !eval { Undermoon::Client->new("127.0.0.1:$other") } } 5,
    'it is refused');
is($um->client->cmd('PING'), 'PONG', 'the first one is served');

# Changes that need a restart are named.
unlike(($um->run('-t'))[1], qr/restart/, '-t: nothing needs a restart');
my ($user) = getpwuid $>;
$um->{main} = "user $user;";
$um->configure($um->_template);
my ($status, $said) = $um->run('-t');
is($status, 0, 'a change that a reload cannot make is right in itself');
like($said, qr/main: user: the change counts after a restart/,
    'but -t says that it needs a restart');
$um->reload;
ok(wait_for { $um->log =~ /main: user: the change counts after a restart/ } 5,
    'so does the log of a reload');

done_testing;
