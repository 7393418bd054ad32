/* SPDX-License-Identifier: MIT */
/*
 * test_matrix.c - sending, on every kind of channel in every mode that it has: the cause, which of
 * the three modes it was, how full, who does not read and where that is. While the channel is open
 * by a report of the living session, and after it was given up by one of the ended one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

struct row {
	const char *kind, *mode;
	const char *call, *cause, *shown, *kind_shown;
	bool peer; /* another process has the far end */
};

#define SOCKET_ROWS(kind, call, cause, shown)                                 \
	{kind, "nonblock", call, cause, "O_NONBLOCK", shown, true},           \
		{kind, "dontwait", call, cause, "MSG_DONTWAIT", shown, true}, \
	{                                                                     \
		kind, "timeout", call, cause, "SO_SNDTIMEO", shown, true      \
	}

static const struct row rows[] = {
	SOCKET_ROWS("stream", "send", "send-buffer-full", "unix-stream"),
	SOCKET_ROWS("seqpacket", "send", "send-buffer-full", "unix-seqpacket"),
	SOCKET_ROWS("connected", "send", "peer-queue-full", "unix-dgram"),
	SOCKET_ROWS("unconnected", "sendto", "peer-queue-full", "unix-dgram"),
	SOCKET_ROWS("tcp", "send", "send-buffer-full", "tcp"),
	{"pipe", "nonblock", "write", "pipe-full", "O_NONBLOCK", "pipe-write", true},
	{"fifo", "nonblock", "write", "pipe-full", "O_NONBLOCK", "fifo", true},
	{"eventfd", "nonblock", "write", "queue-full", "O_NONBLOCK", "eventfd", false},
};

static int told_reader(const struct proc *p)
{
	char *out = file_text(p->out), *at = strstr(out, "reader ");
	int pid = at ? atoi(at + 7) : -1;

	free(out);
	return pid;
}

static json_object *site_of(json_object *r, const struct row *x)
{
	json_object *e = find_site(r, "eagain", x->call, "fill");

	if (!e)
		fail_msg("%s %s: no %s in fill()", x->kind, x->mode, x->call);
	assert_string_equal(text_of(e, "cause"), x->cause);
	assert_string_equal(text_of(e, "evidence.mode"), x->shown);
	assert_string_equal(text_of(e, "target.kind"), x->kind_shown);
	return e;
}

static void expect_how_full(json_object *e, const struct row *x)
{
	bool timed = !strcmp(x->mode, "timeout");

	assert_int_equal(field(e, "evidence.timeout_ns") != NULL, timed);
	if (timed) {
		assert_int_equal(number_of(e, "evidence.timeout_ns"), 40000000);
		assert_non_null(strstr(text_of(e, "sentence"), "ran out on a blocking socket"));
	}
	if (!strcmp(x->cause, "send-buffer-full"))
		assert_true(number_of(e, "evidence.queued_bytes") > 0);
	if (!strcmp(x->cause, "pipe-full"))
		assert_true(number_of(e, "evidence.unread_bytes") > 0 &&
			    number_of(e, "evidence.pipe_bytes") >=
				    number_of(e, "evidence.unread_bytes"));
	if (!strcmp(x->cause, "peer-queue-full"))
		assert_non_null(strstr(text_of(e, "sentence"), "net.unix.max_dgram_qlen is"));
	if (!strcmp(x->kind, "tcp")) {
		assert_string_equal(text_of(e, "evidence.tcp_state"), "ESTABLISHED");
		assert_int_equal(strncmp(text_of(e, "evidence.peer_address"), "127.0.0.1:", 10), 0);
	}
}

/* The channel is open and nobody tried again. */
static void expect_pending(json_object *e, const struct row *x)
{
	bool pending = strcmp(x->mode, "timeout") != 0; /* that one has ended by itself */

	assert_int_equal(number_of(e, "fate.pending"), pending);
	assert_int_equal(field(e, "fate.pending_since_ns") != NULL, pending);
}

static void expect_reader(json_object *e, int reader)
{
	char who[64];

	snprintf(who, sizeof(who), "pid %d (eagain_matrix)", reader);
	if (!strstr(text_of(e, "sentence"), who))
		fail_msg("%s: not in \"%s\"", who, text_of(e, "sentence"));
	assert_int_equal(number_of(e, "evidence.peer_pid"), reader);
	assert_true(now_is_in(e, reader, "never_read"));
}

static void check(const struct row *x)
{
	char full[512], *kind = ARG(x->kind), *mode = ARG(x->mode);
	void *own;
	struct work *w;
	struct proc p;
	json_object *r, *e;

	assert_int_equal(work_begin(&own), 0);
	w = own;
	snprintf(full, sizeof(full), "%s", built("targets/eagain_matrix"));
	p = preload_start(w, work_path(w, "s"), (char *const[]){full, kind, mode, w->dir, NULL});
	if (!proc_says(&p, "ready"))
		fail_msg("%s %s: %s", x->kind, x->mode, file_text(p.err));
	r = report_all_of(w, work_path(w, "s")); /* it may yet wait: benign */
	e = site_of(r, x);
	expect_how_full(e, x);
	expect_pending(e, x);
	if (x->peer)
		expect_reader(e, told_reader(&p));
	json_object_put(r);
	assert_int_equal(proc_wait(&p), 0);
	r = report_of(w, work_path(w, "s"));
	assert_string_equal(text_of(site_of(r, x), "severity"), "failure");
	json_object_put(r);
	assert_int_equal(work_end(&own), 0);
}

static void every_channel_in_every_mode_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s, %s\n", rows[i].kind, rows[i].mode);
		check(&rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_channel_in_every_mode_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
