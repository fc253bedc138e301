#!/usr/bin/perl

# A task that proxies were told of stays in sight until it is done, also when
# the broker starts again with a lower migration_limit; a higher one starts
# more, under a new epoch.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Test qw(wait_for);

my $with = sub { "storage file \@DIR\@/meta; migration_limit $_[0];" };
my $b = Undermoon::Broker->new(broker => $with->(2))->start;

sub restart {
    my ($limit) = @_;

    $b->stop;
    $b->configure($with->($limit))->start;
}

# Of a view, its tasks as "first-last", by their sources.
sub tasks {
    my $nodes = $b->ask('GET', '/clusters/meta/c')->{json}{cluster}{nodes};

    return [ map { join '-', @{ $_->{range_list}[0] } }
        grep { ref $_->{tag} && $_->{tag}{Migrating} }
        map { @{ $_->{slots} } } @$nodes ];
}

sub commit {
    my ($first) = @_;
    my $nodes = $b->ask('GET', '/clusters/meta/c')->{json}{cluster}{nodes};
    my ($task) = grep { ref $_->{tag} && $_->{tag}{Migrating}
        && $_->{range_list}[0][0] == $first } map { @{ $_->{slots} } } @$nodes;

    return $b->say('PUT', '/clusters/migrations',
        { cluster_name => 'c', slot_range => $task });
}

$b->register(6);
is($b->say('POST', '/clusters/meta/c', { node_number => 4 }), 200, 'a cluster');
is($b->ask('PATCH', '/clusters/nodes/c', { node_number => 8 })->{status}, 200,
    'that grows');
is($b->say('POST', '/clusters/migrations/expand/c'), 200, 'slots move');

my $two = tasks();
my $epoch = $b->epoch;

is(scalar @$two, 2, 'two tasks, as the limit says');
is_deeply($b->ask('GET', '/metadata')->{json}{undermoon},
    { started => { c => [ 0, 2 ] } }, 'the metadata knows which');

restart(1);
is_deeply(tasks(), $two, 'a lower limit hides none of them');
is($b->epoch, $epoch, 'and takes no epoch');

restart(9);
is_deeply(tasks(), $two, 'a higher one has no part without a task');

is(commit((split /-/, $two->[0])[0]), 200, 'one is done');
is(scalar @{ tasks() }, 2, 'the next of its part follows');
restart(1);
my $left = tasks();
is(scalar @$left, 2, 'both go on under a lower limit');
is(commit((split /-/, $left->[0])[0]), 200, 'one of them is done');
is_deeply(tasks(), [ $left->[1] ], 'and no other comes');

$epoch = $b->epoch;
restart(0);
ok((wait_for { @{ tasks() } == 3 } 10), 'without a limit all start');
is($b->epoch, $epoch + 1, 'of which proxies hear by a new epoch');
is($b->ask('GET', '/clusters/meta/c')->{json}{cluster}{epoch}, $epoch + 1,
    'the cluster\'s');
restart(0);
is($b->epoch, $epoch + 1, 'once');

done_testing();
