package Undermoon::Relay;

# Stands before a broker, passes requests on, and writes down what they were;
# it can make of it a broker that knows less, says less, or nothing.
#
#   my $relay = Undermoon::Relay->new($broker->addr, reference => 1);
#   $relay->set(mute => 1);
#   $relay->log;    # 'GET /api/v3/epoch 200', ...
#
# What it can be set to:
#   reference => 0|1   what is ours alone is 405, and there is no ETag
#   mute      => 0|1   reads, and never answers
#   error     => 'METHOD /path 409 CODE', answered instead
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket;
use Undermoon::Http;
use Undermoon::Test qw(free_port);

my $json = JSON::PP->new->canonical;
my $ours = qr{^DELETE /api/v3/failures/|/epoch/seen/|/proxies/protocol/};

sub new {
    my ($class, $broker, %set) = @_;
    my $self = bless { broker => $broker, port => free_port(), set => \%set,
        log => [] }, $class;

    socketpair(my $mine, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!";
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, Listen => 128, ReuseAddr => 1,
        ReusePort => 1) or die "listen: $!";

    defined(my $pid = fork) or die "fork: $!";
    if ($pid == 0) {
        close $mine;
        eval { $self->_serve($listen, $its) };
        print STDERR "relay: $@" if $@;
        POSIX::_exit(0);
    }

    close $its;
    close $listen;
    $self->{control} = $mine;
    $self->{pid} = $pid;
    Undermoon::Test::started($self);
    return $self;
}

sub addr { "127.0.0.1:$_[0]{port}" }

sub _ask {
    my ($self, @request) = @_;
    my $socket = $self->{control};

    print $socket $json->encode(\@request), "\n";
    $socket->flush;
    return $json->decode(scalar(<$socket>) // die 'the relay has died')->[0];
}

sub set { my ($s, %what) = @_; $s->_ask('set', \%what) }

# Requests since the last call, with their status.
sub log { @{ $_[0]->_ask('log') } }

sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    Undermoon::Test::reap($pid, 5);
}

sub _serve {
    my ($self, $listen, $control) = @_;
    my $select = IO::Select->new($listen, $control);
    my %in;

    $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $s ($select->can_read) {
            if ($s == $control) {
                my ($what, $set) = @{ $json->decode(<$control> // return) };

                @{ $self->{set} }{ keys %$set } = values %$set if $set;
                print $control $json->encode(
                    [ $what eq 'log' ? [ splice @{ $self->{log} } ] : 1 ]),
                    "\n";
                $control->flush;
            } elsif ($s == $listen) {
                my $c = $listen->accept or next;

                $select->add($c);
                $in{$c} = '';
            } elsif (sysread $s, $in{$s}, 1 << 18, length $in{$s}) {
                1 while $self->_request($s, \$in{$s});
            } else {
                $select->remove($s);
                delete $in{$s};
                close $s;
            }
        }
    }
}

# The first whole request: passed on, and answered.
sub _request {
    my ($self, $s, $in) = @_;
    my ($head) = $$in =~ /\A(.*?\r\n\r\n)/s or return 0;
    my $length = $head =~ /^content-length:\s*(\d+)/im ? $1 : 0;
    my $set = $self->{set};

    return 0 if length $$in < length($head) + $length;
    my $body = substr substr($$in, 0, length($head) + $length, ''),
        length $head;
    my ($line, @fields) = split /\r\n/, $head;
    my ($method, $path) = split / /, $line;
    my %h = map { /^([^:]+):\s*(.*)/ ? ($1 => $2) : () } @fields;
    my $r;

    delete @h{ grep { lc eq 'content-length' } keys %h };
    if ($set->{mute}) {
        push @{ $self->{log} }, "$method $path -";
        return 1;
    }

    my ($on, $where, $status, $code) = split / /, $set->{error} // '';
    if ($on && $on eq $method && index($path, $where) >= 0) {
        $r = { status => $status, headers =>
            { 'content-type' => 'application/json' },
            body => "{\"error\":\"$code\"}" };
    } elsif ($set->{reference} && "$method $path" =~ $ours) {
        $r = { status => 405, headers => {},
            body => 'HTTP method not allowed' };
    } else {
        delete $h{'If-None-Match'} if $set->{reference};
        $r = Undermoon::Http->new($self->{broker})->ask($method, $path, %h,
            body => $body);
        delete $r->{headers}{etag} if $set->{reference};
    }

    push @{ $self->{log} }, "$method $path $r->{status}";
    delete @{ $r->{headers} }{qw(transfer-encoding content-length)};
    syswrite $s, "HTTP/1.1 $r->{status} Said\r\n"
        . join('', map { "$_: $r->{headers}{$_}\r\n" }
            sort keys %{ $r->{headers} })
        . 'Content-Length: ' . length($r->{body}) . "\r\n\r\n$r->{body}";
    return 1;
}

1;
