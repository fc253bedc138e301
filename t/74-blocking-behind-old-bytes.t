#!/usr/bin/perl

# A command that was given up may still be executed.  What blocks goes over a
# connection of its own and would overtake it: it waits, a while.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);
use Undermoon::Client;

my $busy = <<'END';
local t = redis.call('TIME')
local from = t[1] * 1000000 + t[2]
repeat
    t = redis.call('TIME')
until t[1] * 1000000 + t[2] - from > tonumber(ARGV[1])
return redis.call('RPUSH', KEYS[1], 'late')
END

my $node = redis();
my $um = undermoon(workers => 1, proxy => 'backend_timeout 300ms;')->start;
is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'metadata');
my ($c, $d) = ($um->client, $um->client);

$c->write(Undermoon::Client::request('EVAL', $busy, 1, 'list', 500000));
like($c->read, qr/^-ERR_BACKEND_TIMEOUT: .* may have been executed/,
    'given up');
is_deeply($d->cmd(qw(BLPOP list 5)), [qw(list late)],
    'what blocks came behind it');
is_deeply($c->cmd(qw(BLPOP list 0.01)), undef, 'and nothing came twice');

# For longer than backend_timeout it is not kept.
$c->write(Undermoon::Client::request('EVAL', $busy, 1, 'list', 1200000));
like($c->read, qr/^-ERR_BACKEND_TIMEOUT/, 'given up for longer');
like($d->cmd(qw(BLPOP list 5)),
    qr/^-ERR_BACKEND_(?:TIMEOUT|CONNECTION): .* was not sent/, 'said honestly');
ok(wait_for { ref $d->cmd(qw(BLPOP list 1)) } 10, 'and then it goes on');

done_testing;
