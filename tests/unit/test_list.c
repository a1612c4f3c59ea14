/* SPDX-License-Identifier: Apache-2.0
 * test_list: any tree becomes the mini-batches that a simple recursion finds; a plan that was cut anywhere goes on to
 * the same end.
 */
#include "data/list.h"
#include "data/plan.h"
#include "io/fs_posix.h"
#include "tree_fs.h"
#include "wire/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { INPUTS_MAX = 4, BODIES_MAX = 4096 };

struct world {
	struct tree tree;
	struct prs_list_input inputs[INPUTS_MAX];
	unsigned inputs_n;
	uint32_t per;
	struct prs_plan *plan;
	struct prs_list_counts counts;
	struct prs_list keys; /* partition keys of all inputs */
	const char *format;
	size_t body_bytes;                 /* what a body may have */
	struct prs_buf bodies[BODIES_MAX]; /* one a call of prs_list_next */
	unsigned bodies_n;
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	tree_init(&w->tree);
	w->per = 3;
	w->body_bytes = (size_t)64 << 20;
	*state = w;
	return 0;
}

static void clear_plan(struct world *w)
{
	for (unsigned i = 0; i < w->bodies_n; i++)
		prs_buf_done(&w->bodies[i]);
	w->bodies_n = 0;
	prs_plan_free(w->plan);
	w->plan = NULL;
	w->err = (struct prs_err){ 0 };
}

static int teardown(void **state)
{
	struct world *w = *state;
	clear_plan(w);
	prs_list_done(&w->keys);
	tree_done(&w->tree);
	free(w);
	return 0;
}

static void add_input(struct world *w, const char *path)
{
	static const char *const names[INPUTS_MAX] = { "a", "b", "c", "d" };
	w->inputs[w->inputs_n] = (struct prs_list_input){ .name = names[w->inputs_n],
		                                          .path = path,
		                                          .keys = &w->keys,
		                                          .format = w->format };
	w->inputs_n++;
}

static struct prs_lister *new_lister(struct world *w)
{
	for (unsigned i = 0; i < w->inputs_n; i++)
		w->inputs[i].size = (struct prs_batch_size){ PRS_SIZE_ITEMS, w->per };
	return prs_lister_new(&w->tree.fs, w->inputs, w->inputs_n);
}

/* The header of the plan says what its records ask for. */
static void check_minor(const struct world *w, const struct prs_lister *l)
{
	uint16_t minor = PRS_FORMAT_MINOR;
	for (unsigned i = 0; i < w->bodies_n; i++) {
		struct prs_plan_record r;
		size_t at = 0;
		while (prs_plan_next(w->bodies[i].data, w->bodies[i].len, &at, &r, NULL) == 1)
			minor = prs_plan_minor(&r) > minor ? prs_plan_minor(&r) : minor;
	}
	assert_int_equal(prs_lister_minor(l), minor);
}

/* Lists until the end, or until `most` calls were made, behind the bodies that are there; the last result of
 * prs_list_next. */
static int go_on(struct world *w, unsigned most)
{
	struct prs_lister *l = new_lister(w);
	int r = 1;
	for (unsigned i = 0; i < w->bodies_n; i++)
		assert_int_equal(prs_list_feed(l, w->bodies[i].data, w->bodies[i].len, &w->err), 0);
	while (r == 1 && w->bodies_n < most) {
		struct prs_buf *b = &w->bodies[w->bodies_n];
		assert_true(w->bodies_n < BODIES_MAX);
		prs_buf_init(b, w->body_bytes);
		r = prs_list_next(l, b, &w->err);
		if (r >= 0)
			w->bodies_n++;
		else
			prs_buf_done(b);
	}
	prs_list_counts(l, &w->counts);
	check_minor(w, l);
	prs_lister_free(l);
	return r;
}

/* All bodies in one. */
static void join_bodies(const struct world *w, struct prs_buf *to)
{
	prs_buf_init(to, (size_t)1 << 30);
	for (unsigned i = 0; i < w->bodies_n; i++)
		prs_buf_put(to, w->bodies[i].data, w->bodies[i].len);
}

static void make_plan(struct world *w)
{
	w->plan = prs_plan_new();
	for (unsigned i = 0; i < w->bodies_n; i++)
		assert_int_equal(prs_plan_feed(w->plan, w->bodies[i].data, w->bodies[i].len, &w->err), 0);
}

static void list_all(struct world *w)
{
	int r = go_on(w, BODIES_MAX);
	if (r != 0)
		fail_msg("%s", w->err.msg);
	make_plan(w);
	assert_true(prs_plan_complete(w->plan));
}

/* ---- the oracle -------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct tree_node *x = *(struct tree_node *const *)a, *y = *(struct tree_node *const *)b;
	return strcmp(x->name, y->name);
}

struct above {
	const struct tree_node *folder;
	const struct above *next;
};

/* Paths of the files below a folder, each closed by a NUL. */
static void walk(struct tree *t, struct tree_node *folder, const char *path, const struct above *above,
                 struct prs_buf *to, uint64_t *files)
{
	for (const struct above *a = above; a; a = a->next)
		if (a->folder == folder)
			return;
	struct above here = { folder, above };
	struct tree_node **v = malloc((folder->n + 1) * sizeof *v);
	if (folder->n)
		memcpy(v, folder->v, folder->n * sizeof *v);
	qsort(v, folder->n, sizeof *v, by_name);
	for (int folders = 0; folders < 2; folders++)
		for (size_t i = 0; i < folder->n; i++) {
			char *below = NULL;
			if (asprintf(&below, "%s/%s", strcmp(path, "/") ? path : "", v[i]->name) < 0)
				abort();
			struct tree_node *n = v[i]->type == 'l' ? tree_find(t, below) : v[i];
			if (folders && n && n->type == 'd')
				walk(t, n, below, &here, to, files);
			if (!folders && (!n || n->type == 'f')) {
				prs_buf_put(to, below, strlen(below) + 1);
				++*files;
			}
			free(below);
		}
	free(v);
}

/* By the first letter of the name: format "{letter}{rest}". */
static void expect_letters(unsigned input, const char *paths, uint64_t files, struct prs_buf *to)
{
	for (int c = 1; c < 256; c++) {
		bool any = false;
		const char *at = paths;
		for (uint64_t k = 0; k < files; k++, at += strlen(at) + 1) {
			if ((unsigned char)strrchr(at, '/')[1] != c)
				continue;
			if (!any)
				prs_buf_putf(to, "%u:", input);
			prs_buf_putf(to, " %s", at);
			any = true;
		}
		if (any)
			prs_buf_putc(to, '\n');
	}
}

/* Every mini-batch as the oracle sees it: "input: path path ..." */
static void expect(struct world *w, struct prs_buf *to)
{
	for (unsigned i = 0; i < w->inputs_n; i++) {
		PRS_AUTOBUF paths;
		uint64_t files = 0;
		prs_buf_init(&paths, (size_t)1 << 30);
		struct tree_node *n = tree_find(&w->tree, w->inputs[i].path);
		if (n->type == 'f')
			files = 1, prs_buf_put(&paths, w->inputs[i].path, strlen(w->inputs[i].path) + 1);
		else
			walk(&w->tree, n, w->inputs[i].path, NULL, &paths, &files);
		const char *at = prs_buf_str(&paths);
		if (w->format)
			expect_letters(i, at, files, to);
		for (uint64_t k = 0; !w->format && k < files; k++) {
			size_t len = strlen(at);
			if (k % w->per == 0)
				prs_buf_putf(to, "%s%u:", k ? "\n" : "", i);
			prs_buf_putc(to, ' ');
			prs_buf_put(to, at, len);
			at += len + 1;
		}
		if (files && !w->format)
			prs_buf_putc(to, '\n');
	}
}

/* The same from the plan. */
static void found(struct world *w, struct prs_buf *to)
{
	uint64_t items = 0;
	for (uint64_t id = 0; id < prs_plan_next_id(w->plan); id++) {
		PRS_AUTOBUF paths;
		prs_buf_init(&paths, (size_t)1 << 30);
		struct prs_unit u = { .id = id };
		assert_int_equal(prs_plan_paths(w->plan, &u, &paths), 0);
		uint32_t n = prs_plan_items_of(w->plan, id);
		items += n;
		prs_buf_putf(to, "%u:", prs_plan_input_of(w->plan, id));
		for (size_t at = 0; at < paths.len; at += strlen((char *)paths.data + at) + 1, n--)
			prs_buf_putf(to, " %s", (char *)paths.data + at);
		assert_int_equal(n, 0);
		prs_buf_putc(to, '\n');
	}
	assert_int_equal(items, prs_plan_items(w->plan));
	assert_int_equal(items, prs_plan_files(w->plan));
}

static void check(struct world *w)
{
	PRS_AUTOBUF want, got;
	prs_buf_init(&want, (size_t)1 << 30);
	prs_buf_init(&got, (size_t)1 << 30);
	expect(w, &want);
	found(w, &got);
	assert_string_equal(prs_buf_str(&got), prs_buf_str(&want));
}

/* ---- trees ------------------------------------------------------------------------------------------------------- */

static struct tree_node *folder(struct world *w, const char *name)
{
	return tree_add(&w->tree, &w->tree.root, name, 'd');
}
static struct tree_node *file(struct world *w, struct tree_node *in, const char *name)
{
	return tree_add(&w->tree, in, name, 'f');
}

static void test_order(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *b = tree_add(&w->tree, in, "b", 'd'),
			 *a = tree_add(&w->tree, in, "a", 'd');
	static const char *const names[] = { "z",       "B",  "\xff", "b2",   "\xc3\xa4", "a b", "new\nline",
		                             ".hidden", "_x", "\"",   "\x01", "A",        "b10" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		file(w, in, names[i]);
		file(w, b, names[i]);
	}
	file(w, tree_add(&w->tree, a, "deep", 'd'), "x");
	file(w, a, "y");
	add_input(w, "/in");
	list_all(w);
	check(w);
	PRS_AUTOBUF first;
	prs_buf_init(&first, 4096);
	struct prs_unit u = { .id = 0 };
	prs_plan_paths(w->plan, &u, &first);
	assert_memory_equal(first.data, "/in/\x01\0/in/\"\0/in/.hidden", 24);
}

static void test_empty(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	tree_add(&w->tree, tree_add(&w->tree, in, "a", 'd'), "b", 'd');
	add_input(w, "/in");
	list_all(w);
	assert_int_equal(prs_plan_next_id(w->plan), 0);
	assert_int_equal(w->counts.folders, 3);
}

static void test_inputs_are_not_mixed(void **state)
{
	struct world *w = *state;
	struct tree_node *one = folder(w, "one"), *two = folder(w, "two");
	folder(w, "empty");
	file(w, &w->tree.root, "single");
	for (char name[] = "0"; name[0] < '5'; name[0]++) {
		file(w, one, name);
		file(w, tree_add(&w->tree, two, name, 'd'), name);
	}
	add_input(w, "/one");
	add_input(w, "/empty");
	add_input(w, "/single");
	add_input(w, "/two");
	list_all(w);
	check(w);
	assert_int_equal(prs_plan_next_id(w->plan), 5);
	assert_int_equal(prs_plan_items_of(w->plan, 1), 2);
	assert_int_equal(prs_plan_items_of(w->plan, 2), 1);
	assert_int_equal(prs_plan_input_of(w->plan, 4), 3);
}

static void test_links(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *a = tree_add(&w->tree, in, "a", 'd'), *other = folder(w, "other");
	file(w, a, "1");
	file(w, other, "2");
	tree_add(&w->tree, in, "twice", 'l')->target = other;
	tree_add(&w->tree, in, "again", 'l')->target = other;
	tree_add(&w->tree, a, "up", 'l')->target = in;
	tree_add(&w->tree, a, "self", 'l')->target = a;
	tree_add(&w->tree, other, "back", 'l')->target = in;
	tree_add(&w->tree, a, "to_file", 'l')->target = other->v[0];
	struct tree_node *round = tree_add(&w->tree, a, "round", 'l');
	round->target = round;
	tree_add(&w->tree, a, "nowhere", 'l');
	add_input(w, "/in");
	for (int i = 0; i < 2; i++) {
		list_all(w);
		check(w);
		assert_int_equal(w->counts.loops_cut, 4);
		clear_plan(w);
		w->tree.no_types = true;
	}
}

static void test_what_is_no_file(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	file(w, in, "f");
	tree_add(&w->tree, in, "fifo", 'o');
	tree_add(&w->tree, in, "link", 'l')->target = tree_add(&w->tree, in, "socket", 'o');
	add_input(w, "/in");
	list_all(w);
	check(w);
	assert_int_equal(w->counts.special, 3);
	assert_int_equal(w->counts.files, 1);
}

static void test_unreadable(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	file(w, in, "f");
	tree_add(&w->tree, in, "secret", 'd')->fails = EACCES;
	add_input(w, "/in");
	assert_int_equal(go_on(w, BODIES_MAX), -PRS_EPERMISSION);
	assert_non_null(strstr(w->err.msg, "/in/secret"));
	/* made readable, it goes on where it was */
	tree_find(&w->tree, "/in/secret")->fails = 0;
	w->err = (struct prs_err){ 0 };
	list_all(w);
	check(w);
}

static void test_root_of_everything(void **state)
{
	struct world *w = *state;
	file(w, &w->tree.root, "a");
	file(w, folder(w, "b"), "c");
	add_input(w, "/");
	list_all(w);
	check(w);
}

static void test_deep(void **state)
{
	struct world *w = *state;
	struct tree_node *at = folder(w, "in");
	add_input(w, "/in");
	for (int i = 0; i < 400; i++) {
		file(w, at, "f");
		at = tree_add(&w->tree, at, i % 2 ? "a" : "long name of a folder", 'd');
	}
	list_all(w);
	check(w);
}

/* A rule describes any number of mini-batches of a folder; blocks of names stay small. */
static void test_100000_files(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *sub = tree_add(&w->tree, in, "sub", 'd');
	char name[64];
	for (uint32_t i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "%08x.jpg", i * 2654435761u);
		file(w, i % 10 ? in : sub, name);
	}
	w->per = 7;
	add_input(w, "/in");
	list_all(w);
	unsigned rules = 0, blocks = 0;
	for (unsigned b = 0; b < w->bodies_n; b++) {
		struct prs_plan_record r;
		size_t at = 0;
		while (prs_plan_next(w->bodies[b].data, w->bodies[b].len, &at, &r, NULL) == 1) {
			rules += r.type == PRS_PLAN_RULE;
			blocks += r.type == PRS_PLAN_FILES;
			assert_true(r.type != PRS_PLAN_FILES || r.u.files.names_bytes <= PRS_FILES_BLOCK_BYTES + 256);
		}
	}
	assert_int_equal(rules, 3); /* whole ones of each folder, the rest */
	assert_in_range(blocks, 100000 * 13 / PRS_FILES_BLOCK_BYTES, 100000 * 13 / PRS_FILES_BLOCK_BYTES + 3);
	assert_int_equal(prs_plan_next_id(w->plan), 14286);
	assert_int_equal(prs_plan_items_of(w->plan, 14285), 5);
	check(w);
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static void test_parts_of_a_mini_batch(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *sub = tree_add(&w->tree, in, "sub", 'd');
	for (char name[] = "0"; name[0] < '6'; name[0]++)
		file(w, name[0] < '4' ? in : sub, name);
	w->per = 5;
	add_input(w, "/in");
	list_all(w);
	static const struct {
		struct prs_unit u;
		const char *paths;
	} rows[] = {
		{ { 0, 0, 0 }, "/in/0 /in/1 /in/2 /in/3 /in/sub/4 " },
		{ { 0, 0, 1 }, "/in/0 " },
		{ { 0, 3, 2 }, "/in/3 /in/sub/4 " },
		{ { 0, 4, 99 }, "/in/sub/4 " },
		{ { 0, 5, 1 }, "" },
		{ { 1, 0, 5 }, "/in/sub/5 " },
		{ { 2, 0, 0 }, "" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_paths(w->plan, &rows[i].u, &b), 0);
		for (size_t k = 0; k < b.len; k++)
			b.data[k] = b.data[k] ? b.data[k] : ' ';
		assert_string_equal(prs_buf_str(&b), rows[i].paths);
	}
	PRS_AUTOBUF detail;
	prs_buf_init(&detail, 4096);
	struct prs_unit u = { .id = 0 };
	prs_plan_detail(w->plan, &u, 2, &detail);
	assert_string_equal(prs_buf_str(&detail), "0, 1, ... (5 files)");
	prs_buf_clear(&detail);
	prs_plan_detail(w->plan, &u, 5, &detail);
	assert_string_equal(prs_buf_str(&detail), "0, 1, 2, 3, sub/4");
	assert_int_equal(prs_plan_items_of(w->plan, 2), 0);
}

static uint64_t dice; /* xorshift */
static uint32_t roll(uint32_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 20) % sides;
}

static void random_tree(struct world *w, struct tree_node *in, int depth)
{
	uint32_t files = roll(12), folders = depth ? roll(4) : 0;
	char name[32];
	for (uint32_t i = 0; i < files + folders; i++) {
		snprintf(name, sizeof name, "%c%u", 'a' + roll(26), i);
		struct tree_node *n = tree_add(&w->tree, in, name, i < files ? "ffffffflo"[roll(9)] : 'd');
		if (n->type == 'l' && roll(2))
			n->target = roll(2) ? in : &w->tree.root;
		if (n->type == 'd')
			random_tree(w, n, depth - 1);
	}
}

static void key(struct world *w, const char *name) { assert_int_equal(prs_list_add(&w->keys, name), 0); }

static void by_letter(struct world *w)
{
	key(w, "letter");
	w->format = "{letter}{rest}";
}

static void random_world(struct world *w, uint64_t seed)
{
	dice = seed * 0x9e3779b97f4a7c15u + 1;
	w->per = 1 + roll(6);
	w->inputs_n = 0;
	if (seed % 2)
		by_letter(w);
	static const char *const names[] = { "in", "more", "last" };
	static const char *const paths[] = { "/in", "/more", "/last" };
	uint32_t inputs = 1 + roll(3);
	for (uint32_t i = 0; i < inputs; i++) {
		random_tree(w, folder(w, names[i]), 3);
		add_input(w, paths[i]);
	}
}

/* Cut after every call and gone on with by a new lister: byte for byte the same plan. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world *w = NULL;
		setup((void **)&w);
		random_world(w, seed);
		list_all(w);
		check(w);
		PRS_AUTOBUF whole;
		join_bodies(w, &whole);
		unsigned calls = w->bodies_n;
		for (unsigned cut = 1; cut < calls && cut < 40; cut++) {
			clear_plan(w);
			assert_int_equal(go_on(w, cut), 1);
			assert_int_equal(go_on(w, BODIES_MAX), 0);
			PRS_AUTOBUF again;
			join_bodies(w, &again);
			assert_int_equal(again.len, whole.len);
			assert_memory_equal(again.data, whole.data, whole.len);
		}
		teardown((void **)&w);
	}
}

/* ---- folders that fit no body ------------------------------------------------------------------------------------ */

enum { SMALL_BODY_BYTES = 256 << 10, LONG_NAME_BYTES = 200 };

/* Files or folders f0000..., with names so long that 1300 of them fill a small body. */
static struct tree_node *long_name(struct world *w, struct tree_node *in, unsigned number, char type)
{
	char name[LONG_NAME_BYTES + 1];
	memset(name, 'n', LONG_NAME_BYTES);
	name[LONG_NAME_BYTES] = 0;
	memcpy(name,
	       (char[]){ type, (char)('0' + number / 1000), (char)('0' + number / 100 % 10),
	                 (char)('0' + number / 10 % 10), (char)('0' + number % 10) },
	       5);
	return tree_add(&w->tree, in, name, type);
}

static void fill(struct world *w, struct tree_node *in, unsigned files, unsigned folders)
{
	for (unsigned i = 0; i < files; i++)
		long_name(w, in, (i * 7919 + 13) % files, 'f');
	for (unsigned i = 0; i < folders; i++)
		long_name(w, in, (i * 7919 + 13) % folders, 'd');
}

static unsigned records(const struct world *w, enum prs_plan_type type)
{
	unsigned n = 0;
	for (unsigned b = 0; b < w->bodies_n; b++) {
		struct prs_plan_record r;
		size_t at = 0;
		while (prs_plan_next(w->bodies[b].data, w->bodies[b].len, &at, &r, NULL) == 1)
			n += r.type == type;
	}
	return n;
}

/* A small folder, one with too many files, one with too many of both that holds another one, a small one. */
static void overfull_world(struct world *w)
{
	struct tree_node *in = folder(w, "in");
	file(w, in, "f0");
	fill(w, tree_add(&w->tree, in, "a", 'd'), 1500, 0);
	struct tree_node *b = tree_add(&w->tree, in, "b", 'd');
	fill(w, b, 1700, 600);
	file(w, b->v[b->n - 1], "in the folder");
	fill(w, b->v[b->n - 2], 1400, 3);
	file(w, tree_add(&w->tree, in, "c", 'd'), "f0");
	w->body_bytes = SMALL_BODY_BYTES;
	w->per = 7;
	add_input(w, "/in");
}

/* Cut between any two calls and gone on with by a new lister: byte for byte the same plan. */
static void cut_overfull(struct world *w)
{
	overfull_world(w);
	list_all(w);
	check(w);
	assert_int_equal(records(w, PRS_PLAN_PART), 3);
	PRS_AUTOBUF whole;
	join_bodies(w, &whole);
	unsigned calls = w->bodies_n, step;
	assert_in_range(calls, 600, 700);
	for (unsigned cut = 1; cut < calls; cut += step) {
		step = cut < 35 || cut > calls - 10 ? 1 : 149; /* most calls are empty folders */
		clear_plan(w);
		assert_int_equal(go_on(w, cut), 1);
		assert_int_equal(go_on(w, BODIES_MAX), 0);
		PRS_AUTOBUF again;
		join_bodies(w, &again);
		assert_int_equal(again.len, whole.len);
		assert_memory_equal(again.data, whole.data, whole.len);
	}
}

static void test_overfull_folders(void **state) { cut_overfull(*state); }

static void test_overfull_folders_of_groups(void **state)
{
	struct world *w = *state;
	by_letter(w);
	cut_overfull(w);
}

/* Mini-batches of it are there before it is planned to its end; one that fits is planned whole. */
static void test_a_folder_in_parts(void **state)
{
	struct world *w = *state;
	fill(w, folder(w, "in"), 1500, 0);
	w->body_bytes = SMALL_BODY_BYTES;
	add_input(w, "/in");
	assert_int_equal(go_on(w, 2), 1);
	make_plan(w);
	assert_in_range(prs_plan_next_id(w->plan), 50, 200);
	assert_int_equal(records(w, PRS_PLAN_PART), 1);
	clear_plan(w);
	w->body_bytes *= 2;
	list_all(w);
	assert_int_equal(records(w, PRS_PLAN_PART), 0);
	check(w);
}

/* Between two lives, in a folder of which 3 parts are planned (of 5) or all files and some folders. */
static void test_an_overfull_folder_that_changes(void **state)
{
	(void)state;
	static const struct {
		unsigned calls;
		char gone; /* f d: the first of them that is planned; F D: the last of all, which is not */
		const char *is_new;
		const char *want; /* NULL = it goes on */
	} rows[] = {
		{ 4, 0, NULL, NULL },          { 4, 'f', NULL, "is gone" },   { 4, 'F', NULL, NULL },
		{ 4, 'd', NULL, NULL },        { 4, 0, "a", "/in/a is new" }, { 4, 0, "f00001", "/in/f00001 is new" },
		{ 4, 0, "z", NULL },           { 9, 0, NULL, NULL },          { 9, 'f', NULL, "is gone" },
		{ 9, 'F', NULL, "is gone" },   { 9, 'd', NULL, "is gone" },   { 9, 'D', NULL, NULL },
		{ 9, 0, "a", "/in/a is new" }, { 9, 0, "z", "/in/z is new" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = NULL;
		setup((void **)&w);
		struct tree_node *in = folder(w, "in");
		fill(w, in, 1500, 1500);
		w->body_bytes = SMALL_BODY_BYTES;
		add_input(w, "/in");
		assert_int_equal(go_on(w, rows[i].calls), 1);
		for (size_t k = 0; rows[i].gone && k < in->n; k++) {
			const char *digits = rows[i].gone == 'f' || rows[i].gone == 'd' ? "0000" : "1499";
			if (in->v[k]->name[0] == (rows[i].gone | 0x20) && !strncmp(in->v[k]->name + 1, digits, 4)) {
				tree_remove(in, in->v[k]->name);
				break;
			}
		}
		if (rows[i].is_new)
			file(w, in, rows[i].is_new);
		int r = go_on(w, BODIES_MAX);
		if (r != (rows[i].want ? -PRS_EINPUT_CHANGED : 0) ||
		    (rows[i].want && !strstr(w->err.msg, rows[i].want)))
			fail_msg("row %zu: %d %s", i, r, w->err.msg);
		if (!r) {
			make_plan(w);
			check(w);
		}
		teardown((void **)&w);
	}
}

/* ---- parts, lists ------------------------------------------------------------------------------------------------ */

static void test_parts_cut_anywhere(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *a = tree_add(&w->tree, in, "a", 'd'),
			 *b = tree_add(&w->tree, in, "b", 'd'), *c = tree_add(&w->tree, in, "c", 'd');
	file(w, a, "1");
	file(w, tree_add(&w->tree, a, "deep", 'd'), "2");
	file(w, b, "3");
	file(w, b, "not this");
	static const char *const names[] = { "x4", "y4", "x5" };
	for (size_t i = 0; i < 3; i++) {
		static const char *const subs[] = { "s0", "s1", "s2" };
		struct tree_node *sub = tree_add(&w->tree, c, subs[i], 'd');
		file(w, sub, names[i]);
		file(w, tree_add(&w->tree, sub, "t", 'd'), names[2 - i]);
	}
	static const char *const texts[] = { "/in/c/**/x*", "/in/b/3", "/in/a", "/in/b" };
	struct prs_list parts = { 0 };
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(prs_list_add(&parts, texts[i]), 0);
	w->per = 4;
	add_input(w, "/in");
	w->inputs[0].parts = &parts;
	list_all(w);
	PRS_AUTOBUF got, whole;
	prs_buf_init(&got, 4096);
	found(w, &got);
	assert_string_equal(prs_buf_str(&got), "0: /in/c/s0/x4 /in/c/s0/t/x5 /in/c/s2/x5 /in/c/s2/t/x4\n"
	                                       "0: /in/b/3 /in/a/1 /in/a/deep/2 /in/b/3\n0: /in/b/not this\n");
	join_bodies(w, &whole);
	unsigned calls = w->bodies_n;
	for (unsigned cut = 1; cut < calls; cut++) {
		clear_plan(w);
		assert_int_equal(go_on(w, cut), 1);
		assert_int_equal(go_on(w, BODIES_MAX), 0);
		PRS_AUTOBUF again;
		join_bodies(w, &again);
		assert_int_equal(again.len, whole.len);
		assert_memory_equal(again.data, whole.data, whole.len);
	}
	prs_list_done(&parts);
}

/* Paths as long as those before, in another folder: a link back to that is a loop, too. */
static void test_a_loop_in_a_part(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	static const char *const names[] = { "a", "b" }, *const links[] = { "up", "upper" },
				 *const texts[] = { "/in/a/p", "/in/b/p" };
	struct prs_list parts = { 0 };
	for (size_t i = 0; i < 2; i++) {
		struct tree_node *above = tree_add(&w->tree, in, names[i], 'd'),
				 *p = tree_add(&w->tree, above, "p", 'd');
		file(w, p, "1");
		tree_add(&w->tree, p, links[i], 'l')->target = above;
		assert_int_equal(prs_list_add(&parts, texts[i]), 0);
	}
	add_input(w, "/in");
	w->inputs[0].parts = &parts;
	list_all(w);
	PRS_AUTOBUF got;
	prs_buf_init(&got, 4096);
	found(w, &got);
	assert_string_equal(prs_buf_str(&got), "0: /in/a/p/1 /in/b/p/1\n");
	assert_int_equal(w->counts.loops_cut, 2);
	prs_list_done(&parts);
}

static void write_list(const char *path, const char *folders, unsigned first, unsigned lines)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned i = first; i < first + lines; i++)
		fprintf(f, "/data/%c/name %08u of a file\n", folders[i / 1000 % strlen(folders)], i);
	fclose(f);
}

/* A resume goes on behind the lines that are planned, when they are still the first ones. */
static void test_a_list_that_changes(void **state)
{
	(void)state;
	static const struct {
		const char *folders; /* 1000 lines each */
		unsigned first, lines;
		int want;
		uint64_t files;
	} rows[] = {
		{ "ab", 0, 6000, 0, 6000 },
		{ "ab", 0, 7000, 0, 7000 }, /* more at its end */
		{ "ab", 1, 6000, -PRS_EINPUT_CHANGED, 0 },
		{ "bb", 0, 6000, -PRS_EINPUT_CHANGED, 0 }, /* other folders, another root */
		{ "ac", 0, 6000, -PRS_EINPUT_CHANGED, 0 },
		{ "ab", 0, 900, -PRS_EINPUT_CHANGED, 0 },
		{ "ab", 0, 0, -PRS_EINPUT_CHANGED, 0 },
	};
	char path[] = "/tmp/prs-list-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = NULL;
		setup((void **)&w);
		w->tree.fs = prs_fs_posix;
		write_list(path, "ab", 0, 6000);
		add_input(w, path);
		w->inputs[0].is_list = true;
		assert_int_equal(go_on(w, 1), 1);
		write_list(path, rows[i].folders, rows[i].first, rows[i].lines);
		int r = go_on(w, BODIES_MAX);
		if (r != rows[i].want || (r < 0 && (!strstr(w->err.msg, path) || !strstr(w->err.msg, "were planned"))))
			fail_msg("row %zu: %d %s", i, r, w->err.msg);
		if (r == 0) {
			make_plan(w);
			assert_int_equal(prs_plan_items(w->plan), rows[i].files);
		}
		teardown((void **)&w);
	}
	unlink(path);
}

/* Planned is no line yet, but the folder that holds them all: it must be that of the list. */
static void test_a_list_of_another_root(void **state)
{
	struct world *w = *state;
	const struct prs_plan_record records[] = {
		{ .type = PRS_PLAN_INPUT, .u.input = { .size = 3, .name = { "a", 1 }, .root = { "/data", 5 } } },
		{ .type = PRS_PLAN_DIR, .u.dir = { .parent = PRS_NO_DIR } },
		{ .type = PRS_PLAN_FILES, .u.files = { .flags = PRS_FILES_LAST, .names = "" } },
	};
	char path[] = "/tmp/prs-list-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	w->tree.fs = prs_fs_posix;
	add_input(w, path);
	w->inputs[0].is_list = true;
	prs_buf_init(&w->bodies[0], 4096);
	for (size_t i = 0; i < 3; i++)
		prs_plan_put(&w->bodies[0], &records[i]);
	w->bodies_n = 1;
	write_list(path, "a", 0, 10); /* in /data/a */
	assert_int_equal(go_on(w, BODIES_MAX), -PRS_EINPUT_CHANGED);
	write_list(path, "ab", 995, 10);
	assert_int_equal(go_on(w, BODIES_MAX), 0);
	unlink(path);
}

/* What was planned is not looked at again. */
static void test_a_planned_folder_may_be_gone(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in"), *a = tree_add(&w->tree, in, "a", 'd'),
			 *b = tree_add(&w->tree, in, "b", 'd');
	file(w, a, "1");
	file(w, a, "2");
	file(w, b, "3");
	file(w, b, "4");
	add_input(w, "/in");
	assert_int_equal(go_on(w, 3), 1); /* the input, its folder, a */
	tree_remove(in, "a");
	file(w, in, "new");
	w->tree.lists = 0;
	assert_int_equal(go_on(w, BODIES_MAX), 0);
	assert_int_equal(w->tree.lists, 1);
	make_plan(w);
	PRS_AUTOBUF got;
	prs_buf_init(&got, 4096);
	found(w, &got);
	assert_string_equal(prs_buf_str(&got), "0: /in/a/1 /in/a/2 /in/b/3\n0: /in/b/4\n");
}

static void test_a_folder_that_is_gone(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	file(w, tree_add(&w->tree, in, "a", 'd'), "1");
	file(w, tree_add(&w->tree, in, "b", 'd'), "2");
	add_input(w, "/in");
	assert_int_equal(go_on(w, 3), 1);
	tree_remove(in, "b");
	assert_int_equal(go_on(w, BODIES_MAX), -PRS_EINPUT_CHANGED);
	assert_non_null(strstr(w->err.msg, "/in/b"));
	file(w, tree_add(&w->tree, in, "b", 'd'), "2");
	w->err = (struct prs_err){ 0 };
	list_all(w);
	check(w);
}

/* Each record that does not follow from those before it is refused at once, whatever the sum at the end would say. */
static void test_records_that_do_not_follow(void **state)
{
	struct world *w = *state;
	static const uint8_t ranges[PRS_GROUP_RANGE_BYTES] = { [8] = 1 };
	const struct prs_plan_record input = { .type = PRS_PLAN_INPUT },
				     dir = { .type = PRS_PLAN_DIR, .u.dir = { .parent = PRS_NO_DIR } },
				     files = { .type = PRS_PLAN_FILES,
		                               .u.files = { .count = 2, .names_bytes = 4, .names = "a\0b" } },
				     rule = { .type = PRS_PLAN_RULE, .u.rule = { .count = 1, .per = 2 } },
				     group = { .type = PRS_PLAN_GROUP, .u.group = { 0, 0, 4, 1, ranges, "k\0s" } };
	const struct prs_plan_record before[] = { input, dir, files, rule };
	struct prs_plan_record bad[16];
	unsigned n = 0;
	bad[n] = input, bad[n++].u.input.input = 2;
	bad[n++] = dir; /* 0 is there */
	bad[n] = dir, bad[n].u.dir.dir = 1, bad[n++].u.dir.input = 1;
	bad[n] = dir, bad[n].u.dir.dir = 1, bad[n++].u.dir.parent = 1;
	bad[n++] = files; /* file 0 is there */
	bad[n] = files, bad[n].u.files.first_file = 2, bad[n++].u.files.dir = 1;
	bad[n++] = rule; /* mini-batch 0 is there */
	bad[n] = rule, bad[n].u.rule.first_id = 1, bad[n++].u.rule.first_file = 1;
	bad[n] = rule, bad[n].u.rule.first_id = 1, bad[n++].u.rule.count = 2;
	bad[n] = rule, bad[n].u.rule.first_id = 1, bad[n++].u.rule.per = 0;
	bad[n] = rule, bad[n].u.rule.first_id = 1, bad[n++].u.rule.input = 1;
	bad[n++] = group; /* mini-batch 0 is there */
	for (unsigned i = 0; i < n; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		for (size_t k = 0; k < sizeof before / sizeof *before; k++)
			prs_plan_put(&b, &before[k]);
		struct prs_plan *p = prs_plan_new();
		assert_int_equal(prs_plan_feed(p, b.data, b.len, &w->err), 0);
		prs_buf_clear(&b);
		prs_plan_put(&b, &bad[i]);
		if (prs_plan_feed(p, b.data, b.len, &w->err) != -PRS_ECORRUPT)
			fail_msg("record %u was taken", i);
		prs_plan_free(p);
	}
}

static void test_nothing_behind_the_end(void **state)
{
	struct world *w = *state;
	file(w, folder(w, "in"), "f");
	add_input(w, "/in");
	list_all(w);
	assert_int_equal(prs_plan_feed(w->plan, w->bodies[0].data, w->bodies[0].len, &w->err), -PRS_ECORRUPT);
	assert_non_null(strstr(w->err.msg, "behind the end"));
}

/* ---- partition keys ---------------------------------------------------------------------------------------------- */

/* /in/<store>/<day>/<store>_<n>.csv: three stores, two days, some in another order than their values */
static void shops(struct world *w)
{
	static const char *const stores[] = { "b", "a b", "10" }, *const days[] = { "20200301", "20200229" };
	struct tree_node *in = folder(w, "in");
	for (size_t s = 0; s < 3; s++) {
		struct tree_node *store = tree_add(&w->tree, in, stores[s], 'd');
		for (size_t d = 0; d < 2; d++) {
			struct tree_node *day = tree_add(&w->tree, store, days[d], 'd');
			file(w, day, "x_1.csv");
			file(w, day, s ? "x_2.csv" : "y_1.csv");
		}
	}
	w->format = "{store}/{day:yyyyMMdd}/{kind}_*.csv";
}

static void assert_groups(struct world *w, const char *want)
{
	PRS_AUTOBUF got;
	prs_buf_init(&got, 1 << 20);
	for (uint64_t id = 0; id < prs_plan_next_id(w->plan); id++) {
		struct prs_unit u = { .id = id };
		struct prs_task task;
		PRS_AUTOBUF body;
		prs_buf_init(&body, 1 << 20);
		assert_int_equal(prs_plan_task(w->plan, &u, &task, &body), 0);
		for (uint32_t i = 0; i < task.keys_bytes; i++)
			prs_buf_putc(&got, body.data[i] ? (char)body.data[i] : ' ');
		prs_buf_puts(&got, "= ");
		prs_plan_detail(w->plan, &u, 99, &got);
		prs_buf_putc(&got, '\n');
	}
	assert_string_equal(prs_buf_str(&got), want);
}

static void test_groups(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "day");
	key(w, "kind");
	add_input(w, "/in");
	list_all(w);
	assert_groups(w, "day d2020-02-29T00:00:00 kind sx = 10/20200229/x_1.csv, 10/20200229/x_2.csv, a "
	                 "b/20200229/x_1.csv, a b/20200229/x_2.csv, b/20200229/x_1.csv\n"
	                 "day d2020-02-29T00:00:00 kind sy = b/20200229/y_1.csv\n"
	                 "day d2020-03-01T00:00:00 kind sx = 10/20200301/x_1.csv, 10/20200301/x_2.csv, a "
	                 "b/20200301/x_1.csv, a b/20200301/x_2.csv, b/20200301/x_1.csv\n"
	                 "day d2020-03-01T00:00:00 kind sy = b/20200301/y_1.csv\n");
	clear_plan(w);
	prs_list_done(&w->keys);
	key(w, "store");
	list_all(w);
	assert_groups(w,
	              "store s10 = 10/20200229/x_1.csv, 10/20200229/x_2.csv, 10/20200301/x_1.csv, 10/20200301/x_2.csv\n"
	              "store sa b = a b/20200229/x_1.csv, a b/20200229/x_2.csv, a b/20200301/x_1.csv, a "
	              "b/20200301/x_2.csv\n"
	              "store sb = b/20200229/x_1.csv, b/20200229/y_1.csv, b/20200301/x_1.csv, b/20200301/y_1.csv\n");
}

/* The parts of a group, across its ranges. */
static void test_parts_of_a_group(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "kind");
	key(w, "day");
	add_input(w, "/in");
	list_all(w);
	assert_int_equal(prs_plan_items_of(w->plan, 0), 5);
	static const struct {
		struct prs_unit u;
		const char *paths;
	} rows[] = {
		{ { 0, 0, 1 }, "/in/10/20200229/x_1.csv " },
		{ { 0, 1, 2 }, "/in/10/20200229/x_2.csv /in/a b/20200229/x_1.csv " },
		{ { 0, 4, 9 }, "/in/b/20200229/x_1.csv " },
		{ { 0, 5, 1 }, "" },
		{ { 3, 0, 0 }, "/in/b/20200301/y_1.csv " },
		{ { 4, 0, 0 }, "" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_paths(w->plan, &rows[i].u, &b), 0);
		for (size_t k = 0; k < b.len; k++)
			b.data[k] = b.data[k] ? b.data[k] : ' ';
		assert_string_equal(prs_buf_str(&b), rows[i].paths);
	}
}

/* The task of a unit: what of it the plan knows, and no more; its body stands behind what was there. */
static void assert_task(struct world *w, struct prs_unit u, struct prs_task want, const char *body)
{
	struct prs_task t = { .lease = 7, .try_number = 2, .kind = 99, .keys_bytes = 99, .global_row = 5 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_buf_puts(&b, "head|");
	assert_int_equal(prs_plan_task(w->plan, &u, &t, &b), 0);
	for (size_t k = 0; k < b.len; k++)
		b.data[k] = b.data[k] ? b.data[k] : ' ';
	assert_string_equal(prs_buf_str(&b), body);
	assert_int_equal(t.id, u.id);
	assert_int_equal(t.item_first, u.item_first);
	assert_int_equal(t.item_count, u.item_count);
	assert_int_equal(t.items, want.items);
	assert_int_equal(t.kind, PRS_TASK_FILES);
	assert_int_equal(t.input, want.input);
	assert_int_equal(t.keys_bytes, want.keys_bytes);
	assert_true(t.lease == 7 && t.try_number == 2 && t.global_row == 0);
}

static void test_task_of_files(void **state)
{
	struct world *w = *state;
	struct tree_node *one = folder(w, "one"), *two = folder(w, "two");
	for (char name[] = "0"; name[0] < '3'; name[0]++) {
		file(w, one, name);
		file(w, two, name);
	}
	w->per = 3;
	add_input(w, "/one");
	add_input(w, "/two");
	list_all(w);
	assert_task(w, (struct prs_unit){ 1, 0, 0 }, (struct prs_task){ .items = 3, .input = 1 },
	            "head|/two/0 /two/1 /two/2 ");
	assert_task(w, (struct prs_unit){ 0, 1, 1 }, (struct prs_task){ .items = 1 }, "head|/one/1 ");
	assert_task(w, (struct prs_unit){ 0, 2, 9 }, (struct prs_task){ .items = 1 }, "head|/one/2 ");
}

static void test_task_of_a_group(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "kind");
	key(w, "day");
	add_input(w, "/in");
	list_all(w);
	static const char keys[] = "kind sx day d2020-02-29T00:00:00 ";
	char body[256];
	snprintf(body, sizeof body, "head|%s/in/10/20200229/x_2.csv /in/a b/20200229/x_1.csv ", keys);
	assert_task(w, (struct prs_unit){ 0, 1, 2 }, (struct prs_task){ .items = 2, .keys_bytes = sizeof keys - 1 },
	            body);
}

static void test_groups_of_each_input(void **state)
{
	struct world *w = *state;
	struct tree_node *one = folder(w, "one"), *two = folder(w, "two");
	folder(w, "empty");
	file(w, &w->tree.root, "a9");
	static const char *const names[] = { "b1", "a1", "b2", "c1" };
	for (size_t i = 0; i < 4; i++) {
		file(w, one, names[i]);
		file(w, tree_add(&w->tree, two, names[i], 'd'), names[i]);
	}
	by_letter(w);
	add_input(w, "/one");
	add_input(w, "/empty");
	add_input(w, "/a9");
	add_input(w, "/two");
	list_all(w);
	check(w);
	assert_int_equal(prs_plan_next_id(w->plan), 7);
}

static void test_a_file_that_does_not_fit(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "day");
	file(w, tree_find(&w->tree, "/in/b"), "readme.txt");
	add_input(w, "/in");
	assert_int_equal(go_on(w, BODIES_MAX), -PRS_EINVALID);
	assert_string_equal(w->err.msg, "the file /in/b/readme.txt does not fit partition_format "
	                                "\"{store}/{day:yyyyMMdd}/{kind}_*.csv\"");
	/* gone, it goes on where it was */
	tree_remove(tree_find(&w->tree, "/in/b"), "readme.txt");
	w->err = (struct prs_err){ 0 };
	list_all(w);
	assert_int_equal(prs_plan_next_id(w->plan), 2);
}

/* More groups than one body takes: the plan goes on in the middle of them, also when the folders are gone by then. */
static void test_many_groups(void **state)
{
	struct world *w = *state;
	struct tree_node *in = folder(w, "in");
	char name[256];
	memset(name, 'k', sizeof name);
	for (uint32_t i = 0; i < 60000; i++) {
		snprintf(name + 200, sizeof name - 200, "%010u", i * 2654435761u);
		file(w, in, name);
	}
	key(w, "k");
	w->format = "{k}";
	add_input(w, "/in");
	list_all(w);
	assert_in_range(w->bodies_n, 3, 10);
	assert_int_equal(prs_plan_next_id(w->plan), 60000);
	PRS_AUTOBUF whole, again;
	join_bodies(w, &whole);
	unsigned bodies = w->bodies_n;
	clear_plan(w);
	assert_int_equal(go_on(w, bodies - 1), 1);
	tree_remove(in, name);
	w->tree.lists = 0;
	assert_int_equal(go_on(w, BODIES_MAX), 0);
	assert_int_equal(w->tree.lists, 0);
	join_bodies(w, &again);
	assert_int_equal(again.len, whole.len);
	assert_memory_equal(again.data, whole.data, whole.len);
}

/* The input changes between two lives: what was listed stays, the groups are those of all files that were listed in the
 * end. */
static void test_groups_of_a_changed_input(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "kind");
	add_input(w, "/in");
	assert_int_equal(go_on(w, 5), 1); /* the input, store 10 with its days, "a b" */
	tree_remove(tree_find(&w->tree, "/in/10/20200229"), "x_1.csv");
	file(w, tree_find(&w->tree, "/in/10/20200229"), "z_1.csv");
	file(w, tree_find(&w->tree, "/in/b/20200301"), "z_2.csv");
	assert_int_equal(go_on(w, BODIES_MAX), 0);
	make_plan(w);
	assert_groups(w, "kind sx = 10/20200229/x_1.csv, 10/20200229/x_2.csv, 10/20200301/x_1.csv, "
	                 "10/20200301/x_2.csv, a b/20200229/x_1.csv, a b/20200229/x_2.csv, "
	                 "a b/20200301/x_1.csv, a b/20200301/x_2.csv, b/20200229/x_1.csv, b/20200301/x_1.csv\n"
	                 "kind sy = b/20200229/y_1.csv, b/20200301/y_1.csv\nkind sz = b/20200301/z_2.csv\n");
}

static void test_a_group_beyond_the_files(void **state)
{
	struct world *w = *state;
	static const uint8_t ranges[PRS_GROUP_RANGE_BYTES] = { [8] = 1 };
	struct prs_plan_record in = { .type = PRS_PLAN_INPUT },
			       group = { .type = PRS_PLAN_GROUP, .u.group = { 0, 0, 4, 1, ranges, "k\0s" } };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_plan_put(&b, &in);
	prs_plan_put(&b, &group);
	struct prs_plan *p = prs_plan_new();
	assert_int_equal(prs_plan_feed(p, b.data, b.len, &w->err), -PRS_ECORRUPT);
	assert_int_equal(prs_plan_next_id(p), 0);
	prs_plan_free(p);
}

/* Every body of a grouped plan cut at every byte, and with every byte flipped: refused, or (cut) a plan that is not
 * complete. */
static void test_damaged_groups(void **state)
{
	struct world *w = *state;
	shops(w);
	key(w, "kind");
	key(w, "day");
	add_input(w, "/in");
	list_all(w);
	size_t end = w->bodies[w->bodies_n - 1].len - 40; /* END */
	for (unsigned b = 0; b < w->bodies_n; b++)
		for (size_t at = 0; at < (b + 1 < w->bodies_n ? w->bodies[b].len : end); at++)
			for (int flip = 0; flip < 2; flip++) {
				struct prs_plan *p = prs_plan_new();
				struct prs_lister *l = new_lister(w);
				int r = 0, fed = 0;
				for (unsigned i = 0; i < w->bodies_n && !r; i++) {
					size_t n = i == b && !flip ? at : w->bodies[i].len;
					uint8_t *copy = malloc(n + 1);
					memcpy(copy, w->bodies[i].data, n);
					if (i == b && flip)
						copy[at] ^= 0x10;
					r = prs_plan_feed(p, copy, n, &w->err);
					fed = r || fed ? -1 : prs_list_feed(l, copy, n, &w->err);
					free(copy);
					if (!flip && i == b)
						break;
				}
				assert_true(flip ? r == -PRS_ECORRUPT || r == -PRS_EVERSION : !prs_plan_complete(p));
				prs_lister_free(l);
				prs_plan_free(p);
			}
}

/* ---- the real file system ---------------------------------------------------------------------------------------- */

static void test_real_files(void **state)
{
	struct world *w = *state;
	char dir[] = "/tmp/prs-list-XXXXXX", path[4096];
	assert_non_null(mkdtemp(dir));
	w->tree.fs = prs_fs_posix;
	const char *const links[][2] = { { "in/sub/up", ".." },
		                         { "in/nowhere", "gone" },
		                         { "in/far", "../far" },
		                         { "in/round", "round" } };
	const char *const folders[] = { "in", "in/sub", "far" };
	const char *const files[] = { "in/b", "in/a", "in/sub/c", "far/d", "far/\xff" };
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, links[i][0]);
		assert_int_equal(symlink(links[i][1], path), 0);
	}
	snprintf(path, sizeof path, "%s/in/fifo", dir);
	assert_int_equal(mkfifo(path, 0644), 0);
	snprintf(path, sizeof path, "%s/in", dir);
	add_input(w, path);
	list_all(w);
	PRS_AUTOBUF got, want;
	prs_buf_init(&got, 1 << 20);
	prs_buf_init(&want, 1 << 20);
	found(w, &got);
	prs_buf_putf(&want, "0: %s/a %s/b %s/nowhere\n0: %s/round %s/far/d %s/far/\xff\n0: %s/sub/c\n", path, path,
	             path, path, path, path, path);
	assert_string_equal(prs_buf_str(&got), prs_buf_str(&want));
	assert_int_equal(w->counts.special, 1);
	assert_int_equal(w->counts.loops_cut, 1);
	snprintf(path, sizeof path, "rm -rf %s", dir);
	assert_int_equal(system(path), 0);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Run folders are passed over, half-made ones too, unless they or something in them was given. */
static void test_run_folders(void **state)
{
	(void)state;
	static const struct {
		const char *path, *part; /* below the folder */
		const char *items;
		uint64_t runs;
	} rows[] = {
		{ "", NULL, "f none/RUN old/RUN old/x runs/x ", 2 },
		{ "/runs", NULL, "runs/x ", 2 },
		{ "/runs/r", NULL, "runs/r/RUN runs/r/job.json runs/r/outputs/x ", 0 },
		{ "/runs/r/outputs", NULL, "runs/r/outputs/x ", 0 },
		{ "", "/runs/half", "runs/half/RUN runs/half/code/x ", 0 },
		{ "", "/runs", "runs/x ", 2 },
		{ "", "/runs/r/outputs", "runs/r/outputs/x ", 0 },
		{ "", "/**/x", "old/x runs/x ", 2 },
		{ "", "/*/**/x", "old/x runs/x ", 2 },
		{ "", "/runs/*/outputs/x", "runs/r/outputs/x ", 0 },
		{ "", "/runs/*/**/x", "runs/half/code/x runs/r/outputs/x ", 0 },
		{ "", "/runs/r/**/x", "runs/r/outputs/x ", 0 },
	};
	char dir[] = "/tmp/prs-list-XXXXXX", fifo[64];
	assert_non_null(mkdtemp(dir));
	put_file(dir, "f", "");
	put_file(dir, "runs/x", "");
	put_file(dir, "runs/r/RUN", "prs-run 1\nkind run\n");
	put_file(dir, "runs/r/job.json", "{}");
	put_file(dir, "runs/r/outputs/x", "");
	put_file(dir, "runs/half/RUN", "prs-run 2\n");
	put_file(dir, "runs/half/code/x", "");
	put_file(dir, "none/RUN", "prs-ru");
	put_file(dir, "old/RUN", "a prs-run ");
	put_file(dir, "old/x", "");
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	assert_int_equal(mkdir(fifo, 0755), 0);
	strcat(fifo, "/RUN");
	assert_int_equal(mkfifo(fifo, 0644), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = NULL;
		struct prs_list parts = { 0 };
		char path[256], part[256];
		setup((void **)&w);
		w->tree.fs = prs_fs_posix;
		w->per = 1;
		snprintf(path, sizeof path, "%s%s", dir, rows[i].path);
		snprintf(part, sizeof part, "%s%s", dir, rows[i].part ? rows[i].part : "");
		add_input(w, path);
		if (rows[i].part)
			assert_int_equal(prs_list_add(&parts, part), 0);
		w->inputs[0].parts = &parts;
		list_all(w);
		PRS_AUTOBUF got;
		prs_buf_init(&got, 1 << 20);
		for (uint64_t id = 0; id < prs_plan_next_id(w->plan); id++) {
			PRS_AUTOBUF one;
			struct prs_unit u = { .id = id };
			prs_buf_init(&one, 4096);
			prs_plan_paths(w->plan, &u, &one);
			prs_buf_putf(&got, "%s ", prs_buf_str(&one) + strlen(dir) + 1);
		}
		if (strcmp(prs_buf_str(&got), rows[i].items) || w->counts.runs != rows[i].runs)
			fail_msg("row %zu: %s, %d runs", i, prs_buf_str(&got), (int)w->counts.runs);
		prs_list_done(&parts);
		teardown((void **)&w);
	}
	char command[64];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_order),
		T(test_empty),
		T(test_inputs_are_not_mixed),
		T(test_links),
		T(test_what_is_no_file),
		T(test_unreadable),
		T(test_root_of_everything),
		T(test_deep),
		T(test_100000_files),
		T(test_parts_of_a_mini_batch),
		cmocka_unit_test(test_cut_anywhere),
		T(test_overfull_folders),
		T(test_overfull_folders_of_groups),
		T(test_a_folder_in_parts),
		cmocka_unit_test(test_an_overfull_folder_that_changes),
		T(test_parts_cut_anywhere),
		T(test_a_loop_in_a_part),
		cmocka_unit_test(test_a_list_that_changes),
		T(test_a_list_of_another_root),
		T(test_a_planned_folder_may_be_gone),
		T(test_a_folder_that_is_gone),
		T(test_records_that_do_not_follow),
		T(test_nothing_behind_the_end),
		T(test_groups),
		T(test_parts_of_a_group),
		T(test_task_of_files),
		T(test_task_of_a_group),
		T(test_groups_of_each_input),
		T(test_a_file_that_does_not_fit),
		T(test_many_groups),
		T(test_groups_of_a_changed_input),
		T(test_a_group_beyond_the_files),
		T(test_damaged_groups),
		T(test_real_files),
		cmocka_unit_test(test_run_folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
