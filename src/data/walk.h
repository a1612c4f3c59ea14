/* SPDX-License-Identifier: Apache-2.0
 * walk: the folders of one input, one after the other: the files of each sorted by bytes, then the folders in it, depth
 * first.
 *
 * An input is a folder, a file, parts of a folder (folders, files, patterns) or a list of files; all of them come out
 * as folders with names. The root is the folder that holds everything; of a list, the deepest one that does. Links are
 * followed, loops cut (by dev and ino of the folders above). A dangling link is a file like others: run() meets it,
 * nothing is left out silently. Sockets, fifos and devices are counted and passed over. So are run folders, which lie
 * where people work, unless they, or something in them, are what was given.
 */
#ifndef PRS_DATA_WALK_H
#define PRS_DATA_WALK_H

#include "base/fs.h"
#include "data/known.h"
#include "data/list.h"

struct prs_walk; /* opaque */

/* A folder, valid until the next call. Folders are numbered in the order in which they are announced: one above
 * announces the ones in it. */
struct prs_walked {
	uint32_t dir, first_dir; /* its number; that of the first folder in it */
	const char *name;        /* a folder of a list, which none announced: its path below the root; else NULL */
	const char *path;
	const struct prs_entries *files, *dirs;
	size_t files_at, dirs_at; /* how many of them an earlier plan has */
	bool in_part;             /* that plan announced the folder by a PART */
};

/* Points to `in` and `counts`. NULL = no memory. */
struct prs_walk *prs_walk_new(const struct prs_fs *fs, const struct prs_list_input *in, struct prs_list_counts *counts);
void prs_walk_free(struct prs_walk *w);
/* Looks at the input; its root will have the number `dir`. */
int prs_walk_begin(struct prs_walk *w, uint32_t dir, struct prs_err *err);
/* Instead: behind what an earlier plan has, with `files` files; `k` may be emptied. */
int prs_walk_go_on(struct prs_walk *w, struct prs_known *k, uint64_t files, struct prs_err *err);
/* The root, and what the input is: "", "file", "parts" or "list". */
const char *prs_walk_root(const struct prs_walk *w);
const char *prs_walk_kind(const struct prs_walk *w);
uint32_t prs_walk_root_dir(const struct prs_walk *w);
/* The root is a folder whose names must be read; else they are known from the beginning. */
bool prs_walk_reads_root(const struct prs_walk *w);
/* The next folder. PRS_EINPUT_CHANGED: one that was found before is gone, or is not as it was when a part of it was
 * planned. */
int prs_walk_next(struct prs_walk *w, struct prs_walked *ret, struct prs_err *err);
/* That was the last one. */
bool prs_walk_is_done(const struct prs_walk *w);
/* The number of the next folder to be announced. */
uint32_t prs_walk_dirs(const struct prs_walk *w);

#endif
