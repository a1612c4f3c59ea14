/* SPDX-License-Identifier: Apache-2.0
 * err: the error table as rows, and which of its codes an errno of the system is.
 */
#include "base/err.h"

#include "base/fs.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct prs_error_row table[] = {
#define PRS_ERROR(code, name, fault, action, sentence, advice) \
	{ (code), PRS_FAULT_##fault, PRS_ACTION_##action, #name, (sentence), (advice) },
#include "base/errors.def"
#undef PRS_ERROR
};

int prs_fail(struct prs_err *err, enum prs_code code, const char *fmt, ...)
{
	if (!err)
		return -(int)code;
	va_list ap;
	va_start(ap, fmt);
	err->code = -(int)code;
	(void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	return err->code;
}

static enum prs_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOMEM: return PRS_ENOMEM;
	case ENOSPC:
	case EDQUOT: return PRS_ENOSPACE;
	case ENOENT:
	case ENOTDIR: return PRS_ENOTFOUND;
	case EEXIST: return PRS_EEXISTS;
	case EACCES:
	case EPERM:
	case EROFS: return PRS_EPERMISSION;
	case EMFILE:
	case ENFILE: return PRS_EOPEN_FILES;
	case EFBIG: return PRS_EFILE_SIZE;
	case ENAMETOOLONG: return PRS_ELIMIT;
	case PRS_ERRNO_NOT_OWN: return PRS_ECORRUPT;
	case PRS_ERRNO_NO_FILE: return PRS_EINVALID;
	default: return PRS_EIO;
	}
}

const char *prs_errno_text(int errnum)
{
	switch (errnum) {
	case PRS_ERRNO_NOT_OWN:
		return "a symbolic link or no plain file stands there, where prs has a file of its own: remove it, or "
		       "put the file back";
	case PRS_ERRNO_NO_FILE: return "is no plain file: expected a file, found a fifo, a socket or a device";
	default: return strerror(errnum);
	}
}

int prs_fail_errno(struct prs_err *err, int errnum, const char *fmt, ...)
{
	enum prs_code code = code_of_errno(errnum);
	if (!err)
		return -(int)code;
	va_list ap;
	va_start(ap, fmt);
	err->code = -(int)code;
	int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof err->msg)
		(void)snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", prs_errno_text(errnum));
	return err->code;
}

int prs_wrap(struct prs_err *err, const char *fmt, ...)
{
	if (!err)
		return -PRS_EINVALID;
	char old[sizeof err->msg];
	memcpy(old, err->msg, sizeof old);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof err->msg)
		(void)snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", old);
	return err->code;
}

const struct prs_error_row *prs_error_row(int code)
{
	static const struct prs_error_row unknown = { 0,         PRS_FAULT_SYSTEM, PRS_ACTION_FAIL,
		                                      "UNKNOWN", "unknown error",  "" };
	int want = code < 0 ? -code : code;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].code == want)
			return &table[i];
	return &unknown;
}

const struct prs_error_row *prs_error_at(unsigned i) { return i < sizeof table / sizeof *table ? &table[i] : NULL; }

const char *prs_fault_name(unsigned fault)
{
	static const char *const names[] = { "user", "script", "node", "store", "system" };
	return fault < sizeof names / sizeof *names ? names[fault] : "unknown";
}
