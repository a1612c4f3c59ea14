/* SPDX-License-Identifier: Apache-2.0
 * groups: the files of an input by the values of their partition keys, which stand in their paths: where
 * partition_format says (base/partition.h), or, without one, in folders named key=value (base/hive.h).
 *
 * In the order of their values, the first key first: texts by bytes, dates by time, a null behind all others; the files
 * of a group in their order.
 */
#ifndef PRS_DATA_GROUPS_H
#define PRS_DATA_GROUPS_H

#include "data/cut.h"
#include "data/rows_list.h"

/* Files in a row with the same values. */
struct prs_groups_row {
	uint64_t first; /* as in the plan */
	uint32_t count, keys_at, keys_bytes;
};

struct prs_groups {
	struct prs_partition *partition;  /* NULL: folders named key=value */
	const struct prs_list *names;     /* of the keys */
	const struct prs_rows_list *only; /* other files are in no group; NULL: all are */
	struct prs_buf keys;
	struct prs_groups_row *rows;
	size_t n, cap;
};

/* Points to `in`. < 0: no memory. */
int prs_groups_init(struct prs_groups *g, const struct prs_list_input *in);
void prs_groups_done(struct prs_groups *g);
/* The values of keys in a path, as GROUP has them; without a partition those of folders named key=value.
 * PRS_EINVALID names a path without them. */
int prs_groups_match(struct prs_partition *partition, const struct prs_list *names, const char *path,
                     struct prs_buf *to, struct prs_err *err);
/* PRS_EINVALID names a file without such keys, if it is wanted. */
int prs_groups_add(struct prs_groups *g, const struct prs_cut_files *f, struct prs_err *err);
/* All are there: the rows of each group follow each other. */
void prs_groups_sort(struct prs_groups *g);
/* Behind the last row of the group that begins at `at`. */
size_t prs_groups_end(const struct prs_groups *g, size_t at);
const char *prs_groups_keys(const struct prs_groups *g, const struct prs_groups_row *r);
/* < 0, 0, > 0: keys of an earlier plan stand before those of the row, are the same, stand behind. */
int prs_groups_compare(const struct prs_groups *g, const char *keys, size_t bytes, const struct prs_groups_row *r);
/* Can a file of such an input have a key that is null? */
bool prs_groups_may_be_null(const char *format);

#endif
