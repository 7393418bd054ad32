/* SPDX-License-Identifier: MIT */
/*
 * wrap.c - the wrappers that are alike, made from the rows of calls.def. HOT: a test, a counter,
 * the real call and a test. No decisions here: whatever is not plain success goes to call.h.
 */
#include "call.h"
#include "real.h"
#include "wrap_parts.h"
#include "wrap_ruled.h"

#define LIST(...) __VA_ARGS__
#define PASTE(a, b) a##b
#define BEGIN(how) PASTE(BEGIN_, how)
#define ADJUST(how) PASTE(ADJUST_, how)
#define TOTAL(how) PASTE(TOTAL_, how)

/* All of it was done; where the row does not say how much that is, something. */
#define WHOLE(class, r, asked, bytes)                                         \
	(CLASS_##class == CLASS_send && !__builtin_constant_p(bytes) ? (r) == (ssize_t)(asked) \
								     : (r) >= 0)

/* A message that was sent may have passed fds on. It is read when the kernel has read it. */
#define KEEP(how) PASTE(KEEP_, how)
#define PASSED(how, r) PASTE(PASSED_, how)(r)
#define KEEP_none
#define KEEP_buf
#define KEEP_cut_only
#define KEEP_iov
#define KEEP_iov_only
#define KEEP_vec
#define KEEP_msg const struct msghdr *volatile sent = msg;
#define PASSED_none(r)
#define PASSED_buf(r)
#define PASSED_cut_only(r)
#define PASSED_iov(r)
#define PASSED_iov_only(r)
#define PASSED_vec(r)
#define PASSED_msg(r)                                   \
	if (unlikely((r) >= 0 && sent->msg_controllen)) \
		wrap_passed(sent);

/* What is needed after a failure only is not worth a register that would have to be saved. */
#define ON_STACK(x) __asm__("" : "+m"(x))

#define CALL_IO(name, class, ret, params, args, fd_, bytes_, flags_)                          \
	/* A rule is armed for this call, or fd has no slot within reach. */                  \
	static WARM ret apart_##name(const struct stack_seed *seed, LIST params)              \
	{                                                                                     \
		const struct call_what w = {                                                  \
			.call = CALL_##name, .fd = fd_, .bytes = bytes_, .flags = flags_};    \
		struct call_ruled x;                                                          \
		KEEP(RULED_##name)                                                            \
		long r;                                                                       \
		if (call_rules(&w, &x, seed, &r))                                             \
			return (ret)r;                                                        \
		if (!x.on) {                                                                  \
			r = real.name args;                                                   \
			PASSED(RULED_##name, r)                                               \
			return (ret)call_io_apart(&w, r, seed);                               \
		}                                                                             \
		BEGIN(RULED_##name)                                                           \
		do {                                                                          \
			ADJUST(RULED_##name)                                                  \
			r = real.name args;                                                   \
		} while (call_again(r < 0, &w, &x, seed) ||                                   \
			 (r > 0 && call_more(&w, &x, (size_t)r, TOTAL(RULED_##name), seed))); \
		if (r >= 0 && !slots_use(fd_))                                                \
			call_used(fd_);                                                       \
		return (ret)(x.done ? (long)x.done : r);                                      \
	}                                                                                     \
	EXPORT HOT ret name params                                                            \
	{                                                                                     \
		uint32_t place;                                                               \
		if (unlikely(!slots_place(fd_, rules_map.armed[CALL_##name], &place)))        \
			return apart_##name(CALL_SEED, LIST args);                            \
		int number = fd_, how = flags_;                                               \
		size_t asked = (size_t)(bytes_);                                              \
		ON_STACK(number);                                                             \
		ON_STACK(asked);                                                              \
		if (!__builtin_constant_p(flags_))                                            \
			ON_STACK(how);                                                        \
		KEEP(RULED_##name)                                                            \
		ret r;                                                                        \
		if (likely(slots_count(place))) {                                             \
			r = real.name args;                                                   \
			PASSED(RULED_##name, r)                                               \
			if (likely(WHOLE(class, r, asked, bytes_)))                           \
				return r;                                                     \
		} else {                                                                      \
			__typeof__(real.name) *it = &real.name;                               \
			__asm__("" : "+r"(it)); /* not loaded before the test, for both */    \
			r = (*it)args;                                                        \
			PASSED(RULED_##name, r)                                               \
			if (likely(r >= 0))                                                   \
				return (ret)call_io_done(CALL_##name, number, r, asked, how,  \
							 CALL_SEED);                          \
		}                                                                             \
		ON_STACK(asked); /* or it is taken to a register for this, before the test */ \
		if (likely(r < 0))                                                            \
			return (ret)call_io_failed(CALL_##name, number, asked, how,           \
						   CALL_SEED_HERE);                           \
		return (ret)call_io_done(CALL_##name, number, r, asked, how, CALL_SEED);      \
	}

/* The wait is counted before it, so that the real call can be the last thing that is done. */
#define CALL_WAIT(name, class, ret, params, args)                                           \
	static COLD ret apart_##name(struct stack_seed seed, LIST params)                   \
	{                                                                                   \
		const struct call_what w = {.call = CALL_##name, .fd = -1};                 \
		struct call_ruled x;                                                        \
		long faked;                                                                 \
		if (call_rules(&w, &x, &seed, &faked))                                      \
			return (ret)faked;                                                  \
		LOOK_##name;                                                                \
		self_waits++;                                                               \
		return real.name args;                                                      \
	}                                                                                   \
	EXPORT HOT ret name params                                                          \
	{                                                                                   \
		if (unlikely(rules_armed(CALL_##name) || call_looks()))                     \
			return apart_##name(CALL_SEED_HERE, LIST args);                     \
		self_waits++;                                                               \
		return real.name args;                                                      \
	}

/* Which fds are waited for; those of an epoll are in its set already. */
#define LOOK_poll call_look_poll(fds, n)
#define LOOK___poll_chk LOOK_poll
#define LOOK_ppoll LOOK_poll
#define LOOK___ppoll_chk LOOK_poll
#define LOOK_select call_look_select(n, rd, wr, ex)
#define LOOK_pselect LOOK_select
#define LOOK_epoll_wait
#define LOOK_epoll_pwait
#define LOOK_epoll_pwait2

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
#define KIND_mkstemp KIND_file
#define KIND_mkstemps KIND_file
#define KIND_posix_openpt KIND_tty
#define KIND_getpt KIND_tty

#define CALL_FD(name, class, ret, params, args, dir, file)                       \
	EXPORT ret name params                                                   \
	{                                                                        \
		const struct call_what w = {                                     \
			.call = CALL_##name, .fd = -1, .at = dir, .path = file}; \
		struct call_ruled x;                                             \
		long faked;                                                      \
		ret r;                                                           \
		if (call_rules(&w, &x, CALL_SEED, &faked))                       \
			return (ret)faked;                                       \
		do                                                               \
			r = real.name args;                                      \
		while (call_again(r < 0, &w, &x, CALL_SEED));                    \
		if (likely(r >= 0))                                              \
			call_birth(&w, r, KIND_##name, 0, CALL_SEED);            \
		return r;                                                        \
	}
#include "calls.def"
