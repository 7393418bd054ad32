/* SPDX-License-Identifier: MIT */
/*
 * test_causes.c - why calls fail with EAGAIN: each cause, each mode, each kind of lock holder,
 * with the evidence that is to be there. Sessions are looked at while the targets are still in
 * their state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

struct live {
	struct proc p;
	json_object *report;
};

/* Starts the target with the shim; when it is ready, reads the report of the living session. */
static struct live watch(const struct work *w, const char *name, const char *a, const char *b,
			 const char *c)
{
	char path[64];
	char *argv[] = {path, ARG(a), ARG(b), ARG(c), NULL};
	struct live l;
	char full[512];

	snprintf(path, sizeof(path), "targets/%s", name);
	strcpy(full, built(path));
	argv[0] = full;
	l.p = preload_start(w, work_path(w, "s"), argv);
	if (!proc_says(&l.p, "ready"))
		fail_msg("%s %s: not ready: %s", name, a, file_text(l.p.err));
	l.report = report_of(w, work_path(w, "s"));
	return l;
}

static void end(struct live *l)
{
	assert_int_equal(proc_wait(&l->p), 0);
	json_object_put(l->report);
}

struct row {
	const char *target, *a, *b;
	const char *call, *function;
	const char *cause, *mode; /* mode "": has none */
	bool timed;               /* the timeout and the time waited are told */
};

static const struct row rows[] = {
	{"eagain_recv", "nonblock", "stream", "recv", "receive_nothing", "nothing-to-read",
	 "O_NONBLOCK", false},
	{"eagain_recv", "dontwait", "seqpacket", "recv", "receive_nothing", "nothing-to-read",
	 "MSG_DONTWAIT", false},
	{"eagain_recv", "timeout", "dgram", "recv", "receive_nothing", "receive-timeout",
	 "SO_RCVTIMEO", true},
	{"eagain_send", "nonblock", "stream", "send", "send_until_full", "send-buffer-full",
	 "O_NONBLOCK", false},
	{"eagain_send", "dontwait", "tcp", "send", "send_until_full", "send-buffer-full",
	 "MSG_DONTWAIT", false},
	{"eagain_send", "timeout", "seqpacket", "send", "send_until_full", "send-buffer-full",
	 "SO_SNDTIMEO", true},
	{"eagain_send", "timeout", "tcp", "send", "send_until_full", "send-buffer-full",
	 "SO_SNDTIMEO", true},
	{"eagain_accept", "nonblock", NULL, "accept", "accept_nobody", "nothing-pending",
	 "O_NONBLOCK", false},
	{"eagain_accept", "timeout", NULL, "accept", "accept_nobody", "receive-timeout",
	 "SO_RCVTIMEO", true},
	{"eagain_pipe", "write", NULL, "write", "fill_pipe", "pipe-full", "O_NONBLOCK", false},
	{"eagain_pipe", "read", NULL, "read", "read_empty_pipe", "nothing-to-read", "O_NONBLOCK",
	 false},
};

static void check_row(const struct work *w, const struct row *row)
{
	struct live l = watch(w, row->target, row->a, row->b, NULL);
	json_object *e = find_site(l.report, "eagain", row->call, row->function);

	if (!e || strcmp(text_of(e, "cause"), row->cause) ||
	    strcmp(text_of(e, "evidence.mode"), row->mode))
		fail_msg("%s %s %s: cause \"%s\", mode \"%s\"", row->target, row->a,
			 row->b ? row->b : "", e ? text_of(e, "cause") : "none",
			 e ? text_of(e, "evidence.mode") : "none");
	if (row->timed) {
		assert_true(number_of(e, "evidence.timeout_ns") >= 40000000);
		assert_true(number_of(e, "evidence.timeout_ns") <= 60000000);
	}
	end(&l);
}

static void every_cause_and_mode_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own; /* a session for each */

		assert_int_equal(work_begin(&own), 0);
		check_row(own, &rows[i]);
		assert_int_equal(work_end(&own), 0);
	}
}

static void a_full_queue_of_a_datagram_receiver_is_not_our_buffer(void **state)
{
	const struct work *w = *state;
	struct live l = watch(w, "eagain_dgram", "peer", w->dir, NULL);
	json_object *e = find_site(l.report, "eagain", "sendto", "send_datagrams");

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "peer-queue-full");
	end(&l);
}

static void a_few_big_datagrams_fill_our_own_buffer(void **state)
{
	const struct work *w = *state;
	struct live l = watch(w, "eagain_dgram", "own", w->dir, NULL);
	json_object *e = find_site(l.report, "eagain", "sendto", "send_datagrams");

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "send-buffer-full");
	end(&l);
}

static int told_pid(const struct proc *p, const char *what)
{
	char *out = file_text(p->out), *at = strstr(out, what);
	int pid = at ? atoi(at + strlen(what)) : -1;

	free(out);
	return pid;
}

/* Of a receiver that has ended in order there is no socket left, only its record. */
static void a_datagram_receiver_is_named_when_all_is_over(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/eagain_dgram")), "peer", ARG(w->dir), NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	json_object *r, *e;

	assert_true(proc_says(&p, "ready"));
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
	r = report_of(w, work_path(w, "s"));
	e = find_site(r, "eagain", "sendto", "send_datagrams");
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "peer-queue-full");
	assert_int_equal(number_of(e, "evidence.peer_pid"), p.pid);
	json_object_put(r);
}

static void expect_listener(const struct work *w, const char *mode, const char *relative,
			    const char *shown)
{
	struct live l = watch(w, "eagain_connect", mode, w->dir, relative);
	json_object *e = find_site(l.report, "eagain", "connect", "connect_in_vain");

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_string_equal(text_of(e, "evidence.mode"), shown);
	assert_string_equal(text_of(e, "target.path"), work_path(w, "listener"));
	assert_int_equal(number_of(e, "evidence.listener_pid"), told_pid(&l.p, "listener "));
	assert_int_equal(number_of(e, "evidence.backlog"), 3);
	assert_true(stack_has(e, "evidence.listener_stack", "listen_and_sleep"));
	assert_int_equal(number_of(e, "now.queue"), 4); /* a backlog of 3 admits 4 */
	assert_int_equal(number_of(e, "now.backlog"), 3);
	assert_string_equal(text_of(e, "now.role"), "listener");
	assert_true(now_is_in(e, told_pid(&l.p, "listener "), "listen_and_sleep"));
	assert_null(field(e, "evidence.last_accept_age_ns")); /* it never accepts: not 0 */
	assert_true(number_of(e, "fate.gave_up") + number_of(e, "fate.timed_out") > 0);
	end(&l);
}

static void a_full_backlog_names_the_listener(void **state)
{
	expect_listener(*state, "nonblock", NULL, "O_NONBLOCK");
}

static void a_full_backlog_names_the_listener_after_a_timeout(void **state)
{
	expect_listener(*state, "timeout", NULL, "SO_SNDTIMEO");
}

static void a_relative_path_is_shown_absolute(void **state)
{
	expect_listener(*state, "nonblock", "relative", "O_NONBLOCK");
}

static void with_no_stop_the_listener_is_named_and_left_alone(void **state)
{
	const struct work *w = *state;
	struct live l = watch(w, "eagain_connect", "nonblock", w->dir, NULL);
	char *argv[] = {ARG(built("fdwhy")),    "report", "--json", "--no-stop",
			ARG(work_path(w, "s")), NULL};
	struct proc p;
	json_object *r, *e;

	assert_int_equal(run(w, argv, NULL, &p), 0);
	r = json_object_from_file(p.out);
	e = find_site(r, "eagain", "connect", "connect_in_vain");
	assert_string_equal(text_of(e, "now.role"), "listener");
	assert_int_equal(number_of(e, "now.pid"), told_pid(&l.p, "listener "));
	assert_int_equal(number_of(e, "now.queue"), 4);
	assert_null(field(e, "now.threads"));
	json_object_put(r);
	end(&l);
}

static void expect_holder(const struct work *w, const char *how, const char *call)
{
	struct live l = watch(w, "eagain_lock", how, work_path(w, "lockfile"), NULL);
	json_object *e = find_site(l.report, "eagain", call, "lock_in_vain");
	int holder = told_pid(&l.p, "holder ");

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "lock-held");
	assert_string_equal(text_of(e, "target.path"), work_path(w, "lockfile"));
	if (holder)
		assert_int_equal(number_of(e, "evidence.holder_pid"), holder);
	else /* by itself */
		assert_int_equal(number_of(e, "evidence.holder_pid"), l.p.pid);
	assert_string_equal(text_of(e, "evidence.holder_comm"), "eagain_lock");
	assert_string_equal(text_of(e, "evidence.holder_mode"), "exclusive");
	assert_string_equal(text_of(e, "now.role"), "holder");
	assert_true(now_is_in(e, holder ? holder : l.p.pid, holder ? "hold_lock" : "target_ready"));
	end(&l);
}

static void the_holder_of_an_flock_is_named(void **state)
{
	expect_holder(*state, "flock", "flock");
}

/* Nobody holds it when the report is made: what the session recorded must do. */
static void expect_past_holder(const struct work *w, const char *how, const char *call)
{
	char *argv[] = {ARG(built("targets/eagain_lock")), ARG(how), ARG(work_path(w, "lockfile")),
			NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	json_object *r, *e;

	assert_true(proc_says(&p, "ready"));
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
	r = report_of(w, work_path(w, "s"));
	e = find_site(r, "eagain", call, "lock_in_vain");
	assert_non_null(e);
	assert_int_equal(number_of(e, "evidence.holder_pid"), told_pid(&p, "holder "));
	assert_string_equal(text_of(e, "evidence.holder_comm"), "eagain_lock");
	assert_non_null(strstr(text_of(e, "sentence"), "it has let go since"));
	json_object_put(r);
}

static void who_held_an_flock_is_named_when_all_is_over(void **state)
{
	expect_past_holder(*state, "flock", "flock");
}

static void who_held_an_ofd_lock_is_named_when_all_is_over(void **state)
{
	expect_past_holder(*state, "ofd", "fcntl");
}

static void a_lock_that_was_got_in_the_end_was_not_given_up(void **state)
{
	static char *const hows[] = {"flock", "fcntl", "ofd", "lockf"};
	const struct work *w = *state;

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		char *argv[] = {ARG(built("targets/eagain_lock")), hows[i],
				ARG(work_path(w, hows[i])), "again", NULL};
		char session[32];
		json_object *r, *e;

		snprintf(session, sizeof(session), "s-%s", hows[i]);
		assert_int_equal(fdwhy_run(w, session, argv), 0);
		r = report_of(w, work_path(w, session));
		e = find_site(r, "eagain", NULL, "lock_again");
		assert_non_null(e);
		assert_int_equal(number_of(e, "fate.retried"), 1);
		assert_int_equal(number_of(e, "fate.gave_up"), 0);
		json_object_put(r);
	}
}

static void the_holder_of_a_posix_lock_is_named(void **state)
{
	expect_holder(*state, "fcntl", "fcntl");
}

static void the_holder_of_an_ofd_lock_is_named(void **state)
{
	expect_holder(*state, "ofd", "fcntl");
}

static void the_holder_of_a_lockf_lock_is_named(void **state)
{
	expect_holder(*state, "lockf", "lockf");
}

static void a_lock_held_by_the_process_itself_is_seen(void **state)
{
	expect_holder(*state, "own", "flock");
}

static void a_lock_whose_taker_is_gone_is_traced_to_its_heir(void **state)
{
	expect_holder(*state, "orphan", "flock");
}

/* ---- who made it so ---------------------------------------------------------------------------
 */

static void expect_setter(const struct work *w, const char *how, const char *cause, bool shared)
{
	struct live l = watch(w, "nonblock_shared", how, NULL, NULL);
	json_object *e = find_site(l.report, "eagain", "write", "write_until_full");
	int setter = told_pid(&l.p, "setter ");
	char says[64];

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), cause);
	assert_string_equal(text_of(e, "evidence.mode"), "O_NONBLOCK");
	assert_int_equal(number_of(e, "evidence.set_by.pid"), setter);
	assert_string_equal(text_of(e, "evidence.set_by.comm"), "nonblock_shared");
	assert_true(stack_has(e, "evidence.set_by.stack", "set_flag"));
	snprintf(says, sizeof(says), "(O_NONBLOCK, set by pid %d (nonblock_shared))", setter);
	assert_non_null(strstr(text_of(e, "sentence"), says));
	assert_int_equal(strstr(text_of(e, "advice"), "another process") != NULL, shared);
	end(&l);
}

static void a_parent_that_made_it_nonblocking_is_named(void **state)
{
	expect_setter(*state, "own", "pipe-full", false);
}

static void a_sibling_that_made_a_shared_pipe_nonblocking_is_named(void **state)
{
	expect_setter(*state, "sibling", "pipe-full", true);
}

static void a_sibling_that_has_ended_since_is_named(void **state)
{
	expect_setter(*state, "ended", "pipe-full", true);
}

static void a_sibling_that_made_a_shared_socket_nonblocking_is_named(void **state)
{
	expect_setter(*state, "socket", "send-buffer-full", true);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(every_cause_and_mode_is_told),
		T(a_full_queue_of_a_datagram_receiver_is_not_our_buffer),
		T(a_datagram_receiver_is_named_when_all_is_over),
		T(a_few_big_datagrams_fill_our_own_buffer),
		T(a_full_backlog_names_the_listener),
		T(a_full_backlog_names_the_listener_after_a_timeout),
		T(a_relative_path_is_shown_absolute),
		T(with_no_stop_the_listener_is_named_and_left_alone),
		T(the_holder_of_an_flock_is_named),
		T(who_held_an_flock_is_named_when_all_is_over),
		T(who_held_an_ofd_lock_is_named_when_all_is_over),
		T(a_lock_that_was_got_in_the_end_was_not_given_up),
		T(the_holder_of_a_posix_lock_is_named),
		T(the_holder_of_an_ofd_lock_is_named),
		T(the_holder_of_a_lockf_lock_is_named),
		T(a_lock_held_by_the_process_itself_is_seen),
		T(a_lock_whose_taker_is_gone_is_traced_to_its_heir),
		T(a_parent_that_made_it_nonblocking_is_named),
		T(a_sibling_that_made_a_shared_pipe_nonblocking_is_named),
		T(a_sibling_that_has_ended_since_is_named),
		T(a_sibling_that_made_a_shared_socket_nonblocking_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
