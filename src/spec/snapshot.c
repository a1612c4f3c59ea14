/* SPDX-License-Identifier: Apache-2.0
 * snapshot: copies the script's folder, without inputs, outputs, runs, caches, virtual environments and what the
 * ignore file names.
 *
 * First everything is looked at (a folder that is too large is refused before a byte is copied), then copied in order
 * of the names' bytes. Fingerprint: for each file name, NUL, size, execute bit, bytes.
 *
 * Beside a script (prs run SCRIPT) lies the data of people who keep both in one place. A folder of the top that is
 * large and holds no .py file is taken for that, is left out, and the user is told; a job file names its folder of
 * code on purpose, and there it is refused.
 */
#include "spec/code.h"
#include "spec/placed.h"

#include "base/bytes.h"
#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "spec/ignore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum {
	FILES_MAX = 2000,
	LOOK_MAX = 20000,
	DATA_FILES = 1000, /* more of them, or of DATA_BYTES, are data */
	TOLD_FOLDERS = 3,
	CHUNK = 256 << 10,
	DEPTH_MAX = 64,
	IGNORE_BYTES = 1 << 20,
	PATH_SHOWN = 256
};
#define BYTES_MAX (UINT64_C(300) << 20)
#define DATA_BYTES (UINT64_C(100) << 20)
#define TELL_BYTES (UINT64_C(5) << 20)

/* A file or folder, whatever it is called. */
struct place {
	uint64_t dev, ino;
};

/* A folder or file of the top, with all that lies below it. */
struct top {
	size_t first; /* entry */
	uint64_t files, bytes;
	bool python;           /* there is a .py file */
	char path[PATH_SHOWN]; /* relative, a folder's ends with a slash */
};

struct snapshot {
	const struct prs_fs *fs;
	const char *root, *in;   /* in: of what is looked at, when it does not lie in the root */
	struct prs_list folders; /* that `in` is one of */
	enum prs_code_copy copy;
	bool whole; /* the folder is a snapshot itself: all of it */
	struct prs_ignore ignore;
	struct place *data; /* of the job: no code */
	size_t data_n;
	struct place above[DEPTH_MAX + 1]; /* the folders we are in: a link back to one of them is a loop */
	struct place runs;                 /* where this run's folder lies: others are expected there */
	unsigned runs_left_out;            /* elsewhere */
	struct prs_code_entry *v;
	size_t n, cap;
	uint64_t bytes, files;
	uint64_t largest;
	char largest_path[PATH_SHOWN];
	struct top top, fullest, heaviest; /* where we are; with the most files, a folder; with the most bytes */
	/* Files of the top itself; the ending that most of them have, if one has: `votes` more than the others. */
	uint64_t top_files, votes;
	char ending[PATH_SHOWN];
	struct prs_buf left_out; /* "im/ (200000 files), ..." */
	unsigned left_out_n;
};

/* ---- what is left out -------------------------------------------------------------------------------------------- */

static bool always_left_out(const char *name)
{
	static const char *const names[] = {
		".git",        ".hg",    ".svn", "__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache",
		".ruff_cache", ".cache", ".tox", ".nox",        "node_modules",       ".prs"
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool has(const struct snapshot *s, const char *folder, const char *name)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	return path && s->fs->stat(s->fs->ctx, path, &st) == 0;
}

/* A virtual environment (venv, conda), by any name. */
static bool is_environment(const struct snapshot *s, const char *folder)
{
	return has(s, folder, "pyvenv.cfg") || has(s, folder, "conda-meta");
}

static bool is_place(const struct place *v, size_t n, const struct prs_fs_stat *st)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].dev == st->dev && v[i].ino == st->ino)
			return true;
	return false;
}

static void add_data(struct snapshot *s, const char *path)
{
	struct prs_fs_stat st;
	if (path && s->fs->stat(s->fs->ctx, path, &st) == 0)
		s->data[s->data_n++] = (struct place){ st.dev, st.ino };
}

static void find_runs(struct snapshot *s, const char *to)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *runs = prs_strf("%s/../..", to);
	if (runs && s->fs->stat(s->fs->ctx, runs, &st) == 0)
		s->runs = (struct place){ st.dev, st.ino };
}

/* A run folder, half made too, in a folder that is looked at. */
static bool is_run(struct snapshot *s, const char *folder, const struct place *parent)
{
	if (!has(s, folder, "RUN") || !prs_path_is_run(s->fs, folder))
		return false;
	s->runs_left_out += parent->dev != s->runs.dev || parent->ino != s->runs.ino;
	return true;
}

/* Inputs and outputs of the job, and its run folder (which holds `to`); an input may also be the folder of the
 * script itself. */
static int find_data(struct snapshot *s, const struct prs_placed *p, const char *to, struct prs_err *err)
{
	const struct prs_job *j = p->job;
	PRS_AUTOFREE char *run = prs_strf("%s/..", to);
	s->data = prs_calloc(j->inputs_n + j->side_inputs_n + j->data_paths.n + j->outputs_n + 3, sizeof *s->data);
	if (!s->data)
		return prs_fail(err, PRS_ENOMEM, "copying the code");
	add_data(s, run);
	find_runs(s, to);
	for (size_t i = 0; i < j->inputs_n; i++)
		add_data(s, p->inputs[i].path);
	for (size_t i = 0; i < j->side_inputs_n; i++)
		add_data(s, j->side_inputs[i].value);
	for (size_t i = 0; i < j->data_paths.n; i++)
		add_data(s, j->data_paths.v[i]);
	for (size_t i = 0; i < j->outputs_n; i++)
		add_data(s, p->outputs[i]);
	add_data(s, p->output_file);
	if (j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY) /* else the file's folder may hold code too */
		add_data(s, p->output_dir);
	return 0;
}

static int read_ignore(struct snapshot *s, struct prs_err *err)
{
	static const char *const files[] = { ".amlignore", ".gitignore" };
	for (int i = 0; i < 2; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", s->root, files[i]);
		PRS_AUTOFREE char *text = prs_calloc(IGNORE_BYTES + 1, 1);
		int fd = path && text ? s->fs->open(s->fs->ctx, path, O_RDONLY, 0) : -ENOMEM;
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return prs_fail_errno(err, -fd, "reading %s", files[i]);
		ssize_t n = s->fs->pread(s->fs->ctx, fd, text, IGNORE_BYTES, 0);
		s->fs->close(s->fs->ctx, fd);
		return n < 0 ? prs_fail_errno(err, (int)-n, "reading %s", path)
		             : prs_ignore_parse(&s->ignore, text, err);
	}
	return 0;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

struct names {
	struct prs_list list;
	int failed;
};

static int snapshot_each_name(void *ctx, const char *name, char type)
{
	(void)type;
	struct names *n = ctx;
	n->failed = prs_list_add(&n->list, name);
	return n->failed ? 1 : 0;
}

static int snapshot_by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int add_entry(struct snapshot *s, const char *path, const struct prs_fs_stat *st, struct prs_err *err)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct prs_code_entry *v = prs_realloc(s->v, cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "copying the code");
		s->v = v;
		s->cap = cap;
	}
	struct prs_code_entry e = { prs_strdup(path), s->in, S_ISDIR(st->mode) ? 0 : st->size, st->mode };
	if (!e.path)
		return prs_fail(err, PRS_ENOMEM, "copying the code");
	s->v[s->n++] = e;
	return 0;
}

static bool is_python(const char *name)
{
	size_t n = strlen(name);
	return n > 3 && !strcmp(name + n - 3, ".py");
}

static void count_file(struct snapshot *s, const char *path, uint64_t bytes)
{
	if (bytes >= s->largest) {
		s->largest = bytes;
		snprintf(s->largest_path, sizeof s->largest_path, "%s", path);
	}
	s->files++;
	s->bytes += bytes;
	s->top.files++;
	s->top.bytes += bytes;
	s->top.python = s->top.python || is_python(path);
}

/* So many that they are refused; until a .py file is found they may still be data, which is not. */
static bool seen_enough(const struct snapshot *s)
{
	return s->files > LOOK_MAX && (s->copy != PRS_CODE_WITHOUT_DATA || s->top.python);
}

/* A file: of one of too many the number is all that counts. */
static int take_file(struct snapshot *s, const char *path, const struct prs_fs_stat *st, struct prs_err *err)
{
	count_file(s, path, st->size);
	return s->files > LOOK_MAX ? 0 : add_entry(s, path, st, err);
}

/* ---- the top ----------------------------------------------------------------------------------------------------- */

/* Which ending do most files of the top have? (If more than half have it, it is the one that is left.) */
static void vote(struct snapshot *s, const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *ending = dot && dot != name ? dot : "";
	s->top_files++;
	if (!s->votes)
		snprintf(s->ending, sizeof s->ending, "%s", ending);
	if (!strcmp(s->ending, ending))
		s->votes++;
	else
		s->votes--;
}

static bool is_data(const struct snapshot *s)
{
	bool large = s->top.files > DATA_FILES || s->top.bytes > DATA_BYTES;
	if (s->copy != PRS_CODE_WITHOUT_DATA || !large || s->top.python)
		return false;
	PRS_AUTOFREE char *name = prs_strf("%.*s", (int)strlen(s->top.path) - 1, s->top.path);
	return name && !prs_ignore_keeps(&s->ignore, name, true);
}

static void leave_out(struct snapshot *s)
{
	while (s->n > s->top.first)
		prs_freep(&s->v[--s->n].path);
	s->files -= s->top.files;
	s->bytes -= s->top.bytes;
	if (s->left_out_n++ >= TOLD_FOLDERS)
		return;
	if (s->top.files > DATA_FILES)
		prs_buf_putf(&s->left_out, "%s%s (%s)", s->left_out_n > 1 ? ", " : "", s->top.path,
		             prs_many(s->top.files, "file").text);
	else
		prs_buf_putf(&s->left_out, "%s%s (%.1f MB)", s->left_out_n > 1 ? ", " : "", s->top.path,
		             (double)s->top.bytes / 1048576.0);
}

static void top_begin(struct snapshot *s, const char *path, bool folder)
{
	s->top = (struct top){ .first = s->n };
	snprintf(s->top.path, sizeof s->top.path, "%s%s", path, folder ? "/" : "");
	if (!folder)
		vote(s, path);
}

static void top_end(struct snapshot *s, bool folder)
{
	if (folder && is_data(s)) {
		leave_out(s);
		return;
	}
	if (folder && s->top.files > s->fullest.files)
		s->fullest = s->top;
	if (s->top.bytes >= s->heaviest.bytes)
		s->heaviest = s->top;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static int look(struct snapshot *s, const char *folder, const char *prefix, int depth, struct prs_err *err);

static int look_into(struct snapshot *s, const char *folder, const char *relative, const struct prs_fs_stat *st,
                     int depth, struct prs_err *err)
{
	PRS_AUTOFREE char *deeper = prs_strf("%s/", relative);
	s->above[depth + 1] = (struct place){ st->dev, st->ino };
	if (!deeper)
		return prs_fail(err, PRS_ENOMEM, "copying the code");
	int r = add_entry(s, relative, st, err);
	return r < 0 ? r : look(s, folder, deeper, depth + 1, err);
}

/* A file, or a folder with what is in it. */
static int take_in(struct snapshot *s, const char *path, const char *relative, const struct prs_fs_stat *st, int depth,
                   struct prs_err *err)
{
	bool folder = S_ISDIR(st->mode);
	if (!depth)
		top_begin(s, relative, folder);
	int r = folder ? look_into(s, path, relative, st, depth, err) : take_file(s, relative, st, err);
	if (!depth && !r)
		top_end(s, folder);
	return r;
}

static int look_at(struct snapshot *s, const char *folder, const char *prefix, const char *name, int depth,
                   struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	PRS_AUTOFREE char *relative = prs_strf("%s%s", prefix, name);
	struct prs_fs_stat st;
	if (!path || !relative)
		return prs_fail(err, PRS_ENOMEM, "copying the code");
	if (always_left_out(name))
		return 0;
	int r = s->fs->stat(s->fs->ctx, path, &st);
	if (r == -ENOENT || r == -ELOOP) /* a link to nowhere */
		return 0;
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", path);
	if (!s->whole && (is_place(s->data, s->data_n, &st) || prs_ignored(&s->ignore, relative, S_ISDIR(st.mode))))
		return 0;
	if (S_ISREG(st.mode))
		return take_in(s, path, relative, &st, depth, err);
	if (!S_ISDIR(st.mode) || depth >= DEPTH_MAX || is_place(s->above, (size_t)depth + 1, &st) ||
	    (!s->whole && (is_environment(s, path) || is_run(s, path, &s->above[depth]))))
		return 0;
	return take_in(s, path, relative, &st, depth, err);
}

static int look(struct snapshot *s, const char *folder, const char *prefix, int depth, struct prs_err *err)
{
	struct names n = { 0 };
	int r = s->fs->list(s->fs->ctx, folder, snapshot_each_name, &n);
	r = n.failed ? -ENOMEM : r;
	if (r < 0)
		r = prs_fail_errno(err, -r, "reading %s", folder);
	if (!r && n.list.n)
		qsort(n.list.v, n.list.n, sizeof *n.list.v, snapshot_by_bytes);
	for (size_t i = 0; i < n.list.n && !r && !seen_enough(s); i++)
		r = look_at(s, folder, prefix, n.list.v[i], depth, err);
	prs_list_done(&n.list);
	return r;
}

/* The line of an ignore file that leaves out the most of what is too much. */
static void ignore_line(const struct snapshot *s, char *to, size_t n)
{
	if (s->files <= FILES_MAX)
		snprintf(to, n, "/%s", s->heaviest.path);
	else if (s->fullest.files >= s->top_files)
		snprintf(to, n, "/%s", s->fullest.path);
	else if (s->ending[0])
		snprintf(to, n, "/*%s", s->ending);
	else
		snprintf(to, n, "/* (and below it !/*.py)");
}

static int check_size(const struct snapshot *s, struct prs_err *err)
{
	char most[PATH_SHOWN + 64] = "", line[PATH_SHOWN + 8];
	if (s->files <= FILES_MAX && s->bytes <= BYTES_MAX)
		return 0;
	if (s->files > FILES_MAX && s->fullest.files)
		snprintf(most, sizeof most, "; most files: %s, %llu", s->fullest.path,
		         (unsigned long long)s->fullest.files);
	ignore_line(s, line, sizeof line);
	return prs_fail(err, PRS_ELIMIT,
	                "%s, the folder of the entry script, is copied into the run, but it holds %s%s, %.1f "
	                "MB (limit: %d files, 300 MB; largest: %s, %.1f MB%s). If the script needs no copy of it, this "
	                "line in %s/.amlignore leaves the most of it out: %s%s",
	                s->root, s->files > LOOK_MAX ? "more than " : "", prs_many(s->files, "file").text,
	                (double)s->bytes / 1048576.0, FILES_MAX, s->largest_path, (double)s->largest / 1048576.0, most,
	                s->root, line,
	                s->copy == PRS_CODE_WITHOUT_DATA ? " (or --code none: the script alone is copied)" : "");
}

static void tell(const struct prs_snapshot_ear *ear, const char *line)
{
	if (ear && ear->say)
		ear->say(ear->ctx, line);
}

/* What stays where it is, and a copy that takes time and room. */
static void tell_size(struct snapshot *s, const struct prs_snapshot_ear *ear)
{
	char line[1024];
	if (s->left_out_n > TOLD_FOLDERS)
		prs_buf_putf(&s->left_out, " and %u more", s->left_out_n - TOLD_FOLDERS);
	if (s->left_out_n) {
		snprintf(line, sizeof line,
		         "not copied with the script, because no .py file is in it: %s (a line !NAME/ in .amlignore "
		         "copies it)",
		         prs_buf_str(&s->left_out));
		tell(ear, line);
	}
	if (s->bytes < TELL_BYTES)
		return;
	snprintf(line, sizeof line, "copying %s into the run: %s, %.1f MB (.amlignore leaves out what it names)",
	         s->root, prs_many(s->files, "file").text, (double)s->bytes / 1048576.0);
	tell(ear, line);
}

/* ---- copying ----------------------------------------------------------------------------------------------------- */

struct copy {
	const struct prs_fs *fs;
	XXH3_state_t *print;
	uint8_t *space;
};

/* So many as it had when it was looked at: it may be a log that grows. */
static int copy_bytes(struct copy *c, int from, int to, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		ssize_t n = c->fs->pread(c->fs->ctx, from, c->space, bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK,
		                         at);
		if (n <= 0)
			return (int)n;
		XXH3_128bits_update(c->print, c->space, (size_t)n);
		for (ssize_t done = 0; done < n;) {
			ssize_t w = c->fs->pwrite(c->fs->ctx, to, c->space + done, (size_t)(n - done),
			                          at + (uint64_t)done);
			if (w <= 0)
				return w < 0 ? (int)w : -EIO;
			done += w;
		}
		at += (uint64_t)n;
	}
	return 0;
}

static void print_head(struct copy *c, const struct prs_code_entry *e)
{
	uint8_t tail[9];
	prs_put64(tail, e->size);
	tail[8] = (e->mode & 0111) != 0;
	XXH3_128bits_update(c->print, e->path, strlen(e->path) + 1);
	XXH3_128bits_update(c->print, tail, sizeof tail);
}

static int copy_file(struct copy *c, const char *from, const char *to, const struct prs_code_entry *e,
                     struct prs_err *err)
{
	int in = c->fs->open(c->fs->ctx, from, O_RDONLY, 0);
	if (in < 0)
		return prs_fail_errno(err, -in,
		                      "reading %s, which would be copied into the run (.amlignore can leave it out)",
		                      from);
	int out = c->fs->open(c->fs->ctx, to, O_WRONLY | O_CREAT | O_TRUNC, (e->mode & 0777) | 0600);
	print_head(c, e);
	int r = out < 0 ? out : copy_bytes(c, in, out, e->size);
	c->fs->close(c->fs->ctx, in);
	int closed = out >= 0 ? c->fs->close(c->fs->ctx, out) : 0;
	if (!r)
		r = closed;
	return r < 0 ? prs_fail_errno(err, -r, "copying %s into the run", from) : 0;
}

static int copy_entry(struct copy *c, const char *root, const char *folder, const struct prs_code_entry *e,
                      struct prs_err *err)
{
	PRS_AUTOFREE char *from = prs_strf("%s/%s", e->in ? e->in : root, e->path);
	PRS_AUTOFREE char *to = prs_strf("%s/%s", folder, e->path);
	if (!from || !to)
		return prs_fail(err, PRS_ENOMEM, "copying the code");
	if (!S_ISDIR(e->mode))
		return copy_file(c, from, to, e, err);
	int r = c->fs->mkdir(c->fs->ctx, to, (e->mode & 0777) | 0700);
	return r < 0 && r != -EEXIST ? prs_fail_errno(err, -r, "creating %s", to) : 0;
}

static int copy_all(const struct snapshot *s, const char *to, uint8_t print[16], struct prs_err *err)
{
	struct copy c = { s->fs, XXH3_createState(), prs_malloc(CHUNK) };
	int r = c.print && c.space ? 0 : prs_fail(err, PRS_ENOMEM, "copying the code");
	if (c.print)
		XXH3_128bits_reset(c.print);
	for (size_t i = 0; i < s->n && !r; i++)
		r = copy_entry(&c, s->root, to, &s->v[i], err);
	if (!r) {
		XXH128_canonical_t canonical;
		XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(c.print));
		memcpy(print, canonical.digest, 16);
	}
	prs_freep(&c.space);
	XXH3_freeState(c.print);
	return r;
}

/* The entry script, and the folders that it lies in. */
static int gather_script(struct snapshot *s, const char *entry, struct prs_err *err)
{
	for (const char *at = entry; at; at = strchr(at, '/')) {
		at += at != entry;
		PRS_AUTOFREE char *relative = prs_strf("%.*s", (int)(at - entry + (ptrdiff_t)strcspn(at, "/")), entry);
		PRS_AUTOFREE char *path = prs_strf("%s/%s", s->root, relative ? relative : "");
		struct prs_fs_stat st;
		if (!relative || !path)
			return prs_fail(err, PRS_ENOMEM, "copying the code");
		int r = s->fs->stat(s->fs->ctx, path, &st);
		if (r < 0)
			return prs_fail_errno(err, -r, "reading %s", path);
		if (add_entry(s, relative, &st, err) < 0)
			return err->code;
		if (S_ISREG(st.mode))
			count_file(s, relative, st.size);
	}
	return 0;
}

/* What a job file names beside its code, as if it lay at the top of it. */
static int look_at_includes(struct snapshot *s, const struct prs_list *includes, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; i < includes->n && !r; i++) {
		PRS_AUTOFREE char *folder = prs_path_folder(includes->v[i]);
		if (!folder || prs_list_add(&s->folders, folder) < 0)
			return prs_fail(err, PRS_ENOMEM, "copying the code");
		s->in = s->folders.v[s->folders.n - 1];
		r = look_at(s, s->in, "", strrchr(includes->v[i], '/') + 1, 0, err);
	}
	s->in = NULL;
	return r;
}

/* What is to be copied, gathered before the first byte is written. */
static int gather(struct snapshot *s, const struct prs_placed *p, const char *to, struct prs_err *err)
{
	struct prs_fs_stat st;
	prs_buf_init(&s->left_out, PATH_MAX);
	if (s->copy == PRS_CODE_SCRIPT)
		return gather_script(s, p->job->entry, err);
	int r = s->fs->stat(s->fs->ctx, s->root, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", s->root);
	s->above[0] = (struct place){ st.dev, st.ino };
	if (s->whole)
		return look(s, s->root, "", 0, err);
	if (find_data(s, p, to, err) < 0 || read_ignore(s, err) < 0 || look(s, s->root, "", 0, err) < 0 ||
	    look_at_includes(s, &p->job->includes, err) < 0)
		return err->code;
	return check_size(s, err);
}

static void snapshot_done(struct snapshot *s)
{
	prs_code_files_done(s->v, s->n);
	prs_freep(&s->data);
	prs_list_done(&s->folders);
	prs_buf_done(&s->left_out);
	prs_ignore_done(&s->ignore);
}

int prs_snapshot(struct prs_placed *p, const struct prs_fs *fs, const char *to, const struct prs_snapshot_ear *ear,
                 struct prs_err *err)
{
	struct snapshot s = { .fs = fs, .root = p->job->code_dir, .copy = (enum prs_code_copy)p->job->o.code_copy };
	int r = gather(&s, p, to, err);
	if (!r)
		tell_size(&s, ear);
	if (!r)
		r = copy_all(&s, to, p->code_print, err);
	p->runs_left_out = s.runs_left_out;
	snapshot_done(&s);
	return r;
}

int prs_snapshot_copy(const struct prs_fs *fs, const char *from, const char *to, struct prs_err *err)
{
	struct snapshot s = { .fs = fs, .root = from, .whole = true };
	uint8_t print[16];
	int r = gather(&s, NULL, to, err);
	if (!r)
		r = copy_all(&s, to, print, err);
	snapshot_done(&s);
	return r;
}

int prs_code_files(const struct prs_fs *fs, const char *folder, struct prs_code_entry **ret, size_t *ret_n,
                   struct prs_err *err)
{
	struct snapshot s = { .fs = fs, .root = folder, .whole = true };
	int r = gather(&s, NULL, folder, err);
	if (!r) {
		*ret = s.v;
		*ret_n = s.n;
		prs_buf_done(&s.left_out);
		return 0;
	}
	snapshot_done(&s);
	return r;
}

void prs_code_files_done(struct prs_code_entry *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		prs_freep(&v[i].path);
	prs_freep(&v);
}
