#!/usr/bin/perl

# A guest moves in: the example module is loaded, its directive is parsed,
# checked and dumped like one of the house, and it greets from every worker.
# What is not a module, or does not fit, stays outside.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Test qw(undermoon wait_for spew tempdir);

my $file = ($ENV{UM_MODULES} // 'modules/.libs') . '/skeleton.so';
my $module = -e $file ? $file : 'skeleton'; # --with-modules=static

sub with_module {
    my ($block, %o) = @_;

    return undermoon(workers => 2, main => "module $module;\n$block", %o);
}

my $um = with_module('skeleton { greeting "good morning"; }')->start;

my $greeted = wait_for {
    2 == (() = $um->log =~ /skeleton: good morning from worker/g);
} 5;
ok($greeted, 'every worker was greeted');
is($um->client->cmd('PING'), 'PONG', 'and serves');

my ($status, $said) = $um->run('-T');
is($status, 0, '-T with a module');
like($said, qr/^skeleton \{\s+greeting\s+"good morning";\s+\}/m,
    'dumps its block');

$um->configure($um->_template =~ s/good morning/good evening/r)->reload;
$greeted = wait_for { $um->log =~ /skeleton: good evening from worker/ } 5;
ok($greeted, 'a reload tells it what is new');

# Its defaults and its own check.
($status, $said) = with_module('skeleton { }')->run('-T');
like($said, qr/^\s+# greeting hello;/m, 'its default');

my $long = 'x' x 61;
($status, $said) = with_module("skeleton { greeting $long; }")->run('-t');
isnt($status, 0, 'what its check refuses is refused');
like($said, qr/greeting is too long/, 'with its words');

($status, $said) = with_module('skeleton { salute hi; }')->run('-t');
like($said, qr/undermoond\.conf:\d+: .*salute/, 'and what it does not know');

# Without the module its block is unknown.
($status, $said) = undermoon(main => 'skeleton { greeting hi; }')->run('-t');
isnt($status, 0, 'no module, no block');
like($said, qr/skeleton/, 'and it is named');

# Not a module.
my $junk = tempdir() . '/junk.so';
spew($junk, "no module\n");
($status, $said) = undermoon(main => "module $junk;")->run('-t');
isnt($status, 0, 'a file that is no module is refused');
like($said, qr/\Q$junk\E/, 'and named');

($status, $said) = undermoon(main => 'module nobody_has_it;')->run('-t');
isnt($status, 0, 'so is one that is not there');
like($said, qr/nobody_has_it/, 'and named');

done_testing;
