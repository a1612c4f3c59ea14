/* SPDX-License-Identifier: Apache-2.0
 * boot: did the machine, or the container that an engine ran in, go down since? A HEAD notes what tells it, as text:
 *
 *   <boot id> init=<start time of pid 1, clock ticks> oom=<oom_kill of our memory cgroup>@<inode of its folder>
 *
 * Compared part by part; a part that is missing then or now, or a number of another cgroup, tells nothing. A plain
 * SIGKILL leaves all parts as they were. (A container that starts anew has another pid 1; one whose memory is used up
 * may lose the engine alone: then its group has counted a kill.)
 */
#ifndef PRS_IO_BOOT_H
#define PRS_IO_BOOT_H

#include <stddef.h>

enum { PRS_BOOT_BYTES = 160 };

/* As it is now. */
void prs_boot_text(char to[PRS_BOOT_BYTES]);
/* The same, with `root` in front of each path: "". */
void prs_boot_text_below(const char *root, char to[PRS_BOOT_BYTES]);
/* What went down between the two texts, for people: "the machine started anew", ...; NULL = nothing. */
const char *prs_boot_went_down(const char *then, const char *now);

#endif
