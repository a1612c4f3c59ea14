/* SPDX-License-Identifier: Apache-2.0
 * named: the transformations are gone through in their order, as the workers do them: one that keeps or drops columns
 * says what those behind it can name.
 */
#include "data/named.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { SHOWN = 20, TEXT_BYTES = 4000 };

/* One use of a column: three texts of prs_table_input.named. */
struct use {
	const char *step, *column, *where;
};

struct world {
	const struct prs_table_input *in;
	const struct prs_names *files; /* what the files have */
	const char *file;
	struct prs_names now; /* what is there at this step */
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the columns of a table"); }

static bool has(const struct prs_names *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->v[i], name))
			return true;
	return false;
}

static int add(struct prs_names *v, const char *name) { return has(v, name) ? 0 : prs_names_add(v, name); }

static struct use use_at(const struct prs_list *l, size_t i)
{
	return (struct use){ l->v[3 * i], l->v[3 * i + 1], l->v[3 * i + 2] };
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static const char *nearest(const struct prs_names *v, const char *name)
{
	const char *best = NULL;
	unsigned least = 4;
	for (size_t i = 0; i < v->n; i++) {
		size_t n = strlen(v->v[i]);
		unsigned far = prs_distance(name, v->v[i]);
		if (far < least && (far < n / 2 || (far == 1 && n > 1) || !strcasecmp(name, v->v[i]))) {
			least = far;
			best = v->v[i];
		}
	}
	return best;
}

static void put_names(struct prs_buf *to, const struct prs_names *v)
{
	for (size_t i = 0; i < v->n && i < SHOWN; i++) {
		prs_buf_puts(to, i ? ", " : "");
		prs_put_plain(to, v->v[i]);
	}
	if (v->n > SHOWN)
		prs_buf_putf(to, " and %zu more", v->n - SHOWN);
}

static void put_where_they_are(struct prs_buf *to, const struct world *w)
{
	if (w->in->format == PRS_TABLE_JSONL)
		prs_buf_puts(to, "the lines of the sample have ");
	else if (w->in->format == PRS_TABLE_DELIMITED && w->in->header == PRS_HEADER_DIFFERENT)
		prs_buf_puts(to, "the headers of all files have ");
	else
		prs_buf_putf(to, "%s has ", w->file);
}

static int refuse(const struct world *w, const struct use *u, struct prs_err *err)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, TEXT_BYTES);
	const char *near = nearest(&w->now, u->column);
	prs_buf_putf(&text, "%s: %s: there is no column \"", u->where, u->step);
	prs_put_plain(&text, u->column);
	prs_buf_puts(&text, "\"");
	if (has(w->files, u->column)) {
		prs_buf_puts(&text, " any more: a transformation above it leaves it out; write it above that one; ");
	} else if (near) {
		prs_buf_puts(&text, "; did you mean \"");
		prs_put_plain(&text, near);
		prs_buf_puts(&text, "\"? ");
	} else {
		prs_buf_puts(&text, ": ");
	}
	put_where_they_are(&text, w);
	put_names(&text, w->files);
	return prs_fail(err, PRS_ENO_COLUMN, "%s", prs_buf_str(&text));
}

/* ---- the transformations ----------------------------------------------------------------------------------------- */

/* Uses [from, end) are of one step that keeps or drops them. */
static int leave(struct world *w, size_t from, size_t end, bool those)
{
	struct prs_names names = { .n = 0 }, left = { .n = 0 };
	int r = 0;
	for (size_t i = from; i < end && r == 0; i++)
		r = add(&names, use_at(w->in->named, i).column);
	for (size_t i = 0; i < w->now.n && r == 0; i++)
		if (has(&names, w->now.v[i]) == those)
			r = prs_names_add(&left, w->now.v[i]);
	prs_names_done(&names);
	prs_names_done(&w->now);
	w->now = left;
	return r;
}

/* Behind the last column of a step that keeps or drops stands a use that is none: the next one may be alike. */
static bool is_end(const struct prs_list *l, size_t at) { return !use_at(l, at).where[0]; }

static size_t end_of_step(const struct prs_list *l, size_t from)
{
	size_t end = from;
	while (end < l->n / 3 && !strcmp(use_at(l, end).step, use_at(l, from).step))
		if (is_end(l, end++))
			break;
	return end;
}

static int one_step(struct world *w, size_t from, size_t end, struct prs_err *err)
{
	const char *step = use_at(w->in->named, from).step;
	bool makes = !strcmp(step, PRS_STEP_EXTRACT);
	for (size_t i = from; i < end; i++) {
		struct use u = use_at(w->in->named, i);
		if (!makes && !has(&w->now, u.column))
			return refuse(w, &u, err);
		if (makes && add(&w->now, u.column) < 0)
			return nomem(err);
	}
	bool keeps = !strcmp(step, PRS_STEP_KEEP);
	if (keeps || !strcmp(step, PRS_STEP_DROP))
		return leave(w, from, end, keeps) < 0 ? nomem(err) : 0;
	return 0;
}

static int begin(struct world *w, const struct prs_list *keys)
{
	int r = 0;
	for (size_t i = 0; i < w->files->n && r == 0; i++)
		r = prs_names_add(&w->now, w->files->v[i]);
	for (size_t i = 0; keys && i < keys->n && r == 0; i++)
		r = add(&w->now, keys->v[i]);
	return r == 0 && w->in->path_column ? add(&w->now, w->in->path_column) : r;
}

int prs_named_check(const struct prs_table_input *in, const struct prs_list *keys, const struct prs_names *names,
                    const char *file, struct prs_err *err)
{
	struct world w = { .in = in, .files = names, .file = file };
	const struct prs_list *l = in->named;
	if (!l || !l->n)
		return 0;
	int r = begin(&w, keys) < 0 ? nomem(err) : 0;
	for (size_t at = 0, end; at < l->n / 3 && r == 0; at = end) {
		end = end_of_step(l, at);
		r = one_step(&w, at, end - is_end(l, end - 1), err);
	}
	prs_names_done(&w.now);
	return r;
}
