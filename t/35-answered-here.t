#!/usr/bin/perl

# What the proxy answers itself, it answers in the words of Redis: every
# command is said to both, each time on a new connection, and the bytes of all
# replies are the same.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis free_port);

# Each line is what one connection says, commands separated by ';'.  "" is an
# empty word and _ a blank in one.
my $open = <<'SAID';
PING
ping hello
PING a b
ECHO
ECHO x
ECHO x y
ECHO ""
QUIT ; PING
QUIT a ; PING
SELECT 0 ; PING
SELECT 1
SELECT 16
SELECT x
SELECT -1
SELECT 007
SELECT -0
SELECT 3000000000
SELECT 99999999999999999999
SELECT
RESET
RESET a
TIME a
READONLY
READONLY a
READWRITE
ASKING
AUTH
AUTH x
AUTH default x
AUTH nobody x
AUTH a b c
HELLO 1
HELLO 4
HELLO x
HELLO 2.0
HELLO 02
HELLO SETNAME x
HELLO 2 AUTH
HELLO 2 AUTH default
HELLO 2 AUTH nobody x
HELLO 2 SETNAME
HELLO 2 SETNAME a_b
HELLO 2 FOO
HELLO 2 SETNAME x SETNAME a_b ; CLIENT GETNAME
CLIENT
CLIENT GETNAME
CLIENT SETNAME
CLIENT SETNAME x ; CLIENT GETNAME ; CLIENT SETNAME "" ; CLIENT GETNAME
CLIENT SETNAME a_b ; CLIENT GETNAME
CLIENT SETNAME x ; RESET ; CLIENT GETNAME
CLIENT ID x
CLIENT INFO x
CLIENT HELP x
CLIENT FOO
client foo bar
CONFIG FOO x
OBJECT FOO x
FOO
FOO bar baz
SAID

my $locked = <<'SAID';
PING
ECHO
ECHO x
FOO
GET
COMMAND
CLIENT ID
CLIENT FOO
SELECT 0
READONLY
CONFIG GET save
INFO
RESET ; PING
QUIT ; PING
AUTH
AUTH wrong
AUTH default wrong
AUTH nobody sesame
AUTH sesame ; PING
AUTH default sesame ; PING
auth sesame ; AUTH wrong ; PING
AUTH sesame ; RESET ; PING
AUTH wrong ; PING
AUTH sesam ; PING
AUTH sesamee ; PING
AUTH "" ; PING
HELLO
HELLO 2
HELLO 4
HELLO x
HELLO 2 FOO
HELLO 2 AUTH
HELLO 2 AUTH default wrong ; PING
HELLO 2 AUTH default sesame FOO ; PING
HELLO 2 AUTH default sesame SETNAME a_b ; PING
HELLO 2 SETNAME foo ; AUTH sesame ; CLIENT GETNAME
HELLO 2 SETNAME a_b
SAID

sub said {
    my ($server, $line) = @_;
    my $c = $server->client;
    my @replies;

    for my $cmd (split / ; /, $line) {
        my @words = map { s/^""$//r =~ tr/_/ /r } split ' ', $cmd;
        push @replies, eval { $c->raw(@words) } // 'closed';
    }

    return join '', @replies;
}

sub compare {
    my ($redis, $um, $said) = @_;

    for my $line (split /\n/, $said) {
        is(said($um, $line), said($redis, $line), $line);
    }
}

my @cluster = qw(--cluster-enabled yes --cluster-port);
my $redis = redis(more => [ @cluster, free_port() ]);
my $um = undermoon(workers => 2)->start;
compare($redis, $um, $open);

# The harness logs in by itself where it is told a password.
my $redis_locked =
    redis(more => [ qw(--requirepass sesame), @cluster, free_port() ]);
my $um_locked = undermoon(proxy => 'password sesame;')->start;
compare($redis_locked, $um_locked, $locked);

# What cannot be the same bytes.
{
    my $c = $um->client;
    my ($sec, $usec) = @{ $c->cmd('TIME') };
    cmp_ok(abs($sec - time), '<=', 2, 'TIME is the time');
    like($usec, qr/^\d{1,6}$/, 'and the microseconds of it');

    my $id = $c->cmd(qw(CLIENT ID));
    my %hello = @{ $c->cmd('HELLO') };
    my %redis = @{ $redis->client->cmd('HELLO') };
    is_deeply([ sort keys %hello ], [ sort keys %redis ], 'HELLO: same fields');
    is($hello{id}, $id, 'HELLO tells the CLIENT ID');
    is_deeply([ @hello{qw(server proto mode role modules)} ],
        [ 'redis', 2, 'cluster', 'master', [] ], 'HELLO: what we are');

    my %two = @{ $c->cmd(qw(HELLO 2 AUTH default any SETNAME me)) };
    is($two{proto}, 2, 'HELLO 2 is welcome');
    is($c->cmd(qw(CLIENT GETNAME)), 'me', 'with its options');
    is($c->cmd(qw(HELLO 4)), '-NOPROTO unsupported protocol version',
        'HELLO 4 is not');
    is($c->cmd(qw(CLIENT GETNAME)), 'me', 'and changes nothing');

    cmp_ok($um->client->cmd(qw(CLIENT ID)), '>', $id, 'ids grow');
}

{
    my $c = $um_locked->client;
    is($c->cmd(qw(HELLO 4)), '-NOPROTO unsupported protocol version',
        'HELLO 4 without AUTH');
    my %hello = @{ $c->cmd(qw(HELLO 2 AUTH default sesame)) };
    is($hello{proto}, 2, 'HELLO AUTH logs in');
    is($c->cmd('PING'), 'PONG', 'and it lasts');
}

# Replies keep their order around what is answered here.
{
    my $c = $um->client;
    my @got = $c->pipeline(map { [ ECHO => $_ ], [qw(CLIENT LIST)], ['PING'] }
        1 .. 20);
    is_deeply([ @got[ map { 3 * $_ } 0 .. 19 ] ], [ 1 .. 20 ],
        'in order, also around what other workers were asked');
}

done_testing;
