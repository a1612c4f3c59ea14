/* SPDX-License-Identifier: Apache-2.0
 * list: one walker and one cutter at a time, those of the current input; their numbers go on over all inputs.
 *
 * Feeding an earlier plan leaves the numbers, what the cutter has, and the folders of the current input (known.h), from
 * which the walker goes on.
 */
#include "data/list.h"

#include "data/cut.h"
#include "data/groups.h"
#include "data/known.h"
#include "data/walk.h"

#include "base/hive.h"
#include "base/mem.h"
#include "base/partition.h"
#include "wire/names.h"

#include <string.h>

enum {
	PART_BYTES = 4 << 20, /* of a part of a folder */
	SLACK_BYTES = 1024,   /* PART, RULEs and END */
	STAT_FILES = 4096,    /* with size and time of each, in a FILES */
	FILES_RECORD_BYTES = 48,
	DIR_RECORD_BYTES = 28
};

/* An input with its texts. */
struct given {
	struct prs_list_input in;
	char *name, *path, *base, *format, *spool, *rows_only;
	char *path_column, *steps;
	struct prs_list parts, keys, text_columns, text_types, named;
	struct prs_table_input table;
	const struct prs_cutter_kind *kind; /* of a table with keys: NULL until it is known where they stand */
};

struct prs_lister {
	const struct prs_fs *fs;
	struct given *given;
	unsigned n, next; /* next: the next input to begin */
	struct prs_walk *walk;
	struct prs_cutter *cutter;
	struct prs_walked folder; /* which is being written */
	bool is_folder_open;
	struct prs_cut_total total;
	uint64_t files, input_first_file;
	uint32_t dirs;
	uint32_t sum;
	struct prs_known known;
	bool is_fed, is_ended;
	struct prs_err stopped; /* code 0: nothing stands in the way of more */
	struct prs_list_counts counts;
	struct prs_warnings warnings;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "listing the input"); }

/* ---- the inputs -------------------------------------------------------------------------------------------------- */

static int copy_list(struct prs_list *to, const struct prs_list *from)
{
	for (size_t i = 0; from && i < from->n; i++)
		if (prs_list_add(to, from->v[i]) < 0)
			return -PRS_ENOMEM;
	return 0;
}

/* A text that may be missing. */
static int copy_text(char **to, const char *from)
{
	*to = from ? prs_strdup(from) : NULL;
	return from && !*to ? -PRS_ENOMEM : 0;
}

static int copy_table(struct given *g, const struct prs_table_input *t)
{
	if (copy_text(&g->path_column, t->path_column) < 0 || copy_text(&g->steps, t->steps) < 0 ||
	    copy_list(&g->text_columns, t->text_columns) < 0 || copy_list(&g->text_types, t->text_types) < 0 ||
	    copy_list(&g->named, t->named) < 0)
		return -PRS_ENOMEM;
	g->table = *t;
	g->table.path_column = g->path_column;
	g->table.steps = g->steps;
	g->table.text_columns = &g->text_columns;
	g->table.named = &g->named;
	g->table.text_types = &g->text_types;
	g->in.table = &g->table;
	if (t->rows)
		g->in.size = (struct prs_batch_size){ PRS_SIZE_ROWS, t->rows };
	return 0;
}

static int copy_input(struct given *g, const struct prs_list_input *in)
{
	g->name = prs_strdup(in->name);
	g->path = prs_strdup(in->path);
	g->base = prs_strdup(in->base ? in->base : "/");
	g->format = prs_strdup(in->format ? in->format : "");
	g->rows_only = in->rows_only ? prs_strdup(in->rows_only) : NULL;
	if (in->rows_only && !g->rows_only)
		return -PRS_ENOMEM;
	if (!g->name || !g->path || !g->base || !g->format || copy_list(&g->parts, in->parts) < 0 ||
	    copy_list(&g->keys, in->keys) < 0)
		return -PRS_ENOMEM;
	g->in = (struct prs_list_input){ .name = g->name,
		                         .path = g->path,
		                         .parts = &g->parts,
		                         .is_list = in->is_list,
		                         .footers = in->footers,
		                         .base = g->base,
		                         .size = in->size,
		                         .keys = &g->keys,
		                         .format = g->format,
		                         .rows_only = g->rows_only };
	return in->table ? copy_table(g, in->table) : 0;
}

static void free_input(struct given *g)
{
	prs_freep(&g->name);
	prs_freep(&g->path);
	prs_freep(&g->base);
	prs_freep(&g->format);
	prs_freep(&g->spool);
	prs_freep(&g->rows_only);
	prs_freep(&g->path_column);
	prs_freep(&g->steps);
	prs_list_done(&g->text_columns);
	prs_list_done(&g->named);
	prs_list_done(&g->text_types);
	prs_list_done(&g->parts);
	prs_list_done(&g->keys);
}

static const struct prs_cutter_kind *kind_of_table(enum prs_table_format format)
{
	switch (format) {
	case PRS_TABLE_DELIMITED: break;
	case PRS_TABLE_JSONL: return &prs_cut_lines;
	case PRS_TABLE_PARQUET: return &prs_cut_parquet;
	}
	return &prs_cut_slices;
}

static const struct prs_cutter_kind *kind_of(const struct given *g)
{
	if (g->kind)
		return g->kind;
	if (g->in.table && g->rows_only && g->table.format != PRS_TABLE_PARQUET)
		return g->table.format == PRS_TABLE_JSONL ? &prs_cut_only_lines : &prs_cut_only;
	if (g->in.table)
		return kind_of_table(g->table.format);
	return g->keys.n ? &prs_cut_groups : &prs_cut_files;
}

/* The rows of a table with keys are grouped by its files, when their paths say all of them, or one by one. */
static void choose_kind(struct given *g, bool by_files)
{
	if (!g->in.table || !g->keys.n)
		return;
	if (g->table.format == PRS_TABLE_PARQUET) {
		g->kind = by_files ? &prs_cut_parquet_groups : &prs_cut_parquet; /* which refuses them */
		return;
	}
	g->kind = g->table.format == PRS_TABLE_JSONL ? &prs_cut_line_groups : &prs_cut_table_groups;
	if (!by_files)
		g->kind = &prs_cut_columns;
}

/* The input that was begun last. */
static const struct given *current(const struct prs_lister *l) { return &l->given[l->next - 1]; }

static void end_input(struct prs_lister *l)
{
	prs_walk_free(l->walk);
	l->walk = NULL;
	if (l->cutter)
		kind_of(current(l))->free(l->cutter);
	l->cutter = NULL;
}

struct prs_lister *prs_lister_new(const struct prs_fs *fs, const struct prs_list_input *inputs, unsigned n)
{
	struct prs_lister *l = prs_calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->fs = fs;
	prs_known_init(&l->known);
	l->given = prs_calloc(n + 1, sizeof *l->given);
	bool ok = l->given;
	for (unsigned i = 0; ok && i < n; i++) {
		l->n++;
		ok = copy_input(&l->given[i], &inputs[i]) == 0;
		l->given[i].in.warnings = &l->warnings;
	}
	if (!ok) {
		prs_lister_free(l);
		return NULL;
	}
	return l;
}

void prs_lister_free(struct prs_lister *l)
{
	if (!l)
		return;
	end_input(l);
	prs_known_done(&l->known);
	for (unsigned i = 0; i < l->n; i++)
		free_input(&l->given[i]);
	prs_freep(&l->given);
	prs_warnings_done(&l->warnings);
	prs_freep(&l);
}

int prs_lister_spool(struct prs_lister *l, const char *dir, uint32_t epoch)
{
	char name[PRS_SPOOL_NAME_BYTES];
	for (unsigned i = 0; i < l->n; i++) {
		struct given *g = &l->given[i];
		prs_spool_name(name, epoch, i);
		prs_freep(&g->spool);
		g->spool = prs_strf("%s/%s", dir, name);
		if (!g->spool)
			return -PRS_ENOMEM;
		g->in.spool = g->spool;
		g->in.epoch = epoch;
	}
	return 0;
}

/* A key that is null is none that an engine from before would know. */
static uint16_t minor_of(const struct given *g)
{
	bool null = g->keys.n && prs_groups_may_be_null(g->format);
	return null ? PRS_FORMAT_MINOR_TABLES : kind_of(g)->minor;
}

uint16_t prs_lister_minor(const struct prs_lister *l)
{
	uint16_t minor = PRS_FORMAT_MINOR;
	for (unsigned i = 0; i < l->n; i++)
		if (minor_of(&l->given[i]) > minor)
			minor = minor_of(&l->given[i]);
	return minor;
}

const char *prs_lister_warning(struct prs_lister *l) { return prs_warnings_take(&l->warnings); }

void prs_list_counts(const struct prs_lister *l, struct prs_list_counts *ret)
{
	*ret = l->counts;
	ret->mini_batches = l->total.ids;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void put_dir(struct prs_lister *l, struct prs_buf *body, uint32_t dir, uint32_t parent, const char *name)
{
	struct prs_plan_record r = { .type = PRS_PLAN_DIR };
	r.u.dir.dir = dir;
	r.u.dir.parent = parent;
	r.u.dir.input = (uint16_t)(l->next - 1);
	r.u.dir.name = prs_text_of(name);
	prs_plan_put(body, &r);
}

static void put_input(struct prs_lister *l, struct prs_buf *body)
{
	const struct prs_cutter_kind *kind = kind_of(current(l));
	struct prs_plan_record r = { .type = PRS_PLAN_INPUT };
	r.u.input.input = (uint16_t)(l->next - 1);
	r.u.input.kind = kind->input_kind;
	r.u.input.unit = kind->has_size ? (uint16_t)current(l)->in.size.unit : 0;
	r.u.input.size = kind->has_size ? current(l)->in.size.n : 0;
	r.u.input.name = prs_text_of(current(l)->name);
	r.u.input.root = prs_text_of(prs_walk_root(l->walk));
	r.u.input.options = prs_text_of(prs_walk_kind(l->walk));
	prs_plan_put(body, &r);
}

static void put_part(struct prs_lister *l, struct prs_buf *body)
{
	struct prs_plan_record r = { .type = PRS_PLAN_PART };
	r.u.part.dir = l->folder.dir;
	prs_plan_put(body, &r);
	l->folder.in_part = true;
}

static void put_end(struct prs_lister *l, struct prs_buf *body)
{
	struct prs_plan_record r = { .type = PRS_PLAN_END };
	r.u.end.ids = l->total.ids;
	r.u.end.items = l->total.items;
	r.u.end.files = l->files;
	r.u.end.sum = l->sum;
	prs_plan_put(body, &r);
	l->is_ended = true;
}

/* Size and mtime of files of the open folder. */
static int put_stats(struct prs_lister *l, const char *names, uint32_t count, struct prs_buf *to, struct prs_err *err)
{
	for (const char *name = names; count; count--, name += strlen(name) + 1) {
		struct prs_fs_stat s;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(l->folder.path, "/") ? l->folder.path : "", name);
		int r = path ? l->fs->stat(l->fs->ctx, path, &s) : 0;
		if (!path)
			return nomem(err);
		if (r < 0)
			return prs_fail_errno(err, -r, "%s", path);
		prs_buf_u64(to, s.size);
		prs_buf_u64(to, s.mtime_us);
	}
	return to->failed ? nomem(err) : 0;
}

static int put_files(struct prs_lister *l, struct prs_buf *body, const char *names, size_t bytes, uint32_t count,
                     bool last, struct prs_err *err)
{
	struct prs_plan_record r = { .type = PRS_PLAN_FILES };
	r.u.files.dir = l->folder.dir;
	r.u.files.count = count;
	r.u.files.flags = last ? PRS_FILES_LAST : 0;
	r.u.files.names_bytes = (uint32_t)bytes;
	r.u.files.first_file = l->files;
	r.u.files.names = names;
	PRS_AUTOBUF stats;
	prs_buf_init(&stats, UINT32_MAX);
	if (kind_of(current(l))->has_stats && count) {
		int k = put_stats(l, names, count, &stats, err);
		if (k < 0)
			return k;
		r.u.files.flags |= PRS_FILES_STATS;
		r.u.files.stats = stats.data;
	}
	prs_plan_put(body, &r);
	struct prs_cut_files f = { l->folder.path, names, count, l->files, stats.data };
	l->files += count;
	l->counts.files += count;
	return kind_of(current(l))->take(l->cutter, &f, err);
}

/* ---- a folder ---------------------------------------------------------------------------------------------------- */

/* What the endings of the first files said holds for all of them. */
static int check_ending(const struct prs_lister *l, const char *name, struct prs_err *err)
{
	const struct prs_table_input *table = current(l)->in.table;
	if (!table || !table->by_ending)
		return 0;
	if (table->format == PRS_TABLE_PARQUET && !prs_parquet_is_data(name)) /* its cutter passes over them */
		return 0;
	const struct prs_table_ending *e = prs_table_ending(name);
	if (e && e->format == table->format && e->delimiter == table->delimiter)
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "input %s: %s/%s %s %s by its ending, and the input is %s: the files of an input are of one "
	                "kind; choose them by a pattern",
	                current(l)->name, l->folder.path, name, e ? "is" : "is no table", e ? e->kind : "",
	                prs_table_kind(table));
}

/* Of a FILES: its sizes and times must have room beside its names. */
static uint32_t block_files(const struct prs_lister *l)
{
	return kind_of(current(l))->has_stats ? STAT_FILES : UINT32_MAX;
}

/* The next names of the folder, as many as a block takes; `may_last`: with the last of them the folder is whole. */
static int put_block(struct prs_lister *l, struct prs_buf *body, bool may_last, struct prs_err *err)
{
	struct prs_walked *f = &l->folder;
	uint32_t count = 0;
	PRS_AUTOBUF block;
	prs_buf_init(&block, PRS_FILES_BLOCK_BYTES + (64 << 10));
	for (; f->files_at < f->files->n && block.len < PRS_FILES_BLOCK_BYTES && count < block_files(l);
	     f->files_at++, count++) {
		const char *name = prs_entries_at(f->files, f->files_at);
		int r = check_ending(l, name, err);
		if (r < 0)
			return r;
		prs_buf_put(&block, name, strlen(name) + 1);
	}
	if (block.failed)
		return nomem(err);
	return put_files(l, body, block.data ? (const char *)block.data : "", block.len, count,
	                 may_last && f->files_at == f->files->n, err);
}

static void put_next_dir(struct prs_lister *l, struct prs_buf *body)
{
	struct prs_walked *f = &l->folder;
	put_dir(l, body, f->first_dir + (uint32_t)f->dirs_at, f->dir, prs_entries_at(f->dirs, f->dirs_at));
	f->dirs_at++;
}

static int put_whole(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	struct prs_walked *f = &l->folder;
	do {
		int r = put_block(l, body, true, err);
		if (r < 0)
			return r;
	} while (f->files_at < f->files->n);
	while (f->dirs_at < f->dirs->n)
		put_next_dir(l, body);
	l->is_folder_open = false;
	return 0;
}

/* Files, then folders, then an empty last block: as much as a part takes. */
static int put_some(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	struct prs_walked *f = &l->folder;
	size_t from = body->len, room = body->max - from, most = room / 4 < PART_BYTES ? room / 4 : PART_BYTES;
	if (!f->in_part)
		put_part(l, body);
	while (f->files_at < f->files->n && body->len - from < most && !body->failed) {
		int r = put_block(l, body, false, err);
		if (r < 0)
			return r;
	}
	while (f->files_at == f->files->n && f->dirs_at < f->dirs->n && body->len - from < most && !body->failed)
		put_next_dir(l, body);
	if (f->files_at < f->files->n || f->dirs_at < f->dirs->n)
		return 0;
	l->is_folder_open = false;
	return put_files(l, body, "", 0, 0, true, err);
}

/* At most so many bytes are the records of the folder. */
static size_t folder_bytes(const struct prs_lister *l)
{
	const struct prs_walked *f = &l->folder;
	size_t blocks = f->files->text.len / PRS_FILES_BLOCK_BYTES + f->files->n / block_files(l) + 1;
	size_t stats = kind_of(current(l))->has_stats ? f->files->n * PRS_FILE_STAT_BYTES : 0;
	return blocks * FILES_RECORD_BYTES + f->files->text.len + stats + f->dirs->n * DIR_RECORD_BYTES +
	       f->dirs->text.len + SLACK_BYTES;
}

static int put_folder(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	if (!l->is_folder_open) {
		int r = prs_walk_next(l->walk, &l->folder, err);
		if (r < 0)
			return r;
		l->is_folder_open = true;
		if (l->folder.name)
			put_dir(l, body, l->folder.dir, prs_walk_root_dir(l->walk), l->folder.name);
	}
	if (l->folder.in_part || folder_bytes(l) > body->max - body->len)
		return put_some(l, body, err);
	return put_whole(l, body, err);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static int open_input(struct prs_lister *l, struct prs_err *err)
{
	unsigned i = l->next++;
	l->input_first_file = l->files;
	l->cutter = kind_of(&l->given[i])->new (l->fs, &l->given[i].in, (uint16_t)i);
	return l->cutter ? 0 : nomem(err);
}

/* The first name that does not begin with _ or ., as those of files that say something of the others do (_SUCCESS);
 * NULL: there is none. */
static const char *first_name(const struct prs_entries *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (!strchr("_.", prs_entries_at(files, i)[0]))
			return prs_entries_at(files, i);
	return NULL;
}

/* The path of its first file, which the caller frees; NULL: it has none. */
static int first_file(struct prs_lister *l, const struct given *g, char **ret, struct prs_err *err)
{
	struct prs_list_counts counts = { 0 };
	struct prs_walk *w = prs_walk_new(l->fs, &g->in, &counts);
	int r = w ? prs_walk_begin(w, 0, err) : nomem(err);
	while (r == 0 && !*ret && !prs_walk_is_done(w)) {
		struct prs_walked f = { 0 };
		r = prs_walk_next(w, &f, err);
		const char *name = r < 0 ? NULL : first_name(f.files);
		if (!name)
			continue;
		*ret = prs_strf("%s/%s", strcmp(f.path, "/") ? f.path : "", name);
		r = *ret ? 0 : nomem(err);
	}
	prs_walk_free(w);
	return r;
}

/* Do the paths of a table say all of its keys? By its format, or, without one, by its first file. */
static int keys_of_paths(struct prs_lister *l, const struct given *g, struct prs_err *err)
{
	if (g->format[0]) {
		struct prs_partition *p = prs_partition_new(g->format, &g->keys, NULL);
		prs_partition_free(p);
		return p != NULL;
	}
	char *path = NULL;
	size_t missing;
	PRS_AUTOBUF values;
	prs_buf_init(&values, UINT32_MAX);
	int r = first_file(l, g, &path, err);
	if (r == 0 && path)
		r = prs_hive_match(&g->keys, path, &values, &missing);
	prs_freep(&path);
	return r == -PRS_ENOMEM ? nomem(err) : r;
}

static int begin_input(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	struct given *next = &l->given[l->next];
	int r = next->in.table && next->keys.n ? keys_of_paths(l, next, err) : 0;
	if (r < 0)
		return r;
	choose_kind(next, r);
	r = open_input(l, err);
	if (r < 0)
		return r;
	l->walk = prs_walk_new(l->fs, &current(l)->in, &l->counts);
	if (!l->walk)
		return nomem(err);
	r = prs_walk_begin(l->walk, l->dirs, err);
	if (r < 0)
		return r;
	put_input(l, body);
	put_dir(l, body, l->dirs, PRS_NO_DIR, "");
	return 0;
}

/* The lines of a list are many small folders: as many as a block takes. */
static int put_folders(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	bool is_list = current(l)->in.is_list;
	do {
		int r = prs_walk_is_done(l->walk) && !l->is_folder_open ? 0 : put_folder(l, body, err);
		if (r < 0)
			return r;
	} while (is_list && !prs_walk_is_done(l->walk) && body->len < PRS_FILES_BLOCK_BYTES && !body->failed);
	l->dirs = prs_walk_dirs(l->walk);
	return 0;
}

/* The beginning of an input, a folder of it, or mini-batches of it; nothing when a resume finds all of it planned. */
static int take_step(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	if (!l->walk) {
		int r = begin_input(l, body, err);
		if (r < 0 || prs_walk_reads_root(l->walk))
			return r;
	}
	int r = put_folders(l, body, err);
	if (r < 0)
		return r;
	bool listed = prs_walk_is_done(l->walk) && !l->is_folder_open;
	struct prs_err why = { 0 };
	r = kind_of(current(l))->cut(l->cutter, listed, &l->total, body, &why);
	if (r < 0)
		l->stopped = why;
	if (listed && r == 0)
		end_input(l);
	return 0;
}

static int go_on(struct prs_lister *l, struct prs_err *err)
{
	l->is_fed = false;
	if (!l->next)
		return 0;
	l->walk = prs_walk_new(l->fs, &current(l)->in, &l->counts);
	if (!l->walk)
		return nomem(err);
	int r = prs_walk_go_on(l->walk, &l->known, l->files - l->input_first_file, err);
	prs_known_done(&l->known);
	return r;
}

static bool all_is_listed(const struct prs_lister *l) { return !l->walk && l->next == l->n; }

static bool is_stopped(const struct prs_lister *l) { return l->stopped.code; }

/* All steps until there is a record. */
static int take_steps(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	size_t from = body->len;
	int r = l->is_fed ? go_on(l, err) : 0;
	while (r == 0 && !is_stopped(l) && !all_is_listed(l) && body->len == from && !body->failed)
		r = take_step(l, body, err);
	if (r < 0)
		body->len = from;
	return r;
}

int prs_list_next(struct prs_lister *l, struct prs_buf *body, struct prs_err *err)
{
	size_t from = body->len;
	if (l->is_ended)
		return 0;
	int r = is_stopped(l) ? 0 : take_steps(l, body, err);
	if (r < 0)
		return r;
	if (is_stopped(l) && body->len == from)
		return prs_fail(err, (enum prs_code) - l->stopped.code, "%s", l->stopped.msg);
	if (body->len > from)
		l->sum = prs_plan_sum(l->sum, body->data + from, body->len - from);
	if (all_is_listed(l))
		put_end(l, body);
	if (body->failed) {
		body->len = from;
		return prs_fail(err, (enum prs_code) - body->failed, "the records of a folder");
	}
	return l->is_ended ? 0 : 1;
}

/* ---- feeding an earlier plan ------------------------------------------------------------------------------------- */

static int feed_input(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.input.input != l->next || l->next >= l->n)
		return prs_fail(err, PRS_ECORRUPT, "plan: inputs are not in order");
	choose_kind(&l->given[l->next], r->u.input.kind != PRS_INPUT_SPOOL);
	if (r->u.input.kind != kind_of(&l->given[l->next])->input_kind)
		return prs_fail(err, PRS_ECORRUPT, "plan: an input of another kind than the job says");
	end_input(l);
	int k = prs_known_begin(&l->known, l->dirs, r->u.input.root, err);
	return k < 0 ? k : open_input(l, err);
}

static int feed_dir(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.dir.input != l->next - 1)
		return prs_fail(err, PRS_ECORRUPT, "plan: a folder of another input");
	int k = prs_known_dir(&l->known, r, err);
	if (k == 0)
		l->dirs++;
	return k;
}

static int feed_files(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	int k = prs_known_files(&l->known, r, err);
	if (k < 0)
		return k;
	PRS_AUTOFREE char *folder = prs_known_path(&l->known, r->u.files.dir);
	if (!folder)
		return nomem(err);
	struct prs_cut_files f = { folder, r->u.files.names, r->u.files.count, l->files, r->u.files.stats };
	l->files += r->u.files.count;
	l->counts.files += r->u.files.count;
	return kind_of(current(l))->take(l->cutter, &f, err);
}

static int feed_record(struct prs_lister *l, const struct prs_plan_record *r, struct prs_err *err)
{
	if (!l->next && r->type != PRS_PLAN_INPUT && r->type != PRS_PLAN_END)
		return prs_fail(err, PRS_ECORRUPT, "plan: records before the first input");
	switch (r->type) {
	case PRS_PLAN_INPUT: return feed_input(l, r, err);
	case PRS_PLAN_DIR: return feed_dir(l, r, err);
	case PRS_PLAN_FILES: return feed_files(l, r, err);
	case PRS_PLAN_PART: return prs_known_part(&l->known, r, err);
	case PRS_PLAN_RULE:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA:
	case PRS_PLAN_PARQUET:
	case PRS_PLAN_TABLE_GROUP: return kind_of(current(l))->feed(l->cutter, r, &l->total, err);
	case PRS_PLAN_END: l->is_ended = true; return 0;
	case PRS_PLAN_HEAD: return 0;
	}
	return 0;
}

int prs_list_feed(struct prs_lister *l, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	l->is_fed = true;
	l->sum = prs_plan_sum(l->sum, body, n);
	while ((k = prs_plan_next(body, n, &at, &r, err)) == 1) {
		int e = feed_record(l, &r, err);
		if (e < 0)
			return e;
	}
	return k < 0 ? k : prs_known_body_end(&l->known, err);
}
