package Undermoon::Client;

# A client that speaks RESP2 and RESP3, and anything else it is told to say.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Time::HiRes qw(time);
use Undermoon::Test qw(patience);

# $addr is host:port or unix:/path.  timeout is of each wait, in seconds.
sub new {
    my ($class, $addr, %o) = @_;
    my $sock;

    if ($addr =~ /^unix:(.*)/) {
        $sock = IO::Socket::UNIX->new(Peer => $1);
    } else {
        my ($host, $port) = $addr =~ /^(.*):(\d+)$/ or die "address: $addr";
        $sock = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port,
            Type => Socket::SOCK_STREAM(), LocalHost => $o{from});
        setsockopt($sock, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1)
            if $sock;
    }

    die "connect $addr: $!\n" unless $sock;
    setsockopt($sock, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), $o{rcvbuf})
        if $o{rcvbuf};
    $sock->blocking(0);

    return bless { sock => $sock, in => '', addr => $addr,
        timeout => $o{timeout} // 20 }, $class;
}

sub request { join '', '*' . @_ . "\r\n", map { _bulk($_) } @_ }

sub _bulk { '$' . length($_[0]) . "\r\n$_[0]\r\n" }

# Raw bytes out.  A peer that has closed is found by the next read.
sub write {
    my ($self, $bytes) = @_;
    my $end = time + patience($self->{timeout});
    my $at = 0;

    while ($at < length $bytes) {
        my $n = syswrite $self->{sock}, $bytes, 1 << 18, $at;

        if (defined $n) {
            $at += $n;
        } elsif ($!{EAGAIN}) {
            die "write: time is up\n" if time > $end;
            IO::Select->new($self->{sock})->can_write(0.1);
        } else {
            return 0;
        }
    }

    return 1;
}

# As much as the socket takes now: how many bytes that was.
sub write_some {
    my ($self, $bytes) = @_;
    my $at = 0;

    while ($at < length $bytes
        && (my $n = syswrite $self->{sock}, $bytes, 1 << 18, $at)) {
        $at += $n;
    }

    return $at;
}

sub send {
    my ($self, @words) = @_;

    return $self->write(request(@words));
}

# More bytes in: true, or false at the end of the stream.
sub _fill {
    my ($self) = @_;

    IO::Select->new($self->{sock})->can_read(patience($self->{timeout}))
        or die "read: time is up, have "
        . length($self->{in}) . ' bytes: ' . substr($self->{in}, 0, 200) . "\n";
    my $n = sysread $self->{sock}, $self->{in}, 1 << 18, length $self->{in};

    return $n; # undef: reset, which is an end too
}

sub _line {
    my ($self) = @_;
    my $at;

    while (($at = index $self->{in}, "\r\n", $self->{at}) < 0) {
        $self->_fill or die "closed\n";
    }

    my $line = substr $self->{in}, $self->{at}, $at - $self->{at};
    $self->{at} = $at + 2;
    return $line;
}

# Of RESP3's own all but arrays are blessed, and maps are flat: what is
# written for RESP2 reads them as well.
my %aggregate = ('*' => 'ARRAY', '%' => 'Undermoon::Map',
    '~' => 'Undermoon::Set', '>' => 'Undermoon::Push', '|' => 'attribute');

sub _value {
    my ($self) = @_;
    my $line = $self->_line;
    my ($type, $rest) = (substr($line, 0, 1), substr $line, 1);

    return $rest if $type =~ /^[+,(]/;
    return $rest + 0 if $type eq ':';
    return Undermoon::Error->new($rest) if $type eq '-';
    return undef if $type eq '_';
    return $rest eq 't' ? 1 : 0 if $type eq '#';

    if ($type =~ /^[\$=!]/) {
        return undef if $rest < 0;
        $self->_fill or die "closed\n"
            while length $self->{in} < $self->{at} + $rest + 2;
        my $bulk = substr $self->{in}, $self->{at}, $rest;
        $self->{at} += $rest + 2;
        return Undermoon::Error->new($bulk) if $type eq '!';
        return $type eq '=' ? substr $bulk, 4 : $bulk;
    }

    if (my $class = $aggregate{$type}) {
        return undef if $rest < 0;
        my $n = $type =~ /[%|]/ ? 2 * $rest : $rest;
        my @values = map { scalar $self->_value } 1 .. $n;
        return $type eq '|' ? $self->_value
            : $class eq 'ARRAY' ? \@values : bless \@values, $class;
    }

    die "not RESP: $line\n";
}

# One reply: string, number, undef, array reference (RESP3's maps flat and
# blessed), or an Undermoon::Error, which reads as "-TEXT".  Dies when the
# stream ends first.
sub read {
    my ($self) = @_;

    $self->{at} = 0;
    my $value = $self->_value;
    $self->{raw} = substr $self->{in}, 0, $self->{at}, '';
    return $value;
}

# The same as it came on the wire.
sub read_raw {
    my ($self) = @_;

    $self->read;
    return $self->{raw};
}

sub cmd {
    my ($self, @words) = @_;

    $self->send(@words) or die "closed\n";
    return $self->read;
}

sub raw {
    my ($self, @words) = @_;

    $self->cmd(@words);
    return $self->{raw};
}

# Many commands in one write; a list of their replies.
sub pipeline {
    my ($self, @cmds) = @_;

    $self->write(join '', map { request(@$_) } @cmds);
    return map { scalar $self->read } @cmds;
}

# Everything until the server closes.
sub read_all {
    my ($self) = @_;

    1 while $self->_fill;
    return substr $self->{in}, 0, length $self->{in}, '';
}

# Does nothing come for so long?
sub silent {
    my ($self, $seconds) = @_;

    return $self->{in} eq ''
        && !IO::Select->new($self->{sock})->can_read($seconds);
}

# Has the server closed, or does it within $seconds?
sub closed {
    my ($self, $seconds) = @_;

    IO::Select->new($self->{sock})->can_read(patience($seconds // 5))
        or return 0;
    return !$self->_fill;
}

sub shut { shutdown $_[0]{sock}, 1 }

sub close { CORE::close($_[0]{sock}) }

# Close with a reset instead of a farewell.
sub reset {
    my ($self) = @_;

    setsockopt($self->{sock}, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack 'ii', 1, 0);
    CORE::close($self->{sock});
}

package Undermoon::Error;

use overload '""' => sub { "-${$_[0]}" }, 'bool' => sub { 1 }, fallback => 1;

sub new { my ($class, $text) = @_; return bless \$text, $class }

1;
