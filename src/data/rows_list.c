/* SPDX-License-Identifier: Apache-2.0
 * rows_list: pairs of texts, each closed by a NUL: a path and seven numbers; "file" and a path; "column <nulls> <type>"
 * and a name; "group <keys> <row>" and nothing, behind it as many names of keys, each with its value.
 */
#include "data/rows_list.h"

#include "base/mem.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES_MAX = 256 << 20, NUMBERS = 7 };
#define FORM "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "%c"
#define COLUMN "column "
#define GROUP "group "

static int parse(const char *numbers, struct prs_rows_wanted *w)
{
	char more;
	int n = sscanf(numbers, FORM, &w->row, &w->rows, &w->global_row, &w->hint_row, &w->offset, &w->size,
	               &w->mtime_us, &more);
	return n == NUMBERS && w->rows && w->hint_row <= w->row ? 0 : -PRS_ECORRUPT;
}

static void put(struct prs_buf *to, const struct prs_rows_wanted *w)
{
	prs_buf_puts(to, w->path);
	prs_buf_putc(to, 0);
	prs_buf_putf(to, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, w->row,
	             w->rows, w->global_row, w->hint_row, w->offset, w->size, w->mtime_us);
	prs_buf_putc(to, 0);
}

/* Of the rows at `at`, which are the last ones. */
static bool goes_on(struct prs_buf *to, size_t at, const struct prs_rows_at *rows, struct prs_rows_wanted *ret)
{
	const char *path = (const char *)to->data + at;
	return !strcmp(path, rows->path) && parse(path + strlen(path) + 1, ret) == 0 &&
	       ret->row + ret->rows == rows->at.row && ret->size == rows->size && ret->mtime_us == rows->mtime_us;
}

void prs_rows_list_put(struct prs_buf *to, size_t *last, const struct prs_rows_at *rows)
{
	struct prs_rows_wanted w;
	if (*last != SIZE_MAX && !to->failed && goes_on(to, *last, rows, &w)) {
		w.rows += rows->at.rows;
		to->len = *last;
	} else {
		w = (struct prs_rows_wanted){ .row = rows->at.row,
			                      .rows = rows->at.rows,
			                      .global_row = rows->at.global_row,
			                      .hint_row = rows->at.row - rows->skip,
			                      .offset = rows->at.offset,
			                      .size = rows->size,
			                      .mtime_us = rows->mtime_us };
		*last = to->len;
	}
	w.path = rows->path;
	put(to, &w);
}

void prs_rows_list_put_file(struct prs_buf *to, const char *path)
{
	prs_buf_puts(to, "file");
	prs_buf_putc(to, 0);
	prs_buf_put(to, path, strlen(path) + 1);
}

void prs_rows_list_put_column(struct prs_buf *to, const char *name, const char *type, uint64_t nulls)
{
	prs_buf_putf(to, COLUMN "%" PRIu64 " %s", nulls, type);
	prs_buf_putc(to, 0);
	prs_buf_put(to, name, strlen(name) + 1);
}

void prs_rows_list_put_group(struct prs_buf *to, const char *keys, size_t keys_bytes, uint64_t global_row)
{
	size_t nuls = 0;
	for (size_t i = 0; i < keys_bytes; i++)
		nuls += !keys[i];
	prs_buf_putf(to, GROUP "%zu %" PRIu64, nuls / 2, global_row);
	prs_buf_put(to, "\0", 2);
	prs_buf_put(to, keys, keys_bytes);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int bad(const char *path, struct prs_err *err)
{
	return prs_fail(err, PRS_ECORRUPT, "%s: this is no list of rows", path);
}

/* The texts that are left. */
struct texts {
	const char *at, *end;
};

static const char *next_text(struct texts *t)
{
	const char *s = t->at;
	if (s == t->end)
		return NULL;
	t->at += strlen(s) + 1;
	return s;
}

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

static int read_rows(struct prs_rows_list *l, const char *path, struct texts *t)
{
	const char *numbers = next_text(t);
	struct prs_rows_wanted *w = &l->v[l->n++];
	w->path = path;
	return numbers ? parse(numbers, w) : -PRS_ECORRUPT;
}

static int read_file(struct prs_rows_list *l, struct texts *t)
{
	const char *path = next_text(t);
	l->v[l->n++] = (struct prs_rows_wanted){ .path = path };
	return path && path[0] == '/' ? 0 : -PRS_ECORRUPT;
}

static int read_column(struct prs_rows_list *l, const char *says, struct texts *t)
{
	int at = 0;
	struct prs_column_wanted *c = &l->columns[l->columns_n++];
	c->name = next_text(t);
	if (!c->name || sscanf(says, COLUMN "%" SCNu64 " %n", &c->nulls, &at) != 1 || !at || !says[at])
		return -PRS_ECORRUPT;
	c->type = says + at;
	return 0;
}

static int read_group(struct prs_rows_list *l, const char *says, struct texts *t)
{
	unsigned keys;
	char more;
	struct prs_group_wanted *g = &l->groups[l->groups_n++];
	const char *nothing = next_text(t);
	if (!nothing || *nothing || sscanf(says, GROUP "%u %" SCNu64 "%c", &keys, &g->global_row, &more) != 2 || !keys)
		return -PRS_ECORRUPT;
	g->keys = t->at;
	while (keys-- && next_text(t)) {
		const char *value = next_text(t);
		if (!value || !*value)
			return -PRS_ECORRUPT;
	}
	g->keys_bytes = (size_t)(t->at - g->keys);
	return keys == UINT_MAX ? 0 : -PRS_ECORRUPT;
}

static int read_one(struct prs_rows_list *l, struct texts *t)
{
	const char *says = next_text(t);
	if (says[0] == '/')
		return read_rows(l, says, t);
	if (!strcmp(says, "file"))
		return read_file(l, t);
	if (begins(says, COLUMN))
		return read_column(l, says, t);
	return begins(says, GROUP) ? read_group(l, says, t) : -PRS_ECORRUPT;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static int compare_paths(const struct prs_rows_wanted *x, const struct prs_rows_wanted *y)
{
	int k = strcmp(x->path, y->path);
	return k ? k : (x->row > y->row) - (x->row < y->row);
}

static int by_path(const void *a, const void *b, void *v)
{
	const struct prs_rows_wanted *rows = v;
	return compare_paths(&rows[*(const size_t *)a], &rows[*(const size_t *)b]);
}

static int by_keys(const void *a, const void *b)
{
	const struct prs_group_wanted *x = a, *y = b;
	size_t least = x->keys_bytes < y->keys_bytes ? x->keys_bytes : y->keys_bytes;
	int k = memcmp(x->keys, y->keys, least);
	return k ? k : (x->keys_bytes > y->keys_bytes) - (x->keys_bytes < y->keys_bytes);
}

static void sort(struct prs_rows_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->by_path[i] = i;
	if (l->n)
		qsort_r(l->by_path, l->n, sizeof *l->by_path, by_path, l->v);
	if (l->groups_n)
		qsort(l->groups, l->groups_n, sizeof *l->groups, by_keys);
}

static int make_room(struct prs_rows_list *l, size_t pairs)
{
	l->v = prs_calloc(pairs + 1, sizeof *l->v);
	l->by_path = prs_calloc(pairs + 1, sizeof *l->by_path);
	l->columns = prs_calloc(pairs + 1, sizeof *l->columns);
	l->groups = prs_calloc(pairs + 1, sizeof *l->groups);
	l->seen = prs_calloc(pairs + 1, sizeof *l->seen);
	return l->v && l->by_path && l->columns && l->groups && l->seen ? 0 : -PRS_ENOMEM;
}

int prs_rows_list_read(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	prs_rows_list_done(l);
	prs_buf_init(&l->text, LIST_BYTES_MAX);
	int r = prs_read_file(fs, path, &l->text, err);
	if (r < 0)
		return r;
	const char *text = (const char *)l->text.data;
	size_t nuls = 0;
	for (size_t i = 0; i < l->text.len; i++)
		nuls += !text[i];
	if (nuls % 2 || (l->text.len && text[l->text.len - 1]))
		return bad(path, err);
	if (make_room(l, nuls / 2) < 0)
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	struct texts t = { text, text + l->text.len };
	while (t.at < t.end)
		if (read_one(l, &t) < 0)
			return bad(path, err);
	sort(l);
	return 0;
}

int prs_rows_list_once(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	return path && !l->by_path ? prs_rows_list_read(l, fs, path, err) : 0;
}

void prs_rows_list_done(struct prs_rows_list *l)
{
	prs_freep(&l->v);
	prs_freep(&l->by_path);
	prs_freep(&l->seen);
	prs_freep(&l->columns);
	prs_freep(&l->groups);
	prs_buf_done(&l->text);
	l->n = l->columns_n = l->groups_n = 0;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

size_t prs_rows_list_of(const struct prs_rows_list *l, const char *path, size_t *ret)
{
	size_t lo = 0, hi = l->n, n = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(l->v[l->by_path[mid]].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < l->n && !strcmp(l->v[l->by_path[lo + n]].path, path))
		n++;
	*ret = lo;
	return n;
}

const struct prs_column_wanted *prs_rows_list_column(const struct prs_rows_list *l, const char *name)
{
	for (size_t i = 0; i < l->columns_n; i++)
		if (!strcmp(l->columns[i].name, name))
			return &l->columns[i];
	return NULL;
}

const struct prs_group_wanted *prs_rows_list_group(const struct prs_rows_list *l, const char *keys, size_t keys_bytes)
{
	struct prs_group_wanted one = { .keys = keys, .keys_bytes = keys_bytes };
	return l->groups_n ? bsearch(&one, l->groups, l->groups_n, sizeof one, by_keys) : NULL;
}

int prs_rows_list_see(struct prs_rows_list *l, const struct prs_cut_files *f, struct prs_err *err)
{
	const char *name = f->names;
	for (uint32_t i = 0; i < f->count && l->n; i++, name += strlen(name) + 1) {
		size_t at;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(f->folder, "/") ? f->folder : "", name);
		if (!path)
			return prs_fail(err, PRS_ENOMEM, "the files that are to run again");
		if (prs_rows_list_of(l, path, &at))
			l->seen[at] = true;
	}
	return 0;
}

int prs_rows_list_all_seen(const struct prs_rows_list *l, struct prs_err *err)
{
	for (size_t i = 0, n; i < l->n; i += n) {
		const char *path = l->v[l->by_path[i]].path;
		n = prs_rows_list_of(l, path, &i);
		if (!l->seen[i])
			return prs_fail(err, PRS_EINPUT_CHANGED,
			                "%s: it is no file of the input any more, and rows of it are to run again",
			                path);
	}
	return 0;
}
