#!/usr/bin/perl

# What a broker with `storage file' has acknowledged is there whatever happens
# to its process and, but for the last change, to its file.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(wait_for slow_tests slurp spew);

my $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;')->start;
my $file = $b->dir . '/meta';

# ---- Over ends of all kinds -------------------------------------------------

{
    $b->register(4);
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200,
        'a cluster');
    my $dump = $b->ask('GET', '/metadata')->{body};
    my $sealed = slurp($file);

    is($sealed =~ s/,"checksum":"[0-9a-f]{16}-\d{12}"\}\n\z/}/r, $dump,
        'the file is the dump, with a checksum');

    my $before = $b->pid;
    $b->um->reload;
    ok((wait_for { ($b->pid // 0) != $before && $b->pid } 10), 'a reload');
    delete $b->{http};
    is($b->ask('GET', '/metadata')->{body}, $dump, 'after a reload');

    $b->um->stop;
    $b->start;
    delete $b->{http};
    is($b->ask('GET', '/metadata')->{body}, $dump, 'after a restart');

    my $pid = $b->pid;
    kill 'KILL', $pid;
    delete $b->{http};
    is($b->ask('GET', '/metadata')->{body}, $dump, 'after its process died');

    $b->kill_9;
    $b->start;
    is($b->ask('GET', '/metadata')->{body}, $dump, 'after the machine died');
}

# ---- Damage -----------------------------------------------------------------

{
    is($b->say('PUT', '/epoch/500'), 200, 'epoch 500');
    is($b->say('PUT', '/epoch/600'), 200, 'epoch 600');
    $b->um->stop;
    my $good = slurp($file);
    spew($file, substr $good, 0, length($good) / 2);
    $b->start;
    delete $b->{http};
    ok((wait_for { $b->epoch == 502 } 10),
        'a torn file: the state before the last change, under a new epoch');
    like($b->um->log, qr/\[error\].*storage file .* damaged/, 'said aloud');
    is($b->say('PUT', '/epoch/700'), 200, 'it goes on from there');
    $b->um->stop;
    $b->start;
    delete $b->{http};
    is($b->epoch, 700, 'and keeps that');

    $b->um->stop;
    spew($file, $good =~ s/"c"/"d"/r);
    unlink "$file.old";
    $b->um->{may_fail} = 1;
    my $kept = slurp($file);
    $b->start;
    ok((wait_for { $b->um->log =~ /checksum is wrong/ } 10),
        'nothing that can be used: it does not begin anew');
    $b->um->stop;
    is(slurp($file), $kept, 'and leaves the file alone');
    spew($file, $good);
    $b->start;
    delete $b->{http};
    is($b->epoch, 600, 'with the right file it starts');
}

# ---- A disk that does not take it -------------------------------------------

{
    my $epoch = $b->epoch;

    # The name of the new file is taken by a directory: it cannot be opened.
    mkdir "$file.new" or die "$file.new: $!";
    is($b->say('PUT', '/epoch/' . ($epoch + 10)), '500 PERSISTENCE_IO_ERROR',
        'what cannot be saved is refused');
    is($b->epoch, $epoch, 'and has not happened');
    is(Undermoon::Http::get($b->addr, '/healthz')->{status}, 503,
        'it is not healthy');
    is($b->say('GET', '/clusters/names'), '200 {"names":["c"]}',
        'reading goes on');
    rmdir "$file.new";
    is($b->say('PUT', '/epoch/' . ($epoch + 10)), 200, 'the trouble is over');
    is(Undermoon::Http::get($b->addr, '/healthz')->{status}, 200, 'healthy');
}

# ---- One process ------------------------------------------------------------

{
    my $second = Undermoon::Broker->new(broker => "storage file $file;",
        may_fail => 1)->start;

    ok((wait_for { $second->um->log =~ /another process has it/ } 10),
        'a second broker does not touch the file');
    $second->um->stop;
}

# ---- Dumps of the reference -------------------------------------------------

{
    my $old = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;');

    spew($old->dir . '/meta', '{"version":"mem-broker-0.2","global_epoch":77,'
            . '"clusters":{},"all_proxies":{},"failed_proxies":[],'
            . '"failures":{},"enable_ordered_proxy":false}');
    $old->start;
    is($old->epoch, 77, 'a dump of the reference is taken');
}

# ---- The environment of the reference ----------------------------------------

{
    my $said = sub {
        my $um = Undermoon::Broker->new(env => {@_})->um;
        my ($status, $text) = $um->run('-T');

        is($status, 0, "taken: @_") or diag($text);
        return $text;
    };
    my $text = $said->(UNDERMOON_META_FILENAME => '/some/where else',
        UNDERMOON_AUTO_UPDATE_META_FILE => 'true',
        UNDERMOON_FAILURE_TTL => 7, UNDERMOON_FAILURE_QUORUM => 3,
        UNDERMOON_ENABLE_ORDERED_PROXY => 'true',
        UNDERMOON_MIGRATION_SCAN_COUNT => 99);

    like($text, qr{^\s*storage\s+file "?/some/where else"?;}m, 'a file');
    like($text, qr/^\s*failure_ttl\s+(?:7s|7000ms);/m, 'seconds');
    like($text, qr/^\s*failure_quorum\s+3;/m, 'a quorum');
    like($text, qr/^\s*enable_ordered_proxy\s+on;/m, 'ordered');
    like($text, qr/^\s*migration_scan_count\s+99;/m, 'config of clusters');

    $text = $said->(UNDERMOON_META_FILENAME => '/some/where',
        UNDERMOON_STORAGE_TYPE => 'Memory');
    like($text, qr/^\s*storage\s+memory;/m, 'a name alone makes no file');

    my ($status) = Undermoon::Broker->new(
        env => { UNDERMOON_STORAGE_TYPE => 'etcd' })->um->run('-t');
    ok($status, 'what is not there is refused');
}

# ---- kill -9 under load -----------------------------------------------------

# Four clients register proxies as fast as they are answered, until all
# processes are killed.  What was acknowledged is there afterwards.
{
    my $rounds = slow_tests() ? 300 : 20;
    my (%acknowledged, $lost, $back);
    my ($next, $epoch) = (0, $b->epoch);

    for my $round (1 .. $rounds) {
        my @c = map { Undermoon::Http->new($b->addr)->client } 1 .. 4;
        my %by = map { fileno($_->{sock}) => $_ } @c;
        my $select = IO::Select->new(map { $_->{sock} } @c);
        my $end = time + 0.02 + rand 0.1;
        my %asked;
        my $put = sub {
            my ($c) = @_;
            my $name = sprintf 'p%d:1', ++$next;
            my $body = qq({"proxy_address":"$name","nodes":["a:1","a:2"],)
                . '"host":"h"}';

            $asked{ $c->{sock} } = $name;
            $c->write("POST /api/v3/proxies/meta HTTP/1.1\r\nHost: x\r\n"
                    . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
        };
        my $take = sub {
            my ($c) = @_;

            $c->{in} =~ s{\AHTTP/1\.1 200 .*?\r\n\r\n}{}s or return;
            $acknowledged{ delete $asked{ $c->{sock} } } = 1;
            return 1;
        };

        $put->($_) for @c;
        while (time < $end) {
            for my $s ($select->can_read(0.01)) {
                my $c = $by{ fileno $s };

                $c->_fill or die 'the broker has closed';
                $put->($c) if $take->($c);
            }
        }

        $b->kill_9;
        for my $c (@c) { # answers that were under way
            1 while $c->_fill;
            $take->($c);
        }
        $b->start;

        my %there = map { $_ => 1 }
            @{ $b->ask('GET', '/proxies/addresses')->{json}{addresses} };
        $lost += grep { !$there{$_} } keys %acknowledged;
        $back++ if $b->epoch < $epoch;
        $epoch = $b->epoch;
    }

    cmp_ok(scalar keys %acknowledged, '>', $rounds, 'a good many changes: '
            . keys %acknowledged);
    is($lost // 0, 0, "$rounds times kill -9, nothing acknowledged is lost");
    is($back // 0, 0, 'nor has an epoch gone back');
}

done_testing();
