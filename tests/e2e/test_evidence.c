/* SPDX-License-Identifier: MIT */
/*
 * test_evidence.c - what the shim learns at the instant of a failure: whole where it can be had,
 * with the reason where not, and never so that the target could tell. The reports are made when the
 * targets have ended: nothing can have been looked up later.
 */
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"

static bool exited_77;

/* Runs the target with the library to its end; its report. */
static json_object *after(const struct work *w, const char *name, const char *a, const char *b)
{
	char full[512], path[64];
	char *argv[] = {full, ARG(a), ARG(b), NULL};
	struct proc p;
	int status;

	snprintf(path, sizeof(path), "targets/%s", name);
	snprintf(full, sizeof(full), "%s", built(path));
	p = preload_start(w, work_path(w, "s"), argv);
	proc_says(&p, "ready");
	status = proc_wait(&p);
	exited_77 = status == 77 << 8;
	if (status && !exited_77)
		fail_msg("%s %s: status %x: %s", name, a, status, file_text(p.err));
	return report_of(w, work_path(w, "s"));
}

/* May anybody here ask the kernel for UNIX sockets? */
static bool diag_answers(void)
{
	const struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} r = {{sizeof(r), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0},
	       {.sdiag_family = AF_UNIX}};
	char answer[8192];
	struct nlmsghdr *h = (void *)answer;
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	bool good = s >= 0 && send(s, &r, sizeof(r), 0) == sizeof(r) &&
		    recv(s, answer, sizeof(answer), MSG_DONTWAIT) > 0 &&
		    h->nlmsg_type != NLMSG_ERROR;

	close(s);
	return good;
}

/* ---- the queue of a listener, wherever the failure strikes --------------------------------------
 */

struct place {
	const char *way;
	bool queue, somaxconn;
	const char *why; /* of the queue, when it is unknown */
};

static void expect_place(const struct work *w, const struct place *x)
{
	json_object *r, *e;

	SKIP_UNLESS(diag_answers(), "the kernel does not tell of UNIX sockets (unix_diag)");
	assert_int_equal(chmod(w->dir, 0711), 0); /* for those that drop root */
	r = after(w, "eagain_where", x->way, w->dir);
	SKIP_UNLESS(!exited_77, "needs root");
	e = find_site(r, "eagain", "connect", "connect_in_vain");
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_int_equal(number_of(e, "count"), 4);
	if (x->queue) {
		assert_int_equal(number_of(e, "evidence.queue"), 3);
		assert_int_equal(number_of(e, "evidence.backlog"), 2);
	} else {
		assert_null(field(e, "evidence.queue"));
		assert_non_null(strstr(text_of(e, "evidence.why_unknown"), x->why));
	}
	assert_int_equal(field(e, "evidence.somaxconn") != NULL, x->somaxconn);
	json_object_put(r);
}

#define PLACE(name, ...)                              \
	static void name(void **state)                \
	{                                             \
		const struct place x = {__VA_ARGS__}; \
		expect_place(*state, &x);             \
	}
PLACE(the_queue_and_the_backlog_are_told, "plain", true, true, NULL)
PLACE(the_queue_is_told_in_a_signal_handler, "handler", true, true, NULL)
PLACE(the_queue_is_told_in_a_chroot_without_proc, "chroot", true, false, NULL)
PLACE(the_queue_is_told_with_no_fd_free, "emfile", true, true, NULL)
PLACE(the_queue_is_told_among_threads, "threads", true, true, NULL)
PLACE(no_fd_allowed_at_all_is_said, "nofile", false, false, "queue: no fd was free")
PLACE(no_thread_to_ask_with_is_said, "nproc", false, false, "queue: ")
PLACE(under_a_seccomp_filter_nothing_is_asked, "seccomp", false, false, "seccomp")

/* ---- locks --------------------------------------------------------------------------------------
 */

static void expect_holder(const struct work *w, const char *how, const char *call, bool own)
{
	json_object *r = after(w, "eagain_lock", how, work_path(w, "lockfile"));
	json_object *e = find_site(r, "eagain", call, "lock_in_vain");
	const char *text;

	assert_non_null(e);
	assert_true(number_of(e, "evidence.holder_pid") > 0);
	assert_string_equal(text_of(e, "evidence.holder_comm"), "eagain_lock");
	assert_string_equal(text_of(e, "evidence.holder_mode"), "exclusive");
	text = text_of(e, "sentence");
	assert_int_equal(strstr(text, "this process itself") != NULL, own);
	json_object_put(r);
}

static void the_holder_of_a_record_lock_is_known_when_it_is_gone(void **state)
{
	expect_holder(*state, "fcntl", "fcntl", false);
}

static void the_holder_of_a_lockf_lock_is_known_when_it_is_gone(void **state)
{
	expect_holder(*state, "lockf", "lockf", false);
}

static void an_own_descriptor_that_holds_the_flock_is_known(void **state)
{
	expect_holder(*state, "own", "flock", true);
}

static void an_own_descriptor_that_holds_an_ofd_lock_is_known(void **state)
{
	expect_holder(*state, "own-ofd", "fcntl", true);
}

/* ---- limits on processes and threads ------------------------------------------------------------
 */

static json_object *limited(json_object *r, const char *call, const char *function)
{
	json_object *e = find_site(r, "eagain", call, function);

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "process-limit");
	return e;
}

static void expect_limit(const struct work *w, const char *way, const char *call,
			 const char *function, const char *limit)
{
	json_object *r = after(w, "eagain_tasks", way, NULL);
	json_object *e = limited(r, call, function);

	assert_string_equal(text_of(e, "evidence.limit_name"), limit);
	assert_true(number_of(e, "evidence.limit") >= 1);
	assert_true(number_of(e, "evidence.in_use") >= 1);
	json_object_put(r);
}

static void a_fork_that_hit_the_limit_of_the_user_says_so(void **state)
{
	expect_limit(*state, "fork", "fork", "fork_in_vain", "RLIMIT_NPROC");
}

static void a_thread_that_hit_the_limit_of_the_user_says_so(void **state)
{
	expect_limit(*state, "thread", "pthread_create", "start_in_vain", "RLIMIT_NPROC");
}

static void a_spawn_that_hit_the_limit_of_the_user_says_so(void **state)
{
	expect_limit(*state, "spawn", "posix_spawn", "spawn_in_vain", "RLIMIT_NPROC");
}

static void a_thread_without_room_for_its_stack_says_so(void **state)
{
	expect_limit(*state, "space", "pthread_create", "start_in_vain", "RLIMIT_AS");
}

/* Nobody can be sent to look. */
static void among_threads_the_limit_is_unknown_and_why(void **state)
{
	json_object *r = after(*state, "eagain_tasks", "both", NULL);
	json_object *e = limited(r, "fork", "fork_in_vain");

	assert_null(field(e, "evidence.limit_name"));
	assert_non_null(strstr(text_of(e, "evidence.why_unknown"), "limit_name: "));
	json_object_put(r);
}

/* A control group of one task; "" when none can be made here. */
static const char *make_group(void)
{
	static const char *const roots[] = {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"};
	static char path[128], file[160];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/fdwhy-test-%d", roots[i], (int)getpid());
		if (mkdir(path, 0755))
			continue;
		snprintf(file, sizeof(file), "%s/pids.max", path);
		if (!access(file, W_OK)) {
			file_write(file, "1\n");
			return path;
		}
		rmdir(path);
	}
	return "";
}

static void a_full_control_group_is_told(void **state)
{
	const char *group = make_group();
	json_object *r, *e;

	SKIP_UNLESS(*group, "no control group with the pids controller can be made here");
	r = after(*state, "eagain_tasks", "group", group);
	assert_int_equal(rmdir(group), 0);
	e = limited(r, "fork", "fork_in_vain");
	assert_string_equal(text_of(e, "evidence.limit_name"), "cgroup pids.max");
	assert_int_equal(number_of(e, "evidence.limit"), 1);
	assert_int_equal(number_of(e, "evidence.in_use"), 1);
	json_object_put(r);
}

/* ---- who made it non-blocking -------------------------------------------------------------------
 */

static void expect_setter(const struct work *w, const char *way, const char *function)
{
	json_object *r = after(w, "nonblock_passed", way, NULL);
	json_object *e = find_site(r, "eagain", "write", "write_until_full");
	json_object *by;

	assert_non_null(e);
	assert_string_equal(text_of(e, "evidence.mode"), "O_NONBLOCK");
	by = field(e, "evidence.set_by");
	assert_non_null(by);
	assert_string_equal(text_of(by, "comm"), "nonblock_passed");
	assert_true(stack_has(by, "stack", function));
	json_object_put(r);
}

static void who_made_it_nonblocking_before_passing_it_on_is_named(void **state)
{
	expect_setter(*state, "set", "set_flag");
}

static void where_a_passed_socket_was_born_nonblocking_is_named(void **state)
{
	expect_setter(*state, "born", "make_born");
}

/* ---- sent in part
 * --------------------------------------------------------------------------------
 */

static void expect_short(json_object *r, const char *call, const char *function, int count)
{
	json_object *e = find_site(r, "short_writes", call, function);

	if (!count)
		assert_null(e);
	else
		assert_int_equal(number_of(e, "count"), count);
}

static void partial_sends_are_counted_where_nothing_failed(void **state)
{
	json_object *r = after(*state, "short_writes", NULL, NULL);

	expect_short(r, "write", "write_in_part", 3);
	expect_short(r, "send", "send_in_part", 1);
	expect_short(r, "sendto", "send_in_part", 1);
	expect_short(r, "write", "write_whole", 0);
	assert_int_equal(number_of(r, "totals.eagain"), 0);
	json_object_put(r);
}

/* ---- what the target did then
 * --------------------------------------------------------------------
 */

static void the_rate_of_a_spin_is_that_of_its_burst(void **state)
{
	json_object *r = after(*state, "failing", "spinning", NULL);
	json_object *e = find_site(r, "eagain", "recv", "spin");

	assert_non_null(e);
	assert_true(number_of(e, "fate.spun") > 40000);
	assert_true(number_of(e, "fate.spun_ns") > 0);
	assert_true(number_of(e, "fate.spun_ns") <=
		    number_of(e, "last_ns") - number_of(e, "first_ns") + 1000000);
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(the_queue_and_the_backlog_are_told),
		T(the_queue_is_told_in_a_signal_handler),
		T(the_queue_is_told_in_a_chroot_without_proc),
		T(the_queue_is_told_with_no_fd_free),
		T(the_queue_is_told_among_threads),
		T(no_fd_allowed_at_all_is_said),
		T(no_thread_to_ask_with_is_said),
		T(under_a_seccomp_filter_nothing_is_asked),
		T(the_holder_of_a_record_lock_is_known_when_it_is_gone),
		T(the_holder_of_a_lockf_lock_is_known_when_it_is_gone),
		T(an_own_descriptor_that_holds_the_flock_is_known),
		T(an_own_descriptor_that_holds_an_ofd_lock_is_known),
		T(a_fork_that_hit_the_limit_of_the_user_says_so),
		T(a_thread_that_hit_the_limit_of_the_user_says_so),
		T(a_spawn_that_hit_the_limit_of_the_user_says_so),
		T(a_thread_without_room_for_its_stack_says_so),
		T(among_threads_the_limit_is_unknown_and_why),
		T(a_full_control_group_is_told),
		T(who_made_it_nonblocking_before_passing_it_on_is_named),
		T(where_a_passed_socket_was_born_nonblocking_is_named),
		T(partial_sends_are_counted_where_nothing_failed),
		T(the_rate_of_a_spin_is_that_of_its_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
