/* SPDX-License-Identifier: Apache-2.0
 * test_nodes: an engine with two nodes, both in memory and neither of them real: what a node says and when is scripted
 * here, through the table that real ones are reached by (node/link.h). The run folder, its journal, segments and output
 * are real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/fs_posix.h"
#include "master/engine.h"
#include "spec/placed.h"
#include "store/store.h"
#include "wire/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 12, LEASES_MAX = 64, NODES = 2 };

struct lease {
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number;
	char name[64]; /* of its file, from the task */
};

/* A node, and what it is going to do. */
struct fake {
	/* script */
	unsigned ask;     /* units it wants at a time */
	unsigned answers; /* after so many it says no more ... */
	bool dies;        /* ... and is down without a word */
	int fault;        /* ... or with this one */
	uint64_t large;   /* bytes of each row, in a descriptor; 0 = a short one */
	bool returns;     /* gives the first one back */
	/* what came of it */
	struct prs_node_config c;
	struct prs_timer *timer;
	struct lease leases[LEASES_MAX];
	unsigned n, answered, leased, pauses;
	bool ending, down, paused, killed, freed;
};

static struct world {
	char dir[64], src[80], in[80], run[80], code[88];
	struct prs_job job;
	struct prs_placed placed;
	struct prs_list environment, gpus;
	struct fake fakes[NODES];
	struct prs_engine_node nodes[NODES];
	struct prs_engine_end end;
	struct prs_err err;
	char warned[4096];
} w;

/* ---- the nodes --------------------------------------------------------------------------------------------------- */

static void fake_down(struct fake *f)
{
	if (f->down)
		return;
	f->down = true;
	f->c.link.down(f->c.link.ctx, f->c.number);
}

static int large_rows(const struct lease *l, uint64_t bytes)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	assert_int_equal(pwrite(fd, l->name, strlen(l->name), 0), strlen(l->name));
	assert_int_equal(pwrite(fd, "\n", 1, (off_t)bytes - 1), 1);
	return fd;
}

static void fake_answer(struct fake *f, const struct lease *l)
{
	char row[80];
	int n = snprintf(row, sizeof row, "%s\n", l->name);
	struct prs_done d = { .unit = l->unit,
		              .lease = l->lease,
		              .try_number = l->try_number,
		              .node = f->c.number,
		              .length = f->large ? f->large : (uint64_t)n,
		              .succeeded = 1,
		              .rows = 1,
		              .start_us = prs_wall_us() };
	f->answered++;
	if (f->large)
		f->c.link.result(f->c.link.ctx, f->c.number, &d, NULL, large_rows(l, f->large));
	else
		f->c.link.result(f->c.link.ctx, f->c.number, &d, (const uint8_t *)row, -1);
}

/* It says what it has to say, one answer at a time: then the other one has its turn. */
static void fake_due(void *ctx)
{
	struct fake *f = ctx;
	if (f->n && !f->paused && f->answered < f->answers) {
		struct lease l = f->leases[0];
		memmove(f->leases, f->leases + 1, --f->n * sizeof l);
		if (f->returns) {
			f->returns = false;
			f->c.link.returned(f->c.link.ctx, f->c.number, &l.unit, l.lease);
		} else {
			fake_answer(f, &l);
		}
		if (!f->ending)
			f->c.link.ask(f->c.link.ctx, f->c.number, f->leased + f->ask - f->n);
		prs_timer_at(f->timer, prs_clock_us());
	}
	if (f->fault && f->answered >= f->answers && !f->down)
		f->c.link.failed(f->c.link.ctx, f->c.number, -f->fault, "it is a bad node");
	if ((f->dies || f->fault) && f->answered >= f->answers && f->n)
		fake_down(f);
	if (f->ending && (!f->n || f->fault))
		fake_down(f);
}

static void fake_start(void *node)
{
	struct fake *f = node;
	f->c.link.ask(f->c.link.ctx, f->c.number, f->ask);
	prs_timer_at(f->timer, prs_clock_us());
}

static void fake_lease(void *node, const struct prs_lease *l)
{
	struct fake *f = node;
	struct lease *to = &f->leases[f->n++];
	const char *path = (const char *)l->task + PRS_TASK_BYTES;
	*to = (struct lease){ .unit = l->unit, .lease = l->lease, .try_number = l->try_number };
	snprintf(to->name, sizeof to->name, "%s", strrchr(path, '/') + 1);
	f->leased++;
	prs_timer_at(f->timer, prs_clock_us());
}

static void fake_pause(void *node, bool pause)
{
	struct fake *f = node;
	f->paused = pause;
	f->pauses += pause;
	prs_timer_at(f->timer, prs_clock_us());
}

static void give_back(struct fake *f)
{
	while (f->n) {
		struct lease l = f->leases[--f->n];
		f->c.link.returned(f->c.link.ctx, f->c.number, &l.unit, l.lease);
	}
	f->ending = true;
	prs_timer_at(f->timer, prs_clock_us());
}

static void fake_drain(void *node) { give_back(node); }

static void fake_abort(void *node, uint16_t code)
{
	(void)code;
	give_back(node);
}

static void fake_finish(void *node)
{
	struct fake *f = node;
	f->ending = true;
	prs_timer_at(f->timer, prs_clock_us());
}

static void fake_kill(void *node) { ((struct fake *)node)->killed = true; }

static void fake_view(const void *node, uint16_t slot, struct prs_pool_slot_view *ret)
{
	(void)node;
	(void)slot;
	*ret = (struct prs_pool_slot_view){ .state = PRS_WORKER_IDLE };
}

/* The first of its units runs, on its first process. */
static bool fake_page(const void *node, uint16_t slot, struct prs_page *ret)
{
	const struct fake *f = node;
	if (slot || !f->n)
		return false;
	*ret = (struct prs_page){ .word = prs_page_word(PRS_PHASE_RUN, 1),
		                  .id = f->leases[0].unit.id,
		                  .lease = f->leases[0].lease };
	return true;
}

static uint64_t fake_slack(const void *node)
{
	(void)node;
	return 0;
}

static void fake_flush(void *node) { (void)node; }

static void fake_free(void *node)
{
	struct fake *f = node;
	prs_timer_free(f->timer);
	f->freed = true;
}

static const struct prs_node_ops fake_ops = { fake_start, fake_lease, fake_pause, fake_drain, fake_abort, fake_finish,
	                                      fake_kill,  fake_view,  fake_page,  fake_slack, fake_flush, fake_free };

static int fake_make(void *ctx, const struct prs_node_config *c, void **ret, struct prs_err *err)
{
	struct fake *f = ctx;
	f->c = *c;
	f->timer = prs_timer_new(c->loop, fake_due, f, err);
	*ret = f;
	return f->timer ? 0 : err->code;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static void put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *copy(const char *s)
{
	char *c = prs_strdup(s);
	assert_non_null(c);
	return c;
}

static void make_job(void)
{
	struct prs_job *j = &w.job;
	prs_job_init(j);
	assert_int_equal(prs_options_init(&j->o, &w.err), 0);
	j->o.mini_batch_size = 1;
	j->o.processes = 4;
	j->submit_dir = copy(w.dir);
	j->code_dir = copy(w.src);
	j->entry = copy("score.py");
	j->name = copy("two");
	j->python = copy("/bin/false");
	j->append_to = -1;
	j->inputs = prs_calloc(1, sizeof *j->inputs);
	j->inputs_n = 1;
	j->inputs[0] = (struct prs_job_input){ .name = copy("input_0"),
		                               .path = copy(w.in),
		                               .type = copy("uri_folder") };
	assert_int_equal(prs_place(&w.placed, j, &prs_fs_posix, w.run, "two-1", &w.err), 0);
}

static int setup(void **state)
{
	(void)state;
	char name[16];
	memset(&w, 0, sizeof w);
	snprintf(w.dir, sizeof w.dir, "%.40s/prs-nodes-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.in, sizeof w.in, "%s/in", w.dir);
	snprintf(w.run, sizeof w.run, "%s/run", w.dir);
	snprintf(w.code, sizeof w.code, "%s/code", w.run);
	snprintf(w.src, sizeof w.src, "%s/src", w.dir);
	assert_int_equal(mkdir(w.in, 0755) + mkdir(w.run, 0755) + mkdir(w.src, 0755), 0);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%02d", i);
		put_file(w.in, name, name);
	}
	put_file(w.src, "score.py", "");
	make_job();
	assert_int_equal(mkdir(w.code, 0755), 0);
	assert_int_equal(prs_snapshot(&w.placed, &prs_fs_posix, w.code, NULL, &w.err), 0);
	struct prs_run_id id = { { 7 } };
	assert_int_equal(prs_run_file_write(&prs_fs_posix, w.run, &id, "two-1", PRS_VERSION, &w.err), 0);
	for (int i = 0; i < NODES; i++) {
		w.fakes[i] = (struct fake){ .ask = 2, .answers = UINT32_MAX };
		w.nodes[i] = (struct prs_engine_node){ .number = (uint16_t)i,
			                               .name = i ? "other" : "here",
			                               .address = i ? "10.0.0.2" : "127.0.0.1",
			                               .slots = 2,
			                               .cores = 2,
			                               .gpus = &w.gpus,
			                               .variables = &w.environment,
			                               .ops = &fake_ops,
			                               .make = fake_make,
			                               .ctx = &w.fakes[i] };
	}
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	prs_placed_done(&w.placed);
	prs_job_done(&w.job);
	snprintf(command, sizeof command, "rm -rf %s", w.dir);
	return system(command);
}

static void note_warning(void *ctx, const char *sentence)
{
	(void)ctx;
	strncat(w.warned, sentence, sizeof w.warned - strlen(w.warned) - 2);
	strcat(w.warned, "\n");
}

static void run_with(size_t nodes_n)
{
	struct prs_engine_config c = { .struct_size = sizeof c,
		                       .fs = &prs_fs_posix,
		                       .job = &w.job,
		                       .placed = &w.placed,
		                       .dir = w.run,
		                       .run = { { 7 } },
		                       .run_name = "two-1",
		                       .program = "/bin/false",
		                       .loader = "/bin/false",
		                       .variables = &w.environment,
		                       .nodes = w.nodes,
		                       .nodes_n = nodes_n,
		                       .warn = note_warning };
	int r = prs_engine_run(&c, &w.end, &w.err);
	if (r < 0)
		print_error("%s\n", w.err.msg);
	assert_int_equal(r, 0);
	for (size_t i = 0; i < nodes_n; i++)
		assert_true(w.fakes[i].freed);
}

static void assert_output(void)
{
	char path[160], text[FILES * 8 + 1] = "", want[FILES * 8 + 1] = "";
	for (int i = 0; i < FILES; i++)
		sprintf(want + strlen(want), "f%02d\n", i);
	snprintf(path, sizeof path, "%s/outputs/parallel_run_step.txt", w.run);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	assert_string_equal(text, want);
}

/* ---- what the journal says --------------------------------------------------------------------------------------- */

struct told {
	unsigned done[NODES], in_node0[NODES], lost, running, gone, down_reason;
};

static int count_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx, (void)body, (void)n, (void)err;
	return 0;
}

static int count_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct told *t = ctx;
	(void)err;
	if (f->type == PRS_FACT_DONE) {
		t->done[f->u.done.node]++;
		t->in_node0[f->u.done.node] += prs_done_file_node(&f->u.done) == 0;
		assert_int_equal(!!(f->u.done.flags & PRS_DONE_NODE0), f->u.done.node != 0);
	}
	if (f->type == PRS_FACT_LOST) {
		t->lost++;
		t->running += f->u.lost.running_count;
	}
	if (f->type == PRS_FACT_NODE && !f->u.node.up) {
		t->gone++;
		t->down_reason = f->u.node.reason;
	}
	return 0;
}

static struct told journal(void)
{
	struct told t = { 0 };
	struct prs_run_id id = { { 7 } };
	struct prs_recover_sink sink = { &t, count_plan, count_fact };
	struct prs_recovered was;
	assert_int_equal(prs_store_recover(&prs_fs_posix, w.run, &id, &sink, &was, &w.err), 0);
	return t;
}

static unsigned minor_of(const char *name)
{
	char path[160];
	uint8_t raw[PRS_FILE_HEADER_BYTES];
	snprintf(path, sizeof path, "%s/%s", w.run, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(raw, 1, sizeof raw, f), sizeof raw);
	fclose(f);
	return prs_get16(raw + 24);
}

static bool exists(const char *name)
{
	char path[160];
	snprintf(path, sizeof path, "%s/%s", w.run, name);
	return access(path, F_OK) == 0;
}

static void count_problem(void *ctx, const char *sentence)
{
	(void)ctx;
	print_error("%s\n", sentence);
}

static void assert_audited(void)
{
	struct prs_run_id id = { { 7 } };
	assert_int_equal(prs_store_audit(&prs_fs_posix, w.run, &id, count_problem, NULL, &w.err), 0);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Both do some of it; the rows of both lie in the file of node 0, and an engine that does not know that refuses. */
static void test_two_nodes_share_the_work(void **state)
{
	(void)state;
	run_with(2);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	struct told t = journal();
	assert_int_equal(t.done[0] + t.done[1], FILES);
	assert_true(t.done[0] >= 4 && t.done[1] >= 4);
	assert_int_equal(t.in_node0[1], t.done[1]);
	assert_int_equal(t.lost + t.gone, 0);
	assert_true(exists("seg/1-0-0.seg"));
	assert_false(exists("seg/1-1-0.seg"));
	assert_int_equal(minor_of("journal-1"), 2);
	assert_int_equal(minor_of("plan-1"), 1);
	assert_int_equal(minor_of("seg/1-0-0.seg"), 1);
	assert_audited();
}

static void test_node_0_alone_writes_what_every_engine_reads(void **state)
{
	(void)state;
	run_with(1);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	assert_int_equal(minor_of("journal-1"), 1);
	assert_int_equal(journal().in_node0[0], FILES);
}

static void test_one_goes_down_without_a_word(void **state)
{
	(void)state;
	w.fakes[1].answers = 2;
	w.fakes[1].dies = true;
	run_with(2);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	struct told t = journal();
	assert_int_equal(t.done[1], 2);
	assert_int_equal(t.done[0], FILES - 2);
	assert_int_equal(t.lost, 1);
	assert_int_equal(t.running, 1); /* what its page shows */
	assert_int_equal(t.gone, 1);
	assert_non_null(strstr(w.warned, "node 1 (other) is lost: node 1 (other) stopped answering"));
}

/* It says why: no mini-batch is to blame. */
static void test_one_cannot_go_on(void **state)
{
	(void)state;
	w.fakes[1].answers = 2;
	w.fakes[1].fault = PRS_ESPAWN;
	run_with(2);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	struct told t = journal();
	assert_int_equal(t.lost, 1);
	assert_int_equal(t.running, 0);
	assert_int_equal(t.gone, 1);
	assert_int_equal(t.down_reason, PRS_ESPAWN);
}

/* No node is left: the job ends resumable, and a life with node 0 alone goes on with the rows of both. */
static void test_none_is_left(void **state)
{
	(void)state;
	w.fakes[0].answers = 3;
	w.fakes[0].fault = PRS_ESPAWN;
	w.fakes[1].answers = 2;
	w.fakes[1].dies = true;
	run_with(2);
	assert_int_equal(w.end.exit_code, 4);
	assert_int_equal(w.end.result.state, PRS_JOB_INTERRUPTED);
	assert_non_null(strstr(w.end.text, "no node is left: "));
	struct told t = journal();
	assert_int_equal(t.done[0], 3);
	assert_int_equal(t.done[1], 2);
	w.fakes[0] = (struct fake){ .ask = 2, .answers = UINT32_MAX };
	run_with(1);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	assert_int_equal(minor_of("journal-2"), 1);
	assert_audited();
}

/* init() fails on both: that is the script's fault. */
static void test_init_fails_everywhere(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++) {
		w.fakes[i].answers = 0;
		w.fakes[i].fault = PRS_EINIT_GIVE_UP;
	}
	run_with(2);
	assert_int_equal(w.end.exit_code, 1);
	assert_int_equal(w.end.result.state, PRS_JOB_FAILED);
	assert_int_equal(w.end.result.code, PRS_EINIT_GIVE_UP);
}

/* On one of them nothing starts at all: another machine may do. */
static void test_init_fails_on_one_and_nothing_starts_on_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++)
		w.fakes[i].answers = 0;
	w.fakes[0].fault = PRS_EINIT_GIVE_UP;
	w.fakes[1].fault = PRS_ESPAWN;
	run_with(2);
	assert_int_equal(w.end.exit_code, 4);
	assert_int_equal(w.end.result.code, PRS_ESPAWN);
}

static void test_a_unit_that_comes_back_runs_again(void **state)
{
	(void)state;
	w.fakes[1].returns = true;
	run_with(2);
	assert_int_equal(w.end.exit_code, 0);
	assert_output();
	assert_int_equal(w.fakes[0].leased + w.fakes[1].leased, FILES + 1);
}

/* 40 MB at a time, from two nodes that want to send 480: both are paused, and go on. */
static void test_large_rows_pause_all_nodes(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++)
		w.fakes[i].large = 40 << 20;
	w.job.o.output_action = PRS_OUTPUT_SUMMARY_ONLY; /* what is not read needs no second place */
	w.job.o.bench_no_sync = true;
	run_with(2);
	assert_int_equal(w.end.exit_code, 0);
	assert_true(w.fakes[0].pauses > 0);
	assert_int_equal(w.fakes[0].pauses, w.fakes[1].pauses);
	assert_false(w.fakes[0].paused || w.fakes[1].paused);
	struct told t = journal();
	assert_int_equal(t.in_node0[0] + t.in_node0[1], FILES);
	assert_true(exists("seg/1-0-1.raw"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_two_nodes_share_the_work),
		                            T(test_node_0_alone_writes_what_every_engine_reads),
		                            T(test_one_goes_down_without_a_word),
		                            T(test_one_cannot_go_on),
		                            T(test_none_is_left),
		                            T(test_init_fails_everywhere),
		                            T(test_init_fails_on_one_and_nothing_starts_on_the_other),
		                            T(test_a_unit_that_comes_back_runs_again),
		                            T(test_large_rows_pause_all_nodes) };
	return cmocka_run_group_tests_name("nodes", tests, NULL, NULL);
}
