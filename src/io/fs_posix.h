/* SPDX-License-Identifier: Apache-2.0
 * fs_posix: the real table of file functions (base/fs.h).
 */
#ifndef PRS_IO_FS_POSIX_H
#define PRS_IO_FS_POSIX_H

#include "base/fs.h"

/* open() with PRS_O_OWN: the descriptor, or -errno. */
int prs_open_own(const char *path, int flags, uint32_t mode);

extern const struct prs_fs prs_fs_posix;

#endif
