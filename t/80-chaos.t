#!/usr/bin/perl

# Nodes hang, die, come back and lose their connections while clients write;
# every reply still fits what each client has done.  A command that was given
# up may be executed late, but never behind one that was answered after it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep);
use Undermoon::Test qw(cluster helper slow_tests wait_for);

my $order = helper('order')
    or plan skip_all => 't/clients/order is built by make check';
my $seed = $ENV{UM_TEST_SEED} // $$;
my $pipelines = slow_tests() ? 400 : 20;
srand $seed;

# One of the bad things that happen to a node.
sub happen {
    my ($c) = @_;
    my $node = $c->node(int rand $c->nodes);
    my $what = rand;

    if ($what < 0.4) {
        $node->pause;
        sleep rand 0.7;
        $node->resume;
    } elsif ($what < 0.6) {
        $node->restart;
    } elsif ($what < 0.8) {
        my $admin = $node->client;
        for my $other (grep { rand() < 0.5 } $node->clients) {
            $admin->cmd('CLIENT', 'KILL', 'ID', $other->{id}, 'SKIPME', 'yes');
        }
    } else {
        $c->deal;
    }
}

sub all_is_well {
    my ($c) = @_;
    my $client = $c->client;

    return !grep { ($client->cmd('GET', "k$_") // '') =~ /^-/ } 1 .. 20;
}

for my $proxies (1, 3) {
    my $c = cluster(nodes => 3, proxies => $proxies, workers => 2,
        proxy => 'active_redirection on; max_redirections 4;'
            . 'backend_timeout 200ms; big_request 100k;',
        redis => { more => [qw(--appendonly yes --appendfsync no)] });
    my ($last, $events) = ('', 0);

    open my $out, '-|', $order, '-e', '-p', $c->proxy->{port},
        '-c', 30, '-n', $pipelines, '-d', 100, '-b', 300, '-s', $seed
        or die "$order: $!";
    while (1) {
        if (IO::Select->new($out)->can_read(0.05 + rand 0.2)) {
            my $line = <$out> // last;
            $last = $line;
            next;
        }
        happen($c);
        $events++;
    }
    close $out;

    chomp $last;
    like($last, qr/^right: /, "$proxies proxies: every reply is lawful")
        or diag("UM_TEST_SEED=$seed");
    note("$events events; $last");

    ok(wait_for { all_is_well($c) } 10, "$proxies proxies: all is well again");
}

done_testing;
