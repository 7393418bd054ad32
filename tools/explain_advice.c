/* SPDX-License-Identifier: MIT */
/*
 * explain_advice.c - what to do, one line, where the evidence supports it. A table: the first row
 * whose cause and condition hold. A unit test has a case for every row.
 */
#include <stddef.h>
#include <string.h>
#include "explain.h"

#define SECOND 1000000000ull

static bool dovecot(const struct explain_in *in)
{
	return in->target && strstr(in->target, "dovecot") != NULL;
}

static bool not_accepting(const struct explain_in *in)
{
	return in->listener_known &&
	       (!in->listener_accepted || in->listener_last_accept_age_ns > SECOND);
}

static bool small_backlog(const struct explain_in *in)
{
	uint32_t backlog = in->queue_known ? in->backlog : in->listener_backlog;

	return (in->queue_known || in->listener_known) && backlog < 128;
}

static bool holder_known(const struct explain_in *in)
{
	return in->holder_pid != 0;
}

static bool spun(const struct explain_in *in)
{
	return in->fate[FATE_spun] > 100;
}

static bool timed_out(const struct explain_in *in)
{
	return in->fate[FATE_timed_out] > 0;
}

static const struct row {
	const char *cause; /* NULL: any */
	bool (*condition)(const struct explain_in *in);
	const char *text;
} rows[] = {
	{"listener-backlog-full", dovecot,
	 "raise client_limit or process_limit of the service that listens there, or find what its "
	 "processes wait for (service_count and client_limit decide how soon one is free)"},
	{"listener-backlog-full", not_accepting,
	 "the listener does not accept: find what it is doing; a longer backlog would only hide "
	 "it"},
	{"listener-backlog-full", small_backlog,
	 "raise the backlog argument of the listener's listen() (net.core.somaxconn is its limit)"},
	{"lock-held", holder_known,
	 "if the holder is a stale process, stop it; if both are wanted, give each a lock file of "
	 "its "
	 "own"},
	{"send-buffer-full", timed_out,
	 "the peer did not read for the whole SO_SNDTIMEO: look there before raising the timeout"},
	{NULL, spun, "wait with poll(2) or epoll(7) before calling again: this loop burns CPU"},
};

const char *explain_advice(const char *cause, const struct explain_in *in, enum severity severity)
{
	if (severity == SEVERITY_benign)
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((!rows[i].cause || !strcmp(rows[i].cause, cause)) && rows[i].condition(in))
			return rows[i].text;
	return NULL;
}
