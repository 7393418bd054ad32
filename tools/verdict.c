/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - see verdict.h and docs/leaks.md. Works on the history of the number open at one birth
 * site: 20 buckets whose width doubles with uptime, so that the rule holds for a minute and a
 * month.
 */
#include <stdio.h>
#include <string.h>
#include "util.h"
#include "verdict.h"

#define SURVIVORS_CERTAIN 8 /* so many, and never fewer, is no coincidence */
#define SURVIVORS_FEW 3
#define POINTS_CERTAIN 5

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

/* The series without its gaps: a bucket without a change keeps the number of the one before. */
static unsigned history(const struct verdict_in *in, uint32_t *ret)
{
	unsigned n = 0, last = 0;

	for (unsigned i = 0; i < RECORD_SERIES; i++)
		if (in->series[i])
			last = i + 1;
	for (unsigned i = 0; i < last; i++) {
		if (in->series[i])
			ret[n++] = in->series[i] - 1;
		else if (n) {
			ret[n] = ret[n - 1];
			n++;
		}
	}
	return n;
}

/*
 * The lowest number open in the first, middle and last third of the history, without its first
 * bucket. Load comes and goes, but what leaks lifts the floor, and goes on lifting it: a pool that
 * warms up lifts it less and less.
 */
struct floor {
	unsigned points, rises;
	uint32_t third[3];
};

static struct floor floor_of(const struct verdict_in *in)
{
	uint32_t h[RECORD_SERIES];
	struct floor f = {.points = history(in, h), .third = {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	unsigned first = f.points > 3;

	for (unsigned i = first; i < f.points; i++) {
		uint32_t *third = &f.third[(i - first) * 3 / (f.points - first)];

		*third = h[i] < *third ? h[i] : *third;
		f.rises += i && h[i] > h[i - 1];
	}
	return f;
}

static void say(struct verdict *v, enum verdict_kind kind, const char *format, uint64_t a,
		uint64_t b, uint64_t c)
{
	v->kind = kind;
	snprintf(v->reason, sizeof(v->reason), format, (unsigned long long)a, (unsigned long long)b,
		 (unsigned long long)c);
}

/* Nothing was ever closed here, and it happened often: no history needed. */
static bool never_closed(const struct verdict_in *in, struct verdict *v)
{
	if (in->closed || in->listening || in->open < SURVIVORS_CERTAIN)
		return false;
	if (!in->ended && in->series_width_ns && floor_of(in).points < 3)
		return false; /* a pool that is being filled looks the same */
	if (!in->ended && floor_of(in).rises < 2)
		return false;
	say(v, VERDICT_leak, "%llu opened, none closed", in->opened, 0, 0);
	return true;
}

static bool rising(const struct verdict_in *in, struct verdict *v)
{
	struct floor f = floor_of(in);
	uint32_t a = f.third[0], b = f.third[1], c = f.third[2];

	if (f.points < 4 || f.rises < 3 || b <= a || c <= b || (c - b) * 4 < b - a ||
	    in->open + 1 < c)
		return false;
	say(v,
	    f.points >= POINTS_CERTAIN && c - a >= SURVIVORS_FEW ? VERDICT_leak : VERDICT_growing,
	    "%llu open, never below %llu lately, was %llu before", in->open, c, a);
	return true;
}

/* Open when everything ended: of many births a good part was never closed. */
static bool left_over(const struct verdict_in *in, struct verdict *v)
{
	if (!in->ended || in->listening)
		return false;
	if (in->open >= SURVIVORS_FEW && in->open * 2 >= in->opened && in->opened >= SURVIVORS_FEW)
		say(v, VERDICT_leak, "%llu of %llu never closed", in->open, in->opened, 0);
	else
		say(v, VERDICT_at_exit, "%llu of %llu open at the end", in->open, in->opened, 0);
	return true;
}

void verdict_judge(const struct verdict_in *in, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!in->open)
		say(ret, in->inherited ? VERDICT_inherited : VERDICT_expected,
		    in->inherited ? "%llu inherited" : "all closed", in->inherited, 0, 0);
	else if (in->standard)
		say(ret, VERDICT_expected, "standard input or output", 0, 0, 0);
	else if (never_closed(in, ret) || rising(in, ret) || left_over(in, ret))
		return;
	else if (!in->uses && !in->listening && in->age_ns > 600000000000u)
		say(ret, VERDICT_idle, "open for %llu s, never used", in->age_ns / 1000000000u, 0,
		    0);
	else
		say(ret, VERDICT_steady, "%llu open, at most %llu", in->open, in->peak, 0);
}
