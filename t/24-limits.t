#!/usr/bin/perl

# Bombs of all kinds cost neither the process nor memory nor others' time.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster wait_for);

my $c = cluster(nodes => 1, workers => 1, proxy => <<'END');
    max_request  4m;
    max_bulk     2m;
    max_args     1000;
    max_pipeline 100;
END
my $um = $c->proxy;
my @worker = $um->workers;
my $memory = $um->memory;
my $other = $c->client;

is($other->cmd(qw(SET k v)), 'OK', 'before');

sub bomb {
    my ($bytes) = @_;
    my $client = $c->client;

    $client->write($bytes);
    return $client->read_all;
}

is(bomb("*1\r\n" x 10_000), "-ERR Protocol error: expected '\$', got '*'\r\n",
    '10,000 nested arrays');
is(bomb("*9223372036854775807\r\n"),
    "-ERR Protocol error: invalid multibulk length\r\n", 'an endless array');
is(bomb("*1\r\n\$9223372036854775807\r\n"),
    "-ERR Protocol error: invalid bulk length\r\n", 'an endless word');
is(bomb("*1001\r\n"), "-ERR Protocol error: invalid multibulk length\r\n",
    'more words than max_args');
is(bomb("*2\r\n\$3\r\nGET\r\n\$2097153\r\n"),
    "-ERR Protocol error: invalid bulk length\r\n", 'more bytes than max_bulk');
is(bomb('x' x 65537), "-ERR Protocol error: too big inline request\r\n",
    'a line without an end');

my $request = Undermoon::Client::request('MSET', map { ("{k}$_",
    'x' x 1_900_000) }
    1 .. 3);
like(bomb($request), qr/^-ERR /, 'more bytes than max_request, all words')
    or diag(length $request);

is($other->cmd(qw(GET k)), 'v', 'another client is served all the while');

# Promises cost nothing: 200 clients announce what they never send.
my @liars = map { $c->client } 1 .. 200;
$_->write("*1000\r\n\$2097152\r\nab") for @liars;
is($other->cmd(qw(GET k)), 'v', 'and beside 200 that promise 2 MB each');
cmp_ok($um->memory, '<', $memory + (32 << 20), 'promises are not memory');
$_->close for @liars;

# One that sends a byte now and then.
my $slow = $c->client;
my $answers = 0;
for my $byte (split //, Undermoon::Client::request('SET', 'slow', 'x' x 300)) {
    $slow->write($byte);
    $answers += $other->cmd('GET', 'k') eq 'v';
}
is($slow->read, 'OK', 'a slow sender is waited for');
cmp_ok($answers, '>', 300, 'by nobody else');

# Thousands of commands in one write, all kinds of nothing.
my $many = $c->client;
$many->write("\r\n" x 100_000 . "*0\r\n" x 50_000 . "PING\r\n");
is($many->read, 'PONG', '150,000 empty requests');

# A pipeline far deeper than max_pipeline only waits for its turn.
my @deep = $c->client->pipeline(map { ([ 'SET', "d$_", $_ ], ['PING'],
    [ 'GET', "d$_" ]) } 1 .. 5000);
is(scalar(grep { $deep[ 3 * $_ - 1 ] eq $_ } 1 .. 5000), 5000,
    'a pipeline of 15,000 where 100 are taken at a time');

is_deeply([ $um->workers ], \@worker, 'the same worker serves on');
$um->is_well($memory, 'GET', 'k');

done_testing;
