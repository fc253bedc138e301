#!/usr/bin/perl

# Our judge of what clients saw is not alone in its opinion: Porcupine, another
# one, says the same of the same logs, simulated ones with and without defects
# and a true one.  Skipped where Go or Porcupine is not to be had.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Fetched qw(fetched);
use Undermoon::Linear;
use Undermoon::Test qw(cluster slow_tests slurp spew tempdir);

my $SEED  = $ENV{UM_TEST_SEED} // (slow_tests() ? time % 100_000 : 1);
my $SEEDS = slow_tests() ? 50 : 1;

plan skip_all => 'UM_TEST_CLIENTS=debian'
    if ($ENV{UM_TEST_CLIENTS} // '') eq 'debian';

my $dir = ($ENV{UM_SRCDIR} // '.') . '/t/tool/porcupine';
my ($go) = fetched({
    name  => 'porcupine',
    tools => ['go'],
    files => { map { $_ => slurp("$dir/$_") }
        qw(go.mod go.sum log.go main.go model.go) },
    env   => { GOTOOLCHAIN => 'local' },
    fetch => [ [qw(go mod download)] ],
    make  => [ [qw(go build -o linear .)] ],
    argv  => ['@DIR@/linear'],
});
plan skip_all => $go->{skip} if defined $go->{skip};

# { group => verdict } of a command.
sub verdicts {
    my (@command) = @_;

    open my $f, '-|', @command or die "$command[0]: $!";
    my %is = map { /^verdict (\S+) (\S+)$/ ? ($1, $2) : () } <$f>;
    close $f;
    return \%is;
}

# Where both have an opinion it is the same, and mostly they have.  But where
# keys expire (x) ours may be stricter: it knows that what was before the first
# return was no later, and Porcupine's models do not hear of that.
sub agree {
    my ($log, $what, $wrong) = @_;
    my $ours = verdicts(Undermoon::Linear::tool('um_lin_check'), '-v', $log);
    my $theirs = verdicts(@{ $go->{argv} }, '-t', 1, $log);
    my @decided = grep { $ours->{$_} ne 'undecided'
            && ($theirs->{$_} // '') ne 'undecided' } sort keys %$ours;
    my $no = grep { $_ eq 'no' } values %$ours;
    my @stricter = grep { /^x/ && $ours->{$_} eq 'no'
            && $theirs->{$_} eq 'yes' } @decided;
    my %stricter = map { $_ => 1 } @stricter;
    my @same = grep { !$stricter{$_} } @decided;

    is_deeply([ map { "$_ $theirs->{$_}" } @same ],
        [ map { "$_ $ours->{$_}" } @same ],
        "$what: one opinion of " . @same . " groups, $no of them wrong");
    cmp_ok(@stricter * 4, '<=', @decided, '  ours is stricter with '
            . @stricter);
    cmp_ok(@decided * 20, '>=', 19 * keys %$ours, '  mostly there is one');
    ok($wrong ? $no > 0 : $no == 0, $wrong ? '  some are wrong'
        : '  none is wrong');
}

my $log = tempdir() . '/log';
for my $seed ($SEED .. $SEED + $SEEDS - 1) {
    for my $defect (qw(sound lost double again late resurrect stale element torn
        rollback early immortal)) {
        my $classes = $defect =~ /early|immortal/ ? 'x' : 'rnlhsamx';

        spew($log, scalar qx(${\Undermoon::Linear::tool('um_lin_check')} \\
            -s $seed -n 40 -c $classes -d $defect));
        agree($log, "seed $seed, $defect", $defect ne 'sound');
    }
}

my $c = cluster(nodes => 3, proxies => 3, workers => 2);
my $load = Undermoon::Linear->start([ map { $_->addr } $c->proxies ],
    seed => $SEED, rate => 4000);
ok($load->goes_on, 'a true load') for 1 .. 10;
ok($load->stop, '  all of it');
agree($load->log_file, 'a true log', 0);

done_testing();
