#!/usr/bin/perl

# Many clients write the whole of a pipeline before they read a reply.  Redis
# keeps what is not read yet; so must we, or both sides wait for ever.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 6;
use Undermoon::Test qw(cluster);

my $c = cluster(nodes => 2, workers => 1, proxy => 'active_redirection on;');
my $um = $c->proxy;
my $memory = $um->memory;
my $client = $c->client;
my $n = 5000;
my @value = map { chr(97 + $_) x 10_000 } 0 .. 25;

# 50 MB each way.
ok($client->write(join '', map {
    Undermoon::Client::request('SET', "k$_", $value[ $_ % 26 ])
        . Undermoon::Client::request('GET', "k$_")
} 1 .. $n), 'all is taken from a client that does not read yet');

my ($set, $got) = (0, 0);
for my $i (1 .. $n) {
    $set++ if $client->read eq 'OK';
    $got++ if $client->read eq $value[ $i % 26 ];
}
is($set, $n, 'each SET is answered');
is($got, $n, 'each GET with its value');
is($client->cmd('PING'), 'PONG', 'nothing more');
$client->close;
$um->is_well($memory);
