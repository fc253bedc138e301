#!/usr/bin/perl

# Who may control a proxy: without a password anybody, with one who has given
# it or comes from where control_allow says.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(undermoon redis cluster free_port);

my $node = redis();
my @control = ([qw(UMCTL GETEPOCH)], [qw(UMCTL LISTCLUSTER)], [qw(UMCTL INFO)],
    [qw(UMCTL STATS)], [qw(UMCTL READY)], [qw(UMFORWARD 2 GET b)],
    [qw(CONFIG SET slowlog_sample_rate 7)],
    [qw(UMCTL SETCLUSTER v2 99 NOFLAG x 127.0.0.1:1 1 0-16383)]);

# Open to all.
my $open = undermoon()->start;
is($open->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'no password');
unlike($open->client->cmd(@$_), qr/^-/, "no password: @$_") for @control;

# A password; control from 127.0.0.3 and the UNIX socket only.
my $um = undermoon(conf => <<'CONF')->start;
worker_processes  2;
pid               @PIDFILE@;
error_log         stderr notice;
proxy {
    listen         127.0.0.1:@PORT@;
    listen         unix:@DIR@/sock;
    password       secret;
    control_allow  127.0.0.3 10.0.0.0/8 unix;
}
CONF
my $stranger = $um->client;
my $allowed = $um->client(from => '127.0.0.3');
my $local = Undermoon::Client->new("unix:$um->{dir}/sock");

is($allowed->cmd(qw(UMCTL SETCLUSTER v2 1 NOFLAG x), $node->addr, 1, '0-16383'),
    'OK', 'SETCLUSTER from an allowed address');
for my $cmd (@control) {
    like($stranger->cmd(@$cmd), qr/^-NOAUTH /, "a stranger: @$cmd");
}
is($allowed->cmd(qw(UMCTL GETEPOCH)), 1, 'nothing was changed');
unlike($allowed->cmd(@$_), qr/^-/,
    "an allowed one: @$_") for @control[ 0 .. 6 ];
is($local->cmd(qw(UMCTL GETEPOCH)), 1, 'by the socket');

# Data needs AUTH, wherever one comes from.
like($_->cmd(qw(GET b)), qr/^-NOAUTH /, 'data without AUTH')
    for $stranger, $allowed, $local;
is($stranger->cmd(qw(AUTH secret)), 'OK', 'AUTH');
is($stranger->cmd(qw(SET b 1)), 'OK', 'data');
unlike($stranger->cmd(@$_), qr/^-/, "after AUTH: @$_") for @control[ 0 .. 6 ];
is($stranger->cmd('RESET'), 'RESET', 'RESET');
like($stranger->cmd(qw(UMCTL GETEPOCH)), qr/^-NOAUTH /, 'takes it away');
like($um->client->cmd(qw(UMCTL SHUTDOWN)), qr/^-NOAUTH /,
    'no SHUTDOWN for strangers');

# A listener for control: nothing of it needs AUTH, and it has no data, with a
# password or without.
for my $password ('', 'password secret; control_allow none;') {
    my $port = free_port();
    my $two = undermoon(workers => 2, password => 'secret', proxy =>
        "listen 127.0.0.1:$port control; $password")->start;
    my $admin = Undermoon::Client->new("127.0.0.1:$port");
    my $how = $password ? 'control, a password' : 'control, no password';

    is($admin->cmd(qw(UMCTL SETCLUSTER v2 1 NOFLAG x), $node->addr, 1,
        '0-16383'), 'OK', "$how: SETCLUSTER");
    unlike($admin->cmd(@$_), qr/^-/, "$how: @$_")
        for @control[ 0 .. 4 ], $control[6];
    $admin->cmd(qw(AUTH secret)) if $password;
    like($admin->cmd(@$_), qr/^-ERR .*control/, "$how: @$_")
        for [qw(GET b)], [qw(MGET b b)], ['LOLWUT'], [qw(UMFORWARD 2 GET b)];
    like($admin->cmd('INFO'), qr/undermoon_version/, "$how: INFO");
    is($two->client->cmd(qw(UMCTL GETEPOCH)), $password
        ? '-NOAUTH Authentication required.' : 1, "$how: at the other door");
}

# Names in control_allow; and nobody at all.
my $named = undermoon(proxy => 'password secret; control_allow localhost;')
    ->start;
is($named->client->cmd(qw(UMCTL GETEPOCH)), 0, 'control_allow takes a name');
like($named->client(from => '127.0.0.3')->cmd(qw(UMCTL GETEPOCH)),
    qr/^-NOAUTH /, 'and no other address');
my $nobody = undermoon(proxy => 'password secret; control_allow none;')->start;
like($nobody->client->cmd(@$_), qr/^-NOAUTH /, "control_allow none: @$_")
    for @control;

# Peers give each other the password, when nothing else opens the door.
my $two = cluster(nodes => 2, proxies => 2, proxy => <<'END');
    active_redirection  on;
    max_redirections    4;
    password            secret;
END
my $c = $two->client;
is($c->cmd(qw(AUTH secret)), 'OK', 'two proxies with a password');
is($c->cmd('SET', "k$_", $_), 'OK', "k$_") for 1 .. 6;

# And with the loopback shut out nothing else opens the door.
for my $i (0, 1) {
    my $p = $two->proxy($i);
    $p->{proxy} .= 'control_allow 10.0.0.0/8;';
    $p->stop;
    $p->configure($p->_template);
    $p->start;
    my $admin = $p->client;
    $admin->cmd(qw(AUTH secret));
    my @mine = ($two->node($i)->addr, 1, join '-', $two->range($i));
    my @its = ($two->proxy(1 - $i)->addr, 1, join '-', $two->range(1 - $i));
    is($admin->cmd(qw(UMCTL SETCLUSTER v2 5 NOFLAG x), @mine, 'PEER', @its),
        'OK', 'metadata after AUTH');
}
$c = $two->client;
$c->cmd(qw(AUTH secret));
is($c->cmd('GET', "k$_"), $_, "k$_, whoever has it") for 1 .. 6;

done_testing;
