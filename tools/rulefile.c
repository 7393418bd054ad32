/* SPDX-License-Identifier: MIT */
/* rulefile.c - see rulefile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "calls.h"
#include "record.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "util.h"

/* ---- text -------------------------------------------------------------------------------------
 */

/* The text and a line under it that points at what is wrong. */
int rulefile_wrong(int status, const char *where, const char *text, const struct rules_error *e)
{
	util_error(status, "%s:%u: %s", where, e->column, e->message);
	fprintf(stderr, "  %s\n  %*s^", text, (int)e->column - 1, "");
	for (unsigned i = 1; i < e->length; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
	return status;
}

static int keep(struct rulefile *f, const char *where, const struct rule *r, int status)
{
	struct rule *to;

	if (f->count == RULES_MAX)
		return util_error(status, "%s: more than %u rules", where, RULES_MAX);
	to = UTIL_PUSH(f->rules, f->count, f->room);
	*to = *r;
	to->id = (uint32_t)f->count;
	return 0;
}

int rulefile_add(struct rulefile *f, const char *where, enum rule_action action, const char *text,
		 int status)
{
	struct rules_error e;
	struct rule r;

	if (rules_parse(text, action, &r, &e))
		return rulefile_wrong(status, where, text, &e);
	return keep(f, where, &r, status);
}

int rulefile_read(struct rulefile *f, const char *path, int status)
{
	FILE *in = fopen(path, "re");
	char line[1024], where[512];
	unsigned number = 0;
	int error = 0;

	if (!in)
		return util_error(status, "%s: %s", path, strerror(errno));
	while (!error && fgets(line, sizeof(line), in)) {
		struct rules_error e;
		struct rule r;
		int got;

		line[strcspn(line, "\r\n")] = '\0';
		snprintf(where, sizeof(where), "%s:%u", path, ++number);
		got = rules_parse_line(line, &r, &e);
		if (got < 0)
			error = rulefile_wrong(status, where, line, &e);
		else if (!got)
			error = keep(f, where, &r, status);
	}
	fclose(in);
	return error;
}

void rulefile_free(struct rulefile *f)
{
	free(f->rules);
	*f = (struct rulefile){0};
}

/* ---- files of a session -----------------------------------------------------------------------
 */

/* Made real at once: a full disk is an error here, not a SIGBUS in a target. */
static int write_file(const char *session, const char *name, const void *data, size_t bytes,
		      mode_t mode)
{
	char *path = util_format("%s/%s", session, name);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)bytes);

	if (!error && data && pwrite(fd, data, bytes, 0) != (ssize_t)bytes)
		error = ENOSPC;
	if (!error && fchmod(fd, mode)) /* not weakened by umask */
		error = errno;
	if (fd >= 0)
		close(fd);
	if (error)
		util_error(125, "%s: %s", path, strerror(error));
	free(path);
	return error ? 125 : 0;
}

int rulefile_write(const struct rulefile *f, const char *session)
{
	struct rules_file *file = util_alloc(1, sizeof(*file));
	int status;

	memcpy(file->magic, RULES_MAGIC, sizeof(file->magic));
	file->version = RULES_VERSION;
	file->calls = CALL_COUNT;
	file->generation = 1;
	file->seed = f->seed;
	file->replay_count = f->replay_count;
	file->began_ns = util_now_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < f->count; i++) {
		file->rules[i] = f->rules[i];
		rules_arm(&f->rules[i], file->armed);
		if (f->rules[i].id > file->last_id)
			file->last_id = f->rules[i].id;
	}
	file->end = (uint32_t)f->count;
	status = write_file(session, "rules", file, sizeof(*file), 0644);
	if (!status)
		status = write_file(session, "rules.counts", NULL, sizeof(struct rules_counts_file),
				    0666);
	free(file);
	return status;
}

/* ---- mapped -----------------------------------------------------------------------------------
 */

static void *map_file(const char *session, const char *name, size_t bytes, bool change, int *ret_fd)
{
	char *path = util_format("%s/%s", session, name);
	int fd = open(path, (change ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *map = NULL;

	free(path);
	if (fd < 0)
		return NULL;
	if (change && ret_fd && flock(fd, LOCK_EX))
		change = false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size >= bytes)
		map = mmap(NULL, bytes, change ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
			   0);
	else
		errno = EINVAL;
	if (map == MAP_FAILED)
		map = NULL;
	if (map && ret_fd)
		*ret_fd = fd;
	else
		close(fd);
	return map;
}

int rulefile_map(const char *session, bool change, struct rulefile_map *ret)
{
	struct rulefile_map m = {.lock = -1};

	m.file = map_file(session, "rules", sizeof(*m.file), change, &m.lock);
	if (!m.file)
		return -errno;
	if (memcmp(m.file->magic, RULES_MAGIC, 8) || m.file->version != RULES_VERSION ||
	    m.file->calls != CALL_COUNT || m.file->end > RULES_MAX) {
		rulefile_unmap(&m);
		return -EPROTO;
	}
	m.counts = map_file(session, "rules.counts", sizeof(*m.counts), false, NULL);
	*ret = m;
	return 0;
}

void rulefile_unmap(struct rulefile_map *m)
{
	if (m->file)
		munmap(m->file, sizeof(*m->file));
	if (m->counts)
		munmap(m->counts, sizeof(*m->counts));
	if (m->lock >= 0)
		close(m->lock);
	*m = (struct rulefile_map){.lock = -1};
}

static void rearm(struct rules_file *file)
{
	uint32_t armed[RULES_CALLS_MAX] = {0};

	for (uint32_t i = 0; i < file->end; i++)
		rules_arm(&file->rules[i], armed);
	memcpy(file->armed, armed, sizeof(armed));
	file->generation++;
}

uint32_t rulefile_arm(struct rulefile_map *m, const struct rule *r)
{
	struct rules_file *file = m->file;
	struct rule *to;

	if (file->end == RULES_MAX) /* places are not used twice: their counts stay true */
		return 0;
	to = &file->rules[file->end];
	record_publish(&to->seq, 1); /* odd: pairs with the shim's look at seq */
	*to = *r;
	to->seq = 1;
	to->id = ++file->last_id;
	record_publish(&to->seq, 2);
	record_publish(&file->end, file->end + 1);
	rearm(file);
	return to->id;
}

bool rulefile_disarm(struct rulefile_map *m, uint32_t id)
{
	for (uint32_t i = 0; i < m->file->end; i++) {
		struct rule *r = &m->file->rules[i];

		if (r->id != id || r->action == RULE_none)
			continue;
		record_publish(&r->seq, r->seq + 1);
		r->action = RULE_none;
		record_publish(&r->seq, r->seq + 1);
		rearm(m->file);
		return true;
	}
	return false;
}

/* ---- replay -----------------------------------------------------------------------------------
 */

static int order(const void *a, const void *b)
{
	const struct rule_hit *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->count == y->count ? 0 : x->count < y->count ? -1 : 1;
}

static int write_hits(const struct rulefile_map *old, const char *old_session,
		      const char *new_session, uint32_t *ret_count)
{
	uint64_t n = old->counts ? old->counts->hits : 0;
	struct rule_hit *hits;
	int status;

	if (n > RULES_HITS)
		return util_error(125, "%s: %llu actions, of which only %u were kept: no replay",
				  old_session, (unsigned long long)n, RULES_HITS);
	*ret_count = (uint32_t)n;
	if (!n)
		return 0;
	hits = util_alloc(n, sizeof(*hits));
	memcpy(hits, old->counts->hit, n * sizeof(*hits));
	qsort(hits, n, sizeof(*hits), order);
	status = write_file(new_session, "rules.replay", hits, n * sizeof(*hits), 0644);
	free(hits);
	return status;
}

int rulefile_replay(struct rulefile *f, const char *old_session, const char *new_session)
{
	struct rulefile_map old;
	struct rule *r;
	int status, error = rulefile_map(old_session, false, &old);

	if (error)
		return util_error(125, "%s: no rules to replay: %s", old_session, strerror(-error));
	status = write_hits(&old, old_session, new_session, &f->replay_count);
	for (uint32_t i = 0; !status && i < old.file->end; i++) {
		status = keep(f, old_session, &old.file->rules[i], 125);
		if (status)
			break;
		r = &f->rules[f->count - 1];
		r->id = old.file->rules[i].id;
		r->flags |= RULE_REPLAY;
		r->after_ns = r->until_ns = 0;
	}
	f->seed = old.file->seed;
	rulefile_unmap(&old);
	return status;
}
