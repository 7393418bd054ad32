/* SPDX-License-Identifier: MIT */
/*
 * store_file.c - the files of a session directory, by raw system calls. Every fd opened here is
 * close-on-exec and is closed by the caller at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "config.h"
#include "self.h"
#include "store_file.h"
#include "sysc.h"
#include "text.h"

#define NO_REPLACE 1 /* RENAME_NOREPLACE */
#define NAME_MAX_BYTES (CONFIG_PATH_MAX + 64)

/* A path, as long as those of a session get. */
struct name {
	struct text t;
	char s[NAME_MAX_BYTES];
};

static struct text *name_from(struct name *n, const char *s)
{
	n->t = (struct text){.s = n->s, .size = sizeof(n->s)};
	text_put(&n->t, s);
	return &n->t;
}

/* "<session>/<pid>.rec", or "<session>/<pid>.<k>.rec" for k > 0. */
static void record_name(struct name *n, const char *session, uint32_t pid, unsigned k)
{
	struct text *t = name_from(n, session);

	text_put(t, "/");
	text_put_number(t, pid, 10);
	if (k) {
		text_put(t, ".");
		text_put_number(t, k, 10);
	}
	text_put(t, ".rec");
}

int store_file_open(const char *session, uint32_t pid, int flags)
{
	struct name name;

	record_name(&name, session, pid, 0);
	return (int)sysc(SYS_openat, AT_FDCWD, name.s, flags | O_CLOEXEC | O_NOFOLLOW, 0);
}

/* The newest record of a pid has the plain name, so that the next image finds it. */
static void move_away(const char *session, uint32_t pid)
{
	struct name from, to;

	record_name(&from, session, pid, 0);
	for (unsigned k = 1; k < 1000; k++) {
		record_name(&to, session, pid, k);
		if (sysc(SYS_renameat2, AT_FDCWD, from.s, AT_FDCWD, to.s, NO_REPLACE) != -EEXIST)
			return;
	}
}

int store_file_create(const char *session, uint32_t pid)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	struct name name;
	long fd;

	for (unsigned k = 0; k < 1000; k++) {
		record_name(&name, session, pid, k);
		fd = sysc(SYS_openat, AT_FDCWD, name.s, flags, 0600);
		if (fd == -EEXIST && k == 0) {
			move_away(session, pid);
			fd = sysc(SYS_openat, AT_FDCWD, name.s, flags, 0600);
		}
		if (fd != -EEXIST)
			return (int)fd;
	}
	return -EEXIST;
}

int store_file_unlink(const char *session, uint32_t pid)
{
	struct name name;

	record_name(&name, session, pid, 0);
	return (int)sysc(SYS_unlinkat, AT_FDCWD, name.s, 0);
}

/* ---- spares: "<session>/spare.<pid>.<k>.rec" ---------------------------------------------------
 */

static void spare_name(struct name *n, const char *session, uint32_t pid, uint32_t number)
{
	struct text *t = name_from(n, session);

	text_put(t, "/spare.");
	text_put_number(t, pid, 10);
	text_put(t, ".");
	text_put_number(t, number, 10);
	text_put(t, ".rec");
}

int store_file_create_spare(const char *session, uint32_t pid, uint32_t from, uint32_t *ret_number)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	struct name name;
	long fd = -EEXIST;

	for (uint32_t k = from; fd == -EEXIST && k < from + 1000; k++) {
		spare_name(&name, session, pid, k);
		fd = sysc(SYS_openat, AT_FDCWD, name.s, flags, 0600);
		*ret_number = k;
	}
	return (int)fd;
}

int store_file_unlink_spare(const char *session, uint32_t pid, uint32_t number)
{
	struct name name;

	spare_name(&name, session, pid, number);
	return (int)sysc(SYS_unlinkat, AT_FDCWD, name.s, 0);
}

int store_file_take_spare(const char *session, uint32_t of, uint32_t number, uint32_t pid)
{
	struct name from, to;

	spare_name(&from, session, of, number);
	record_name(&to, session, pid, 0);
	return (int)sysc(SYS_renameat2, AT_FDCWD, from.s, AT_FDCWD, to.s, NO_REPLACE);
}

int store_file_name_spare(const char *session, uint32_t of, uint32_t number, uint32_t pid)
{
	int r = store_file_take_spare(session, of, number, pid);

	if (r != -EEXIST)
		return r;
	move_away(session, pid);
	return store_file_take_spare(session, of, number, pid);
}

int store_file_unname_spare(const char *session, uint32_t pid, uint32_t of, uint32_t number)
{
	struct name from, to;

	record_name(&from, session, pid, 0);
	spare_name(&to, session, of, number);
	return (int)sysc(SYS_renameat2, AT_FDCWD, from.s, AT_FDCWD, to.s, NO_REPLACE);
}

int store_file_append(const char *session, uint32_t uid, const void *data, uint64_t bytes)
{
	struct name name;
	struct text *t = name_from(&name, session);
	long fd, r;

	text_put(t, "/totals.");
	text_put_number(t, uid, 10);
	fd = sysc(SYS_openat, AT_FDCWD, name.s,
		  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return (int)fd;
	r = sysc(SYS_write, fd, data, bytes);
	sysc(SYS_close, fd);
	return r == (long)bytes ? 0 : r < 0 ? (int)r : -ENOSPC;
}

uint64_t store_file_start_time(void)
{
	char s[1024];
	long fd = sysc(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? fd : sysc(SYS_read, fd, s, sizeof(s) - 1);
	const char *p;
	uint64_t ticks = 0;

	if (fd >= 0)
		sysc(SYS_close, fd);
	if (n <= 0)
		return UINT64_MAX;
	s[n] = '\0';
	p = strrchr(s, ')'); /* the name may hold anything */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return UINT64_MAX;
	for (p++; *p >= '0' && *p <= '9'; p++)
		ticks = ticks * 10 + (uint64_t)(*p - '0');
	return ticks * 10000000u; /* USER_HZ is 100 on every architecture we are built for */
}

/* ---- a session of our own ---------------------------------------------------------------------
 */

static bool ours_alone(const char *dir, uint32_t uid)
{
	struct stat st;

	return !sysc(SYS_newfstatat, AT_FDCWD, dir, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode) && st.st_uid == uid && !(st.st_mode & 022);
}

/* The default place: below runtime_dir, else /run/fdwhy for root, else /tmp/fdwhy-<uid>. */
static int default_place(struct name *n, const char *runtime_dir, uint32_t uid)
{
	struct {
		const char *base;
		const char *name;
		bool number;
		bool usable;
	} places[] = {
		{runtime_dir, "/fdwhy", false, runtime_dir && *runtime_dir == '/'},
		{"/run", "/fdwhy", false, uid == 0},
		{"/tmp", "/fdwhy-", true, true},
	};
	struct text *t;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i].usable)
			continue;
		t = name_from(n, places[i].base);
		text_put(t, places[i].name);
		if (places[i].number)
			text_put_number(t, uid, 10);
		sysc(SYS_mkdirat, AT_FDCWD, t->s, uid ? 0700 : 0711);
		if (ours_alone(t->s, uid))
			return 0;
	}
	return -EACCES;
}

/* 20260131-235959, UTC. */
static void put_time(struct text *t, time_t now)
{
	struct tm tm;

	gmtime_r(&now, &tm);
	const int value[] = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			     tm.tm_hour,        tm.tm_min,     tm.tm_sec};
	for (unsigned i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		text_put(t, i == 3 ? "-" : "");
		text_put(t, value[i] < 10 ? "0" : "");
		text_put_number(t, (uint64_t)value[i], 10);
	}
}

int store_file_session(const char *comm, const char *runtime_dir, char *ret_path, uint64_t size)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint32_t uid = (uint32_t)sysc(SYS_geteuid);
	unsigned char random[6];
	char suffix[7] = "";
	struct name name;
	struct text *t = &name.t;
	long r = default_place(&name, runtime_dir, uid);

	if (r)
		return (int)r;
	if (sysc(SYS_getrandom, random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (unsigned i = 0; i < sizeof(random); i++)
		suffix[i] = alnum[random[i] % 32];
	text_put(t, "/");
	for (char one[2] = ""; *comm; comm++) {
		one[0] = *comm == '/' || *comm <= ' ' ? '_' : *comm;
		text_put(t, one);
	}
	text_put(t, "-");
	put_time(t, (time_t)(self_clock_asked(CLOCK_REALTIME) / 1000000000u));
	text_put(t, "-");
	text_put(t, suffix);
	if (t->n + 1 > size)
		return -ENAMETOOLONG;
	r = sysc(SYS_mkdirat, AT_FDCWD, name.s, 0700);
	if (!r && !uid) /* processes that drop root make their own records; mkdir obeyed umask */
		r = sysc(SYS_fchmodat, AT_FDCWD, name.s, 01733);
	if (!r)
		memcpy(ret_path, t->s, t->n + 1);
	return (int)r;
}
