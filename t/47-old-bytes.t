#!/usr/bin/perl

# Bytes sent on a connection that was given up may still be executed by the
# Redis, later.  So before a new one is used, the old one is killed there.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon mock_redis redis wait_for cluster);

my $hang = 1;
my $node = mock_redis(INCR => sub { }, GET => sub { "+v\r\n" },
    PING => sub { $_[-1]{id} == 1 ? () : "+PONG\r\n" },
    'CLIENT KILL' => sub { ":1\r\n" });
my $um = undermoon(workers => 1, proxy => 'backend_timeout 300ms;')->start;
$um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
my $c = $um->client;

# One connection hangs for good: the proxy gives it up.
like($c->cmd(qw(INCR n)), qr/^-ERR_BACKEND_TIMEOUT/, 'a connection hangs');
ok(wait_for { my $said = eval { $c->cmd(qw(GET k)) } // ''; $said eq 'v' } 10,
    'another serves');

sub first_matching {
    my ($re, @said) = @_;

    for my $i (0 .. $#said) {
        return $i if $said[$i] =~ $re;
    }
    return -1;
}

my ($first, @later) = $node->sessions;
ok(( grep { /^CLIENT ID/i } @$first ), 'the id of the first was asked for');
my $n = 0;
for my $said (grep { "@$_" =~ /\b(?:GET|INCR) / } @later) {
    my $kill = first_matching(qr/^CLIENT KILL ID 1\b/i, map { @$_ } @later);
    my $data = first_matching(qr/^(?:GET|INCR) /i, @$said);
    $n++;
    cmp_ok($kill, '>=', 0, 'the old one is killed');
    cmp_ok($data, '>=', 0, 'before data goes over the new one');
}
cmp_ok($n, '>', 0, 'there is a new one');
my $all = join "\n", map { "@$_" } $node->commands;
like($all, qr/CLIENT KILL ID 1\b.*\nGET k/si, 'in this order');

# With a real Redis: it sleeps with an INCR in its socket, is given up, wakes
# up, and what is done next is not undone.
my $cl = cluster(nodes => 1, workers => 2, proxy => 'backend_timeout 300ms;');
my $real = $cl->node;
my @clients = map { $cl->client } 1 .. 8;
is($clients[0]->cmd(qw(SET n 0)), 'OK', 'a counter');
my $bad = 0;
for my $round (1 .. 3) {
    $real->pause;
    $_->send(qw(INCR n)) for @clients;
    $bad++ for grep { $_->read !~ /^-ERR_BACKEND_/ } @clients;
    kill 'KILL', ($cl->proxy->workers)[0] if $round == 2;
    $real->resume;

    my $new = $cl->client;
    wait_for { ($new->cmd(qw(SET n 1000)) // '') eq 'OK' } 10
        or fail('it comes back');
    is($cl->client->cmd(qw(GET n)), 1000, "round $round: set");
    for (1 .. 50) {
        next if eval { $cl->client->cmd(qw(GET n)) } == 1000;
        fail('an old INCR was executed behind the SET');
        last;
    }
    @clients = map { $cl->client } 1 .. 8;
}
is($bad, 0, 'what was under way got errors');

# Another run_id: the old bytes have died with their Redis, and the old id
# belongs to somebody else.
my $other = redis();
my $two = undermoon(workers => 1, proxy => 'backend_timeout 500ms;')->start;
$two->setcluster(local => [ $other->addr, [ [ 0, 16383 ] ] ]);
is($two->client->cmd(qw(SET k v)), 'OK', 'a Redis');
$other->restart;
my $watch = $other->client;
$watch->cmd('CLIENT', 'SETNAME', 'innocent');
ok(wait_for { ($two->client->cmd(qw(GET k)) // 'nil') eq 'nil' } 10,
    'restarts');
is($other->info('cmdstat_client|kill') // 'never', 'never',
    'nobody is killed at a Redis that is another');
is($watch->cmd('CLIENT', 'GETNAME'), 'innocent', 'the innocent lives');

done_testing;
