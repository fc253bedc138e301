#!/usr/bin/perl

# Who may include whom.  The house rules of docs/design.md, executable.
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;

my %may = (
    core     => [],
    os       => [qw(core)],
    conf     => [qw(core)],
    meta     => [qw(core)],
    shm      => [qw(core meta)],
    net      => [qw(core)],
    resp     => [qw(core)],
    master   => [qw(core os conf shm)],
    mover    => [qw(core meta shm net redis)],
    proxy    => [qw(core conf shm net resp meta)],
    http     => [qw(core net meta)],
    redis    => [qw(core net)],
    modules  => [qw(core conf net meta http redis resp)],
    ctl      => [qw(core net http redis meta)],
    status   => [qw(core conf net meta http shm)],
);

# Headers of others that only some rooms may know.
my %foreign = (
    'event2/' => [qw(net proxy http)],
    'cjson/'  => [qw(meta http ctl modules status)],
    'hiredis/' => [qw(redis ctl modules)],
    'microhttpd.h' => [qw(http)],
    'zlib.h'  => [qw(meta)],
    'zstd.h'  => [qw(resp)],
);

my $top = $ENV{UM_SRCDIR} // '.';
my @files = sort glob("$top/src/*/*.[ch]"), glob("$top/modules/*/*.[ch]");

plan tests => 2 * @files;

for my $file (@files) {
    my ($room, $name) = substr($file, length $top)
        =~ m{^/(?:src/)?(\w+)/(?:\w+/)?(\w+\.[ch])$};
    $room = 'status' if $file =~ m{/modules/status/};
    my %ok = map { $_ => 1 } $room, @{ $may{$room} // [] };

    open my $fh, '<', $file or die "$file: $!";
    my @lines = <$fh>;

    my @bad = grep { defined && !$ok{$_} }
        map { m{^\s*#\s*include\s+"(\w+)/} ? $1 : undef } @lines;
    is("@bad", '', "$room keeps to the rooms below it: $name");

    my @alien;
    for my $head (sort keys %foreign) {
        next if grep { $_ eq $room } @{ $foreign{$head} };
        push @alien, grep { m{^\s*#\s*include\s+<\Q$head\E} } @lines;
    }
    is("@alien", '', "$room keeps to its own libraries: $name");
}
