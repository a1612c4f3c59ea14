/* SPDX-License-Identifier: Apache-2.0
 * table: what is said of an input whose items are rows. The job says it (spec/), the lister plans by it (data/), the
 * workers are told what of it concerns them (master/).
 */
#ifndef PRS_BASE_TABLE_H
#define PRS_BASE_TABLE_H

#include "base/option.h"

#include <stdbool.h>
#include <stdint.h>

enum { PRS_TABLE_INFER_ROWS = 200, PRS_TABLE_INFER_FILES = 32, PRS_TABLE_BLOCK_BYTES = 128 << 10 };
#define PRS_TABLE_RECORD_BYTES ((uint64_t)256 << 20)

enum prs_table_format { PRS_TABLE_DELIMITED, PRS_TABLE_PARQUET, PRS_TABLE_JSONL };

/* UTF-8, Latin-1 and Windows-1252 are read in place; ascii is read as UTF-8. The others become UTF-8 in the spool. */
enum prs_encoding {
	PRS_ENCODING_UTF8,
	PRS_ENCODING_LATIN1,
	PRS_ENCODING_WINDOWS1252,
	PRS_ENCODING_UTF16,
	PRS_ENCODING_UTF32
};

/* The key `header` of a table definition. */
enum prs_header_mode {
	PRS_HEADER_SAME,      /* all_files_same_headers: the same names, perhaps in another order */
	PRS_HEADER_DIFFERENT, /* all_files_different_headers: the columns are the union of all names */
	PRS_HEADER_FIRST,     /* from_first_file: later files have none */
	PRS_HEADER_NONE       /* no_header: Column1, Column2, ... */
};

/* Transformations that say which columns there are. */
#define PRS_STEP_KEEP "keep_columns"
#define PRS_STEP_DROP "drop_columns"
#define PRS_STEP_EXTRACT "extract_columns_from_partition_format"

/* A number that is 0: the default above. Owns nothing. */
struct prs_table_input {
	enum prs_table_format format;
	/* Delimited text. */
	enum prs_header_mode header;
	char delimiter;
	bool one_line; /* support_multi_line: false: no quoted line end is expected, the first one is warned about */
	/* Delimited text and JSON lines. */
	enum prs_encoding encoding;
	bool all_strings;     /* infer_column_types: false */
	bool empty_as_string; /* an empty cell of a string column is "", not null */
	bool drop_invalid;    /* invalid_lines: drop */
	uint32_t infer_rows;  /* rows of a file that its types are decided from */
	uint64_t max_record;  /* bytes */
	uint32_t block_bytes; /* of a read (tests) */
	bool by_ending;       /* nobody said what its files are but their endings: they are all of this kind */
	/* Mini-batches have so many rows; 0: so many bytes as the size of the input says. */
	uint64_t rows;
	/* The name of the column with the path of a row's file; NULL = none. */
	const char *path_column;
	/* Columns that some convert_column_types names: strings in the schema, the worker converts. NULL = none. */
	const struct prs_list *text_columns;
	/* What each of them becomes, for partition keys: "int", "float", "string", "boolean", "datetime"; below that,
	 * each in a line, words with + (true) or - (false) in front, or formats. NULL where no one said. */
	const struct prs_list *text_types;
	/* The columns that its transformations name, in their order: three texts each, the transformation, the column,
	 * where it stands in the file that says so. Behind the last column of a transformation that keeps or drops
	 * columns, one whose column and place are "". NULL = none. */
	const struct prs_list *named;
	/* What is done with the rows, in the order it is written: a JSON list (docs/formats.md). NULL = nothing. */
	const char *steps;
};

/* "delimited", "parquet", "jsonl" */
const char *prs_table_format_name(enum prs_table_format f);
/* "utf8", "latin1", "windows1252", "utf16", "utf32" */
const char *prs_encoding_name(enum prs_encoding e);
/* The words of an encoding as table definitions have them: these, and utf8bom, ascii, iso88591. */
bool prs_encoding_find(const char *word, enum prs_encoding *ret);
bool prs_header_mode_find(const char *word, enum prs_header_mode *ret);

/* The endings of files that are tables, in front of .gz and .zst: .csv, .tsv, .jsonl, .ndjson, .parquet. */
struct prs_table_ending {
	const char *text; /* ".csv" */
	const char *kind; /* "CSV": all files of an input are of one */
	enum prs_table_format format;
	char delimiter;
};
/* That of a file name; NULL: it is not known. */
const struct prs_table_ending *prs_table_ending(const char *name);

/* What begins with _ or . lies beside Parquet files and is none of them: _SUCCESS, _metadata, .part-0.parquet.crc */
bool prs_parquet_is_data(const char *name);
/* Its first ending of that format and delimiter. */
const char *prs_table_kind(const struct prs_table_input *in);
#define PRS_TABLE_ENDINGS ".csv, .tsv, .jsonl, .ndjson or .parquet"

#endif
