#!/usr/bin/perl

# What takes long is found in the slow log, with its words, whichever worker it
# was on and however it ended; what was only waiting for others is not.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster redis wait_for patience);

my $c = cluster(nodes => 2, workers => 2,
    proxy => 'active_redirection on; backend_timeout 2s;');
my ($um, $redis) = ($c->proxy, redis());
my ($plain, $client, $asks) = ($redis->client, $um->client, $um->client);
my ($slow, $quick) = map { $c->key_on($_) } 0, 1;

# Keeps its Redis busy for so many ms.
my @busy = ('EVAL', "local t = redis.call('TIME') local e = t[1] * 1000000"
        . ' + t[2] + ARGV[1] * 1000 repeat t = redis.call("TIME") until'
        . ' t[1] * 1000000 + t[2] >= e return 1', 1);

sub threshold {
    $asks->cmd(qw(CONFIG SET slowlog-log-slower-than), $_[0]);
    $asks->cmd(qw(SLOWLOG RESET));

    # Each worker looks at the threshold at the beginning of a turn.
    $_->cmd('PING') for map { $um->client } 1 .. 8;
}

# Entries, newest first, that are about $word.
sub entries {
    my ($word) = @_;

    return grep { grep { $_ eq $word } @{ $_->[3] } }
        @{ $asks->cmd(qw(SLOWLOG GET -1)) };
}

# ---- its face -----------------------------------------------------------

threshold(-1);

for my $line ('SLOWLOG', 'SLOWLOG FOO', 'SLOWLOG HELP', 'SLOWLOG HELP x',
    'SLOWLOG GET', 'SLOWLOG GET 0', 'SLOWLOG GET -1', 'SLOWLOG GET -2',
    'SLOWLOG GET x', 'SLOWLOG GET 1 2', 'SLOWLOG LEN', 'SLOWLOG LEN 1',
    'SLOWLOG RESET', 'SLOWLOG RESET x', 'SLOWLOG GET 99999999999999999999',
    'slowlog get 01')
{
    is($asks->raw(split / /, $line), $plain->raw(split / /, $line), $line);
}

# ---- words, as Redis keeps them -----------------------------------------

{
    my $x = 'x' x 200;
    my $utf8 = encode_utf8('ü' x 90);
    my @said = (
        [ 'SET', $quick, $x ], [ 'set', $quick, 'y' x 128 ],
        [ 'GET', $quick ], [ 'LPUSH', "{$quick}l", 1 .. 29 ],
        [ 'LPUSH', "{$quick}l", 1 .. 30 ], [ 'LPUSH', "{$quick}l", 1 .. 31 ],
        [ 'DEL', map { "{$quick}$_" } 1 .. 100 ], [ 'SET', $quick, "\0\xff\n" ],
        [ 'SET', $quick, $utf8 ], [ 'GET', 'z' x 100_000 ],
        [ 'LPUSH', $quick, 1 ], [qw(CONFIG GET save)], ['PING'],
        [qw(AUTH secret)], [qw(AUTH me secret)], [ 'SET', $quick, '' ],
        [qw(HELLO 2 SETNAME joe)], [qw(CLIENT GETNAME)],
    );
    my @got;

    for ([ $client, $asks ], [ $redis->client, $plain ]) {
        my ($speaks, $reads) = @$_;

        threshold(0) if $reads == $asks;
        $plain->cmd(qw(CONFIG SET slowlog-log-slower-than 0));
        $plain->cmd(qw(SLOWLOG RESET));
        $speaks->cmd(@$_) for @said;
        push @got, [ map { [ @$_[3, 5], scalar @$_ ] } reverse
                grep { $_->[3][0] !~ /^(?:slowlog|config)$/i || $_->[3][1]
                    =~ /^GET$/i && $_->[3][0] eq 'CONFIG' }
                @{ $reads->cmd(qw(SLOWLOG GET -1)) } ];
    }
    my @ours = grep { "@{ $_->[0] }" ne 'PING' } @{ $got[0] };
    my @theirs = grep { "@{ $_->[0] }" ne 'PING' } @{ $got[1] };
    is(@ours, @said - 1, 'all of them');
    is_deeply($ours[$_], $theirs[$_], "words of $said[$_][0], no. $_")
        for 0 .. $#theirs;
    threshold(-1);
}

# ---- a slow command -----------------------------------------------------

{
    threshold(20_000);
    $client->cmd(qw(CLIENT SETNAME somebody));
    my $addr = ($client->cmd(qw(CLIENT INFO)) =~ / addr=(\S+)/)[0];
    my ($wall, @id) = CORE::time;

    $client->write(join '', map { Undermoon::Client::request(@$_) }
            [ @busy, $slow, 60 ], [ 'GET', $quick ], [ 'GET', $slow ],
        [ 'MGET', $slow, $quick ]);
    $client->read for 1 .. 4;

    my ($e) = entries($slow);
    is($client->cmd(qw(CLIENT GETNAME)), 'somebody', 'afterwards');
    my @all = map { (entries($slow))[0] } 1 .. 8;
    is_deeply($all[0], $_, 'whichever worker is asked') for $all[-1];
    my ($eval) = grep { $_->[3][0] eq 'EVAL' } entries($slow);
    cmp_ok($eval->[2], '>=', 60_000, 'how long it took');
    cmp_ok($eval->[2], '<', 1_000_000 * patience(1), 'and no longer');
    cmp_ok(abs($eval->[1] - $wall), '<=', 5, 'when it came');
    is($eval->[4], $addr, 'who it was');
    is($eval->[5], 'somebody', 'his name');
    is_deeply([ @{ $eval->[3] }[ 0, 2 .. 4 ] ], [ 'EVAL', 1, $slow, 60 ],
        'its words');
    is_deeply($eval->[3][1], substr($busy[1], 0, 128) . '... ('
            . (length($busy[1]) - 128) . ' more bytes)', 'a long one cut');

    is_deeply([ map { $_->[3] } grep { $_->[3][0] eq 'GET' } entries($quick) ],
        [], 'GET of another node was quick, and waited for its turn only');
    is_deeply([ map { $_->[3] } grep { $_->[3][0] eq 'GET' } entries($slow) ],
        [ [ 'GET', $slow ] ], 'GET of the same node was slow');
    is_deeply([ map { $_->[3] } grep { $_->[3][0] eq 'MGET' } entries($slow) ],
        [ [ 'MGET', $slow, $quick ] ], 'so was a split one, with all words');

    # The reference's form: stamps in ns, of which each is behind the last.
    my ($r) = grep { $_->[9] =~ /^command: EVAL/ }
        @{ $asks->cmd(qw(UMCTL SLOWLOG GET)) };
    is(@$r, 10, 'ten bulks');
    like("@$r", qr/\A session_id:\ \d+
        \ created:\ 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00
        \ sent_to_migration_backend:\ 0 \ sent_to_cluster:\ 1
        \ sent_to_queue:\ 1 \ queue_received:\ \d+ \ sent_to_backend:\ \d+
        \ received_from_backend:\ \d+ \ wait_done:\ \d+ \ command:\ EVAL\ /x,
        'in the reference\'s form');
    my @ns = map { (/: (\d+)$/)[0] } @$r[ 3 .. 8 ];
    is_deeply(\@ns, [ sort { $a <=> $b } @ns ], 'one after the other');
    cmp_ok($ns[4] - $ns[3], '>=', 59_000_000, 'most of it at Redis');

    my @newest = @{ $asks->cmd(qw(SLOWLOG GET 2)) };
    is(@newest, 2, 'as many as were asked for');
    cmp_ok($newest[0][0], '>', $newest[1][0], 'the newest first');
    is(@{ $asks->cmd(qw(UMCTL SLOWLOG GET 1)) }, 1, 'here too');
    is(@{ $asks->cmd(qw(UMCTL SLOWLOG GET 0)) }, 0, 'none');
    is($asks->cmd(qw(UMCTL SLOWLOG GET x))->[0][9],
        $asks->cmd(qw(UMCTL SLOWLOG GET))->[0][9], 'all');
    is($asks->cmd(qw(UMCTL SLOWLOG)), '-Missing sub command', 'nothing');
    is($asks->cmd(qw(UMCTL SLOWLOG X)), '-invalid slowlog sub-command', 'X');
    is($asks->cmd(qw(UMCTL SLOWLOG RESET)), 'OK', 'RESET');
    is($asks->cmd(qw(SLOWLOG LEN)), 0, 'nothing is left');
    $client->cmd(@busy, $slow, 30);
    cmp_ok($asks->cmd(qw(SLOWLOG GET))->[0][0], '>', $newest[0][0],
        'but numbers go on');
}

# ---- a character at byte 100 (spec, defect 17) --------------------------

{
    threshold(0);
    my $value = encode_utf8('a' x 99 . "\x{20ac}" . 'b' x 300);
    $client->cmd('SET', $quick, $value);
    $client->cmd('SET', $quick, "\xff\xfe");
    my @said = map { (/^command: (SET.*)/s)[0] // () } map { $_->[9] }
        @{ $asks->cmd(qw(UMCTL SLOWLOG GET)) };
    is_deeply(\@said, [ "SET $quick [255, 254]",
            "SET $quick " . 'a' x 99 . '(402bytes)' ],
        'a cut word is still text');
    is($asks->cmd('PING'), 'PONG', 'and nobody died of it');
}

# ---- how a command may end ----------------------------------------------

{
    threshold(100_000);
    my ($patient, $gone) = ($um->client, $um->client);
    my $node = $c->node(0);
    my $from = ($gone->cmd(qw(CLIENT INFO)) =~ / addr=(\S+)/)[0];

    $_->cmd('GET', $slow) for $patient, $gone;
    $node->pause;
    my $begin = time;
    $gone->send('GET', "{$slow}gone");
    $patient->send('GET', "{$slow}late");
    $asks->cmd('PING') while time < $begin + 0.2;
    $gone->close;
    wait_for { $asks->cmd(qw(CLIENT LIST)) !~ /addr=\Q$from\E / } 5;
    like($patient->read, qr/^-ERR_BACKEND_TIMEOUT/, 'given up');

    my ($late) = entries("{$slow}late");
    is_deeply($late->[3], [ 'GET', "{$slow}late" ], 'what was given up');
    cmp_ok($late->[2], '>=', 1_900_000, 'after how long');
    $node->resume;
    wait_for { entries("{$slow}gone") } 5, 'what nobody waits for any more';
    my ($left) = entries("{$slow}gone");
    is_deeply([ @$left[ 3, 4 ] ], [ [ 'GET', "{$slow}gone" ], $from ],
        'its words and whose it was');
    is(entries("{$slow}late"), 1, 'once');
}

# ---- what is not slow ---------------------------------------------------

{
    threshold(50_000);
    is($client->cmd('BLPOP', "{$slow}none", 0.2), undef, 'waited');
    is_deeply([ entries("{$slow}none") ], [], 'being blocked is not slow');

    threshold(-1);
    $client->cmd(@busy, $slow, 30);
    is($asks->cmd(qw(SLOWLOG LEN)), 0, 'turned off');

    threshold(0);
    $asks->cmd(qw(CONFIG SET slowlog_sample_rate 10));
    $asks->cmd(qw(SLOWLOG RESET));
    $client->pipeline(map { [ 'GET', $quick ] } 1 .. 200);
    my $n = entries($quick);
    cmp_ok($n, '>=', 19, 'one of ten');
    cmp_ok($n, '<=', 21, 'and not more');
    $asks->cmd(qw(CONFIG SET slowlog_sample_rate 1));
}

# ---- how many -----------------------------------------------------------

{
    $asks->cmd(qw(SLOWLOG RESET));
    is($asks->cmd(qw(CONFIG SET slowlog-max-len 3)), 'OK', 'three are enough');
    $client->pipeline(map { [ 'GET', "{$quick}$_" ] } 1 .. 50);
    is($asks->cmd(qw(SLOWLOG LEN)), 3, 'three there are');
    is($asks->cmd(qw(CONFIG GET slowlog-max-len))->[1], 3, 'as it says');
    like($asks->cmd(qw(CONFIG SET slowlog-max-len 5000)), qr/^-ERR CONFIG SET/,
        'more than there is room for');
    $asks->cmd(qw(CONFIG SET slowlog-max-len 1024));
    $client->pipeline(map { [ 'GET', "{$quick}$_" ] } 1 .. 900);
    my @keys = map { $_->[3][1] } grep { $_->[3][0] eq 'GET' }
        @{ $asks->cmd(qw(SLOWLOG GET 900)) };
    is_deeply([ @keys[ -800 .. -1 ] ], [ map { "{$quick}$_" } reverse
            $keys[-1] =~ /(\d+)$/ ? $1 .. $1 + 799 : () ],
        'hundreds in one go, each with its words, in their order');
}

# ---- over a peer --------------------------------------------------------

{
    my $two = cluster(nodes => 2, proxies => 2,
        proxy => 'active_redirection on; slowlog_log_slower_than 0us;');
    my $key = $two->key_on(1);
    my ($here, $there) = map { $two->proxy($_)->client } 0, 1;

    wait_for { $here->cmd('SET', $key, 1) eq 'OK' } 10;
    $here->cmd('GET', $key);
    for ([ $here, 'here' ], [ $there, 'there' ]) {
        my ($asks, $where) = @$_;
        my ($e) = grep { $_->[3][0] eq 'GET' } @{ $asks->cmd(qw(SLOWLOG GET)) };
        is_deeply($e->[3], [ 'GET', $key ], "the client's words, $where");
    }
}

# ---- packed values ------------------------------------------------------

{
    my $packs = cluster(nodes => 1, proxy => 'slowlog_log_slower_than 0us;',
        config => { compression_strategy => 'allow_all' })->client;
    my ($short, $long) = ('a' x 1000, 'b' x 2_000_000);

    $packs->cmd(qw(SET short), $short);
    $packs->cmd(qw(SET long), $long);
    is($packs->cmd(qw(GET short)), $short, 'packed, and unpacked');
    is($packs->cmd(qw(GET long)), $long, 'by a helper thread');
    my @said = map { join ' ', map { s/^(..).* \((\d+) more.*/$1+$2/r }
            @{ $_->[3] } } grep { $_->[3][0] =~ /^[GS]ET/ }
        @{ $packs->cmd(qw(SLOWLOG GET)) };
    is_deeply(\@said, [ 'GET long', 'GET short', 'SET long bb+1999872',
            'SET short aa+872' ], 'the log has what was said');
}

# ---- what survives ------------------------------------------------------

{
    my $before = $asks->cmd(qw(SLOWLOG GET 100));
    my @workers = $um->workers;
    kill 'KILL', @workers;
    ok(wait_for { $um->has_new_workers(@workers) } 10, 'the workers died');
    $asks = $um->client;
    my %now = map { $_->[0] => 1 } @{ $asks->cmd(qw(SLOWLOG GET -1)) };
    is(scalar(grep { !$now{ $_->[0] } } @$before), 0,
        'what they logged is there');
    ok(wait_for { $asks->cmd('GET', $quick); entries($quick) } 10,
        'and there is more');
}

done_testing;
