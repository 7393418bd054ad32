/* SPDX-License-Identifier: MIT */
/*
 * wrap.c - the wrappers that are alike, made from the rows of calls.def. HOT: the real call, two
 * tests and a counter. No decisions here: whatever is not plain success goes to call.h.
 */
#include "call.h"
#include "real.h"

#define CALL_IO(name, class, ret, params, args, fd, bytes, flags)                           \
	EXPORT HOT ret name params                                                          \
	{                                                                                   \
		/* volatile: kept on the stack for the cold part, not in saved registers */ \
		volatile int number = fd;                                                   \
		volatile size_t asked = (size_t)(bytes);                                    \
		volatile int how = flags;                                                   \
		ret r = real.name args;                                                     \
		if (likely(r >= 0) && likely(slots_use(number)))                            \
			return r;                                                           \
		return (ret)call_io(CALL_##name, number, r, asked, how, CALL_SEED);         \
	}

#define CALL_WAIT(name, class, ret, params, args) \
	EXPORT ret name params                    \
	{                                         \
		ret r = real.name args;           \
		self_waits++;                     \
		return r;                         \
	}

#define ALIAS(other, name) CALL_ALIAS(other, name);

#define KIND_creat KIND_file
#define KIND___open_2 KIND_file
#define KIND___openat_2 KIND_file
#define KIND_epoll_create KIND_epoll
#define KIND_epoll_create1 KIND_epoll
#define KIND_timerfd_create KIND_timerfd
#define KIND_inotify_init KIND_inotify
#define KIND_inotify_init1 KIND_inotify
#define KIND_memfd_create KIND_memfd

#define CALL_FD(name, class, ret, params, args, dir, file)                       \
	EXPORT ret name params                                                   \
	{                                                                        \
		ret r = real.name args;                                          \
		const struct call_what w = {                                     \
			.call = CALL_##name, .fd = -1, .at = dir, .path = file}; \
		if (likely(r >= 0))                                              \
			call_birth(&w, r, KIND_##name, 0, CALL_SEED);            \
		else                                                             \
			call_failed(&w, CALL_SEED);                              \
		return r;                                                        \
	}
#include "calls.def"
