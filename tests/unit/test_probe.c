/* SPDX-License-Identifier: MIT */
/*
 * test_probe.c - what the kernel is asked when a call failed: that answers which are kept are found
 * out when they are no longer true, and that nothing is asked that is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "calls.h"
#include "probe.h"
#include "probe_aside.h"
#include "self.h"

#define SECOND 1000000000u
#define HAS(f, bit) ((f).have >> FACT_##bit & 1)

static char dir[] = "/tmp/fdwhy-probe-XXXXXX";
static uint64_t now = 5ull * SECOND; /* as the failing call says it is */

static int set_up(void **state)
{
	(void)state;
	self_clock_gettime = clock_gettime;
	self_gate.pid = (uint32_t)getpid();
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* ---- what can fail ------------------------------------------------------------------------------
 */

static struct sockaddr_un named(const char *name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/%s", dir, name);
	return un;
}

static int make_listener(const struct sockaddr_un *un, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_false(bind(fd, (const struct sockaddr *)un, sizeof(*un)));
	assert_false(listen(fd, backlog));
	return fd;
}

/* Clients that wait in the queue, each a connection. */
static void fill(const struct sockaddr_un *un, int *clients, int count)
{
	for (int i = 0; i < count; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_false(connect(clients[i], (const struct sockaddr *)un, sizeof(*un)));
	}
}

static struct record_facts probe_connect(int fd, const struct sockaddr_un *un)
{
	const struct probe_in in = {.call = CALL_connect,
				    .class = CLASS_connect,
				    .fd = fd,
				    .now_ns = now,
				    .addr = un,
				    .addr_bytes = sizeof(*un)};
	struct record_facts f = {0};

	probe_take(&in, &f);
	return f;
}

static struct record_facts probe_send(int fd)
{
	const struct probe_in in = {.call = CALL_send,
				    .class = CLASS_send,
				    .fd = fd,
				    .now_ns = now,
				    .msg_flags = MSG_DONTWAIT};
	struct record_facts f = {0};

	probe_take(&in, &f);
	return f;
}

static struct record_facts probe_flock(int fd)
{
	const struct probe_in in = {
		.call = CALL_flock, .class = CLASS_lock, .fd = fd, .now_ns = now};
	struct record_facts f = {0};

	probe_take(&in, &f);
	return f;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* sock_diag may be missing in a small kernel. */
static bool asked(const struct record_facts *f)
{
	if (f->why[WHY_diag] != ENOENT && f->why[WHY_diag] != EPROTONOSUPPORT)
		return true;
	print_message("the kernel does not tell of AF_UNIX sockets (sock_diag)\n");
	return false;
}

/* ---- what is kept is checked --------------------------------------------------------------------
 */

static void listeners_in_turn_are_told_apart(void **state)
{
	struct sockaddr_un un[2] = {named("a"), named("b")};
	int listener[2], clients[3];
	struct record_facts f;

	(void)state;
	for (int i = 0; i < 2; i++)
		listener[i] = make_listener(&un[i], i + 1);
	fill(&un[0], clients, 1);
	fill(&un[1], clients + 1, 2);
	for (int round = 0; round < 6; round++) {
		f = probe_connect(clients[0], &un[round % 2]);
		if (!asked(&f))
			break;
		assert_int_equal(f.queue, round % 2 + 1);
		assert_int_equal(f.backlog, round % 2 + 1);
		assert_true(HAS(f, somaxconn) && f.somaxconn > 0);
	}
	close_all(clients, 3);
	close_all(listener, 2);
	unlink(un[0].sun_path);
	unlink(un[1].sun_path);
}

static void a_listener_that_took_the_place_of_another_is_found(void **state)
{
	struct sockaddr_un un = named("again");
	int listener = make_listener(&un, 1), clients[2];
	struct record_facts f;
	uint64_t before;

	(void)state;
	fill(&un, clients, 1);
	f = probe_connect(clients[0], &un);
	before = f.peer_inode;
	close(listener);
	close_all(clients, 1);
	unlink(un.sun_path);
	listener = make_listener(&un, 7);
	fill(&un, clients, 2);
	f = probe_connect(clients[0], &un);
	if (asked(&f)) {
		assert_int_equal(f.queue, 2);
		assert_int_equal(f.backlog, 7);
		assert_true(f.peer_inode && f.peer_inode != before);
	}
	close_all(clients, 2);
	close(listener);
	unlink(un.sun_path);
}

static void what_a_peer_has_not_read_is_asked_each_time(void **state)
{
	struct record_facts f;
	char data[100];
	int pair[2];

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(pair[0], data, sizeof(data), 0), sizeof(data));
		f = probe_send(pair[0]);
		if (!asked(&f))
			break;
		assert_true(HAS(f, peer_unread) && HAS(f, outq) && HAS(f, sndbuf));
		assert_int_equal(f.peer_unread, (i + 1) * 100);
		assert_true(f.outq_bytes >= f.peer_unread && f.sndbuf_bytes > f.outq_bytes);
	}
	close_all(pair, 2);
}

/* Its peer's number is what a kept answer would say, until the kernel is asked. */
static void a_peer_that_went_is_not_told(void **state)
{
	struct record_facts f;
	int pair[2];

	(void)state;
	assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	f = probe_send(pair[0]);
	if (asked(&f)) {
		assert_true(HAS(f, peer_inode));
		close(pair[1]);
		f = probe_send(pair[0]);
		assert_false(HAS(f, peer_inode) || HAS(f, peer_unread));
		assert_true(f.why[WHY_diag]);
	} else {
		close(pair[1]);
	}
	close(pair[0]);
}

static void a_datagram_peer_is_the_present_one(void **state)
{
	struct sockaddr_un un[2] = {named("first"), named("second")};
	int receiver[2], fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct record_facts f;
	uint64_t peer[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		receiver[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_false(bind(receiver[i], (struct sockaddr *)&un[i], sizeof(un[i])));
		assert_false(connect(fd, (struct sockaddr *)&un[i], sizeof(un[i])));
		f = probe_send(fd);
		peer[i] = HAS(f, peer_inode) ? f.peer_inode : 0;
		unlink(un[i].sun_path);
	}
	if (asked(&f))
		assert_true(peer[0] && peer[1] && peer[0] != peer[1]);
	close_all(receiver, 2);
	close(fd);
}

/* ---- names --------------------------------------------------------------------------------------
 */

static uint32_t whose;
static char name[PROBE_COMM];

static int look_for_name(struct probe_aside *a)
{
	probe_aside_comm(a, whose, name);
	return 0;
}

static const char *name_at(uint32_t pid, uint64_t at_ns)
{
	struct probe_aside a = {.look = look_for_name, .now_ns = at_ns};

	whose = pid;
	memset(name, 0, sizeof(name));
	assert_false(probe_aside_run(&a));
	return name;
}

static void a_name_is_at_most_a_second_old(void **state)
{
	uint32_t pid = (uint32_t)getpid();
	char kept[PROBE_COMM];

	(void)state;
	prctl(PR_SET_NAME, "before");
	assert_false(probe_aside_known(pid, now, kept));
	assert_string_equal(name_at(pid, now), "before");
	prctl(PR_SET_NAME, "after");
	assert_true(probe_aside_known(pid, now + SECOND - 1, kept));
	assert_string_equal(kept, "before");
	assert_string_equal(name_at(pid, now + SECOND - 1), "before");
	assert_false(probe_aside_known(pid, now + SECOND, kept));
	assert_string_equal(name_at(pid, now + SECOND), "after");
	/* a clock that another thread read a little earlier */
	assert_false(probe_aside_known(pid, now, kept));
}

static void a_name_that_could_not_be_had_is_asked_again(void **state)
{
	uint32_t gone = (uint32_t)fork();
	char kept[PROBE_COMM];

	(void)state;
	if (!gone)
		_exit(0);
	assert_int_equal(waitpid((pid_t)gone, NULL, 0), gone);
	assert_string_equal(name_at(gone, now), "");
	assert_false(probe_aside_known(gone, now, kept));
}

/* ---- how much is asked --------------------------------------------------------------------------
 */

static struct sockaddr_un full = {.sun_family = AF_UNIX};
static int waiting, pair_fd, locked;

static void explain_connect(void)
{
	probe_connect(waiting, &full);
}

static void explain_send(void)
{
	probe_send(pair_fd);
}

static void explain_flock(void)
{
	/* of all others that are open only 0, 1 and 2 are looked at */
	close_range(3, (unsigned)locked - 1, 0);
	close_range((unsigned)locked + 1, ~0u, 0);
	probe_flock(locked);
}

/* It explains once for what is kept to be known, and again to be counted. */
static void explain_twice(void (*explain)(void))
{
	self_gate.pid = (uint32_t)getpid();
	explain();
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		_exit(1);
	raise(SIGSTOP);
	explain();
	syscall(SYS_getppid); /* the end: a sanitizer has calls of its own at the exit */
	_exit(0);
}

/* A system call begins: its number. -1: this stop is another. */
static int begun(pid_t pid)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (int)info.entry.nr;
}

/* How many system calls it takes, all of them said; -1: tracing is not allowed here. */
static int calls_of(void (*explain)(void))
{
	bool ended = false;
	int status, calls = 0;
	pid_t pid = fork();

	if (!pid)
		explain_twice(explain);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	while (!ptrace(PTRACE_SYSCALL, pid, 0, 0) && waitpid(pid, &status, 0) == pid &&
	       WIFSTOPPED(status)) {
		int nr = WSTOPSIG(status) == (SIGTRAP | 0x80) ? begun(pid) : -1;

		ended |= nr == SYS_getppid;
		if (nr >= 0 && !ended)
			print_message("%s%d", calls++ ? " " : "calls: ", nr);
	}
	print_message("\n");
	return calls;
}

/* Of three times the least: one that a loaded machine interrupts is made again. */
static int least_calls_of(void (*explain)(void))
{
	int least = INT_MAX;

	for (int i = 0; i < 3; i++) {
		int calls = calls_of(explain);

		if (calls < least)
			least = calls;
	}
	return least;
}

static void nothing_is_asked_that_is_known(void **state)
{
	static const struct {
		const char *what;
		void (*explain)(void);
		int most;
	} rows[] = {
		{"a full listener", explain_connect, 9},
		{"a peer that does not read", explain_send, 13},
		{"a lock of another process", explain_flock, 2 + 6},
	};
	int fds[4], listener, calls = 0;

	(void)state;
	full = named("full");
	listener = make_listener(&full, 0);
	fill(&full, fds, 1);
	waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds + 1));
	pair_fd = fds[1];
	locked = fds[3] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && calls >= 0; i++) {
		calls = least_calls_of(rows[i].explain);
		if (calls > rows[i].most)
			fail_msg("%s: %d system calls", rows[i].what, calls);
	}
	close_all(fds, 4);
	close(waiting);
	close(listener);
	unlink(full.sun_path);
	if (calls < 0) {
		print_message("no process may be traced here\n");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_in_turn_are_told_apart),
		cmocka_unit_test(a_listener_that_took_the_place_of_another_is_found),
		cmocka_unit_test(what_a_peer_has_not_read_is_asked_each_time),
		cmocka_unit_test(a_peer_that_went_is_not_told),
		cmocka_unit_test(a_datagram_peer_is_the_present_one),
		cmocka_unit_test(a_name_is_at_most_a_second_old),
		cmocka_unit_test(a_name_that_could_not_be_had_is_asked_again),
		cmocka_unit_test(nothing_is_asked_that_is_known),
	};

	return cmocka_run_group_tests_name("probe", tests, set_up, tear_down);
}
