#!/usr/bin/perl

# gen-table.pl [SRCDIR [OUTDIR]]
#
# Joins redis-7.0.json (what Redis says of its commands) with ours.txt (what we
# do with them), and writes src/resp/um_cmd_table.c and docs/commands.md, or
# both into OUTDIR.  The page also shows differences.txt.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use FindBin;
use JSON::PP;
use lib $FindBin::Bin;
use DifferenceList qw(read_differences);

my $top = shift // "$FindBin::Bin/../..";
my $here = "$top/contrib/commands";
my $out = shift;
my $table = ($out // "$top/src/resp") . '/um_cmd_table.c';
my $page = ($out // "$top/docs") . '/commands.md';

my %how = (forward => 'FORWARD', keyless => 'KEYLESS', split => 'SPLIT',
    self => 'SELF', unsupported => 'UNSUPPORTED', never => 'NEVER');
my %option = map { $_ => 1 } qw(finder deletes barrier control limited arity
    flags since group summary note);

# Few slots of the hash table are taken twice; these words never wait.
my @hot = qw(get set mget mset incr del exists expire hget hset hgetall lpush
    rpush lpop rpop sadd zadd ping setex getset hmget decr ttl);

sub slurp {
    my ($path) = @_;

    open my $f, '<', $path or die "$path: $!\n";
    local $/;
    return <$f>;
}

# --- what we do

sub read_ours {
    my (%ours, $n);

    for (split /\n/, slurp("$here/ours.txt")) {
        $n++;
        next if /^\s*(?:#|$)/;
        my ($line, $why) = split / -- /, $_, 2;
        my ($name, $how, $rest) = split ' ', $line, 3;
        my %o = (why => $why);

        ($o{how}, $o{arg}) = split /:/, $how, 2;
        $how{ $o{how} } or die "ours.txt:$n: what is '$how'?\n";
        $rest //= '';
        while ($rest =~ s/^\s*([a-z-]+)(?:=(?:"([^"]*)"|(\S+)))?//) {
            $option{$1} or die "ours.txt:$n: what is '$1'?\n";
            $o{$1} = $2 // $3 // 1;
        }

        $rest =~ /\S/ and die "ours.txt:$n: what is '$rest'?\n";
        defined $why == ($o{how} =~ /^(?:unsupported|never)$/)
            or die "ours.txt:$n: '--' belongs to what is refused\n";
        $ours{$name} = \%o;
    }

    return %ours;
}

# A command only we have, in the form of Redis' facts.
sub new_fact {
    my ($name, $o) = @_;

    return {
        name => $name, arity => $o->{arity}, specs => [], subs => [],
        flags => [ split /,/, $o->{flags} ], first => 0, last => 0,
        step => 0, acl => [], tips => [], summary => $o->{summary},
        since => $o->{since} // '', group => $o->{group},
    };
}

sub merge {
    my ($facts, %ours) = @_;
    my %by_name;

    $by_name{ $_->{name} } = $_ for map { $_, @{ $_->{subs} } } @$facts;

    for my $name (sort keys %ours) {
        next if $by_name{$name};
        defined $ours{$name}{arity}
            or die "ours.txt: Redis has no command '$name'\n";
        my $new = $by_name{$name} = new_fact($name, $ours{$name});
        my ($parent) = $name =~ /^(.*)\|/;

        push @{ $parent ? $by_name{$parent}{subs} : $facts }, $new;
    }

    for my $name (sort keys %by_name) {
        $by_name{$name}{ours} = $ours{$name}
            // die "ours.txt has no line for '$name'\n";
    }

    @{ $_->{subs} } = sort { $a->{name} cmp $b->{name} } @{ $_->{subs} }
        for @$facts;
    @$facts = sort { $a->{name} cmp $b->{name} } @$facts;
}

# --- C

my (@arrays, %array_name);

sub c_string {
    my ($s) = @_;

    return defined $s ? '"' . ($s =~ s/(["\\])/\\$1/gr) . '"' : 'NULL';
}

sub c_bool { $_[0] ? 'true' : 'false' }

# A static array with these elements; equal ones are shared.
sub c_array {
    my ($type, $prefix, @elements) = @_;
    my $body = join ', ', @elements;

    return 'NULL' unless @elements;
    return $array_name{$type}{$body} //= do {
        my $name = $prefix . '_' . keys %{ $array_name{$type} };

        push @arrays, "static const $type$name\[] = { $body };";
        $name;
    };
}

sub c_flags {
    my ($prefix, @flags) = @_;

    return @flags ? join ' | ', map { $prefix . uc tr/-/_/r } @flags : '0';
}

# Which specifications may lose their key: by ours, or by what Redis says.
sub spec_deletes {
    my ($cmd, $i) = @_;
    my $ours = $cmd->{ours}{deletes};

    return grep { $_ eq 'delete' } @{ $cmd->{specs}[$i]{flags} }
        unless defined $ours;
    return grep { $_ eq $i + 1 } split /,/, $ours;
}

sub c_spec {
    my ($cmd, $i) = @_;
    my $s = $cmd->{specs}[$i];
    my %f = map { $_ => 1 } @{ $s->{flags} };
    my ($b, $k) = ($s->{begin_search}, $s->{find_keys});
    my %begin = (unknown => [ 0, undef ],
        index => [ $b->{spec}{index}, undef ],
        keyword => [ $b->{spec}{startfrom}, $b->{spec}{keyword} ]);
    my %find = (unknown => [ 0, 0, 0 ],
        range => [ @{ $k->{spec} }{qw(lastkey keystep limit)} ],
        keynum => [ @{ $k->{spec} }{qw(keynumidx firstkey keystep)} ]);
    my ($index, $keyword) = @{ $begin{ $b->{type} } };

    return '{ ' . join(', ', 'UM_KEY_BEGIN_' . uc $b->{type},
        'UM_KEY_FIND_' . uc $k->{type}, c_bool($f{RO} || $f{RW}),
        c_bool($f{RW} || $f{OW} || $f{RM}), c_bool(spec_deletes($cmd, $i)),
        c_bool($f{not_key}), c_bool($f{incomplete}),
        $index, c_string($keyword), @{ $find{ $k->{type} } },
        c_flags('UM_KEY_', @{ $s->{flags} }), c_string($s->{notes})) . ' }';
}

sub finder {
    my ($cmd) = @_;
    my @s = @{ $cmd->{specs} };

    return uc $cmd->{ours}{finder} if $cmd->{ours}{finder};
    return 'NONE' unless @s;
    return 'RANGE' if @s == 1 && $s[0]{begin_search}{type} eq 'index'
        && $s[0]{find_keys}{type} eq 'range' && !$s[0]{find_keys}{spec}{limit};
    return 'SPECS';
}

sub flags {
    my ($cmd) = @_;
    my $o = $cmd->{ours};
    my @f = sort @{ $cmd->{flags} };

    push @f, 'may_delete'
        if grep { spec_deletes($cmd, $_) } 0 .. $#{ $cmd->{specs} };
    push @f, grep { $o->{$_} } qw(barrier control limited);
    push @f, 'container' if @{ $cmd->{subs} };
    return @f;
}

# Subcommands are numbered behind all commands.
my $next_sub;

# The initialiser of one um_cmd_t; its subcommands go before it.
sub c_cmd {
    my ($cmd, $index) = @_;
    my $o = $cmd->{ours};
    my @subs = map { c_cmd($_, $next_sub++) } @{ $cmd->{subs} };
    my @specs = map { c_spec($cmd, $_) } 0 .. $#{ $cmd->{specs} };
    my @acl = map { c_string(s/^@//r) } @{ $cmd->{acl} };
    my @tips = map { c_string($_) } @{ $cmd->{tips} };
    my @field = (
        [ name => c_string($cmd->{name}) ],
        [ arity => $cmd->{arity} ],
        [ how => "UM_HOW_$how{ $o->{how} }" ],
        [ join => $o->{how} eq 'split' && "UM_JOIN_\U$o->{arg}" ],
        [ self => $o->{how} eq 'self' && "UM_SELF_\U$o->{arg}" ],
        [ finder => 'UM_FINDER_' . finder($cmd) ],
        [ spec_count => scalar @specs ],
        [ first => $cmd->{first} ],
        [ last => $cmd->{last} ],
        [ step => $cmd->{step} ],
        [ sub_count => scalar @subs ],
        [ index => $index ],
        [ flags => c_flags('UM_CMD_', flags($cmd)) ],
        [ specs => @specs && c_array('um_key_spec_t ', 'specs', @specs) ],
        [ subs => @subs && c_array('um_cmd_t ', 'subs', @subs) ],
        [ acl_categories => c_array('char *const ', 'acl', @acl, 'NULL') ],
        [ tips => c_array('char *const ', 'tips', @tips, 'NULL') ],
        [ why => defined $o->{why} && c_string($o->{why}) ],
        [ summary => c_string($cmd->{summary}) ],
        [ since => c_string($cmd->{since}) ],
        [ group => c_string($cmd->{group}) ],
    );

    return '{ ' . join('', map { ".$_->[0] = $_->[1], " }
        grep { $_->[1] } @field) . '}';
}

# Twin of cmd_word() and um_cmd_hash().
sub name_word { unpack 'Q<', pack 'a8', $_[0] }

sub name_hash {
    my ($name) = @_;
    my $fold = $name | ("\x20" x length $name);
    my $tail = length $fold > 8 ? name_word(substr $fold, -8) : 0;
    my $h = name_word($fold) ^ ($tail << 1);

    { use integer; $h *= 0x9e3779b97f4a7c15; }
    return ($h & 0xffffffffffffffff) >> (64 - 9);
}

sub c_slots {
    my (@names) = @_;
    my %index = map { $names[$_] => $_ } 0 .. $#names;
    my %hot = map { $_ => 1 } @hot;
    my (@slot, @lines);

    for my $name (@hot, grep { !$hot{$_} } @names) {
        my $at = name_hash($name);

        $at = ($at + 1) % 512 while $slot[$at];
        $slot[$at] = $name;
    }

    for my $at (grep { $slot[$_] } 0 .. 511) {
        my $name = $slot[$at];
        my $whole = length $name <= 8 && $name !~ /[^a-z]/;
        my $word = name_word($name | ("\x20" x length $name));

        push @lines, sprintf "[%d] = { UINT64_C(0x%016x), %d, %s, %d },", $at,
            $word, length $name, c_bool($whole), $index{$name};
    }

    return @lines;
}

sub write_table {
    my (@facts) = @_;
    my @cmds = do {
        $next_sub = @facts;
        map { c_cmd($facts[$_], $_) } 0 .. $#facts;
    };
    my $format = `clang-format --version 2>/dev/null`;

    open my $f, '>', $table or die "$table: $!\n";
    print $f <<'END', join("\n\n", @arrays), "\n\n",
/*
 * um_cmd_table.c -- the commands, written by contrib/commands/gen-table.pl.
 *
 * Do not edit: the facts are in contrib/commands/redis-7.0.json, what we do
 * with them in contrib/commands/ours.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "resp/um_cmd_table.h"

END
        "const um_cmd_t um_cmd_table[] = {\n", map({ "$_,\n" } @cmds), "};\n\n",
        "const uint16_t um_cmd_table_len = um_countof(um_cmd_table);\n",
        "const uint16_t um_cmd_table_indices = $next_sub;\n\n",
        "const um_cmd_slot_t um_cmd_slots[UM_CMD_HASH_SIZE] = {\n",
        map({ "$_\n" } c_slots(map { $_->{name} } @facts)), "};\n";
    close $f or die "$table: $!\n";

    $format or warn "no clang-format: $table is not laid out\n";
    system 'clang-format', "--style=file:$top/.clang-format", '-i', $table
        if $format;
}

# --- docs

my %says = (
    forward => 'forwarded by its keys',
    keyless => 'any node of this proxy',
    split => 'forwarded; split over nodes with active redirection',
    self => 'answered by the proxy',
    unsupported => 'not yet',
    never => 'never',
);

sub doc_row {
    my ($cmd) = @_;
    my $o = $cmd->{ours};
    my @note = grep { defined } $o->{why}, $o->{note};

    push @note, 'with subcommands, below'
        if @{ $cmd->{subs} } && !defined $o->{why};
    push @note, ($o->{finder} // '') eq 'xread'
        ? 'with BLOCK [it may wait](blocking.md)' : '[may wait](blocking.md)'
        if grep { $_ eq 'blocking' } @{ $cmd->{flags} };
    push @note, ($o->{finder} // '') eq 'sort'
        ? 'BY and GET only with the {tag} of its key'
        : 'not into another database' if $o->{limited};
    push @note, 'all replies wait for it' if $o->{barrier};
    push @note, 'needs control rights where a password is set' if $o->{control};
    push @note, 'without keys: any node of this proxy'
        if grep { $_ eq 'no_mandatory_keys' } @{ $cmd->{flags} };

    return sprintf "| %s | %s | %s |\n", uc($cmd->{name} =~ s/\|/ /r),
        $says{ $o->{how} }, join '; ', @note;
}

# The differences: where a reply is another one, and what is left to chance.
my %where_says = (
    cluster => 'as a cluster', active => 'with active redirection',
    resp2 => 'in RESP2', resp3 => 'in RESP3',
    clustered => 'against a Redis Cluster',
);
my %kind_says = (
    sorted => 'another order', number => 'other numbers',
    near => 'numbers a little later', seconds => 'numbers a little later',
    shape => 'another of the same type',
);

sub code { defined $_[0] ? "`$_[0]`" : '' }

sub difference_row {
    my ($e) = @_;
    my $reply = $e->{kind} eq 'differs' ? code($e->{reply})
        : $e->{kind} eq 'cluster' ? code($e->{reply}) . ' as a Redis Cluster'
        : $kind_says{ $e->{kind} };
    my $where = join ', ', map { $where_says{$_} // () } @{ $e->{where} };

    return sprintf "| %s | %s | %s | %s |\n", code($e->{request}), $reply,
        $where, $e->{why};
}

sub difference_docs {
    my @list = read_differences("$here/differences.txt");
    my @by_chance = grep { $kind_says{ $_->{kind} } } @list;
    my @others = grep { !$kind_says{ $_->{kind} } } @list;

    return <<'END', map({ difference_row($_) } @others), "\n", <<'END2',

## Where the answer is another one

`t/73-differential*.t` say every command rightly and in many wrong ways to a
plain redis-server 7.0.15 and to a proxy, and compare replies and data.  What is
refused above is refused with `ERR command 'NAME' is not supported: why`; all
other differences are these.  `*` is anything, `@x` a key; what is in the last
column but one holds only there.

| request | reply of undermoond | where | why |
|---|---|---|---|
END
Time and chance may change these:

| request | may have | where | why |
|---|---|---|---|
END2
        map { difference_row($_) } @by_chance;
}

sub write_docs {
    my ($version, @facts) = @_;
    my (%group, %count);

    push @{ $group{ $_->{group} } }, $_ for @facts;
    for my $cmd (map { @{ $_->{subs} } ? @{ $_->{subs} } : $_ } @facts) {
        $count{ $cmd->{ours}{how} }++;
    }

    open my $f, '>', $page or die "$page: $!\n";
    print $f <<"END";
# Commands

What undermoon does with each command of Redis 7.0 (facts of $version) and with
its own.  This page is written by `contrib/commands/gen-table.pl` from the same
table the proxy is built with.

- **forwarded by its keys**: goes, as it is, to the node that has the slot of
  its keys.  All keys must be in one slot, else `CROSSSLOT`; a slot of another
  proxy is answered with `MOVED`, or passed on with active redirection.
- **split over nodes**: with active redirection the keys may be in any slots;
  the parts are not one atomic command then.
- **any node of this proxy**: has no keys and asks nothing about them.
- **answered by the proxy**: never reaches a Redis.
- **not yet**: refused with an error that says why; nothing is forwarded.
- **never**: refused for good: it controls a Redis or would break the cluster.

What changes for strings when the cluster compresses values is told in
[compression.md](compression.md).

Subcommands counted one by one:
END
    print $f join(', ', map { "$count{$_} $says{$_}" }
        grep { $count{$_} } qw(forward split keyless self unsupported never)),
        ".\n";

    for my $group (sort keys %group) {
        print $f "\n## \u$group\n\n| command | how | |\n|---|---|---|\n";
        for my $cmd (@{ $group{$group} }) {
            print $f doc_row($cmd)
                unless @{ $cmd->{subs} } && $cmd->{ours}{how} ne 'self';
            print $f map { doc_row($_) } @{ $cmd->{subs} };
        }
    }

    print $f difference_docs(), <<'END';

## RESP3 and the state of a connection

`HELLO 3` (with `AUTH` and `SETNAME` in it, if wanted) makes a connection speak
RESP3: its commands go over connections to the nodes that speak it too, so that
every reply is as Redis says it, and what the proxy answers itself has the types
of Redis 7.0: maps, sets, verbatim strings, nulls.  `UMCTL` keeps its arrays.
Where a local node is older than 6.0 the answer is `NOPROTO`.

`CLIENT REPLY` counts from the command behind it, also within a pipeline.  A
muted reply takes no memory, an error is not said either, and what a client must
wait for it waits for.

`CLIENT NO-EVICT ON` spares a client when `buffer_memory` is used up, until it
is used up twice over; `client_output_limit` holds for it as for all.  `CLIENT
NO-TOUCH ON` is refused: clients share the connections to the nodes, and it
would be theirs, too.  `CLIENT TRACKING ON` is refused as long as invalidation
messages are not passed on: a client that misses one reads an old value for
ever.  `CLIENT TRACKING OFF`, `TRACKINGINFO`, `GETREDIR` and `CACHING` answer
as a Redis whose client does not track.

`COMMAND DOCS` is what a local Redis of 7.0 or later says of the commands that
the proxy has; without one, or for more than 1,024 names, it is the summary,
first version and group of each.

## Commands this table does not know

A command unknown here is forwarded when `COMMAND` of every local node describes
it with the same keys and it has no blocking, pub/sub or admin flag; or when the
configuration names it (`command NAME ...;`).  All others are answered with
Redis' `ERR unknown command`.
END
    close $f or die "$page: $!\n";
}

my $json = decode_json(slurp("$here/redis-7.0.json"));
my @facts = @{ $json->{commands} };

merge(\@facts, read_ours());
write_table(@facts);
write_docs($json->{redis_version}, @facts);
