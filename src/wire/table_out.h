/* SPDX-License-Identifier: Apache-2.0
 * table_out: what the engine says to the process of the job's Python that makes a file of tables, and what that
 * answers.
 *
 * A stream socket; frame: len u32 (bytes behind it) · payload. Little-endian.
 *
 *  process                                  engine
 *    HELLO            ->                                0 u8 · protocol u32 (1) · version of pyarrow, a text
 *                     <-  TYPE                          1 u8 · column, type: a text each; for each asked for
 *                     <-  SCHEMA                        2 u8 · id u64 of the mini-batch · bytes; from 0 on
 *                     <-  BEGIN                         3 u8 · dev u64 · ino u64 · format, path: a text each
 *    READY            ->                                0 u8 · for each schema u8: 1 other columns than
 *                                                       the first one
 *                     <-  ROWS                          4 u8 · id u64 · schema u32 · bytes u64 that follow in pieces
 *                     <-  PIECE                         5 u8 · bytes
 *                     <-  END                           6 u8
 *    WRITTEN          ->                                0 u8 · rows u64
 *
 * text:   u32 length + bytes.
 * Instead of any answer, at any time: 1 u8 · kind u8 (enum prs_table_out_trouble) · errno u32 · a text; then it ends.
 *
 * Failure: what breaks these rules is PRS_EPROTOCOL.
 */
#ifndef PRS_WIRE_TABLE_OUT_H
#define PRS_WIRE_TABLE_OUT_H

#include "base/buf.h"
#include "base/err.h"

enum { PRS_TABLE_OUT_PROTOCOL = 1 };

enum prs_table_out_trouble {
	PRS_TABLE_OUT_OTHER = 0,
	PRS_TABLE_OUT_TYPES = 1,  /* columns of one name that do not go into one */
	PRS_TABLE_OUT_ERRNO = 2,  /* of the file */
	PRS_TABLE_OUT_MISSING = 3 /* a package */
};

/* Whole frames, in place of what `b` holds; b->failed when they do not fit. */
void prs_table_out_put_type(struct prs_buf *b, const char *column, size_t column_n, const char *type);
void prs_table_out_put_schema(struct prs_buf *b, uint64_t id, const void *bytes, size_t n);
void prs_table_out_put_begin(struct prs_buf *b, uint64_t dev, uint64_t ino, const char *format, const char *path);
void prs_table_out_put_rows(struct prs_buf *b, uint64_t id, uint32_t schema, uint64_t bytes);
void prs_table_out_put_piece(struct prs_buf *b, const void *bytes, size_t n);
void prs_table_out_put_end(struct prs_buf *b);

/* Payloads of answers; trouble becomes an error with its sentence: PRS_EOUTPUT_TYPES, PRS_EINVALID (a package is
 * missing), as its errno says, PRS_EHELPER. */
int prs_table_out_get_hello(const uint8_t *p, size_t n, struct prs_err *err);
/* *ret_differs: of `schemas` ones, in the payload. */
int prs_table_out_get_ready(const uint8_t *p, size_t n, uint32_t schemas, const uint8_t **ret_differs,
                            struct prs_err *err);
int prs_table_out_get_written(const uint8_t *p, size_t n, uint64_t *ret_rows, struct prs_err *err);

#endif
