/* SPDX-License-Identifier: Apache-2.0
 * path: the folder of a path, making the folders that a path needs, and which folder is a run folder. Buffers for a
 * path hold PATH_MAX bytes.
 */
#ifndef PRS_BASE_PATH_H
#define PRS_BASE_PATH_H

#include "base/fs.h"

/* The folder that a path lies in: "a/b" -> "a", "/b" -> "/", "b" -> "."; NULL when out of memory. */
char *prs_path_folder(const char *path);
/* "a/b" as one name, "a.b"; NULL when out of memory. */
char *prs_path_flat(const char *path);
/* Makes every folder that a slash behind byte `from` of the path ends ("a/b/c": a and a/b; "a/b/": the same). Those
 * that are there are left as they are. Returns 0 or a negative errno; then *ret_length bytes of the path name the
 * folder that could not be made (ret_length may be NULL). */
int prs_path_make(const struct prs_fs *fs, const char *path, size_t from, uint32_t mode, size_t *ret_length);
/* A run folder, also one that is only half made: its file RUN begins as every RUN does. */
bool prs_path_is_run(const struct prs_fs *fs, const char *folder);

#define PRS_RUN_FILE_MAGIC "prs-run "

#endif
