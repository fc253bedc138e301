#!/usr/bin/perl

# COMMAND lists what we support, byte by byte as Redis describes it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis);

my $redis = redis()->client;
my $um = undermoon()->start->client;

plan skip_all => 'the command table is that of Redis 7.0'
    unless { @{ $redis->cmd('HELLO') } }->{version} =~ /^7\.0\./;

# What Redis 7.0 has not got, or describes in no order of its own.
my %newer = map { $_ => 1 } qw(client|setinfo client|no-touch waitaof);

my $all = $um->cmd('COMMAND');
my @names = map { $_->[0] } @$all;
my @subs = map { map { $_->[0] } @{ $_->[9] } } @$all;

cmp_ok(scalar(@names), '>', 170, 'many commands');
is($um->cmd(qw(COMMAND COUNT)), @names, 'COMMAND COUNT');
is_deeply($um->cmd(qw(COMMAND INFO)), $all, 'COMMAND INFO without names');
is_deeply([ grep { /^um/ } @names ], [], 'our control commands are our own');
is_deeply([ sort @{ $um->cmd(qw(COMMAND LIST)) } ], [ sort @names, @subs ],
    'COMMAND LIST');

# ---- the entries --------------------------------------------------------

my %container;

for my $proto (3, 2) {
    my @wrong;

    $_->cmd('HELLO', $proto) for $um, $redis;
    for my $name (grep { !$newer{$_} } @names, @subs) {
        if (@{ $um->cmd(qw(COMMAND INFO), $name)->[0][9] }) {
            $container{$name} = 1;
        } elsif ($um->{raw} ne $redis->raw(qw(COMMAND INFO), $name)) {
            push @wrong, $name;
        }
    }
    is_deeply(\@wrong, [],
        "RESP$proto: entries without subcommands: the same bytes");
}

for my $name (sort keys %container) {
    my $ours = $um->cmd(qw(COMMAND INFO), $name)->[0];
    my $theirs = $redis->cmd(qw(COMMAND INFO), $name)->[0];
    my %known = map { $_->[0] => $_ } @{ $theirs->[9] };

    is_deeply([ @$ours[ 0 .. 8 ] ], [ @$theirs[ 0 .. 8 ] ], "$name itself");
    my @have = grep { !$newer{ $_->[0] } } @{ $ours->[9] };
    is_deeply(\@have, [ @known{ map { $_->[0] } @have } ],
        "$name: its subcommands");
}

is($um->raw(qw(COMMAND INFO GET nope Get get|x)),
    $redis->raw(qw(COMMAND INFO GET nope Get get|x)), 'unknown ones are nil');
is_deeply($um->cmd(qw(COMMAND INFO multi monitor shutdown)), [ (undef) x 3 ],
    'and so are those that we do not support');

# ---- COMMAND LIST FILTERBY ----------------------------------------------

{
    my %ours = map { $_ => 1 } @names, @subs;

    for my $filter ([qw(ACLCAT read)], [qw(aclcat FAST)], [qw(ACLCAT nope)],
        [qw(ACLCAT scripting)], [qw(ACLCAT connection)], [qw(PATTERN *ge?*)],
        [qw(pattern CONFIG|*)], [qw(PATTERN [s-x]*)], [qw(PATTERN x)],
        [qw(MODULE x)]) {
        my @got = grep { !$newer{$_} }
            @{ $um->cmd(qw(COMMAND LIST FILTERBY), @$filter) };
        my @want = grep { $ours{$_} }
            @{ $redis->cmd(qw(COMMAND LIST FILTERBY), @$filter) };
        is_deeply([ sort @got ], [ sort @want ], "FILTERBY @$filter");
    }
}

# ---- GETKEYS and errors -------------------------------------------------

for my $call (split /\n/, <<'SAID') {
GET a
get a b
SET a b
SET a b GET
SET a b EX 10
MSET a 1 b 2
MSET a 1 b
MGET a b a
DEL a b c
EVAL x 0
EVAL x 2 a b c
EVAL x 2 a
EVAL x y a
EVALSHA_RO x 1 a
SORT a
SORT a STORE b
SORT a STORE
SORT a BY x STORE b STORE c
SORT_RO a BY x
ZUNIONSTORE a 2 b c
ZUNIONSTORE a 3 b c
ZUNION 2 b c
ZINTERCARD 2 b c LIMIT 1
SINTERCARD 1 b
LMPOP 0 LEFT
LMPOP 3 a LEFT
LMPOP 1 a LEFT
XREAD COUNT 2 STREAMS a b 0 0
XREAD COUNT 2
XREADGROUP GROUP g c STREAMS a b > >
XGROUP CREATE k g $
XGROUP FOO k g $
XINFO STREAM k
OBJECT ENCODING k
OBJECT FOO k
MEMORY USAGE k
BITOP AND a b c
BITFIELD k GET u8 0
BITFIELD k SET u8 0 1
GEORADIUS a 1 2 3 m
GEORADIUS a 1 2 3 m STORE x
GEOSEARCHSTORE a b FROMMEMBER c BYBOX 1 1 m
LMOVE a b LEFT RIGHT
COPY a b
RENAME a b
PFCOUNT a b
SMOVE a b c
SSUBSCRIBE a
PUBLISH a b
CONFIG GET x
CLIENT ID
COMMAND COUNT
FOO a
APPEND a
SAID
    for my $how (qw(GETKEYS GETKEYSANDFLAGS)) {
        my @words = ('COMMAND', $how, split / /, $call);
        is($um->raw(@words), $redis->raw(@words), "$how $call");
    }
}

for my $line (split /\n/, <<'SAID') {
COMMAND COUNT x
COMMAND GETKEYS
COMMAND GETKEYS GET
COMMAND GETKEYSANDFLAGS PING
COMMAND LIST FOO
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY MODULE
COMMAND LIST FILTERBY FOO x
COMMAND LIST FOO MODULE x
COMMAND LIST FILTERBY ACLCAT read x
COMMAND FOO
COMMAND FOO bar
COMMAND HELP x
SAID
    my @words = split / /, $line;
    is($um->raw(@words), $redis->raw(@words), $line);
}

# ---- commands of the configuration --------------------------------------

{
    my $c = undermoon(proxy => 'command my.cmd 1 -1 2 write;')->start->client;
    my $my = $c->cmd(qw(COMMAND INFO My.Cmd))->[0];

    is_deeply([ @$my[ 0 .. 5 ] ], [ 'my.cmd', -2, ['write'], 1, -1, 2 ],
        'a command of the configuration is told as well');
    is($c->cmd(qw(COMMAND COUNT)), @names + 1, 'and counted');
    is(scalar(grep { $_->[0] eq 'my.cmd' } @{ $c->cmd('COMMAND') }), 1,
        'and listed');
    is_deeply($c->cmd(qw(COMMAND LIST FILTERBY PATTERN my*)), ['my.cmd'],
        'found by its name');
    is_deeply($c->cmd(qw(COMMAND LIST FILTERBY ACLCAT nope)), [], 'only');
    is_deeply($c->cmd(qw(COMMAND GETKEYS my.cmd a x b y)), [qw(a b)],
        'with its keys');
}

# ---- HELP: of what there is, the lines of Redis -------------------------

for my $name (qw(COMMAND CONFIG CLIENT)) {
    my %theirs = map { $_ => 1 } @{ $redis->cmd($name, 'HELP') };
    my @more = grep { !$theirs{$_} } @{ $um->cmd($name, 'HELP') };
    is_deeply([ grep { !/SETINFO|client meta|lib / } @more ], [],
        "$name HELP");
}

done_testing;
