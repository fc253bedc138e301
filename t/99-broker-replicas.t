#!/usr/bin/perl

# A broker gives its replicas all it knows; when it is gone one of them takes
# its place, and nothing is lost that it had got.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::IP;
use JSON::PP ();
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(mock_redis wait_for tempdir spew slurp);

my $json = JSON::PP->new->canonical;

sub broker {
    my ($more, %o) = @_;

    return Undermoon::Broker->new(
        broker => "sync_meta_interval 50ms; $more", %o);
}

sub dump_of { $_[0]->ask('GET', '/metadata')->{body} }
sub status { $_[0]->ask('GET', '/status')->{json} }

# What a broker knows of its replica.
sub known {
    my ($b, $of) = @_;

    return (grep { $_->{address} eq $of->addr } @{ status($b)->{replicas} })[0]
        // {};
}

sub in_sync {
    my ($a, $b) = @_;

    return wait_for {
        my $of = known($a, $b);

        dump_of($a) eq dump_of($b) && $of->{state} eq 'synced'
            && $of->{lag_seconds} == 0;
    } 10;
}

sub counted {
    my ($m) = Undermoon::Http::metrics($_[0]->addr);

    return $m->{"undermoon_broker_$_[1]"};
}

# ---- It gets all, and only what is new --------------------------------------

{
    my $r = broker('storage file @DIR@/meta;')->start;
    my $b = broker('replica_addresses ' . $r->addr . ';')->start;

    is($b->say('GET', '/config'),
        '200 {"replica_addresses":["' . $r->addr . '"]}', 'it has a replica');
    $b->register(4);
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'c');
    ok(in_sync($b, $r), 'which gets it all');
    is(status($r)->{is_replica}, 1, 'and knows that it is one');
    is(status($b)->{is_replica}, 0, 'as the other knows that it is none');
    cmp_ok(known($b, $r)->{last_sync}, '>', time - 60, 'when is told');
    is(known($b, $r)->{epoch}, $b->epoch, 'and with which epoch');
    is(known($b, $r)->{error}, '', 'there is no trouble');

    my $pushes = counted($b, 'replica_pushes_total');
    my $requests = counted($r, 'requests_total');
    ok((wait_for { counted($r, 'requests_total') >= $requests + 5 } 10),
        'it is asked now and then');
    is(counted($b, 'replica_pushes_total'), $pushes,
        'but given nothing that it has');
    my $label = '{replica="' . $r->addr . '"}';
    is(counted($b, "replica_synced$label"), 1, 'metrics: synced');
    is(counted($b, "replica_lag_seconds$label"), 0, 'no lag');
    cmp_ok(counted($b, "replica_last_sync_timestamp_seconds$label"), '>',
        time - 60, 'when');

    # What takes no epoch is a change, too.
    is($b->say('PUT', '/proxies/protocol/127.0.1.1:7001', { version => 1 }),
        200, 'without an epoch');
    ok(in_sync($b, $r), 'it comes as well');

    # It outlives its own restart, as a replica.
    $r->stop;
    ok((wait_for { known($b, $r)->{state} eq 'failing' } 10), 'it is gone');
    is($b->say('DELETE', '/clusters/meta/c'), 200, 'a change meanwhile');
    $r->start;
    is(status($r)->{is_replica}, 1, 'it is back, a replica');
    ok(in_sync($b, $r), 'and has that');
    my @lines = $b->um->log =~ /broker: (replica \S+: \S+)/g;
    is(scalar @lines, 3, 'the log has what has changed, once')
        or diag("@lines");

    # A replica says nothing to its own replicas, and does nothing by itself.
    like(slurp($r->dir . '/meta'), qr/,"replica":true,"checksum"/,
        'its file notes it');
}

# ---- One that loses what it has ---------------------------------------------

{
    my $r = broker('')->start;
    my $b = broker('replica_addresses ' . $r->addr . ';')->start;

    $b->register(2);
    ok(in_sync($b, $r), 'a replica in memory');
    $r->kill_9;
    $r->start;
    ok(in_sync($b, $r), 'gets it again when it starts anew');
}

# ---- Slow ones and strange ones ---------------------------------------------

{
    my $deaf = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 8)
        or die "listen: $@";
    my $silent = '127.0.0.1:' . $deaf->sockport;
    my $r = broker('write_token sesame;')->start;
    my $o = broker('write_token sesame;')->start;
    my $b = broker("replica_addresses $silent " . $r->addr . ';'
            . 'replica_addresses ' . $o->addr . '; replica_token sesame;')
        ->start;

    $b->register(2);
    ok(in_sync($b, $r), 'one that does not answer delays nobody');
    ok(in_sync($b, $o), 'none of the others');
    my ($s) = grep { $_->{address} eq $silent } @{ status($b)->{replicas} };
    is($s->{state}, 'unknown', 'it is told apart');
    is($s->{last_sync}, 0, 'never');
    ok((wait_for {
        (grep { $_->{address} eq $silent && $_->{lag_seconds} > 0 }
            @{ status($b)->{replicas} }) } 10), 'and lags');

    my $w = broker('replica_addresses ' . $r->addr . ';')->start;
    $w->register(3);
    ok((wait_for { known($w, $r)->{error} =~ /401/ } 10),
        'without the token it is refused');
    is(known($w, $r)->{state}, 'failing', 'that is a failure');
    unlike($b->um->log . $w->um->log, qr/sesame/, 'no secret in the log');
    is(dump_of($r), dump_of($b), 'and nothing has come of it');
}

# More than the broker itself would take is not sent.
{
    my $r = broker('')->start;
    my $b = broker('metadata_limit 1k; replica_addresses ' . $r->addr . ';')
        ->start;

    $b->register(20);
    ok((wait_for { known($b, $r)->{error} =~ /larger than metadata_lim/ } 10),
        'too much is not sent');
    is(known($b, $r)->{state}, 'failing', 'and is told');
}

# ---- Who they are -----------------------------------------------------------

{
    my $r = broker('')->start;
    my $b = broker('')->start;
    my $put = sub { $b->ask('PUT', '/config', { replica_addresses => $_[0] }) };

    $b->register(2);
    is($put->([ $r->addr ])->{status}, 200, 'told by PUT config');
    is($b->say('GET', '/config'),
        '200 {"replica_addresses":["' . $r->addr . '"]}', 'it says so');
    ok(in_sync($b, $r), 'and does so at once');

    for ([ 'x' ], [ 1 ], [ 'unix:/x' ], [ 'a:1', 'a:1' ],
        [ map { "a:$_" } 1 .. 17 ]) {
        my $answer = $put->($_);

        is($answer->{status}, 400, 'not: ' . $json->encode($_));
        like($answer->{body}, qr/replica_addresses/, 'and what is wrong');
    }
    is($b->say('GET', '/config'),
        '200 {"replica_addresses":["' . $r->addr . '"]}', 'it stays');

    is($put->([])->{status}, 200, 'none');
    is($b->say('PUT', '/epoch/500'), 200, 'a change');
    is($b->say('GET', '/config'), '200 {"replica_addresses":[]}', 'is none');
    isnt(dump_of($b), dump_of($r), 'nobody gets anything');

    # Given replicas, a replica is the broker.
    is(status($r)->{is_replica}, 1, 'a replica');
    is($r->say('PUT', '/config', { replica_addresses => [] }), 200, 'no list');
    is(status($r)->{is_replica}, 1, 'is still one');
    is($r->say('PUT', '/config', { replica_addresses => [ $b->addr ] }), 200,
        'with a list');
    ok((wait_for { !status($r)->{is_replica} } 10), 'it is the broker');
    ok((wait_for { known($r, $b)->{state} eq 'ahead' } 10),
        'the other is ahead of it');
    like(known($r, $b)->{error}, qr/epoch is higher/, 'and it says why');
    is($r->say('PUT', '/epoch/1000'), 200, 'until it is not');
    ok(in_sync($r, $b), 'then it gets it all');

    # Lists in the environment, as the reference has them.
    my ($status, $text) = Undermoon::Broker->new(env => {
            UNDERMOON_REPLICA_ADDRESSES => '10.0.0.1:7799,b.example:7799',
            UNDERMOON_SYNC_META_INTERVAL => 7 })->um->run('-T');
    is($status, 0, 'the environment is read') or diag($text);
    like($text, qr/replica_addresses\s+10\.0\.0\.1:7799 b\.example:7799;/,
        'addresses');
    like($text, qr/sync_meta_interval\s+7s;/, 'seconds');
    for ('replica_addresses unix:/x', 'replica_addresses a:1 a:1',
        'replica_addresses ' . join ' ', map { "a:$_" } 1 .. 17) {
        my ($no) = Undermoon::Broker->new(broker => "$_;")->um->run('-t');

        ok($no, "refused: $_");
    }
}

# ---- Both ways --------------------------------------------------------------

# Each has the other; who is changed leads, and what it says does not come back.
{
    my $a = broker('storage file @DIR@/meta;');
    my $b = broker('storage file @DIR@/meta; replica_addresses ' . $a->addr
            . ';');
    $a->configure('sync_meta_interval 50ms; storage file @DIR@/meta;'
            . ' replica_addresses ' . $b->addr . ';')->start;
    $b->start;

    $a->register(4);
    is($a->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'c');
    ok(in_sync($a, $b), 'one leads');
    my ($there, $back) = map { counted($_, 'replica_pushes_total') } $a, $b;
    my $asked = counted($b, 'requests_total');
    ok((wait_for { counted($b, 'requests_total') > $asked + 5 } 10), 'later');
    is(counted($a, 'replica_pushes_total'), $there, 'nothing goes round');
    is(counted($b, 'replica_pushes_total'), $back, 'nor back');
    is($a->epoch, $b->epoch, 'and takes no epoch');

    # The other is asked for something: it leads from now on.
    is($b->say('DELETE', '/clusters/meta/c'), 200, 'told to the replica');
    ok(in_sync($b, $a), 'now it leads');
    is(status($a)->{is_replica}, 1, 'the first follows');
    is(status($b)->{is_replica}, 0, 'the second does not');
    is($a->say('POST', '/clusters/meta/d', { node_number => 4 }), 200, 'again');
    ok(in_sync($a, $b), 'the other way round');
    is($b->say('GET', '/clusters/names'), '200 {"names":["d"]}', 'with all');

    # At one epoch neither undoes what the other did: a report is withdrawn
    # without one.
    $b->stop;
    is($a->say('PUT', '/proxies/protocol/127.0.1.1:7001', { version => 1 }),
        200, 'one goes on without an epoch');
    $a->stop;
    $b->start;
    is($b->say('PUT', '/proxies/protocol/127.0.2.1:7001', { version => 1 }),
        200, 'and so does the other');
    my @kept = dump_of($b);
    $a->start;
    push @kept, dump_of($a);
    ok((wait_for { known($a, $b)->{state} eq 'ahead'
            && known($b, $a)->{state} eq 'ahead' } 10), 'both see it');
    is_deeply([ dump_of($b), dump_of($a) ], \@kept, 'each keeps its own');
    is($b->ask('PUT', '/epoch/recovery')->{status}, 200, 'one is chosen');
    ok(in_sync($b, $a), 'which the other follows');
}

# ---- Taking over ------------------------------------------------------------

{
    my $dir = tempdir();
    my $n = 0;
    my @proxy = map {
        my $file = "$dir/$_";
        spew($file, 1);
        mock_redis(UMCTL => sub { ':' . slurp($file) . "\r\n" });
    } 0 .. 3;
    my $r = broker('storage file @DIR@/meta;')->start;
    my $b = broker('storage file @DIR@/meta; replica_addresses ' . $r->addr
            . ';')->start;
    my (@there, %seen);
    my $see = sub {
        $seen{$_} = 1
            for @{ $r->ask('GET', '/proxies/addresses')->{json}{addresses} };
    };

    for (@proxy) {
        is($b->say('POST', '/proxies/meta', { proxy_address => $_->addr,
                    nodes => [ "n$n:1", "n$n:2" ], host => 'h' . $n++ }), 200,
            'a proxy');
    }
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'c');
    is($b->say('POST', '/clusters/migrations/auto/c/8'), 200, 'it is to grow');
    ok(in_sync($b, $r), 'in sync');

    # Changes go on until it dies; what its replica has seen of them is kept.
    my $end = time + 2;
    for (my $i = 0; time < $end; $i++) {
        my $ip = sprintf '127.9.%d.%d', $i / 250, $i % 250;

        $b->say('POST', '/proxies/meta', { proxy_address => "$ip:1",
                nodes => [ "$ip:2", "$ip:3" ], host => 'spare' }) == 200
            or die $ip;
        push @there, "$ip:1";
        $see->() if $i % 10 == 0;
    }
    my $epoch = $b->epoch;
    $b->kill_9;
    $see->();

    # The proxies are where the broker was; one was told the latest.
    spew("$dir/$_", $epoch - 1) for 0 .. 3;
    spew("$dir/2", $epoch);
    is(status($r)->{is_replica}, 1, 'a replica waits to be asked');
    ok($r->ask('GET', '/clusters/info/c')->{json}{scaling}, 'also with what it '
            . 'knows is to be done');
    my $answer = $r->ask('PUT', '/epoch/recovery');
    is($answer->{status}, 200, 'it takes over');
    cmp_ok($r->epoch, '>', $epoch, 'beyond what any proxy knows');
    is(status($r)->{is_replica}, 0, 'it is the broker now');

    my %has = map { $_ => 1 }
        @{ $r->ask('GET', '/proxies/addresses')->{json}{addresses} };
    my @lost = grep { !$has{$_} } keys %seen;
    my $late = grep { !$has{$_} } @there;
    is("@lost", '', 'none of what it had is lost');
    cmp_ok($late, '<', @there / 2, "$late of " . @there . ' came too late');

    # And it goes on with what was begun.
    spew("$dir/$_", $r->epoch) for 0 .. 3;
    ok((wait_for { $r->ask('GET', '/clusters/meta/c')->{body} =~ /Migrating/ }
        10), 'the slots move');
    cmp_ok($r->ask('GET', '/clusters/meta/c')->{json}{cluster}{epoch}, '>',
        $epoch, 'under new epochs');

    # The dead one is back: it does not know better.
    $b->start;
    ok((wait_for { known($b, $r)->{state} eq 'ahead' } 10), 'it is behind');
    is($r->say('PUT', '/config', { replica_addresses => [ $b->addr ] }), 200,
        'it is made the replica');
    ok(in_sync($r, $b), 'and follows');
    is(status($b)->{is_replica}, 1, 'as it knows');
}

done_testing();
