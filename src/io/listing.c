/* SPDX-License-Identifier: Apache-2.0
 * listing: the order in which files are found does not count: they are sorted before they are hashed.
 */
#include "io/listing.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FILES_MAX = 2000000 }; /* of an input: more take longer to look at than most steps run */

struct found {
	char *path; /* relative: "output/a/b" */
	uint64_t size, mtime_ns;
};

struct prs_listing {
	const struct prs_fs *fs;
	enum prs_listing_how how;
	struct found *v;
	size_t n, cap;
	const char *name;
	size_t skip;  /* bytes of the path that was added */
	char *passed; /* a run folder, whose contents do not count */
	struct prs_err *err;
};

struct prs_listing *prs_listing_new(const struct prs_fs *fs, enum prs_listing_how how)
{
	struct prs_listing *l = prs_calloc(1, sizeof *l);
	if (l)
		*l = (struct prs_listing){ .fs = fs, .how = how };
	return l;
}

void prs_listing_free(struct prs_listing *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		prs_freep(&l->v[i].path);
	prs_freep(&l->v);
	prs_freep(&l->passed);
	free(l);
}

static int no_memory(struct prs_listing *l) { return prs_fail(l->err, PRS_ENOMEM, "a list of files"); }

static int add_found(struct prs_listing *l, const char *path, const struct stat *st)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct found *v = prs_realloc(l->v, cap * sizeof *v);
		if (!v)
			return no_memory(l);
		l->v = v;
		l->cap = cap;
	}
	if (l->how == PRS_LISTING_READS && l->n == FILES_MAX)
		return prs_fail(l->err, PRS_EINVALID, "%.*s holds more than %d files", (int)l->skip, path, FILES_MAX);
	char *kept = prs_strf("%s%s", l->name, path + l->skip);
	if (!kept)
		return no_memory(l);
	l->v[l->n++] = (struct found){ kept, (uint64_t)st->st_size,
		                       (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec };
	return 0;
}

static int sync_file(const struct prs_fs *fs, const char *path)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	int r = fs->fdatasync(fs->ctx, fd);
	fs->close(fs->ctx, fd);
	return r;
}

static int sync_entry(struct prs_listing *l, const struct prs_tree_entry *t)
{
	int r = 0;
	if (t->folder)
		r = l->fs->sync_dir(l->fs->ctx, t->path);
	else if (S_ISREG(t->st->st_mode))
		r = sync_file(l->fs, t->path);
	return r < 0 && r != -EACCES ? prs_fail_errno(l->err, -r, "writing %s to the disk", t->path) : 0;
}

static bool is_passed(const struct prs_listing *l, const char *path)
{
	size_t n = l->passed ? strlen(l->passed) : 0;
	return n && !strncmp(path, l->passed, n) && path[n] == '/';
}

/* What a reader finds behind a link. A folder there is not walked: what is in it is not known. */
static int add_read(struct prs_listing *l, const struct prs_tree_entry *t)
{
	struct stat st = *t->st;
	if (t->unreadable)
		return prs_fail(l->err, PRS_EINVALID, "%s cannot be read", t->path);
	if (S_ISLNK(st.st_mode) && stat(t->path, &st) < 0)
		st = *t->st; /* it leads nowhere */
	if (S_ISDIR(st.st_mode))
		return prs_fail(l->err, PRS_EINVALID, "%s is a link to a folder", t->path);
	return add_found(l, t->path, &st);
}

static int pass(struct prs_listing *l, const char *path)
{
	prs_freep(&l->passed);
	l->passed = prs_strdup(path);
	return l->passed ? 0 : no_memory(l);
}

static int listing_entry(void *ctx, const struct prs_tree_entry *t)
{
	struct prs_listing *l = ctx;
	if (is_passed(l, t->path))
		return 0;
	if (l->how == PRS_LISTING_READS && t->folder && t->unreadable)
		return prs_fail(l->err, PRS_EINVALID, "%s cannot be read", t->path);
	if (l->how == PRS_LISTING_READS && t->folder)
		return t->depth && prs_path_is_run(l->fs, t->path) ? pass(l, t->path) : 0;
	if (l->how == PRS_LISTING_SYNCS && sync_entry(l, t) < 0)
		return l->err->code;
	if (t->folder)
		return 0;
	return l->how == PRS_LISTING_READS ? add_read(l, t) : add_found(l, t->path, t->st);
}

int prs_listing_add(struct prs_listing *l, const char *name, const char *path, struct prs_err *err)
{
	char real[PATH_MAX];
	const char *is = l->how == PRS_LISTING_READS && realpath(path, real) ? real : path;
	l->name = name;
	l->skip = strlen(is);
	l->err = err;
	int r = prs_tree_walk(is, listing_entry, l);
	if (err->code)
		return err->code;
	return r < 0 && r != -ENOENT ? prs_fail_errno(err, -r, "reading %s", path) : 0;
}

static int listing_by_path(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

void prs_listing_print(struct prs_listing *l, uint8_t to[16])
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t canonical;
	if (!state)
		return;
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, listing_by_path);
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < l->n; i++) {
		uint8_t raw[16];
		prs_put64(raw, l->v[i].size);
		prs_put64(raw + 8, l->v[i].mtime_ns);
		XXH3_128bits_update(state, l->v[i].path, strlen(l->v[i].path) + 1);
		XXH3_128bits_update(state, raw, sizeof raw);
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	memcpy(to, canonical.digest, 16);
	XXH3_freeState(state);
}

/* ---- contents ---------------------------------------------------------------------------------------------------- */

static int hash_file(const struct prs_fs *fs, const char *path, XXH3_state_t *state)
{
	uint8_t piece[32 << 10];
	uint64_t at = 0;
	int fd = fs->open(fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	ssize_t n;
	while ((n = fs->pread(fs->ctx, fd, piece, sizeof piece, at)) > 0) {
		XXH3_64bits_update(state, piece, (size_t)n);
		at += (uint64_t)n;
	}
	fs->close(fs->ctx, fd);
	return n < 0 ? (int)n : 0;
}

/* Its bytes, or where it leads; and whether it may be executed. In the form of an entry of a listing. */
static int contents_entry(void *ctx, const struct prs_tree_entry *t)
{
	struct prs_listing *l = ctx;
	char to[PATH_MAX];
	struct stat is = { .st_size = t->st->st_mode & (S_IFMT | 0100) };
	XXH3_state_t *state = t->folder ? NULL : XXH3_createState();
	if (t->folder)
		return t->unreadable ? prs_fail(l->err, PRS_EINVALID, "%s cannot be read", t->path) : 0;
	if (!state)
		return no_memory(l);
	XXH3_64bits_reset(state);
	ssize_t n = S_ISLNK(t->st->st_mode) ? readlink(t->path, to, sizeof to) : 0;
	int r = n < 0 ? -errno : 0;
	if (S_ISREG(t->st->st_mode))
		r = hash_file(l->fs, t->path, state);
	if (n > 0)
		XXH3_64bits_update(state, to, (size_t)n);
	uint64_t hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	is.st_mtim.tv_sec = (time_t)(hash / 1000000000);
	is.st_mtim.tv_nsec = (long)(hash % 1000000000);
	return r < 0 ? prs_fail_errno(l->err, -r, "reading %s", t->path) : add_found(l, t->path, &is);
}

int prs_contents_print(const struct prs_fs *fs, const char *dir, uint8_t to[16], struct prs_err *err)
{
	struct prs_listing *l = prs_listing_new(fs, PRS_LISTING_LOOKS);
	if (!l)
		return prs_fail(err, PRS_ENOMEM, "a list of files");
	l->name = "";
	l->skip = strlen(dir);
	l->err = err;
	int r = prs_tree_walk(dir, contents_entry, l);
	if (r < 0 && !err->code)
		prs_fail_errno(err, -r, "reading %s", dir);
	if (!err->code)
		prs_listing_print(l, to);
	prs_listing_free(l);
	return err->code;
}
