/* SPDX-License-Identifier: Apache-2.0
 * fuzz_objects: lines of JSON: what jansson takes as an object is one here, too, with the same names and kinds of
 * values; what is refused leaves no trace. Input: flags (bit 0 latin1), then lines.
 */
#include "data/objects.h"
#include "fuzz.h"

#include <jansson.h>

static unsigned kind_of(const json_t *v)
{
	char text[32];
	switch (json_typeof(v)) {
	case JSON_OBJECT:
	case JSON_ARRAY: return PRS_CELL_NESTED;
	case JSON_STRING: {
		const uint8_t *s = (const uint8_t *)json_string_value(v);
		bool date = prs_cell_class(s, json_string_length(v)) == PRS_CELL_DATE;
		return date ? PRS_CELL_DATE : PRS_CELL_TEXT;
	}
	case JSON_INTEGER:
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
		return prs_cell_class((const uint8_t *)text, strlen(text));
	case JSON_REAL: return PRS_CELL_FLOAT;
	case JSON_TRUE:
	case JSON_FALSE: return PRS_CELL_BOOL;
	case JSON_NULL: break;
	}
	return PRS_CELL_EMPTY;
}

/* The one row of o is that object. A name that stands twice has been seen as both; an escaped date is a text. */
static void check_object(const struct prs_objects *o, json_t *object, bool escapes)
{
	MUST(o->names.n == json_object_size(object));
	for (size_t i = 0; i < o->names.n; i++) {
		json_t *v = json_object_get(object, o->names.v[i]);
		MUST(v);
		unsigned kind = kind_of(v), seen = o->columns.v[i].seen;
		MUST((seen & kind) || (escapes && kind == PRS_CELL_DATE && (seen & PRS_CELL_TEXT)));
	}
}

static void check_line(const uint8_t *p, size_t n, enum prs_encoding e)
{
	struct prs_objects o;
	struct prs_err err = { 0 };
	uint8_t *exact = fuzz_copy(p, n);
	prs_objects_init(&o);
	int r = prs_objects_add(&o, exact, n, e, &err);
	MUST(r == 0 || r == -PRS_EINVALID);
	MUST(o.columns.rows == (r == 0) && (r == 0 || o.names.n == 0));
	bool nul = memchr(exact, 0, n); /* jansson passes over one; it is no white space */
	json_t *v = e == PRS_ENCODING_UTF8 && !nul ? json_loadb((const char *)exact, n, 0, NULL) : NULL;
	if (json_is_object(v)) {
		MUST(r == 0);
		check_object(&o, v, memchr(exact, '\\', n) != NULL);
	}
	json_decref(v);
	prs_objects_done(&o);
	free(exact);
}

/* All lines in one table. */
static void check_all(const uint8_t *p, size_t n, enum prs_encoding e)
{
	struct prs_objects o;
	struct prs_err err = { 0 };
	prs_objects_init(&o);
	for (const uint8_t *end; n; n -= (size_t)(end - p), p = end) {
		const uint8_t *lf = memchr(p, '\n', n);
		end = lf ? lf + 1 : p + n;
		check_line(p, (size_t)(end - p), e);
		prs_objects_add(&o, p, (size_t)(end - p), e, &err);
	}
	for (size_t i = 0; i < o.columns.n; i++)
		MUST(prs_type_name(prs_column_type(&o.columns.v[i], PRS_FORMAT_JSONL)));
	prs_objects_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n)
		check_all(data + 1, n - 1, data[0] & 1 ? PRS_ENCODING_LATIN1 : PRS_ENCODING_UTF8);
	return 0;
}
