package Undermoon::Differential;

# Says the same to a plain Redis and to a proxy, and compares what they say
# and what they have then.
#
#   my $d = Undermoon::Differential->new(proxy => $c->proxy,
#       nodes => [ $c->nodes ], where => 'cluster', protocol => 2);
#   my @unlike = $d->section($section);
#
# What may differ is in contrib/commands/differences.txt, which docs/commands.md
# shows; the head of that file tells its form.  SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Sequence qw(sequences step_bytes step_text);
use Undermoon::Test qw(redis slurp wait_for free_port);
use Undermoon::Wire qw(split_replies);

my $top = $ENV{UM_SRCDIR} // '.';
my $none = '0' x 40;

# ---- the list of differences --------------------------------------------

sub glob_regex {
    my ($glob) = @_;

    return join '', map { $_ eq '*' ? '.*' : quotemeta } split /(\*)/, $glob;
}

sub differences {
    my (@list, $n);

    for (split /\n/, slurp("$top/contrib/commands/differences.txt")) {
        $n++;
        next if /^\s*(?:#|$)/;
        my ($kind, $where, $request, $reply, $why) =
            /^(\S+)\s+(\S+)\s+(.*?)(?:\s+=>\s+(.*?))?\s+--\s+(.*)$/
            or die "differences.txt:$n: $_\n";
        my ($re, $reply_re) = map { glob_regex($_ // '*') } $request, $reply;

        push @list, { kind => $kind, request => $request, why => $why,
            where => [ grep { $_ ne 'any' } split /,/, $where ],
            match => qr/^$re$/is, reply => qr/^$reply_re$/s, line => $n };
    }

    return @list;
}

# Names that are refused, with the reason.
sub refused {
    my %why;

    for (split /\n/, slurp("$top/contrib/commands/ours.txt")) {
        $why{ $1 =~ tr/|/ /r } = $2
            if /^([^#\s]\S*)\s+(?:never|unsupported)\s.*?--\s+(.*)$/;
    }

    return %why;
}

# ---- two sides ----------------------------------------------------------

sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, list => [ differences() ], refused => { refused() },
        seen => {}, count => {}, reason => {} }, $class;

    $self->{oracle}{plain} = redis();
    $self->{oracle}{clustered} = clustered();

    $self->{control}{$_} = [ Undermoon::Wire->new($self->{oracle}{$_}->addr) ]
        for keys %{ $self->{oracle} };
    $self->{control}{um} =
        [ map { Undermoon::Wire->new($_->addr) } @{ $o{nodes} } ];
    $self->{base} = $self->digest_base;
    return $self;
}

# A Redis that is a whole cluster.
sub clustered {
    my $r = redis(more => [ qw(--cluster-enabled yes --cluster-port),
        free_port() ]);

    $r->cmd(qw(CLUSTER ADDSLOTSRANGE 0 16383));
    wait_for { $r->cmd(qw(CLUSTER INFO)) =~ /cluster_state:ok/ } 10
        or die 'the clustered Redis does not start';
    return $r;
}

sub xor_hex { unpack 'H*', pack('H*', $_[0]) ^ pack('H*', $_[1]) }

# What each database that has keys adds to its digest.
sub digest_base {
    my ($self) = @_;
    my $c = $self->{control}{plain}[0];
    my @said = map { s/^\+|\r\n//gr } $c->ask([qw(FLUSHALL)], [qw(SET a 1)],
        [qw(DEBUG DIGEST)], [qw(SET b 1)], [qw(DEBUG DIGEST)], [qw(DEL a)],
        [qw(DEBUG DIGEST)], [qw(FLUSHALL)]);

    return xor_hex(xor_hex($said[2], $said[4]), $said[6]);
}

# Empty these servers; what they had, as one digest.
sub empty {
    my ($self, $side, $scripts) = @_;
    my @more = $scripts ? ([qw(SCRIPT FLUSH)], [qw(FUNCTION FLUSH)]) : ();
    my ($all, $n) = ($none, 0);

    for my $c (@{ $self->{control}{$side} }) {
        my ($digest) = $c->ask([qw(DEBUG DIGEST)], ['FLUSHALL'], @more);
        $digest =~ s/^\+|\r\n//g;
        next if $digest eq $none;
        $all = xor_hex($all, $digest);
        $all = xor_hex($all, $self->{base}) if $n++;
    }

    return $all;
}

# A connection of this side; @_ may ask for a new one.
sub connection {
    my ($self, $side, $on, $fresh) = @_;
    my $c = $self->{connection}{$side}{$on};

    return $c if $c && $c->is_open && !$fresh;
    my $addr = ($self->{oracle}{$side} // $self->{proxy})->addr;
    $c = $self->{connection}{$side}{$on} = Undermoon::Wire->new($addr);
    $c->ask([qw(HELLO 3)]) if $self->{protocol} == 3;
    return $c;
}

sub somebody_is_blocked {
    my ($self, $side) = @_;

    return grep { join('', $_->ask([qw(INFO clients)]))
        =~ /^blocked_clients:[1-9]/m } @{ $self->{control}{$side} };
}

# Say a sequence to one side; two sides may be busy with it at a time.
# Returns what fetches the bytes that came.
sub say_sequence {
    my ($self, $side, $seq, $section) = @_;
    my $o = { tag => $self->{tag}, between => $seq->{between} };
    my (@runs, %used);

    for my $step (@{ $seq->{steps} }) {
        push @runs, [ $step->{on} ] unless @runs && $runs[-1][0] == $step->{on};
        $runs[-1][1] .= step_bytes($step, $o);
    }

    my $got = '';
    for my $run (@runs) {
        my ($on, $bytes) = @$run;
        my $c = $self->connection($side, $on, $section->{fresh} && !$used{$on});

        # Connection 2 speaks when 1 is blocked, 3 when it has its answers.
        wait_for { $self->somebody_is_blocked($side) } 3 if $on == 2;
        if ($on == 3) {
            $_->say_mark, $got .= $_->said for values %used;
            %used = ();
        }
        my $is_last = $run == $runs[-1];
        $c->say($on == 2 || $is_last ? ($bytes, 1) : $bytes);
        if ($on == 2) {
            $got .= $c->said;
        } else {
            $used{$on} = $c;
        }
    }

    $_->say_mark for map { $used{$_} } grep { $_ != $runs[-1][0] } keys %used;
    return sub { $got . join '', map { $_->said } @used{ sort keys %used } };
}

# ---- judging ------------------------------------------------------------

# Which lines of the list hold here?
sub listed {
    my ($self, $oracle) = @_;
    my %here = map { $_ => 1 } $self->{where}, "resp$self->{protocol}",
        $oracle // keys %{ $self->{oracle} };

    return grep { !grep { !$here{$_} } @{ $_->{where} } } @{ $self->{list} };
}

sub sorted {
    my ($reply) = @_;
    my ($head, $rest) = $reply =~ /\A([*~>%|]\d+\r\n)(.*)\z/s
        or return $reply;
    my @parts = map { sorted($_) } split_replies($rest);

    return $head . join '', sort @parts;
}

my %alike = (
    sorted => sub { sorted($_[0]) eq sorted($_[1]) },
    number => sub { $_[0] =~ s/\d+/0/gr eq $_[1] =~ s/\d+/0/gr },
    shape  => sub { substr($_[0], 0, 1) eq substr $_[1], 0, 1 },
    near   => sub {
        my ($a, $b) = @_;
        my (@a, @b);

        $a =~ s/(\d+)/push @a, $1; 0/ge;
        $b =~ s/(\d+)/push @b, $1; 0/ge;
        return $a eq $b && !grep { abs($a[$_] - $b[$_]) > 3000 } 0 .. $#a;
    },
);

sub note_difference {
    my ($self, $entry) = @_;

    $self->{seen}{ $entry->{line} }++ if $entry->{line};
    $self->{reason}{ $entry->{why} }++;
}

# undef: alike.  0: they may differ so, but not in effect.  1: a listed
# difference.  Otherwise what is wrong.  $cluster tells what a Redis Cluster
# says.
sub judge {
    my ($self, $step, $oracle, $want, $got, $cluster) = @_;
    my $text = step_text($step) =~ s/^inline //r;

    return if $want eq $got;

    for my $e ($self->listed($oracle)) {
        next if $text !~ $e->{match};
        next if $e->{kind} eq 'cluster' && $got ne ($cluster->() // '');
        if (my $alike = $alike{ $e->{kind} }) {
            next unless $alike->($want, $got);
            $self->{seen}{ $e->{line} }++;
            $self->{count}{loose}++;
            return 0;
        }
        next if $got !~ $e->{reply};
        $self->note_difference($e);
        return 1;
    }

    if ($got =~ /^-ERR command '([^']+)' is not supported/) {
        my $name = $1 =~ tr/|/ /r;
        if (my $why = $self->{refused}{$name}) {
            $self->{refusals}{$name}++;
            $self->note_difference({ why => $why });
            return 1;
        }
    }

    return "$text\n    redis     " . printable($want)
        . "\n    undermoon " . printable($got);
}

sub printable {
    my ($bytes) = @_;

    return '(nothing)' if $bytes eq '';
    $bytes =~ s/\r\n/ /g;
    $bytes =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    return length $bytes > 600 ? substr($bytes, 0, 600) . '...' : $bytes;
}

# The replies of one side to a sequence.
sub alone {
    my ($self, $side, $seq, $section) = @_;
    my @said = split_replies(
        $self->say_sequence($side, $seq, $section)->());

    $self->empty($side, $section->{scripts});
    return @said;
}

# One sequence to both; what differs though nobody said it may.
sub compare {
    my ($self, $seq, $section, $oracle) = @_;
    my @fetch = map { $self->say_sequence($_, $seq, $section) } $oracle, 'um';
    my ($want, $got) = map { $_->() } @fetch;
    my @had = map { $self->empty($_, $section->{scripts}) } $oracle, 'um';
    my @steps = @{ $seq->{steps} };
    my ($loose, $listed, @unlike);

    $self->{count}{sequences}++;
    $self->{count}{comparisons} += @steps + 1;

    if ($want ne $got) {
        my @want = split_replies($want);
        my @got = split_replies($got);

        # Without one reply to each there is only the whole.
        if (@want != @steps || @got != @steps || grep { $_->{on} > 1 } @steps) {
            @steps = ($steps[-1]);
            (@want, @got) = ();
            ($want[0], $got[0]) = ($want, $got);
        }
        for my $i (0 .. $#steps) {
            my $v = $self->judge($steps[$i], $oracle, $want[$i], $got[$i],
                sub { ($self->alone('clustered', $seq, $section))[$i] });

            next unless defined $v;
            if ($v eq '0') {
                $loose++;
            } else {
                push @unlike, $v if $v ne '1';
                $listed++;
                last; # what follows follows from that
            }
        }
    }

    push @unlike, 'what the servers have then'
        if $had[0] ne $had[1] && !$loose && !$listed;
    return map { "$seq->{label}: " . join(' ; ',
        map { step_text($_) } @{ $seq->{steps} }) . "\n  at $_" } @unlike;
}

# All of a section; the failures.
sub section {
    my ($self, $section) = @_;
    my $oracle = $section->{cluster} ? 'clustered' : 'plain';
    my @unlike;

    $self->empty($_, 1) for keys %{ $self->{control} };
    for my $seq (sequences($section)) {
        push @unlike, $self->compare($seq, $section, $oracle);
    }

    delete $self->{connection} if $section->{fresh};
    return @unlike;
}

# Lines of the list that hold here but were not seen.
sub vanished {
    my ($self) = @_;

    return map { "$_->{kind} $_->{request} (line $_->{line})" }
        grep { !$self->{seen}{ $_->{line} } } $self->listed;
}

1;
