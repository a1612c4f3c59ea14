/* SPDX-License-Identifier: Apache-2.0
 * arrow: a type is a kind and, among numbers and times, how much it holds.
 */
#include "data/arrow.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum kind { OTHER, NOTHING, SIGNED, UNSIGNED, REAL, TEXT, CATEGORY, TIME };

static const struct row {
	const char *text;
	enum kind kind;
	int holds;
} rows[] = {
	{ "null", NOTHING, 0 },     { "int8", SIGNED, 8 },       { "int16", SIGNED, 16 },    { "int32", SIGNED, 32 },
	{ "int64", SIGNED, 64 },    { "uint8", UNSIGNED, 8 },    { "uint16", UNSIGNED, 16 }, { "uint32", UNSIGNED, 32 },
	{ "uint64", UNSIGNED, 64 }, { "halffloat", REAL, 0 },    { "float", REAL, 0 },       { "double", REAL, 0 },
	{ "string", TEXT, 0 },      { "large_string", TEXT, 0 }, { "string_view", TEXT, 0 },
};

/* Behind these words stand the rest of a category, the zone of a time. */
static const struct row fronts[] = {
	{ "dictionary<values=string, ", CATEGORY, 0 },
	{ "dictionary<values=large_string, ", CATEGORY, 0 },
	{ "timestamp[s", TIME, 1 },
	{ "timestamp[ms", TIME, 2 },
	{ "timestamp[us", TIME, 3 },
	{ "timestamp[ns", TIME, 4 },
};

static bool begins(const char *text, const struct row *front)
{
	size_t n = strlen(front->text);
	return !strncmp(text, front->text, n) && (front->kind != TIME || text[n] == ']' || text[n] == ',');
}

static struct row row_of(const char *text)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].text, text))
			return rows[i];
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
		if (begins(text, &fronts[i]))
			return fronts[i];
	return (struct row){ text, OTHER, 0 };
}

static const char *wider(const char *a, struct row x, const char *b, struct row y)
{
	return x.holds >= y.holds ? a : b;
}

static bool is_integer(struct row r) { return r.kind == SIGNED || r.kind == UNSIGNED; }
static bool is_number(struct row r) { return is_integer(r) || r.kind == REAL; }
static bool is_text(struct row r) { return r.kind == TEXT || r.kind == CATEGORY; }

/* Signed and unsigned: more bits than the unsigned one has. */
static const char *unite_integers(const char *a, struct row x, const char *b, struct row y)
{
	if (x.kind == y.kind)
		return wider(a, x, b, y);
	int bits = x.kind == UNSIGNED ? x.holds : y.holds, signed_bits = x.kind == SIGNED ? x.holds : y.holds;
	if (bits < signed_bits)
		return x.kind == SIGNED ? a : b;
	return bits < 64 ? "int64" : NULL;
}

static bool same_zone(const char *a, const char *b)
{
	const char *x = strchr(a, ','), *y = strchr(b, ',');
	return x && y ? !strcmp(x, y) : !x && !y;
}

const char *prs_arrow_unite(const char *a, const char *b)
{
	struct row x = row_of(a), y = row_of(b);
	if (!strcmp(a, b) || y.kind == NOTHING)
		return a;
	if (x.kind == NOTHING)
		return b;
	if (is_integer(x) && is_integer(y))
		return unite_integers(a, x, b, y);
	if (is_number(x) && is_number(y))
		return "double";
	if (x.kind == CATEGORY && y.kind == CATEGORY)
		return a;
	if (is_text(x) && is_text(y))
		return "string";
	if (x.kind == TIME && y.kind == TIME && same_zone(a, b))
		return wider(a, x, b, y);
	return NULL;
}

const char *prs_arrow_in_file(const char *all, const char *one)
{
	const char *both = prs_arrow_unite(all, one);
	return !both && is_number(row_of(all)) && is_number(row_of(one)) ? one : both;
}
