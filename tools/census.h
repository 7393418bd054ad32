/* SPDX-License-Identifier: MIT */
/*
 * census.h - what is open, counted: one process or many, which programs, what kind, how fast it
 * grows and how long until a limit. Of a session that lives only living processes count; of one
 * that is over, each process at its end.
 */
#ifndef TOOL_CENSUS_H
#define TOOL_CENSUS_H

#include "model.h"

#define CENSUS_TARGETS 3

#define CENSUS_NO_LIMIT (1ull << 50) /* of file_max: systemd sets the greatest number there is */

struct census_row {
	const char *name;   /* command or kind */
	uint32_t process;   /* of rows by process */
	uint64_t processes; /* of rows by command */
	uint64_t open;
	double share;          /* of all, 0 to 1 */
	double slope_per_hour; /* over the time of the process, or of the session */
	double confidence;
	uint64_t soft, hard; /* RLIMIT_NOFILE; 0 unknown */
	uint64_t left_ns;    /* to soft (of all: file_max) at this slope; 0: never, unknown */
	struct census_target {
		const char *name; /* scattered ones together: a directory, a host */
		uint64_t open;
	} target[CENSUS_TARGETS]; /* of rows by kind: the most frequent ones */
	uint64_t targets;         /* how many different ones there are */
};

struct census {
	uint64_t open, processes;
	struct census_row all; /* of the whole session */
	struct census_row *process, *command, *kind;
	size_t process_count, command_count, kind_count;
	size_t process_room, command_room, kind_room;
	char **names; /* of scattered targets */
	size_t name_count, name_room;
	uint64_t file_nr, file_max; /* of the system; 0 unknown */
};

uint64_t census_left_ns(uint64_t used, uint64_t limit, double slope_per_hour);
void census_take(const struct model *m, struct census *ret);
void census_free(struct census *c);

/* Does this process count? */
bool census_counts(const struct model *m, const struct model_process *p);

#endif
