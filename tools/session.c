/* SPDX-License-Identifier: MIT */
/* session.c - see session.h. Reads directories; makes nothing (run_session.c does). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "session.h"
#include "util.h"

char *session_place(unsigned i)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	bool root = geteuid() == 0;

	if (runtime && *runtime == '/' && i-- == 0)
		return util_format("%s/fdwhy", runtime);
	if (root && i-- == 0)
		return util_copy("/run/fdwhy");
	return i == 0 ? util_format("/tmp/fdwhy-%u", geteuid()) : NULL;
}

static uint64_t created(const char *path)
{
	struct statx x;

	if (statx(AT_FDCWD, path, 0, STATX_BTIME | STATX_MTIME, &x))
		return 0;
	if (!(x.stx_mask & STATX_BTIME))
		x.stx_btime = x.stx_mtime;
	return (uint64_t)x.stx_btime.tv_sec * 1000000000u + x.stx_btime.tv_nsec;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Another user may have made /tmp/fdwhy-<uid> first, or a link of that name. */
static bool is_trusted(const char *place)
{
	struct stat st;

	return !lstat(place, &st) && S_ISDIR(st.st_mode) &&
	       (st.st_uid == geteuid() || st.st_uid == 0);
}

static void name_it(struct session *s, char *path)
{
	const char *slash;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	s->path = path;
	s->name = util_copy(slash && slash[1] ? slash + 1 : path);
	s->created_real_ns = created(path);
}

static int newer(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return (x->created_real_ns < y->created_real_ns) -
	       (x->created_real_ns > y->created_real_ns);
}

struct list {
	struct session *sessions;
	size_t count, room;
};

static void list_place(struct list *l, const char *place)
{
	DIR *d = opendir(place);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path = util_format("%s/%s", place, e->d_name);

		if (*e->d_name != '.' && is_directory(path))
			name_it(UTIL_PUSH(l->sessions, l->count, l->room), path);
		else
			free(path);
	}
	if (d)
		closedir(d);
}

size_t session_list(struct session **ret)
{
	struct list l = {0};
	char *place;

	for (unsigned i = 0; (place = session_place(i)); i++) {
		if (is_trusted(place))
			list_place(&l, place);
		free(place);
	}
	if (l.count)
		qsort(l.sessions, l.count, sizeof(*l.sessions), newer);
	*ret = l.sessions;
	return l.count;
}

void session_free(struct session *s)
{
	free(s->path);
	free(s->name);
	s->path = s->name = NULL;
}

static int find_latest(struct session *ret)
{
	struct session *list;
	size_t n = session_list(&list);

	if (!n)
		return util_error(2, "no session yet; make one: fdwhy run -- COMMAND");
	*ret = list[0];
	for (size_t i = 1; i < n; i++)
		session_free(&list[i]);
	free(list);
	return 0;
}

int session_find(const char *argument, struct session *ret)
{
	char *place;

	if (!argument)
		return find_latest(ret);
	if (is_directory(argument)) {
		name_it(ret, util_copy(argument));
		return 0;
	}
	for (unsigned i = 0; !strchr(argument, '/') && (place = session_place(i)); i++) {
		char *path = util_format("%s/%s", place, argument);

		bool found = is_trusted(place) && is_directory(path);

		free(place);
		if (found) {
			name_it(ret, path);
			return 0;
		}
		free(path);
	}
	return util_error(2, "%s: no such session; `fdwhy list` shows them", argument);
}

static int each_record(const char *dir, const char *prefix,
		       void (*each)(const char *path, void *arg), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > 4 && !strcmp(e->d_name + n - 4, ".rec") &&
		    !strncmp(e->d_name, prefix, strlen(prefix))) {
			char *path = util_format("%s/%s", dir, e->d_name);

			each(path, arg);
			free(path);
		}
	}
	closedir(d);
	return 0;
}

int session_records(const char *dir, void (*each)(const char *path, void *arg), void *arg)
{
	return each_record(dir, "", each, arg);
}

int session_spares(const char *dir, void (*each)(const char *path, void *arg), void *arg)
{
	return each_record(dir, "spare.", each, arg);
}

uint64_t session_process_start(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks = 0;
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (util_read_file(path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')');
	if (!p || p[2] == 'Z' || p[2] == 'X')
		return 0;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &ticks) != 1)
		return 0;
	return ticks * (1000000000u / (unsigned long)sysconf(_SC_CLK_TCK));
}

bool session_alive(pid_t pid, uint64_t created_boot_ns)
{
	uint64_t start = session_process_start(pid);

	return start &&
	       start <= created_boot_ns + 1000000000u / (unsigned long)sysconf(_SC_CLK_TCK);
}
