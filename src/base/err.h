/* SPDX-License-Identifier: Apache-2.0
 * err: a code and a sentence, owned by the caller, never allocated.
 *
 * A function that can fail takes `struct prs_err *err` last and returns 0 or a negative code (-PRS_ENAME).
 * prs_fail() sets code and sentence; prs_wrap() puts context in front while unwinding. Libraries never print.
 */
#ifndef PRS_BASE_ERR_H
#define PRS_BASE_ERR_H

#include <stdint.h>

enum prs_code {
	PRS_OK = 0,
#define PRS_ERROR(code, name, fault, action, sentence, advice) PRS_E##name = (code),
#include "base/errors.def"
#undef PRS_ERROR
};

enum prs_fault { PRS_FAULT_USER, PRS_FAULT_SCRIPT, PRS_FAULT_NODE, PRS_FAULT_STORE, PRS_FAULT_SYSTEM };
enum prs_action { PRS_ACTION_FAIL, PRS_ACTION_HERE, PRS_ACTION_ELSEWHERE, PRS_ACTION_RESUMABLE, PRS_ACTION_END_JOB };

/* A row of the error table. */
struct prs_error_row {
	uint16_t code;
	uint8_t fault;  /* enum prs_fault */
	uint8_t action; /* enum prs_action */
	const char *name;
	const char *sentence;
	const char *advice; /* what to do; "" */
};

struct prs_err {
	int code; /* 0 or -PRS_E... */
	char msg[504];
};

/* Set code and sentence; returns -code. `err` may be NULL. */
int prs_fail(struct prs_err *err, enum prs_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* strerror(), and the sentences of what base/fs.h adds to errno. */
const char *prs_errno_text(int errnum);

/* As prs_fail, with ": " and prs_errno_text(errnum) behind, and the code that belongs to errnum (ENOSPC -> NOSPACE,
 * ...). */
int prs_fail_errno(struct prs_err *err, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the sentence; returns err->code. */
int prs_wrap(struct prs_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The row of a code (positive or negative); never NULL: unknown codes give a row named "UNKNOWN". */
const struct prs_error_row *prs_error_row(int code);

/* The i-th row of the table or NULL behind the last. */
const struct prs_error_row *prs_error_at(unsigned i);

/* "user", "script", "node", "store", "system" */
const char *prs_fault_name(unsigned fault);

#endif
