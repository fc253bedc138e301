#!/usr/bin/perl

# Requests and replies may be cut anywhere; nobody can tell from the answers.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster mock_redis undermoon);
use Undermoon::Mock qw(bulk);

my $c = cluster(nodes => 2, workers => 1, proxy => 'active_redirection on;');
my $pipeline = join '', map { ref $_ ? Undermoon::Client::request(@$_) : $_ }
    [qw(SET a), "x\r\n\0\$3"], [qw(GET a)], "PING\r\n", [qw(MSET a 1 b 2 c 3)],
    [qw(MGET a b c none)], "\r\n", "set q \"\\x41 \\n\"\r\n", [qw(DEL a b)],
    "*0\r\n", ['ECHO', ''], [qw(NOSUCH thing)], [qw(GET q)];

# The other client is served by the same worker: when it has its answer, what
# was written before has been read.
my $other = $c->client;
my $due = do {
    my $whole = $c->client;
    $whole->write($pipeline . "QUIT\r\n");
    $whole->read_all;
};
like($due, qr/^\+OK\r\n\$6\r\nx\r\n\0\$3\r\n\+PONG\r\n/, 'the replies');

my @bad;
for my $at (1 .. length($pipeline) - 1) {
    my $cut = $c->client;
    $cut->write(substr $pipeline, 0, $at);
    $other->cmd('PING');
    $cut->write(substr($pipeline, $at) . "QUIT\r\n");
    push @bad, $at if $cut->read_all ne $due;
}
is("@bad", '', 'cut once, at every byte');

my $slow = $c->client;
for my $byte (split //, $pipeline . "QUIT\r\n") {
    $slow->write($byte);
    $other->cmd('PING');
}
is($slow->read_all, $due, 'one byte at a time');

# The same for what a Redis answers.
my $reply = "*3\r\n\$3\r\na\r\n\r\n*2\r\n:-1\r\n+x\r\n\$-1\r\n";
my $node = mock_redis(
    'GET'    => sub { $_[1] =~ /(\d+)$/;
        (substr($reply, 0, $1), [0.001], substr($reply, $1)) },
    'LRANGE' => sub { map { ($_, [0.0005]) } split //, $reply },
    'STRLEN' => sub { ":7\r\n" });
my $um = undermoon()->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);

my $client = $um->client;
@bad = ();
for my $at (1 .. length($reply) - 1) {
    $client->write(Undermoon::Client::request('GET', "key$at")
        . Undermoon::Client::request('STRLEN', 'key'));
    push @bad, $at if $client->read_raw . $client->read_raw ne "$reply:7\r\n";
}
is("@bad", '', 'a reply cut once, at every byte');
is($client->raw(qw(LRANGE key 0 -1)), $reply, 'one byte of it at a time');

done_testing;
