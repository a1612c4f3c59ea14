/* SPDX-License-Identifier: Apache-2.0
 * yaml: bytes to nodes. A plain scalar keeps both what is written and what YAML 1.1 makes of it (yes, 010, 1e3), so
 * that the reader of a key decides, and can warn.
 */
#include "spec/yaml_impl.h"

#include "base/many.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define WORK_MAX 20000000ul

/* ---- memory ------------------------------------------------------------------------------------------------------ */

struct chunk {
	struct chunk *next;
	size_t used, size;
};

void *yaml_alloc(struct prs_yaml_doc *d, size_t n)
{
	enum { ALIGN = sizeof(void *) };
	struct chunk *c = d->chunks;
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!c || c->size - c->used < n) {
		size_t size = n > YAML_CHUNK_BYTES ? n : YAML_CHUNK_BYTES;
		c = prs_malloc(sizeof *c + size);
		if (!c) {
			d->failed = true;
			return NULL;
		}
		*c = (struct chunk){ d->chunks, 0, size };
		d->chunks = c;
	}
	void *p = (char *)(c + 1) + c->used;
	c->used += n;
	memset(p, 0, n);
	return p;
}

char *yaml_text(struct prs_yaml_doc *d, const char *text, size_t n)
{
	char *s = yaml_alloc(d, n + 1);
	if (s)
		memcpy(s, text, n);
	return s;
}

struct prs_yaml_doc *prs_yaml_doc_new(void) { return prs_calloc(1, sizeof(struct prs_yaml_doc)); }

void prs_yaml_doc_free(struct prs_yaml_doc *d)
{
	if (!d)
		return;
	for (struct chunk *c = d->chunks, *next; c; c = next) {
		next = c->next;
		prs_freep(&c);
	}
	prs_freep(&d);
}

bool prs_yaml_failed(const struct prs_yaml_doc *d) { return d->failed; }

/* ---- types of plain scalars (YAML 1.1) --------------------------------------------------------------------------- */

static bool one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

static bool only(const char *s, const char *set) { return *s && s[strspn(s, set)] == 0; }

/* digits and _, behind an optional sign; a first part from 1 to 9, then groups of :00 to :59 */
static bool is_sexagesimal(const char *s)
{
	if (*s < '1' || *s > '9')
		return false;
	s += strspn(s, "0123456789_");
	if (*s != ':')
		return false;
	while (*s == ':') {
		size_t n = strspn(s + 1, "0123456789");
		if (n < 1 || n > 2 || (n == 2 && s[1] > '5'))
			return false;
		s += 1 + n;
	}
	return *s == 0;
}

static bool is_int(const char *s)
{
	s += *s == '-' || *s == '+';
	if (s[0] == '0' && s[1] == 'b')
		return only(s + 2, "01_");
	if (s[0] == '0' && s[1] == 'x')
		return only(s + 2, "0123456789abcdefABCDEF_");
	if (s[0] == '0')
		return !s[1] || only(s + 1, "01234567_");
	return (*s >= '1' && *s <= '9' && only(s, "0123456789_")) || is_sexagesimal(s);
}

static bool is_float(const char *s)
{
	static const char *const special[] = { ".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
		                               "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL };
	if (one_of(s, special))
		return true;
	if (*s != '.')
		s += *s == '-' || *s == '+';
	bool first = isdigit((unsigned char)*s);
	s += first ? strspn(s, "0123456789_") : 0;
	if (*s++ != '.' || (!first && !isdigit((unsigned char)*s)))
		return false;
	s += strspn(s, "0123456789_");
	if (*s == 'e' || *s == 'E') {
		if (s[1] != '-' && s[1] != '+')
			return false;
		return only(s + 2, "0123456789");
	}
	return *s == 0;
}

static enum prs_yaml_type type_of(const char *s)
{
	static const char *const bools[] = { "yes",  "Yes",  "YES",   "no",    "No",    "NO", "true",
		                             "True", "TRUE", "false", "False", "FALSE", "on", "On",
		                             "ON",   "off",  "Off",   "OFF",   NULL };
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	if (one_of(s, nulls))
		return PRS_YAML_NULL;
	if (one_of(s, bools))
		return PRS_YAML_BOOL;
	if (is_int(s))
		return PRS_YAML_INT;
	return is_float(s) ? PRS_YAML_FLOAT : PRS_YAML_TEXT;
}

void prs_yaml_put_float(struct prs_buf *to, double v)
{
	char s[40];
	if (isnan(v) || isinf(v)) {
		const char *infinite = v > 0 ? "inf" : "-inf";
		prs_buf_puts(to, isnan(v) ? "nan" : infinite);
		return;
	}
	int digits = 1;
	do
		snprintf(s, sizeof s, "%.*e", digits - 1, v);
	while (strtod(s, NULL) != v && ++digits <= 17);
	int exponent = atoi(strchr(s, 'e') + 1);
	if (exponent < -4 || exponent >= 16) { /* 1e-07, 1.5e+16: as C writes it */
		prs_buf_puts(to, s);
		return;
	}
	snprintf(s, sizeof s, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 1, v);
	prs_buf_puts(to, s);
}

static unsigned base_of(const char *digits)
{
	if (digits[0] != '0')
		return 10;
	if (digits[1] == 'x')
		return 16;
	return digits[1] == 'b' ? 2 : 8;
}

static const char *int_value(struct prs_yaml_doc *d, const char *s)
{
	char digits[64], out[32];
	size_t n = 0;
	bool negative = *s == '-';
	s += *s == '-' || *s == '+';
	for (const char *p = s; *p && n + 1 < sizeof digits; p++)
		if (*p != '_')
			digits[n++] = *p;
	digits[n] = 0;
	unsigned base = base_of(digits);
	if (base == 10 && !strchr(digits, ':')) { /* of any length */
		char *v = yaml_alloc(d, n + 2);
		if (v)
			snprintf(v, n + 2, "%s%s", negative ? "-" : "", digits);
		return v;
	}
	unsigned long long v = 0;
	char *p = digits + (base == 16 || base == 2 ? 2 : 0);
	v = strtoull(p, &p, (int)base);
	while (*p == ':')
		v = v * 60 + strtoull(p + 1, &p, 10);
	snprintf(out, sizeof out, "%s%llu", negative && v ? "-" : "", v);
	return yaml_text(d, out, strlen(out));
}

static const char *float_value(struct prs_yaml_doc *d, const char *s)
{
	char digits[128];
	size_t n = 0;
	bool special = strchr(s, 'n') || strchr(s, 'N');
	for (; *s && n + 1 < sizeof digits; s++)
		if (*s != '_' && !(special && *s == '.'))
			digits[n++] = *s;
	digits[n] = 0;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64);
	prs_yaml_put_float(&b, strtod(digits, NULL));
	return yaml_text(d, prs_buf_str(&b), b.len);
}

static const char *value_of(struct prs_yaml_doc *d, const struct prs_yaml *n)
{
	static const char *const truths[] = { "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL };
	switch (n->type) {
	case PRS_YAML_NULL: return "";
	case PRS_YAML_BOOL: return one_of(n->text, truths) ? "True" : "False";
	case PRS_YAML_INT: return int_value(d, n->text);
	case PRS_YAML_FLOAT: return float_value(d, n->text);
	case PRS_YAML_TEXT: break;
	}
	return n->text;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static struct prs_yaml *new_node(struct prs_yaml_doc *d, enum prs_yaml_kind kind, struct prs_mark at)
{
	struct prs_yaml *n = yaml_alloc(d, sizeof *n);
	if (!n)
		return NULL;
	n->kind = kind;
	n->at = at;
	n->end_line = at.line;
	n->text = n->value = "";
	n->type = PRS_YAML_TEXT;
	return n;
}

struct prs_yaml *prs_yaml_new_scalar(struct prs_yaml_doc *d, struct prs_mark at, const char *text, size_t n, bool plain)
{
	struct prs_yaml *s = new_node(d, PRS_YAML_SCALAR, at);
	char *copy = s ? yaml_text(d, text, n) : NULL;
	if (!copy)
		return NULL;
	s->text = copy;
	s->plain = plain;
	s->type = plain && n < 128 ? type_of(copy) : PRS_YAML_TEXT;
	s->value = value_of(d, s);
	return s->value ? s : NULL;
}

/* Room for one more; false = out of memory. */
static bool grow(struct prs_yaml_doc *d, struct prs_yaml *n)
{
	if (n->n < n->cap)
		return true;
	size_t cap = n->cap ? n->cap * 2 : 8;
	struct prs_yaml **items = yaml_alloc(d, cap * sizeof *items),
			**keys = n->kind == PRS_YAML_MAP ? yaml_alloc(d, cap * sizeof *keys) : NULL;
	if (!items || (n->kind == PRS_YAML_MAP && !keys))
		return false;
	if (n->n)
		memcpy(items, n->items, n->n * sizeof *items);
	if (n->n && keys)
		memcpy(keys, n->keys, n->n * sizeof *keys);
	n->items = items;
	n->keys = keys;
	n->cap = cap;
	return true;
}

static void add(struct prs_yaml_doc *d, struct prs_yaml *to, struct prs_yaml *key, struct prs_yaml *value)
{
	if (!value || !grow(d, to))
		return;
	if (to->kind == PRS_YAML_MAP)
		to->keys[to->n] = key;
	to->items[to->n++] = value;
}

static size_t index_of(const struct prs_yaml *map, const char *key, size_t n)
{
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++)
		if (!strncmp(map->keys[i]->text, key, n) && !map->keys[i]->text[n])
			return i;
	return SIZE_MAX;
}

struct prs_yaml *prs_yaml_get(const struct prs_yaml *map, const char *path)
{
	while (map) {
		size_t n = strcspn(path, "."), i = index_of(map, path, n);
		if (i == SIZE_MAX)
			return NULL;
		if (!path[n])
			return map->items[i];
		map = map->items[i];
		path += n + 1;
	}
	return NULL;
}

struct prs_yaml *prs_yaml_at(const struct prs_yaml *map, const char *key)
{
	size_t i = index_of(map, key, strlen(key));
	return i == SIZE_MAX ? NULL : map->items[i];
}

const struct prs_yaml *prs_yaml_key(const struct prs_yaml *map, const char *key)
{
	size_t i = index_of(map, key, strlen(key));
	return i == SIZE_MAX ? NULL : map->keys[i];
}

const char *prs_yaml_kind_name(const struct prs_yaml *n)
{
	static const char *const scalars[] = { "nothing", "a truth value", "a number", "a number", "a text" };
	if (n->kind == PRS_YAML_MAP)
		return "keys and values";
	return n->kind == PRS_YAML_LIST ? "a list" : scalars[n->type];
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct anchor {
	struct anchor *next;
	const char *name;
	struct prs_yaml *node;
	bool open; /* still being read: an alias to it would be a circle */
};

struct reading {
	struct prs_yaml_doc *d;
	yaml_parser_t parser;
	uint32_t source;
	unsigned nodes;
	struct anchor *anchors;
	unsigned long work; /* comparisons of keys and anchors: a file that needs too many is no job file */
	bool stopped;
};

static struct prs_mark mark_of(const struct reading *r, yaml_mark_t from, yaml_mark_t to)
{
	size_t width = to.line == from.line && to.column > from.column ? to.column - from.column : 1;
	return (struct prs_mark){ r->source, (uint32_t)from.line + 1, (uint32_t)from.column + 1, (uint32_t)width };
}

static struct prs_yaml *stop(struct reading *r)
{
	r->stopped = true;
	return NULL;
}

static bool too_much(struct reading *r, unsigned long work, struct prs_mark at)
{
	r->work += work;
	if (r->work <= WORK_MAX)
		return false;
	prs_yaml_find(r->d, PRS_MISTAKE, at, "too many keys or anchors in one file");
	return stop(r) == NULL;
}

/* What libyaml says, and what it mostly means. */
static const struct {
	const char *problem, *context, *ours;
} sentences[] = {
	{ "mapping values are not allowed in this context", NULL,
	  "a \":\" where none can be: the indentation does not fit the line above, or a text that holds \": \" needs "
	  "quotes" },
	{ "did not find expected key", NULL,
	  "the line does not fit those above: expected a key at the same indentation" },
	{ "did not find expected '-' indicator", NULL,
	  "the line does not fit the list above: expected \"- \" at the same indentation" },
	{ "could not find expected ':'", NULL,
	  "expected \": \" behind a key (a text of several lines needs quotes or >-)" },
	{ "did not find expected ',' or ']'", NULL, "a list in [ ] is not closed: expected , or ]" },
	{ "did not find expected ',' or '}'", NULL, "keys and values in { } are not closed: expected , or }" },
	{ "found unexpected end of stream", NULL, "a text in quotes is not closed" },
	{ "found unexpected document indicator", NULL, "a text in quotes is not closed" },
	{ "found unknown escape character", NULL,
	  "an unknown \\ in a text in double quotes: write \\\\, or use single quotes" },
	{ "did not find expected alphabetic or numeric character", "while scanning an alias",
	  "a text that begins with * needs quotes (* refers to an anchor)" },
	{ "did not find expected alphabetic or numeric character", "while scanning an anchor",
	  "a text that begins with & needs quotes (& names an anchor)" },
	{ "block sequence entries are not allowed in this context", NULL,
	  "a list cannot begin here: put its \"- \" lines below the key" },
	{ "did not find expected node content", NULL, "expected a value" },
	{ "did not find expected <document start>", NULL,
	  "text behind the end of the document: the line is not indented like a key" },
	{ "found undefined tag handle", NULL, "a text that begins with ! needs quotes (! begins a tag)" },
	{ "did not find URI escape octet", NULL, "a text that begins with ! needs quotes (! begins a tag)" },
};

static void syntax_error(struct reading *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "cannot be read";
	if (p->error == YAML_MEMORY_ERROR) {
		r->d->failed = true;
		return;
	}
	struct prs_mark at = mark_of(r, p->problem_mark, p->problem_mark);
	if (p->error == YAML_READER_ERROR)
		at = yaml_mark_at(r->d, r->source, p->problem_offset);
	bool at_end = p->context && (!yaml_char_at(r->d, at) || !strncmp(problem, "did not find expected ','", 25)) &&
	              at.line > p->context_mark.line + 1;
	if (!strcmp(problem, "found unexpected end of stream") ||
	    !strcmp(problem, "found unexpected document indicator") || at_end)
		at = mark_of(r, p->context_mark, p->context_mark); /* where the quote or bracket opens */
	if (strstr(problem, "found a tab character")) {
		prs_yaml_find(r->d, PRS_MISTAKE, at, "a tab: YAML indents with blanks only");
		return;
	}
	if (!strcmp(problem, "mapping values are not allowed in this context") && yaml_colon_without_blank(r->d, at)) {
		prs_yaml_find(r->d, PRS_MISTAKE, at, "the line above lacks a blank behind its colon");
		return;
	}
	if (!strcmp(problem, "found character that cannot start any token")) {
		char c = yaml_char_at(r->d, at);
		if (c == '\t')
			prs_yaml_find(r->d, PRS_MISTAKE, at, "a tab: YAML indents with blanks only");
		else
			prs_yaml_find(r->d, PRS_MISTAKE, at, "a text that begins with %c needs quotes", c);
		return;
	}
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
		if (!strcmp(problem, sentences[i].problem) &&
		    (!sentences[i].context || (p->context && !strcmp(p->context, sentences[i].context)))) {
			prs_yaml_find(r->d, PRS_MISTAKE, at, "%s%s", sentences[i].ours,
			              yaml_line_has_tab(r->d, at)
			                      ? " (the line holds a tab: YAML indents with blanks only)"
			                      : "");
			return;
		}
	}
	prs_yaml_find(r->d, PRS_MISTAKE, at, "%s%s%s", p->context ? p->context : "", p->context ? ": " : "", problem);
}

static bool next(struct reading *r, yaml_event_t *e)
{
	if (r->stopped || r->d->failed || !yaml_parser_parse(&r->parser, e)) {
		if (!r->stopped && !r->d->failed)
			syntax_error(r);
		r->stopped = true;
		return false;
	}
	return true;
}

static void remember(struct reading *r, const yaml_char_t *name, struct prs_yaml *n, struct anchor **ret)
{
	struct anchor *a = name && n ? yaml_alloc(r->d, sizeof *a) : NULL;
	if (!a)
		return;
	*a = (struct anchor){ r->anchors, yaml_text(r->d, (const char *)name, strlen((const char *)name)), n, true };
	r->anchors = a->name ? a : r->anchors;
	*ret = a;
}

static struct prs_yaml *alias(struct reading *r, const yaml_event_t *e, struct prs_mark at)
{
	const char *name = (const char *)e->data.alias.anchor;
	const struct anchor *a = r->anchors;
	for (; a && strcmp(a->name, name) != 0; a = a->next)
		if (too_much(r, 1, at))
			return NULL;
	if (a && !a->open)
		return a->node;
	if (a)
		prs_yaml_find(r->d, PRS_MISTAKE, at, "*%s stands inside &%s: it would contain itself", name, name);
	else
		prs_yaml_find(r->d, PRS_MISTAKE, at,
		              "*%s: there is no anchor &%s above (a text that begins with * needs quotes)", name, name);
	return stop(r);
}

/* Tags of the core types are understood, others are mistakes. */
static bool tag_is_text(struct reading *r, const yaml_char_t *raw, struct prs_mark at)
{
	static const char core[] = "tag:yaml.org,2002:";
	static const char *const known[] = { "int", "float", "bool", "null", "map", "seq", NULL };
	const char *tag = (const char *)raw;
	if (!tag)
		return false;
	if (!strcmp(tag, "!"))
		return true;
	if (!strncmp(tag, core, sizeof core - 1)) {
		if (!strcmp(tag + sizeof core - 1, "str"))
			return true;
		if (one_of(tag + sizeof core - 1, known))
			return false;
	}
	prs_yaml_find(r->d, PRS_MISTAKE, at,
	              "the tag %s is not known in a job file (a text that begins with ! needs quotes)", tag);
	return true;
}

static struct prs_yaml *scalar(struct reading *r, const yaml_event_t *e, struct prs_mark at)
{
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag_is_text(r, e->data.scalar.tag, at);
	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		tag_is_text(r, e->data.scalar.quoted_implicit ? NULL : e->data.scalar.tag, at);
	const char *text = (const char *)e->data.scalar.value;
	if (memchr(text, 0, e->data.scalar.length)) {
		prs_yaml_find(r->d, PRS_MISTAKE, at, "a text cannot hold a 0 byte");
		return stop(r);
	}
	return prs_yaml_new_scalar(r->d, at, text, e->data.scalar.length, plain);
}

static struct prs_yaml *node(struct reading *r, const yaml_event_t *e, unsigned depth);

static void items(struct reading *r, struct prs_yaml *to, unsigned depth)
{
	yaml_event_t e;
	while (next(r, &e)) {
		bool end = e.type == YAML_SEQUENCE_END_EVENT;
		struct prs_yaml *item = end ? NULL : node(r, &e, depth + 1);
		yaml_event_delete(&e);
		if (end)
			return;
		add(r->d, to, NULL, item);
	}
}

static void merge_one(struct reading *r, struct prs_yaml *to, const struct prs_yaml *from, struct prs_mark at)
{
	if (from->kind != PRS_YAML_MAP) {
		prs_yaml_find(r->d, PRS_MISTAKE, at, "<<: expected keys and values to merge, found %s",
		              prs_yaml_kind_name(from));
		return;
	}
	for (size_t i = 0; i < from->n && !too_much(r, to->n + 1, at); i++)
		if (!prs_yaml_key(to, from->keys[i]->text))
			add(r->d, to, from->keys[i], from->items[i]);
}

/* `<<: *a` or `<<: [*a, *b]`, behind the map's own keys: those win. */
static void merge(struct reading *r, struct prs_yaml *to, const struct prs_yaml *value, struct prs_mark at)
{
	if (value->kind != PRS_YAML_LIST) {
		merge_one(r, to, value, at);
		return;
	}
	for (size_t i = 0; i < value->n && !too_much(r, 1, at); i++)
		merge_one(r, to, value->items[i], at);
}

static void add_pair(struct reading *r, struct prs_yaml *to, struct prs_yaml *key, struct prs_yaml *value)
{
	if (too_much(r, to->n, key->at))
		return;
	const struct prs_yaml *first = prs_yaml_key(to, key->text);
	if (first) {
		prs_yaml_find(r->d, PRS_MISTAKE, key->at, "%s is given twice (first in line %u): keep one", key->text,
		              first->at.line);
		return;
	}
	add(r->d, to, key, value);
}

static void pairs(struct reading *r, struct prs_yaml *to, unsigned depth)
{
	yaml_event_t e;
	const struct prs_yaml *merged[16];
	struct prs_mark at[16];
	unsigned merged_n = 0;
	while (next(r, &e)) {
		bool end = e.type == YAML_MAPPING_END_EVENT;
		struct prs_yaml *key = end ? NULL : node(r, &e, depth + 1);
		yaml_event_delete(&e);
		if (end)
			break;
		if (key && key->kind != PRS_YAML_SCALAR) {
			prs_yaml_find(r->d, PRS_MISTAKE, key->at, "a key must be a text, found %s",
			              prs_yaml_kind_name(key));
			stop(r);
		}
		if (!key || r->stopped || !next(r, &e))
			return;
		struct prs_yaml *value = node(r, &e, depth + 1);
		yaml_event_delete(&e);
		if (!value)
			return;
		if (key->plain && !strcmp(key->text, "<<") && merged_n < 16) {
			at[merged_n] = value->at;
			merged[merged_n++] = value;
		} else {
			add_pair(r, to, key, value);
		}
	}
	for (unsigned i = 0; i < merged_n; i++)
		merge(r, to, merged[i], at[i]);
}

static struct prs_yaml *node(struct reading *r, const yaml_event_t *e, unsigned depth)
{
	struct prs_mark at = mark_of(r, e->start_mark, e->end_mark);
	if (++r->nodes > PRS_YAML_NODES_MAX || depth > PRS_YAML_DEPTH_MAX) {
		if (depth > PRS_YAML_DEPTH_MAX)
			prs_yaml_find(r->d, PRS_MISTAKE, at, "nested deeper than %d levels", PRS_YAML_DEPTH_MAX);
		else
			prs_yaml_find(r->d, PRS_MISTAKE, at, "more than %d values in one file", PRS_YAML_NODES_MAX);
		return stop(r);
	}
	struct anchor *a = NULL;
	struct prs_yaml *n = NULL;
	switch (e->type) {
	case YAML_ALIAS_EVENT: return alias(r, e, at);
	case YAML_SCALAR_EVENT:
		n = scalar(r, e, at);
		remember(r, e->data.scalar.anchor, n, &a);
		break;
	case YAML_SEQUENCE_START_EVENT:
		n = new_node(r->d, PRS_YAML_LIST, at);
		remember(r, e->data.sequence_start.anchor, n, &a);
		tag_is_text(r, e->data.sequence_start.tag, at);
		if (n)
			items(r, n, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		n = new_node(r->d, PRS_YAML_MAP, at);
		remember(r, e->data.mapping_start.anchor, n, &a);
		tag_is_text(r, e->data.mapping_start.tag, at);
		if (n)
			pairs(r, n, depth);
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return stop(r);
	}
	if (a)
		a->open = false;
	if (n && e->end_mark.line + 1 > n->end_line)
		n->end_line = (uint32_t)e->end_mark.line + 1;
	return r->stopped ? NULL : n;
}

/* stream, document, one node, end */
static struct prs_yaml *document(struct reading *r)
{
	struct prs_yaml *root = NULL;
	yaml_event_t e;
	while (next(r, &e)) {
		yaml_event_type_t type = e.type;
		struct prs_mark at = mark_of(r, e.start_mark, e.end_mark);
		if (type == YAML_DOCUMENT_START_EVENT && root)
			prs_yaml_find(r->d, PRS_MISTAKE, at, "a second document begins here: a job file has one");
		bool done = type == YAML_STREAM_END_EVENT || (type == YAML_DOCUMENT_START_EVENT && root);
		if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
		    type != YAML_DOCUMENT_END_EVENT && !done)
			root = node(r, &e, 0);
		yaml_event_delete(&e);
		if (done)
			return root;
	}
	return NULL;
}

static struct prs_yaml *parse(struct prs_yaml_doc *d, uint32_t source)
{
	struct reading r = { .d = d, .source = source };
	if (!yaml_parser_initialize(&r.parser)) {
		d->failed = true;
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)d->sources[source].text, d->sources[source].n);
	struct prs_yaml *root = document(&r);
	yaml_parser_delete(&r.parser);
	return d->failed ? NULL : root;
}

struct prs_yaml *prs_yaml_read(struct prs_yaml_doc *d, const char *name, const char *dir, const uint8_t *bytes,
                               size_t n)
{
	unsigned before = prs_yaml_count(d, PRS_MISTAKE);
	uint32_t source = yaml_add_source(d, name, dir, bytes, n);
	if (d->failed || !yaml_check_bytes(d, source, bytes, n))
		return NULL;
	struct prs_yaml *root = parse(d, source);
	if (prs_yaml_count(d, PRS_MISTAKE) > before && !root)
		return NULL;
	struct prs_mark whole = { source, 0, 0, 0 };
	if (!root || (root->kind == PRS_YAML_SCALAR && root->type == PRS_YAML_NULL)) {
		prs_yaml_find(d, PRS_MISTAKE, whole, "the file is empty");
		return NULL;
	}
	if (root->kind != PRS_YAML_MAP) {
		prs_yaml_find(d, PRS_MISTAKE, root->at, "expected keys and values (\"type: pipeline\" ...), found %s",
		              prs_yaml_kind_name(root));
		return NULL;
	}
	return root;
}

/* ---- --set ------------------------------------------------------------------------------------------------------- */

struct prs_yaml *prs_yaml_value(struct prs_yaml_doc *d, const char *name, const char *dir, const char *text)
{
	uint32_t source = yaml_add_source(d, name, dir, (const uint8_t *)text, strlen(text));
	if (d->failed || !yaml_check_bytes(d, source, (const uint8_t *)text, strlen(text)))
		return NULL;
	d->sources[source].is_argument = true;
	size_t findings = d->findings_n;
	struct prs_yaml *v = parse(d, source);
	bool good = v && d->findings_n == findings;
	d->findings_n = findings; /* text that is no YAML is a text */
	struct prs_mark at = { source, 1, 1, (uint32_t)strlen(text) };
	return good ? v : prs_yaml_new_scalar(d, at, text, strlen(text), !text[0]);
}

/* The next part of a dotted path, without its \; returns what stands behind its dot, NULL at the end. */
static const char *path_part(struct prs_yaml_doc *d, const char *path, char **ret)
{
	char *s = yaml_alloc(d, strlen(path) + 1);
	size_t n = 0;
	*ret = s;
	for (; s && *path && *path != '.'; path++) {
		if (*path == '\\' && path[1])
			path++;
		s[n++] = *path;
	}
	return *path ? path + 1 : NULL;
}

/* The longest key of the map that the path begins with, when it holds dots: its length in the path, else 0. */
static size_t dotted_key(const struct prs_yaml *in, const char *path, const char **ret_key)
{
	size_t longest = 0;
	for (size_t i = 0; in->kind == PRS_YAML_MAP && i < in->n; i++) {
		const char *key = in->keys[i]->text;
		size_t n = strlen(key);
		bool begins = n > longest && strchr(key, '.') && !strncmp(path, key, n);
		if (!begins || (path[n] && path[n] != '.'))
			continue;
		longest = n;
		*ret_key = key;
	}
	return longest;
}

/* The first part of the path in a map or list, and what is left behind it; NULL = nothing. */
static const char *first_part(struct prs_yaml_doc *d, const struct prs_yaml *in, const char *path, const char **ret)
{
	char *part;
	size_t n = dotted_key(in, path, ret);
	if (n)
		return path[n] ? path + n + 1 : NULL;
	const char *rest = path_part(d, path, &part);
	*ret = part;
	return rest;
}

static struct prs_yaml **slot_of(struct prs_yaml_doc *d, struct prs_yaml *in, const char *part, struct prs_mark at)
{
	if (in->kind == PRS_YAML_MAP) {
		size_t i = index_of(in, part, strlen(part));
		if (i == SIZE_MAX) {
			struct prs_yaml *key = prs_yaml_new_scalar(d, at, part, strlen(part), false),
					*none = prs_yaml_new_scalar(d, at, "", 0, true);
			i = in->n;
			add(d, in, key, none);
		}
		return i < in->n ? &in->items[i] : NULL;
	}
	char *end;
	unsigned long i = strtoul(part, &end, 10);
	return *part && !*end && i < in->n ? &in->items[i] : NULL;
}

/* A copy that shares its items: a node behind an alias is not changed elsewhere. */
static struct prs_yaml *own_copy(struct prs_yaml_doc *d, const struct prs_yaml *n)
{
	struct prs_yaml *c = yaml_alloc(d, sizeof *c);
	if (!c)
		return NULL;
	*c = *n;
	c->cap = c->n; /* the next add() makes new arrays */
	c->items = yaml_alloc(d, (n->n + 1) * sizeof *c->items);
	if (!c->items)
		return NULL;
	if (n->n)
		memcpy(c->items, n->items, n->n * sizeof *c->items);
	return c;
}

void prs_yaml_set(struct prs_yaml_doc *d, struct prs_yaml *root, const char *path, struct prs_yaml *value)
{
	struct prs_yaml *in = root;
	while (value && in) {
		const char *part = NULL, *rest = first_part(d, in, path, &part);
		struct prs_yaml **slot = part ? slot_of(d, in, part, value->at) : NULL;
		if (d->failed)
			return;
		if (!slot) {
			prs_yaml_find(d, PRS_MISTAKE, value->at, "the list has %s: %s is not one of 0 to %zu",
			              prs_many(in->n, "item").text, part, in->n ? in->n - 1 : 0);
			return;
		}
		if (!rest) {
			*slot = value;
			return;
		}
		bool leaf = (*slot)->kind == PRS_YAML_SCALAR;
		if (leaf && (*slot)->type != PRS_YAML_NULL) {
			prs_yaml_find(d, PRS_MISTAKE, value->at, "%s is %s (%s): it has nothing inside to set", part,
			              prs_yaml_kind_name(*slot), prs_yaml_where(d, (*slot)->at));
			return;
		}
		in = *slot = leaf ? new_node(d, PRS_YAML_MAP, value->at) : own_copy(d, *slot);
		path = rest;
	}
}
