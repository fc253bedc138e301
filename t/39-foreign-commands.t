#!/usr/bin/perl

# Commands that our table does not know: forwarded when every local node
# describes them alike, when they have keys, and when nothing about them needs
# a connection of its own; or when the configuration names them.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Mock qw(bulk);
use Undermoon::Test qw(undermoon mock_redis wait_for);

# COMMAND as a Redis with modules answers it: name, first key, flags.
sub described {
    return '*' . @_ . "\r\n" . join '', map {
        my ($name, $first, @flags) = @$_;

        "*7\r\n" . bulk($name) . ":-2\r\n*" . @flags . "\r\n"
            . join('', map { "+$_\r\n" } @flags)
            . ":$first\r\n:$first\r\n:" . ($first ? 1 : 0) . "\r\n*0\r\n";
    } @_;
}

my @common = ([qw(json.get 1 readonly)], [qw(json.set 1 write denyoom)],
    [qw(ft.wait 1 readonly blocking)], [qw(ft.listen 1 pubsub)],
    [qw(ft.config 1 admin)], [qw(ft.list 0 readonly)],
    [qw(get 0 admin)]);
my %answers = map { my $name = $_;
    (uc $name => sub { bulk(join ' ', 'node:', @_[ 0 .. $#_ - 1 ]) }) }
    (map { $_->[0] } @common), qw(my.put only.one);

sub node { my @more = @_;
    return mock_redis(%answers, COMMAND => sub { described(@common, @more) });
}

my @node = (node(), node([qw(only.one 1 write)]));
my $um = undermoon(workers => 2, proxy => 'command my.put 2 2 1 write;')
    ->start;
is($um->setcluster(local => [ $node[0]->addr, [ [ 0, 8191 ] ],
    $node[1]->addr, [ [ 8192, 12181 ], [ 12183, 16383 ] ] ],
    peer => [ '127.0.0.1:1', [ [ 12182, 12182 ] ] ]), 'OK', 'metadata');

# Every worker asks the nodes for itself.
my @c = map { $um->client } 1 .. 20;
my $knows = sub {
    my ($c, @cmd) = @_;
    return $c->cmd(@cmd) !~ /^-ERR unknown command/;
};
ok((wait_for {
    20 == grep { $knows->($_, 'JSON.GET', 'b') } @c
} 10), 'a command that all nodes know is learned by all workers');

my $c = $c[0];
is($c->cmd(qw(JSON.GET b $)), 'node: JSON.GET b $', 'it goes to a node');
is($c->cmd(qw(json.set a $ 1)), 'node: json.set a $ 1', 'in any case');
is(scalar $node[1]->commands('json.set'), 1, 'to the one that has the key');
is($c->cmd(qw(JSON.GET foo)), '-MOVED 12182 127.0.0.1:1',
    "a peer's key is a peer's");
is($c->cmd('JSON.GET'),
    "-ERR wrong number of arguments for 'json.get' command", 'arity');
is($c->cmd(qw(COMMAND INFO json.set))->[0][0], 'json.set',
    'COMMAND tells of it');

for my $refused (qw(FT.WAIT FT.LISTEN FT.CONFIG FT.LIST ONLY.ONE NOBODYS)) {
    is($c->cmd($refused, 'b'), "-ERR unknown command '$refused', with args "
            . "beginning with: 'b' ", "$refused is not");
    is(scalar($_->commands($refused)), 0, 'and no node has seen it') for @node;
}
is($c->cmd(qw(GET b)), 'node: GET b', 'what the table knows stays as it is');

# By the configuration: keys where it says.
is($c->cmd(qw(MY.PUT x a)), 'node: MY.PUT x a', 'command NAME ...;');
is(scalar $node[1]->commands('MY.PUT'), 1, 'by the key it says');
is($c->cmd(qw(MY.PUT x foo)), '-MOVED 12182 127.0.0.1:1', 'wherever that is');
is($c->cmd(qw(MY.PUT x)), "-ERR wrong number of arguments for 'my.put' "
        . 'command', 'which must be there');

# A node more that does not know them: they are known no longer.
my $bare = mock_redis();
is($um->setcluster(local => [ $node[0]->addr, [ [ 0, 8191 ] ],
    $bare->addr, [ [ 8192, 16383 ] ] ]), 'OK', 'another node');
ok((wait_for { 20 == grep { !$knows->($_, 'JSON.GET', 'b') } @c } 10),
    'a node that does not know it: it is forgotten');
is($c->cmd(qw(MY.PUT x b)), 'node: MY.PUT x b',
    'what is configured is not');

done_testing;
