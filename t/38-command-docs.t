#!/usr/bin/perl

# COMMAND DOCS tells what a node says of the commands that we have, and only of
# those; where no node can be asked it tells what our table knows.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(cluster undermoon redis mock_redis wait_for);

my $cluster = cluster(nodes => 2);
my $um = $cluster->client;
my $redis = $cluster->node->client;

plan skip_all => 'the command table is that of Redis 7.0'
    unless { @{ $redis->cmd('HELLO') } }->{version} =~ /^7\.0\./;

my %newer = map { $_ => 1 } qw(client|setinfo client|no-touch waitaof);
my %listed = map { $_ => 1 } @{ $um->cmd(qw(COMMAND LIST)) };
my @names = map { $_->[0] } @{ $um->cmd('COMMAND') };
my %map;

# The nodes are known when the first of them has been spoken to.
ok(wait_for { $um->cmd(qw(COMMAND DOCS get))->[1][6] } 10, 'a node is asked');

# ---- byte by byte -------------------------------------------------------

sub subs_of {
    my ($docs) = @_;
    my %doc = @{ $docs->[1] };

    return @{ $doc{subcommands} // [] };
}

for my $proto (2, 3) {
    $_->cmd('HELLO', $proto) for $um, $redis;
    my @wrong;

    for my $name (grep { !$newer{$_} } sort keys %listed) {
        my $ours = $um->cmd(qw(COMMAND DOCS), $name);
        my $theirs = $redis->cmd(qw(COMMAND DOCS), $name);

        if (!subs_of($ours)) {
            push @wrong, $name if $um->{raw} ne $redis->{raw};
            next;
        }

        # Of a container: the same but for subcommands we have not.
        my %theirs = subs_of($theirs);
        my %ours = subs_of($ours);
        push @wrong, "$name: " . join ' ', sort keys %ours
            unless join(' ', sort keys %ours) eq
            join ' ', sort grep { /^\Q$name\E\|/ } keys %listed;
        for my $sub (grep { !$newer{$_} } keys %ours) {
            push @wrong, $sub
                unless join(',', flat($ours{$sub})) eq
                join ',', flat($theirs{$sub});
        }
        my ($o, $t) = map { my %d = @{ $_->[1] }; delete $d{subcommands}; \%d }
            $ours, $theirs;
        is_deeply($o, $t, "RESP$proto: $name");
    }
    is_deeply(\@wrong, [], "RESP$proto: all others, the same bytes");

    is($um->raw(qw(COMMAND DOCS), @$_), $redis->raw(qw(COMMAND DOCS), @$_),
        "RESP$proto: COMMAND DOCS @$_")
        for [qw(nope)], [qw(GET nope Set get)], [qw(config|GET get|x)],
        [qw(georadius XADD)];
    isa_ok($um->cmd(qw(COMMAND DOCS get)), $proto == 3 ? 'Undermoon::Map'
        : 'ARRAY', "RESP$proto: the reply");
}

sub flat { map { ref $_ ? (ref $_, flat(@$_)) : $_ } @_ }

is_deeply($um->cmd(qw(COMMAND DOCS multi monitor config|rewrite umctl)), [],
    'nothing of what we have not');

# ---- all ----------------------------------------------------------------

{
    $um->cmd(qw(HELLO 3));
    my $all = $um->cmd(qw(COMMAND DOCS));
    my %all = @$all;
    is_deeply([ sort keys %all ], [ sort @names ], 'all of ours');
    is($all{waitaof}[1] =~ /^Blocks until/, 1, 'one that the node has not');
    my %config = @{ $all{config} };
    my %sub = @{ $config{subcommands} };
    ok($sub{'config|get'} && !$sub{'config|rewrite'}, 'no hidden ones in it');
    my %client = @{ $all{client} };
    my %of = @{ $client{subcommands} };
    my %touch = @{ $of{'client|no-touch'} };
    is($touch{since}, '7.2.0', 'nor is one missing in it');
    is($cluster->node(0)->calls('command|docs')
            + $cluster->node(1)->calls('command|docs') > 300, 1,
        'the nodes were asked');
}

# Many at once, and clients that leave.
{
    my @c = map { $cluster->client } 1 .. 20;
    $_->send(qw(COMMAND DOCS)) for @c;
    $_->send('PING') for @c;
    $c[$_]->close for 0 .. 4;
    my %got;
    $got{ length $c[$_]->read_raw }++ for 5 .. 19;
    is(keys %got, 1, 'twenty at once get the same');
    is($_->read, 'PONG', 'and what follows') for @c[ 5, 19 ];
    is($um->cmd('PING'), 'PONG', 'the proxy lives');
}

# More names than are asked for.
{
    my $said = $um->cmd(qw(COMMAND DOCS), ('get') x 3000);
    is(@$said, 6000, 'three thousand names');
    my %get = @{ $said->[1] };
    is_deeply(\%get, { summary => 'Get the value of a key', since => '1.0.0',
            group => 'string' }, 'by the table');
}

# ---- where no node can be asked -----------------------------------------

sub by_table {
    my ($c, $why) = @_;

    for my $proto (2, 3) {
        $c->cmd('HELLO', $proto);
        my %all = @{ $c->cmd(qw(COMMAND DOCS)) };
        is_deeply([ sort keys %all ], [ sort @names ], "$why: all of ours");
        my ($wrong, %seen) = ('');
        for my $name (grep { !$newer{$_} } @names) {
            my %ours = @{ $all{$name} };
            my %theirs = @{ $redis->cmd(qw(COMMAND DOCS), $name)->[1] };
            $wrong .= " $name" if grep { $ours{$_} ne $theirs{$_} }
                qw(summary since group);
            $seen{$name} = [ map { ref $_ ? () : $_ } @{ $ours{subcommands} } ]
                if $ours{subcommands};
        }
        is($wrong, '', 'with the words of Redis');
        is_deeply([ sort map { @$_ } values %seen ],
            [ sort grep { /\|/ } keys %listed ], 'and the subcommands');
    }
}

by_table(undermoon()->start->client, 'no metadata');

my %strange = (
    'an error' => sub { "-ERR unknown subcommand\r\n" },
    'a number' => sub { ":1\r\n" },
    'a wrong count' => sub { "*3\r\n:1\r\n:1\r\n:1\r\n" },
    'no map' => sub { "*2\r\n\$3\r\nget\r\n:1\r\n" },
    'half a pair' => sub { "*2\r\n\$6\r\nappend\r\n*1\r\n\$1\r\nx\r\n" },
    'too much' => sub { "*2\r\n\$4\r\nnope\r\n*0\r\n" },
    'arrays in arrays' => sub {
        "*2\r\n\$6\r\nappend\r\n*2\r\n\$1\r\nx\r\n" . "*1\r\n" x 25 . ":1\r\n"
    },
    'its end' => sub { Undermoon::Mock::CUT() },
);

for my $what (sort keys %strange) {
    my $node = mock_redis('COMMAND DOCS' => $strange{$what});
    my $one = undermoon()->start;
    $one->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
    my $c = $one->client;
    ok(wait_for { $c->cmd(qw(GET x)) eq 'OK' } 10, 'a node');
    is(@{ $c->cmd(qw(COMMAND DOCS)) }, 2 * @names, "it answers $what");
    ok(scalar(grep { ($_->[1] // '') eq 'DOCS' } $node->commands('COMMAND')),
        'when it is asked');
}

{
    my $node = mock_redis(INFO => sub {
        Undermoon::Mock::bulk("# Server\r\nredis_version:6.2.7\r\nrun_id:"
                . 'c' x 40 . "\r\n");
    });
    my $one = undermoon()->start;
    $one->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]);
    my $c = $one->client;
    ok(wait_for { $c->cmd(qw(GET x)) eq 'OK' } 10, 'a node of 6.2');
    by_table($c, 'an old node');
    is(scalar(grep { @$_ > 1 && $_->[1] eq 'DOCS' } $node->commands('COMMAND')),
        0, 'it was not asked');
}

{
    my $c = undermoon(proxy => 'command my.cmd 1 -1 2 write;')->start->client;
    is_deeply($c->cmd(qw(COMMAND DOCS my.cmd)), [ 'my.cmd', [] ],
        'a command of the configuration: there is nothing to tell');
}

done_testing;
