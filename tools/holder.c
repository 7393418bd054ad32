/* SPDX-License-Identifier: MIT */
/* holder.c - see holder.h. Reads /proc only: opening the locked file could drop the reader's locks.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "holder.h"
#include "util.h"

struct wanted {
	enum holder_kind kind;
	uint64_t dev, inode;
};

static bool is_kind(enum holder_kind kind, const char *word)
{
	static const char *const words[][2] = {
		[HOLDER_flock] = {"FLOCK", "FLOCK"},
		[HOLDER_posix] = {"POSIX", "OFDLCK"},
		[HOLDER_lease] = {"LEASE", "DELEG"},
	};

	return !strcmp(word, words[kind][0]) || !strcmp(word, words[kind][1]);
}

/* "1: FLOCK  ADVISORY  WRITE 123 08:01:4567 0 EOF"; waiting ones have "->" after the number. The
 * pid is that of the taker, -1 for open file description locks. */
static bool line_pid(const char *line, const struct wanted *w, bool *ret_exclusive, int *ret_pid)
{
	const char *at = strchr(line, ':');
	char word[16], mode[16];
	unsigned major, minor;
	unsigned long long inode;
	int pid;

	if (!at || strstr(line, "->") ||
	    sscanf(at + 1, " %15s %*s %15s %d %x:%x:%llu", word, mode, &pid, &major, &minor,
		   &inode) != 6)
		return false;
	if (!is_kind(w->kind, word) || inode != w->inode || major != major(w->dev) ||
	    minor != minor(w->dev))
		return false;
	*ret_exclusive = !strcmp(mode, "WRITE");
	*ret_pid = pid;
	return true;
}

static bool in_proc_locks(const struct wanted *w, bool *ret_exclusive, int *ret_pid)
{
	FILE *f = fopen("/proc/locks", "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = line_pid(line, w, ret_exclusive, ret_pid);
	if (f)
		fclose(f);
	return found;
}

struct holding {
	const struct wanted *w;
	int pid;
};

/* fdinfo of a descriptor that holds a lock has a line "lock:\t1: FLOCK ..." */
static bool fd_holds(int fd, void *arg)
{
	const struct holding *h = arg;
	char path[96], text[2048], *line, *save = NULL;
	bool exclusive;
	int ignored;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", h->pid, fd);
	if (util_read_file(path, text, sizeof(text)) <= 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "lock:", 5) && line_pid(line + 5, h->w, &exclusive, &ignored))
			return true;
	return false;
}

/* `unseen`: what to say of one that lives and cannot be looked into. */
static bool process_holds(int pid, const struct wanted *w, bool unseen)
{
	struct holding h = {.w = w, .pid = pid};
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	r = util_any_number(path, fd_holds, &h);
	return r > 0 || (unseen && (r == -EACCES || r == -EPERM));
}

static bool is_holder(int pid, void *arg)
{
	struct holding *h = arg;

	h->pid = process_holds(pid, h->w, false) ? pid : 0;
	return h->pid != 0;
}

static int by_descriptor(const struct wanted *w)
{
	struct holding h = {.w = w};

	util_any_number("/proc", is_holder, &h);
	return h.pid;
}

bool holder_find(enum holder_kind kind, uint64_t dev, uint64_t inode, struct holder *ret)
{
	const struct wanted w = {kind, dev, inode};
	int taker = 0;

	if (!in_proc_locks(&w, &ret->exclusive, &taker))
		return false;
	ret->taker = 0;
	if (taker > 0 && process_holds(taker, &w, true)) {
		ret->pid = taker;
		return true;
	}
	ret->pid = by_descriptor(&w);
	ret->taker = taker > 0 ? taker : 0;
	return ret->pid > 0;
}

/* ---- who waits ----------------------------------------------------------------------------------
 */

struct line {
	unsigned long id;
	int pid;
	unsigned major, minor;
	unsigned long long inode;
	bool waits;
};

/* Those who wait stand below who is in their way, with the same number. */
static bool read_line(const char *text, struct line *ret)
{
	const char *at = strchr(text, ':'), *arrow = strstr(text, "->");

	if (!at)
		return false;
	ret->id = strtoul(text, NULL, 10);
	ret->waits = arrow != NULL;
	return sscanf(arrow ? arrow + 2 : at + 1, " %*s %*s %*s %d %x:%x:%llu", &ret->pid,
		      &ret->major, &ret->minor, &ret->inode) == 4;
}

static void name_file(int pid, const struct line *l, char *ret, size_t size)
{
	char path[64], link[96];
	struct dirent *e;
	struct stat st;
	ssize_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && !n && (e = readdir(d))) {
		snprintf(link, sizeof(link), "%s/%.16s", path, e->d_name);
		if (*e->d_name == '.' || stat(link, &st) || st.st_ino != l->inode ||
		    major(st.st_dev) != l->major || minor(st.st_dev) != l->minor)
			continue;
		n = readlink(link, ret, size - 1);
	}
	if (d)
		closedir(d);
	ret[n > 0 ? n : 0] = '\0';
	util_clean(ret);
}

bool holder_awaited(int pid, struct holder_awaited *ret)
{
	FILE *f = fopen("/proc/locks", "re");
	struct line l = {0}, holds = {0};
	char text[256];
	bool found = false;

	while (f && !found && fgets(text, sizeof(text), f)) {
		if (!read_line(text, &l))
			continue;
		if (!l.waits)
			holds = l;
		found = l.waits && l.pid == pid && l.id == holds.id;
	}
	if (f)
		fclose(f);
	if (!found)
		return false;
	ret->holder_pid = holds.pid > 0 ? holds.pid : 0;
	name_file(pid, &l, ret->path, sizeof(ret->path));
	return true;
}

void holder_describe(int pid, struct holder *ret)
{
	char path[64];
	long n;

	util_comm(pid, ret->comm, sizeof(ret->comm));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	n = util_read_file(path, ret->cmdline, sizeof(ret->cmdline));
	for (long i = 0; i + 1 < n; i++)
		if (!ret->cmdline[i])
			ret->cmdline[i] = ' ';
	util_clean(ret->cmdline);
}
