/* SPDX-License-Identifier: MIT */
/* cmd.h - the sub-commands. Each gets argv from its own name on and returns the exit status. */
#ifndef TOOL_CMD_H
#define TOOL_CMD_H

int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_fds(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_ctl(int argc, char **argv);
int cmd_suppress(int argc, char **argv);

/* The report of a session on stdout, as `fdwhy report` without options prints it. */
struct suppressions;
int cmd_report_session(const char *path, const char *name, struct suppressions *known);

#endif
