#!/usr/bin/perl

# Every sample configuration is one that the daemon takes.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);

my $top = $ENV{UM_SRCDIR} // '.';
my $um  = $ENV{UM_BINARY} // './undermoond';
my @samples = sort glob("$top/conf/*.conf");

plan skip_all => 'no samples' unless @samples;
plan tests => 2 * @samples;

for my $file (@samples) {
    my $name = $file =~ s{.*/}{}r;
    my $dir  = tempdir(CLEANUP => 1);
    my $said = qx($um -p $dir -t -c $file 2>&1);

    is($?, 0, "$name passes -t") or diag($said);
    unlike($said, qr/\[(?:alert|error|warn)\]/, "$name without a complaint")
        or diag($said);
}
