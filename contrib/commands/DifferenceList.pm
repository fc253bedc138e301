package DifferenceList;

# Reads differences.txt, whose head tells its form: for gen-table.pl and for
# the test that holds us to it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(read_differences);

my %kind = map { $_ => 1 } qw(differs cluster sorted number near
    seconds shape);
my %where = map { $_ => 1 } qw(any cluster active resp2 resp3 plain clustered);

# A list of { kind, where => [..], request, reply, why, line }; no reply: any.
sub read_differences {
    my ($file) = @_;
    my @list;

    open my $f, '<', $file or die "$file: $!\n";
    while (<$f>) {
        next if /^\s*(?:#|$)/;
        my ($kind, $where, $request, $reply, $why) =
            /^(\S+)\s+(\S+)\s+(.*?)(?:\s+=>\s+(.*?))?\s+--\s+(.*)$/
            or die "$file:$.: not a difference\n";
        my @where = split /,/, $where;
        my @wrong = grep { !$where{$_} } @where;

        die "$file:$.: what is '$kind'?\n" if !$kind{$kind};
        die "$file:$.: what is '@wrong'?\n" if @wrong;
        push @list, { kind => $kind, request => $request, reply => $reply,
            where => [ grep { $_ ne 'any' } @where ], why => $why,
            line => $. };
    }

    return @list;
}

1;
