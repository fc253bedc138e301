#!/usr/bin/perl

# For whom a proxy with a lease serves: the story plays the coordinator, and
# vouches, or not.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon redis wait_for);

my $LEASE = 2;

my $node = redis();
my $um = undermoon(workers => 2,
    proxy => "lease ${LEASE}s; backend_timeout 1s;")->start;
my $c = $um->client;

# Its clock, which is what it is vouched for by.
sub clock {
    my (undef, undef, undef, undef, undef, $clock) =
        split / /, $c->cmd(qw(UMCTL BEAT));

    return $clock;
}

sub refused {
    return qr/^-CLUSTERDOWN .* no coordinator vouches for this proxy/;
}

is($c->cmd('UMCTL', 'SETREPL', 1, 'NOFLAG', 'master', 'c', $node->addr, 0),
    'OK', 'a master');
is($um->setcluster(epoch => 1, local => [ $node->addr, [ [ 0, 16383 ] ] ]),
    'OK', 'and its slots');
ok((wait_for { $c->cmd(qw(UMCTL BEAT)) =~ /^1 1 none 1 0 \d+$/ } 10),
    'it is what it should be, and tells its clock');

# ---- Nobody has vouched -----------------------------------------------------

like($c->cmd(qw(SET k 0)), refused(), 'nobody has ever vouched: closed');
like($c->cmd(qw(INFO replication)),
    qr/^repl_lease_ms:2000\r\nrepl_lease_left_ms:0\r\n/m, 'INFO says so');
ok((wait_for { $um->log =~ /lease: no coordinator has vouched/ } 10),
    'and the log');

for my $word (qw(now -1 -5000 5.0 1e3 99999999999999999999999), '') {
    is($c->cmd('UMCTL', 'BEAT', $word), '-Invalid arguments',
        "'$word' is no moment");
}
like($c->cmd('UMCTL', 'BEAT', clock() + 60_000), qr/^1 1 /,
    'a moment that is yet to come is answered');
like($c->cmd('UMCTL', 'BEAT', '18446744073709551615'), qr/^1 1 /,
    'however far');
like($c->cmd('UMCTL', 'BEAT', 0), qr/^1 1 /, 'and the beginning of time');
like($c->cmd('UMCTL', 'BEAT', clock() - 1000 * $LEASE), qr/^1 1 /,
    'and one that is too long ago');
like($c->cmd(qw(SET k 0)), refused(), 'none of them opens anything');

# ---- Somebody vouches -------------------------------------------------------

my $clock = clock();
my $known = time; # that was before
like($c->cmd('UMCTL', 'BEAT', $clock, 'what may', 'come some day'), qr/^1 1 /,
    'somebody vouches');
is($_->cmd(qw(SET k 1)), 'OK', 'and it serves') for $c, $um->client,
    $um->client, $um->client;
like(join("\n", map { @$_ } @{ $c->cmd(qw(UMCTL INFO))->[3] }),
    qr/^lease_left_ms:[1-9]/m, 'UMCTL INFO says for how long');
like($c->cmd(qw(UMCTL HEALTH)), qr/^lease_left_ms:[1-9]/m, 'HEALTH does');

# The one that is under way when it ends may have been executed.
my ($last, $said) = (time);
wait_for {
    my $sent = time;
    $said = $c->cmd(qw(SET k 2));
    $last = $sent if $said eq 'OK';
    $said ne 'OK';
} 10;
like($said, qr/no coordinator vouches for this proxy/, 'not for ever');
cmp_ok($last - $known, '<=', $LEASE,
    sprintf 'the last that it did came after %.3f s', $last - $known);
like($c->cmd(qw(SET k 2)), refused(), 'it refuses');
like($c->cmd('UMCTL', 'BEAT', $clock), qr/^1 1 /,
    'a word that was long under way');
like($c->cmd(qw(SET k 3)), refused(), 'is as old as it is');
ok((wait_for { $c->cmd(qw(INFO replication)) =~ /_leases_ended:2\r/ } 5),
    'each time is counted');

# Who waits at the gate goes on when somebody vouches.
my $waits = $um->client;
$c->cmd('UMCTL', 'BEAT', clock());
is($waits->cmd(qw(SET k 4)), 'OK', 'it serves again');
wait_for { $c->cmd(qw(INFO replication)) =~ /_lease_left_ms:0\r/ } 5;
$waits->send(qw(SET k 5));
$c->cmd('UMCTL', 'BEAT', clock());
is($waits->read, 'OK', 'and goes on when somebody vouches');
ok((wait_for { $um->log =~ /a coordinator vouches for this proxy again/ } 5),
    'which is told');

# ---- What is unanswered when it ends ----------------------------------------

# Its Redis hangs: nobody waits for it until it wakes, and what it does then is
# not done, as far as clients are told.
my $long = undermoon(workers => 1,
    proxy => "lease ${LEASE}s; backend_timeout 30s;")->start;
my $l = $long->client(timeout => 20);
$l->cmd('UMCTL', 'SETREPL', 1, 'NOFLAG', 'master', 'c', $node->addr, 0);
$long->setcluster(epoch => 1, local => [ $node->addr, [ [ 0, 16383 ] ] ]);
ok((wait_for { $l->cmd(qw(UMCTL BEAT)) =~ /^1 1 none 1 0 / } 10), 'another');
sub vouch { $l->cmd('UMCTL', 'BEAT', (split / /, $l->cmd(qw(UMCTL BEAT)))[5]) }
vouch();
is($l->cmd(qw(SET k 7)), 'OK', 'that serves');
my $blocked = $long->client(timeout => 20);
$blocked->send(qw(BLPOP list 0));
ok((wait_for { grep { ($_->{cmd} // '') eq 'blpop' } $node->clients } 5),
    'one that blocks there');
my $asks = $long->client(timeout => 20);
is($asks->cmd(qw(GET k)), 7, 'one that asks');
vouch();
$node->pause;
my $since = time;
$asks->send(qw(SET k 8));
like($asks->read, qr/may have been executed/,
    'what its Redis has not answered when the lease ends');
cmp_ok(time - $since, '<', $LEASE + 1, 'is not waited for');
$node->resume;
is($node->client->cmd(qw(RPUSH list x)), 1, 'what is pushed to the Redis');
like($blocked->read, qr/may have been executed/,
    'is not told as popped, for it came too late');
vouch();
is($asks->cmd(qw(SET k 9)), 'OK', 'vouched for again, it serves');
is($asks->cmd(qw(GET k)), 9, 'in order');

# ---- Configured -------------------------------------------------------------

for ([ '999ms', qr/lease is neither 0 nor at least 1s/ ],
    [ '1s', qr/lease is less than 2s/ ]) {
    my ($time, $why) = @$_;
    my $bad = undermoon(proxy => "lease $time;", may_fail => 1);

    eval { $bad->start };
    like($bad->log, $why, "lease $time");
}

done_testing();
