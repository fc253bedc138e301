package Undermoon::Fetched;

# Client programs whose library comes through its language's own tool.
#
#   my @clients = fetched({ name => 'go-redis', tools => [ 'go' ], ... }, ...);
#
# Each is made in a folder of its own below the build directory, where it stays
# until `make clean`.  A tool that is missing, or whose registry does not answer
# in time, gives a client to skip; what was fetched and then does not build is
# a failure.
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
        next if slurp("$r->{dir}/made") eq _digest($r);
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

# What it is made of.
sub _digest {
    my ($r) = @_;
    my %from = _sources($r);

    return sha1_hex(JSON::PP->new->canonical->encode(
        [ @$r{qw(files fetch make)},
            map { slurp(source($_)) } sort keys %from ]));
}

# Make it: '' when that went well, or a word about what did not.
sub _prepare {
    my ($r) = @_;
    my %from = _sources($r);

    setpgrp 0, 0;
    remove_tree($r->{dir}, { keep_root => 1 });
    chdir $r->{dir} or return "fail: $r->{dir}: $!";
    %ENV = (%ENV, _env($r));
    for my $name (sort keys %from) {
        make_path($from{$name} =~ m{(.*)/});
        copy(source($name), $from{$name}) or return "fail: $name: $!";
    }
    spew($_, $r->{files}{$_}) for keys %{ $r->{files} // {} };

    for my $step ([ skip => 60, $r->{fetch} ], [ fail => 120, $r->{make} ]) {
        my ($else, $seconds, $commands) = @$step;

        for my $command (@{ $commands // [] }) {
            my @last = _run($seconds, @$command) or next;
            return "$else: $command->[0]: " . ($last[-1] // 'no word');
        }
    }

    spew('made', _digest($r));
    return '';
}

# Nothing when the command went well, else its last words, if any.
sub _run {
    my ($seconds, @command) = @_;

    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh',
        qw(nice timeout -k 5), $seconds, @command or return $!;
    my @lines = grep { /\S/ } map { chomp; $_ } <$out>;
    return if close $out;
    return "nothing in $seconds s" if $? >> 8 == 124;
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
