/* SPDX-License-Identifier: MIT */
/*
 * config.c - see config.h. Called by the constructor only; the strings live in a static arena.
 */
#include <errno.h>
#include <string.h>
#include "config.h"
#include "record.h"

SEALED struct config config = {.depth = 64, .size_shift = 2};

static SEALED_LAST char arena[8192] = "";
static AT_START size_t arena_used;

static const char *keep(const char *s, size_t bytes)
{
	char *to = arena + arena_used;

	if (bytes >= sizeof(arena) - arena_used)
		return NULL;
	memcpy(to, s, bytes);
	to[bytes] = '\0';
	arena_used += bytes + 1;
	return to;
}

static void set_off(const char *value)
{
	config.off = !strcmp(value, "off") || !strcmp(value, "0");
}

static void set_depth(const char *value)
{
	unsigned n = 0;

	for (; *value >= '0' && *value <= '9' && n <= RECORD_STACK_MAX; value++)
		n = n * 10 + (unsigned)(*value - '0');
	if (!*value)
		config.depth = n > RECORD_STACK_MAX ? RECORD_STACK_MAX : n;
}

static void set_size(const char *value)
{
	if (!strcmp(value, "small"))
		config.size_shift = 0;
	else if (!strcmp(value, "large"))
		config.size_shift = 4;
}

static void set_session(const char *value)
{
	if (*value && strlen(value) < CONFIG_PATH_MAX)
		config.session = value;
}

static void set_report(const char *value)
{
	config.report = *value ? value : NULL;
}

static void set_rules(const char *value)
{
	config.rules = *value ? value : NULL;
}

static void set_quarantine(const char *value)
{
	config.quarantine = *value && strcmp(value, "0") && strcmp(value, "off");
}

static const struct setting {
	char name[24];
	void (*set)(const char *value);
} settings[] = {
	{"FDWHY=", set_off},
	{"FDWHY_STACKS=", set_depth},
	{"FDWHY_SIZE=", set_size},
	{"FDWHY_SESSION=", set_session},
	{"FDWHY_REPORT=", set_report},
	{"FDWHY_RULES=", set_rules},
	{"FDWHY_QUARANTINE=", set_quarantine},
};

static void take(const char *var)
{
	const char *copy = keep(var, strlen(var));

	if (!copy)
		return;
	if (config.var_count < CONFIG_VARS_MAX)
		config.vars[config.var_count++] = copy;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t n = strlen(settings[i].name);

		if (!strncmp(copy, settings[i].name, n))
			settings[i].set(copy + n);
	}
}

/* The entry of LD_PRELOAD whose file name is ours; ld.so takes ':' and ' ' as separators. */
static const char *own_entry(const char *list)
{
	static const char name[] = "libfdwhy.so";

	while (*list) {
		size_t n = strcspn(list, ": ");

		if (n >= sizeof(name) - 1 &&
		    !memcmp(list + n - (sizeof(name) - 1), name, sizeof(name) - 1))
			return keep(list, n);
		list += n + (list[n] != '\0');
	}
	return NULL;
}

void config_init(char **envp)
{
	for (; envp && *envp; envp++) {
		if (!strncmp(*envp, "FDWHY", 5))
			take(*envp);
		else if (!strncmp(*envp, "LD_PRELOAD=", 11))
			config.preload = keep(*envp + 11, strlen(*envp + 11));
	}
	if (config.preload)
		config.library = own_entry(config.preload);
}

int config_set_session(const char *dir)
{
	char var[CONFIG_PATH_MAX + 16] = "FDWHY_SESSION=";
	size_t head = strlen(var), n = strlen(dir);
	const char *copy;

	if (n >= CONFIG_PATH_MAX || config.var_count >= CONFIG_VARS_MAX)
		return -ENAMETOOLONG;
	memcpy(var + head, dir, n + 1);
	copy = keep(var, head + n);
	if (!copy)
		return -ENOMEM;
	config.vars[config.var_count++] = copy;
	config.session = copy + head;
	return 0;
}
