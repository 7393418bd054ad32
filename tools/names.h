/* SPDX-License-Identifier: MIT */
/* names.h - numbers of a record as words, and back. Unknown numbers are "?", never a crash. */
#ifndef TOOL_NAMES_H
#define TOOL_NAMES_H

#include <stdint.h>
#include "call_table.h"
#include "record.h"

/* The name without fortify decoration: __recv_chk -> recv, __open_2 -> open. */
const char *names_call_plain(unsigned call);
/* CALL_NONE when there is none; *ret_near is the nearest right name then. */
enum call_id names_find_call(const char *name, const char **ret_near);
const char *names_kind(unsigned kind);
const char *names_off(unsigned off);
const char *names_miss(unsigned miss);
const char *names_fate(unsigned fate);
const char *names_why(unsigned why);
const char *names_instead(unsigned why);
const char *names_mode(unsigned mode);
const char *names_tcp_state(unsigned state); /* "ESTABLISHED" */
const char *names_signal(int signo);         /* "SIGSEGV" */
const char *names_task_limit(unsigned limit);

#endif
