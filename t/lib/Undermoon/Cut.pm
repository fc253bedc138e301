package Undermoon::Cut;

# A wire that can be cut: a relay between two parts of the system, in a process
# of its own.
#
#   my $wire = Undermoon::Cut->new($server_addr);   # who asks goes to ->addr
#   $wire->cut;         both directions: bytes are swallowed, nobody is told
#   $wire->cut('in');   only what goes to the server; 'out': only its answers
#   $wire->cut('both', 'UMCTL');    only connections that begin with this word;
#                       '!UMCTL': only those that begin with another
#   $wire->refuse;      connections are closed, new ones refused
#   $wire->mend;        as before; what was swallowed stays lost, so connections
#                       that lost something are closed
#
# A cut takes effect before the call returns.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Undermoon::Test qw(free_port);

use constant CHUNK => 65536;

sub new {
    my ($class, $server, %o) = @_;
    my $port = $o{port} // free_port();
    my $self = bless { port => $port, addr => "127.0.0.1:$port" }, $class;

    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!";
    defined($self->{pid} = fork) or die "fork: $!";
    if (!$self->{pid}) {
        close $ours;
        local $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        local $SIG{PIPE} = 'IGNORE';
        eval { _relay($theirs, $port, $server); 1 } or print STDERR "cut: $@";
        POSIX::_exit(0);
    }

    close $theirs;
    $self->{words} = $ours;
    Undermoon::Test::started($self);
    $self->_say('mend'); # and it listens
    return $self;
}

sub addr { $_[0]{addr} }
sub port { $_[0]{port} }

sub cut    { $_[0]->_say('cut ' . ($_[1] // 'both') . ' ' . ($_[2] // '')) }
sub refuse { $_[0]->_say('refuse') }
sub mend   { $_[0]->_say('mend') }

sub _say {
    my ($self, $word) = @_;

    syswrite $self->{words}, "$word\n";
    sysread($self->{words}, my $done, 1) or die "cut: the relay is gone";
    return $self;
}

sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    waitpid $pid, 0;
}

# ---- The relay --------------------------------------------------------------

sub _listen {
    my ($port) = @_;

    return IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port,
        Listen => 256, ReuseAddr => 1, Type => Socket::SOCK_STREAM())
        // die "listen: $@";
}

sub _relay {
    my ($words, $port, $server) = @_;
    my %st = (server => $server, select => IO::Select->new($words),
        lost => { in => 0, out => 0 });

    while (1) {
        for my $fh ($st{select}->can_read) {
            if ($fh == $words) {
                sysread($words, my $line, 256) or return;
                _obey(\%st, $line, $port);
                syswrite $words, '.';
            } elsif ($st{listen} && $fh == $st{listen}) {
                _meet(\%st);
            } else {
                _pass(\%st, $fh);
            }
        }
    }
}

sub _obey {
    my ($st, $line, $port) = @_;
    my ($word, $which, $whose) = split ' ', $line;
    my %lost = (in => 0, out => 0);

    if ($word eq 'cut') {
        $lost{$_} = 1 for $which eq 'both' ? qw(in out) : $which;
    } elsif ($word eq 'refuse') {
        _forget($st, $_) for _pairs($st);
        if (my $l = delete $st->{listen}) {
            $st->{select}->remove($l);
            close $l;
        }
        return;
    } else { # what has a hole is of no use any more
        _forget($st, $_) for grep { $_->{holed} } _pairs($st);
    }

    $st->{lost} = \%lost;
    $st->{whose} = $whose // '';
    if (!$st->{listen}) {
        $st->{listen} = _listen($port);
        $st->{select}->add($st->{listen});
    }
}

# A client comes; where all is lost it is let in and hears nothing.
sub _meet {
    my ($st) = @_;
    my $client = $st->{listen}->accept or return;
    my $server = IO::Socket::IP->new(PeerAddr => $st->{server},
        Type => Socket::SOCK_STREAM());

    if (!$server) {
        close $client;
        return;
    }

    my $pair = { in => $client, out => $server };
    $st->{pair}{$client} = $st->{pair}{$server} = $pair;
    $st->{select}->add($client, $server);
}

sub _pass {
    my ($st, $from) = @_;
    my $pair = $st->{pair}{$from} or return; # gone in this turn
    my ($way, $to) = $from == $pair->{in} ? ('in', $pair->{out})
                                          : ('out', $pair->{in});
    my $n = sysread $from, my $bytes, CHUNK;

    $pair->{first} //= $bytes if $way eq 'in';
    if ($st->{lost}{$way} && _is_meant($st, $pair)) {
        # An end is swallowed, too: the other side waits.
        $pair->{holed} = 1;
        $st->{select}->remove($from) if !$n;
        return;
    }

    return _forget($st, $pair) if !$n;
    while (length $bytes) {
        my $sent = syswrite $to, $bytes;

        return _forget($st, $pair) if !defined $sent;
        substr $bytes, 0, $sent, '';
    }
}

# Does the cut concern this connection?  `whose`: a word, or ! and a word.
sub _is_meant {
    my ($st, $pair) = @_;
    my ($not, $word) = $st->{whose} =~ /^(!?)(.+)/ or return 1;
    my $begins = ($pair->{first} // '') =~ /^\*\d+\r\n\$\d+\r\n\Q$word\E\r/;

    return $not ? !$begins : $begins;
}

# Each stands there twice.
sub _pairs {
    my ($st) = @_;
    my %pair = map { $_ => $_ } values %{ $st->{pair} };

    return values %pair;
}

sub _forget {
    my ($st, $pair) = @_;

    for my $fh (@$pair{qw(in out)}) {
        delete $st->{pair}{$fh};
        $st->{select}->remove($fh);
        close $fh;
    }
}

1;
