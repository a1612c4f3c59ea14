/* SPDX-License-Identifier: Apache-2.0
 * row_keys: the partition keys of one record after the other, where some are columns of its table. The others are of
 * the path of its file: those that partition_format names, or, without a format, those that no column and a folder of
 * the first file with a row is named after (store=1/). Such values are the same for all records of a file.
 */
#ifndef PRS_DATA_ROW_KEYS_H
#define PRS_DATA_ROW_KEYS_H

#include "data/sample.h"

struct prs_row_key; /* opaque */

struct prs_row_keys {
	const struct prs_list_input *given;
	const struct prs_table_input *in;
	struct prs_row_key *v;
	size_t n;
	/* Of the path. */
	struct prs_list of_path;
	struct prs_partition *partition; /* NULL: in folders named key=value */
	struct prs_buf values;           /* of this file, as in key.h */
	/* The file of the record, and its line. */
	const char *path;
	const struct prs_sample_file *place;
	uint64_t line;
	/* Delimited text: the fields of the record, up to the last that is a key. */
	struct prs_field *fields;
	size_t fields_n;
	struct prs_cells cells;
	/* JSON lines: names of the keys that are columns, and their values in the record. */
	const char **names;
	struct prs_member *members;
	size_t names_n;
	struct prs_buf raw, text; /* raw: what the key of the record is made of; text: of a string in JSON */
};

/* Points to `in`. < 0: no memory; prs_row_keys_done() is due all the same. */
int prs_row_keys_init(struct prs_row_keys *k, const struct prs_list_input *in);
void prs_row_keys_done(struct prs_row_keys *k);
/* Behind the sample: which keys are what. PRS_EINVALID: one is nothing. */
int prs_row_keys_begin(struct prs_row_keys *k, const struct prs_sample *s, struct prs_err *err);
/* The records of another file follow; its path and place live as long. PRS_EINVALID: it lacks a key. */
int prs_row_keys_file(struct prs_row_keys *k, const char *path, const struct prs_sample_file *place,
                      struct prs_err *err);
/* The next record: k->raw; equal ones have the same key. -PRS_EINVALID: it is no object; -PRS_ENOMEM. */
int prs_row_keys_find(struct prs_row_keys *k, const uint8_t *p, size_t n, uint64_t line);
/* Its key is appended, value for value as in key.h. PRS_EVALUE_MISFIT: a value does not fit. */
int prs_row_keys_put(struct prs_row_keys *k, struct prs_buf *to, struct prs_err *err);
/* Names and values of a key, as a plan has them. */
void prs_row_keys_say(const struct prs_row_keys *k, const uint8_t *key, size_t n, struct prs_buf *to);

#endif
