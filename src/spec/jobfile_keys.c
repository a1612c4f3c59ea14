/* SPDX-License-Identifier: Apache-2.0
 * jobfile_keys: the key tables: what a map may hold, and options from their v1, v2 or own keys.
 */
#include "spec/jobfile_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { SHAPE_VALUE, SHAPE_MAP, SHAPE_LIST, SHAPE_ANY, SHAPE_NAMES };

static const struct key {
	enum jf_place place;
	const char *key;
	enum shape shape;
	const char *why;
} keys[] = {
#define PRS_KEY(place, key, shape, why) { JF_##place, key, SHAPE_##shape, why },
#include "spec/keys.def"
#undef PRS_KEY
};
enum { KEYS = sizeof keys / sizeof *keys, NAMES_MAX = 64, NAME_BYTES = 128 };

/* Which column of the option table a place takes its keys from, and what stands in front of them there. */
static const struct {
	enum jf_place place;
	bool v1;
	const char *prefix;
} columns[] = {
	{ JF_JOB, false, "" }, { JF_TASK, false, "task." }, { JF_RETRY, false, "retry_settings." },
	{ JF_V1, true, "" },   { JF_BATCH, false, "" },     { JF_BATCH_SETTINGS, false, "" },
};

/* The key of an option at a place, NULL when it has none there. */
static const char *option_key(const struct prs_option_row *row, enum jf_place place)
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		const char *key = columns[i].v1 ? row->v1 : row->v2;
		size_t n = strlen(columns[i].prefix);
		if (columns[i].place == place && key[0] && !strncmp(key, columns[i].prefix, n) && !strchr(key + n, '.'))
			return key + n;
	}
	return NULL;
}

static const struct key *table_key(enum jf_place place, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].place == place && !strcmp(keys[i].key, name))
			return &keys[i];
	return NULL;
}

static const struct prs_option_row *place_option(enum jf_place place, const char *name)
{
	const struct prs_option_row *row;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++) {
		const char *key = option_key(row, place);
		if (key && !strcmp(key, name))
			return row;
	}
	return NULL;
}

/* ---- spelling ---------------------------------------------------------------------------------------------------- */

const char *jf_nearest(struct prs_yaml_doc *d, const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned least = 4;
	char low[NAME_BYTES];
	size_t k = 0;
	for (; word[k] && k + 1 < sizeof low; k++)
		low[k] = word[k] == '-' ? '_' : (char)tolower((unsigned char)word[k]);
	low[k] = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned far = prs_distance(low, names[i]);
		size_t len = strlen(names[i]);
		if (far < least && (far < len / 2 || (far == 1 && len > 1))) {
			least = far;
			best = names[i];
		}
	}
	if (!best)
		return "";
	char text[NAME_BYTES + 32];
	snprintf(text, sizeof text, "; did you mean %.100s?", best);
	const char *kept = yaml_text(d, text, strlen(text));
	return kept ? kept : "";
}

static size_t names_of(enum jf_place place, const char **to)
{
	size_t n = 0;
	const struct prs_option_row *row;
	for (size_t i = 0; i < KEYS && n < NAMES_MAX; i++)
		if (keys[i].place == place)
			to[n++] = keys[i].key;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL && n < NAMES_MAX; i++) {
		const char *key = option_key(row, place);
		if (key && !table_key(place, key))
			to[n++] = key;
	}
	return n;
}

/* Where a key of another map of the job, or of the other format, belongs. */
static const char *belongs(struct prs_yaml_doc *d, enum jf_place place, const char *name)
{
	static const struct {
		enum jf_place place;
		const char *where;
	} homes[] = {
		{ JF_JOB, "beside task:" },
		{ JF_TASK, "into task:" },
		{ JF_RETRY, "into retry_settings:" },
		{ JF_RESOURCES, "into resources:" },
	};
	bool job = place == JF_JOB || place == JF_TASK || place == JF_RETRY || place == JF_RESOURCES;
	char text[256] = "";
	const struct prs_option_row *v1 = place_option(JF_V1, name), *v2 = NULL, *row;
	for (size_t i = 0; job && i < sizeof homes / sizeof *homes; i++)
		if (homes[i].place != place &&
		    (table_key(homes[i].place, name) || place_option(homes[i].place, name)) && !text[0])
			snprintf(text, sizeof text, "; it belongs %s", homes[i].where);
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++)
		if (row->v2[0] && !strcmp(strrchr(row->v2, '.') ? strrchr(row->v2, '.') + 1 : row->v2, name))
			v2 = row;
	bool of_config = place == JF_V1FILE && (table_key(JF_V1, name) || v1);
	if (of_config)
		snprintf(text, sizeof text, "; it belongs into parallel_run_config: (parallel_run_config.%s)", name);
	else if (place == JF_V1FILE && v2 && v2->v1[0])
		snprintf(text, sizeof text, "; here it is called parallel_run_config.%s", v2->v1);
	else if (place == JF_PIPELINE && (table_key(JF_JOB, name) || place_option(JF_JOB, name)))
		snprintf(text, sizeof text, "; it belongs to the job (jobs.NAME.%s)", name);
	else if (place == JF_PIPELINE && (table_key(JF_TASK, name) || place_option(JF_TASK, name)))
		snprintf(text, sizeof text, "; it belongs to the job (jobs.NAME.task.%s)", name);
	if (!text[0] && job && v1 && v1->v2[0])
		snprintf(text, sizeof text, "; here it is called %s%s", v1->v2,
		         !strcmp(name, "run_max_try") ? " (one less: retries, not tries)" : "");
	else if (!text[0] && place == JF_V1 && v2 && v2->v1[0])
		snprintf(text, sizeof text, "; here it is called %s%s", v2->v1,
		         !strcmp(name, "max_retries") ? " (one more: tries, not retries)" : "");
	const char *kept = yaml_text(d, text, strlen(text));
	return kept ? kept : "";
}

/* Not what is unused or only text for people. */
static bool is_worth_naming(enum jf_place place, const char *name)
{
	static const char *const meta[] = { "$schema",     "name",    "display_name",    "version",
		                            "description", "comment", "experiment_name", "tags",
		                            "properties",  NULL };
	const struct key *key = table_key(place, name);
	for (size_t i = 0; meta[i]; i++)
		if (!strcmp(meta[i], name))
			return false;
	return !key || !key->why[0];
}

bool jf_misspelt(struct jobfile *m, const char *name)
{
	PRS_AUTOFREE char *near = prs_strf("; did you mean %s?", name),
			  *wrong_place = prs_strf("%s is not a key of ", name);
	for (size_t i = 0; near && wrong_place && i < m->d->findings_n; i++)
		if (strstr(m->d->findings[i].text, near) ||
		    !strncmp(m->d->findings[i].text, wrong_place, strlen(wrong_place)))
			return true;
	return false;
}

/* Does the service save what stands at this place? */
static bool is_saved(enum jf_place place)
{
	static const enum jf_place places[] = { JF_PIPELINE, JF_JOB,    JF_TASK,        JF_RETRY,  JF_RESOURCES,
		                                JF_INPUT,    JF_OUTPUT, JF_ENVIRONMENT, JF_BATCH,  JF_BATCH_SETTINGS,
		                                JF_CODE,     JF_MODEL,  JF_MLTABLE,     JF_COMMAND };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i] == place)
			return true;
	return false;
}

/* Once for all the places that have the key. */
static void not_used(struct prs_yaml_doc *d, const struct prs_yaml *key, const char *why)
{
	PRS_AUTOFREE char *begins = prs_strf("%s: not used: ", key->text);
	for (size_t i = 0; begins && i < d->findings_n; i++)
		if (d->findings[i].severity == PRS_IGNORED && !strncmp(d->findings[i].text, begins, strlen(begins)))
			return;
	prs_yaml_find(d, PRS_IGNORED, key->at, "%s: not used: %s", key->text, why);
}

static void unknown_key(struct prs_yaml_doc *d, const struct prs_yaml *key, enum jf_place place, const char *what,
                        bool open)
{
	const char *names[NAMES_MAX];
	size_t n = names_of(place, names);
	const char *hint = belongs(d, place, key->text);
	hint = hint[0] ? hint : jf_nearest(d, key->text, names, n);
	if (open && !hint[0]) {
		not_used(d, key, "this version knows no such key of a component");
		return;
	}
	PRS_AUTOBUF all;
	prs_buf_init(&all, 4096);
	for (size_t i = 0; i < n && !hint[0]; i++)
		if (is_worth_naming(place, names[i]))
			prs_buf_putf(&all, "%s%s", all.len ? ", " : " (", names[i]);
	prs_yaml_find(d, PRS_MISTAKE, key->at, "%.100s is not a key of %s%s%s%s", key->text, what, hint,
	              prs_buf_str(&all), all.len ? ")" : "");
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static void wrong_shape(struct prs_yaml_doc *d, const struct prs_yaml *key, const struct prs_yaml *value,
                        const char *expected)
{
	if (value->kind == PRS_YAML_SCALAR)
		prs_yaml_find(d, PRS_MISTAKE, value->at, "%s: expected %s, found \"%.100s\"", key->text, expected,
		              value->text);
	else
		prs_yaml_find(d, PRS_MISTAKE, value->at, "%s: expected %s, found %s", key->text, expected,
		              prs_yaml_kind_name(value));
}

static bool empty(const struct prs_yaml *v) { return v->kind == PRS_YAML_SCALAR && v->type == PRS_YAML_NULL; }

static void check_names(struct prs_yaml_doc *d, const struct prs_yaml *map)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->items[i]->kind != PRS_YAML_SCALAR)
			wrong_shape(d, map->keys[i], map->items[i], "one value");
}

static void check_shape(struct prs_yaml_doc *d, const struct prs_yaml *key, const struct prs_yaml *value,
                        enum shape shape)
{
	if (empty(value))
		return;
	if (shape == SHAPE_VALUE && value->kind != PRS_YAML_SCALAR)
		wrong_shape(d, key, value, "one value");
	if (shape == SHAPE_LIST && value->kind != PRS_YAML_LIST)
		wrong_shape(d, key, value, "a list");
	if ((shape == SHAPE_MAP || shape == SHAPE_NAMES) && value->kind != PRS_YAML_MAP)
		wrong_shape(d, key, value, "keys and values");
	else if (shape == SHAPE_NAMES)
		check_names(d, value);
}

/* open: a key that is like none of ours is no mistake. */
static void check_keys(struct prs_yaml_doc *d, const struct prs_yaml *map, enum jf_place place, const char *what,
                       bool open)
{
	if (!map || map->kind != PRS_YAML_MAP)
		return;
	for (size_t i = 0; i < map->n; i++) {
		const struct prs_yaml *name = map->keys[i], *value = map->items[i];
		const struct key *key = table_key(place, name->text);
		bool known = key || place_option(place, name->text);
		const struct key *saved = !known && is_saved(place) ? table_key(JF_SERVICE, name->text) : NULL;
		if (key)
			check_shape(d, name, value, key->shape);
		else if (!known && !saved)
			unknown_key(d, name, place, what, open);
		if (key && key->why[0] && !empty(value))
			prs_yaml_find(d, PRS_IGNORED, name->at, "%s: not used: %s", name->text, key->why);
		if (saved && !empty(value))
			not_used(d, name, saved->why);
	}
}

void jf_check_keys_of(struct prs_yaml_doc *d, const struct prs_yaml *map, enum jf_place place, const char *what)
{
	check_keys(d, map, place, what, false);
}

void jf_check_component_keys(struct jobfile *m, const struct prs_yaml *map, enum jf_place place, const char *what)
{
	check_keys(m->d, map, place, what, true);
}

void jf_check_keys(struct jobfile *m, const struct prs_yaml *map, enum jf_place place, const char *what)
{
	jf_check_keys_of(m->d, map, place, what);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

const struct prs_yaml *jf_value(const struct prs_yaml *map, const char *path)
{
	const struct prs_yaml *v = map ? prs_yaml_get(map, path) : NULL;
	return v && !empty(v) ? v : NULL;
}

const struct prs_yaml *jf_get(const struct jobfile *m, const char *path)
{
	const struct prs_yaml *v = jf_value(m->job, path);
	return v ? v : jf_value(m->component, path);
}

void jf_trap(struct jobfile *m, const struct prs_yaml *n)
{
	if (n->kind != PRS_YAML_SCALAR || !n->plain)
		return;
	if (n->type == PRS_YAML_BOOL && tolower((unsigned char)n->text[0]) != 't' &&
	    tolower((unsigned char)n->text[0]) != 'f')
		prs_yaml_find(m->d, PRS_WARNING, n->at,
		              "%s is a truth value in YAML and becomes %s: put it in quotes to keep the text", n->text,
		              n->value);
	else if (n->type == PRS_YAML_INT && strchr(n->text, ':'))
		prs_yaml_find(m->d, PRS_WARNING, n->at,
		              "%s is the number %s in YAML (base 60): put it in quotes to keep the text", n->text,
		              n->value);
	else if (n->type == PRS_YAML_INT && strcmp(n->text, n->value) != 0 &&
	         n->text[n->text[0] == '-' || n->text[0] == '+'] == '0')
		prs_yaml_find(m->d, PRS_WARNING, n->at,
		              "%s is the number %s in YAML (0 in front makes it octal): write %s, or put it in quotes "
		              "to keep the text",
		              n->text, n->value, n->value);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

bool jf_set_text(struct jobfile *m, const struct prs_option_row *row, const char *text, struct prs_mark at,
                 const char *key, bool weak, bool silent)
{
	struct prs_err err = { 0 };
	unsigned id = (unsigned)(row - prs_option_at(0));
	if (!jf_is_known(m, text, at, key))
		return false;
	if (prs_option_set(&m->scratch, row, text, key, &err) < 0) {
		if (err.code == -PRS_ENOMEM)
			m->d->failed = true;
		else if (!silent)
			prs_yaml_find(m->d, PRS_MISTAKE, at, "%s", err.msg);
		return false;
	}
	bool by_flag = prs_job_says(m->j, (enum prs_option_id)id) && !m->set[id];
	if (by_flag || (weak && m->set[id]))
		return true;
	if (prs_job_set(m->j, row, text, prs_yaml_where(m->d, at), &err) < 0)
		m->d->failed = true;
	if (!m->set[id] || row->type != PRS_OPTION_LIST)
		m->set_at[id] = at; /* of a list: its first */
	m->set[id] = true;
	m->j->is_argument[id] = weak;
	return true;
}

void jf_set_default(struct jobfile *m, const char *option, const char *text)
{
	const struct prs_option_row *row = prs_option_find(option, false);
	if (!m->j->from[row - prs_option_at(0)] && prs_job_set(m->j, row, text, "default of such a file", NULL) < 0)
		m->d->failed = true;
}

/* Retries as written, tries as the option. */
static const char *tries_of(struct jobfile *m, const struct prs_yaml *node, const char *retries, const char *key)
{
	char *end, text[32];
	long long v = strtoll(retries, &end, 10);
	if (end == retries || *end || v < 0 || v > 65534) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at,
		              "%s: expected a whole number from 0 to 65534, found \"%.100s\"", key, retries);
		return NULL;
	}
	snprintf(text, sizeof text, "%lld", v + 1);
	return yaml_text(m->d, text, strlen(text));
}

/* "10kb" is 10240 also where files are counted: as in the original, and hardly what was meant. */
static void unit_of_files(struct jobfile *m, const struct prs_option_row *row, const char *text,
                          const struct prs_yaml *node)
{
	if (row->type == PRS_OPTION_COUNT && text[strspn(text, "0123456789")])
		m->size = node;
}

void jf_set_option(struct jobfile *m, const struct prs_option_row *row, const struct prs_yaml *node, const char *key)
{
	if (!node || empty(node))
		return;
	if (row->type == PRS_OPTION_LIST && node->kind == PRS_YAML_LIST) {
		for (size_t i = 0; i < node->n; i++)
			jf_set_option(m, row, node->items[i], key);
		return;
	}
	if (node->kind != PRS_YAML_SCALAR) {
		struct prs_yaml name = { .text = key };
		wrong_shape(m->d, &name, node, "one value");
		return;
	}
	bool truth = node->type == PRS_YAML_BOOL && node->plain;
	const char *text = truth && row->type != PRS_OPTION_BOOL ? node->text : jf_expand(m, node);
	struct prs_expr bound;
	if (text && !text[0] && prs_expr_single(node->text, &bound)) /* to an optional input without a value */
		return;
	if (text && !strcmp(key, "max_retries"))
		text = tries_of(m, node, text, key);
	if (text && jf_set_text(m, row, text, node->at, key, false, false) && !truth) {
		jf_trap(m, node);
		unit_of_files(m, row, text, node);
	}
}

/* Those whose value is more than the value of one option. */
static bool is_special(const struct prs_option_row *row)
{
	static const char *const special[] = { "--input", "--output", "--env", "--side-input", "--name" };
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (!strcmp(row->flag, special[i]))
			return true;
	return false;
}

bool jf_is_no_size(const struct prs_yaml *by, const struct prs_yaml *size)
{
	bool keyed = by && (by->kind != PRS_YAML_LIST || by->n);
	return keyed && size && size->kind == PRS_YAML_SCALAR && !strcmp(size->text, "0");
}

void jf_set_options_v2(struct jobfile *m)
{
	const struct prs_option_row *row;
	bool no_size = jf_is_no_size(jf_get(m, "partition_keys"), jf_get(m, "mini_batch_size"));
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++) {
		const char *last = strrchr(row->v2, '.');
		if (no_size && i == PRS_OPTION_ID_mini_batch_size)
			continue;
		if (row->v2[0] && !is_special(row))
			jf_set_option(m, row, jf_get(m, row->v2), last ? last + 1 : row->v2);
	}
}

void jf_set_options_v1(struct jobfile *m, const struct prs_yaml *config)
{
	const struct prs_option_row *row;
	bool no_size = jf_is_no_size(jf_value(config, "partition_keys"), jf_value(config, "mini_batch_size"));
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++)
		if (row->v1[0] && !is_special(row) && !(no_size && i == PRS_OPTION_ID_mini_batch_size))
			jf_set_option(m, row, jf_value(config, row->v1), row->v1);
}

/* The own key of an option: its flag with _. */
static const char *own_key(struct prs_yaml_doc *d, const struct prs_option_row *row)
{
	char *key = yaml_text(d, row->name, strlen(row->name));
	for (char *p = key; p && *p; p++)
		*p = *p == '-' ? '_' : *p;
	return key ? key : "";
}

static bool belongs_into_prs(const struct prs_option_row *row)
{
	static const char *const not_here[] = { "--input", "--output", "--name",
		                                "--code" }; /* the file has keys of its own for them */
	for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
		if (!strcmp(row->flag, not_here[i]))
			return false;
	return row->group[0] && row->resume != PRS_RESUME_SCREEN;
}

/* A value that is a path, or NAME=PATH: relative to the file. */
static void set_path_option(struct jobfile *m, const struct prs_option_row *row, const struct prs_yaml *node,
                            const char *key)
{
	for (size_t i = 0; node->kind == PRS_YAML_LIST && i < node->n; i++)
		set_path_option(m, row, node->items[i], key);
	if (node->kind == PRS_YAML_LIST)
		return;
	const char *text = node->kind == PRS_YAML_SCALAR ? jf_expand(m, node) : NULL,
		   *equals = text ? strchr(text, '=') : NULL;
	size_t n = row->type == PRS_OPTION_LIST && equals ? (size_t)(equals - text) + 1 : 0;
	bool command = !strcmp(row->flag, "--python") && text && !strchr(text, '/'); /* found by PATH */
	PRS_AUTOFREE char *path = text && !command && text[n] ? prs_path_absolute(prs_yaml_dir(m->d, node), text + n)
	                                                      : NULL;
	PRS_AUTOFREE char *whole = path ? prs_strf("%.*s%s", (int)n, text, path) : NULL;
	if (whole)
		jf_set_text(m, row, whole, node->at, key, false, false);
	else
		jf_set_option(m, row, node, key);
}

/* {column: type} */
static void set_types(struct jobfile *m, const struct prs_option_row *row, const struct prs_yaml *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct prs_yaml *type = map->items[i];
		const char *word = type->kind == PRS_YAML_SCALAR ? jf_expand(m, type) : NULL;
		PRS_AUTOFREE char *text = word ? prs_strf("%s=%s", map->keys[i]->text, word) : NULL;
		if (text)
			jf_set_text(m, row, text, type->at, key, false, false);
		else if (type->kind != PRS_YAML_SCALAR)
			wrong_shape(m->d, map->keys[i], type, "one value");
	}
}

/* v1 and batch deployments have a key of their own for it. */
static void set_rows_name(struct jobfile *m, const struct prs_yaml *node)
{
	const struct prs_yaml key = { .text = "append_row_file_name" };
	if (!empty(node) && node->kind != PRS_YAML_SCALAR)
		wrong_shape(m->d, &key, node, "one value");
	const char *name = jf_rows_name(m, node, key.text, NULL);
	if (empty(node) || !name)
		return;
	m->rows_name = node;
	prs_freep(&m->j->rows_name);
	m->j->rows_name = prs_strdup(name);
	m->d->failed = m->d->failed || !m->j->rows_name;
}

void jf_set_options_own(struct jobfile *m, const struct prs_yaml *block)
{
	const char *names[NAMES_MAX];
	const struct prs_option_row *rows[NAMES_MAX], *row;
	size_t n = 0;
	if (!block || block->kind != PRS_YAML_MAP)
		return;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL && n < NAMES_MAX; i++)
		if (belongs_into_prs(row)) {
			rows[n] = row;
			names[n++] = own_key(m->d, row);
		}
	for (size_t i = 0; i < block->n; i++) {
		const struct prs_yaml *key = block->keys[i];
		size_t k = 0;
		while (k < n && strcmp(names[k], key->text) != 0)
			k++;
		unsigned id = k < n ? (unsigned)(rows[k] - prs_option_at(0)) : 0;
		if ((m->job || m->component) && !strcmp(key->text, "append_row_file_name"))
			set_rows_name(m, block->items[i]);
		else if (k == n && m->flow && !strcmp(key->text, "after"))
			continue; /* jobfile_pipeline.c */
		else if (k == n && strcmp(key->text, "arguments") != 0)
			prs_yaml_find(m->d, PRS_MISTAKE, key->at,
			              "%.100s is not a key of prs:%s (prs options lists them)", key->text,
			              jf_nearest(m->d, key->text, names, n));
		else if (k < n && m->set[id])
			prs_yaml_find(m->d, PRS_MISTAKE, key->at, "%s is given twice (also in %s): keep one", key->text,
			              prs_yaml_where(m->d, m->set_at[id]));
		else if (k < n && id == PRS_OPTION_ID_output_types && block->items[i]->kind == PRS_YAML_MAP)
			set_types(m, rows[k], block->items[i], key->text);
		else if (k < n && prs_option_is_path(rows[k]))
			set_path_option(m, rows[k], block->items[i], key->text);
		else if (k < n)
			jf_set_option(m, rows[k], block->items[i], key->text);
	}
}
