/* SPDX-License-Identifier: MIT */
/*
 * verdict_trend.c - does a short series of counts rise? Answers without assuming how counts are
 * distributed: slopes between all pairs (Theil-Sen), and how many pairs rise (Mann-Kendall).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "verdict.h"

static uint32_t lowest(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

void verdict_fold(uint32_t *series)
{
	for (unsigned i = 0; i < RECORD_SERIES / 2; i++)
		series[i] = lowest(series[2 * i], series[2 * i + 1]);
	memset(series + RECORD_SERIES / 2, 0, RECORD_SERIES / 2 * sizeof(*series));
}

/* A bucket without a change has at least what the ones around it had. */
static uint32_t gap(const uint32_t *s, unsigned i, unsigned last, uint32_t before, uint32_t now)
{
	unsigned k = i;

	while (k < last && !s[k])
		k++;
	if (k >= last)
		return now;
	return s[k] - 1 > before ? s[k] - 1 : before;
}

unsigned verdict_history(const uint32_t *series, uint64_t span_ns, uint32_t now, uint64_t *width_ns,
			 uint32_t *ret)
{
	uint32_t s[RECORD_SERIES];
	unsigned first = RECORD_SERIES, last = 0, n;

	memcpy(s, series, sizeof(s));
	while (*width_ns && span_ns / *width_ns >= RECORD_SERIES) {
		verdict_fold(s);
		*width_ns *= 2;
	}
	n = *width_ns && span_ns ? (unsigned)(span_ns / *width_ns) + 1 : 0;
	for (unsigned i = 0; i < RECORD_SERIES; i++) {
		if (!s[i])
			continue;
		first = i < first ? i : first;
		last = i + 1;
	}
	n = n > last ? n : last;
	if (first == RECORD_SERIES)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (s[i])
			ret[i] = s[i] - 1;
		else
			ret[i] = i < first ? 0 : gap(s, i, last, ret[i - 1], now);
	}
	return n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_slope(const uint32_t *h, unsigned n)
{
	double slope[RECORD_SERIES * RECORD_SERIES / 2];
	size_t k = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			slope[k++] = ((double)h[j] - h[i]) / (j - i);
	if (!k)
		return 0;
	qsort(slope, k, sizeof(*slope), by_value);
	return (slope[(k - 1) / 2] + slope[k / 2]) / 2;
}

/* Pairs of equal values make less of a difference likely. */
static double variance(const uint32_t *h, unsigned n)
{
	double v = n * (n - 1.0) * (2.0 * n + 5);

	for (unsigned i = 0; i < n; i++) {
		double ties = 0;
		bool counted = false;

		for (unsigned j = 0; j < n; j++) {
			ties += h[j] == h[i];
			counted |= j < i && h[j] == h[i];
		}
		if (!counted)
			v -= ties * (ties - 1) * (2 * ties + 5);
	}
	return v / 18;
}

static double confidence(const uint32_t *h, unsigned n)
{
	double s = 0, v = variance(h, n);

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			s += (h[j] > h[i]) - (h[j] < h[i]);
	if (s <= 0 || v <= 0)
		return 0;
	return erf((s - 1) / sqrt(v) / sqrt(2));
}

void verdict_trend(const uint32_t *h, unsigned n, uint64_t width_ns, struct verdict_trend *ret)
{
	unsigned first = n > 4; /* the start is no trend */

	*ret = (struct verdict_trend){.points = n, .floor = {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	for (unsigned i = first; i < n; i++) {
		uint32_t *third = &ret->floor[(i - first) * 3 / (n - first)];

		*third = h[i] < *third ? h[i] : *third;
		if (i && h[i] > h[i - 1]) {
			ret->rises++;
			ret->last_rise = i;
		}
		ret->falls += i && h[i] < h[i - 1];
	}
	for (unsigned i = 0; i < 3; i++)
		if (ret->floor[i] == UINT32_MAX)
			ret->floor[i] = 0;
	if (n - first < 2)
		return;
	if (width_ns)
		ret->slope_per_hour =
			median_slope(h + first, n - first) * 3.6e12 / (double)width_ns;
	ret->confidence = confidence(h + first, n - first);
}
