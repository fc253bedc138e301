package Undermoon::Http;

# An HTTP client that sees what is on the wire, and what /metrics says.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use Undermoon::Client;

# $addr is host:port or unix:/path.
sub new {
    my ($class, $addr, %o) = @_;

    return bless { c => Undermoon::Client->new($addr, %o) }, $class;
}

sub client { $_[0]{c} }

# One request over the connection.  The answer as a hash: status, headers (by
# lower-case name), body; status is 0 when the server has closed instead.
sub ask {
    my ($self, $method, $path, %headers) = @_;
    my $body = delete $headers{body} // '';

    $headers{Host} //= 'test';
    $headers{'Content-Length'} = length $body if length $body;
    $self->{c}->write("$method $path HTTP/1.1\r\n"
            . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers)
            . "\r\n$body");
    return $self->answer($method eq 'HEAD');
}

sub answer {
    my ($self, $no_body) = @_;
    my $c = $self->{c};

    until ($c->{in} =~ /\r\n\r\n/) {
        $c->_fill or return { status => 0, headers => {}, body => '' };
    }

    $c->{in} =~ s/\A(.*?)\r\n\r\n//s;
    my ($line, @lines) = split /\r\n/, $1;
    my %h = map { /^([^:]+):\s*(.*)/ ? (lc $1, $2) : () } @lines;
    my $body = $no_body ? ''
        : ($h{'transfer-encoding'} // '') =~ /chunked/i ? $self->_chunks
        : $self->_bytes($h{'content-length'} // 0);

    return { status => $line =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, headers => \%h,
        body => $body };
}

sub _bytes {
    my ($self, $want) = @_;
    my $c = $self->{c};

    while (length $c->{in} < $want) {
        $c->_fill or last;
    }

    return substr $c->{in}, 0, $want, '';
}

sub _chunks {
    my ($self) = @_;
    my $c = $self->{c};
    my $body = '';

    while (1) {
        until ($c->{in} =~ /\r\n/) {
            $c->_fill or return $body;
        }

        $c->{in} =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n// or return $body;
        my $size = hex $1;
        $body .= substr $self->_bytes($size + 2), 0, $size;
        return $body if $size == 0;
    }
}

# A request on a connection of its own.
sub get {
    my ($addr, $path, %headers) = @_;

    return __PACKAGE__->new($addr)->ask('GET', $path, %headers);
}

sub json { JSON::PP::decode_json(get(@_)->{body}) }

# /metrics: { 'name{labels}' => value }, and the families in their order:
# [ name, type, help ].
sub metrics {
    my ($addr, %headers) = @_;
    my $text = get($addr, '/metrics', %headers)->{body};
    my (%value, @family, %help);

    for (split /\n/, $text) {
        if (/^# HELP (\S+) (.*)/) {
            $help{$1} = $2;
        } elsif (/^# TYPE (\S+) (\S+)/) {
            push @family, [ $1, $2, $help{$1} ];
        } elsif (/^([^#]\S*(?:\{.*\})?) (\S+)$/) {
            $value{$1} = $2;
        }
    }

    return (\%value, \@family, $text);
}

1;
