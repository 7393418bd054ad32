/* SPDX-License-Identifier: MIT */
/*
 * config.h - the settings, copied out of the environment once: daemons write over their environ, or
 * clean it, and the shim must put its own variables back at exec.
 */
#ifndef SHIM_CONFIG_H
#define SHIM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "attrs.h"

#define CONFIG_PATH_MAX 512
#define CONFIG_VARS_MAX 16

struct config {
	bool off;            /* FDWHY=off */
	bool quarantine;     /* FDWHY_QUARANTINE: hold closed numbers back */
	unsigned depth;      /* FDWHY_STACKS: frames a stack, 0 = none */
	unsigned size_shift; /* FDWHY_SIZE: parts are scaled by 1 << this, small is 0 */
	const char *session; /* directory; NULL: make one */
	const char *rules;   /* FDWHY_RULES: a file, NULL = none */
	const char *report;  /* FDWHY_REPORT: "stderr" or a path, NULL = none */
	const char *preload; /* LD_PRELOAD as it was */
	const char *library; /* the entry of it that is us */
	const char *vars[CONFIG_VARS_MAX]; /* "FDWHY...=value", to put back at exec */
	unsigned var_count;
};
extern HIDDEN struct config config;

/* Reads envp; keeps only copies. A setting that cannot be understood keeps its default. */
void config_init(char **envp);
/* A session made by ourselves becomes a setting that children get. */
int config_set_session(const char *dir);

#endif
