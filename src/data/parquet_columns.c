/* SPDX-License-Identifier: Apache-2.0
 * parquet_columns: footers tell columns once for all files that have the same ones: each schema is checked once.
 */
#include "data/parquet_columns.h"

#include "base/mem.h"
#include "data/arrow.h"
#include "data/columns.h"
#include "data/schemas.h"

#include <inttypes.h>
#include <string.h>

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the columns of Parquet files"); }

static int nonsense(struct prs_err *err)
{
	return prs_fail(err, PRS_EHELPER, "the process that reads Parquet footers answers with schemas it never told");
}

static void file_done(struct prs_parquet_file *f)
{
	prs_names_done(&f->names);
	prs_names_done(&f->types);
	prs_buf_done(&f->own);
}

void prs_parquet_columns_done(struct prs_parquet_columns *v)
{
	for (size_t i = 0; i < v->known_n; i++)
		file_done(&v->known[i]);
	file_done(&v->all);
	prs_freep(&v->known);
	prs_freep(&v->nulls);
	prs_freep(&v->first);
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static int add_text(struct prs_names *to, struct prs_footers_text t)
{
	PRS_AUTOFREE char *s = prs_strf("%.*s", (int)t.n, t.p);
	return s ? prs_names_add(to, s) : -PRS_ENOMEM;
}

static int copy_columns(const struct prs_footer *f, struct prs_parquet_file *to)
{
	const uint8_t *at = f->columns_at;
	prs_buf_init(&to->own, PRS_SCHEMA_BYTES_MAX);
	for (uint32_t i = 0; i < f->columns; i++)
		if (add_text(&to->names, prs_footers_next(&at)) < 0 || add_text(&to->types, prs_footers_next(&at)) < 0)
			return -PRS_ENOMEM;
	return 0;
}

/* The columns of a file, which its footer tells only when they are new. */
int prs_parquet_columns_of(struct prs_parquet_columns *v, const struct prs_footer *f, struct prs_parquet_file **ret,
                           struct prs_err *err)
{
	if (f->schema > v->known_n || (f->schema < v->known_n && f->columns))
		return nonsense(err);
	if (f->schema == v->known_n) {
		if (v->known_n == v->known_cap) {
			size_t cap = v->known_cap ? v->known_cap * 2 : 8;
			struct prs_parquet_file *known = prs_realloc(v->known, cap * sizeof *known);
			if (!known)
				return nomem(err);
			v->known = known;
			v->known_cap = cap;
		}
		v->known[v->known_n] = (struct prs_parquet_file){ .is_checked = false };
		if (copy_columns(f, &v->known[v->known_n++]) < 0)
			return nomem(err);
	}
	*ret = &v->known[f->schema];
	return 0;
}

/* A name of `a` that `b` does not have; NULL: there is none. */
static const char *missing_in(const struct prs_names *a, const struct prs_names *b)
{
	for (size_t i = 0; i < a->n; i++) {
		bool there = false;
		for (size_t k = 0; k < b->n && !there; k++)
			there = !strcmp(a->v[i], b->v[k]);
		if (!there)
			return a->v[i];
	}
	return NULL;
}

static int other_names(const struct prs_parquet_columns *v, const struct prs_parquet_file *file, const char *path,
                       struct prs_err *err)
{
	const char *missing = missing_in(&v->all.names, &file->names);
	const char *extra = missing_in(&file->names, &v->all.names);
	return prs_fail(err, PRS_EINVALID,
	                "%s has a column \"%.100s\" and %s has none: the files of a table have the same columns, in "
	                "any order; give others an input of their own",
	                missing ? v->first : path, missing ? missing : extra, missing ? path : v->first);
}

/* Where the columns of all stand in the file; the caller frees. */
static int places(struct prs_parquet_columns *v, const struct prs_parquet_file *file, const char *path, uint32_t **ret,
                  struct prs_err *err)
{
	*ret = prs_malloc((v->all.names.n + 1) * sizeof **ret);
	if (!*ret)
		return nomem(err);
	int r = prs_names_match(&v->all.names, v->first, &file->names, path, *ret, err);
	return r == -PRS_EINVALID ? other_names(v, file, path, err) : r;
}

static int conflict(struct prs_parquet_columns *v, size_t i, const char *path, const char *type, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID,
	                "column %.100s is %.100s in %s, and %.100s in %s%s: give files with other types an input of "
	                "their own, or write them with one type",
	                v->all.names.v[i], type, path, v->all.types.v[i], v->first,
	                v->sampled > 1 ? " and others" : "");
}

static int replace(char **type, const char *by, struct prs_err *err)
{
	if (!strcmp(*type, by))
		return 0;
	char *copy = prs_strdup(by);
	if (!copy)
		return nomem(err);
	prs_freep(type);
	*type = copy;
	return 0;
}

/* The types of a file of the sample, and its nulls. */
int prs_parquet_columns_unite(struct prs_parquet_columns *v, const struct prs_parquet_file *file, const char *path,
                              const struct prs_footer *f, struct prs_err *err)
{
	uint32_t *at = NULL;
	int r = places(v, file, path, &at, err);
	PRS_AUTOFREE uint32_t *fields = at;
	for (size_t i = 0; i < v->all.names.n && r == 0; i++) {
		const char *type = file->types.v[fields[i]], *both = prs_arrow_unite(v->all.types.v[i], type);
		r = both ? replace(&v->all.types.v[i], both, err) : conflict(v, i, path, type, err);
		v->nulls[i] += prs_footer_nulls(f, fields[i]);
	}
	return r;
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

/* types: instead of those of all; NULL where they are the same */
static void put_json(const struct prs_parquet_columns *v, char *const *types, struct prs_buf *to)
{
	prs_buf_putf(to, "{\"version\":1,\"format\":\"parquet\",\"sampled\":%" PRIu64 ",\"columns\":[", v->sampled);
	for (size_t i = 0; i < v->all.names.n; i++) {
		prs_buf_puts(to, i ? ",{\"name\":" : "{\"name\":");
		prs_schema_put_text(to, v->all.names.v[i]);
		prs_buf_puts(to, ",\"type\":");
		prs_schema_put_text(to, types && types[i] ? types[i] : v->all.types.v[i]);
		prs_buf_putf(to, ",\"nulls\":%" PRIu64 "}", v->nulls[i]);
	}
	prs_buf_puts(to, "]}");
}

static void warn_wider(const struct prs_parquet_columns *v, size_t i, const char *path, const char *type)
{
	prs_warn_input(v->warnings,
	               "%s: column %.100s is %.100s there, and %.100s in the files that the types were decided from: "
	               "the mini-batches of such files have %.100s",
	               path, v->all.names.v[i], type, v->all.types.v[i], type);
}

/* Do the columns fit? When some are wider, the JSON of a schema of its own is in file->own. */
int prs_parquet_columns_check(struct prs_parquet_columns *v, struct prs_parquet_file *file, const char *path,
                              struct prs_err *err)
{
	uint32_t *at = NULL;
	bool same = true;
	if (file->is_checked)
		return 0;
	int r = places(v, file, path, &at, err);
	PRS_AUTOFREE uint32_t *fields = at;
	PRS_AUTOFREE char **types = prs_calloc(v->all.names.n + 1, sizeof *types);
	if (r == 0 && !types)
		r = nomem(err);
	for (size_t i = 0; i < v->all.names.n && r == 0; i++) {
		const char *all = v->all.types.v[i], *one = file->types.v[fields[i]],
			   *type = prs_arrow_in_file(all, one);
		if (!type) {
			r = conflict(v, i, path, one, err);
		} else if (strcmp(type, all) != 0) {
			types[i] = (char *)(uintptr_t)type;
			same = false;
			warn_wider(v, i, path, type);
		}
	}
	if (r == 0 && !same)
		put_json(v, types, &file->own);
	file->is_checked = r == 0;
	return r == 0 && file->own.failed ? nomem(err) : r;
}

/* ---- which columns there are ------------------------------------------------------------------------------------- */

int prs_parquet_columns_begin(struct prs_parquet_columns *v, const struct prs_parquet_file *first, const char *path,
                              struct prs_err *err)
{
	v->first = prs_strdup(path);
	v->nulls = prs_calloc(first->names.n + 1, sizeof *v->nulls);
	if (!v->first || !v->nulls)
		return nomem(err);
	for (size_t i = 0; i < first->names.n; i++)
		if (prs_names_add(&v->all.names, first->names.v[i]) < 0 ||
		    prs_names_add(&v->all.types, first->types.v[i]) < 0)
			return nomem(err);
	return 0;
}

int prs_parquet_columns_then(struct prs_parquet_columns *v, const struct prs_rows_list *wanted, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; i < v->all.names.n && r == 0; i++) {
		const struct prs_column_wanted *w = prs_rows_list_column(wanted, v->all.names.v[i]);
		if (!w)
			continue;
		v->nulls[i] = w->nulls;
		r = replace(&v->all.types.v[i], w->type, err);
	}
	return r;
}

void prs_parquet_columns_json(const struct prs_parquet_columns *v, struct prs_buf *to) { put_json(v, NULL, to); }
