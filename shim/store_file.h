/* SPDX-License-Identifier: MIT */
/*
 * store_file.h - names and files of a session directory. Used by store.c and store_fork.c only, at
 * start, after fork and at the orderly end.
 */
#ifndef SHIM_STORE_FILE_H
#define SHIM_STORE_FILE_H

#include <stdint.h>

/* "<session>/<pid>.rec", made anew (an older one of that name gets another). An fd or -errno. */
int store_file_create(const char *session, uint32_t pid);
int store_file_open(const char *session, uint32_t pid, int flags);
int store_file_unlink(const char *session, uint32_t pid);
/*
 * "<session>/spare.<pid>.<number>.rec", made with the first number from `from` on that is free. An
 * fd or -errno.
 */
int store_file_create_spare(const char *session, uint32_t pid, uint32_t from, uint32_t *ret_number);
int store_file_unlink_spare(const char *session, uint32_t pid, uint32_t number);
/*
 * The spare `number` of process `of` is named as the record of `pid`, and back. 0 or -errno. Where
 * there is a record of that name _take_spare() does nothing, and _name_spare() moves it aside.
 */
int store_file_take_spare(const char *session, uint32_t of, uint32_t number, uint32_t pid);
int store_file_name_spare(const char *session, uint32_t of, uint32_t number, uint32_t pid);
int store_file_unname_spare(const char *session, uint32_t pid, uint32_t of, uint32_t number);
/* Append to "<session>/totals.<uid>". 0 or -errno. */
int store_file_append(const char *session, uint32_t uid, const void *data, uint64_t bytes);
/* When this process began, ns of CLOCK_BOOTTIME rounded down to a tick; UINT64_MAX if unknown. */
uint64_t store_file_start_time(void);
/* A session of our own for a plain LD_PRELOAD, in the default place. Writes its path. 0 or -errno.
 */
int store_file_session(const char *comm, const char *runtime_dir, char *ret_path, uint64_t size);

#endif
