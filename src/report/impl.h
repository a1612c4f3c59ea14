/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of report/ share: the opaque struct prs_report and its parts. Not for others.
 *
 *   reader   the chain of journals -> facts, with a position
 *   cursor   position and lengths of all logs, in logs/.cursor
 *   files    buffered log files; whole files written atomically
 *   state    what must be known to write the next line: mini-batches, units with failed tries, processes
 *   tries, process_log, events, overview, errors, result: one log (or a few) each
 *
 * Invariant: the bytes of a log up to its length in the cursor, and the state, are a function of the facts up to the
 *            cursor's position (and of the ticks for the overview's progress lines). On opening, state is folded again
 *            from the first fact, silently (`quiet`).
 */
#ifndef PRS_REPORT_IMPL_H
#define PRS_REPORT_IMPL_H

#include "base/option.h"
#include "base/text.h"
#include "report/pace.h"
#include "report/report.h"
#include "report/text.h"
#include "wire/names.h"
#include "wire/states.h"

enum report_log {
#define PRS_LOG(id, path, kind, what) REPORT_##id,
#include "report/logs.def"
	REPORT_LOGS,
	REPORT_FIXED = REPORT_PROCESS /* the append logs in front of it exist once */
};

enum {
	REPORT_PIECE_BYTES = 64 << 10,   /* written when a buffer holds that much */
	REPORT_STALL_BYTES = 1 << 20,    /* a log that cannot be written: no more facts are taken */
	REPORT_BUFFER_MAX = 16 << 20,    /* of one log; a line is below 1 MiB */
	REPORT_WINDOW_BYTES = 256 << 10, /* of the journal, read at once */
	REPORT_NAMES_MAX = 256 << 20,    /* the paths of one mini-batch */
	REPORT_KINDS_MAX = 100,
	REPORT_KIND_IDS = 5
};
#define REPORT_TICK_US UINT64_C(10000000)
#define REPORT_ERROR_EVERY_US UINT64_C(3000000)

/* ---- reader ------------------------------------------------------------------------------------------------------ */

struct report_pos {
	uint32_t epoch;
	uint64_t frame;   /* offset of the frame in journal-<epoch> */
	uint64_t body_at; /* of the next record in its body */
};

struct report_link {
	uint32_t epoch;
	uint64_t end; /* sealed by the next epoch's HEAD; of the last one: durable */
};

struct report_reader {
	struct report_link *chain;
	size_t chain_n, at;
	int fd;
	struct report_pos pos;
	uint64_t record; /* offset in the file of the record returned last */
	uint8_t *window;
	size_t window_cap, window_n;
	uint64_t window_at;  /* offset in the file */
	const uint8_t *body; /* NULL = the frame at pos.frame is not loaded */
	size_t body_bytes;
};

struct prs_report;
void report_reader_init(struct report_reader *d);
void report_reader_done(struct prs_report *r);
/* Find the chain of journals that ends with `epoch`. */
int report_reader_chain(struct prs_report *r, uint32_t epoch, struct prs_err *err);
int report_reader_seek(struct prs_report *r, size_t at, uint64_t frame, uint64_t body_at);
/* 1 = a fact, 0 = no more. Texts live until the next call. */
int report_reader_next(struct prs_report *r, struct prs_fact *ret, struct prs_err *err);
bool report_reader_more(const struct prs_report *r);
/* Read one record again; its texts point into *to. */
int report_reader_again(struct prs_report *r, uint32_t epoch, uint64_t offset, struct prs_buf *to,
                        struct prs_fact *ret);

/* ---- files ------------------------------------------------------------------------------------------------------- */

struct report_file {
	char *name; /* below logs/ */
	enum report_log log;
	int fd;
	uint64_t length; /* on disk */
	bool known;      /* in the cursor: its bytes below `length` stay; else emptied when opened */
	struct prs_buf buf;
};

/* The file of an append log; `name` NULL = the table's path. NULL when out of memory. */
struct report_file *report_file_get(struct prs_report *r, enum report_log log, const char *name);
/* Room for n bytes at the end of the log (its head line first); NULL: r->broken is set. report_file_took() says how
 * many were used. */
char *report_file_room(struct prs_report *r, struct report_file *f, size_t n);
void report_file_took(struct prs_report *r, struct report_file *f, const char *end);
/* The same for variable text: the buffer to append to. */
struct prs_buf *report_file_buf(struct prs_report *r, struct report_file *f);
void report_file_put_done(struct prs_report *r, struct report_file *f);
int report_files_write(struct prs_report *r);
void report_files_free(struct prs_report *r);
/* Empty all append logs. */
void report_files_restart(struct prs_report *r);
/* Remove process logs that the cursor does not know. */
void report_files_purge(struct prs_report *r);
bool report_fenced(struct prs_report *r);
/* Creates the folders of a path in the run folder; 0 or a negative errno. */
int report_make_folders(struct prs_report *r, const char *path);
/* Whole files: begin, append to ->buf (report_whole_spill now and then), end = rename over `path` (below the run
 * folder). */
struct report_whole {
	char path[PATH_MAX], temp[PATH_MAX + 8];
	int fd;
	uint64_t length;
	int failed; /* negative errno */
	struct prs_buf buf;
};
void report_whole_begin(struct prs_report *r, struct report_whole *w, const char *name);
void report_whole_spill(struct prs_report *r, struct report_whole *w, size_t at_least);
int report_whole_end(struct prs_report *r, struct report_whole *w, struct prs_err *err);

/* ---- cursor ------------------------------------------------------------------------------------------------------ */

/* Reads logs/.cursor into r->from and the files' lengths, and cuts the logs; anything wrong: start again from
 * nothing. */
int report_cursor_open(struct prs_report *r, struct prs_err *err);
int report_cursor_write(struct prs_report *r, struct prs_err *err);

/* ---- state ------------------------------------------------------------------------------------------------------- */

struct report_total {
	uint64_t starts, init_failures, done, failed_tries, items, succeeded, missing, elapsed_us, cpu_us, run_us;
};

struct report_proc {
	char name[PRS_PROCESS_NAME_BYTES];
	size_t name_n;
	uint32_t incarnation[2], pid[2]; /* of the newest process and the one before */
	uint32_t init_failed;            /* incarnation whose init() failed, + 1 */
	struct report_file *log;
	struct report_total total;
	bool used;
};

struct report_node {
	char folder[64]; /* the <ip> of the tree */
	size_t folder_n;
	char name[64];
	bool known;
	struct report_proc *procs;
	size_t procs_n;
};

/* A unit with a failed try and no result; `final` when it failed for good. */
struct report_unit {
	struct prs_unit unit;
	uint64_t record; /* of its last TRY in journal-<epoch>; epoch 0 = there is none */
	uint32_t epoch;
	uint16_t tries, code;
	uint8_t used, final;
};

/* A short mini-batch whose gap does not fit its state byte. */
/* A mini-batch that goes on as parts. */
struct report_split {
	uint64_t id;
	uint32_t left; /* items that are not final */
	uint32_t succeeded, not_succeeded;
	bool failed;
};

struct report_gap {
	uint64_t id_plus_1; /* 0 = free */
	uint32_t missing;
};

/* Between the name of a kind and the first of its messages. */
#define REPORT_SUCH_AS ", such as "

struct report_kind {
	uint16_t code;
	bool init;
	char *key;     /* normalised message */
	char *message; /* the first one, one line */
	bool varied;   /* the others are not all the same */
	uint64_t count;
	uint64_t ids[REPORT_KIND_IDS];
	unsigned ids_n;
	uint32_t items; /* of the first mini-batch, or part of one */
	char where[160], trace_file[160];
	uint64_t first_us, trace_offset;
	uint32_t trace_bytes;
};

struct prs_report {
	const struct prs_fs *fs;
	struct prs_report_config c;
	char *dir, *run_name;
	struct report_reader reader;
	struct report_pos from; /* the cursor found on opening; epoch 0 = none */
	uint64_t from_tick;
	bool opened;      /* the chain is known */
	bool quiet;       /* facts below the cursor: fold, write nothing */
	uint32_t epoch;   /* of catch_up */
	int broken;       /* negative code: out of memory, fenced or a damaged journal: no more lines in this life */
	int write_failed; /* negative code of the last failed write, 0 when the last one worked */
	bool dirty;       /* facts were taken since the last cursor */
	struct report_file **files;
	size_t files_n;
	size_t piece_bytes;
	struct text_day day;
	struct prs_buf detail, scratch;
	/* folded */
	uint64_t now_us, head_us, next_tick_us;
	uint64_t before_us; /* how long the earlier engines of this run lived */
	uint32_t head_epoch, engine_pid;
	enum prs_job_state job;
	uint64_t mini_batches, items, done, failed, items_succeeded, items_failed;
	bool planned_all, ready; /* ready: an init() is done in this life */
	struct prs_pace pace;
	uint8_t *ids; /* per mini-batch: low 2 bits state, high 6 bits missing items */
	uint64_t ids_cap;
	struct report_unit *units;
	size_t units_cap, units_n;
	struct report_split *splits;
	size_t splits_n, splits_cap;
	struct report_gap *gaps;
	size_t gaps_cap, gaps_n;
	struct report_node *nodes;
	size_t nodes_n;
	struct report_kind *kinds;
	size_t kinds_n;
	char last_error[512];
	uint64_t errors, other_errors; /* all; those of kinds that no longer fitted the table */
	bool errors_changed;
	uint64_t errors_written_us;
	bool has_first;
	struct prs_first_error first;
};

enum { REPORT_ID_NONE = 0, REPORT_ID_DONE = 1, REPORT_ID_FAILED = 2 };

uint32_t report_items(struct prs_report *r, const struct prs_unit *u);
struct report_proc *report_proc(struct prs_report *r, uint16_t node, uint16_t slot);
struct report_node *report_node(struct prs_report *r, uint16_t node);
uint32_t report_pid(const struct report_proc *p, uint32_t incarnation);
/* PRS_NAME_TRACES of a process */
void report_trace_file(struct prs_report *r, uint16_t node, uint16_t slot, char *to, size_t n);
/* Fold a fact into the state; false for a DONE or FAILED that does not count (the id is final already). */
bool report_state_fold(struct prs_report *r, const struct prs_fact *f);
uint8_t report_id_state(const struct prs_report *r, uint64_t id);
uint32_t report_id_missing(const struct prs_report *r, uint64_t id);
struct report_unit *report_unit_find(struct prs_report *r, const struct prs_unit *u);
void report_state_free(struct prs_report *r);

/* ---- logs -------------------------------------------------------------------------------------------------------- */

const char *report_log_path(enum report_log log);
const char *report_log_head(enum report_log log); /* head line of a CSV, with its line feed; "" */
void report_tries_done(struct prs_report *r, const struct prs_done *d, uint32_t items);
void report_tries_failed(struct prs_report *r, const struct prs_try *t, uint32_t items);
int report_summaries_write(struct prs_report *r, struct prs_err *err);
void report_process_done(struct prs_report *r, const struct prs_done *d, uint64_t end_us, uint32_t items);
void report_process_failed(struct prs_report *r, const struct prs_try *t, uint64_t end_us, uint32_t items);
void report_process_event(struct prs_report *r, const struct prs_fact *f);
void report_event(struct prs_report *r, const struct prs_fact *f, bool counts);
void report_overview(struct prs_report *r, const struct prs_fact *f);
void report_overview_until(struct prs_report *r, uint64_t wall_us);
void report_master(struct prs_report *r, const struct prs_fact *f);
void report_errors_fold(struct prs_report *r, const struct prs_fact *f);
int report_errors_write(struct prs_report *r, struct prs_err *err);
void report_errors_free(struct prs_report *r);
int report_failed_items_write(struct prs_report *r, struct prs_err *err);
/* logs/readme.txt: made of the log table. */
int report_readme_write(struct prs_report *r, struct prs_err *err);
int report_result_write(struct prs_report *r, const struct prs_result *res, struct prs_err *err);
void report_result_remove(struct prs_report *r);

/* ---- escape ------------------------------------------------------------------------------------------------------ */

/* "..." as a JSON string; bytes that are not UTF-8 become \udcXX (what Python's surrogateescape makes of them). */
void report_json(struct prs_buf *to, const void *bytes, size_t n);
void report_jsons(struct prs_buf *to, const char *s);
/* A CSV field: quoted where needed; control characters and bytes that are not UTF-8 are shown as \n, \x1b, \xff: always
 * one line, always UTF-8. */
void report_csv(struct prs_buf *to, const void *bytes, size_t n);
/* The same without quotes, at most `max` bytes of input, for log lines. */
void report_plain(struct prs_buf *to, const void *bytes, size_t n, size_t max);
/* Bytes of the first line. */
size_t report_first_line(const char *p, size_t n);
/* "exit status 3", "signal 9 (Killed)", "" */
void report_exit(struct prs_buf *to, uint32_t wait_status);

#endif
