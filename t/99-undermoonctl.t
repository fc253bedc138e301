#!/usr/bin/perl

# An operator's day with undermoonctl: proxies are registered, a cluster is
# made, looked at, configured, grown, shrunk, failed over and deleted; what
# could lose data is refused or asked for.  The broker is real, the proxies
# only say how they are.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::Broker;
use Undermoon::Ctl qw(stub_proxy);
use Undermoon::Test qw(spew);

my $b = Undermoon::Broker->new(broker => 'storage file @DIR@/meta;')->start;
my $ctl = Undermoon::Ctl->new(broker => $b->addr);
my @proxy = map { stub_proxy() } 1 .. 4;

# What it says, with names of one length for the proxies.
sub named {
    my ($text) = @_;

    for my $i (0 .. $#proxy) {
        my $name = sprintf '%-*s', length $proxy[$i]->addr, 'proxy-' . ($i + 1);
        $text =~ s/\Q@{[ $proxy[$i]->addr ]}\E/$name/g;
    }
    return $text =~ s/ +$//mgr;
}

sub says {
    my ($args, $status, $out, $err, $name) = @_;
    my $r = $ctl->run(@$args);

    $name //= "@$args";
    is($r->{status}, $status, "$name: status");
    is(named($r->{out}), $out, "$name: out");
    is(named($r->{err}), $err, "$name: err");
    return $r;
}

# Every proxy is told what is new.
sub tell_all { $_->Undermoon::Ctl::tell($b, @_) for @proxy }

# And what is on the move has arrived.
sub coordinate {
    my $c = $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster};

    tell_all();
    for my $range (map { @{ $_->{slots} } } @{ $c->{nodes} }) {
        next unless ref $range->{tag} && $range->{tag}{Migrating};
        $b->ask('PUT', '/clusters/migrations',
            { cluster_name => 'mydb', slot_range => $range });
        return;
    }
}

# ---- Proxies and a cluster --------------------------------------------------

for my $i (1 .. 4) {
    my $p = $proxy[$i - 1]->addr;

    says([ qw(proxy add), $p, "node-a$i:1", "node-b$i:1", '--host', "h$i" ], 0,
        sprintf("%-*s: is registered\n", length $p, "proxy-$i"), '',
        "proxy add $i");
}
says([ qw(proxy add), $proxy[0]->addr, 'x:1', 'y:1' ], 1, '',
    "undermoonctl: it is there already (ALREADY_EXISTED)\n", 'proxy add again');
says([qw(proxy add nowhere x:1 y:1)], 1, '',
    'undermoonctl: the address of a proxy is HOST:PORT '
        . "(INVALID_PROXY_ADDRESS)\n", 'proxy add without a port');
says([qw(cluster list)], 0, "CLUSTER  NODES  WITH-SLOTS  STATE\n", '');

says([qw(cluster create mydb)], 2, '',
    "undermoonctl: cluster create wants --nodes, a multiple of 4\n");
says([qw(cluster create mydb --nodes 6)], 1, '',
    'undermoonctl: the number of nodes must be a multiple of 4 '
        . "(INVALID_NODE_NUMBER)\n");
says([qw(cluster create my/db --nodes 4)], 1, '',
    'undermoonctl: the name of a cluster has 1 to 31 of A-Z a-z 0-9 @ _ - '
        . "(INVALID_CLUSTER_NAME)\n");
says([qw(cluster create mydb --nodes 12)], 1, '',
    'undermoonctl: there are not enough spare proxies, or nobody could take '
        . 'over: add proxies on other hosts with "proxy add", and see '
        . "\"doctor\" (NO_AVAILABLE_RESOURCE)\n");
says([qw(cluster create mydb --nodes 4)], 0,
    "mydb: is made; its proxies are told now\n", '');
says([qw(cluster list)], 0, <<'OUT', '', 'cluster list');
CLUSTER  NODES  WITH-SLOTS  STATE
mydb         4           4  settled
OUT

# ---- Looking ----------------------------------------------------------------

# Chunks are made of the first by name.
my ($left, $right) = map {
    my $address = $_->{proxy_address};
    (grep { $_->addr eq $address } @proxy)[0];
} @{ $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster}{nodes} }[ 0, 2 ];
my @spare = grep { $_ != $left && $_ != $right } @proxy;

@proxy = ($left, $right, @spare);
my @node = map { $_->{address} }
    @{ $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster}{nodes} };

tell_all();
$right->Undermoon::Ctl::tell($b,
    $node[3] => { state => 'syncing', link => 0, lag => 77 });
{
    my $r = says([qw(cluster show mydb)], 0, join('',
        "cluster mydb: 4 nodes of 2 proxies, epoch 5, settled\n",
        'PROXY            NODE       ROLE     SLOTS       EPOCH  ',
        "STATE    LINK  LAG  FAULT\n",
        "proxy-1          $node[0]  master   0-8191          5  ",
        "serving  -       -  -\n",
        "proxy-1          $node[1]  replica  -               5  ",
        "in_sync  up      0  -\n",
        "proxy-2          $node[2]  master   8192-16383      5  ",
        "serving  -       -  -\n",
        "proxy-2          $node[3]  replica  -               5  ",
        "syncing  down   77  -\n"), '');

    unlike($r->{out}, qr/\e/, 'no colours where nobody looks');
}

$left->Undermoon::Ctl::tell($b,
    $node[0] => { state => 'down', fault => 'down' });
{
    my $r = $ctl->run(qw(cluster show mydb --json));
    my $j = $r->{json};

    is_deeply([ @$j{qw(name epoch is_migrating scaling_error)} ],
        [ 'mydb', 5, JSON::PP::false(), undef ], 'the cluster as JSON');
    is_deeply($j->{nodes}[0], { proxy => $left->addr, node => $node[0],
            role => 'master', slots => [ [ 0, 8191 ] ], leaving => [],
            coming => [], epoch => 5, state => 'down',
            link => JSON::PP::false(), lag => 0, fault => 'down',
            error => undef }, 'a node with a fault');
    is($r->{out} =~ tr/\n//, 1, 'one line');
    like($ctl->run(qw(cluster show mydb))->{out},
        qr/\Q$node[0]\E .* down .* its Redis does not run$/m, 'in words');
}

$left->pause;
{
    my $r = $ctl->run(qw(cluster show mydb --timeout 300ms));

    is($r->{status}, 0, 'a proxy that is slow spoils nothing');
    like($r->{out}, qr/\Q$node[0]\E .* timed out$/m, 'it is shown so');
    like($r->{out}, qr/\Q$node[2]\E .* serving/m, 'others as ever');
    my $j = $ctl->run(qw(cluster show mydb --timeout 300ms --json))->{json};
    is_deeply([ @{ $j->{nodes}[0] }{qw(epoch state error)} ],
        [ undef, undef, 'timed out' ], 'and in JSON');
}
$left->resume;
tell_all();

says([qw(cluster show nope)], 1, '',
    "undermoonctl: there is no cluster nope: \"cluster list\" has all\n");
{
    my $r = $ctl->run(qw(cluster show nope --json));

    is_deeply($r->{json}{error}, { code => 'CLUSTER_NOT_FOUND', status => 1,
            message => 'there is no cluster nope: "cluster list" has all' },
        'errors are JSON, too');
}

says([qw(proxy list)], 0, join('', map { "$_\n" }
            'PROXY            HOST  CLUSTER  STATE  NODE       NODE',
            map { sprintf '%-17s%-6s%-9s%-7s%-11s%s', $_->{name}, @$_{qw(host
                cluster state)}, @{ $_->{nodes} } }
            map { { %$_, name => (named($_->{address}) =~ /(\S+)/)[0],
                cluster => $_->{cluster} // '-' } }
            @{ $ctl->run(qw(proxy list --json))->{json}{proxies} }), '');
{
    my $j = $ctl->run('proxy', 'show', $left->addr, '--json')->{json};

    is_deeply([ @$j{qw(address cluster state epoch reports)},
            map { $_->{state} } @{ $j->{nodes} } ],
        [ $left->addr, 'mydb', 'used', 5, 0, 'serving', 'in_sync' ],
        'proxy show --json');
    like(named($ctl->run('proxy', 'show', $spare[0]->addr)->{out}),
        qr/^proxy proxy-3 +on host h\d: spare\nit should know epoch 5\nPROXY /,
        'proxy show');
}
says([qw(proxy show no:1)], 1, '',
    "undermoonctl: there is no proxy no:1: \"proxy list\" has all\n");
says([ 'proxy', 'remove', $left->addr ], 1, '',
    'undermoonctl: a cluster uses the proxy: scale the cluster down, or let a '
        . "failover replace the proxy first (IN_USE)\n", 'proxy remove');
says([qw(proxy remove no:1)], 1, '', 'undermoonctl: there is no such proxy: '
        . "\"proxy list\" has all (PROXY_NOT_FOUND)\n");

# ---- Configuration ----------------------------------------------------------

says([qw(cluster config mydb compression_strategy=set_get_only
        migration_scan_count=32)], 0, "mydb: is configured\n", '');
says([qw(cluster config mydb)], 0, <<'OUT', '');
KEY                           VALUE
compression_strategy          set_get_only
migration_max_migration_time  10800
migration_max_blocking_time   10000
migration_scan_interval       500
migration_scan_count          32
OUT
says([qw(cluster config mydb migration_scan_count=0)], 1, '',
    'undermoonctl: the configuration is wrong: migration_scan_count=0: it '
        . "cannot have that value (INVALID_CONFIG)\n");
says([qw(cluster config mydb speed=high)], 1, '',
    'undermoonctl: the configuration is wrong: speed=high: there is no such '
        . "key (INVALID_CONFIG)\n");
says([qw(cluster config mydb speed)], 2, '',
    "undermoonctl: \"speed\" is no KEY=VALUE\n");
is($ctl->run(qw(cluster config mydb --json))->{json}{config}
        {migration_scan_count}, '32', 'config as JSON');

# ---- The doctor -------------------------------------------------------------

tell_all();
{
    my $r = $ctl->run('doctor');

    is($r->{status}, 0, 'the doctor finds nothing') or diag($r->{out});
    is($r->{out}, "all is well\n", 'and says so');
}
$right->Undermoon::Ctl::tell($b,
    $node[3] => { state => 'syncing', link => 0, lag => 77 });
{
    my $r = $ctl->run('doctor');

    is($r->{status}, 1, 'a replica behind is a warning');
    is(named($r->{out}) =~ s/ {5,}:/:/r,
        "warning: node $node[3] of proxy proxy-2: is a replica that has not "
            . "all data: it is syncing, its link is down\n"
            . '    It mends itself while its master lives.  If it goes on: '
            . "does its Redis run, and can it reach its master?\n"
            . "0 errors, 1 warning\n", 'and how to go on');
}
$right->stop;
{
    my $j = $ctl->run(qw(doctor --json))->{json};

    is($j->{status}, 'errors', 'a proxy that is gone is an error');
    is_deeply([ map { "$_->{level} $_->{code} $_->{subject}" }
            @{ $j->{findings} } ],
        [ 'error proxy_unreachable proxy ' . $right->addr ], 'just that');
    is($j->{proxies}, 4, 'all were looked at');
}

# ---- Failover ---------------------------------------------------------------

says([ 'failover', $left->addr, '--yes' ], 1, '',
    sprintf("undermoonctl: its partner %-*s does not answer: connect failed: "
            . "Connection refused: nobody could take over\n",
        length $right->addr, 'proxy-2'), 'failover to nobody');
$right->start;
$right->Undermoon::Ctl::tell($b, $node[3] => { state => 'syncing', lag => 77 });
{
    my $r = $ctl->run('failover', $left->addr, '--yes');
    my $epoch = $b->epoch;

    is($r->{status}, 1, 'failover to a replica that lacks data is refused');
    is($r->{err}, "undermoonctl: node $node[3] of proxy " . $right->addr
            . ' has not all data: it is syncing, 77 bytes behind: nothing was '
            . "changed, for writes could be lost\n", 'with the reason');
    is($b->epoch, $epoch, 'and nothing was changed');
}
tell_all();
says([ 'failover', $left->addr ], 2, '', 'undermoonctl: failover cannot be '
        . "undone: give --yes where nobody can be asked\n", 'failover unasked');
{
    my $r = $ctl->on_terminal("no\n", 'failover', $left->addr);

    is($r->{status}, 1, 'failover, and the answer is no');
    is(named($r->{said}) =~ s/ {5,}/ /gr,
        'Proxy proxy-1 lives.  Its partner proxy-2 takes its masters over, and '
            . "a spare proxy its place.\n"
            . "Type \"yes\" to go on: no\n"
            . "undermoonctl: nothing was done\n", 'what is asked');
}
{
    my $r = $ctl->on_terminal("\x03", 'failover', $left->addr);

    is($r->{status}, 130, 'Ctrl-C at the question');
    like($r->{said}, qr/interrupted: nothing was done\n$/, 'leaves cleanly');
}
{
    my $r = $ctl->on_terminal("yes\n", 'failover', $left->addr);

    is($r->{status}, 0, 'failover, and the answer is yes');
    like(named($r->{said}), qr/proxy-1 +: proxy-[34] +has its place\n$/,
        'who takes its place');
}
tell_all();
{
    my %codes = map { $_->{code} => 1 }
        @{ $ctl->run(qw(doctor --json))->{json}{findings} };

    ok($codes{proxy_failed}, 'the doctor knows of the lost one');
    ok($codes{out_of_balance}, 'and that the masters are on one side');
}

# The replacement's node is to be master again.
{
    my ($heir) = grep { $_->{proxy_address} ne $right->addr }
        @{ $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster}{nodes} };
    my ($mock) = grep { $_->addr eq $heir->{proxy_address} } @proxy;

    $mock->Undermoon::Ctl::tell($b,
        $heir->{address} => { state => 'syncing', lag => 5 });
    my $r = $ctl->run(qw(cluster balance mydb));
    is($r->{status}, 1, 'balance waits for the replica');
    like($r->{err}, qr/has not all data: it is syncing, 5 bytes/, 'and why');
}
tell_all();
says([qw(cluster balance mydb)], 0, "mydb: is balanced\n", '');
tell_all();
{
    my $cl = $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster};

    is_deeply([ map { $_->{repl}{role} } @{ $cl->{nodes} } ],
        [qw(master replica master replica)], 'masters are back');
}
says([ qw(proxy add), $left->addr, @node[ 0, 1 ], qw(--host h9) ], 1, '',
    "undermoonctl: it is there already (ALREADY_EXISTED)\n",
    'registering clears the mark');
tell_all();

# ---- Scaling ----------------------------------------------------------------

says([ qw(cluster scale mydb many) ], 2, '',
    "undermoonctl: \"many\" is no number of nodes\n");
says([ qw(cluster scale nope 8) ], 1, '', 'undermoonctl: there is no such '
        . "cluster: \"cluster list\" has all (CLUSTER_NOT_FOUND)\n");
{
    my $run = $ctl->start(qw(cluster scale mydb 8 --wait --timeout 20s
            --wait-timeout 2s));
    my $r = $ctl->done($run);

    is($r->{status}, 4, 'nobody tells the proxies: not in time');
    like($r->{err}, qr/^undermoonctl: mydb: not in time, but it goes on: /m,
        'it goes on');
}
{
    my $run = $ctl->start(qw(cluster create more --nodes 4));

    is($ctl->done($run)->{status}, 1, 'no proxy is left');
}
tell_all();
Undermoon::Test::wait_for {
    tell_all();
    $b->ask('GET', '/clusters/meta/mydb')->{body} =~ /Migrating/;
} 20;
{
    my $cl = $b->ask('GET', '/clusters/meta/mydb')->{json}{cluster};
    my ($tag) = map { $_->{tag}{Migrating} }
        grep { ref $_->{tag} } map { @{ $_->{slots} } } @{ $cl->{nodes} };
    my ($source) = grep { $_->addr eq $tag->{src_proxy_address} } @proxy;

    spew("$source->{health}.info", "name: mydb\n1 4096-8191 "
            . "$tag->{src_node_address} -> $tag->{dst_node_address} "
            . "SCANNING 12%\n");

    my $r = $ctl->run(qw(cluster migrations mydb));
    is($r->{status}, 0, 'cluster migrations');
    is($r->{out} =~ s/ +/ /gr,
        "SLOTS COUNT FROM-PROXY FROM-NODE TO-PROXY TO-NODE STATE DONE KEYS "
            . "BYTES KEYS/S WHY\n"
            . "4096-8191 4096 $tag->{src_proxy_address} "
            . "$tag->{src_node_address} $tag->{dst_proxy_address} "
            . "$tag->{dst_node_address} SCANNING 12% - - - - -\n"
            . "1 more wait for their turn\n", 'what moves and how far');
    my $j = $ctl->run(qw(cluster migrations mydb --json))->{json};
    is_deeply([ @{ $j->{migrations}[0] }{qw(slots from_node to_node state)},
            $j->{waiting} ],
        [ [ [ 4096, 8191 ] ], $tag->{src_node_address},
            $tag->{dst_node_address}, 'SCANNING 12%', 1 ], 'as JSON');
    like($ctl->run(qw(cluster show mydb))->{out},
        qr/ 0-4095 leaving 4096-8191 .* coming 4096-8191 /s, 'in cluster show');
    like($ctl->run(qw(cluster list))->{out}, qr/slots are on the move$/m,
        'in cluster list');
}
says([qw(cluster migrations mydb --cancel)], 1, '',
    'undermoonctl: a proxy that takes part cannot take a migration back: let '
        . "it finish (CANCEL_NOT_SUPPORTED)\n");
{
    my $run = $ctl->start(qw(cluster scale mydb 4 --wait));

    is($ctl->done($run)->{status}, 1, 'scaling while slots move is refused');
    for (1 .. 10) { coordinate() }
}
{
    my $run = $ctl->start(qw(cluster scale mydb 8 --wait));
    my $r = $ctl->done($run, \&coordinate);

    is($r->{status}, 0, 'it has that many') or diag($r->{err});
    is($r->{out}, "mydb: has 8 nodes\n", 'it says so');
}
says([qw(cluster scale mydb 4 --no-wait)], 0, 'mydb: slots leave 4 nodes; when '
        . "they have, scale it to 4 again to make those spare\n", '');
{
    my $run;

    coordinate() for 1 .. 10;
    $run = $ctl->start(qw(cluster scale mydb 4 --wait --json));
    is_deeply($ctl->done($run, \&coordinate)->{json},
        { name => 'mydb', done => JSON::PP::true() }, 'shrunk, as JSON');
    like($ctl->run(qw(cluster list))->{out}, qr/^mydb +4 +4  settled$/m,
        'its nodes are spare again');
}
{
    my $run = $ctl->start(qw(cluster scale mydb 8 --wait));
    my $r = $ctl->done($run, \&coordinate);

    is($r->{status}, 0, 'grown again, waiting') or diag($r->{err});
    like($r->{err}, qr/^mydb: (?:the proxies are told|\d+ of 8192 slots are)/,
        'how far it is');
}

# ---- A cluster that is waited for, and deleted ------------------------------

says([qw(cluster delete mydb)], 2, '', 'undermoonctl: cluster delete cannot be '
        . "undone: give --yes where nobody can be asked\n");
{
    my $r = $ctl->on_terminal("yes\n", qw(cluster delete mydb));

    is($r->{status}, 1, 'deleting wants the name');
    like($r->{said}, qr/^Cluster mydb has 8 nodes\..*Type "mydb" to go on: /s,
        'that is asked');
    is($ctl->on_terminal("mydb\n", qw(cluster delete mydb))->{status}, 0,
        'with it, it is done');
}
says([qw(cluster delete mydb --yes)], 1, '', 'undermoonctl: there is no such '
        . "cluster: \"cluster list\" has all (CLUSTER_NOT_FOUND)\n");
tell_all();
{
    my $run = $ctl->start(qw(cluster create new --nodes 4 --wait));
    my $r = $ctl->done($run, \&tell_all);

    is($r->{status}, 0, 'made, and all its proxies know it') or diag($r->{err});
    is($r->{out}, "new: is ready\n", 'it says so');
}
says([qw(cluster delete new --yes)], 0, "new: is deleted\n", '');
{
    my $run = $ctl->start(qw(cluster create again --nodes 4 --wait));

    Undermoon::Test::wait_for {
        Undermoon::Test::slurp("$run->{file}.err") =~ /0 of 2 proxies/;
    } 20;
    kill 'INT', $run->{pid};
    my $r = $ctl->done($run);
    is($r->{status}, 130, 'Ctrl-C while it waits');
    like($r->{err}, qr/interrupted: what the broker has been asked for goes/,
        'leaves cleanly');
}

# ---- Small ones -------------------------------------------------------------

{
    my $epoch = $b->epoch;

    says([qw(epoch)], 0, "$epoch\n", '');
    is($ctl->run(qw(epoch --json))->{json}{epoch}, $epoch, 'as JSON');
    spew($proxy[2]{health}, "epoch:5000\r\nin_sync:1\r\n");
    my ($finding) = grep { $_->{code} eq 'epoch_ahead' }
        @{ $ctl->run(qw(doctor --json))->{json}{findings} };
    ok($finding, 'a proxy that is ahead of the broker is found');
    says([qw(epoch recover)], 0,
        "the epoch is beyond that of all proxies that answered\n", '');
    cmp_ok($b->epoch, '>', 5000, 'and the epoch is');
}
like($ctl->run('version')->{out}, qr/^undermoonctl (\S+)\nbroker \S+ \1\n$/,
    'both versions');
like($ctl->run(qw(help cluster create))->{out},
    qr/^usage: undermoonctl cluster create NAME --nodes N \[--wait\]/,
    'help of a command');
is($ctl->run(qw(cluster create --help))->{out},
    $ctl->run(qw(help cluster create))->{out}, 'is its --help');
like($ctl->run(qw(help))->{out}, qr/^  cluster create   /m, 'help of all');
says([qw(help nope)], 2, '', 'undermoonctl: there is no command "nope": '
        . "\"undermoonctl help\" shows all\n");
says([qw(cluster list x)], 2, '', "undermoonctl: cluster list wants nothing "
        . "more\nusage: undermoonctl cluster list\n");
{
    $proxy[0]->stop;
    my $r = $ctl->on_terminal('', qw(doctor --timeout 1s));
    like($r->{said}, qr/^\e\[3[13]m(?:error|warning)\e\[0m: /m,
        'colours on a terminal');
    unlike($ctl->on_terminal('', qw(doctor --timeout 1s --no-colour))->{said},
        qr/\e/, 'not with --no-colour');
    local $ctl->{env} = { NO_COLOR => 1 };
    unlike($ctl->on_terminal('', qw(doctor --timeout 1s))->{said}, qr/\e/,
        'nor with NO_COLOR');
}

done_testing();
