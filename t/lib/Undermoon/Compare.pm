package Undermoon::Compare;

# The points of the differential stories, t/73-*.t.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Differences;
use Undermoon::Differential;
use Undermoon::Sequence qw(sections);
use Undermoon::Test qw(cluster slurp);

my $top = $ENV{UM_SRCDIR} // '.';

# Names of all commands and subcommands of the table; those of a cluster are
# compared where we are one.
sub names {
    my ($where) = @_;
    my @names = slurp("$top/contrib/commands/ours.txt") =~ /^([^#\s]\S*)/mg;

    my $of_cluster = qr/^(?:cluster|readonly|readwrite|asking)/;

    return map { tr/|/ /r }
        grep { $where eq 'cluster' || !/$of_cluster/ } @names;
}

sub arrangement {
    my ($where) = @_;
    my $proxy = 'slowlog_log_slower_than -1;'; # nothing is slow by chance

    return cluster(nodes => 1, proxy => $proxy) if $where eq 'cluster';
    return cluster(nodes => 2, proxies => 2,
        proxy => "$proxy active_redirection on;");
}

# One tag after the other whose slot the first proxy has not, when there are
# two.
sub foreign_tags {
    my ($c) = @_;
    my $n = 0;

    return sub {
        $n++;
        $n++ until $c->node_of("{t$n}") == $c->nodes - 1;
        return "t$n";
    };
}

sub all {
    my (%o) = @_;
    my $c = arrangement($o{where});
    my $list = Undermoon::Differences->new($o{where}, "resp$o{protocol}",
        'plain', $o{where} eq 'cluster' ? 'clustered' : ());
    my $d = Undermoon::Differential->new(%o, proxy => $c->proxy,
        nodes => [ $c->nodes ], tags => foreign_tags($c),
        differences => $list);
    my $only = $ENV{UM_TEST_ONLY};
    my %sequences;

    for my $s (sections("$top/t/differential")) {
        next if $s->{cluster} && $o{where} ne 'cluster';
        next if $s->{active} && $o{where} ne 'active';
        next if defined $only && $s->{name} !~ /$only/;

        my $before = $d->{count}{sequences} // 0;
        my @unlike = $d->section($s);
        my $n = $d->{count}{sequences} - $before;

        $sequences{ $s->{name} } += $n;
        ok(!@unlike, "$s->{name}: $n sequences")
            or diag(join "\n", @unlike[ 0 .. min($#unlike, 9) ]);
    }

    return done_testing() if defined $only;

    my @few = grep { ($sequences{$_} // 0) < 5 } names($o{where});
    is("@few", '', 'five sequences of each command at least');
    is(join("\n", $list->vanished), '', 'all listed differences are there');
    my @kept = grep { $o{where} eq 'cluster' || !/^cluster / }
        $list->not_refused;
    is("@kept", '', 'and so are all refusals');
    ok($c->proxy->serves, 'a new client is served');
    figures($d->{count}, $list, scalar keys %sequences);
    done_testing();
}

sub min { $_[0] < $_[1] ? $_[0] : $_[1] }

sub figures {
    my ($n, $list, $commands) = @_;
    my $why = $list->{reasons};

    note("$commands sections, $n->{sequences} sequences, ",
        "$n->{comparisons} replies and $n->{states} states compared, ",
        "$list->{loose} as near as time, chance and order allow");
    note(sprintf '%6d  %s', $why->{$_}, $_)
        for sort { $why->{$b} <=> $why->{$a} || $a cmp $b } keys %$why;
}

1;
