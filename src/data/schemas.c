/* SPDX-License-Identifier: Apache-2.0
 * schemas: texts are kept to be found again, as long as they are few. A resume is fed them in their order, so that it
 * keeps and finds the same ones.
 */
#include "data/schemas.h"

#include "base/mem.h"
#include "wire/frame.h"

#include <string.h>

enum { OWN_MAX = 256, OWN_BYTES_MAX = 4 << 20 };

struct prs_schema_own {
	uint32_t number, checksum;
	size_t bytes;
	char *json;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the schemas of a table"); }

void prs_schemas_init(struct prs_schemas *v, uint16_t input)
{
	*v = (struct prs_schemas){ .input = input };
	prs_buf_init(&v->all_json, PRS_SCHEMA_BYTES_MAX);
}

void prs_schemas_done(struct prs_schemas *v)
{
	for (size_t i = 0; i < v->n; i++)
		prs_freep(&v->own[i].json);
	prs_freep(&v->own);
	prs_buf_done(&v->all_json);
}

static void put_record(const struct prs_schemas *v, uint64_t file, const struct prs_buf *json,
                       struct prs_cut_total *t, struct prs_buf *body)
{
	struct prs_plan_record r = { .type = PRS_PLAN_SCHEMA };
	r.u.schema.file = file;
	r.u.schema.schema = t->schemas++;
	r.u.schema.input = v->input;
	r.u.schema.json = (const char *)json->data;
	r.u.schema.bytes = (uint32_t)json->len;
	prs_plan_put(body, &r);
}

/* ---- of all files ------------------------------------------------------------------------------------------------ */

static int keep_all(struct prs_schemas *v, const void *json, size_t n, uint32_t number, struct prs_err *err)
{
	prs_buf_clear(&v->all_json);
	if (prs_buf_put(&v->all_json, json, n) < 0)
		return nomem(err);
	v->has_all = true;
	v->all = number;
	return 0;
}

int prs_schemas_put_all(struct prs_schemas *v, const struct prs_buf *json, struct prs_cut_total *t,
                        struct prs_buf *body, struct prs_err *err)
{
	const struct prs_buf *had = &v->all_json;
	if (!v->has_all) {
		put_record(v, PRS_NO_FILE, json, t, body);
		return keep_all(v, json->data, json->len, t->schemas - 1, err);
	}
	if (had->len == json->len && !memcmp(had->data, json->data, json->len))
		return 0;
	return prs_fail(err, PRS_EINPUT_CHANGED,
	                "the rows that the types of the columns were decided from are not as they were");
}

/* ---- of some ----------------------------------------------------------------------------------------------------- */

static const struct prs_schema_own *find(const struct prs_schemas *v, const struct prs_buf *json, uint32_t checksum)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct prs_schema_own *own = &v->own[i];
		if (own->checksum == checksum && own->bytes == json->len && !memcmp(own->json, json->data, json->len))
			return own;
	}
	return NULL;
}

static int room(struct prs_schemas *v)
{
	if (v->n < v->cap)
		return 0;
	size_t cap = v->cap ? v->cap * 2 : 8;
	struct prs_schema_own *own = prs_realloc(v->own, cap * sizeof *own);
	if (!own)
		return -PRS_ENOMEM;
	v->own = own;
	v->cap = cap;
	return 0;
}

static int keep_own(struct prs_schemas *v, const void *json, size_t n, uint32_t number, struct prs_err *err)
{
	if (v->n == OWN_MAX || n > OWN_BYTES_MAX - v->bytes)
		return 0;
	if (room(v) < 0)
		return nomem(err);
	struct prs_schema_own own = { number, prs_checksum(json, n), n, prs_malloc(n) };
	if (!own.json)
		return nomem(err);
	memcpy(own.json, json, n);
	v->own[v->n++] = own;
	v->bytes += n;
	return 0;
}

int prs_schemas_put_own(struct prs_schemas *v, uint64_t file, const struct prs_buf *json, struct prs_cut_total *t,
                        struct prs_buf *body, uint32_t *ret, struct prs_err *err)
{
	const struct prs_schema_own *had = find(v, json, prs_checksum(json->data, json->len));
	if (had) {
		*ret = had->number;
		return 0;
	}
	put_record(v, file, json, t, body);
	*ret = t->schemas - 1;
	return keep_own(v, json->data, json->len, *ret, err);
}

int prs_schemas_feed(struct prs_schemas *v, const struct prs_plan_record *r, struct prs_cut_total *t,
                     struct prs_err *err)
{
	t->schemas++;
	if (r->u.schema.file == PRS_NO_FILE)
		return keep_all(v, r->u.schema.json, r->u.schema.bytes, r->u.schema.schema, err);
	return keep_own(v, r->u.schema.json, r->u.schema.bytes, r->u.schema.schema, err);
}
