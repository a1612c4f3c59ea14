/* SPDX-License-Identifier: Apache-2.0
 * list: makes the bodies of a plan: the walker (walk.h) finds folders and their names, a cutter (cut.h) makes
 * mini-batches of them, and here both become records.
 *
 * A step is a folder. Resume: feed the bodies of the earlier plan to the lister (prs_list_feed) and go on; a folder
 * that is planned whole is not looked at again. A folder whose records do not fit the body is planned in parts (PART of
 * plan.h), each step a part; a resume lists it again and compares what is planned. Runs on the lister thread; shares
 * nothing.
 */
#ifndef PRS_DATA_LIST_H
#define PRS_DATA_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"
#include "data/footers.h"
#include "data/table.h"
#include "data/warnings.h"
#include "wire/plan.h"

#include <stdbool.h>

/* An input is a folder or a file; or parts of a folder (folders, files, patterns: glob.h) in their order; or the files
 * that a list names. */
struct prs_list_input {
	const char *name;
	/* Absolute folder or file; with parts the folder above them all; of a list the list itself. */
	const char *path;
	const struct prs_list *parts; /* absolute paths; NULL or empty = none */
	bool is_list;                 /* a file name per line (list_file.h); relative ones start from `base` */
	const char *base;
	struct prs_batch_size size; /* of a mini-batch; without meaning when there are keys */
	/* Partition keys: the files with the same values in their path are a mini-batch, of a table the rows with the
	 * same values in their columns, too; NULL or empty = none. */
	const struct prs_list *keys;
	const char *format; /* partition.h */
	/* Its items are the rows of its files, a mini-batch so many of them or so many bytes; NULL = its items are
	 * files. */
	const struct prs_table_input *table;
	/* Who reads footers; NULL: nobody, and Parquet files are an error. Lives as long as the lister. */
	const struct prs_footers *footers;
	/* Of a table: which of its rows, a file of rows_list.h; NULL = all. */
	const char *rows_only;
	/* Where what is found in it is warned about; of those that were given to a lister: its own. */
	struct prs_warnings *warnings;
	/* The file for what cannot be read where it lies (spool.h), and the epoch in its name; NULL: there is no place
	 * for it, mini-batches are counted all the same. Of those that were given to a lister: prs_lister_spool(). */
	const char *spool;
	uint32_t epoch;
	size_t sort_bytes; /* that are sorted at once; 0: PRS_SORTER_BLOCK_BYTES (tests) */
};

enum { PRS_LIST_FILE_BYTES_MAX = 256 << 20 };

/* Reads a list of files and looks that each is there: PRS_ENOTFOUND names the first that is not. */
int prs_list_file_check(const struct prs_fs *fs, const char *path, const char *base, struct prs_err *err);

struct prs_lister; /* opaque */

/* Copies the inputs. NULL = no memory. */
struct prs_lister *prs_lister_new(const struct prs_fs *fs, const struct prs_list_input *inputs, unsigned n);
void prs_lister_free(struct prs_lister *l);
/* What the header of its plan must say (wire/frame.h). */
uint16_t prs_lister_minor(const struct prs_lister *l);
/* Into this folder goes what cannot be read where it lies, as spool-<epoch>-<input>. To be said before anything is fed
 * or listed. */
int prs_lister_spool(struct prs_lister *l, const char *dir, uint32_t epoch);
/* Take in a body of an earlier plan (before the first prs_list_next). */
int prs_list_feed(struct prs_lister *l, const uint8_t *body, size_t n, struct prs_err *err);

/* Room that a body must have at least. */
enum { PRS_LIST_ROOM_BYTES = 192 << 10 };
/* Append the records of the next folder, or of a part of one, with the mini-batches that it completes: 1 = go on, 0 =
 * that was the last (END is in it), < 0 = error (PRS_EINPUT_CHANGED: what was planned is not as it was). The body is a
 * whole or nothing: a resume is fed all of it or none. An error appends nothing: mini-batches that stand before the
 * place where it was found are a body of their own, and the error comes with the next call. */
int prs_list_next(struct prs_lister *l, struct prs_buf *body, struct prs_err *err);

struct prs_list_counts {
	uint64_t folders, files, mini_batches, special, loops_cut, runs;
};
/* The next sentence for the user, each once in a life of the lister; NULL = for now that is all. To be asked behind
 * prs_list_next, by its thread or while it rests. The text lives as long as the lister. */
const char *prs_lister_warning(struct prs_lister *l);
void prs_list_counts(const struct prs_lister *l, struct prs_list_counts *ret);

#endif
