/* SPDX-License-Identifier: MIT */
/* holder.c - see holder.h. Reads /proc only: opening the locked file could drop the reader's locks.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "holder.h"
#include "util.h"

/* "1: FLOCK  ADVISORY  WRITE 123 08:01:4567 0 EOF"; waiting ones have "->" after the number. */
static bool line_pid(const char *line, uint64_t dev, uint64_t inode, int *ret_pid)
{
	const char *at = strchr(line, ':');
	unsigned major, minor;
	unsigned long long ino;
	int pid;

	if (!at || strstr(line, "->") ||
	    sscanf(at + 1, " %*s %*s %*s %d %x:%x:%llu", &pid, &major, &minor, &ino) != 4)
		return false;
	*ret_pid = pid;
	return ino == inode && major == major(dev) && minor == minor(dev);
}

static bool in_proc_locks(uint64_t dev, uint64_t inode, int *ret_pid)
{
	FILE *f = fopen("/proc/locks", "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = line_pid(line, dev, inode, ret_pid);
	if (f)
		fclose(f);
	return found;
}

/* fdinfo of a descriptor that holds a lock has a line "lock:\t1: FLOCK ..." */
static bool fd_holds(int pid, const char *fd, uint64_t dev, uint64_t inode)
{
	char path[96], text[2048], *line, *save = NULL;
	int ignored;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", pid, fd);
	if (util_read_file(path, text, sizeof(text)) <= 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "lock:", 5) && line_pid(line + 5, dev, inode, &ignored))
			return true;
	return false;
}

static bool process_holds(int pid, uint64_t dev, uint64_t inode)
{
	char path[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		found = *e->d_name != '.' && fd_holds(pid, e->d_name, dev, inode);
	if (d)
		closedir(d);
	return found;
}

static int by_descriptor(uint64_t dev, uint64_t inode)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int pid = 0;

	while (d && !pid && (e = readdir(d))) {
		int candidate = atoi(e->d_name);

		if (candidate > 0 && process_holds(candidate, dev, inode))
			pid = candidate;
	}
	if (d)
		closedir(d);
	return pid;
}

bool holder_find(uint64_t dev, uint64_t inode, struct holder *ret)
{
	int pid = 0;

	if (!in_proc_locks(dev, inode, &pid))
		return false;
	ret->by_descriptor = pid <= 0 || kill(pid, 0);
	ret->pid = ret->by_descriptor ? by_descriptor(dev, inode) : pid;
	return ret->pid > 0;
}

void holder_describe(int pid, struct holder *ret)
{
	char path[64];
	long n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	util_read_file(path, ret->comm, sizeof(ret->comm));
	ret->comm[strcspn(ret->comm, "\n")] = '\0';
	util_clean(ret->comm);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	n = util_read_file(path, ret->cmdline, sizeof(ret->cmdline));
	for (long i = 0; i + 1 < n; i++)
		if (!ret->cmdline[i])
			ret->cmdline[i] = ' ';
	util_clean(ret->cmdline);
}
