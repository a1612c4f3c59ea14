/* SPDX-License-Identifier: Apache-2.0
 * source: the text of one file of a table: its bytes as they lie, or what they are when they are decompressed (gzip,
 * zstd, by the first bytes) and, from UTF-16 or UTF-32, made UTF-8.
 *
 * A text that is not as it lies is made again from its beginning when an offset is asked for that was passed: it is
 * meant to be read from front to back.
 */
#ifndef PRS_DATA_SOURCE_H
#define PRS_DATA_SOURCE_H

#include "base/err.h"
#include "base/fs.h"
#include "base/table.h"

#include <stdbool.h>

struct prs_source; /* opaque */

/* Opens the file. PRS_EINVALID: it is packed in a way that is not read. */
int prs_source_open(const struct prs_fs *fs, const char *path, const struct prs_table_input *in,
                    struct prs_source **ret, struct prs_err *err);
void prs_source_close(struct prs_source *s);
const char *prs_source_path(const struct prs_source *s);
/* Its text is the file: it is read where it lies. */
bool prs_source_is_plain(const struct prs_source *s);
/* "gzip", "zstd", "UTF-16", "UTF-32": why not. */
const char *prs_source_kind(const struct prs_source *s);
/* Size and time of change of the file, when it was opened. */
const struct prs_fs_stat *prs_source_stat(const struct prs_source *s);
/* Was it so when it was opened? PRS_EINPUT_CHANGED; `since`: "when ..." */
int prs_source_expect(const struct prs_source *s, uint64_t size, uint64_t mtime_us, const char *since,
                      struct prs_err *err);
/* Is the open file still as it was? PRS_EINPUT_CHANGED; `since`: "when ..." */
int prs_source_check(const struct prs_source *s, const char *since, struct prs_err *err);
/* The text has at least so many bytes; 0: that is not known. */
uint64_t prs_source_least(const struct prs_source *s, struct prs_err *err);
/* All n bytes that the text has at `offset`, fewer at its end. < 0: -PRS_EIO and the like, -PRS_EINVALID when the data
 * is damaged or no text; all name the file. */
ssize_t prs_source_read(struct prs_source *s, void *to, size_t n, uint64_t offset, struct prs_err *err);

#endif
