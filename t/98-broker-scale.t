#!/usr/bin/perl

# Scaling a cluster in one step: the request is answered at once, the slots
# move when all proxies know of the new nodes, and the intent outlives the
# process that was asked.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Test qw(mock_redis wait_for tempdir spew slurp);

# Proxies of which only the epoch is asked; it stands in a file.
my $told = tempdir() . '/epoch';

spew($told, 1);

my @proxy = map {
    mock_redis(UMCTL => sub { ':' . slurp($told) . "\r\n" })
} 1 .. 4;
my $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;')->start;
my $n = 0;

for my $p (@proxy) {
    is($b->say('POST', '/proxies/meta', { proxy_address => $p->addr,
                nodes => [ "n$n:1", "n$n:2" ], host => 'h' . $n++ }), 200,
        'a proxy');
}

sub info { $b->ask('GET', '/clusters/info/c')->{json} }

is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'a cluster');
is($b->say('POST', '/clusters/migrations/auto/c/8'), 200, 'scale to 8');
is(info()->{node_number}, 8, 'the nodes are there');
ok(info()->{is_migrating}, 'it counts as migrating');
is(info()->{scaling}, 8, 'with what is wanted');
unlike($b->ask('GET', '/clusters/meta/c')->{body}, qr/Migrating/,
    'though no slot moves');
is($b->say('POST', '/clusters/migrations/expand/c'), '409 MIGRATION_RUNNING',
    'nothing else may begin');

# Nobody knows of the nodes yet.  The intent survives.
$b->kill_9;
$b->start;
ok(info()->{is_migrating}, 'after kill -9 it still does');

spew($told, $b->epoch);
ok((wait_for { !exists info()->{scaling} } 10), 'all proxies know');
like($b->ask('GET', '/clusters/meta/c')->{body}, qr/Migrating.*Importing/,
    'slots move');

# ---- Recovery of epochs -----------------------------------------------------

{
    spew($told, 5000);
    my $r = $b->ask('PUT', '/epoch/recovery');

    is_deeply($r->{json}, { failed_addresses => [] }, 'all have answered');
    is($b->epoch, 5002, 'beyond the highest');
}

# ---- Giving up --------------------------------------------------------------

{
    my $o = Undermoon::Broker->new(broker => 'scaling_timeout 1s;')->start;

    $o->register(4);
    is($o->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'c');
    is($o->say('POST', '/clusters/migrations/auto/c/8'), 200, 'auto');
    ok((wait_for {
        ($o->ask('GET', '/clusters/info/c')->{json}{scaling_error} // '')
            =~ /does not answer/;
    } 15), 'proxies that do not answer: it says which');
    ok(!$o->ask('GET', '/clusters/info/c')->{json}{is_migrating},
        'and others may scale it again');
    like($o->um->log, qr/scaling is given up/, 'the log knows');
}

done_testing();
