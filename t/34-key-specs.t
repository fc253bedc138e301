#!/usr/bin/perl

# The keys we see in a call are the keys Redis sees in it: calls made up from
# Redis' own documentation of its commands, and then spoilt, are shown to
# COMMAND GETKEYSANDFLAGS and to our table.  Where Redis tells of keys that we
# miss it must refuse the call itself, so that no key is touched unseen.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IPC::Open2;
use Test::More;
use Undermoon::Client;
use Undermoon::Test qw(redis helper);

my $helper = helper('keys')
    or plan skip_all => 't/clients/keys is built by make check';
my $client = redis()->client;
my $per_command = 40;
my ($unique, @keys);

srand 34;

# --- calls made up from COMMAND DOCS

sub pick { $_[ rand @_ ] }

# Flat arrays of RESP2 to hashes.
sub doc { my %h = @{ $_[0] }; return \%h }

# A key word for `multiple`; a number that counts keys is filled in later.
sub word {
    my ($arg, $count) = @_;
    my $type = $arg->{type};

    if ($type eq 'key') {
        push @keys, 'k' . ++$unique;
        return $keys[-1];
    }

    return $arg->{token} if $type eq 'pure-token';
    return $count if $arg->{name} eq 'numkeys';
    return 1 + int rand 9 if $type =~ /^(?:integer|double|unix-time)$/;
    return 's' . ++$unique;
}

sub once {
    my ($arg, $count) = @_;
    my @sub = map { doc($_) } @{ $arg->{arguments} // [] };

    return all($count, pick(@sub)) if $arg->{type} eq 'oneof';
    return all($count, @sub) if $arg->{type} eq 'block';
    return word($arg, $count);
}

sub all {
    my ($count, @args) = @_;
    my @words;

    for my $arg (@args) {
        my %flag = map { $_ => 1 } @{ $arg->{flags} // [] };
        next if $flag{optional} && rand() < 0.4;

        my $token = $arg->{type} eq 'pure-token' ? undef : $arg->{token};
        my $times = $flag{multiple} ? 1 + int rand 3 : 1;
        for my $i (1 .. $times) {
            push @words, $token
                if defined $token && ($i == 1 || $flag{multiple_token});
            push @words, once($arg, $count);
        }
    }

    return @words;
}

# One call; where keys are counted, the count is right.
sub call {
    my ($name, $args) = @_;
    my @words;

    @keys = ();
    @words = all($$, @$args);
    if ((my ($at) = grep { $words[$_] eq $$ } 0 .. $#words)) {
        my %after = map { $_ => 1 } @words[ $at .. $#words ];
        $words[$at] = grep { $after{$_} } @keys;
    }

    return [ split(/\|/, $name), @words ];
}

# One word changed, left out or added.
sub spoilt {
    my @w = @{ $_[0] };
    my $at = 1 + int rand @w;
    my $with = pick(qw(0 1 2 3 99 -1 x STORE STREAMS KEYS GET BY LIMIT BLOCK
        COUNT GROUP 01 1x), '');

    $at < @w && rand() < 0.3 ? splice @w, $at, 1
        : splice @w, $at, rand() < 0.5, $with;
    return \@w;
}

# --- the two who are asked

sub ask_ours {
    my (@calls) = @_;
    my $pid = open2(my $out, my $in, $helper);

    if (fork // die "fork: $!") {
        close $in;
    } else {
        print $in map { Undermoon::Client::request(@$_) } @calls;
        close $in;
        require POSIX;
        POSIX::_exit(0);
    }

    chomp(my @lines = <$out>);
    wait for 1, 2;
    return map { [ split / /, $_ ] } @lines;
}

# "word flags" pairs in one line; fakes are no keys for Redis.
sub ours_line {
    my (undef, $verdict, @pairs) = @{ $_[0] };
    my @found;

    return $verdict if $verdict ne 'ok';
    while (my ($word, $flags) = splice @pairs, 0, 2) {
        next if $flags =~ /not_key/;
        push @found, join ' ', $word, join ',', sort
            grep { $_ ne 'incomplete' } split /,/, $flags;
    }

    return join '; ', @found;
}

sub redis_line {
    my ($reply) = @_;

    return '' unless ref $reply eq 'ARRAY';
    return join '; ', map {
        join ' ', $_->[0], join ',', sort
            grep { $_ ne 'incomplete' } @{ $_->[1] }
    } @$reply;
}

# More keys than Redis tells of only make us stricter: STORE twice, or the one
# key of a PFMERGE, which its specifications miss.
sub has_all {
    my ($mine, $redis) = @_;
    my %mine = map { $_ => 1 } split /; /, $mine;

    return !grep { !$mine{$_} } split /; /, $redis;
}

sub show { join ' ', map { length ? $_ : '""' } @{ $_[0] } }

# --- the story

my %docs = @{ $client->cmd('COMMAND', 'DOCS') };
my (@good, @bad);

for my $name (sort keys %docs) {
    my $doc = doc($docs{$name});
    my %sub = @{ $doc->{subcommands} // [] };

    for my $full (%sub ? sort keys %sub : $name) {
        my $d = $sub{$full} ? doc($sub{$full}) : $doc;
        my @args = map { doc($_) } @{ $d->{arguments} // [] };

        for (1 .. $per_command) {
            push @good, call($full, \@args);
            push @bad, spoilt($good[-1]);
        }
    }
}

my @ours = ask_ours(@good, @bad);
is(scalar @ours, @good + @bad, 'an answer to each of ' . @ours . ' calls');

my @theirs = $client->pipeline(
    map { [ 'COMMAND', 'GETKEYSANDFLAGS', @$_ ] } @good, @bad);
my (@differ, @risky, %seen);

for my $i (0 .. $#ours) {
    my $call = $i < @good ? $good[$i] : $bad[ $i - @good ];
    my ($mine, $redis) = (ours_line($ours[$i]), redis_line($theirs[$i]));

    $seen{ $mine eq $redis ? 'same' : 'other' }++;
    next if $mine eq $redis;

    # Redis may refuse to say; then we may have refused as well.
    if ($i < @good && $mine eq '' && $call->[0] =~ /^xread/) {
        push @risky, [ $call, $mine, $redis ]; # keys without as many IDs
    } elsif ($i < @good) {
        push @differ, show($call) . ": ours '$mine', Redis '$redis'"
            unless $redis eq '' && $mine =~ /^(?:declined|arity)$/;
    } elsif ($mine ne 'arity' && $ours[$i][0] =~ /^(?:forward|split)$/
        && !grep { /^block$/i } @$call) {
        push @risky, [ $call, $mine, $redis ];
    }
}

cmp_ok($seen{same}, '>', 15000, 'most are the same');
is(join("\n", @differ), '', 'proper calls have the same keys with both');

my @done;
for my $r (@risky) {
    my ($call, $mine, $redis) = @$r;
    next if $mine =~ / / && has_all($mine, $redis);
    my $reply = $client->cmd(@$call);

    push @done, show($call) . ": ours '$mine', Redis '$redis'"
        unless ref $reply eq 'Undermoon::Error';
}

note scalar(@risky) . ' spoilt calls are seen in two ways';
is(join("\n", @done), '', 'Redis refuses what the two see differently');

done_testing();
