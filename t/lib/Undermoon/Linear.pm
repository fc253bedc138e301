package Undermoon::Linear;

# Clients that write down all they did and saw (t/tool/um_lin_load), and the
# judge of it (t/tool/um_lin_check).
#
#   my $load = Undermoon::Linear->start([ @addresses ], seed => 7);
#   ok($load->goes_on, 'clients are served');
#   $load->stop;                    # reads all keys a last time
#   my ($verdict, $text) = $load->judge;
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use POSIX ();
use Undermoon::Test qw(wait_for patience tempdir slurp);

my $count = 0;

sub tool {
    my ($name) = @_;

    for my $dir (grep { defined } $ENV{UM_BUILDDIR}, '.', 'b', 'build') {
        return "$dir/t/tool/$name" if -x "$dir/t/tool/$name";
    }

    Test::More::plan(skip_all => "no t/tool/$name (UM_BUILDDIR)");
}

# Options:
#   seed    => 1
#   clients => 48
#   groups  => 12           key groups of each class
#   classes => 'rnlhsamx'   docs/testing.md
#   rate    => n            operations a second; as many as possible
#   timeout => 2500         ms, before an answer counts as unknown
sub start {
    my ($class, $proxies, %o) = @_;
    my $self = bless { %o }, $class;
    my $n = $count++;
    my %flag = (seed => '-s', clients => '-n', groups => '-g',
        classes => '-c', rate => '-r');

    $self->{log} = tempdir() . "/linear$n.log";
    $self->{out} = tempdir() . "/linear$n.out";
    # Keys of an earlier load of this story are there yet.
    my @argv = (tool('um_lin_load'), '-o', $self->{log}, '-f', 1000 * $n,
        '-t', patience($o{timeout} // 2500),
        map { ($flag{$_}, $o{$_}) } grep { defined $o{$_} } sort keys %flag);
    Undermoon::Test::started($self);
    $self->{pid} = Undermoon::Test::spawn($self->{out}, {}, @argv, @$proxies);
    return $self;
}

# What it said last: ms, ops, unknown, retried, given-up, old, half0, half1.
sub says {
    my ($self) = @_;
    my ($line) = (grep { /^at / } split /\n/, slurp($self->{out}))[-1];
    my %is = ($line // '') =~ /([a-z][a-z0-9-]*) (\d+)/g;

    return \%is;
}

# Are clients of both halves of the slots answered that ask from now on?
sub goes_on {
    my ($self, %o) = @_;
    my ($was, $now) = $self->says;

    return wait_for {
        $now = $self->says;
        # Beside what was under way.
        !grep { ($now->{$_} // 0) < ($was->{$_} // 0) + 100 } qw(half0 half1);
    } $o{within} // 30;
}

# All keys are read, if somebody answers.  Is the log whole?
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return $self->{whole};

    kill 'TERM', $pid;
    my $status = Undermoon::Test::reap($pid, 60);
    kill 'KILL', $pid unless defined $status;
    $self->{whole} = defined $status && $status == 0
        && slurp($self->{out}) =~ /^end: /m;
    Test::More::diag(slurp($self->{out})) unless $self->{whole};
    return $self->{whole};
}

sub finish { $_[0]->stop }

# Exit status of the checker (0: linearizable) and what it said.
sub judge {
    my ($self, @more) = @_;

    $self->stop;
    open my $f, '-|', tool('um_lin_check'), @more, $self->{log}
        or die "um_lin_check: $!";
    my $text = join '', <$f>;
    close $f;
    return ($? >> 8 || $? & 127, $text);
}

sub log_file { $_[0]{log} }

1;
