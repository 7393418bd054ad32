/* SPDX-License-Identifier: MIT */
/*
 * run_session.c - makes the session directory: nobody else's, under a name nobody can guess, in
 * which every user of the process tree can make records of its own and see nobody else's.
 */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "json_add.h"
#include "run.h"
#include "session.h"
#include "util.h"

static bool ours_alone(const char *dir)
{
	struct stat st;

	return !lstat(dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

/* Processes that drop root make records too: they may add files, but not list or read. */
static int open_up(const char *dir)
{
	return chmod(dir, geteuid() ? 0700 : 01733);
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool empty = d != NULL;

	while (d && empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

static int make_given(const char *directory, char **ret_path)
{
	struct stat st;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return util_error(125,
				  "%s: cannot make the session: %s; choose another with -o DIR",
				  directory, strerror(errno));
	if (lstat(directory, &st) || !S_ISDIR(st.st_mode))
		return util_error(125, "%s: not a directory; choose another with -o DIR",
				  directory);
	if (st.st_uid != geteuid())
		return util_error(125, "%s: belongs to another user; choose another with -o DIR",
				  directory);
	if (!is_empty(directory))
		return util_error(125, "%s: not empty; choose a new directory with -o DIR",
				  directory);
	*ret_path = realpath(directory, NULL);
	if (!*ret_path || open_up(*ret_path) || access(*ret_path, W_OK | X_OK))
		return util_error(125, "%s: cannot write there: %s; choose another with -o DIR",
				  directory, strerror(errno));
	return 0;
}

static char *new_name(const char *place, const char *command)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz012345";
	const char *slash = strrchr(command, '/');
	unsigned char random[6] = {0};
	char stamp[32], suffix[7] = "";
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return NULL;
	for (size_t i = 0; i < sizeof(random); i++)
		suffix[i] = alnum[random[i] % 32];
	return util_format("%s/%.32s-%s-%s", place, slash && slash[1] ? slash + 1 : command, stamp,
			   suffix);
}

static int make_default(const char *command, char **ret_path)
{
	char *place, *path;

	for (unsigned i = 0; (place = session_place(i)); i++) {
		mkdir(place, geteuid() ? 0700 : 0711);
		path = ours_alone(place) ? new_name(place, command) : NULL;
		free(place);
		if (path && !mkdir(path, 0700) && !open_up(path)) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	return util_error(125,
			  "no place for a session (XDG_RUNTIME_DIR, /run, /tmp); choose one with "
			  "-o DIR");
}

int run_session_make(const char *directory, const char *command, char **ret_path)
{
	return directory ? make_given(directory, ret_path) : make_default(command, ret_path);
}

int run_session_describe(const char *path, char **command)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char *file = util_format("%s/session.json", path);
	int error;

	for (; *command; command++)
		json_object_array_add(list, json_object_new_string(*command));
	ADD(o, "schema", json_object_new_int(1));
	ADD(o, "version", json_object_new_string(FDWHY_VERSION));
	ADD(o, "command", list);
	ADD(o, "start_real_ns", json_number(util_now_ns(CLOCK_REALTIME)));
	ADD(o, "run_pid", json_object_new_int(getpid()));
	error = json_object_to_file_ext(file, o, JSON_C_TO_STRING_PLAIN);
	if (error)
		util_error(125, "%s: cannot write: %s", file, strerror(errno));
	else
		chmod(file, 0600);
	json_object_put(o);
	free(file);
	return error ? 125 : 0;
}

char *run_library(void)
{
	static const char *const beside[] = {"libfdwhy.so", "../lib/fdwhy/libfdwhy.so"};
	const char *given = getenv("FDWHY_LIB");
	char dir[4096], *path;

	if (given && !access(given, R_OK))
		return realpath(given, NULL);
	for (size_t i = 0; util_own_directory(dir, sizeof(dir)) && i < 2; i++) {
		char *candidate = util_format("%s/%s", dir, beside[i]);

		path = realpath(candidate, NULL);
		free(candidate);
		if (path)
			return path;
	}
	util_error(125, "libfdwhy.so not found next to fdwhy or in ../lib/fdwhy; set FDWHY_LIB");
	return NULL;
}
