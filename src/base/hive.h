/* SPDX-License-Identifier: Apache-2.0
 * hive: the values of partition keys in the folders of a path that are named key=value, as Hive, Spark and pyarrow
 * write them: percent-encoded, and with a name of its own for a value that is null.
 */
#ifndef PRS_BASE_HIVE_H
#define PRS_BASE_HIVE_H

#include "base/buf.h"
#include "base/option.h"

/* 1: the values are appended as wire/plan.h has them in GROUP; 0: *ret_missing is a key that no folder of the path is
 * named after; < 0: no memory. Where a key is there twice the folder that is deeper says its value. */
int prs_hive_match(const struct prs_list *keys, const char *path, struct prs_buf *to, size_t *ret_missing);
/* Appends kind, value and a NUL of what stands behind the = of a folder. */
int prs_hive_put_value(struct prs_buf *to, const char *p, size_t n);

#endif
