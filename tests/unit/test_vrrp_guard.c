/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard with speakers that are nothing but a few lines of this file, on a veth pair in a network namespace of their
 * own (root): what leaves one end is read at the other by a packet socket, with the kernel's time.
 *
 * The guard is a child of the test. Speakers write one byte for each thing they do into a pipe that the test reads.
 */
#include "vrrp_netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tmp_dir.h"
#include "vrrp/vrrp_guard.h"
#include "vrrp/vrrp_packet.h"
#include "vrrp/vrrp_ward.h"

#define SECOND 1000000000LL
#define HERE   "eth0"
#define VIP    "10.9.0.100"

static char dir[TMP_DIR_MAX];
static struct vrrp_ward *ward;
static int story[2]; /* what the speakers tell */
static int wire = -1;
static pid_t guard, last_speaker;

enum tale { STARTED = 's', RESTARTED = 'r', GOT_TERM = 'T', GOT_HUP = 'H', GOT_INT = 'I' };

/* ---- speakers ---- */

static void tell(char what)
{
	pid_t pid = getpid();
	char line[1 + sizeof(pid)] = {what};

	memcpy(line + 1, &pid, sizeof(pid));
	if (write(story[1], line, sizeof(line)) != sizeof(line))
		_exit(99);
}

static void hold_address(void)
{
	struct vrrp_held held = {.unit = "edge", .interface = HERE, .address.prefix = 24};

	held.ifindex = (int)if_nametoindex(HERE);
	addr_parse(VIP, &held.address.addr);
	if (vrrp_ward_hold(ward, &held))
		_exit(98);
	sh("ip addr replace " VIP "/24 dev " HERE);
	vrrp_ward_advertised(ward, "edge", 1000, 5000);
}

static void leave_farewell(uint8_t vrid, const char *const *peers)
{
	static struct vrrp_farewell farewell;
	struct vrrp_advert advert = {.version = 3,
		.vrid = vrid,
		.count = 1,
		.interval_ms = 1000,
		.family = AF_INET,
		.addresses = (const uint8_t[]){10, 9, 0, 100}};
	struct vrrp_ip ip = {.ttl = VRRP_TTL, .destination = vrrp_packet_group(AF_INET)};
	int len;

	memset(&farewell, 0, sizeof(farewell));
	farewell.ifindex = (int)if_nametoindex(HERE);
	farewell.family = AF_INET;
	farewell.vrid = vrid;
	addr_parse("10.9.0.1", &farewell.source);
	vrrp_packet_virtual_mac(AF_INET, vrid, farewell.mac);
	for (; peers && *peers; peers++)
		addr_parse(*peers, &farewell.peers[farewell.peer_count++]);
	ip.source = farewell.source;
	if (farewell.peer_count)
		ip.destination = farewell.peers[0];
	len = vrrp_packet_encode(&advert, &ip, VRRP_FORM_LEGACY, farewell.payload, sizeof(farewell.payload));
	farewell.len = (size_t)len;
	if (len < 0 || vrrp_ward_set_farewell(ward, &farewell))
		_exit(97);
}

/* Tell of every signal; SIGTERM and SIGINT end it with that status. */
static int obey(int status)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	for (;;) {
		int signal = sigwaitinfo(&set, NULL);

		if (signal == SIGHUP) {
			tell(GOT_HUP);
		} else if (signal > 0) {
			tell(signal == SIGTERM ? GOT_TERM : GOT_INT);
			return status;
		}
	}
}

/* Active, says nothing when it is started again. */
static int speak_active(void *data, struct vrrp_ward *w, bool restarted)
{
	static const char *const peers[] = {"10.9.0.2", "10.9.0.3", NULL};

	if (!restarted) {
		hold_address();
		leave_farewell(51, NULL);
		if (data)
			leave_farewell(52, peers);
		vrrp_ward_set_claimed(ward, true);
	}
	tell(restarted ? RESTARTED : STARTED);
	return obey(0);
}

/* The same, but the new one looks after what is held. */
static int speak_claiming(void *data, struct vrrp_ward *w, bool restarted)
{
	if (!restarted)
		return speak_active(NULL, w, restarted);
	vrrp_ward_set_claimed(ward, true);
	fputs("# a speaker goes on\n", stderr);
	tell(RESTARTED);
	return obey(0);
}

/* Goes on as Active. */
static int speak_resuming(void *data, struct vrrp_ward *w, bool restarted)
{
	vrrp_ward_set_resume(ward, true);
	return speak_claiming(data, w, restarted);
}

static int speak_status(void *data, struct vrrp_ward *w, bool restarted)
{
	hold_address();
	leave_farewell(51, NULL);
	vrrp_ward_set_claimed(ward, true);
	tell(STARTED);
	return *(int *)data;
}

static int speak_crashing(void *data, struct vrrp_ward *w, bool restarted)
{
	hold_address();
	tell(restarted ? RESTARTED : STARTED);
	raise(SIGKILL);
	return 0;
}

static int speak_obedient(void *data, struct vrrp_ward *w, bool restarted)
{
	tell(STARTED);
	return obey(3);
}

/* SIGTERM comes before it handles it. */
static int speak_late(void *data, struct vrrp_ward *w, bool restarted)
{
	struct timespec delay = {.tv_nsec = 50000000};

	tell(STARTED);
	nanosleep(&delay, NULL);
	return obey(4);
}

/* ---- the test's side ---- */

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts); /* the clock of SO_TIMESTAMPNS */
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static void start_guard(vrrp_speak_fn *speak, void *data)
{
	fflush(NULL);
	guard = fork();
	assert_true(guard >= 0);
	if (guard)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(vrrp_guard_run(ward, speak, data));
}

/* A child that ends interrupts poll(): libev wants to know. */
static bool readable(int fd, int64_t within_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t until = now_ns() + within_ns, left = within_ns;
	int n;

	do {
		n = poll(&p, 1, left > 0 ? (int)(left / 1000000) : 0);
		left = until - now_ns();
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

/* The next thing a speaker tells must be that; returns its pid. */
static pid_t expect(char what)
{
	char line[1 + sizeof(pid_t)];
	pid_t pid;

	if (!readable(story[0], 10 * SECOND))
		fail_msg("waited for '%c' for 10 s", what);
	assert_int_equal(read(story[0], line, sizeof(line)), sizeof(line));
	assert_int_equal(line[0], what);
	memcpy(&pid, line + 1, sizeof(pid));
	last_speaker = pid;
	return pid;
}

/* Its status, or 1000 + signal. */
static int guards_end(void)
{
	int status;

	assert_int_equal(waitpid(guard, &status, 0), guard);
	guard = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool has_vip(void)
{
	return system("ip -o addr show dev " HERE " | grep -q ' " VIP "/'") == 0;
}

/* Addresses that go within a time: the kernel tells of it. */
static bool vip_goes(int64_t within_ns)
{
	int64_t until = now_ns() + within_ns;

	while (has_vip())
		if (now_ns() > until)
			return false;
	return true;
}

struct sight {
	uint8_t frame[1600];
	ssize_t len;
	int64_t at_ns;
	struct sockaddr_ll from;
};

/* The next VRRP packet on the other end; false when none comes. */
static bool see(struct sight *sight, int64_t within_ns)
{
	int64_t until = now_ns() + within_ns;

	for (;;) {
		char control[256];
		struct iovec part = {sight->frame, sizeof(sight->frame)};
		struct msghdr msg = {.msg_name = &sight->from,
			.msg_namelen = sizeof(sight->from),
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		int64_t left = until - now_ns();

		if (!readable(wire, left > 0 ? left : 0))
			return false;
		sight->len = recvmsg(wire, &msg, 0);
		if (sight->len < 42 || sight->frame[23] != VRRP_PROTOCOL ||
			sight->from.sll_pkttype == PACKET_OUTGOING)
			continue;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
				struct timespec ts;

				memcpy(&ts, CMSG_DATA(c), sizeof(ts));
				sight->at_ns = ts.tv_sec * SECOND + ts.tv_nsec;
			}
		return true;
	}
}

/* It is a farewell of that router, its checksum right for where it goes. */
static void check_farewell(const struct sight *sight, uint8_t vrid, const char *destination)
{
	const uint8_t *ip = sight->frame + 14;
	struct vrrp_ip addresses = {.ttl = ip[8], .source.family = AF_INET, .destination.family = AF_INET};
	struct vrrp_advert advert;
	enum vrrp_checksum_form form;
	char text[ADDR_TEXT_MAX];

	memcpy(addresses.source.bytes, ip + 12, 4);
	memcpy(addresses.destination.bytes, ip + 16, 4);
	assert_string_equal(addr_format(&addresses.destination, text), destination);
	assert_int_equal(
		vrrp_packet_decode(ip + 20, (size_t)(ip[2] << 8 | ip[3]) - 20, &addresses, &advert, &form),
		VRRP_OK);
	assert_int_equal(form, VRRP_FORM_LEGACY);
	assert_int_equal(advert.vrid, vrid);
	assert_int_equal(advert.priority, 0);
}

/* Peers that need not answer for themselves. */
static void know_peers(void)
{
	sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev " HERE " nud permanent");
	sh("ip neigh replace 10.9.0.3 lladdr 02:00:00:00:00:03 dev " HERE " nud permanent");
}

static int set_up(void **state)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	char error[300];
	int on = 1, err;

	guard = 0;
	if (tmp_dir_make(dir) || vrrp_ward_open(&ward, dir, error, sizeof(error)) ||
		pipe2(story, O_CLOEXEC | O_NONBLOCK))
		return -1;
	netns_in_peer(true);
	at.sll_ifindex = (int)if_nametoindex("peer0");
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
	setsockopt(wire, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	err = bind(wire, (struct sockaddr *)&at, sizeof(at));
	netns_in_peer(false);
	return err;
}

/* A test that failed leaves a guard, and one that found a fault perhaps a speaker, which is our child then. */
static int tear_down(void **state)
{
	if (guard > 0) {
		kill(guard, SIGKILL);
		waitpid(guard, NULL, 0);
	}
	if (last_speaker && waitpid(last_speaker, NULL, WNOHANG) == 0) {
		kill(last_speaker, SIGKILL);
		waitpid(last_speaker, NULL, 0);
	}
	last_speaker = 0;
	close(story[0]);
	close(story[1]);
	close(wire);
	vrrp_ward_close(ward, true);
	if (has_vip())
		sh("ip addr del " VIP "/24 dev " HERE);
	return tmp_dir_remove(dir);
}

static void end_guard(void)
{
	assert_int_equal(kill(guard, SIGTERM), 0);
	expect(GOT_TERM);
	assert_int_equal(guards_end(), 0);
}

/* ---- tests ---- */

static void a_killed_speakers_farewell_is_said_at_once(void **state)
{
	static const uint8_t mac[6] = {0, 0, 0x5e, 0, 1, 51};
	struct sight sight;
	pid_t speaker;
	int64_t killed_at;

	start_guard(speak_claiming, NULL);
	speaker = expect(STARTED);
	killed_at = now_ns();
	assert_int_equal(kill(speaker, SIGKILL), 0);
	assert_true(see(&sight, 2 * SECOND));
	print_message("last words %.3f ms after the kill\n", (double)(sight.at_ns - killed_at) / 1e6);
	assert_true(sight.at_ns - killed_at < 100000000); /* 1 ms, but on a busy machine */
	assert_memory_equal(sight.frame + 6, mac, 6);
	check_farewell(&sight, 51, "224.0.0.18");
	assert_int_not_equal(expect(RESTARTED), speaker);
	assert_false(see(&sight, 50000000)); /* once */
	end_guard();
	assert_false(see(&sight, 0));
}

/* Each peer gets a checksum of its own. */
static void farewells_go_to_every_peer(void **state)
{
	struct sight sight;
	int yes = 1;

	start_guard(speak_active, &yes);
	kill(expect(STARTED), SIGKILL);
	assert_true(see(&sight, 2 * SECOND));
	check_farewell(&sight, 51, "224.0.0.18");
	assert_true(see(&sight, 2 * SECOND));
	check_farewell(&sight, 52, "10.9.0.2");
	assert_true(see(&sight, 2 * SECOND));
	check_farewell(&sight, 52, "10.9.0.3");
	expect(RESTARTED);
	end_guard();
}

static void addresses_go_when_nobody_claims_them(void **state)
{
	int64_t killed_at;

	start_guard(speak_active, NULL);
	killed_at = now_ns();
	kill(expect(STARTED), SIGKILL);
	expect(RESTARTED);
	assert_true(has_vip());
	assert_true(vip_goes(3 * SECOND));
	assert_true(now_ns() - killed_at > 900000000);
	end_guard();
}

static void addresses_stay_when_they_are_claimed(void **state)
{
	int64_t at, safe;

	start_guard(speak_claiming, NULL);
	kill(expect(STARTED), SIGKILL);
	expect(RESTARTED);
	assert_false(vip_goes(3 * SECOND / 2));
	/* A farewell was said: whoever was Active may not resume. */
	assert_true(vrrp_ward_was_active(ward, "edge", &at, &safe));
	assert_int_equal(safe, 0);
	end_guard();
	assert_false(has_vip()); /* it ended and still held it */
}

/* The address is where the name is now. */
static void a_new_interface_of_that_name_is_cleaned(void **state)
{
	start_guard(speak_active, NULL);
	expect(STARTED);
	sh("ip link add tnd-g2 type veth peer name tnd-g3 && ip link set " HERE " name tnd-g9 && "
	   "ip link set tnd-g2 name " HERE " && ip link set " HERE " up && ip addr add " VIP "/24 dev " HERE);
	assert_int_equal(kill(guard, SIGTERM), 0);
	expect(GOT_TERM);
	assert_int_equal(guards_end(), 0);
	assert_false(has_vip());
	assert_int_not_equal(system("ip -o addr | grep -q ' " VIP "/'"), 0); /* nor on the old one */
	sh("ip link del " HERE " && ip link set tnd-g9 down && ip link set tnd-g9 name " HERE);
	sh("ip link set " HERE " up && ip addr replace 10.9.0.1/24 dev " HERE);
	know_peers();
}

static void one_that_resumes_is_not_taken_leave_of(void **state)
{
	struct sight sight;
	int64_t at, safe;

	start_guard(speak_resuming, NULL);
	kill(expect(STARTED), SIGKILL);
	expect(RESTARTED);
	assert_false(see(&sight, 3 * SECOND / 2));
	assert_true(has_vip());
	assert_true(vrrp_ward_was_active(ward, "edge", &at, &safe));
	assert_int_equal(safe, 5000);
	end_guard(); /* status 0: all stays for the next start */
	assert_true(has_vip());
	assert_false(see(&sight, 0));
}

static void the_status_is_passed_on(void **state)
{
	static const int statuses[] = {0, 1, 2, 77};
	struct sight sight;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		int status = statuses[i];

		vrrp_ward_set_resume(
			ward, status == 77); /* only a good end leaves something for the next start */
		start_guard(speak_status, &status);
		expect(STARTED);
		assert_int_equal(guards_end(), status);
		assert_false(has_vip());
		assert_true(see(&sight, SECOND)); /* it forgot to say it */
		check_farewell(&sight, 51, "224.0.0.18");
	}
}

static void a_crash_loop_slows_down(void **state)
{
	int64_t at[6];

	start_guard(speak_crashing, NULL);
	for (int i = 0; i < 5; i++) {
		expect(i ? RESTARTED : STARTED);
		at[i] = now_ns();
		if (i >= 2)
			assert_true(vip_goes(SECOND / 2)); /* before the wait, not after it */
	}
	assert_true(at[2] - at[0] < SECOND);
	assert_true(at[3] - at[2] > 900000000 && at[3] - at[2] < 2 * SECOND);
	assert_true(at[4] - at[3] > 1900000000 && at[4] - at[3] < 3 * SECOND);
	/* Four seconds to go, but somebody mended the config. */
	assert_int_equal(kill(guard, SIGHUP), 0);
	expect(RESTARTED);
	assert_true(now_ns() - at[4] < 2 * SECOND);
	assert_true(vip_goes(SECOND / 2));
	assert_int_equal(kill(guard, SIGTERM), 0);
	assert_int_equal(guards_end(), 0);
}

static void signals_are_passed_on(void **state)
{
	start_guard(speak_obedient, NULL);
	expect(STARTED);
	assert_int_equal(kill(guard, SIGHUP), 0);
	expect(GOT_HUP);
	assert_int_equal(kill(guard, SIGUSR1), 0); /* nobody's business, and nobody's end */
	assert_int_equal(kill(guard, SIGHUP), 0);
	expect(GOT_HUP);
	assert_int_equal(kill(guard, SIGINT), 0);
	expect(GOT_INT);
	assert_int_equal(guards_end(), 3);
	start_guard(speak_late, NULL);
	expect(STARTED);
	assert_int_equal(kill(guard, SIGTERM), 0);
	expect(GOT_TERM);
	assert_int_equal(guards_end(), 4);
}

/* Nobody is left to look after the speaker: it says goodbye itself. */
static void the_speaker_ends_with_its_guard(void **state)
{
	start_guard(speak_active, NULL);
	expect(STARTED);
	assert_int_equal(kill(guard, SIGKILL), 0);
	expect(GOT_TERM);
	assert_int_equal(guards_end(), 1000 + SIGKILL);
}

/* What it logs to is gone: it goes on. */
static void a_closed_log_is_survived(void **state)
{
	int pipes[2], kept = dup(STDERR_FILENO);
	struct sight sight;

	assert_int_equal(pipe(pipes), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	close(pipes[0]);
	close(pipes[1]);
	start_guard(speak_claiming, NULL);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	kill(expect(STARTED), SIGKILL);
	expect(RESTARTED);
	assert_true(see(&sight, SECOND));
	end_guard();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_killed_speakers_farewell_is_said_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(farewells_go_to_every_peer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_go_when_nobody_claims_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_stay_when_they_are_claimed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_resumes_is_not_taken_leave_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_status_is_passed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_crash_loop_slows_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signals_are_passed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_speaker_ends_with_its_guard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_closed_log_is_survived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_interface_of_that_name_is_cleaned, set_up, tear_down),
	};

	netns_make();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	know_peers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
