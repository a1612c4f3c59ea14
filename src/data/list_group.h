/* SPDX-License-Identifier: Apache-2.0
 * list_group: the files of one input by the values of their partition keys, for list.c. What has the same values is one
 * mini-batch; they are
 * sorted by the first key, then the second and so on (dates by time, texts by bytes), the files in listing order.
 */
#ifndef PRS_DATA_LIST_GROUP_H
#define PRS_DATA_LIST_GROUP_H

#include "base/buf.h"
#include "base/partition.h"

#include <stdbool.h>

struct prs_list_groups; /* opaque */

struct prs_list_groups *prs_list_groups_new(const char *format, const struct prs_list *keys);
void prs_list_groups_free(struct prs_list_groups *g);
/* Files in a row, from number `first` on; names closed by a NUL each. PRS_EINVALID names one that does not fit the
 * format. */
int prs_list_groups_add(struct prs_list_groups *g, const char *folder, const char *names, uint32_t count,
                        uint64_t first, struct prs_err *err);
/* One more group of an old plan: it is passed over by next(). */
void prs_list_groups_skip(struct prs_list_groups *g);
/* After the last file: appends the GROUP record of the next combination. 1 and its number of items, 0 = that was the
 * last, < 0 = error. */
int prs_list_groups_next(struct prs_list_groups *g, uint64_t id, uint16_t input, struct prs_buf *body,
                         uint64_t *ret_items, struct prs_err *err);

#endif
