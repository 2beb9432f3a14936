# SPDX-License-Identifier: GPL-2.0-or-later
# The one build file. `make help` lists the targets. Everything is built below build/: obj/ and bin/ as they ship,
# san/ the same with AddressSanitizer and UBSan, gen/ what is generated, test/ the tests, fuzz/ the fuzzers.

MAKEFLAGS += --no-builtin-rules
PREFIX  ?= /usr/local
DESTDIR ?=
CFLAGS  ?= -O2 -g
CLANG   ?= clang
ifeq ($(origin CC),default)
CC      := gcc
endif
# V=1 shows the commands.
Q       := $(if $(V),,@)
MAKING   = @mkdir -p $(@D); echo "  $@"
JOBS    ?= $(shell nproc)
VERSION := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
CPPFLAGS += -Isrc -Itests/bpf -Ibuild/gen -I/usr/include/libnl3 -D_GNU_SOURCE -DTANDEM_VERSION='"$(VERSION)"'
COMPILE   = $(CC) $(CPPFLAGS) $(CFLAGS) -std=gnu11 $(WARN) -fno-strict-aliasing -MMD -MP
HARDEN   := -D_FORTIFY_SOURCE=2 -fPIE -fstack-protector-strong -fstack-clash-protection
HARDEN_LD := -pie -Wl,-z,relro,-z,now
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# A build for tests: what more the optimizer could do takes longer than the tests would gain. It warns of less that is true.
SAN_CFLAGS ?= -O1 -g -Wno-format-truncation
# As two shared libraries the runtimes don't know of each other, and UBSan would not write to its log_path.
SANITIZE_LD := $(SANITIZE) -static-libasan -static-libubsan

# One row a program: its objects are its own main file (or folder) and the libraries it names.
DAEMONS := tandem-lb tandem-vrrp
APPS    := kv_store kv_client time_server time_client echo_server load_client tun_pipe addrconv addrbind time_burst_client byte_sink simple_nc sockstat hello_server hello_client
PROGS   := $(DAEMONS) tandemctl $(APPS)

COMMON_SRC := $(wildcard src/common/*.c)
LB_SRC     := $(wildcard src/lb/*.c)
# `tandemctl check` reads a config as the daemons do.
VRRP_CONF  := $(wildcard src/vrrp/vrrp_conf*.c) src/vrrp/vrrp_model.c src/vrrp/vrrp_exec_check.c
CTL_SRC    := $(wildcard src/ctl/*.c) $(addprefix src/lb/,lb_conf.c lb_conf_check.c lb_escape.c lb_model.c) $(VRRP_CONF)
APP_SRC    := $(filter-out $(APPS:%=src/apps/%.c) src/apps/sockstat%.c src/apps/hello_%.c,$(wildcard src/apps/*.c))
SOCK_SRC   := $(addprefix src/common/,sock_diag.c sock_dump.c sock_owner.c sock_view.c addr.c clean_text.c table.c)

SRC_tandem-lb  := $(LB_SRC) $(COMMON_SRC)
LIBS_tandem-lb := -lbpf -lev -lnl-3 -lconfig -ljansson -lsodium -lm
SRC_tandem-vrrp  := $(wildcard src/vrrp/*.c) $(COMMON_SRC)
LIBS_tandem-vrrp := -lev -lnl-route-3 -lnl-3 -lnftables -lconfig -ljansson -lsodium -lm
SRC_tandemctl  := $(CTL_SRC) $(COMMON_SRC)
LIBS_tandemctl := -lev -lnl-3 -lconfig -ljansson -lsodium -lm
$(foreach p,$(APPS),$(eval SRC_$p := src/apps/$p.c $(APP_SRC))$(eval LIBS_$p := -lev -lm))
SRC_sockstat  := $(wildcard src/apps/sockstat*.c) $(APP_SRC) $(SOCK_SRC)
LIBS_sockstat := -lev -lnl-3 -ljansson -lm
HELLO_SRC     := $(addprefix src/apps/,hello_words.c hello_socket.c hello_ping.c) src/common/icmp_echo.c $(APP_SRC)
SRC_hello_server := src/apps/hello_server.c $(HELLO_SRC)
SRC_hello_client := src/apps/hello_client.c $(HELLO_SRC)

.DEFAULT_GOAL := all
.SECONDEXPANSION:
.DELETE_ON_ERROR:
.PHONY: all san tests deps help test unit sim bpf e2e uml labs lint fuzz demo demo-balancer bench bench-programs install uninstall clean

#: all         the programs, in build/bin
all: deps $(PROGS:%=build/bin/%)

#: san         the same with sanitizers, in build/san/bin; what the end-to-end tests run
san: deps $(PROGS:%=build/san/bin/%)

#: deps        install every Debian package that build, test, demo and bench need; nothing when they are there
deps:
	@scripts/deps

#: help        this list
help:
	@sed -n 's/^#: //p' Makefile

# ---- compile and link ----

obj = $(patsubst tests/%.c,build/obj/tests/%.o,$(1:src/%.c=build/obj/%.o))
san = $(patsubst tests/%.c,build/san/obj/tests/%.o,$(1:src/%.c=build/san/obj/%.o))

build/obj/%.o: src/%.c | deps
	$(MAKING)
	$(Q)$(COMPILE) $(HARDEN) -c -o $@ $<

build/san/obj/%.o: src/%.c | deps
	$(MAKING)
	$(Q)$(COMPILE) $(SAN_CFLAGS) $(SANITIZE) -c -o $@ $<

build/obj/tests/%.o: tests/%.c | deps
	$(MAKING)
	$(Q)$(COMPILE) $(HARDEN) -c -o $@ $<

build/san/obj/tests/%.o: tests/%.c | deps
	$(MAKING)
	$(Q)$(COMPILE) $(SAN_CFLAGS) $(SANITIZE) -c -o $@ $<

$(PROGS:%=build/bin/%): build/bin/%: $$(call obj,$$(SRC_$$*))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(LIBS_$*)

$(PROGS:%=build/san/bin/%): build/san/bin/%: $$(call san,$$(SRC_$$*))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_LD) $(LDFLAGS) -o $@ $^ $(LIBS_$*)

# The dataplane: BPF object, then the skeleton that lb_bpf.c includes.
# The dataplane's edge, which tests of other things link too.
LB_BPF   := src/lb/lb_bpf.c src/lb/lb_bpf_maps.c
SKELETON := build/gen/lb_tc.skel.h
build/gen/lb_tc.bpf.o: src/lb/bpf/lb_tc.bpf.c $(wildcard src/lb/bpf/*.h) | deps
	$(MAKING)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function -Isrc \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<
$(SKELETON): build/gen/lb_tc.bpf.o
	$(Q)bpftool gen skeleton $< name lb_tc > $@
$(patsubst %,build/obj/%.o,lb/lb_bpf lb/lb_bpf_maps tests/bench/bench_bpf $(patsubst %.c,%,$(wildcard tests/bpf/*.c))): $(SKELETON)
$(patsubst %,build/san/obj/%.o,lb/lb_bpf lb/lb_bpf_maps tests/unit/test_lb_sync_table $(patsubst %.c,%,$(wildcard tests/bpf/*.c))): $(SKELETON)

-include $(shell find build/obj build/san/obj -name "*.d" 2>/dev/null)

# ---- unit tests and fuzz harnesses ----
# A row names the sources that a unit test (UNIT_NAME, tests/unit/test_NAME.c) or a fuzz harness (FUZZ_NAME,
# tests/fuzz/fuzz_NAME.c) links, and nothing else: a long row means a seam in the wrong place.

UNIT_addr     := src/common/addr.c
UNIT_lb_hash    := src/lb/lb_hash.c src/common/addr.c
UNIT_lb_verdict := src/lb/lb_verdict.c
UNIT_lb_expect  := src/lb/lb_expect.c
FUZZ_expect     := src/lb/lb_expect.c
PROBE := $(addprefix src/lb/,lb_probe.c lb_probe_tcp.c lb_probe_ping.c lb_expect.c) src/common/addr.c src/common/log.c src/common/icmp_echo.c
UNIT_icmp_echo         := src/common/icmp_echo.c
UNIT_lb_probe          := tests/unit/probe_harness.c $(PROBE)
UNITLIBS_lb_probe      := -lev
UNIT_lb_probe_ping     := tests/unit/probe_harness.c $(PROBE)
UNITLIBS_lb_probe_ping := -lev
UNIT_TESTS    := addr lb_hash lb_verdict lb_expect icmp_echo lb_probe lb_probe_ping

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
UNIT_table          := src/common/table.c src/ctl/human.c src/common/clean_text.c
UNIT_tandemctl      := tests/unit/tandemctl_harness.c $(filter-out src/ctl/main.c,$(wildcard src/ctl/*.c)) \
	$(CTL_SOCK) $(wildcard src/common/conf*.c) $(addprefix src/common/,addr.c secure_key.c table.c sock_diag.c sock_dump.c sock_owner.c sock_view.c) \
	$(addprefix src/lb/,lb_conf.c lb_conf_check.c lb_escape.c lb_model.c) $(VRRP_CONF)
UNITLIBS_tandemctl  := -lev -lnl-3 -ljansson -lconfig -lsodium -lutil
UNIT_tandemctl_vrrp     := $(UNIT_tandemctl)
UNITLIBS_tandemctl_vrrp := $(UNITLIBS_tandemctl)
UNIT_daemon_options := src/common/daemon_options.c src/common/log.c
UNIT_log            := src/common/log.c
UNIT_TESTS          += daemon_options log nearest event_log ctl_wire ctl_server ctl_client ctl_rundir table tandemctl tandemctl_vrrp

CONF := $(wildcard src/common/conf*.c) $(addprefix src/common/,nearest.c clean_text.c addr.c)
UNIT_conf        := $(CONF)
UNITLIBS_conf    := -lconfig -lm
UNIT_lb_model    := src/lb/lb_model.c src/lb/lb_escape.c src/common/conf_peer.c src/common/addr.c
UNIT_lb_conf     := $(CONF) $(addprefix src/lb/,lb_conf.c lb_conf_check.c lb_escape.c lb_model.c)
UNITLIBS_lb_conf := -lconfig -lm
FUZZ_conf        := $(UNIT_lb_conf) $(VRRP_CONF)
FUZZLIBS_conf    := -lconfig -lm
UNIT_conf_peer     := $(UNIT_lb_conf) $(VRRP_CONF)
UNITLIBS_conf_peer := -lconfig -lm
UNIT_TESTS       += conf lb_model lb_conf conf_peer

UNIT_resp           := $(addprefix src/apps/,resp.c resp_out.c resp_reply.c glob.c)
FUZZ_resp           := $(UNIT_resp)
UNIT_kv_table       := $(addprefix src/apps/,kv_table.c siphash.c resp.c)
UNIT_sntp           := src/apps/sntp.c
UNIT_load_stats     := src/apps/load_stats.c
UNITLIBS_load_stats := -ljansson
UNIT_addr_explain   := src/apps/addr_explain.c
FUZZ_addr_explain   := $(UNIT_addr_explain)
UNIT_burst          := src/apps/burst.c
FUZZ_burst          := src/apps/burst.c src/apps/sntp.c
UNIT_sink_command   := src/apps/sink_command.c
UNIT_lab_words      := $(addprefix src/apps/,bind_words.c nc_end.c)
UNIT_TESTS          += addr_explain burst sink_command lab_words
UNIT_host_port      := src/apps/host_port.c
SOCK_VIEW           := $(addprefix src/common/,sock_diag.c sock_view.c sock_owner.c addr.c clean_text.c)
UNIT_sock_diag      := $(SOCK_VIEW)
UNITLIBS_sock_diag  := -ljansson
FUZZ_sock_diag      := $(SOCK_VIEW)
FUZZLIBS_sock_diag  := -ljansson
UNIT_sockstat_count := src/apps/sockstat_count.c src/common/sock_owner.c
UNIT_hello_words    := src/apps/hello_words.c
UNIT_TESTS          += sock_diag sockstat_count hello_words
UNIT_TESTS          += resp kv_table sntp load_stats host_port

UNIT_lb_plan   := src/lb/lb_plan.c src/lb/lb_model.c src/common/conf_peer.c src/common/addr.c
UNIT_lb_places := src/lb/lb_ids.c src/lb/lb_region.c
UNIT_lb_table  := src/lb/lb_table.c src/lb/lb_hash.c src/common/addr.c
UNIT_TESTS     += lb_plan lb_places lb_table

UNIT_lb_neigh := $(addprefix src/lb/,lb_neigh.c lb_pace.c) src/common/addr.c
UNIT_lb_nudge := src/lb/lb_nudge.c src/common/addr.c
UNIT_TESTS    += lb_neigh lb_nudge
UNIT_TESTS          += lb_state # a header is all of it
# These drive the kernel in a network namespace of their own (root).
NETNS := tests/unit/netns_harness.c $(LB_BPF) $(addprefix src/common/,log.c addr.c bpf_pins.c)
UNIT_lb_links     := $(addprefix src/lb/,lb_links.c lb_interface.c lb_netlink.c lb_device.c lb_neigh.c lb_pace.c) $(NETNS)
UNITLIBS_lb_links := -lbpf -lev -lnl-3
UNIT_lb_netlink     := $(addprefix src/lb/,lb_netlink.c lb_device.c lb_neigh.c) $(NETNS)
UNITLIBS_lb_netlink := -lbpf -lev -lnl-3
UNIT_TESTS          += lb_netlink
UNIT_lb_reset     := src/lb/lb_reset.c src/lb/lb_nudge.c $(NETNS)
UNITLIBS_lb_reset := -lbpf -lev
UNIT_TESTS        += lb_links lb_reset

# ---- vrrp ----
UNIT_vrrp_conf              := tests/unit/vrrp_conf_harness.c $(CONF) $(VRRP_CONF)
UNITLIBS_vrrp_conf          := -lconfig -lm
UNIT_vrrp_conf_instance     := $(UNIT_vrrp_conf)
UNITLIBS_vrrp_conf_instance := -lconfig -lm
UNIT_vrrp_conf_check        := $(UNIT_vrrp_conf)
UNITLIBS_vrrp_conf_check    := -lconfig -lm
UNIT_vrrp_conf_peer         := $(UNIT_vrrp_conf)
UNITLIBS_vrrp_conf_peer     := -lconfig -lm
UNIT_TESTS                  += vrrp_conf vrrp_conf_instance vrrp_conf_check vrrp_conf_peer
UNIT_vrrp_fsm       := tests/unit/fsm_harness.c src/vrrp/vrrp_fsm.c src/vrrp/vrrp_fsm_text.c
UNIT_vrrp_handover  := $(UNIT_vrrp_fsm)
UNIT_vrrp_hold      := $(UNIT_vrrp_fsm)
UNIT_vrrp_stall     := $(UNIT_vrrp_fsm)
UNIT_TESTS          += vrrp_fsm vrrp_handover vrrp_hold vrrp_stall
UNIT_vrrp_packet    := src/vrrp/vrrp_packet.c src/common/addr.c
FUZZ_vrrp_packet    := src/vrrp/vrrp_packet.c
FUZZ_vrrp_events    := $(addprefix src/vrrp/,vrrp_packet.c vrrp_router.c vrrp_frame.c vrrp_fsm.c vrrp_fsm_text.c) src/common/addr.c
UNIT_vrrp_frame     := src/vrrp/vrrp_frame.c src/vrrp/vrrp_packet.c src/common/addr.c
UNIT_vrrp_priority  := src/vrrp/vrrp_priority.c
UNIT_vrrp_model     := src/vrrp/vrrp_model.c src/common/conf_peer.c src/common/addr.c src/common/clean_text.c
UNIT_TESTS          += vrrp_packet vrrp_frame vrrp_priority vrrp_model
UNIT_vrrp_flap      := src/vrrp/vrrp_flap.c
UNIT_TESTS          += vrrp_flap
UNIT_vrrp_stamp     := $(addprefix src/vrrp/,vrrp_stamp.c vrrp_fsm.c vrrp_fsm_text.c)
UNIT_vrrp_lease     := $(addprefix src/vrrp/,vrrp_lease.c vrrp_lease_map.c vrrp_timer.c) src/common/bpf_pins.c src/common/log.c
UNITLIBS_vrrp_lease := -lev
UNIT_TESTS          += vrrp_stamp vrrp_lease
UNIT_vrrp_realtime  := src/vrrp/vrrp_realtime.c
UNIT_TESTS          += vrrp_realtime
UNIT_vrrp_timer     := src/vrrp/vrrp_timer.c
UNITLIBS_vrrp_timer := -lev
UNIT_TESTS          += vrrp_timer
VRRP_NET := $(addprefix src/vrrp/,vrrp_net.c vrrp_net_parse.c vrrp_net_copy.c vrrp_net_change.c vrrp_net_group.c vrrp_net_macvlan.c \
	vrrp_timer.c) tests/unit/vrrp_netns.c src/common/log.c src/common/addr.c
UNIT_vrrp_net          := $(VRRP_NET)
UNITLIBS_vrrp_net      := -lev -lnl-3
UNIT_vrrp_macvlan      := $(VRRP_NET)
UNITLIBS_vrrp_macvlan  := -lev -lnl-3
UNIT_vrrp_net_group     := $(VRRP_NET)
UNITLIBS_vrrp_net_group := -lev -lnl-3
UNIT_vrrp_sock         := $(addprefix src/vrrp/,vrrp_rx.c vrrp_tx.c vrrp_frame.c vrrp_packet.c vrrp_timer.c) tests/unit/vrrp_netns.c src/common/addr.c
UNITLIBS_vrrp_sock     := -lev
UNIT_vrrp_accept       := src/vrrp/vrrp_accept.c tests/unit/vrrp_netns.c src/common/addr.c
UNITLIBS_vrrp_accept   := -lnftables -lev
FUZZ_vrrp_netlink      := src/vrrp/vrrp_net_parse.c src/vrrp/vrrp_net_copy.c src/common/addr.c
FUZZLIBS_vrrp_netlink  := -lnl-3
UNIT_vrrp_net_parse    := $(FUZZ_vrrp_netlink)
UNITLIBS_vrrp_net_parse := -lnl-3
UNIT_vrrp_net_copy      := src/vrrp/vrrp_net_copy.c src/common/addr.c
UNIT_vrrp_net_order     := $(VRRP_NET)
UNITLIBS_vrrp_net_order := -lev -lnl-3
UNIT_TESTS          += vrrp_net_parse vrrp_net_copy vrrp_net vrrp_net_order vrrp_net_group vrrp_macvlan vrrp_sock vrrp_accept
VRRP_EXEC            := src/vrrp/vrrp_exec.c src/vrrp/vrrp_exec_check.c src/common/log.c
UNIT_vrrp_exec       := $(VRRP_EXEC)
UNITLIBS_vrrp_exec   := -lev
UNIT_vrrp_notify     := src/vrrp/vrrp_notify.c $(VRRP_EXEC) src/common/clean_text.c
UNITLIBS_vrrp_notify := -lev
VRRP_POOL_ANSWER     := src/vrrp/vrrp_pool_answer.c $(CTL_WIRE)
UNIT_vrrp_track      := $(wildcard src/vrrp/vrrp_track*.c) $(addprefix src/vrrp/,vrrp_exec.c vrrp_exec_check.c vrrp_model.c) src/common/conf_peer.c \
	$(VRRP_POOL_ANSWER) src/common/ctl_rundir.c src/common/addr.c
UNITLIBS_vrrp_track  := -lev -ljansson
UNIT_vrrp_track_pool      := $(UNIT_vrrp_track)
UNITLIBS_vrrp_track_pool  := -lev -ljansson
UNIT_vrrp_pool_answer     := $(VRRP_POOL_ANSWER)
UNITLIBS_vrrp_pool_answer := -ljansson
FUZZ_vrrp_pool       := $(VRRP_POOL_ANSWER)
FUZZLIBS_vrrp_pool   := -ljansson
UNIT_TESTS           += vrrp_exec vrrp_notify vrrp_track vrrp_track_pool vrrp_pool_answer
VRRP_WARD           := $(addprefix src/vrrp/,vrrp_ward.c vrrp_ward_file.c vrrp_ward_slot.c vrrp_ward_active.c \
	vrrp_ward_farewell.c) src/common/addr.c
UNIT_vrrp_ward      := tests/unit/ward_harness.c $(VRRP_WARD)
UNIT_vrrp_ward_kill := $(UNIT_vrrp_ward)
FUZZ_vrrp_ward      := $(VRRP_WARD)
VRRP_GUARD          := $(addprefix src/vrrp/,vrrp_realtime.c vrrp_guard.c vrrp_guard_clean.c vrrp_tx.c vrrp_frame.c vrrp_packet.c)
UNIT_vrrp_guard     := $(VRRP_GUARD) $(VRRP_WARD) $(VRRP_NET)
UNITLIBS_vrrp_guard := -lev -lnl-3
UNIT_TESTS          += vrrp_ward vrrp_ward_kill vrrp_guard

# ---- pair ----
UNIT_vrrp_witness     := src/vrrp/vrrp_witness.c src/vrrp/vrrp_timer.c src/common/icmp_echo.c src/common/addr.c tests/unit/vrrp_netns.c
UNITLIBS_vrrp_witness := -lev
SECURE := $(addprefix src/common/,secure_dgram.c secure_hello.c)
UNIT_vrrp_peer        := $(SECURE) $(addprefix src/vrrp/,vrrp_peer.c vrrp_said.c vrrp_beacon.c vrrp_timer.c) src/common/secure_key.c \
	src/common/addr.c src/common/conf_peer.c tests/unit/vrrp_netns.c tests/unit/peer_harness.c
UNITLIBS_vrrp_peer    := -lev -lsodium
UNIT_vrrp_peer_enemy     := $(UNIT_vrrp_peer)
UNITLIBS_vrrp_peer_enemy := -lev -lsodium
UNIT_secure_dgram     := $(SECURE)
UNITLIBS_secure_dgram := -lsodium
UNIT_secure_chaos     := $(UNIT_secure_dgram)
UNITLIBS_secure_chaos := -lsodium
UNIT_secure_key       := src/common/secure_key.c
UNITLIBS_secure_key   := -lsodium
UNIT_vrrp_beacon      := src/vrrp/vrrp_beacon.c
UNIT_vrrp_verdict     := src/vrrp/vrrp_verdict.c
UNIT_vrrp_said        := src/vrrp/vrrp_said.c
UNIT_vrrp_judge       := $(addprefix src/vrrp/,vrrp_judge.c vrrp_verdict.c vrrp_fsm.c vrrp_fsm_text.c)
UNIT_tandemctl_keygen     := $(UNIT_tandemctl)
UNITLIBS_tandemctl_keygen := $(UNITLIBS_tandemctl)
UNIT_sync_wire        := src/lb/sync_wire.c src/common/addr.c
UNIT_TESTS            += secure_dgram secure_chaos secure_key vrrp_beacon vrrp_verdict vrrp_said vrrp_judge sync_wire tandemctl_keygen vrrp_witness vrrp_peer vrrp_peer_enemy
SYNC := $(addprefix src/lb/sync_,session.c out.c in.c window.c lag.c wire.c)
UNIT_sync_sim         := tests/unit/sync_pair.c $(SYNC)
UNIT_sync_in          := tests/unit/sync_words.c $(SYNC)
UNIT_sync_out         := $(UNIT_sync_in)
UNIT_TESTS            += sync_sim sync_in sync_out
UNIT_lb_sync_link     := tests/unit/vrrp_netns.c $(addprefix src/lb/lb_sync_,link.c path.c word.c) $(SYNC) $(SECURE) \
	$(addprefix src/common/,secure_key.c conf_peer.c addr.c)
UNITLIBS_lb_sync_link := -lev -lsodium
UNIT_lb_sync_board    := src/lb/lb_sync_board.c
UNIT_TESTS            += lb_sync_link lb_sync_board
FUZZ_sync_session     := $(SYNC)
UNIT_sync_changes     := src/lb/sync_changes.c
UNIT_lb_names         := src/lb/lb_names.c src/common/addr.c
UNIT_lb_sync_flow     := $(addprefix src/lb/,lb_sync_flow.c sync_wire.c) src/common/addr.c
FUZZ_sync_flow        := $(UNIT_lb_sync_flow) src/lb/lb_names.c
# Two real dataplanes and all that stands between them and a session.
SYNC_TABLE            := tests/unit/table_node.c tests/bpf/packet.c $(addprefix src/lb/,lb_sync_table.c lb_sync_tell.c lb_sync_take.c \
	lb_sync_flow.c lb_names.c sync_changes.c lb_age.c lb_live.c lb_apply.c lb_plan.c lb_ids.c lb_region.c lb_table.c \
	lb_hash.c lb_verdict.c lb_route.c) $(SYNC) $(sort $(filter-out src/common/log.c src/common/addr.c,$(PROBE) $(UNIT_lb_conf)) \
	$(LB_BPF) $(addprefix src/common/,log.c addr.c bpf_pins.c))
UNIT_lb_sync_table     := $(SYNC_TABLE) tests/unit/netns_harness.c
UNITLIBS_lb_sync_table := -lbpf -lev -lnl-3 -lconfig -lm
UNIT_TESTS            += sync_changes lb_names lb_sync_flow lb_sync_table
FUZZ_secure_dgram     := $(SECURE) src/vrrp/vrrp_beacon.c src/lb/sync_wire.c
FUZZLIBS_secure_dgram := -lsodium
FUZZ_vrrp_beacon      := src/vrrp/vrrp_beacon.c
FUZZ_sync_wire        := src/lb/sync_wire.c

$(UNIT_TESTS:%=build/test/unit_%): build/test/unit_%: build/san/obj/tests/unit/test_%.o $$(call san,$$(UNIT_$$*))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_LD) $(LDFLAGS) -o $@ $^ -lcmocka $(UNITLIBS_$*)

# In the ordinary test run a harness replays its corpus; `make fuzz NAME=resp SECONDS=60` looks for new crashes.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
build/san/obj/tests/fuzz/replay_%.o: tests/fuzz/replay.c | deps
	$(MAKING)
	$(Q)$(COMPILE) $(SAN_CFLAGS) $(SANITIZE) -DCORPUS='"tests/fuzz/corpus/$*"' -c -o $@ $<
$(FUZZERS:%=build/test/fuzz_%): build/test/fuzz_%: build/san/obj/tests/fuzz/fuzz_%.o \
		build/san/obj/tests/fuzz/replay_%.o $$(call san,$$(FUZZ_$$*))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_LD) $(LDFLAGS) -o $@ $^ $(FUZZLIBS_$*)
$(FUZZERS:%=build/fuzz/%): build/fuzz/%: tests/fuzz/fuzz_%.c $$(FUZZ_$$*) | deps
	$(MAKING)
	$(Q)$(CLANG) $(CPPFLAGS) -O1 -g -std=gnu11 $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(FUZZLIBS_$*)

# ---- the dataplane's packets: build/test/bpf_NAME (root), each with the fixture, the frames, the model of the NAT ----

BPF_TESTS := $(patsubst tests/bpf/test_%.c,%,$(wildcard tests/bpf/test_*.c))
BPF_PARTS := $(addprefix tests/bpf/,fixture.c packet.c nat_model.c pair.c) $(LB_BPF) $(addprefix src/common/,log.c addr.c bpf_pins.c)
$(BPF_TESTS:%=build/test/bpf_%): build/test/bpf_%: build/san/obj/tests/bpf/test_%.o $(call san,$(BPF_PARTS))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_LD) $(LDFLAGS) -o $@ $^ -lbpf -lcmocka
# Without sanitizers, for the kernel of the uml lane.
BPF_PLAIN := $(BPF_TESTS:%=build/test/plain_bpf_%)
$(BPF_PLAIN): build/test/plain_bpf_%: build/obj/tests/bpf/test_%.o $(call obj,$(BPF_PARTS))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lbpf -lcmocka

# ---- speakers on a simulated clock and network: build/test/sim as it ships, sim_san with sanitizers ----

SIM_PARTS := $(wildcard tests/sim/*.c) $(addprefix src/vrrp/,vrrp_fsm.c vrrp_fsm_text.c vrrp_packet.c vrrp_stamp.c \
	vrrp_beacon.c vrrp_said.c vrrp_judge.c vrrp_verdict.c)
build/test/sim: $(call obj,$(SIM_PARTS))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^
build/test/sim_san: $(call san,$(SIM_PARTS))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_LD) $(LDFLAGS) -o $@ $^

# ---- programs of the benchmark ----

VRRP_BENCH := $(addprefix build/test/bench_,wire ping stall)

build/test/bench_bpf: build/obj/tests/bench/bench_bpf.o $(call obj,$(BPF_PARTS))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lbpf -lcmocka

# What health checks cost: build/test/bench_probe [tcp|expect|ping] [backends] [seconds]
build/test/bench_probe: build/obj/tests/bench/bench_probe.o $(call obj,$(PROBE))
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lev

# Connections for a running tandem-lb, faster than clients can make them; used by tests/bench/sync
build/test/bench_sync_live: build/obj/tests/bench/bench_sync_live.o $(call obj,tests/bpf/packet.c src/common/bpf_pins.c)
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lbpf

# What the switch and what a client see of a failover, how punctual the machine is; used by tests/bench/vrrp
$(VRRP_BENCH): build/test/%: build/obj/tests/bench/%.o
	$(MAKING)
	$(Q)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lnl-3

# ---- test ----

UNIT_PROGS := $(UNIT_TESTS:%=build/test/unit_%)
FUZZ_PROGS := $(FUZZERS:%=build/test/fuzz_%)
BPF_PROGS  := $(BPF_TESTS:%=build/test/bpf_%)
# On every core, whatever -j says, unless a -j is in force already.
PARALLEL    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

SIM_PROGS  := build/test/sim build/test/sim_san
tests: deps $(UNIT_PROGS) $(FUZZ_PROGS) $(BPF_PROGS) $(BPF_PLAIN) $(SIM_PROGS)

#: test        build and run every test: one summary (root; without it bpf and e2e are skipped)
test: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all san tests
	@tests/run $(sort $(UNIT_PROGS)) $(sort $(FUZZ_PROGS)) tests/sim/*.t tests/repo/*.t $(sort $(BPF_PROGS)) tests/e2e/*.t tests/uml/*.t

#: lint        the house rules of docs/TESTING.md
lint: deps
	@tests/run tests/repo/lint.t

#: unit        the unit tests and the corpora of the fuzz harnesses
unit: deps
	@$(MAKE) --no-print-directory $(PARALLEL) $(UNIT_PROGS) $(FUZZ_PROGS)
	@tests/run $(sort $(UNIT_PROGS)) $(sort $(FUZZ_PROGS))

#: sim         a million schedules of speakers on a simulated clock and network; SCHEDULES and SEED bend it
SCHEDULES ?= 1000000
SEED      ?= 1
sim: deps
	@$(MAKE) --no-print-directory $(PARALLEL) $(SIM_PROGS)
	build/test/sim --schedules $(SCHEDULES) --first $(SEED) --progress

#: bpf         the dataplane, packet in, packet out, against a model of the NAT (root)
bpf: $(BPF_PROGS)
	@tests/run $^

#: e2e         the end-to-end tests in network namespaces (root); T="tests/e2e/NAME.t ..." for some of them
T ?= tests/e2e/*.t
e2e: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all san
	@tests/run $(T)

#: uml         those that need bonding, VLANs or netem, in user-mode-linux where this kernel lacks them (root)
uml: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all san $(BPF_PLAIN)
	@tests/run tests/uml/*.t

#: labs        the exercises of docs/labs, each claim beside what was observed (root, within ten minutes); L="NAME ..." for some
labs: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@scripts/labs $(L)

#: fuzz        look for new crashes: make fuzz NAME=resp SECONDS=60
SECONDS ?= 60
fuzz: $(if $(NAME),build/fuzz/$(NAME))
	@[ -n "$(NAME)" ] || { echo "fuzz: say which: make fuzz NAME=... of $(FUZZERS)" >&2; exit 2; }
	@mkdir -p build/fuzz/found.$(NAME)
	build/fuzz/$(NAME) -max_total_time=$(SECONDS) -artifact_prefix=build/fuzz/$(NAME)- \
		build/fuzz/found.$(NAME) tests/fuzz/corpus/$(NAME)

#: demo        a pair that fails over in all the ways there are, and what its clients notice (root, three minutes)
demo: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@scripts/demo

#: demo-balancer  one balancer with servers that die, drain and return (root, one minute)
demo-balancer: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@scripts/demo-balancer

#: bench       all contenders side by side (root); ROUNDS, SECONDS_PER, CONTENDERS, MEASURES bend it
bench: bench-programs
	@tests/bench/all
bench-programs: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all $(addprefix build/test/bench_,bpf sync_live) $(VRRP_BENCH)

# ---- install ----

# mode:source:destination
INSTALLED := $(foreach p,$(DAEMONS),755:build/bin/$p:$(PREFIX)/sbin/$p) \
	$(foreach p,tandemctl $(APPS),755:build/bin/$p:$(PREFIX)/bin/$p) \
	644:etc/tandem.conf.example:/etc/tandem/tandem.conf.example \
	$(foreach p,$(DAEMONS),644:etc/systemd/$p.service:$(PREFIX)/lib/systemd/system/$p.service) \
	644:etc/sysctl.d/90-tandem.conf:$(PREFIX)/lib/sysctl.d/90-tandem.conf \
	644:etc/completion/tandemctl.bash:$(PREFIX)/share/bash-completion/completions/tandemctl \
	$(foreach m,$(DAEMONS:=.8) tandemctl.8 tandem.conf.5,644:docs/man/$m:$(PREFIX)/share/man/man$(subst .,,$(suffix $m))/$m)

#: install     to PREFIX (/usr/local) and /etc/tandem, below DESTDIR; uninstall takes away the same files
install: all
	@for row in $(INSTALLED); do set -- $$(echo $$row | tr : ' '); install -D -m $$1 $$2 "$(DESTDIR)$$3" || exit 1; done
	@sed -i 's|/usr/local/sbin/|$(PREFIX)/sbin/|' $(DAEMONS:%="$(DESTDIR)$(PREFIX)/lib/systemd/system/%.service")

uninstall:
	@for row in $(INSTALLED); do rm -f "$(DESTDIR)$${row##*:}"; done
	@rmdir --ignore-fail-on-non-empty "$(DESTDIR)/etc/tandem" 2>/dev/null || true

clean:
	rm -rf build
