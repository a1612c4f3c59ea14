/* SPDX-License-Identifier: Apache-2.0
 * facts: the records of the journal, as structs and as bytes (docs/formats.md).
 *
 * Records as in record.h. Every payload except DONE and TRY begins with the wall time in µs; the fields behind it are
 * rows of facts.def: from them the bytes are written and read and prs dump shows them.
 */
#ifndef PRS_WIRE_FACTS_H
#define PRS_WIRE_FACTS_H

#include "wire/record.h"

enum prs_fact_type {
#define PRS_FACT(number, name) PRS_FACT_##name = (number),
#define PRS_FIELD(name, field, KIND, word)
#include "wire/facts.def"
	PRS_FACT_END /* behind the last */
};

enum { PRS_DONE_BYTES = 104, PRS_TRY_BYTES = 94 /* + message */ };
enum prs_done_status { PRS_DONE_OK = 0, PRS_DONE_SHORT = 1, PRS_DONE_EMPTY = 2 };
enum {
	PRS_DONE_RAW = 1,
	PRS_DONE_HAS_HEADER = 2,
	PRS_DONE_FRAMES = 4, /* run() returned a list of DataFrames: each became one row, its str() */
	PRS_DONE_BARE = 8,   /* summary_only: run() returned a bare text, dict or set, counted by its length */
	PRS_DONE_NODE0 = 16, /* the rows are in a file of node 0, though another node ran it */
	PRS_DONE_OF_WORKER = PRS_DONE_HAS_HEADER | PRS_DONE_FRAMES | PRS_DONE_BARE, /* what a process may say */
};
enum prs_proc_event {
	PRS_PROC_STARTED = 0,
	PRS_PROC_INIT_DONE = 1,
	PRS_PROC_INIT_FAILED = 2,
	PRS_PROC_EXITED = 3,
	PRS_PROC_KILLED = 4
};
enum prs_reset_reason { PRS_RESET_RETRY_FAILED = 0, PRS_RESET_BAD_RANGE = 1 };
#define PRS_IDS_MAX \
	(UINT64_C(1) << 40) /* ids are below it: an upper bound for what a damaged file can make us allocate */

enum { PRS_EPOCH_MAX = (1 << 24) - 1 }; /* a lease is epoch << 40 | counter */

/* What is leased, committed, failed and split. item_count 0 = the whole mini-batch. */
struct prs_unit {
	uint64_t id;
	uint32_t item_first, item_count;
};

struct prs_done {
	struct prs_unit unit;
	uint64_t lease; /* epoch << 40 | counter */
	uint16_t try_number;
	uint8_t status; /* enum prs_done_status */
	uint8_t flags;
	uint16_t node, slot;
	uint32_t incarnation; /* of the process */
	uint32_t segment;
	uint64_t offset, length; /* of the bytes in the segment or raw file; length counts the header bytes */
	uint32_t head_len;
	uint32_t checksum; /* low half of XXH3_64 over the `length` bytes */
	uint32_t succeeded, rows;
	uint64_t start_us; /* wall clock */
	uint64_t run_us, elapsed_us, cpu_us;
};

/* The node whose segment or raw file holds the rows. */
static inline uint16_t prs_done_file_node(const struct prs_done *d) { return d->flags & PRS_DONE_NODE0 ? 0 : d->node; }

struct prs_try {
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number;
	uint8_t status, flags;
	uint16_t node, slot;
	uint32_t incarnation;
	uint64_t start_us, run_us, elapsed_us, cpu_us;
	uint32_t exit;         /* wait status of the process, 0 when it lives */
	uint16_t code;         /* error table */
	uint8_t fault;         /* enum prs_fault */
	uint8_t counted;       /* 1: it costs a try */
	uint64_t trace_offset; /* in logs/user/error/<ip>/<process>.txt */
	uint32_t trace_bytes;
	struct prs_text message;
	uint32_t errnum; /* 28 ENOSPC or 122 EDQUOT of the exception, else 0 */
	/* What the error is whatever it says: "NameError at score.py:9", the innermost line of the script's own; or
	 * empty: the code says it all. */
	struct prs_text kind;
	uint32_t bad_item; /* the one that is to blame, counted in its mini-batch from 1; 0 = not known */
};

struct prs_fact {
	enum prs_fact_type type;
	uint16_t flags;
	uint64_t time_us; /* wall clock; for DONE and TRY start + elapsed */
	union {
		struct {
			uint32_t epoch, previous;
			uint64_t sealed_journal, sealed_plan; /* lengths of the previous journal and plan */
			uint8_t job_print[16], code_print[16];
			struct prs_text engine, host;
			uint32_t pid;
			struct prs_text boot;
		} head;
		struct {
			uint16_t node;
			uint32_t incarnation;
			uint8_t up;
			uint16_t reason, procs, cores, gpus;
			struct prs_text name, address;
		} node;
		struct {
			uint32_t plan_epoch;
			uint64_t plan_bytes, next_id, items;
			uint8_t complete;
		} planned;
		struct prs_done done;
		struct prs_try try_;
		struct {
			struct prs_unit unit;
			uint32_t items;
			uint16_t code;
		} failed;
		struct {
			uint16_t node;
			uint32_t incarnation, running_count, queued_count;
			const uint8_t *
				/* 16 B each (id, item_first, item_count): the running ones, then the queued ones */
				units;
			uint8_t progress; /* others were finished in that life: see ledger.h */
		} lost;
		struct {
			struct prs_unit unit;
			uint64_t count; /* of ids from unit.id on */
			uint16_t reason;
		} reset;
		struct {
			struct prs_text key, old, new_;
		} set;
		struct {
			uint8_t from, to; /* enum prs_job_state */
			uint16_t code;
			struct prs_text text;
		} state;
		struct {
			struct prs_text name;
			uint64_t bytes, rows;
			uint8_t print[16];
		} published;
		struct {
			struct prs_unit unit;
			uint32_t parts;
			uint32_t bad_item; /* as in TRY: it is a part of its own; 0: the parts are equally large */
		} split;
		struct {
			uint16_t node, slot;
			uint32_t incarnation, pid;
			uint8_t event; /* enum prs_proc_event */
			uint16_t code;
			uint32_t exit; /* wait status, for EXITED and KILLED */
			uint64_t trace_offset;
			uint32_t trace_bytes;
			struct prs_text text;
		} proc;
		struct {
			struct prs_text step, run_id, reused;
			uint8_t state;                 /* enum prs_step_state */
			uint8_t print[16], result[16]; /* of the step; of its outputs, when it is done */
			struct prs_text why;           /* it failed, for people */
		} step;
	} u;
};

/* The 104 / 94 fixed bytes (also the payload of RESULT / FAIL on the socket; TRY there carries its message behind). */
void prs_done_encode(const struct prs_done *d, uint8_t raw[PRS_DONE_BYTES]);
int prs_done_decode(const uint8_t *p, size_t n, struct prs_done *ret, struct prs_err *err);
int prs_try_decode(const uint8_t *p, size_t n, struct prs_try *ret, struct prs_err *err);

/* Append a whole record (head, payload, padding). */
int prs_fact_put(struct prs_buf *b, const struct prs_fact *f);

/* Take the next record of `body` at *offset (moved past it). 1 = a fact, 0 = end of body, < 0 = PRS_ECORRUPT or
 * PRS_EVERSION.
 * A record that may be skipped and is not known is passed over. Texts point into body. */
int prs_fact_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_fact *ret, struct prs_err *err);

/* Unit i of a LOST fact. */
struct prs_unit prs_lost_unit(const struct prs_fact *f, uint32_t i);

/* "DONE", "TRY", ... */
const char *prs_fact_name(int type);

/* How a field lies in the bytes and what it means: the words are numbers of these widths. */
enum prs_field_kind {
	PRS_FIELD_U8,
	PRS_FIELD_U16,
	PRS_FIELD_U32,
	PRS_FIELD_U64,
	PRS_FIELD_CODE,         /* u16: error table */
	PRS_FIELD_JOB_STATE,    /* u8: enum prs_job_state */
	PRS_FIELD_STEP_STATE,   /* u8: enum prs_step_state */
	PRS_FIELD_PROC_EVENT,   /* u8: enum prs_proc_event */
	PRS_FIELD_RESET_REASON, /* u16: enum prs_reset_reason */
	PRS_FIELD_TEXT,
	PRS_FIELD_PRINT, /* 16 bytes */
	PRS_FIELD_UNIT,
	PRS_FIELD_UNITS, /* of LOST: as many as its two counts say */
	/* last fields that older engines do not know: what is 0 or empty, with all behind it, is not written */
	PRS_FIELD_LATE_U8,
	PRS_FIELD_LATE_U32,
	PRS_FIELD_LATE_PRINT,
	PRS_FIELD_LATE_TEXT
};

struct prs_fact_field {
	enum prs_fact_type fact;
	enum prs_field_kind kind;
	uint16_t offset; /* in struct prs_fact */
	const char *name;
};

/* The fields of a fact, in the order of their bytes; closed by a row of another fact (or PRS_FACT_END). DONE and TRY
 * have fixed bytes of their own and no rows. */
const struct prs_fact_field *prs_fact_fields(enum prs_fact_type type);
/* A field that is a number. */
uint64_t prs_field_number(const struct prs_fact *f, const struct prs_fact_field *field);
/* A late field that is 0 or empty. */
bool prs_field_is_none(const struct prs_fact *f, const struct prs_fact_field *field);

#endif
