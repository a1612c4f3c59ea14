/* SPDX-License-Identifier: Apache-2.0
 * front: what a front end (the command line; a program that sends JSON) lends to run/: files, and an ear.
 */
#ifndef PRS_RUN_FRONT_H
#define PRS_RUN_FRONT_H

#include "base/fs.h"

struct prs_front {
	const struct prs_fs *fs;
	/* A line for somebody who waits, while it happens: an environment is made, what pip says. NULL = nobody
	 * listens. */
	void (*say)(void *ctx, const char *line);
	void *ctx;
};

#endif
