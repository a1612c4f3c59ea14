/* SPDX-License-Identifier: Apache-2.0
 * metrics: prs logs RUN --metrics: what scripts logged (logs/metrics.jsonl, docs/logs.md), by name; of a pipeline, of
 * all its steps.
 */
#include "cli/pipelines.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/fs_posix.h"
#include "wire/names.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 1 << 20, SHOWN_MAX = 60 };

/* ---- the fold: {"step", "child", "metrics": {name: {"last", "count", "least", "most"}}} -------------------------- */

static bool is_metric(const char *kind)
{
	static const char *const kinds[] = { "value", "list", "row", "table", "image" };
	for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

/* The group of a child run, NULL = of the run itself; made where there is none. */
static json_t *group_of(json_t *groups, const char *step, const char *child)
{
	size_t i;
	json_t *g;
	json_array_foreach (groups, i, g) {
		const char *of = json_string_value(json_object_get(g, "step"));
		const char *is = json_string_value(json_object_get(g, "child"));
		if ((step ? of && !strcmp(of, step) : !of) && (child ? is && !strcmp(is, child) : !is))
			return g;
	}
	g = json_pack("{s:s?, s:s?, s:{}}", "step", step, "child", child, "metrics");
	return json_array_append_new(groups, g) < 0 ? NULL : g;
}

static void widen(json_t *m, const char *key, double value, bool is_more)
{
	const json_t *old = json_object_get(m, key);
	if (!old || (is_more ? value > json_number_value(old) : value < json_number_value(old)))
		json_object_set_new(m, key, json_real(value));
}

static void count_one(json_t *m, json_t *value)
{
	json_object_set(m, "last", value);
	json_object_set_new(m, "count", json_integer(json_integer_value(json_object_get(m, "count")) + 1));
	if (json_is_number(value)) {
		widen(m, "least", json_number_value(value), false);
		widen(m, "most", json_number_value(value), true);
	}
}

static void fold(json_t *groups, const char *step, const json_t *record)
{
	const char *kind = json_string_value(json_object_get(record, "kind"));
	const char *name = json_string_value(json_object_get(record, "name"));
	json_t *value = json_object_get(record, "value"), *one;
	size_t i;
	if (!is_metric(kind) || !name || !value)
		return;
	json_t *g = group_of(groups, step, json_string_value(json_object_get(record, "run")));
	json_t *all = json_object_get(g, "metrics"), *m = json_object_get(all, name);
	if (!m && json_object_set_new(all, name, json_object()) == 0)
		m = json_object_get(all, name);
	if (strcmp(kind, "list") != 0)
		count_one(m, value);
	else
		json_array_foreach (value, i, one)
			count_one(m, one);
}

/* A run that logged nothing has no file. */
static int fold_file(json_t *groups, const char *dir, const char *step, struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/logs/" PRS_NAME_METRICS, dir);
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int fd = path ? prs_open_own(path, O_RDONLY, 0) : -ENOMEM;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f)
		return prs_fail_errno(err, fd < 0 ? -fd : errno, "%s", path ? path : dir);
	while ((n = getline(&line, &room, f)) > 0) {
		json_t *record = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
		fold(groups, step, record);
		json_decref(record);
	}
	free(line);
	fclose(f);
	return 0;
}

static int fold_steps(json_t *groups, const struct prs_run *run, struct prs_err *err)
{
	struct prs_pipeline *p = prs_pipeline_read(program_fs(), run->dir, err);
	if (!p)
		return err->code;
	int r = run->step[0] ? 0 : fold_file(groups, run->dir, NULL, err);
	for (size_t i = 0; i < p->steps_n && !r; i++) {
		PRS_AUTOFREE char *dir = prs_strf("%s/steps/%s", run->dir, p->steps[i].folder);
		if (dir && (!run->step[0] || !strcmp(run->step, p->steps[i].folder)))
			r = fold_file(groups, dir, p->steps[i].name, err);
	}
	prs_pipeline_free(p);
	return r;
}

/* ---- shown ------------------------------------------------------------------------------------------------------- */

static void put_value(struct prs_buf *b, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
	size_t n = text ? strlen(text) : 0;
	if (n > SHOWN_MAX)
		snprintf(text + SHOWN_MAX - 3, 4, "...");
	prs_put_plain(b, text ? text : "");
	free(text);
}

static void put_metric(struct prs_buf *b, const char *name, const json_t *m, int wide)
{
	long long count = json_integer_value(json_object_get(m, "count"));
	const json_t *least = json_object_get(m, "least"), *most = json_object_get(m, "most");
	size_t begin = b->len;
	prs_buf_puts(b, "  ");
	prs_put_plain(b, name);
	prs_buf_putf(b, "%*s", (int)(wide + 4) - (int)(b->len - begin), "");
	put_value(b, json_object_get(m, "last"));
	if (count > 1)
		prs_buf_putf(b, "   the last of %lld", count);
	if (count > 1 && least)
		prs_buf_putf(b, ", %.6g to %.6g", json_number_value(least), json_number_value(most));
	prs_buf_puts(b, "\n");
}

static void put_title(struct prs_buf *b, const char *run, const json_t *g)
{
	const char *step = json_string_value(json_object_get(g, "step"));
	const char *child = json_string_value(json_object_get(g, "child"));
	prs_put_plain(b, step ? step : run);
	if (child) {
		prs_buf_puts(b, ", child run ");
		prs_put_plain(b, child);
	}
	prs_buf_puts(b, "\n");
}

static void put_groups(struct prs_buf *b, const char *run, const json_t *groups)
{
	size_t i;
	json_t *g, *m;
	const char *name;
	json_array_foreach (groups, i, g) {
		size_t wide = 0;
		put_title(b, run, g);
		json_object_foreach (json_object_get(g, "metrics"), name, m)
			wide = strlen(name) > wide ? strlen(name) : wide;
		json_object_foreach (json_object_get(g, "metrics"), name, m)
			put_metric(b, name, m, (int)wide);
	}
	if (!json_array_size(groups))
		prs_buf_puts(b, "nothing was logged\n");
}

int cli_metrics(const struct prs_run *run, bool json)
{
	struct prs_err err = { 0 };
	json_t *groups = json_array();
	int r = run->kind == PRS_RUN_PIPELINE ? fold_steps(groups, run, &err) : fold_file(groups, run->dir, NULL, &err);
	if (!r && json) {
		json_t *o = json_pack("{s:s, s:s, s:O}", "type", "metrics", "run", run->name, "runs", groups);
		char *text = json_dumps(o, JSON_COMPACT);
		cli_tell(stdout, "%s\n", text ? text : "");
		free(text);
		json_decref(o);
	} else if (!r) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, TEXT_BYTES_MAX);
		put_groups(&b, run->name, groups);
		fwrite(b.data, 1, b.len, stdout);
	}
	json_decref(groups);
	return r < 0 ? complain(prs_exit_of(err.code, true), &err) : 0;
}
