package Undermoon::Witness;

# A client that behaves, in a process of its own, while a story does its worst
# to the same broker: it registers a proxy, looks at it and removes it, again
# and again, and notes whatever is not as it should be.
#
#   my $witness = Undermoon::Witness->new($b->addr);
#   ...
#   $witness->is_content(2, 'meanwhile');
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);
use Undermoon::Http;
use Undermoon::Test qw(patience);

my $json = JSON::PP->new->canonical->allow_nonref;
my $count = 0;

# A process of its own, not just a fork, so that it holds none of the sockets
# that the story has open.
sub new {
    my ($class, $addr) = @_;
    my $self = bless {}, $class;
    my @argv = ($^X, map({ "-I$_" } @INC), '-MUndermoon::Witness', '-e',
        'Undermoon::Witness::main(@ARGV)', $addr, 'w' . ++$count . ':1');

    pipe(my $until, $self->{stop}) or die "pipe: $!";
    pipe($self->{told}, my $tell) or die "pipe: $!";
    defined($self->{pid} = fork) or die "fork: $!";
    if (!$self->{pid}) {
        open STDIN, '<&', $until and open STDOUT, '>&', $tell
            and exec { $argv[0] } @argv;
        POSIX::_exit(127);
    }

    close $until;
    close $tell;
    Undermoon::Test::started($self);
    readline $self->{told}; # it has been served once
    return $self;
}

# The life of that process: until its input ends.
sub main {
    my ($addr, $name) = @_;
    my $self = bless { addr => $addr, name => $name, asked => 0, again => 0,
        slowest => 0, wrong => [] }, __PACKAGE__;
    my $stop = IO::Select->new(\*STDIN);

    eval {
        $self->_round;
        syswrite STDOUT, "\n";
        $self->_round
            until $stop->can_read(0.01) || @{ $self->{wrong} } > 20;
        1;
    } or push @{ $self->{wrong} }, "$@";

    delete $self->{http};
    syswrite STDOUT, $json->encode({%$self});
    POSIX::_exit(0);
}

# A kept connection may be closed while it is idle; then nothing of what was
# asked on it has been done, and it may be asked again.
sub _ask {
    my ($self, $method, $path, $body) = @_;
    my %o = defined $body ? (body => $json->encode($body)) : ();
    my $begin = time;
    my $r;

    for my $try (1, 2) {
        my $kept = $self->{http};

        $self->{http} //= Undermoon::Http->new($self->{addr}, timeout => 30);
        $r = $self->{http}->ask($method, "/api/v3$path", %o);
        last if $r->{status};
        delete $self->{http};
        last if !$kept;
        $self->{again}++;
    }

    my $took = time - $begin;
    $self->{slowest} = $took if $took > $self->{slowest};
    $self->{asked}++;
    return $r;
}

sub _wants {
    my ($self, $what, $status, $body, @ask) = @_;
    my $r = $self->_ask(@ask);

    return if $r->{status} == $status && $r->{body} =~ $body;
    push @{ $self->{wrong} },
        sprintf '%s: %s %s', $what, $r->{status}, substr $r->{body}, 0, 200;
}

sub _round {
    my ($self) = @_;
    my $name = $self->{name};

    delete $self->{http} if $self->{asked} % 3 == 0; # and now a new one
    $self->_wants('register', 200, qr/^$/, 'POST', '/proxies/meta',
        { proxy_address => $name, nodes => [ 'a:1', 'a:2' ] });
    $self->_wants('look', 200, qr/^\{"proxy":\{.*"address":"\Q$name\E"/, 'GET',
        "/proxies/meta/$name");
    $self->_wants('remove', 200, qr/^$/, 'DELETE', "/proxies/meta/$name");
    $self->_wants('look again', 200, qr/^\{"proxy":null\}$/, 'GET',
        "/proxies/meta/$name");
}

# What it has seen; it ends.
sub stop {
    my ($self) = @_;

    return $self->{seen} if $self->{seen};
    close $self->{stop};
    local $/;
    my $text = readline $self->{told};
    Undermoon::Test::reap($self->{pid}, 10)
        // kill('KILL', $self->{pid});
    return $self->{seen} = $text ? $json->decode($text)
        : { wrong => ['it has died'], asked => 0, slowest => 0 };
}

sub finish { $_[0]->stop }

# Two tests: everything it asked was done, and within so many seconds.
sub is_content {
    my ($self, $seconds, $what) = @_;
    my $seen = $self->stop;

    Test::More::ok($seen->{asked} > 0 && !@{ $seen->{wrong} },
        "$what: $seen->{asked} requests of who behaves are served")
        or Test::More::diag(join "\n", @{ $seen->{wrong} });
    Test::More::cmp_ok($seen->{slowest}, '<', patience($seconds),
        sprintf '%s: the slowest took %.0f ms', $what,
        1000 * $seen->{slowest});
}

1;
