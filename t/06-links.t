#!/usr/bin/perl

# What the documents point at is there: links between them, and files of the
# tree that they name.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use File::Basename qw(dirname);
use Undermoon::Tree qw(tree_files tree_read);

my $top = $ENV{UM_SRCDIR} // '.';
my @docs = ('README.md', tree_files(qr/\.md$/, 'docs'));

plan tests => 2 * @docs;

for my $doc (@docs) {
    my $text = tree_read($doc);
    my $dir  = dirname($doc);

    my @broken = grep { !-e "$top/$dir/$_" }
        map { s/#.*//r } grep { !/^\w+:|^#/ } $text =~ /\]\(([^()\s]+)\)/g;
    is("@broken", '', "$doc: links lead somewhere");

    # A program is there when its source is.  Names with a number or a word to
    # fill in are examples.
    my @gone = grep { !-e "$top/$_" && !-e "$top/$_.c" }
        grep { !/NN|NAME|ROOM|\*/ }
        $text =~ m{`((?:src|t|modules|contrib|docs|conf)/[\w./*-]+)`}g;
    is("@gone", '', "$doc: files that it names are there");
}
