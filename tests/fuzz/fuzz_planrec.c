/* SPDX-License-Identifier: Apache-2.0
 * fuzz_planrec: the body of a plan frame, its records, and what the plan and the lister make of them.
 */
#include "data/list.h"
#include "data/plan.h"
#include "fuzz.h"
#include "report/dump.h"
#include "tree_fs.h"

enum { IDS_MAX = 200, ITEMS_MAX = 1000, STEPS_MAX = 40 };

static void same_again(const struct prs_plan_record *r)
{
	PRS_AUTOBUF once;
	PRS_AUTOBUF twice;
	struct prs_plan_record back;
	size_t at = 0;
	prs_buf_init(&once, 1 << 24);
	prs_buf_init(&twice, 1 << 24);
	MUST(prs_plan_put(&once, r) == 0);
	MUST(prs_plan_next(once.data, once.len, &at, &back, NULL) == 1 && at == once.len);
	MUST(prs_plan_put(&twice, &back) == 0);
	MUST(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	prs_buf_clear(&twice);
	prs_report_dump_plan(r, &twice, false);
	prs_report_dump_plan(r, &twice, true);
}

/* The rows that a worker finds in the body of a task; no more than it has. */
static uint32_t rows_in(const struct prs_buf *b, const struct prs_task *t)
{
	struct prs_reader r = { b->data, b->len, false };
	uint64_t rows = 0;
	prs_read(&r, t->keys_bytes);
	uint32_t files = prs_read32(&r), skip = prs_read32(&r);
	for (uint32_t i = 0; i < files; i++) {
		prs_read(&r, PRS_TASK_FILE_BYTES - 4);
		for (uint32_t n = prs_read32(&r); n && !r.bad; n--) {
			const uint8_t *range = prs_read(&r, PRS_TASK_RANGE_BYTES);
			MUST(range && (rows || prs_get32(range + 32) > skip));
			rows += prs_get32(range + 32);
		}
	}
	MUST(!r.bad && rows >= skip + (uint64_t)t->items);
	MUST(r.left >= files && r.p[r.left - 1] == 0);
	return t->items;
}

static void look_up(struct prs_plan *p)
{
	uint64_t ids = prs_plan_next_id(p), items = 0;
	for (uint64_t id = 0; id < ids && id < IDS_MAX; id++) {
		PRS_AUTOBUF b;
		struct prs_unit u = { .id = id };
		uint32_t n = prs_plan_items_of(p, id), names = 0;
		prs_buf_init(&b, 1 << 24);
		struct prs_task task = { 0 };
		MUST(n > 0);
		items += n;
		(void)prs_plan_input_of(p, id);
		MUST(prs_plan_detail(p, &u, 3, &b) == 0);
		prs_buf_clear(&b);
		if (n > ITEMS_MAX)
			u.item_count = ITEMS_MAX;
		MUST(prs_plan_paths(p, &u, &b) == 0);
		for (size_t i = 0; i < b.len; i++)
			names += !b.data[i];
		prs_buf_clear(&b);
		MUST(prs_plan_task(p, &u, &task, &b) == 0);
		MUST(names == (task.kind == PRS_TASK_FILES ? task.items : 0));
		MUST(task.kind == PRS_TASK_FILES || rows_in(&b, &task) == task.items);
	}
	MUST(ids > IDS_MAX || items == prs_plan_items(p));
	MUST(prs_plan_items_of(p, ids) == 0);
}

/* What the plans of the corpus list, and some of what they do not. */
static void make_folders(struct tree *t)
{
	static const char *const names[] = { "fa1", "fa2", "fb1", "dlarge", "dsmall" }, *const large[] = {
		"fa", "fb\xff", "fc", "fd", "dp", "dq", "dr"
	};
	tree_init(t);
	struct tree_node *in = tree_add(t, &t->root, "in", 'd');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		tree_add(t, in, names[i] + 1, names[i][0]);
	tree_add(t, tree_find(t, "/in/small"), "y", 'f');
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		struct tree_node *n = tree_add(t, tree_find(t, "/in/large"), large[i] + 1, large[i][0]);
		if (n->type == 'd')
			tree_add(t, n, "x", 'f');
	}
}

/* As the plan of an earlier life: a lister that takes it goes on behind it, and the plan takes what it says. */
static void go_on(const uint8_t *data, size_t n, const struct prs_list *keys)
{
	struct tree t;
	make_folders(&t);
	struct prs_err err = { 0 };
	struct prs_list_input input = { .name = "in",
		                        .path = "/in",
		                        .size = { PRS_SIZE_ITEMS, 2 },
		                        .keys = keys,
		                        .format = "{letter}{rest}" };
	struct prs_plan *p = prs_plan_new();
	struct prs_lister *l = prs_lister_new(&t.fs, &input, 1);
	int r = prs_plan_feed(p, data, n, &err) == 0 && prs_list_feed(l, data, n, &err) == 0;
	for (unsigned i = 0; r == 1 && i < STEPS_MAX; i++) {
		PRS_AUTOBUF more;
		prs_buf_init(&more, 1 << 24);
		r = prs_list_next(l, &more, &err);
		MUST(r >= 0 ? prs_plan_feed(p, more.data, more.len, &err) == 0 : r == err.code);
	}
	look_up(p);
	prs_lister_free(l);
	prs_plan_free(p);
	tree_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_plan_record r;
	struct prs_err err = { 0 };
	size_t at = 0;
	int k;
	while ((k = prs_plan_next(data, n, &at, &r, &err)) == 1)
		same_again(&r);
	MUST(k == 0 || k == err.code);
	go_on(data, n, NULL);
	char *letter = (char *)(uintptr_t) "letter";
	struct prs_list keys = { &letter, 1 };
	go_on(data, n, &keys);
	return 0;
}
