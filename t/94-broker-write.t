#!/usr/bin/perl

# Who may change something: with write_token or write_user every endpoint that
# changes anything asks for it, whoever does not say it is told so before his
# body is read, and everybody may look.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Undermoon::Broker;
use Undermoon::Http;
use Undermoon::Test qw(slurp);

my $source = ($ENV{UM_SRCDIR} // '.') . '/modules/broker';

# What there is, from the tables: METHOD /path/{}.
sub endpoints {
    my $text = slurp("$source/$_[0]");
    my @all;

    push @all, "$2 $1" while $text =~ m/\{\s*"(\/[^"]*)",\s*UM_HTTP_(\w+),/g;
    return @all;
}

my %body = (
    'PUT /metadata' => '{}',
    'PUT /config' => '{"replica_addresses":[]}',
    'POST /proxies/meta' => '{"proxy_address":"a:1","nodes":["a:2","a:3"]}',
    'PUT /proxies/protocol/{}' => '{"version":1}',
    'POST /clusters/meta/{}' => '{"node_number":4}',
    'PATCH /clusters/nodes/{}' => '{"node_number":4}',
    'PUT /clusters/nodes/{}' => '{"cluster_node_number":4}',
    'PATCH /clusters/config/{}' => '{"migration_scan_count":"7"}',
    'PUT /clusters/migrations' => '{"cluster_name":"c","slot_range":'
        . '{"range_list":[[0,1]],"tag":"None"}}',
);
$body{'PUT /clusters/migrations/undone'} = $body{'PUT /clusters/migrations'};

sub basic { 'Basic ' . encode_base64($_[0], '') }

my @writes = endpoints('api_write.c');
my @reads = endpoints('api_read.c');
cmp_ok(@writes, '>', 20, 'endpoints that write');
cmp_ok(@reads, '>', 10, 'endpoints that read');

my $b = Undermoon::Broker->new(broker => <<'CONF')->start;
write_token  sesame;
write_user   admin "open: up";
CONF
my $epoch = 100;
my $empty = $b->ask('GET', '/metadata')->{body};

sub ask {
    my ($endpoint, @said) = @_;
    my ($method, $path) = split / /, $endpoint;

    $epoch++;
    $path =~ s/\{\}/$path =~ m{^\/epoch} ? $epoch : 'c'/e;
    $path =~ s/\{\}/4/;
    return $b->ask($method, $path, $body{$endpoint},
        map { (Authorization => $_) } @said);
}

# ---- Each of them -----------------------------------------------------------

for my $e (@writes) {
    my $r = ask($e);

    is($r->{status}, 401, "$e: not for strangers");
    like($r->{headers}{'www-authenticate'} // '', qr/^(?:Basic|Bearer)/,
        '  who are told how');
    is(ask($e, $_)->{status}, 401, "  not for $_")
        for 'Bearer sesame!', basic('admin:open: down');
}
is($b->ask('GET', '/metadata')->{body}, $empty, 'nothing has changed');

for my $e (@reads) {
    is(ask($e)->{status} != 401, 1, "$e: for everybody");
    is(ask($e, 'Bearer wrong')->{status} != 401, 1, '  whatever they say');
}
is(Undermoon::Http::get($b->addr, $_)->{status}, 200, "$_: for everybody")
    for '/healthz', '/status', '/metrics';

for my $e (@writes) {
    is(ask($e, $_)->{status} != 401, 1, "$e: with $_")
        for 'Bearer sesame', basic('admin:open: up');
}
isnt($b->ask('GET', '/metadata')->{body}, $empty, 'they have done something');
is($b->ask('PUT', "/api/v2/epoch/@{[$epoch + 1000]}")->{status}, 401,
    'the other base asks, too');
is($b->ask('PUT', "/api/v2/epoch/@{[$epoch + 1000]}", undef,
        Authorization => 'Bearer sesame')->{status}, 200, 'and takes it');

# ---- What counts as right ---------------------------------------------------

{
    my $is = sub {
        my ($status, @said) = @_;
        is(ask('PUT /epoch/{}', @said)->{status}, $status, "$status: '@said'");
    };
    $epoch += 2000;

    $is->(200, $_) for 'Bearer sesame', 'bearer sesame', 'BEARER sesame',
        'basic ' . encode_base64('admin:open: up', '');
    $is->(401, $_) for '', 'Bearer', 'Bearer ', 'Bearer s', 'Bearer sesam',
        'Bearer sesamesesame', 'Bearer Sesame', 'Bearer  sesame',
        'Bearer"sesame"', 'sesame', 'Token sesame', 'Basic', 'Basic ',
        'Basic ?', basic(''), basic(':'), basic('admin'), basic('admin:'),
        basic('admin:open'), basic('admin:open: up '), basic('Admin:open: up'),
        basic("admin:open: up\0"), basic('admin:sesame'), basic(':sesame'),
        basic('x' x 5000), 'Bearer ' . 'sesame' x 1000,
        'Basic ' . encode_base64('admin:open: up', '') . '!';
}

# ---- Before the body --------------------------------------------------------

{
    my $c = Undermoon::Http->new($b->addr);

    $c->client->write("PUT /api/v3/metadata HTTP/1.1\r\nHost: x\r\n"
            . "Content-Length: 60000000\r\nExpect: 100-continue\r\n\r\n");
    is($c->answer->{status}, 401, 'sixty megabytes are not waited for');
    ok($c->client->closed, 'nor read');
}

# ---- One of them ------------------------------------------------------------

{
    my $token = Undermoon::Broker->new(broker => 'write_token t;')->start;
    my $user = Undermoon::Broker->new(broker => 'write_user u "";')->start;
    my $open = Undermoon::Broker->new->start;
    my @epoch = ('PUT', '/epoch/9', undef);

    is($token->ask(@epoch)->{headers}{'www-authenticate'}, 'Bearer',
        'a token is asked for');
    is($token->ask(@epoch, Authorization => basic('u:'))->{status}, 401,
        'then no name will do');
    is($user->ask(@epoch)->{headers}{'www-authenticate'},
        'Basic realm="broker"', 'a name is asked for');
    is($user->ask(@epoch, Authorization => "Bearer $_")->{status}, 401,
        'then no token will do') for '', 'u';
    is($user->ask(@epoch, Authorization => basic('u:'))->{status}, 200,
        'the password may be empty');
    is($open->ask(@epoch, Authorization => 'Bearer x')->{status}, 200,
        'where nobody is asked all may');
}

unlike($b->um->log, qr/sesame|open: up/, 'no secret is in the log');

done_testing();
