#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The last test of a run: no process of any test left a report of AddressSanitizer, LeakSanitizer or UBSan.
if [ ! -d "${SANITIZER_REPORTS:-}" ]; then
	echo "1..0 # SKIP tests/run sets SANITIZER_REPORTS"
	exit 0
fi
echo 1..1
found=$(find "$SANITIZER_REPORTS" -type f)
if [ -z "$found" ]; then
	echo "ok 1 - no sanitizer found anything"
	exit 0
fi
echo "not ok 1 - $(echo "$found" | wc -l) reports of sanitizers in $SANITIZER_REPORTS"
for report in $found; do
	sed 's/^/# /' "$report" | head -n 30 >&2
done
exit 1
