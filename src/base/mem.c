/* SPDX-License-Identifier: Apache-2.0
 * mem: malloc and its kin; test builds count the allocations and make chosen ones fail.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef PRS_KILL_POINTS
static long allocations, failing; /* so far; the one that fails, 0 = none */
static bool from_then_on;
static size_t least; /* bytes */

static bool fails(size_t bytes)
{
	if (bytes < __atomic_load_n(&least, __ATOMIC_RELAXED))
		return false;
	long n = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED),
	     at = __atomic_load_n(&failing, __ATOMIC_RELAXED);
	return at && (n == at || (n > at && __atomic_load_n(&from_then_on, __ATOMIC_RELAXED)));
}

static void fault(long n, bool repeat)
{
	__atomic_store_n(&from_then_on, repeat, __ATOMIC_RELAXED);
	__atomic_store_n(&failing, n ? prs_mem_count() + n : 0, __ATOMIC_RELAXED);
}

void prs_mem_fault(long n) { fault(n, false); }
void prs_mem_fault_from(long n) { fault(n, true); }
void prs_mem_fault_size(size_t n) { __atomic_store_n(&least, n, __ATOMIC_RELAXED); }
long prs_mem_count(void) { return __atomic_load_n(&allocations, __ATOMIC_RELAXED); }
#else
static bool fails(size_t bytes)
{
	(void)bytes;
	return false;
}
#endif

/* Of nothing one byte is allocated: NULL always means that there is no memory. */
static size_t some(size_t n) { return n ? n : 1; }

void *prs_malloc(size_t n) { return fails(n) ? NULL : malloc(some(n)); }
void *prs_calloc(size_t count, size_t size) { return fails(count * size) ? NULL : calloc(some(count), some(size)); }
void *prs_realloc(void *p, size_t n) { return fails(n) ? NULL : realloc(p, some(n)); }

char *prs_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = prs_malloc(n);
	return p ? memcpy(p, s, n) : NULL;
}

char *prs_strf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n < 0 ? NULL : prs_malloc((size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void prs_freep(void *pp)
{
	void **p = pp;
	free(*p);
	*p = NULL;
}
