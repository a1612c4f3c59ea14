/* SPDX-License-Identifier: Apache-2.0
 * cut_groups: the files of an input with the same values of their partition keys are a mini-batch.
 *
 * When the last file is there the groups are given out, those of an earlier plan passed over.
 */
#include "data/cut.h"

#include "base/mem.h"
#include "data/groups.h"

#define RANGES_MAX ((size_t)8 << 20) /* bytes of one record */
#define CALL_BYTES ((size_t)8 << 20) /* behind which a call puts no further group */

struct prs_cutter {
	struct prs_groups groups;
	size_t at; /* the next row */
	uint64_t skip;
	uint16_t input;
	bool is_sorted;
};

static void groups_free(struct prs_cutter *c)
{
	if (c)
		prs_groups_done(&c->groups);
	prs_freep(&c);
}

static struct prs_cutter *groups_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	(void)fs;
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->input = input;
	if (prs_groups_init(&c->groups, in) == 0)
		return c;
	groups_free(c);
	return NULL;
}

static int groups_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	return prs_groups_add(&c->groups, f, err);
}

static void sort_rows(struct prs_cutter *c)
{
	prs_groups_sort(&c->groups);
	for (; c->skip && c->at < c->groups.n; c->skip--)
		c->at = prs_groups_end(&c->groups, c->at);
	c->is_sorted = true;
}

/* The group whose rows are [c->at, end). */
static int put_group(struct prs_cutter *c, size_t end, struct prs_cut_total *t, struct prs_buf *body,
                     struct prs_err *err)
{
	const struct prs_groups_row *rows = c->groups.rows, *first = &rows[c->at];
	uint64_t items = 0;
	PRS_AUTOBUF ranges;
	prs_buf_init(&ranges, RANGES_MAX);
	for (size_t i = c->at; i < end; i++) {
		prs_buf_u64(&ranges, rows[i].first);
		prs_buf_u32(&ranges, rows[i].count);
		prs_buf_u32(&ranges, 0);
		items += rows[i].count;
	}
	struct prs_plan_record r = { .type = PRS_PLAN_GROUP };
	r.u.group.id = t->ids;
	r.u.group.input = c->input;
	r.u.group.keys = prs_groups_keys(&c->groups, first);
	r.u.group.keys_bytes = first->keys_bytes;
	r.u.group.ranges = ranges.data;
	r.u.group.ranges_n = (uint32_t)(end - c->at);
	if (ranges.failed == -PRS_ELIMIT || items > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys with more than %zu rows of files",
		                RANGES_MAX / PRS_GROUP_RANGE_BYTES);
	if (ranges.failed)
		return prs_fail(err, PRS_ENOMEM, "partition keys");
	prs_plan_put(body, &r);
	t->ids++;
	t->items += items;
	c->at = end;
	return 0;
}

static int groups_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                      struct prs_err *err)
{
	size_t from = body->len;
	if (!listed)
		return 0;
	if (!c->is_sorted)
		sort_rows(c);
	while (c->at < c->groups.n && body->len - from < CALL_BYTES) {
		int r = put_group(c, prs_groups_end(&c->groups, c->at), t, body, err);
		if (r < 0)
			return r;
	}
	return c->at < c->groups.n;
}

static int groups_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	if (r->type != PRS_PLAN_GROUP)
		return prs_fail(err, PRS_ECORRUPT, "plan: a rule of an input with partition keys");
	struct prs_plan_units units;
	prs_plan_units(r, &units);
	t->ids += units.ids;
	t->items += units.items;
	c->skip++;
	return 0;
}

const struct prs_cutter_kind prs_cut_groups = { PRS_INPUT_GROUPS, PRS_FORMAT_MINOR, false,      groups_new,
	                                        groups_free,      groups_take,      groups_cut, groups_feed };
