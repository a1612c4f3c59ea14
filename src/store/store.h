/* SPDX-License-Identifier: Apache-2.0
 * store: a run folder: its epochs, files and index; opening (recovery), refusing, assembling.
 *
 * Fencing is by file: `journal-<epoch>` is created with O_EXCL and its HEAD seals the predecessors' lengths (journal
 * and plan). An engine that wakes up late writes only to files that nobody reads. Order: segment group synced -> DONE
 * journaled -> journal synced -> counted. The caller keeps it (with the sync thread).
 */
#ifndef PRS_STORE_STORE_H
#define PRS_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"
#include "base/table_sink.h"
#include "store/log.h"
#include "wire/facts.h"

#include <stdbool.h>

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Paths inside a run folder, into a caller's buffer (journal-<epoch>, plan-<epoch>, seg/<epoch>-<node>-<n>.seg|.raw,
 * index-<epoch>). */
void prs_path_journal(char *to, size_t n, const char *dir, uint32_t epoch);
void prs_path_plan(char *to, size_t n, const char *dir, uint32_t epoch);
void prs_path_segment(char *to, size_t n, const char *dir, uint32_t epoch, uint16_t node, uint32_t segment, bool raw);
void prs_path_index(char *to, size_t n, const char *dir, uint32_t epoch);

/* A run that is being removed lies beside its folder under this name and its id: no run any more. */
#define PRS_RUN_GONE ".prs-gone-"
/* Does an engine make things of this name directly in a run folder? */
bool prs_run_has_name(const char *name);

/* Write a small file atomically: temporary name, sync, rename, sync the folder. */
int prs_write_file(const struct prs_fs *fs, const char *path, const void *bytes, size_t n, uint32_t mode,
                   struct prs_err *err);

enum prs_run_kind { PRS_RUN_JOB, PRS_RUN_PIPELINE };
/* RUN: "prs-run 1\nkind run\nid <32 hex> <name>\nengine <version>\n". */
int prs_run_file_write(const struct prs_fs *fs, const char *dir, const struct prs_run_id *id, const char *name,
                       const char *engine, struct prs_err *err);
int prs_run_file_write_as(const struct prs_fs *fs, const char *dir, enum prs_run_kind kind, const struct prs_run_id *id,
                          const char *name, const char *engine, struct prs_err *err);
/* name[] gets the run's name. PRS_EVERSION for another format number, or another kind than `kind run`. */
int prs_run_file_read(const struct prs_fs *fs, const char *dir, struct prs_run_id *ret, char *name, size_t name_bytes,
                      struct prs_err *err);
/* The same for every kind that is known. */
int prs_run_file_read_any(const struct prs_fs *fs, const char *dir, enum prs_run_kind *ret_kind, struct prs_run_id *ret,
                          char *name, size_t name_bytes, struct prs_err *err);

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* What opening needs of the facts and plans it meets; non-zero return = refuse with that code. */
struct prs_recover_sink {
	void *ctx;
	int (*plan)(void *ctx, const uint8_t *body, size_t n,
	            struct prs_err *err); /* bodies of all plan files, before the facts that name them */
	int (*fact)(void *ctx, const struct prs_fact *f, struct prs_err *err); /* every fact in order, HEADs too */
};

struct prs_recovered {
	uint32_t epoch;                   /* of the newest journal that has a HEAD; 0 = none */
	uint32_t next_epoch;              /* 1 + the newest journal file that exists */
	uint64_t journal_bytes;           /* its valid length: what the next HEAD seals */
	uint64_t plan_bytes;              /* of plan-<epoch>; 0 = no such file */
	uint64_t journal_last, plan_last; /* offsets of their last frames */
};

/* Read the chain of journals (oldest first) and plans. Read-only: also for status, dump and check. PRS_ECORRUPT names
 * file and offset. A PLANNED fact counts only if its plan bytes are there. PRS_EVERSION names the engine that wrote
 * what this one does not know. */
int prs_store_recover(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                      const struct prs_recover_sink *sink, struct prs_recovered *ret, struct prs_err *err);

/* A journal that counts and its plan, and how many of their bytes do: UINT64_MAX = all, they are the newest; a plan of
 * 0 bytes is none. */
typedef int prs_store_link_fn(void *ctx, uint32_t epoch, uint64_t journal_bytes, uint64_t plan_bytes);
/* The chain of them, oldest first. A journal that is not in it was passed over: what it holds is nobody's. */
int prs_store_chain(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, prs_store_link_fn *each,
                    void *ctx, struct prs_err *err);

/* Make durable what the next HEAD is going to seal: the engine before may have died between a write and its sync, or
 * of a failed sync, which leaves bytes that can be read and will never be written. The last frames are written again
 * and synced. Call before prs_journal_create(). */
int prs_store_settle(const struct prs_fs *fs, const char *dir, const struct prs_recovered *was, struct prs_err *err);

/* Give back what the engines of older epochs had allocated ahead of what they wrote. Call when the new HEAD is on the
 * disk. A failure (-errno) is no harm: the next life tries again. */
int prs_store_trim(const struct prs_fs *fs, const char *dir, uint32_t epoch);

/* The newest journal file that exists (0 = none), by listing the folder. */
int prs_store_newest_epoch(const struct prs_fs *fs, const char *dir, uint32_t *ret, struct prs_err *err);
/* PRS_EFENCED when a journal newer than `epoch` exists. */
int prs_store_check_fence(const struct prs_fs *fs, const char *dir, uint32_t epoch, struct prs_err *err);

/* ---- journal ----------------------------------------------------------------------------------------------------- */

/* Create journal-<epoch> with the given HEAD fact as its first frame, synced. PRS_EEXISTS = another engine took this
 * epoch. */
int prs_journal_create(struct prs_log *l, const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                       uint16_t minor, const struct prs_fact *head, struct prs_err *err);

/* ---- index ------------------------------------------------------------------------------------------------------- */

/* Where the bytes of each id are: a 32-byte slot per id, mapped from a file without a name (index-<epoch> for an
 * instant). Derived: made anew from the journal by every engine. */
struct prs_index;
int prs_index_new(struct prs_index **ret, const struct prs_fs *fs, const char *dir, uint32_t epoch,
                  struct prs_err *err);
void prs_index_free(struct prs_index *x);
/* Room for ids below next_id. */
int prs_index_grow(struct prs_index *x, uint64_t next_id, struct prs_err *err);
/* A DONE fact that counted (its segment's epoch is lease >> 40). */
int prs_index_done(struct prs_index *x, const struct prs_done *d, struct prs_err *err);
/* RESET of count ids, with the parts of those that were split. */
void prs_index_reset(struct prs_index *x, uint64_t id, uint64_t count);

/* Ids whose range does not lie inside its file: called after recovery, before anything is leased; each(ctx, id,
 * sentence). Returns how many, or < 0. */
int64_t prs_index_verify_ranges(struct prs_index *x, void (*each)(void *ctx, uint64_t id, const char *why), void *ctx,
                                struct prs_err *err);

/* ---- assemble ---------------------------------------------------------------------------------------------------- */

struct prs_assemble_options {
	const char *path; /* final file; written under .prs-<run>-<epoch>.tmp beside it */
	const struct prs_run_id *run;
	/* replace a file that is there; else it must hold the same bytes already, or PRS_EOUTPUT_EXISTS */
	bool overwrite;
	uint32_t epoch; /* fence, checked again before the rename */
	uint64_t next_id;
	enum prs_output_format format;
	/* parquet, and what else is written of such rows (`prs output --format`): makes the file; its pace is that of
	 * the rows that it was given. NULL: the bytes of rows are those of the file. */
	const struct prs_table_sink *sink;
	uint64_t rows; /* sink: it must have written so many; not looked at when ranges are left out */
	bool partial;  /* prs output --partial: damaged ranges are reported and left out, the fence is not looked at */
	/* Both may be NULL and are read and written atomically, for a caller in another thread. */
	const bool *cancel; /* true: stop with PRS_EINTERRUPTED, nothing is published */
	uint64_t *progress; /* bytes written so far */
};

struct prs_assembled {
	uint64_t bytes, rows_bytes, ranges;
	uint8_t print[16];       /* XXH3_128 of the file */
	uint64_t bad;            /* ids whose bytes do not match their checksum: reported by `bad` */
	uint64_t headers_differ; /* mini-batches with other columns than the first one */
	uint64_t unfit;          /* of these, tables: their rows could not be given the columns of the output */
	bool found;              /* it was there already, byte for byte: nothing was written */
};

/* Read the ranges in id order, check every checksum, write, sync, check the fence, rename, sync the folder. Headers
 * (head_len): of text the first is written, the others are left out; csv and tsv have one with the columns of all
 * (store/merge.h). When any range is bad: `bad(ctx, id, why)` for each,
 * PRS_ECORRUPT, no file. Free space is checked first. */
int prs_assemble(const struct prs_fs *fs, const char *dir, struct prs_index *x, const struct prs_assemble_options *o,
                 void (*bad)(void *ctx, uint64_t id, const char *why), void *ctx, struct prs_assembled *ret,
                 struct prs_err *err);

/* ---- audit (prs check) ------------------------------------------------------------------------------------------- */

/* Every DONE's range against the ROWS record in its file: id, lease, succeeded, checksum. Returns the number of
 * problems, or < 0. */
int64_t prs_store_audit(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                        void (*problem)(void *ctx, const char *sentence), void *ctx, struct prs_err *err);

#endif
