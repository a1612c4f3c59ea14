/* SPDX-License-Identifier: Apache-2.0
 * list_file: the lines become absolute paths in one text; names and folders are looked up in it.
 */
#include "data/list_file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "data/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void prs_list_file_done(struct prs_list_file *l)
{
	prs_freep(&l->text);
	prs_freep(&l->at);
	prs_freep(&l->root);
	*l = (struct prs_list_file){ 0 };
}

/* One line as an absolute path, "." parts and double slashes taken out. */
static void put_path(struct prs_buf *to, const char *base, const char *line, size_t n)
{
	size_t start = to->len;
	for (const char *p = line; p < line + n;) {
		const char *slash = memchr(p, '/', (size_t)(line + n - p));
		size_t k = slash ? (size_t)(slash - p) : (size_t)(line + n - p);
		if (p == line && line[0] != '/')
			prs_buf_puts(to, strcmp(base, "/") ? base : "");
		if (k && !(k == 1 && *p == '.')) {
			prs_buf_putc(to, '/');
			prs_buf_put(to, p, k);
		}
		p += k + (slash != NULL);
	}
	if (to->len == start)
		prs_buf_putc(to, '/');
	prs_buf_putc(to, 0);
}

static int add(struct prs_list_file *l, size_t *cap, size_t at)
{
	if (l->n == *cap) {
		size_t want = *cap ? *cap * 2 : 1024;
		size_t *v = prs_realloc(l->at, want * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		l->at = v;
		*cap = want;
	}
	l->at[l->n++] = at;
	return 0;
}

static void find_root(struct prs_list_file *l)
{
	size_t n = strlen(l->root);
	for (size_t i = 0; i < l->n; i++) {
		const char *p = prs_list_file_path(l, i);
		while (n > 1 && (strncmp(p, l->root, n) != 0 || p[n] != '/'))
			while (n > 1 && l->root[--n] != '/')
				;
		l->root[n] = 0;
	}
}

int prs_list_file_read(struct prs_list_file *l, const struct prs_fs *fs, const char *path, const char *base,
                       struct prs_err *err)
{
	PRS_AUTOBUF raw, paths;
	size_t cap = 0;
	prs_buf_init(&raw, PRS_LIST_FILE_BYTES_MAX);
	prs_buf_init(&paths, (size_t)8 << 30);
	prs_list_file_done(l);
	int r = prs_read_file(fs, path, &raw, err);
	if (r < 0)
		return r;
	const char *text = raw.data ? (const char *)raw.data : "", *end = text + raw.len;
	bool zeros = raw.len && !end[-1];
	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, zeros ? 0 : '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		const char *next = line + n + 1;
		n -= !zeros && n && line[n - 1] == '\r';
		if (memchr(line, 0, n))
			return prs_fail(err, PRS_EINVALID, "%s: a 0 byte: this is no list of file names", path);
		if (n && add(l, &cap, paths.len) == 0)
			put_path(&paths, base, line, n);
		line = next;
	}
	l->text = prs_malloc(paths.len + 1);
	if (paths.failed || !l->text || (paths.len && !l->at))
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	if (paths.len)
		memcpy(l->text, paths.data, paths.len);
	l->root = l->n ? prs_list_file_folder(l, 0) : prs_strdup("/");
	if (!l->root)
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	find_root(l);
	return 0;
}

const char *prs_list_file_path(const struct prs_list_file *l, size_t i) { return l->text + l->at[i]; }

const char *prs_list_file_name(const struct prs_list_file *l, size_t i)
{
	return strrchr(prs_list_file_path(l, i), '/') + 1;
}

static size_t folder_bytes(const struct prs_list_file *l, size_t i)
{
	return (size_t)(prs_list_file_name(l, i) - prs_list_file_path(l, i));
}

char *prs_list_file_folder(const struct prs_list_file *l, size_t i)
{
	size_t n = folder_bytes(l, i);
	return prs_strf("%.*s", (int)(n > 1 ? n - 1 : 1), prs_list_file_path(l, i));
}

size_t prs_list_file_run(const struct prs_list_file *l, size_t i, size_t bytes)
{
	size_t n = folder_bytes(l, i), count = 1;
	const char *folder = prs_list_file_path(l, i);
	for (size_t k = i + 1; k < l->n && l->at[k] - l->at[i] < bytes; k++, count++)
		if (folder_bytes(l, k) != n || strncmp(prs_list_file_path(l, k), folder, n) != 0)
			break;
	return count;
}

int prs_list_file_check(const struct prs_fs *fs, const char *path, const char *base, struct prs_err *err)
{
	struct prs_list_file l = { 0 };
	int r = prs_list_file_read(&l, fs, path, base, err);
	if (!r && !l.n)
		r = prs_fail(err, PRS_ENO_INPUT, "%s names no file", path);
	for (size_t i = 0; i < l.n && !r; i++) {
		struct prs_fs_stat st;
		int e = fs->stat(fs->ctx, prs_list_file_path(&l, i), &st);
		if (e < 0 || !S_ISREG(st.mode))
			r = prs_fail(err, PRS_ENOTFOUND,
			             e < 0 ? "%s names a file that is not there: %s"
			                   : "%s: expected a file, found a folder or device: %s",
			             path, prs_list_file_path(&l, i));
	}
	prs_list_file_done(&l);
	return r;
}
