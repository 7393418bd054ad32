/* SPDX-License-Identifier: MIT */
/* test_explain.c - a table of failures, each with its cause, severity, words and advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include "explain.h"

#define BIT(name) (1u << FACT_##name)
#define SECOND 1000000000ull

static const struct record_facts nonblock = {.have = BIT(mode), .mode = MODE_nonblock};
static const struct record_facts sndtimeo = {.have = BIT(mode) | BIT(timeout),
					     .mode = MODE_sndtimeo,
					     .timeout_ns = SECOND};
static const struct record_facts rcvtimeo = {.have = BIT(mode) | BIT(timeout),
					     .mode = MODE_rcvtimeo,
					     .timeout_ns = SECOND};
static const struct record_facts queue = {.have = BIT(mode) | BIT(outq) | BIT(sndbuf),
					  .mode = MODE_nonblock,
					  .outq_bytes = 8000,
					  .sndbuf_bytes = 212992};
static const struct record_facts full = {.have = BIT(mode) | BIT(outq) | BIT(sndbuf),
					 .mode = MODE_dontwait,
					 .outq_bytes = 213504,
					 .sndbuf_bytes = 212992};
static const struct record_facts window = {
	.have = BIT(mode) | BIT(tcp), .mode = MODE_nonblock, .tcp_rwnd = 0, .tcp_unacked = 9};
static const struct record_facts losses = {.have = BIT(mode) | BIT(tcp),
					   .mode = MODE_nonblock,
					   .tcp_rwnd = 9000,
					   .tcp_retransmits = 12};
static const struct record_facts holder = {.have = BIT(mode) | BIT(holder),
					   .mode = MODE_nonblock,
					   .holder_pid = 42};

static const struct row {
	const char *name;
	struct explain_in in;
	const char *cause;
	enum severity severity;
	const char *says, *advice; /* parts; advice NULL: none */
} rows[] = {
	{"a read that drains is benign",
	 {.call = CALL_recv, .facts = &nonblock, .count = 9, .fate = {[FATE_drained] = 9}},
	 "nothing-to-read", SEVERITY_benign, "O_NONBLOCK", NULL},
	{"a spinning read is suspicious",
	 {.call = CALL_read,
	  .count = 50000,
	  .duration_ns = SECOND,
	  .fate = {[FATE_spun] = 49999}},
	 "nothing-to-read", SEVERITY_suspicious, "nothing to read", "poll(2)"},
	{"a receive timeout is suspicious",
	 {.call = CALL_recv, .facts = &rcvtimeo, .count = 1, .fate = {[FATE_timed_out] = 1}},
	 "receive-timeout", SEVERITY_suspicious, "SO_RCVTIMEO of 1 s", NULL},
	{"an accept that finds nobody is benign",
	 {.call = CALL_accept4, .facts = &nonblock, .count = 3, .target = "/run/x"},
	 "nothing-pending", SEVERITY_benign, "/run/x", NULL},
	{"a send that waited is benign",
	 {.call = CALL_send, .facts = &full, .count = 2, .fate = {[FATE_waited] = 2}},
	 "send-buffer-full", SEVERITY_benign, "213504 of 212992", NULL},
	{"a send that was given up is a failure",
	 {.call = CALL_write, .kind = KIND_unix_stream, .facts = &full, .count = 2,
	  .fate = {[FATE_gave_up] = 2}},
	 "send-buffer-full", SEVERITY_failure, "MSG_DONTWAIT", NULL},
	{"a send timeout is a failure with advice",
	 {.call = CALL_send, .facts = &sndtimeo, .count = 1, .fate = {[FATE_timed_out] = 1}},
	 "send-buffer-full", SEVERITY_failure, "SO_SNDTIMEO of 1 s", "SO_SNDTIMEO"},
	{"a TCP peer that does not read is told",
	 {.call = CALL_send, .kind = KIND_tcp, .facts = &window, .count = 1,
	  .fate = {[FATE_gave_up] = 1}},
	 "send-buffer-full", SEVERITY_failure, "the peer does not read", NULL},
	{"a network that loses is told",
	 {.call = CALL_send, .kind = KIND_tcp, .facts = &losses, .count = 1,
	  .fate = {[FATE_gave_up] = 1}},
	 "send-buffer-full", SEVERITY_failure, "loses packets", NULL},
	{"a datagram blames the receiver's queue",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, .facts = &queue, .count = 1,
	  .target = "/run/log", .peer_pid = 7, .peer_comm = "logd", .fate = {[FATE_gave_up] = 1}},
	 "peer-queue-full", SEVERITY_failure, "pid 7 (logd)", NULL},
	{"a datagram with a full own buffer does not",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, .facts = &full, .count = 1,
	  .fate = {[FATE_gave_up] = 1}},
	 "send-buffer-full", SEVERITY_failure, "send buffer", NULL},
	{"a full pipe",
	 {.call = CALL_write, .kind = KIND_pipe_write, .facts = &nonblock, .count = 1,
	  .fate = {[FATE_gave_up] = 1}},
	 "pipe-full", SEVERITY_failure, "reader", NULL},
	{"a full backlog of an unknown listener",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .facts = &nonblock, .count = 1,
	  .target = "/run/a", .fate = {[FATE_gave_up] = 1}},
	 "listener-backlog-full", SEVERITY_failure, "its process is unknown", NULL},
	{"a listener that does not accept",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .count = 1, .target = "/run/a",
	  .listener_known = true, .listener_pid = 9, .listener_comm = "imap",
	  .listener_backlog = 4, .listener_accepted = true,
	  .listener_last_accept_age_ns = 13 * SECOND, .fate = {[FATE_gave_up] = 1}},
	 "listener-backlog-full", SEVERITY_failure, "pid 9 (imap), last accepted 13 s",
	 "does not accept"},
	{"a small backlog of a busy listener",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .count = 1, .target = "/run/a",
	  .listener_known = true, .listener_pid = 9, .listener_backlog = 2,
	  .listener_accepted = true, .listener_last_accept_age_ns = 1000,
	  .fate = {[FATE_gave_up] = 1}},
	 "listener-backlog-full", SEVERITY_failure, "backlog 2", "somaxconn"},
	{"Dovecot's listener gets Dovecot's knobs",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .count = 1,
	  .target = "/run/dovecot/login/imap", .fate = {[FATE_gave_up] = 1}},
	 "listener-backlog-full", SEVERITY_failure, "/run/dovecot", "client_limit"},
	{"no free port",
	 {.call = CALL_connect, .kind = KIND_tcp, .count = 1, .target = "10.0.0.1:80"},
	 "ports-exhausted", SEVERITY_suspicious, "local port", NULL},
	{"a lock with a known holder",
	 {.call = CALL_fcntl, .facts = &holder, .count = 1, .target = "/tmp/l", .holder_pid = 42,
	  .holder_comm = "kea", .fate = {[FATE_gave_up] = 1}},
	 "lock-held", SEVERITY_failure, "pid 42 (kea)", "stale"},
	{"a lock whose holder is unknown",
	 {.call = CALL_flock, .facts = &nonblock, .count = 1, .target = "/tmp/l",
	  .holder_unknown = "gone", .fate = {[FATE_gave_up] = 1}},
	 "lock-held", SEVERITY_failure, "holder unknown (gone)", NULL},
	{"a lock the ended process never got",
	 {.call = CALL_flock, .count = 1, .pending = 1, .ended = true, .target = "/tmp/l"},
	 "lock-held", SEVERITY_failure, "/tmp/l", NULL},
	{"a leased file",
	 {.call = CALL_open, .count = 1, .target = "/tmp/f"},
	 "lease-held", SEVERITY_failure, "/tmp/f", NULL},
	{"a limit on processes",
	 {.call = CALL_fork, .count = 1},
	 "process-limit", SEVERITY_failure, "fork", NULL},
};

static void check(const struct row *r)
{
	struct explanation e;

	explain(&r->in, &e);
	assert_non_null(e.cause);
	assert_string_equal(e.cause, r->cause);
	assert_int_equal(e.severity, r->severity);
	assert_non_null(strstr(e.sentence, r->says));
	assert_int_equal(r->advice == NULL, e.advice == NULL);
	if (r->advice)
		assert_non_null(strstr(e.advice, r->advice));
}

static void every_row_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		check(&rows[i]);
	}
}

static void without_facts_nothing_is_guessed(void **state)
{
	const struct explain_in in = {.call = CALL_sendto, .kind = KIND_unix_dgram, .count = 1};
	struct explanation e;

	(void)state;
	explain(&in, &e);
	assert_null(e.cause);
	assert_non_null(e.unknown);
	assert_null(e.advice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_explained),
		cmocka_unit_test(without_facts_nothing_is_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
