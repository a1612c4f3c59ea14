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
#include "base/option.h"

/* A file or folder of the code; its folder stands before it. */
struct prs_code_entry {
	char *path;     /* relative */
	const char *in; /* the folder that it is copied from: path below it; NULL = that of the code */
	uint64_t size;
	uint32_t mode;
};

/* All that is in a folder that was copied; what tools leave (__pycache__) does not belong to it. */
int prs_code_files(const struct prs_fs *fs, const char *folder, struct prs_code_entry **ret, size_t *ret_n,
                   struct prs_err *err);
void prs_code_files_done(struct prs_code_entry *v, size_t n);

enum { PRS_CODE_NAME_BYTES = 24 };

/* The folder of the code that the life `epoch` was the first to run: "code-3"; 0: "code", that of the run's begin. */
void prs_code_name(char to[PRS_CODE_NAME_BYTES], uint32_t epoch);

/* Fingerprint and sums of the folder `name` ("code") of the run folder, as it lies there. */
int prs_code_sums(const struct prs_fs *fs, const char *run, const char *name, uint8_t ret_print[16],
                  struct prs_buf *ret_sums, struct prs_err *err);
/* Is it what `print` says? Else PRS_EINVALID, with the first file that was changed, is missing or was added, as the
 * sums have it ("": there are none). */
int prs_code_check(const struct prs_fs *fs, const char *run, const char *name, const uint8_t print[16],
                   const char *sums, struct prs_err *err);

struct prs_code_restored {
	unsigned missing, changed; /* files */
	char first[256];           /* of them, relative */
};

/* Make every file of `code/` in `work/code` what it is in `code/`; other files there stay. What the script left in
 * ./outputs is its own: only what is missing comes back there. Stopped in the middle, the next call does the rest. */
int prs_code_restore(const struct prs_fs *fs, const char *run, const char *name, struct prs_code_restored *ret,
                     struct prs_err *err);
/* What `work/code` has of the code `name`, and the code `now` does not have, goes; what the script changed there
 * stays. */
int prs_code_retire(const struct prs_fs *fs, const char *run, const char *name, const char *now, struct prs_err *err);
enum { PRS_CODE_TOLD_BYTES = 512 };

/* Are files of the code other ones by now, or gone, in the folder that it was copied from, or in what was copied beside
 * it (`includes`, prs_job.includes; NULL = nothing)? Then the sentence that says so, with what to do. A folder that is
 * not there (any more) is no change. */
bool prs_code_tell_changed(const struct prs_fs *fs, const char *run, const char *name, const char *origin,
                           const struct prs_list *includes, const char *advice, char to[PRS_CODE_TOLD_BYTES]);

#endif
