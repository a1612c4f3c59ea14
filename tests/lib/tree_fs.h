/* SPDX-License-Identifier: Apache-2.0
 * tree_fs: a tree of folders, files and links in memory, for the lister: stat and list only.
 */
#ifndef PRS_TESTS_TREE_FS_H
#define PRS_TESTS_TREE_FS_H

#include "base/fs.h"

struct tree_node {
	char *name;
	char type; /* f d o, l = link to `target` (NULL: it leads nowhere) */
	struct tree_node *target;
	struct tree_node **v; /* of a folder, in the order of their making */
	size_t n, cap;
	uint64_t ino;
	int fails; /* an errno that listing it returns */
};

struct tree {
	struct prs_fs fs; /* ctx = this tree */
	struct tree_node root;
	uint64_t next_ino;
	unsigned lists, stats; /* calls so far */
	bool no_types;         /* as some file systems do: every entry has type ? */
};

void tree_init(struct tree *t);
void tree_done(struct tree *t);
struct tree_node *tree_add(struct tree *t, struct tree_node *folder, const char *name, char type);
/* A node by its absolute path, links followed; NULL = none. */
struct tree_node *tree_find(struct tree *t, const char *path);
void tree_remove(struct tree_node *folder, const char *name);

#endif
