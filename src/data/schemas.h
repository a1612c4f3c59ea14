/* SPDX-License-Identifier: Apache-2.0
 * schemas: the schemas of an input, as its plan has them: the one of all files, and those of files whose columns stand
 * elsewhere. Files whose columns stand in the same places share one.
 */
#ifndef PRS_DATA_SCHEMAS_H
#define PRS_DATA_SCHEMAS_H

#include "data/cut.h"

#define PRS_SCHEMA_BYTES_MAX ((size_t)64 << 20)

struct prs_schemas {
	uint16_t input;
	bool has_all;
	uint32_t all; /* its number */
	struct prs_buf all_json;
	struct prs_schema_own *own;
	size_t n, cap, bytes; /* bytes: of the texts */
};

void prs_schemas_init(struct prs_schemas *v, uint16_t input);
void prs_schemas_done(struct prs_schemas *v);
/* The schema of all files: a new record, or the one that an earlier plan has, which must say the same
 * (PRS_EINPUT_CHANGED). */
int prs_schemas_put_all(struct prs_schemas *v, const struct prs_buf *json, struct prs_cut_total *t,
                        struct prs_buf *body, struct prs_err *err);
/* That of a file with places of its own: into *ret the number of the one with this text, or of a new record. */
int prs_schemas_put_own(struct prs_schemas *v, uint64_t file, const struct prs_buf *json, struct prs_cut_total *t,
                        struct prs_buf *body, uint32_t *ret, struct prs_err *err);
/* Those of an earlier plan. */
int prs_schemas_feed(struct prs_schemas *v, const struct prs_plan_record *r, struct prs_cut_total *t,
                     struct prs_err *err);

#endif
