/* SPDX-License-Identifier: Apache-2.0
 * gate: preloaded into the engine: opening a folder named PRS_GATE_FOLDER waits until the file PRS_GATE exists. A slow
 * file system.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int gated(const char *path)
{
	const char *name = getenv("PRS_GATE_FOLDER"), *last = strrchr(path, '/');
	return name && !strcmp(last ? last + 1 : path, name);
}

DIR *opendir(const char *path)
{
	DIR *(*real)(const char *);
	void *p = dlsym(RTLD_NEXT, "opendir");
	memcpy(&real, &p, sizeof real);
	const char *file = getenv("PRS_GATE");
	while (file && gated(path) && access(file, F_OK) != 0)
		usleep(1000);
	return real(path);
}
