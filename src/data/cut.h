/* SPDX-License-Identifier: Apache-2.0
 * cut: cutters make the mini-batches of one input of what the walker yields; a row of functions for each kind of input.
 */
#ifndef PRS_DATA_CUT_H
#define PRS_DATA_CUT_H

#include "base/buf.h"
#include "base/err.h"
#include "data/list.h"
#include "wire/frame.h"
#include "wire/plan.h"

#include <stdbool.h>

/* Mini-batches, their items and schemas so far, of all inputs. */
struct prs_cut_total {
	uint64_t ids, items;
	uint32_t schemas;
};

/* Files of one folder in a row, numbered from `first` on; names closed by a NUL each. */
struct prs_cut_files {
	const char *folder, *names;
	uint32_t count;
	uint64_t first;
	const uint8_t *stats; /* size and mtime of each, as in FILES; NULL: nobody asked */
};

struct prs_cutter; /* opaque, one type a kind */

struct prs_cutter_kind {
	uint16_t input_kind; /* of INPUT: PRS_INPUT_FILES ... */
	uint16_t minor;      /* of a plan with its records (prs_plan_minor) */
	bool has_size;       /* the size of a mini-batch is given, not found */
	/* NULL = no memory. `fs` and `in` live as long. */
	struct prs_cutter *(*new)(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input);
	void (*free)(struct prs_cutter *c);
	/* The next files. PRS_EINVALID names one that does not fit. */
	int (*take)(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err);
	/* Appends the mini-batches that are whole; when the input is `listed`, all others too, but no more than some
	 * MiB: 1 = there are more, 0 = for now that is all. < 0 = an error, and no call follows; what was appended are
	 * whole records, which count. */
	int (*cut)(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
	           struct prs_err *err);
	/* Instead: the records of an earlier plan that say mini-batches, or how to read them. */
	int (*feed)(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
	            struct prs_err *err);
	bool has_stats; /* it wants size and mtime of its files, which then stand in FILES */
};

extern const struct prs_cutter_kind prs_cut_files, prs_cut_groups, prs_cut_slices, prs_cut_lines, prs_cut_columns,
	prs_cut_parquet, prs_cut_parquet_groups, prs_cut_only, prs_cut_only_lines, prs_cut_table_groups,
	prs_cut_line_groups;

#endif
