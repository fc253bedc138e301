#!/usr/bin/perl

# Toward Redis the proxy has a password, or a user of its own; clients need
# not know.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon redis wait_for);

my $pass = redis(password => 'the secret');
my $acl = redis(more => [ qw(--user app on >hidden ~* &* +@all),
    qw(--user default off) ]);

sub proxy {
    my ($node, $directives) = @_;
    my $um = undermoon(proxy => $directives)->start;

    is($um->setcluster(local => [ $node->addr, [ [ 0, 16383 ] ] ]), 'OK',
        $directives);
    return $um;
}

my $um = proxy($pass, 'backend_password "the secret";');
my $c = $um->client;
is($c->cmd(qw(SET k v)), 'OK', 'requirepass');
is($c->cmd(qw(GET k)), 'v', 'serves');
is($c->cmd('SET', 'big', 'x' x 3_000_000), 'OK', 'a private connection too');
$pass->restart;
ok(wait_for { ($c->cmd(qw(GET k)) // 'nil') eq 'nil' } 5,
    'after a reconnect too');
is($c->cmd('AUTH', 'the secret') =~ /^-ERR AUTH/ ? 1 : 0, 1,
    'it is no password of clients');

$um = proxy($acl, 'backend_user app; backend_password hidden;');
is($um->client->cmd(qw(SET k v)), 'OK', 'an ACL user');
is($um->client->cmd(qw(GET k)), 'v', 'serves');

# A wrong one: an error that is not the client's own NOAUTH, and a word in the
# log without the password in it.
$um = proxy($pass, 'backend_password sesame;');
like($um->client->cmd(qw(GET k)), qr/^-ERR_BACKEND_CONNECTION/,
    'a wrong password');
ok(wait_for { $um->log =~ /WRONGPASS|password|AUTH/ } 5, 'the log says so');
unlike($um->log, qr/sesame/, 'and does not tell the password');
is($um->client->cmd('PING'), 'PONG', 'the proxy lives');

$um = proxy($pass, '');
like($um->client->cmd(qw(GET k)), qr/^-(?:ERR_BACKEND_CONNECTION|NOAUTH)/,
    'none at all');

done_testing;
