/* SPDX-License-Identifier: Apache-2.0
 * cut_files: so many files in a row are a mini-batch, whatever folders they lie in; what remains at the end of the
 * input is a smaller one.
 */
#include "data/cut.h"

#include "base/mem.h"

struct prs_cutter {
	uint64_t first, waiting; /* the files that are in no mini-batch yet */
	uint32_t per;
	uint16_t input;
};

static struct prs_cutter *files_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	(void)fs;
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->per = (uint32_t)in->size.n;
	c->input = input;
	return c;
}

static void files_free(struct prs_cutter *c) { prs_freep(&c); }

static int files_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	(void)err;
	if (!c->waiting)
		c->first = f->first;
	c->waiting += f->count;
	return 0;
}

static void count_rule(struct prs_cutter *c, uint64_t count, uint32_t per, struct prs_cut_total *t)
{
	t->ids += count;
	t->items += count * per;
	c->first += count * per;
	c->waiting -= count * per;
}

static void put_rule(struct prs_cutter *c, uint64_t count, uint32_t per, struct prs_cut_total *t, struct prs_buf *body)
{
	struct prs_plan_record r = { .type = PRS_PLAN_RULE };
	r.u.rule.first_id = t->ids;
	r.u.rule.count = count;
	r.u.rule.first_file = c->first;
	r.u.rule.per = per;
	r.u.rule.input = c->input;
	prs_plan_put(body, &r);
	count_rule(c, count, per, t);
}

static int files_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                     struct prs_err *err)
{
	(void)err;
	if (c->waiting / c->per)
		put_rule(c, c->waiting / c->per, c->per, t, body);
	if (listed && c->waiting)
		put_rule(c, 1, (uint32_t)c->waiting, t, body);
	return 0;
}

static int files_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                      struct prs_err *err)
{
	if (r->type != PRS_PLAN_RULE || r->u.rule.first_file != c->first || !r->u.rule.per ||
	    r->u.rule.count > c->waiting / r->u.rule.per)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches that do not follow from the files before them");
	count_rule(c, r->u.rule.count, r->u.rule.per, t);
	return 0;
}

const struct prs_cutter_kind prs_cut_files = { PRS_INPUT_FILES, PRS_FORMAT_MINOR, true,      files_new,
	                                       files_free,      files_take,       files_cut, files_feed };
