/* SPDX-License-Identifier: MIT */
/* attrs.h - compiler attributes with names of their own. Used everywhere in shim/. */
#ifndef SHIM_ATTRS_H
#define SHIM_ATTRS_H

#define HOT __attribute__((hot))
#define COLD __attribute__((cold, noinline))
/* Not in the hot path's way, but fast itself: COLD is optimized for size. */
#define WARM __attribute__((noinline))
#define INLINED __attribute__((always_inline)) inline
#define EXPORT __attribute__((visibility("default")))
/* For data declared in headers: -fvisibility=hidden covers definitions only, and the difference is
 * a load from the GOT on the hot path. */
#define HIDDEN __attribute__((visibility("hidden")))
/* Where data lies: see layout.ld. Written at start only, */
#define SEALED __attribute__((section(".sealed")))
#define SEALED_LAST __attribute__((section(".sealed.last")))
/* or zero until then and touched at every start. */
#define AT_START __attribute__((section(".bss.start")))
/* Code that every start runs, of files that have more than that. */
#define START_CODE __attribute__((section(".text.start")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* An alias with the attributes of what it is another name of. */
#if defined(__has_attribute) && __has_attribute(copy)
#define ALIAS_OF(name) __attribute__((alias(#name), copy(name), visibility("default")))
#else
#define ALIAS_OF(name) __attribute__((alias(#name), visibility("default")))
#endif

/* Thread-local without a call: the shim is always loaded at start, so static TLS is there. */
#define THREAD __thread __attribute__((tls_model("initial-exec")))

#endif
