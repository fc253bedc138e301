package Undermoon::Differential;

# Says the same to a plain Redis and to a proxy, and compares what they say
# and what they have then.
#
#   my $d = Undermoon::Differential->new(proxy => $c->proxy,
#       nodes => [ $c->nodes ], tags => sub { .. }, differences => $list,
#       protocol => 2);
#   my @unlike = $d->section($section);
#
# A section's sequences are said in one go, each to keys of its own; only what
# changes its connection has one to itself.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Sequence qw(sequences step_bytes step_text is_talk);
use Undermoon::Test qw(redis wait_for free_port);
use Undermoon::Wire qw(split_replies);

my $none = '0' x 40;

# Nothing is slow by chance.
my @oracle = qw(--slowlog-log-slower-than -1);

# Sequences and bytes said in one go, at most.
my ($batch_max, $batch_bytes) = (60, 200_000);

# ---- the servers --------------------------------------------------------

sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, count => {} }, $class;

    $self->{oracle} = { plain => redis(more => [ @oracle ]),
        clustered => clustered() };
    $self->{control}{$_} = [ Undermoon::Wire->new($self->{oracle}{$_}->addr) ]
        for keys %{ $self->{oracle} };
    $self->{control}{um} =
        [ map { Undermoon::Wire->new($_->addr) } @{ $o{nodes} } ];
    $self->{base} = $self->digest_base;

    # What is over is away when somebody looks, not by and by.
    $_->ask([qw(DEBUG SET-ACTIVE-EXPIRE 0)])
        for map { @$_ } values %{ $self->{control} };
    return $self;
}

# A Redis that is a whole cluster.
sub clustered {
    my $r = redis(more => [ @oracle, qw(--cluster-enabled yes
        --cluster-port), free_port() ]);

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

# Connection $on of this side, a new one where the section wants that.
sub connection {
    my ($self, $side, $on, $section) = @_;
    my $c = $self->{connection}{$side}{$on};

    return $c if $c && $c->is_open && !$section->{fresh};
    my $addr = ($self->{oracle}{$side} // $self->{proxy})->addr;
    $c = $self->{connection}{$side}{$on} = Undermoon::Wire->new($addr,
        $section->{silent} ? 0.3 : 10);
    $c->ask([qw(HELLO 3)]) if $self->{protocol} == 3;
    return $c;
}

# ---- saying -------------------------------------------------------------

# Say sequences to one side; two sides may be busy at a time.  Returns what
# fetches the bytes that came, of each.
sub speak {
    my ($self, $side, $section, @seqs) = @_;

    return $self->talk($side, $section, @seqs) if is_talk($seqs[0]);
    my $c = $self->connection($side, 1, $section);

    return $self->speak_slowly($c, $seqs[0]) if $seqs[0]{apart};
    $c->say_marked(map { my $seq = $_;
        join '', map { step_bytes($_, $seq) } @{ $seq->{steps} } } @seqs);
    return sub {
        my @said = $c->said(scalar @seqs);
        return map { $_ // '(nothing)' } @said[ 0 .. $#seqs ];
    };
}

# Each command when the one before is answered.
sub speak_slowly {
    my ($self, $c, $seq) = @_;
    my $said = '';

    for my $step (@{ $seq->{steps} }) {
        $c->say_marked(step_bytes($step, $seq));
        $said .= $c->said;
    }

    return sub { $said };
}

sub somebody_is_blocked {
    my ($self, $side) = @_;

    return grep { join('', $_->ask([qw(INFO clients)]))
        =~ /^blocked_clients:[1-9]/m } @{ $self->{control}{$side} };
}

# Connection 1 says all it has, and then, when it is blocked, connection 2.
sub talk {
    my ($self, $side, $section, $seq) = @_;
    my ($one, $two) = map { $self->connection($side, $_,
        { fresh => 1 }) } 1, 2;
    my @bytes = ('') x 3;

    $bytes[ $_->{on} ] .= step_bytes($_, $seq) for @{ $seq->{steps} };
    $one->say($bytes[1]);
    wait_for { $self->somebody_is_blocked($side) } 3;
    $two->say_marked($bytes[2]);

    my $said = $two->said;
    $one->say_marked('');
    return sub { $said . $one->said };
}

# ---- comparing ----------------------------------------------------------

# undef, 0, 1 or a text, as Undermoon::Differences::judge() has it.
sub judge {
    my ($self, $seq, $section, $oracle, $want, $got) = @_;
    my @steps = @{ $seq->{steps} };
    my $loose;

    $self->{differences}->asked($_) for @steps;
    return undef if $want eq $got;

    my @want = split_replies($want);
    my @got = split_replies($got);

    # Without one reply to each there is only the whole.
    if (@want != @steps || @got != @steps || is_talk($seq)) {
        @steps = ($steps[-1]);
        @want = ($want);
        @got = ($got);
    }

    for my $i (0 .. $#steps) {
        my $v = $self->{differences}->judge($steps[$i], $oracle, $want[$i],
            $got[$i], sub { $self->cluster_says($seq, $section, $i) });

        next unless defined $v;
        return $v if $v ne '0'; # what follows, follows from that
        $loose = 1;
    }

    return $loose ? 0 : undef;
}

sub cluster_says {
    my ($self, $seq, $section, $i) = @_;
    my ($said) = $self->speak('clustered', $section, $seq)->();

    $self->empty('clustered');
    return (split_replies($said))[$i];
}

# Sequences to both.  Have the servers the same then? and each one's verdict.
sub compare {
    my ($self, $section, $oracle, @seqs) = @_;
    my @fetch = map { $self->speak($_, $section, @seqs) } $oracle, 'um';
    my ($want, $got) = map { [ $_->() ] } @fetch;
    my @had = map { $self->empty($_, $section->{scripts}) } $oracle, 'um';

    return ($had[0] eq $had[1], map {
        $self->judge($seqs[$_], $section, $oracle, $want->[$_], $got->[$_])
    } 0 .. $#seqs);
}

sub told {
    my ($seq, $what) = @_;

    return "$seq->{label}: " . join(' ; ',
        map { step_text($_) } @{ $seq->{steps} }) . "\n  at $what";
}

# These sequences in one go; the failures.
sub batch {
    my ($self, $section, $oracle, @seqs) = @_;
    my ($same, @verdict) = $self->compare($section, $oracle, @seqs);
    my @unlike = map { told($seqs[$_], $verdict[$_]) }
        grep { ($verdict[$_] // 0) !~ /^[01]$/ } 0 .. $#seqs;

    $self->{count}{sequences} += @seqs;
    $self->{count}{comparisons} += @{ $_->{steps} } for @seqs;
    $self->{count}{states}++;

    # Where an answer may differ, so may the effect: the others once more.
    until ($same) {
        my @clean = grep { !defined $verdict[$_] } 0 .. $#seqs;

        return @unlike if !@clean;
        last if @clean == @seqs;
        @seqs = @seqs[@clean];
        ($same, @verdict) = $self->compare($section, $oracle, @seqs);
    }

    return @unlike if $same;
    my @guilty = grep {
        my ($same, $verdict) = $self->compare($section, $oracle, $_);
        !$same && !defined $verdict;
    } @seqs;

    return @unlike, map { told($_, 'what the servers have then') }
        @guilty ? @guilty : @seqs;
}

# Batches of the sequences of a section.
sub batches {
    my ($self, $section) = @_;
    my (@batches, $bytes, $after_alone);

    for my $seq (sequences($section)) {
        my $alone = $section->{fresh} || $seq->{apart} || is_talk($seq);

        $seq->{tag} = $self->{tags}->();
        $bytes += length step_bytes($_, $seq) for @{ $seq->{steps} };
        if (!@batches || $alone || $bytes > $batch_bytes
            || @{ $batches[-1] } >= $batch_max || $after_alone) {
            push @batches, [];
            $bytes = 0;
        }
        push @{ $batches[-1] }, $seq;
        $after_alone = $alone;
    }

    return @batches;
}

# All of a section; the failures.
sub section {
    my ($self, $section) = @_;
    my $oracle = $section->{cluster} || $section->{mode}
        && $self->{where} eq 'cluster' ? 'clustered' : 'plain';
    my @unlike;

    $self->empty($_, 1) for keys %{ $self->{control} };
    push @unlike, $self->batch($section, $oracle, @$_)
        for $self->batches($section);

    delete $self->{connection} if $section->{fresh};
    return @unlike;
}

1;
