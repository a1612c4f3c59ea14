/* SPDX-License-Identifier: Apache-2.0
 * ctl: a listening socket and at most CLIENTS clients. A client's next line waits until its answer is gone; when all
 * places are taken, the one that has been here longest goes.
 */
#include "io/ctl.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 16, LINE_MAX_BYTES = 4096, REPLY_MAX_BYTES = 16 << 20, WAIT_S = 20 };

struct client {
	struct prs_ctl *ctl;
	int fd; /* -1 = free */
	struct prs_watch *watch;
	struct prs_buf in, out;
	size_t sent;
	uint64_t number; /* the lowest came first */
};

struct prs_ctl {
	struct prs_loop *loop;
	prs_ctl_fn *fn;
	void *ctx;
	int folder_fd, fd;
	struct prs_watch *watch;
	struct stat made; /* our socket */
	uint64_t counter;
	struct client clients[CLIENTS];
};

static void address(int folder_fd, struct sockaddr_un *to)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/ctl", folder_fd);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static void drop(struct client *c)
{
	if (c->fd < 0)
		return;
	prs_watch_free(c->watch);
	close(c->fd);
	c->fd = -1;
	prs_buf_done(&c->in);
	prs_buf_done(&c->out);
}

/* What there is to answer; false when the client has to go. */
static bool answer(struct client *c)
{
	uint8_t *end;
	while (c->in.len && (end = memchr(c->in.data, '\n', c->in.len))) {
		*end = 0;
		c->ctl->fn(c->ctl->ctx, (const char *)c->in.data, &c->out);
		prs_buf_putc(&c->out, '\n');
		prs_buf_consume(&c->in, (size_t)(end - c->in.data) + 1);
	}
	return !c->out.failed && c->in.len < LINE_MAX_BYTES;
}

static bool send_out(struct client *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		c->sent += (size_t)n;
	}
	prs_buf_clear(&c->out);
	c->sent = 0;
	return true;
}

static bool read_in(struct client *c)
{
	uint8_t bytes[LINE_MAX_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && prs_buf_put(&c->in, bytes, (size_t)n) == 0;
}

static void ctl_client_ready(void *ctx, int events)
{
	struct client *c = ctx;
	bool fine = true;
	if (events & PRS_READABLE)
		fine = read_in(c) && answer(c);
	fine = fine && send_out(c);
	if (!fine) {
		drop(c);
		return;
	}
	/* the next line waits until the answer is gone */
	prs_watch_set(c->watch, c->out.len ? PRS_WRITABLE : PRS_READABLE);
}

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

/* A free place; the one that has been here longest goes. */
static struct client *place(struct prs_ctl *ctl)
{
	struct client *oldest = &ctl->clients[0];
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->clients[i];
		if (c->fd < 0)
			return c;
		if (c->number < oldest->number)
			oldest = c;
	}
	drop(oldest);
	return oldest;
}

static void ctl_connected(void *ctx, int events)
{
	(void)events;
	struct prs_ctl *ctl = ctx;
	struct prs_err err;
	int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!is_allowed(fd)) {
		close(fd);
		return;
	}
	struct client *c = place(ctl);
	*c = (struct client){ .ctl = ctl, .fd = -1, .number = ++ctl->counter };
	c->watch = prs_watch_new(ctl->loop, fd, PRS_READABLE, ctl_client_ready, c, &err);
	if (!c->watch) {
		close(fd);
		return;
	}
	c->fd = fd;
	prs_buf_init(&c->in, 2 * LINE_MAX_BYTES);
	prs_buf_init(&c->out, REPLY_MAX_BYTES);
}

/* ---- the socket -------------------------------------------------------------------------------------------------- */

static int open_socket(struct prs_ctl *c, const char *folder, struct prs_err *err)
{
	struct sockaddr_un to;
	c->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->folder_fd < 0)
		return prs_fail_errno(err, errno, "opening %s", folder);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address(c->folder_fd, &to);
	unlinkat(c->folder_fd, "ctl", 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
	    fchmodat(c->folder_fd, "ctl", 0600, 0) < 0 || listen(c->fd, CLIENTS) < 0 ||
	    fstatat(c->folder_fd, "ctl", &c->made, AT_SYMLINK_NOFOLLOW) < 0)
		return prs_fail_errno(err, errno, "making the socket %s/ctl", folder);
	return 0;
}

struct prs_ctl *prs_ctl_new(struct prs_loop *l, const char *folder, prs_ctl_fn *fn, void *ctx, struct prs_err *err)
{
	struct prs_ctl *c = prs_calloc(1, sizeof *c);
	if (!c) {
		prs_fail(err, PRS_ENOMEM, "the socket ctl");
		return NULL;
	}
	*c = (struct prs_ctl){ .loop = l, .fn = fn, .ctx = ctx, .folder_fd = -1, .fd = -1 };
	for (int i = 0; i < CLIENTS; i++)
		c->clients[i].fd = -1;
	int r = open_socket(c, folder, err);
	if (!r)
		c->watch = prs_watch_new(l, c->fd, PRS_READABLE, ctl_connected, c, err);
	if (r < 0 || !c->watch) {
		prs_ctl_free(c);
		return NULL;
	}
	return c;
}

static void remove_socket(const struct prs_ctl *c)
{
	struct stat now;
	bool ours = c->made.st_ino && fstatat(c->folder_fd, "ctl", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	            now.st_ino == c->made.st_ino && now.st_dev == c->made.st_dev;
	if (ours)
		unlinkat(c->folder_fd, "ctl", 0);
}

void prs_ctl_free(struct prs_ctl *c)
{
	if (!c)
		return;
	for (int i = 0; i < CLIENTS; i++)
		drop(&c->clients[i]);
	remove_socket(c);
	prs_watch_free(c->watch);
	if (c->fd >= 0)
		close(c->fd);
	if (c->folder_fd >= 0)
		close(c->folder_fd);
	prs_freep(&c);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* The socket itself (O_PATH), or -errno: what stands there may be a link to somebody else's. */
static int find_socket(const char *folder)
{
	struct stat st;
	int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0)
		return -errno;
	int fd = openat(folder_fd, "ctl", O_PATH | O_NOFOLLOW | O_CLOEXEC), e = errno;
	close(folder_fd);
	if (fd < 0)
		return -e;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return fd;
	close(fd);
	return -PRS_ERRNO_NOT_OWN;
}

/* A connection to it, or -errno. */
static int open_client(int socket_fd)
{
	const struct timeval limit = { .tv_sec = WAIT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d", socket_fd);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	int e = errno;
	close(fd);
	return -e;
}

static int connect_to(const char *folder, struct prs_err *err)
{
	int fd = -1, socket_fd = find_socket(folder), e = -socket_fd;
	if (socket_fd >= 0) {
		fd = open_client(socket_fd);
		e = -fd;
		close(socket_fd);
	}
	if (fd >= 0)
		return fd;
	if (e == ENOENT || e == ECONNREFUSED)
		return prs_fail(err, PRS_ENOTFOUND, "nobody listens at %s/ctl", folder);
	return prs_fail_errno(err, e, "asking the engine at %s/ctl", folder);
}

static int talk(int fd, const char *line, struct prs_buf *reply)
{
	char bytes[16384];
	struct prs_buf out;
	prs_buf_init(&out, LINE_MAX_BYTES);
	prs_buf_puts(&out, line);
	prs_buf_putc(&out, '\n');
	ssize_t n = out.failed ? -1 : send(fd, out.data, out.len, MSG_NOSIGNAL);
	bool sent = n == (ssize_t)out.len;
	prs_buf_done(&out);
	while (sent && (n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
		char *end = memchr(bytes, '\n', (size_t)n);
		if (prs_buf_put(reply, bytes, end ? (size_t)(end - bytes) : (size_t)n) < 0)
			return -ENOMEM;
		if (end)
			return 0;
	}
	return n < 0 ? -errno : -EPIPE;
}

int prs_ctl_ask(const char *folder, const char *line, struct prs_buf *reply, struct prs_err *err)
{
	int fd = connect_to(folder, err);
	if (fd < 0)
		return fd;
	int r = talk(fd, line, reply);
	close(fd);
	if (r == -EPIPE || r == -ECONNRESET)
		return prs_fail(err, PRS_ENOTFOUND, "the engine of %s ended before it answered", folder);
	if (r == -EAGAIN)
		return prs_fail(err, PRS_EBUSY, "the engine of %s did not answer within %d s", folder, WAIT_S);
	return r < 0 ? prs_fail_errno(err, -r, "asking the engine of %s", folder) : 0;
}
