#!/usr/bin/perl

# Current clients, fetched by their languages' own tools: each does the deeds,
# in RESP2 and RESP3, as a cluster client before three proxies with a password,
# and as a plain one before two with active redirection.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Deeds qw(run_deeds);
use Undermoon::Fetched qw(fetched);
use Undermoon::Test qw(cluster slurp);

plan skip_all => 'UM_TEST_CLIENTS=debian'
    if ($ENV{UM_TEST_CLIENTS} // '') eq 'debian';

sub npm {
    my ($name, $file, $range, %more) = @_;

    return {
        name   => $name,
        tools  => [qw(node npm)],
        source => [ $file, 'common.js' ],
        files  => { 'package.json' => '{ "private": true }' },
        fetch  => [ [ qw(npm install --engine-strict --ignore-scripts
            --no-audit --no-fund --no-package-lock), $range ] ],
        argv   => [ 'node', "\@DIR\@/$file" ],
        %more,
    };
}

sub maven {
    my ($name, $group, $artifact, $range, $class) = @_;

    return {
        name   => $name,
        tools  => [qw(mvn java javac)],
        source => [ 'Deeds.java', "$class.java" ],
        files  => { 'pom.xml' => <<"END" },
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>deeds</groupId>
  <artifactId>deeds</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>$group</groupId>
      <artifactId>$artifact</artifactId>
      <version>$range</version>
    </dependency>
  </dependencies>
</project>
END
        fetch => [ [qw(mvn -q -B dependency:copy-dependencies
            -DoutputDirectory=lib)] ],
        make => [ [ qw(javac -nowarn -cp lib/* -d .), 'Deeds.java',
            "$class.java" ] ],
        argv    => [ qw(java -cp @DIR@:@DIR@/lib/*), $class ],
        version => sub {
            (map { /\Q$artifact\E-(\d.*?)(?:\.RELEASE)?\.jar$/ }
                glob "$_[0]/lib/*")[0];
        },
        resp3 => 1,
    };
}

my @recipes = ({
    name   => 'go-redis',
    tools  => ['go'],
    source => ['deeds.go'],
    files  => { 'go.mod' => "module deeds\n" },
    env    => { GOTOOLCHAIN => 'local' },
    fetch  => [ [qw(go mod tidy)] ],
    make   => [ [qw(go build -o deeds .)] ],
    argv   => ['@DIR@/deeds'],
    resp3  => 1,
}, {
    name   => 'redis-rs',
    tools  => ['cargo'],
    source => { 'deeds.rs' => 'src/main.rs' },
    files  => { 'Cargo.toml' => <<'END' },
[package]
name = "deeds"
version = "1.0.0"
edition = "2021"
resolver = "3"

[dependencies]
redis = { version = "1", features = ["cluster"] }
END
    fetch   => [ [qw(cargo fetch)] ],
    make    => [ [qw(cargo build --offline --quiet)] ],
    argv    => ['@DIR@/target/debug/deeds'],
    version => sub {
        slurp("$_[0]/Cargo.lock") =~ /name = "redis"\nversion = "(.*)"/
            ? $1 : undef;
    },
    resp3 => 1,
}, maven('jedis', 'redis.clients', 'jedis', '[7,9)', 'JedisDeeds'),
    maven('lettuce', 'io.lettuce', 'lettuce-core', '[6.5,8)', 'LettuceDeeds'),
    npm('node-redis', 'node_redis.js', 'redis@>=5 <7', resp3 => 1),
    npm('ioredis', 'ioredis.js', 'ioredis@>=5 <7'), {
    name   => 'redis-py',
    tools  => ['python3'],
    source => ['deeds.py'],
    fetch  => [ [qw(python3 -m venv v)], [ qw(v/bin/pip install --quiet
        --disable-pip-version-check), 'redis>=5,<9' ] ],
    argv  => [qw(@DIR@/v/bin/python @DIR@/deeds.py)],
    resp3 => 1,
});

my @clients = fetched(@recipes);
my $three = cluster(nodes => 3, proxies => 3, workers => 2,
    password => 'secret', proxy => 'password secret;');
my $any = cluster(with => [ $three->nodes ], proxies => 2, workers => 2,
    proxy => 'active_redirection on;');

run_deeds('cluster', $three, @clients);
run_deeds('plain', $any, @clients);
ok($_->serves, 'the proxies serve on') for $any->proxies;
ok($_->serves('AUTH', 'secret'), 'those with a password too')
    for $three->proxies;

done_testing;
