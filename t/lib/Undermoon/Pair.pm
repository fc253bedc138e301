package Undermoon::Pair;

# A chunk as the broker makes it: two proxies with two Redis each, half of the
# slots on either side, each master's replica on the other.  The story plays
# the coordinator: it says who is what, by SETREPL and SETCLUSTER.
#
#   my $pair = pair();
#   $pair->tell('normal');             # masters 0 and 2
#   ok($pair->in_sync, 'they follow');
#   $pair->tell('second', skip => [0]) # proxy 0 is gone: masters 3 and 2
#
#       proxy 0                   proxy 1
#   node 0  master of 0-8191      node 2  master of 8192-16383
#   node 1  replica of node 2     node 3  replica of node 0
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Exporter 'import';
use Undermoon::Test qw(undermoon redis wait_for);

our @EXPORT_OK = qw(pair);

my @ranges = ([ 0, 8191 ], [ 8192, 16383 ]);

# Who is the master of each half.
my %masters = (normal => [ 0, 2 ], first => [ 0, 1 ], second => [ 3, 2 ]);

sub pair { __PACKAGE__->new(@_) }

# Options: redis => { of redis() }, node => [ Redis already there ]; all others
# are undermoon()'s.
sub new {
    my ($class, %o) = @_;
    my $redis = delete $o{redis} // {};
    my $self = bless { epoch => 0, redis => $redis }, $class;

    $self->{node} = delete $o{node} // [ map { redis(%$redis) } 1 .. 4 ];
    $self->{proxy} = [ map { undermoon(%o)->start } 0, 1 ];
    return $self;
}

sub node { $_[0]{node}[ $_[1] ] }
sub proxy { $_[0]{proxy}[ $_[1] // 0 ] }
sub proxies { @{ $_[0]{proxy} } }
sub epoch { $_[0]{epoch} }

# The peer of a node, and the proxy of one.
sub mate { 3 - $_[1] }
sub home { $_[1] >> 1 }

sub masters { @{ $masters{ $_[0]{layout} } } }

# The half that a slot is in.
sub half { $_[1] >> 13 }

# The words of SETREPL for proxy $p.
sub repl_words {
    my ($self, $p, $layout) = @_;
    my %master = map { $_ => 1 } @{ $masters{$layout} };

    return map {
        my $mate = $self->mate($_);
        ($master{$_} ? 'master' : 'replica', 'testcluster',
            $self->node($_)->addr, 1, $self->node($mate)->addr,
            $self->proxy($self->home($mate))->addr);
    } 2 * $p, 2 * $p + 1;
}

sub setrepl {
    my ($self, $p, $layout, %o) = @_;

    return $self->proxy($p)->client->cmd('UMCTL', 'SETREPL',
        $o{epoch} // $self->{epoch}, $o{flags} // 'NOFLAG',
        $self->repl_words($p, $layout));
}

sub setcluster {
    my ($self, $p, $layout, %o) = @_;
    my (@local, %peer);

    for my $half (0, 1) {
        my $node = $masters{$layout}[$half];

        if ($self->home($node) == $p) {
            push @local, $self->node($node)->addr, [ $ranges[$half] ];
        } else {
            push @{ $peer{ $self->proxy(1 - $p)->addr } }, $ranges[$half];
        }
    }

    return $self->proxy($p)->setcluster(epoch => $o{epoch} // $self->{epoch},
        local => \@local, %peer ? (peer => [%peer]) : ());
}

# A new epoch: everybody who is not skipped is told.
sub tell {
    my ($self, $layout, %o) = @_;
    my %skip = map { $_ => 1 } @{ $o{skip} // [] };

    $self->{epoch}++;
    $self->{layout} = $layout;
    $self->tell_again($_) for grep { !$skip{$_} } 0, 1;
    return $self;
}

# One that was skipped hears it, too.
sub tell_again {
    my ($self, $p) = @_;
    my @said = ($self->setrepl($p, $self->{layout}),
        $self->setcluster($p, $self->{layout}));

    die "proxy $p: @said\n" if "@said" ne 'OK OK';
}

# The fields of UMCTL BEAT: epoch, repl_epoch, fault, in_sync, migrations.
sub beat {
    my ($self, $p) = @_;
    my $c = $self->{beat}[$p] //= $self->proxy($p)->client;
    my $said = eval { $c->cmd(qw(UMCTL BEAT)) };

    $self->{beat}[$p] = undef unless defined $said;
    my %beat;
    @beat{qw(epoch repl_epoch fault in_sync migrations)} =
        split / /, $said // '- - gone 0 0';
    return \%beat;
}

# Is every node of these proxies (all) what it should be, or will it be?
sub in_sync {
    my ($self, %o) = @_;
    my @proxies = @{ $o{proxies} // [ 0, 1 ] };

    return wait_for {
        !grep { !$self->beat($_)->{in_sync} } @proxies;
    } $o{within} // 20;
}

# UMCTL HEALTH of a node, as a hash.
sub health {
    my ($self, $node) = @_;
    my $addr = $self->node($node)->addr;
    my $text = $self->proxy($self->home($node))->client
        ->cmd(qw(UMCTL HEALTH));
    my ($line) = $text =~ /^node\d+:(addr=\Q$addr\E,.*?)\r$/m or return {};

    return { map { split /=/, $_, 2 } split /,/, $line };
}

sub state { $_[0]->health($_[1])->{state} // '' }

# What this Redis says it is: "master", "slave", or "" when it says nothing.
sub role {
    my ($self, $node) = @_;
    my $c = eval {
        Undermoon::Client->new($self->node($node)->addr, timeout => 2);
    } or return '';

    $c->cmd('AUTH', $self->{redis}{password}) if $self->{redis}{password};
    return (eval { $c->cmd('ROLE')->[0] }) // '';
}

1;
