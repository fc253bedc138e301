package Undermoon::StubProxies;

# Proxies that only keep epochs, all in one process, so that what they are told
# has one order; and they can be slow, mute, gone, sick and wrong.
#
#   my $stubs = Undermoon::StubProxies->new(6);
#   $stubs->addr(0);
#   $stubs->set(0, mute => 1);
#   $stubs->log;     # [ time, stub, words... ] of all commands but beats
#
# What a stub can be set to:
#   ours    => 0|1    knows UMCTL BEAT (1)
#   mute    => 0|1    reads, and never answers
#   slow    => s      answers so much later
#   gone    => 0|1    connections are refused
#   cut     => 1      its connections are closed, once
#   fault, in_sync, finished    as UMCTL BEAT says them (none, 1, INFOMGR's)
#   infomgr => [..]   finished migrations; gone with a SETCLUSTER that is taken
#   epoch, repl_epoch
#   setrepl, setcluster => '..'   answered instead
#   protocol => n     in UMCTL HEALTH
#   undo => [..]      answers to UMCTL UNDO, the last again and again: UNDOING,
#                     '-ERR x'; without, UNDONE of a task that SETCLUSTER has
#                     told of, else TASK_NOT_FOUND
#   info => [..]      of UMCTL INFO's array of migrations
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Socket;
use Time::HiRes qw(time);
use Undermoon::Client;
use Undermoon::Test qw(free_port wait_for);

my $json = JSON::PP->new->canonical;

sub new {
    my ($class, $count, %all) = @_;
    my $self = bless { port => [ map { free_port() } 1 .. $count ] }, $class;

    $self->{stub} = [ map { { ours => 1, mute => 0, slow => 0, gone => 0,
        fault => 'none', in_sync => 1, infomgr => [], epoch => 0,
        repl_epoch => 0, told => '', info => [], beats => 0, bytes => 0,
        %all } } 1 .. $count ];
    socketpair(my $mine, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!";
    defined(my $pid = fork) or die "fork: $!";
    if ($pid == 0) {
        close $mine;
        eval { _serve($self, $its) };
        print STDERR "stub proxies: $@" if $@;
        POSIX::_exit(0);
    }

    close $its;
    $self->{control} = $mine;
    $self->{pid} = $pid;
    Undermoon::Test::started($self);
    $self->_ask('hello');
    return $self;
}

sub addr { "127.0.0.1:$_[0]{port}[ $_[1] ]" }
sub addrs { my ($s) = @_; map { $s->addr($_) } 0 .. $#{ $s->{port} } }

sub index_of {
    my ($self, $addr) = @_;

    return (grep { $self->addr($_) eq $addr } 0 .. $#{ $self->{port} })[0];
}

sub _ask {
    my ($self, @request) = @_;
    my $socket = $self->{control};

    print $socket $json->encode(\@request), "\n";
    $socket->flush;
    my $line = <$socket> // die 'the stub proxies have died';
    return $json->decode($line)->[0];
}

sub set { my ($s, $i, %what) = @_; $s->_ask('set', $i, \%what) }

# All that one is now, with `beats` and `bytes`, that it was sent.
sub get { $_[0]->_ask('get', $_[1]) }

# Commands since the last call: [ time, stub, words ].
sub log { @{ $_[0]->_ask('log') } }

# Register them, each on a host of its own, with nodes that nobody asks.
sub register {
    my ($self, $broker, @which) = @_;

    for my $i (@which ? @which : 0 .. $#{ $self->{port} }) {
        my $said = $broker->say('POST', '/proxies/meta',
            { proxy_address => $self->addr($i), host => "host$i",
                nodes => [ "127.0.0.1:1$i", "127.0.0.1:2$i" ] });

        $said =~ /^200/ or die "register: $said";
    }
}

sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    Undermoon::Test::reap($pid, 5);
}

# ---- The process --------------------------------------------------------

my ($select, %client, @log, @later);

sub _listen {
    my ($self, $i) = @_;
    my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}[$i], Listen => 128, ReuseAddr => 1,
        ReusePort => 1) or die "listen: $!";

    $self->{listen}{$l} = $i;
    $self->{stub}[$i]{listen} = $l;
    $select->add($l);
}

sub _serve {
    my ($self, $control) = @_;

    $SIG{TERM} = 'DEFAULT';
    $SIG{PIPE} = 'IGNORE';
    $select = IO::Select->new($control);
    _listen($self, $_) for grep { !$self->{stub}[$_]{gone} }
        0 .. $#{ $self->{port} };

    while (1) {
        my $wait = @later ? $later[0][0] - time : 5;

        for my $s ($select->can_read($wait < 0 ? 0 : $wait)) {
            if ($s == $control) {
                _control($self, $control) or return;
            } elsif (defined(my $i = $self->{listen}{$s})) {
                my $c = $s->accept or next;
                $client{$c} = { socket => $c, i => $i, in => '' };
                $select->add($c);
            } elsif ($client{$s}) {
                _read($self, $client{$s});
            }
        }

        while (@later && $later[0][0] <= time) {
            my (undef, $c, $bytes) = @{ shift @later };
            _say($c, $bytes) if $client{ $c->{socket} };
        }
    }
}

sub _control {
    my ($self, $control) = @_;
    my $line = <$control> // return 0;
    my ($what, $i, $set) = @{ $json->decode($line) };
    my $answer = 1;

    if ($what eq 'set') {
        my $stub = $self->{stub}[$i];

        @$stub{ keys %$set } = values %$set;
        _close($_) for grep { $_->{i} == $i && (delete $stub->{cut}
                || $set->{gone}) } values %client;
        if ($stub->{gone} && (my $l = delete $stub->{listen})) {
            $select->remove($l);
            delete $self->{listen}{$l};
            close $l;
        } elsif (!$stub->{gone} && !$stub->{listen}) {
            _listen($self, $i);
        }
    } elsif ($what eq 'get') {
        $answer = { %{ $self->{stub}[$i] } };
        delete $answer->{listen};
    } elsif ($what eq 'log') {
        $answer = [ splice @log ];
    }

    print $control $json->encode([$answer]), "\n";
    $control->flush;
    return 1;
}

sub _close {
    my ($c) = @_;

    $select->remove($c->{socket});
    delete $client{ $c->{socket} };
    close $c->{socket};
}

sub _say {
    my ($c, $bytes) = @_;

    $c->{socket}->blocking(1);
    syswrite $c->{socket}, $bytes;
}

sub _read {
    my ($self, $c) = @_;
    my $n = sysread $c->{socket}, $c->{in}, 1 << 18, length $c->{in};

    return _close($c) unless $n;
    $self->{stub}[ $c->{i} ]{bytes} += $n;
    while ($c->{in} =~ /\A\*(\d+)\r\n/) {
        my ($count, $at) = ($1, $+[0]);
        my @words;

        for (1 .. $count) {
            pos($c->{in}) = $at;
            $c->{in} =~ /\G\$(\d+)\r\n/g or return;
            $at = $+[0];
            return if length $c->{in} < $at + $1 + 2;
            push @words, substr $c->{in}, $at, $1;
            $at += $1 + 2;
        }
        substr $c->{in}, 0, $at, '';
        _command($self, $c, @words);
    }
}

sub _command {
    my ($self, $c, @words) = @_;
    my $stub = $self->{stub}[ $c->{i} ];
    my $beat = "@words"
        =~ /^(?:PING|UMCTL (?:BEAT|GETEPOCH|INFOMGR|HEALTH|INFO))$/;

    $stub->{beats}++ if $beat;
    push @log, [ time, $c->{i}, @words ] unless $beat;
    return if $stub->{mute};

    my $bytes = _answer($stub, @words);
    if ($stub->{slow}) {
        push @later, [ time + $stub->{slow}, $c, $bytes ];
        @later = sort { $a->[0] <=> $b->[0] } @later;
    } else {
        _say($c, $bytes);
    }
}

sub _bulk { '$' . length($_[0]) . "\r\n$_[0]\r\n" }

sub _undo {
    my ($stub, @words) = @_;
    my $task = join ' ', @words[ 3 .. $#words ];
    my $undo = $stub->{undo};
    my $says = !$undo ? index($stub->{told}, " $task ") >= 0 ? 'UNDONE'
        : '-TASK_NOT_FOUND' : @$undo > 1 ? shift @$undo : $undo->[0];

    return $says =~ /^-/ ? "$says\r\n" : "+$says\r\n";
}

# What one of ours says, in so far as a coordinator asks.
sub _answer {
    my ($stub, @words) = @_;
    my $said = uc join ' ', @words[ 0 .. ($#words > 0 ? 1 : 0) ];

    return "+PONG\r\n" if $said eq 'PING';
    return ":$stub->{epoch}\r\n" if $said eq 'UMCTL GETEPOCH';
    return '*' . @{ $stub->{infomgr} } . "\r\n"
        . join '', map { _bulk($_) } @{ $stub->{infomgr} }
        if $said eq 'UMCTL INFOMGR';

    if ($stub->{ours}) {
        return "+$stub->{epoch} $stub->{repl_epoch} $stub->{fault} "
            . "$stub->{in_sync} " . @{ $stub->{infomgr} } . "\r\n"
            if $said eq 'UMCTL BEAT';
        return _bulk("epoch:$stub->{epoch}\r\n"
                . "repl_epoch:$stub->{repl_epoch}\r\n"
                . 'cluster:' . ($stub->{cluster} // '') . "\r\n"
                . "fault:$stub->{fault}\r\nin_sync:$stub->{in_sync}\r\n"
                . "nodes:0\r\n" . ($stub->{protocol}
                ? "migration_protocol:$stub->{protocol}\r\n" : ''))
            if $said eq 'UMCTL HEALTH';
        return _undo($stub, @words) if $said eq 'UMCTL UNDO';
    }

    return "*6\r\n" . _bulk('Cluster') . "*0\r\n" . _bulk('Replication')
        . "*0\r\n" . _bulk('Migration') . '*' . @{ $stub->{info} } . "\r\n"
        . join '', map { _bulk($_) } @{ $stub->{info} }
        if $said eq 'UMCTL INFO';

    if ($said eq 'UMCTL SETREPL') {
        return "-$stub->{setrepl}\r\n" if $stub->{setrepl};
        return "-OLD_EPOCH\r\n" if $words[2] <= $stub->{repl_epoch};
        $stub->{repl_epoch} = $words[2] + 0;
        return "+OK\r\n";
    }

    if ($said eq 'UMCTL SETCLUSTER') {
        return "-$stub->{setcluster}\r\n" if $stub->{setcluster};
        return "-OLD_EPOCH\r\n" if $words[3] <= $stub->{epoch};
        $stub->{epoch} = $words[3] + 0;
        $stub->{cluster} = $words[5];
        $stub->{told} = "@words ";
        $stub->{infomgr} = [];
        return "+OK\r\n";
    }

    return "-Invalid sub command\r\n" if $words[0] eq 'UMCTL';
    return "-ERR unknown command\r\n";
}

1;
