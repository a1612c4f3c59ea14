/* SPDX-License-Identifier: Apache-2.0
 * hold: a signal that is blocked waits in the kernel, also one that is ignored: that one is not blocked.
 */
#include "io/hold.h"

#include <stddef.h>

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

static bool is_ignored(int signum)
{
	struct sigaction was;
	return sigaction(signum, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

void prs_hold_begin(struct prs_hold *h)
{
	sigset_t block;
	sigemptyset(&block);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		if (!is_ignored(ending[i]))
			sigaddset(&block, ending[i]);
	sigprocmask(SIG_BLOCK, &block, &h->was);
}

bool prs_hold_came(void)
{
	sigset_t came;
	sigpending(&came);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		if (sigismember(&came, ending[i]) == 1)
			return true;
	return false;
}

void prs_hold_end(struct prs_hold *h) { sigprocmask(SIG_SETMASK, &h->was, NULL); }
