#!/usr/bin/perl

# Long values are packed and unpacked beside the loop: they come back whole and
# in order, others are served meanwhile, and whoever leaves leaves nothing.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster patience wait_for);

my $c = cluster(nodes => 2, workers => 1,
    config => { compression_strategy => 'set_get_only' },
    proxy => 'active_redirection on; max_redirections 4;');
my ($um, $client) = ($c->proxy, $c->client);
$client->cmd('SET', 'k', 'v' x 1000);
$client->cmd('GET', 'k');
my $memory = $um->memory;

# JSON packs, noise does not, one letter packs away.
srand 7;
sub json {
    my $text = '';

    $text .= sprintf '{"id":%d,"name":"user%d"},', rand 1e6, rand 1e6
        while length $text < $_[0];
    return substr $text, 0, $_[0];
}
my $noise = join '', map { chr int rand 256 } 1 .. 65536;
my %make = (json => \&json, noise => sub { substr $noise x 200, 0, $_[0] },
    letter => sub { 'x' x $_[0] });

for my $size (100_000, 131_072, 262_144, 262_145, 524_288, 600_000, 1_048_000,
    1_048_576, 5_000_000, 12_000_000) {
    for my $kind (sort keys %make) {
        my $value = $make{$kind}->($size);
        my $key = "$kind:$size";

        is($client->cmd('SET', $key, $value), 'OK', "SET $key");
        ok($client->cmd('GET', $key) eq $value, 'GET');
        my $stored = $c->node($c->node_of($key))->client->cmd('STRLEN', $key);
        cmp_ok($stored, '<', $size / 2, 'it is packed') if $kind ne 'noise';
        is($client->cmd('DEL', $key), 1, 'DEL') if $size > 1_000_000;
    }
}

# What is written is what is read behind it, in one pipeline, small and big.
my @big = map { $make{json}->($_) } 300_000, 700_000, 2_000_000;
my $wrong = 0;
for my $round (1 .. 5) {
    my (@cmds, @want);

    for my $i (1 .. 12) {
        my $value = $i % 4 == 3 ? $big[ $i / 4 ] . "$round,$i" : "v$round,$i";
        push @cmds, [ 'SET', "{p}$round", $value ], [ 'GET', "{p}$round" ],
            [ 'GETSET', "{p}$round", 'y' ], [ 'GET', "{p}$round" ],
            [ 'SET', "q$i", $value ], [ 'MGET', "q$i", 'nil', "{p}$round" ];
        push @want, 'OK', $value, $value, 'y', 'OK', "$value||y";
    }
    my @said = $client->pipeline(@cmds);
    for my $i (0 .. $#want) {
        my $said = ref $said[$i] eq 'ARRAY'
            ? join('|', map { $_ // '' } @{ $said[$i] }) : $said[$i];
        $wrong++ if $said ne $want[$i];
    }
}
is($wrong, 0, 'a pipeline of small and big ones keeps its order');

# MSET and MGET over two nodes.
my %all = map { ("s$_" => $make{json}->(50_000 + $_ * 1000)) } 1 .. 40;
is($client->cmd('MSET', %all), 'OK', 'a big MSET');
is_deeply($client->cmd('MGET', 'nil', sort keys %all),
    [ undef, map { $all{$_} } sort keys %all ], 'a big MGET');
my %tiny = map { ("t$_" => 'x') } 1 .. 30_000;
is($client->cmd('MSET', %tiny), 'OK',
    'many small ones grow beyond big_request');
my $got = $client->cmd('MGET', sort keys %tiny);
is(scalar(grep { $_ eq 'x' } @$got), 30_000, 'and come back');
my ($a, $b) = map { $c->key_on(0, $_) } qw(a b);
is($client->cmd('MSET', $a, $big[2], $b, ''), 'OK', 'MSET in one slot or node');
is_deeply([ map { length } @{ $client->cmd('MGET', $a, $b) } ],
    [ 2_000_000, 0 ], 'MGET of it');

# Others are not held up.
my $long = $make{json}->(40_000_000);
my $other = $c->client;
my $one = $c->client;
$one->send('SET', 'long', $long);
my ($slowest, $asked) = (0, 0);
until ($one->silent(0) == 0) {
    my $begin = time;
    $other->cmd('SET', 'k', 'v');
    $other->cmd('GET', 'k');
    my $took = time - $begin;
    $slowest = $took if $took > $slowest;
    $asked++;
}
is($one->read, 'OK', '40 MB');
cmp_ok($asked, '>', 10, 'another client was served meanwhile');
note sprintf 'slowest of %d: %.1f ms', $asked, $slowest * 1000;
$one->send('GET', 'long');
until ($one->silent(0) == 0) {
    $other->cmd('GET', 'k');
}
ok($one->read eq $long, 'and back');
is($one->cmd('DEL', 'long'), 1, 'gone');

# The strategy is switched while a thread is at work, and a slot goes.
for my $round (1 .. 6) {
    my $key = $c->key_on($round % 2, "r$round");

    $one->write(Undermoon::Client::request('SET', $key, $big[2])
        . Undermoon::Client::request('MSET', "$key:1", $big[2], "$key:2",
            $big[1], "$key:3", ''));
    $other->cmd('PING') for 1 .. $round;
    $c->deal(config => { compression_strategy => 'disabled' });
    my @said = map { $one->read } 1, 2;
    is($said[0], 'OK', 'SET over a switch');
    like($said[1], qr/^OK$|^-TRYAGAIN /, 'MSET over a switch');
    $c->deal(config => { compression_strategy => 'set_get_only' });
    ok($other->cmd('GET', $key) eq $big[2], 'it is there');
    next if $said[1] ne 'OK';
    is_deeply([ map { length } @{ $other->cmd('MGET', map { "$key:$_" }
        1 .. 3) } ], [ 2_000_000, 700_000, 0 ], 'and all of those');
}
my $gone = $c->key_on(1, 'gone');
for my $round (1 .. 6) {
    $one->send('SET', $gone, "$round$big[2]");
    $other->cmd('PING') for 1 .. $round;
    $um->setcluster(local => [ $c->node(0)->addr, [ [ $c->range(0) ] ] ]);
    my $said = $one->read;
    my $stored = $c->node(1)->client->cmd('STRLEN', $gone);
    like($said, qr/^OK$|^-CLUSTERDOWN /, 'SET while its slot goes');
    cmp_ok($stored, '>', 0, 'is done') if $said eq 'OK';
    is($stored, 0, 'or not') if $said ne 'OK';
    $c->deal(config => { compression_strategy => 'set_get_only' });
    $other->cmd('DEL', $gone);
}

# Who leaves while a thread is at work.
for my $round (1 .. 20) {
    my @leave = map { $c->client } 1 .. 3;

    $leave[0]->send('SET', "l$round", $big[2]);
    $leave[1]->send('MSET', "m$round", $big[2], "n$round", $big[1]);
    $leave[2]->write(join '', map { Undermoon::Client::request(@$_) }
        [ 'GET', $a ], [ 'MGET', $a, 's1', 's2' ], [ 'GET', 's3' ]);
    $other->cmd('PING') for 1 .. $round;
    $_->close for @leave;
}
is($other->cmd('SET', 'k', 'w'), 'OK', 'clients that leave harm nobody');
ok($other->cmd('GET', $a) eq $big[2], 'and take nothing along');

# A bomb, as MGET would have it a hundred times.
my $bomb = "\x28\xb5\x2f\xfd\x00\x48" . ("\x02\x00\x10b" x 3999)
    . "\x03\x00\x10b";
is($c->node($c->node_of('bomb'))->client->cmd('SET', 'bomb', $bomb), 'OK',
    'a frame of 16 KB for 500 MB');
$one = $c->client;
$one->send('MGET', ('bomb') x 20);
is($other->cmd('GET', 'k'), 'w', 'others go on');
like($one->read, qr/^-ERR the reply would be longer than/,
    'who asks for too much is told');
is($one->cmd('GET', 'k'), 'w', 'and may go on');
is($client->cmd('DEL', 'bomb'), 1, 'gone');

$client->cmd('DEL', map { ("s$_", "q$_") } 1 .. 40);
$_->close for $other, $client;
$um->is_well($memory);
done_testing;
