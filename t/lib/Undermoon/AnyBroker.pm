package Undermoon::AnyBroker;

# A broker under test: ours, or the reference's when UM_REFERENCE_BROKER is
# the path of one.  So what a story expects of a broker can be held against
# the one it was learnt from.
#
#   my $broker = Undermoon::AnyBroker->new(migration_limit => 2)->start;
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use Undermoon::Http;
use Undermoon::Test qw(undermoon wait_for free_port tempdir slurp);

my $json = JSON::PP->new->canonical->allow_nonref->utf8;
my $count = 0;

# Is it the reference's?
sub is_reference { defined $ENV{UM_REFERENCE_BROKER} }

# What `module` says in a configuration.
sub module {
    my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/broker.so';

    return -e $file ? $file : 'broker'; # --with-modules=static
}

# Options: directives that both know, with their values; `more`, text that
# only ours is given in its block; `daemon`, options of undermoon().
sub new {
    my ($class, %o) = @_;
    my $more = delete $o{more} // '';
    my $daemon = delete $o{daemon} // {};
    my $self = bless { conf => \%o, port => free_port() }, $class;

    $self->{addr} = "127.0.0.1:$self->{port}";
    if (is_reference()) {
        $self->{dir} = tempdir() . '/reference' . $count++;
        mkdir $self->{dir};
        Undermoon::Test::started($self);
    } else {
        my $block = join '', map { "    $_ $o{$_};\n" } sort keys %o;
        my $main = "module " . module() . ";\n"
            . "broker {\n    listen $self->{addr};\n$block$more}\n";

        $self->{um} = undermoon(main => $main, %$daemon);
    }

    return $self;
}

sub addr { $_[0]{addr} }
sub um { $_[0]{um} }

sub start {
    my ($self) = @_;

    if ($self->{um}) {
        $self->{um}->start;
    } else {
        my %said = (on => 'true', off => 'false');
        my %env = map { my $v = $self->{conf}{$_};
            ('UNDERMOON_' . uc, $said{$v} // $v) } keys %{ $self->{conf} };

        $env{UNDERMOON_ADDRESS} = $self->{addr};
        $self->{pid} = Undermoon::Test::spawn("$self->{dir}/log", \%env,
            '/bin/sh', '-c', 'cd "$1" && exec "$2"', 'sh', $self->{dir},
            $ENV{UM_REFERENCE_BROKER});
    }

    wait_for {
        eval { Undermoon::Http::get($self->{addr}, '/api/v3/version')
            ->{status} == 200 };
    } 10 or die 'no broker: '
        . ($self->{um} ? $self->{um}->log : slurp("$self->{dir}/log"));

    return $self;
}

# The reference's only: ours is looked after by Undermoon::Daemon.
sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'TERM', $pid;
    defined Undermoon::Test::reap($pid, 5) or kill 'KILL', $pid;
}

# A request below /api/v3: status, headers, body as in Undermoon::Http, and
# `json` when it is some.
sub ask {
    my ($self, $method, $path, $body, %headers) = @_;

    $headers{'Content-Type'} //= 'application/json' if defined $body;
    my $r = Undermoon::Http->new($self->{addr})->ask($method, "/api/v3$path",
        body => ref $body ? $json->encode($body) : $body, %headers);

    $r->{json} = eval { $json->decode($r->{body}) }
        if ($r->{headers}{'content-type'} // '') =~ m{^application/json\b};
    return $r;
}

# The same in words: "200", "409 MIGRATION_RUNNING".
sub says {
    my ($self, @request) = @_;

    return verdict($self->ask(@request));
}

sub verdict {
    my ($r) = @_;
    my $error = ref $r->{json} eq 'HASH' ? $r->{json}{error} : undef;

    return join ' ', $r->{status}, $error // ();
}

1;
