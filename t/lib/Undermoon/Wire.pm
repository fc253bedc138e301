package Undermoon::Wire;

# A connection of the differential test: bytes out, bytes in until a mark, and
# replies taken apart without a look at what they mean.  Blocking, and cheap
# to make: there are many.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
use Undermoon::Client;
use Undermoon::Test qw(patience);

our @EXPORT_OK = qw(split_replies);

my $mark = 'end-of-this-sequence';
my $mark_end = "\r\n$mark\r\n";
my $mark_bytes = Undermoon::Client::request('PING', $mark);

sub new {
    my ($class, $addr, $seconds) = @_;
    my ($host, $port) = $addr =~ /^(.*):(\d+)$/ or die "address: $addr";

    socket(my $s, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
    $seconds = patience($seconds // 10);
    setsockopt($s, SOL_SOCKET, SO_RCVTIMEO,
        pack 'l!l!', int $seconds, 1e6 * ($seconds - int $seconds));
    connect($s, pack_sockaddr_in($port, inet_aton($host)))
        or die "connect $addr: $!\n";
    return bless { sock => $s, in => '', open => 1 }, $class;
}

sub is_open { $_[0]{open} }

sub say {
    my ($self, $bytes) = @_;
    my $at = 0;

    while ($at < length $bytes) {
        $at += syswrite($self->{sock}, $bytes, 1 << 18, $at) // return;
    }
}

# The same of several, each with the mark behind it, in one go.
sub say_marked {
    my ($self, @bytes) = @_;

    $self->say(join '', map { $_ . $mark_bytes } @bytes);
}

# What came up to the answer to each of $n marks, without those; what ends it
# early is said at its end.
sub said {
    my ($self, $n) = @_;
    my $why;
    my $mark = qr/(?:\*2\r\n\$4\r\npong\r\n)?\$\d+\r\n$mark\r\n/;

    while (1) {
        if (substr($self->{in}, -length $mark_end) eq $mark_end) {
            my @said = split $mark, $self->{in}, -1;

            if (@said > ($n // 1)) {
                pop @said;
                $self->{in} = '';
                return wantarray ? @said : $said[0];
            }
        }

        my $got = sysread $self->{sock}, $self->{in}, 1 << 18,
            length $self->{in};
        next if $got;
        $why = defined $got || !$!{EAGAIN} ? '(closed)' : '(silent)';
        last;
    }

    $self->{open} = 0;
    my @said = split $mark, delete($self->{in}) . $why, -1;
    return wantarray ? @said : join '', @said;
}

sub ask {
    my ($self, @cmds) = @_;

    $self->say_marked(join '', map { Undermoon::Client::request(@$_) } @cmds);
    return split_replies(scalar $self->said);
}

# The end of the reply that begins at $at; undef when it is none.
sub reply_end {
    my ($bytes, $at) = @_;

    pos($$bytes) = $at;
    $$bytes =~ /\G([-+:,#(_\$=!*~>%|])([^\r\n]*)\r\n/gc or return;
    my ($type, $n) = ($1, $2);
    $at = pos $$bytes;

    return $at if $type =~ /[-+:,#(_]/ || $n < 0;
    return $at + $n + 2 if $type =~ /[\$=!]/;
    $n *= 2 if $type =~ /[%|]/;
    $n++ if $type eq '|';
    for (1 .. $n) {
        $at = reply_end($bytes, $at) // return;
    }

    return $at;
}

# A list of whole replies; a rest that is none is the last.
sub split_replies {
    my ($bytes) = @_;
    my ($at, @replies) = (0);

    while ($at < length $bytes) {
        my $end = reply_end(\$bytes, $at) // length $bytes;
        push @replies, substr $bytes, $at, $end - $at;
        $at = $end;
    }

    return @replies;
}

1;
