# SPDX-License-Identifier: GPL-2.0-or-later
# The one build file. `make help` lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
CC      ?= gcc
CLANG   ?= clang

VERSION := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -1)

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
CPPFLAGS += -Isrc -I$(B)/gen -D_GNU_SOURCE -DTANDEM_VERSION='"$(VERSION)"'
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu11 $(WARN) -fno-strict-aliasing -fPIE -fstack-protector-strong
LDFLAGS  += -pie -Wl,-z,relro,-z,now
ifeq ($(SAN),)
CFLAGS   += -D_FORTIFY_SOURCE=2
else
override B := build/san
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS  += -fsanitize=address,undefined
endif

# One row a program: its objects are its own main file (or folder) and the libraries it names.
APPS    := kv_store kv_client time_server time_client echo_server load_client
DAEMONS := tandem-lb
PROGS   := $(DAEMONS) tandemctl $(APPS)

COMMON_OBJ := $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/common/*.c))
LB_OBJ     := $(patsubst src/%.c,$(B)/obj/%.o,$(filter-out src/lb/main.c,$(wildcard src/lb/*.c)))
CTL_OBJ    := $(patsubst src/%.c,$(B)/obj/%.o,$(filter-out src/ctl/main.c,$(wildcard src/ctl/*.c)))
APP_OBJ    := $(patsubst src/%.c,$(B)/obj/%.o,$(filter-out $(APPS:%=src/apps/%.c),$(wildcard src/apps/*.c)))

.PHONY: all help deps test unit lint demo bench san install uninstall clean fuzz
.DEFAULT_GOAL := all

all: deps $(PROGS:%=$(B)/bin/%)

help:
	@sed -n 's/^#: //p' Makefile

#: deps        install every Debian package that build, test, demo and bench need
deps:
	@scripts/deps

# ---- compile ----

$(B)/obj/%.o: src/%.c | deps
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The dataplane: BPF object, then the skeleton that lb_bpf.c includes.
BPF_SRC := $(wildcard src/lb/bpf/*.h) src/lb/bpf/lb_tc.bpf.c
$(B)/gen/lb_tc.bpf.o: $(BPF_SRC) | deps
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function -Isrc \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ src/lb/bpf/lb_tc.bpf.c

$(B)/gen/lb_tc.skel.h: $(B)/gen/lb_tc.bpf.o
	bpftool gen skeleton $< name lb_tc > $@

$(B)/obj/lb/lb_bpf.o: $(B)/gen/lb_tc.skel.h

# ---- link ----

LIBS_tandem-lb := -lbpf -lev -lnl-route-3 -lnl-3 -lconfig -ljansson -lm
LIBS_tandemctl := -lev -lconfig -ljansson -lm
$(B)/obj/lb/%.o: CPPFLAGS += -I/usr/include/libnl3

$(B)/bin/tandem-lb: $(B)/obj/lb/main.o $(LB_OBJ) $(COMMON_OBJ)
# `tandemctl check` reads a config as tandem-lb does.
CTL_LB_OBJ := $(addprefix $(B)/obj/lb/,lb_conf.o lb_conf_check.o lb_escape.o lb_model.o)
$(B)/bin/tandemctl: $(B)/obj/ctl/main.o $(CTL_OBJ) $(CTL_LB_OBJ) $(COMMON_OBJ)
$(APPS:%=$(B)/bin/%): $(B)/bin/%: $(B)/obj/apps/%.o $(APP_OBJ)
$(PROGS:%=$(B)/bin/%):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(or $(LIBS_$(@F)),-lev -lm)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- test ----
# A unit test links the sources its row names and nothing else: a long row means a seam in the wrong place.

UNIT_addr     := src/common/addr.c
UNIT_lb_hash    := src/lb/lb_hash.c src/common/addr.c
UNIT_lb_verdict := src/lb/lb_verdict.c
UNIT_lb_expect  := src/lb/lb_expect.c
PROBE := $(addprefix src/lb/,lb_probe.c lb_probe_tcp.c lb_probe_ping.c lb_echo.c lb_expect.c) src/common/addr.c src/common/log.c
UNIT_lb_echo           := src/lb/lb_echo.c
UNIT_lb_probe          := tests/unit/probe_harness.c $(PROBE)
UNITLIBS_lb_probe      := -lev
UNIT_lb_probe_ping     := tests/unit/probe_harness.c $(PROBE)
UNITLIBS_lb_probe_ping := -lev
UNIT_TESTS    := addr lb_hash lb_verdict lb_expect lb_echo lb_probe lb_probe_ping

CTL_WIRE := $(addprefix src/common/,ctl_wire.c ctl_message.c clean_text.c nearest.c log.c)
CTL_SOCK := $(CTL_WIRE) $(addprefix src/common/,ctl_server.c ctl_listen.c ctl_rundir.c ctl_client.c)
UNIT_nearest        := src/common/nearest.c
UNIT_event_log      := src/common/event_log.c src/common/clean_text.c
UNIT_ctl_wire       := $(CTL_WIRE)
UNITLIBS_ctl_wire   := -ljansson
FUZZ_ctl_wire       := $(CTL_WIRE)
FUZZLIBS_ctl_wire   := -ljansson
UNIT_ctl_server     := $(CTL_SOCK)
UNITLIBS_ctl_server := -lev -ljansson
UNIT_ctl_client     := $(CTL_WIRE) src/common/ctl_client.c src/common/ctl_rundir.c
UNITLIBS_ctl_client := -ljansson -lpthread
UNIT_ctl_rundir     := src/common/ctl_rundir.c
UNIT_table          := src/ctl/table.c src/ctl/human.c src/common/clean_text.c
UNIT_tandemctl      := $(filter-out src/ctl/main.c,$(wildcard src/ctl/*.c)) $(CTL_SOCK) $(wildcard src/common/conf*.c) \
	src/common/addr.c $(addprefix src/lb/,lb_conf.c lb_conf_check.c lb_escape.c lb_model.c)
UNITLIBS_tandemctl  := -lev -ljansson -lconfig -lutil
UNIT_TESTS          += nearest event_log ctl_wire ctl_server ctl_client ctl_rundir table tandemctl

CONF := $(wildcard src/common/conf*.c) $(addprefix src/common/,nearest.c clean_text.c addr.c)
UNIT_conf        := $(CONF)
UNITLIBS_conf    := -lconfig -lm
UNIT_lb_model    := src/lb/lb_model.c src/lb/lb_escape.c
UNIT_lb_conf     := $(CONF) $(addprefix src/lb/,lb_conf.c lb_conf_check.c lb_escape.c lb_model.c)
UNITLIBS_lb_conf := -lconfig -lm
UNIT_TESTS       += conf lb_model lb_conf

UNIT_resp           := $(addprefix src/apps/,resp.c resp_out.c resp_reply.c glob.c)
FUZZ_resp           := $(UNIT_resp)
UNIT_kv_table       := $(addprefix src/apps/,kv_table.c siphash.c resp.c)
UNIT_sntp           := src/apps/sntp.c
UNIT_load_stats     := src/apps/load_stats.c
UNITLIBS_load_stats := -ljansson
UNIT_TESTS          += resp kv_table sntp load_stats

UNIT_lb_neigh := $(addprefix src/lb/,lb_neigh.c lb_pace.c) src/common/addr.c
UNIT_lb_nudge := src/lb/lb_nudge.c src/common/addr.c
UNIT_TESTS    += lb_neigh lb_nudge

UNIT_TESTS          += lb_state # a header is all of it

$(B)/test/unit_%: tests/unit/test_%.c | deps
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I/usr/include/libnl3 $(filter-out -D_FORTIFY_SOURCE=2,$(CFLAGS)) $(UNITSAN) -MMD -MP -MF $@.d -o $@ $< \
		$(UNIT_$*) $(LDFLAGS) $(UNITSAN) -lcmocka $(UNITLIBS_$*)
UNITSAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
.SECONDEXPANSION:
$(UNIT_TESTS:%=$(B)/test/unit_%): $(B)/test/unit_%: $$(UNIT_$$*)

# What health checks cost: build/test/bench_probe [tcp|expect|ping] [backends] [seconds]
$(B)/test/bench_probe: tests/bench/bench_probe.c $(PROBE) | deps
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $^ $(LDFLAGS) -lev

unit: $(UNIT_TESTS:%=$(B)/test/unit_%)
	@for t in $^; do $$t || exit 1; done

# The dataplane's packets: build/test/bpf_NAME (root). Each links the fixture, the frames and the model of the NAT.
BPF_TESTS := $(patsubst tests/bpf/test_%.c,%,$(wildcard tests/bpf/test_*.c))
BPF_PARTS := $(addprefix tests/bpf/,fixture.c packet.c nat_model.c) src/lb/lb_bpf.c src/common/log.c src/common/addr.c
$(B)/test/bpf_%: tests/bpf/test_%.c $(BPF_PARTS) $(B)/gen/lb_tc.skel.h $(wildcard tests/bpf/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/bpf $(CFLAGS) -o $@ $(filter %.c,$^) $(LDFLAGS) -lbpf -lcmocka

$(B)/test/bench_bpf: tests/bench/bench_bpf.c $(BPF_PARTS) $(B)/gen/lb_tc.skel.h $(wildcard tests/bpf/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/bpf $(CFLAGS) -o $@ $(filter %.c,$^) $(LDFLAGS) -lbpf -lcmocka

#: bpf         the dataplane, packet in, packet out, against a model of the NAT (root)
.PHONY: bpf
bpf: $(BPF_TESTS:%=$(B)/test/bpf_%)
	@for t in $^; do CMOCKA_MESSAGE_OUTPUT=TAP $$t || exit 1; done

#: e2e         the end-to-end tests in network namespaces (root)
.PHONY: e2e
e2e: all
	@prove tests/e2e

#: bench       all contenders side by side (root); ROUNDS, SECONDS_PER, CONTENDERS, MEASURES bend it
bench: all
	@tests/bench/run

clean:
	rm -rf build
