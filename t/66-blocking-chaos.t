#!/usr/bin/perl

# Producers push, consumers of all kinds wait, come and go, over two proxies;
# slots change hands, configurations are read again, connections are killed at
# Redis.  In the end each element that was acknowledged has been given to
# exactly one, is still there, or went with a call that ended in between.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(cluster wait_for slow_tests);

my $seed = $ENV{UM_TEST_SEED} // $$;
my $seconds = slow_tests() ? 30 : 4;
srand $seed;

my $c = cluster(nodes => 2, proxies => 2, workers => 2,
    proxy => 'active_redirection on; max_redirections 4;');
my @list = map { "list:$_" } 1 .. 6;
my (%got, %pushed, %unsure, @consumer, @producer);
my ($next, $twice, $odd, $left, $cut, $events) = (0, 0, 0, 0, 0, 0);

# What may be said while slots change hands or connections are killed, and
# whether it may have been done all the same.
my $maybe = qr/^-ERR_BACKEND.*may have been executed/;
my $not = qr/^-(UNBLOCKED|ERR_BACKEND.*not sent|ERR_TOO_MANY_REDIR|MOVED)/;

# ---- consumers ---------------------------------------------------------

sub call {
    my $key = $list[ rand @list ];
    my $time = (0, 0, 0.05, 0.3)[ rand 4 ];
    my @calls = (
        [ 'BLPOP', $key, $time ], [ 'BRPOP', $key, "{$key}none", $time ],
        [ 'BLMPOP', $time, 1, $key, 'LEFT', 'COUNT', 1 + int rand 3 ],
        [ 'BZPOPMIN', "{$key}z", $time ],
        [ 'BZMPOP', $time, 2, "{$key}z", "{$key}none", 'MAX', 'COUNT', 2 ],
        [ 'BLMOVE', $key, "{$key}moved", 'LEFT', 'RIGHT', $time ],
    );

    return $calls[ rand @calls ];
}

sub consumer {
    my $self = { client => $c->client(proxy => int rand 2) };
    again($self);
    return $self;
}

sub again {
    my ($self) = @_;

    $self->{call} = call();
    $self->{client}->send(@{ $self->{call} });
}

sub elements {
    my ($name, $reply) = @_;

    return () if !defined $reply;
    return ($reply) if $name eq 'BLMOVE';
    return ($reply->[1]) if $name =~ /POP$/ && $name =~ /^B[LR]POP/;
    return ($reply->[1]) if $name eq 'BZPOPMIN';
    return @{ $reply->[1] } if $name eq 'BLMPOP';
    return map { $_->[0] } @{ $reply->[1] };
}

sub consumed {
    my ($self) = @_;
    my $reply = $self->{client}->read;
    my $name = $self->{call}[0];

    if (ref($reply) eq 'Undermoon::Error') {
        $cut++ if $reply =~ $maybe;
        return if $reply =~ $maybe || $reply =~ $not;
        $odd++;
        diag("@{ $self->{call} }: $reply");
        return;
    }
    # What is moved is an element like others, found in the end where it is.
    return if $name eq 'BLMOVE';
    for my $e (elements($name, $reply)) {
        $twice++ if $got{$e}++;
    }
}

# What is in its socket already, it has.
sub leaves {
    my ($self) = @_;

    $self->{client}->shut;
    eval { consumed($self); 1 } or $@ eq "closed\n" or die $@;
    $self->{client}->close;
}

# ---- producers ---------------------------------------------------------

sub produce {
    my ($self) = @_;
    my $key = $list[ rand @list ];
    my @new = map { 'e' . ++$next } 1 .. 1 + rand 3;

    $self->{new} = \@new;
    $self->{client}->send(rand() < 0.6 ? ('RPUSH', $key, @new)
        : ('ZADD', "{$key}z", map { (1, $_) } @new));
}

sub produced {
    my ($self) = @_;
    my $reply = $self->{client}->read;

    if ($reply =~ /^\d+$/) {
        $pushed{$_} = 1 for @{ $self->{new} };
    } elsif ($reply =~ $maybe) {
        $unsure{$_} = 1 for @{ $self->{new} };
    } elsif ($reply !~ $not) {
        $odd++;
        diag("push: $reply");
    }
}

# ---- what happens ------------------------------------------------------

my $swapped = 0;

sub happen {
    my $what = rand;

    $events++;
    if ($what < 0.6) {
        # One after the other: for a moment each believes what it likes.
        $swapped = !$swapped;
        @{ $c->{node} }[ 0, 1 ] = @{ $c->{node} }[ 1, 0 ];
        $c->deal;
    } elsif ($what < 0.8) {
        my $admin = $c->node(int rand 2)->client;
        my ($victim) = map { /^id=(\d+)/ } grep { / flags=b/ && rand() < 0.3 }
            split /\n/, $admin->cmd(qw(CLIENT LIST));
        $admin->cmd(qw(CLIENT KILL ID), $victim) if defined $victim;
    } elsif ($what < 0.85) {
        $c->proxy(int rand 2)->reload;
    } else {
        my $um = $c->proxy(int rand 2)->client;
        for (split /\n/, $um->cmd(qw(CLIENT LIST))) {
            my ($id) = /^id=(\d+).* flags=b/ or next;
            $um->cmd(qw(CLIENT UNBLOCK), $id, rand() < 0.5 ? 'ERROR'
                : 'TIMEOUT') if rand() < 0.3;
        }
    }
}

# ---- it goes round -----------------------------------------------------

@consumer = map { consumer() } 1 .. 40;
@producer = map { { client => $c->client(proxy => $_ % 2) } } 1 .. 4;
produce($_) for @producer;

my $end = time + $seconds;
while (time < $end) {
    my %by = map { $_->{client}{sock} => $_ } @consumer, @producer;
    my $select = IO::Select->new(map { $_->{client}{sock} } @consumer,
        @producer);

    for my $sock ($select->can_read(0.05)) {
        my $self = $by{$sock};
        if ($self->{new}) {
            produced($self);
            produce($self);
        } else {
            consumed($self);
            again($self);
        }
    }

    # Some leave, and others come.
    if (rand() < 0.1) {
        my $gone = splice @consumer, int rand @consumer, 1;
        leaves($gone);
        push @consumer, consumer();
        $left++;
    }
    happen() if rand() < 0.01;
}

# The producers are done; then the consumers leave, who have what they have.
produced($_) for @producer;
leaves($_) for @consumer;
ok(wait_for { !grep { $_->info('blocked_clients') } map { $c->node($_) } 0, 1 }
    10, 'nobody waits any more');

my (%there, $lost);
for my $i (0, 1) {
    my $at = $c->node($i)->client;
    for my $key (@{ $at->cmd(qw(KEYS *)) }) {
        my $all = $key =~ /z$/ ? $at->cmd('ZRANGE', $key, 0, -1)
            : $at->cmd('LRANGE', $key, 0, -1);
        $twice += grep { $there{$_}++ } @$all;
    }
    $lost += ($c->client(proxy => $i)->cmd(qw(INFO everything))
        =~ /^blocked_lost:(\d+)/m)[0];
}

my @missing = grep { !$got{$_} && !$there{$_} } keys %pushed;
my @made_up = grep { !$pushed{$_} && !$unsure{$_} } keys %got, keys %there;
$twice += grep { $got{$_} } keys %there;
note(scalar(keys %pushed), ' pushed, ', scalar(keys %got), ' popped, ',
    scalar(keys %there), ' there, ', scalar(@missing),
    " lost by $left that left, in $lost calls, and $cut that were cut off, "
        . "in $events events; seed $seed");
is($odd, 0, 'no error');
is($twice, 0, 'nothing was given twice');
is(scalar @made_up, 0, 'nothing was made up');
cmp_ok(scalar keys %got, '>', 500, 'much was given');
cmp_ok(scalar @missing, '<=', 3 * ($lost + $cut),
    'what is gone went with a client that left, and was counted');

done_testing;
