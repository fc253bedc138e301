#!/usr/bin/perl

# An operator watches slots move: scaling from the first node to the last, how
# far it is, Ctrl-C, taking it back, and what the doctor says of a migration
# that stands still.  Broker and coordinator are real, proxies are stubs.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::Ctl;
use Undermoon::StubProxies;
use Undermoon::Test qw(slurp wait_for);

my $broker = Undermoon::Broker->new(
    broker => 'storage file @DIR@/meta; migration_limit 0;')->start;
my $stubs = Undermoon::StubProxies->new(8, protocol => 1);
my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ])->start;
my $ctl = Undermoon::Ctl->new(broker => $broker->addr);

# Tasks as proxies know them, by the stubs of both ends.
sub tasks {
    my $c = $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster};
    my @all;

    for my $slots (map { @{ $_->{slots} } } @{ $c->{nodes} }) {
        my $m = ref $slots->{tag} && $slots->{tag}{Migrating} or next;
        my @r = map { "$_->[0]-$_->[1]" } @{ $slots->{range_list} };

        push @all, { words => join(' ', scalar @r, @r, @$m{qw(epoch
                    src_proxy_address src_node_address dst_proxy_address
                    dst_node_address)}),
            line => join(' ', scalar @r, @r, $m->{src_node_address}, '->',
                $m->{dst_node_address}),
            range => join(',', @r), map { $_ => $stubs->index_of(
                    $m->{"${_}_proxy_address"}) } qw(src dst) };
    }
    return @all;
}

# Sources say how far they are.
sub progress {
    my ($words, @tasks) = @_;

    $stubs->set($_->{src}, info => [ 'name: mydb', "$_->{line} $words" ])
        for @tasks;
}

sub finish {
    $stubs->set($_->{src}, infomgr => [ "mydb MIGRATING $_->{words}" ]) for @_;
}

sub synced {
    my $s = $co->status;

    return $s->{epoch} == $broker->epoch && $s->{proxies_synced} == 8;
}

# What it has said by now.
sub said { slurp("$_[0]{file}.err") }

sub everything_arrives { finish(tasks()) }

# --- More nodes.

$stubs->register($broker);
is($ctl->run(qw(cluster create mydb --nodes 4 --wait))->{status}, 0,
    'a cluster');
my $run = $ctl->start(qw(cluster scale mydb 8));
my @t;
ok((wait_for { @t = tasks() } 20), 'slots begin to move');
is(@t, 2, 'two tasks');
ok((wait_for { said($run) =~ /8192 of 8192 slots are to move/ } 20),
    'it waits and says how many');
progress('SCANNING step: COPY keys: 1000 bytes: 2000000 dirty: 1 '
        . 'per_mille: 500 keys_second: 700 held_us: 0 attempts: 1 big: 0 '
        . 'why: -', @t);

my $r = $ctl->run(qw(cluster migrations mydb));
like($r->{out}, qr/^SLOTS .* STATE +DONE +KEYS +BYTES +KEYS\/S +WHY$/m,
    'migrations: a table');
like($r->{out}, qr/^\Q$t[0]{range}\E .* COPY +45% +1,000 +2\.0 MB +700 +-$/m,
    'of how far they are');
my $j = $ctl->run(qw(cluster migrations mydb --json))->{json};
is_deeply([ @{ $j->{migrations}[0] }{qw(state step keys bytes per_mille
            keys_second why taken_back)} ],
    [ 'SCANNING', 'COPY', 1000, 2000000, 500, 700, undef,
        JSON::PP::false() ], 'as JSON');
is($ctl->run(qw(cluster scale mydb 12))->{status}, 1,
    'nothing else can begin');

# On a terminal, with a bar that is drawn anew, and Ctrl-C.
my $watch = $ctl->start(qw(cluster migrations mydb --watch));
ok((wait_for { said($watch) =~ /\[#########-----------\] 45 %/ } 20),
    'somebody else watches: a bar');
like(said($watch), qr/2,000 keys, 4\.0 MB, 1,400 keys\/s/, 'and sums');
kill 'INT', $watch->{pid};
$r = $ctl->done($watch);
is($r->{status}, 130, 'Ctrl-C ends it');
like($r->{err}, qr/interrupted: mydb goes on; with --cancel it is taken back/,
    'and says that it goes on');
everything_arrives();
$r = $ctl->done($run, \&everything_arrives);
is($r->{status}, 0, 'it has as many in the end') or diag($r->{err});
is($r->{out}, "mydb: has 8 nodes\n", 'it says so');

# --- Fewer, and Ctrl-C, and back.

$run = $ctl->start(qw(cluster scale mydb 4));
ok((wait_for { @t = tasks() } 20), 'slots leave the last nodes');
ok((wait_for { said($run) =~ /8192 of 8192 slots/ } 20), 'it says how many');
kill 'INT', $run->{pid};
$r = $ctl->done($run);
is($r->{status}, 130, 'Ctrl-C');
like($r->{err}, qr/interrupted: mydb goes on\.  "undermoonctl cluster (?#
        )migrations mydb" shows how far it is; with --cancel it is taken back/,
    'it says how it is taken back');
is(scalar tasks(), 2, 'it goes on');
$stubs->set($_->{src}, undo => [ ('UNDOING') x 3, 'UNDONE' ]) for @t;
$r = $ctl->on_terminal('', qw(cluster migrations mydb --cancel --watch));
is($r->{status}, 0, 'it is taken back') or diag($r->{said});
like($r->{said}, qr/^mydb: what is on the move is taken back: \d to go\n(?#
        )  \S+ \S+ -> \S+ is taken back\n/m,
    'that can be watched, task by task');
like($r->{said}, qr/\e\[\dA\e\[Jmydb: what had not arrived is back$/,
    'and it says so in the end, in the place of that');
is(scalar tasks(), 0, 'nothing moves');
like($ctl->run(qw(cluster list))->{out}, qr/^mydb +8 +8  settled$/m,
    'all is as it was');

# Somebody takes back what another one waits for.
$run = $ctl->start(qw(cluster scale mydb 4 --json));
ok((wait_for { said($run) =~ /8192 of 8192 slots/ } 20), 'fewer again');
$ctl->run(qw(cluster migrations mydb --cancel));
$r = $ctl->done($run);
is($r->{status}, 1, 'it was taken back: not scaled');
is($r->{json}{error}{code}, 'NOT_SCALED', 'as JSON');

# --- One that does not get on.

is($ctl->run(qw(cluster scale mydb 4 --no-wait))->{status}, 0,
    'fewer, and it is not waited for');
ok((wait_for { synced() && (@t = tasks()) == 2 } 20), 'slots leave');
progress('PRE_CHECK step: FLIP keys: 7 bytes: 8 why: the other side is silent',
    @t);

# Codes of what the doctor finds, with their texts.
sub doctor {
    my $r = $ctl->run(qw(doctor --json --stall), $_[0] // '2s');

    return { map { $_->{code} => "$_->{level}: $_->{text}" }
            grep { $_->{code} =~ /^migration/ } @{ $r->{json}{findings} } };
}

my $found = doctor();
like($found->{migration_stands_still}, qr/^error: slots \S+, on their way (?#
        )from \S+ to \S+, stand still for 2 s \(FLIP\), and clients wait for (?#
        )them: the other side is silent$/, 'the doctor says so, and why');
$r = $ctl->run(qw(cluster scale mydb 4 --wait-timeout 1s));
is($r->{status}, 1, 'scaling it again is refused');
$run = $ctl->start(qw(cluster migrations mydb --watch));
ok((wait_for { said($run) =~ /8192 of 8192/ } 20), 'watching it');
my $keys = 7;
my $goes_on = sub {
    progress('SCANNING step: COPY per_mille: 10 keys: ' . $keys++, @t);
};
$goes_on->();
my $sick = $ctl->start(qw(doctor --json --stall 30s));
$r = $ctl->done($sick, $goes_on);
is(scalar(grep { $_->{code} =~ /^migration/ } @{ $r->{json}{findings} }), 0,
    'one that gets on is fine, and the doctor does not take long');
$stubs->set($_->{src}, info => []) for @t;
is_deeply(doctor(), {}, 'of one that says nothing nothing is known');

# --- One that is taken back, and is not undone.

$stubs->set($_->{src}, undo => ['UNDOING']) for @t;
is($ctl->run(qw(cluster migrations mydb --cancel))->{status}, 0, 'taken back');
$found = doctor();
like($found->{migration_not_undone}, qr/^warning: slots \S+ are taken back, (?#
        )and \S+ has not undone its half: does a coordinator run\?$/,
    'the doctor says who has not');
$r = $ctl->done($run, sub {
        $stubs->set($_->{src}, undo => undef) for splice @t });
is($r->{status}, 0, 'who watches sees the end');
is($r->{out}, "no slots are on the move\n", 'and is told');

# --- Two that do not speak alike.

is($ctl->run(qw(cluster scale mydb 4 --no-wait))->{status}, 0, 'fewer');
ok((wait_for { synced() && (@t = tasks()) == 2 } 20), 'slots leave');
$stubs->set($t[0]{dst}, protocol => 0, cut => 1);
$found = doctor();
like($found->{migration_protocols_differ}, qr/^warning: slots \S+ cannot (?#
        )move: \S+ knows migration protocol 1, \S+ knows 0$/,
    'the doctor knows why it cannot begin');
ok((wait_for { $ctl->run(qw(cluster migrations mydb --cancel))->{err}
            =~ /CANCEL_NOT_SUPPORTED/ } 20), 'nor be taken back');

done_testing();
