/* SPDX-License-Identifier: Apache-2.0
 * arrow: types of Parquet columns, as pyarrow writes them ("int64", "timestamp[us, tz=UTC]"), and the one that holds
 * what two files have. Pure.
 */
#ifndef PRS_DATA_ARROW_H
#define PRS_DATA_ARROW_H

/* The type that holds all values of both: a, b, or another one that lives for ever; NULL: there is none. */
const char *prs_arrow_unite(const char *a, const char *b);
/* The type of a column in a file that was not in the sample, which made it `all`: the same where that holds its values,
 * else one that holds those of both, or of two kinds of numbers that of the file. NULL: they are not of one kind. */
const char *prs_arrow_in_file(const char *all, const char *one);

#endif
