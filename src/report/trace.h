/* SPDX-License-Identifier: Apache-2.0
 * trace: a traceback of Python as a person wants to see it: the frames of libraries folded, files by the user's names.
 */
#ifndef PRS_REPORT_TRACE_H
#define PRS_REPORT_TRACE_H

#include "base/buf.h"
#include "base/fs.h"

struct prs_trace_folders {
	/* below it are the script's own files, as the worker saw them; NULL = not known, nothing is folded */
	const char *code;
	const char *original; /* the same folder as the user knows it; NULL = files are shown as they are */
	const char *here;     /* items below it are shown relative to it; NULL = as they are */
};

/* Append the text with each run of frames of libraries as one line ("  ... 3 library frames, the last: json/decoder.py,
 * line 355, in raw_decode"). A traceback without a frame of the script stays whole. */
void prs_put_trace(struct prs_buf *to, const char *text, size_t n, const struct prs_trace_folders *f);
/* Append the text with each `File "CODE/x"` as the file that the user edits: ORIGINAL/x, where it is there. */
void prs_put_own_files(struct prs_buf *to, const char *text, size_t n, const char *code, const char *original,
                       const struct prs_fs *fs);

#endif
