/* SPDX-License-Identifier: Apache-2.0
 * reference: what a reference of the original (azureml:mnist:2, azureml://...) stands for on this machine.
 */
#ifndef PRS_BASE_REFERENCE_H
#define PRS_BASE_REFERENCE_H

#include "base/err.h"

/* What is meant by a short name where it stands. */
enum prs_want { PRS_WANT_DATA, PRS_WANT_MODEL, PRS_WANT_ENVIRONMENT, PRS_WANT_COMPONENT };

struct prs_resolved {
	char *path;  /* data, model, component; of an environment its interpreter, or NULL */
	char *file;  /* of an environment: what describes its packages, or NULL */
	char *asset; /* "azureml:mnist:2"; NULL: of a datastore, or prs.yml says */
	char *type;  /* of the definition; NULL */
};
void prs_resolved_done(struct prs_resolved *r);

/* Who knows names. 0, or why not: PRS_ENOTFOUND: no such name there; others: it is there, but of no use. */
struct prs_lent {
	void *ctx;
	int (*find)(void *ctx, const char *reference, enum prs_want want, struct prs_resolved *ret,
	            struct prs_err *err);
};

#endif
