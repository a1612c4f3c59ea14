/* SPDX-License-Identifier: Apache-2.0
 * assemble_impl: what the files of the assembly share (private to store/).
 */
#ifndef PRS_STORE_ASSEMBLE_IMPL_H
#define PRS_STORE_ASSEMBLE_IMPL_H

#include "store/index.h"
#include "store/prints.h"
#include "store/merge.h"

#include <xxhash.h>

enum { WINDOW = 1 << 20, OUT_BYTES = 1 << 20, SOURCES = 32, CANCEL_EVERY = 1024, STALE_MAX = 1000 };
#define HEADER_MAX ((size_t)1 << 30)

/* A segment or raw file with a read-ahead window over it. */
struct source {
	uint32_t file;
	int fd; /* -1 = none */
	uint64_t used;
	uint8_t *data;
	uint64_t at;
	size_t len;
};

struct work;

/* How the bytes of a mini-batch become those of the file. Each returns 0 or -errno. */
struct shape {
	/* Before anything is written, of each range with a header; NULL: there is no need. */
	int (*survey)(struct work *w, uint64_t id, const struct prs_index_slot *s);
	int (*start)(struct work *w); /* of the file; may be NULL */
	int (*begin)(struct work *w, uint64_t id, const struct prs_index_slot *s);
	/* bytes [at, at + n) of a range */
	int (*part)(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at);
	int (*end)(struct work *w);    /* of a range, which was whole */
	int (*finish)(struct work *w); /* of the file */
	bool checked;                  /* no byte of a range that is damaged may come */
};

/* The header of a range, which is collected until it is whole. */
struct header {
	struct prs_buf bytes; /* of this range, or of the one before it */
	uint32_t number;
	bool known; /* `number` is that of `bytes` */
};

/* Tables as one: csv, tsv. */
struct table {
	struct prs_merge *merge;
	struct prs_buf rows; /* written again */
	bool as_is;          /* the rows of this range */
};

/* Tables that another process makes a file of. */
struct sink {
	struct prs_prints schemas;
	uint32_t schemas_n;
	uint64_t id; /* of the range */
	int exists;  /* the file that has the name already; -1 = none */
};

struct work {
	const struct prs_fs *fs;
	const char *dir;
	struct prs_index *x;
	const struct prs_assemble_options *o;
	void (*bad)(void *ctx, uint64_t id, const char *why);
	void *ctx;
	struct prs_assembled *ret;
	const struct shape *shape;
	struct prs_err why;             /* of -EBADMSG: more than a number says */
	struct source sources[SOURCES]; /* the least recently used one makes room */
	uint64_t uses;
	struct prs_buf header; /* the first one */
	bool has_header, first_header, header_differs, range_header;
	struct header head;
	struct table table;
	struct sink sink;
	char *folder, *tmp;
	int out;
	bool compare; /* `out` is a file that is there already */
	uint8_t *space, *there;
	size_t filled;
	uint64_t written;
	XXH3_state_t *print;
};

extern const struct shape table_shape, sink_shape;
bool table_init(struct table *t);
void table_done(struct table *t);

/* w->why as the code of this file. */
int told(const struct work *w);
bool canceled(const struct work *w);
int flush_out(struct work *w);
/* Into w->head; 1 when the file ends before. Of a range that may be damaged. */
int header_read(struct work *w, struct source *src, const struct prs_index_slot *s);
/* Bytes [at, at + n) of a range go to w->head, as far as they are of its header: *ret_n of them. 1: it is whole now; it
 * is known already when the range before had the same. */
int header_put(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at, size_t *ret_n);

int put_out(struct work *w, const uint8_t *p, size_t n);
int source_of(struct work *w, uint32_t file, struct source **ret);
/* The range is there and matches its checksum; else *ret_why says what is wrong. */
int check_range(struct work *w, struct source *src, const struct prs_index_slot *s, const char **ret_why);

#endif
