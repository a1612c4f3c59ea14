/* SPDX-License-Identifier: Apache-2.0
 * table_writer: the process of the job's Python that makes the output file of tables (wire/table_out.h): parquet, and
 * what `prs output --format` makes of such rows. Started and ended by the main thread; the thread that assembles talks
 * to it.
 */
#ifndef PRS_MASTER_TABLE_WRITER_H
#define PRS_MASTER_TABLE_WRITER_H

#include "base/option.h"
#include "base/table_sink.h"
#include "io/helper.h"

struct prs_fs;

struct prs_table_writer_start {
	const struct prs_fs *fs;
	const char *program, *python, *loader; /* absolute paths */
	const struct prs_list *variables;      /* of a process of the job */
	const char *mark;                      /* "PRS_RUN=..."; NULL = none */
	const char *cwd, *log;                 /* cwd NULL: ours; log: a file, whose folder is made */
	enum prs_output_format format;
	const struct prs_list *types; /* output_types */
	uint64_t timeout_us; /* until it is there, until it takes what it is given, until it answers; 0 = none */
};

struct prs_table_writer {
	struct prs_helper helper;
	struct prs_table_sink sink; /* for the assembly */
	struct prs_buf frame, answer;
	struct prs_buf differs; /* a byte for each schema */
	uint32_t schemas;
	enum prs_output_format format;
	const struct prs_list *types;
	uint64_t timeout_us;
	bool greeted;
};

void prs_table_writer_init(struct prs_table_writer *w);
int prs_table_writer_begin(struct prs_table_writer *w, const struct prs_table_writer_start *s, struct prs_err *err);
/* So that a thread that waits for it comes back; it must still be ended. */
void prs_table_writer_kill(struct prs_table_writer *w);
/* Nobody talks to it any more. */
void prs_table_writer_end(struct prs_table_writer *w);

#endif
