/* SPDX-License-Identifier: Apache-2.0
 * model_dir: a model under its own name in a folder of the run: its folders are real ones, so that os.walk() and
 * rglob() go into them and what a script writes beside a file stays in the run; its files are links.
 */
#include "run/model_dir.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/fs_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level holds two descriptors; behind links to folders so many names are taken: /usr is no part of a model. */
enum { DEPTH_MAX = 64, LINKED_MAX = 100000 };

struct making {
	char model[PATH_MAX]; /* its real path */
	unsigned linked_left; /* of LINKED_MAX */
};

/* The folders of the model that lead to the one at hand. */
struct above {
	const struct above *up;
	dev_t dev;
	ino_t ino;
	unsigned depth;
	bool linked; /* behind a link to a folder */
};

/* A link to a folder that it lies in, or far too deep. */
static bool goes_round(const struct above *above, const struct stat *st)
{
	for (const struct above *a = above; a; a = a->up)
		if ((a->dev == st->st_dev && a->ino == st->st_ino) || a->depth >= DEPTH_MAX)
			return true;
	return false;
}

/* Does the model lie in the folder that the link names, as in /? */
static bool holds_model(const struct making *m, const char *link)
{
	char real[PATH_MAX];
	size_t n = realpath(link, real) ? strlen(real) : 0;
	bool root = n == 1;
	return n && !strncmp(m->model, real, n) && (root || m->model[n] == '/');
}

/* What is there already is of an earlier life of the run, or the script's. */
static int put_link(int to, const char *name, const char *target)
{
	return symlinkat(target, to, name) < 0 && errno != EEXIST ? -errno : 0;
}

/* The real folder `name` in the folder `to`: a descriptor. A link there is of an older engine. */
static int own_folder(int to, const char *name)
{
	for (unsigned tries = 0; tries < 2; tries++) {
		if (mkdirat(to, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		int fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOTDIR && errno != ELOOP)
			return -errno;
		unlinkat(to, name, 0);
	}
	return -ENOTDIR;
}

static int put(struct making *m, int to, const char *name, const char *from, const struct above *above);

static int put_entries(struct making *m, int to, DIR *d, const char *from, const struct above *above)
{
	int r = 0;
	for (struct dirent *e; !r && (e = readdir(d)) != NULL;) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (above->linked && !m->linked_left)
			break;
		m->linked_left -= above->linked;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", from, e->d_name);
		r = path ? put(m, to, e->d_name, path, above) : -ENOMEM;
	}
	return r;
}

/* A run folder is no part of a model (the one that is being made would be copied into itself). What cannot be listed
 * is a link: the script finds the reason. */
static int put(struct making *m, int to, const char *name, const char *from, const struct above *above)
{
	struct stat st, self;
	if (stat(from, &st) < 0 || !S_ISDIR(st.st_mode) || goes_round(above, &st))
		return put_link(to, name, from);
	bool link = above && lstat(from, &self) == 0 && S_ISLNK(self.st_mode);
	bool linked = link || (above && above->linked);
	if (linked && (!m->linked_left || (link && holds_model(m, from))))
		return put_link(to, name, from);
	if (above && prs_path_is_run(&prs_fs_posix, from))
		return 0;
	DIR *d = opendir(from);
	if (!d)
		return put_link(to, name, from);
	struct above here = { above, st.st_dev, st.st_ino, above ? above->depth + 1 : 0, linked };
	int fd = own_folder(to, name), r = fd;
	if (fd >= 0) {
		r = put_entries(m, fd, d, from, &here);
		close(fd);
	}
	closedir(d);
	return r;
}

int prs_model_dir(const char *folder, const char *model)
{
	const char *slash = strrchr(model, '/');
	int fd = mkdir(folder, 0755) < 0 && errno != EEXIST ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct making m = { .linked_left = LINKED_MAX };
	if (!realpath(model, m.model))
		m.model[0] = 0; /* it went away: a link, then */
	int r = put(&m, fd, slash ? slash + 1 : model, model, NULL);
	close(fd);
	return r;
}
