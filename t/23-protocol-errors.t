#!/usr/bin/perl

# What is no request is answered as Redis answers it, behind the replies that
# were due: byte for byte, with a real redis-server beside us.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(cluster redis undermoon);

my $k = 1024;
my @cases = (
    'no $ before a word'  => "*1\r\n+PING\r\n",
    'an array in it'      => "*1\r\n*1\r\n",
    'a count of letters'  => "*abc\r\n",
    'a count with junk'   => "*1x\r\n\$4\r\nPING\r\n",
    'a negative count'    => "*-10\r\nPING\r\n",
    'no count'            => "*\r\nPING\r\n",
    'too high a count'    => "*2147483648\r\n",
    'far too high a count' => "*9223372036854775807\r\n",
    'beyond 64 bits'      => "*18446744073709551617\r\n",
    'a length of letters' => "*2\r\n\$3\r\nGET\r\n\$x\r\n",
    'a negative length'   => "*2\r\n\$3\r\nGET\r\n\$-1\r\n",
    'too long a word'     => "*2\r\n\$3\r\nGET\r\n\$536870913\r\n",
    'far too long a word' => "*2\r\n\$3\r\nGET\r\n\$9223372036854775807\r\n",
    'a signed length'     => "*1\r\n\$+4\r\nPING\r\n",
    'a length from zero'  => "*1\r\n\$04\r\nPING\r\n",
    'a count without end' => '*' . '1' x (64 * $k),
    'a length without end' => "*1\r\n\$" . '1' x (64 * $k),
    'a line without end'  => 'x' x (64 * $k + 1),
    'an open quote'       => "SET k \"abc\r\n",
    'an open single quote' => "SET k 'abc\r\n",
    'a quote that goes on' => "SET k \"abc\"def\r\n",
    # These are answered and go on.
    'empty line'          => "\r\nPING\r\n",
    'only LF'             => "PING\nPING\n",
    'empty array'         => "*0\r\n*-1\r\nPING\r\n",
    'blanks'              => "  PING   \t \r\n",
    'quotes'              => "SET k \"a\\x41\\r\\n\\\"b\\q\"\r\nGET k\r\n"
        . "SET k 'it\\'s \\n'\r\nGET k\r\n",
    'empty quotes'        => "SET k \"\"\r\nGET k\r\n",
    'a bulk at top level' => "\$4\r\nPING\r\n",
    'an unknown command'  => "nosuch a 'b c'\r\n",
    'wrong arity'         => "GET\r\nget a b\r\n",
    'an empty name'       => "*1\r\n\$0\r\n\r\n",
    'a long name'         => 'x' x 300 . " y\r\n",
    'many arguments'      => "nosuch " . 'argument ' x 60 . "\r\n",
    'CR LF in a name'     => "*1\r\n\$4\r\na\r\nb\r\n",
    'high bytes'          => "*2\r\n\$3\r\n\xff\xfe\xfd\r\n\$1\r\n\xe9\r\n",
);

# Until the server closes; QUIT makes it, where the error has not.
sub talk {
    my ($server, $bytes) = @_;
    my $c = Undermoon::Client->new($server->addr);

    $c->write("SET before 1\r\nPING\r\n*2\r\n\$3\r\nGET\r\n\$6\r\nbefore\r\n"
        . $bytes);
    $c->write("QUIT\r\n") if $bytes =~ /\n$/;
    return $c->read_all;
}

my $redis = redis();
my $um = cluster(nodes => 1)->proxy;
my @workers = $um->workers;
my $memory = $um->memory;

while (my ($what, $bytes) = splice @cases, 0, 2) {
    is(talk($um, $bytes), talk($redis, $bytes), $what);
}

# Before AUTH Redis is stricter.
my @strict = (
    'ten words'        => "*11\r\n",
    'sixteen kilobytes' => "*2\r\n\$4\r\nAUTH\r\n\$16385\r\n",
    'a command'        => "GET k\r\nPING\r\nAUTH wrong\r\nAUTH secret\r\n"
        . "GET never\r\n",
);
my $closed = redis(password => 'secret');
my $guarded = undermoon(password => 'secret',
    proxy => 'password secret; control_allow 10.0.0.0/8;')->start;
is($guarded->setcluster(local => [ $redis->addr, [ [ 0, 16383 ] ] ]), 'OK',
    'a proxy with a password');

while (my ($what, $bytes) = splice @strict, 0, 2) {
    is(talk($guarded, $bytes), talk($closed, $bytes), "before AUTH: $what");
}

is_deeply([ $um->workers ], \@workers, 'the same worker serves on');
$um->is_well($memory, 'GET', 'k');

done_testing;
