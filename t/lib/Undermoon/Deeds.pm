package Undermoon::Deeds;

# Real clients do the same deeds, each in its own language (t/clients/deeds).
# The programs run side by side; what must come from outside, an element for
# who waits, or a restart of the proxies, they ask of us in lines:
#
#   version TEXT           which client this is
#   ok DEED [: remark]     also "not ok" and "skip"
#   block list|stream KEY  push something to KEY once everybody waits
#   restart                restart the proxies, then send a line
#   move                   give every slot to another proxy, then send a line
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use IO::Select;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes qw(time);
use Undermoon::Test qw(patience slurp tempdir);

our @EXPORT_OK = qw(run_deeds source);

our @DEEDS = qw(discovery strings pipeline same-slot eval evalsha streams
    binary big errors setinfo blpop xread reconnect moved);

my $silence = 60; # seconds after which a program counts as hung
my $count = 0;

# A file beside the programs.
sub source { ($ENV{UM_SRCDIR} // '.') . "/t/clients/deeds/$_[0]" }

# run_deeds($mode, $cluster, @clients).  $mode is "cluster" or "plain".  A
# client is { name, argv, env => {}, resp3 => speaks it too } or
# { name, skip => why }; the proxies' password, if any, is in its
# DEEDS_PASSWORD.
sub run_deeds {
    my ($mode, $cluster, @clients) = @_;
    my @runs;

    for my $client (@clients) {
        if (defined $client->{skip}) {
          SKIP: {
                my $why = "$client->{name}: $client->{skip}";

                skip($why, 1) if ($ENV{UM_TEST_CLIENTS} // '') ne 'all';
                ok(0, $why);
            }
            next;
        }
        push @runs, map { run_start($mode, $_, $cluster, $client) } 2,
            $client->{resp3} ? 3 : ();
    }

    runs_listen($cluster, @runs);
    run_judge($_) for @runs;
}

sub run_start {
    my ($mode, $resp, $cluster, $client) = @_;
    my $password = $cluster->proxy->{password};
    my $self = bless { name => $client->{name}, resp => $resp, said => {},
        version => $client->{version},
        label => "$mode, RESP$resp", in => '', last => time,
        log => tempdir() . '/deeds' . $count++ }, __PACKAGE__;

    socketpair($self->{sock}, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!";
    defined($self->{pid} = fork) or die "fork: $!";
    if (!$self->{pid}) {
        setpgrp 0, 0;
        open STDIN, '<&', $its;
        open STDOUT, '>&', $its;
        open STDERR, '>', $self->{log};
        %ENV = (%ENV, %{ $client->{env} // {} });
        $ENV{DEEDS_PASSWORD} = $password if defined $password;
        { no warnings 'exec'; exec @{ $client->{argv} }, $mode, $resp,
            $cluster->proxy->{port}, "d$count" }
        print STDERR "cannot run $client->{argv}[0]: $!\n";
        POSIX::_exit(127);
    }

    Undermoon::Test::started($self);
    return $self;
}

# Serve them all until each has ended.
sub runs_listen {
    my ($cluster, @runs) = @_;

    while (my @live = grep { $_->{sock} } @runs) {
        my %by = map { $_->{sock} => $_ } @live;
        my @ready = IO::Select->new(map { $_->{sock} } @live)->can_read(0.05);

        run_read($by{$_}) for @ready;
        run_hung($_) for @live;
        push_to_blocked($cluster, grep { $_->{block} } @live);

        @live = grep { $_->{sock} } @runs;
        change($cluster, @live) unless grep { !$_->{wants} } @live;
    }
}

sub run_read {
    my ($run) = @_;
    my $n = sysread $run->{sock}, $run->{in}, 1 << 16, length $run->{in};

    if (!$n) {
        close delete $run->{sock};
        $run->{status} = Undermoon::Test::reap($run->{pid}, 10);
        delete $run->{pid} if defined $run->{status};
        return;
    }

    $run->{last} = time;
    while ($run->{in} =~ s/^(.*)\n//) {
        my $line = $1;

        delete $run->{block};
        if ($line =~ /^version (.*)/) {
            $run->{version} = $1;
        } elsif ($line =~ /^(ok|not ok|skip) ([\w-]+)(?:: (.*))?$/) {
            $run->{said}{$2} = [ $1, $3 ];
        } elsif ($line =~ /^block (list|stream) (\S+)$/) {
            $run->{block} = [ $1, $2 ];
        } elsif ($line =~ /^(?:restart|move)$/) {
            $run->{wants} = $line;
        } else {
            push @{ $run->{noise} }, $line;
        }
    }
}

sub run_hung {
    my ($run) = @_;

    return if !$run->{sock} || $run->{wants};
    return if time - $run->{last} < patience($silence);
    $run->{hung} = 1;
    $run->finish;
    close delete $run->{sock};
}

# Once as many wait at the nodes as have said that they would, feed them.
sub push_to_blocked {
    my ($cluster, @runs) = @_;
    my %command = (list => 'blpop', stream => 'xread');
    my %waiting = (blpop => 0, xread => 0);

    return unless @runs;
    for my $client (map { $_->clients } $cluster->nodes) {
        $waiting{ $client->{cmd} }++ if $client->{flags} =~ /b/;
    }
    for my $run (@runs) {
        $waiting{ $command{ $run->{block}[0] } }--;
    }
    return if grep { $_ != 0 } @waiting{ values %command };

    for my $run (@runs) {
        my ($kind, $key) = @{ delete $run->{block} };
        my $proxy = $cluster->proxy($cluster->node_of($key)
                % $cluster->proxies);
        my $c = $proxy->client;

        $c->cmd('AUTH', $proxy->{password}) if defined $proxy->{password};
        $c->cmd($kind eq 'list' ? ('RPUSH', $key, 'pushed')
            : ('XADD', $key, '*', 'f', 'pushed'));
    }
}

# All of them want the same, since their deeds have one order.
sub change {
    my ($cluster, @runs) = @_;
    my $change = @runs ? $runs[0]{wants} : '';

    if ($change eq 'restart') {
        $_->stop, $_->start for $cluster->proxies;
        $cluster->deal;
    } elsif ($change eq 'move') {
        $cluster->deal(shift => 1);
    }

    for my $run (@runs) {
        delete $run->{wants};
        $run->{last} = time;
        syswrite $run->{sock}, "done\n";
    }
}

sub run_judge {
    my ($run) = @_;
    my $who = "$run->{name} " . ($run->{version} // '?') . ", $run->{label}";
    my @deeds = (@DEEDS, $run->{resp} == 3 ? 'resp3' : ());

    for my $deed (@deeds) {
        my ($how, $why) = @{ $run->{said}{$deed} // [ 'not ok', 'no word' ] };
        my $name = "$who: $deed";
      SKIP: {
            skip("$name: $why", 1) if $how eq 'skip';
            ok($how eq 'ok', defined $why && $how eq 'ok' ? "$name ($why)"
                : $name) or $run->{said}{$deed} && diag($why);
        }
    }

    my $end = $run->{hung} ? 'it hung'
        : !defined $run->{status} ? 'it did not end'
        : $run->{status} ? "it ended with status $run->{status}"
        : $run->{noise} ? "it said what is not known here: @{ $run->{noise} }"
        : '';
    is($end, '', "$who: to its end")
        or diag(substr slurp($run->{log}), -3000);
}

sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', -$pid;
    Undermoon::Test::reap($pid, 5);
}

1;
