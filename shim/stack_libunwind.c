/* SPDX-License-Identifier: MIT */
/*
 * stack_libunwind.c - the interface of stack.h by libunwind, for processors that the own unwinder
 * is not written for (or make UNWIND=libunwind). The library is loaded by the constructor, with
 * local scope: linked as a dependency it would put its backtrace() and _Unwind_*() in front of the
 * target's, and distributions' static archives are not position independent.
 *
 * Its limits: where the library is not found (an image exec'ed in a chroot), every trace is its
 * first frame. Traces make system calls (signal masks, mincore) and libunwind keeps a pipe open to
 * validate addresses with; so nothing is traced under seccomp, and a target that closes fds it does
 * not know makes later traces shorter. It takes locks (dl_iterate_phdr): a handler that interrupts
 * dlopen may hang. It trusts the stack: a smashed return address may be followed into a fault. Code
 * without unwind tables is guessed at. A frame costs 700 ns instead of 5; no memo; 4 KiB of stack.
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <stdbool.h>
#include <ucontext.h>
#include "attrs.h"
#include "record.h"
#include "self.h"
#include "stack.h"
#include "stack_memo.h"

#define OWN_FRAMES 16 /* between here and the wrapper's caller */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LIBRARY "libunwind.so.8"

_Static_assert(__builtin_types_compatible_p(unw_context_t, ucontext_t),
	       "getcontext() fills what libunwind reads");

/* The library's functions; their names hold the processor's. */
static struct {
	__typeof__(&unw_init_local) init;
	__typeof__(&unw_step) step;
	__typeof__(&unw_get_reg) get_reg;
	__typeof__(&unw_is_signal_frame) is_signal_frame;
	__typeof__(&unw_flush_cache) flush;
	__typeof__(&unw_set_caching_policy) set_caching;
	unw_addr_space_t *space;
} lib;
static bool loaded;

static void *symbol(void *library, const char *name)
{
	void *p = library ? dlsym(library, name) : NULL;

	loaded &= p != NULL;
	return p;
}

static void load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	loaded = true;
	*(void **)&lib.init = symbol(library, TEXT(UNW_OBJ(init_local)));
	*(void **)&lib.step = symbol(library, TEXT(UNW_OBJ(step)));
	*(void **)&lib.get_reg = symbol(library, TEXT(UNW_OBJ(get_reg)));
	*(void **)&lib.is_signal_frame = symbol(library, TEXT(UNW_OBJ(is_signal_frame)));
	*(void **)&lib.flush = symbol(library, TEXT(UNW_ARCH_OBJ(flush_cache)));
	*(void **)&lib.set_caching = symbol(library, TEXT(UNW_OBJ(set_caching_policy)));
	*(void **)&lib.space = symbol(library, TEXT(UNW_OBJ(local_addr_space)));
}

static uintptr_t reg(unw_cursor_t *c, unw_regnum_t number)
{
	unw_word_t v = 0;

	return lib.get_reg(c, number, &v) ? 0 : (uintptr_t)v;
}

/* From here to the wrapper's caller: our own frames are not reported. */
static bool leave_shim(unw_cursor_t *c, const struct stack_seed *seed)
{
	for (int i = 0; i < OWN_FRAMES && reg(c, UNW_REG_SP) < seed->cfa; i++)
		if (lib.step(c) <= 0)
			return false;
	return reg(c, UNW_REG_SP) == seed->cfa && reg(c, UNW_REG_IP) == seed->pc;
}

/* > 0: c is the next frame; 0: that was the last; < 0: lost. */
static int step(unw_cursor_t *c, uint64_t *ret_pc)
{
	bool exact = lib.is_signal_frame(c) > 0;
	int r = lib.step(c);
	uintptr_t pc = r > 0 ? reg(c, UNW_REG_IP) : 0;

	if (r < 0)
		return -1;
	if (!pc)
		return 0;
	*ret_pc = pc | (exact ? STACK_PC_EXACT : 0);
	return 1;
}

unsigned stack_capture(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
		       unsigned *ret_flags)
{
	unw_context_t context;
	unw_cursor_t c;
	uint64_t next;
	unsigned n = 1;
	int r;

	ret_pc[0] = seed->pc;
	*ret_flags = STACK_LOST;
	if (!loaded || self_gate.seccomp || getcontext(&context) || lib.init(&c, &context) ||
	    !leave_shim(&c, seed))
		return n;
	while ((r = step(&c, &next)) > 0 && n < max)
		ret_pc[n++] = next;
	*ret_flags = r > 0 ? STACK_CUT : r < 0 ? STACK_LOST : 0;
	return n;
}

void stack_warm_up(void)
{
	const struct stack_seed here = { (uintptr_t)__builtin_return_address(0),
					 (uintptr_t)__builtin_dwarf_cfa() };
	uint64_t pc[8];
	unsigned flags;

	load();
	if (loaded)
		lib.set_caching(*lib.space, UNW_CACHE_GLOBAL);
	stack_capture(&here, pc, 8, &flags);
}

void stack_forget(void)
{
	if (loaded)
		lib.flush(*lib.space, 0, 0);
}

/* ---- no memo --------------------------------------------------------------------------------- */

unsigned stack_capture_reads(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
			     struct stack_end *ret, struct stack_reads *ret_reads)
{
	unsigned n = stack_capture(seed, ret_pc, max, &ret->flags);
	uint64_t hash = 0;

	for (unsigned i = 0; i < n; i++)
		hash = stack_hash(hash, ret_pc[i]);
	ret->hash = stack_hash_end(hash);
	if (ret_reads)
		ret_reads->used = READS_MAX + 1;
	return n;
}

struct stack_kept stack_memo_find(struct stack_seed seed)
{
	(void)seed;
	return (struct stack_kept){0, 0};
}

void stack_memo_note(const struct stack_seed *seed, uint32_t id, uint32_t note)
{
	(void)seed;
	(void)id;
	(void)note;
}

bool stack_is_outermost(const struct stack_seed *seed)
{
	(void)seed;
	return false; /* as far as can be told */
}

bool stack_memo_wants(const struct stack_seed *seed)
{
	(void)seed;
	return false;
}

void stack_memo_put(const struct stack_seed *seed, uint32_t id, const struct stack_reads *reads)
{
	(void)seed;
	(void)id;
	(void)reads;
}
