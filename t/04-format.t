#!/usr/bin/perl

# What every eye sees: 80 columns, no tabs, no trailing blanks, a last newline,
# a licence line; files of at most 600 lines and functions of at most 90.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Tree qw(tree_files tree_read);

my @dirs = qw(src modules t conf contrib);
my @text = tree_files(qr/\.(?:[ch]|pm|t|pl|py|sh|conf)$/, @dirs);
my @c    = grep { /\.[ch]$/ } @text;

plan tests => 3 * @text + 2 * @c;

for my $file (@text) {
    my $text  = tree_read($file);
    my @lines = split /\n/, $text, -1;

    # In a table of macro rows a row is a line.
    my $width = $file =~ /_tbl\.h$/ ? 132 : 80;
    my @long = grep { length $lines[$_ - 1] > $width } 1 .. @lines;
    is("@long", '', "$file: $width columns");

    my @blank = grep { $lines[$_ - 1] =~ /\t|[ \r]$/ } 1 .. @lines;
    push @blank, 'end' if $text !~ /[^\n]\n\z/;
    is("@blank", '', "$file: no tabs, no trailing blanks, one last newline");

    like($text, qr/SPDX-License-Identifier: Apache-2\.0/, "$file: licence");
}

for my $file (@c) {
    my @lines = split /\n/, tree_read($file);

    # Tables made by a program may be as long as what they tell.
    my $limit = $file =~ /_table\.c$/ ? 1e9 : 600;
    cmp_ok(scalar @lines, '<=', $limit, "$file: at most 600 lines");

    my ($start, @huge);
    for my $n (1 .. @lines) {
        $start = $n if $lines[$n - 1] =~ /^\{/;
        next unless defined $start && $lines[$n - 1] =~ /^\}/;
        push @huge, $start if $n - $start > 90;
        undef $start;
    }
    is("@huge", '', "$file: functions of at most 90 lines");
}
