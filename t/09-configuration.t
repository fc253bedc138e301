#!/usr/bin/perl

# What the daemon says about a configuration: where it is wrong and how, what
# the environment, -g and the program's name make of it, and what is in force.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use File::Spec;
use Test::More;
use Undermoon::Test qw(spew undermoon);

my $um = undermoon(conf => 'proxy { }');
my $dir = $um->{dir};

# What -t or -T says with this text: (status, output without our directory).
sub try {
    my ($text, @args) = @_;

    $um->configure($text);
    my ($status, $out) = $um->run(@args ? @args : '-t');
    $out =~ s{\Q$dir\E/}{}g;
    return ($status, $out);
}

sub refused {
    my ($text, $message, $why) = @_;
    my ($status, $out) = try($text);

    ok($status, "$why: refused");
    like($out, qr/\[error\] .*: \Q$message\E$/m, "$why: and told so");
}

sub dump_of {
    my ($status, $out) = try(@_, '-T');

    is($status, 0, 'taken') or diag($out);
    return $out;
}

my ($status, $out) = try('proxy { }');
is($status, 0, 'an empty proxy block is enough');
unlike($out, qr/\[(?:error|warn|notice)\]/, 'and nothing is to complain of');

# One of each kind; the whole list is in t/unit/check_conf.
refused('', 'undermoond.conf: no role configured', 'an empty file');
refused("pid x;\nproxy {\n  backend_timeout soon;\n}",
    'undermoond.conf:3: backend_timeout: "soon" is not a time', 'a value');
refused("proxy { max_clients 0; }",
    'undermoond.conf:1: max_clients: "0" is out of bounds, 1 to 10000000',
    'a bound');
refused("proxy {\n  backend_timout 3s;\n}",
    'undermoond.conf:2: unknown directive "backend_timout", did you mean '
    . '"backend_timeout"?', 'a misspelt name');
refused('backend_timeout 3s; proxy { }',
    'undermoond.conf:1: unknown directive "backend_timeout" here; it belongs '
    . 'into block "proxy"', 'a directive out of place');
refused("daemon on;\ndaemon off;\nproxy { }",
    'undermoond.conf:2: daemon is duplicate, it stands in undermoond.conf:1 '
    . 'already', 'the same twice');
refused("proxy {\n    listen 127.0.0.1:5299\n}\n",
    'undermoond.conf:2: listen: ";" or "{" is missing before "}"',
    'no semicolon');
refused("proxy {\n", 'undermoond.conf:2: end of file, but the block of line 1 '
    . 'is not closed', 'no brace');
refused('redis { }', 'undermoond.conf:1: block "redis" has no listen, which '
    . 'is required', 'a required directive');
refused('broker { }', 'undermoond.conf:1: unknown block "broker"; one of a '
    . 'module needs "module NAME;" before it', 'a block without its module');
refused('proxy { password "a; }', 'undermoond.conf:1: quotes are not closed',
    'quotes');

# Errors in other files name these.
mkdir "$dir/more.d" or die "$dir/more.d: $!";
spew("$dir/more.d/1.conf", "# fine\nmax_clients 7;\n");
spew("$dir/more.d/2.conf", "\nmax_args x;\n");
refused('proxy { include more.d/*.conf; }',
    'more.d/2.conf:2: max_args: "x" is not a number', 'an included file');
spew("$dir/more.d/2.conf", "include ../more.d/2.conf;\n");
refused('proxy { include more.d/*.conf; }',
    'more.d/2.conf:1: include: "more.d/../more.d/2.conf" includes itself',
    'a circle');
spew("$dir/more.d/2.conf", "max_args 4000;\n");
like(dump_of('proxy { include more.d/*.conf; }'),
    qr/^    max_clients 7;\n.*^    max_args 4000;\n/ms, 'both files count');
refused('include nothing.conf;', 'undermoond.conf:1: "nothing.conf" cannot be '
    . 'opened: No such file or directory', 'a missing file');

# What is in force can be printed, and is a configuration again.
my $text = q(worker_processes 2; proxy { listen 127.0.0.1:1; password 'a "b;';
    listen unix:/tmp/c control; backend_timeout 2500; command X.Y 1 -1 2 write;
    } redis { listen 127.0.0.1:2; set save ""; });
my $first = dump_of($text);
like($first, qr/^    password "a \\"b;";$/m, 'quoted as needed');
like($first, qr/^    backend_timeout 2500ms;$/m, 'with a unit');
like($first, qr/^    # session_timeout 0; # default$/m, 'defaults are said');
(my $again = $first) =~ s/^.*the configuration is right\n//m;
is(dump_of($again), $first, 'the dump of the dump is the same');

# -g replaces the file, and includes by the prefix.
my $option = 'worker_processes 5; proxy { listen [::1]:4; }';
my $g = (try($text, '-T', '-g', $option))[1];
like($g, qr/^worker_processes 5; # -g\n/m, '-g replaces');
like($g, qr/^    listen \[::1\]:4; # -g\n(?! *listen)/m, 'all of a list');
spew("$dir/g.conf", 'daemon on;');
like((try($text, '-T', '-p', $dir, '-g', 'include g.conf;'))[1],
    qr/^daemon on; # -g$/m, '-g includes');
($status, $out) = try($text, '-t', '-g', 'daemon;');
ok($status, 'a wrong -g is refused');
like($out, qr/: -g:1: daemon takes 1 word, has 0$/m, 'and told so');

# The environment replaces the file, not -g, for one role only.
$um->{env} = { UNDERMOON_THREAD_NUMBER => 3, UNDERMOON_PASSWORD => '',
    UNDERMOON_SESSION_TIMEOUT => 5000, UNDERMOON_NO_SUCH => 'x' };
my $env = dump_of('worker_processes 2; proxy { password p; }');
like($env, qr/^worker_processes 3; # UNDERMOON_THREAD_NUMBER$/m, 'a number');
like($env, qr/^    session_timeout 5s; # UNDERMOON_SESSION_TIMEOUT$/m,
    'a time in milliseconds');
like($env, qr/^    password p;$/m, 'an empty variable is none');
like((try('proxy { }', '-T', '-g', 'worker_processes 5;'))[1],
    qr/^worker_processes 5; # -g$/m, '-g is stronger');
unlike(dump_of('env off; proxy { }'), qr/UNDERMOON/, 'env off');
unlike(dump_of('redis { listen 127.0.0.1:2; }'), qr/UNDERMOON/, 'other roles');

$um->{env} = { UNDERMOON_BACKEND_TIMEOUT => 'x' };
refused('proxy { }',
    'UNDERMOON_BACKEND_TIMEOUT: backend_timeout: "x" is not a time',
    'a variable that cannot be read');
is((try('env off; proxy { }'))[0], 0, 'which env off does not read');

# By its name the program knows its role, and needs no file.
symlink File::Spec->rel2abs(Undermoon::Daemon::binary()),
    "$dir/server_proxy" or die "symlink: $!";
$um->{env} = { UNDERMOON_ADDRESS => '127.0.0.1:3',
    UNDERMOON_ACTIVE_REDIRECTION => 'true' };
$um->{binary} = "$dir/server_proxy";
$env = dump_of('');
like($env, qr/^    listen 127.0.0.1:3; # UNDERMOON_ADDRESS$/m, 'an address');
like($env, qr/^    active_redirection on; # UNDERMOON/m, 'a flag');

# What has no effect is taken with a notice.
delete $um->{env};
delete $um->{binary};
($status, $out) = try("proxy {\n    backend_flush_size 9;\n}");
is($status, 0, 'a directive of the reference is taken');
like($out, qr/\[notice\] .*: undermoond.conf:2: backend_flush_size is accepted/,
    'with a notice');

done_testing();
