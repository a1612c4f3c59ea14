/* SPDX-License-Identifier: Apache-2.0
 * named: the columns that the transformations of a table name, against those that its files have: a name that is wrong
 * is told before anything runs.
 */
#ifndef PRS_DATA_NAMED_H
#define PRS_DATA_NAMED_H

#include "base/err.h"
#include "base/table.h"
#include "data/header.h"

/* names: the columns of the files; file: the one whose header they are. keys: partition keys, which are columns, too.
 * PRS_ENO_COLUMN: a column that is not there where it is named. */
int prs_named_check(const struct prs_table_input *in, const struct prs_list *keys, const struct prs_names *names,
                    const char *file, struct prs_err *err);

#endif
