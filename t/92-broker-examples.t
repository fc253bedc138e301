#!/usr/bin/perl

# The pages about the broker tell the truth: the examples of its API are asked
# of a broker in their order and answered as they say, every endpoint has one,
# the tables have every endpoint and every code there is, and chunks are made
# as chunks.md shows it.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(slurp);

my $root = $ENV{UM_SRCDIR} // '.';
my $page = slurp("$root/docs/broker-api.md");

sub section {
    my ($name) = @_;

    $page =~ /^## \Q$name\E\n(.*?)(?=^## |\z)/ms or die "no section $name";
    return $1;
}

# ---- Reading ----------------------------------------------------------------

# "METHOD /path", fields and a body; "-> 200", fields and a body.
sub exchange_parse {
    my ($text) = @_;
    my ($asked, $status, $said) = $text =~ /^(.*?)\n-> (\d+)(.*)\z/s
        or die "no answer in:\n$text";
    my %x = (status => $status);

    $asked =~ s/^([A-Z]+) (\S+)//
        or die "no request in:\n$text";
    @x{qw(method path)} = ($1, $2);
    for ([ asks => $asked ], [ says => $said ]) {
        my ($which, $rest) = @$_;
        my %fields;

        $rest =~ s/\n[ \t]+//g;
        $fields{$1} = $2 while $rest =~ s/^\n([A-Z][A-Za-z-]*): (.*)//;
        $x{$which} = { fields => \%fields, body => $rest =~ s/^\n//r };
    }
    return \%x;
}

# The directives of each broker, and what is asked of it.
sub stories {
    my @stories;

    for my $block (section('Examples') =~ /^```\w*\n(.*?)^```/gms) {
        if ($block =~ /^broker \{\n(.*?)^\}/ms) {
            my $conf = join '', grep { !/^\s*listen\b/ } split /^/, $1;

            push @stories, { conf => $conf, asked => [] };
        } else {
            push @{ $stories[-1]{asked} },
                map { exchange_parse($_) } split /\n\n/, $block =~ s/\n\z//r;
        }
    }
    return @stories;
}

# ---- Comparing --------------------------------------------------------------

my %known; # <name> => what it stood for

# Does $got say what the page does?  <name> is learnt where it is not known.
sub is_said {
    my ($want, $got) = @_;
    my @name;
    my $re = join '', map {
        /^<(\w+)>$/ ? (exists $known{$1} ? quotemeta $known{$1}
            : do { push @name, $1; '([^"]+)' })
            : $_ eq '...' ? '.*' : quotemeta
    } split /(<\w+>|\.\.\.)/, $want;

    my @value = $got =~ /\A$re\z/s or return 0;
    @known{@name} = @value if @name;
    return 1;
}

sub as_sent {
    my ($text) = @_;

    $text =~ s/<(\w+)>/$known{$1} \/\/ "<$1>"/ge;
    return $text;
}

# What is not as the page says.
sub differences {
    my ($x, $r) = @_;
    my @wrong;

    push @wrong, "status $r->{status}" if $r->{status} != $x->{status};
    for my $name (sort keys %{ $x->{says}{fields} }) {
        my $got = $r->{headers}{ lc $name } // '';

        push @wrong, "$name: $got" if !is_said($x->{says}{fields}{$name}, $got);
    }
    my $body = $r->{body} =~ s/\n\z//r;
    push @wrong, "body $body" if !is_said($x->{says}{body}, $body);
    return @wrong;
}

sub ask {
    my ($b, $x) = @_;
    my %fields = map { $_ => as_sent($x->{asks}{fields}{$_}) }
        keys %{ $x->{asks}{fields} };

    if ($x->{asks}{body} ne '') {
        $fields{'Content-Type'} //= 'application/json';
        $fields{body} = $x->{asks}{body};
    }
    return $b->{kept}->ask($x->{method}, $x->{path}, %fields);
}

# ---- The examples -----------------------------------------------------------

my @stories = stories();
my %asked;
my ($last, $answer);

cmp_ok(@stories, '>=', 3, 'several brokers');
for my $story (@stories) {
    my $b = Undermoon::Broker->new(broker => $story->{conf})->start;

    $b->{kept} = Undermoon::Http->new($b->addr);
    for my $x (@{ $story->{asked} }) {
        $answer = ask($b, $last = $x);
        my @wrong = differences($x, $answer);

        ok(!@wrong, "$x->{method} $x->{path}") or diag(join "\n", @wrong);
        $asked{"$x->{method} $x->{path}"}++;
    }
}

# What is compared counts.
for my $part ('status', 'says', 'fields') {
    my %x = (%$last, says => { %{ $last->{says} } });

    $x{status}++ if $part eq 'status';
    $x{says}{body} .= 'x' if $part eq 'says';
    $x{says}{fields} = { 'Content-Type' => 'text/html' } if $part eq 'fields';
    is(scalar(() = differences(\%x, $answer)), 1, "another $part is found");
}

# ---- Every endpoint ---------------------------------------------------------

# METHOD /path/{}, from the tables in the source.
sub endpoints {
    my ($file, $base) = @_;
    my $text = slurp("$root/modules/broker/$file");
    my @all;

    push @all, "$2 $base$1"
        while $text =~ m/\{\s*"(\/[^"]*)",\s*UM_HTTP_(\w+),/g;
    return @all;
}

my @endpoints = (endpoints('api_read.c', '/api/v3'),
    endpoints('api_write.c', '/api/v3'), endpoints('api_status.c', ''));
cmp_ok(@endpoints, '>', 35, 'endpoints');

for my $e (@endpoints) {
    my $re = $e =~ s/\{\}/[^\/?]+/gr;
    # One more special than a name: it must not count for both.
    my $other = $e =~ m{^PUT /api/v3/epoch/\{\}} ? qr/recovery/
        : $e =~ m{^DELETE .*/migrations/\{\}} ? qr{/(?:expand|auto)/} : qr/^$/;

    ok((grep { m/^$re(?:\?|$)/ && !/$other/ } keys %asked),
        "there is an example of $e");
}

# Rows such as "| GET `/version`, `/epoch` |" and "| POST, DELETE `/a/<b>` |".
my %row;
for (section('Endpoints') =~ /^\| ([A-Z][^|]*) \|/gm) {
    my ($methods) = /^([A-Z, ]+) (?=`)/ or next;
    my @paths = /`(\/[^`]*)`/g;

    for my $path (@paths) {
        $path =~ s/\?.*//;
        $path =~ s/<[^>]+>/{}/g;
        $row{"$_ /api/v3$path"}++ for split /, /, $methods;
    }
}
is_deeply([ sort grep { m{/api/v3} } @endpoints ], [ sort keys %row ],
    'the tables have all endpoints, and no others');

# ---- Every code -------------------------------------------------------------

my %code = map { /^\| `([A-Z_]+)` \| (\d+) \| \S/ ? ($1, $2) : () }
    split /\n/, section('Codes');
my %there = slurp("$root/modules/broker/store_result.h") =~
    /\bX\(([A-Z_]+), (\d+)\)/g;

cmp_ok(scalar keys %there, '>', 30, 'codes');
is_deeply(\%code, \%there, 'the table has all codes with their statuses');

# ---- Every chunk ------------------------------------------------------------

# "A 2, B 1, C 1 spares: A1+B1 A2+C1"
for (slurp("$root/docs/chunks.md") =~ /^ +([A-Z] \d.* spares: .*)$/gm) {
    my ($spares, $chunks) = /^(.*) spares: (.*)$/;
    my $b = Undermoon::Broker->new->start;

    while ($spares =~ /([A-Z]) (\d+)/g) {
        my ($host, $n) = ($1, $2);

        $b->ask('POST', '/proxies/meta', { proxy_address => "$host$_:1",
                nodes => [ "$host$_:2", "$host$_:3" ], host => $host })
            for 1 .. $n;
    }
    $b->say('POST', '/clusters/meta/c',
        { node_number => 4 * (() = $chunks =~ /\+/g) });

    my @proxy = map { $_->{proxy_address} =~ s/:.*//r }
        @{ $b->ask('GET', '/clusters/meta/c')->{json}{cluster}{nodes} };
    is(join(' ', map { "$proxy[4 * $_]+$proxy[4 * $_ + 2]" }
            0 .. @proxy / 4 - 1), $chunks, "the chunks of $spares");
    is($b->say('PATCH', '/clusters/nodes/c', { node_number => 4 }),
        '409 NO_AVAILABLE_RESOURCE', '  and no more');
}

done_testing();
