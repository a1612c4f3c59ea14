/* SPDX-License-Identifier: Apache-2.0
 * frame: file header and checksummed batch frame of journal, plan, segment and raw files (docs/formats.md).
 *
 * Header, 32 B:  magic 8 · run id 16 · minor u16 · flags u16 · checksum u32 of bytes 0-27
 *   minor grows when an older engine must not read the file (not for records that it may skip, nor for longer
 *   payloads); flags: 0
 * Frame, 32 B + body, 8-byte aligned in its file:
 *   0 u32 magic "PB01" · 4 u32 body bytes · 8 u64 offset of this frame in its file · 16 u64 durable: highest offset
 *   known synced when this was written · 24 u32 checksum of the body · 28 u32 checksum of bytes 0-27
 * A body is a multiple of 8 bytes, at most 64 MiB - 32; in raw files at most 4 GiB - 64.
 * Checksum: low 32 bits of XXH3_64.
 */
#ifndef PRS_WIRE_FRAME_H
#define PRS_WIRE_FRAME_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { PRS_FILE_HEADER_BYTES = 32, PRS_FRAME_HEADER_BYTES = 32, PRS_FRAME_MAX_BYTES = 64 << 20 };
/* NODES: a journal of which a DONE may lie in the file of another node than the one that ran it (facts.h).
 * TABLES: a plan with a record, or a kind of keys, that only tables have (prs_plan_minor of plan.h).
 * PIPELINE: the journal of a pipeline. */
enum { PRS_FORMAT_MINOR = 1, PRS_FORMAT_MINOR_NODES = 2, PRS_FORMAT_MINOR_TABLES = 2, PRS_FORMAT_MINOR_PIPELINE = 2 };
#define PRS_RAW_FRAME_MAX_BYTES UINT64_C(0xffffffc0)

enum prs_file_kind { PRS_FILE_JOURNAL, PRS_FILE_PLAN, PRS_FILE_SEGMENT, PRS_FILE_RAW };

struct prs_run_id {
	uint8_t bytes[16];
};

struct prs_frame {
	uint64_t offset, durable;
	uint32_t body_bytes;
	uint32_t body_sum;
};

uint32_t prs_checksum(const void *p, size_t n);
/* 16 B fingerprint, XXH3_128 in the byte order that `xxh128sum` prints. */
void prs_fingerprint(const void *p, size_t n, uint8_t ret[16]);

void prs_file_header_put(uint8_t raw[PRS_FILE_HEADER_BYTES], enum prs_file_kind kind, uint16_t minor,
                         const struct prs_run_id *run);
/* PRS_ECORRUPT: not such a file, damaged, or of another run; PRS_EVERSION: a newer minor, or flags. */
int prs_file_header_check(const uint8_t *p, size_t n, enum prs_file_kind kind, const struct prs_run_id *run,
                          struct prs_err *err);

/* Fill in the 32 B in front of a body of f->body_bytes whose checksum is f->body_sum. */
void prs_frame_put(uint8_t raw[PRS_FRAME_HEADER_BYTES], const struct prs_frame *f);
/* True when p holds a whole frame header that belongs at `offset` (body not looked at). */
int prs_frame_get(const uint8_t *p, size_t n, uint64_t offset, struct prs_frame *ret);

#endif
