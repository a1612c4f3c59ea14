/* SPDX-License-Identifier: Apache-2.0
 * msg: frames on the stream socket between a node and one worker.
 *
 * Frame header, 16 B, little-endian: len u32 (bytes behind the header, at most 16 MiB) · type u16 · flags u16 · claim
 * u32 · zero u32
 *
 *  worker                                   node
 *    HELLO            ->                                pid u32 · abi u32 (sys.hexversion) · protocol u32 (1) ·
 *                                                       zero u32 · text version · text executable
 *                     <-  SETUP                         key NUL value NUL ... (bytes; a key may repeat: a list)
 *    READY            ->                                import_us u64 · init_us u64   (import of the script; init())
 *    INIT_FAILED      ->                                report (below); the worker then exits
 *                     <-  TASK                          task (below), header.claim = 1, 2, 3 ... per process; a token
 *                                                       of the eventfd for each
 *                     <-  DROP                          first claim u32 · count u32: recalled, not to be run
 *                                                       (page.recalls counts these frames)
 *    RESULT           ->                                DONE (facts.h, 104 B; segment, offset, checksum 0) + rows;
 *                                                       header.claim of the task
 *    FAIL             ->                                TRY up to its message (facts.h), full disk (below), text kind
 *                                                       (of TRY; needs the full disk, as zeros); header.claim of the
 *                                                       task
 *    NOTE             ->                                kind u16 (below 32) · zero u16 · text: a sentence for people,
 *                                                       of which the first one of a kind is told
 *                     <-  STOP                          empty: finish the current call, run shutdown(), BYE, exit
 *    BYE              ->                                report: code 0 or SHUTDOWN_FAILED
 *
 * text:   u16 length + bytes.
 * report: code u16 · zero u16 · traceback bytes u32 · traceback offset in the error file u64 · text message · full disk
 * full disk: only when the exception, or one behind it, says so: errno u32 (28 ENOSPC, 122 EDQUOT; in FAIL it is the
 *         errno of TRY) · named u32 (1: it names a file) · device u64 (st_dev of that file, or of its folder)
 * task: id u64 · lease u64 · item_first u32 · item_count u32 · items u32 · try u16 · kind u16 · input u16 · zero u16 ·
 *         keys bytes u32 · global row of the first u64, then keys (name NUL value NUL ..., as in GROUP of plan.h), then
 *         the body:
 *         kind 0 (files): the absolute path of each item, each closed by a NUL.
 *         kinds 1 (slices) and 2 (Parquet rows): files u32 · skip u32, then for each file: size u64 · mtime u64 (µs) ·
 *         schema u32 · ranges u32, its ranges (offset u64 · bytes u64 · row in the file u64 · global row u64 ·
 *         rows u32 · zero u32; Parquet: offset 0, bytes 0), and behind the last file the path of each, closed by a
 *         NUL. The unit has `items` rows, behind the first `skip` ones of these. A path that is not absolute is the
 *         name of a spool in the run folder: its size and mtime are 0, and not looked at.
 * flags: 1 FD: RESULT only: the rows are not in the frame but in a file descriptor passed with it (SCM_RIGHTS on the
 *         header's first byte); DONE.length counts them.
 *         2 MORE: the payload goes on in the next frame of the same type and claim (tasks above 8 MiB).
 *
 * Failure: a frame that breaks these rules is PRS_EPROTOCOL: the process is killed and its running unit fails a try.
 */
#ifndef PRS_WIRE_MSG_H
#define PRS_WIRE_MSG_H

#include "base/bytes.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/facts.h"

#include <stdbool.h>

enum prs_msg {
	PRS_MSG_HELLO = 1,
	PRS_MSG_SETUP = 2,
	PRS_MSG_READY = 3,
	PRS_MSG_INIT_FAILED = 4,
	PRS_MSG_TASK = 5,
	PRS_MSG_RESULT = 6,
	PRS_MSG_FAIL = 7,
	PRS_MSG_STOP = 8,
	PRS_MSG_BYE = 9,
	PRS_MSG_DROP = 10,
	PRS_MSG_NOTE = 11
};
enum { PRS_MSG_FD = 1, PRS_MSG_MORE = 2 };
enum {
	PRS_MSG_HEADER_BYTES = 16,
	PRS_MSG_MAX_BYTES = 16 << 20,
	PRS_MSG_PART_BYTES = 8 << 20,
	PRS_MSG_PROTOCOL = 1,
	PRS_TASK_BYTES = 48,
	PRS_ROWS_INLINE_MAX = 1 << 20
};

struct prs_msg_header {
	uint32_t len;
	uint16_t type, flags;
	uint32_t claim;
};

enum prs_task_kind { PRS_TASK_FILES = 0, PRS_TASK_SLICES = 1, PRS_TASK_PARQUET = 2 };
enum { PRS_TASK_FILE_BYTES = 24, PRS_TASK_RANGE_BYTES = 40 };

struct prs_task {
	uint64_t id, lease;
	uint32_t item_first, item_count, items;
	uint16_t try_number; /* 1 = the first */
	uint16_t kind;       /* enum prs_task_kind */
	uint16_t input;
	uint32_t keys_bytes;
	uint64_t global_row;
};

/* The exception of a failed try or init(): no space. errnum 0 = it says no such thing. */
struct prs_full_disk {
	uint32_t errnum;
	bool named;
	uint64_t device; /* st_dev, when named */
};

struct prs_report {
	uint16_t code;
	uint32_t trace_bytes;
	uint64_t trace_offset;
	const char *message; /* not closed by a NUL; points into the frame */
	uint16_t message_bytes;
	struct prs_full_disk full;
};

struct prs_hello {
	uint32_t pid, abi, protocol;
	const char *version, *executable; /* not closed by a NUL */
	uint16_t version_bytes, executable_bytes;
};

/* Put a header; the payload follows. */
int prs_msg_put_header(struct prs_buf *b, const struct prs_msg_header *h);
/* Read a header; PRS_EPROTOCOL when the type is unknown, the length too large, or the zero field is not 0. */
int prs_msg_get_header(const uint8_t raw[PRS_MSG_HEADER_BYTES], struct prs_msg_header *ret, struct prs_err *err);
/* One entry of a SETUP: key NUL value NUL; NULL is "". */
int prs_msg_put_pair(struct prs_buf *b, const char *key, const char *value);
/* The fixed part of a task (PRS_TASK_BYTES). */
void prs_msg_set_task(uint8_t raw[PRS_TASK_BYTES], const struct prs_task *t);
int prs_msg_put_task(struct prs_buf *b, const struct prs_task *t);
/* TRY as a worker knows it, errnum, kind and bad_item included, and the full disk that it tells of. */
int prs_msg_get_fail(const uint8_t *p, size_t n, struct prs_try *ret, struct prs_full_disk *ret_full,
                     struct prs_err *err);
/* The sentence, which is not closed by a NUL and points into p. */
enum { PRS_NOTE_KINDS = 32 };
int prs_msg_get_note(const uint8_t *p, size_t n, uint16_t *ret_kind, struct prs_text *ret, struct prs_err *err);
int prs_msg_get_report(const uint8_t *p, size_t n, struct prs_report *ret, struct prs_err *err);
int prs_msg_get_hello(const uint8_t *p, size_t n, struct prs_hello *ret, struct prs_err *err);

#endif
