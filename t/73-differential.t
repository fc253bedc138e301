#!/usr/bin/perl

# Every command, said rightly and in many wrong ways, to a proxy before one
# node and to one redis-server: the bytes that come back are the same, and so
# is what the servers have then, except for what docs/commands.md lists.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Compare;

Undermoon::Compare::all(where => 'cluster', protocol => 2);
