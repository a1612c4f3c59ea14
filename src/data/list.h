/* SPDX-License-Identifier: Apache-2.0
 * list: walks the inputs folder by folder and makes plan bodies: files sorted by bytes, then subfolders, depth first.
 *
 * A folder is the unit: prs_list_next() lists one folder whole and returns the records for it. Resume: feed the old
 * plan's bodies to the
 * lister (prs_list_feed) and go on; a folder that was planned is not looked at again. Runs on the lister thread; shares
 * nothing.
 * Symlinks are followed, loops cut (by dev and ino of the folders above). A dangling one is a file like others: run()
 * meets it, nothing is
 * left out silently. Sockets, fifos and devices are counted and passed over.
 */
#ifndef PRS_DATA_LIST_H
#define PRS_DATA_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"

#include <stdbool.h>

/* An input is a folder or a file; or parts of a folder (folders, files, patterns: glob.h) in their order; or the files
 * that a list names. */
struct prs_list_input {
	const char *name,
		/* path: absolute folder or file; with parts the folder above them all; of a list the list itself */
		*path;
	const struct prs_list *parts; /* absolute paths; NULL or empty = none */
	bool is_list;                 /* a file name per line (list_file.h); relative ones start from `base` */
	const char *base;
	const struct prs_list *
		/* partition keys: the files with the same values in their path are a mini-batch; NULL or empty =
		 * none */
		keys;
	const char *format; /* partition.h */
};

enum { PRS_LIST_FILE_BYTES_MAX = 256 << 20 };

/* Reads a list of files and looks that each is there: PRS_ENOTFOUND names the first that is not. */
int prs_list_file_check(const struct prs_fs *fs, const char *path, const char *base, struct prs_err *err);

struct prs_lister; /* opaque */

struct prs_lister *prs_lister_new(const struct prs_fs *fs, const struct prs_list_input *inputs, unsigned n,
                                  uint32_t files_per_mini_batch);
void prs_lister_free(struct prs_lister *l);
/* Take in a body of an earlier plan (before the first prs_list_next). */
int prs_list_feed(struct prs_lister *l, const uint8_t *body, size_t n, struct prs_err *err);
/* Append the records of the next folder (with the RULE of the mini-batches it completes) to `body`: 1 = go on, 0 = that
 * was the last
 * (END is in it), < 0 = error (PRS_EINPUT_CHANGED: a folder that was found before is gone). A body stays below 32 MiB:
 * a larger folder takes several
 * calls, PRS_FILES_LAST marks its last block; a resume lists such a half-written folder again from its start only if
 * none of it was fed. */
int prs_list_next(struct prs_lister *l, struct prs_buf *body, struct prs_err *err);

struct prs_list_counts {
	uint64_t folders, files, mini_batches, special, loops_cut;
};
void prs_list_counts(const struct prs_lister *l, struct prs_list_counts *ret);

#endif
