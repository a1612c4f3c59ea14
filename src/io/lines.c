/* SPDX-License-Identifier: Apache-2.0
 * lines: bytes are gathered until there is a line feed.
 */
#include "io/lines.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

struct prs_lines {
	int fd;
	struct prs_watch *watch;
	prs_lines_fn *fn;
	void *ctx;
	struct prs_buf in;
	bool skips; /* a line that was too long, until its end */
};

static void hand_over(struct prs_lines *p)
{
	size_t from = 0;
	for (char *feed; (feed = memchr(p->in.data + from, '\n', p->in.len - from)) != NULL;) {
		char *line = (char *)p->in.data + from;
		*feed = 0;
		if (!p->skips)
			p->fn(p->ctx, line, (size_t)(feed - line));
		p->skips = false;
		from += (size_t)(feed - line) + 1;
	}
	prs_buf_consume(&p->in, from);
	if (p->in.len < PRS_LINE_BYTES_MAX)
		return;
	p->skips = true;
	prs_buf_clear(&p->in);
}

/* False: there is nothing more now. */
static bool read_some(struct prs_lines *p)
{
	uint8_t *to = prs_buf_reserve(&p->in, CHUNK);
	if (!to) {
		prs_buf_clear(&p->in);
		p->skips = true;
		return true;
	}
	ssize_t n = read(p->fd, to, CHUNK);
	if (n == 0) /* nobody will say anything any more */
		prs_watch_set(p->watch, 0);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	p->in.len += (size_t)n;
	hand_over(p);
	return true;
}

void prs_lines_look(struct prs_lines *p)
{
	while (read_some(p))
		;
}

static void lines_readable(void *ctx, int events)
{
	(void)events;
	prs_lines_look(ctx);
}

struct prs_lines *prs_lines_new(struct prs_loop *l, int *ret_peer, prs_lines_fn *fn, void *ctx, struct prs_err *err)
{
	int fds[2];
	struct prs_lines *p = prs_calloc(1, sizeof *p);
	if (!p || pipe2(fds, O_CLOEXEC) < 0) {
		int e = p ? errno : ENOMEM;
		prs_freep(&p);
		prs_fail_errno(err, e, "a pipe to a child");
		return NULL;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*p = (struct prs_lines){ .fd = fds[0], .fn = fn, .ctx = ctx };
	prs_buf_init(&p->in, PRS_LINE_BYTES_MAX + CHUNK);
	p->watch = prs_watch_new(l, fds[0], PRS_READABLE, lines_readable, p, err);
	if (p->watch) {
		*ret_peer = fds[1];
		return p;
	}
	close(fds[1]);
	close(fds[0]);
	prs_freep(&p);
	return NULL;
}

void prs_lines_free(struct prs_lines *p)
{
	if (!p)
		return;
	prs_lines_look(p);
	prs_watch_free(p->watch);
	close(p->fd);
	prs_buf_done(&p->in);
	prs_freep(&p);
}
