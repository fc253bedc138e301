#!/usr/bin/perl

# dump-facts.pl ADDRESS > redis-7.0.json
#
# Asks a running redis-server (host:port, or unix:PATH) what it knows about its
# commands and writes that down, one command per line, sorted.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP;

sub connect_to {
    my ($addr) = @_;

    return $addr =~ /^unix:(.+)/
        ? IO::Socket::UNIX->new(Peer => $1)
        : IO::Socket::IP->new(PeerAddr => $addr);
}

sub read_value {
    my ($s) = @_;
    my $line = <$s> // die "the connection was closed\n";
    my ($type, $rest) = $line =~ /^(.)(.*)\r\n$/ or die "not RESP: $line";

    return $rest if $type eq '+';
    return $rest + 0 if $type eq ':';
    die "$rest\n" if $type eq '-';
    return if $rest < 0;

    if ($type eq '$') {
        read($s, my $data, $rest + 2) == $rest + 2 or die "cut short\n";
        return substr $data, 0, $rest;
    }

    return [ map { scalar read_value($s) } 1 .. $rest ];
}

sub ask {
    my ($s, @words) = @_;

    print $s join '', '*' . @words . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @words;
    return read_value($s);
}

# Maps come as flat arrays, in maps too.
sub unflatten {
    my ($v) = @_;
    my %h = @$v;

    ref $h{$_} and $h{$_} = unflatten($h{$_})
        for grep { /^(?:begin_search|find_keys|spec)$/ } keys %h;
    return \%h;
}

sub fact {
    my ($info, $docs) = @_;
    my ($name, $arity, $flags, $first, $last, $step, $acl, $tips, $specs,
        $subs) = @$info;
    my %doc = $docs ? @$docs : ();
    my %sub_doc = $doc{subcommands} ? @{ $doc{subcommands} } : ();

    return {
        name => $name, arity => $arity, flags => $flags,
        first => $first, last => $last, step => $step,
        acl => $acl, tips => $tips,
        specs => [ map { unflatten($_) } @$specs ],
        subs => [ map { fact($_, $sub_doc{ $_->[0] }) }
            sort { $a->[0] cmp $b->[0] } @$subs ],
        summary => $doc{summary} // '', since => $doc{since} // '',
        group => $doc{group} // '',
    };
}

my $addr = shift // die "usage: $0 host:port|unix:PATH > redis-7.0.json\n";
my $s = connect_to($addr) or die "$addr: $@\n";
my ($version) = ask($s, 'INFO', 'server') =~ /^redis_version:(\S+)/m;
my %docs = @{ ask($s, 'COMMAND', 'DOCS') };
my $json = JSON::PP->new->canonical->ascii;

print qq({"redis_version":"$version","commands":[\n),
    join(",\n", map { $json->encode(fact($_, $docs{ $_->[0] })) }
        sort { $a->[0] cmp $b->[0] } @{ ask($s, 'COMMAND') }),
    "\n]}\n";
