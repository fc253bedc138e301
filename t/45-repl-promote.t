#!/usr/bin/perl

# A replica takes over while all is well: writers wait for some milliseconds,
# nothing that was acknowledged is lost, the old master follows the new one,
# and its clients are told where to go.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Cluster;
use Undermoon::Ledger;
use Undermoon::Pair qw(pair);
use Undermoon::Test qw(wait_for patience);

my $pair = pair(workers => 2);
$pair->tell('normal');
ok($pair->in_sync, 'a new chunk is in sync');

my $ledger = Undermoon::Ledger->start([ map { $_->addr } $pair->proxies ],
    timeout => 4);
ok($ledger->goes_on, 'writers write');

my (@gap, $begin);
for my $layout (qw(second normal first normal second first normal)) {
    $begin = time;
    $pair->tell($layout);
    ok($pair->in_sync, "$layout: all are what they should be");
    ok($ledger->goes_on, "$layout: writers go on");
    is(join(' ', map { $pair->role($_) } $pair->masters), 'master master',
        "$layout: masters");
    is(join(' ', map { $pair->role($pair->mate($_)) } $pair->masters),
        'slave slave', "$layout: the old ones follow");
    push @gap, map { $ledger->gap($_, $begin) } 0, 1;
}
diag("gaps of @gap ms");
cmp_ok((sort { $a <=> $b } @gap)[ @gap / 2 ], '<', patience(1000),
    'writers wait for less than a second');

# The same words again, late ones, and those of before.
is($pair->setrepl(0, 'second', epoch => $pair->epoch), '-OLD_EPOCH',
    'the same epoch is refused');
is($pair->setrepl(0, 'second', epoch => $pair->epoch - 1), '-OLD_EPOCH',
    'an old one too');
is($pair->setrepl(0, 'normal', flags => 'FORCE'), 'OK', 'unless forced');
ok($pair->in_sync, 'which changes nothing');

# A promotion comes back before it is done, and a third time.  A proxy that is
# told first may be fenced by one that does not know yet: it says so, and waits
# for newer metadata, which a coordinator then sends.
for (1 .. 5) {
    for (1 .. 5) {
        $pair->tell('second');
        $pair->tell('normal');
    }
    wait_for {
        2 == grep { my $b = $pair->beat($_);
            $b->{in_sync} || $b->{fault} eq 'fenced' } 0, 1;
    } 20;
    $pair->tell('normal') if grep { $pair->beat($_)->{fault} ne 'none' } 0, 1;
    ok($pair->in_sync(within => 30), 'one order overtakes the other');
}
ok($ledger->goes_on, 'writers go on');

# A reload in the middle.
$pair->tell('second');
$_->reload for $pair->proxies;
ok($pair->in_sync(within => 30), 'reload in the middle');
ok($ledger->goes_on(within => 30), 'writers go on');
ok((wait_for {
    2 == grep { $_->log =~ /the old ones retire/ } $pair->proxies;
} 10), 'after it');

is_deeply([ $ledger->lost(since => $begin) ], [], 'nothing is lost');
my $errors = $ledger->errors;
is_deeply([ grep { !/^-(?:READONLY|CLUSTERDOWN|TRYAGAIN|MOVED)
        |is\ (?:a\ replica|no\ master\ any)/x }
        sort keys %$errors ], [], 'writers are told why')
    or diag(explain($errors));
cmp_ok($ledger->acks, '>', 500, 'many writes');

# Who asks the old one is told where to go, or that it is not served: not
# nothing.
my $info = $pair->proxy(1)->client->cmd(qw(INFO replication));
cmp_ok(($info =~ /^repl_promotions:(\d+)/m)[0], '>=', 3, 'they are counted');
cmp_ok(($info =~ /^repl_fences:(\d+)/m)[0], '>=', 3, 'and the fences');
like($info, qr/^repl_bytes_lost:0\r$/m, 'no byte was lost');

my $n = 0;
$n++ until Undermoon::Cluster::slot("key:$n") < 8192;
my $c = $pair->proxy(0)->client;
like($c->cmd('GET', "key:$n"), qr/^-MOVED \d+ \Q${\ $pair->proxy(1)->addr}\E/,
    'a client of the old one is told where its slots are');
$pair->{epoch}++;
is($pair->setrepl(1, 'normal'), 'OK', 'SETREPL alone');
$c = $pair->proxy(1)->client;
my $asked = time;
like($c->cmd('SET', "key:$n", 1), qr/^-CLUSTERDOWN .* is a replica/,
    'slots whose node is a replica are refused');
cmp_ok(time - $asked, '>', 2, 'after a while');
is($pair->setrepl(0, 'normal'), 'OK', 'the other too');
is($pair->setcluster($_, 'normal'), 'OK', 'SETCLUSTER') for 0, 1;
ok($pair->in_sync, 'in sync');

# SETCLUSTER before SETREPL: clients wait for it.
$pair->{epoch}++;
is($pair->setcluster($_, 'second'), 'OK', 'SETCLUSTER comes first') for 0, 1;
$c->send('SET', "key:$n", 2);
is($pair->setrepl($_, 'second'), 'OK', 'SETREPL behind it') for 0, 1;
is($c->read, 'OK', 'who asked meanwhile has waited');
ok($pair->in_sync, 'in sync');
is($pair->node(3)->cmd('GET', "key:$n"), 2, 'and is served by the new one');

done_testing;
