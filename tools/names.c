/* SPDX-License-Identifier: MIT */
/* names.c - tables of words, made from the shared headers. */
#include <signal.h>
#include <string.h>
#include "names.h"
#include "util.h"
#include "words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kinds[] = {
#define X(n, s) s,
	RECORD_KINDS(X)
#undef X
};
static const char *const offs[] = {
#define X(n, s) s,
	RECORD_OFFS(X)
#undef X
};
static const char *const misses[] = {
#define X(n, s) s,
	RECORD_MISSES(X)
#undef X
};
static const char *const whys[] = {
#define X(n, s, d) s,
	EXEC_WHYS(X)
#undef X
};
static const char *const insteads[] = {
#define X(n, s, d) d,
	EXEC_WHYS(X)
#undef X
};
static const char *const fates[] = {
	[FATE_waited] = "waited",   [FATE_drained] = "drained",     [FATE_spun] = "spun",
	[FATE_gave_up] = "gave_up", [FATE_timed_out] = "timed_out", [FATE_masked] = "masked",
	[FATE_retried] = "retried", [FATE_unmasked] = "unmasked",
};
static const char *const task_limits[] = {
#define X(n, s) s,
	RECORD_TASK_LIMITS(X)
#undef X
};
static const char *const modes[] = {"unknown", "O_NONBLOCK", "MSG_DONTWAIT", "SO_SNDTIMEO",
				    "SO_RCVTIMEO"};

/* By number, as in TCP_INFO and /proc/net/tcp. */
static const char *const tcp_states[] = {
	"?",      "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",  "TIME-WAIT",
	"CLOSED", "CLOSE-WAIT",  "LAST-ACK", "LISTEN",   "CLOSING",    "NEW-SYN-RECV"};

static const char *pick(const char *const *table, size_t count, unsigned i)
{
	return i < count ? table[i] : "?";
}

const char *names_call_plain(unsigned call)
{
	static const struct {
		const char *name, *plain;
	} fortified[] = {
		{"__recv_chk", "recv"},       {"__recvfrom_chk", "recvfrom"},
		{"__read_chk", "read"},       {"__pread_chk", "pread"},
		{"__open_2", "open"},         {"__openat_2", "openat"},
		{"__poll_chk", "poll"},       {"__ppoll_chk", "ppoll"},
		{"__mq_open_2", "mq_open"},   {"__syslog_chk", "syslog"},
		{"__vsyslog_chk", "vsyslog"},
	};
	const char *name = call_name(call);

	for (size_t i = 0; *name == '_' && i < COUNT(fortified); i++)
		if (!strcmp(fortified[i].name, name))
			return fortified[i].plain;
	return name;
}

enum call_id names_find_call(const char *name, const char **ret_near)
{
	unsigned best = ~0u; /* there is always a nearest */

	for (unsigned i = 1; i < CALL_COUNT; i++) {
		unsigned d = util_distance(name, call_name(i));

		if (!d)
			return (enum call_id)i;
		if (d < best) {
			best = d;
			*ret_near = call_name(i);
		}
	}
	return CALL_NONE;
}

const char *names_kind(unsigned kind)
{
	return pick(kinds, COUNT(kinds), kind);
}

const char *names_off(unsigned off)
{
	return pick(offs, COUNT(offs), off);
}

const char *names_miss(unsigned miss)
{
	return pick(misses, COUNT(misses), miss);
}

const char *names_fate(unsigned fate)
{
	return pick(fates, COUNT(fates), fate);
}

const char *names_why(unsigned why)
{
	return pick(whys, COUNT(whys), why);
}

const char *names_instead(unsigned why)
{
	return pick(insteads, COUNT(insteads), why);
}

const char *names_mode(unsigned mode)
{
	return pick(modes, COUNT(modes), mode);
}

const char *names_tcp_state(unsigned state)
{
	return pick(tcp_states, COUNT(tcp_states), state);
}

const char *names_task_limit(unsigned limit)
{
	return pick(task_limits, COUNT(task_limits), limit);
}

const char *names_signal(int signo)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
#define X(n) {#n, n},
		WORDS_SIGNALS(X)
#undef X
	};

	for (size_t i = 0; i < COUNT(signals); i++)
		if (signals[i].number == signo)
			return signals[i].name;
	return "?";
}
