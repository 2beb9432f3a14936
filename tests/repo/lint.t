#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The house rules (docs/TESTING.md) as tests: one line of TAP a rule, what breaks it on stderr as FILE:LINE: WHY.

tests/repo/lint.t [DIR]: without DIR this checkout. Reads every file but what .gitignore names.
"""
import ast
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../.."))

# What a folder of src/ may include of the others. `tandemctl check` reads a config as the daemons do.
MAY_INCLUDE = {
    "common": {"common"},
    "lb": {"common", "lb"},
    "vrrp": {"common", "vrrp"},
    "ctl": {"common", "ctl", "lb/lb_conf.h", "lb/lb_model.h", "vrrp/vrrp_conf.h", "vrrp/vrrp_model.h",
            "vrrp/vrrp_conf_programs.h"},
    "web": {"common", "web"},
    "apps": {"common", "apps"},
}

# What decides, without I/O, clock or log: NAME.c, NAME.h and every project header these include.
PURE = {
    "lb": "lb_model lb_plan lb_ids lb_region lb_table lb_hash lb_verdict lb_conf lb_conf_check lb_escape lb_expect "
          "lb_neigh lb_pace lb_nudge lb_device sync_wire "
          "sync_session sync_session_inside sync_out sync_in sync_window sync_lag sync_changes lb_names lb_sync_flow",
    "vrrp": "vrrp_packet vrrp_frame vrrp_fsm vrrp_fsm_text vrrp_stamp vrrp_verdict vrrp_judge vrrp_said vrrp_beacon vrrp_flap vrrp_priority vrrp_model "
            "vrrp_conf vrrp_conf_check vrrp_conf_group vrrp_conf_instance vrrp_conf_peer vrrp_conf_track vrrp_pool_answer",
    "apps": "resp resp_out resp_reply kv_table sntp glob siphash load_stats host_port sockstat_count hello_words "
            "addr_explain bind_words burst sink_command nc_end",
    "common": "conf_peer conf_peer_read icmp_echo secure_dgram secure_hello addr nearest clean_text ctl_wire event_log conf_lex conf_syntax sock_diag",
}
EDGE = re.compile(r"^(ev\.h|netlink/.*|bpf/.*|linux/(if_link|rtnetlink|netlink)\.h|sys/(socket|epoll|ioctl|un|mman)\.h|poll\.h|"
                  r"netdb\.h|time\.h|sys/time\.h|net/if\.h|signal\.h|common/log\.h|lb/lb_bpf\.h|lb_tc\.skel\.h)$")
# common/addr.h offers sockaddrs, so it needs the type; sntp.h takes a struct timespec. Types, no calls.
EDGE_ALLOWED = {("common/addr.h", "sys/socket.h"), ("apps/sntp.h", "time.h")}
LIBBPF = ["src/lb/lb_bpf.c", "src/lb/lb_bpf_maps.c"]
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|time|ev_now|ev_time)\s*\(")
WALL_CLOCK = re.compile(r"\bCLOCK_REALTIME|\b(gettimeofday|time|ev_now|ev_time|ev_periodic\w*)\s*\(")

SHELL = re.compile(r"^#!\s*(/bin/(ba|da)?sh|/usr/bin/env (ba)?sh)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CODE = (".c", ".h", ".sh", ".t", ".py", ".lua", ".bash")
LINES_MAX, MAIN_MAX, FUNCTION_MAX = 600, 299, 80


def all_files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(d for d in folders if d not in (".git", "__pycache__")
                            and os.path.join(folder, d) != os.path.join(ROOT, "build"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), ROOT)


FILES = {}
for path in all_files():
    if path.startswith(("tests/fuzz/corpus/", "tests/unit/golden/")) or path.endswith((".o", ".pcap", ".png", ".svg")):
        continue
    with open(os.path.join(ROOT, path), "rb") as file:
        FILES[path] = file.read().decode("utf-8", "replace").split("\n")
C_FILES = [p for p in FILES if p.endswith((".c", ".h")) and p.startswith(("src/", "tests/"))]
SHELL_FILES = [p for p in FILES if SHELL.match(FILES[p][0]) or p.endswith((".sh", ".bash")) or p.startswith("scripts/lab.d/")]


def includes(path):
    for number, line in enumerate(FILES[path], 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(2)


def code_lines(path):
    """A C file's lines without comments and strings."""
    text = "\n".join(FILES[path])
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])+\'', blank, text, flags=re.S)
    return text.split("\n")


def folders_keep_apart():
    for path in C_FILES:
        part = path.split("/")
        if part[0] != "src" or part[1] not in MAY_INCLUDE:
            continue
        for number, name in includes(path):
            other = name.split("/")[0]
            if other in MAY_INCLUDE and "/" in name and not {other, name} & MAY_INCLUDE[part[1]]:
                yield path, number, "src/%s may not include %s" % (part[1], name)


def edges_of(header, seen):
    """Edge headers that a project header brings with it, as (who, what)."""
    path = "src/" + header
    if path not in FILES or path in seen:
        return
    seen.add(path)
    for _, name in includes(path):
        if EDGE.match(name):
            if (header, name) not in EDGE_ALLOWED:
                yield header, name
        yield from edges_of(name, seen)


def pure_stays_pure():
    for folder, names in PURE.items():
        for path in ("src/%s/%s.%s" % (folder, n, kind) for n in names.split() for kind in "ch"):
            if path not in FILES:
                continue
            for number, name in includes(path):
                if EDGE.match(name) and (path[4:], name) not in EDGE_ALLOWED:
                    yield path, number, "a pure file includes %s" % name
                for who, what in edges_of(name, {path}):
                    yield path, number, "a pure file gets %s by way of %s" % (what, who)
            for number, line in enumerate(code_lines(path), 1):
                if CLOCK.search(line):
                    yield path, number, "a pure file asks a clock; time is an argument"


def speaker_has_no_wall_clock():
    """Deadlines of the speaker are of a monotonic clock: wall_ms() is for what people read."""
    for path in C_FILES:
        function = ""
        for number, line in enumerate(code_lines(path) if path.startswith("src/vrrp/") else [], 1):
            head = re.match(r"[a-z][\w \*]*?(\w+)\(", line)
            function = head.group(1) if head else function
            if WALL_CLOCK.search(line) and function != "wall_ms":
                yield path, number, "the wall clock outside of wall_ms(); vrrp_now() would do"


def libbpf_has_one_home():
    for path in C_FILES:
        if path.startswith("src/") and not path.startswith("src/lb/bpf/") and path not in LIBBPF:
            for number, name in includes(path):
                if name.startswith("bpf/") or name.endswith(".skel.h"):
                    yield path, number, "only %s include libbpf" % " and ".join(LIBBPF)


def names_say_what():
    for path in FILES:
        stem = os.path.basename(path).split(".")[0].lower()
        if path.startswith(("src/", "tests/", "scripts/")) and re.search(r"(^|[_-])(utils?|misc|helpers?)([_-]|$)", stem):
            yield path, 1, "a file is named after what is in it"


def main_is_short():
    for path in C_FILES:
        if os.path.basename(path) == "main.c" and len(FILES[path]) - 1 > MAIN_MAX:
            yield path, len(FILES[path]) - 1, "main.c has %d lines, %d at most" % (len(FILES[path]) - 1, MAIN_MAX)


def files_are_one_idea():
    for path in FILES:
        if path.endswith(CODE) and len(FILES[path]) - 1 > LINES_MAX:
            yield path, len(FILES[path]) - 1, "%d lines, %d at most: it is more than one idea" % (
                len(FILES[path]) - 1, LINES_MAX)


def functions_fit_a_screen():
    """A function's body stands between a { and a } in the first column."""
    for path in C_FILES:
        start = None
        for number, line in enumerate(FILES[path], 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start + 1 > FUNCTION_MAX:
                    yield path, start, "a function of %d lines, %d at most" % (number - start + 1, FUNCTION_MAX)
                start = None


def files_have_a_licence():
    for path in FILES:
        known = path.endswith(CODE + (".service", ".yml", ".mk")) or path in SHELL_FILES or path == "Makefile"
        if known and not any("SPDX-License-Identifier: GPL-2.0-or-later" in line for line in FILES[path][:3]):
            yield path, 1, "no SPDX line in the first three lines"


def nothing_is_put_off():
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    for path in FILES:
        if path != "LICENSE":
            for number, line in enumerate(FILES[path], 1):
                if words.search(line):
                    yield path, number, "do it, or write an issue"


def text_is_clean():
    for path in FILES:
        if FILES[path][-1] and path.endswith(CODE + (".md", ".conf", ".example")):
            yield path, len(FILES[path]), "no newline at the end"
        for number, line in enumerate(FILES[path], 1):
            if line != line.rstrip(" \t\r"):
                yield path, number, "white space at the end of the line"


def layout_is_clang_formats():
    if "src" not in {p.split("/")[0] for p in C_FILES}:
        return
    found = subprocess.run(["clang-format", "--style=file", "--dry-run", "--ferror-limit=1"] + sorted(C_FILES),
                           cwd=ROOT, capture_output=True, text=True)
    for line in found.stderr.splitlines():
        where = re.match(r"(\S+?):(\d+):\d+: (?:error|warning): ", line)
        if where:
            yield where.group(1), int(where.group(2)), "clang-format -i would change it"


def scripts_parse():
    for path in SHELL_FILES:
        shell = "sh" if re.match(r"^#!\s*/bin/sh", FILES[path][0]) else "bash"
        found = subprocess.run([shell, "-n", os.path.join(ROOT, path)], capture_output=True, text=True)
        if found.returncode:
            yield path, 1, found.stderr.strip().split("\n")[0]
    for path in FILES:
        if path.endswith(".py") or re.match(r"^#!.*python3", FILES[path][0]):
            try:
                ast.parse("\n".join(FILES[path]))
            except SyntaxError as error:
                yield path, error.lineno or 1, error.msg


def no_test_is_left_out():
    listed = set()
    for line in FILES.get("Makefile", []):
        found = re.match(r"UNIT_TESTS\s*[+:]?=\s*([^#]*)", line)
        if found:
            listed |= set(found.group(1).split())
    for path in FILES:
        found = re.match(r"tests/unit/test_(\w+)\.c$", path)
        if found and found.group(1) not in listed:
            yield path, 1, "not in the Makefile's UNIT_TESTS: it never runs"
        if re.match(r"tests/(e2e|e2e/labs|repo|sim|uml)/[^/]*\.t$", path) and not os.access(os.path.join(ROOT, path), os.X_OK):
            yield path, 1, "a test that is not executable"


def anchors(path):
    """The headings of a document as links name them."""
    lines = FILES.get(os.path.normpath(path), [])
    return {re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-") for line in lines if line.startswith("#")}


def links_lead_somewhere():
    for path in FILES:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(FILES[path], 1):
            for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)[^)]*\)", line):
                there = os.path.join(os.path.dirname(path), target) if target else path
                if re.match(r"[a-z]+:", target):
                    continue
                if not os.path.exists(os.path.join(ROOT, there)):
                    yield path, number, "no %s" % target
                elif anchor and anchor not in anchors(there):
                    yield path, number, "no heading #%s in %s" % (anchor, there)


def pictures_are_drawn():
    """A ';' ends a statement of mermaid's sequence diagrams, in the middle of a message too: then there is no picture."""
    for path in FILES:
        if not path.endswith(".md"):
            continue
        kind = None
        for number, line in enumerate(FILES[path], 1):
            if line.startswith("```"):
                kind = "" if line.strip() == "```mermaid" else None
            elif kind == "":
                kind = line.strip()
            elif kind == "sequenceDiagram" and ";" in line:
                yield path, number, "a ';' in a sequence diagram: mermaid refuses all of it"


RULES = [folders_keep_apart, pure_stays_pure, speaker_has_no_wall_clock, libbpf_has_one_home, names_say_what, main_is_short,
         files_are_one_idea, functions_fit_a_screen, files_have_a_licence, nothing_is_put_off, text_is_clean, layout_is_clang_formats,
         scripts_parse, no_test_is_left_out, links_lead_somewhere, pictures_are_drawn]


def main():
    failed = False
    print("1..%d" % len(RULES))
    for number, rule in enumerate(RULES, 1):
        broken = sorted(set(rule()))
        for path, line, why in broken:
            print("# %s:%d: %s" % (path, line, why), file=sys.stderr)
        print("%s %d - %s" % ("not ok" if broken else "ok", number, rule.__name__.replace("_", " ")), flush=True)
        failed |= bool(broken)
    return failed


sys.exit(main())
