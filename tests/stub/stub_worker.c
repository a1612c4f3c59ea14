/* SPDX-License-Identifier: Apache-2.0
 * stub_worker: a worker process in C that stands in for Python and the loader in test builds: PRS_STUB=.../stub_worker.
 * It starts in a millisecond, speaks wire/msg.h and returns a row "name: content" for each file.
 *
 * What a file is called says what happens: *.raw: the rows of its mini-batch go through a passed descriptor · *.short:
 * and it holds too few bytes · *.fail: the try fails · *.crash: the process dies · *.once.fail, *.once.crash: only if
 * there is no file mark-<name> in the submitting folder yet · *.slow: it waits for a file "go" there.
 * Of tables the words in a record say it (stub_table.h), and: CRASH · ONCE, which dies if there is no file mark-ONCE
 * yet · SLOW · RAW.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "stub_table.h"
#include "wire/facts.h"
#include "wire/msg.h"
#include "wire/page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 64 << 20, CLAIMS = 4096 };

struct task {
	struct prs_task t;
	uint32_t claim;
	char *paths; /* each closed by a NUL; of tables the body as it is */
	size_t paths_bytes;
};

static struct {
	int sock, event;
	volatile struct prs_page *page;
	struct prs_buf in;
	char *submit_dir, *run_folder;
	struct task tasks[CLAIMS]; /* a ring of what was sent and is not done */
	unsigned first, n;
	bool dropped[CLAIMS]; /* by claim */
	uint32_t drops;
	bool stopping;
	struct prs_buf part; /* a task in several frames */
} w;

static void leave(const char *why)
{
	fprintf(stderr, "stub: %s\n", why);
	_exit(1);
}

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void phase(enum prs_phase p)
{
	__atomic_store_n(&w.page->word, prs_page_word(p, clock_us(CLOCK_MONOTONIC)), __ATOMIC_RELEASE);
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static void send_all(const uint8_t *p, size_t n, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	while (n) {
		struct iovec v = { (void *)(uintptr_t)p, n };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		if (fd >= 0) {
			m.msg_control = control.bytes;
			m.msg_controllen = sizeof control.bytes;
			struct cmsghdr *h = CMSG_FIRSTHDR(&m);
			*h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd),
				               .cmsg_level = SOL_SOCKET,
				               .cmsg_type = SCM_RIGHTS };
			memcpy(CMSG_DATA(h), &fd, sizeof fd);
		}
		ssize_t sent = sendmsg(w.sock, &m, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			_exit(0); /* the node is gone */
		fd = -1;
		p += sent;
		n -= (size_t)sent;
	}
}

static void send_frame(uint16_t type, uint32_t claim, const struct prs_buf *payload, int fd)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, IN_MAX);
	struct prs_msg_header h = { (uint32_t)payload->len, type, fd >= 0 ? PRS_MSG_FD : 0, claim };
	prs_msg_put_header(&b, &h);
	prs_buf_put(&b, payload->data, payload->len);
	send_all(b.data, b.len, fd);
}

static void receive(void)
{
	uint8_t *to = prs_buf_reserve(&w.in, 1 << 18);
	ssize_t n = to ? recv(w.sock, to, 1 << 18, 0) : 0;
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		_exit(0);
	w.in.len += (size_t)n;
}

static void take_task(const struct prs_msg_header *h, const uint8_t *p)
{
	prs_buf_put(&w.part, p, h->len);
	if (h->flags & PRS_MSG_MORE)
		return;
	const uint8_t *raw = w.part.data;
	struct task *k = &w.tasks[(w.first + w.n++) % CLAIMS];
	*k = (struct task){ .claim = h->claim };
	k->t.id = prs_get64(raw);
	k->t.lease = prs_get64(raw + 8);
	k->t.item_first = prs_get32(raw + 16);
	k->t.item_count = prs_get32(raw + 20);
	k->t.items = prs_get32(raw + 24);
	k->t.try_number = prs_get16(raw + 28);
	k->t.kind = prs_get16(raw + 30);
	k->t.keys_bytes = prs_get32(raw + 36);
	k->paths_bytes = w.part.len - PRS_TASK_BYTES - k->t.keys_bytes;
	k->paths = malloc(k->paths_bytes + 1);
	memcpy(k->paths, raw + PRS_TASK_BYTES + k->t.keys_bytes, k->paths_bytes);
	prs_buf_clear(&w.part);
}

static void take_setup(const uint8_t *p, size_t n)
{
	const char *at = (const char *)p, *end = at + n;
	while (at < end) {
		const char *value = at + strlen(at) + 1;
		if (!strcmp(at, "submit_dir"))
			w.submit_dir = strdup(value);
		if (!strcmp(at, "run_folder"))
			w.run_folder = strdup(value);
		at = value + strlen(value) + 1;
	}
}

static void handle(const struct prs_msg_header *h, const uint8_t *p)
{
	if (h->type == PRS_MSG_TASK)
		take_task(h, p);
	else if (h->type == PRS_MSG_SETUP)
		take_setup(p, h->len);
	else if (h->type == PRS_MSG_STOP)
		w.stopping = true;
	else if (h->type == PRS_MSG_DROP) {
		for (uint32_t i = 0; i < prs_get32(p + 4); i++)
			w.dropped[(prs_get32(p) + i) % CLAIMS] = true;
		w.drops++;
	}
}

static void take_frames(void)
{
	struct prs_msg_header h;
	while (w.in.len >= PRS_MSG_HEADER_BYTES) {
		if (prs_msg_get_header(w.in.data, &h, NULL) < 0)
			leave("not a frame");
		if (w.in.len < PRS_MSG_HEADER_BYTES + h.len)
			return;
		handle(&h, w.in.data + PRS_MSG_HEADER_BYTES);
		prs_buf_consume(&w.in, PRS_MSG_HEADER_BYTES + h.len);
	}
}

/* ---- claiming ---------------------------------------------------------------------------------------------------- */

/* A token was taken: every announced DROP is read first; the oldest unit that is left is ours. */
static struct task claimed(void)
{
	take_frames();
	while (w.drops != __atomic_load_n(&w.page->recalls, __ATOMIC_ACQUIRE)) {
		receive();
		take_frames();
	}
	for (;;) {
		while (w.n) {
			struct task k = w.tasks[w.first++ % CLAIMS];
			w.n--;
			if (!w.dropped[k.claim % CLAIMS])
				return k;
			w.dropped[k.claim % CLAIMS] = false;
			free(k.paths);
		}
		receive();
		take_frames();
	}
}

static bool next_task(struct task *ret)
{
	for (;;) {
		uint64_t one;
		if (read(w.event, &one, sizeof one) == sizeof one) {
			*ret = claimed();
			return true;
		}
		if (w.stopping)
			return false;
		struct pollfd p[] = { { .fd = w.sock, .events = POLLIN }, { .fd = w.event, .events = POLLIN } };
		if (poll(p, 2, -1) > 0 && p[0].revents) {
			receive();
			take_frames();
		}
	}
}

/* ---- a mini-batch ------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && !strcmp(s + n - m, end);
}

/* There is no file mark-<name> yet. */
static bool is_first(const char *name)
{
	char mark[PATH_MAX];
	snprintf(mark, sizeof mark, "%s/mark-%s", w.submit_dir, name);
	int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool happens(const char *path, const char *what)
{
	char once[64];
	if (!ends_with(path, what))
		return false;
	snprintf(once, sizeof once, ".once%s", what);
	return !ends_with(path, once) || is_first(strrchr(path, '/') + 1);
}

static void wait_for_go(void)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/go", w.submit_dir);
	while (access(path, F_OK) != 0)
		usleep(1000);
}

static void put_row(struct prs_buf *rows, const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
	if (fd >= 0)
		close(fd);
	prs_buf_puts(rows, strrchr(path, '/') + 1);
	prs_buf_puts(rows, ": ");
	prs_buf_put(rows, text, n > 0 ? (size_t)n : 0);
	prs_buf_putc(rows, '\n');
}

static void send_fail(const struct task *k, uint64_t start_us, uint16_t code, const char *message, uint32_t bad_item)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_buf_u64(&b, k->t.id);
	prs_buf_u64(&b, k->t.lease);
	prs_buf_u16(&b, k->t.try_number);
	prs_buf_zero(&b, 14);
	prs_buf_u32(&b, k->t.item_first);
	prs_buf_u32(&b, k->t.item_count);
	prs_buf_u64(&b, start_us);
	prs_buf_zero(&b, 24 + 4);
	prs_buf_u16(&b, code);
	prs_buf_u16(&b, PRS_FAULT_SCRIPT | 1 << 8);
	prs_buf_zero(&b, 12);
	prs_buf_u16(&b, (uint16_t)strlen(message));
	prs_buf_puts(&b, message);
	prs_buf_zero(&b, 16 + 2); /* no full disk, no kind */
	prs_buf_u32(&b, bad_item);
	send_frame(PRS_MSG_FAIL, k->claim, &b, -1);
}

/* removed: items that were left out before run(). */
static void send_result(const struct task *k, const struct prs_buf *rows, uint32_t count, uint32_t removed, bool raw,
                        bool too_few, uint64_t start_us)
{
	uint8_t head[PRS_DONE_BYTES];
	PRS_AUTOBUF b;
	prs_buf_init(&b, IN_MAX);
	struct prs_done d = { .unit = { k->t.id, k->t.item_first, k->t.item_count },
		              .lease = k->t.lease,
		              .try_number = k->t.try_number,
		              .status = count + removed < k->t.items ? PRS_DONE_SHORT : PRS_DONE_OK,
		              .length = rows->len,
		              .succeeded = count + removed,
		              .rows = count,
		              .start_us = start_us,
		              .run_us = removed < k->t.items,
		              .elapsed_us = 2,
		              .cpu_us = 1 };
	d.status = count ? d.status : PRS_DONE_EMPTY;
	d.length += too_few;
	prs_done_encode(&d, head);
	prs_buf_put(&b, head, sizeof head);
	int fd = -1;
	if (raw) {
		fd = memfd_create("rows", MFD_CLOEXEC);
		if (fd < 0 || write(fd, rows->data, rows->len) != (ssize_t)rows->len)
			leave("no memfd");
	} else {
		prs_buf_put(&b, rows->data, rows->len);
	}
	send_frame(PRS_MSG_RESULT, k->claim, &b, fd);
	if (fd >= 0)
		close(fd);
}

static void begin(const struct task *k, uint64_t start_us)
{
	w.page->id = k->t.id;
	w.page->lease = k->t.lease;
	w.page->item_first = k->t.item_first;
	w.page->item_count = k->t.item_count;
	w.page->claim = k->claim;
	w.page->start_us = start_us;
	phase(PRS_PHASE_LOAD);
}

static const char told[] = "the stub was told to fail";
static bool any_raw; /* of the records of this mini-batch */

static void meet(const char *record)
{
	if (strstr(record, "CRASH") || (strstr(record, "ONCE") && is_first("ONCE")))
		abort();
	if (strstr(record, "SLOW"))
		wait_for_go();
	any_raw = any_raw || strstr(record, "RAW");
}

static void run_table(const struct task *k, uint64_t start_us)
{
	PRS_AUTOBUF rows;
	prs_buf_init(&rows, IN_MAX);
	struct stub_table s = { .run_folder = w.run_folder, .meet = meet, .rows = &rows };
	any_raw = false;
	stub_table_run(&s, &k->t, (const uint8_t *)k->paths, k->paths_bytes);
	phase(PRS_PHASE_WRITE);
	if (s.code)
		send_fail(k, start_us, s.code, s.message, s.bad_item);
	else if (s.fail)
		send_fail(k, start_us, PRS_ERUN_EXCEPTION, told, 0);
	else
		send_result(k, &rows, s.returned, s.removed, any_raw, false, start_us);
}

static void run_files(const struct task *k, uint64_t start_us)
{
	PRS_AUTOBUF rows;
	prs_buf_init(&rows, IN_MAX);
	bool raw = false, too_few = false, fail = false;
	uint32_t count = 0;
	for (const char *p = k->paths; p < k->paths + k->paths_bytes; p += strlen(p) + 1, count++) {
		if (happens(p, ".crash"))
			abort();
		if (ends_with(p, ".slow"))
			wait_for_go();
		fail = fail || happens(p, ".fail");
		too_few = too_few || ends_with(p, ".short");
		raw = raw || too_few || ends_with(p, ".raw");
		put_row(&rows, p);
	}
	phase(PRS_PHASE_WRITE);
	if (fail)
		send_fail(k, start_us, PRS_ERUN_EXCEPTION, told, 0);
	else
		send_result(k, &rows, count, 0, raw, too_few, start_us);
}

static void run(const struct task *k)
{
	uint64_t start_us = clock_us(CLOCK_REALTIME);
	begin(k, start_us);
	phase(PRS_PHASE_RUN);
	if (k->t.kind == PRS_TASK_SLICES)
		run_table(k, start_us);
	else
		run_files(k, start_us);
	w.page->results++;
	phase(PRS_PHASE_IDLE);
}

/* ---- the life of the process ------------------------------------------------------------------------------------- */

static void say_hello(void)
{
	static const char version[] = "stub";
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_buf_u32(&b, (uint32_t)getpid());
	prs_buf_u32(&b, 0);
	prs_buf_u32(&b, PRS_MSG_PROTOCOL);
	prs_buf_u32(&b, 0);
	prs_buf_u16(&b, sizeof version - 1);
	prs_buf_puts(&b, version);
	prs_buf_u16(&b, sizeof version - 1);
	prs_buf_puts(&b, version);
	send_frame(PRS_MSG_HELLO, 0, &b, -1);
}

static void say_zeros(uint16_t type, size_t n)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_buf_zero(&b, n);
	send_frame(type, 0, &b, -1);
}

int main(void)
{
	const char *fds = getenv("PRS_WORKER_FDS");
	int page;
	if (!fds || sscanf(fds, "%d,%d,%d", &w.sock, &w.event, &page) != 3)
		leave("no PRS_WORKER_FDS");
	w.page = mmap(NULL, PRS_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	if (w.page == MAP_FAILED)
		leave("no page");
	prs_buf_init(&w.in, IN_MAX);
	prs_buf_init(&w.part, IN_MAX);
	w.page->pid = (uint32_t)getpid();
	phase(PRS_PHASE_START);
	say_hello();
	while (!w.submit_dir) {
		receive();
		take_frames();
	}
	phase(PRS_PHASE_INIT);
	phase(PRS_PHASE_IDLE);
	say_zeros(PRS_MSG_READY, 16);
	struct task k;
	while (next_task(&k)) {
		run(&k);
		free(k.paths);
	}
	phase(PRS_PHASE_SHUTDOWN);
	say_zeros(PRS_MSG_BYE, 18);
	_exit(0);
}
