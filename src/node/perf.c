/* SPDX-License-Identifier: Apache-2.0
 * perf: the resource monitor: every resource_monitor_interval a row about the machine and one about each process goes
 * into the CSV files below logs/sys/perf/<ip>/ (the columns are described in docs/logs.md).
 *
 * Failure: a file that cannot be written loses that row; a job never ends because of it.
 */
#include "node/impl.h"

#include "base/mem.h"
#include "base/path.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MB(bytes) ((double)(bytes) / 1048576.0)

/* Append; a new file gets its head line first. */
static void append(struct prs_node *n, const char *pattern, const char *head, const struct prs_buf *rows)
{
	const struct prs_fs *fs = n->c.fs;
	char path[PATH_MAX];
	struct prs_fs_stat st;
	prs_log_path(path, sizeof path, n->c.logs, pattern, n->c.ip, "");
	int fd = fs->open(fs->ctx, path, O_WRONLY | O_CREAT | PRS_O_OWN, 0644);
	if (fd < 0)
		return;
	if (fs->fstat(fs->ctx, fd, &st) == 0) {
		PRS_AUTOBUF all;
		prs_buf_init(&all, 1 << 20);
		if (!st.size)
			prs_buf_puts(&all, head);
		prs_buf_put(&all, rows->data, rows->len);
		ssize_t written = all.failed ? 0 : fs->pwrite(fs->ctx, fd, all.data, all.len, st.size);
		(void)written;
	}
	fs->close(fs->ctx, fd);
}

static void utc_now(char to[32])
{
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(to, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

static double percent(uint64_t part, uint64_t whole) { return whole ? 100.0 * (double)part / (double)whole : 0; }

static void sample_machine(struct prs_node *n, const char *time_text, struct prs_machine_usage *now)
{
	const struct prs_machine_usage *last = &n->perf.machine;
	prs_machine_usage(now);
	uint64_t used = now->memory_total - now->memory_available, disk_used = now->disk_total - now->disk_free;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 10);
	prs_buf_putf(&b,
	             "%s,%.1f,%.1f,%.1f,%.1f,%.1f,%" PRIu64 ",%" PRIu64 ",%.3f,%.3f,%.3f,%.3f,%" PRIu64 ",%" PRIu64
	             "\n",
	             time_text, percent(now->cpu_busy - last->cpu_busy, now->cpu_total - last->cpu_total),
	             MB(now->memory_total), MB(now->memory_available), MB(used), percent(used, now->memory_total),
	             now->reads, now->writes, MB(now->read_bytes), MB(now->written_bytes), MB(now->sent_bytes),
	             MB(now->received_bytes), now->tcp, now->udp);
	append(n, PRS_NAME_PERF_NODE,
	       "Utc Time,Cpu Percent,Memory Total (MB),Memory Available (MB),Memory Used (MB),Memory Used Percent,Disk "
	       "Io Read Count,Disk Io Write Count,"
	       "Disk Io Read (MB),Disk Io Write (MB),Network Sent (MB),Network Recv (MB),# of TCP Connections,# of UDP "
	       "Connections\n",
	       &b);
	prs_buf_clear(&b);
	prs_buf_putf(&b, "%s,%.1f,%.1f,%.1f,%.1f\n", time_text, MB(now->disk_total), MB(disk_used), MB(now->disk_free),
	             percent(disk_used, now->disk_total));
	append(n, PRS_NAME_PERF_DISK, "Utc Time,Disk (/) Total (MB),Used (MB),Free (MB),Used Percent\n", &b);
	n->perf.machine = *now;
}

static void put_process(struct prs_buf *b, const char *time_text, const char *name, int pid, struct perf_last *last,
                        const struct prs_machine_usage *machine, uint64_t now_us)
{
	struct prs_process_usage u;
	if (!pid || !prs_process_usage(pid, &u))
		return;
	uint64_t cpu_us = u.user_us + u.system_us;
	bool same = last->pid == pid && cpu_us >= last->cpu_us;
	double cpu = percent(same ? cpu_us - last->cpu_us : 0, same ? now_us - last->at_us : 0);
	*last = (struct perf_last){ pid, cpu_us, now_us };
	prs_buf_putf(b, "%s,%s,%.1f,%.2f,%.2f,%.2f,%" PRIu64 ",%" PRIu64 ",%.3f,%.3f,%" PRIu64 "\n", time_text, name,
	             cpu, (double)u.user_us / 1e6, (double)u.system_us / 1e6,
	             percent(u.resident_bytes, machine->memory_total), u.reads, u.writes, MB(u.read_bytes),
	             MB(u.written_bytes), u.threads);
}

static void perf_sample(void *ctx)
{
	struct prs_node *n = ctx;
	struct prs_machine_usage machine;
	char time_text[32], name[PRS_PROCESS_NAME_BYTES];
	uint64_t now = prs_clock_us();
	prs_timer_at(n->perf.timer, now + n->c.monitor_interval_us);
	utc_now(time_text);
	sample_machine(n, time_text, &machine);
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	put_process(&b, time_text, "manager", getpid(), &n->perf.last[n->c.pool.slots], &machine, now);
	for (uint16_t i = 0; i < n->c.pool.slots; i++) {
		prs_process_name(name, i);
		put_process(&b, time_text, name, n->workers[i].pid, &n->perf.last[i], &machine, now);
	}
	append(n, PRS_NAME_PERF_PROCESSES,
	       "Utc Time,Name,Cpu Percent,Cpu Time User,Cpu Time System,Memory Used Percent,Disk Io Read Count,Disk Io "
	       "Write Count,Disk Io Read (MB),"
	       "Disk Io Write (MB),Thread Num\n",
	       &b);
}

static int make_folder(struct prs_node *n, struct prs_err *err)
{
	char path[PATH_MAX];
	size_t length;
	prs_log_path(path, sizeof path, n->c.logs, PRS_NAME_PERF_NODE, n->c.ip, "");
	int r = prs_path_make(n->c.fs, path, strlen(n->c.logs), 0755, &length);
	return r < 0 ? prs_fail_errno(err, -r, "creating %.*s", (int)length, path) : 0;
}

int perf_init(struct prs_node *n, struct prs_err *err)
{
	if (!n->c.monitor_interval_us)
		return 0;
	n->perf.last = prs_calloc(n->c.pool.slots + 1u, sizeof *n->perf.last);
	if (!n->perf.last)
		return prs_fail(err, PRS_ENOMEM, "resource monitor");
	int r = make_folder(n, err);
	if (r < 0)
		return r;
	prs_machine_usage(&n->perf.machine);
	n->perf.timer = prs_timer_new(n->c.loop, perf_sample, n, err);
	if (!n->perf.timer)
		return err->code;
	prs_timer_at(n->perf.timer, prs_clock_us() + n->c.monitor_interval_us);
	return 0;
}

void perf_done(struct prs_node *n)
{
	prs_timer_free(n->perf.timer);
	prs_freep(&n->perf.last);
}
