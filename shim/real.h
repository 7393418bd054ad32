/* SPDX-License-Identifier: MIT */
/*
 * real.h - the functions that the wrappers stand in front of: the next definition after ours in the
 * search order (RTLD_NEXT), so that other preloads keep working.
 *
 * Types come from libc's own declarations. The table works before the constructor ran: its first
 * content are stubs that load it; afterwards it is read-only.
 */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include <stdbool.h>
#include "libc.h"
#include "attrs.h"

struct real_table {
#define CALL(name, class) __typeof__(&name) name;
#include "calls.def"
};

extern HIDDEN struct real_table real_functions;
#define real real_functions

extern HIDDEN bool real_loaded;

/*
 * Fill the table. false when that is not possible now: the dynamic linker is calling us from inside
 * this very function (dlsym -> calloc -> a preloaded allocator -> open). The caller then uses a raw
 * system call or fails with ENOSYS.
 */
bool real_load(void);

/* A second exported name of the function `name`, which is defined above in the same file. */
#define CALL_ALIAS(other, name) extern __typeof__(name) other ALIAS_OF(name)

/*
 * The same where libc declares the second name with types that only look different (struct
 * dirent64, struct rlimit64, struct aiocb64: the same bytes on 64 bit).
 */
#define CALL_ALIAS_TYPED(other, name)           \
	__asm__(".globl " #other "\n"           \
		".type " #other ", %function\n" \
		".set " #other ", " #name)

/* For wrappers whose real function has variable arguments and so cannot have a loading stub. */
static inline bool real_ready(void)
{
	return likely(real_loaded) || real_load();
}

#endif
