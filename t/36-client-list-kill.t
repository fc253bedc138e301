#!/usr/bin/perl

# CLIENT LIST shows, and CLIENT KILL reaches, the clients of all workers,
# whichever worker is asked.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for tempdir);

my $redis = redis();
my $um = undermoon(workers => 3)->start;

sub list {
    my ($c, @more) = @_;

    return map { +{ map { /^([^=]+)=(.*)/ } split / / } }
        split /\n/, $c->cmd(qw(CLIENT LIST), @more);
}

# Many enough that every worker has some.
my @c = map { $um->client } 1 .. 30;
my @id = map { $_->cmd(qw(CLIENT ID)) } @c;
$c[$_]->cmd(qw(CLIENT SETNAME), "c$_") for 0 .. $#c;

# ---- LIST ---------------------------------------------------------------

{
    my %seen;
    for my $asked (@c[ 0 .. 9 ]) {
        my @ids = sort { $a <=> $b } map { $_->{id} } list($asked);
        $seen{"@ids"}++;
    }
    my @want = sort { $a <=> $b } @id;
    is_deeply([ keys %seen ], ["@want"], 'everyone is shown all, by everyone');

    my %name = map { $_->{id} => $_->{name} } list($c[0]);
    is_deeply(\%name, { map { $id[$_] => "c$_" } 0 .. $#c }, 'with names');

    my ($line) = $c[3]->cmd(qw(CLIENT INFO)) =~ /^(.*)\n$/;
    my @ours = $line =~ /(\S+)=\S*/g;
    my @theirs = $redis->client->cmd(qw(CLIENT INFO)) =~ /(\S+)=\S*/g;
    is_deeply([ @ours[ 0 .. $#theirs ] ], \@theirs,
        'the fields of a line, in the order of Redis');
    is_deeply([ @ours[ $#theirs + 1 .. $#ours ] ], [qw(lib-name lib-ver)],
        'and two of a newer one');

    my $sock = $c[3]{sock};
    my %line = map { /^([^=]+)=(.*)/ } split / /, $line;
    is($line{addr}, $sock->sockhost . ':' . $sock->sockport, 'addr');
    is($line{laddr}, $um->addr, 'laddr');
    is_deeply([ @line{qw(id name flags db cmd user resp)} ],
        [ $id[3], 'c3', 'N', 0, 'client|info', 'default', 2 ], 'who it is');

    is_deeply([ sort map { $_->{name} }
            list($c[0], 'ID', @id[ 3, 20, 7 ], 999999) ],
        [qw(c20 c3 c7)], 'by id');
    is(scalar(list($c[0], qw(TYPE normal))), 30, 'all are normal');
    is($c[0]->cmd(qw(CLIENT LIST TYPE), $_), '', "nobody is $_")
        for qw(master slave replica pubsub);

    $c[0]->cmd(qw(CLIENT SETINFO LIB-NAME perl));
    $c[0]->cmd(qw(CLIENT SETINFO lib-ver 5.36));
    like($c[0]->cmd(qw(CLIENT INFO)), qr/ lib-name=perl lib-ver=5\.36$/,
        'CLIENT SETINFO');
    is($c[0]->cmd(qw(CLIENT SETINFO lib-ver), 'a b'),
        '-ERR lib-ver cannot contain spaces, newlines or special characters.',
        'no blanks');
    is($c[0]->cmd(qw(CLIENT SETINFO lib-foo x)),
        "-ERR Unrecognized option 'lib-foo'", 'nothing else');

    $c[5]->cmd('READONLY');
    like($c[5]->cmd(qw(CLIENT INFO)), qr/ flags=r /, 'READONLY is shown');
    like($c[5]->cmd(qw(CLIENT INFO)), qr/ idle=0 /, 'not idle');
}

# ---- KILL ---------------------------------------------------------------

# Who of them is still served?
sub alive {
    return map { "c$_" } sort { $a <=> $b }
        map { $_->{name} =~ /^c(\d+)$/ } list($c[0]);
}

{
    is($c[0]->cmd(qw(CLIENT KILL ID), $id[$_]), 1, "KILL ID of c$_")
        for 10 .. 15;
    ok((grep { $c[$_]->closed } 10 .. 15) == 6, 'they are closed');
    is($c[0]->cmd(qw(CLIENT KILL ID), $id[10]), 0, 'and gone');

    my $addr = $c[16]{sock}->sockhost . ':' . $c[16]{sock}->sockport;
    is($c[1]->cmd(qw(CLIENT KILL), $addr), 'OK', 'KILL of the old form');
    ok($c[16]->closed, 'it is closed');
    is($c[1]->cmd(qw(CLIENT KILL), $addr), '-ERR No such client', 'and gone');

    $addr = $c[17]{sock}->sockhost . ':' . $c[17]{sock}->sockport;
    is($c[2]->cmd(qw(CLIENT KILL ADDR), $addr, 'LADDR', '1.2.3.4:5'), 0,
        'all filters must agree');
    is($c[2]->cmd(qw(CLIENT KILL ADDR), $addr, 'LADDR', $um->addr), 1,
        'KILL ADDR LADDR');
    ok($c[17]->closed, 'it is closed');

    is($c[2]->cmd(qw(CLIENT KILL TYPE pubsub)), 0, 'nobody of another type');
    is($c[2]->cmd(qw(CLIENT KILL ID), $id[2]), 0, 'SKIPME is the default');
    is_deeply([ alive() ], [ map { "c$_" } 0 .. 9, 18 .. 29 ],
        'the others live');

    $c[18]->write(Undermoon::Client::request(qw(CLIENT KILL SKIPME no ID),
            $id[18]) . Undermoon::Client::request('PING'));
    is($c[18]->read_all, ":1\r\n",
        'who kills himself gets the answer, and no other');

    is($c[1]->cmd(qw(CLIENT KILL USER default)), 20, 'everybody else');
    is_deeply([ map { $_->{name} } list($c[1]) ], ['c1'], 'one is left');
    is((grep { $c[$_]->closed } 0, 2 .. 9, 19 .. 29), 20, 'all are closed');
    is($um->client->cmd('PING'), 'PONG', 'new ones are welcome');
}

# ---- wrong arguments, in the words of Redis -----------------------------

for my $line (split /\n/, <<'SAID') {
CLIENT LIST FOO
CLIENT LIST FOO x
CLIENT LIST TYPE
CLIENT LIST TYPE foo
CLIENT LIST ID
CLIENT LIST ID x
CLIENT LIST ID 007
CLIENT LIST ID 0
CLIENT LIST ID -1
CLIENT LIST ID 1 TYPE normal
CLIENT LIST TYPE normal ID 1
CLIENT KILL
CLIENT KILL 1.2.3.4:5
CLIENT KILL ID x
CLIENT KILL ID 0
CLIENT KILL ID -3
CLIENT KILL ID 007
CLIENT KILL ID 999999
CLIENT KILL id 999999 skipme YES
CLIENT KILL TYPE foo
CLIENT KILL TYPE slave
CLIENT KILL ADDR 1.2.3.4:5
CLIENT KILL LADDR 1.2.3.4:5
CLIENT KILL USER nobody
CLIENT KILL SKIPME maybe
CLIENT KILL FOO x
CLIENT KILL MAXAGE 1
CLIENT KILL ID 1 TYPE
CLIENT KILL a b c
SAID
    my @words = split / /, $line;
    is($um->client->raw(@words), $redis->client->raw(@words), $line);
}

# ---- a worker that hangs ------------------------------------------------

{
    my $three = undermoon(workers => 3, main => 'worker_watchdog 60s;')->start;
    my @who = map { $three->client(timeout => 10) } 1 .. 30;
    my @ids = map { $_->cmd(qw(CLIENT ID)) } @who;
    my ($hung) = $three->workers;

    kill 'STOP', $hung;
    $_->send('PING') for @who;
    my @live = grep { !$who[$_]->silent(0.2) } 0 .. $#who;
    $who[$_]->read for @live;
    cmp_ok(scalar(@live), '<', 30, 'a worker hangs, with its clients');

    is_deeply([ sort map { $_->{id} } list($who[ $live[0] ]) ],
        [ sort @ids[@live] ], 'those of the others are shown nevertheless');
    is($who[ $live[0] ]->cmd(qw(CLIENT KILL SKIPME yes)), @live - 1,
        'and killed');
    kill 'CONT', $hung;

    my %live = map { $_ => 1 } @live;
    my @late = grep { !$live{$_} } 0 .. $#who;
    is(scalar(grep { eval { $who[$_]->read_all; 1 } } @late), @late,
        'its own are killed as soon as it goes on');
    is(scalar(list($who[ $live[0] ])), 1, 'nobody else is left');
}

# ---- a client of a UNIX socket ------------------------------------------

{
    my $path = tempdir() . '/front';
    my $unix = undermoon(workers => 2, proxy => "listen unix:$path;")->start;
    my $c = Undermoon::Client->new("unix:$path");
    my ($line) = list($c);

    is_deeply([ @$line{qw(addr laddr flags)} ], [ "$path:0", "$path:0", 'U' ],
        'a UNIX socket is shown as Redis shows it');
}

done_testing;
