#!/usr/bin/perl

# Three brokers with one external store, and writers at all of them: nothing
# that was acknowledged is lost, no epoch comes twice, and what nobody asked
# for is done once.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Store;
use Undermoon::Test qw(mock_redis wait_for patience slow_tests tempdir spew
    slurp);

sub brokers {
    my ($store, %o) = @_;
    my $more = delete $o{more} // '';
    my @b = map {
        Undermoon::Broker->new(broker => $store->directives(%o) . $more)->start
    } 1 .. 3;

    for my $b (@b) {
        ok((wait_for {
            Undermoon::Http::get($b->addr, '/healthz')->{status} == 200;
        } 10), 'a broker is ready');
    }

    return @b;
}

# ---- Writers ----------------------------------------------------------------

# One connection: it registers proxies, one after the other, under names of its
# own.  RETRY is obeyed; what failed otherwise may have happened.
package Writer {
    my $serial = 0;

    sub new { bless { addr => $_[1], acknowledged => {}, retries => 0 } }

    sub ask {
        my ($self, $again) = @_;

        $self->{name} = 'p' . ++$serial . ':1' unless $again;
        my $body = qq({"proxy_address":"$self->{name}","nodes":["a:1","b:2"],)
            . qq("host":"h$serial"});

        $self->{http} //= Undermoon::Http->new($self->{addr});
        $self->{http}->client->write("POST /api/v3/proxies/meta HTTP/1.1\r\n"
                . "Host: x\r\nContent-Length: " . length($body)
                . "\r\n\r\n$body");
    }

    sub sock { $_[0]{http}->client->{sock} }

    sub take {
        my ($self) = @_;
        my $r = $self->{http}->answer;

        $self->{said}{ $r->{body} =~ /"error":"(\w+)"/ ? $1
            : $r->{status} }++;
        $self->{acknowledged}{ $self->{name} } = 1 if $r->{status} == 200;
        delete $self->{http} unless $r->{status};
        $self->{retries}++ if $r->{body} =~ /RETRY/;
        $self->ask($r->{body} =~ /RETRY/);
    }
}

# Until `enough` are acknowledged, and in between do what `$now` says.
sub write_all {
    my ($enough, $now, @writers) = @_;
    my $end = time + patience(60);
    my $count = 0;

    $_->ask for @writers;
    while ($count < $enough && time < $end) {
        my %by = map { fileno($_->sock) => $_ } @writers;

        for my $s (IO::Select->new(map { $_->sock } @writers)->can_read(1)) {
            $by{ fileno $s }->take;
        }
        my $before = $count;
        $count = 0;
        $count += keys %{ $_->{acknowledged} } for @writers;
        $now->($count) if $count > $before;
    }

    return map { keys %{ $_->{acknowledged} } } @writers;
}

{
    my $store = Undermoon::Store->new->start;
    my @b = brokers($store, timeout => '1s', refresh => '500ms');
    my @writers = map { my $b = $_; map { Writer->new($b->addr) } 1 .. 4 } @b;
    my $enough = slow_tests() ? 5000 : 300;
    my @faults = ([ 40, PUT => 'lose' ], [ 70, PUT => 'mute' ],
        [ 100, PUT => 'status', 500 ], [ 130, GET => 'drop' ],
        [ 160, PUT => 'drop' ], [ 190, GET => 'say', '{}' ],
        [ 200, GET => 'mute' ]);
    my $killed;

    # A slow one: somebody else is faster often.
    $store->fault($_, 'delay', 150, 0.01) for qw(GET PUT);
    my @acknowledged = write_all($enough, sub {
        my ($count) = @_;

        if (@faults && $count >= $faults[0][0]) {
            my (undef, $method, $kind, $arg) = @{ shift @faults };

            $store->fault_first($method, $kind, 2, $arg);
        }
        if (!$killed && $count > $enough * 0.8) {
            kill 'KILL', $b[1]->pid;
            $killed = 1;
        }
    }, @writers);

    cmp_ok(scalar @acknowledged, '>=', $enough, 'many changes');
    is(scalar @faults, 0, 'all faults have been');
    ok($killed, 'a broker was killed');

    my $there = $store->object->{store}{all_proxies};
    is(join(' ', grep { !$there->{$_} } @acknowledged), '',
        'all that were acknowledged are there');

    my @epochs = $store->epochs;
    is(scalar(grep { $epochs[$_] <= $epochs[ $_ - 1 ] } 1 .. $#epochs), 0,
        'each change has an epoch of its own, and higher than the last');

    my %said;
    for my $w (@writers) {
        $said{$_} += $w->{said}{$_} for keys %{ $w->{said} };
    }
    is(join(' ', grep { !/^(?:0|200|RETRY|EXTERNAL|EXTERNAL_TIMEOUT)$/ }
            sort keys %said), '',
        'answers: ' . join(', ', map { "$said{$_} times $_" } sort keys %said));

    my $conflicts = 0;
    $conflicts += (Undermoon::Http::metrics($_->addr))[0]
        {undermoon_broker_external_conflicts_total} for @b;
    cmp_ok($conflicts, '>', 3, "somebody else was faster $conflicts times");

    $store->no_faults;
    my ($first, @others);
    ok((wait_for {
        my $epoch = $store->object->{store}{global_epoch};

        ($first, @others) = map { $_->ask('GET', '/metadata')->{body} } @b;
        $first =~ /"global_epoch":$epoch,/ && !grep { $_ ne $first } @others;
    } 20), 'in the end all have the same');
    $_->stop for @b;
}

# ---- The same thing wanted by all -------------------------------------------

{
    my $store = Undermoon::Store->new->start;
    my @b = brokers($store, refresh => '60s');

    $b[0]->register(8); # which the others have not seen
    my @asked = map {
        my $http = Undermoon::Http->new($b[$_]->addr);
        my $body = '{"node_number":8}';

        $http->client->write("POST /api/v3/clusters/meta/c$_ HTTP/1.1\r\n"
                . "Host: x\r\nContent-Length: " . length($body)
                . "\r\n\r\n$body");
        $http;
    } 0 .. 2;
    my @said = map { my $r = $_->answer; "$r->{status} $r->{body}" } @asked;

    is(scalar(grep { /^200/ } @said), 2, 'spares for two clusters of three')
        or diag("@said");
    is(scalar(grep { /NO_AVAILABLE_RESOURCE/ } @said), 1, 'and one refusal');

    # Who has what: the brokers would not take the store if two had the same.
    my $all = $store->object->{store};
    my %owner;
    for my $c (values %{ $all->{clusters} }) {
        $owner{$_}++ for map { @{ $_->{proxy_addresses} } } @{ $c->{chunks} };
    }
    is(join(' ', sort values %owner), '1 1 1 1 1 1 1 1', 'one owner each');
    $_->stop for @b;
}

# ---- What nobody asks for ---------------------------------------------------

{
    my $told = tempdir() . '/epoch';
    spew($told, 1);

    my @proxy = map {
        mock_redis(UMCTL => sub { ':' . slurp($told) . "\r\n" })
    } 1 .. 5;
    my $store = Undermoon::Store->new->start;
    my @b = brokers($store, refresh => '200ms');
    my $n = 0;

    for my $p (@proxy[ 0 .. 3 ]) {
        is($b[ $n % 3 ]->say('POST', '/proxies/meta',
                { proxy_address => $p->addr,
                    nodes => [ "n$n:1", "n$n:2" ], host => 'h' . $n++ }), 200,
            'a proxy');
    }
    is($b[0]->say('POST', '/clusters/meta/c', { node_number => 4 }), 200,
        'a cluster');
    is($b[1]->say('POST', '/clusters/migrations/auto/c/8'), 200, 'scale to 8');
    ok((wait_for {
        !grep { !$_->ask('GET', '/clusters/info/c')->{json}{scaling} } @b;
    } 10), 'all know that');

    spew($told, $b[2]->epoch);
    ok((wait_for {
        !grep { $_->ask('GET', '/clusters/info/c')->{json}{scaling} } @b;
    } 20), 'the proxies know of the nodes: slots move');
    my $tasks = $store->object->{store}{clusters}{c}{chunks};
    my $epoch = $store->object->{store}{global_epoch};

    # A chunk that waits for a spare gets it once, whoever is first.
    my $lost = $tasks->[0]{proxy_addresses}[1];
    is($b[2]->say('POST', "/proxies/failover/$lost"),
        '409 NO_AVAILABLE_RESOURCE', 'a failure without a spare');
    is($b[0]->say('POST', '/proxies/meta', { proxy_address => $proxy[4]->addr,
                nodes => [ 'm:1', 'm:2' ], host => 'h9' }), 200, 'a spare');
    ok((wait_for {
        my $all = $store->object->{store};
        grep { $_ eq $proxy[4]->addr }
            map { @{ $_->{proxy_addresses} } } @{ $all->{clusters}{c}{chunks} };
    } 10), 'takes its place');
    ok((wait_for {
        my $now = $store->object->{store}{global_epoch};
        !grep { $_->epoch != $now } @b;
    } 10), 'all brokers see that');
    my $after = $store->object->{version};
    my $reads = sub { (Undermoon::Http::metrics($b[0]->addr))[0]
            {undermoon_broker_external_reads_total} };
    my $begin = $reads->();
    ok((wait_for { $reads->() > $begin + 8 } 20), 'some refreshes later');
    is($store->object->{version}, $after, 'nothing was done again');
    $_->stop for @b;
}

done_testing();
