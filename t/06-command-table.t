#!/usr/bin/perl

# The command table and its page are what the generator makes of the facts and
# of our own column: nobody has edited them, and nobody forgot to run it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More tests => 3;
use Undermoon::Test qw(tempdir slurp);

my $top = $ENV{UM_SRCDIR} // '.';
my $dir = tempdir();

is(system($^X, "$top/contrib/commands/gen-table.pl", $top, $dir), 0,
    'the generator runs');
ok(slurp("$dir/commands.md") eq slurp("$top/docs/commands.md"),
    'docs/commands.md is up to date (else: make command-table)');

SKIP: {
    my $format = `clang-format --version 2>/dev/null` // '';

    skip 'the table is laid out by clang-format 14', 1
        unless $format =~ /version 14\./;

    ok(slurp("$dir/um_cmd_table.c")
            eq slurp("$top/src/resp/um_cmd_table.c"),
        'src/resp/um_cmd_table.c is up to date (else: make command-table)');
}
