#!/usr/bin/perl

# The clients that Debian has: each does the deeds, as a cluster client before
# three proxies with a password, and as a plain one before two with active
# redirection.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Deeds qw(run_deeds source);
use Undermoon::Redis;
use Undermoon::Test qw(cluster tempdir);

# A client when $probe, said to one of the programs, succeeds.
sub installed {
    my ($name, $programs, $file, $probe, %env) = @_;
    local @ENV{ keys %env } = values %env;

    for my $program (grep { defined && -x } @$programs) {
        next if system("$program $probe >/dev/null 2>&1");
        return { name => $name, argv => [ $program, source($file) ],
            env => \%env };
    }

    return { name => $name, skip => 'not installed' };
}

# Each client's library comes with the distribution's own interpreter.
sub both { return [ "/usr/bin/$_[0]", Undermoon::Redis::program($_[0]) ] }

my @clients = (
    installed('redis-py', both('python3'), 'deeds.py',
        q(-c 'import redis.cluster')),
    installed('node-redis', both('node'), 'node_redis.js',
        q(-e 'require("redis")'), NODE_PATH => '/usr/share/nodejs'),
    installed('phpredis', both('php'), 'deeds.php',
        q(-r 'exit(class_exists("RedisCluster") ? 0 : 1);')),
    installed('ruby-redis', both('ruby'), 'deeds.rb', q(-e 'require "redis"')),
);

# hiredis, when its header is there.
sub hiredis {
    my $program = tempdir() . '/deeds-hiredis';
    my $cc = $ENV{UM_CC} // 'cc';

    return { name => 'hiredis', skip => 'no libhiredis-dev' }
        if system("echo '#include <hiredis/hiredis.h>' "
            . "| $cc -E - >/dev/null 2>&1");
    is(system("$cc -O1 -Wall -Wextra -D_GNU_SOURCE -o $program "
                . source('deeds.c') . ' -lhiredis'), 0, 'hiredis: it builds');
    return { name => 'hiredis', argv => [$program] };
}

my $three = cluster(nodes => 3, proxies => 3, workers => 2,
    password => 'secret', proxy => 'password secret;');
my $any = cluster(with => [ $three->nodes ], proxies => 2, workers => 2,
    proxy => 'active_redirection on;');

run_deeds('cluster', $three, @clients);
run_deeds('plain', $any, @clients, hiredis());
ok($_->serves, 'the proxies serve on') for $any->proxies;
ok($_->serves('AUTH', 'secret'), 'those with a password too')
    for $three->proxies;

done_testing;
