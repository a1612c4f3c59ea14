/* SPDX-License-Identifier: Apache-2.0
 * test_damage: every file of a small run folder cut at every byte, with every byte flipped, with pages swapped,
 * repeated, zeroed: recovery and output give the right prefix, or a refusal that names file and offset, or a bad range;
 * never a wrong output.
 *
 * The oracle does not ask the store: it compares bytes with those of the sound folder and knows what it wrote into
 * which frame.
 *   below the sealed length of a file: refused.
 *   newest journal and plan: the first damaged frame ends the file, unless the head of a frame lies behind it (it says
 *   that what was before it had been synced): then refused.
 *   segments: a mini-batch is bad when a byte of its rows changed or is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/index.h"
#include "store_world.h"

enum { IDS = 9, FRAMES_MAX = 16, EVENTS_MAX = 4, HEADER = 32, ROWS_MAX = 16 << 10 };
#define OUT "/out/rows"

struct event {
	enum { NOTHING, DONE, RESET } type;
	uint64_t id;
	int file; /* of the rows */
	uint64_t offset, length;
};

struct frame {
	uint64_t start, end;
	char said[64]; /* what recovery says of it */
	struct event events[EVENTS_MAX];
	unsigned events_n;
};

struct file {
	const char *path;
	enum role { SEALED, NEWEST, EMPTY, ROWS } role;
	uint8_t *sound;
	uint64_t n, sealed;
	struct frame frames[FRAMES_MAX];
	unsigned frames_n, sealed_n; /* frames below the seal */
};

enum { PLAN1, JOURNAL1, JOURNAL2, PLAN3, JOURNAL3, SEG1, SEG3, RAW3, LAST };

struct world {
	struct store_world w;
	struct file files[LAST];
	char rows[IDS][2][ROWS_MAX]; /* the rows of a mini-batch: in epoch 1, in epoch 3 */
	size_t row_bytes;
	/* what was expected and what came */
	char want[1024], bad[256], want_bad[256];
	uint8_t want_out[IDS * ROWS_MAX];
	size_t want_out_n;
	bool refused;
	const char *refused_file;
	uint64_t refused_at;
	struct event done[IDS];
	struct prs_index *x;
	unsigned long cases;
};

/* ---- writing the folder ------------------------------------------------------------------------------------------ */

static struct frame *new_frame(struct world *t, int file, uint64_t start, uint64_t end)
{
	struct file *f = &t->files[file];
	assert_true(f->frames_n < FRAMES_MAX);
	f->frames[f->frames_n] = (struct frame){ .start = start, .end = end };
	return &f->frames[f->frames_n++];
}

static void put_facts(struct world *t, int file, const struct prs_fact *v, unsigned n, const char *said)
{
	struct prs_log *l = &t->w.journal;
	uint64_t start = l->tail;
	assert_int_equal(world_facts(&t->w, v, n), 0);
	struct frame *f = new_frame(t, file, start, l->tail);
	snprintf(f->said, sizeof f->said, "%s", said);
	for (unsigned i = 0; i < n; i++) {
		struct event *e = &f->events[f->events_n++];
		const struct prs_done *d = &v[i].u.done;
		if (v[i].type == PRS_FACT_DONE) {
			int segment = d->lease >> 40 == 1 ? SEG1 : SEG3;
			*e = (struct event){ DONE, d->unit.id, d->flags & PRS_DONE_RAW ? RAW3 : segment, d->offset,
				             d->length };
		} else if (v[i].type == PRS_FACT_RESET) {
			*e = (struct event){ .type = RESET, .id = v[i].u.reset.unit.id };
		}
	}
}

static void put_fact(struct world *t, int file, struct prs_fact v, const char *said)
{
	put_facts(t, file, &v, 1, said);
}

/* Plan blocks are as long as the rows, so that they fill pages too. */
static void put_plan(struct world *t, int file, uint64_t first, uint64_t count)
{
	static char names[ROWS_MAX];
	struct prs_plan_record r = { .type = PRS_PLAN_FILES,
		                     .u.files = { .count = 1, .names = names, .names_bytes = (uint32_t)t->row_bytes } };
	struct prs_plan_record rule = { .type = PRS_PLAN_RULE, .u.rule = { first, count, first, 1, 0 } };
	memset(names, 'n', t->row_bytes - 1);
	names[t->row_bytes - 1] = 0;
	uint64_t start = t->w.has_plan ? t->w.plan.tail : HEADER;
	assert_int_equal(world_plan(&t->w, t->row_bytes > 100 ? &r : &rule), 0);
	struct frame *f = new_frame(t, file, start, t->w.plan.tail);
	snprintf(f->said, sizeof f->said, "plan(%d)", (int)(f->end - f->start - 32));
}

static struct prs_fact rows(struct world *t, uint64_t id, bool raw)
{
	struct prs_fact f;
	char *text = t->rows[id][t->w.epoch == 3];
	size_t n = t->row_bytes + id; /* of another length for each */
	for (size_t i = 0; i + 1 < n; i++)
		text[i] = (char)('a' + (i * 5 + id + t->w.epoch + i / 100) % 26);
	text[n - 1] = '\n';
	assert_int_equal(raw ? world_raw(&t->w, id, text, &f) : world_rows(&t->w, id, text, 0, &f), 0);
	return f;
}

/* A failed try with a message as long as the rows: so journals fill pages too. */
static struct prs_fact try_of(const struct world *t, uint64_t id)
{
	static char message[ROWS_MAX];
	struct prs_fact f = world_of_id(PRS_FACT_TRY, id);
	memset(message, 'm', sizeof message);
	f.u.try_.message = (struct prs_text){ message, (uint16_t)t->row_bytes };
	return f;
}

static void write_folder(struct world *t)
{
	struct store_world *w = &t->w;
	struct prs_fact two[2];
	world_new(w);
	assert_int_equal(world_epoch_after(w, 1, 0, 0, 0), 0);
	snprintf(new_frame(t, JOURNAL1, HEADER, w->journal.tail)->said, 64, "1:HEAD");
	put_plan(t, PLAN1, 0, 3);
	put_plan(t, PLAN1, 3, 2);
	put_fact(t, JOURNAL1, world_planned(1, w->plan.durable, 5, false), "1:PLANNED+5");
	put_fact(t, JOURNAL1, rows(t, 0, false), "1:DONE0");
	two[0] = rows(t, 1, false);
	two[1] = try_of(t, 2);
	put_facts(t, JOURNAL1, two, 2, "1:DONE1 1:TRY2");
	uint64_t journal = w->journal.durable, plan = w->plan.durable;
	t->files[JOURNAL1].sealed = journal;
	t->files[PLAN1].sealed = plan;
	/* what a fenced engine writes late */
	put_fact(t, JOURNAL1, world_of_id(PRS_FACT_FAILED, 2), "1:FAILED2");
	put_plan(t, PLAN1, 5, 4);
	world_close_epoch(w);
	struct prs_log headless;
	assert_int_equal(prs_log_create(&headless, w->fs, "/run/journal-2", PRS_FILE_JOURNAL, &w->run, 0, NULL), 0);
	prs_log_close(&headless);
	assert_int_equal(world_epoch_after(w, 3, 1, journal, plan), 0);
	snprintf(new_frame(t, JOURNAL3, HEADER, w->journal.tail)->said, 64, "3:HEAD");
	put_plan(t, PLAN3, 5, 2);
	put_fact(t, JOURNAL3, world_planned(3, w->plan.durable, 7, false), "3:PLANNED+7");
	put_fact(t, JOURNAL3, rows(t, 2, true), "3:DONE2");
	put_fact(t, JOURNAL3, try_of(t, 3), "3:TRY3");
	put_fact(t, JOURNAL3, rows(t, 5, false), "3:DONE5");
	put_plan(t, PLAN3, 7, 1);
	two[0] = world_planned(3, w->plan.durable, 8, false);
	two[1] = world_of_id(PRS_FACT_RESET, 0);
	put_facts(t, JOURNAL3, two, 2, "3:PLANNED+8 3:RESET0");
	put_fact(t, JOURNAL3, rows(t, 0, false), "3:DONE0");
	put_plan(t, PLAN3, 8, 1);
	two[0] = rows(t, 7, false);
	two[1] = try_of(t, 4);
	put_facts(t, JOURNAL3, two, 2, "3:DONE7 3:TRY4");
	world_close_epoch(w);
}

static enum role role_of(int file)
{
	if (file >= SEG1)
		return ROWS;
	if (file == JOURNAL2)
		return EMPTY;
	return file == PLAN1 || file == JOURNAL1 ? SEALED : NEWEST;
}

static void remember(struct world *t)
{
	static const char *const paths[LAST] = { "/run/plan-1",        "/run/journal-1",    "/run/journal-2",
		                                 "/run/plan-3",        "/run/journal-3",    "/run/seg/1-0-0.seg",
		                                 "/run/seg/3-0-0.seg", "/run/seg/3-0-1.raw" };
	for (int i = 0; i < LAST; i++) {
		struct file *f = &t->files[i];
		f->path = paths[i];
		f->role = role_of(i);
		const uint8_t *p = mem_fs_bytes(t->w.m, paths[i], &f->n);
		f->sound = malloc(f->n);
		memcpy(f->sound, p, f->n);
		for (unsigned k = 0; k < f->frames_n; k++)
			f->sealed_n += f->frames[k].end <= f->sealed;
	}
}

static int setup_with(void **state, size_t row_bytes)
{
	struct world *t = calloc(1, sizeof *t);
	t->row_bytes = row_bytes;
	write_folder(t);
	remember(t);
	*state = t;
	return 0;
}

static int setup_small(void **state) { return setup_with(state, 20); }
static int setup_large(void **state)
{
	return setup_with(state, 10000);
} /* every frame of rows and plan reaches over a page */

static int teardown(void **state)
{
	struct world *t = *state;
	for (int i = 0; i < LAST; i++)
		free(t->files[i].sound);
	world_free(&t->w);
	free(t);
	return 0;
}

/* ---- the oracle -------------------------------------------------------------------------------------------------- */

static bool same(const struct file *f, const uint8_t *now, uint64_t n, uint64_t start, uint64_t end)
{
	return end <= n && !memcmp(f->sound + start, now + start, end - start);
}

/* How many of the first `all` frames are read; -1: refused. */
static int frames_read(struct world *t, struct file *f, const uint8_t *now, uint64_t n, unsigned all, bool sealed)
{
	unsigned k = 0;
	bool header = same(f, now, n, 0, HEADER);
	while (header && k < all && same(f, now, n, f->frames[k].start, f->frames[k].end))
		k++;
	bool behind = false;
	for (unsigned j = header ? k + 1 : 0; j < f->frames_n && !sealed; j++)
		behind = behind || same(f, now, n, f->frames[j].start, f->frames[j].start + 32);
	if (k == all || !(sealed || behind))
		return header ? (int)k : 0;
	t->refused = true;
	t->refused_file = f->path;
	t->refused_at = header ? f->frames[k].start : 0;
	return -1;
}

static void say(struct world *t, const struct file *f, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		strcat(strcat(t->want, t->want[0] ? " " : ""), f->frames[k].said);
		for (unsigned i = 0; i < f->frames[k].events_n; i++) {
			const struct event *e = &f->frames[k].events[i];
			if (e->type == RESET)
				t->done[e->id].type = NOTHING;
			if (e->type == DONE && t->done[e->id].type == NOTHING)
				t->done[e->id] = *e;
		}
	}
}

static bool rows_changed(struct world *t, const struct event *e, int changed, const uint8_t *now, uint64_t n)
{
	return e->file == changed && !same(&t->files[e->file], now, n, e->offset, e->offset + e->length);
}

/* What the folder means with `now` in place of one of its files. */
static void expect(struct world *t, int changed, const uint8_t *now, uint64_t n)
{
	const uint8_t *bytes[LAST];
	uint64_t sizes[LAST];
	int read[LAST] = { 0 };
	t->want[0] = t->want_bad[0] = 0;
	t->want_out_n = 0;
	t->refused = false;
	memset(t->done, 0, sizeof t->done);
	for (int i = 0; i < LAST; i++) {
		bytes[i] = i == changed ? now : t->files[i].sound;
		sizes[i] = i == changed ? n : t->files[i].n;
	}
	struct file *f = t->files;
	int heads = frames_read(t, &f[JOURNAL3], bytes[JOURNAL3], sizes[JOURNAL3], f[JOURNAL3].frames_n, false);
	bool third = heads != 0; /* without its HEAD journal-3 is none, and nothing is sealed */
	for (int i = PLAN1; i <= JOURNAL1 && !t->refused; i++)
		read[i] = frames_read(t, &f[i], bytes[i], sizes[i], third ? f[i].sealed_n : f[i].frames_n, third);
	if (!t->refused && third)
		read[PLAN3] = frames_read(t, &f[PLAN3], bytes[PLAN3], sizes[PLAN3], f[PLAN3].frames_n, false);
	if (!t->refused && third &&
	    read[PLAN3] < 2) { /* journal-3 counts on two blocks of it (changed only one file: the journal is sound) */
		t->refused = true;
		t->refused_file = "/run/plan-3";
		t->refused_at = UINT64_MAX;
	}
	if (t->refused)
		return;
	say(t, &f[PLAN1], (unsigned)read[PLAN1]);
	say(t, &f[JOURNAL1], (unsigned)read[JOURNAL1]);
	say(t, &f[PLAN3], (unsigned)read[PLAN3]);
	say(t, &f[JOURNAL3], third ? (unsigned)heads : 0);
	for (int id = 0; id < IDS; id++) {
		const struct event *e = &t->done[id];
		if (e->type == NOTHING)
			continue;
		if (rows_changed(t, e, changed, now, n)) {
			snprintf(t->want_bad + strlen(t->want_bad), 16, "%d ", id);
			continue;
		}
		memcpy(t->want_out + t->want_out_n, t->rows[id][e->file != SEG1], e->length);
		t->want_out_n += e->length;
	}
}

/* ---- the store --------------------------------------------------------------------------------------------------- */

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct world *t = ctx;
	world_on_fact(&t->w, f, err);
	if (f->type == PRS_FACT_PLANNED)
		return prs_index_grow(t->x, f->u.planned.next_id, err);
	if (f->type == PRS_FACT_RESET)
		prs_index_reset(t->x, f->u.reset.unit.id, 1);
	if (f->type == PRS_FACT_DONE && !t->x->slots[f->u.done.unit.id].flags)
		return prs_index_done(t->x, &f->u.done, err);
	return 0;
}

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	return world_on_plan(&((struct world *)ctx)->w, body, n, err);
}

static void on_bad(void *ctx, uint64_t id, const char *why)
{
	struct world *t = ctx;
	(void)why;
	snprintf(t->bad + strlen(t->bad), 16, "%d ", (int)id);
	prs_index_reset(t->x, id, 1);
}

/* Both lists of ids in the order of the ids. */
static void assert_bad(struct world *t, const char *what)
{
	bool found[IDS] = { false };
	char sorted[256] = "";
	for (char *p = t->bad; *p; p++)
		if (*p != ' ') {
			assert_false(found[*p - '0']); /* once each */
			found[*p - '0'] = true;
		}
	for (int id = 0; id < IDS; id++)
		if (found[id])
			snprintf(sorted + strlen(sorted), 16, "%d ", id);
	if (strcmp(sorted, t->want_bad) != 0)
		fail_msg("%s: bad mini-batches \"%s\", not \"%s\"", what, t->want_bad, sorted);
}

static void check_output(struct world *t, const char *what)
{
	struct prs_assemble_options o = { .path = OUT, .run = &t->w.run, .epoch = 3, .next_id = IDS };
	struct prs_assembled done;
	uint64_t n;
	t->bad[0] = 0;
	int64_t outside = prs_index_verify_ranges(t->x, on_bad, t, NULL);
	assert_true(outside >= 0);
	int r = prs_assemble(t->w.fs, "/run", t->x, &o, on_bad, t, &done, &t->w.err);
	if ((int64_t)strlen(t->want_bad) / 2 >
	    outside) { /* damaged inside the file: nothing is published, the others come the next time */
		if (r != -PRS_ECORRUPT || mem_fs_has(t->w.m, OUT))
			fail_msg("%s: %d, although rows are damaged", what, r);
		r = prs_assemble(t->w.fs, "/run", t->x, &o, on_bad, t, &done, &t->w.err);
	}
	assert_bad(t, what);
	const uint8_t *got = mem_fs_bytes(t->w.m, OUT, &n);
	if (r != 0 || !got || n != t->want_out_n || memcmp(got, t->want_out, n) != 0)
		fail_msg("%s: a wrong output (%d, %llu bytes, %zu expected)", what, r, (unsigned long long)n,
		         t->want_out_n);
	t->w.fs->unlink(t->w.m, OUT);
}

static void check_refusal(struct world *t, int r, const char *what)
{
	char at[64];
	const char *msg = t->w.err.msg;
	snprintf(at, sizeof at, "offset %llu:", (unsigned long long)t->refused_at);
	bool says_where = strstr(msg, t->refused_file) && strstr(msg, at);
	if (t->refused_at == 0) /* without its header a journal has no HEAD: told at the place where that would be */
		says_where = says_where || (strstr(msg, t->refused_file) && strstr(msg, "offset 32: it has no HEAD"));
	if (t->refused_at == UINT64_MAX)
		says_where = strstr(msg, "counts on") && strstr(msg, "plan-3");
	if (r != -PRS_ECORRUPT || !says_where)
		fail_msg("%s: %d (%s), but %s is damaged at %s", what, r, msg, t->refused_file, at);
}

static void check(struct world *t, int changed, const uint8_t *now, uint64_t n, const char *what)
{
	struct file *f = &t->files[changed];
	struct prs_recover_sink sink = { t, on_plan, on_fact };
	struct prs_recovered was;
	t->cases++;
	expect(t, changed, now, n);
	mem_fs_resize(t->w.m, f->path, n);
	memcpy(mem_fs_bytes(t->w.m, f->path, NULL), now, n);
	assert_int_equal(prs_index_new(&t->x, t->w.fs, "/run", 9, NULL), 0);
	t->w.seen[0] = 0;
	t->w.err = (struct prs_err){ 0 };
	int r = prs_store_recover(t->w.fs, "/run", &t->w.run, &sink, &was, &t->w.err);
	if (t->refused) {
		check_refusal(t, r, what);
	} else {
		if (r != 0 || strcmp(t->w.seen, t->want) != 0)
			fail_msg("%s: %d %s\n  %s\nnot\n  %s", what, r, t->w.err.msg, t->w.seen, t->want);
		check_output(t, what);
	}
	prs_index_free(t->x);
	mem_fs_resize(t->w.m, f->path, f->n);
	memcpy(mem_fs_bytes(t->w.m, f->path, NULL), f->sound, f->n);
}

/* ---- what can happen to a file ----------------------------------------------------------------------------------- */

/* From byte `from` on; the large folder is probed at fewer bytes, at all around the edges of frames and pages. */
static bool worth(const struct world *t, const struct file *f, uint64_t at)
{
	if (t->row_bytes < 100 || at % 97 == 0 || (at + 2) % 4096 < 4)
		return true;
	for (unsigned k = 0; k < f->frames_n; k++)
		if (at + 2 >= f->frames[k].start && at < f->frames[k].start + 34)
			return true;
	return false;
}

static void each_byte(struct world *t, void (*change)(struct world *t, int file, uint8_t *now, uint64_t at))
{
	for (int i = 0; i < LAST; i++) {
		uint8_t *now = malloc(t->files[i].n);
		for (uint64_t at = 0; at < t->files[i].n; at++) {
			if (!worth(t, &t->files[i], at))
				continue;
			memcpy(now, t->files[i].sound, t->files[i].n);
			change(t, i, now, at);
		}
		free(now);
	}
	assert_int_equal(mem_fs_open_files(t->w.m), 0);
	print_message("%lu cases\n", t->cases);
}

static void name(char what[128], const struct world *t, int file, const char *how, uint64_t at)
{
	snprintf(what, 128, "%s, %s at %llu of %llu", t->files[file].path, how, (unsigned long long)at,
	         (unsigned long long)t->files[file].n);
}

static void cut(struct world *t, int file, uint8_t *now, uint64_t at)
{
	char what[128];
	name(what, t, file, "cut", at);
	check(t, file, now, at, what);
}

static void flip(struct world *t, int file, uint8_t *now, uint64_t at)
{
	char what[128];
	uint8_t masks[] = { 0xff, (uint8_t)(1 << at % 8), (uint8_t)(1 << (at + 3) % 8) };
	for (unsigned i = 0; i < sizeof masks; i++) {
		name(what, t, file, "flipped", at);
		now[at] ^= masks[i];
		check(t, file, now, t->files[file].n, what);
		now[at] ^= masks[i];
	}
}

static void zeros(struct world *t, int file, uint8_t *now, uint64_t at)
{
	char what[128];
	name(what, t, file, "zeros", at);
	memset(now + at, 0, t->files[file].n - at);
	check(t, file, now, t->files[file].n, what);
}

static void test_sound(void **state)
{
	struct world *t = *state;
	for (int i = 0; i < LAST; i++)
		check(t, i, t->files[i].sound, t->files[i].n, "sound");
	assert_false(t->refused);
	assert_string_equal(t->want_bad, "");
	assert_true(t->want_out_n > 5 * t->row_bytes);
}

static void test_cut(void **state) { each_byte(*state, cut); }
static void test_flipped(void **state) { each_byte(*state, flip); }
static void test_zeros_from_here(void **state) { each_byte(*state, zeros); }

static void test_zeros_behind(void **state)
{
	struct world *t = *state;
	static const uint64_t more[] = { 1, 7, 8, 31, 32, 33, 64, 4095, 4096, 4097, 100000 };
	char what[128];
	for (int i = 0; i < LAST; i++)
		for (size_t k = 0; k < sizeof more / sizeof *more; k++)
			for (int fill = 0; fill < 2; fill++) { /* zeros, or what was on the disk before */
				uint8_t *now = malloc(t->files[i].n + more[k]);
				memcpy(now, t->files[i].sound, t->files[i].n);
				memset(now + t->files[i].n, fill ? 0xa5 : 0, more[k]);
				name(what, t, i, "more behind", more[k]);
				check(t, i, now, t->files[i].n + more[k], what);
				free(now);
			}
}

/* Two pages (or sectors) in each other's place, or one twice. */
static void swap(struct world *t, uint64_t size, bool copy)
{
	char what[128];
	for (int i = 0; i < LAST; i++) {
		struct file *f = &t->files[i];
		uint8_t *now = malloc(f->n + size);
		for (uint64_t a = 0; a < f->n; a += size)
			for (uint64_t b = 0; b < f->n; b += size) {
				uint64_t na = f->n - a < size ? f->n - a : size, nb = f->n - b < size ? f->n - b : size,
					 m = na < nb ? na : nb;
				if (a == b || (!copy && b < a))
					continue;
				memcpy(now, f->sound, f->n);
				memcpy(now + b, f->sound + a, m);
				if (!copy)
					memcpy(now + a, f->sound + b, m);
				name(what, t, i, copy ? "copied" : "swapped", a);
				check(t, i, now, f->n, what);
			}
		free(now);
	}
	print_message("%lu cases\n", t->cases);
}

static void test_pages_swapped(void **state) { swap(*state, 4096, false); }
static void test_pages_repeated(void **state) { swap(*state, 4096, true); }
static void test_sectors_swapped(void **state) { swap(*state, 512, false); }
static void test_words_swapped(void **state) { swap(*state, 8, false); }

/* A whole frame at another offset, as a file system that mixes up extents would leave it: its offset gives it away. */
static void test_frames_repeated(void **state)
{
	struct world *t = *state;
	char what[128];
	for (int i = 0; i < LAST; i++) {
		struct file *f = &t->files[i];
		for (unsigned k = 0; k < f->frames_n; k++) { /* once more behind the end */
			uint64_t n = f->frames[k].end - f->frames[k].start;
			uint8_t *now = malloc(f->n + n);
			memcpy(now, f->sound, f->n);
			memcpy(now + f->n, f->sound + f->frames[k].start, n);
			name(what, t, i, "frame repeated", f->frames[k].start);
			check(t, i, now, f->n + n, what);
			free(now);
		}
	}
}

int main(void)
{
#define SMALL(name) cmocka_unit_test_setup_teardown(name, setup_small, teardown)
#define LARGE(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown)
	const struct CMUnitTest tests[] = {
		SMALL(test_sound),
		LARGE(test_sound),
		SMALL(test_cut),
		LARGE(test_cut),
		SMALL(test_flipped),
		LARGE(test_flipped),
		SMALL(test_zeros_from_here),
		LARGE(test_zeros_from_here),
		SMALL(test_zeros_behind),
		LARGE(test_zeros_behind),
		LARGE(test_pages_swapped),
		LARGE(test_pages_repeated),
		LARGE(test_sectors_swapped),
		SMALL(test_words_swapped),
		SMALL(test_frames_repeated),
		LARGE(test_frames_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
