/* SPDX-License-Identifier: Apache-2.0
 * job_doc_impl: what the readers of JSON documents share: tables of members, and mistakes with their place.
 */
#ifndef PRS_SPEC_JOB_DOC_IMPL_H
#define PRS_SPEC_JOB_DOC_IMPL_H

#include "spec/job_doc.h"
#include "spec/late.h"

enum { WHERE_BYTES = 256 };

/* The pipeline that a job is a step of. */
struct doc_outer {
	prs_late_find_fn *find;
	void *ctx;
};

struct prs_job_doc {
	json_t *root;
	char at[WHERE_BYTES];          /* of a step: "steps[2].job" */
	const struct doc_outer *outer; /* NULL = the document is the job */
	struct prs_buf *report;
	unsigned mistakes;
	bool failed;              /* no memory */
	struct prs_list misspelt; /* members that another name stands for: they are not missed again */
};

enum doc_kind { DOC_ANY, DOC_TEXT, DOC_BOOL, DOC_NUMBER, DOC_TEXTS, DOC_LIST, DOC_MAP, DOC_COMPUTED };

struct doc_member {
	const char *name; /* NULL ends a table */
	enum doc_kind kind;
	const char *why; /* of DOC_COMPUTED: where it comes from */
};

__attribute__((format(printf, 3, 4))) void doc_mistake(struct prs_job_doc *d, const char *where, const char *fmt, ...);
/* A text, or {"hex": "..."} for bytes that are no UTF-8. */
bool doc_is_text(const json_t *v);
/* Each member of `v`, the object at `at`, is in the table and of its kind; null is as if it were not there. */
bool doc_check_members(struct prs_job_doc *d, const json_t *v, const struct doc_member *table, const char *at);
/* The same for each entry of a list of the root. */
void doc_check_list(struct prs_job_doc *d, const char *name, const struct doc_member *table);
/* A document that is part of another one; `root` is borrowed from it. NULL: no memory. */
struct prs_job_doc *doc_of_step(const struct prs_job_doc *whole, json_t *root, const char *at,
                                const struct doc_outer *outer);

#endif
