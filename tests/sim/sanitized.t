#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Other schedules with AddressSanitizer and UBSan.
cd "$(dirname "$0")/../.." || exit 1
exec build/test/sim_san --schedules 10000 --first 1000000001
