/* SPDX-License-Identifier: MIT */
/*
 * verdict_limit.c - see verdict_limit.h. A loop over a listener that is ready and cannot be
 * accepted from burns a CPU: level-triggered poll says "ready" again at once.
 */
#include <stdio.h>
#include <string.h>
#include "verdict_limit.h"

#define RUN_CERTAIN 20 /* in a row */
#define BUSY_PER_S 100 /* below, it waits in between */
#define RATE_NS 10000000u

#define N(x) ((unsigned long long)(x))

static bool is_busy(const struct verdict_limit_in *in)
{
	double least = in->run_ns ? (double)in->run_ns : 1;

	return in->accepts && in->run >= RUN_CERTAIN && (double)in->run * 1e9 / least >= BUSY_PER_S;
}

static const char *advise(const struct verdict_limit_in *in, bool busy)
{
	if (in->system)
		return "raise fs.file-max, or find who has so many open: fdwhy fds";
	if (busy)
		return "stop polling the listener until an fd is free, or keep a spare fd to "
		       "close, "
		       "accept with and close; then find what holds the others: fdwhy fds";
	if (in->soft && in->hard > in->soft)
		return "find what holds them: fdwhy fds; when so many are wanted, the program may "
		       "raise its soft limit up to the hard one";
	return "find what holds them: fdwhy fds; when so many are wanted, raise RLIMIT_NOFILE "
	       "(LimitNOFILE=, ulimit -n)";
}

void verdict_limit(const struct verdict_limit_in *in, struct verdict_limit *ret)
{
	bool busy = is_busy(in);
	size_t n = 0, size = sizeof(ret->sentence);

	memset(ret, 0, sizeof(*ret));
	ret->busy = busy;
	ret->cause = busy ? "accept-busy-loop" : in->system ? "system-limit" : "descriptor-limit";
	ret->advice = advise(in, busy);
	if (busy && in->run_ns >= RATE_NS)
		ret->rate_per_s = (double)in->run * 1e9 / (double)in->run_ns;
	if (in->system)
		n += (size_t)snprintf(ret->sentence, size,
				      "the system has no room for another "
				      "open file");
	else if (in->soft)
		n += (size_t)snprintf(ret->sentence, size,
				      "%llu open, the limit is %llu (soft; hard %llu)", N(in->open),
				      N(in->soft), N(in->hard));
	else
		n += (size_t)snprintf(ret->sentence, size, "the process has too many open files");
	if (!busy)
		return;
	n += (size_t)snprintf(ret->sentence + n, size - n,
			      "; a busy loop: %s%s%s fails %llu times in a row", in->call,
			      in->where ? " on " : "", in->where ? in->where : "", N(in->run));
	if (ret->rate_per_s > 0 && n < size)
		snprintf(ret->sentence + n, size - n, ", %.0f a second", ret->rate_per_s);
}
