#!/usr/bin/perl

# A client that asks for 200 MB and does not read costs a bounded amount of
# memory, and others on the same Redis connection are served.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster wait_for);

my $c = cluster(nodes => 2, workers => 1, proxy => <<'END');
    active_redirection   on;
    client_output_limit  8m;
    buffer_memory        64m;
END
my $um = $c->proxy;
my $key = $c->key_on(0);
my $value = join '', map { chr(97 + $_ % 26) } 1 .. 20_000;
my $other = $c->client;

is($other->cmd('SET', $key, $value), 'OK', 'a value of 20 KB');
is($other->cmd('SET', 'n', 0), 'OK', 'a counter');
my $memory = $um->memory;

my $get = Undermoon::Client::request('GET', $key);
my $all = $get x 10_000;
my @deaf = map { $c->client(rcvbuf => 4096) } 1 .. 5;
my @sent = map { 0 } @deaf;
my $peak = 0;
my $served = 0;

# They send as much as is taken from them, until nothing moves any more.
my $still = 0;
while ($still < 20) {
    my $moved = 0;

    for my $i (0 .. $#deaf) {
        my $n = $deaf[$i]->write_some(substr $all, $sent[$i]);
        $sent[$i] += $n;
        $moved += $n;
    }
    $still = $moved ? 0 : $still + 1;
    $served++ if $other->cmd('GET', $key) eq $value;
    $other->cmd('INCR', 'n');
    my $now = $um->memory;
    $peak = $now if $now > $peak;
}

cmp_ok($peak, '<', $memory + (96 << 20), '1 GB of replies are not kept')
    or diag("$memory then $peak");
cmp_ok($served, '>=', 20, 'another client is served all the while');
ok($um->serves('GET', $key), 'and a new one, at once');

# Who did not read is not read from either: what he gets when he reads after
# all is right, whether it goes on or ends.
my $late = shift @deaf;
my $right = 0;
eval { $right++ while $right < 20 && $late->read eq $value };
like($@, qr/^(?:closed)?$/, 'a deaf client that reads after all gets no junk');

# Who asks for more than client_output_limit, and reads late, gets it all.
my $patient = $c->client(rcvbuf => 65536);
$patient->write($get x 600);
$served = grep { $other->cmd('GET', $key) eq $value } 1 .. 50;
is($served, 50, 'another is served beside a late reader');
is(scalar(grep { $patient->read eq $value } 1 .. 600), 600,
    'who reads late gets all of 12 MB');
$patient->close;

$_->close for @deaf, $late;
$um->is_well($memory, 'GET', $key);

done_testing;
