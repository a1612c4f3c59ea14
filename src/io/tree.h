/* SPDX-License-Identifier: Apache-2.0
 * tree: a folder with all that is in it: looked at, removed. Links are never followed. One thread at a time.
 */
#ifndef PRS_IO_TREE_H
#define PRS_IO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct prs_tree_entry {
	const char *path, *name; /* `name`: the last part of it */
	const struct stat *st;
	bool folder, unreadable;
	int depth; /* 0 = the folder itself */
};

/* Calls `each` for the folder and all that is in it, a folder before its contents; stops when it returns non-zero and
 * returns that. -errno when `path` cannot be read. */
int prs_tree_walk(const char *path, int (*each)(void *ctx, const struct prs_tree_entry *e), void *ctx);

/* Removes the folder. `last`, a file in it, goes when all else is gone, so that a folder that is half removed can still
 * be recognised. What lies on another file system stays. -errno, and in `at` the path that could not be removed. */
int prs_tree_remove(const char *path, const char *last, char *at, size_t at_bytes);

#endif
