#!/usr/bin/perl

# What counts as the same answer of a broker, and what does not: the judge of
# the golden replay is judged first.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use Test::More;
use Undermoon::Alike;

my $json = JSON::PP->new->allow_nonref;

# Two hosts with two proxies each, one with one.
sub alike {
    my $alike = Undermoon::Alike->new(rename => 1, @_);

    for ([ 'a:1', 'ha' ], [ 'a:2', 'ha' ], [ 'b:1', 'hb' ], [ 'b:2', 'hb' ],
        [ 'c:1', 'hc' ]) {
        my ($addr, $host) = @$_;
        $alike->know($addr, [ "$addr.0", "$addr.1" ], $host);
    }

    return $alike;
}

sub judge {
    my ($alike, $theirs, $ours) = @_;

    return $alike->differ($json->decode($theirs), $json->decode($ours));
}

# Pairs of answers, one after the other of the same broker.
my @same = (
    [ 'what is equal', '{"x":[1,"y",null,true]}', '{"x":[1,"y",null,true]}' ],
    [ 'other epochs that grow alike',
        '[{"epoch":3},{"epoch":9}]', '[{"epoch":1},{"epoch":2}]' ],
    [ 'sets in any order', '{"names":["p","q"]}', '{"names":["q","p"]}' ],
    [ 'proxies of equivalent hosts',
        '{"proxy_addresses":["a:1","b:1"],"node_addresses":["a:1.0","b:1.1"]}',
        '{"proxy_addresses":["b:2","a:1"],'
            . '"node_addresses":["b:2.0","a:1.1"]}' ],
    [ 'who is bound, in a set', '["a:1",{"addresses":["a:1","b:2"]}]',
        '["b:1",{"addresses":["a:2","b:1"]}]' ],
    [ 'a set of their like', '{"addresses":["a:1","a:2"]}',
        '{"addresses":["b:2","b:1"]}' ],
    [ 'registered proxies, with what belongs to them',
        '{"all_proxies":{"a:1":{"host":"ha","proxy_address":"a:1",'
            . '"cluster":"k"},"b:1":{"host":"hb","proxy_address":"b:1",'
            . '"cluster":null}}}',
        '{"all_proxies":{"a:2":{"host":"ha","proxy_address":"a:2",'
            . '"cluster":null},"b:2":{"host":"hb","proxy_address":"b:2",'
            . '"cluster":"k"}}}' ],
    [ 'the times of reports', '{"failures":{"a:1":{"r":100}}}',
        '{"failures":{"b:2":{"r":2000}}}' ],
    [ 'hosts that are alike', '{"hosts_cannot_fail":["ha"]}',
        '{"hosts_cannot_fail":["hb"]}' ],
);

my @other = (
    [ 'a number that is a text', '{"x":1}', '{"x":"1"}' ],
    [ 'a member more', '{"x":1}', '{"x":1,"y":2}' ],
    [ 'a member less', '{"x":1,"y":2}', '{"x":1}' ],
    [ 'ranges in another order', '[[0,1],[2,3]]', '[[2,3],[0,1]]' ],
    [ 'an epoch that is two', '[{"epoch":3},{"epoch":3}]',
        '[{"epoch":1},{"epoch":2}]' ],
    [ 'two epochs that are one', '[{"epoch":3},{"epoch":4}]',
        '[{"epoch":1},{"epoch":1}]' ],
    [ 'epochs that fall', '[{"epoch":3},{"epoch":4}]',
        '[{"epoch":2},{"epoch":1}]' ],
    [ 'a set with another element', '{"names":["p","q"]}',
        '{"names":["p","r"]}' ],
    [ 'a set with an element twice', '{"names":["p","q"]}',
        '{"names":["p","p"]}' ],
    [ 'a proxy that is two', '["a:1","a:1"]', '["b:1","b:2"]' ],
    [ 'two proxies that are one', '["a:1","a:2"]', '["b:1","b:1"]' ],
    [ 'a host of another size', '["a:1"]', '["c:1"]' ],
    [ 'neighbours on two hosts', '["a:1","a:2"]', '["a:1","b:2"]' ],
    [ 'the other node', '["a:1.0"]', '["b:1.1"]' ],
    [ 'a node of another proxy', '["a:1","a:1.0"]', '["b:1","b:2.0"]' ],
    [ 'a set with neighbours on two hosts', '{"addresses":["a:1","a:2"]}',
        '{"addresses":["a:1","b:1"]}' ],
    [ 'a host that is not the one of its proxy',
        '{"proxy_addresses":["a:1"],"hosts":["ha"]}',
        '{"proxy_addresses":["b:1"],"hosts":["ha"]}' ],
    [ 'registered proxies of which another is in use',
        '["a:1",{"all_proxies":{"a:1":{"cluster":"k"},'
            . '"a:2":{"cluster":null}}}]',
        '["a:1",{"all_proxies":{"a:1":{"cluster":null},'
            . '"a:2":{"cluster":"k"}}}]' ],
    [ 'reporters', '{"failures":{"a:1":{"r":100}}}',
        '{"failures":{"a:1":{"s":100}}}' ],
);

for (@same) {
    my ($what, @two) = @$_;
    is(judge(alike(), @two), undef, "$what: the same");
}

for (@other) {
    my ($what, @two) = @$_;
    my $alike = alike();
    isnt(judge($alike, @two), undef, "$what: not the same");
    is($alike->mark, 0, '  and nothing is learnt from it');
}

# Renaming is for records that need it.
isnt(judge(alike(rename => 0), '["a:1"]', '["a:2"]'), undef, 'no renaming');

# What was learnt holds for later answers, until nobody can tell.
my $alike = alike();
is(judge($alike, '["a:1",{"epoch":5}]', '["b:2",{"epoch":4}]'), undef, 'once');
isnt(judge($alike, '["a:1"]', '["b:1"]'), undef, 'who is who stays');
isnt(judge($alike, '{"epoch":5}', '{"epoch":5}'), undef, 'and when');
is($alike->ours('a:1'), 'b:2', 'and is what we ask for');
is($alike->ours('a:1.1'), 'b:2.1', 'with its nodes');
is_deeply($alike->ours({ epoch => 5 }), { epoch => 4 }, 'in our epochs');
$alike->release('b:2');
is(judge($alike, '["a:1"]', '["b:1"]'), undef, 'a free one is as any');

# A tie that was broken otherwise.
$alike = alike();
$alike->loosen('a:2');
is(judge($alike, '["a:1","a:2"]', '["a:1","b:2"]'), undef, 'a listed tie');

done_testing();
