/* SPDX-License-Identifier: Apache-2.0
 * known: folders are numbered in the order of their records, so that a number is an index; the path of the root is its
 * name.
 */
#include "data/known.h"

#include "base/mem.h"
#include "wire/frame.h"

#include <string.h>

static int bad(struct prs_err *err, const char *why) { return prs_fail(err, PRS_ECORRUPT, "plan: %s", why); }

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the folders of the plan"); }

void prs_known_init(struct prs_known *k)
{
	*k = (struct prs_known){ .part = PRS_NO_DIR, .half = PRS_NO_DIR };
	prs_buf_init(&k->names, UINT32_MAX);
	prs_entries_init(&k->files);
}

void prs_known_done(struct prs_known *k)
{
	prs_freep(&k->dirs);
	prs_buf_done(&k->names);
	prs_entries_done(&k->files);
	prs_known_init(k);
}

static struct prs_known_dir *find(const struct prs_known *k, uint32_t dir)
{
	return dir >= k->first && dir - k->first < k->n ? &k->dirs[dir - k->first] : NULL;
}

static int add_dir(struct prs_known *k, struct prs_known_dir d)
{
	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 32;
		struct prs_known_dir *v = prs_realloc(k->dirs, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		k->dirs = v;
		k->cap = cap;
	}
	k->dirs[k->n++] = d;
	k->open++;
	return 0;
}

int prs_known_begin(struct prs_known *k, uint32_t first, struct prs_text root, struct prs_err *err)
{
	if (k->open)
		return bad(err, "an input begins before the one before it was listed");
	k->n = 0;
	k->sum = 0;
	k->first = first;
	prs_buf_clear(&k->names);
	prs_buf_put(&k->names, root.p, root.n);
	return prs_buf_putc(&k->names, 0) < 0 ? nomem(err) : 0;
}

static int add_root(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err)
{
	if (k->n || r->u.dir.dir != k->first)
		return bad(err, "folders are not in order");
	/* prs_known_begin has put its path */
	return add_dir(k, (struct prs_known_dir){ .parent = PRS_NO_DIR }) < 0 ? nomem(err) : 0;
}

int prs_known_dir(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.dir.parent == PRS_NO_DIR)
		return add_root(k, r, err);
	const struct prs_known_dir *up = find(k, r->u.dir.parent);
	if (!up || r->u.dir.dir != k->first + k->n)
		return bad(err, "folders are not in order");
	if (k->part == PRS_NO_DIR ? !up->listed : r->u.dir.parent != k->part)
		return bad(err, "a folder in another one than that which was listed last");
	if (up->depth >= PRS_DEPTH_MAX)
		return bad(err, "a folder deeper than any path");
	struct prs_known_dir d = { r->u.dir.parent, (uint32_t)k->names.len, (uint16_t)(up->depth + 1), false };
	prs_buf_put(&k->names, r->u.dir.name.p, r->u.dir.name.n);
	prs_buf_putc(&k->names, 0);
	return k->names.failed || add_dir(k, d) < 0 ? nomem(err) : 0;
}

uint32_t prs_known_sum(uint32_t sum, const char *folder, const char *names, size_t names_bytes)
{
	uint8_t all[12];
	prs_put32(all, sum);
	prs_put32(all + 4, prs_checksum(folder, strlen(folder)));
	prs_put32(all + 8, prs_checksum(names, names_bytes));
	return prs_checksum(all, sizeof all);
}

static int add_names(struct prs_known *k, const struct prs_plan_record *r)
{
	const char *p = r->u.files.names, *end = p + r->u.files.names_bytes;
	for (size_t n; p < end; p += n + 1) {
		n = strlen(p);
		if (prs_entries_add(&k->files, p, n) < 0)
			return -PRS_ENOMEM;
	}
	return 0;
}

int prs_known_files(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err)
{
	struct prs_known_dir *d = find(k, r->u.files.dir);
	bool last = r->u.files.flags & PRS_FILES_LAST;
	if (!d)
		return bad(err, "files of an unknown folder");
	if (d->listed)
		return bad(err, "files of a folder that was listed");
	if ((k->part != PRS_NO_DIR && k->part != r->u.files.dir) ||
	    (k->half != PRS_NO_DIR && k->half != r->u.files.dir))
		return bad(err, "files of a folder while another one is planned in part");
	if (k->part != PRS_NO_DIR && !last && add_names(k, r) < 0)
		return nomem(err);
	if (r->u.files.count)
		k->sum = prs_known_sum(k->sum, prs_known_name(k, r->u.files.dir), r->u.files.names,
		                       r->u.files.names_bytes);
	if (!last && k->part == PRS_NO_DIR)
		k->half = r->u.files.dir;
	if (last) {
		d->listed = true;
		k->open--;
		k->part = k->half = PRS_NO_DIR;
		prs_entries_clear(&k->files);
	}
	return 0;
}

int prs_known_part(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err)
{
	const struct prs_known_dir *d = find(k, r->u.part.dir);
	if (!d || d->listed || k->part != PRS_NO_DIR || k->half != PRS_NO_DIR)
		return bad(err, "a folder in parts that does not follow from the records before it");
	k->part = r->u.part.dir;
	return 0;
}

int prs_known_body_end(const struct prs_known *k, struct prs_err *err)
{
	return k->half == PRS_NO_DIR ? 0 : bad(err, "a folder without its last block");
}

const char *prs_known_name(const struct prs_known *k, uint32_t dir)
{
	return (const char *)k->names.data + find(k, dir)->name_at;
}

/* From the root on; a part that is the root itself has no name. */
static void put_path(const struct prs_known *k, uint32_t dir, struct prs_buf *to)
{
	const char *name = prs_known_name(k, dir);
	uint32_t parent = find(k, dir)->parent;
	if (parent != PRS_NO_DIR)
		put_path(k, parent, to);
	if (parent != PRS_NO_DIR && name[0] && to->len && to->data[to->len - 1] != '/')
		prs_buf_putc(to, '/');
	prs_buf_puts(to, name);
}

char *prs_known_path(const struct prs_known *k, uint32_t dir)
{
	PRS_AUTOBUF path;
	prs_buf_init(&path, UINT32_MAX);
	put_path(k, dir, &path);
	const char *text = prs_buf_str(&path);
	return path.failed ? NULL : prs_strdup(text);
}

uint32_t prs_known_siblings_end(const struct prs_known *k, uint32_t dir)
{
	uint32_t end = dir + 1, parent = find(k, dir)->parent;
	const struct prs_known_dir *d;
	while (parent != PRS_NO_DIR && (d = find(k, end)) && d->parent == parent)
		end++;
	return end;
}
