/* SPDX-License-Identifier: Apache-2.0
 * keys: single keys of the person in front of the terminal, while a job runs.
 *
 * - Only when stdin, stdout and stderr are one terminal, and only while this process is in its foreground: in the
 *   background nothing is read and the terminal's modes are left alone (no SIGTTIN, no SIGTTOU).
 * - Nobody else reads keys there (two jobs of a script side by side).
 * - Line editing and echo go off; Ctrl-C, Ctrl-Z and Ctrl-\ stay signals.
 * - The modes are put back by prs_keys_close(), at exit, before Ctrl-Z stops this process, and before a signal that
 *   kills it does. (kill -9 leaves them to the shell.)
 * One user a process.
 */
#ifndef PRS_IO_KEYS_H
#define PRS_IO_KEYS_H

#include <stdbool.h>

/* False: there is no terminal to read from. */
bool prs_keys_open(void);
/* The keys pressed since the last call, 0-closed, control characters left out; never waits. */
void prs_keys_read(char *to, unsigned n);
/* Was this process stopped and continued since the last call? What it drew may be gone. */
bool prs_keys_stopped(void);
void prs_keys_close(void);
/* Does another process have the terminal on stderr? */
bool prs_keys_in_background(void);

#endif
