/* SPDX-License-Identifier: Apache-2.0
 * dump: any record of a run folder as one line: for people, or as a JSON object with every field by name. `prs dump`
 * prints them.
 *
 * For people:  DONE 2026-01-02T03:04:05.061500Z id=0 lease=1099511627777 try=1 status=OK ...
 * JSON: {"type":"DONE","time":"2026-01-02T03:04:05.061500Z","id":0,"lease":1099511627777,"try":1,"status":"OK",...}
 * Texts are JSON strings in both. Times are UTC, durations µs. Checksums and fingerprints are hexadecimal, as xxhsum
 * prints them.
 */
#ifndef PRS_REPORT_DUMP_H
#define PRS_REPORT_DUMP_H

#include "base/buf.h"
#include "wire/facts.h"
#include "wire/plan.h"
#include "wire/seg.h"

#include <stdbool.h>

/* Append the line, without a line feed. Returns 0 or the buffer's failure. */
int prs_report_dump_fact(const struct prs_fact *f, struct prs_buf *to, bool json);
/* FILES: for people the first and the last name, in JSON all of them. */
int prs_report_dump_plan(const struct prs_plan_record *r, struct prs_buf *to, bool json);
/* The bytes: for people their beginning, in JSON all of them; r->bytes may be NULL (not read). */
int prs_report_dump_rows(const struct prs_rows *r, struct prs_buf *to, bool json);

#endif
