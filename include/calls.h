/* SPDX-License-Identifier: MIT */
/*
 * calls.h - the numbers of the interposed calls and of their classes, made from calls.def.
 *
 * Shared by shim and tool: a record names a call by its number.
 */
#ifndef FDWHY_CALLS_H
#define FDWHY_CALLS_H

enum call_id {
	CALL_NONE,
#define CALL(name, class) CALL_##name,
#include "calls.def"
	CALL_COUNT
};

enum call_class {
	CLASS_none,
	CLASS_send,
	CLASS_recv,
	CLASS_connect,
	CLASS_accept,
	CLASS_open,
	CLASS_fd_create,
	CLASS_dup,
	CLASS_close,
	CLASS_lock,
	CLASS_mode,
	CLASS_wait,
	CLASS_exec,
	CLASS_process,
	CLASS_move,
	CLASS_other,
	CLASS_COUNT
};

#endif
