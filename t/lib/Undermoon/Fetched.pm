package Undermoon::Fetched;

# Client programs whose library comes through its language's own tool.
#
#   my @clients = fetched({ name => 'go-redis', tools => [ 'go' ], ... }, ...);
#
# Each is made in a folder of its own below the build directory, where it
# stays until `make clean`.  A tool that is missing, whose registry does not
# answer, or that takes too long gives a client to skip; what was fetched and
# does not build is a failure.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha1_hex);
use Exporter 'import';
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use JSON::PP ();
use POSIX ();
use Test::More;
use Undermoon::Deeds qw(source);
use Undermoon::Redis;
use Undermoon::Test qw(tempdir spew slurp);

our @EXPORT_OK = qw(fetched);

# A recipe:
#   name    of the client
#   tools   programs that must be in PATH
#   source  [ files of t/clients/deeds ]; a hash gives them other names
#   files   { name => text } written beside them
#   fetch   [ [ command ], ... ] that need the network
#   make    [ [ command ], ... ] that do not
#   env     {} for all of these and for the client
#   argv    [ how to run it ], where @DIR@ stands for the folder
#   version sub ($dir), for programs that do not know it themselves
#   resp3   it speaks that too
sub fetched {
    my (@recipes) = @_;
    my %pid;

    for my $r (@recipes) {
        my @missing = grep { !Undermoon::Redis::program($_) } @{ $r->{tools} };

        if (@missing) {
            $r->{skip} = "no @missing";
            next;
        }
        $r->{dir} = _folder($r);
        next if slurp("$r->{dir}/made") eq (_stamps($r))[1];
        defined($pid{$r} = fork) or die "fork: $!";
        if (!$pid{$r}) {
            spew("$r->{dir}/said", _prepare($r));
            POSIX::_exit(0);
        }
    }

    return map { _client($_, $pid{$_}) } @recipes;
}

sub _folder {
    my ($r) = @_;
    my $dir = ($ENV{UM_BUILDDIR} // tempdir()) . "/clients-cache/$r->{name}";

    make_path($dir);
    return abs_path($dir);
}

sub _sources {
    my ($r) = @_;
    my $s = $r->{source} // {};

    return ref $s eq 'ARRAY' ? map { $_ => $_ } @$s : %$s;
}

# What it is fetched by, and what it is made of.
sub _stamps {
    my ($r) = @_;
    my %from = _sources($r);
    my $recipe = JSON::PP->new->canonical->encode([ @$r{qw(files fetch)} ]);

    return map { sha1_hex($_) } $recipe, join "\0", $recipe,
        map { slurp(source($_)) } sort keys %from;
}

# Make it: '' when that went well, or a word about what did not.
sub _prepare {
    my ($r) = @_;
    my %from = _sources($r);
    my ($fetched, $made) = _stamps($r);

    setpgrp 0, 0;
    my $fresh = slurp("$r->{dir}/fetched") ne $fetched;
    remove_tree($r->{dir}, { keep_root => 1 }) if $fresh;
    chdir $r->{dir} or return "fail: $r->{dir}: $!";
    %ENV = (%ENV, _env($r));
    for my $name (sort keys %from) {
        make_path($from{$name} =~ m{(.*)/});
        copy(source($name), $from{$name}) or return "fail: $name: $!";
    }

    if ($fresh) {
        spew($_, $r->{files}{$_}) for keys %{ $r->{files} // {} };
        my $why = _steps(skip => 60, $r->{fetch});
        return $why if $why;
        spew('fetched', $fetched);
    }

    my $why = _steps(fail => 90, $r->{make});
    spew('made', $made) unless $why;
    return $why;
}

sub _steps {
    my ($else, $seconds, $commands) = @_;
    my $end = time + $seconds;

    for my $command (@{ $commands // [] }) {
        my $left = $end - time;
        my $last = _run($left < 1 ? 1 : $left, @$command) or next;

        return "$else: $command->[0]: $last" unless $last eq 'time';
        return "skip: $command->[0]: not done in $seconds s";
    }

    return '';
}

# '' when the command went well, 'time' when its time was up, else its last
# words.
sub _run {
    my ($seconds, @command) = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh',
        qw(nice timeout -k 5), $seconds, @command or return "$!";
    my @lines = grep { /\S/ } map { chomp; $_ } <$out>;
    return '' if close $out;
    return 'time' if $? >> 8 == 124;
    return @lines ? substr $lines[-1], 0, 200 : 'no word';
}

sub _env {
    my ($r) = @_;

    return map { s/\@DIR\@/$r->{dir}/gr } %{ $r->{env} // {} };
}

# What run_deeds wants of it.
sub _client {
    my ($r, $pid) = @_;

    if ($pid) {
        waitpid $pid, 0;
        my $said = slurp("$r->{dir}/said");

        if ($? || $said) {
            ok(0, "$r->{name}: it builds") or diag($said)
                if $? || $said =~ /^fail/;
            $r->{skip} = $said =~ s/^\w+: //r;
        }
    }

    return { name => $r->{name}, skip => $r->{skip} } if defined $r->{skip};
    return {
        name    => $r->{name},
        argv    => [ map { s/\@DIR\@/$r->{dir}/gr } @{ $r->{argv} } ],
        env     => { _env($r) },
        resp3   => $r->{resp3},
        version => $r->{version} ? $r->{version}->($r->{dir}) : undef,
    };
}

1;
