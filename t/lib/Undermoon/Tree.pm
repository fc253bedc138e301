package Undermoon::Tree;

# The files of the source tree, for the tests of its hygiene.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use File::Find ();

our @EXPORT_OK = qw(tree_files tree_read tree_code);

my $top = $ENV{UM_SRCDIR} // '.';

# Paths below the top, of the given folders, whose name matches $re.
sub tree_files {
    my ($re, @dirs) = @_;
    my @found;

    File::Find::find({
        no_chdir => 1,
        wanted   => sub {
            my $path = s{^\Q$top/\E}{}r;
            push @found, $path if -f && $path =~ $re && $path !~ m{/\.};
        },
    }, grep { -d } map { "$top/$_" } @dirs);

    return sort @found;
}

sub tree_read {
    my ($file) = @_;

    open my $fh, '<', "$top/$file" or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

# C without what comments and literals say; lines stay where they are.
sub tree_code {
    my ($text) = @_;

    $text =~ s{
        ( /\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
    }{ ' ' . "\n" x ($1 =~ tr/\n//) }gsex;

    return $text;
}

1;
