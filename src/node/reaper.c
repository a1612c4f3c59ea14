/* SPDX-License-Identifier: Apache-2.0
 * reaper: what workers leave behind: orphans that end are reaped as they end (the engine is a subreaper, and a zombie
 * counts for the user's limit of processes); trackers that outlive a dead worker get their time, and then an end.
 */
#include "node/impl.h"

#include "io/process.h"
#include "io/strays.h"
#include "io/trackers.h"

#include <signal.h>

static void reaper_due(void *ctx)
{
	struct prs_node *n = ctx;
	prs_timer_at(n->reaper.timer, prs_trackers_look(prs_clock_us()));
}

static void reaper_child_ended(void *ctx, int signum)
{
	(void)ctx;
	(void)signum;
	prs_reap_orphans();
}

int reaper_init(struct prs_node *n, struct prs_err *err)
{
	n->reaper.timer = prs_timer_new(n->c.loop, reaper_due, n, err);
	if (!n->reaper.timer)
		return err->code;
	n->reaper.signal = prs_signal_new(n->c.loop, SIGCHLD, reaper_child_ended, n, err);
	return n->reaper.signal ? 0 : err->code;
}

void reaper_done(struct prs_node *n)
{
	prs_timer_free(n->reaper.timer);
	prs_signal_free(n->reaper.signal);
}

void reaper_kill_strays(struct prs_node *n, int worker, uint16_t slot)
{
	prs_strays_of_slot(worker, n->c.run_text, slot);
	reaper_due(n);
}
