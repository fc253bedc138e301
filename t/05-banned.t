#!/usr/bin/perl

# Words that are not said here: calls that cannot be used safely, notes of work
# left undone, and places that only one machine has.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Tree qw(tree_files tree_read tree_code);

my $calls = join '|', qw(
    strcpy strcat sprintf vsprintf gets strtok atoi atol atoll alloca
    signal sleep usleep
);

my @src = tree_files(qr/\.[ch]$/, qw(src modules));
my @all = tree_files(qr/\.(?:[ch]|pm|t|pl|py|sh|conf|inc|md)$|Makefile\.am$/,
    qw(src modules t conf contrib docs));

plan tests => @src + @all;

sub lines_with {
    my ($re, $text) = @_;
    my @lines = split /\n/, $text, -1;

    return join ' ', grep { $lines[$_ - 1] =~ $re } 1 .. @lines;
}

for my $file (@src) {
    is(lines_with(qr/\b(?:$calls)\s*\(/, tree_code(tree_read($file))), '',
        "$file: no banned call");
}

# Written so that this file does not say them.
my $undone = join '|', map { join '', @$_ }
    [qw(TO DO)], [qw(FIX ME)], [qw(XX X\b)];
my $places = join '|', map { "/$_/" } qw([w]ork/[a-z] [r]oot [h]ome/[a-z]);

for my $file (@all) {
    is(lines_with(qr/\b(?:$undone)|(?<![\w.*\/])(?:$places)/,
            tree_read($file)), '', "$file: nothing left undone or local");
}
