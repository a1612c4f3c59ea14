/* SPDX-License-Identifier: Apache-2.0
 * partition: the values of the partition keys in a path, by a partition_format.
 *
 * "{store}/{day:yyyy/MM/dd}/x_*.csv": {key} takes a text, {key:...} a date (yyyy MM dd HH mm ss, all digits there); `*`
 * and `?` stand for characters that are no key, all else for itself. Nothing but a date goes across a slash. The format
 * says the end of the path, from a slash on; where several readings fit, the first key takes as little as it can. A
 * text behind a = is read as in hive.h.
 */
#ifndef PRS_BASE_PARTITION_H
#define PRS_BASE_PARTITION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/option.h"

#include <stdbool.h>

enum { PRS_PARTITION_KEYS_MAX = 32, PRS_PARTITION_FORMAT_MAX = 1000 };

struct prs_partition; /* opaque */

/* `keys`: those that make a mini-batch, in their order; NULL = only the format is looked at. NULL: err says what is
 * wrong with one or the other. */
struct prs_partition *prs_partition_new(const char *format, const struct prs_list *keys, struct prs_err *err);
void prs_partition_free(struct prs_partition *p);
const char *prs_partition_format(const struct prs_partition *p);
/* 1: the values are appended as wire/plan.h has them in GROUP; 0: the path does not fit; < 0: no memory. */
int prs_partition_match(struct prs_partition *p, const char *path, struct prs_buf *to);

#endif
