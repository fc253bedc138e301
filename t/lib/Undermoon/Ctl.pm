package Undermoon::Ctl;

# undermoonctl under test, proxies that say how they are, and servers that are
# no brokers.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use IO::Socket::IP;
use JSON::PP ();
use POSIX ();
use Undermoon::Mock qw(bulk);
use Undermoon::Test qw(free_port mock_redis patience slurp spew tempdir
    wait_for);

our @EXPORT_OK = qw(stub_proxy http_server http_answer);

my $count = 0;

sub binary {
    for my $dir (grep { defined } $ENV{UM_BUILDDIR}, '.', 'b', 'build') {
        return "$dir/undermoonctl" if -x "$dir/undermoonctl";
    }

    Test::More::plan(skip_all => 'no undermoonctl (UM_BUILDDIR)');
}

# Options: broker => 'addr'; env => {}.
sub new {
    my ($class, %o) = @_;
    my $self = bless { %o }, $class;

    $self->{program} = binary();
    return $self;
}

sub _env {
    my ($self) = @_;
    my $log = 'log_path=' . tempdir() . '/sanitizer';

    delete @ENV{ grep { /^UNDERMOONCTL_|^NO_COLOR$/ } keys %ENV };
    $ENV{ASAN_OPTIONS} = "$log:" . ($ENV{ASAN_OPTIONS} // '');
    $ENV{UBSAN_OPTIONS} = "$log:" . ($ENV{UBSAN_OPTIONS} // '');
    $ENV{UNDERMOONCTL_BROKER} = $self->{broker} if $self->{broker};
    $ENV{TERM} = 'xterm';
    %ENV = (%ENV, %{ $self->{env} // {} });
}

# Start it; the result is for done().
sub start {
    my ($self, @args) = @_;
    my $file = tempdir() . '/ctl' . $count++;

    defined(my $pid = fork) or die "fork: $!";
    if (!$pid) {
        $self->_env;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$file.out" or POSIX::_exit(126);
        open STDERR, '>', "$file.err" or POSIX::_exit(126);
        { no warnings 'exec'; exec { $self->{program} } 'undermoonctl', @args }
        POSIX::_exit(127);
    }

    return { pid => $pid, file => $file };
}

# What has become of it: { status, out, err }, with {json} when it is JSON.
# Meanwhile $meanwhile->() is called again and again.
sub done {
    my ($self, $run, $meanwhile) = @_;
    my $status;

    wait_for {
        $meanwhile->() if $meanwhile;
        my $got = waitpid $run->{pid}, POSIX::WNOHANG();
        $status = $? if $got == $run->{pid};
        $got != 0;
    } 60;
    if (!defined $status) {
        kill 'KILL', $run->{pid};
        waitpid $run->{pid}, 0;
        die 'undermoonctl does not end: ' . slurp("$run->{file}.err");
    }

    my %r = (status => $status & 127 ? "signal $status" : $status >> 8,
        map { $_ => slurp("$run->{file}.$_") } qw(out err));
    $r{json} = eval { JSON::PP::decode_json($r{out}) };
    return \%r;
}

sub run {
    my ($self, @args) = @_;

    return $self->done($self->start(@args));
}

# On a terminal of its own, where somebody types $answer when he is asked.
# { status, said }: all that is to be seen.
sub on_terminal {
    my ($self, $answer, @args) = @_;

    sysopen my $master, '/dev/ptmx', POSIX::O_RDWR() | POSIX::O_NOCTTY()
        or die "/dev/ptmx: $!";
    my ($lock, $number) = (pack('i', 0)) x 2;
    ioctl $master, 0x40045431, $lock or die "TIOCSPTLCK: $!";
    ioctl $master, 0x80045430, $number or die "TIOCGPTN: $!";
    my $tty = '/dev/pts/' . unpack 'i', $number;

    defined(my $pid = fork) or die "fork: $!";
    if (!$pid) {
        close $master;
        POSIX::setsid();
        open STDIN, '<', $tty or POSIX::_exit(126);
        open STDOUT, '>', $tty or POSIX::_exit(126);
        open STDERR, '>', $tty or POSIX::_exit(126);
        $self->_env;
        { no warnings 'exec'; exec { $self->{program} } 'undermoonctl', @args }
        POSIX::_exit(127);
    }

    my $said = '';
    my $typed;

    local $SIG{ALRM} = sub { kill 'KILL', $pid };
    alarm patience(30);
    while (sysread $master, my $bytes, 4096) {
        $said .= $bytes;
        if (!$typed && $said =~ /to go on: $/) {
            $typed = syswrite $master, $answer;
        }
    }
    waitpid $pid, 0;
    alarm 0;

    return { status => $? & 127 ? "signal $?" : $? >> 8,
        said => $said =~ s/\r//gr };
}

# ---- Proxies ----------------------------------------------------------------

# One that answers UMCTL HEALTH with what was last told to it; nothing yet.
sub stub_proxy {
    my $file = tempdir() . '/health' . $count++;
    my $mock;

    spew($file, "epoch:0\r\nrepl_epoch:0\r\ncluster:\r\nfault:none\r\n"
            . "in_sync:1\r\nnodes:0\r\n");
    spew("$file.info", '');
    $mock = mock_redis(
        'UMCTL HEALTH' => sub { bulk(slurp($file)) },
        'UMCTL GETEPOCH' => sub {
            ':' . (slurp($file) =~ /^epoch:(\d+)/)[0] . "\r\n";
        },
        'UMCTL INFO' => sub {
            my @lines = split /\n/, slurp("$file.info");

            "*6\r\n" . bulk('Cluster') . "*0\r\n" . bulk('Replication')
                . "*0\r\n" . bulk('Migration')
                . '*' . @lines . "\r\n" . join '', map { bulk($_) } @lines;
        },
        TIME => sub { "*2\r\n" . bulk(time) . bulk(0) },
        @_);
    $mock->{health} = $file;
    return $mock;
}

# It is told what the broker has for it, as a coordinator would, and all is
# well with its nodes but for what %over says: { node => { lag => 7 } }.
sub tell {
    my ($mock, $broker, %over) = @_;
    my $p = $broker->ask('GET', "/proxies/meta/$mock->{addr}")->{json}{proxy};
    my $cluster = $p->{cluster_name} // '';
    my ($text, $n, $well, $fault) = ('', 0, 1, 'none');

    for my $node (@{ $p->{nodes} }) {
        my $master = $node->{repl}{role} eq 'master';
        my %is = (addr => $node->{address}, role => $node->{repl}{role},
            state => $master ? 'serving' : 'in_sync', fault => 'none',
            confirmed => $master ? 1 : 0, link => $master ? 0 : 1,
            offset => 77, lag => 0, lost => 0,
            %{ $over{ $node->{address} } // {} });

        $well = 0 if $is{state} ne ($master ? 'serving' : 'in_sync');
        $fault = $is{fault} if $fault eq 'none';
        $text .= 'node' . $n++ . ':' . join(',', map { "$_=$is{$_}" }
                qw(addr role state fault confirmed link offset lag lost))
            . "\r\n";
    }

    # In one step: it may be asked at any time.
    spew("$mock->{health}.new",
        "epoch:$p->{epoch}\r\nrepl_epoch:$p->{epoch}\r\n"
            . "cluster:$cluster\r\nfault:$fault\r\nin_sync:$well\r\n"
            . "nodes:$n\r\n$text");
    rename "$mock->{health}.new", $mock->{health} or die "rename: $!";
}

# ---- What is no broker ------------------------------------------------------

# A server that answers each request with $answer->(method, path, head): all
# bytes of the answer; nothing: none, ever.
sub http_server {
    my ($answer) = @_;
    my $port = free_port();
    my $listen = IO::Socket::IP->new(LocalHost => '127.0.0.1',
        LocalPort => $port, Listen => 64, ReuseAddr => 1,
        Type => Socket::SOCK_STREAM()) or die "listen: $@";
    my $self = bless { addr => "127.0.0.1:$port" }, 'Undermoon::Ctl::Server';

    defined(my $pid = fork) or die "fork: $!";
    if ($pid) {
        $self->{pid} = $pid;
        Undermoon::Test::started($self);
        return $self;
    }

    local $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    my @kept;
    while (my $c = $listen->accept) {
        my $in = '';

        while ($in !~ /\r\n\r\n/ && sysread $c, my $bytes, 65536) {
            $in .= $bytes;
        }
        my ($method, $path) = $in =~ /^(\S+) (\S+)/ or next;
        my $bytes = $answer->($method, $path, $in);
        if (defined $bytes) {
            syswrite $c, $bytes;
            close $c;
        } else {
            push @kept, $c;
        }
    }
    POSIX::_exit(0);
}

# An answer of HTTP; the type is JSON's.
sub http_answer {
    my ($status, $body) = @_;

    return "HTTP/1.1 $status X\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\nConnection: close\r\n\r\n"
        . $body;
}

package Undermoon::Ctl::Server;

sub addr { $_[0]{addr} }

sub finish {
    my ($self) = @_;

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
