/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - see verdict.h and docs/leaks.md. Works on the history of the number open at one birth
 * site: 20 buckets whose width doubles with uptime, so that the rule holds for a minute and a
 * month.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "util.h"
#include "verdict.h"

#define SURVIVORS_CERTAIN 8 /* so many, and never fewer, is no coincidence */
#define SURVIVORS_FEW 3
#define POINTS_CERTAIN 5
#define SURE 0.99
#define LIKELY 0.9
#define CHURN 100   /* closed: enough to know how long one lives */
#define OLD_TIMES 8 /* lifetimes */
#define OLD_PART 4  /* of the history: what lifted its last third's floor is older than a third */
#define HALF_DEAD_NS 30000000000u
#define WORKERS 32            /* a daemon's start makes as many of a kind at most, ... */
#define SETTLED_NS 100000000u /* and lives on for so long at least */

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_expected] = "expected",   [VERDICT_steady] = "steady",
		[VERDICT_inherited] = "inherited", [VERDICT_at_exit] = "at-exit",
		[VERDICT_idle] = "idle",           [VERDICT_growing] = "growing",
		[VERDICT_leak] = "leak",
	};

	return names[kind];
}

/* false for the caller to return: nothing said. */
static bool say(struct verdict *v, enum verdict_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool say(struct verdict *v, enum verdict_kind kind, const char *format, ...)
{
	va_list ap;

	v->kind = kind;
	va_start(ap, format);
	vsnprintf(v->reason, sizeof(v->reason), format, ap);
	va_end(ap);
	return true;
}

#define N(x) ((unsigned long long)(x))

static void look_back(const struct verdict_in *in, struct verdict *v)
{
	uint64_t width = in->series_width_ns, fd_time = 0, old;
	uint32_t h[RECORD_SERIES];
	unsigned n = verdict_history(in->series, in->span_ns, (uint32_t)in->open, &width, h);

	verdict_trend(h, n, width, &v->trend);
	for (unsigned i = 0; i < n; i++)
		fd_time += h[i] * width;
	if (in->closed >= CHURN)
		v->trend.lifetime_ns = fd_time / in->opened;
	old = OLD_TIMES * v->trend.lifetime_ns;
	old = old > in->span_ns / OLD_PART ? old : in->span_ns / OLD_PART;
	while (v->trend.old < in->ages_count && in->ages[v->trend.old] > old)
		v->trend.old++;
}

/* Is there history enough to tell, and did it still rise in its later half? */
static bool still_rising(const struct verdict_trend *t)
{
	return t->rises >= 2 && t->last_rise * 2 >= t->points;
}

/*
 * An epoll fd for each thread, a pipe to each worker: all made in the first quarter of the life,
 * and in the rest of it, which is long, not one more.
 */
static bool made_at_start(const struct verdict_in *in)
{
	uint64_t youngest;

	if (!in->plumbing || in->open > WORKERS || in->ages_count != in->open)
		return false;
	youngest = in->ages[in->ages_count - 1];
	return youngest >= SETTLED_NS && youngest >= in->span_ns / 4 * 3;
}

/* Too short to look like a pool. Of a leak the same comes again; a cache has each file once. */
static bool short_life(const struct verdict_in *in, const struct verdict_trend *t)
{
	return in->ended && t->points < POINTS_CERTAIN && in->different * 2 <= in->open &&
	       !made_at_start(in);
}

/* Nothing was ever closed here, and it happened often. */
static bool never_closed(const struct verdict_in *in, struct verdict *v)
{
	const struct verdict_trend *t = &v->trend;
	bool sure = t->rises >= 3 && t->confidence >= LIKELY;

	if (in->closed || in->listening || in->open < SURVIVORS_CERTAIN)
		return false;
	if (short_life(in, t))
		return say(v, VERDICT_leak, "%llu opened, none closed", N(in->opened));
	if (t->points < 4 || !still_rising(t))
		return false; /* a pool that is being filled looks the same */
	return say(v, sure ? VERDICT_leak : VERDICT_growing,
		   "%llu opened, none closed; rose %u times, last in bucket %u of %u",
		   N(in->opened), t->rises, t->last_rise + 1, t->points);
}

/*
 * More load means more open, too, and so does a pool that is being filled; but those are as old as
 * one gets that is closed in the end, or they are renewed. What leaks is much older, and stays.
 */
static bool is_load(const struct verdict_in *in, const struct verdict_trend *t)
{
	return in->ages_count && t->old * 2 < t->floor[2] - t->floor[0];
}

/*
 * The lowest number open in the first, middle and last third of the history. Load comes and goes,
 * but what leaks lifts the floor, and goes on lifting it: a pool that warms up lifts it less and
 * less, a burst lifts it once.
 */
static bool rising(const struct verdict_in *in, struct verdict *v)
{
	const struct verdict_trend *t = &v->trend;
	uint32_t a = t->floor[0], b = t->floor[1], c = t->floor[2];
	bool sure = t->points >= POINTS_CERTAIN && c - a >= SURVIVORS_FEW && t->confidence >= SURE;

	if (t->points < 4 || t->rises < 3 || b <= a || c <= b || in->open + 1 < c)
		return false;
	if ((c - b) * 4 < b - a || (c - b) / 8 > b - a || t->confidence < LIKELY || is_load(in, t))
		return false;
	if (!sure && in->closed >= CHURN && c - a < SURVIVORS_CERTAIN)
		return false; /* of hundreds that come and go a few more were idle */
	return say(v, sure ? VERDICT_leak : VERDICT_growing,
		   "%llu open, never below %u lately, was %u before; +%.3g an hour (%.0f%% sure)",
		   N(in->open), c, a, t->slope_per_hour, t->confidence * 100);
}

/* Sockets that the other side has closed, for a while already. */
static bool half_dead(const struct verdict_in *in, struct verdict *v)
{
	if (in->half_dead < SURVIVORS_FEW || in->half_dead * 2 < in->open || !in->ages_count ||
	    in->ages[in->ages_count / 2] < HALF_DEAD_NS)
		return false;
	return say(v, VERDICT_leak, "%llu of %llu open ones are closed by their peer, not here",
		   N(in->half_dead), N(in->open));
}

/* Open when everything ended: after a short life, of many births a good part was never closed. */
static bool left_over(const struct verdict_in *in, struct verdict *v)
{
	bool few = in->open < SURVIVORS_FEW || in->open * 2 < in->opened;

	if (!in->ended || in->listening)
		return false;
	if (!few && short_life(in, &v->trend))
		return say(v, VERDICT_leak, "%llu of %llu never closed", N(in->open),
			   N(in->opened));
	return say(v, VERDICT_at_exit, "%llu of %llu open at the end", N(in->open), N(in->opened));
}

/* What a peer still holds open may be wanted: it can be growing, but is not certainly lost. */
static void doubt(const struct verdict_in *in, struct verdict *v)
{
	size_t n = strlen(v->reason);

	if (v->kind != VERDICT_leak || in->held * 2 <= in->open)
		return;
	v->kind = VERDICT_growing;
	snprintf(v->reason + n, sizeof(v->reason) - n, "; the peers of %llu hold them open",
		 N(in->held));
}

void verdict_judge(const struct verdict_in *in, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!in->open && in->inherited) {
		say(ret, VERDICT_inherited, "%llu inherited", N(in->inherited));
		return;
	}
	look_back(in, ret);
	if (!in->open)
		say(ret, VERDICT_expected, "all closed");
	else if (in->standard)
		say(ret, VERDICT_expected, "standard input or output");
	else if (never_closed(in, ret) || rising(in, ret) || half_dead(in, ret))
		doubt(in, ret);
	else if (left_over(in, ret))
		return;
	else if (!in->listening && in->unused && in->unused * 2 >= in->open)
		say(ret, VERDICT_idle, "%llu open for up to %llu s, never used", N(in->unused),
		    N(in->ages_count ? in->ages[0] / 1000000000u : 0));
	else
		say(ret, VERDICT_steady, "%llu open, at most %llu", N(in->open), N(in->peak));
}
