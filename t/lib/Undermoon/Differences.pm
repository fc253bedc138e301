package Undermoon::Differences;

# What may differ between a plain Redis and a proxy: the list in
# contrib/commands/differences.txt, whose head tells its form, and the refusals
# of ours.txt; and what has been seen of it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Sequence qw(step_text);
use Undermoon::Test qw(slurp);
use Undermoon::Wire qw(split_replies);

my $here = ($ENV{UM_SRCDIR} // '.') . '/contrib/commands';

require "$here/DifferenceList.pm";

# ---- the list -----------------------------------------------------------

sub glob_regex {
    my ($glob) = @_;

    return join '', map { $_ eq '*' ? '.*' : quotemeta s/^\\\*\z/*/r }
        split /((?:\\)?\*)/, $glob;
}

sub read_list {
    my @list = DifferenceList::read_differences("$here/differences.txt");

    for my $e (@list) {
        my ($request, $reply) =
            map { glob_regex($_ // '*') } @{$e}{qw(request reply)};
        @{$e}{qw(match answer)} = (qr/^$request$/is, qr/^$reply$/s);
    }

    return @list;
}

# Names that are refused, with the reason.
sub read_refused {
    my %why;

    for (split /\n/, slurp("$here/ours.txt")) {
        $why{ $1 =~ tr/|/ /r } = $2
            if /^([^#\s]\S*)\s+(?:never|unsupported)\s.*?--\s+(.*)$/;
    }

    return %why;
}

# here: what holds of this run, as in the list's second column; of the Redis
# it is compared with, all that come.
sub new {
    my ($class, @here) = @_;

    return bless { list => [ read_list() ], refused => { read_refused() },
        here => { map { $_ => 1 } @here }, seen => {}, refusals => {},
        reasons => {}, loose => 0 }, $class;
}

# Which lines of the list hold, compared with this Redis?
sub listed {
    my ($self, $oracle) = @_;
    my %here = %{ $self->{here} };

    delete @here{qw(plain clustered)} if defined $oracle;
    $here{$oracle} = 1 if defined $oracle;
    return grep { !grep { !$here{$_} } @{ $_->{where} } } @{ $self->{list} };
}

# ---- judging ------------------------------------------------------------

sub sorted {
    my ($reply) = @_;
    my ($head, $rest) = $reply =~ /\A([*~>%|]\d+\r\n)(.*)\z/s
        or return $reply;
    my @parts = map { sorted($_) } split_replies($rest);

    return $head . join '', sort @parts;
}

# Alike but for numbers, and those not far from each other?
sub within {
    my ($most, $want, $got) = @_;
    my (@want, @got);

    $want =~ s/(\d+)/push @want, $1; 0/ge;
    $got =~ s/(\d+)/push @got, $1; 0/ge;
    return $want eq $got
        && !grep { abs($want[$_] - $got[$_]) > $most } 0 .. $#want;
}

my %alike = (
    sorted  => sub { sorted($_[0]) eq sorted($_[1]) },
    number  => sub { $_[0] =~ s/\d+/0/gr eq $_[1] =~ s/\d+/0/gr },
    shape   => sub { substr($_[0], 0, 1) eq substr $_[1], 0, 1 },
    near    => sub { within(3000, @_) },
    seconds => sub { within(3, @_) },
);

sub printable {
    my ($bytes) = @_;

    return '(nothing)' if $bytes eq '';
    $bytes =~ s/\r\n/ /g;
    $bytes =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    return length $bytes > 600 ? substr($bytes, 0, 600) . '...' : $bytes;
}

# The name of a refused command, when this is how we refuse it.
sub refusal {
    my ($self, $got) = @_;
    my ($name) = $got =~ /^-ERR command '([^']+)' is not supported: /
        or return;

    $name =~ tr/|/ /;
    return exists $self->{refused}{$name} ? $name : undef;
}

# A reply to a step.  undef: alike.  0: it may differ so, for no reason of
# ours.  1: a difference of the list.  Otherwise what is wrong.  $cluster->()
# is what a Redis Cluster says.
sub judge {
    my ($self, $step, $oracle, $want, $got, $cluster) = @_;
    my $text = step_text($step) =~ s/^inline //r;

    return undef if $want eq $got;

    for my $e ($self->listed($oracle)) {
        next if $text !~ $e->{match} || $got !~ $e->{answer};
        my $alike = $alike{ $e->{kind} };
        next if $alike && !$alike->($want, $got);
        next if $e->{kind} eq 'cluster' && $got ne ($cluster->() // '');

        $self->{seen}{ $e->{line} }++;
        $alike ? $self->{loose}++ : $self->{reasons}{ $e->{why} }++;
        return $alike ? 0 : 1;
    }

    if (defined(my $name = $self->refusal($got))) {
        $self->{refusals}{$name}++;
        $self->{reasons}{ $self->{refused}{$name} }++;
        return 1;
    }

    return "$text\n    redis     " . printable($want)
        . "\n    undermoon " . printable($got);
}

# ---- the other way round ------------------------------------------------

# A step was said.  Chance need not show at each run: of what it may change it
# is enough that it was asked.
sub asked {
    my ($self, $step) = @_;

    $self->{chance} //= [ grep { $alike{ $_->{kind} } } $self->listed ];
    return unless @{ $self->{chance} };

    my $text = step_text($step);
    for my $e (splice @{ $self->{chance} }) {
        if ($text =~ $e->{match}) {
            $self->{seen}{ $e->{line} }++;
        } else {
            push @{ $self->{chance} }, $e;
        }
    }
}

# Lines of the list that hold here but were not seen.
sub vanished {
    my ($self) = @_;

    return map { "$_->{kind} $_->{request} (line $_->{line})" }
        grep { !$self->{seen}{ $_->{line} } } $self->listed;
}

# Refused commands that were not.  A container is refused by its subcommands.
sub not_refused {
    my ($self) = @_;
    my $why = $self->{refused};
    my %container = map { /^(\S+) / ? ($1 => 1) : () } keys %$why;

    return grep { !$self->{refusals}{$_} && !$container{$_}
        && $why->{$_} ne 'unknown subcommand' } sort keys %$why;
}

1;
