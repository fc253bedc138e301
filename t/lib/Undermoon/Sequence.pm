package Undermoon::Sequence;

# Sequences of commands for the differential test: read from t/differential,
# and varied.  t/differential/README.md tells how they are written.
#
# A step is { on => connection, words => [...] } or { on, raw => bytes }; a
# word is a string, or a reference to the rest of a key, which gets the {tag}
# of the run.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use Undermoon::Client;
use Undermoon::Test qw(slurp);

our @EXPORT_OK = qw(sections sequences step_bytes step_text
    is_talk);

my %attribute = map { $_ => 1 } qw(hand fresh cluster active scripts
    blocking silent mode);
my %escape = (r => "\r", n => "\n", 0 => "\0", '"' => '"', '\\' => '\\',
    "'" => "'");

# What a key of another type is made with.
my %type = (
    string => [ 'SET', undef, 'v' ],
    number => [ 'SET', undef, '10' ],
    list   => [ 'RPUSH', undef, 'a', 'b' ],
    hash   => [ 'HSET', undef, 'a', 'b' ],
    set    => [ 'SADD', undef, 'a' ],
    zset   => [ 'ZADD', undef, '1', 'a', '2', 'b' ],
    stream => [ 'XADD', undef, '1-1', 'a', 'b' ],
);

# ---- reading ------------------------------------------------------------

sub unquote {
    my ($text) = @_;

    return $text =~ s{\\(?:x(..)|(.))}
        {defined $1 ? chr hex $1 : $escape{$2} // die "what is \\$2?\n"}gexr;
}

# "text", @key, @"key", %5000 (so many x) or a bare word; by attribute of \G.
sub parse_steps {
    my ($line) = @_;
    my @steps = ({ on => 1, words => [] });
    my $next = sub { push @steps, { on => 1, words => [] } };

    for ($line) {
        while (!/\G\s*\z/gc) {
            my $words = $steps[-1]{words};

            if (/\G\s*;(?=\s)/gc) {
                $next->();
            } elsif (!@$words && /\G\s*([23]):\s/gc) {
                $steps[-1]{on} = $1;
            } elsif (!@$words && /\G\s*raw\s+"((?:\\.|[^"\\])*)"/gc) {
                $steps[-1]{raw} = unquote($1);
            } elsif (/\G\s*(@?)"((?:\\.|[^"\\])*)"/gc) {
                my $text = unquote($2);
                push @$words, $1 ? \$text : $text;
            } elsif (/\G\s*%(\d+)(?!\S)/gc) {
                push @$words, 'x' x $1;
            } elsif (/\G\s*(@?)(\S+)/gc) {
                my $text = $2;
                push @$words, $1 ? \$text : $text;
            }
        }
    }

    return @steps;
}

sub read_file {
    my ($file) = @_;
    my (@sections, $n);

    for (split /\n/, slurp($file)) {
        $n++;
        if (/^\[(.+)\]\s*(.*)$/) {
            my %attr = map { $_ => 1 } split ' ', $2;
            my @wrong = grep { !$attribute{$_} } keys %attr;
            die "$file:$n: what is '@wrong'?\n" if @wrong;
            push @sections, { name => lc $1, %attr, lines => [] };
        } elsif (/^\s*(?:#|$)/) {
            next;
        } else {
            my $s = $sections[-1] // die "$file:$n: before a section\n";
            my $is_model = s/^\*\s+// || !$s->{hand} && !@{ $s->{lines} };
            push @{ $s->{lines} }, { text => $_, model => $is_model,
                steps => [ parse_steps($_) ], at => "$file:$n" };
        }
    }

    return @sections;
}

sub sections { map { read_file($_) } sort glob "$_[0]/*.txt" }

# ---- writing ------------------------------------------------------------

# $o: tag of the keys, and what comes between it and their name.
sub words_of {
    my ($step, $o) = @_;

    return map { ref() ? "{$o->{tag}}$o->{between}$$_" : $_ }
        @{ $step->{words} };
}

sub step_bytes {
    my ($step, $o) = @_;

    return $step->{raw} if defined $step->{raw};
    return join(' ', words_of($step, $o)) . "\r\n" if $step->{inline};
    return Undermoon::Client::request(words_of($step, $o));
}

sub printed {
    my ($word) = @_;
    my $text = ref $word ? $$word : $word;

    $text = substr($text, 0, 60) . '...' if length $text > 80;
    return (ref $word ? '@' : '') . $text if $text =~ /^[!#-~]+\z/;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    return (ref $word ? '@' : '') . qq("$text");
}

sub step_text {
    my ($step) = @_;

    return 'raw ' . printed($step->{raw}) if defined $step->{raw};
    return ($step->{inline} ? 'inline ' : '')
        . join ' ', map { printed($_) } @{ $step->{words} };
}

# Has it more than one connection?
sub is_talk { grep { $_->{on} > 1 } @{ $_[0]{steps} } }

# ---- variations ---------------------------------------------------------

sub mixed_case {
    my ($word) = @_;
    my $i = 0;

    return join '', map { $i++ % 2 ? uc : lc } split //, $word;
}

sub made_as {
    my ($type, $key) = @_;

    return { on => 1, words => [ map { $_ // $key } @{ $type{$type} } ] };
}

# Every way to say the model's own command wrongly, or otherwise.
sub variations {
    my ($section, $line) = @_;
    my @name = split ' ', $section->{name};
    my @steps = @{ $line->{steps} };
    my ($at) = grep {
        my $w = $steps[$_]{words};
        @$w >= @name && lc join(' ', map { ref() ? '' : $_ }
            @$w[ 0 .. $#name ]) eq $section->{name};
    } reverse 0 .. $#steps;

    defined $at or die "$line->{at}: where is $section->{name}?\n";

    my @words = @{ $steps[$at]{words} };
    my @before = @steps[ 0 .. $at - 1 ];
    my @keys = do {
        my %seen;
        grep { ref && !$seen{$$_}++ } @words;
    };
    my @found;

    my $add = sub {
        my ($why, $words, %more) = @_;

        push @found, { label => $why, tag => '', between => '', %more,
            steps => [ @{ $more{before} // \@before },
                { on => 1, words => $words, inline => $more{inline} } ] };
    };
    my $with = sub {
        my ($i, $new) = @_;
        my @w = @words;

        $w[$i] = $new;
        return \@w;
    };

    # Too few, too many.
    $add->('only ' . ($_ + 1) . ' words', [ @words[ 0 .. $_ ] ])
        for $#name .. $#words - 1;
    $add->('a word more', [ @words, \'extra' ]);

    # Other types, none at all, and only the last key of another one.
    if (@keys) {
        $add->('no key', \@words, before => []);
        for my $type (sort keys %type) {
            $add->("all keys $type", \@words,
                before => [ map { made_as($type, $_) } @keys ]);
        }
        if (@keys > 1) {
            my $del = { on => 1, words => [ 'DEL', $keys[-1] ] };
            $add->("last key $_", \@words,
                before => [ @before, $del, made_as($_, $keys[-1]) ])
                for qw(string list zset);
        }
        $add->('binary keys', \@words, between => "\0\r\n\xfe ");
        $add->('empty keys', [ map { ref() ? '' : $_ } @words ]);
    }

    # Each argument: empty, binary, odd numbers.
    for my $i (@name .. $#words) {
        next if ref $words[$i];

        my @odd = ('', "\0\r\n\xff", '-1', '9223372036854775808', 'inf');
        push @odd, '1.5', '3' unless $section->{blocking};
        push @odd, lc $words[$i] if $words[$i] =~ /^[A-Z]+$/;
        $add->("word $i odd", $with->($i, $_)) for @odd;
    }

    # The name in any case, and the old way to say it.
    my @mixed = (map({ mixed_case($_) } @words[ 0 .. $#name ]),
        @words[ @name .. $#words ]);
    $add->('any case', \@mixed);
    $add->('inline', \@words, inline => 1)
        unless grep { !ref && !/^[!#-&(-~]+\z/ } @words;

    return @found;
}

# All sequences of a section: as written, once more without a pipeline, and
# varied.
sub sequences {
    my ($section) = @_;
    my @said = map { +{ label => 'as written', between => '',
        steps => $_->{steps} } } @{ $section->{lines} };
    my @slowly = $section->{fresh} ? () : map { +{ %$_,
        label => 'one at a time', apart => 1 } }
        grep { @{ $_->{steps} } > 1 && !is_talk($_) } @said;

    return @said, @slowly, map { variations($section, $_) }
        grep { $_->{model} } @{ $section->{lines} };
}

1;
