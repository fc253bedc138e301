package Undermoon::Mock;

# A Redis, or a peer, that answers as a story wants: right, wrong, late or
# never.  It runs in a process of its own and writes down all it was told.
#
#   my $node = mock_redis(GET => sub { "\$3\r\nbar\r\n" },
#                         'CLIENT KILL' => sub { ":0\r\n" });
#
# A handler gets the words and returns bytes, or a list of bytes and of
#   CUT       close the connection (after what was said before it)
#   RESET     close it with a reset
#   [seconds] say the rest only then; later commands wait behind it
# Nothing at all means no answer, ever.  What has no handler is answered as
# an empty Redis would, so far as a proxy asks on its own.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(free_port tempdir slurp wait_for);

our @EXPORT_OK = qw(CUT RESET bulk);

use constant { CUT => \'cut', RESET => \'reset' };

my $count = 0;
my $run_id = 'a' x 40;

sub bulk { '$' . length($_[0]) . "\r\n$_[0]\r\n" }

my %default = (
    PING        => sub { "+PONG\r\n" },
    AUTH        => sub { "+OK\r\n" },
    HELLO       => sub { "-ERR unknown command 'HELLO'\r\n" },
    CLIENT      => sub { "+OK\r\n" },
    'CLIENT ID' => sub { ":$_[-1]{id}\r\n" },
    'CLIENT KILL' => sub { ":0\r\n" },
    COMMAND     => sub { "*0\r\n" },
    ROLE        => sub { "*3\r\n" . bulk('master') . ":0\r\n*0\r\n" },
    INFO        => sub {
        bulk("# Server\r\nredis_version:7.0.15\r\nrun_id:$run_id\r\n"
                . "# Replication\r\nrole:master\r\n");
    },
);

# Handlers; and `run_id => '..'` for another identity.
sub new {
    my ($class, %o) = @_;

    $run_id = delete $o{run_id} // $run_id;
    my $self = bless { handler => { %default, %o } }, $class;

    $self->{port} = free_port();
    $self->{addr} = "127.0.0.1:$self->{port}";
    $self->{file} = tempdir() . '/mock' . $count++;
    Undermoon::Test::started($self);
    return $self->start;
}

sub start {
    my ($self) = @_;
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1',
        LocalPort => $self->{port}, Listen => 128, ReuseAddr => 1,
        Type => Socket::SOCK_STREAM()) or die "mock: $@";

    defined($self->{pid} = fork) or die "fork: $!";
    return $self if $self->{pid};

    local $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    eval { $self->_serve($listen); 1 } or print STDERR "mock: $@";
    POSIX::_exit(1);
}

sub addr { $_[0]{addr} }

# All requests so far in order of arrival, as lists of words; with a name
# only those.
sub commands {
    my ($self, $name) = @_;
    my @all = map { $_->[1] } $self->_commands;

    return defined $name ? grep { uc $_->[0] eq uc $name } @all : @all;
}

# The same by connection: a list of lists of commands, each a string.
sub sessions {
    my ($self) = @_;
    my @by;

    push @{ $by[ $_->[0] - 1 ] }, "@{ $_->[1] }" for $self->_commands;
    return map { $_ // [] } @by;
}

sub _commands {
    my ($self) = @_;

    return map {
        my ($id, $words) = split / /;
        [ $id, [ map { pack 'H*', $_ } split /,/, $words, -1 ] ];
    } split /\n/, slurp("$self->{file}.commands");
}

# Bytes that came, connection after connection.
sub received {
    my ($self) = @_;
    my %by;

    for (split /\n/, slurp("$self->{file}.bytes")) {
        my ($id, $hex) = split / /;
        $by{$id} .= pack 'H*', $hex;
    }

    return join '', map { $by{$_} } sort { $a <=> $b } keys %by;
}

# How many connections have there been?
sub connections {
    my @n = split /\n/, slurp("$_[0]{file}.accepted");
    return scalar @n;
}

# Wait until a command of this name has come (n times).
sub saw {
    my ($self, $name, $n) = @_;

    return wait_for { $self->commands($name) >= ($n // 1) } 10;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill $_, $pid for qw(CONT KILL);
    Undermoon::Test::reap($pid, 5);
    return $self;
}

sub pause { kill 'STOP', $_[0]{pid}; $_[0] }
sub resume { kill 'CONT', $_[0]{pid}; $_[0] }
sub finish { $_[0]->stop }

# ---- in the mock's own process ----

sub _note {
    my ($self, $what, $line) = @_;

    open my $f, '>>', "$self->{file}.$what" or die "$self->{file}: $!";
    syswrite $f, "$line\n";
}

sub _serve {
    my ($self, $listen) = @_;
    my $select = IO::Select->new($listen);
    my (%conn, $last);

    while (1) {
        my @due = sort { $a <=> $b } map { $_->{due} // () } values %conn;
        my $wait = @due ? $due[0] - time : undef;

        $wait = 0 if defined $wait && $wait < 0;
        for my $sock ($select->can_read($wait)) {
            if ($sock == $listen) {
                my $s = $listen->accept or next;
                $conn{$s} = { sock => $s, in => '', id => ++$last, out => [] };
                $select->add($s);
                $self->_note(accepted => $last);
                next;
            }

            my $c = $conn{$sock};
            if (!sysread $sock, my $bytes, 1 << 18) {
                $c->{gone} = 1;
            } else {
                $self->_note(bytes => "$c->{id} " . unpack 'H*', $bytes);
                $c->{in} .= $bytes;
                $self->_requests($c);
            }
        }

        for my $c (values %conn) {
            _flush($c) unless $c->{gone};
            next unless $c->{gone};
            $select->remove($c->{sock});
            delete $conn{ $c->{sock} };
            close $c->{sock};
        }
    }
}

sub _requests {
    my ($self, $c) = @_;

    while ($c->{in} =~ /^\*(\d+)\r\n/) {
        my ($at, @words) = ($+[0]);

        for (1 .. $1) {
            pos($c->{in}) = $at;
            $c->{in} =~ /\G\$(\d+)\r\n/g or return;
            $at = $+[0] + $1 + 2;
            return if length $c->{in} < $at;
            push @words, substr $c->{in}, $at - 2 - $1, $1;
        }

        substr $c->{in}, 0, $at, '';
        $self->_note(commands => "$c->{id} "
            . join ',', map { unpack 'H*', $_ } @words);
        push @{ $c->{out} }, $self->_answer($c, @words);
    }
}

sub _answer {
    my ($self, $c, @words) = @_;
    my $h = $self->{handler};
    my $two = join ' ', map { uc } grep { defined } @words[ 0, 1 ];
    my $sub = $h->{$two} // $h->{ uc $words[0] } // $h->{'*'}
        // sub { "+OK\r\n" };

    return ref $sub eq 'CODE' ? $sub->(@words, $c) : $sub;
}

sub _flush {
    my ($c) = @_;

    return if defined $c->{due} && $c->{due} > time;
    delete $c->{due};

    while (defined(my $piece = shift @{ $c->{out} })) {
        if (ref $piece eq 'ARRAY') {
            $c->{due} = time + $piece->[0];
            return;
        }

        if (ref $piece) {
            setsockopt($c->{sock}, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
                pack 'ii', 1, 0) if $$piece eq 'reset';
            $c->{gone} = 1;
            return;
        }

        syswrite $c->{sock}, $piece;
    }
}

1;
