#!/usr/bin/perl

# CLIENT REPLY: what nobody wants to hear is not said, and costs nothing; what
# is wanted comes in its order.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster redis undermoon mock_redis wait_for);

my $redis = redis();
my $cluster = cluster(nodes => 3, workers => 2,
    proxy => 'active_redirection on; client_output_limit 2m;');
my $um = $cluster->proxy;

# ---- the same as Redis --------------------------------------------------

# A whole conversation in one write; it ends with ECHO end, said with replies
# on.  All that comes up to that.
sub said {
    my ($server, $proto, $line) = @_;
    my $c = $server->client;

    $c->cmd('HELLO', $proto);
    $c->write(join '', map { Undermoon::Client::request(split / /) }
            split(/ ; /, $line), 'CLIENT REPLY ON', 'ECHO end');
    my $got = '';
    until ($got =~ /\$3\r\nend\r\n$/) {
        my $reply = eval { $c->read_raw } // return "$got, closed";
        $got .= $reply;
    }
    return $got;
}

my $lines = <<'SAID';
PING
CLIENT REPLY OFF ; PING
CLIENT REPLY OFF ; PING ; CLIENT REPLY ON ; PING
CLIENT REPLY SKIP ; PING ; PING
CLIENT REPLY SKIP ; CLIENT REPLY SKIP ; PING ; ECHO 2
CLIENT REPLY SKIP ; CLIENT REPLY ON ; PING
CLIENT REPLY SKIP ; CLIENT REPLY OFF ; PING
CLIENT REPLY SKIP ; CLIENT REPLY x ; PING
CLIENT REPLY OFF ; CLIENT REPLY x ; PING
CLIENT REPLY OFF ; CLIENT REPLY SKIP ; PING ; CLIENT REPLY ON ; PING
CLIENT REPLY OFF ; RESET ; PING
CLIENT REPLY SKIP ; RESET ; PING
CLIENT REPLY OFF ; HELLO 3 ; GET nope ; CLIENT REPLY ON ; GET nope
CLIENT REPLY SKIP ; HELLO 2 ; GET nope
CLIENT REPLY OFF ; FOO ; GET ; SET a ; CLIENT FOO ; CLIENT REPLY ON ; FOO
CLIENT REPLY SKIP ; FOO ; FOO
CLIENT REPLY SKIP ; GET ; GET
GET x ; CLIENT REPLY OFF ; SET x 1 ; INCR x ; CLIENT REPLY ON ; GET x ; DEL x
SET x 1 ; CLIENT REPLY SKIP ; INCR x ; INCR x ; CLIENT REPLY SKIP ; DEL x
LPUSH x 1 ; CLIENT REPLY OFF ; GET x ; CLIENT REPLY ON ; GET x ; DEL x
MSET a 1 b 2 c 3 ; CLIENT REPLY SKIP ; MGET a b c ; MGET a b c ; DEL a b c
CLIENT REPLY OFF ; MSET a 1 b 2 ; EXISTS a b c ; CLIENT REPLY ON ; MGET a b c
CLIENT REPLY SKIP ; DEL a b c ; CLIENT REPLY SKIP ; MGET a b c ; EXISTS a b c
CLIENT REPLY OFF ; HGETALL x ; SMEMBERS y ; CLIENT REPLY ON ; GET x
CLIENT REPLY SKIP ; TIME ; CLIENT REPLY SKIP ; COMMAND ; PING
SAID

for my $proto (2, 3) {
    is(said($um, $proto, $_), said($redis, $proto, $_), "RESP$proto: $_")
        for split /\n/, $lines;
}

# ---- order, in pipelines and around splits ------------------------------

{
    my $c = $cluster->client;
    my (@said, @want);

    srand 1;
    $c->cmd('SET', "k$_", $_) for 0 .. 99;
    my $off = 0;
    for my $i (1 .. 3000) {
        my $n = int rand 100;
        my $what = rand;
        if ($what < 0.05) {
            $off = !$off;
            push @said, [ qw(CLIENT REPLY), $off ? 'OFF' : 'ON' ];
            push @want, 'OK' unless $off;
        } elsif ($what < 0.1) {
            push @said, [qw(CLIENT REPLY SKIP)], [ 'GET', "k$n" ];
        } elsif ($what < 0.3) {
            my @keys = map { int rand 100 } 1 .. 5;
            push @said, [ 'MGET', map { "k$_" } @keys ];
            push @want, "@keys" unless $off;
        } elsif ($what < 0.4) {
            push @said, [ 'ECHO', $i ];
            push @want, $i unless $off;
        } else {
            push @said, [ 'GET', "k$n" ];
            push @want, $n unless $off;
        }
    }
    push @said, [qw(CLIENT REPLY ON)];
    push @want, 'OK';
    $c->write(join '', map { Undermoon::Client::request(@$_) } @said);
    my @got = map { my $v = $c->read; ref $v ? "@$v" : $v } @want;
    is_deeply(\@got, \@want, 'a pipeline of 3000, at random muted');
    ok($c->silent(0.05), 'and nothing more');
}

# ---- nothing is kept ----------------------------------------------------

{
    my $c = $cluster->client;
    my $big = 'x' x 1_000_000;

    $c->cmd('SET', $_, $big) for qw(b1 b2 b3);
    $c->write(Undermoon::Client::request(qw(CLIENT REPLY OFF))
            . join '', map { Undermoon::Client::request(split / /) }
            ('GET b1', 'MGET b1 b2 b3 b1 b2 b3') x 50);
    $c->write(join '', map { Undermoon::Client::request(split / /) }
            'CLIENT REPLY ON', 'ECHO here');
    is($c->read, 'OK', '350 MB that nobody wants do not close a client');
    is($c->read, 'here', 'and are not sent');

    $c->send(qw(MGET b1 b2 b3 b1 b2 b3));
    ok(!eval { $c->read; 1 }, 'while one of those, wanted, is too much');
}

# ---- protocol errors, QUIT, a node's death ------------------------------

{
    my $c = $cluster->client;
    $c->write(Undermoon::Client::request(qw(CLIENT REPLY OFF))
            . Undermoon::Client::request('PING') . "*1\r\n\$x\r\n");
    is($c->read_all, '', 'a protocol error is not said, but closes');

    $c = $cluster->client;
    $c->write(join '', map { Undermoon::Client::request(split / /) }
            'CLIENT REPLY OFF', 'GET k1', 'QUIT');
    is($c->read_all, '', 'nor is the answer to QUIT');

    $c = $cluster->client;
    $c->write(join '', map { Undermoon::Client::request(split / /) }
            'GET k1', 'CLIENT REPLY SKIP', 'QUIT');
    is($c->read_all, "\$1\r\n1\r\n", 'what was asked before is answered');
}

{
    my $node = mock_redis(GET => sub {
        $_[1] eq 'die' ? Undermoon::Mock::CUT() : $_[1] eq 'never' ? ()
            : Undermoon::Mock::bulk($_[1]);
    });
    my $one = undermoon(proxy => 'backend_timeout 300ms;')->start;
    $one->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
    my $c = $one->client;
    ok(wait_for { $c->cmd(qw(GET x)) eq 'x' } 10, 'a node');

    $c->write(join '', map { Undermoon::Client::request(split / /) }
            'GET 1', 'CLIENT REPLY OFF', 'GET 2', 'GET die', 'GET 3',
            'CLIENT REPLY ON', 'GET 4', 'PING');
    my @got = map { scalar $c->read } 1 .. 4;
    is_deeply([ @got[ 0, 1, 3 ] ], [ 1, 'OK', 'PONG' ],
        'a node dies under muted commands');
    like($got[2], qr/^-ERR|^4$/, 'only what is wanted is said: ' . $got[2]);

    ok(wait_for { $c->cmd(qw(GET x)) eq 'x' } 10, 'it is back');
    $c->write(join '', map { Undermoon::Client::request(split / /) }
            'CLIENT REPLY SKIP', 'GET never', 'PING', 'CLIENT REPLY SKIP',
            'GET never', 'ECHO x');
    is_deeply([ map { scalar $c->read } 1, 2 ], [ 'PONG', 'x' ],
        'a muted command that is late holds nothing up for longer');
    ok($c->silent(0.4), 'and is not answered when its time is up');
}

# ---- a new client begins with replies on --------------------------------

is($cluster->client->cmd('PING'), 'PONG', 'nobody else is muted');

done_testing;
