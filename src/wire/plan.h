/* SPDX-License-Identifier: Apache-2.0
 * planrec: the records of a plan file, as structs and as bytes. Records as in record.h; docs/formats.md has the bytes.
 *
 * A folder is a DIR when the folder above it is listed (the root of an input: with its INPUT), and its files stand in
 * FILES records, the last of which has PRS_FILES_LAST; the DIRs of the folders in it follow. All that stands in one
 * body; a DIR without its last FILES is still to be listed. A folder that fits no body is announced by a PART: its
 * FILES, its DIRs and an empty last FILES follow in as many bodies as it takes, and nothing else stands between them
 * but RULEs.
 * A RULE is a row of mini-batches of as many files each; the last mini-batch of an input that is shorter has a rule of
 * its own. A GROUP is one mini-batch: the files with the same values of their partition keys.
 *
 * Tables: their items are rows. SLICES are mini-batches of one text file: whole records that follow each other, of
 * which each mini-batch has so many rows and bytes; an empty record, which is no row, belongs to the slice behind it,
 * or a new SLICES begins behind it. PARQUET has the same for a Parquet file, without bytes. A TABLE_GROUP is one
 * mini-batch: the rows with the same values of their partition keys. A SCHEMA, which says how to read them, stands
 * before the first record that names its number. Rows are counted twice: in their file, and over the input, as it was
 * before any of them was left out. What was read is told again from size and mtime of its file.
 * Bytes that cannot be read where they lie (compressed, UTF-16), or not in their order (keys that are columns), are in
 * a file of the run folder, the spool.
 */
#ifndef PRS_WIRE_PLAN_H
#define PRS_WIRE_PLAN_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "wire/facts.h"

#include <stdbool.h>

enum prs_plan_type {
	PRS_PLAN_HEAD = 1,
	PRS_PLAN_INPUT = 2,
	PRS_PLAN_DIR = 3,
	PRS_PLAN_FILES = 4,
	PRS_PLAN_RULE = 5,
	PRS_PLAN_SLICES = 6,
	PRS_PLAN_GROUP = 7,
	PRS_PLAN_SCHEMA = 8,
	PRS_PLAN_END = 9,
	PRS_PLAN_PART = 10,
	PRS_PLAN_PARQUET = 11,
	PRS_PLAN_TABLE_GROUP = 12
};
#define PRS_NO_DIR UINT32_C(0xffffffff)
/* SCHEMA: of all files of the input. A range of TABLE_GROUP: its rows come from many files. */
#define PRS_NO_FILE UINT64_MAX
enum prs_input_kind {
	PRS_INPUT_FILES = 0,
	PRS_INPUT_DELIMITED = 1,
	PRS_INPUT_PARQUET = 2,
	PRS_INPUT_GROUPS = 3, /* of files */
	PRS_INPUT_LINES = 4,  /* JSON lines */
	PRS_INPUT_SPOOL = 5   /* delimited or JSON lines, by keys that are columns */
};
enum { PRS_GROUP_RANGE_BYTES = 16, PRS_TABLE_RANGE_BYTES = 48, PRS_FILE_STAT_BYTES = 16 };
/* What the size of a mini-batch counts. */
enum prs_size_unit { PRS_SIZE_ITEMS = 0, PRS_SIZE_BYTES = 1, PRS_SIZE_ROWS = 2 };
struct prs_batch_size {
	enum prs_size_unit unit;
	uint64_t n;
};
/* Folders above a folder: a path has not more. */
enum { PRS_DEPTH_MAX = 4096 };
/* STATS: size u64 and mtime u64 (µs) of each file stand behind the names. */
enum { PRS_FILES_LAST = 1, PRS_FILES_STATS = 2, PRS_FILES_BLOCK_BYTES = 64 << 10 };
/* The kind of a partition key stands before its value, a text. */
enum prs_key_kind {
	PRS_KEY_TEXT = 's',
	PRS_KEY_DATE = 'd',    /* YYYY-MM-DDTHH:MM:SS[.ffffff] */
	PRS_KEY_INTEGER = 'i', /* of 64 bits */
	PRS_KEY_FLOAT = 'f',   /* by repr; inf, -inf */
	PRS_KEY_BOOLEAN = 'b', /* true, false */
	PRS_KEY_NULL = 'n'     /* nothing behind it */
};

struct prs_plan_record {
	enum prs_plan_type type;
	union {
		struct {
			uint16_t input, kind;
			uint16_t unit; /* enum prs_size_unit */
			uint64_t size;
			uint8_t print[16];
			struct prs_text name, root, options;
		} input;
		struct {
			uint32_t dir, parent;
			uint16_t input;
			struct prs_text name;
		} dir;
		struct {
			uint32_t dir, count, flags, names_bytes;
			uint64_t first_file;
			const char *names;
			const uint8_t *stats; /* with PRS_FILES_STATS: 16 bytes each */
		} files;
		struct {
			uint64_t first_id, count, first_file;
			uint32_t per;
			uint16_t input;
		} rule;
		struct {
			uint64_t id;
			uint16_t input;
			uint32_t keys_bytes, ranges_n;
			const uint8_t *ranges; /* 16 bytes each */
			const char *keys;
		} group;
		struct { /* SLICES, PARQUET */
			uint64_t file, first_id;
			uint64_t offset;          /* of the first slice; PARQUET: 0 */
			uint64_t row, global_row; /* its first one, in the file and over the input, from 0 */
			uint64_t size, mtime_us;  /* of the file */
			uint32_t schema, count, bytes;
			uint32_t spool; /* offsets are those of the spool that this epoch wrote; 0: of the file */
			uint16_t input;
			const uint8_t *packed; /* for each mini-batch varint rows, of SLICES varint bytes, too */
		} slices;
		struct {
			uint64_t file; /* PRS_NO_FILE: all of the input */
			uint32_t schema, bytes;
			uint16_t input;
			const char *json;
		} schema;
		struct {
			uint64_t id;
			uint32_t spool, keys_bytes, ranges_n;
			uint16_t input;
			const uint8_t *ranges; /* prs_table_range_get() */
			const char *keys;
		} table_group;
		struct {
			uint64_t ids, items, files;
			uint32_t sum;
		} end;
		struct {
			uint32_t dir;
		} part;
	} u;
};

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r);
/* As prs_fact_next: 1 = a record, 0 = end, < 0 = error; texts point into body. */
int prs_plan_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_plan_record *ret,
                  struct prs_err *err);

/* Rows that follow each other: of SLICES and PARQUET a mini-batch, of TABLE_GROUP some of one. */
struct prs_table_range {
	uint64_t file;          /* PRS_NO_FILE: rows of many files, in the spool */
	uint64_t offset, bytes; /* Parquet: 0, 0 */
	uint64_t row, global_row;
	uint32_t rows, schema;
};
/* Rows of a mini-batch that follow each other, as people find them: rows->rows of them from rows->row (from 0) on;
 * offset and bytes are those of all that their mini-batch has there, 0 where they are not those of the file. path:
 * absolute, "" where rows->file is PRS_NO_FILE. line: where the first one begins, 0 where nobody knows. < 0 ends it. */
typedef int prs_rows_fn(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line);
struct prs_table_range prs_table_range_get(const uint8_t raw[PRS_TABLE_RANGE_BYTES]);
int prs_table_range_put(struct prs_buf *b, const struct prs_table_range *r);
/* One mini-batch in `packed`: sets rows and bytes, moves the others of `at` behind what it had before. */
void prs_slice_next(struct prs_reader *packed, bool parquet, struct prs_table_range *at);
/* Behind the others of `packed`. */
int prs_slice_put(struct prs_buf *packed, bool parquet, uint32_t rows, uint64_t bytes);

/* The mini-batches of a record and their items; false: it has none. */
struct prs_plan_units {
	uint64_t first_id, ids, items;
	uint16_t input;
};
bool prs_plan_units(const struct prs_plan_record *r, struct prs_plan_units *ret);
/* The least minor (frame.h) of a plan that has such a record. */
uint16_t prs_plan_minor(const struct prs_plan_record *r);
/* The sum of END: from 0, for each record before it in all plans of the run, sum = checksum of (sum u32 · checksum
 * u32 of the record, from its head to its padding). Goes on from `sum` with the records of a body, up to its END. */
uint32_t prs_plan_sum(uint32_t sum, const uint8_t *body, size_t n);

#endif
