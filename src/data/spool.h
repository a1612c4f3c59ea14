/* SPDX-License-Identifier: Apache-2.0
 * spool: the file of the run folder that holds what cannot be read where it lies, or not in its order. A life that
 * plans has one for each input that needs it (docs/formats.md, section 5).
 *
 * It is made at its first byte and only appended to. What a plan says of it must have been synced before.
 */
#ifndef PRS_DATA_SPOOL_H
#define PRS_DATA_SPOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "data/origin.h"

#include <stdbool.h>

struct prs_spool {
	const struct prs_fs *fs;
	const char *path; /* NULL: there is no place for one, bytes are only counted */
	int fd;           /* < 0: it is not there yet */
	uint64_t bytes;   /* that were put */
	uint64_t written;
	struct prs_buf out;
	bool is_synced;
};

/* `path` lives as long. */
void prs_spool_init(struct prs_spool *s, const struct prs_fs *fs, const char *path);
void prs_spool_done(struct prs_spool *s);
/* Is there room for so many more bytes? -PRS_ENOSPACE says what for: `what` is "" or ": 10 MB of in/a.csv.gz". */
int prs_spool_room(const struct prs_spool *s, uint64_t bytes, const char *file, struct prs_err *err);
int prs_spool_put(struct prs_spool *s, const void *bytes, size_t n, struct prs_err *err);
int prs_spool_sync(struct prs_spool *s, struct prs_err *err);

/* < 0 ends it. */
typedef int prs_origin_fn(void *ctx, const struct prs_origin *o);
/* The origins of `count` records behind the first `skip` ones of those that stand at `offset` of a spool. */
int prs_spool_origins(const struct prs_fs *fs, const char *path, uint64_t offset, uint64_t skip, uint64_t count,
                      prs_origin_fn *fn, void *ctx);

#endif
