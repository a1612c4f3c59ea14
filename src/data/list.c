/* SPDX-License-Identifier: Apache-2.0
 * list: see list.h.
 *
 * State: a stack of folders still to be listed (lowest in listing order on top), the files that wait for a whole
 * mini-batch, the numbers
 * of the next folder, file and id. Feeding an old plan replays its records onto the same state.
 */
#include "data/list.h"

#include "data/glob.h"
#include "data/list_file.h"
#include "data/list_group.h"

#include "base/mem.h"
#include "wire/frame.h"
#include "wire/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BODY_MAX ((size_t)32 << 20)

enum { NO_PART = -1 };

struct pending {
	uint32_t dir, parent;
	uint16_t input;
	int32_t part; /* of its input, which this folder belongs to */
	char *path;
};

struct names {
	struct prs_buf text;
	uint32_t *at;
	size_t n, cap;
};

/* A folder by number. `path` only when it came from an old plan. */
struct known_dir {
	uint32_t parent;
	uint16_t input;
	bool listed;
	int32_t part;
	char *path;
};

/* What an input is made of, beyond its root. */
struct made_of {
	struct prs_list parts;
	bool is_list;
	char *base;
	struct prs_list_groups *groups; /* partition keys make the mini-batches; NULL = rows of files */
};

struct prs_lister {
	const struct prs_fs *fs;
	char **names, **roots;
	struct made_of *made_of;
	struct prs_list_file list; /* of the current input, when it is a list */
	uint64_t list_at;          /* files of it that are planned */
	uint32_t root_dir;         /* of the input that was begun last */
	char *fed_root;            /* resume: its root as the plan has it */
	unsigned inputs;
	uint32_t per;
	unsigned next_input; /* not begun */
	struct pending *stack;
	size_t stack_n, stack_cap;
	struct known_dir *dirs;
	size_t dirs_n, dirs_cap;
	uint64_t files, ids, items;
	uint64_t open_first; /* first file that is in no mini-batch yet */
	int current_input;   /* of the open files, -1 = none */
	uint32_t sum;
	bool fed, ended;
	struct prs_list_counts counts;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "listing the input"); }

void prs_lister_free(struct prs_lister *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->inputs; i++) {
		prs_freep(&l->names[i]);
		prs_freep(&l->roots[i]);
		prs_freep(&l->made_of[i].base);
		prs_list_done(&l->made_of[i].parts);
		prs_list_groups_free(l->made_of[i].groups);
	}
	prs_freep(&l->fed_root);
	prs_list_file_done(&l->list);
	prs_freep(&l->made_of);
	for (size_t i = 0; i < l->stack_n; i++)
		prs_freep(&l->stack[i].path);
	for (size_t i = 0; i < l->dirs_n; i++)
		prs_freep(&l->dirs[i].path);
	prs_freep(&l->names);
	prs_freep(&l->roots);
	prs_freep(&l->stack);
	prs_freep(&l->dirs);
	prs_freep(&l);
}

struct prs_lister *prs_lister_new(const struct prs_fs *fs, const struct prs_list_input *inputs, unsigned n,
                                  uint32_t per)
{
	struct prs_lister *l = prs_calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->fs = fs;
	l->per = per;
	l->current_input = -1;
	l->names = prs_calloc(n + 1, sizeof *l->names);
	l->roots = prs_calloc(n + 1, sizeof *l->roots);
	l->made_of = prs_calloc(n + 1, sizeof *l->made_of);
	bool ok = l->names && l->roots && l->made_of;
	for (unsigned i = 0; ok && i < n; i++) {
		l->inputs++;
		l->names[i] = prs_strdup(inputs[i].name);
		l->roots[i] = prs_strdup(inputs[i].path);
		l->made_of[i].is_list = inputs[i].is_list;
		l->made_of[i].base = prs_strdup(inputs[i].base ? inputs[i].base : "/");
		ok = l->names[i] && l->roots[i] && l->made_of[i].base;
		for (size_t k = 0; ok && inputs[i].parts && k < inputs[i].parts->n; k++)
			ok = prs_list_add(&l->made_of[i].parts, inputs[i].parts->v[k]) == 0;
		if (ok && inputs[i].keys && inputs[i].keys->n)
			ok = (l->made_of[i].groups = prs_list_groups_new(inputs[i].format, inputs[i].keys)) != NULL;
	}
	if (!ok) {
		prs_lister_free(l);
		return NULL;
	}
	return l;
}

void prs_list_counts(const struct prs_lister *l, struct prs_list_counts *ret)
{
	*ret = l->counts;
	ret->mini_batches = l->ids;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static int push(struct prs_lister *l, struct pending p)
{
	if (l->stack_n == l->stack_cap) {
		size_t cap = l->stack_cap ? l->stack_cap * 2 : 32;
		struct pending *v = prs_realloc(l->stack, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		l->stack = v;
		l->stack_cap = cap;
	}
	l->stack[l->stack_n++] = p;
	return 0;
}

/* Number the next folder. */
static int add_dir(struct prs_lister *l, uint32_t parent, uint16_t input, int32_t part)
{
	if (l->dirs_n == l->dirs_cap) {
		size_t cap = l->dirs_cap ? l->dirs_cap * 2 : 32;
		struct known_dir *v = prs_realloc(l->dirs, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		l->dirs = v;
		l->dirs_cap = cap;
	}
	if (parent == PRS_NO_DIR)
		l->root_dir = (uint32_t)l->dirs_n;
	l->dirs[l->dirs_n++] = (struct known_dir){ .parent = parent, .input = input, .part = part };
	return 0;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void put_dir_record(struct prs_buf *body, uint32_t dir, uint32_t parent, uint16_t input, const char *name)
{
	struct prs_plan_record r = { .type = PRS_PLAN_DIR };
	r.u.dir.dir = dir;
	r.u.dir.parent = parent;
	r.u.dir.input = input;
	r.u.dir.name = prs_text_of(name);
	prs_plan_put(body, &r);
}

static void put_rule(struct prs_lister *l, struct prs_buf *body, uint64_t count, uint32_t per)
{
	struct prs_plan_record r = { .type = PRS_PLAN_RULE };
	r.u.rule.first_id = l->ids;
	r.u.rule.count = count;
	r.u.rule.first_file = l->open_first;
	r.u.rule.per = per;
	r.u.rule.input = (uint16_t)l->current_input;
	prs_plan_put(body, &r);
	l->ids += count;
	l->items += count * per;
	l->open_first += count * per;
}

/* Whole mini-batches of the open files; with `last` the rest too. */
static void put_rules(struct prs_lister *l, struct prs_buf *body, bool last)
{
	uint64_t open = l->files - l->open_first;
	if (open / l->per)
		put_rule(l, body, open / l->per, l->per);
	open = l->files - l->open_first;
	if (last && open)
		put_rule(l, body, 1, (uint32_t)open);
}

static int put_files(struct prs_lister *l, struct prs_buf *body, uint32_t dir, const char *folder, const char *names,
                     uint32_t bytes, uint32_t count, bool last, struct prs_err *err)
{
	struct prs_list_groups *groups = l->made_of[l->current_input].groups;
	struct prs_plan_record r = { .type = PRS_PLAN_FILES };
	r.u.files.dir = dir;
	r.u.files.count = count;
	r.u.files.flags = last ? PRS_FILES_LAST : 0;
	r.u.files.names_bytes = bytes;
	r.u.files.first_file = l->files;
	r.u.files.names = names;
	prs_plan_put(body, &r);
	l->files += count;
	return groups ? prs_list_groups_add(groups, folder, names, count, r.u.files.first_file, err) : 0;
}

/* ---- reading a folder -------------------------------------------------------------------------------------------- */

struct found {
	struct prs_lister *l;
	const char *path, *pattern; /* pattern NULL = everything */
	struct names files, dirs;
	int failed; /* 0 or the first -errno */
};

static int add_name(struct names *v, const char *name)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 256;
		uint32_t *p = prs_realloc(v->at, cap * sizeof *p);
		if (!p)
			return -ENOMEM;
		v->at = p;
		v->cap = cap;
	}
	v->at[v->n++] = (uint32_t)v->text.len;
	return prs_buf_put(&v->text, name, strlen(name) + 1) < 0 ? -ENOMEM : 0;
}

static bool leads_nowhere(int r) { return r == -ENOENT || r == -ENOTDIR || r == -ELOOP; }

/* What cannot be looked at (a dangling link) counts as a file. An error of the disk is none of its properties:
 * found->failed. */
static char type_by_stat(struct found *f, const char *name)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", f->path, name);
	struct prs_fs_stat st;
	int r = path ? f->l->fs->stat(f->l->fs->ctx, path, &st) : -ENOMEM;
	if (r < 0 && !leads_nowhere(r) && r != -EACCES)
		f->failed = r;
	if (r < 0)
		return 'f';
	return S_ISREG(st.mode) ? 'f' : S_ISDIR(st.mode) ? 'd' : 'o';
}

static bool wanted(struct found *f, const char *name, char type)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(f->path, "/") ? f->path : "", name);
	f->failed = path ? 0 : -ENOMEM;
	return path && (type == 'f' ? prs_glob_match(f->pattern, path) : prs_glob_enter(f->pattern, path));
}

static int each_entry(void *ctx, const char *name, char type)
{
	struct found *f = ctx;
	if (type == 'l' || type == '?')
		type = type_by_stat(f, name);
	if (f->failed)
		return 1;
	if (type == 'o')
		f->l->counts.special++;
	else if (!f->pattern || wanted(f, name, type))
		f->failed = add_name(type == 'f' ? &f->files : &f->dirs, name);
	return f->failed ? 1 : 0;
}

static const char *sort_base; /* of the one lister thread's current sort */
static int by_bytes(const void *a, const void *b)
{
	return strcmp(sort_base + *(const uint32_t *)a, sort_base + *(const uint32_t *)b);
}

static void sort_names(struct names *v)
{
	sort_base = (const char *)v->text.data;
	if (v->n)
		qsort(v->at, v->n, sizeof *v->at, by_bytes);
}

static const char *name_at(const struct names *v, size_t i) { return (const char *)v->text.data + v->at[i]; }

/* 1: the folder leads back to one of the folders above it; < 0: -errno. */
static int is_loop(struct prs_lister *l, const char *root, const char *path)
{
	struct prs_fs_stat me, above;
	int r = l->fs->stat(l->fs->ctx, path, &me);
	PRS_AUTOFREE char *up = prs_strdup(path);
	if (!up)
		return -ENOMEM;
	while (!r && strlen(up) > strlen(root)) {
		*strrchr(up, '/') = 0;
		r = l->fs->stat(l->fs->ctx, up[0] ? up : "/", &above);
		if (!r && above.dev == me.dev && above.ino == me.ino)
			return 1;
	}
	return r;
}

static int put_names(struct prs_lister *l, struct prs_buf *body, uint32_t dir, const char *folder,
                     const struct names *v, struct prs_err *err)
{
	PRS_AUTOBUF block;
	prs_buf_init(&block, PRS_FILES_BLOCK_BYTES + (64 << 10));
	size_t i = 0;
	do {
		prs_buf_clear(&block);
		uint32_t count = 0;
		for (; i < v->n && block.len < PRS_FILES_BLOCK_BYTES; i++, count++)
			prs_buf_put(&block, name_at(v, i), strlen(name_at(v, i)) + 1);
		if (block.failed)
			return nomem(err);
		int r = put_files(l, body, dir, folder, block.data ? (const char *)block.data : "", (uint32_t)block.len,
		                  count, i == v->n, err);
		if (r < 0)
			return r;
	} while (i < v->n);
	if (body->failed == -PRS_ELIMIT)
		return prs_fail(err, PRS_ELIMIT, "the folder %s has too many files for one plan block: divide it",
		                folder);
	return body->failed ? nomem(err) : 0;
}

static int put_subfolders(struct prs_lister *l, struct prs_buf *body, const struct pending *p, const struct names *v,
                          struct prs_err *err)
{
	uint32_t first = (uint32_t)l->dirs_n;
	for (size_t i = 0; i < v->n; i++) {
		if (add_dir(l, p->dir, p->input, p->part) < 0)
			return nomem(err);
		put_dir_record(body, first + (uint32_t)i, p->dir, p->input, name_at(v, i));
	}
	for (size_t i = v->n; i-- > 0;) { /* the first on top */
		char *path = prs_strf("%s/%s", strcmp(p->path, "/") ? p->path : "", name_at(v, i));
		if (!path || push(l, (struct pending){ first + (uint32_t)i, p->dir, p->input, p->part, path }) < 0) {
			prs_freep(&path);
			return nomem(err);
		}
	}
	return 0;
}

/* f a file, d a folder, p a pattern (what has that very name is no pattern) */
static char part_kind(struct prs_lister *l, const char *part)
{
	struct prs_fs_stat st;
	if (l->fs->stat(l->fs->ctx, part, &st) == 0)
		return S_ISREG(st.mode) ? 'f' : 'd';
	return part[strcspn(part, "*?[")] ? 'p' : 'd';
}

/* The folder that a part is looked for in; the caller frees. */
static char *part_folder(struct prs_lister *l, const char *part)
{
	char kind = part_kind(l, part);
	size_t n = kind == 'p' ? strcspn(part, "*?[") : strlen(part);
	while (kind != 'd' && n > 1 && part[n - 1] != '/')
		n--;
	return prs_strf("%.*s", (int)(kind != 'd' && n > 1 ? n - 1 : n), part);
}

static int list_folder(struct prs_lister *l, const struct pending *p, struct prs_buf *body, struct prs_err *err)
{
	const char *part = p->part >= 0 ? l->made_of[p->input].parts.v[p->part] : NULL;
	struct found f = { .l = l, .path = p->path };
	prs_buf_init(&f.files.text, (size_t)1 << 31);
	prs_buf_init(&f.dirs.text, (size_t)1 << 31);
	int r = is_loop(l, l->roots[p->input], p->path);
	char kind = part ? part_kind(l, part) : 'd';
	f.pattern = kind == 'p' ? part : NULL;
	if (r == 1)
		r = 0, l->counts.loops_cut++;
	else if (r == 0 && kind == 'f')
		f.failed = add_name(&f.files, strrchr(part, '/') + 1);
	else if (r == 0)
		r = l->fs->list(l->fs->ctx, p->path, each_entry, &f);
	if (f.failed)
		r = f.failed;
	if (r < 0)
		r = leads_nowhere(r) ? prs_fail(err, PRS_EINPUT_CHANGED,
		                                "the folder %s is gone: the input changed since it was listed", p->path)
		                     : prs_fail_errno(err, -r, "reading the folder %s", p->path);
	if (!r) {
		sort_names(&f.files);
		sort_names(&f.dirs);
		l->counts.folders++;
		l->counts.files += f.files.n;
		r = put_names(l, body, p->dir, p->path, &f.files, err);
		r = r ? r : put_subfolders(l, body, p, &f.dirs, err);
	}
	prs_buf_done(&f.files.text);
	prs_buf_done(&f.dirs.text);
	prs_freep(&f.files.at);
	prs_freep(&f.dirs.at);
	return r;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static void put_input(struct prs_lister *l, struct prs_buf *body, const char *root, const char *options)
{
	struct prs_plan_record in = { .type = PRS_PLAN_INPUT };
	in.u.input.input = (uint16_t)l->next_input;
	bool groups = l->made_of[l->next_input].groups;
	in.u.input.size = groups ? 0 : l->per;
	in.u.input.kind = groups ? PRS_INPUT_GROUPS : PRS_INPUT_FILES;
	in.u.input.name = prs_text_of(l->names[l->next_input]);
	in.u.input.root = prs_text_of(root);
	in.u.input.options = prs_text_of(options);
	prs_plan_put(body, &in);
	l->current_input = (int)l->next_input++;
}

/* What stands behind the root, without the slash between: "" for the root itself. */
static const char *below(const char *root, const char *path)
{
	size_t n = strcmp(root, "/") ? strlen(root) : 0;
	return path[n] ? path + n + 1 : "";
}

/* The root is a folder without files of its own; each part a folder in it, to be listed. */
static int begin_parts(struct prs_lister *l, struct prs_buf *body, unsigned i, struct prs_err *err)
{
	const struct prs_list *parts = &l->made_of[i].parts;
	uint32_t root = (uint32_t)l->dirs_n;
	put_input(l, body, l->roots[i], "parts");
	put_dir_record(body, root, PRS_NO_DIR, (uint16_t)i, "");
	if (put_files(l, body, root, "", "", 0, 0, true, err) < 0 || add_dir(l, PRS_NO_DIR, (uint16_t)i, NO_PART) < 0)
		return nomem(err);
	for (size_t k = 0; k < parts->n; k++) {
		PRS_AUTOFREE char *folder = part_folder(l, parts->v[k]);
		if (!folder || add_dir(l, root, (uint16_t)i, (int32_t)k) < 0)
			return nomem(err);
		put_dir_record(body, root + 1 + (uint32_t)k, root, (uint16_t)i, below(l->roots[i], folder));
	}
	for (size_t k = parts->n; k-- > 0;) { /* the first on top */
		char *folder = part_folder(l, parts->v[k]);
		if (!folder ||
		    push(l, (struct pending){ root + 1 + (uint32_t)k, root, (uint16_t)i, (int32_t)k, folder }) < 0) {
			prs_freep(&folder);
			return nomem(err);
		}
	}
	return 0;
}

static int begin_list(struct prs_lister *l, struct prs_buf *body, unsigned i, struct prs_err *err)
{
	int r = prs_list_file_read(&l->list, l->fs, l->roots[i], l->made_of[i].base, err);
	if (r < 0)
		return r;
	l->list_at = 0;
	uint32_t root = (uint32_t)l->dirs_n;
	put_input(l, body, l->list.root, "list");
	put_dir_record(body, root, PRS_NO_DIR, (uint16_t)i, "");
	r = put_files(l, body, root, "", "", 0, 0, true, err);
	return r < 0 || add_dir(l, PRS_NO_DIR, (uint16_t)i, NO_PART) < 0 ? nomem(err) : 0;
}

/* The next lines of the list: those in a row that lie in one folder become a folder of the plan. */
static int list_lines(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	uint16_t input = (uint16_t)l->current_input;
	uint32_t root = l->root_dir;
	PRS_AUTOBUF names;
	prs_buf_init(&names, BODY_MAX);
	while (l->list_at < l->list.n && body->len < PRS_FILES_BLOCK_BYTES) {
		size_t first = (size_t)l->list_at, n = prs_list_file_run(&l->list, first, PRS_FILES_BLOCK_BYTES);
		uint32_t dir = (uint32_t)l->dirs_n;
		PRS_AUTOFREE char *folder = prs_list_file_folder(&l->list, first);
		prs_buf_clear(&names);
		for (size_t i = first; i < first + n; i++)
			prs_buf_put(&names, prs_list_file_name(&l->list, i),
			            strlen(prs_list_file_name(&l->list, i)) + 1);
		if (!folder || names.failed || add_dir(l, root, input, NO_PART) < 0)
			return nomem(err);
		put_dir_record(body, dir, root, input, below(l->list.root, folder));
		int r = put_files(l, body, dir, folder, (const char *)names.data, (uint32_t)names.len, (uint32_t)n,
		                  true, err);
		if (r < 0)
			return r;
		l->dirs[dir].listed = true;
		l->counts.files += n;
		l->list_at += n;
	}
	return body->failed ? nomem(err) : 0;
}

static bool list_open(const struct prs_lister *l)
{
	return l->current_input >= 0 && l->made_of[l->current_input].is_list && l->list_at < l->list.n;
}

static int begin_input(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	unsigned i = l->next_input;
	struct prs_fs_stat st;
	if (l->made_of[i].is_list)
		return begin_list(l, body, i, err);
	if (l->made_of[i].parts.n)
		return begin_parts(l, body, i, err);
	int r = l->fs->stat(l->fs->ctx, l->roots[i], &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "input %s", l->roots[i]);
	PRS_AUTOFREE char *root = prs_strdup(l->roots[i]);
	if (!root)
		return nomem(err);
	char *base = NULL;
	if (S_ISREG(st.mode)) { /* one file: a folder with one name */
		base = strrchr(root, '/');
		*base++ = 0;
	}
	put_input(l, body, base && !root[0] ? "/" : root, base ? "file" : "");
	uint32_t dir = (uint32_t)l->dirs_n;
	put_dir_record(body, dir, PRS_NO_DIR, (uint16_t)i, "");
	if (add_dir(l, PRS_NO_DIR, (uint16_t)i, NO_PART) < 0)
		return nomem(err);
	if (base) {
		l->counts.files++;
		return put_files(l, body, dir, root, base, (uint32_t)strlen(base) + 1, 1, true, err);
	}
	char *path = prs_strdup(root);
	if (!path || push(l, (struct pending){ dir, PRS_NO_DIR, (uint16_t)i, NO_PART, path }) < 0) {
		prs_freep(&path);
		return nomem(err);
	}
	return 0;
}

static void put_end(struct prs_lister *l, struct prs_buf *body)
{
	struct prs_plan_record r = { .type = PRS_PLAN_END };
	r.u.end.ids = l->ids;
	r.u.end.items = l->items;
	r.u.end.files = l->files;
	r.u.end.sum = l->sum;
	prs_plan_put(body, &r);
	l->ended = true;
}

static int rebuild_stack(struct prs_lister *l, struct prs_err *err);

/* The groups of an input whose files are all listed, as many as fit. 1 = there are more. */
static int put_groups(struct prs_lister *l, struct prs_list_groups *groups, struct prs_buf *body, struct prs_err *err)
{
	int r = 1;
	while (r == 1 && body->len < BODY_MAX / 4) {
		uint64_t items;
		r = prs_list_groups_next(groups, l->ids, (uint16_t)l->current_input, body, &items, err);
		if (r == 1) {
			l->ids++;
			l->items += items;
		}
	}
	return r;
}

/* Mini-batches of what was listed. 1 = the input is done, 0 = it is not. */
static int put_mini_batches(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	bool listed = !l->stack_n && !list_open(l);
	struct prs_list_groups *groups = l->current_input >= 0 ? l->made_of[l->current_input].groups : NULL;
	if (!groups) {
		put_rules(l, body, listed);
		return listed;
	}
	l->open_first = l->files; /* none of them waits for a rule */
	int r = listed ? put_groups(l, groups, body, err) : 1;
	return r < 0 ? r : !r;
}

static bool groups_open(const struct prs_lister *l)
{
	return l->current_input >= 0 && l->made_of[l->current_input].groups && !l->stack_n && !list_open(l);
}

/* The next folder, lines of a list, groups, or the beginning of an input. */
static int next_part(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	int r = 0;
	if (l->stack_n) {
		struct pending p = l->stack[--l->stack_n];
		r = list_folder(l, &p, body, err);
		prs_freep(&p.path);
	} else if (list_open(l)) {
		r = list_lines(l, body, err);
	} else if (!groups_open(l) && l->next_input < l->inputs) {
		r = begin_input(l, body, err);
	}
	return r < 0 ? r : put_mini_batches(l, body, err);
}

int prs_list_next(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	size_t from = body->len;
	if (l->ended)
		return 0;
	int whole = l->fed ? rebuild_stack(l, err) : 0;
	while (whole >= 0) { /* once; after a resume some have nothing to say */
		whole = next_part(l, body, err);
		if (whole == 1)
			l->current_input = -1;
		if (body->len > from || body->failed || (whole == 1 && l->next_input == l->inputs))
			break;
	}
	if (whole < 0)
		return whole;
	if (body->len > from)
		l->sum = prs_plan_sum(l->sum, body->data + from, body->len - from);
	if (whole && l->next_input == l->inputs)
		put_end(l, body);
	if (body->failed)
		return prs_fail(err, (enum prs_code) - body->failed, "a folder with too many files for one plan block");
	return l->ended ? 0 : 1;
}

/* ---- resume ------------------------------------------------------------------------------------------------------ */

static int feed_dir(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	uint32_t parent = r->u.dir.parent;
	if (r->u.dir.dir != l->dirs_n || (parent != PRS_NO_DIR && parent >= l->dirs_n))
		return prs_fail(err, PRS_ECORRUPT, "plan: folders are not in order");
	if (r->u.dir.input >= l->inputs)
		return prs_fail(err, PRS_ECORRUPT, "plan: a folder of an unknown input");
	int32_t part = NO_PART;
	if (parent != PRS_NO_DIR &&
	    l->made_of[r->u.dir.input]
	            .parts.n) /* below the root: the parts in their order; deeper: as the folder above */
		part = l->dirs[parent].parent == PRS_NO_DIR ? (int32_t)(r->u.dir.dir - parent - 1)
		                                            : l->dirs[parent].part;
	if (part >= (int32_t)l->made_of[r->u.dir.input].parts.n)
		return prs_fail(err, PRS_ECORRUPT, "plan: more parts than the input has");
	if (add_dir(l, parent, r->u.dir.input, part) < 0)
		return nomem(err);
	char **path = &l->dirs[l->dirs_n - 1].path;
	if (parent == PRS_NO_DIR)
		*path = prs_strdup(l->fed_root ? l->fed_root : l->roots[r->u.dir.input]);
	else
		*path = prs_strf("%s%s%.*s",
		                 r->u.dir.name.n && !strcmp(l->dirs[parent].path, "/") ? "" : l->dirs[parent].path,
		                 r->u.dir.name.n ? "/" : "", (int)r->u.dir.name.n, r->u.dir.name.p);
	return *path ? 0 : nomem(err);
}

static int feed_input(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.input.input != l->next_input || l->next_input >= l->inputs)
		return prs_fail(err, PRS_ECORRUPT, "plan: inputs are not in order");
	struct made_of *m = &l->made_of[l->next_input];
	if (r->u.input.kind != (m->groups ? PRS_INPUT_GROUPS : PRS_INPUT_FILES))
		return prs_fail(err, PRS_ECORRUPT, "plan: an input of another kind than the job says");
	l->current_input = (int)l->next_input++;
	l->list_at = 0;
	prs_freep(&l->fed_root);
	l->fed_root = prs_strf("%.*s", (int)r->u.input.root.n, r->u.input.root.p);
	if (!l->fed_root)
		return nomem(err);
	return m->is_list ? prs_list_file_read(&l->list, l->fs, l->roots[l->current_input], m->base, err) : 0;
}

static int feed_files(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	struct known_dir *d = r->u.files.dir < l->dirs_n ? &l->dirs[r->u.files.dir] : NULL;
	struct prs_list_groups *groups = l->current_input >= 0 ? l->made_of[l->current_input].groups : NULL;
	l->list_at += r->u.files.count;
	l->counts.files += r->u.files.count;
	if (d && r->u.files.flags & PRS_FILES_LAST)
		d->listed = true;
	if (groups && !d)
		return prs_fail(err, PRS_ECORRUPT, "plan: files of an unknown folder");
	int k = groups ? prs_list_groups_add(groups, d->path, r->u.files.names, r->u.files.count, l->files, err) : 0;
	l->files += r->u.files.count;
	return k;
}

static int feed_group(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	struct prs_list_groups *groups = l->current_input >= 0 ? l->made_of[l->current_input].groups : NULL;
	if (!groups)
		return prs_fail(err, PRS_ECORRUPT, "plan: a group of an input without partition keys");
	l->items += prs_plan_group_items(r);
	l->ids++;
	prs_list_groups_skip(groups);
	return 0;
}

static int feed_record(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	switch (r->type) {
	case PRS_PLAN_INPUT: return feed_input(l, r, err);
	case PRS_PLAN_DIR: return feed_dir(l, r, err);
	case PRS_PLAN_FILES: return feed_files(l, r, err);
	case PRS_PLAN_GROUP: return feed_group(l, r, err);
	case PRS_PLAN_RULE:
		l->ids += r->u.rule.count;
		l->items += r->u.rule.count * r->u.rule.per;
		l->open_first += r->u.rule.count * r->u.rule.per;
		return 0;
	case PRS_PLAN_END: l->ended = true; return 0;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA: return 0;
	}
	return 0;
}

int prs_list_feed(struct prs_lister *l, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	l->fed = true;
	l->sum = prs_plan_sum(l->sum, body, n);
	while ((k = prs_plan_next(body, n, &at, &r, err)) == 1) {
		int e = feed_record(l, &r, err);
		if (e < 0)
			return e;
	}
	return k;
}

/* The stack as it was: sibling groups in the order of their numbers, in each the first folder on top. */
static int rebuild_stack(struct prs_lister *l, struct prs_err *err)
{
	l->fed = false;
	for (size_t first = 0, end; first < l->dirs_n; first = end) {
		for (end = first + 1; end < l->dirs_n && l->dirs[end].parent == l->dirs[first].parent &&
		                      l->dirs[first].parent != PRS_NO_DIR;)
			end++;
		for (size_t i = end; i-- > first;) {
			struct known_dir *d = &l->dirs[i];
			if (d->listed)
				continue;
			if (push(l, (struct pending){ (uint32_t)i, d->parent, d->input, d->part, d->path }) < 0)
				return nomem(err);
			d->path = NULL; /* the stack owns it */
		}
	}
	return 0;
}
