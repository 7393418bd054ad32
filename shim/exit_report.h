/* SPDX-License-Identifier: MIT */
/*
 * exit_report.h - FDWHY_REPORT: the open fds of this process as plain text at its exit, for places
 * where the fdwhy command cannot go. Addresses only, as module+offset.
 */
#ifndef SHIM_EXIT_REPORT_H
#define SHIM_EXIT_REPORT_H

/* `where`: "stderr" or a path, which is appended to. */
void exit_report(const char *where);

#endif
