#!/usr/bin/perl

# The comparison with a plain Redis (t/73-differential.t) where all keys belong
# to another proxy and active redirection passes the commands on, in RESP2.
#
# SPDX-License-Identifier: Apache-2.0

use strict;
use warnings;
use Undermoon::Compare;

Undermoon::Compare::all(where => 'active', protocol => 2);
