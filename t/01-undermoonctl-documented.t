#!/usr/bin/perl

# The manual of undermoonctl and its completion are those that its tables make,
# every command and option is in both, and bash completes what there is.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;

my $top  = $ENV{UM_SRCDIR} // '.';
my $gen  = ($ENV{UM_BUILDDIR} // '.') . '/docs/gen-ctl-manual';
my $page = "$top/docs/undermoonctl.1";
my $bash = "$top/contrib/completion/undermoonctl.bash";

sub slurp {
    my ($file) = @_;
    open(my $fh, '<', $file) or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

my $man = qx($gen $page.in);
is($?, 0, 'the manual can be made');
ok(slurp($page) eq $man, 'docs/undermoonctl.1 is up to date')
    or diag('run "make manual"');

my $script = qx($gen -c);
is($?, 0, 'the completion can be made');
ok(slurp($bash) eq $script, 'contrib/completion is up to date')
    or diag('run "make manual"');

my @known = split /\n/, qx($gen -l);
my @cmds = map { /^command (.*)/ } @known;
my @options = map { /^option (.*)/ } @known;
ok(@cmds > 15, 'there are commands');
ok(@options > 10, 'there are options');
like($man, qr/^\.It Ic \Q$_\E(?: Ar|$)/m, "$_ is in the manual") for @cmds;
like($man, qr/^\.It Fl \\-\Q$_\E(?: Ar|$)/m, "--$_ is in the manual")
    for @options;

# Codes of errors that the sources say, and what the manual lists.
{
    my %said;

    for my $file (glob "$top/src/ctl/*.c") {
        my $text = slurp($file);

        $said{$_} = 1 for $text =~ /um_ctl_fail\(\s*c,\s*\w+,\s*"(\w+)"/g,
            $text =~ /um_ctl_fail\(\s*w->c,\s*\w+,\s*"(\w+)"/g;
    }
    delete @said{qw(CLUSTER_NOT_FOUND PROXY_NOT_FOUND RETRY)}; # the broker's
    like($man, qr/^\.Ql \Q$_\E(?: [.,])?$/m, "code $_ is in the manual")
        for sort keys %said;
}

# ---- What bash makes of it --------------------------------------------------

my $shell = (grep { -x } qw(/bin/bash /usr/bin/bash))[0];

# The words that could follow, for the last of them.
sub completes {
    my @words = ('undermoonctl', @_);
    my $list = join ' ', map { "'$_'" } @words;
    my $out = qx($shell --norc -c "
        . '$bash'
        COMP_WORDS=($list)
        COMP_CWORD=$#words
        _undermoonctl
        echo \\"\\\${COMPREPLY[*]}\\"" 2>&1);

    chomp $out;
    return $out;
}

SKIP: {
    skip 'no bash', 1 unless $shell;
    my %by;

    push @{ $by{ (split / /)[0] } }, (split / /)[1] // () for @cmds;
    my %seen;
    my $first = join ' ', grep { !$seen{$_}++ } map { (split / /)[0] } @cmds;

    is(completes(''), $first, 'the first word');
    is(completes('help', ''), $first, 'the first behind help');
    is(completes('help', 'cluster', 'c'), 'create config', 'and the second');
    for my $word (grep { $_ ne 'help' } sort keys %by) {
        is(completes($word), $word, "$word");
        is(completes($word, ''), "@{ $by{$word} }", "what follows $word");
    }
    is(completes('--broker', '127.0.0.1', ':', '7799', 'cluster', 'sc'),
        'scale', 'a value that bash has cut is passed over');
    is(completes('--broker', '=', 'a', ':', '1', '--json', 'proxy', 'sh'),
        'show', 'and one behind a =');
    is(completes('cluster', 'list', '--broker', ''), '', 'a value');
    is(completes('cluster', 'create', 'x', '--wait'), '--wait --wait-timeout',
        'an option of the command');
    is(completes('cluster', 'list', '--wait'), '', 'not of this one');
    is(completes('cluster', 'list', '--js'), '--json', 'one of all commands');
    is(completes('epoch', '-'), completes('version', '-'),
        'those of all commands');
}

done_testing();
