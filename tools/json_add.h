/* SPDX-License-Identifier: MIT */
/* json_add.h - the values that JSON objects are made of. A null stands for what is not known. */
#ifndef TOOL_JSON_ADD_H
#define TOOL_JSON_ADD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define ADD(object, key, value) json_object_object_add((object), (key), (value))

static inline struct json_object *json_text(const char *s)
{
	return s ? json_object_new_string(s) : NULL;
}

/* JSON's whole numbers end at INT64_MAX here. */
static inline struct json_object *json_number(uint64_t n)
{
	return json_object_new_int64(n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static inline struct json_object *json_known(bool have, uint64_t n)
{
	return have ? json_number(n) : NULL;
}

#endif
