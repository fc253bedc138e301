#!/usr/bin/perl

# What an idle client costs: many connect, send one request of 4 KB each, read
# the answer and fall silent.  Prints how much the PSS of all processes grew.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Socket;
use Time::HiRes qw(sleep time);
use Undermoon::Bench qw(stage raise_nofile sockets_of);

my ($clients, $workers, $limit, $binary) = (10_000, 1, 60);

GetOptions('clients=i' => \$clients, 'workers=i' => \$workers,
    'limit=i' => \$limit, 'binary=s' => \$binary)
    or die "usage: $0 [--clients N] [--workers N] [--limit MB]"
    . " [--binary PROGRAM]\n";
raise_nofile($clients + 1000);

my $um = stage(binary => $binary, workers => $workers,
    proxy => 'max_clients ' . ($clients + 100) . ';');
my $where = pack_sockaddr_in($um->{port}, inet_aton('127.0.0.1'));
my $before = settled();
my @all;

# In heaps of 200: many at once, as they come in life, but no more than fit
# into the queue of a listener.
while (@all < $clients) {
    my $first = @all;

    for (1 .. 200) {
        socket my $s, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
        connect $s, $where or die "connect: $!\n";
        my $request = sprintf "*3\r\n\$3\r\nSET\r\n\$13\r\nidle:%08d\r\n"
            . "\$4046\r\n%s\r\n", scalar @all, 'x' x 4046;
        syswrite($s, $request) == length $request or die "write: $!\n";
        push @all, $s;
    }

    for my $s (@all[$first .. $#all]) {
        my $reply = '';
        sysread $s, $reply, 100;
        die "reply: $reply\n" if $reply ne "+OK\r\n";
    }
}

my $after = settled();
my $held = 0;
$held += sockets_of($_) for $um->workers;
die "only $held sockets held\n" if $held < $clients;

my $grown = ($after - $before) / 1048576;
printf "%d idle clients, %d worker(s): PSS %.1f -> %.1f MB, grown %.1f MB,"
    . " %.0f bytes each (limit %d MB)\n", $clients, $workers,
    $before / 1048576, $after / 1048576, $grown,
    $grown * 1048576 / $clients, $limit;
exit($grown < $limit ? 0 : 1);

# PSS once it has stayed within 1 % for two seconds.
sub settled {
    my $last = $um->memory;
    my $since = time;

    while (time - $since < 2) {
        sleep 0.1;
        my $now = $um->memory;
        ($last, $since) = ($now, time) if abs($now - $last) > $last / 100;
    }

    return $um->memory;
}
