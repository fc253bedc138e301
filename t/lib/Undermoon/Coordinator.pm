package Undermoon::Coordinator;

# A coordinator under test.
#
#   my $co = Undermoon::Coordinator->new(brokers => [ $broker->addr ])->start;
#   $co->cmd(qw(CONFIG GET brokers));
#   $co->status->{proxies_alive};
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Client;
use Undermoon::Http;
use Undermoon::Test qw(undermoon wait_for free_port slurp);

# What `module` says in a configuration.
sub module {
    my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/coordinator.so';

    return -e $file ? $file : 'coordinator'; # --with-modules=static
}

# Options, besides those of Undermoon::Daemon:
#   brokers => [..]   their addresses
#   block   => '...'  more directives of its block
#   level   => '..'   of the log
sub new {
    my ($class, %o) = @_;
    my $brokers = join ' ', @{ delete $o{brokers} // [] };
    my $block = delete $o{block} // '';
    my $level = delete $o{level} // 'notice';
    my $module = module();
    my ($port, $http) = (free_port(), free_port());
    my $self = bless { addr => "127.0.0.1:$port", http => "127.0.0.1:$http" },
        $class;
    my $broker = $brokers ne '' ? "broker_address $brokers;" : '';

    $self->{um} = undermoon(conf => <<"CONF", %o);
pid        \@PIDFILE\@;
error_log  stderr $level;
module     $module;
coordinator {
    listen       127.0.0.1:$port;
    http_listen  127.0.0.1:$http;
    state_file   \@DIR\@/state;
    $broker
    $block
}
CONF
    return $self;
}

sub start { $_[0]{um}->start; $_[0] }
sub stop  { $_[0]{um}->stop }
sub um    { $_[0]{um} }
sub addr  { $_[0]{addr} }
sub http  { $_[0]{http} }
sub log   { $_[0]{um}->log }
sub state_file { "$_[0]{um}{dir}/state" }

# The process that has the module.
sub pid {
    my ($self) = @_;

    return (grep { slurp("/proc/$_/cmdline") =~ /: coordinator/ }
            $self->{um}->workers)[0];
}

sub client {
    my ($self, %o) = @_;

    return Undermoon::Client->new($self->{addr}, %o);
}

sub cmd {
    my ($self, @words) = @_;

    return $self->client->cmd(@words);
}

# /status as a hash; {member} has its proxies by address.
sub status {
    my ($self) = @_;
    my $s = Undermoon::Http::json($self->{http}, '/status');

    $s->{member} = { map { $_->{address} => $_ } @{ $s->{members} } };
    return $s;
}

# One proxy of it; empty when it knows none such.
sub proxy {
    my ($self, $addr) = @_;

    return $self->status->{member}{$addr} // {};
}

1;
