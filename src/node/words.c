/* SPDX-License-Identifier: Apache-2.0
 * words: the last words of a process that ends without a report. Python's faulthandler writes where it stood to the
 * process's stderr file, when it crashes and when it is told to stop (SIGTERM). That becomes a traceback of the usual
 * order in the process's error file; a process that says nothing there has at least its last lines of stderr.
 */
#include "node/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 16 << 10, FRAMES_MAX = 64, TAIL_LINES_BYTES = 2000, TITLE_BYTES = 2600 };

static int open_stderr(struct worker *w, struct prs_fs_stat *ret)
{
	const struct prs_fs *fs = w->node->c.fs;
	char path[PATH_MAX];
	worker_log(w, PRS_NAME_STDERR, path);
	int fd = fs->open(fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd >= 0 && fs->fstat(fs->ctx, fd, ret) < 0) {
		fs->close(fs->ctx, fd);
		fd = -EIO;
	}
	return fd;
}

static uint64_t stderr_bytes(struct worker *w)
{
	struct prs_fs_stat st;
	int fd = open_stderr(w, &st);
	if (fd < 0)
		return 0;
	w->node->c.fs->close(w->node->c.fs->ctx, fd);
	return st.size;
}

void words_said(struct worker *w) { w->said_from = stderr_bytes(w); }

void words_started(struct worker *w)
{
	words_said(w);
	w->stopped = false;
}

void words_stop(struct worker *w)
{
	if (w->stopped)
		return;
	w->stopped = true;
	w->stopped_at = stderr_bytes(w);
}

/* A tracker that outlives the process says in the same file what it removed: no words of the process. */
static void drop_lines_of_trackers(char *text)
{
	for (char *line = text, *next; *line; line = next) {
		size_t n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		if (!memmem(line, n, "resource_tracker", strlen("resource_tracker")))
			continue;
		memmove(line, next, strlen(next) + 1);
		next = line;
	}
}

/* What is shown of it in one line is its first one. */
static void drop_empty_lines(char *text)
{
	size_t blank = strspn(text, " \t\r\n\v\f"), line = 0;
	for (size_t i = 0; i < blank; i++)
		line = text[i] == '\n' ? i + 1 : line;
	memmove(text, text + line, strlen(text + line) + 1);
}

/* The last lines of its stderr file, not before the offset `from`. */
static void tail_of(struct worker *w, uint64_t from, char *to, size_t bytes)
{
	const struct prs_fs *fs = w->node->c.fs;
	struct prs_fs_stat st;
	int fd = open_stderr(w, &st);
	to[0] = 0;
	if (fd < 0)
		return;
	bool cut = st.size > from + bytes - 1;
	if (cut)
		from = st.size - (bytes - 1);
	ssize_t n = st.size > from ? fs->pread(fs->ctx, fd, to, bytes - 1, from) : 0;
	fs->close(fs->ctx, fd);
	to[n > 0 ? n : 0] = 0;
	char *line = cut ? strchr(to, '\n') : NULL; /* whole lines only */
	if (line)
		memmove(to, line + 1, strlen(line));
	drop_lines_of_trackers(to);
}

/* ---- what faulthandler writes ------------------------------------------------------------------------------------ */

static char *last_of(char *text, const char *what)
{
	char *found = NULL;
	for (char *p = strstr(text, what); p; p = strstr(p + 1, what))
		found = p;
	return found;
}

static bool is_ours(const char *line, size_t n)
{
	static const char *const names[] = { "/prs_loader/", "/prs_worker.py\"", "\"<frozen " };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (memmem(line, n, names[i], strlen(names[i])))
			return true;
	return false;
}

/* `  File "a.py", line 3 in f` with the comma that a traceback has. */
static void put_frame(struct prs_buf *b, const char *line, size_t n)
{
	const char *in = NULL;
	for (const char *p = line; (p = memmem(p, n - (size_t)(p - line), " in ", 4)); p += 4)
		in = p;
	size_t head = in ? (size_t)(in - line) : n;
	prs_buf_put(b, line, head);
	if (in)
		prs_buf_puts(b, ",");
	prs_buf_put(b, line + head, n - head);
	prs_buf_puts(b, "\n");
}

/* The frames of the thread that got the signal, the innermost last. False: there are none. */
static bool put_frames(struct prs_buf *b, char *text)
{
	struct {
		const char *line;
		size_t n;
	} frames[FRAMES_MAX];
	size_t count = 0;
	char *at = last_of(text, "Current thread 0x");
	for (at = at ? strchr(at, '\n') : NULL; at && !strncmp(at, "\n  ", 3) && count < FRAMES_MAX;
	     at = strchr(at + 1, '\n')) {
		size_t n = strcspn(at + 1, "\n");
		if (!is_ours(at + 1, n)) {
			frames[count].line = at + 1;
			frames[count++].n = n;
		}
	}
	if (!count)
		return false;
	prs_buf_puts(b, "Traceback (most recent call last):\n");
	while (count--)
		put_frame(b, frames[count].line, frames[count].n);
	return true;
}

/* What faulthandler adds to the words of the process itself: the stack has its place in the error file. Its first line
 * stays when it says more than `signal`, as of a stack that cannot be unwound. */
static void drop_stack(char *text, const char *signal)
{
	static const char begin[] = "Fatal Python error: ";
	char *fatal = last_of(text, begin);
	if (!fatal || (fatal != text && fatal[-1] != '\n'))
		return;
	size_t line = strcspn(fatal, "\n"), name = strlen(signal), head = sizeof begin - 1;
	bool known = line == head + name && !memcmp(fatal + head, signal, name);
	fatal[known ? 0 : line] = 0;
}

void words_own(struct worker *w, const char *signal, char *to, size_t bytes)
{
	char text[READ_BYTES];
	tail_of(w, w->said_from, text, sizeof text);
	drop_stack(text, signal);
	size_t n = strlen(text), skip = n > bytes - 1 ? n - (bytes - 1) : 0;
	const char *line = skip ? strchr(text + skip - 1, '\n') : NULL; /* whole lines only */
	snprintf(to, bytes, "%s", line ? line + 1 : text + skip);
	drop_empty_lines(to);
}

/* ---- the error file ---------------------------------------------------------------------------------------------- */

static bool append(struct worker *w, const struct prs_buf *b, uint64_t *ret_offset, uint32_t *ret_bytes)
{
	const struct prs_fs *fs = w->node->c.fs;
	char path[PATH_MAX];
	struct prs_fs_stat st;
	worker_log(w, PRS_NAME_TRACES, path);
	int fd = fs->open(fs->ctx, path, O_WRONLY | O_CREAT | PRS_O_OWN, 0644);
	if (fd < 0)
		return false;
	bool done = fs->fstat(fs->ctx, fd, &st) == 0 &&
	            fs->pwrite(fs->ctx, fd, b->data, b->len, st.size) == (ssize_t)b->len;
	fs->close(fs->ctx, fd);
	if (done) {
		*ret_offset = st.size;
		*ret_bytes = (uint32_t)b->len;
	}
	return done;
}

bool words_keep(struct worker *w, const char *title, const char *message, uint64_t *ret_offset, uint32_t *ret_bytes)
{
	char text[READ_BYTES];
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4 * READ_BYTES);
	prs_buf_putf(&b, "%.200s: %.*s\n", title, TITLE_BYTES, message);
	tail_of(w, w->stopped ? w->stopped_at : w->said_from, text, sizeof text);
	drop_empty_lines(text);
	size_t n = strlen(text);
	char *fatal = last_of(text, "Fatal Python error: ");
	bool any = put_frames(&b, fatal ? fatal : text);
	if (fatal)
		prs_buf_putf(&b, "%.*s\n", (int)strcspn(fatal, "\n"), fatal);
	else if (!any && !w->stopped && n)
		prs_buf_puts(&b, n > TAIL_LINES_BYTES ? text + n - TAIL_LINES_BYTES : text);
	if (b.failed || (w->stopped && !any))
		return false;
	prs_buf_puts(&b, "\n");
	return append(w, &b, ret_offset, ret_bytes);
}
