package Undermoon::Store;

# The external store of contrib/example-store, with faults as a story wants.
#
#   my $store = Undermoon::Store->new;
#   $store->fault(PUT => 'mute', 1);
#
# A fault is what happens to the next requests of a method, so many times:
#
#   drop        not done; the connection is closed
#   lose        done; the connection is closed instead of an answer
#   mute        done; never answered
#   hang        not done; never answered
#   delay SEC   done, and answered so late
#   status N    not done; answered so
#   say TEXT    not done; 200 with this body
#   back        GET: the object as it was one PUT ago
#   tidy        GET: the same JSON in another form
#   huge        200 with 80 MB
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Cwd ();
use File::Basename qw(dirname);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);
use Undermoon::Http;
use Undermoon::Test qw(free_port tempdir wait_for);

my $json = JSON::PP->new->canonical->allow_nonref->utf8;
my $program = Cwd::abs_path(dirname(__FILE__))
    . '/../../../contrib/example-store/example-store';
my $count = 0;

# Options: name, password; version_null => 1: GET tells no version.
sub new {
    my ($class, %o) = @_;
    my $self = bless { name => 'my@store', password => 'pass:word',
        port => free_port(), file => tempdir() . '/store' . $count++, %o },
        $class;

    $self->{addr} = "127.0.0.1:$self->{port}";
    Undermoon::Test::started($self);
    return $self;
}

sub program { $program }
sub addr { $_[0]{addr} }
sub file { $_[0]{file} }

# What a broker is told of it.
sub directives {
    my ($self, %o) = @_;

    return qq(storage http @{[ $o{addr} // $self->{addr} ]};
        storage_name "$self->{name}"; storage_password "$self->{password}";
        refresh_interval @{[ $o{refresh} // '60s' ]};
        storage_timeout @{[ $o{timeout} // '5s' ]};);
}

sub start {
    my ($self) = @_;

    require $program;
    defined($self->{pid} = fork) or die "fork: $!";
    unless ($self->{pid}) {
        local $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        eval { Undermoon::Store::Faulty->new(%$self, address => $self->{addr})
                ->run; 1 } or print STDERR "store: $@";
        POSIX::_exit(1);
    }

    wait_for { eval { Undermoon::Http->new($self->{addr}) } } 10
        or die 'the store does not start';
    return $self;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    Undermoon::Test::reap($pid, 5);
    return $self;
}

sub finish { $_[0]->stop }

# ---- For stories -------------------------------------------------------------

sub _control {
    my ($self, $path, $body) = @_;
    my $r = Undermoon::Http->new($self->{addr})->ask('POST', "/control/$path",
        body => $json->encode($body // {}));

    return $json->decode($r->{body});
}

sub fault {
    my ($self, $method, $kind, $times, $arg) = @_;

    $self->_control(fault => { method => $method, kind => $kind,
        times => $times, arg => $arg });
}

# The same, before those that are to come.
sub fault_first {
    my ($self, $method, $kind, $times, $arg) = @_;

    $self->_control(fault => { method => $method, kind => $kind,
        times => $times, arg => $arg, first => 1 });
}

sub no_faults { $_[0]->_control('no_faults') }

# All requests so far: { method, path, auth, type, body }.
sub requests { @{ $_[0]->_control('requests') } }

# The epochs of all that was ever taken, in order.
sub epochs { @{ $_[0]->_control('epochs') } }

# The object as it is: { store, version }.
sub object { $_[0]->_control('object') }

# By hand, as an operator would: any text; undef: nothing is there.
sub put_text { $_[0]->_control(put_text => { text => $_[1] }) }

# As another broker: change something in the dump, with a new version.
sub change {
    my ($self, $how) = @_;
    my $o = $self->object;

    $how->($o->{store});
    $self->_control(put => $o);
}

package Undermoon::Store::Faulty;

our @ISA = 'ExampleStore';

sub serve {
    my ($self, $c, $r) = @_;

    return $self->reply($c, 200, $json->encode($self->control($1, $r)))
        if $r->{path} =~ m{^/control/(\w+)$};

    push @{ $self->{requests} }, { method => $r->{method}, path => $r->{path},
        auth => $r->{head}{authorization}, type => $r->{head}{'content-type'},
        body => $r->{body} };

    my ($fault) = grep { $_->{method} eq $r->{method} && $_->{times} > 0 }
        @{ $self->{faults} };
    return $self->SUPER::serve($c, $r) unless $fault;

    $fault->{times}--;
    my $does = $self->can("fault_$fault->{kind}") or die $fault->{kind};
    $self->$does($c, $r, $fault->{arg});
}

sub put {
    my ($self, $body) = @_;
    my $before = $self->{object};
    my ($status) = $self->SUPER::put($body);

    if ($status == 200) {
        $self->{before} = $before;
        push @{ $self->{epochs} }, $1 if $body =~ /"global_epoch":(\d+)/;
    }
    return $status;
}

sub get {
    my ($self) = @_;
    my ($status, $body) = $self->SUPER::get;

    $body =~ s/"version":"\d+"\}$/"version":null}/ if $self->{version_null};
    return $status, $body;
}

sub control {
    my ($self, $what, $r) = @_;
    my $said = $json->decode($r->{body});

    if ($what eq 'fault') {
        splice @{ $self->{faults} }, $said->{first} ? 0
            : scalar @{ $self->{faults} // [] }, 0, $said;
    } elsif ($what eq 'no_faults') {
        $self->{faults} = [];
    } elsif ($what eq 'put_text') {
        $self->{object} = $said->{text};
        $self->{version}++;
    } elsif ($what eq 'put') {
        return { status => $self->put($json->encode($said)) };
    } elsif ($what eq 'epochs') {
        return $self->{epochs} // [];
    } elsif ($what eq 'object') {
        return $json->decode($self->{object} // '{}');
    }

    return $self->{requests} // [];
}

sub fault_drop { $_[0]->close_conn($_[1]) }
sub fault_lose { $_[0]->handle($_[2]); $_[0]->close_conn($_[1]) }
sub fault_mute { $_[0]->handle($_[2]) }
sub fault_hang { }
sub fault_status { $_[0]->reply($_[1], $_[3], '{}') }
sub fault_say { $_[0]->reply($_[1], 200, $_[3]) }
sub fault_back { $_[0]->reply($_[1], 200, $_[0]{before}) }
sub fault_huge { $_[0]->reply($_[1], 200, '{"store":"' . 'x' x (80 << 20)) }

sub fault_tidy {
    my ($self, $c) = @_;

    $self->reply($c, 200, JSON::PP->new->utf8->canonical->pretty->encode(
        $json->decode($self->{object})));
}

sub fault_delay {
    my ($self, $c, $r, $seconds) = @_;
    my @answer = $self->handle($r);

    push @{ $self->{late} }, [ Time::HiRes::time() + $seconds, $c, @answer ];
}

sub turn {
    my ($self) = @_;

    $self->SUPER::turn($self->{late} && @{ $self->{late} } ? 0.01 : undef);
    for my $late (splice @{ $self->{late} }) {
        my ($when, $c, @answer) = @$late;

        if (Time::HiRes::time() < $when) {
            push @{ $self->{late} }, $late;
        } elsif (defined fileno $c->{sock}) {
            $self->reply($c, @answer);
        }
    }
}

1;
