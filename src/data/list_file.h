/* SPDX-License-Identifier: Apache-2.0
 * list_file: a text file with one file name a line, in memory. One that ends in a 0 byte has 0 bytes between its names
 * (find -print0): such names may hold line feeds.
 */
#ifndef PRS_DATA_LIST_FILE_H
#define PRS_DATA_LIST_FILE_H

#include "base/err.h"
#include "base/fs.h"

#include <stddef.h>

struct prs_list_file {
	char *text; /* the absolute paths, each closed by a NUL */
	size_t *at; /* where each begins */
	size_t n;
	char *root; /* the deepest folder that holds them all */
};

/* Lines that are not absolute start from `base`; empty lines are passed over. A list may be empty: root "/". */
int prs_list_file_read(struct prs_list_file *l, const struct prs_fs *fs, const char *path, const char *base,
                       struct prs_err *err);
void prs_list_file_done(struct prs_list_file *l);
const char *prs_list_file_path(const struct prs_list_file *l, size_t i);
const char *prs_list_file_name(const struct prs_list_file *l, size_t i); /* without its folder */
char *prs_list_file_folder(const struct prs_list_file *l, size_t i);     /* the caller frees */
/* How many files in a row lie in the folder of the i-th; at most so many that their names have about `bytes`. */
size_t prs_list_file_run(const struct prs_list_file *l, size_t i, size_t bytes);

#endif
