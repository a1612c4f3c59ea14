/* SPDX-License-Identifier: Apache-2.0
 * mem: allocation that test builds can make fail, and the cleanup attribute for it.
 */
#ifndef PRS_BASE_MEM_H
#define PRS_BASE_MEM_H

#include <stddef.h>

void *prs_malloc(size_t n);
void *prs_calloc(size_t count, size_t size);
void *prs_realloc(void *p, size_t n);
char *prs_strdup(const char *s);
/* vasprintf over prs_malloc; NULL when out of memory */
char *prs_strf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef PRS_KILL_POINTS
/* Test builds: the n-th allocation from now (1 = the next) returns NULL; 0 = none does. */
void prs_mem_fault(long n);
/* The same, and every later one too. */
void prs_mem_fault_from(long n);
/* Only allocations of n bytes and more count and fail: those of one structure, whatever else goes on; 0 = all. */
void prs_mem_fault_size(size_t n);
/* Number of allocations so far: to know how many to fail. */
long prs_mem_count(void);
#endif

void prs_freep(void *pp); /* frees *(void **)pp */
#define PRS_AUTOFREE __attribute__((cleanup(prs_freep)))

#endif
