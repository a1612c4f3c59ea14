/* SPDX-License-Identifier: Apache-2.0
 * fs_posix: the real table of file functions (base/fs.h).
 */
#ifndef PRS_IO_FS_POSIX_H
#define PRS_IO_FS_POSIX_H

#include "base/fs.h"

extern const struct prs_fs prs_fs_posix;

#endif
