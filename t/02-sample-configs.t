#!/usr/bin/perl

# Every sample configuration is one that the daemon takes.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);

my $top = $ENV{UM_SRCDIR} // '.';
my $um  = $ENV{UM_BINARY} // './undermoond';
my $modules = $ENV{UM_MODULES} // 'modules/.libs';
my @samples = sort glob("$top/conf/*.conf");

plan skip_all => 'no samples' unless @samples;
plan tests => 2 * @samples;

for my $file (@samples) {
    my $name = $file =~ s{.*/}{}r;
    my $dir  = tempdir(CLEANUP => 1);

    # Modules that are not installed yet are where they were built.
    open my $in, '<', $file or die "$file: $!";
    my $text = join '', <$in>;
    $text =~ s{^module\s+(\w+);}{module $modules/$1.so;}gm
        if -d $modules;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";

    my $said = qx($um -p $dir -t -c $dir/$name 2>&1);

    is($?, 0, "$name passes -t") or diag($said);
    unlike($said, qr/\[(?:alert|error|warn)\]/, "$name without a complaint")
        or diag($said);
}
