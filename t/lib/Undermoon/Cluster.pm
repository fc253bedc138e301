package Undermoon::Cluster;

# Real Redis nodes behind proxies that know each other.
#
#   my $c = cluster(nodes => 3, workers => 2);   # one proxy before three
#   $c->client->cmd(qw(SET foo bar));
#
# Slots are dealt out evenly, nodes in order; with several proxies node i
# belongs to proxy i % proxies.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Test qw(undermoon redis);

# Options: nodes (3), proxies (1), redis => { of redis() }, with => [ servers
# already there ], config => { of SETCLUSTER }; all others are undermoon()'s.
sub new {
    my ($class, %o) = @_;
    my ($n, $p) = (delete $o{nodes} // 3, delete $o{proxies} // 1);
    my $redis = delete $o{redis} // {};
    my $with = delete $o{with};
    my $config = delete $o{config};
    my $self = bless {}, $class;

    $self->{node} = $with // [ map { redis(%$redis) } 1 .. $n ];
    $self->{proxy} = [ map { undermoon(%o)->start } 1 .. $p ];
    $self->deal(config => $config);
    return $self;
}

sub node { $_[0]{node}[ $_[1] // 0 ] }
sub nodes { @{ $_[0]{node} } }
sub proxy { $_[0]{proxy}[ $_[1] // 0 ] }
sub proxies { @{ $_[0]{proxy} } }

# First and last slot of node i.
sub range {
    my ($self, $i) = @_;
    my $n = $self->nodes;

    return (int(16384 * $i / $n), int(16384 * ($i + 1) / $n) - 1);
}

# Tell every proxy who owns what; config => { of the cluster }; shift => 1 gives
# every node, and so every slot, to another proxy.
sub deal {
    my ($self, %o) = @_;
    my $p = $self->proxies;

    for my $me (0 .. $p - 1) {
        my (@local, %peer);

        for my $i (0 .. $self->nodes - 1) {
            my $range = [ $self->range($i) ];
            my $its = ($i + ($o{shift} // 0)) % $p;

            if ($its == $me) {
                push @local, $self->node($i)->addr, [$range];
            } else {
                push @{ $peer{ $self->proxy($its)->addr } }, $range;
            }
        }

        my $said = $self->proxy($me)->setcluster(local => \@local,
            %peer ? (peer => [%peer]) : (), config => $o{config});
        die "SETCLUSTER: $said" unless $said eq 'OK';
    }
}

sub client {
    my ($self, %o) = @_;

    return $self->proxy(delete $o{proxy} // 0)->client(%o);
}

# CRC16-XMODEM of what is hashed of a key.
sub slot {
    my ($key) = @_;
    my $crc = 0;

    $key = $1 if $key =~ /^[^{]*\{([^}]+)\}/;
    for my $byte (unpack 'C*', $key) {
        $crc ^= $byte << 8;
        for (1 .. 8) {
            $crc = $crc & 0x8000 ? $crc << 1 ^ 0x1021 : $crc << 1;
        }
        $crc &= 0xffff;
    }

    return $crc % 16384;
}

sub node_of {
    my ($self, $key) = @_;
    my $slot = slot($key);

    for my $i (0 .. $self->nodes - 1) {
        my ($from, $to) = $self->range($i);
        return $i if $from <= $slot && $slot <= $to;
    }
}

# A key that lives on node i: prefix and the first number that fits.
sub key_on {
    my ($self, $i, $prefix) = @_;
    my $n = 0;

    $prefix //= 'key';
    $n++ until $self->node_of("$prefix:$n") == $i;
    return "$prefix:$n";
}

1;
