/* SPDX-License-Identifier: Apache-2.0
 * log: an append-only file of checksummed batch frames: what journal, plan, segment and raw files have in common.
 *
 * Two threads: the loop fills bodies and calls prs_log_place(); the sync thread calls prs_log_commit() in the same
 * order. `durable` is read by both (atomic). A failed write or sync is final for the file (`failed`): no later commit
 * touches it.
 */
#ifndef PRS_STORE_LOG_H
#define PRS_STORE_LOG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "wire/frame.h"

#include <stdbool.h>

struct prs_log {
	const struct prs_fs *fs;
	int fd;
	enum prs_file_kind kind;
	char *path;
	uint64_t tail;      /* where the next frame goes (the loop's view) */
	uint64_t durable;   /* synced up to here (atomic) */
	uint64_t allocated; /* preallocated up to here */
	uint64_t prealloc;  /* keep that many bytes allocated ahead; 0 = none */
	int failed;         /* 0 or the code of the first failure (atomic) */
	bool full;          /* no space to allocate more ahead: half of `prealloc` is left, stop soon (atomic) */
	bool no_sync;       /* --bench-no-sync */
};

/* Create with O_EXCL, write the header, sync file and folder. PRS_EEXISTS when it is there already. */
int prs_log_create(struct prs_log *l, const struct prs_fs *fs, const char *path, enum prs_file_kind kind,
                   const struct prs_run_id *run, uint64_t prealloc_bytes, struct prs_err *err);
/* The same with another minor than PRS_FORMAT_MINOR (wire/frame.h). */
int prs_log_create_as(struct prs_log *l, const struct prs_fs *fs, const char *path, enum prs_file_kind kind,
                      uint16_t minor, const struct prs_run_id *run, uint64_t prealloc_bytes, struct prs_err *err);
void prs_log_close(struct prs_log *l);

/* Start a frame in an empty buffer: 32 B are left for its header. */
int prs_log_begin(struct prs_buf *frame);
/* Loop: give the frame its place; returns its offset in the file. The body is padded to 8. */
uint64_t prs_log_place(struct prs_log *l, struct prs_buf *frame);
/* Sync thread: fill in the header, write at `offset`, fdatasync, move `durable`. */
int prs_log_commit(struct prs_log *l, struct prs_buf *frame, uint64_t offset, struct prs_err *err);

/* Raw files: append one ROWS record whose bytes are read from fd (all of its `length` bytes, from its start); on
 * success *ret_offset is where the bytes begin and *ret_sum their checksum (not that of the frame). Sync thread; the
 * file has no other writer. */
struct prs_rows;
int prs_log_raw(struct prs_log *l, const struct prs_rows *head, int fd, uint64_t *ret_offset, uint32_t *ret_sum,
                struct prs_err *err);

/* Called for every valid frame body in order; non-zero stops the scan and is returned. */
typedef int prs_log_body_fn(void *ctx, uint64_t offset, const uint8_t *body, size_t body_bytes, struct prs_err *err);

/* Scan a whole file. `sealed` UINT64_MAX: not sealed: *ret_length = end of the valid prefix; damage below a mark that
 * a later valid frame claims durable = PRS_ECORRUPT naming file and offset; other damage is the tail, cut. Otherwise
 * exactly the first `sealed` bytes must be whole frames, else PRS_ECORRUPT. `each` may be NULL. A file shorter than
 * its header: *ret_length = 0 (tail), PRS_ECORRUPT if sealed > 0. */
int prs_log_scan(const struct prs_fs *fs, const char *path, enum prs_file_kind kind, const struct prs_run_id *run,
                 uint64_t sealed, prs_log_body_fn *each, void *ctx, uint64_t *ret_length, struct prs_err *err);

/* The end of a path: what of it fits into a message whose end matters too. */
const char *prs_path_end(const char *path);

#endif
