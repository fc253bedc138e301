package Undermoon::Compare;

# The points of the differential stories, t/73-*.t.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Undermoon::Differential;
use Undermoon::Sequence qw(sections);
use Undermoon::Test qw(cluster slurp);

my $top = $ENV{UM_SRCDIR} // '.';

# Names of all commands and subcommands of Redis, and how many have ours.
sub names {
    my $facts = decode_json(slurp("$top/contrib/commands/redis-7.0.json"));

    return map { tr/|/ /r } map { $_->{name} }
        map { $_, @{ $_->{subs} } } @{ $facts->{commands} };
}

sub arrangement {
    my ($where) = @_;

    return cluster(nodes => 1) if $where eq 'cluster';
    return cluster(nodes => 2, proxies => 2, proxy => 'active_redirection on;');
}

# A tag whose slot the first proxy has not, when there are two.
sub foreign_tag {
    my ($c) = @_;
    my $n = 0;

    $n++ until $c->node_of("{t$n}") == $c->nodes - 1;
    return "t$n";
}

sub all {
    my (%o) = @_;
    my $c = arrangement($o{where});
    my $d = Undermoon::Differential->new(%o, proxy => $c->proxy,
        nodes => [ $c->nodes ], tag => foreign_tag($c));
    my (%sequences, $bad);
    my $only = $ENV{UM_TEST_ONLY};

    for my $s (sections("$top/t/differential")) {
        next if $s->{cluster} && $o{where} ne 'cluster';
        next if $s->{active} && $o{where} ne 'active';
        next if defined $only && $s->{name} !~ /$only/;

        my $before = $d->{count}{sequences} // 0;
        my @unlike = $d->section($s);

        $sequences{ $s->{name} } += $d->{count}{sequences} - $before;
        ok(!@unlike, "$s->{name}: " . ($d->{count}{sequences} - $before)
            . ' sequences') or diag(join "\n", @unlike[ 0 .. min($#unlike, 9) ]);
    }

    return done_testing() if defined $only;

    my @few = grep { ($sequences{$_} // 0) < 5 } names();
    is_deeply(\@few, [], 'five sequences of each command at least');
    is_deeply([ $d->vanished ], [], 'all listed differences are there');
    is_deeply([ grep { !$d->{refusals}{$_} } sort keys %{ $d->{refused} } ],
        [], 'and so are all refusals');
    ok($c->proxy->serves, 'a new client is served');
    figures($d, scalar keys %sequences);
    done_testing();
}

sub min { $_[0] < $_[1] ? $_[0] : $_[1] }

sub figures {
    my ($d, $commands) = @_;
    my $n = $d->{count};

    note("$commands commands, $n->{sequences} sequences, ",
        "$n->{comparisons} comparisons, ", $n->{loose} // 0,
        ' of them as near as time, chance and order allow');
    note(sprintf '%6d  %s', $d->{reason}{$_}, $_)
        for sort { $d->{reason}{$b} <=> $d->{reason}{$a} }
        keys %{ $d->{reason} };
}

1;
