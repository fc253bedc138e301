#!/usr/bin/perl

# docs/set-up-by-hand.md tells the truth: its files are written, its commands
# run in their order, and what they say is what the page shows. Each chapter
# stops what it has started.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Cwd qw(abs_path);
use Undermoon::Test qw(wait_for patience free_port tempdir spew slurp);

plan skip_all => 'no redis-server, redis-cli or curl'
    if grep { system("command -v $_ >/dev/null 2>&1") } qw(redis-server
        redis-cli curl);

# The ports of the page, and who has them. Chunks are made of the first by
# name, so ours are in the same order.
my @ports = (5299 .. 5302, 6698, 6699, 7001 .. 7008, 7799);
my %port;
@port{@ports} = sort { $a <=> $b } map { free_port() } @ports;

# What only looks; it is asked until it says what the page does. Anything else
# is run once.
my $option = qr/(?:--?[a-z]+ (?:\d+ )?)*/;
my @looks = (qr/^redis-cli ${option}(?:PING|M?GET|CLUSTER|INFO)\b/,
    qr/^redis-cli ${option}UMCTL (?:BEAT|HEALTH)\b/,
    qr/^undermoonctl (?:\w+ (?:show|list)|doctor)\b/, qr{^curl -s http\S*$});

my $root = abs_path($ENV{UM_SRCDIR} // '.');
my $page = slurp("$root/docs/set-up-by-hand.md");
my $tmp = tempdir();
my %pid; # what runs => its command

# ---- Reading ----------------------------------------------------------------

# The page's ports and modules as they are here.
sub as_here {
    my ($text) = @_;
    my $modules = abs_path($ENV{UM_MODULES} // 'modules/.libs') // '';

    $text =~ s/(?<!\d)(\d{4})(?!\d)/$port{$1} \/\/ $1/ge;
    $text =~ s{^module  (\w+);}{
        -e "$modules/$1.so" ? "module  $modules/$1.so;" : "module  $1;"}gem;
    return $text;
}

# The chapters that have something to be run: name, and steps. A block that
# begins with "# NAME.conf" is a file; in others "$ " begins a command, "\" at
# the end of a line or an open quote continues it, and then comes its output.
sub chapters {
    my @chapters;

    for (split /^(?=## )/m, $page) {
        my ($name) = /^## (.*)/ or next;
        my @steps;

        for my $block (/^```\w*\n(.*?)^```/gms) {
            if ($block =~ /^# (\w+\.conf)\n/) {
                push @steps, { file => $1, text => as_here($block) };
                next;
            }
            for (split /^\$ /m, $block) {
                next if $_ eq '';
                my ($line, $says) =
                    /^((?:'[^']*'|\\\n|[^\n'])+)\n(.*)\z/s
                    or die "no command in $_";

                push @steps, { shown => $line, says => as_here($says),
                    run => as_here($line =~ s/\\\n\s*//gr) };
            }
        }
        push @chapters, { name => $name, steps => \@steps } if @steps;
    }
    return @chapters;
}

# ---- Comparing --------------------------------------------------------------

# Columns are as wide as what is in them, which is not what the page has.
sub squeeze {
    my ($text) = @_;

    $text =~ s/\r//g;
    $text =~ s/[ \t]+/ /g;
    $text =~ s/ ?\n\s*/\n/g;
    return $text =~ s/\A\s+|\s+\z//gr;
}

# "..." is anything in a line, and any lines when it is alone.
sub is_said {
    my ($want, $got) = @_;
    my $re = join '\n', map { $_ eq '...' ? '[^\0]*?'
            : join '[^\n]*?', map { quotemeta } split /\.\.\./, $_, -1 }
        split /\n/, squeeze($want);

    return squeeze($got) =~ /\A$re\z/;
}

ok(is_said("a  1 ...\n...\nz\n", "a 1 x\nb\nc\nz\n"), 'dots are anything');
ok(!is_said($$_[0], $$_[1]), "'$$_[1]' is not '$$_[0]'")
    for [ 'a', 'ab' ], [ '', 'a' ], [ 'a ... c', 'a b' ], [ 'a', '' ];

# ---- Running ----------------------------------------------------------------

my $bin = join ':', map { abs_path($_) }
    grep { defined && -x "$_/undermoond" } $ENV{UM_BUILDDIR},
    ($ENV{UM_BINARY} // '') =~ s{/[^/]*\z}{}r, '.', 'build';
plan skip_all => 'no undermoond' if $bin eq '';

# redis-cli and undermoonctl as at a terminal.
my %env = (PATH => "$bin:$ENV{PATH}", FAKETTY => 1,
    UNDERMOONCTL_BROKER => as_here('127.0.0.1:7799'),
    ASAN_OPTIONS => "log_path=$tmp/sanitizer:" . ($ENV{ASAN_OPTIONS} // ''),
    UBSAN_OPTIONS => "log_path=$tmp/sanitizer:" . ($ENV{UBSAN_OPTIONS} // ''));

# Processes that work in our directory: Redis of a `redis` block, too, which
# are in groups of their own.
sub left {
    return grep { index(readlink("/proc/$_/cwd") // '', "$tmp/here") == 0 }
        map { m{/(\d+)$} } glob '/proc/[0-9]*';
}

# Whatever happens, nothing runs on.
sub finish { kill 'KILL', map({ -$_ } keys %pid), left() }
Undermoon::Test::started(bless {}, __PACKAGE__);

# What still runs of the commands that were started.
sub running {
    for my $p (keys %pid) {
        Undermoon::Test::reap($p, 0);
        delete $pid{$p} unless Undermoon::Test::processes_of_group($p);
    }
    return (sort(values %pid), left());
}

sub start_it {
    my ($line, $log) = @_;
    my $pid = Undermoon::Test::spawn($log, \%env, 'bash', '-c',
        "cd '$tmp/here' && exec $line");

    $pid{$pid} = $line;
    return $pid;
}

# What a command says, and its end; one that does not end is killed.
sub said_by {
    my ($line) = @_;
    my $out = "$tmp/out";

    unlink $out;
    my $pid = Undermoon::Test::spawn($out, \%env, 'bash', '-c',
        "cd '$tmp/here' && $line");
    defined Undermoon::Test::reap($pid, 60) or kill 'KILL', -$pid;
    return slurp($out);
}

sub log_end {
    my @lines = split /^/, slurp("$tmp/log");

    return join '', splice @lines, @lines > 30 ? -30 : 0;
}

sub follow {
    my ($step) = @_;

    if (defined $step->{file}) {
        spew("$tmp/here/$step->{file}", $step->{text});
        return 1;
    }
    if ($step->{run} =~ /^(.*) &$/) {
        start_it($1, "$tmp/log");
        return 1;
    }

    my $looks = grep { $step->{run} =~ $_ } @looks;
    my $got;
    my $is = wait_for {
        $got = said_by($step->{run});
        is_said($step->{says}, $got) || !$looks;
    } 60;

    note($got);
    $is &&= is_said($step->{says}, $got);
    return ok($is, $step->{shown})
        || diag("$step->{run}\n$got\n--- but should\n$step->{says}") && 0;
}

my @chapters = chapters();
cmp_ok(scalar @chapters, '>=', 3, 'chapters');

CHAPTER: for my $chapter (@chapters) {
    note($chapter->{name});
    system('rm', '-rf', "$tmp/here");
    mkdir "$tmp/here" or die "$tmp/here: $!";

    for (@{ $chapter->{steps} }) {
        # The others are about what this one should have done.
        follow($_) or diag(log_end()), last CHAPTER;
    }
    ok((wait_for { !running() } 20), "$chapter->{name}: all is stopped")
        or diag(join "\n", running());
}

unlike(slurp("$tmp/log"), qr/\[(?:alert|emerg)\]|Sanitizer|runtime error:/,
    'nothing alarming in the logs');

done_testing();
