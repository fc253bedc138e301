package Undermoon::Redis;

# A real redis-server on a port of its own, or on a UNIX socket.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Client;
use Undermoon::Test qw(wait_for free_port tempdir slurp);

my $count = 0;

sub program {
    my ($name) = @_;

    for my $d (split /:/, $ENV{PATH}) {
        return "$d/$name" if -x "$d/$name";
    }

    return;
}

# Options: unix => 1; password => '...'; more => [ redis-server's own ].
sub new {
    my ($class, %o) = @_;
    my $program = $ENV{UM_REDIS_SERVER} // program('redis-server')
        // Test::More::plan(skip_all => 'no redis-server in PATH');
    my $self = bless {%o}, $class;

    $self->{dir} = tempdir() . '/redis' . $count++;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    $self->{port} = $o{unix} ? 0 : free_port();
    $self->{addr} = $o{unix} ? "unix:$self->{dir}/sock"
        : "127.0.0.1:$self->{port}";

    $self->{argv} = [ $program, qw(--save), '', qw(--appendonly no
        --daemonize no --bind 127.0.0.1 --protected-mode no
        --enable-debug-command yes --proto-max-bulk-len 512mb),
        '--port', $self->{port}, '--dir', $self->{dir},
        $o{unix} ? ('--unixsocket', "$self->{dir}/sock") : (),
        defined $o{password} ? ('--requirepass', $o{password}) : (),
        @{ $o{more} // [] } ];

    Undermoon::Test::started($self);
    return $self->start;
}

sub start {
    my ($self) = @_;

    $self->{pid} = Undermoon::Test::spawn("$self->{dir}/log", {},
        @{ $self->{argv} });
    wait_for {
        my $c = eval { Undermoon::Client->new($self->{addr}) } or return 0;
        return $c->cmd('PING') !~ /^-LOADING/;
    } 10 or die 'redis-server does not start: ' . slurp("$self->{dir}/log");

    return $self;
}

sub addr { $_[0]{addr} }
sub pid { $_[0]{pid} }

# A connection of our own to it, with AUTH where it wants that.
sub client {
    my ($self, %o) = @_;
    my $c = Undermoon::Client->new($self->{addr}, %o);

    $c->cmd('AUTH', $self->{password}) if defined $self->{password};
    return $c;
}

sub cmd {
    my ($self, @words) = @_;

    return $self->client->cmd(@words);
}

# One field of INFO.
sub info {
    my ($self, $field) = @_;

    return $self->cmd('INFO', 'everything') =~ /^\Q$field\E:(.*?)\r$/m
        ? $1 : undef;
}

# CLIENT LIST as hashes.
sub clients {
    my ($self) = @_;

    return map { +{ map { /^([^=]+)=(.*)/ } split / / } }
        split /\n/, $self->cmd('CLIENT', 'LIST');
}

# How often has it executed this command?
sub calls {
    my ($self, $name) = @_;

    return $self->cmd('INFO', 'commandstats')
        =~ /^cmdstat_\Q$name\E:calls=(\d+)/m ? $1 : 0;
}

# Do so many clients of it wait in a blocking command, or come to do so?
sub has_blocked {
    my ($self, $n) = @_;

    return wait_for { $self->info('blocked_clients') == $n } 10;
}

sub pause { kill 'STOP', $_[0]{pid}; $_[0] }
sub resume { kill 'CONT', $_[0]{pid}; $_[0] }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill $_, $pid for qw(CONT KILL);
    Undermoon::Test::reap($pid, 10);
    return $self;
}

# The same address, another run_id, no data.
sub restart { $_[0]->stop; $_[0]->start }

sub finish { $_[0]->stop }

1;
