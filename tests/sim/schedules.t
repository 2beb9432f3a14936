#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# 200,000 schedules (100,000 of them of a pair), each invariant a test; SCHEDULES and SEED bend it.
cd "$(dirname "$0")/../.." || exit 1
exec build/test/sim --schedules "${SCHEDULES:-200000}" --first "${SEED:-1}"
