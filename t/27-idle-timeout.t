#!/usr/bin/perl

# session_timeout closes who has long been silent: not who has just come, not
# who waits for an answer.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(undermoon mock_redis wait_for);

my $node = mock_redis(GET => sub { ([1.5], "\$4\r\nlate\r\n") });
my $um = undermoon(
    proxy => 'session_timeout 600ms; backend_timeout 5s;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');

my $memory = $um->memory;
my $begin = time;
my $idle = $um->client;
my $fresh = $um->client;
my $waits = $um->client;
my $busy = $um->client;

ok($fresh->silent(0.2), 'a fresh connection may be silent for a while');
is($fresh->cmd('PING'), 'PONG', 'and is served then');

$waits->send(qw(GET k));
my $alive = 1;
while (time < $begin + 1.3) {
    $alive &&= $busy->cmd('PING') eq 'PONG';
    $busy->silent(0.1);
}
ok($alive, 'a busy one stays');
is($waits->read, 'late', 'one that waits for its answer stays');

ok($idle->closed(5), 'an idle one is closed');
cmp_ok(time - $begin, '>', 0.55, 'not too early');
ok($waits->closed(5), 'and the others, when they have nothing to say');
$um->is_well($memory);

done_testing;
