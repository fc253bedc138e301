#!/usr/bin/perl

# A migration is taken back: the coordinator has both proxies of each task undo
# their halves, the source first, and tells the broker, whoever dies meanwhile.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 58;
use Undermoon::Broker;
use Undermoon::Coordinator;
use Undermoon::StubProxies;
use Undermoon::Test qw(wait_for);

my $broker = Undermoon::Broker->new(
    broker => 'storage file @DIR@/meta; migration_limit 0; failure_ttl 5s;')
    ->start;
my $stubs = Undermoon::StubProxies->new(8, protocol => 1);
my $co = coordinator();
my @log;

sub coordinator {
    return Undermoon::Coordinator->new(brokers => [ $broker->addr ])->start;
}

sub take { push @log, $stubs->log; return @log }
sub forget { take(); @log = () }

# UNDO as it was said: [ stub, task ].
sub undos {
    return map { [ $_->[1], join ' ', @$_[ 5 .. $#$_ ] ] }
        grep { $_->[3] eq 'UNDO' } take();
}

sub undos_of {
    my ($t) = @_;

    return grep { $_->[1] =~ / \Q$t->{words}\E$/ } undos();
}

sub asked { my ($i) = @_; return scalar grep { $_->[0] == $i } undos() }

sub view { $broker->ask('GET', '/clusters/meta/mydb')->{json}{cluster} }
sub info { $broker->ask('GET', '/clusters/info/mydb')->{json} }
sub is_idle { return !info()->{is_migrating} }

# Tasks as their sources have them, in words, by the stubs of both ends.
sub tasks {
    my @all;

    for my $slots (map { @{ $_->{slots} } } @{ view()->{nodes} }) {
        my $m = ref $slots->{tag} && $slots->{tag}{Migrating} or next;
        my @r = map { "$_->[0]-$_->[1]" } @{ $slots->{range_list} };

        push @all, { words => join(' ', scalar @r, @r, @$m{qw(epoch
                    src_proxy_address src_node_address dst_proxy_address
                    dst_node_address)}), range => $slots,
            map { $_ => $stubs->index_of($m->{"${_}_proxy_address"}) }
                qw(src dst) };
    }
    return @all;
}

# Who of them has which slots, without what is on the move.
sub owners {
    return join ' ', map { my $n = $_; map { my $s = $_; map {
            "$n->{address}:$_->[0]-$_->[1]" } @{ $s->{range_list} } }
        @{ $n->{slots} } } @{ view()->{nodes} };
}

sub synced {
    my $s = $co->status;

    return $s->{epoch} == $broker->epoch
        && $s->{proxies_synced} == $s->{proxies};
}

# Slots begin to move, and everybody knows.
sub expand {
    $broker->say('POST', '/clusters/migrations/expand/mydb') eq '200'
        or die 'expand';
    wait_for { synced() } 20 or die 'nobody is told';
    forget();
    return tasks();
}

sub cancel { $broker->say('DELETE', '/clusters/migrations/mydb') }

# So many more beats, so that what would be sent has been.
sub beats {
    my ($i, $n) = @_;
    my $from = $stubs->get($i)->{beats};

    return wait_for { $stubs->get($i)->{beats} >= $from + $n } 30;
}

sub answers {
    my ($answers, @which) = @_;

    $stubs->set($_, undo => $answers) for @which;
}

# --- Both sides, one after the other.

$stubs->register($broker);
$broker->ask('POST', '/clusters/meta/mydb', { node_number => 4 })
    ->{status} == 200 or die 'create';
$broker->ask('PATCH', '/clusters/nodes/mydb', { node_number => 4 })
    ->{status} == 200 or die 'add';
ok((wait_for { 8 == keys %{ $broker->ask('GET', '/metadata')->{json}{undermoon}
                {protocols} // {} } } 20), 'the broker is told their protocol');
my $before = owners();
my @t = expand();
my $bytes = $stubs->get($t[0]{src});
is(@t, 2, 'two tasks');
ok(beats($t[0]{src}, 6), 'some time goes by');
is(scalar undos(), 0, 'nobody is told to undo what nobody has taken back');
my $now = $stubs->get($t[0]{src});
is($now->{bytes} - $bytes->{bytes}, 25 * ($now->{beats} - $bytes->{beats}),
    'and a beat is as long as ever while slots move');
is(cancel(), 200, 'it is taken back');
ok((wait_for { is_idle() } 20), 'and over');
for my $t (@t) {
    is_deeply([ map { $_->[1] } undos_of($t) ],
        [ "MIGRATING $t->{words}", "IMPORTING $t->{words}" ],
        'first the source of it is told, then the destination, and once');
    is_deeply([ map { $_->[0] } undos_of($t) ],
        [ @$t{qw(src dst)} ], 'these two');
}
is(owners(), $before, 'all slots are where they were');
ok((wait_for { synced() } 20), 'everybody knows');
ok((wait_for { $co->status->{migrations_undone} == 2 } 20), 'it is counted');
is($co->status->{migrations_undoing}, 0, 'and nothing is left');
ok((wait_for { $co->log =~ /taken back: mydb MIGRATING 1 4096-8191 / } 20),
    'and logged') or diag($co->log);
forget();
ok(beats($t[0]{src}, 6), 'some time goes by');
is(scalar take(), 0, 'nobody is told anything any more');

# --- It takes a while.

@t = expand();
answers([ ('UNDOING') x 3, 'UNDONE' ], map { @$_{qw(src dst)} } @t);
is(cancel(), 200, 'taken back, while it takes long to undo');
ok((wait_for { is_idle() } 20), 'it ends');
for my $t (@t) {
    is_deeply([ map { $_->[0] } undos_of($t) ],
        [ ($t->{src}) x 4, ($t->{dst}) x 4 ],
        'the destination is not told before the source has undone it');
}

# --- Too late: it is done.

@t = expand();
answers([ 'COMMITTED' ], $t[0]{src});
answers(undef, map { $_->{dst} } @t);
answers(undef, $t[1]{src});
is(cancel(), 200, 'taken back, too late for one of two');
ok((wait_for { info()->{cancelling} == 1 } 20), 'the other one goes back');
ok((wait_for { asked($t[0]{src}) > 1 } 20), 'the one is asked again');
is(view()->{cancelling}, 1, 'the view of the cluster says how many');
like($co->log, qr/\Q@{[ $stubs->addr($t[0]{src}) ]}\E: too late to take back, /,
    'it is said why');
$stubs->set($t[0]{src}, infomgr => [ "mydb MIGRATING $t[0]{words}" ]);
ok((wait_for { is_idle() } 20), 'it is committed as always');
is(asked($t[0]{dst}), 0, 'its destination was never told to undo it');
isnt(owners(), $before, 'its slots have moved');
$stubs->set($t[0]{src}, undo => undef);

# --- It does not know of it yet; it does not want to.

@t = expand();
answers([ ('-TASK_NOT_FOUND') x 3, ('-ERR not today') x 2, 'UNDONE' ],
    $t[0]{src});
is(cancel(), 200, 'taken back, and the source does not understand');
ok((wait_for { is_idle() } 30), 'it does in the end');
is(scalar(() = $co->log =~ /does not take back .*: ERR not today/g), 1,
    'what it said is logged once');
answers(undef, $t[0]{src});

# --- The coordinator is killed at each step.

@t = expand();
my ($src, $dst) = @{ $t[0] }{qw(src dst)};
answers([ 'UNDOING' ], $src);
is(cancel(), 200, 'taken back, and the coordinator dies');
ok((wait_for { asked($src) } 20), 'while the source is at it');
kill 'KILL', -$co->um->{group};
$co->um->killed;
answers(undef, $src);
answers([ 'UNDOING' ], $dst);
forget();
$co = coordinator();
ok((wait_for { asked($dst) } 20), 'another one asks source and destination');
is_deeply([ map { $_->[0] } undos() ]->[0], $src, 'in that order');
ok((wait_for { my ($l) = @{ $broker->ask('GET',
                '/clusters/migrations/cancelling')->{json}{tasks} };
            $l && $l->{source_undone} } 20), 'the broker knows of the source');
kill 'KILL', -$co->um->{group};
$co->um->killed;
forget();
$co = coordinator();
ok((wait_for { asked($dst) } 20), 'the third one goes on where that was');
is(asked($src), 0, 'and does not begin again');

# --- So is the broker, and then there are two coordinators.

$broker->kill_9;
answers(undef, $dst);
$broker->start;
my $other = coordinator();
ok((wait_for { is_idle() } 30), 'a broker that was restarted knows of it');
ok((wait_for { synced() } 20), 'and all are told');
@t = expand();
ok((wait_for { $other->status->{epoch} == $broker->epoch } 20),
    'two coordinators know');
answers([ ('UNDOING') x 4, 'UNDONE' ], map { @$_{qw(src dst)} } @t);
my $epoch = $broker->epoch;
is(cancel(), 200, 'taken back, with two coordinators');
ok((wait_for { is_idle() } 20), 'it ends');
is($broker->epoch, $epoch + 1 + @t, 'each task took one epoch');
unlike($co->log . $other->log, qr/\[(?:error|crit|alert)\].*(?:undo|take back)/,
    'neither complains');
$other->stop;
answers(undef, map { @$_{qw(src dst)} } @t);

# --- A proxy dies while it undoes, and the one in its place is told.

for my $end (qw(dst src)) {
    @t = expand();
    my $lost = $t[0]{$end};
    answers([ 'UNDOING' ], $lost);
    is(cancel(), 200, "taken back, and the $end dies");
    ok((wait_for { asked($lost) } 20), 'while it is at it');
    $stubs->set($lost, gone => 1);
    ok((wait_for { is_idle() } 40), 'it is over in the end')
        or diag($co->log);
    $stubs->set($lost, gone => 0, undo => undef, epoch => 0, repl_epoch => 0);
    wait_for { $co->status->{proxies_failed} == 0 && synced() } 60
        or die 'it is not taken back';
}

# --- A broker that has gone back in time has lost their protocol, too.

my $p = $stubs->addr($t[0]{src});
my $knows = sub {
    my $dump = $broker->ask('GET', '/metadata')->{json};
    return $dump->{undermoon}{protocols}{$p};
};
is($broker->say('PUT', "/proxies/protocol/$p", { version => 0 }), 200,
    'the broker forgets a protocol');
ok(!$knows->(), 'it has');
$stubs->set($t[0]{dst}, epoch => $broker->epoch + 5);
ok((wait_for { $knows->() } 30), 'it is told again when it was behind');
ok((wait_for { synced() } 30), 'and all is well');

# --- One that is none of ours any more cannot undo anything.

@t = expand();
$stubs->set($t[0]{src}, ours => 0, cut => 1);
$p = $stubs->addr($t[0]{src});
wait_for { !$knows->() } 20;
is(cancel(), '409 CANCEL_NOT_SUPPORTED',
    'the broker is told that a proxy has no protocol any more');
