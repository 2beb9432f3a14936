#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Bugs on purpose: each is caught by the invariants that name it, and each invariant has caught one.
cd "$(dirname "$0")/../.." || exit 1
exec build/test/sim --plants
