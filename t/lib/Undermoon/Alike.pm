package Undermoon::Alike;

# Is what a broker says the same as what was recorded of another one?  Up to
#   epochs    a one-to-one, strictly increasing mapping of them
#   sets      in any order
#   times     of failure reports
#   names     proxies may be exchanged for others whose hosts are equivalent
# The renaming is learnt where order tells who is who (chunks, nodes) and
# only tried where it does not (sets): there it is enough that one exists.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use B ();
use JSON::PP ();

# rename => 1    proxies may be renamed; 0: all names are the same
sub new {
    my ($class, %o) = @_;

    return bless { rename => $o{rename}, proxy => {}, node => {}, epoch => {},
        name => {}, used => {}, host => {}, host_used => {}, loose => {},
        trail => [], sets => [] }, $class;
}

# A proxy both sides know by this address: who its nodes and its host are.
sub know {
    my ($self, $addr, $nodes, $host) = @_;

    $host //= $addr =~ s/:.*//sr;
    $self->{proxy}{$addr} = { nodes => $nodes, host => $host };
    $self->{node}{ $nodes->[$_] } = [ $addr, $_ ] for 0 .. $#$nodes;
}

# The recorded broker had a tie to break here and broke it in its own way:
# these proxies need not keep to the renaming of hosts.
sub loosen { $_[0]{loose}{ $_[1] } = 1 }

# ---- What is bound so far, and taking it back ----------------------------

sub mark { scalar @{ $_[0]{trail} } }

sub undo {
    my ($self, $mark) = @_;

    while (@{ $self->{trail} } > $mark) {
        my ($map, $key) = @{ pop @{ $self->{trail} } };
        delete $self->{$map}{$key};
    }
}

sub _set {
    my ($self, $map, $key, $value) = @_;

    $self->{$map}{$key} = $value;
    push @{ $self->{trail} }, [ $map, $key ];
    return 1;
}

sub _size {
    my ($self, $host) = @_;

    return scalar grep { $_->{host} eq $host } values %{ $self->{proxy} };
}

sub _bind_host {
    my ($self, $theirs, $ours) = @_;

    return $self->{host}{$theirs} eq $ours if exists $self->{host}{$theirs};
    return 0 if $self->{host_used}{$ours};
    return 0 if $self->_size($theirs) != $self->_size($ours);
    $self->_set(host_used => $ours, 1);
    return $self->_set(host => $theirs, $ours);
}

# Let the recorded proxy be ours, if it can be.
sub bind {
    my ($self, $theirs, $ours) = @_;
    my ($p, $q) = @{ $self->{proxy} }{ $theirs, $ours };

    return $theirs eq $ours unless $p && $q && $self->{rename};
    return $self->{name}{$theirs} eq $ours if exists $self->{name}{$theirs};
    return 0 if $self->{used}{$ours};
    return 0 unless $self->{loose}{$theirs}
        || $self->_bind_host($p->{host}, $q->{host});
    $self->_set(used => $ours, 1);
    return $self->_set(name => $theirs, $ours);
}

# Who a recorded proxy is with us: bound now if it was not, to itself when
# nothing speaks against it.
sub proxy {
    my ($self, $theirs) = @_;

    return $theirs unless $self->{proxy}{$theirs} && $self->{rename};
    for my $ours ($self->{name}{$theirs} // (), $theirs,
        sort keys %{ $self->{proxy} }) {
        my $mark = $self->mark;
        return $ours if $self->bind($theirs, $ours);
        $self->undo($mark);
    }

    return $theirs;
}

# Nothing tells these proxies of ours from their like any more.
sub release {
    my ($self, @ours) = @_;
    my %free = map { $_ => 1 } @ours;
    my %kept = map { $_ => $self->{name}{$_} }
        grep { !$free{ $self->{name}{$_} } } keys %{ $self->{name} };

    @$self{qw(name used host host_used)} = ({}, {}, {}, {});
    $self->{trail} = [];
    delete $self->{loose}{$_} for grep { !$kept{$_} } keys %{ $self->{loose} };
    $self->bind($_, $kept{$_}) or die "$_ is not $kept{$_}" for sort keys %kept;
    $self->{trail} = [];
}

# A text or structure of the record in our names and our epochs.
sub ours {
    my ($self, $v, $key) = @_;
    $key //= '';

    if (ref $v eq 'ARRAY') {
        return [ map { $self->ours($_, $key) } @$v ];
    } elsif (ref $v eq 'HASH') {
        my %h = map { ($self->ours($_) => $self->ours($v->{$_}, $_)) } keys %$v;
        $h{host} = $self->{proxy}{ $h{proxy_address} }{host}
            if defined $h{host} && $self->{proxy}{ $h{proxy_address} // '' };
        $h{hosts} = [ map { $self->{proxy}{$_}{host} }
                @{ $h{proxy_addresses} } ] if $h{hosts};
        $h{failures} = _now($h{failures}) if ref $h{failures} eq 'HASH';
        return \%h;
    } elsif (!defined $v || ref $v) {
        return $v;
    } elsif ($key =~ /^(?:global_)?epoch$/) {
        return $self->{epoch}{$v} // $v;
    } elsif (my $n = $self->{node}{$v}) {
        return $self->{proxy}{ $self->proxy($n->[0]) }{nodes}[ $n->[1] ];
    }

    return $self->{proxy}{$v} ? $self->proxy($v) : $v;
}

# Reports as old as the record would be forgotten at once.
sub _now {
    my ($failures) = @_;

    return { map {
            my $who = $failures->{$_};
            ($_ => { map { $_ => time } keys %$who });
        } keys %$failures };
}

# ---- Comparing -----------------------------------------------------------

# undef when they are alike, else the first difference in words.  What was
# learnt stays only when they are.
sub differ {
    my ($self, $theirs, $ours, $key) = @_;
    my $mark = $self->mark;

    $self->{sets} = [];
    my $why = $self->_differ($theirs, $ours, $key // '', '');

    # All that is in order has been looked at: now the rest must fit, too.
    if (!defined $why) {
        my $before = $self->mark;
        $why = $self->_fit([ @{ $self->{sets} } ]);
        $self->undo($before);
    }

    $self->undo($mark) if defined $why;
    return $why;
}

sub _differ {
    my ($self, $theirs, $ours, $key, $at) = @_;
    my ($kind, $kind_of_ours) = map { _kind($_) } $theirs, $ours;
    my $said = sub { "$at is " . _show($_[1]) . ', not ' . _show($_[0]) };

    return $said->($theirs, $ours) if $kind ne $kind_of_ours;

    if ($kind eq 'array') {
        return "$at has " . @$ours . ' elements, not ' . @$theirs
            if @$theirs != @$ours;

        if ($key =~ /^(?:addresses|names|failed_addresses|failed_proxies
                |hosts_cannot_fail)$/x) {
            push @{ $self->{sets} }, [ $at, $key, $theirs, $ours ];
            return;
        }

        for my $i (0 .. $#$theirs) {
            my $why = $self->_differ($theirs->[$i], $ours->[$i],
                $key, "$at/$i");
            return $why if defined $why;
        }

        return;
    }

    return $self->_objects_differ($theirs, $ours, $key, $at)
        if $kind eq 'object';
    return $self->_same($theirs, $ours, $key) ? undef : $said->($theirs, $ours);
}

sub _objects_differ {
    my ($self, $theirs, $ours, $key, $at) = @_;

    if ($key =~ /^(?:all_proxies|failures)$/) {
        my ($n, $m) = map { scalar keys %$_ } $theirs, $ours;
        return "$at has $m entries, not $n" if $n != $m;
        push @{ $self->{sets} }, [ $at, $key, $theirs, $ours ];
        return;
    }

    for my $k (sort keys %{ { %$theirs, %$ours } }) {
        return "$at/$k is new" unless exists $theirs->{$k};
        return "$at/$k is missing" unless exists $ours->{$k};
    }

    # Addresses before hosts: who a proxy is tells what its host is.
    for my $k (sort { ($a =~ /^host/) <=> ($b =~ /^host/) || $a cmp $b }
        keys %$theirs) {
        my $why = $k =~ /^hosts?$/ && exists $theirs->{"proxy_address"
                . ($k eq 'hosts' ? 'es' : '') }
            ? $self->_hosts_differ($theirs, $ours, $k, "$at/$k")
            : $self->_differ($theirs->{$k}, $ours->{$k}, $k, "$at/$k");
        return $why if defined $why;
    }

    return;
}

# The host of a proxy is the one it was registered with.
sub _hosts_differ {
    my ($self, $theirs, $ours, $k, $at) = @_;
    my $addresses = $k eq 'hosts' ? 'proxy_addresses' : 'proxy_address';

    for my $pair ([ $theirs, 'recorded' ], [ $ours, 'ours' ]) {
        my ($side, $whose) = @$pair;
        my @hosts = map { ref $_ ? @$_ : $_ } $side->{$k};
        my @proxies = map { ref $_ ? @$_ : $_ } $side->{$addresses};

        for my $i (0 .. $#proxies) {
            my $p = $self->{proxy}{ $proxies[$i] } or next;
            return "$at is @hosts, $whose, with @proxies"
                if ($hosts[$i] // '') ne $p->{host};
        }
    }

    return;
}

# Two single values.  The epochs and names they tell of are remembered.
sub _same {
    my ($self, $theirs, $ours, $key) = @_;

    return 1 if !defined $theirs;
    return $theirs eq $ours if ref $theirs;
    return $self->_epoch($theirs, $ours)
        if $key =~ /^(?:global_)?epoch$/ && _kind($theirs) eq 'number';
    return $self->{rename} ? $self->_bind_host($theirs, $ours)
        : $theirs eq $ours if $key eq 'hosts_cannot_fail';

    my ($n, $m) = @{ $self->{node} }{ $theirs, $ours };
    return $n->[1] == $m->[1] && $self->bind($n->[0], $m->[0]) if $n && $m;
    return $self->bind($theirs, $ours);
}

sub _epoch {
    my ($self, $theirs, $ours) = @_;
    my $map = $self->{epoch};

    return $map->{$theirs} == $ours if exists $map->{$theirs};
    for (keys %$map) {
        return 0 if ($_ <=> $theirs) != ($map->{$_} <=> $ours);
    }

    return $self->_set(epoch => $theirs, $ours);
}

# Each recorded element of the sets needs one of ours, all together.
sub _fit {
    my ($self, $sets) = @_;
    my ($at, $key, $theirs, $ours) = @{ shift @$sets // return };
    my @us = ref $ours eq 'HASH' ? map { [ $_, $ours->{$_} ] } sort keys %$ours
        : map { [$_] } @$ours;
    my @them = ref $theirs eq 'HASH'
        ? map { [ $_, $theirs->{$_} ] } keys %$theirs : map { [$_] } @$theirs;

    # Who is bound already has no choice: first.
    @them = sort { exists $self->{name}{ $b->[0] }
            <=> exists $self->{name}{ $a->[0] } || $a->[0] cmp $b->[0] } @them;
    my $tries = 20_000;
    my $deepest = -1;
    my $where = '';

    no warnings 'recursion';
    my $fit;
    $fit = sub {
        my ($i) = @_;

        return !defined $self->_fit([@$sets]) if $i == @them;
        for my $j (0 .. $#us) {
            my $u = $us[$j] or next;
            my $mark = $self->mark;
            last if --$tries < 0;

            my $why = $self->_elements_differ($them[$i], $u, $key, $at);
            if (!defined $why) {
                local $us[$j] = undef;
                return 1 if $fit->($i + 1);
            } elsif ($i > $deepest) {
                ($deepest, $where) = ($i, "$at: nothing fits "
                        . _show($them[$i][0]) . " ($why)");
            }

            $self->undo($mark);
        }

        return 0;
    };
    my $ok = $fit->(0);
    undef $fit;

    return $ok ? undef : $where || "$at: no renaming fits";
}

sub _elements_differ {
    my ($self, $them, $us, $key, $at) = @_;
    my $names = $key eq 'hosts_cannot_fail' ? $key : '';

    return _show($us->[0]) unless $self->_same($them->[0], $us->[0], $names);
    return if @$them == 1;
    return $self->_differ($them->[1], $us->[1], '', "$at/$us->[0]")
        if $key eq 'all_proxies';

    # failures: reporter -> time
    my ($t, $u) = map { join ' ', sort keys %$_ } $them->[1], $us->[1];
    return $t eq $u ? undef : "reporters $u, not $t";
}

# ---- Small things --------------------------------------------------------

sub _kind {
    my ($v) = @_;

    return 'null' unless defined $v;
    return { ARRAY => 'array', HASH => 'object' }->{ ref $v } // 'bool'
        if ref $v;
    return B::svref_2object(\$v)->FLAGS & (B::SVf_IOK | B::SVf_NOK)
        ? 'number' : 'string';
}

sub _show {
    my ($v) = @_;
    my $text = JSON::PP->new->canonical->allow_nonref->encode($v);

    return length $text > 160 ? substr($text, 0, 157) . '...' : $text;
}

1;
