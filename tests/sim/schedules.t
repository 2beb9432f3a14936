#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# 100,000 schedules, each invariant a test; SCHEDULES and SEED bend it.
cd "$(dirname "$0")/../.." || exit 1
exec build/test/sim --schedules "${SCHEDULES:-100000}" --first "${SEED:-1}"
