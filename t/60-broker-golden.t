#!/usr/bin/perl

# A broker is asked what the reference's was asked once, and says the same but
# for what is listed.  t/golden/README.md tells how the records are read.
# UM_REFERENCE_BROKER=/path/mem_broker holds the reference to its own record.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Test::More;
use Undermoon::AnyBroker;
use Undermoon::Golden;
use Undermoon::Http;
use Undermoon::Test qw(mock_redis);

my $dir = ($ENV{UM_SRCDIR} // '.') . '/t/golden';

sub replay {
    my ($name, $broker, %o) = @_;
    my $golden = Undermoon::Golden->new(dir => $dir, name => $name,
        to => $broker->start->addr, reference => $broker->is_reference, %o);

    for my $x ($golden->exchanges) {
        my $what = "$name $x->{seq}: $x->{method} $x->{path}";
        my @wrong = $golden->step($x);

        $what .= ", $x->{note}" if $x->{note};
        ok(!@wrong, $what) or diag(join "\n", @wrong);
    }

    my @unseen = $golden->unseen;
    is(@unseen, 0, "$name: nothing is listed in vain") or diag("@unseen");
    note("$name: " . $golden->summary);
}

replay('ordered', Undermoon::AnyBroker->new(enable_ordered_proxy => 'on',
    migration_limit => 1));

# There the proxies lived: each is asked for its epoch now and then.  They are
# as far as the broker is, as if they had just been told.
my $live = Undermoon::AnyBroker->new(migration_limit => 2,
    migration_max_migration_time => 3600, sync_meta_interval => 0);
my $told = sub {
    ':' . Undermoon::Http::get($live->addr, '/api/v3/epoch')->{body} . "\r\n";
};
my @proxies = sort map { $_->addr }
    map { mock_redis('UMCTL GETEPOCH' => $told) } 1 .. 8;
my %at;
@at{ map { "127.0.0.1:2210$_" } 1 .. 8 } = @proxies;

replay('live', $live, at => \%at, rename => 1);

done_testing();
