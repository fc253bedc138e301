package Undermoon::Golden;

# What the reference's broker was asked and what it said (t/golden/*.jsonl),
# asked again of a broker of ours and compared as Undermoon::Alike does.
#
# A line of a record has seq, method, path, and perhaps headers, a body (or
# raw bytes of one); then the status, and json, text or nothing.  The texts
# of 400, 405 and 415 and the version are not compared.
#
# Beside a record may lie
#   NAME.calls.jsonl   what a coordinator did meanwhile: after which seq a
#                      request was made, or a range was committed
#   NAME.differ.jsonl  what is meant to be different: at which seq and where
#                      what is said "as" what instead (or is only there
#                      with us), and why.  One that is no more is as wrong as
#                      one that is not listed.  "tie": proxies of which others
#                      would have done as well, on hosts that are not alike
#                      any more.  "hash": even the reference would say
#                      something else the next time.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Compress::Zlib ();
use JSON::PP ();
use Undermoon::Alike;
use Undermoon::Http;
use Undermoon::Test qw(slurp wait_for);

my $json = JSON::PP->new->canonical->allow_nonref->utf8;

# Options:
#   dir     => '...'   where the records are
#   name    => '...'   of the record
#   to      => '...'   host:port of the broker
#   at      => {}      addresses in the record => where they are this time
#   rename  => 1       proxies may be others of equivalent hosts
#   reference => 1     it is the reference itself: only ties are different
sub new {
    my ($class, %o) = @_;
    my $self = bless {%o}, $class;
    my $file = "$o{dir}/$o{name}";

    $self->{exchanges} = [ $self->_lines("$file.jsonl") ];
    $self->{differences} = [ grep { $_->{tie} || $_->{hash} || !$o{reference} }
            $self->_lines("$file.differ.jsonl") ];
    push @{ $self->{calls}{ $_->{after} } }, $_
        for $self->_lines("$file.calls.jsonl");
    $self->{alike} = Undermoon::Alike->new(rename => $o{rename});
    $self->{http} = Undermoon::Http->new($o{to});
    return $self;
}

sub _lines {
    my ($self, $file) = @_;
    my $text = slurp($file);

    for my $from (keys %{ $self->{at} // {} }) {
        $text =~ s/(?<![\d.])\Q$from\E(?!\d)/$self->{at}{$from}/g;
    }

    return map { $json->decode($_) } grep { /\S/ && !/^#/ } split /\n/, $text;
}

sub exchanges { @{ $_[0]{exchanges} } }

# One exchange, and what came after it: what is wrong, in words, or nothing.
sub step {
    my ($self, $x) = @_;
    my $said = $self->_ask($self->_meant($x));
    my @wrong = $self->_compare($x, $said);

    $self->_registered($x) if $said->{status} == 200;
    $self->_release;

    for my $call (@{ $self->{calls}{ $x->{seq} } // [] }) {
        my $why = $self->_call($call);
        push @wrong, "call after it: $why" if defined $why;
        $self->_release;
    }

    return @wrong;
}

# Listed differences for every seq that were never seen.
sub unseen {
    my ($self) = @_;

    return map { "$_->{at}: $_->{why}" }
        grep { !$_->{tie} && !$_->{seen} && !$self->{reference} }
        @{ $self->{differences} };
}

sub summary {
    my ($self) = @_;
    my $all = @{ $self->{exchanges} };
    my $meant = grep { my $seq = $_->{seq};
        grep { $_->{seq} ne '*' && _concerns($_, $seq) }
            @{ $self->{differences} } } @{ $self->{exchanges} };

    return "$all exchanges, " . ($all - $meant) . " equal, $meant meant to be "
        . 'different';
}

# A request that tells of what is meant to be different.
sub _meant {
    my ($self, $x) = @_;
    my @mine = grep { ($_->{at} // '') =~ m{^/body/} && !$self->{reference}
            && _concerns($_, $x->{seq}) } @{ $self->{differences} };

    $x = $json->decode($json->encode($x));
    for my $d (@mine) {
        _change($x, $d->{as}, split m{/}, substr($d->{at}, 1), -1);
        $d->{seen} = 1;
    }

    return $x;
}

# ---- Asking --------------------------------------------------------------

sub _ask {
    my ($self, $x) = @_;
    my $alike = $self->{alike};
    my $path = join '/', map { $alike->ours($_) } split m{/}, $x->{path}, -1;
    my %headers = ('Accept-Encoding' => 'gzip', %{ $x->{headers} // {} });
    my $body = $x->{raw};

    if (exists $x->{body}) {
        $body = $json->encode($alike->ours($x->{body}));
        $headers{'Content-Type'} = 'application/json';
    }

    return $self->_http($x->{method}, $path, body => $body, %headers);
}

sub _http {
    my ($self, $method, $path, %h) = @_;
    my $r = $self->{http}->ask($method, $path, %h);

    if (!$r->{status}) { # it may close a connection after an error
        $self->{http} = Undermoon::Http->new($self->{to});
        $r = $self->{http}->ask($method, $path, %h);
    }

    $r->{body} = Compress::Zlib::memGunzip($r->{body}) // 'not gzip'
        if ($r->{headers}{'content-encoding'} // '') eq 'gzip';
    $r->{json} = eval { $json->decode($r->{body}) }
        if ($r->{headers}{'content-type'} // '') =~ m{^application/json\b};
    return $r;
}

# What the coordinator did at this place.
sub _call {
    my ($self, $call) = @_;

    if (!$call->{commit}) {
        my $r = $self->_ask($call);
        return $r->{status} == 200 ? undef
            : "$call->{method} $call->{path}: $r->{status} $r->{body}";
    }

    my $want = $json->encode($call->{commit});
    my $path = "/api/v3/clusters/meta/$call->{cluster}";
    my $task;

    wait_for {
        my $r = $self->_http(GET => $path)->{json} // {};
        ($task) = grep { ref $_->{tag} && $_->{tag}{Migrating}
                && $json->encode($_->{range_list}) eq $want }
            map { @{ $_->{slots} } } @{ ($r->{cluster} // {})->{nodes} // [] };
    } 10;
    return "$want is not migrating" unless $task;

    my $r = $self->_http(PUT => '/api/v3/clusters/migrations',
        body => $json->encode({ cluster_name => $call->{cluster},
                slot_range => $task }),
        'Content-Type' => 'application/json');
    return $r->{status} == 200 ? undef : "commit of $want: $r->{status}";
}

# ---- Who is who ----------------------------------------------------------

# The record of a proxy is as it was first registered.
sub _registered {
    my ($self, $x) = @_;
    my $b = $x->{body};

    return unless $x->{path} =~ m{/proxies/meta$} && ref $b eq 'HASH';
    $self->{alike}->know($b->{proxy_address}, $b->{nodes}, $b->{host})
        unless $self->{known}{ $b->{proxy_address} }++;
}

# Our proxies that are free and never failed are like each other again.
sub _release {
    my ($self) = @_;

    return unless $self->{rename};
    my $r = $self->_http(GET => '/api/v3/metadata')->{json} or return;
    my %told = map { $_ => 1 } @{ $r->{failed_proxies} },
        keys %{ $r->{failures} };

    $self->{alike}->release(grep { !$told{$_} && !defined
            $r->{all_proxies}{$_}{cluster} } keys %{ $r->{all_proxies} });
}

# ---- Comparing -----------------------------------------------------------

sub _compare {
    my ($self, $x, $said) = @_;
    my $alike = $self->{alike};
    my @mine = grep { ($_->{at} // '') !~ m{^/body/}
            && _concerns($_, $x->{seq}) } @{ $self->{differences} };
    my @stale;

    for my $d (grep { $_->{tie} } @mine) {
        $alike->loosen($_) for @{ $d->{tie} };
    }

    for my $d (grep { !$_->{tie} && !$self->{reference} } @mine) {
        my $mark = $alike->mark;
        my $why = $self->_differ($x, $said, grep { $_ != $d } @mine);

        $d->{seen} = 1 if defined $why;
        push @stale, "no longer different: $d->{at}: $d->{why}"
            if !defined $why && $d->{seq} ne '*';
        $alike->undo($mark);
    }

    my $why = $self->_differ($x, $said, @mine);
    return (defined $why ? $why : (), @stale);
}

sub _concerns {
    my ($d, $seq) = @_;

    return 1 if $d->{seq} eq '*';
    return scalar grep { $_ == $seq } ref $d->{seq} ? @{ $d->{seq} }
        : $d->{seq};
}

# What was recorded, as it is meant to be, against what was said.
sub _differ {
    my ($self, $x, $said, @differences) = @_;
    my $them = $json->decode($json->encode($x));
    my $us = { status => $said->{status} + 0 };

    $us->{json} = $json->decode($json->encode($said->{json}))
        if exists $said->{json} && defined $said->{json};
    for my $d (grep { exists $_->{at} } @differences) {
        my @at = split m{/}, substr($d->{at}, 1), -1;
        my $gone = $self->{reference} || !exists $d->{as};

        _change($us, undef, @at) if $gone;
        _change($them, $self->{reference} ? undef : $d->{as}, @at)
            if exists $d->{as};
    }

    return "status $us->{status}, not $them->{status}: "
        . substr($said->{body}, 0, 200) if $us->{status} != $them->{status};
    return if exists $them->{text} && ($them->{status} =~ /^4(?:00|05|15)$/
            || $x->{path} =~ m{/version\b} && $said->{body} =~ /^\d[\w.-]+\z/);
    return if $them->{status} != $x->{status} && !exists $us->{json}
        && $them->{status} =~ /^4(?:00|05|15)$/;
    return "the body is not '$them->{text}': $said->{body}"
        if exists $them->{text} && $said->{body} ne $them->{text};
    return if exists $them->{text};

    if (!exists $them->{json}) {
        return $said->{body} eq '' ? undef
            : 'the body is not empty: ' . substr $said->{body}, 0, 200;
    }

    return 'no JSON, or not said to be: ' . substr $said->{body}, 0, 200
        unless exists $us->{json};
    return $self->{alike}->differ($them->{json}, $us->{json},
        ref $them->{json} ? '' : 'epoch');
}

# Put a value at a place, or take it away; * is any key or index.
sub _change {
    my ($v, $as, $step, @more) = @_;
    my $array = ref $v eq 'ARRAY';

    return unless $array ? $step =~ /^(?:\d+|\*)$/ : ref $v eq 'HASH';
    for my $k ($step ne '*' ? $step : $array ? 0 .. $#$v : keys %$v) {
        if (@more) {
            _change($array ? $v->[$k] : $v->{$k} // next, $as, @more);
        } elsif ($array) {
            $v->[$k] = $as;
        } elsif (defined $as) {
            $v->{$k} = $as;
        } else {
            delete $v->{$k};
        }
    }
}

1;
