/* SPDX-License-Identifier: MIT */
/*
 * wrap_stdio.c - wrappers by hand: streams and directories. libc opens and closes inside itself,
 * past our open() and close(), so births and deaths are told here. The fd of a stream is read
 * before the real close, which frees the stream; never by fileno(), which changes errno.
 */
#include <errno.h>
#include <string.h>
#include "real.h"
#include "wrap_parts.h"

/* libc's headers may say that it is never NULL; the target need not know. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))
#define STREAM_MAGIC 0xfbad0000u /* of every stream that is alive */

/* -1: no stream, or one that has no fd (memory, cookies), or one that is not one any more. */
static int number_of(const FILE *f)
{
	HIDE(f);
	return f && ((unsigned)f->_flags & 0xffff0000u) == STREAM_MAGIC ? f->_fileno : -1;
}

static int number_of_dir(DIR *d)
{
	HIDE(d);
	return d ? dirfd(d) : -1;
}

/* As libc reads it: the flags are among the first characters, whatever else is there. */
static uint32_t mode_flags(const char *mode)
{
	for (int i = 1; i < 7 && mode[0] && mode[i]; i++)
		if (mode[i] == 'e')
			return SLOT_CLOEXEC;
	return 0;
}

/* ---- streams ----------------------------------------------------------------------------------
 */

static FILE *opened(const struct call_what *w, FILE *f, const char *mode,
		    const struct stack_seed *seed)
{
	if (f && number_of(f) >= 0)
		call_birth(w, number_of(f), KIND_file, mode_flags(mode), seed);
	return f;
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	const struct call_what w = {.call = CALL_fopen, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	FILE *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.fopen(path, mode);
	while (call_again(!r, &w, &x, CALL_SEED));
	return opened(&w, r, mode, CALL_SEED);
}
CALL_ALIAS(fopen64, fopen);

EXPORT FILE *setmntent(const char *path, const char *mode)
{
	const struct call_what w = {.call = CALL_setmntent, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	FILE *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.setmntent(path, mode);
	while (call_again(!r, &w, &x, CALL_SEED));
	return opened(&w, r, "re", CALL_SEED);
}

/*
 * The old fd ends whatever comes of it, so that nothing can be tried again; the new one gets its
 * number. Without a path the same file is opened once more. A rule's failure must close as well: no
 * file has an empty name.
 */
EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
	const struct call_what w = {.call = CALL_freopen, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	int old = number_of(f), error;
	bool ruled;
	uint32_t seq;
	long faked;
	FILE *r;

	if (!real_ready())
		return NULL;
	ruled = call_rules(&w, &x, CALL_SEED, &faked);
	error = errno;
	seq = path || ruled ? call_closing(old) : 0;
	r = real.freopen(ruled ? "" : path, mode, f);
	if (!r && !seq)
		seq = call_closing(old);
	call_closed(old, seq, 0, CALL_SEED);
	if (ruled)
		errno = error;
	else if (!r)
		call_failed(&w, CALL_SEED);
	return path ? opened(&w, r, mode, CALL_SEED) : r;
}
CALL_ALIAS(freopen64, freopen);

EXPORT FILE *fdopen(int fd, const char *mode)
{
	const struct call_what w = {.call = CALL_fdopen, .fd = fd};
	struct call_ruled x;
	long faked;
	FILE *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.fdopen(fd, mode);
	while (call_again(!r, &w, &x, CALL_SEED));
	return r;
}

/* A file that no directory names: its name is what the kernel calls it. */
EXPORT FILE *tmpfile(void)
{
	const struct call_what w = {.call = CALL_tmpfile, .fd = -1};
	struct call_ruled x;
	long faked;
	FILE *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.tmpfile();
	while (call_again(!r, &w, &x, CALL_SEED));
	opened(&w, r, "w+", CALL_SEED);
	if (r)
		wrap_named(number_of(r));
	return r;
}
CALL_ALIAS(tmpfile64, tmpfile);

EXPORT int fclose(FILE *f)
{
	const struct call_what w = {.call = CALL_fclose, .fd = number_of(f)};
	struct call_ruled x;
	long faked;
	int r;
	uint32_t seq;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	seq = call_closing(w.fd);
	r = wrap_closed(&w, seq, real.fclose(f), CALL_SEED);
	return unlikely(x.on) ? call_close_ruled(r, &x) : r;
}

EXPORT int endmntent(FILE *f)
{
	const struct call_what w = {.call = CALL_endmntent, .fd = number_of(f)};
	struct call_ruled x;
	long faked;
	int r;
	uint32_t seq;

	if (!real_ready())
		return 1;
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	seq = call_closing(w.fd);
	r = wrap_closed(&w, seq, real.endmntent(f), CALL_SEED);
	return unlikely(x.on) ? call_close_ruled(r, &x) : r;
}

/* ---- streams of processes -----------------------------------------------------------------------
 */

EXPORT FILE *popen(const char *command, const char *mode)
{
	const struct call_what w = {.call = CALL_popen, .fd = -1};
	struct call_ruled x;
	long faked;
	FILE *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.popen(command, mode);
	while (call_again(!r, &w, &x, CALL_SEED));
	if (r)
		call_birth(&w, number_of(r), *mode == 'r' ? KIND_pipe_read : KIND_pipe_write,
			   strchr(mode, 'e') ? SLOT_CLOEXEC : 0, CALL_SEED);
	return r;
}

EXPORT int pclose(FILE *f)
{
	const struct call_what w = {.call = CALL_pclose, .fd = number_of(f)};
	struct call_ruled x;
	long faked;
	int r;
	uint32_t seq;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	seq = call_closing(w.fd);
	r = wrap_closed(&w, seq, real.pclose(f), CALL_SEED);
	return unlikely(x.on) ? call_close_ruled(r, &x) : r;
}

/* ---- directories ------------------------------------------------------------------------------
 */

EXPORT DIR *opendir(const char *path)
{
	const struct call_what w = {.call = CALL_opendir, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	DIR *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.opendir(path);
	while (call_again(!r, &w, &x, CALL_SEED));
	if (r)
		call_birth(&w, dirfd(r), KIND_dir, SLOT_CLOEXEC, CALL_SEED);
	return r;
}

EXPORT DIR *fdopendir(int fd)
{
	const struct call_what w = {.call = CALL_fdopendir, .fd = fd};
	struct call_ruled x;
	long faked;
	DIR *r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return NULL;
	do
		r = real.fdopendir(fd);
	while (call_again(!r, &w, &x, CALL_SEED));
	return r;
}

EXPORT int closedir(DIR *d)
{
	const struct call_what w = {.call = CALL_closedir, .fd = number_of_dir(d)};
	struct call_ruled x;
	long faked;
	int r;
	uint32_t seq;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	seq = call_closing(w.fd);
	r = wrap_closed(&w, seq, real.closedir(d), CALL_SEED);
	return unlikely(x.on) ? call_close_ruled(r, &x) : r;
}

/* These open a directory only while they run: what can be told is that they could not. */
EXPORT int scandirat(int at, const char *restrict path, struct dirent ***restrict list,
		     int (*filter)(const struct dirent *),
		     int (*compare)(const struct dirent **, const struct dirent **))
{
	const struct call_what w = {.call = CALL_scandirat, .fd = -1, .at = at, .path = path};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.scandirat(at, path, list, filter, compare);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return r;
}
CALL_ALIAS_TYPED(scandirat64, scandirat);

EXPORT int scandir(const char *restrict path, struct dirent ***restrict list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	const struct call_what w = {.call = CALL_scandir, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.scandir(path, list, filter, compare);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return r;
}
CALL_ALIAS_TYPED(scandir64, scandir);
