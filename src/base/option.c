/* SPDX-License-Identifier: Apache-2.0
 * option: one function sets every option from text, one gives it back as text; both by the type in its row.
 */
#include "base/option.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = PRS_OPTION_WORD_MAX };

static const struct prs_option_row rows[] = {
#define PRS_OPTION(field, TYPE, flag, aliases, v1, v2, min, max, def, group, resume, unit, help) \
	{ (flag) + 2,                                                                            \
	  PRS_OPTION_##TYPE,                                                                     \
	  (flag),                                                                                \
	  (aliases),                                                                             \
	  (v1),                                                                                  \
	  (v2),                                                                                  \
	  (min),                                                                                 \
	  (max),                                                                                 \
	  (def),                                                                                 \
	  (group),                                                                               \
	  (unit),                                                                                \
	  (help),                                                                                \
	  PRS_RESUME_##resume,                                                                   \
	  offsetof(struct prs_options, field) },
#include "base/options.def"
#undef PRS_OPTION
};

const struct prs_option_row *prs_option_at(unsigned id) { return id < PRS_OPTIONS ? &rows[id] : NULL; }

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Is the word that name? '_' counts as '-'; n = how many bytes to look at. */
static bool same_name(const char *name, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (name[i] != (word[i] == '_' ? '-' : word[i]))
			return false;
		if (!name[i])
			return true;
	}
	return true;
}

const char *prs_option_spelling(const struct prs_option_row *row, unsigned i, char *to)
{
	const char *p = i ? row->aliases : row->flag;
	while (i > 1 && *p) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
		i--;
	}
	snprintf(to, WORD_MAX, "%.*s", (int)strcspn(p, " "), p);
	return to[0] ? to : NULL;
}

static bool is_long(const char *flag) { return flag[0] == '-' && flag[1] == '-'; }

/* Is `word` a spelling of the option, or (not `whole`) the beginning of a long one? Without dashes only long ones are
 * looked at. */
static bool matches(const struct prs_option_row *row, const char *word, bool whole)
{
	char name[WORD_MAX];
	bool bare = word[0] != '-';
	for (unsigned i = 0; prs_option_spelling(row, i, name); i++) {
		if ((bare || !whole) && !is_long(name))
			continue;
		if (same_name(bare ? name + 2 : name, word, whole ? WORD_MAX : strlen(word)))
			return true;
	}
	return false;
}

unsigned prs_option_match(const char *word, bool prefix, const struct prs_option_row **ret, unsigned max)
{
	unsigned n = 0;
	for (unsigned i = 0; i < PRS_OPTIONS; i++) {
		if (matches(&rows[i], word, true)) {
			ret[0] = &rows[i];
			return 1;
		}
	}
	if (!prefix || !word[strspn(word, "-")] || (word[0] == '-' && !is_long(word)))
		return 0;
	for (unsigned i = 0; i < PRS_OPTIONS; i++) {
		if (!rows[i].group[0] || !matches(&rows[i], word, false))
			continue;
		if (n < max)
			ret[n] = &rows[i];
		n++;
	}
	return n;
}

bool prs_option_is_path(const struct prs_option_row *row)
{
	static const char *const words[] = { "PATH", "FILE", "DIR" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (row->type != PRS_OPTION_CHOICE && strstr(row->unit, words[i]))
			return true;
	return false;
}

bool prs_option_adds_up(const struct prs_option_row *row)
{
	return row == &rows[PRS_OPTION_ID_environment_variable] || row == &rows[PRS_OPTION_ID_secret];
}

const struct prs_option_row *prs_option_find(const char *word, bool prefix)
{
	const struct prs_option_row *found;
	return prs_option_match(word, prefix, &found, 1) == 1 ? found : NULL;
}

unsigned prs_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n >= WORD_MAX || m >= WORD_MAX)
		return WORD_MAX;
	unsigned d[3][WORD_MAX] = { { 0 } };
	for (size_t j = 0; j <= m; j++)
		d[1][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *before = d[(i + 2) % 3], *last = d[i % 3], *now = d[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned cost = a[i - 1] != b[j - 1];
			unsigned best = last[j - 1] + cost;
			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[(n + 1) % 3][m];
}

const char *prs_option_nearest(const char *word)
{
	static char best[WORD_MAX];
	unsigned least = 4;
	char name[WORD_MAX], mine[WORD_MAX];
	snprintf(mine, sizeof mine, "%s%s", word[0] == '-' ? "" : "--", word);
	for (char *p = mine; *p; p++)
		*p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	for (unsigned i = 0; i < PRS_OPTIONS; i++)
		for (unsigned k = 0; rows[i].group[0] && prs_option_spelling(&rows[i], k, name); k++) {
			unsigned far = prs_distance(mine, name);
			if (far < least && far < strlen(name) / 2) {
				least = far;
				memcpy(best, name, sizeof best);
			}
		}
	return least < 4 ? best : NULL;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void *field_of(const struct prs_options *o, const struct prs_option_row *row)
{
	return (char *)(uintptr_t)o + row->offset;
}

static void set_unset(struct prs_options *o, const struct prs_option_row *row)
{
	void *f = field_of(o, row);
	switch (row->type) {
	case PRS_OPTION_INT:
	case PRS_OPTION_COUNT:
	case PRS_OPTION_SIZE: *(int64_t *)f = PRS_UNSET; break;
	case PRS_OPTION_SECONDS: *(uint64_t *)f = PRS_UNSET_US; break;
	case PRS_OPTION_NUM: *(double *)f = NAN; break;
	case PRS_OPTION_BOOL: *(bool *)f = false; break;
	case PRS_OPTION_CHOICE: *(int *)f = 0; break;
	case PRS_OPTION_TEXT: *(char **)f = NULL; break;
	case PRS_OPTION_LIST: *(struct prs_list *)f = (struct prs_list){ 0 }; break;
	}
}

int prs_options_init(struct prs_options *o, struct prs_err *err)
{
	memset(o, 0, sizeof *o);
	for (unsigned i = 0; i < PRS_OPTIONS; i++) {
		set_unset(o, &rows[i]);
		int r = rows[i].def[0] ? prs_option_set(o, &rows[i], rows[i].def, "default", err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

void prs_options_done(struct prs_options *o)
{
	for (unsigned i = 0; i < PRS_OPTIONS; i++) {
		if (rows[i].type == PRS_OPTION_TEXT)
			prs_freep(field_of(o, &rows[i]));
		if (rows[i].type == PRS_OPTION_LIST)
			prs_list_done(field_of(o, &rows[i]));
	}
}

static int wrong(const struct prs_option_row *row, const char *value, const char *where, const char *expected,
                 struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, "%s: expected %s, found \"%.100s\"", where ? where : row->flag, expected,
	                value);
}

static int set_int(int64_t *to, const struct prs_option_row *row, const char *value, const char *where,
                   struct prs_err *err)
{
	char expected[96], *end;
	snprintf(expected, sizeof expected, "a whole number from %.0f to %.0f", row->min, row->max);
	errno = 0;
	long long v = strtoll(value, &end, 10);
	if (end == value || *end || errno || isspace((unsigned char)value[0]) || (double)v < row->min ||
	    (double)v > row->max)
		return wrong(row, value, where, expected, err);
	*to = v;
	return 0;
}

/* A number of files, or of bytes with KB, MB, GB (x 1024), as the original reads it: so "10mb" is 10485760 files. Its
 * messages word for word. */
static int set_count(int64_t *to, const struct prs_option_row *row, const char *value, const char *where,
                     struct prs_err *err)
{
	static const char units[] = "kmg";
	size_t digits = strspn(value, "0123456789"), n = digits;
	while (value[n] && strchr(units, tolower((unsigned char)value[n])) &&
	       tolower((unsigned char)value[n + 1]) == 'b')
		n += 2;
	if (!digits || value[n])
		return prs_fail(err, PRS_EINVALID,
		                "%s: Parameter mini_batch_size must follow regex rule ^\\d+([kKmMgG][bB])*$, found "
		                "\"%.100s\"",
		                where ? where : row->flag, value);
	if (n > digits + 2)
		return prs_fail(err, PRS_EINVALID, "%s: mini_batch_size unit must be kb, mb or gb, found \"%.100s\"",
		                where ? where : row->flag, value);
	char expected[96];
	snprintf(expected, sizeof expected, "a whole number from %.0f to %.0f (2gb)", row->min, row->max);
	double v = strtod(value, NULL); /* digits alone: "10kb" gives 10 */
	for (const char *u = units; n > digits && u <= strchr(units, tolower((unsigned char)value[digits])); u++)
		v *= 1024;
	if (v < row->min || v > row->max)
		return wrong(row, value, where, expected, err);
	*to = (int64_t)v;
	return 0;
}

static int set_number(double *to, const struct prs_option_row *row, const char *value, const char *where,
                      struct prs_err *err)
{
	char expected[96], *end;
	bool seconds = row->type == PRS_OPTION_SECONDS;
	snprintf(expected, sizeof expected, seconds ? "seconds above %.0f, up to %.0f" : "a number from %.0f to %.0f",
	         row->min, row->max);
	double v = strtod(value, &end);
	bool decimal = value[strspn(value, "+-.0123456789eE")] == 0; /* not inf, nan, 0x10 */
	if (end == value || *end || !decimal || v < row->min || v > row->max || (seconds && v <= 0))
		return wrong(row, value, where, expected, err);
	*to = v;
	return 0;
}

/* 1024, 64KB, 1.5GB */
static int set_size(int64_t *to, const struct prs_option_row *row, const char *value, const char *where,
                    struct prs_err *err)
{
	static const char *const units[] = { "", "B", "KB", "MB", "GB", "TB", "K", "M", "G", "T" };
	static const double factors[] = { 1, 1, 0x1p10, 0x1p20, 0x1p30, 0x1p40, 0x1p10, 0x1p20, 0x1p30, 0x1p40 };
	size_t digits = strspn(value, ".0123456789");
	char *end = NULL;
	double v = digits ? strtod(value, &end) : -1;
	for (size_t i = 0; i < sizeof units / sizeof *units && digits && end == value + digits; i++) {
		if (strcasecmp(value + digits, units[i]) != 0)
			continue;
		if (v * factors[i] < row->min || v * factors[i] > row->max)
			break;
		*to = (int64_t)(v * factors[i]);
		return 0;
	}
	char expected[128];
	snprintf(expected, sizeof expected, "a size such as 512MB or 2GB, from %.0f to %.0f bytes", row->min, row->max);
	return wrong(row, value, where, expected, err);
}

static int set_bool(bool *to, const struct prs_option_row *row, const char *value, const char *where,
                    struct prs_err *err)
{
	static const char *const yes[] = { "true", "yes", "1" }, *const no[] = { "false", "no", "0" };
	for (int i = 0; i < 3; i++) {
		if (!strcasecmp(value, yes[i]) || !strcasecmp(value, no[i])) {
			*to = !strcasecmp(value, yes[i]);
			return 0;
		}
	}
	return wrong(row, value, where, "true or false", err);
}

static int set_choice(int *to, const struct prs_option_row *row, const char *value, const char *where,
                      struct prs_err *err)
{
	int i = 0;
	for (const char *p = row->unit; *p; i++) {
		size_t n = strcspn(p, "|");
		if (strlen(value) == n && !strncasecmp(p, value, n)) {
			*to = i;
			return 0;
		}
		p += n + (p[n] == '|');
	}
	char expected[160];
	snprintf(expected, sizeof expected, "one of %s", row->unit);
	return wrong(row, value, where, expected, err);
}

int prs_option_set(struct prs_options *o, const struct prs_option_row *row, const char *value, const char *where,
                   struct prs_err *err)
{
	void *f = field_of(o, row);
	double number = 0;
	int r = 0;
	switch (row->type) {
	case PRS_OPTION_INT: return set_int(f, row, value, where, err);
	case PRS_OPTION_COUNT: return set_count(f, row, value, where, err);
	case PRS_OPTION_SIZE: return set_size(f, row, value, where, err);
	case PRS_OPTION_NUM: return set_number(f, row, value, where, err);
	case PRS_OPTION_BOOL: return set_bool(f, row, value, where, err);
	case PRS_OPTION_CHOICE: return set_choice(f, row, value, where, err);
	case PRS_OPTION_SECONDS:
		r = set_number(&number, row, value, where, err);
		if (!r) {
			uint64_t us = (uint64_t)(number * 1e6 + 0.5);
			*(uint64_t *)f = us ? us : 1;
		}
		return r;
	case PRS_OPTION_TEXT: {
		if (!value[0])
			return wrong(row, value, where, "a text that is not empty", err);
		char *copy = prs_strdup(value);
		if (!copy)
			return prs_fail(err, PRS_ENOMEM, "%s", row->flag);
		prs_freep(f);
		*(char **)f = copy;
		return 0;
	}
	case PRS_OPTION_LIST:
		if (!value[0])
			return wrong(row, value, where, "a text that is not empty", err);
		return prs_list_add(f, value) < 0 ? prs_fail(err, PRS_ENOMEM, "%s", row->flag) : 0;
	}
	return r;
}

static void put_choice(struct prs_buf *to, const char *choices, int i)
{
	while (i-- && *choices) {
		choices += strcspn(choices, "|");
		choices += *choices == '|';
	}
	prs_buf_put(to, choices, strcspn(choices, "|"));
}

static void put_seconds(struct prs_buf *to, uint64_t us)
{
	prs_buf_dec(to, us / 1000000, 0);
	uint64_t part = us % 1000000;
	unsigned digits = 6;
	for (; part && part % 10 == 0; part /= 10)
		digits--;
	if (part) {
		prs_buf_putc(to, '.');
		prs_buf_dec(to, part, digits);
	}
}

const char *prs_output_format_name(int format)
{
	static const char *const names[] = { "text", "csv", "tsv", "jsonl", "parquet" };
	return names[format];
}

bool prs_option_get(const struct prs_options *o, const struct prs_option_row *row, size_t i, struct prs_buf *to)
{
	const void *f = field_of(o, row);
	const struct prs_list *list = f;
	if (i > 0 && row->type != PRS_OPTION_LIST)
		return false;
	switch (row->type) {
	case PRS_OPTION_INT:
	case PRS_OPTION_COUNT:
	case PRS_OPTION_SIZE:
		if (*(const int64_t *)f == PRS_UNSET)
			return false;
		prs_buf_putf(to, "%lld", (long long)*(const int64_t *)f);
		return true;
	case PRS_OPTION_NUM:
		if (isnan(*(const double *)f))
			return false;
		prs_buf_putf(to, "%.15g", *(const double *)f);
		return true;
	case PRS_OPTION_SECONDS:
		if (*(const uint64_t *)f == PRS_UNSET_US)
			return false;
		put_seconds(to, *(const uint64_t *)f);
		return true;
	case PRS_OPTION_BOOL: prs_buf_puts(to, *(const bool *)f ? "true" : "false"); return true;
	case PRS_OPTION_CHOICE: put_choice(to, row->unit, *(const int *)f); return true;
	case PRS_OPTION_TEXT:
		if (!*(char *const *)f)
			return false;
		prs_buf_puts(to, *(char *const *)f);
		return true;
	case PRS_OPTION_LIST:
		if (i >= list->n)
			return false;
		prs_buf_puts(to, list->v[i]);
		return true;
	}
	return false;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

int prs_list_add(struct prs_list *l, const char *text)
{
	char **v = prs_realloc(l->v, (l->n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	l->v = v;
	v[l->n] = prs_strdup(text);
	if (!v[l->n])
		return -PRS_ENOMEM;
	l->n++;
	return 0;
}

void prs_list_done(struct prs_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		prs_freep(&l->v[i]);
	prs_freep(&l->v);
	l->n = 0;
}
