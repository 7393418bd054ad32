/* SPDX-License-Identifier: MIT */
/*
 * model_ends.c - what a session says of its processes outside their records: those that had nothing
 * to say (totals), how they ended (ends.jsonl, by `fdwhy run`), which never loaded the shim.
 */
#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "record_read.h"
#include "util.h"

static void add_total(struct model *m, struct record_total *t)
{
	struct model_process *p = UTIL_PUSH(m->processes, m->processes_count, m->processes_room);

	t->comm[sizeof(t->comm) - 1] = '\0';
	t->exe[sizeof(t->exe) - 1] = '\0';
	*p = (struct model_process){
		.pid = (int)t->pid,
		.ppid = (int)t->ppid,
		.uid = t->uid,
		.comm = util_copy(util_clean(t->comm)),
		.exe = *t->exe ? util_copy(util_clean(t->exe)) : NULL,
		.start_ns = t->created_real_ns,
		.start_raw_ns = t->created_ns,
		.end_ns = t->created_real_ns + (t->end_ns - t->created_ns),
		.images = t->image_no,
		.how = HOW_exited,
		.status = t->end_status,
		.signal = -1,
		.births = t->births,
		.deaths = t->deaths,
		.fds_open = t->fds_open,
		.fds_peak = t->fds_peak,
		.born_by = t->born_by,
		.totals_only = true,
	};
	for (uint32_t i = 0; i < t->leaked && i < RECORD_TOTAL_LEAKED; i++)
		*UTIL_PUSH(m->unused, m->unused_count, m->unused_room) =
			(struct model_unused){.process = (uint32_t)m->processes_count - 1,
					      .fd = t->leaked_fd[i],
					      .kind = t->leaked_kind[i]};
}

/* Of the first `count`. */
static bool has_process(const struct model *m, size_t count, const struct record_total *t)
{
	for (size_t i = 0; i < count; i++)
		if (m->processes[i].pid == (int)t->pid &&
		    m->processes[i].start_raw_ns == t->created_ns)
			return true;
	return false;
}

/* A process without the right to remove its record (it has dropped root) has a line as well. */
static void load_totals_of(struct model *m, const struct model_options *options, const char *name,
			   size_t records)
{
	char *path = util_format("%s/%s", m->session, name);
	FILE *f = util_open(path);
	struct record_total t;

	free(path);
	while (f && fread(&t, sizeof(t), 1, f) == 1) {
		if (t.magic != RECORD_TOTAL_MAGIC || t.version != RECORD_VERSION) {
			model_cover(m, 0, 1, "%s: damaged, the rest skipped", name);
			break;
		}
		if ((!options->pid || options->pid == (int)t.pid) && !has_process(m, records, &t))
			add_total(m, &t);
	}
	if (f)
		fclose(f);
}

void model_waiting(struct model *m, const char *path)
{
	struct record_total lines[RECORD_TOTALS];
	size_t n = record_spare_totals(path, lines);

	for (size_t i = 0; i < n; i++)
		*UTIL_PUSH(m->waiting, m->waiting_count, m->waiting_room) = lines[i];
}

/* A line may be in the file by now, or its writer may have been killed before its record ended. */
static void add_waiting(struct model *m, const struct model_options *options)
{
	for (size_t i = 0; i < m->waiting_count; i++) {
		struct record_total *t = &m->waiting[i];

		if (t->magic == RECORD_TOTAL_MAGIC && t->version == RECORD_VERSION &&
		    (!options->pid || options->pid == (int)t->pid) &&
		    !has_process(m, m->processes_count, t))
			add_total(m, t);
	}
}

static void load_totals(struct model *m, const struct model_options *options)
{
	size_t records = m->processes_count;
	DIR *d = opendir(m->session);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "totals.", 7))
			load_totals_of(m, options, e->d_name, records);
	if (d)
		closedir(d);
}

/* Records come in no order: of a pid that was used twice, the latest before the end ended. */
static struct model_process *ended_at(struct model *m, int pid, uint64_t time_ns)
{
	struct model_process *best = NULL;

	for (size_t i = 0; i < m->processes_count; i++) {
		struct model_process *p = &m->processes[i];

		if (p->pid == pid && p->start_ns <= time_ns &&
		    (!best || p->start_ns >= best->start_ns))
			best = p;
	}
	return best;
}

static void end_process(struct model *m, int pid, uint64_t time_ns, int status, int signal)
{
	struct model_process *p = ended_at(m, pid, time_ns);

	if (!p || (p->how == HOW_exited && p->status >= 0))
		return;
	p->how = signal > 0 ? HOW_killed : HOW_exited;
	p->status = signal > 0 ? -1 : status;
	p->signal = signal > 0 ? signal : -1;
	p->end_ns = time_ns;
}

static int64_t number(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int)
		       ? json_object_get_int64(v)
		       : -1;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : "?";
}

/* Calls take() for each line of a file of JSON lines in the session. */
static void each_line(struct model *m, const char *name,
		      void (*take)(struct model *m, struct json_object *o))
{
	char *path = util_format("%s/%s", m->session, name), *line = NULL;
	FILE *f = util_open(path);
	size_t room = 0;

	free(path);
	while (f && getline(&line, &room, f) > 0) {
		struct json_object *o = json_tokener_parse(line);

		if (o)
			take(m, o);
		json_object_put(o);
	}
	free(line);
	if (f)
		fclose(f);
}

static void take_end(struct model *m, struct json_object *o)
{
	end_process(m, (int)number(o, "pid"), (uint64_t)number(o, "time_real_ns"),
		    (int)number(o, "status"), (int)number(o, "signal"));
}

static void take_unfollowed(struct model *m, struct json_object *o)
{
	model_cover(m, (int)number(o, "pid"), 1, "process did not load the shim: %s: %s",
		    text(o, "exe"), text(o, "why"));
}

static void load_command(struct model *m)
{
	char *path = util_format("%s/session.json", m->session);
	FILE *f = util_open(path);
	struct json_object *o = f ? json_object_from_fd(fileno(f)) : NULL, *list;
	char *all = util_copy("");

	free(path);
	if (f)
		fclose(f);
	if (o && json_object_object_get_ex(o, "command", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			char *more = util_format(
				"%s%s%s", all, i ? " " : "",
				json_object_get_string(json_object_array_get_idx(list, i)));

			free(all);
			all = more;
		}
	for (char *p = all; *p; p++)
		*p = *p == '\n' || *p == '\t' ? ' ' : *p;
	m->command = *all ? util_clean(all) : NULL;
	if (!*all)
		free(all);
	json_object_put(o);
}

/* A process that went on in a later record of the same pid has not ended in this one. */
static void link_image(const struct model *m, struct model_process *p)
{
	for (size_t k = 0; p->how == HOW_lost && k < m->processes_count; k++) {
		const struct model_process *q = &m->processes[k];

		if (q->pid != p->pid || q->start_ns <= p->start_ns)
			continue;
		p->continued_elsewhere = true;
		p->how = q->how;
		p->status = q->status;
		p->signal = q->signal;
	}
}

static void link_images(struct model *m)
{
	for (size_t i = 0; i < m->processes_count; i++)
		link_image(m, &m->processes[i]);
}

void model_ends(struct model *m, const struct model_options *options)
{
	load_totals(m, options);
	add_waiting(m, options);
	each_line(m, "ends.jsonl", take_end);
	each_line(m, "unfollowed.jsonl", take_unfollowed);
	load_command(m);
	link_images(m);
}
