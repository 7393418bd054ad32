/* SPDX-License-Identifier: MIT */
/*
 * explain_advice.c - what to do, one line, where the evidence supports it. A table: the first row
 * whose cause and condition hold. A unit test has a case for every row.
 */
#include <stddef.h>
#include <string.h>
#include "explain_parts.h"

static bool spun(const struct explain_in *in)
{
	return in->spins;
}

static bool timed_out(const struct explain_in *in)
{
	return in->fate[FATE_timed_out] > 0;
}

/* The flag lies in the open file description: another process that shares it has set it. */
static bool set_by_another(const struct explain_in *in)
{
	return explain_have(in, FACT_mode) && in->facts->mode == MODE_nonblock &&
	       in->set_by_shared && in->set_by_pid != in->pid;
}

/* ---- listeners --------------------------------------------------------------------------------
 */

/* By default below /run/dovecot; wherever it is, login processes connect to login/<service>. */
static bool dovecot(const struct explain_in *in)
{
	const char *login = in->target ? strstr(in->target, "/login/") : NULL;

	return (in->target && strstr(in->target, "/dovecot/")) ||
	       (login && in->listener_known && !strcmp(login + 7, in->listener_comm));
}

static bool not_accepting(const struct explain_in *in)
{
	return in->listener_known &&
	       (!in->listener_accepted || in->listener_last_accept_age_ns > EXPLAIN_LONG_NS);
}

static bool cut_backlog(const struct explain_in *in)
{
	return in->somaxconn && in->listener_known && in->listener_backlog > in->somaxconn;
}

static bool small_backlog(const struct explain_in *in)
{
	uint32_t backlog = in->queue_known ? in->backlog : in->listener_backlog;

	return (in->queue_known || in->listener_known) && backlog < 128;
}

/* ---- locks ------------------------------------------------------------------------------------
 */

static bool holds_itself(const struct explain_in *in)
{
	return in->holder_pid && in->holder_pid == in->pid;
}

static bool holder_inherited(const struct explain_in *in)
{
	return in->holder_pid && in->holder_taker;
}

static bool kea(const struct explain_in *in)
{
	return in->holder_pid && in->holder_comm && !strncmp(in->holder_comm, "kea-", 4);
}

static bool holder_known(const struct explain_in *in)
{
	return in->holder_pid != 0;
}

/* ---- buffers ----------------------------------------------------------------------------------
 */

/* What is to be sent at once is a large part of what fits. */
static bool big_for_buffer(const struct explain_in *in)
{
	return explain_have(in, FACT_sndbuf) &&
	       in->facts->asked_bytes > in->facts->sndbuf_bytes / 4;
}

static bool lossy(const struct explain_in *in)
{
	return explain_have(in, FACT_tcp) && in->facts->tcp_rwnd && in->facts->tcp_retransmits > 3;
}

static bool zero_window(const struct explain_in *in)
{
	return explain_have(in, FACT_tcp) && !in->facts->tcp_rwnd;
}

static bool queue_length_known(const struct explain_in *in)
{
	return in->max_dgram_qlen != 0;
}

static bool reader_lives(const struct explain_in *in)
{
	return explain_have(in, FACT_pipe) && in->fate[FATE_waited] + in->fate[FATE_retried];
}

/* ---- limits -----------------------------------------------------------------------------------
 */

static bool limited_by(const struct explain_in *in, enum record_task_limit limit)
{
	return explain_have(in, FACT_limit) && in->facts->limit_id == limit;
}

static bool by_nproc(const struct explain_in *in)
{
	return limited_by(in, TASKS_nproc);
}

static bool by_cgroup(const struct explain_in *in)
{
	return limited_by(in, TASKS_cgroup);
}

static bool by_threads_max(const struct explain_in *in)
{
	return limited_by(in, TASKS_threads_max);
}

static bool by_pid_max(const struct explain_in *in)
{
	return limited_by(in, TASKS_pid_max);
}

static bool by_address_space(const struct explain_in *in)
{
	return limited_by(in, TASKS_address_space);
}

static bool ports_known(const struct explain_in *in)
{
	return in->port_first != 0;
}

static const struct row {
	int cause; /* enum explain_cause; CAUSE_COUNT: any */
	bool (*condition)(const struct explain_in *in);
	const char *text;
} rows[] = {
	{CAUSE_COUNT, set_by_another,
	 "another process that shares this open file description set O_NONBLOCK with fcntl(2) or "
	 "FIONBIO: give it a descriptor of its own (open it again, do not dup), or have it restore "
	 "the flag"},
	{CAUSE_listener_backlog_full, dovecot,
	 "raise client_limit or process_limit of the service that listens there, or find what its "
	 "processes wait for (service_count and client_limit decide how soon one is free)"},
	{CAUSE_listener_backlog_full, not_accepting,
	 "the listener does not accept: find what it is doing; a longer backlog would only hide "
	 "it"},
	{CAUSE_listener_backlog_full, cut_backlog,
	 "raise net.core.somaxconn: it cuts the backlog that the listener asks for"},
	{CAUSE_listener_backlog_full, small_backlog,
	 "raise the backlog argument of the listener's listen() (net.core.somaxconn is its limit); "
	 "where each connection keeps it busy for long, give it more workers"},
	{CAUSE_lock_held, holds_itself,
	 "the process locked the file through another descriptor: use that one, or close it first"},
	{CAUSE_lock_held, holder_inherited,
	 "stop the holder if nobody needs it; open the file with O_CLOEXEC in the program that "
	 "took the lock, so that none of its children inherits it"},
	{CAUSE_lock_held, kea,
	 "give each Kea server a control-socket (socket-name) of its own, or stop the holder"},
	{CAUSE_lock_held, holder_known,
	 "if the holder is a stale process, stop it; if both are wanted, give each a file (a data "
	 "directory, a socket) of its own"},
	{CAUSE_lease_held, holder_known,
	 "let the holder give the lease back on its signal (F_SETSIG, SIGIO); fs.lease-break-time "
	 "bounds how long it may take"},
	{CAUSE_send_buffer_full, timed_out,
	 "the peer did not read for the whole SO_SNDTIMEO: look there before raising the timeout"},
	{CAUSE_send_buffer_full, zero_window,
	 "the peer does not take what has arrived: find what it is doing; a larger SO_SNDBUF would "
	 "only hide it"},
	{CAUSE_send_buffer_full, lossy,
	 "segments are lost on the way: look at the network (ss -ti shows retransmits), not at the "
	 "programs"},
	{CAUSE_send_buffer_full, big_for_buffer,
	 "raise SO_SNDBUF (net.core.wmem_max is its limit): one message takes a large part of it"},
	{CAUSE_peer_queue_full, queue_length_known,
	 "let the receiver read faster, or raise net.unix.max_dgram_qlen before it makes its "
	 "socket"},
	{CAUSE_pipe_full, reader_lives,
	 "raise the pipe's size with F_SETPIPE_SZ (fs.pipe-max-size is its limit) if its reader "
	 "only "
	 "lags in bursts"},
	{CAUSE_receive_timeout, timed_out,
	 "nothing came for the whole SO_RCVTIMEO: look at the other side before raising the "
	 "timeout"},
	{CAUSE_ports_exhausted, ports_known,
	 "keep connections open, or widen net.ipv4.ip_local_port_range"},
	{CAUSE_process_limit, by_nproc,
	 "raise RLIMIT_NPROC (ulimit -u, LimitNPROC=), or find what has so many processes of this "
	 "user"},
	{CAUSE_process_limit, by_cgroup,
	 "raise pids.max of the control group (TasksMax=), or find what has so many tasks in it"},
	{CAUSE_process_limit, by_threads_max,
	 "raise kernel.threads-max, or find what has so many threads"},
	{CAUSE_process_limit, by_pid_max,
	 "raise kernel.pid_max, or find what has so many processes"},
	{CAUSE_process_limit, by_address_space,
	 "raise RLIMIT_AS (ulimit -v), or give the threads smaller stacks (ulimit -s)"},
	{CAUSE_COUNT, spun,
	 "wait with poll(2) or epoll(7) before calling again: this loop burns CPU"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *explain_advice_row(unsigned i)
{
	return i < ROWS ? rows[i].text : NULL;
}

static bool is_about(const struct row *r, const char *cause)
{
	return r->cause == CAUSE_COUNT ||
	       !strcmp(explain_cause_name((enum explain_cause)r->cause), cause);
}

const char *explain_advice(const char *cause, const struct explain_in *in, enum severity severity)
{
	if (severity == SEVERITY_benign)
		return NULL;
	for (size_t i = 0; i < ROWS; i++)
		if (is_about(&rows[i], cause) && rows[i].condition(in))
			return rows[i].text;
	return NULL;
}
