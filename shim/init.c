/* SPDX-License-Identifier: MIT */
/*
 * init.c - the constructor: real functions, settings, record, the fds that are already there. The
 * only place, with config.c, that may use libc freely: nothing of the target has run yet.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "call.h"
#include "child.h"
#include "config.h"
#include "exit_report.h"
#include "quarantine.h"
#include "real.h"
#include "store_file.h"
#include "sysc.h"

/* Runs after everything that exit() runs. */
static void ended(int status, void *unused)
{
	(void)unused;
	if (config.report)
		exit_report(config.report);
	child_end(status);
}

static void own_session(char **envp)
{
	static const char runtime[] = "XDG_RUNTIME_DIR=";
	char comm[16] = "", path[CONFIG_PATH_MAX];
	const char *dir = NULL;

	for (; envp && *envp; envp++)
		if (!strncmp(*envp, runtime, sizeof(runtime) - 1))
			dir = *envp + sizeof(runtime) - 1;
	sysc(SYS_prctl, 16 /* PR_GET_NAME */, comm);
	if (store_file_session(comm, dir, path, sizeof(path)) || config_set_session(path))
		return;
	/* Programs that libc starts by itself (system, popen) get the environment as it is. */
	setenv("FDWHY_SESSION", config.session, 1);
}

/* Who the process is, and the rules it runs under. */
static void note_image(int argc, char **argv)
{
	char exe[RECORD_STRING_MAX + 1], why[512];
	int r;

	store_image(argc, argv);
	r = rules_start(config.session, config.rules, why, sizeof(why));
	if (r < 0)
		store.head->rules_why = store_string(STRING_text, why, strlen(why));
	if (r <= 0)
		return;
	store_exe_text(exe, sizeof(exe));
	rules_identify(exe, argc, argv);
}

/* Who set it stays known across exec, when it still is as it was set. */
static void note_files(const struct rlimit *files)
{
	struct record_header *h = store.head;

	if (files->rlim_cur == h->nofile_soft && files->rlim_max == h->nofile_hard)
		return;
	h->nofile_soft = files->rlim_cur;
	h->nofile_hard = files->rlim_max;
	h->nofile_origin = NOFILE_start;
	h->nofile_stack = 0;
}

static void start_record(int argc, char **argv)
{
	struct rlimit files = {0, 0};
	int r;

	sysc(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &files);
	r = config.session ? store_start(config.session, files.rlim_max < RECORD_FDS_MAX
								 ? (uint32_t)files.rlim_max
								 : RECORD_FDS_MAX)
			   : -1;
	if (r) {
		store_off(OFF_no_file, -r);
		return;
	}
	note_files(&files);
	note_image(argc, argv);
	store_modules_list();
	self_gate.pid = store.head->pid;
	self_gate.state = SELF_ready;
	slots_start();
	child_reconcile(!store.continued);
	quarantine_start(files.rlim_cur);
	record_publish(&store.head->state, STATE_running);
	store_publish();
	on_exit(ended, NULL);
}

extern HIDDEN char layout_sealed[], layout_sealed_end[]; /* layout.ld */

/* What the dynamic linker, real.c and config.c have written stays as it is. */
static void seal(void)
{
	sysc(SYS_mprotect, layout_sealed, layout_sealed_end - layout_sealed, PROT_READ);
}

START_CODE __attribute__((constructor)) static void init(int argc, char **argv, char **envp)
{
	real_load();
	config_init(envp);
	self_began = true;
	self_gate.state = SELF_starting;
	self_init();
	if (config.off) {
		seal();
		store_off(OFF_disabled, 0);
		return;
	}
	stack_warm_up();
	if (!config.session)
		own_session(envp);
	seal();
	start_record(argc, argv);
}
