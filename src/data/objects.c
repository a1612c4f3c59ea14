/* SPDX-License-Identifier: Apache-2.0
 * objects: a line is gone through twice: first to see that it is an object, then for what it holds. A column that comes
 * up later was missing in the rows before: their cells count as empty.
 */
#include "data/objects.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) prs_malloc(n)
#define uthash_free(p, n) free(p)
#include <uthash.h>

enum { DEPTH_MAX = 512 }; /* of lists and objects in each other; Python's reader stops near 1,000 */

struct prs_object_name {
	UT_hash_handle hh;
	size_t column;
	uint64_t row; /* the last one that had it, from 1 */
	char name[];
};

struct reader {
	const uint8_t *p, *end;
};

/* A string as it is written, without its quotes. */
struct piece {
	const uint8_t *p;
	size_t n;
	bool escaped; /* has a backslash */
};

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && *r->p && strchr(" \t\r\n", *r->p))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->p == r->end || *r->p != (uint8_t)c)
		return false;
	r->p++;
	return true;
}

static bool take_string(struct reader *r, struct piece *ret)
{
	if (!take(r, '"'))
		return false;
	*ret = (struct piece){ .p = r->p };
	for (; r->p < r->end && *r->p != '"'; r->p++) {
		if (*r->p != '\\')
			continue;
		ret->escaped = true;
		if (++r->p == r->end)
			return false;
	}
	ret->n = (size_t)(r->p - ret->p);
	return r->p < r->end && *r->p++ == '"';
}

/* Anything but a string, a list or an object, up to the byte that ends it. */
static bool take_word(struct reader *r, struct piece *ret)
{
	skip_blanks(r);
	*ret = (struct piece){ .p = r->p };
	while (r->p<r->end && * r->p> ' ' && !strchr(",:]}[{\"", *r->p))
		r->p++;
	ret->n = (size_t)(r->p - ret->p);
	return ret->n > 0;
}

/* Lists and objects: what stands in them is only counted for its brackets. */
static bool take_nested(struct reader *r)
{
	char open[DEPTH_MAX];
	size_t depth = 0;
	struct piece ignored;
	do {
		skip_blanks(r);
		if (r->p == r->end || depth == DEPTH_MAX)
			return false;
		uint8_t c = *r->p;
		if (c == '"') {
			if (!take_string(r, &ignored))
				return false;
			continue;
		}
		r->p++;
		if (c == '[' || c == '{')
			open[depth++] = c == '[' ? ']' : '}';
		else if ((c == ']' || c == '}') && open[--depth] != (char)c)
			return false;
	} while (depth);
	return true;
}

static enum prs_cell_class word_class(struct piece w)
{
	static const struct {
		const char *word;
		enum prs_cell_class class;
	} words[] = {
		{ "null", PRS_CELL_EMPTY }, { "NaN", PRS_CELL_EMPTY },      { "true", PRS_CELL_BOOL },
		{ "false", PRS_CELL_BOOL }, { "Infinity", PRS_CELL_FLOAT }, { "-Infinity", PRS_CELL_FLOAT },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == w.n && !memcmp(words[i].word, w.p, w.n))
			return words[i].class;
	enum prs_cell_class number = prs_cell_class(w.p, w.n);
	bool digit = w.p[w.n - 1] >= '0' && w.p[w.n - 1] <= '9' && *w.p != '+' && *w.p != '.';
	return digit && number < PRS_CELL_BOOL ? number : 0;
}

static bool take_value(struct reader *r, struct prs_member *ret)
{
	struct piece text;
	skip_blanks(r);
	*ret = (struct prs_member){ .class = PRS_CELL_NESTED, .p = r->p };
	if (r->p == r->end)
		return false;
	if (*r->p == '[' || *r->p == '{') {
		bool whole = take_nested(r);
		ret->n = (size_t)(r->p - ret->p);
		return whole;
	}
	ret->is_string = *r->p == '"';
	if (ret->is_string ? !take_string(r, &text) : !take_word(r, &text))
		return false;
	bool date = ret->is_string && !text.escaped && prs_cell_class(text.p, text.n) == PRS_CELL_DATE;
	ret->p = text.p;
	ret->n = text.n;
	ret->class = ret->is_string ? PRS_CELL_TEXT : word_class(text);
	if (date)
		ret->class = PRS_CELL_DATE;
	return ret->class != 0;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool hex4(const uint8_t *p, size_t n, unsigned *ret)
{
	char digits[5] = { 0 }, *end;
	if (n < 4)
		return false;
	memcpy(digits, p, 4);
	*ret = (unsigned)strtoul(digits, &end, 16);
	return end == digits + 4 && digits[0] != '-' && digits[0] != '+' && digits[0] != ' ';
}

/* \uXXXX, or two of them for one character: bytes used, 0: no character. */
static size_t unicode_escape(const uint8_t *p, size_t n, unsigned *ret)
{
	unsigned low;
	if (!hex4(p, n, ret) || !*ret)
		return 0;
	if (*ret < 0xd800 || *ret > 0xdfff)
		return 4;
	if (*ret > 0xdbff || n < 10 || p[4] != '\\' || p[5] != 'u' || !hex4(p + 6, n - 6, &low) || low < 0xdc00 ||
	    low > 0xdfff)
		return 0;
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return 10;
}

/* p behind a backslash: bytes used, 0: it is no escape. */
static size_t put_escape(struct prs_buf *to, const uint8_t *p, size_t n)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *at = *p ? strchr(from, *p) : NULL;
	if (at) {
		prs_buf_putc(to, into[at - from]);
		return 1;
	}
	unsigned c;
	size_t used = *p == 'u' ? unicode_escape(p + 1, n - 1, &c) : 0;
	if (!used)
		return 0;
	prs_put_utf8(to, c);
	return used + 1;
}

static int text_of(struct piece name, enum prs_encoding e, struct prs_buf *to)
{
	for (size_t at = 0; at < name.n;) {
		const uint8_t *escape = memchr(name.p + at, '\\', name.n - at);
		size_t plain = escape ? (size_t)(escape - name.p) - at : name.n - at;
		if (prs_put_as_utf8(to, name.p + at, plain, e) < 0)
			return -PRS_EINVALID;
		at += plain;
		if (!escape)
			break;
		size_t used = put_escape(to, escape + 1, name.n - at - 1);
		if (!used)
			return -PRS_EINVALID;
		at += 1 + used;
	}
	return to->failed;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

void prs_objects_init(struct prs_objects *o) { *o = (struct prs_objects){ .cap = 0 }; }

void prs_objects_done(struct prs_objects *o)
{
	struct prs_object_name *at, *next;
	HASH_ITER (hh, o->index, at, next) {
		HASH_DEL(o->index, at);
		free(at);
	}
	prs_names_done(&o->names);
	prs_columns_done(&o->columns);
	prs_objects_init(o);
}

static int grow(struct prs_objects *o)
{
	struct prs_columns *c = &o->columns;
	if (c->n < o->cap)
		return 0;
	size_t cap = o->cap ? o->cap * 2 : 16;
	struct prs_column *v = prs_realloc(c->v, cap * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	c->v = v;
	o->cap = cap;
	return 0;
}

static struct prs_object_name *add_column(struct prs_objects *o, const char *name, size_t n)
{
	struct prs_object_name *new = prs_calloc(1, sizeof *new + n + 1);
	if (!new || grow(o) < 0 || prs_names_add(&o->names, name) < 0) {
		free(new);
		return NULL;
	}
	uint64_t before = o->columns.rows;
	new->column = o->columns.n++;
	o->columns.v[new->column] = (struct prs_column){ .seen = before ? PRS_CELL_EMPTY : 0, .empty = before };
	memcpy(new->name, name, n);
	HASH_ADD_STR(o->index, name, new);
	if (new->hh.tbl)
		return new;
	free(new);
	return NULL;
}

static int add_value(void *objects, struct prs_buf *name, const struct prs_member *value)
{
	struct prs_objects *o = objects;
	struct prs_object_name *at;
	const char *text = prs_buf_str(name);
	HASH_FIND(hh, o->index, text, (unsigned)name->len, at);
	if (!at)
		at = add_column(o, text, name->len);
	if (!at)
		return -PRS_ENOMEM;
	prs_column_see(&o->columns.v[at->column], value->class);
	at->row = o->columns.rows + 1;
	return 0;
}

static void end_row(struct prs_objects *o)
{
	struct prs_object_name *at, *next;
	o->columns.rows++;
	HASH_ITER (hh, o->index, at, next) {
		if (at->row != o->columns.rows)
			prs_column_see(&o->columns.v[at->column], PRS_CELL_EMPTY);
	}
}

/* A member of an object; the name is NUL-closed text. */
typedef int member_fn(void *ctx, struct prs_buf *name, const struct prs_member *value);

/* The members of the object in the line; `fn` NULL: is it one? */
static int members(struct reader r, enum prs_encoding e, struct prs_buf *name, member_fn *fn, void *ctx)
{
	struct piece text;
	struct prs_member value;
	if (!take(&r, '{'))
		return -PRS_EINVALID;
	bool any = !take(&r, '}');
	for (bool more = any; more; more = take(&r, ',')) {
		if (!take_string(&r, &text) || !take(&r, ':') || !take_value(&r, &value))
			return -PRS_EINVALID;
		prs_buf_clear(name);
		int bad = text_of(text, e, name);
		if (!bad && fn)
			bad = fn(ctx, name, &value);
		if (bad)
			return bad;
	}
	if (any && !take(&r, '}'))
		return -PRS_EINVALID;
	skip_blanks(&r);
	return r.p == r.end ? 0 : -PRS_EINVALID;
}

int prs_objects_add(struct prs_objects *o, const uint8_t *line, size_t n, enum prs_encoding e, struct prs_err *err)
{
	PRS_AUTOBUF name;
	prs_buf_init(&name, UINT32_MAX);
	struct reader r = { line, line + n };
	int bad = members(r, e, &name, NULL, NULL);
	if (bad == -PRS_EINVALID)
		return prs_fail(err, PRS_EINVALID, "a line that is no JSON object");
	if (!bad)
		bad = members(r, e, &name, add_value, o);
	if (bad)
		return prs_fail(err, (enum prs_code) - bad, "the names of a table");
	end_row(o);
	return 0;
}

/* ---- some members ------------------------------------------------------------------------------------------------ */

struct find {
	const char *const *names;
	size_t count;
	struct prs_member *v;
};

static int find_value(void *ctx, struct prs_buf *name, const struct prs_member *value)
{
	const struct find *f = ctx;
	for (size_t i = 0; i < f->count; i++)
		if (strlen(f->names[i]) == name->len && !memcmp(f->names[i], name->data, name->len))
			f->v[i] = *value;
	return 0;
}

int prs_objects_find(const uint8_t *line, size_t n, enum prs_encoding e, const char *const *names, size_t count,
                     struct prs_member *v)
{
	PRS_AUTOBUF name;
	struct find f = { names, count, v };
	prs_buf_init(&name, UINT32_MAX);
	for (size_t i = 0; i < count; i++)
		v[i] = (struct prs_member){ .class = PRS_CELL_EMPTY, .p = line };
	return members((struct reader){ line, line + n }, e, &name, find_value, &f);
}

int prs_member_text(const struct prs_member *m, enum prs_encoding e, struct prs_buf *to)
{
	return text_of((struct piece){ m->p, m->n, false }, e, to);
}
