#!/usr/bin/perl

# Whatever is wrong with a new configuration, the old one serves on, and the
# log says what is wrong.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::INET;
use Test::More;
use Undermoon::Test qw(undermoon wait_for spew slurp);

my $um = undermoon(workers => 2)->start;
my $client = $um->client;
my @workers = sort $um->workers;
my $good = slurp($um->{file});

# A port that is somebody else's.
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
my $port = $taken->sockport;
spew("$um->{dir}/letter", 'no socket');

my @cases = (
    [ 'not there', undef, qr/undermoond\.conf/ ],
    [ 'empty', '', qr/no role configured/ ],
    [ 'a brace too few', $good =~ s/\}\s*\z//r, qr/undermoond\.conf:\d+: / ],
    [ 'an unknown directive', "$good\nnonsense 1;\n",
        qr/undermoond\.conf:\d+: .*nonsense/ ],
    [ 'a bad value', $good =~ s/^worker_processes.*$/worker_processes many;/mr,
        qr/undermoond\.conf:1: .*worker_processes.*many/ ],
    [ 'a port in use', $good =~ s/(listen .*;)/$1 listen 127.0.0.1:$port;/r,
        qr/listen 127\.0\.0\.1:$port: bind failed: Address already in use/ ],
    [ 'an address twice', $good =~ s/(listen .*;)/$1 $1/r,
        qr/listen|twice/ ],
    [ 'an address that is not ours',
        $good =~ s/(listen .*;)/$1 listen 192.0.2.1:7000;/r,
        qr/listen 192\.0\.2\.1:7000: bind failed/ ],
    [ 'a name nobody knows',
        $good =~ s/(listen .*;)/$1 listen nobody.invalid:7000;/r,
        qr/nobody\.invalid/ ],
    [ 'a socket that is a file',
        $good =~ s/(listen .*;)/$1 listen unix:$um->{dir}\/letter;/r,
        qr/no socket/ ],
    [ 'a log in no directory',
        $good =~ s/^error_log.*$/error_log $um->{dir}\/none\/log;/mr,
        qr/none\/log/ ],
    [ 'a module that is not there', "module nobody_has_it;\n$good",
        qr/nobody_has_it/ ],
);
push @cases, [ 'a user nobody knows', "user nobody-has-this-name;\n$good",
    qr/user nobody-has-this-name/ ] if $> == 0;

my $seen = 0;
for my $case (@cases) {
    my ($what, $text, $says) = @$case;

    defined $text ? $um->configure($text) : unlink $um->{file};
    $um->reload;
    ok(wait_for {
        my @kept = $um->log =~ /the old configuration stays/g;
        @kept > $seen;
    } 5, "$what: the old configuration stays") or diag($um->log);
    my @parts = split /the old configuration stays/, $um->log;
    like($parts[$seen], $says, 'and the log says why');
    $seen++;
}

is($client->cmd('PING'), 'PONG', 'a client from before is still served');
is($um->client->cmd('PING'), 'PONG', 'a new one too');
is_deeply([ sort $um->workers ], \@workers, 'by the same workers');
my @fds = glob "/proc/${\$um->pid}/fd/*";

# What failed has left nothing open, and did no harm to the next.
$um->configure($cases[5][1])->reload;
ok(wait_for { $um->log =~ /(stays.*){${\($seen + 1)}}/s } 5, 'once more');
is(scalar(() = glob "/proc/${\$um->pid}/fd/*"), scalar @fds,
    'no descriptor is left open');
$um->configure($good)->reload;
ok(wait_for { $um->has_new_workers(@workers) } 5, 'a good one counts again');
is($um->client->cmd('PING'), 'PONG', 'and serves');

# Without descriptors a reload fails, and nothing else.
my $poor = undermoon(workers => 2, nofile => 120)->start;
my $many = join ' ', map { "listen 127.0.0.$_:$poor->{port};" } 2 .. 60;
@workers = $poor->workers;
$client = $poor->client;
my $rich = slurp($poor->{file});
$poor->configure($rich =~ s/(listen .*;)/$1 $many/r)->reload;
ok(wait_for { $poor->log =~ /the old configuration stays/ } 5,
    'more addresses than descriptors: the old configuration stays');
like($poor->log, qr/listen \S+: socket failed: Too many open files/,
    'and the log says why');
is($client->cmd('PING'), 'PONG', 'clients are served');
is_deeply([ $poor->workers ], \@workers, 'by the same worker');
kill 'KILL', @workers;
ok(wait_for { $poor->serves } 5, 'a worker can be replaced');
$poor->configure($rich)->reload;
@workers = $poor->workers;
ok(wait_for { $poor->log =~ /the old ones retire/ } 5, 'and a reload done');

done_testing;
