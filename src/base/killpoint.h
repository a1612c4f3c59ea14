/* SPDX-License-Identifier: Apache-2.0
 * killpoint: named places (killpoint.def) where a test build dies of SIGKILL. In release builds PRS_KILL_POINT(name) is
 * nothing. In the environment:
 *
 *   PRS_KILL="name:count"       the process dies at the count-th passing
 *   PRS_KILL="name:count:MARK"  the first process that gets there writes its pid into the file MARK and stops
 *                               (SIGSTOP): the test decides who dies
 *   PRS_HOLD="name:count:MARK"  the thread that passes the count-th time makes the file MARK; it and those that come
 *                               later wait there until it is removed. With a count of 0 the test makes the file
 */
#ifndef PRS_BASE_KILLPOINT_H
#define PRS_BASE_KILLPOINT_H

#ifdef PRS_KILL_POINTS
void prs_kill_point(const char *name);
#define PRS_KILL_POINT(name) prs_kill_point(name)
#else
#define PRS_KILL_POINT(name) ((void)0)
#endif

#endif
