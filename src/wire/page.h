/* SPDX-License-Identifier: Apache-2.0
 * page: the 4 KiB file shared with one worker (work/page/<node>-<slot>), for watching, never for claiming. Header only.
 *
 * offset  type  content                                               written by
 *  0      u64   phase in bits 56-63, since (CLOCK_MONOTONIC µs) below  worker
 *  8      u64   id of the mini-batch                                   worker
 * 16      u64   lease                                                  worker
 * 24      u32   item_first    28  u32  item_count                      worker
 * 32      u64   results sent (RESULT and FAIL)                         worker
 * 40      u32   pid           44  u32  abi (interpreter, hexversion)   worker
 * 48      u32   recalls: DROP frames sent so far                       node
 * 52      u32   claim number of the unit in `id`                       worker
 * 56      u64   start of the try, wall clock µs (0 = none)             worker
 *
 * The worker writes id, lease, items, claim while the phase is IDLE (or WRITE), then the word. A reader reads the word,
 * the rest, the word again, and retries when it changed. A worker that takes a token first looks at `recalls`: if it
 * moved since the worker last looked, a DROP frame lies in the socket behind the frames read so far and is read before
 * a unit is chosen.
 */
#ifndef PRS_WIRE_PAGE_H
#define PRS_WIRE_PAGE_H

#include <stdint.h>

enum { PRS_PAGE_BYTES = 4096 };

enum prs_phase {
	PRS_PHASE_START,
	PRS_PHASE_INIT,
	PRS_PHASE_IDLE,
	PRS_PHASE_LOAD,
	PRS_PHASE_RUN,
	PRS_PHASE_WRITE,
	PRS_PHASE_SHUTDOWN
};

struct prs_page {
	uint64_t word;
	uint64_t id;
	uint64_t lease;
	uint32_t item_first, item_count;
	uint64_t results;
	uint32_t pid, abi;
	uint32_t recalls;
	uint32_t claim;
	uint64_t start_us;
};

_Static_assert(sizeof(struct prs_page) == 64, "page layout");

static inline enum prs_phase prs_page_phase(uint64_t word) { return (enum prs_phase)(word >> 56); }
static inline uint64_t prs_page_since(uint64_t word) { return word & ((UINT64_C(1) << 56) - 1); }
static inline uint64_t prs_page_word(enum prs_phase p, uint64_t since_us)
{
	return (uint64_t)p << 56 | (since_us & ((UINT64_C(1) << 56) - 1));
}

/* A consistent copy of a page that another process may be writing. */
static inline struct prs_page prs_page_read(const volatile struct prs_page *page)
{
	for (;;) {
		struct prs_page copy;
		copy.word = __atomic_load_n(&page->word, __ATOMIC_ACQUIRE);
		copy.id = __atomic_load_n(&page->id, __ATOMIC_ACQUIRE);
		copy.lease = __atomic_load_n(&page->lease, __ATOMIC_ACQUIRE);
		copy.item_first = __atomic_load_n(&page->item_first, __ATOMIC_ACQUIRE);
		copy.item_count = __atomic_load_n(&page->item_count, __ATOMIC_ACQUIRE);
		copy.results = __atomic_load_n(&page->results, __ATOMIC_ACQUIRE);
		copy.pid = __atomic_load_n(&page->pid, __ATOMIC_ACQUIRE);
		copy.abi = __atomic_load_n(&page->abi, __ATOMIC_ACQUIRE);
		copy.recalls = __atomic_load_n(&page->recalls, __ATOMIC_ACQUIRE);
		copy.claim = __atomic_load_n(&page->claim, __ATOMIC_ACQUIRE);
		copy.start_us = __atomic_load_n(&page->start_us, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&page->word, __ATOMIC_ACQUIRE) == copy.word)
			return copy;
	}
}

#endif
