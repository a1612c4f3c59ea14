/* SPDX-License-Identifier: Apache-2.0
 * sorter: the records of a block lie in one buffer as they came, each with the number of its key; keys and what they
 * are made of are two dictionaries, which end with the block. In the end the places of the records are counted out to
 * their keys, so that they can be fetched before they are needed: the time of sorting is that of waiting for memory. A
 * block in the file: for each key a head, the key, its records, their origins. Blocks are merged by a heap of readers.
 */
#include "data/sorter.h"

#include "base/mem.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRY_BYTES = 4 + 4 + 1, /* in front of a record: its group, its bytes, bytes of its origin */
	FETCH_AHEAD = 8,
	HEAD_BYTES = 4 + 4 + 8 + 8 + 8,
	OUT_BYTES = 1 << 20,
	READ_MOST_BYTES = 1 << 20,
	READ_LEAST_BYTES = 16 << 10,
	READERS_BYTES = 128 << 20, /* of the buffers of all readers */
	SLOTS_FIRST = 1 << 10
};

/* ---- dictionaries ------------------------------------------------------------------------------------------------ */

struct word {
	uint32_t at, n, hash, value;
};

struct dict {
	struct prs_buf bytes;
	struct word *words;
	uint32_t *slots; /* word + 1; as many as a power of two, half of them free */
	size_t n, cap, slots_n;
};

static void dict_init(struct dict *d)
{
	*d = (struct dict){ .n = 0 };
	prs_buf_init(&d->bytes, UINT32_MAX);
}

static void dict_done(struct dict *d)
{
	prs_buf_done(&d->bytes);
	prs_freep(&d->words);
	prs_freep(&d->slots);
	d->n = d->cap = d->slots_n = 0;
}

static void dict_clear(struct dict *d)
{
	prs_buf_clear(&d->bytes);
	d->n = 0;
	if (d->slots)
		memset(d->slots, 0, d->slots_n * sizeof *d->slots);
}

static size_t dict_size(const struct dict *d)
{
	return d->bytes.len + d->n * sizeof *d->words + d->slots_n * sizeof *d->slots;
}

/* The word, or where it would be: an empty slot. */
static uint32_t *dict_slot(const struct dict *d, const uint8_t *p, size_t n, uint32_t hash)
{
	for (size_t i = hash & (d->slots_n - 1);; i = (i + 1) & (d->slots_n - 1)) {
		uint32_t *slot = &d->slots[i];
		const struct word *w = *slot ? &d->words[*slot - 1] : NULL;
		if (!w || (w->hash == hash && w->n == n && !memcmp(d->bytes.data + w->at, p, n)))
			return slot;
	}
}

static const struct word *dict_find(const struct dict *d, const uint8_t *p, size_t n, uint32_t hash)
{
	uint32_t slot = d->slots_n ? *dict_slot(d, p, n, hash) : 0;
	return slot ? &d->words[slot - 1] : NULL;
}

static int dict_room(struct dict *d)
{
	if (d->n < d->cap)
		return 0;
	size_t cap = d->cap ? d->cap * 2 : SLOTS_FIRST / 2;
	struct word *words = prs_realloc(d->words, cap * sizeof *words);
	if (!words)
		return -PRS_ENOMEM;
	d->words = words;
	uint32_t *slots = prs_calloc(cap * 2, sizeof *slots);
	if (!slots)
		return -PRS_ENOMEM;
	prs_freep(&d->slots);
	d->slots = slots;
	d->slots_n = cap * 2;
	d->cap = cap;
	for (size_t i = 0; i < d->n; i++)
		*dict_slot(d, d->bytes.data + words[i].at, words[i].n, words[i].hash) = (uint32_t)i + 1;
	return 0;
}

/* One that it does not have yet. */
static int dict_add(struct dict *d, const uint8_t *p, size_t n, uint32_t hash, uint32_t value)
{
	struct word w = { (uint32_t)d->bytes.len, (uint32_t)n, hash, value };
	if (dict_room(d) < 0 || prs_buf_put(&d->bytes, p, n) < 0)
		return -PRS_ENOMEM;
	d->words[d->n++] = w;
	*dict_slot(d, p, n, hash) = (uint32_t)d->n;
	return 0;
}

#define UNWANTED UINT32_MAX /* a group that nobody wants */

/* ---- blocks in memory -------------------------------------------------------------------------------------------- */

/* The records of a key in this block. */
struct group {
	uint32_t rows;
	uint32_t end; /* of its places */
	uint64_t bytes, origins_bytes, global_row;
	struct prs_origin origin; /* of the last */
};

struct block {
	struct prs_buf records;
	struct dict keys, raws; /* value: group */
	struct group *groups;
	size_t n, cap;
	uint32_t *order;  /* of the groups, by key */
	uint32_t *places; /* of the records in `records`, those of a group as they came; groups as in `order` */
	uint32_t rows;
};

struct head {
	uint64_t rows, bytes, origins_bytes, global_row;
	uint32_t key_n;
};

/* A block that is merged. */
struct reader {
	uint64_t at, end; /* in the file; of the one in memory its groups */
	struct prs_buf text;
	size_t used; /* bytes of `text` */
	struct head head;
	struct prs_buf key;
	uint32_t number;
	bool in_memory;
	bool has_group; /* whose records and origins were not read */
};

struct prs_sorter {
	const struct prs_fs *fs;
	const char *path;
	size_t block_bytes;
	prs_sorter_key_fn *key_fn;
	void *key_ctx;
	struct block block;
	struct prs_buf key, origins, out;
	int fd; /* of the blocks; < 0: there is none yet */
	uint64_t file_bytes, keys;
	uint64_t *ends; /* of the blocks in the file */
	size_t ends_n, ends_cap;
	struct reader *readers;
	struct reader **heap; /* the next key first */
	struct reader **same; /* readers with the key that is given out */
	size_t readers_n, heap_n, same_n;
	bool is_counted; /* records are not kept */
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "sorting rows by their keys"); }

static void block_done(struct block *b)
{
	prs_buf_done(&b->records);
	dict_done(&b->keys);
	dict_done(&b->raws);
	prs_freep(&b->groups);
	prs_freep(&b->order);
	prs_freep(&b->places);
	b->n = b->cap = 0;
}

static void block_clear(struct block *b)
{
	prs_buf_clear(&b->records);
	dict_clear(&b->keys);
	dict_clear(&b->raws);
	prs_freep(&b->order);
	prs_freep(&b->places);
	b->n = b->rows = 0;
}

static size_t block_size(const struct block *b)
{
	return b->records.len + b->rows * sizeof *b->places + b->n * sizeof *b->groups + dict_size(&b->keys) +
	       dict_size(&b->raws);
}

struct prs_sorter *prs_sorter_new(const struct prs_fs *fs, const char *path, size_t block_bytes, prs_sorter_key_fn *key,
                                  void *key_ctx)
{
	struct prs_sorter *s = prs_calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct prs_sorter){ .fs = fs,
		                  .path = path,
		                  .block_bytes = block_bytes,
		                  .key_fn = key,
		                  .key_ctx = key_ctx,
		                  .fd = -1 };
	prs_buf_init(&s->block.records, UINT32_MAX);
	dict_init(&s->block.keys);
	dict_init(&s->block.raws);
	prs_buf_init(&s->key, UINT32_MAX);
	prs_buf_init(&s->origins, SIZE_MAX / 2);
	prs_buf_init(&s->out, SIZE_MAX / 2);
	return s;
}

static void readers_done(struct prs_sorter *s)
{
	for (size_t i = 0; i < s->readers_n; i++) {
		prs_buf_done(&s->readers[i].text);
		prs_buf_done(&s->readers[i].key);
	}
	prs_freep(&s->readers);
	prs_freep(&s->heap);
	prs_freep(&s->same);
	s->readers_n = s->heap_n = s->same_n = 0;
}

void prs_sorter_free(struct prs_sorter *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		s->fs->close(s->fs->ctx, s->fd);
	readers_done(s);
	block_done(&s->block);
	prs_buf_done(&s->key);
	prs_buf_done(&s->origins);
	prs_buf_done(&s->out);
	prs_freep(&s->ends);
	prs_freep(&s);
}

static int add_group(struct prs_sorter *s, uint32_t hash, struct prs_err *err)
{
	struct block *b = &s->block;
	if (b->n == PRS_SORTER_KEYS_MAX)
		return prs_fail(err, PRS_ELIMIT, "more than %d combinations of values of the partition keys",
		                PRS_SORTER_KEYS_MAX);
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : SLOTS_FIRST;
		struct group *v = prs_realloc(b->groups, cap * sizeof *v);
		if (!v)
			return nomem(err);
		b->groups = v;
		b->cap = cap;
	}
	if (dict_add(&b->keys, s->key.data, s->key.len, hash, (uint32_t)b->n) < 0)
		return nomem(err);
	b->groups[b->n++] = (struct group){ .rows = 0 };
	return 0;
}

static int remember(struct prs_sorter *s, const struct prs_sorter_record *r, uint32_t hash, uint32_t group,
                    struct prs_err *err)
{
	return dict_add(&s->block.raws, r->raw, r->raw_n, hash, group) < 0 ? nomem(err) : 0;
}

/* The group of a record that is made of something new: a new one, or that of an equal key. */
static int find_group(struct prs_sorter *s, const struct prs_sorter_record *r, uint32_t raw_hash, uint32_t *ret,
                      struct prs_err *err)
{
	struct block *b = &s->block;
	prs_buf_clear(&s->key);
	int k = s->key_fn(s->key_ctx, &s->key, err);
	if (k < 0)
		return k;
	if (k == PRS_SORTER_UNWANTED) {
		*ret = UNWANTED;
		return block_size(b) < s->block_bytes ? remember(s, r, raw_hash, UNWANTED, err) : 0;
	}
	if (s->key.failed)
		return nomem(err);
	uint32_t hash = prs_checksum(s->key.data, s->key.len);
	const struct word *w = dict_find(&b->keys, s->key.data, s->key.len, hash);
	*ret = w ? w->value : (uint32_t)b->n;
	k = w ? 0 : add_group(s, hash, err);
	if (k < 0)
		return k;
	return remember(s, r, raw_hash, *ret, err);
}

/* Behind the other records of its group. */
static int add_record(struct prs_sorter *s, uint32_t group, const struct prs_sorter_record *r, struct prs_err *err)
{
	struct block *b = &s->block;
	struct group *g = &b->groups[group];
	uint8_t front[ENTRY_BYTES];
	prs_buf_clear(&s->origins);
	prs_origin_put(&s->origins, &r->origin, g->rows ? &g->origin : NULL);
	prs_put32(front, group);
	prs_put32(front + 4, (uint32_t)r->n);
	front[8] = (uint8_t)s->origins.len;
	prs_buf_put(&b->records, front, sizeof front);
	prs_buf_put(&b->records, s->origins.data, s->origins.len);
	prs_buf_put(&b->records, r->p, r->n);
	if (b->records.failed || s->origins.failed)
		return nomem(err);
	b->rows++;
	g->origin = r->origin;
	g->origins_bytes += s->origins.len;
	return 0;
}

static int flush_block(struct prs_sorter *s, struct prs_err *err);

int prs_sorter_add(struct prs_sorter *s, const struct prs_sorter_record *r, struct prs_err *err)
{
	struct block *b = &s->block;
	if (b->n && block_size(b) + r->n > s->block_bytes) {
		int k = flush_block(s, err);
		if (k < 0)
			return k;
	}
	uint32_t hash = prs_checksum(r->raw, r->raw_n), group = 0;
	const struct word *w = dict_find(&b->raws, r->raw, r->raw_n, hash);
	if (w)
		group = w->value;
	int k = w ? 0 : find_group(s, r, hash, &group, err);
	if (k < 0)
		return k;
	if (group == UNWANTED)
		return 0;
	struct group *g = &b->groups[group];
	if (g->rows == UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys has more rows than %" PRIu32,
		                UINT32_MAX);
	k = s->is_counted ? 0 : add_record(s, group, r, err);
	if (k < 0)
		return k;
	if (!g->rows)
		g->global_row = r->global_row;
	g->rows++;
	g->bytes += r->n;
	return 0;
}

/* ---- a block into the file --------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b, void *keys)
{
	const struct dict *d = keys;
	const struct word *x = &d->words[*(const uint32_t *)a], *y = &d->words[*(const uint32_t *)b];
	int c = memcmp(d->bytes.data + x->at, d->bytes.data + y->at, x->n < y->n ? x->n : y->n);
	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* The places of the records, counted out to their groups. */
static int place_records(struct block *b)
{
	uint32_t end = 0;
	b->places = prs_malloc((b->rows + 1u) * sizeof *b->places);
	if (!b->places)
		return -PRS_ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		struct group *g = &b->groups[b->order[i]];
		g->end = end;
		end += b->rows ? g->rows : 0;
	}
	for (size_t at = 0; at < b->records.len;) {
		const uint8_t *p = b->records.data + at;
		b->places[b->groups[prs_get32(p)].end++] = (uint32_t)at;
		at += ENTRY_BYTES + p[8] + prs_get32(p + 4);
	}
	return 0;
}

/* Words of `keys` and groups have the same numbers. */
static int sort_block(struct prs_sorter *s, struct prs_err *err)
{
	struct block *b = &s->block;
	b->order = prs_malloc((b->n + 1) * sizeof *b->order);
	if (!b->order)
		return nomem(err);
	for (size_t i = 0; i < b->n; i++)
		b->order[i] = (uint32_t)i;
	if (b->n)
		qsort_r(b->order, b->n, sizeof *b->order, by_key, &b->keys);
	return place_records(b) < 0 ? nomem(err) : 0;
}

/* The records of a group, one after the other; their origins into s->origins. */
static int walk_group(struct prs_sorter *s, const struct group *g, prs_sorter_put_fn *put, void *ctx,
                      struct prs_err *err)
{
	const struct block *b = &s->block;
	prs_buf_clear(&s->origins);
	for (uint32_t i = g->end - g->rows; i < g->end; i++) {
		const uint8_t *p = b->records.data + b->places[i];
		uint32_t n = prs_get32(p + 4), origin = p[8];
		if (i + FETCH_AHEAD < b->rows)
			__builtin_prefetch(b->records.data + b->places[i + FETCH_AHEAD]);
		prs_buf_put(&s->origins, p + ENTRY_BYTES, origin);
		int r = put(ctx, p + ENTRY_BYTES + origin, n, err);
		if (r < 0)
			return r;
	}
	return s->origins.failed ? nomem(err) : 0;
}

static int write_out(struct prs_sorter *s, struct prs_err *err)
{
	for (size_t at = 0; at < s->out.len;) {
		ssize_t n = s->fs->pwrite(s->fs->ctx, s->fd, s->out.data + at, s->out.len - at, s->file_bytes);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return prs_fail_errno(err, n ? (int)-n : EIO, "writing %s, where rows are sorted by their keys",
			                      s->path);
		at += (size_t)n;
		s->file_bytes += (uint64_t)n;
	}
	prs_buf_clear(&s->out);
	return 0;
}

static int put_out(void *sorter, const void *bytes, size_t n, struct prs_err *err)
{
	struct prs_sorter *s = sorter;
	if (prs_buf_put(&s->out, bytes, n) < 0)
		return nomem(err);
	return s->out.len < OUT_BYTES ? 0 : write_out(s, err);
}

static int write_group(struct prs_sorter *s, uint32_t group, struct prs_err *err)
{
	const struct group *g = &s->block.groups[group];
	const struct word *key = &s->block.keys.words[group];
	uint8_t head[HEAD_BYTES];
	prs_put32(head, key->n);
	prs_put32(head + 4, g->rows);
	prs_put64(head + 8, g->bytes);
	prs_put64(head + 16, g->origins_bytes);
	prs_put64(head + 24, g->global_row);
	int r = put_out(s, head, sizeof head, err);
	if (r == 0)
		r = put_out(s, s->block.keys.bytes.data + key->at, key->n, err);
	if (r == 0)
		r = walk_group(s, g, put_out, s, err);
	return r < 0 ? r : put_out(s, s->origins.data, s->origins.len, err);
}

static int open_file(struct prs_sorter *s, struct prs_err *err)
{
	if (s->fd >= 0)
		return 0;
	s->fd = s->fs->open(s->fs->ctx, s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | PRS_O_OWN, 0600);
	if (s->fd < 0)
		return prs_fail_errno(err, -s->fd, "creating %s, where rows are sorted by their keys", s->path);
	int r = s->fs->unlink(s->fs->ctx, s->path);
	return r < 0 ? prs_fail_errno(err, -r, "removing the name of %s", s->path) : 0;
}

static int add_end(struct prs_sorter *s)
{
	if (s->ends_n == s->ends_cap) {
		size_t cap = s->ends_cap ? s->ends_cap * 2 : 16;
		uint64_t *v = prs_realloc(s->ends, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		s->ends = v;
		s->ends_cap = cap;
	}
	s->ends[s->ends_n++] = s->file_bytes;
	return 0;
}

static int flush_block(struct prs_sorter *s, struct prs_err *err)
{
	struct block *b = &s->block;
	if (!s->path) { /* the keys stay, and what is known of their records */
		s->is_counted = true;
		prs_buf_done(&b->records);
		prs_buf_init(&b->records, UINT32_MAX);
		b->rows = 0;
		return 0;
	}
	int r = open_file(s, err);
	if (r == 0)
		r = sort_block(s, err);
	for (size_t i = 0; r == 0 && i < b->n; i++)
		r = write_group(s, b->order[i], err);
	if (r == 0)
		r = write_out(s, err);
	if (r < 0)
		return r;
	block_clear(b);
	return add_end(s) < 0 ? nomem(err) : 0;
}

/* ---- readers ----------------------------------------------------------------------------------------------------- */

static size_t read_bytes(const struct prs_sorter *s)
{
	size_t each = READERS_BYTES / (s->ends_n + 1);
	if (each > READ_MOST_BYTES)
		return READ_MOST_BYTES;
	return each < READ_LEAST_BYTES ? READ_LEAST_BYTES : each;
}

/* What is not used of the text, or the next piece of the block. */
static int fill(struct prs_sorter *s, struct reader *r, struct prs_err *err)
{
	if (r->used < r->text.len)
		return 0;
	prs_buf_clear(&r->text);
	r->used = 0;
	size_t most = read_bytes(s), n = r->end - r->at < most ? (size_t)(r->end - r->at) : most;
	uint8_t *to = prs_buf_reserve(&r->text, n + 1);
	if (!to)
		return nomem(err);
	ssize_t got;
	do
		got = s->fs->pread(s->fs->ctx, s->fd, to, n, r->at);
	while (got == -EINTR);
	if (got <= 0)
		return prs_fail_errno(err, got ? (int)-got : EIO, "reading %s, where rows are sorted by their keys",
		                      s->path);
	r->text.len = (size_t)got;
	r->at += (uint64_t)got;
	return 0;
}

/* The next n bytes to `put`. */
static int take(struct prs_sorter *s, struct reader *r, uint64_t n, prs_sorter_put_fn *put, void *ctx,
                struct prs_err *err)
{
	while (n) {
		int k = fill(s, r, err);
		if (k < 0)
			return k;
		size_t left = r->text.len - r->used, now = n < left ? (size_t)n : left;
		k = put(ctx, r->text.data + r->used, now, err);
		if (k < 0)
			return k;
		r->used += now;
		n -= now;
	}
	return 0;
}

static void pass(struct reader *r, uint64_t n)
{
	size_t left = r->text.len - r->used, now = n < left ? (size_t)n : left;
	r->used += now;
	r->at += n - now;
}

static int put_into(void *buf, const void *bytes, size_t n, struct prs_err *err)
{
	return prs_buf_put(buf, bytes, n) < 0 ? nomem(err) : 0;
}

static int next_in_file(struct prs_sorter *s, struct reader *r, struct prs_err *err)
{
	if (r->has_group)
		pass(r, r->head.bytes + r->head.origins_bytes);
	r->has_group = false;
	prs_buf_clear(&r->key);
	if (r->at == r->end && r->used == r->text.len)
		return 0;
	int k = take(s, r, HEAD_BYTES, put_into, &r->key, err);
	if (k < 0)
		return k;
	const uint8_t *p = r->key.data;
	r->head = (struct head){ .rows = prs_get32(p + 4),
		                 .bytes = prs_get64(p + 8),
		                 .origins_bytes = prs_get64(p + 16),
		                 .global_row = prs_get64(p + 24),
		                 .key_n = prs_get32(p) };
	prs_buf_clear(&r->key);
	k = take(s, r, r->head.key_n, put_into, &r->key, err);
	r->has_group = k == 0;
	return k < 0 ? k : 1;
}

static int next_in_memory(struct prs_sorter *s, struct reader *r, struct prs_err *err)
{
	const struct block *b = &s->block;
	r->at += r->has_group;
	r->has_group = r->at < r->end;
	if (!r->has_group)
		return 0;
	uint32_t group = b->order[r->at];
	const struct group *g = &b->groups[group];
	const struct word *key = &b->keys.words[group];
	r->head = (struct head){ g->rows, g->bytes, g->origins_bytes, g->global_row, key->n };
	prs_buf_clear(&r->key);
	int k = put_into(&r->key, b->keys.bytes.data + key->at, key->n, err);
	return k < 0 ? k : 1;
}

/* The next key of a block: 1; 0: it has no more. */
static int next_of(struct prs_sorter *s, struct reader *r, struct prs_err *err)
{
	return r->in_memory ? next_in_memory(s, r, err) : next_in_file(s, r, err);
}

/* ---- the merge --------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct reader *a, const struct reader *b)
{
	int c = memcmp(a->key.data, b->key.data, a->key.len < b->key.len ? a->key.len : b->key.len);
	if (!c)
		c = (a->key.len > b->key.len) - (a->key.len < b->key.len);
	return c ? c < 0 : a->number < b->number;
}

static bool same_key(const struct reader *a, const struct reader *b)
{
	return a->key.len == b->key.len && !memcmp(a->key.data, b->key.data, a->key.len);
}

static void heap_push(struct prs_sorter *s, struct reader *r)
{
	size_t i = s->heap_n++;
	for (; i && comes_before(r, s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = r;
}

static struct reader *heap_pop(struct prs_sorter *s)
{
	struct reader *first = s->heap[0], *last = s->heap[--s->heap_n];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < s->heap_n; i = child) {
		if (child + 1 < s->heap_n && comes_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!comes_before(s->heap[child], last))
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = last;
	return first;
}

int prs_sorter_end(struct prs_sorter *s, struct prs_err *err)
{
	int r = sort_block(s, err);
	if (r < 0)
		return r;
	size_t n = s->ends_n + 1;
	s->readers = prs_calloc(n, sizeof *s->readers);
	s->heap = prs_calloc(n, sizeof *s->heap);
	s->same = prs_calloc(n, sizeof *s->same);
	if (!s->readers || !s->heap || !s->same)
		return nomem(err);
	for (; s->readers_n < n; s->readers_n++) {
		size_t i = s->readers_n;
		bool last = i == s->ends_n;
		s->readers[i] = (struct reader){ .number = (uint32_t)i, .in_memory = last };
		if (!last)
			s->readers[i].at = i ? s->ends[i - 1] : 0;
		s->readers[i].end = last ? s->block.n : s->ends[i];
		prs_buf_init(&s->readers[i].text, READ_MOST_BYTES + 1);
		prs_buf_init(&s->readers[i].key, UINT32_MAX);
	}
	for (size_t i = 0; i < n; i++)
		s->same[s->same_n++] = &s->readers[i]; /* the first key of each is its next */
	return 0;
}

/* The readers whose key was given out go on to their next one. */
static int go_on(struct prs_sorter *s, struct prs_err *err)
{
	for (size_t i = 0; i < s->same_n; i++) {
		int r = next_of(s, s->same[i], err);
		if (r < 0)
			return r;
		if (r == 1)
			heap_push(s, s->same[i]);
	}
	s->same_n = 0;
	return 0;
}

int prs_sorter_next(struct prs_sorter *s, struct prs_sorted *ret, struct prs_err *err)
{
	int r = go_on(s, err);
	if (r < 0 || !s->heap_n)
		return r;
	*ret = (struct prs_sorted){ .rows = 0 };
	do {
		struct reader *at = heap_pop(s);
		s->same[s->same_n++] = at;
		ret->rows += at->head.rows;
		ret->bytes += at->head.bytes;
		ret->origins_bytes += at->head.origins_bytes;
	} while (s->heap_n && same_key(s->heap[0], s->same[0]));
	ret->key = s->same[0]->key.data;
	ret->key_n = s->same[0]->key.len;
	ret->global_row = s->same[0]->head.global_row;
	if (++s->keys > PRS_SORTER_KEYS_MAX)
		return prs_fail(err, PRS_ELIMIT, "more than %d combinations of values of the partition keys",
		                PRS_SORTER_KEYS_MAX);
	return 1;
}

static int put_records(struct prs_sorter *s, struct reader *r, prs_sorter_put_fn *put, void *ctx, struct prs_err *err)
{
	if (r->in_memory)
		return walk_group(s, &s->block.groups[s->block.order[r->at]], put, ctx, err);
	r->has_group = false;
	return take(s, r, r->head.bytes, put, ctx, err);
}

/* The block in memory is the last: s->origins are its. */
static int put_origins(struct prs_sorter *s, struct reader *r, prs_sorter_put_fn *put, void *ctx, struct prs_err *err)
{
	if (r->in_memory)
		return put(ctx, s->origins.data, s->origins.len, err);
	return take(s, r, r->head.origins_bytes, put, ctx, err);
}

int prs_sorter_put(struct prs_sorter *s, prs_sorter_put_fn *put, void *ctx, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < s->same_n; i++)
		r = put_records(s, s->same[i], put, ctx, err);
	for (size_t i = 0; r == 0 && i < s->same_n; i++)
		r = put_origins(s, s->same[i], put, ctx, err);
	return r;
}
