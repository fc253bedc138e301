#!/usr/bin/perl

# undermoonctl among strangers: a broker that is not there, does not answer,
# wants another token, answers what is no answer or is one of the reference;
# proxies that are slow, lie, or know no UMCTL HEALTH.  It says in one line
# what is wrong, and never does a thing twice.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Ctl qw(http_answer http_server stub_proxy);
use Undermoon::Mock qw(CUT bulk);
use Undermoon::Test qw(free_port slurp spew tempdir);

my $ctl = Undermoon::Ctl->new;
my $nobody = '127.0.0.1:' . free_port();

sub fails {
    my ($args, $status, $err, $name) = @_;
    my $r = $ctl->run(@$args);

    is($r->{status}, $status, "$name: status");
    is($r->{err}, "undermoonctl: $err\n", "$name: in a line");
    is($r->{out}, '', "$name: nothing else");

    my $j = $ctl->run(@$args, '--json')->{json};
    is($j->{error}{message} // '', $err, "$name: as JSON");
}

# ---- Nobody there -----------------------------------------------------------

fails([ qw(cluster list --broker), $nobody ], 3,
    "broker $nobody: connect failed: Connection refused: does it run? --broker "
        . 'says where', 'nobody');
fails([ qw(cluster create x --nodes 4 --broker), $nobody ], 3,
    "broker $nobody: connect failed: Connection refused: does it run? --broker "
        . 'says where', 'nobody to change something');
fails([qw(cluster list --broker nowhere)], 2,
    'broker "nowhere" has no port', 'no address');
fails([qw(cluster list --broker unix:/x)], 2,
    'broker "unix:/x" is no HOST:PORT', 'no socket');
fails([ 'cluster', 'list', '--broker', join ',', ('a:1') x 9 ], 2,
    'broker "' . join(',', ('a:1') x 9) . '" names too many', 'too many');
like($ctl->run(qw(cluster list --timeout 20s --broker no-host.invalid:1))
        ->{err}, qr/^undermoonctl: broker no-host\.invalid:1: name cannot /,
    'no such name');
{
    my $r = $ctl->run('doctor', '--broker', $nobody);

    is($r->{status}, 2, 'for the doctor it is an error');
    like($r->{out}, qr/^error: broker \S+: connect failed: Connection /m,
        'that he tells');
    is($ctl->run('version', '--broker', $nobody)->{status}, 0,
        'our own version needs nobody');
}

# Of several, the first that answers is asked, but nothing is changed there.
my $b = Undermoon::Broker->new->start;
{
    my $both = "$nobody," . $b->addr;
    my $r = $ctl->run(qw(cluster list --broker), $both);

    is($r->{status}, 0, 'the second is asked');
    is($r->{err}, "undermoonctl: broker $nobody: connect failed: Connection "
            . 'refused: broker ' . $b->addr . " is asked\n", 'with a note');
    fails([ qw(proxy add h:1 n:1 n:2 --broker), $both ], 3,
        "broker $nobody: connect failed: Connection refused: nothing was "
            . 'changed; if it is gone for good, give --broker with the one '
            . 'that takes its place', 'but it changes nothing');
    is($b->epoch, 0, 'really');
}

# ---- Who asks? --------------------------------------------------------------

{
    my $shut = Undermoon::Broker->new(broker => 'write_token s3cret; '
            . 'write_user ops pass:word;')->start;
    my @add = (qw(proxy add h:1 n:1 n:2 --broker), $shut->addr);

    fails(\@add, 1, 'broker ' . $shut->addr . ': who changes something has to '
            . 'say who he is: set UNDERMOONCTL_TOKEN or UNDERMOONCTL_USER',
        'no token');
    fails([ @add, qw(--token wrong) ], 1, 'broker ' . $shut->addr
            . ': it does not know this token or user', 'a wrong token');
    fails([ @add, qw(--user ops:wrong) ], 1, 'broker ' . $shut->addr
            . ': it does not know this token or user', 'a wrong password');
    is($ctl->run(@add, qw(--token s3cret))->{status}, 0, 'the right one');

    local $ctl->{env} = { UNDERMOONCTL_USER => 'ops:pass:word',
        UNDERMOONCTL_BROKER => $shut->addr };
    is($ctl->run(qw(proxy add h:2 n:3 n:4))->{status}, 0,
        'a user, out of the environment');
}

# ---- What is no broker ------------------------------------------------------

my %nonsense = (
    'an empty answer' => [ http_answer(200, ''), qr/it is no JSON/ ],
    'a page' => [ http_answer(200, '<html>'), qr/it is no JSON/ ],
    'another JSON' => [ http_answer(200, '[1,2]'), qr/it has no names/ ],
    'half a JSON' => [ http_answer(200, '{"names":["a"'), qr/it is no JSON/ ],
    'names that are none' => [ http_answer(200, '{"names":[7]}'),
        qr/a name is no text/ ],
    'bytes that are no text' => [ http_answer(200, "{\"names\":[\"\xff\"]}"),
        qr/it is no JSON/ ],
    'deep nesting' => [ http_answer(200, '[' x 100_000), qr/it is no JSON/ ],
    'a Redis' => [ "-ERR unknown command 'GET'\r\n", qr/no HTTP/ ],
    'a cut answer' => [ "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        qr/connection lost within the answer/ ],
);

for my $name (sort keys %nonsense) {
    my ($bytes, $says) = @{ $nonsense{$name} };
    my $liar = http_server(sub { $bytes });
    my $r = $ctl->run(qw(cluster list --broker), $liar->addr);

    is($r->{status}, 3, "$name: status");
    like($r->{err}, $says, "$name: what is wrong");
    is($r->{err} =~ tr/\n//, 1, "$name: in a line");

    for my $args ([qw(cluster show x)], [qw(proxy list)], [qw(epoch recover)],
        [qw(cluster config x)], [qw(cluster migrations x)],
        [qw(cluster scale x 8)], [qw(failover x:1 --yes)], ['doctor'],
        [qw(cluster balance x)], [qw(cluster delete x --yes)])
    {
        my $other = $ctl->run(@$args, '--broker', $liar->addr);

        unlike($other->{status}, qr/^(?:0|signal.*)$/, "$name: @$args");
    }
}

{
    my $page = http_server(sub { http_answer(502, "<h1>\e[2J Bad</h1>") });

    my $r = $ctl->run(qw(cluster list --broker), $page->addr);
    is($r->{status}, 1, 'a gateway');
    is($r->{err}, 'undermoonctl: broker ' . $page->addr
            . " refused (502): <h1>?[2J Bad</h1>\n", 'shown as text');
}

# A change without an answer is asked once.
{
    my $count = tempdir() . '/asked';
    my $mute = http_server(sub {
        my ($method, $path) = @_;

        spew($count, slurp($count) . "$method $path\n");
        return $path =~ /epoch/ ? '' : undef;
    });

    fails([ qw(cluster create x --nodes 4 --timeout 300ms --broker),
            $mute->addr ], 3, 'broker ' . $mute->addr . ': timed out: it may '
            . 'have been done or not: look before you repeat it', 'no answer');
    is(slurp($count), "POST /api/v3/clusters/meta/x\n" x 2,
        'each run has asked once');
    spew($count, '');
    is($ctl->run(qw(epoch recover --broker), $mute->addr)->{status}, 3, 'cut');
    is(slurp($count), "PUT /api/v3/epoch/recovery\n", 'asked once, too');
}

# RETRY says that nothing has happened.
{
    my $count = tempdir() . '/retried';
    my $busy = http_server(sub {
        spew($count, slurp($count) . 'x');
        return length slurp($count) < 4
            ? http_answer(409, '{"error":"RETRY"}') : http_answer(200, '');
    });

    is($ctl->run(qw(cluster create x --nodes 4 --broker), $busy->addr)
            ->{status}, 0, 'others were quicker, three times');
    is(slurp($count), 'xxxx', 'it was asked again');
    spew($count, '');

    my $never = http_server(sub {
        spew($count, slurp($count) . 'x');
        return http_answer(409, '{"error":"RETRY"}');
    });
    is($ctl->run(qw(cluster create x --nodes 4 --broker), $never->addr)
            ->{status}, 1, 'they always are');
    is(slurp($count), 'xxxxx', 'it ends');
}

# ---- Proxies that are none --------------------------------------------------

my %liars = (
    'a plain Redis' => [ [ UMCTL => sub { "-ERR unknown command\r\n" } ],
        qr/ERR unknown command$/ ],
    'one that says nothing of use' => [ [ UMCTL => sub { "+PONG\r\n" } ],
        qr/its answer makes no sense: is it a proxy\?$/ ],
    'one that wants a password' => [
        [ UMCTL => sub { "-NOAUTH Authentication required.\r\n" } ],
        qr/it wants a password: set UNDERMOONCTL_PASSWORD$/ ],
    'one that hangs up' => [ [ UMCTL => sub { CUT } ], qr/connection closed$/ ],
    'one that says nothing' => [ [ UMCTL => sub { () } ], qr/timed out$/ ],
    'one that speaks to terminals' => [
        [ UMCTL => sub { "-\e[2J\a\r\n" } ], qr/ \?\[2J\?$/ ],
    'one without RESP' => [ [ UMCTL => sub { "HTTP/1.1 400 Bad\r\n\r\n" } ],
        qr/\S$/ ],
);

for my $name (sort keys %liars) {
    my ($handlers, $says) = @{ $liars{$name} };
    my $proxy = stub_proxy('UMCTL HEALTH' => $handlers->[1],
        'UMCTL GETEPOCH' => $handlers->[1]);

    $b->say('POST', '/proxies/meta', { proxy_address => $proxy->addr,
            nodes => [ 'n:1', 'n:2' ] });
    my $r = $ctl->run(qw(proxy show --timeout 500ms), $proxy->addr, '--broker',
        $b->addr);
    is($r->{status}, 0, "$name: is shown");
    like((split /\n/, $r->{out})[3], $says, "$name: with what is wrong");
    unlike($r->{out}, qr/[^\n -~]/, "$name: as text");
    $b->say('DELETE', '/proxies/meta/' . $proxy->addr);
}

# A password that is asked for.
{
    my $proxy = stub_proxy(AUTH => sub {
        my (undef, @words) = @_;
        my $c = $words[-1];
        $c->{in_order} = $words[0] eq 'right';
        return $c->{in_order} ? "+OK\r\n" : "-WRONGPASS no\r\n";
    }, 'UMCTL HEALTH' => sub {
        $_[-1]{in_order} ? bulk("epoch:3\r\nin_sync:1\r\n")
            : "-NOAUTH Authentication required.\r\n";
    });
    my @show = ('proxy', 'show', $proxy->addr, '--json', '--broker', $b->addr);

    $b->say('POST', '/proxies/meta', { proxy_address => $proxy->addr,
            nodes => [ 'n:1', 'n:2' ] });
    is($ctl->run(@show, '--password', 'right')->{json}{nodes}[0]{epoch}, 3,
        'with the password');
    like($ctl->run(@show, '--password', 'no')->{json}{nodes}[0]{error},
        qr/refused our password/, 'with a wrong one');
    local $ctl->{env} = { UNDERMOONCTL_PASSWORD => 'right' };
    is($ctl->run(@show)->{json}{nodes}[0]{epoch}, 3, 'from the environment');
    $b->say('DELETE', '/proxies/meta/' . $proxy->addr);
}

# ---- The reference's --------------------------------------------------------

# It knows no UMCTL HEALTH, and tells its epoch only.
{
    my @old = map {
        stub_proxy('UMCTL HEALTH' => sub { "-Invalid sub command\r\n" },
            TIME => sub { "-ERR unsupported\r\n" })
    } 1 .. 3;
    my @on = ('--broker', $b->addr);

    $ctl->run(qw(proxy add), $_->addr, "n:$_", "m:$_", '--host', $_, @on)
        for @old;
    is($ctl->run(qw(cluster create c --nodes 4), @on)->{status}, 0, 'made');
    $_->Undermoon::Ctl::tell($b) for @old;

    my $j = $ctl->run(qw(cluster show c --json), @on)->{json};
    is_deeply([ @{ $j->{nodes}[0] }{qw(epoch state lag fault error)} ],
        [ $j->{epoch}, (undef) x 4 ], 'what they do not tell is null');
    like($ctl->run(qw(cluster show c), @on)->{out},
        qr/ master +0-8191 +\d+ +- +- +- +-$/m, 'or -');

    my $d = $ctl->run('doctor', @on, '--json')->{json};
    is_deeply([ sort map { $_->{code} } @{ $d->{findings} } ],
        [qw(health_not_told storage_memory)], 'the doctor knows that');

    is($ctl->run('failover', $j->{nodes}[0]{proxy}, '--yes', @on)->{status}, 0,
        'failover does not wait for what nobody tells');
    is($ctl->run(qw(cluster create d --nodes 4 --wait --wait-timeout 1s), @on)
            ->{status}, 1, 'none is left');
}

# The broker: no /status, no /healthz, 405 for what is unknown, and packed
# answers, which t/unit/check_httpc has.
{
    my $real = $b;
    my $old = http_server(sub {
        my ($method, $path, $head) = @_;

        return http_answer(404, '') if $path !~ m{^/api/};
        return "HTTP/1.1 405 X\r\nContent-Length: 23\r\n\r\n"
            . 'HTTP method not allowed'
            if $method eq 'DELETE' || $path =~ /cancelling/;
        delete $real->{http};
        my $r = $real->ask($method, $path);
        return http_answer($r->{status}, $r->{body});
    });
    my @on = ('--broker', $old->addr);

    my $j = $ctl->run(qw(doctor --json), @on)->{json};
    is_deeply([ grep { /storage|nonsense|unreachable/ } map { $_->{code} }
            @{ $j->{findings} } ], [], 'what it does not tell is no trouble');
    fails([ qw(cluster migrations c --cancel), @on ], 1,
        'this broker cannot take a migration back: let it finish', 'cancel');
    is($ctl->run(qw(cluster migrations c), @on)->{out},
        "no slots are on the move\n", 'migrations');
    is($ctl->run(qw(cluster list), @on)->{status}, 0, 'cluster list');
}

# ---- A coordinator ----------------------------------------------------------

{
    my $well = stub_proxy(
        INFO => sub { "-ERR_COMMAND_NOT_SUPPORTED: INFO\r\n" });
    my @on = ('--broker', $b->addr, '--json', '--timeout', '1s');

    my %codes = map { $_->{code} => 1 } @{ $ctl->run('doctor', @on,
            '--coordinator', $well->addr)->{json}{findings} };
    ok(!$codes{coordinator_unreachable}, 'any answer is a sign of life');
    %codes = map { $_->{code} => 1 } @{ $ctl->run('doctor', @on,
            '--coordinator', $nobody)->{json}{findings} };
    ok($codes{coordinator_unreachable}, 'none is not');
}

done_testing();
