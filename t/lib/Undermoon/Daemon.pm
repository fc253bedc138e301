package Undermoon::Daemon;

# An undermoond under test: one configuration, one master, its workers.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Cwd qw(abs_path);
use Undermoon::Client;
use Time::HiRes qw(time);
use Undermoon::Test qw(wait_for patience free_port tempdir spew slurp);

my $count = 0;

sub binary {
    for my $b ($ENV{UM_BINARY}, 'undermoond', 'b/undermoond',
        'build/undermoond') {
        return abs_path($b) if defined $b && -x $b;
    }

    Test::More::plan(skip_all => 'no undermoond (UM_BINARY)');
}

sub sanitized { return index(slurp(binary()), '__asan_init') >= 0 }

# Options:
#   workers => 2        worker_processes
#   proxy   => '...'    more directives for the proxy block
#   announce => '..'    address it says it has; the one it listens at
#   main    => '...'    more directives outside of it
#   password => '...'   said before setcluster()
#   conf    => '...'    the whole file instead; @DIR@, @PORT@, @PIDFILE@
#                       stand for this proxy's directory, port and pid file
#   level   => 'notice' of the error log, which is stderr
#   env     => {}       environment of the process
#   nofile  => n        limit of open files
#   alerts  => qr/../   [alert] lines that this story provokes
#   args    => []       more arguments
#   binary  => '...'    another program than the one under test
#   wrap    => []       a command to run it under (valgrind ...)
sub new {
    my ($class, %o) = @_;
    my $self = bless {%o}, $class;

    $self->{port} //= free_port();
    $self->{dir} = tempdir() . '/um' . $count++;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    $self->{$_->[0]} = "$self->{dir}/$_->[1]" for [ file => 'undermoond.conf' ],
        [ logfile => 'log' ], [ pidfile => 'undermoond.pid' ];
    $self->configure($o{conf} // $self->_template);

    Undermoon::Test::started($self);
    return $self;
}

sub _template {
    my ($self) = @_;
    my ($workers, $level) = ($self->{workers} // 1, $self->{level} // 'notice');
    my ($main, $proxy) = map { $self->{$_} // '' } qw(main proxy);
    my $announce = $self->{announce} // '127.0.0.1:@PORT@';

    return <<"CONF";
worker_processes  $workers;
pid               \@PIDFILE\@;
error_log         stderr $level;
$main

proxy {
    listen            127.0.0.1:\@PORT\@;
    announce_address  $announce;
    $proxy
}
CONF
}

# Write the configuration file anew.  reload() makes it count.
sub configure {
    my ($self, $text) = @_;

    $text =~ s/\@DIR\@/$self->{dir}/g;
    $text =~ s/\@PORT\@/$self->{port}/g;
    $text =~ s/\@PIDFILE\@/$self->{pidfile}/g;
    spew($self->{file}, $text);
    return $self;
}

sub _env {
    my ($self) = @_;
    my $log = 'log_path=' . tempdir() . '/sanitizer';

    return {
        ASAN_OPTIONS => "$log:abort_on_error=0:" . ($ENV{ASAN_OPTIONS} // ''),
        UBSAN_OPTIONS => "$log:print_stacktrace=1:"
            . ($ENV{UBSAN_OPTIONS} // ''),
        %{ $self->{env} // {} },
    };
}

sub command {
    my ($self, @more) = @_;

    return ($self->{binary} // binary(), '-c', $self->{file},
        @{ $self->{args} // [] }, @more);
}

# Start it and wait for the pid file, which is the sign that it serves.
sub start {
    my ($self) = @_;
    my @argv = (@{ $self->{wrap} // [] }, $self->command);

    @argv = ('/bin/sh', '-c', "ulimit -n $self->{nofile}; exec \"\$@\"",
        'sh', @argv) if $self->{nofile};
    unlink $self->{pidfile};
    $self->{pid} = Undermoon::Test::spawn($self->{logfile}, $self->_env, @argv);

    wait_for {
        slurp($self->{pidfile}) =~ /^(\d+)\n/ and return $self->{master} = $1;
        defined Undermoon::Test::reap($self->{pid}, 0)
            and die "undermoond did not start:\n" . $self->log;
    } 10 or die "undermoond is not ready:\n" . $self->log;

    $self->{group} = getpgrp $self->{master};
    return $self;
}

# Run it once with other arguments: (status, output).
sub run {
    my ($self, @more) = @_;
    my $out = "$self->{dir}/out";

    unlink $out;
    my $pid = Undermoon::Test::spawn($out, $self->_env, $self->command(@more));
    my $status = Undermoon::Test::reap($pid, 10);

    kill 'KILL', $pid unless defined $status;
    return ($status, slurp($out));
}

sub addr { "127.0.0.1:$_[0]{port}" }
sub pid { $_[0]{master} }
sub log { slurp($_[0]{logfile}) }

sub client {
    my ($self, %o) = @_;

    return Undermoon::Client->new($self->addr, %o);
}

sub signal {
    my ($self, $name) = @_;

    kill $name, $self->{master} or die "kill $name $self->{master}: $!";
    return $self;
}

sub reload { $_[0]->signal('HUP') }

# Pids of the master's children.
sub children {
    my ($self) = @_;

    return map { $_->[0] } grep { $_->[1] == $self->{master} }
        Undermoon::Test::processes_of_group($self->{group});
}

# The same without the mover, which every proxy has, and without those that
# have just been forked and have no title yet, unless nobody has (valgrind).
sub workers {
    my ($self) = @_;
    my %title = map { ($_, slurp("/proc/$_/cmdline")) } $self->children;
    my @titled = grep { $title{$_} =~ /^undermoond: / } keys %title;

    return grep { $title{$_} !~ /: mover/ } sort { $a <=> $b }
        @titled ? @titled : keys %title;
}

# The mover; there is none for a moment when it has been killed.
sub mover {
    my ($self) = @_;

    return (grep { slurp("/proc/$_/cmdline") =~ /: mover/ }
        $self->children)[0];
}

# Have as many workers as configured come that are not among @before?
sub has_new_workers {
    my ($self, @before) = @_;
    my %old = map { $_ => 1 } @before;
    my $new = grep { !$old{$_} } $self->workers;

    return $new >= ($self->{workers} // 1);
}

# Bytes of memory that all its processes hold for themselves (PSS).
sub memory {
    my ($self) = @_;
    my $sum = 0;

    for my $pid ($self->{master}, $self->children) {
        $sum += $1 * 1024
            if slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+) kB/m;
    }

    return $sum;
}

# Is a new client served, and soon?
sub serves {
    my ($self, @cmd) = @_;

    return defined $self->served_within(1, @cmd);
}

# The seconds it takes to serve a new client; undef when it is not, or later.
sub served_within {
    my ($self, $limit, @cmd) = @_;
    my $begin = time;
    my $c = eval { $self->client(timeout => $limit) } or return;
    my ($reply) = eval { $c->cmd(@cmd ? @cmd : 'PING') };
    my $took = time - $begin;

    return if $@ || ($reply // '') =~ /^-/ || $took > patience($limit);
    return $took;
}

# The end of every robustness story: two tests.  A new client is served within
# 100 ms; on a crowded machine the best of five attempts counts.  $before is
# ->memory from when nothing had happened yet; the allocator may keep a little
# beside 20 %.
sub is_well {
    my ($self, $before, @cmd) = @_;
    my ($now, $soon);

    for (1 .. 5) {
        last if defined($soon = $self->served_within(0.1, @cmd));
    }
    Test::More::ok(defined $soon,
        'afterwards a new client is served within 100 ms');

  SKIP: {
        Test::More::skip('a sanitizer keeps freed memory', 1) if sanitized();

        my $back = wait_for {
            $now = $self->memory;
            $now < $before * 1.2 + (1 << 20);
        } 5;
        Test::More::ok($back, 'afterwards memory is back')
            or Test::More::diag("$before bytes before, $now afterwards");
    }
}

# Metadata.  Ranges are lists of [first, last]; the epoch grows by itself.
#   $um->setcluster(local => [ addr => [[0, 99], [200, 299]], ... ],
#                   peer  => [ ... ], name => .., epoch => .., flags => ..)
sub setcluster {
    my ($self, %o) = @_;
    my @words = ('UMCTL', 'SETCLUSTER', 'v2', $o{epoch} // ++$self->{epoch},
        $o{flags} // 'NOFLAG', $o{name} // 'testcluster');

    push @words, _nodes(@{ $o{local} // [] });
    push @words, 'PEER', _nodes(@{ $o{peer} }) if $o{peer};
    push @words, 'CONFIG', %{ $o{config} } if $o{config};

    my $c = $self->client;
    $c->cmd('AUTH', $self->{password}) if defined $self->{password};
    return $c->cmd(@words);
}

sub _nodes {
    my @words;

    while (my ($addr, $ranges) = splice @_, 0, 2) {
        push @words, $addr, scalar @$ranges, map { "$_->[0]-$_->[1]" } @$ranges;
    }

    return @words;
}

# Stop it.  Its exit status; undef when it had to be killed.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return 0;

    kill $signal // 'TERM', $self->{master} // $pid;
    my $status = Undermoon::Test::reap($pid, 15);

    if (!defined $status) {
        Undermoon::Test::trouble('undermoond does not stop');
        kill 'KILL', -$self->{group} if $self->{group};
        kill 'KILL', $pid;
        Undermoon::Test::reap($pid, 5);
    } elsif ($status != 0 && !$self->{may_fail}) {
        Undermoon::Test::trouble("undermoond ended with status $status");
    }

    $self->_check_left;
    return $status;
}

# Forget the master without a word: it has been killed by the story.
sub killed {
    my ($self) = @_;
    my $pid = delete $self->{pid};

    Undermoon::Test::reap($pid, 5);
    $self->_check_left;
}

sub _check_left {
    my ($self) = @_;
    my $group = $self->{group} or return;

    return if wait_for { !Undermoon::Test::processes_of_group($group) } 3;

    my @left = map { $_->[0] } Undermoon::Test::processes_of_group($group);
    Undermoon::Test::trouble("undermoond left processes: @left");
    kill 'KILL', @left;
}

sub finish {
    my ($self) = @_;

    $self->stop;
    for my $line (grep { /\[(?:alert|emerg)\]|Sanitizer|runtime error:/ }
        split /\n/, $self->log) {
        next if $self->{alerts} && $line =~ $self->{alerts};
        Undermoon::Test::trouble("in the log: $line");
    }

    if ($ENV{UM_TEST_LOG}) {
        Test::More::diag($self->log);
    } elsif (!Test::More->builder->is_passing) {
        # What may explain it, from the end.
        my @said = grep { /\[(?:warn|error|crit|alert)\]/ }
            split /^/, $self->log;
        Test::More::diag(splice @said, @said > 20 ? -20 : 0) if @said;
    }
}

1;
