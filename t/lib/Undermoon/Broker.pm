package Undermoon::Broker;

# A broker under test, and its HTTP API in words of Perl.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use JSON::PP ();
use Time::HiRes qw(time);
use Undermoon::Http;
use Undermoon::Test qw(undermoon wait_for patience free_port slurp);

my $json = JSON::PP->new->canonical->allow_nonref;

# Options, besides those of Undermoon::Daemon:
#   broker => '...'     more directives of its block
#   listen => '...'     more addresses
sub new {
    my ($class, %o) = @_;
    my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/broker.so';
    my $module = -e $file ? $file : 'broker'; # --with-modules=static
    my $port = free_port();
    my ($broker, $listen) = map { delete $o{$_} // '' } qw(broker listen);
    my $self = bless { port => $port, addr => "127.0.0.1:$port",
        head => <<"CONF" }, $class;
pid        \@PIDFILE\@;
error_log  stderr notice;
module     $module;
broker {
    listen  127.0.0.1:$port $listen;
CONF

    $self->{um} = undermoon(conf => $self->_conf($broker), %o);
    return $self;
}

sub _conf { "$_[0]{head}    $_[1]\n}\n" }

# Other directives; start() makes them count.
sub configure {
    my ($self, $broker) = @_;

    $self->{um}->configure($self->_conf($broker));
    return $self;
}

# End it properly, as before an update.
sub stop {
    my ($self) = @_;

    delete $self->{http};
    return $self->{um}->stop;
}

sub start { $_[0]{um}->start; $_[0] }
sub um    { $_[0]{um} }
sub addr  { $_[0]{addr} }
sub dir   { $_[0]{um}{dir} }

# The process that has the module.
sub pid {
    my ($self) = @_;

    return (grep { slurp("/proc/$_/cmdline") =~ /: broker/ }
            $self->{um}->workers)[0];
}

# One request below /api/v3, on a connection that stays.  $body is sent as
# JSON, a string as it is.  The answer as Undermoon::Http gives it, with its
# body decoded as {json}, where it is JSON.
sub ask {
    my ($self, $method, $path, $body, %headers) = @_;
    my $r;

    if (defined $body) {
        $headers{body} = ref $body ? $json->encode($body) : $body;
        $headers{'Content-Type'} //= 'application/json';
    }

    $path = "/api/v3$path" unless $path =~ m{^//|^/api/|^/(?:status|metrics)$};
    for my $try (1, 2) {
        my $kept = $self->{http};

        $self->{http} //= Undermoon::Http->new($self->{addr});
        $r = $self->{http}->ask($method, $path, %headers);
        last if $r->{status} || !$kept;
        delete $self->{http}; # it had closed; ask again on a new one
    }

    $r->{json} = $json->decode($r->{body})
        if ($r->{headers}{'content-type'} // '') eq 'application/json'
        && !exists $r->{headers}{'content-encoding'} && $method ne 'HEAD';
    return $r;
}

# "200", "200 {"a":1}" or "404 CLUSTER_NOT_FOUND": an answer in short.
sub say {
    my ($self, @ask) = @_;
    my $r = $self->ask(@ask);

    return $r->{status} unless exists $r->{json};
    return "$r->{status} $r->{json}{error}"
        if ref $r->{json} eq 'HASH' && $r->{json}{error};
    return "$r->{status} " . $json->encode($r->{json});
}

# Register proxies 127.0.<host>.1:<port>, on as many hosts.
sub register {
    my ($self, $hosts, $each) = @_;
    my @added;

    for my $h (1 .. $hosts) {
        for my $p (1 .. $each // 1) {
            my $ip = "127.0.$h.1";

            push @added, "$ip:" . (7000 + $p);
            $self->ask('POST', '/proxies/meta',
                { proxy_address => $added[-1],
                    nodes => [ "$ip:" . (6000 + 2 * $p),
                        "$ip:" . (6001 + 2 * $p) ] })->{status} == 200
                or die "register $added[-1]";
        }
    }

    return @added;
}

# What its process holds: { pid, memory (bytes), descriptors }.  Of memory only
# what is its own: shares of what others map depend on how many there are.
sub holds {
    my ($self) = @_;
    my $pid = $self->pid;

    return { pid => $pid, descriptors => scalar(() = glob "/proc/$pid/fd/*"),
        memory => slurp("/proc/$pid/smaps_rollup") =~ /^Anonymous:\s+(\d+) kB/m
            ? $1 * 1024 : 0 };
}

# The end of every story of abuse: four tests.  $before is ->holds from when
# nothing had happened yet; the allocator may keep a little beside 20 %.
sub is_well {
    my ($self, $before) = @_;
    my ($now, $best);

    for (1 .. 5) { # on a crowded machine the best counts
        my $begin = time;
        my $r = eval { Undermoon::Http::get($self->{addr}, '/api/v3/epoch') };
        my $took = time - $begin;

        $best = $took if ($r->{status} // 0) == 200 && $took < ($best // 99);
    }
    Test::More::cmp_ok($best // 99, '<', patience(0.1),
        'afterwards a new client is served within 100 ms');

    delete $self->{http};
    Test::More::ok((wait_for {
        $now = $self->holds;
        $now->{descriptors} <= $before->{descriptors};
    } 10), "afterwards there are $before->{descriptors} descriptors again")
        or Test::More::diag("now $now->{descriptors}");
    Test::More::is($now->{pid}, $before->{pid}, 'it is the same process');

  SKIP: {
        Test::More::skip('a sanitizer keeps freed memory', 1)
            if Undermoon::Daemon::sanitized();
        Test::More::ok((wait_for {
            $now = $self->holds;
            $now->{memory} < $before->{memory} * 1.2 + (1 << 20);
        } 10), "afterwards its memory is $before->{memory} bytes again")
            or Test::More::diag("now $now->{memory}");
    }
}

sub epoch { $_[0]->ask('GET', '/epoch')->{json} }

# All processes at once, as when the power fails.
sub kill_9 {
    my ($self) = @_;

    delete $self->{http};
    kill 'KILL', -$self->{um}{group};
    $self->{um}->killed;
}

1;
