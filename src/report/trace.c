/* SPDX-License-Identifier: Apache-2.0
 * trace: a traceback line by line.
 *
 * A frame is a line `  File "PATH", line N, in NAME` and what is indented deeper below it (the source, marks under it),
 * or says how often it was repeated. What does not look like that (a syntax error, an exception group, other words)
 * stays as it is.
 */
#include "report/trace.h"

#include "base/many.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

struct line {
	const char *text;
	size_t n; /* without its line feed */
};

static bool begins(struct line l, const char *with)
{
	size_t n = strlen(with);
	return l.n >= n && !memcmp(l.text, with, n);
}

/* The path of a frame's first line; n = 0: it is none. */
static struct line path_of(struct line l)
{
	static const char file[] = "  File \"", behind[] = "\", line ";
	if (!begins(l, file))
		return (struct line){ NULL, 0 };
	const char *path = l.text + strlen(file), *end = l.text + l.n;
	const char *quote = memmem(path, (size_t)(end - path), behind, strlen(behind));
	bool frame = quote && memmem(quote, (size_t)(end - quote), ", in ", 5);
	return (struct line){ path, frame ? (size_t)(quote - path) : 0 };
}

static bool belongs_to_frame(struct line l) { return begins(l, "    ") || begins(l, "  [Previous line repeated "); }

/* Code that was made while the script ran ("<string>") is the script's. */
static bool is_own(struct line path, const char *code)
{
	size_t n = strlen(code);
	if (path.text[0] == '<')
		return !begins(path, "<frozen ");
	return begins(path, code) && path.n > n && path.text[n] == '/' &&
	       !memmem(path.text + n, path.n - n, "/site-packages/", strlen("/site-packages/"));
}

static bool next_line(const char **at, const char *end, struct line *ret)
{
	if (*at >= end)
		return false;
	const char *feed = memchr(*at, '\n', (size_t)(end - *at));
	*ret = (struct line){ *at, (size_t)((feed ? feed : end) - *at) };
	*at = feed ? feed + 1 : end;
	return true;
}

static bool has_own(const char *text, size_t n, const char *code)
{
	struct line l;
	for (const char *at = text; next_line(&at, text + n, &l);)
		if (path_of(l).n && is_own(path_of(l), code))
			return true;
	return false;
}

/* The last two names of a path: "json/decoder.py". */
static struct line tail_of(struct line path)
{
	unsigned names = 0;
	for (size_t i = path.n; i > 0; i--)
		if (path.text[i - 1] == '/' && ++names == 2)
			return (struct line){ path.text + i, path.n - i };
	return path;
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

struct fold {
	unsigned frames; /* that were left out since the last line that was put */
	struct line last;
};

static void put_folded(struct prs_buf *to, struct fold *f)
{
	if (!f->frames)
		return;
	struct line path = path_of(f->last), tail = tail_of(path);
	const char *behind = path.text + path.n + 1; /* , line 355, in raw_decode */
	prs_buf_puts(to, "  ... ");
	prs_put_many(to, f->frames, "library frame");
	prs_buf_puts(to, f->frames > 1 ? ", the last: " : ": ");
	prs_buf_put(to, tail.text, tail.n);
	prs_buf_put(to, behind, (size_t)(f->last.text + f->last.n - behind));
	prs_buf_putc(to, '\n');
	f->frames = 0;
}

static void put_line(struct prs_buf *to, struct line l, const char *end)
{
	prs_buf_put(to, l.text, l.n);
	if (l.text + l.n < end)
		prs_buf_putc(to, '\n');
}

static void put_folding(struct prs_buf *to, const char *text, size_t n, const char *code)
{
	struct fold f = { 0 };
	struct line l;
	bool inside = false; /* a frame that is left out */
	for (const char *at = text, *end = text + n; next_line(&at, end, &l);) {
		bool frame = path_of(l).n > 0;
		inside = frame ? !is_own(path_of(l), code) : inside && belongs_to_frame(l);
		if (inside && frame) {
			f.frames++;
			f.last = l;
		}
		if (inside)
			continue;
		put_folded(to, &f);
		put_line(to, l, end);
	}
	put_folded(to, &f);
}

/* ---- names of files ---------------------------------------------------------------------------------------------- */

static void put_replacing(struct prs_buf *to, const char *text, size_t n, const char *from, const char *into)
{
	size_t len = strlen(from);
	const char *end = text + n;
	for (const char *at = text, *found; at < end; at = found + len) {
		found = memmem(at, (size_t)(end - at), from, len);
		prs_buf_put(to, at, (size_t)((found ? found : end) - at));
		if (!found)
			return;
		prs_buf_puts(to, into);
	}
}

/* "while at /here/in/a, item 1 of 5, or /here/in/b, item 2 of 5" (prs_loader/which.py) */
static void put_items(struct prs_buf *to, struct line l, const char *here)
{
	static const char first[] = "while at ", others[] = ", or ";
	size_t len = strlen(here);
	const char *at = l.text, *end = l.text + l.n;
	for (const char *begin = first; at < end; begin = others) {
		const char *found = memmem(at, (size_t)(end - at), begin, strlen(begin));
		const char *path = found ? found + strlen(begin) : end;
		prs_buf_put(to, at, (size_t)(path - at));
		at = path;
		if ((size_t)(end - at) > len && !memcmp(at, here, len) && at[len] == '/')
			at += len + 1;
	}
}

static void put_shortening(struct prs_buf *to, const char *text, size_t n, const char *here)
{
	struct line l;
	for (const char *at = text, *end = text + n; next_line(&at, end, &l);) {
		if (here && begins(l, "while at "))
			put_items(to, l, here);
		else
			prs_buf_put(to, l.text, l.n);
		if (l.text + l.n < end)
			prs_buf_putc(to, '\n');
	}
}

void prs_put_trace(struct prs_buf *to, const char *text, size_t n, const struct prs_trace_folders *f)
{
	PRS_AUTOBUF folded, named;
	prs_buf_init(&folded, to->max);
	prs_buf_init(&named, to->max);
	if (f->code && has_own(text, n, f->code))
		put_folding(&folded, text, n, f->code);
	else
		prs_buf_put(&folded, text, n);
	const char *shown = prs_buf_str(&folded);
	if (f->code && f->original) {
		put_replacing(&named, shown, folded.len, f->code, f->original);
		put_shortening(to, prs_buf_str(&named), named.len, f->here);
	} else {
		put_shortening(to, shown, folded.len, f->here);
	}
	if (!to->failed)
		to->failed = folded.failed ? folded.failed : named.failed;
}

/* ---- the user's own files ---------------------------------------------------------------------------------------- */

static bool is_there(const struct prs_fs *fs, const char *folder, struct line name)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s%.*s", folder, (int)name.n, name.text);
	return path && fs->stat(fs->ctx, path, &st) == 0;
}

void prs_put_own_files(struct prs_buf *to, const char *text, size_t n, const char *code, const char *original,
                       const struct prs_fs *fs)
{
	static const char file[] = "File \"";
	size_t file_n = strlen(file), code_n = strlen(code);
	const char *end = text + n;
	for (const char *at = text, *path; at < end; at = path) {
		const char *found = memmem(at, (size_t)(end - at), file, file_n);
		path = found ? found + file_n : end;
		prs_buf_put(to, at, (size_t)(path - at));
		if ((size_t)(end - path) <= code_n || memcmp(path, code, code_n) != 0 || path[code_n] != '/')
			continue;
		const char *quote = memchr(path, '"', (size_t)(end - path));
		struct line name = { path + code_n, quote ? (size_t)(quote - path) - code_n : 0 };
		if (!quote || !is_there(fs, original, name))
			continue;
		prs_buf_puts(to, original);
		path += code_n;
	}
}
