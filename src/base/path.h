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
/* Absolute, "." and ".." taken out; the caller frees. */
char *prs_path_absolute(const char *base, const char *path);
bool prs_path_is_pattern(const char *path);
/* The folder above the first part that holds a wildcard. */
char *prs_path_pattern_root(const char *pattern);
/* 'f' a file, 'd' a folder, 'o' something else, 0 nothing there; links are followed. */
char prs_path_kind(const struct prs_fs *fs, const char *path);
/* A plain file to read, without waiting for anybody: a descriptor, -errno, or -PRS_ERRNO_NO_FILE. */
int prs_path_open(const struct prs_fs *fs, const char *path);
/* Makes every folder that a slash behind byte `from` of the path ends ("a/b/c": a and a/b; "a/b/": the same). Those
 * that are there are left as they are. Returns 0 or a negative errno; then *ret_length bytes of the path name the
 * folder that could not be made (ret_length may be NULL). */
int prs_path_make(const struct prs_fs *fs, const char *path, size_t from, uint32_t mode, size_t *ret_length);
/* A run folder, also one that is only half made: its file RUN begins as every RUN does. */
bool prs_path_is_run(const struct prs_fs *fs, const char *folder);

#define PRS_RUN_FILE_MAGIC "prs-run "

#endif
