/* SPDX-License-Identifier: Apache-2.0
 * walk: a stack of levels. A level is a folder whose subfolders are still to be visited, with their names; the root of
 * an input is the one name of the first level. So a folder with millions of folders costs their names, not their paths.
 */
#include "data/walk.h"

#include "data/glob.h"
#include "data/list_file.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NO_PART = -1 };
enum kind { TREE, ONE_FILE, PARTS, LIST };

struct level {
	char *path;
	struct prs_entries dirs;
	size_t at; /* the next one to be visited */
	uint32_t first_dir;
	int32_t part;  /* of the input, which these folders belong to */
	bool is_given; /* these folders are the root, or the parts */
};

/* What an earlier plan has of the folder that comes first. */
struct planned {
	bool any;
	struct prs_entries files, dirs;
};

/* A folder above one that was visited, or itself: so many bytes of its path. */
struct above {
	size_t bytes;
	uint64_t dev, ino;
};

struct prs_walk {
	const struct prs_fs *fs;
	const struct prs_list_input *in;
	struct prs_list_counts *counts;
	enum kind kind;
	char *root;
	struct level *levels;
	size_t levels_n, levels_cap;
	uint32_t next_dir;
	struct prs_list_file list;
	size_t list_at;
	uint32_t root_dir;
	struct planned planned;
	/* the folder that is visited */
	char *path;
	uint32_t dir;
	int32_t part;
	bool is_given; /* the root, or a part */
	struct prs_entries files, none;
	/* what is_loop() looked at last: from the root to the folder, and its path */
	struct prs_buf above, above_path;
};

static int bad(struct prs_err *err, const char *why) { return prs_fail(err, PRS_ECORRUPT, "plan: %s", why); }

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "listing the input"); }

struct prs_walk *prs_walk_new(const struct prs_fs *fs, const struct prs_list_input *in, struct prs_list_counts *counts)
{
	struct prs_walk *w = prs_calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->fs = fs;
	w->in = in;
	w->counts = counts;
	prs_entries_init(&w->files);
	prs_entries_init(&w->none);
	prs_entries_init(&w->planned.files);
	prs_entries_init(&w->planned.dirs);
	prs_buf_init(&w->above, UINT32_MAX);
	prs_buf_init(&w->above_path, UINT32_MAX);
	return w;
}

static void level_done(struct level *v)
{
	prs_freep(&v->path);
	prs_entries_done(&v->dirs);
}

void prs_walk_free(struct prs_walk *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->levels_n; i++)
		level_done(&w->levels[i]);
	prs_freep(&w->levels);
	prs_freep(&w->root);
	prs_freep(&w->path);
	prs_list_file_done(&w->list);
	prs_entries_done(&w->files);
	prs_entries_done(&w->planned.files);
	prs_entries_done(&w->planned.dirs);
	prs_buf_done(&w->above);
	prs_buf_done(&w->above_path);
	prs_freep(&w);
}

const char *prs_walk_root(const struct prs_walk *w) { return w->root; }
uint32_t prs_walk_root_dir(const struct prs_walk *w) { return w->root_dir; }
bool prs_walk_reads_root(const struct prs_walk *w) { return w->kind == TREE; }
uint32_t prs_walk_dirs(const struct prs_walk *w) { return w->next_dir; }
bool prs_walk_is_done(const struct prs_walk *w) { return !w->levels_n && w->list_at == w->list.n; }

const char *prs_walk_kind(const struct prs_walk *w)
{
	static const char *const names[] = { [TREE] = "", [ONE_FILE] = "file", [PARTS] = "parts", [LIST] = "list" };
	return names[w->kind];
}

/* ---- levels ------------------------------------------------------------------------------------------------------ */

/* Takes the level over, also when it fails. */
static int push(struct prs_walk *w, struct level v)
{
	if (w->levels_n == w->levels_cap) {
		size_t cap = w->levels_cap ? w->levels_cap * 2 : 16;
		struct level *p = prs_realloc(w->levels, cap * sizeof *p);
		if (!p) {
			level_done(&v);
			return -PRS_ENOMEM;
		}
		w->levels = p;
		w->levels_cap = cap;
	}
	w->levels[w->levels_n++] = v;
	return 0;
}

static char *join(const char *folder, const char *name)
{
	if (!name[0])
		return prs_strdup(folder);
	return prs_strf("%s/%s", strcmp(folder, "/") ? folder : "", name);
}

/* The next folder of the topmost level becomes the one that is visited. */
static int visit(struct prs_walk *w)
{
	struct level *top = &w->levels[w->levels_n - 1];
	size_t i = top->at;
	prs_freep(&w->path);
	w->path = join(top->path, prs_entries_at(&top->dirs, i));
	if (!w->path)
		return -PRS_ENOMEM;
	w->dir = top->first_dir + (uint32_t)i;
	w->is_given = top->is_given;
	w->part = w->is_given && w->dir != w->root_dir ? (int32_t)(w->dir - w->root_dir - 1) : top->part;
	if (++top->at == top->dirs.n) {
		level_done(top);
		w->levels_n--;
	}
	return 0;
}

static int push_root(struct prs_walk *w, uint32_t dir)
{
	struct level v = { .path = prs_strdup(w->root), .first_dir = dir, .part = NO_PART, .is_given = true };
	prs_entries_init(&v.dirs);
	if (!v.path || prs_entries_add(&v.dirs, "", 0) < 0) {
		level_done(&v);
		return -PRS_ENOMEM;
	}
	w->root_dir = dir;
	w->next_dir = dir + 1;
	return push(w, v);
}

/* ---- reading a folder -------------------------------------------------------------------------------------------- */

struct found {
	struct prs_walk *w;
	const char *path, *pattern; /* pattern NULL = everything */
	struct prs_entries *files, *dirs;
	int failed;   /* 0 or the first -errno */
	bool is_full; /* more names than prs_entries takes */
	bool has_run; /* a file RUN */
};

static void add_name(struct found *f, struct prs_entries *to, const char *name)
{
	int r = prs_entries_add(to, name, strlen(name));
	f->is_full = r == -PRS_ELIMIT;
	f->failed = r < 0 ? -ENOMEM : 0;
}

static bool leads_nowhere(int r) { return r == -ENOENT || r == -ENOTDIR || r == -ELOOP; }

/* What cannot be looked at (a dangling link, a path that is too long) counts as a file. An error of the disk is none of
 * its properties: found->failed. */
static char type_by_stat(struct found *f, const char *name)
{
	PRS_AUTOFREE char *path = join(f->path, name);
	struct prs_fs_stat st;
	int r = path ? f->w->fs->stat(f->w->fs->ctx, path, &st) : -ENOMEM;
	if (r < 0 && !leads_nowhere(r) && r != -EACCES && r != -ENAMETOOLONG)
		f->failed = r;
	if (r < 0 || S_ISREG(st.mode))
		return 'f';
	return S_ISDIR(st.mode) ? 'd' : 'o';
}

static bool is_wanted(struct found *f, const char *name, char type)
{
	PRS_AUTOFREE char *path = join(f->path, name);
	f->failed = path ? 0 : -ENOMEM;
	if (!path)
		return false;
	return type == 'f' ? prs_glob_match(f->pattern, path) : prs_glob_enter(f->pattern, path);
}

static int walk_entry(void *ctx, const char *name, char type)
{
	struct found *f = ctx;
	if (type == 'l' || type == '?')
		type = type_by_stat(f, name);
	if (f->failed)
		return 1;
	f->has_run = f->has_run || (*name == 'R' && type == 'f' && !strcmp(name, "RUN"));
	if (type == 'o')
		f->w->counts->special++;
	else if (!f->pattern || is_wanted(f, name, type))
		add_name(f, type == 'f' ? f->files : f->dirs, name);
	return f->failed ? 1 : 0;
}

static size_t same_bytes(const struct prs_buf *a, const char *b, size_t n)
{
	size_t i = 0;
	while (i < n && i < a->len && a->data[i] == (uint8_t)b[i])
		i++;
	return i;
}

/* The k-th folder above: one that was looked at for the folder before, or what stat() says. 0 or -errno. */
static int look_above(struct prs_walk *w, size_t k, size_t bytes, size_t same, struct above *ret)
{
	const struct above *had = (const struct above *)w->above.data;
	if (k < w->above.len / sizeof *had && had[k].bytes == bytes && bytes <= same) {
		*ret = had[k];
		return 0;
	}
	struct prs_fs_stat st = { 0 };
	PRS_AUTOFREE char *path = bytes ? prs_strf("%.*s", (int)bytes, w->path) : prs_strdup("/");
	int r = path ? w->fs->stat(w->fs->ctx, path, &st) : -ENOMEM;
	w->above.len = k * sizeof *had;
	*ret = (struct above){ bytes, st.dev, st.ino };
	if (r == 0 && prs_buf_put(&w->above, ret, sizeof *ret) < 0)
		r = -ENOMEM;
	return r;
}

static size_t path_bytes(const char *path) { return strcmp(path, "/") ? strlen(path) : 0; }

/* 1: the folder leads back to one of the folders above it; < 0: -errno. Folders come in such an order that those above
 * the next one are mostly known. */
static int is_loop(struct prs_walk *w)
{
	size_t k = 0, at = path_bytes(w->in->path), n = path_bytes(w->path),
	       same = same_bytes(&w->above_path, w->path, n);
	struct above me, up;
	int r = 0;
	for (; r == 0 && at < n; k++, at += strcspn(w->path + at + 1, "/") + 1)
		r = look_above(w, k, at, same, &up);
	if (r == 0)
		r = look_above(w, k, n, 0, &me);
	prs_buf_clear(&w->above_path);
	if (r == 0 && prs_buf_put(&w->above_path, w->path, n) < 0)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < k; i++) {
		const struct above *a = (const struct above *)w->above.data + i;
		r = a->dev == me.dev && a->ino == me.ino;
	}
	return r;
}

/* f a file, d a folder, p a pattern (what has that very name is no pattern) */
static char part_kind(struct prs_walk *w, const char *part)
{
	struct prs_fs_stat st;
	if (w->fs->stat(w->fs->ctx, part, &st) == 0)
		return S_ISREG(st.mode) ? 'f' : 'd';
	return part[strcspn(part, "*?[")] ? 'p' : 'd';
}

/* The folder that a part is looked for in; the caller frees. */
static char *part_folder(struct prs_walk *w, const char *part)
{
	char kind = part_kind(w, part);
	size_t n = kind == 'p' ? strcspn(part, "*?[") : strlen(part);
	while (kind != 'd' && n > 1 && part[n - 1] != '/')
		n--;
	return prs_strf("%.*s", (int)(kind != 'd' && n > 1 ? n - 1 : n), part);
}

/* A pattern says the way to this folder name by name: not through a `**`. */
static bool is_named(const char *pattern, const char *path)
{
	size_t names = 0;
	for (const char *p = path; (p = strchr(p, '/')); p++)
		names++;
	const char *any = strstr(pattern, "/**");
	for (const char *p = pattern; (p = strchr(p, '/')) && (!any || p < any); p++)
		names -= names > 0;
	return !names;
}

/* Run folders are no input, unless one was given: somebody works in a folder of data, and has run this before. */
static bool is_foreign_run(const struct prs_walk *w, const struct found *f)
{
	if (!f->has_run || w->is_given || (f->pattern && is_named(f->pattern, w->path)))
		return false;
	return prs_path_is_run(w->fs, w->path);
}

/* < 0: -errno */
static int read_names(struct prs_walk *w, struct found *f)
{
	const char *part = w->part != NO_PART ? w->in->parts->v[w->part] : NULL;
	char kind = part ? part_kind(w, part) : 'd';
	f->pattern = kind == 'p' ? part : NULL;
	int r = is_loop(w);
	if (r < 0)
		return r;
	if (r == 1) {
		w->counts->loops_cut++;
		return 0;
	}
	if (kind == 'f')
		add_name(f, f->files, strrchr(part, '/') + 1);
	else
		r = w->fs->list(w->fs->ctx, w->path, walk_entry, f);
	if (r >= 0 && !f->failed && is_foreign_run(w, f)) {
		prs_entries_clear(f->files);
		prs_entries_clear(f->dirs);
		w->counts->runs++;
	}
	return f->failed ? f->failed : r;
}

static int read_folder(struct prs_walk *w, struct prs_entries *dirs, struct prs_err *err)
{
	struct found f = { .w = w, .path = w->path, .files = &w->files, .dirs = dirs };
	int r = read_names(w, &f);
	if (f.is_full)
		return prs_fail(err, PRS_ELIMIT, "the folder %s: its names have more than %zu MiB: divide it", w->path,
		                PRS_ENTRIES_BYTES_MAX >> 20);
	if (leads_nowhere(r))
		return prs_fail(err, PRS_EINPUT_CHANGED, "the folder %s is gone: the input changed since it was listed",
		                w->path);
	if (r == -ENAMETOOLONG)
		return prs_fail(err, PRS_ELIMIT,
		                "a folder of the input lies too deep: its path has %zu bytes, programs can open "
		                "paths of at "
		                "most %d. Move it up, or leave it out of the input: %.100s...",
		                strlen(w->path), PATH_MAX - 1, w->path);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading the folder %s", w->path);
	prs_entries_sort(&w->files);
	prs_entries_sort(dirs);
	w->counts->folders++;
	return 0;
}

/* ---- a folder that an earlier plan has in part ------------------------------------------------------------------- */

static int changed(const struct prs_walk *w, const char *name, const char *what, struct prs_err *err)
{
	return prs_fail(err, PRS_EINPUT_CHANGED, "%s/%s %s since a part of this folder was planned",
	                strcmp(w->path, "/") ? w->path : "", name, what);
}

/* The planned names are the first of those that are there now. */
static int compare(const struct prs_walk *w, const struct prs_entries *planned, const struct prs_entries *now,
                   struct prs_err *err)
{
	for (size_t i = 0; i < planned->n; i++) {
		const char *was = prs_entries_at(planned, i);
		int c = i < now->n ? strcmp(prs_entries_at(now, i), was) : 1;
		if (c > 0)
			return changed(w, was, "is gone", err);
		if (c < 0)
			return changed(w, prs_entries_at(now, i), "is new", err);
	}
	return 0;
}

/* Files, then folders: once a folder is planned, all files are. */
static int compare_all(const struct prs_walk *w, const struct prs_entries *dirs, struct prs_err *err)
{
	const struct planned *p = &w->planned;
	int r = compare(w, &p->files, &w->files, err);
	if (r < 0)
		return r;
	if (p->dirs.n && p->files.n < w->files.n)
		return changed(w, prs_entries_at(&w->files, p->files.n), "is new", err);
	return compare(w, &p->dirs, dirs, err);
}

/* ---- the next folder --------------------------------------------------------------------------------------------- */

/* What stands behind the root, without the slash between: "" for the root itself. */
static const char *below(const char *root, const char *path)
{
	size_t n = strcmp(root, "/") ? strlen(root) : 0;
	return path[n] ? path + n + 1 : "";
}

/* The root is a folder without files of its own; each part is a folder in it. */
static int find_parts(struct prs_walk *w, struct prs_entries *dirs, struct prs_err *err)
{
	for (size_t k = 0; k < w->in->parts->n; k++) {
		PRS_AUTOFREE char *folder = part_folder(w, w->in->parts->v[k]);
		const char *name = folder ? below(w->root, folder) : NULL;
		if (!name || prs_entries_add(dirs, name, strlen(name)) < 0)
			return nomem(err);
	}
	return 0;
}

static int find_one_file(struct prs_walk *w, struct prs_err *err)
{
	const char *name = strrchr(w->in->path, '/') + 1;
	return prs_entries_add(&w->files, name, strlen(name)) < 0 ? nomem(err) : 0;
}

static int find_names(struct prs_walk *w, struct prs_entries *dirs, struct prs_err *err)
{
	bool is_root = w->dir == w->root_dir;
	if (w->kind == PARTS && is_root)
		return find_parts(w, dirs, err);
	if (w->kind == ONE_FILE)
		return find_one_file(w, err);
	if (w->kind == LIST)
		return 0;
	return read_folder(w, dirs, err);
}

/* The folders in the one that is visited become a level. */
static int push_found(struct prs_walk *w, struct prs_entries *dirs, uint32_t first_dir)
{
	struct level v = { .dirs = *dirs,
		           .first_dir = first_dir,
		           .part = w->part,
		           .is_given = w->kind == PARTS && w->dir == w->root_dir,
		           .path = prs_strdup(w->path) };
	prs_entries_init(dirs);
	if (!v.path) {
		level_done(&v);
		return -PRS_ENOMEM;
	}
	return push(w, v);
}

static int next_folder(struct prs_walk *w, struct prs_walked *ret, struct prs_err *err)
{
	__attribute__((cleanup(prs_entries_done))) struct prs_entries dirs;
	prs_entries_init(&dirs);
	if (visit(w) < 0)
		return nomem(err);
	int r = find_names(w, &dirs, err);
	if (r == 0 && w->planned.any)
		r = compare_all(w, &dirs, err);
	if (r < 0)
		return r;
	*ret = (struct prs_walked){ .dir = w->dir,
		                    .first_dir = w->next_dir - (uint32_t)w->planned.dirs.n,
		                    .path = w->path,
		                    .files = &w->files,
		                    .dirs = &w->none,
		                    .files_at = w->planned.files.n,
		                    .dirs_at = w->planned.dirs.n,
		                    .in_part = w->planned.any };
	w->planned.any = false;
	prs_entries_done(&w->planned.files);
	prs_entries_done(&w->planned.dirs);
	if (!dirs.n)
		return 0;
	w->next_dir = ret->first_dir + (uint32_t)dirs.n;
	if (push_found(w, &dirs, ret->first_dir) < 0)
		return nomem(err);
	ret->dirs = &w->levels[w->levels_n - 1].dirs;
	return 0;
}

/* The next lines of a list: those in a row that lie in one folder. */
static int next_lines(struct prs_walk *w, struct prs_walked *ret, struct prs_err *err)
{
	size_t first = w->list_at, n = prs_list_file_run(&w->list, first, PRS_FILES_BLOCK_BYTES);
	prs_freep(&w->path);
	w->path = prs_list_file_folder(&w->list, first);
	if (!w->path)
		return nomem(err);
	for (size_t i = first; i < first + n; i++) {
		const char *name = prs_list_file_name(&w->list, i);
		if (prs_entries_add(&w->files, name, strlen(name)) < 0)
			return nomem(err);
	}
	w->list_at += n;
	w->dir = w->next_dir++;
	*ret = (struct prs_walked){ .dir = w->dir,
		                    .first_dir = w->next_dir,
		                    .name = below(w->root, w->path),
		                    .path = w->path,
		                    .files = &w->files,
		                    .dirs = &w->none };
	return 0;
}

int prs_walk_next(struct prs_walk *w, struct prs_walked *ret, struct prs_err *err)
{
	prs_entries_clear(&w->files);
	return w->levels_n ? next_folder(w, ret, err) : next_lines(w, ret, err);
}

/* ---- beginning and going on -------------------------------------------------------------------------------------- */

static int read_list(struct prs_walk *w, struct prs_err *err)
{
	w->kind = LIST;
	int r = prs_list_file_read(&w->list, w->fs, w->in->path, w->in->base, err);
	if (r < 0)
		return r;
	w->root = prs_strdup(w->list.root);
	return w->root ? 0 : nomem(err);
}

static int look_at_root(struct prs_walk *w, struct prs_err *err)
{
	struct prs_fs_stat st;
	w->root = prs_strdup(w->in->path);
	if (!w->root)
		return nomem(err);
	if (w->in->parts && w->in->parts->n) {
		w->kind = PARTS;
		return 0;
	}
	int r = w->fs->stat(w->fs->ctx, w->in->path, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "input %s", w->in->path);
	if (!S_ISREG(st.mode))
		return 0;
	w->kind = ONE_FILE; /* a folder with one name */
	char *slash = strrchr(w->root, '/');
	slash[slash == w->root] = 0;
	return 0;
}

int prs_walk_begin(struct prs_walk *w, uint32_t dir, struct prs_err *err)
{
	int r = w->in->is_list ? read_list(w, err) : look_at_root(w, err);
	if (r < 0)
		return r;
	return push_root(w, dir) < 0 ? nomem(err) : 0;
}

/* The part of an input that a folder belongs to: what is below the root, in the order of the parts. */
static int32_t part_of(const struct prs_walk *w, const struct prs_known *k, uint32_t dir)
{
	while (dir != PRS_NO_DIR && dir != k->first && k->dirs[dir - k->first].parent != k->first)
		dir = k->dirs[dir - k->first].parent;
	return w->kind == PARTS && dir != PRS_NO_DIR && dir != k->first ? (int32_t)(dir - k->first - 1) : NO_PART;
}

/* The folders [first, end) in one folder, of which those up to `at` are listed. */
static int push_known(struct prs_walk *w, const struct prs_known *k, uint32_t first, uint32_t at, uint32_t end)
{
	uint32_t parent = k->dirs[first - k->first].parent;
	struct level v = { .first_dir = first,
		           .at = at - first,
		           .part = part_of(w, k, parent),
		           .is_given = parent == PRS_NO_DIR || (w->kind == PARTS && parent == k->first) };
	prs_entries_init(&v.dirs);
	v.path = parent == PRS_NO_DIR ? prs_strdup(w->root) : prs_known_path(k, parent);
	bool ok = v.path;
	for (uint32_t dir = first; ok && dir < end; dir++) {
		const char *name = parent == PRS_NO_DIR ? "" : prs_known_name(k, dir);
		ok = prs_entries_add(&v.dirs, name, strlen(name)) == 0;
	}
	if (!ok) {
		level_done(&v);
		return -PRS_ENOMEM;
	}
	return push(w, v);
}

/* What is planned of the folder in part, and where its folders begin. */
static int take_part(struct prs_walk *w, struct prs_known *k, uint32_t *ret_end)
{
	uint32_t end = k->first + (uint32_t)k->n, first = end;
	while (first > k->first && k->dirs[first - 1 - k->first].parent == k->part)
		first--;
	w->planned.any = true;
	w->planned.files = k->files;
	prs_entries_init(&k->files);
	for (uint32_t dir = first; dir < end; dir++) {
		const char *name = prs_known_name(k, dir);
		if (prs_entries_add(&w->planned.dirs, name, strlen(name)) < 0)
			return -PRS_ENOMEM;
	}
	*ret_end = first;
	return 0;
}

/* The levels as they were: one for each row of folders in one folder that are not all listed. */
static int make_levels(struct prs_walk *w, const struct prs_known *k, uint32_t dirs_end, struct prs_err *err)
{
	for (uint32_t first = k->first, end; first < dirs_end; first = end) {
		end = prs_known_siblings_end(k, first);
		uint32_t at = first;
		while (at < end && k->dirs[at - k->first].listed)
			at++;
		for (uint32_t dir = at; dir < end; dir++)
			if (k->dirs[dir - k->first].listed)
				return bad(err, "a folder was listed before its turn");
		if (w->kind == PARTS && k->dirs[first - k->first].parent == k->first &&
		    end - k->first - 1 > w->in->parts->n)
			return bad(err, "more parts than the input has");
		if (at < end && push_known(w, k, first, at, end) < 0)
			return nomem(err);
	}
	return 0;
}

/* The lines that are planned are the first ones of the list as it is now. */
static int pass_lines(struct prs_walk *w, const struct prs_known *k, uint64_t files, struct prs_err *err)
{
	struct prs_walked v;
	uint32_t sum = 0, next_dir = w->next_dir;
	int r = strcmp(w->root, prs_known_name(k, k->first)) ? 1 : 0;
	while (r == 0 && w->list_at < files) {
		r = w->list_at < w->list.n ? prs_walk_next(w, &v, err) : 1;
		if (r == 0)
			sum = prs_known_sum(sum, v.name, (const char *)w->files.text.data, w->files.text.len);
	}
	w->next_dir = next_dir;
	if (r < 0)
		return r;
	if (r == 1 || w->list_at != files || sum != k->sum)
		return prs_fail(err, PRS_EINPUT_CHANGED, "the list %s is not as it was when %s of it were planned",
		                w->in->path, prs_many(files, "file").text);
	return 0;
}

int prs_walk_go_on(struct prs_walk *w, struct prs_known *k, uint64_t files, struct prs_err *err)
{
	uint32_t dirs_end = k->first + (uint32_t)k->n;
	if (!k->n)
		return bad(err, "an input without a root");
	w->root_dir = k->first;
	w->next_dir = dirs_end;
	w->kind = w->in->parts && w->in->parts->n ? PARTS : TREE;
	if (w->in->is_list) {
		int r = read_list(w, err);
		if (r == 0)
			r = pass_lines(w, k, files, err);
		if (r < 0)
			return r;
	} else {
		w->root = prs_strdup(prs_known_name(k, k->first));
	}
	if (!w->root || (k->part != PRS_NO_DIR && take_part(w, k, &dirs_end) < 0))
		return nomem(err);
	int r = make_levels(w, k, dirs_end, err);
	if (r < 0)
		return r;
	const struct level *top = w->levels_n ? &w->levels[w->levels_n - 1] : NULL;
	if (k->part != PRS_NO_DIR && (!top || top->first_dir + top->at != k->part))
		return bad(err, "a folder in parts before its turn");
	return 0;
}
