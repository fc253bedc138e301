#!/usr/bin/perl

# Names of nodes are looked up anew for each connection, and beside the loop: a
# name that moves is followed, one that nobody knows is tried again, and one
# whose lookup takes long holds up nobody.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Daemon;
use Undermoon::Test qw(undermoon redis wait_for patience tempdir spew);

plan skip_all => 'a sanitizer wants to be loaded first'
    if Undermoon::Daemon::sanitized();

# A resolver of our own: names in a file, with their addresses and how long
# the answer takes.
my $dir = tempdir();
my $names = "$dir/names";
spew("$dir/resolver.c", <<'C');
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **all)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
        struct addrinfo **);
    char name[300], addr[300];
    unsigned ms;
    FILE *f = fopen(getenv("NAMES"), "r");

    *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
    while (f != NULL && fscanf(f, "%299s %299s %u", name, addr, &ms) == 3) {
        if (strcmp(name, host) == 0) {
            fclose(f);
            usleep(ms * 1000);
            return real(addr, port, hints, all);
        }
    }

    if (f != NULL) {
        fclose(f);
    }
    return strchr(host, '.') != NULL && strstr(host, "test") != NULL
               ? EAI_NONAME
               : real(host, port, hints, all);
}
C
my $cc = $ENV{UM_CC} // 'cc';
system("$cc -D_GNU_SOURCE -shared -fPIC -o $dir/resolver.so $dir/resolver.c "
    . '-ldl >/dev/null 2>&1') == 0
    or plan skip_all => 'no compiler for a resolver of our own';

# Two that share a port, as the same node before and after it moved.
my $first = redis();
my $second = redis(more => [ '--bind', '127.0.0.2', '--port',
    $first->{port} ], unix => 1);
my $near = redis();
$first->cmd(qw(SET b first));
$second->cmd(qw(SET b second));

sub names {
    spew("$names.new", join '', map { "$_\n" } @_);
    rename "$names.new", $names or die $!;
}

names('moves.test 127.0.0.1 0');
my $um = undermoon(conf => <<'CONF',
worker_processes  1;
pid               @PIDFILE@;
error_log         stderr notice;
proxy {
    listen            127.0.0.1:@PORT@;
    announce_address  moves.test:@PORT@;
    backend_timeout   3s;
}
CONF
    env => { LD_PRELOAD => "$dir/resolver.so", NAMES => $names })->start;

sub deal {
    my ($name) = @_;

    return $um->setcluster(local => [ "$name:$first->{port}", [ [ 0, 8191 ] ],
        "moves.test:$near->{port}", [ [ 8192, 16383 ] ] ]);
}

my $c = $um->client;
is(deal('moves.test'), 'OK', 'nodes by their name');
is($c->cmd(qw(GET b)), 'first', 'are found');
is($c->cmd(qw(SET a here)), 'OK', 'both of them');

# The name moves; the connection breaks.
names('moves.test 127.0.0.2 0');
$first->stop;
ok((wait_for { $c->cmd(qw(GET b)) eq 'second' } 10),
    'a name that has moved is followed');

# It is nobody's for a while.
names();
$second->stop;
ok((wait_for { $c->cmd(qw(GET b)) =~ /^-ERR_BACKEND_/ } 5), 'it is away');
ok((wait_for { $um->log =~ /Name or service not known/ } 10),
    'and its name unknown');
$first->start;
$first->cmd(qw(SET b again));
names('moves.test 127.0.0.1 0');
ok((wait_for { $c->cmd(qw(GET b)) eq 'again' } 15),
    'known again: it is found again');
ok((wait_for { $c->cmd(qw(GET a)) eq 'here' } 15), 'the other one too');

# A slow one: 2 s, while others are served at once.
names('moves.test 127.0.0.1 2000');
$first->restart;
my $slow = $um->client;
$slow->send(qw(GET b));
my ($worst, $end) = (0, time + 1.5);
while (time < $end) {
    my $begin = time;
    $c->cmd(qw(GET a));
    my $took = time - $begin;
    $worst = $took if $took > $worst;
}
cmp_ok($worst, '<', patience(1), 'a slow lookup holds up nobody');
unlike($slow->read, qr/^-(?!ERR_BACKEND_)/, 'and is answered');

done_testing;
