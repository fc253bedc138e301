package Undermoon::System;

# A whole system under test: a broker, coordinators, and real proxies with two
# redis-servers each, registered and in clusters.
#
#   my $s = Undermoon::System->new(proxies => 6)->start;
#   $s->create('mydb', 4);             # waits until all of it is served
#   $s->cmd(qw(SET foo bar));          # at whoever has the slot
#   $s->member(0)->kill_9;
#
# Each proxy is on a host of its own, as the broker sees it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Time::HiRes ();
use Undermoon::Broker;
use Undermoon::Client;
use Undermoon::Coordinator;
use Undermoon::Test qw(undermoon redis wait_for);

# Options:
#   proxies      => 4      with two redis-servers each
#   coordinators => 1
#   workers      => 1      of each proxy
#   proxy        => '...'  more directives of their block
#   backend_timeout => '2s' which is there already
#   broker       => '...'  of the broker's
#   coordinator  => '...'  of the coordinators'
#   hosts        => n      so many hosts; as many as proxies
#   unregistered => 1      leave that to the story
#   redis        => {}     options of redis()
#   password     => '..'   of the proxies, which their block has, too
#   wires        => 1      that can be cut (Undermoon::Cut): each proxy and each
#                          Redis is known by the address of its wire
sub new {
    my ($class, %o) = @_;
    my $self = bless {%o}, $class;

    $self->{broker} = Undermoon::Broker->new(broker => $o{broker} // '');
    $self->{member} = [ map { Undermoon::System::Member->new($self, $_) }
            0 .. ($o{proxies} // 4) - 1 ];
    $self->{coordinator} = [ map { Undermoon::Coordinator->new(
                brokers => [ $self->{broker}->addr ],
                block => $o{coordinator} // '') }
            1 .. $o{coordinators} // 1 ];
    return $self;
}

sub broker { $_[0]{broker} }
sub coordinator { $_[0]{coordinator}[ $_[1] // 0 ] }
sub coordinators { @{ $_[0]{coordinator} } }
sub member { $_[0]{member}[ $_[1] // 0 ] }
sub members { @{ $_[0]{member} } }

sub start {
    my ($self) = @_;

    $self->{broker}->start;
    $_->start for $self->members;
    $self->register($_) for $self->{unregistered} ? () : $self->members;
    $_->start for $self->coordinators;
    return $self;
}

sub register {
    my ($self, $m) = @_;
    my $said = $self->{broker}->say('POST', '/proxies/meta',
        { proxy_address => $m->addr, host => $m->host,
            nodes => [ $m->node_addrs ] });

    $said =~ /^200/ or die 'register ' . $m->addr . ": $said";
}

sub by_addr {
    my ($self, $addr) = @_;

    return (grep { $_->addr eq $addr } $self->members)[0];
}

# A cluster of so many nodes, served.
sub create {
    my ($self, $name, $nodes) = @_;
    my $said;

    # A proxy that was reported while it started is no spare yet.
    wait_for {
        $said = $self->{broker}->say('POST', "/clusters/meta/$name",
            { node_number => $nodes });
        $said !~ /NO_AVAILABLE_RESOURCE/;
    } 10;
    $said =~ /^200/ or die "create $name: $said";
    $self->wait_ready($name)
        or die "$name is not served:\n" . $self->why($name);
    return $self;
}

# The broker's view of a cluster; undef: there is none.
sub view {
    my ($self, $name) = @_;

    return $self->{broker}->ask('GET', "/clusters/meta/$name")->{json}{cluster};
}

# Addresses of a cluster's proxies in its order.
sub proxies_of {
    my ($self, $name) = @_;
    my %seen;

    return grep { !$seen{$_}++ } map { $_->{proxy_address} }
        @{ $self->view($name)->{nodes} };
}

# Members of a cluster.
sub members_of {
    my ($self, $name) = @_;

    return grep { defined } map { $self->by_addr($_) } $self->proxies_of($name);
}

# The member with the master of a half of the slots of a cluster that has two,
# which of its nodes that is, and what the view says of it.
sub master_of {
    my ($self, $name, $half) = @_;
    my ($n) = grep { $_->{repl}{role} eq 'master'
            && grep { $_->{range_list}[0][0] >> 13 == $half }
                @{ $_->{slots} } } @{ $self->view($name)->{nodes} };
    my $m = $self->by_addr($n->{proxy_address});
    my ($i) = grep { ($m->node_addrs)[$_] eq $n->{address} } 0, 1;

    return ($m, $i, $n);
}

# Does a cluster's every proxy that lives have its epoch, and does every master
# of it serve?
sub is_ready {
    my ($self, $name) = @_;
    my $view = $self->view($name) or return 0;

    for my $m ($self->members_of($name)) {
        next unless $m->lives;
        my ($epoch, $repl, $fault) = $m->beat;
        return 0 unless defined $fault && $epoch == $view->{epoch}
            && $repl == $view->{epoch} && $fault eq 'none';
    }

    for my $n (grep { $_->{repl}{role} eq 'master' } @{ $view->{nodes} }) {
        my $slot = $n->{slots}[0]{range_list}[0][0];
        my $m = $self->by_addr($n->{proxy_address});

        next unless defined $slot && $m && $m->lives;
        my $said = $m->cmd('GET', key_of($slot)) // '';
        return 0 if $said =~ /^-/;
    }

    return 1;
}

sub wait_ready {
    my ($self, $name, $seconds) = @_;

    return wait_for { $self->is_ready($name) } $seconds // 30;
}

# Is everything what it should be, replicas too?
sub is_in_sync {
    my ($self, $name) = @_;

    $self->is_ready($name) or return 0;
    for my $m ($self->members_of($name)) {
        return 0 if $m->lives && !($m->beat)[3];
    }

    return 1;
}

sub wait_in_sync {
    my ($self, $name, $seconds) = @_;

    return wait_for { $self->is_in_sync($name) } $seconds // 60;
}

# What each proxy of a cluster says, for a story that fails.
sub why {
    my ($self, $name) = @_;
    my $view = $self->view($name);

    return join '', "epoch $view->{epoch}\n", map { my $m = $_;
        $m->addr . ($m->lives ? ': ' . join(' ', $m->beat) . "\n"
                . $m->health : ": killed\n") } $self->members_of($name);
}

# A key of a slot.
my @key;

sub key_of {
    my ($slot) = @_;
    my $n = 0;

    until (defined $key[$slot]) {
        my $k = 'k' . $n++;
        my $s = slot_of($k);

        $key[$s] //= $k;
        die 'no key' if $n > 1 << 20;
    }

    return $key[$slot];
}

# CRC16 of XMODEM, as Redis has it.
my @crc = map { my $c = $_ << 8;
    $c = ($c << 1 ^ ($c & 0x8000 ? 0x1021 : 0)) & 0xffff for 1 .. 8; $c }
    0 .. 255;

sub slot_of {
    my ($key) = @_;
    my $crc = 0;

    $key = $1 if $key =~ /\{([^}]+)\}/;
    $crc = ($crc << 8 ^ $crc[ ($crc >> 8 ^ $_) & 0xff ]) & 0xffff
        for unpack 'C*', $key;
    return $crc % 16384;
}

# A command to whoever has the key, which is its second word.  Redirections to
# members that live are followed; a spare, which knows of no slot, is passed
# over.
sub cmd {
    my ($self, @words) = @_;
    my $said;

    for my $first (grep { $_->lives } $self->members) {
        my $m = $first;

        for (1 .. 5) {
            $said = eval { $m->cmd(@words) } // ($@ ? "-LOST $@" : undef);
            my ($to) = ($said // '') =~ /^-MOVED \d+ (\S+)/ or last;
            $m = $self->by_addr($to) or last;
            last unless $m->lives;
        }
        last unless ($said // '') =~ /^-CLUSTERDOWN/;
    }

    return $said;
}

# The same until it is answered without an error: its seconds; undef: never.
sub cmd_within {
    my ($self, $seconds, @words) = @_;
    my $begin = Time::HiRes::time();

    wait_for { ($self->cmd(@words) // '') !~ /^-/ } $seconds or return;
    return Time::HiRes::time() - $begin;
}

package Undermoon::System::Member;

# One proxy and its two redis-servers.

use strict;
use warnings;
use Undermoon::Cut;
use Undermoon::Test qw(undermoon redis wait_for free_port);

sub new {
    my ($class, $system, $i) = @_;
    my $hosts = $system->{hosts} // $system->{proxies} // 4;
    my $more = $system->{proxy} // '';
    my $timeout = $system->{backend_timeout} // '2s';
    my @node = map { redis(%{ $system->{redis} // {} }) } 1, 2;
    my $port = free_port();
    my ($wire, @node_wire) = !$system->{wires} ? ()
        : map { Undermoon::Cut->new($_) } "127.0.0.1:$port",
            map { $_->addr } @node;

    return bless {
        host => 'host' . $i % $hosts,
        node => \@node,
        wire => $wire,
        node_wire => \@node_wire,
        password => $system->{password},
        um   => undermoon(workers => $system->{workers} // 1, port => $port,
            announce => $wire && $wire->addr,
            proxy => "backend_timeout $timeout; $more"),
    }, $class;
}

sub start {
    my ($self) = @_;

    $self->{um}->start;
    $self->{lives} = 1;
    return $self;
}

sub um    { $_[0]{um} }
sub addr  { ($_[0]{wire} // $_[0]{um})->addr }
sub wire  { $_[0]{wire} }
sub node_wire { $_[0]{node_wire}[ $_[1] // 0 ] }
sub host  { $_[0]{host} }
sub node  { $_[0]{node}[ $_[1] // 0 ] }
sub nodes { @{ $_[0]{node} } }
sub lives { $_[0]{lives} }

# What the nodes are registered as.
sub node_addrs {
    my ($self) = @_;
    my @wires = @{ $self->{node_wire} };

    return map { $_->addr } @wires ? @wires : $self->nodes;
}

# Over a connection that stays for as long as it can.
sub cmd {
    my ($self, @words) = @_;

    for my $try (1, 2) {
        my $kept = $self->{client};
        my $said = eval {
            $self->{client} //= $self->_connect;
            [ $self->{client}->cmd(@words) ];
        };

        return $said->[0] if $said;
        delete $self->{client};
        die $@ unless $kept;
    }
}

sub _connect {
    my ($self) = @_;
    my $c = $self->{um}->client(timeout => 5);

    $c->cmd('AUTH', $self->{password}) if defined $self->{password};
    return $c;
}

# UMCTL BEAT: epoch, repl_epoch, fault, in_sync, finished.
sub beat { split / /, eval { $_[0]->cmd(qw(UMCTL BEAT)) } // '' }
sub health { eval { $_[0]->cmd(qw(UMCTL HEALTH)) } // $@ }

# All processes of the proxy at once; its redis-servers stay.
sub kill_9 {
    my ($self) = @_;

    delete $self->{client};
    $self->{lives} = 0;
    kill 'KILL', -$self->{um}{group};
    $self->{um}->killed;
}

# They hang, and come back.
sub pause {
    my ($self) = @_;

    delete $self->{client};
    $self->{lives} = 0;
    kill 'STOP', -$self->{um}{group};
}

sub resume {
    my ($self) = @_;

    kill 'CONT', -$self->{um}{group};
    $self->{lives} = 1;
}

1;
