#!/usr/bin/perl

# The manual is the one that the tables make, and every directive stands in
# the sample that claims to have them all.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;

my $top  = $ENV{UM_SRCDIR} // '.';
my $gen  = ($ENV{UM_BUILDDIR} // '.') . '/docs/gen-conf-manual';
my $page = "$top/docs/undermoond.conf.5";

sub slurp {
    my ($file) = @_;
    open(my $fh, '<', $file) or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

my $made = qx($gen $page.in);
is($?, 0, 'the manual can be made');
ok(slurp($page) eq $made, 'docs/undermoond.conf.5 is up to date')
    or diag('run "make manual"');

# Blocks of the sample, its comments taken as text.
my %in;
my $block = 'main';
for (split /\n/, slurp("$top/conf/undermoond.conf")) {
    $block = $1 if /^#?(\w+) \{/;
    $in{"$block $1"} = 1 if /^\s*#?(\w+)\s+\S.*;/;
    $block = 'main' if /^#?\}/;
}

my @known = split /\n/, qx($gen -l);
ok(@known > 40, 'there are directives');

for my $d (@known) {
    ok(delete $in{$d}, "$d is in conf/undermoond.conf");
}

is(join(', ', sort keys %in), '', 'no other is in conf/undermoond.conf');

# A comment's default is the true one.
my $entry   = qr/^\.It Ic (\w+) .*\n(?:[^.].*\n)*Default:\n\.Ql (.*) \.$/m;
my %default;
for my $part (split /^(?=\.Ss )/m, $made) {
    $block = $part =~ /^\.Ss Block (\w+)/ ? $1 : 'main';
    $default{"$block $1"} = $2 while $part =~ /$entry/g;
}

$block = 'main';
for (split /\n/, slurp("$top/conf/undermoond.conf")) {
    $block = $1 if /^#?(\w+) \{/;
    $block = 'main' if /^#?\}/;
    next unless /^\s*#(\w+)\s+(\S.*);$/ && exists $default{"$block $1"};
    my ($name, $said) = ($1, $2);
    next if $name eq 'listen' || $name eq 'password';
    is($said =~ s/50ms/50000us/r, $default{"$block $name"},
        "the default of $name in $block");
}

done_testing();
