/* SPDX-License-Identifier: MIT */
/*
 * wrap_try.c - the wrappers made from CALL_TRY rows: no fd, nothing to remember of a success; a
 * failure goes to call.h. No decisions here.
 */
#include "call.h"
#include "real.h"

#define CALL_TRY(name, class, ret, params, args)                            \
	EXPORT ret name params                                              \
	{                                                                   \
		const struct call_what w = {.call = CALL_##name, .fd = -1}; \
		struct call_ruled x;                                        \
		long faked;                                                 \
		ret r;                                                      \
		if (call_rules(&w, &x, CALL_SEED, &faked))                  \
			return (ret)faked;                                  \
		do                                                          \
			r = real.name args;                                 \
		while (call_again(r == -1, &w, &x, CALL_SEED));             \
		return r;                                                   \
	}
#include "calls.def"

CALL_ALIAS_TYPED(aio_read64, aio_read);
CALL_ALIAS_TYPED(aio_write64, aio_write);
CALL_ALIAS_TYPED(aio_fsync64, aio_fsync);
CALL_ALIAS_TYPED(lio_listio64, lio_listio);
