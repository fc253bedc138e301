#!/usr/bin/perl

# A backend that lies: its command fails, its connection is given up, and
# nobody else gets what it said.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis redis wait_for);
use Undermoon::Mock qw(CUT bulk);

my %lie = (
    'no RESP at all'         => ["HTTP/1.1 400 Bad Request\r\n\r\n"],
    'an unknown type'        => ["?what\r\n"],
    'a length of letters'    => ["\$abc\r\nxyz\r\n"],
    'a negative length'      => ["\$-7\r\n"],
    'a bulk without its end' => ["\$3\r\nabcdef\r\n"],
    'a monstrous length'     => [ "\$99999999999999999999\r\n", CUT ],
    'a monstrous array'      => [ "*99999999999999999999\r\n", CUT ],
    'arrays without end'     => [ "*1\r\n" x 5000, CUT ],
    'a bulk cut short'       => [ "\$10\r\nabc", CUT ],
    'an array cut short'     => [ "*3\r\n:1\r\n", CUT ],
    'a line cut short'       => [ '+O', CUT ],
    'a line without end'     => [ '+' . 'x' x 200_000, CUT ],
);

my $true = redis();
my $node = mock_redis(
    GET => sub { $lie{ $_[1] } ? @{ $lie{ $_[1] } } : "+true\r\n" },
    DEL => sub { ":1\r\n:2\r\n:3\r\n" });
my $um = undermoon(workers => 1, proxy => 'backend_timeout 2s;')->start;
my @worker = $um->workers;
$um->setcluster(local => [ $node->addr, [ [ 0, 16382 ] ],
    $true->addr, [ [ 16383, 16383 ] ] ]);
my $memory = $um->memory;

for my $name (sort keys %lie) {
    my $c = $um->client(timeout => 5);
    my $other = $um->client(timeout => 5);

    is($c->cmd(qw(GET k)), 'true', "$name: before");
    my $said = eval { $c->cmd('GET', $name) } // $@;
    like($said, qr/^-ERR_BACKEND_CONNECTION|^closed$/, "$name: an error");
    ok(wait_for { $other->cmd(qw(GET k)) eq 'true' } 5,
        "$name: others are served by another connection");
    my @two = map { "$_" } $other->pipeline([qw(GET k)], [qw(GET k)]);
    is("@two", 'true true', "$name: and get no rest of it");
}

# More replies than commands: all that follow would be shifted.
my $c = $um->client(timeout => 5);
is($c->cmd(qw(DEL k)), 1, 'two replies too many');
my @next = map { my $said = eval { $c->cmd(qw(GET k)) } // 'true'; "$said" }
    1 .. 5;
is(scalar(grep { !/^true$|^-ERR_BACKEND_CONNECTION/ } @next), 0,
    'are nobody\'s answer') or diag("@next");
ok(wait_for { $c->cmd(qw(GET k)) eq 'true' } 5, 'and all is well again');

is_deeply([ $um->workers ], \@worker, 'the same worker serves on');
$um->is_well($memory, qw(GET k));

# An answer to our own question has an end.
my $endless = mock_redis(
    INFO => sub { ("\$999999999\r\n" . 'x' x (33 << 20)) });
my $patient = undermoon(workers => 1, proxy => 'backend_timeout 60s;')->start;
$patient->setcluster(local => [ $endless->addr, [ [ 0, 16383 ] ] ]);
ok(wait_for { $endless->connections > 1 } 20, 'INFO without end is not kept');

done_testing;
