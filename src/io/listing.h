/* SPDX-License-Identifier: Apache-2.0
 * listing: the files below some paths and their fingerprint: relative paths, sizes, times (docs/formats.md).
 */
#ifndef PRS_IO_LISTING_H
#define PRS_IO_LISTING_H

#include "base/err.h"
#include "base/fs.h"

enum prs_listing_how {
	PRS_LISTING_LOOKS,
	PRS_LISTING_SYNCS, /* what is listed is on the disk then */
	PRS_LISTING_READS  /* as a reader sees it: behind links; run folders are passed over */
};

struct prs_listing;

struct prs_listing *prs_listing_new(const struct prs_fs *fs, enum prs_listing_how how); /* NULL: no memory */
void prs_listing_free(struct prs_listing *l);
/* A file, a folder with all that is in it, or nothing; `name` stands in front of the relative paths. */
int prs_listing_add(struct prs_listing *l, const char *name, const char *path, struct prs_err *err);
void prs_listing_print(struct prs_listing *l, uint8_t to[16]);

/* What is in the files of a folder, and their names: not when they were written. */
int prs_contents_print(const struct prs_fs *fs, const char *dir, uint8_t to[16], struct prs_err *err);

#endif
