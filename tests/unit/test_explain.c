/* SPDX-License-Identifier: MIT */
/* test_explain.c - a table of failures, each with its cause, severity, words and advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "explain.h"

#define BIT(name) (1u << FACT_##name)
#define SECOND 1000000000ull

static const struct record_facts nonblock = {.have = BIT(mode), .mode = MODE_nonblock};
static const struct record_facts dontwait = {.have = BIT(mode), .mode = MODE_dontwait};
static const struct record_facts nothing = {.have = 0};
static const struct record_facts no_fd = {.have = BIT(mode),
					  .mode = MODE_nonblock,
					  .why = {[WHY_diag] = EMFILE, [WHY_proc] = EACCES}};
static const struct record_facts filtered = {.have = 0, .why = {EPERM, EPERM, EPERM, EPERM}};
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
static const struct record_facts big = {.have = BIT(mode) | BIT(outq) | BIT(sndbuf),
					.mode = MODE_dontwait,
					.outq_bytes = 100000,
					.asked_bytes = 150000,
					.sndbuf_bytes = 212992};
static const struct record_facts window = {.have = BIT(mode) | BIT(tcp),
					   .mode = MODE_nonblock,
					   .tcp_state = 1,
					   .tcp_rwnd = 0,
					   .tcp_unacked = 9};
static const struct record_facts losses = {.have = BIT(mode) | BIT(tcp),
					   .mode = MODE_nonblock,
					   .tcp_state = 8,
					   .tcp_rwnd = 9000,
					   .tcp_retransmits = 12};
static const struct record_facts pipe_facts = {.have = BIT(mode) | BIT(pipe) | BIT(inq),
					       .mode = MODE_nonblock,
					       .pipe_bytes = 65536,
					       .inq_bytes = 65000};
static const struct record_facts holder = {
	.have = BIT(mode) | BIT(holder) | BIT(range),
	.mode = MODE_nonblock,
	.holder_pid = 42,
	.range_start = 100,
	.range_len = 10};
static const struct record_facts nproc = {
	.have = BIT(limit), .limit_id = TASKS_nproc, .limit = 50, .in_use = 50};
static const struct record_facts threads_max = {
	.have = BIT(limit), .limit_id = TASKS_threads_max, .limit = 900, .in_use = 900};
static const struct record_facts pid_max = {
	.have = BIT(limit), .limit_id = TASKS_pid_max, .limit = 4096, .in_use = 4096};
static const struct record_facts cgroup = {
	.have = BIT(limit), .limit_id = TASKS_cgroup, .limit = 20, .in_use = 20};

static const struct record_facts input = {
	.have = BIT(mode), .mode = MODE_nonblock, .msg_flags = FACTS_INPUT};
#define GAVE_UP .count = 1, .fate = {[FATE_gave_up] = 1}
#define LISTENER                                                                        \
	.listener_known = true, .listener_pid = 9, .listener_comm = "imap", .target = "/run/a", \
	.call = CALL_connect, .kind = KIND_unix_stream

static const struct row {
	const char *name;
	struct explain_in in;
	const char *cause; /* NULL: not told */
	enum severity severity;
	const char *says[3];       /* parts of the sentence, all of them */
	const char *unknown;       /* a part of why_unknown; NULL: all evidence was there */
	const char *advice;        /* a part; NULL: none */
} rows[] = {
	/* ---- receiving and accepting */
	{"a read that drains is benign",
	 {.call = CALL_recv, .facts = &nonblock, .count = 9, .fate = {[FATE_drained] = 9}},
	 "nothing-to-read", SEVERITY_benign, {"O_NONBLOCK"}, NULL, NULL},
	{"a read with MSG_DONTWAIT says so",
	 {.call = CALL_recvfrom, .facts = &dontwait, .count = 1, .set_by_pid = 3, .pid = 2},
	 "nothing-to-read", SEVERITY_benign, {"(MSG_DONTWAIT)"}, NULL, NULL},
	{"a spinning read is suspicious",
	 {.call = CALL_read, .count = 50000, .duration_ns = SECOND, .fate = {[FATE_spun] = 49999}},
	 "nothing-to-read", SEVERITY_suspicious, {"nothing to read"}, NULL, "poll(2)"},
	{"a read that was tried again now and then is benign",
	 {.call = CALL_read, .count = 500, .duration_ns = 100 * SECOND,
	  .fate = {[FATE_spun] = 499}},
	 "nothing-to-read", SEVERITY_benign, {"nothing to read"}, NULL, NULL},
	{"a receive timeout is suspicious",
	 {.call = CALL_recv, .facts = &rcvtimeo, .count = 1, .fate = {[FATE_timed_out] = 1},
	  .peer_pid = 12, .peer_comm = "slow"},
	 "receive-timeout", SEVERITY_suspicious, {"SO_RCVTIMEO of 1 s", "pid 12 (slow)"}, NULL,
	 "SO_RCVTIMEO"},
	{"an accept that finds nobody is benign",
	 {.call = CALL_accept4, .facts = &nonblock, .count = 3, .target = "/run/x"},
	 "nothing-pending", SEVERITY_benign, {"/run/x"}, NULL, NULL},
	{"an accept whose timeout ran out",
	 {.call = CALL_accept, .facts = &rcvtimeo, .count = 1, .target = "/run/x",
	  .fate = {[FATE_timed_out] = 1}},
	 "receive-timeout", SEVERITY_suspicious, {"nobody connected to /run/x"}, NULL,
	 "SO_RCVTIMEO"},

	/* ---- sending */
	{"a send that waited is benign",
	 {.call = CALL_send, .kind = KIND_unix_stream, .facts = &full, .count = 2, .peer_pid = 7,
	  .fate = {[FATE_waited] = 2}},
	 "send-buffer-full", SEVERITY_benign, {"213504 of 212992", "pid 7"}, NULL, NULL},
	{"a send that waited for long is suspicious",
	 {.call = CALL_send, .facts = &full, .count = 2, .fate = {[FATE_waited] = 2},
	  .waited_max_ns = 2 * SECOND},
	 "send-buffer-full", SEVERITY_suspicious, {"kernel memory"}, NULL, NULL},
	{"a send that a retry saved is suspicious",
	 {.call = CALL_send, .facts = &full, .count = 2, .fate = {[FATE_masked] = 2}},
	 "send-buffer-full", SEVERITY_suspicious, {"send buffer"}, NULL, NULL},
	{"a send that a retry could not save is a failure",
	 {.call = CALL_send, .facts = &full, .count = 2, .fate = {[FATE_unmasked] = 2}},
	 "send-buffer-full", SEVERITY_failure, {"send buffer"}, NULL, NULL},
	{"a send that was given up is a failure",
	 {.call = CALL_write, .kind = KIND_unix_stream, .facts = &full, GAVE_UP,
	  .peer_unknown = "it is a pair of its own"},
	 "send-buffer-full", SEVERITY_failure, {"MSG_DONTWAIT", "pid unknown (it is a pair"},
	 "peer_pid: it is a pair", NULL},
	{"a send timeout is a failure with advice",
	 {.call = CALL_send, .facts = &sndtimeo, .count = 1, .fate = {[FATE_timed_out] = 1}},
	 "send-buffer-full", SEVERITY_failure,
	 {"SO_SNDTIMEO of 1 s ran out on a blocking socket",
	  "memory in use unknown (the kernel does not say)"},
	 "queued_bytes", "SO_SNDTIMEO"},
	{"a message that is large for the buffer",
	 {.call = CALL_sendmsg, .kind = KIND_unix_seqpacket, .facts = &big, .peer_pid = 3, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"100000 of 212992"}, NULL, "SO_SNDBUF"},
	{"a flag that another process set in the shared description",
	 {.call = CALL_write, .kind = KIND_tty, .facts = &nonblock, .pid = 5, .set_by_pid = 6,
	  .set_by_comm = "cat", GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"O_NONBLOCK, set by pid 6 (cat)", "terminal"},
	 NULL, "another process"},
	{"a flag that the process itself set is no news",
	 {.call = CALL_write, .kind = KIND_tty, .facts = &nonblock, .pid = 5, .set_by_pid = 5,
	  GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"(O_NONBLOCK)"}, NULL, NULL},
	{"a TCP peer that does not read is told",
	 {.call = CALL_send, .kind = KIND_tcp, .facts = &window, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"the peer does not read", "window 0"},
	 "queued_bytes", "does not take"},
	{"a network that loses is told, and the state of the connection",
	 {.call = CALL_send, .kind = KIND_tcp, .facts = &losses, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"loses packets", "CLOSE-WAIT"}, "queued_bytes",
	 "ss -ti"},
	{"TCP without its state",
	 {.call = CALL_send, .kind = KIND_tcp, .facts = &full, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"the state of the connection unknown"}, "tcp_rwnd",
	 NULL},
	{"a datagram blames the receiver's queue",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, .facts = &queue, .target = "/run/log",
	  .peer_pid = 7, .peer_comm = "logd", .max_dgram_qlen = 10, GAVE_UP},
	 "peer-queue-full", SEVERITY_failure,
	 {"receiver of /run/log", "pid 7 (logd)", "max_dgram_qlen is 10"}, NULL,
	 "max_dgram_qlen"},
	{"a datagram's receiver that is not known",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, .facts = &queue, .target = "/run/log",
	  GAVE_UP},
	 "peer-queue-full", SEVERITY_failure, {"pid unknown ("}, "peer_pid", NULL},
	{"a datagram with a full own buffer does not blame the receiver",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, .facts = &big, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"datagram of 150000 bytes"}, NULL, "SO_SNDBUF"},
	{"a datagram without facts blames nobody",
	 {.call = CALL_sendto, .kind = KIND_unix_dgram, GAVE_UP},
	 NULL, SEVERITY_failure, {"cause is unknown (no facts were taken)"}, "cause", NULL},
	{"a full pipe",
	 {.call = CALL_write, .kind = KIND_pipe_write, .facts = &pipe_facts, .peer_pid = 8,
	  .peer_comm = "less", .count = 5, .fate = {[FATE_gave_up] = 1, [FATE_waited] = 4}},
	 "pipe-full", SEVERITY_failure, {"65000 of 65536 bytes unread", "reader, pid 8 (less)"},
	 NULL, "F_SETPIPE_SZ"},
	{"a full pipe of which nothing is known",
	 {.call = CALL_write, .kind = KIND_fifo, .facts = &nothing, GAVE_UP},
	 "pipe-full", SEVERITY_failure, {"size unknown (", "reader"}, "pipe_bytes", NULL},
	{"an eventfd at its limit",
	 {.call = CALL_write, .kind = KIND_eventfd, .facts = &nonblock, GAVE_UP},
	 "queue-full", SEVERITY_failure, {"eventfd"}, NULL, NULL},
	{"a full message queue",
	 {.call = CALL_write, .kind = KIND_mqueue, .facts = &nonblock, GAVE_UP},
	 "queue-full", SEVERITY_failure, {"message queue"}, NULL, NULL},

	/* ---- connecting */
	{"a full backlog of an unknown listener",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .facts = &no_fd, .target = "/run/a",
	  GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure,
	 {"/run/a", "queue and backlog unknown (no fd was free to ask with)",
	  "its process is unknown (not in this session)"},
	 "listener_pid", NULL},
	{"a seccomp filter forbids to ask",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .facts = &filtered, .target = "/run/a",
	  GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"under a seccomp filter"}, "queue", NULL},
	{"a listener out of the session is known by its pid",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .facts = &nonblock, .target = "/run/a",
	  .queue_known = true, .queue = 129, .backlog = 128, .peer_pid = 5, .peer_comm = "php",
	  GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure,
	 {"129 waiting, backlog 128", "pid 5 (php) listens", "accept unknown"},
	 "last_accept_age_ns", NULL},
	{"a listener that does not accept",
	 {LISTENER, .listener_backlog = 4, .listener_accepted = true,
	  .listener_last_accept_age_ns = 13 * SECOND, GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure,
	 {"backlog 4, queue unknown (no facts were taken)",
	  "pid 9 (imap) had not accepted for 13 s"},
	 "queue: no facts", "does not accept"},
	{"a listener that never accepted",
	 {LISTENER, .queue_known = true, .queue = 5, .backlog = 4, GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"5 waiting, backlog 4", "accepted nothing"},
	 NULL, "does not accept"},
	{"a small backlog of a busy listener",
	 {LISTENER, .queue_known = true, .queue = 3, .backlog = 2, .listener_accepted = true,
	  .listener_last_accept_age_ns = 1000, GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"backlog 2"}, NULL, "listen()"},
	{"a backlog that the system cuts",
	 {LISTENER, .queue_known = true, .queue = 129, .backlog = 128, .listener_accepted = true,
	  .listener_last_accept_age_ns = 1000, .listener_backlog = 4096, .somaxconn = 128,
	  GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"asked for 4096, net.core.somaxconn is 128"},
	 NULL, "raise net.core.somaxconn"},
	{"a full backlog that let in at last is suspicious",
	 {LISTENER, .queue_known = true, .queue = 500, .backlog = 500, .listener_accepted = true,
	  .count = 1, .fate = {[FATE_retried] = 1}},
	 "listener-backlog-full", SEVERITY_suspicious, {"500 waiting"}, NULL, NULL},
	{"Dovecot's listener gets Dovecot's knobs",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .facts = &nonblock,
	  .target = "/run/dovecot/login/imap", GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"/run/dovecot"}, "queue", "client_limit"},
	{"Dovecot's too where it is somewhere else",
	 {.call = CALL_connect, .kind = KIND_unix_stream, .target = "/srv/mail/login/imap",
	  .listener_known = true, .listener_pid = 9, .listener_comm = "imap", GAVE_UP},
	 "listener-backlog-full", SEVERITY_failure, {"pid 9 (imap)"}, "queue", "client_limit"},
	{"no free port",
	 {.call = CALL_connect, .kind = KIND_tcp, .count = 1, .target = "10.0.0.1:80",
	  .port_first = 32768, .port_last = 60999},
	 "ports-exhausted", SEVERITY_suspicious, {"local port", "32768 to 60999"}, NULL,
	 "ip_local_port_range"},

	/* ---- locks and leases */
	{"a lock with a known holder",
	 {.call = CALL_fcntl, .facts = &holder, .target = "/tmp/l", .holder_pid = 42, .pid = 1,
	  .holder_comm = "dpkg", .holder_cmdline = "dpkg -i x.deb", .holder_mode = "exclusive",
	  .holder_runs_ns = 60 * SECOND, GAVE_UP},
	 "lock-held", SEVERITY_failure,
	 {"pid 42 (dpkg): dpkg -i x.deb, which started", "(exclusive)", "in bytes 100 to 109"},
	 NULL, "stale"},
	{"a lock that was looked up later says so",
	 {.call = CALL_flock, .facts = &nonblock, .target = "/tmp/l", .holder_pid = 42, .pid = 1,
	  GAVE_UP},
	 "lock-held", SEVERITY_failure, {"looked up after the failure"}, NULL, "stale"},
	{"a lock on an inherited descriptor",
	 {.call = CALL_flock, .facts = &nonblock, .target = "/tmp/l", .holder_pid = 42, .pid = 1,
	  .holder_taker = 41, GAVE_UP},
	 "lock-held", SEVERITY_failure, {"inherited the descriptor from pid 41, which is gone"},
	 NULL, "O_CLOEXEC"},
	{"a lock that the process holds itself",
	 {.call = CALL_flock, .facts = &nonblock, .target = "/tmp/l", .holder_pid = 42, .pid = 42,
	  GAVE_UP},
	 "lock-held", SEVERITY_failure, {"this process itself", "another descriptor"}, NULL,
	 "another descriptor"},
	{"two Kea servers with one control socket",
	 {.call = CALL_flock, .facts = &nonblock, .target = "/run/kea/ctl.lock", .pid = 2,
	  .holder_pid = 1, .holder_comm = "kea-dhcp4", .holder_cmdline = "kea-dhcp4 -c a", GAVE_UP},
	 "lock-held", SEVERITY_failure, {"pid 1 (kea-dhcp4): kea-dhcp4 -c a"}, NULL,
	 "control-socket"},
	{"a lock whose holder is unknown",
	 {.call = CALL_flock, .facts = &nonblock, .target = "/tmp/l", .holder_unknown = "gone",
	  GAVE_UP},
	 "lock-held", SEVERITY_failure, {"holder unknown (gone)"}, "holder_pid: gone", NULL},
	{"a lock whose holder the shim could not look for",
	 {.call = CALL_lockf, .facts = &no_fd, .target = "/tmp/l", GAVE_UP},
	 "lock-held", SEVERITY_failure, {"holder unknown (Permission denied)"}, "holder_pid", NULL},
	{"a lock the ended process never got",
	 {.call = CALL_flock, .count = 1, .pending = 1, .ended = true, .target = "/tmp/l"},
	 "lock-held", SEVERITY_failure, {"/tmp/l"}, "holder_pid", NULL},
	{"a lock that a living process waits for",
	 {.call = CALL_flock, .count = 1, .pending = 1, .target = "/tmp/l", .holder_pid = 3},
	 "lock-held", SEVERITY_suspicious, {"pid 3"}, NULL, "stale"},
	{"a lock that was got soon",
	 {.call = CALL_flock, .count = 1, .target = "/tmp/l", .fate = {[FATE_retried] = 1},
	  .waited_max_ns = 1000},
	 "lock-held", SEVERITY_benign, {"/tmp/l"}, "holder_pid", NULL},
	{"a leased file",
	 {.call = CALL_open, .count = 1, .target = "/tmp/f", .holder_pid = 4, .pid = 1,
	  .lease_break_s = 45},
	 "lease-held", SEVERITY_failure, {"/tmp/f", "pid 4", "45 s (fs.lease-break-time)"}, NULL,
	 "fs.lease-break-time"},
	{"a leased file whose holder is unknown",
	 {.call = CALL_openat, .count = 1, .target = "/tmp/f"},
	 "lease-held", SEVERITY_failure, {"a process unknown (no facts"}, "holder_pid", NULL},

	/* ---- processes */
	{"the limit of the user on processes",
	 {.call = CALL_fork, .count = 1, .facts = &nproc},
	 "process-limit", SEVERITY_failure, {"50 of 50 that RLIMIT_NPROC allows"}, NULL,
	 "RLIMIT_NPROC"},
	{"the system's limit on threads",
	 {.call = CALL_fork, .count = 1, .facts = &threads_max},
	 "process-limit", SEVERITY_failure, {"kernel.threads-max"}, NULL, "kernel.threads-max"},
	{"the system's limit on pids",
	 {.call = CALL_fork, .count = 1, .facts = &pid_max},
	 "process-limit", SEVERITY_failure, {"kernel.pid_max"}, NULL, "kernel.pid_max"},
	{"the control group's limit",
	 {.call = CALL_posix_spawn, .count = 1, .facts = &cgroup},
	 "process-limit", SEVERITY_failure, {"cgroup pids.max"}, NULL, "pids.max"},
	{"a limit that is not known",
	 {.call = CALL_fork, .count = 1, .facts = &no_fd},
	 "process-limit", SEVERITY_failure, {"which one is unknown (Permission denied)"},
	 "limit_name", NULL},
	{"a limit on threads",
	 {.call = CALL_pthread_create, .count = 1, .facts = &nproc},
	 "process-limit", SEVERITY_failure, {"pthread_create could not make a thread"}, NULL,
	 "RLIMIT_NPROC"},
	{"a limit on the processes of a user",
	 {.call = CALL_setreuid, .count = 1, .facts = &nproc},
	 "process-limit", SEVERITY_failure, {"change the user"}, NULL, "RLIMIT_NPROC"},
	{"popen makes a process",
	 {.call = CALL_popen, .count = 1, .facts = &cgroup},
	 "process-limit", SEVERITY_failure, {"make a process"}, NULL, "pids.max"},

	/* ---- from fd to fd */
	{"splice out of an empty pipe is benign",
	 {.call = CALL_splice, .kind = KIND_pipe_read, .facts = &nonblock, .count = 1},
	 "nothing-to-read", SEVERITY_benign, {"O_NONBLOCK"}, NULL, NULL},
	{"splice out of a socket that has nothing",
	 {.call = CALL_splice, .kind = KIND_tcp, .facts = &input, .count = 1},
	 "nothing-to-read", SEVERITY_benign, {"nothing to read"}, NULL, NULL},
	{"sendfile into a full socket that was given up",
	 {.call = CALL_sendfile, .kind = KIND_tcp, .facts = &window, GAVE_UP},
	 "send-buffer-full", SEVERITY_failure, {"the peer does not read"}, "queued_bytes",
	 "does not take"},
	{"tee into a full pipe that waited",
	 {.call = CALL_tee, .kind = KIND_pipe_write, .facts = &pipe_facts, .peer_pid = 8,
	  .count = 1, .fate = {[FATE_waited] = 1}},
	 "pipe-full", SEVERITY_benign, {"reader"}, NULL, NULL},
	{"a stream that could not write all when it was closed",
	 {.call = CALL_fclose, .kind = KIND_pipe_write, .facts = &pipe_facts, .peer_pid = 8,
	  .count = 1},
	 "pipe-full", SEVERITY_failure, {"reader"}, NULL, NULL},

	/* ---- queues, and what has no fd */
	{"a message queue that is full for its own call",
	 {.call = CALL_mq_send, .kind = KIND_mqueue, .facts = &nonblock, GAVE_UP},
	 "queue-full", SEVERITY_failure, {"message queue is full"}, NULL, NULL},
	{"an empty message queue",
	 {.call = CALL_mq_receive, .kind = KIND_mqueue, .facts = &nonblock, .count = 1},
	 "nothing-to-read", SEVERITY_benign, {"O_NONBLOCK"}, NULL, NULL},
	{"an eventfd at its limit that waited",
	 {.call = CALL_eventfd_write, .kind = KIND_eventfd, .count = 1,
	  .fate = {[FATE_waited] = 1}},
	 "queue-full", SEVERITY_benign, {"eventfd"}, NULL, NULL},
	{"a semaphore that is tried is benign",
	 {.call = CALL_sem_trywait, .count = 3},
	 "semaphore-zero", SEVERITY_benign, {"0 at that moment"}, NULL, NULL},
	{"a semaphore that is tried without end is suspicious",
	 {.call = CALL_sem_trywait, .count = 90000, .duration_ns = 2 * SECOND},
	 "semaphore-zero", SEVERITY_suspicious, {"semaphore"}, NULL, NULL},
	{"a System V queue that is full",
	 {.call = CALL_msgsnd, .count = 1},
	 "queue-full", SEVERITY_failure, {"IPC_NOWAIT"}, NULL, NULL},
	{"no signal came", {.call = CALL_sigtimedwait, .count = 1},
	 "nothing-pending", SEVERITY_benign, {"signal"}, NULL, NULL},
	{"no random bytes",
	 {.call = CALL_getrandom, .count = 1},
	 "nothing-to-read", SEVERITY_suspicious, {"GRND_NONBLOCK"}, NULL, NULL},
	{"no more timers", {.call = CALL_timer_create, .count = 1},
	 "timer-limit", SEVERITY_failure, {"RLIMIT_SIGPENDING"}, NULL, NULL},
	{"memory that cannot be locked", {.call = CALL_mlock, .count = 1},
	 "memory-limit", SEVERITY_failure, {"locked"}, NULL, NULL},
	{"no asynchronous request", {.call = CALL_aio_read, .count = 1},
	 "aio-limit", SEVERITY_failure, {"queue"}, NULL, NULL},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void check(const struct row *r)
{
	struct explanation e;

	explain(&r->in, &e);
	if (r->cause)
		assert_string_equal(e.cause ? e.cause : "none", r->cause);
	else
		assert_null(e.cause);
	assert_int_equal(e.severity, r->severity);
	for (size_t i = 0; i < 3 && r->says[i]; i++)
		if (!strstr(e.sentence, r->says[i]))
			fail_msg("\"%s\" does not say \"%s\"", e.sentence, r->says[i]);
	if (r->unknown ? !strstr(e.why_unknown, r->unknown) : *e.why_unknown)
		fail_msg("why_unknown is \"%s\"", e.why_unknown);
	if ((r->advice != NULL) != (e.advice != NULL) ||
	    (r->advice && !strstr(e.advice, r->advice)))
		fail_msg("advice is \"%s\"", e.advice ? e.advice : "none");
}

static void every_row_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		print_message("%s\n", rows[i].name);
		check(&rows[i]);
	}
}

static void every_cause_has_a_row(void **state)
{
	(void)state;
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		const char *name = explain_cause_name(c);
		bool found = false;

		for (size_t i = 0; i < ROWS && !found; i++)
			found = rows[i].cause && !strcmp(rows[i].cause, name);
		if (!found)
			fail_msg("no row for %s", name);
	}
}

static void every_cause_is_one_of_the_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned c = 0;

		while (c < CAUSE_COUNT && rows[i].cause &&
		       strcmp(explain_cause_name(c), rows[i].cause))
			c++;
		if (c == CAUSE_COUNT)
			fail_msg("%s is not in EXPLAIN_CAUSES", rows[i].cause);
	}
}

static void every_advice_has_a_row(void **state)
{
	struct explanation e;

	(void)state;
	for (unsigned a = 0; explain_advice_row(a); a++) {
		bool found = false;

		for (size_t i = 0; i < ROWS && !found; i++) {
			explain(&rows[i].in, &e);
			found = e.advice == explain_advice_row(a);
		}
		if (!found)
			fail_msg("no row is advised to: %s", explain_advice_row(a));
	}
}

static void a_long_name_leaves_room_for_the_holder(void **state)
{
	char path[1024], command[256];
	struct explain_in in = {.call = CALL_flock,
				.target = path,
				.holder_pid = 4321,
				.holder_taker = 1234,
				.holder_cmdline = command,
				.count = 1};
	struct explanation e;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	memset(command, 'y', sizeof(command) - 1);
	path[sizeof(path) - 1] = command[sizeof(command) - 1] = '\0';
	explain(&in, &e);
	assert_non_null(strstr(e.sentence, "...xxx"));
	assert_non_null(strstr(e.sentence, "pid 4321"));
	assert_non_null(strstr(e.sentence, "pid 1234, which is gone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_explained),
		cmocka_unit_test(every_cause_has_a_row),
		cmocka_unit_test(every_cause_is_one_of_the_list),
		cmocka_unit_test(every_advice_has_a_row),
		cmocka_unit_test(a_long_name_leaves_room_for_the_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
