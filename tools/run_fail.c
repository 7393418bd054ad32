/* SPDX-License-Identifier: MIT */
/*
 * run_fail.c - fdwhy run --fail-on: words of the report that make a run fail, and whether they came
 * true. One table of words is the option's grammar, its help and its test.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "run.h"
#include "util.h"

static const struct word {
	const char *name;
	unsigned bit; /* enum run_fail */
} words[] = {
#define X(id, name) {name, FAIL_##id},
	RUN_FAILS(X)
#undef X
		{"eagain", FAIL_failure}, /* another name */
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int unknown(const char *word, size_t n)
{
	char *text = util_copy(word), *all = util_copy("");
	const char *near = words[0].name;
	unsigned best = ~0u;

	text[n] = '\0';
	for (size_t i = 0; i < WORDS; i++) {
		unsigned d = util_distance(text, words[i].name);
		char *longer = util_format("%s%s%s", all, i ? " " : "", words[i].name);

		free(all);
		all = longer;
		if (d < best)
			near = words[i].name;
		if (d < best)
			best = d;
	}
	util_error(125, "--fail-on: \"%s\": did you mean %s? The words are: %s", text, near, all);
	free(all);
	free(text);
	return 125;
}

int run_fail_parse(const char *list, unsigned *ret)
{
	do {
		size_t n = strcspn(list, ","), i = 0;

		while (i < WORDS && (strlen(words[i].name) != n || strncmp(words[i].name, list, n)))
			i++;
		if (i == WORDS)
			return unknown(list, n);
		*ret |= words[i].bit;
		list += n + (list[n] == ',');
	} while (*list);
	return 0;
}

/* ---- what was found ---------------------------------------------------------------------------
 */

static uint64_t severe(const struct model *m, enum severity severity)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->eagains_count; i++)
		n += m->eagains[i].why.severity == severity;
	return n;
}

static uint64_t verdicts(const struct model *m, enum verdict_kind kind)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->fds_count; i++)
		n += m->fds[i].verdict.kind == kind && !m->fds[i].suppressed;
	return n;
}

static uint64_t child_leaks(const struct model *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->child_leaks_count; i++)
		n += !m->child_leaks[i].suppressed;
	return n;
}

/* `kinds`: bits 1 << enum misuse_kind */
static uint64_t misuses(const struct model *m, unsigned kinds)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->misuses_count; i++)
		n += kinds >> m->misuses[i].kind & 1 && !m->misuses[i].suppressed;
	return n;
}

static uint64_t count(const struct model *m, enum run_fail what)
{
	switch (what) {
	case FAIL_leak:
		return verdicts(m, VERDICT_leak);
	case FAIL_growing:
		return verdicts(m, VERDICT_growing);
	case FAIL_idle:
		return verdicts(m, VERDICT_idle);
	case FAIL_at_exit:
		return verdicts(m, VERDICT_at_exit);
	case FAIL_child_leak:
		return child_leaks(m);
	case FAIL_failure:
		return severe(m, SEVERITY_failure);
	case FAIL_suspicious:
		return severe(m, SEVERITY_suspicious);
	case FAIL_benign:
		return severe(m, SEVERITY_benign);
	case FAIL_limit:
		return m->limits_count;
	case FAIL_misuse:
		return misuses(m, ~0u);
	case FAIL_double_close:
		return misuses(m, 1u << MISUSE_double_close);
	case FAIL_use_after_close:
		return misuses(m, 1u << MISUSE_use_after_close);
	case FAIL_foreign_close:
		return misuses(m, 1u << MISUSE_foreign_close);
	case FAIL_standard_close:
		return misuses(m, 1u << MISUSE_standard_close);
	default:
		return m->coverage_count;
	}
}

bool run_fail_found(const struct model *m, unsigned fail_on)
{
	char *text = util_copy("");
	bool found = false;

	for (size_t i = 0; i < WORDS; i++) {
		uint64_t n = fail_on & words[i].bit ? count(m, words[i].bit) : 0;
		char *longer;

		fail_on &= ~words[i].bit;
		if (!n)
			continue;
		longer = util_format("%s%s%llu %s", text, found ? ", " : "", (unsigned long long)n,
				     words[i].name);
		free(text);
		text = longer;
		found = true;
	}
	if (found) /* also with -q: a failing run says why */
		util_error(0, "--fail-on: places found: %s", text);
	free(text);
	return found;
}
