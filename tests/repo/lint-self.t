#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each rule of lint.t can fail: a small tree that breaks it, and what lint says then; and a tree that breaks none.
set -u
here=$(cd "$(dirname "$0")" && pwd)
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
count=0 failed=0
spdx='/* SPDX-License-Identifier: GPL-2.0-or-later */'

file() { # PATH: its content is stdin
	mkdir -p "$T/tree/$(dirname "$1")"
	cat > "$T/tree/$1"
}
good_tree() {
	rm -rf "$T/tree"
	mkdir "$T/tree"
	cp "$here/../../.clang-format" "$T/tree/"
	file src/common/addr.h <<< "$spdx"
	file src/lb/lb_model.h <<< "$spdx"$'\n#include "common/addr.h"'
	file src/lb/main.c <<< "$spdx"$'\nint main(void)\n{\n\treturn 0;\n}'
	file scripts/good <<< $'#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-or-later\ntrue'
	file docs/GOOD.md <<< '[a link](../scripts/good)'
	file Makefile <<< $'# SPDX-License-Identifier: GPL-2.0-or-later\nUNIT_TESTS := good'
	file tests/unit/test_good.c <<< "$spdx"
}
ok() { # STATUS TEXT
	count=$((count + 1))
	[ "$1" = 0 ] && echo "ok $count - $2" && return
	echo "not ok $count - $2"
	sed 's/^/# /' "$T/out" "$T/err" >&2
	failed=1
}
breaks() { # RULE WHERE: exactly this rule, exactly there
	"$here/lint.t" "$T/tree" > "$T/out" 2> "$T/err"
	[ "$(grep '^not ok' "$T/out" | sed 's/.* - //')" = "$1" ] && grep -q "^# $2: " "$T/err"
	ok $? "'$1' fails: $2"
	good_tree
}
many() { # COUNT LINE
	awk -v n="$1" -v line="$2" 'BEGIN { for (i = 0; i < n; i++) print line }'
}

good_tree
"$here/lint.t" "$T/tree" > "$T/out" 2> "$T/err"
ok $? "a good tree breaks no rule"

file src/common/bad.c <<< "$spdx"$'\n#include "lb/lb_model.h"'
breaks "folders keep apart" src/common/bad.c:2
file src/lb/bad.c <<< "$spdx"$'\n#include "vrrp/vrrp_fsm.h"'
breaks "folders keep apart" src/lb/bad.c:2
file src/vrrp/bad.c <<< "$spdx"$'\n#include "lb/lb_model.h"'
breaks "folders keep apart" src/vrrp/bad.c:2
file src/lb/lb_plan.c <<< "$spdx"$'\n#include <ev.h>'
breaks "pure stays pure" src/lb/lb_plan.c:2
file src/lb/lb_way.h <<< "$spdx"$'\n#include <time.h>'
file src/lb/lb_plan.h <<< "$spdx"$'\n#include "lb/lb_way.h"'
breaks "pure stays pure" src/lb/lb_plan.h:2
file src/lb/lb_hash.c <<< "$spdx"$'\nlong f(void)\n{\n\treturn time(0);\n}'
breaks "pure stays pure" src/lb/lb_hash.c:4
file src/vrrp/bad.c <<< "$spdx"$'\nlong wall_ms(void)\n{\n\treturn time(0);\n}\nlong soon(void)\n{\n\treturn time(0) + 1;\n}'
breaks "speaker has no wall clock" src/vrrp/bad.c:8
file src/lb/bad.c <<< "$spdx"$'\n#include <bpf/libbpf.h>'
breaks "libbpf has one home" src/lb/bad.c:2
file src/lb/lb_utils.c <<< "$spdx"
breaks "names say what" src/lb/lb_utils.c:1
file src/lb/main.c < <(echo "$spdx"; many 299 'int a;')
breaks "main is short" src/lb/main.c:300
file src/lb/long.c < <(echo "$spdx"; many 600 'int a;')
breaks "files are one idea" src/lb/long.c:601
file src/lb/long.c < <(echo "$spdx"; echo 'void f(void)'; echo '{'; many 79 $'\tf();'; echo '}')
breaks "functions fit a screen" src/lb/long.c:3
file src/lb/bare.c <<< 'int a;'
breaks "files have a licence" src/lb/bare.c:1
file src/lb/later.c <<< "$spdx"$'\n/* TO''DO: all of it */'
breaks "nothing is put off" src/lb/later.c:2
file docs/BAD.md <<< 'blank '
breaks "text is clean" docs/BAD.md:1
printf 'no newline' | file docs/BAD.md
breaks "text is clean" docs/BAD.md:1
file src/lb/ugly.c <<< "$spdx"$'\nint   a;'
breaks "layout is clang formats" src/lb/ugly.c:2
file scripts/bad <<< $'#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0-or-later\nif true; then'
breaks "scripts parse" scripts/bad:1
file tests/bad.py <<< $'# SPDX-License-Identifier: GPL-2.0-or-later\ndef f(:'
breaks "scripts parse" tests/bad.py:2
file tests/unit/test_forgotten.c <<< "$spdx"
breaks "no test is left out" tests/unit/test_forgotten.c:1
file tests/e2e/mute.t <<< $'#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-or-later'
breaks "no test is left out" tests/e2e/mute.t:1
file docs/BAD.md <<< '[nowhere](no/such/file)'
breaks "links lead somewhere" docs/BAD.md:1
file docs/BAD.md <<< $'# A heading: here\n[there](#a-heading-here)\n[nowhere](BAD.md#another)'
breaks "links lead somewhere" docs/BAD.md:3
file docs/BAD.md <<< $'```mermaid\nsequenceDiagram\n    A->>B: one; two\n```\nprose; prose'
breaks "pictures are drawn" docs/BAD.md:3

echo "1..$count"
exit $failed
