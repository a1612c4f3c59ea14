/* SPDX-License-Identifier: Apache-2.0
 * trackers: processes that clean up behind others (prs_is_tracker()) outlive the ones that were killed by a moment:
 * they see the end of the last one and remove its shared memory and semaphores, which would stay until the next boot.
 * What is still there then is killed like everything else.
 *
 * One list a process, of its main thread.
 */
#ifndef PRS_IO_TRACKERS_H
#define PRS_IO_TRACKERS_H

#include <stdbool.h>
#include <stdint.h>

/* It has two seconds from now on (from the first time that it was named). False: it cannot be watched. */
bool prs_tracker_spare(int pid);
/* Kill those whose time is over; when the next one's is (prs_clock_us()), UINT64_MAX = there is none. */
uint64_t prs_trackers_look(uint64_t now_us);
/* Wait until all are gone, or their time is over. */
void prs_trackers_end(void);

#endif
