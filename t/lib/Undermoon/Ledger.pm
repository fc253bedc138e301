package Undermoon::Ledger;

# Many writers, and what they were told.
#
# A process of its own drives them: cluster clients that follow MOVED, go to
# another proxy after an error, and connect again.  Each writes growing numbers
# to keys of its own, one command at a time.  What was acknowledged is written
# down with its time; what ended in an error, a timeout or a lost connection is
# unknown, and its key is never written to again, so that nothing late can
# overtake what comes after it.
#
#   my $ledger = Undermoon::Ledger->start([ map { $_->addr } @proxies ]);
#   ok($ledger->goes_on, 'writes are acknowledged');
#   ... the fault ...
#   ok($ledger->goes_on(within => 10), 'and again');
#   $ledger->stop;
#   is_deeply([ $ledger->lost(since => $fault) ], [], 'nothing is lost');
#
# Options: writers (20), keys of each (4), pause between two writes of one (ms,
# 4), timeout (s, 1), size of a value in bytes (its number at least), name,
# alias (other addresses of proxies => the address that counts).
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use POSIX ();
use Time::HiRes qw(time sleep);
use Undermoon::Client;
use Undermoon::Cluster;
use Undermoon::Test qw(wait_for tempdir patience);

my $count = 0;

sub start {
    my ($class, $proxies, %o) = @_;
    my $self = bless {
        proxies => $proxies, writers => 20, keys => 4, pause => 4,
        timeout => 1, size => 0, name => 'ledger' . $count, %o,
    }, $class;

    $self->{file} = tempdir() . '/ledger' . $count++;
    $self->{$_} = 0 for qw(at acks);
    Undermoon::Test::started($self);
    defined($self->{pid} = fork) or die "fork: $!";
    return $self if $self->{pid};

    local $SIG{$_} = 'DEFAULT' for qw(INT HUP);
    eval { $self->_run; 1 } or print STDERR "ledger: $@";
    POSIX::_exit(0);
}

# Stop writing and read what there is.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return $self;

    kill 'TERM', $pid;
    defined Undermoon::Test::reap($pid, 20) or kill 'KILL', $pid;
    $self->_look;
    return $self;
}

sub finish { $_[0]->stop }

# Read on in what it has written.
sub _look {
    my ($self) = @_;

    open my $f, '<', $self->{file} or return;
    seek $f, $self->{at}, 0;
    while (my $line = <$f>) {
        last unless $line =~ /\n\z/;
        $self->{at} += length $line;
        chomp $line;

        my ($what, $time, $key, $seq, $why) = split / /, $line, 5;
        my $k = $self->{key}{$key} //= { acks => [], unknown => 0,
            half => Undermoon::Cluster::slot($key) >> 13 };

        if ($what eq 'A') {
            push @{ $k->{acks} }, [ $seq, $time ];
            $self->{last}[ $k->{half} ] = $time;
            push @{ $self->{times}[ $k->{half} ] }, $time;
            $self->_who($k->{half}, $time, split / /, $why);
            $self->{acks}++;
        } else {
            $k->{unknown} = $seq;
            $why =~ s/\d+\.\d+\.\d+\.\d+:\d+/ADDR/g;
            $why =~ s/MOVED \d+/MOVED/;
            $self->{errors}{$why}++;
        }
    }
}

# By whom: proxies take turns.  What was sent before the last turn began may be
# acknowledged late; what was sent since begins another.
sub _who {
    my ($self, $half, $time, $sent, $addr) = @_;
    my $turns = $self->{turns}[$half] //= [];

    $addr = $self->{alias}{$addr} // $addr;
    ($self->{spans}[$half]{$addr} //= [ $time, $time ])->[1] = $time;
    my $now = $turns->[-1];
    return if $now && ($now->{addr} eq $addr || $sent <= $now->{time});

    # One may take over and give back, but not again and again.
    my %had;
    $had{ $_->{addr} }++ for @$turns;
    push @{ $self->{rivals} }, "half $half: $addr and $now->{addr} by turns"
        if $had{$addr} && $had{ $now->{addr} } > 1;
    push @$turns, { addr => $addr, time => $time };
}

# Proxies that acknowledged writes to the same half by turns, as texts: two were
# its masters at one time.  It holds while proxies answer MOVED.
sub rivals { $_[0]->_look; @{ $_[0]{rivals} // [] } }

# How often another proxy began to acknowledge writes to this half.
sub takeovers { $_[0]->_look; $#{ $_[0]{turns}[ $_[1] ] // [] } }

# When each proxy acknowledged writes to this half, first and last: address =>
# [ from, to ].
sub spans { $_[0]->_look; $_[0]{spans}[ $_[1] ] // {} }

# How many were acknowledged.
sub acks { $_[0]->_look; $_[0]{acks} }

# What else was said, with how often.
sub errors { $_[0]->_look; $_[0]{errors} // {} }

# Is something acknowledged that was sent from now on, in each half of the
# slots (or in the half given), and so often (acks => 1)?
sub goes_on {
    my ($self, %o) = @_;
    my $now = time;
    my @halves = defined $o{half} ? $o{half} : (0, 1);

    $self->_look;
    my @had = map { scalar @{ $self->{times}[$_] // [] } } 0, 1;
    return wait_for {
        $self->_look;
        !grep { ($self->{last}[$_] // 0) < $now + 0.05
                || @{ $self->{times}[$_] // [] } < $had[$_] + ($o{acks} // 1)
            } @halves;
    } $o{within} // 20;
}

# The longest time without an acknowledgement in this half, in ms, from
# shortly before $since on.
sub gap {
    my ($self, $half, $since) = @_;
    my ($longest, $last) = (0);

    $self->_look;
    for my $t (@{ $self->{times}[$half] // [] }) {
        next if $t < $since - 0.5;
        $longest = $t - $last if defined $last && $t - $last > $longest;
        $last = $t;
    }

    return int 1000 * $longest;
}

# All keys are read back: those whose value is older than what was
# acknowledged, as texts.  `since`: the time of the fault, to tell their age.
sub lost {
    my ($self, %o) = @_;

    $self->stop;
    return map { $_->{text} } $self->lost_of(%o);
}

# The same as { key, half, have, seq, from, to }: what was acknowledged between
# these two times is not there.
sub lost_of {
    my ($self, %o) = @_;
    my @lost;

    $self->stop;
    for my $key (sort keys %{ $self->{key} }) {
        my $k = $self->{key}{$key};
        my $top = $k->{acks}[-1] or next;
        my $have = $self->_read($key);
        my ($n) = ($have // '') =~ /^(\d+)/;

        $n //= 0;
        next if $n >= $top->[0];

        my ($first) = grep { $_->[0] > $n } @{ $k->{acks} };
        my ($from, $to) = map {
            int 1000 * (($o{since} // time) - $_->[1])
        } $first, $top;
        push @lost, { key => $key, half => $k->{half}, have => $n,
            seq => $top->[0], from => $first->[1], to => $top->[1],
            text => "$key: has $n, but $first->[0] to $top->[0] were "
                . "acknowledged $from to $to ms before" };
    }

    return @lost;
}

sub keys_written { $_[0]->_look; scalar keys %{ $_[0]{key} } }

# The value of a key, from wherever it is.
sub _read {
    my ($self, $key) = @_;
    my $addr = $self->{reader} // $self->{proxies}[0];
    my ($value, $done);

    wait_for {
        my $c = $self->{conn}{$addr} //=
            eval { Undermoon::Client->new($addr, timeout => 5) };
        my $said = $c ? eval { $c->cmd('GET', $key) } : undef;

        if ($@ || !$c) {
            delete $self->{conn}{$addr};
            $addr = $self->{proxies}[ rand @{ $self->{proxies} } ];
        } elsif (($said // '') =~ /^-MOVED \d+ (\S+)/) {
            $addr = $1;
        } elsif (($said // '') =~ /^-/) {
            $addr = $self->{proxies}[ rand @{ $self->{proxies} } ];
        } else {
            ($value, $done) = ($said, 1);
        }
        $done;
    } 20 or die "cannot read $key back\n";
    $self->{reader} = $addr;
    return $value;
}

# ---- in its own process ----

sub _run {
    my ($self) = @_;
    my ($stop, @out);

    $SIG{TERM} = sub { $stop = 1 };
    open my $f, '>', $self->{file} or die "$self->{file}: $!";
    my @writers = map { {
        id => $_, seq => 0, at => $_, next => 0, out => \@out,
        keys => [ map { { n => $_, gen => 0, addr => undef } }
            $self->_numbers($_) ],
    } } 1 .. $self->{writers};

    until ($stop) {
        my $now = time;
        my ($select, %by) = (IO::Select->new);
        my $until = $now + 0.02;

        for my $w (@writers) {
            $self->_over($w, 'timed out')
                if $w->{busy} && $now > $w->{deadline};
            $self->_say($w, $now) if !$w->{busy} && $now >= $w->{next};
            if ($w->{busy}) {
                my $s = $w->{conn}{ $w->{addr} }{sock};
                $select->add($s);
                $by{ fileno $s } = $w;
            } elsif ($w->{next} < $until) {
                $until = $w->{next};
            }
        }

        my $wait = $until - time;
        $wait = 0 if $wait < 0;
        for my $s ($select->count ? $select->can_read($wait)
            : do { sleep $wait; () }) {
            $self->_hear($by{ fileno $s });
        }

        syswrite $f, join '', splice @out;
    }

    syswrite $f, join '', splice @out;
}

# The numbers of a writer's keys.  All are in one half of the slots: while that
# stands still, half of the writers have to do with the other, and go on.
sub _numbers {
    my ($self, $id) = @_;
    my @numbers;

    for (my $n = 1; @numbers < $self->{keys}; $n++) {
        push @numbers, $n if $self->{writers} == 1
            || Undermoon::Cluster::slot("{$self->{name}:$id:$n}") >> 13
                == $id % 2;
    }

    return @numbers;
}

# The next key in turn; the one that follows an unknown one has its slot.
sub _key {
    my ($self, $w) = @_;
    my $k = $w->{keys}[ $w->{turn}++ % @{ $w->{keys} } ];

    return ($k, "{$self->{name}:$w->{id}:$k->{n}}:$k->{gen}");
}

# Any proxy, another than the last one.
sub _other {
    my ($self, $w) = @_;
    my $p = $self->{proxies};

    return $p->[ ++$w->{at} % @$p ];
}

sub _say {
    my ($self, $w, $now) = @_;
    my ($k, $name) = $self->_key($w);
    my $addr = $k->{addr} // $self->_other($w);
    my $conn = $w->{conn}{$addr};

    if (!$conn) {
        $conn = eval { Undermoon::Client->new($addr) };
        if (!$conn) {
            $k->{addr} = undef;
            $w->{next} = $now + 0.02;
            return;
        }
        $w->{conn}{$addr} = $conn;
    }

    my $value = ++$w->{seq};
    $value .= '.' x ($self->{size} - length $value)
        if length $value < $self->{size};
    @$w{qw(addr key name busy sent deadline)} =
        ($addr, $k, $name, 1, $now, $now + patience($self->{timeout}));
    $conn->{in} = '';
    my $bytes = Undermoon::Client::request('SET', $name, $value);
    $self->_over($w, 'cannot be written to')
        if $conn->write_some($bytes) != length $bytes;
}

sub _hear {
    my ($self, $w) = @_;
    my $conn = $w->{conn}{ $w->{addr} };

    if (!sysread $conn->{sock}, $conn->{in}, 65536, length $conn->{in}) {
        $self->_over($w, 'connection lost');
        return;
    }
    return unless $conn->{in} =~ /^([^\r]*)\r\n\z/;

    my $said = $1;
    my $now = time;
    $w->{busy} = 0;
    if ($said eq '+OK') {
        push @{ $w->{out} },
            "A $now $w->{name} $w->{seq} $w->{sent} $w->{addr}\n";
        $w->{key}{addr} = $w->{addr};
        $w->{next} = $now + $self->{pause} / 1000;
    } elsif ($said =~ /^-MOVED \d+ (\S+)/) {
        # Surely not executed: the same key again, there.
        $w->{key}{addr} = $1;
        $w->{turn}--;
        $w->{next} = $now + 0.001;
        $w->{next} = $now + 0.02 if ++$w->{moved} % 5 == 0;
    } else {
        $self->_unknown($w, $said);
    }
}

# Nothing was said to it, or no good.
sub _unknown {
    my ($self, $w, $why) = @_;

    push @{ $w->{out} }, 'U ' . time . " $w->{name} $w->{seq} $why\n";
    $w->{busy} = 0;
    $w->{key}{gen}++;
    $w->{key}{addr} = undef;
    $w->{next} = time + 0.02;
}

sub _over {
    my ($self, $w, $why) = @_;

    delete $w->{conn}{ $w->{addr} };
    $self->_unknown($w, $why);
}

1;
