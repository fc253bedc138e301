#!/usr/bin/perl

# Clients that come, ask for anything in any pieces and go without a word,
# while workers are killed, the configuration is loaded again, nodes hang, die
# and change hands.  Nothing is left of it, and others are served.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use Undermoon::Test qw(cluster slow_tests wait_for);
use Undermoon::Client;

my $seed = $ENV{UM_TEST_SEED} // $$;
my $seconds = $ENV{UM_TEST_SECONDS} // (slow_tests() ? 120 : 5);

sub key { 'v' . int rand 60 }

sub any_command {
    my $what = rand;

    return ('SET', key(), 'x' x int 10**(rand 5.5)) if $what < 0.2;
    return ('GET', key()) if $what < 0.4;
    return ('MGET', map { key() } 0 .. rand 30) if $what < 0.5;
    return ('MSET', map { (key(), 'y' x int 10**(rand 5)) } 0 .. rand 20)
        if $what < 0.6;
    return (qw(DEL UNLINK TOUCH EXISTS)[ rand 4 ], map { key() } 0 .. rand 9)
        if $what < 0.7;
    return ('UMFORWARD', int rand 6, 'SET', key(), 'z') if $what < 0.75;
    return ('UMFORWARD', int rand 6, 'MGET', key(), key()) if $what < 0.8;
    return ('INCR', 'n' . key()) if $what < 0.85;
    return @{ ([qw(CLIENT LIST)], [qw(COMMAND COUNT)], [qw(QUIT)],
        [qw(CLUSTER GETKEYSINSLOT 5 3)], [qw(INFO)], [qw(RESET)],
        [qw(CLUSTER SLOTS)], [qw(HELLO 2)], ['CLIENT', 'KILL', 'TYPE',
        'normal'], [qw(MSET a)], [qw(GET)], [qw(EVAL x 1 a)], [qw(nonsense a)],
        [qw(UMCTL STATS)], [qw(PING)], [qw(CLUSTER COUNTKEYSINSLOT 7)])
        [ rand 16 ] };
}

# As arrays, or inline where the words allow it, or broken.
sub any_bytes {
    my @words = any_command();

    return "*3\r\n\$-5\r\n" if rand() < 0.01;
    return join(' ', @words) . "\r\n"
        if rand() < 0.2 && 5000 > length join '', @words;
    return Undermoon::Client::request(@words);
}

# One client's life.
sub vandal {
    my ($um) = @_;
    my $c = Undermoon::Client->new($um->addr, timeout => 5,
        rand() < 0.2 ? (rcvbuf => 4096) : ());

    for (0 .. rand 6) {
        my $bytes = join '', map { any_bytes() } 0 .. 3**(rand 4);

        $bytes = substr $bytes, 0, rand length $bytes if rand() < 0.2;
        while ($bytes ne '') {
            my $n = 1 + int 10**(rand 6);
            $c->write(substr $bytes, 0, $n, '') or return;
        }
        last if rand() < 0.3;
        for (0 .. rand 4) {
            last if $c->silent(0.05);
            $c->read;
        }
    }

    rand() < 0.3 ? $c->reset : rand() < 0.5 ? $c->shut : $c->close;
}

sub vandals {
    my ($number, @um) = @_;

    srand $seed + $number;
    while (1) {
        eval { vandal($um[ rand @um ]); 1 } or sleep 0.01;
    }
}

sub flip {
    my ($c) = @_;
    my $node = $c->{node};

    push @$node, shift @$node if rand() < 0.5;
    eval { $c->deal }; # TRY_AGAIN when a worker has just been killed
}

sub happen {
    my ($c) = @_;
    my $node = $c->node(int rand $c->nodes);
    my $um = $c->proxy(int rand $c->proxies);
    my $what = rand;

    if ($what < 0.25) {
        $node->pause;
        sleep rand 1;
        $node->resume;
    } elsif ($what < 0.4) {
        $node->restart;
    } elsif ($what < 0.55) {
        my $admin = $node->client;
        for my $other (grep { rand() < 0.5 } $node->clients) {
            $admin->cmd('CLIENT', 'KILL', 'ID', $other->{id}, 'SKIPME', 'yes');
        }
    } elsif ($what < 0.65) {
        my @workers = $um->workers or return;
        kill 'KILL', $workers[ rand @workers ];
    } elsif ($what < 0.7) {
        $um->reload;
    } else {
        flip($c);
    }
}

sub all_is_well {
    my ($c) = @_;

    for my $client (map { $c->client(proxy => $_) } 0 .. $c->proxies - 1) {
        return 0
            if grep { ($client->cmd('GET', "w$_") // '') =~ /^-/ } 1 .. 20;
    }

    return 1;
}

# Is anybody there but us and peers?
sub strangers {
    my ($um) = @_;
    my $list = $um->client->cmd(qw(CLIENT LIST));

    return (grep { !/ cmd=(?:umforward|auth)/ } split /\n/, $list) > 1;
}

srand $seed;
for my $proxies (1, 2) {
    my $c = cluster(nodes => 3, proxies => $proxies, workers => 2,
        main => 'worker_shutdown_timeout 2s;',
        proxy => 'active_redirection on; backend_timeout 300ms;'
            . 'big_request 50k; buffer_memory 64m; client_output_limit 8m;'
            . 'backend_conn_num 2;');
    my @vandals;

    for my $number (1 .. 8) {
        defined(my $pid = fork) or die "fork: $!";
        if (!$pid) {
            eval { vandals($number, $c->proxies) };
            POSIX::_exit(0);
        }
        push @vandals, $pid;
    }

    my $end = time + $seconds;
    my $events = 0;
    while (time < $end) {
        sleep 0.05 + rand 0.3;
        happen($c);
        $events++;
    }
    kill 'KILL', @vandals;
    waitpid $_, 0 for @vandals;

    ok(wait_for { eval { $c->deal; 1 } } 10, "$proxies proxies: they agree")
        or diag("UM_TEST_SEED=$seed");
    ok(wait_for { eval { all_is_well($c) } } 15, 'all is well again')
        or diag("UM_TEST_SEED=$seed");
    ok(wait_for { !grep { strangers($_) } $c->proxies } 15,
        'the vandals are forgotten');
    note("$events events, seed $seed");
}

done_testing;
