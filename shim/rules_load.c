/* SPDX-License-Identifier: MIT */
/*
 * rules_load.c - where rules come from: the session's files, mapped; or the file of FDWHY_RULES,
 * parsed in the constructor; or the C API. Holds no fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include "rules_count.h"
#include "rules_parse.h"
#include "self.h"
#include "sysc.h"
#include "text.h"

struct rules_file rules_map __attribute__((aligned(4096)));
static bool mapped; /* rules_map is the session's, read-only */

/* ---- the session's ----------------------------------------------------------------------------
 */

static long open_in(const char *session, const char *name, int flags)
{
	char path[1024];
	size_t n = strlen(session), m = strlen(name);

	if (n + m + 2 > sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, session, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return sysc(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOFOLLOW, 0);
}

/* The whole of a file that is at least `bytes` long; at `at` when that is not NULL. */
static void *map_file(long fd, void *at, uint64_t bytes, int protection)
{
	struct stat st;
	long r = sysc(SYS_fstat, fd, &st);

	if (r || (uint64_t)st.st_size < bytes)
		return NULL;
	r = sysc(SYS_mmap, at, bytes, protection, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	return r < 0 && r >= -4095 ? NULL : (void *)r;
}

static void *map_of(const char *session, const char *name, void *at, uint64_t bytes, bool write)
{
	long fd = open_in(session, name, write ? O_RDWR : O_RDONLY);
	void *r;

	if (fd < 0)
		return NULL;
	r = map_file(fd, at, bytes, write ? PROT_READ | PROT_WRITE : PROT_READ);
	sysc(SYS_close, fd);
	return r;
}

static void unmap(void)
{
	sysc(SYS_mmap, &rules_map, sizeof(rules_map), PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mapped = false;
}

static bool map_session(const char *session)
{
	if (!map_of(session, "rules", &rules_map, sizeof(rules_map), false))
		return false;
	mapped = true;
	if (memcmp(rules_map.magic, RULES_MAGIC, 8) || rules_map.version != RULES_VERSION ||
	    rules_map.calls != CALL_COUNT) {
		unmap();
		return false;
	}
	rules_counts_file = map_of(session, "rules.counts", NULL, sizeof(*rules_counts_file), true);
	if (rules_counts_file)
		rules_counts = rules_counts_file->rule;
	if (rules_map.replay_count && rules_map.replay_count <= RULES_HITS)
		rules_replay = map_of(session, "rules.replay", NULL,
				      rules_map.replay_count * sizeof(struct rule_hit), false);
	return true;
}

/* ---- of this process alone --------------------------------------------------------------------
 */

static uint64_t now(void)
{
	return self_clock(CLOCK_MONOTONIC);
}

static void begin_private(void)
{
	if (!rules_map.began_ns)
		rules_map.began_ns = now();
	rules_map.calls = CALL_COUNT;
}

static void arm(void)
{
	uint32_t armed[RULES_CALLS_MAX] = {0};

	for (unsigned i = 0; i < rules_map.end; i++)
		rules_arm(&rules_map.rules[i], armed);
	memcpy(rules_map.armed, armed, sizeof(armed));
	rules_map.generation++;
}

/* The session's rules, if any, become this process's own copy: `fdwhy ctl` does not reach it now.
 */
static void make_private(void)
{
	static struct rules_file copy;

	if (!mapped)
		return;
	memcpy(&copy, &rules_map, sizeof(copy));
	unmap();
	memcpy(&rules_map, &copy, sizeof(copy));
	rules_count_alone();
}

void rules_own(void)
{
	make_private();
	if (rules_map.last_id < RULES_OWN_IDS)
		rules_map.last_id = RULES_OWN_IDS;
}

uint32_t rules_add(const struct rule *r)
{
	unsigned i = 0;

	make_private();
	begin_private();
	while (i < rules_map.end && rules_map.rules[i].id)
		i++;
	if (i == RULES_MAX)
		return 0;
	rules_map.rules[i] = *r;
	rules_map.rules[i].seq = 0;
	rules_map.rules[i].id = ++rules_map.last_id;
	rules_count_from_zero(i);
	if (i == rules_map.end)
		rules_map.end++;
	arm();
	return rules_map.rules[i].id;
}

unsigned rules_place(uint32_t id)
{
	for (unsigned i = 0; id && i < rules_map.end && i < RULES_MAX; i++)
		if (rules_map.rules[i].id == id)
			return i;
	return RULES_MAX;
}

bool rules_remove(uint32_t id)
{
	unsigned i = rules_place(id);

	if (i == RULES_MAX)
		return false;
	make_private();
	rules_map.rules[i].action = RULE_none;
	rules_map.rules[i].id = 0;
	arm();
	return true;
}

/* ---- FDWHY_RULES ------------------------------------------------------------------------------
 */

static int wrong(struct text *t, const char *file, unsigned line, const struct rules_error *e)
{
	text_put(t, file);
	text_put(t, ":");
	text_put_number(t, line, 10);
	text_put(t, ":");
	text_put_number(t, e->column, 10);
	text_put(t, ": ");
	text_put(t, e->message);
	return -EINVAL;
}

static int take_lines(char *s, const char *file, struct text *why)
{
	struct rules_error e = {.column = 1};
	struct rule rule;
	char *next;

	for (unsigned line = 1; s; s = next, line++) {
		int r;

		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		r = rules_parse_line(s, &rule, &e);
		if (r < 0)
			return wrong(why, file, line, &e);
		if (r == 0 && !rules_add(&rule)) {
			memcpy(e.message, "too many rules", 15);
			return wrong(why, file, line, &e);
		}
	}
	return 0;
}

static int read_rules(const char *file, struct text *why)
{
	static char text[16384];
	long fd = sysc(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	long n = fd < 0 ? fd : sysc(SYS_read, fd, text, sizeof(text) - 1);
	int r;

	if (fd >= 0)
		sysc(SYS_close, fd);
	if (n < 0 || n == sizeof(text) - 1) {
		text_put(why, file);
		text_put(why, n < 0 ? ": cannot be read" : ": longer than 16 KiB");
		return n < 0 ? (int)n : -EFBIG;
	}
	text[n] = '\0';
	r = take_lines(text, file, why);
	if (r) { /* none, rather than some: the record says why */
		memset(&rules_map, 0, sizeof(rules_map));
	}
	return r;
}

int rules_start(const char *session, const char *rules_file, char *ret_why, size_t size)
{
	struct text why = {.s = ret_why, .size = size};

	int r = 0;

	*ret_why = '\0';
	if (!(session && map_session(session))) {
		if (!rules_file)
			return 0; /* and no page of the map was touched */
		r = read_rules(rules_file, &why);
	}
	return r ? r : rules_map.end != 0;
}
