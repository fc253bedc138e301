#!/usr/bin/perl

# Every header compiles alone: it includes what it uses, and says once what it
# says.  What a header needs is known here before somebody's include order is.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);

my $top   = $ENV{UM_SRCDIR} // '.';
my $build = $ENV{UM_BUILDDIR} // '.';
my $cc    = $ENV{UM_CC} // 'cc';
my $flags = $ENV{UM_CPPFLAGS} // '';

# A *_tbl.h is rows of a macro that its includer defines: no header by itself.
my @headers = map { s{^\Q$top/src/\E}{}r }
    grep { !/_tbl\.h$/ } sort glob("$top/src/*/*.h");
my $dir = tempdir(CLEANUP => 1);

plan tests => scalar @headers;

for my $header (@headers) {
    open my $fh, '>', "$dir/alone.c" or die "$dir/alone.c: $!";
    # Twice, so that a missing guard shows.
    print $fh qq(#include "$header"\n) x 2, "extern int um_alone;\n";
    close $fh or die "$dir/alone.c: $!";

    my $said = qx($cc -std=gnu11 -D_GNU_SOURCE -Wall -Werror -fsyntax-only \\
        -I$top/src -I$build $flags $dir/alone.c 2>&1);
    is($said, '', "$header compiles alone");
}
