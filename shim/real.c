/* SPDX-License-Identifier: MIT */
/*
 * real.c - fills the table of real functions, once, by dlsym. Called from the constructor, or by
 * the first interposed call before it (a preloaded allocator opens files while ld.so still starts).
 */
#include <errno.h>
#include <stddef.h>
#include "real.h"
#include "real_find.h"
#include "self.h"
#include "sysc.h"

AT_START bool real_loaded;
static THREAD bool loading;

/* In the order of struct real_table. */
static const struct real_name names[] = {
#define CALL(name, class) REAL_NAME(#name),
#include "calls.def"
};
_Static_assert(sizeof(names) / sizeof(names[0]) * sizeof(void *) == sizeof(struct real_table),
	       "a name for each function");

#ifdef __aarch64__
static const struct real_name clock_name = REAL_NAME("__kernel_clock_gettime");
#else
static const struct real_name clock_name = REAL_NAME("__vdso_clock_gettime");
#endif

/* A function that this libc does not have fails as the kernel would. */
static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

START_CODE bool real_load(void)
{
	struct real_objects objects;
	void *clock;

	if (loading)
		return false;
	loading = true;
	real_objects_list(&real_functions, &objects);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *f = real_find(&objects, &names[i]);

		if (!f)
			f = dlsym(RTLD_NEXT, names[i].name);
		if (!f)
			f = (void *)(uintptr_t)missing;
		/* Two threads may get here before the constructor: they store the same values. */
		((void *volatile *)&real_functions)[i] = f;
	}
	clock = real_find_vdso(&real_functions, &clock_name);
	if (clock)
		*(void *volatile *)&self_clock_gettime = clock;
	__atomic_store_n(&real_loaded, true, __ATOMIC_RELEASE);
	loading = false;
	return true;
}

/* Before the table is loaded an entry holds a stub that loads it, or says that it cannot. */
#define EARLY(name, ret, params, args)                                \
	static ret early_##name params                                \
	{                                                             \
		return real_load() ? real.name args : (ret)missing(); \
	}
#define CALL_IO(name, class, ret, params, args, ...) EARLY(name, ret, params, args)
#define CALL_FD(name, class, ret, params, args, ...) EARLY(name, ret, params, args)
#define CALL_WAIT(name, class, ret, params, args) EARLY(name, ret, params, args)
#define CALL_TRY(name, class, ret, params, args) EARLY(name, ret, params, args)
#include "calls.def"

/* What an allocator does while dlsym itself calls it. */
static ssize_t early_raw_read(int fd, void *buf, size_t n)
{
	return real_load() ? real.read(fd, buf, n) : sysc(SYS_read, fd, buf, n);
}

static ssize_t early_raw_write(int fd, const void *buf, size_t n)
{
	return real_load() ? real.write(fd, buf, n) : sysc(SYS_write, fd, buf, n);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
SEALED struct real_table real_functions = {
#define CALL_IO(name, ...) .name = early_##name,
#define CALL_FD(name, ...) .name = early_##name,
#define CALL_WAIT(name, ...) .name = early_##name,
#define CALL_TRY(name, ...) .name = early_##name,
#include "calls.def"
	.read = early_raw_read,
	.write = early_raw_write,
};
#pragma GCC diagnostic pop
