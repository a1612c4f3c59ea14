/* SPDX-License-Identifier: Apache-2.0
 * partition: the format becomes tokens, which are matched against the end of the path with backtracking; what failed
 * once is remembered, so no path takes long.
 */
#include "base/partition.h"

#include "base/hive.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum kind { TEXT, ONE, ANY, KEY, DIGITS };
enum part { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };

struct token {
	enum kind kind;
	char text;   /* TEXT */
	uint8_t key; /* KEY, DIGITS */
	uint8_t part, digits;
};

struct key {
	char *name;
	bool date;
	bool hive; /* it stands behind a = */
	const char *value; /* of the path that is matched */
	size_t n;
	int parts[PARTS];
};

struct prs_partition {
	char *format;
	struct token tokens[PRS_PARTITION_FORMAT_MAX];
	size_t tokens_n, slashes;
	struct key keys[PRS_PARTITION_KEYS_MAX];
	unsigned keys_n;
	uint8_t wanted[PRS_PARTITION_KEYS_MAX];
	unsigned wanted_n;
	uint8_t *dead; /* a bit for each token and place: nothing fits from there on */
	size_t dead_bytes;
};

const char *prs_partition_format(const struct prs_partition *p) { return p->format; }

void prs_partition_free(struct prs_partition *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->keys_n; i++)
		prs_freep(&p->keys[i].name);
	prs_freep(&p->format);
	prs_freep(&p->dead);
	prs_freep(&p);
}

/* ---- the format -------------------------------------------------------------------------------------------------- */

static int wrong(const struct prs_partition *p, const char *why, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, "partition_format \"%.200s\": %s", p->format, why);
}

static void add_token(struct prs_partition *p, struct token t)
{
	p->slashes += t.kind == TEXT && t.text == '/';
	p->tokens[p->tokens_n++] = t; /* never more than the format has characters */
}

static int add_date(struct prs_partition *p, const char *s, size_t n, struct prs_err *err)
{
	static const char *const parts[PARTS] = { "yyyy", "MM", "dd", "HH", "mm", "ss" };
	bool seen[PARTS] = { false };
	for (size_t i = 0; i < n;) {
		unsigned k = 0;
		while (k < PARTS && (strlen(parts[k]) > n - i || strncmp(s + i, parts[k], strlen(parts[k])) != 0))
			k++;
		if (k == PARTS) {
			if (isalnum((unsigned char)s[i]))
				return wrong(p, "a date is made of yyyy, MM, dd, HH, mm and ss", err);
			add_token(p, (struct token){ .kind = TEXT, .text = s[i++] });
			continue;
		}
		if (seen[k])
			return wrong(p, "a part of a date is there twice", err);
		seen[k] = true;
		add_token(p, (struct token){ .kind = DIGITS,
		                             .key = (uint8_t)p->keys_n,
		                             .part = (uint8_t)k,
		                             .digits = (uint8_t)strlen(parts[k]) });
		i += strlen(parts[k]);
	}
	return seen[YEAR] ? 0 : wrong(p, "a date needs its year: yyyy", err);
}

/* "name" or "name:yyyy/MM/dd", between the braces */
static int add_key(struct prs_partition *p, const char *s, size_t n, struct prs_err *err)
{
	const char *colon = memchr(s, ':', n);
	size_t name_n = colon ? (size_t)(colon - s) : n;
	if (!name_n || memchr(s, '/', name_n) || memchr(s, '{', n))
		return wrong(p, "between { and } stands the name of a key", err);
	if (memchr(s, ',', name_n))
		return wrong(p, "a comma cannot be in the name of a key", err);
	if (p->keys_n == PRS_PARTITION_KEYS_MAX)
		return wrong(p, "more keys than 32", err);
	for (unsigned i = 0; i < p->keys_n; i++)
		if (strlen(p->keys[i].name) == name_n && !strncmp(p->keys[i].name, s, name_n))
			return wrong(p, "a key is there twice", err);
	int r = 0;
	bool behind_equals = p->tokens_n && p->tokens[p->tokens_n - 1].text == '=';
	if (colon)
		r = add_date(p, colon + 1, n - name_n - 1, err);
	else
		add_token(p, (struct token){ .kind = KEY, .key = (uint8_t)p->keys_n });
	struct key *k = &p->keys[p->keys_n++];
	k->date = colon;
	k->hive = behind_equals;
	k->name = prs_strf("%.*s", (int)name_n, s);
	if (r < 0)
		return r;
	return k->name ? 0 : prs_fail(err, PRS_ENOMEM, "partition_format");
}

static enum kind kind_of(char c)
{
	if (c == '*')
		return ANY;
	return c == '?' ? ONE : TEXT;
}

static int compile(struct prs_partition *p, struct prs_err *err)
{
	const char *s = p->format + (p->format[0] == '/');
	while (*s) {
		const char *stop = *s == '{' ? strchr(s, '}') : NULL;
		if (*s == '{' && !stop)
			return wrong(p, "a { without its }", err);
		if (stop) {
			int r = add_key(p, s + 1, (size_t)(stop - s) - 1, err);
			if (r < 0)
				return r;
			s = stop + 1;
			continue;
		}
		add_token(p, (struct token){ .kind = kind_of(*s), .text = *s });
		s++;
	}
	return p->keys_n ? 0 : wrong(p, "it has no {key}", err);
}

static int unknown_key(const struct prs_partition *p, const char *key, struct prs_err *err)
{
	char names[256];
	size_t at = 0;
	for (unsigned i = 0; i < p->keys_n && at < sizeof names; i++)
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", p->keys[i].name);
	return prs_fail(err, PRS_EINVALID, "partition key %.100s is not in partition_format \"%.200s\" (%s)", key,
	                p->format, names);
}

static int choose(struct prs_partition *p, const struct prs_list *keys, struct prs_err *err)
{
	for (size_t i = 0; i < keys->n; i++) {
		unsigned k = 0;
		while (k < p->keys_n && strcmp(p->keys[k].name, keys->v[i]) != 0)
			k++;
		if (k == p->keys_n)
			return unknown_key(p, keys->v[i], err);
		for (unsigned w = 0; w < p->wanted_n; w++)
			if (p->wanted[w] == k)
				return prs_fail(err, PRS_EINVALID, "partition key %.100s is given twice", keys->v[i]);
		p->wanted[p->wanted_n++] = (uint8_t)k;
	}
	return p->wanted_n ? 0 : prs_fail(err, PRS_EINVALID, "partition_keys: expected at least one key");
}

struct prs_partition *prs_partition_new(const char *format, const struct prs_list *keys, struct prs_err *err)
{
	if (strlen(format) >= PRS_PARTITION_FORMAT_MAX) {
		prs_fail(err, PRS_EINVALID, "partition_format is longer than %d characters",
		         PRS_PARTITION_FORMAT_MAX - 1);
		return NULL;
	}
	struct prs_partition *p = prs_calloc(1, sizeof *p);
	if (p)
		p->format = prs_strdup(format);
	int r = p && p->format ? 0 : prs_fail(err, PRS_ENOMEM, "partition_format");
	if (!r)
		r = compile(p, err);
	if (!r && keys)
		r = choose(p, keys, err);
	if (!r)
		return p;
	prs_partition_free(p);
	return NULL;
}

/* ---- a path ------------------------------------------------------------------------------------------------------ */

struct walk {
	struct prs_partition *p;
	const char *from;
	size_t n; /* characters of the path's end that the format is about */
};

static bool take_digits(struct prs_partition *p, const struct token *t, const char *at)
{
	int v = 0;
	for (unsigned i = 0; i < t->digits; i++) {
		if (!isdigit((unsigned char)at[i]))
			return false;
		v = v * 10 + (at[i] - '0');
	}
	p->keys[t->key].parts[t->part] = v;
	return true;
}

static bool fits(struct walk *w, size_t t, size_t at);

/* A key or `*` from `at` on: as little as it can. */
static bool fits_some(struct walk *w, size_t t, size_t at)
{
	struct prs_partition *p = w->p;
	const struct token *token = &p->tokens[t];
	size_t bit = t * (w->n + 1) + at;
	if (p->dead[bit / 8] >> bit % 8 & 1)
		return false;
	for (size_t n = token->kind == KEY; at + n <= w->n; n++) {
		if (n && w->from[at + n - 1] == '/')
			break;
		if (!fits(w, t + 1, at + n))
			continue;
		if (token->kind == KEY) {
			p->keys[token->key].value = w->from + at;
			p->keys[token->key].n = n;
		}
		return true;
	}
	p->dead[bit / 8] |= (uint8_t)(1u << bit % 8);
	return false;
}

static bool fits(struct walk *w, size_t t, size_t at)
{
	struct prs_partition *p = w->p;
	for (; t < p->tokens_n; t++) {
		const struct token *token = &p->tokens[t];
		switch (token->kind) {
		case KEY:
		case ANY: return fits_some(w, t, at);
		case TEXT:
		case ONE:
			if (at == w->n || (token->kind == TEXT ? w->from[at] != token->text : w->from[at] == '/'))
				return false;
			at++;
			break;
		case DIGITS:
			if (w->n - at < token->digits || !take_digits(p, token, w->from + at))
				return false;
			at += token->digits;
			break;
		}
	}
	return at == w->n;
}

static bool is_day(const int v[PARTS])
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (v[YEAR] % 4 == 0 && v[YEAR] % 100) || v[YEAR] % 400 == 0;
	return v[YEAR] >= 1 && v[MONTH] >= 1 && v[MONTH] <= 12 && v[DAY] >= 1 &&
	       v[DAY] <= days[v[MONTH] - 1] + (v[MONTH] == 2 && leap) && v[HOUR] <= 23 && v[MINUTE] <= 59 &&
	       v[SECOND] <= 59;
}

/* As many folders as the format has; NULL = the path has fewer. */
static const char *end_of(const char *path, size_t slashes)
{
	const char *at = path + strlen(path);
	while (at > path)
		if (*--at == '/' && slashes-- == 0)
			return at + 1;
	return slashes ? NULL : path;
}

static int make_room(struct walk *w)
{
	size_t bytes = (w->p->tokens_n * (w->n + 1)) / 8 + 1;
	if (bytes > w->p->dead_bytes) {
		uint8_t *v = prs_realloc(w->p->dead, bytes);
		if (!v)
			return -PRS_ENOMEM;
		w->p->dead = v;
		w->p->dead_bytes = bytes;
	}
	memset(w->p->dead, 0, bytes);
	return 0;
}

static void put_value(const struct key *k, struct prs_buf *to)
{
	prs_buf_put(to, k->name, strlen(k->name) + 1);
	if (k->hive && !k->date) {
		prs_hive_put_value(to, k->value, k->n);
		return;
	}
	prs_buf_putc(to, k->date ? 'd' : 's');
	if (k->date)
		prs_buf_putf(to, "%04d-%02d-%02dT%02d:%02d:%02d", k->parts[YEAR], k->parts[MONTH], k->parts[DAY],
		             k->parts[HOUR], k->parts[MINUTE], k->parts[SECOND]);
	else
		prs_buf_put(to, k->value, k->n);
	prs_buf_putc(to, 0);
}

int prs_partition_match(struct prs_partition *p, const char *path, struct prs_buf *to)
{
	struct walk w = { .p = p, .from = end_of(path, p->slashes) };
	if (!w.from)
		return 0;
	w.n = strlen(w.from);
	if (make_room(&w) < 0)
		return -PRS_ENOMEM;
	for (unsigned i = 0; i < p->keys_n; i++)
		memcpy(p->keys[i].parts, (const int[PARTS]){ 0, 1, 1, 0, 0, 0 }, sizeof p->keys[i].parts);
	if (!fits(&w, 0, 0))
		return 0;
	for (unsigned i = 0; i < p->keys_n; i++)
		if (p->keys[i].date && !is_day(p->keys[i].parts))
			return 0;
	for (unsigned i = 0; i < p->wanted_n; i++)
		put_value(&p->keys[p->wanted[i]], to);
	return to->failed ? to->failed : 1;
}
