#!/usr/bin/perl

# Everything that can be wrong with a request, endpoint by endpoint: status,
# code, and what a text must tell about (t/golden/errors.jsonl).
# UM_REFERENCE_BROKER=/path/mem_broker asks the reference instead.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Compress::Zlib ();
use JSON::PP ();
use Test::More;
use Undermoon::AnyBroker;
use Undermoon::Http;
use Undermoon::Test qw(slurp);

my $json = JSON::PP->new->canonical->allow_nonref->utf8;
my $file = ($ENV{UM_SRCDIR} // '.') . '/t/golden/errors.jsonl';
my @rows = map { $json->decode($_) } grep { /^\{/ } split /\n/, slurp($file);

my $broker = Undermoon::AnyBroker->new(migration_limit => 2)->start;
my $reference = $broker->is_reference;

# The reference packs it, whatever one accepts.
sub first_in_use {
    my $body = $broker->ask(GET => '/clusters/meta/c1')->{body};

    $body = Compress::Zlib::memGunzip($body) // '' if $body =~ /^\x1f\x8b/;
    return $body =~ /"proxy_address":"([^"]+)"/ ? $1 : 'none';
}

sub ask {
    my ($row) = @_;
    my ($method, $path) = split / /, $row->{do}, 2;
    my %headers = exists $row->{type} ? ('Content-Type' => $row->{type})
        : exists $row->{body} ? ('Content-Type' => 'application/json') : ();

    $path =~ s/\{in use\}/first_in_use()/e;
    my $r = Undermoon::Http->new($broker->addr)->ask($method,
        ($row->{base} // '/api/v3') . $path, %headers,
        body => exists $row->{body} ? $json->encode($row->{body})
            : $row->{raw});

    $r->{json} = eval { $json->decode($r->{body}) }
        if ($r->{headers}{'content-type'} // '') =~ m{^application/json\b};
    return $r;
}

for my $row (@rows) {
    my $want = $reference ? $row->{reference} // $row->{is} : $row->{is};
    my $r = ask($row);
    my $body = exists $row->{body} ? ' ' . $json->encode($row->{body})
        : exists $row->{raw} ? " $row->{raw}" : '';
    my $what = substr "$row->{do}$body", 0, 120;

    is(Undermoon::AnyBroker::verdict($r), $want, $what) or diag($r->{body});
    like($r->{body}, qr/\Q$row->{names}\E/, '  and names it')
        if $row->{names} && !$reference;
}

# None of it has left a mark: what it is at the end is what was last put.
is($broker->ask(GET => '/epoch')->{body}, 10000, 'the last state counts');

done_testing();
