/* SPDX-License-Identifier: Apache-2.0
 * code: the code of a run: `code/`, which nobody may change, and `work/code/`, its copy, in which the script works.
 *
 * Fingerprint of `code/`: for each file, in the order of the names' bytes: name, NUL, size, execute bit, bytes. The
 * sums name what was changed: a line for each file, as `xxh128sum` prints them (a * in front of the name: executable).
 */
#ifndef PRS_SPEC_CODE_H
#define PRS_SPEC_CODE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

/* A file or folder of the code; its folder stands before it. */
struct prs_code_entry {
	char *path; /* relative */
	uint64_t size;
	uint32_t mode;
};

/* All that is in a folder that was copied; what tools leave (__pycache__) does not belong to it. */
int prs_code_files(const struct prs_fs *fs, const char *folder, struct prs_code_entry **ret, size_t *ret_n,
                   struct prs_err *err);
void prs_code_files_done(struct prs_code_entry *v, size_t n);

/* Fingerprint and sums of `code/` of the run folder, as it lies there. */
int prs_code_sums(const struct prs_fs *fs, const char *run, uint8_t ret_print[16], struct prs_buf *ret_sums,
                  struct prs_err *err);
/* Is it what `print` says? Else PRS_EINVALID, with the first file that was changed, is missing or was added, as the
 * sums have it ("": there are none). */
int prs_code_check(const struct prs_fs *fs, const char *run, const uint8_t print[16], const char *sums,
                   struct prs_err *err);

struct prs_code_restored {
	unsigned missing, changed; /* files */
	char first[256];           /* of them, relative */
};

/* Make every file of `code/` in `work/code` what it is in `code/`; other files there stay. What the script left in
 * ./outputs is its own: only what is missing comes back there. Stopped in the middle, the next call does the rest. */
int prs_code_restore(const struct prs_fs *fs, const char *run, struct prs_code_restored *ret, struct prs_err *err);

#endif
