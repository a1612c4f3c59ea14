/* SPDX-License-Identifier: Apache-2.0
 * worker: one worker process as the node has it: a socket for frames, a counter of tokens, a shared page, a pidfd.
 *
 * A task is sent as a frame and then a token: who takes a token finds its task. The death of the process is told by
 * the pidfd alone (a child may keep the socket open); its socket is emptied first, so that what it finished counts.
 */
#include "node/impl.h"

#include "base/mem.h"
#include "base/path.h"
#include "io/process.h"
#include "io/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t now(void) { return prs_clock_us(); }

void worker_log(const struct worker *w, const char *pattern, char to[PATH_MAX])
{
	char process[PRS_PROCESS_NAME_BYTES];
	prs_process_name(process, w->slot);
	prs_log_path(to, PATH_MAX, w->node->c.logs, pattern, w->node->c.ip, process);
}

/* A new file each time, put in place of what stands there: that may be another engine's, or a link to anything. Its
 * bytes are written, so that a full disk is told here and not by SIGBUS at the first touch. */
static int make_page(struct worker *w, const char *path)
{
	static const uint8_t zeros[PRS_PAGE_BYTES];
	const struct prs_fs *fs = w->node->c.fs;
	PRS_AUTOFREE char *tmp = prs_strf("%s.tmp", path);
	if (!tmp)
		return -ENOMEM;
	w->page_fd = fs->open(fs->ctx, tmp, O_RDWR | O_CREAT | O_TRUNC | PRS_O_OWN, 0644);
	if (w->page_fd < 0)
		return w->page_fd;
	ssize_t n = fs->pwrite(fs->ctx, w->page_fd, zeros, sizeof zeros, 0);
	if (n != sizeof zeros)
		return n < 0 ? (int)n : -ENOSPC;
	int r = fs->rename(fs->ctx, tmp, path);
	if (r < 0)
		return r;
	w->page = fs->mmap(fs->ctx, w->page_fd, PRS_PAGE_BYTES, true);
	return w->page ? 0 : -errno;
}

void worker_clear(struct worker *w, struct prs_node *n, uint16_t slot)
{
	*w = (struct worker){ .node = n,
		              .slot = slot,
		              .pidfd = -1,
		              .event_fd = -1,
		              .page_fd = -1,
		              .conn = { .fd = -1 } };
}

int worker_init(struct worker *w, struct prs_err *err)
{
	char path[PATH_MAX];
	prs_page_path(path, sizeof path, w->node->c.scratch, w->node->c.number, w->slot);
	int r = make_page(w, path);
	return r < 0 ? prs_fail_errno(err, -r, "creating %s", path) : 0;
}

static void close_process(struct worker *w)
{
	prs_watch_free(w->watch_conn);
	prs_watch_free(w->watch_pid);
	w->watch_conn = w->watch_pid = NULL;
	prs_conn_done(&w->conn);
	prs_fd_close(&w->pidfd);
	prs_fd_close(&w->event_fd);
	w->pid = 0;
	w->tokens_due = 0;
}

void worker_done(struct worker *w)
{
	close_process(w);
	if (w->page)
		w->node->c.fs->munmap(w->node->c.fs->ctx, w->page, PRS_PAGE_BYTES);
	if (w->page_fd >= 0)
		w->node->c.fs->close(w->node->c.fs->ctx, w->page_fd);
	w->page = NULL;
	w->page_fd = -1;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void mark_dirty(struct worker *w)
{
	if (w->dirty)
		return;
	w->dirty = true;
	w->node->dirty[w->node->dirty_n++] = w->slot;
}

static void no_memory(struct worker *w)
{
	struct prs_pool_event broken = { .type = PRS_POOL_BROKEN, .slot = w->slot, .code = PRS_ENOMEM };
	broken.now_us = now();
	node_event(w->node, &broken);
}

/* A frame that found no memory, maybe half of it, must not be sent: worker_flush() sends nothing any more. */
static void gather(struct worker *w)
{
	if (w->conn.out.failed)
		no_memory(w);
	mark_dirty(w);
}

static void put_frame(struct worker *w, uint16_t type, uint32_t claim, const void *payload, uint32_t n)
{
	struct prs_msg_header h = { n, type, 0, claim };
	prs_msg_put_header(&w->conn.out, &h);
	prs_buf_put(&w->conn.out, payload, n);
	gather(w);
}

/* A task above PRS_MSG_PART_BYTES goes in several frames. */
void worker_send_task(struct worker *w, uint32_t claim, const struct body *b)
{
	for (uint32_t at = 0, n; at < b->bytes; at += n) {
		n = b->bytes - at < PRS_MSG_PART_BYTES ? b->bytes - at : PRS_MSG_PART_BYTES;
		bool more = at + n < b->bytes;
		struct prs_msg_header h = { n, PRS_MSG_TASK, more ? PRS_MSG_MORE : 0, claim };
		prs_msg_put_header(&w->conn.out, &h);
		prs_buf_put(&w->conn.out, b->task + at, n);
	}
	w->tokens_due++;
	gather(w);
}

void worker_send_stop(struct worker *w) { put_frame(w, PRS_MSG_STOP, 0, NULL, 0); }

void worker_send_drop(struct worker *w, uint32_t claim, uint32_t count)
{
	uint8_t raw[8];
	prs_put32(raw, claim);
	prs_put32(raw + 4, count);
	put_frame(w, PRS_MSG_DROP, 0, raw, sizeof raw);
	__atomic_add_fetch(&w->page->recalls, 1, __ATOMIC_RELEASE);
}

/* Frames first, then their tokens: a worker that takes a token finds its task. */
void worker_flush(struct worker *w)
{
	w->dirty = false;
	if (w->conn.fd < 0 || w->conn.out.failed)
		return;
	int r = prs_conn_flush(&w->conn);
	if (r == 0) {
		prs_watch_set(w->watch_conn, (w->paused ? 0 : PRS_READABLE) | PRS_WRITABLE);
		return;
	}
	prs_watch_set(w->watch_conn, w->paused ? 0 : PRS_READABLE);
	if (!w->tokens_due)
		return;
	prs_tokens_put(w->event_fd, w->tokens_due);
	w->tokens_due = 0;
}

uint32_t worker_take_tokens(struct worker *w, uint32_t count)
{
	if (w->event_fd < 0)
		return 0;
	uint32_t got = w->tokens_due < count ? w->tokens_due : count;
	w->tokens_due -= got;
	return got + prs_tokens_take(w->event_fd, count - got);
}

void worker_pause(struct worker *w, bool pause)
{
	if (w->paused == pause)
		return;
	w->paused = pause;
	if (w->watch_conn)
		prs_watch_set(w->watch_conn, (pause ? 0 : PRS_READABLE) | (w->conn.out.len ? PRS_WRITABLE : 0));
}

/* ---- receiving --------------------------------------------------------------------------------------------------- */

static void keep_report(struct worker *w, uint16_t code, uint64_t offset, uint32_t bytes, const char *text, uint16_t n)
{
	w->report_code = code;
	w->trace_offset = offset;
	w->trace_bytes = bytes;
	w->report_full = (struct prs_full_disk){ 0 };
	snprintf(w->report_text, sizeof w->report_text, "%.*s", (int)n, text);
}

static void refuse_wrapper(struct worker *w)
{
	const struct prs_error_row *row = prs_error_row(PRS_EWRAPPER);
	char text[sizeof w->report_text];
	int n = snprintf(text, sizeof text, "%s: %s", row->sentence, row->advice);
	keep_report(w, PRS_EWRAPPER, 0, 0, text, (uint16_t)(n < (int)sizeof text ? n : (int)sizeof text - 1));
}

/* Processes say the same of the same data: the first one is heard. */
static int take_note(struct worker *w, const uint8_t *payload, uint32_t bytes)
{
	enum { NOTE_BYTES = 1000 };
	struct prs_node *n = w->node;
	char sentence[NOTE_BYTES];
	struct prs_text text;
	uint16_t kind;
	if (prs_msg_get_note(payload, bytes, &kind, &text, NULL) < 0)
		return -PRS_EPROTOCOL;
	if (n->noted >> kind & 1)
		return 0;
	n->noted |= UINT32_C(1) << kind;
	snprintf(sentence, sizeof sentence, "%.*s", (int)text.n, text.p);
	n->c.link.warn(n->c.link.ctx, n->c.number, sentence);
	return 0;
}

static int worker_frame(void *ctx, const struct prs_msg_header *h, const uint8_t *payload, int fd)
{
	struct worker *w = ctx;
	struct prs_node *n = w->node;
	struct prs_pool_event e = { .now_us = now(), .slot = w->slot, .claim = h->claim };
	struct prs_report report;
	struct prs_hello hello;
	struct prs_done done;
	struct prs_try try_;
	struct prs_full_disk full;
	int r = 0;
	if (h->type == PRS_MSG_NOTE)
		return fd < 0 ? take_note(w, payload, h->len) : -PRS_EPROTOCOL;
	n->current = w;
	n->payload = payload;
	n->payload_bytes = h->len;
	n->payload_fd = fd;
	switch (h->type) {
	case PRS_MSG_HELLO:
		e.type = PRS_POOL_HELLO;
		r = prs_msg_get_hello(payload, h->len, &hello, NULL);
		if (!r &&
		    hello.pid != (uint32_t)w->pid) { /* what we would watch and kill is not what runs the script */
			e.type = PRS_POOL_INIT_FAILED;
			e.code = PRS_EWRAPPER;
			refuse_wrapper(w);
		}
		break;
	case PRS_MSG_READY: e.type = PRS_POOL_READY; break;
	case PRS_MSG_INIT_FAILED:
	case PRS_MSG_BYE:
		e.type = h->type == PRS_MSG_BYE ? PRS_POOL_BYE : PRS_POOL_INIT_FAILED;
		r = prs_msg_get_report(payload, h->len, &report, NULL);
		if (!r) {
			e.code = report.code;
			keep_report(w, report.code, report.trace_offset, report.trace_bytes, report.message,
			            report.message_bytes);
			w->report_full = report.full;
		}
		break;
	case PRS_MSG_RESULT:
		e.type = PRS_POOL_RESULT;
		r = prs_done_decode(payload, h->len, &done, NULL);
		if (!r && fd < 0 && done.length != h->len - PRS_DONE_BYTES)
			r = -PRS_EPROTOCOL;
		e.run_us = r ? 0 : done.run_us;
		break;
	case PRS_MSG_FAIL:
		e.type = PRS_POOL_FAIL;
		r = prs_msg_get_fail(payload, h->len, &try_, &full, NULL);
		e.code = r ? 0 : try_.code;
		e.run_us = r ? 0 : try_.run_us;
		break;
	default: r = -PRS_EPROTOCOL;
	}
	if (!r)
		node_event(n, &e);
	n->current = NULL;
	prs_fd_close(&n->payload_fd);
	return r < 0 ? -PRS_EPROTOCOL : 0;
}

static void broken(struct worker *w, uint16_t code)
{
	prs_watch_set(w->watch_conn, 0);
	struct prs_pool_event e = { .type = PRS_POOL_BROKEN, .now_us = now(), .slot = w->slot, .code = code };
	node_event(w->node, &e);
}

static void worker_readable(void *ctx, int events)
{
	struct worker *w = ctx;
	if (events & PRS_WRITABLE)
		mark_dirty(w);
	if (!(events & PRS_READABLE))
		return;
	int r = prs_conn_read(&w->conn, worker_frame, w, NULL);
	if (r < 0)
		broken(w, (uint16_t)-r);
	else if (w->conn.eof) /* death is told by the pidfd, not by this */
		prs_watch_set(w->watch_conn, 0);
}

/* Drain the socket, reap, read the page, kill what was left behind; then the pool judges. */
static void worker_dead(void *ctx, int events)
{
	(void)events;
	struct worker *w = ctx;
	struct prs_node *n = w->node;
	uint32_t status;
	int r = n->lost || w->conn.in.failed ? 0 : prs_conn_read(&w->conn, worker_frame, w, NULL);
	if (!prs_reap(w->pid, &status))
		return;
	struct prs_page page = prs_page_read(w->page);
	int pid = w->pid;
	close_process(w);
	reaper_kill_strays(n, pid, w->slot);
	tell_held(w);
	struct prs_pool_event e = { .type = PRS_POOL_EXITED,
		                    .now_us = now(),
		                    .slot = w->slot,
		                    .exit = status,
		                    .pages = &page };
	if (memory_ended(w) && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		e.code = PRS_EMEMORY_LIMIT;
	w->page->word = 0;
	if (r == -PRS_ENOMEM) /* some results were not read */
		node_give_up(n);
	if (n->lost)
		node_one_gone(n);
	else
		node_event(n, &e);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* As CUDA_VISIBLE_DEVICES names it; NULL = that is left alone. */
static const char *gpu_of(const struct worker *w)
{
	const struct prs_list *gpus = w->node->c.gpus;
	return gpus->n ? gpus->v[w->slot % gpus->n] : NULL;
}

static int send_setup(struct worker *w, struct prs_err *err)
{
	struct prs_node *n = w->node;
	char text[PATH_MAX], process[PRS_PROCESS_NAME_BYTES];
	PRS_AUTOBUF b;
	prs_buf_init(&b, PRS_MSG_MAX_BYTES);
	prs_buf_put(&b, n->c.setup->data, n->c.setup->len);
	prs_process_name(process, w->slot);
	prs_msg_put_pair(&b, "process", process);
	snprintf(text, sizeof text, "%u", w->slot);
	prs_msg_put_pair(&b, "slot", text);
	prs_msg_put_pair(&b, "node_ip", n->c.ip);
	if (gpu_of(w))
		prs_msg_put_pair(&b, "gpu", gpu_of(w));
	worker_log(w, PRS_NAME_SCRIPT_LOG, text);
	PRS_AUTOFREE char *folder = prs_path_folder(text);
	prs_msg_put_pair(&b, "log_dir", folder);
	prs_msg_put_pair(&b, "log_file", text);
	worker_log(w, PRS_NAME_TRACES, text);
	prs_msg_put_pair(&b, "error_file", text);
	struct prs_msg_header h = { (uint32_t)b.len, PRS_MSG_SETUP, 0, 0 };
	prs_msg_put_header(&w->conn.out, &h);
	prs_buf_put(&w->conn.out, b.data, b.len);
	if (!folder || b.failed || w->conn.out.failed)
		return prs_fail(err, PRS_ENOMEM, "starting a worker process");
	mark_dirty(w);
	return 0;
}

enum { OWN = 3, OWN_BYTES = 256 };

static bool names_one(char own[OWN][OWN_BYTES], size_t n, const char *variable)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(own[i], variable, strcspn(own[i], "=") + 1))
			return true;
	return false;
}

/* The slot's own, then those of the job that have other names. */
static char **variables(struct worker *w, char own[OWN][OWN_BYTES])
{
	const struct prs_list *base = w->node->c.variables;
	char **v = prs_calloc(base->n + OWN + 1, sizeof *v);
	size_t own_n = gpu_of(w) ? 3 : 2, n = 0;
	if (!v)
		return NULL;
	snprintf(own[0], OWN_BYTES, "PRS_RUN=%s", w->node->c.run_text);
	snprintf(own[1], OWN_BYTES, "PRS_SLOT=%u", w->slot);
	if (gpu_of(w))
		snprintf(own[2], OWN_BYTES, "CUDA_VISIBLE_DEVICES=%s", gpu_of(w));
	while (n < own_n) {
		v[n] = own[n];
		n++;
	}
	for (size_t i = 0; i < base->n; i++)
		if (!names_one(own, own_n, base->v[i]))
			v[n++] = base->v[i];
	return v;
}

static int spawn(struct worker *w, int peer, struct prs_err *err)
{
	struct prs_node *n = w->node;
	char out[PATH_MAX], errors[PATH_MAX], parent[32], nofile[32], own[OWN][OWN_BYTES];
	worker_log(w, PRS_NAME_STDOUT, out);
	worker_log(w, PRS_NAME_STDERR, errors);
	snprintf(parent, sizeof parent, "%d", getpid());
	snprintf(nofile, sizeof nofile, "%llu", (unsigned long long)prs_old_nofile());
	char *argv[] = { (char *)(uintptr_t) "prs",      (char *)(uintptr_t) "_worker",  parent, nofile,
		         (char *)(uintptr_t)n->c.python, (char *)(uintptr_t)n->c.loader, NULL };
	PRS_AUTOFREE char **envp = variables(w, own);
	if (!envp)
		return prs_fail(err, PRS_ENOMEM, "starting a worker process");
	int fds[] = { peer, w->event_fd, w->page_fd };
	struct prs_spawn s = { .program = n->c.program,
		               .argv = argv,
		               .envp = envp,
		               .cwd = n->c.code_root,
		               .stdout_path = out,
		               .stderr_path = errors,
		               .fds = fds,
		               .fds_n = 3 };
	return prs_spawn(&s, &w->pid, &w->pidfd, err);
}

static int start(struct worker *w, struct prs_err *err)
{
	int peer = -1;
	int r = prs_conn_init(&w->conn, &peer, err);
	if (r < 0)
		return r;
	w->event_fd = prs_tokens_new(err);
	memset(w->page, 0, sizeof *w->page);
	words_started(w);
	w->report_code = 0;
	w->report_full = (struct prs_full_disk){ 0 };
	w->report_text[0] = 0;
	w->trace_bytes = 0;
	r = w->event_fd < 0 ? w->event_fd : spawn(w, peer, err);
	prs_fd_close(&peer);
	if (r < 0)
		return r;
	w->watch_conn = prs_watch_new(w->node->c.loop, w->conn.fd, PRS_READABLE, worker_readable, w, err);
	w->watch_pid = prs_watch_new(w->node->c.loop, w->pidfd, PRS_READABLE, worker_dead, w, err);
	return w->watch_conn && w->watch_pid ? 0 : err->code;
}

void worker_spawn(struct worker *w, uint32_t incarnation)
{
	struct prs_err err = { 0 };
	struct prs_pool_event e = { .type = PRS_POOL_SPAWNED, .slot = w->slot };
	w->incarnation = incarnation;
	int r = start(w, &err);
	if (!r) {
		memory_started(w); /* before it does anything: it waits for SETUP */
		r = send_setup(w, &err);
	}
	if (r < 0) {
		if (w->pid > 0)
			prs_end_process(w->pid);
		close_process(w);
		keep_report(w, PRS_ESPAWN, 0, 0, err.msg, (uint16_t)strlen(err.msg));
		e.type = PRS_POOL_SPAWN_FAILED;
		e.code = PRS_ESPAWN;
		if (err.code == -PRS_ENOMEM) /* ours, not the script's: the job ends resumable */
			w->node->c.link.failed(w->node->c.link.ctx, w->node->c.number, -PRS_ENOMEM, "out of memory");
	}
	e.pid = (uint32_t)w->pid;
	e.now_us = now();
	node_event(w->node, &e);
}
