#!/usr/bin/perl

# A broker that goes back in time by itself goes beyond what proxies know, or
# they would take no news from it; so it does when it hears later of one that
# is ahead.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Test qw(mock_redis wait_for tempdir spew slurp);

# Proxies of which only the epoch is asked; each has it in a file.
my $dir = tempdir();

sub at { spew("$dir/$_[0]", $_[1]) }

my @proxy = map {
    my $file = "$dir/$_";
    at($_, 1);
    mock_redis(UMCTL => sub { ':' . slurp($file) . "\r\n" });
} 0 .. 4;

sub broker {
    my $b = Undermoon::Broker->new(
        broker => "storage file \@DIR\@/meta; $_[0]")->start;
    my $n = 0;

    for (@proxy) {
        $b->say('POST', '/proxies/meta', { proxy_address => $_->addr,
                nodes => [ "n$n:1", "n$n:2" ], host => 'h' . $n++ }) == 200
            or die 'a proxy';
    }
    $b->say('POST', '/clusters/meta/c', { node_number => 8 }) == 200
        or die 'a cluster';
    return $b;
}

# Its last change is lost by the disk.
sub go_back {
    my ($b) = @_;
    my $file = $b->dir . '/meta';
    my $good = slurp($file);

    spew($file, substr $good, 0, length($good) / 2);
}

sub unknown { $_[0]->ask('GET', '/status')->{json}{epochs_unknown} }

# ---- By itself --------------------------------------------------------------

my $b = broker('');

{
    my ($told, $silent, $late) = @proxy[0 .. 2];
    my $scan = sub { $b->ask('GET', '/clusters/meta/c')->{json}{cluster}
            {config}{migration_config}{scan_count} };

    is($b->say('PUT', '/epoch/500'), 200, 'epoch 500');
    is($b->say('PATCH', '/clusters/config/c', { migration_scan_count => '77' }),
        200, 'a change, 501');
    at($_, 501) for 0 .. 4;
    at(1, 700); # of a history that nobody knows
    $late->stop;
    $b->stop;
    go_back($b);
    $b->start;
    is($scan->(), 16, 'the state before the change');

    # What is asked of it meanwhile is done, and told under a new epoch.
    is($b->say('PATCH', '/clusters/config/c', { migration_scan_count => '78' }),
        200, 'a change at once');
    cmp_ok($b->ask('GET', '/clusters/meta/c')->{json}{cluster}{epoch}, '>', 700,
        'is beyond all that have told');
    is($scan->(), 78, 'and is there');
    like($b->um->log, qr/4 of 5 proxies have told .* the highest is 700:/,
        'the log says how');
    ok((wait_for { unknown($b) == 1 } 10), 'one has not told');

    at(2, 5000);
    $late->start;
    ok((wait_for { $b->epoch > 5000 } 20), 'when it is back it is asked again');
    ok((wait_for { $b->um->log =~ /all proxies have told their epoch/ } 20),
        'now all have');
    is(unknown($b), 0, 'and none is unknown');
    like($b->um->log, qr/proxy \S+ is at epoch 5000, of which nothing/,
        'who was ahead is told');

    # That is once: the file is the latest again.
    my $epoch = $b->epoch;
    $b->stop;
    $b->start;
    is($b->epoch, $epoch, 'a restart goes nowhere');
}

# A restart before it was put right does not take the old state for the latest.
{
    $_->pause for @proxy;
    $b->say('PUT', '/epoch/' . ($b->epoch + 1));
    $b->stop;
    go_back($b);
    $b->start;
    $b->kill_9;
    $_->resume for @proxy;
    at($_, 8000) for 0 .. 4;
    $b->start;
    ok((wait_for { $b->epoch > 8000 } 10), 'killed meanwhile, it asks again');
}

# Proxies that hang do not hold up changes for long.
{
    $b->say('PUT', '/epoch/9000');
    $b->stop;
    go_back($b);
    $_->pause for @proxy;
    $b->start;
    is($b->say('POST', '/proxies/meta', { proxy_address => 'new:1',
                nodes => [ 'new:2', 'new:3' ] }), 200, 'a change goes on');
    cmp_ok($b->epoch, '>', 8003, 'beyond its own epoch at least');
    at($_, 9500) for 0 .. 4;
    $_->resume for @proxy;
    ok((wait_for { $b->epoch > 9500 } 20), 'and later beyond theirs');
}

# ---- Giving up --------------------------------------------------------------

{
    my $o = broker('recovery_timeout 1s;');

    $o->say('PUT', '/epoch/10000');
    $o->stop;
    go_back($o);
    $proxy[0]->stop;
    $o->start;
    ok((wait_for { $o->um->log =~ /not asked .* epoch any more: 1/ } 20),
        'it does not ask for ever');
    my $addr = $proxy[0]->addr;
    like($o->um->log, qr/proxy \Q$addr\E has not told its epoch/,
        'and says whom');
    is(unknown($o), 0, 'nor does it wait');
    $proxy[0]->start;
}

# ---- Told by others ---------------------------------------------------------

{
    my $addr = (sort map { $_->addr } @proxy)[0];
    my $c = sub { $b->ask('GET', '/clusters/meta/c')->{json}{cluster}{epoch} };
    my $path = '/epoch/seen/' . $b->ask('GET', '/clusters/meta/c')
        ->{json}{cluster}{nodes}[0]{proxy_address};
    my $epoch = $b->epoch;

    is($b->say('PUT', "$path/" . $c->()), 200, 'a proxy is where it should be');
    is($b->epoch, $epoch, 'which takes no epoch');

    # Its cluster is behind, the global epoch is not.
    is($b->say('DELETE', '/proxies/meta/new:1'), 200, 'something else changes');
    is($b->say('PUT', "$path/" . ($epoch + 1)), 200, 'a proxy is there');
    is($b->epoch, $epoch + 2, 'one more');
    is($c->(), $epoch + 2, 'for its cluster');

    is($b->say('PUT', "$path/20000"), 200, 'a proxy is far ahead');
    cmp_ok($b->epoch, '>', 20000, 'the epoch goes beyond');
    is($c->(), $b->epoch, 'and so does its cluster');
    is($b->say('PUT', "$path/4503599627370496"), '400 EPOCH_TOO_LARGE',
        'nothing is beyond that');
    is($b->say('PUT', '/epoch/seen/none:1/5'), '404 PROXY_NOT_FOUND', 'who?');
    is($b->ask('PUT', "$path/x")->{status}, 405, 'no number');
}

# Scaling asks proxies for their epoch anyway.
{
    at($_, 30000) for 0 .. 4;
    is($b->say('DELETE', '/clusters/meta/c'), 200, 'another cluster');
    is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'small');
    is($b->say('POST', '/clusters/migrations/auto/c/8'), 200, 'grow');
    ok((wait_for { $b->epoch > 30000 } 20), 'who is ahead is heard');
}

done_testing();
