/* SPDX-License-Identifier: MIT */
/* out_items.h - items of a report as JSON objects: made in out_json.c, printed by out_report.c. */
#ifndef TOOL_OUT_ITEMS_H
#define TOOL_OUT_ITEMS_H

#include "out.h"

/* What comes first: schema, session, times, totals. */
struct json_object *out_item_general(const struct model *m);
struct json_object *out_item_process(const struct model_process *p);
struct json_object *out_item_failure(const struct model *m, struct symbols *s,
				     const struct model_eagain *e);
struct json_object *out_item_fds(const struct model *m, struct symbols *s,
				 const struct model_fds *f);
struct json_object *out_item_open_fd(const struct model *m, struct symbols *s,
				     const struct model_open *x);
struct json_object *out_item_coverage(const struct model *m);

#endif
