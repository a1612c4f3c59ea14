/* SPDX-License-Identifier: Apache-2.0
 * unpack: one step of the library is one step here; what it means that a member ends differs between the two.
 */
#include "data/unpack.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { GZIP_WINDOW = 15 + 16 /* with its head and its sums */, TEXT_RATIO = 20 };

/* ---- what a file is ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *bytes;
	size_t n;
	enum prs_packed kind;
} fronts[] = {
	{ "gzip", "\x1f\x8b\x08", 3, PRS_PACKED_GZIP },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, PRS_PACKED_ZSTD },
	{ "xz",
	  "\xfd"
	  "7zXZ\0",
	  6, PRS_PACKED_OTHER },
	{ "zip", "PK\x03\x04", 4, PRS_PACKED_OTHER },
	{ "Parquet", "PAR1", 4, PRS_PACKED_OTHER },
};

/* The ten bytes of a bzip2 file: its level is a digit. */
static bool is_bzip2(const uint8_t *p, size_t n)
{
	return n >= 10 && !memcmp(p, "BZh", 3) && p[3] >= '1' && p[3] <= '9' && !memcmp(p + 4, "1AY&SY", 6);
}

/* A zstd file may begin with frames that are passed over. */
static bool is_skipped_frame(const uint8_t *p, size_t n)
{
	return n >= 8 && (p[0] & 0xf0) == 0x50 && !memcmp(p + 1, "\x2a\x4d\x18", 3);
}

static const char *find(const uint8_t *p, size_t n, enum prs_packed *kind)
{
	*kind = PRS_PACKED_OTHER;
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
		if (n < fronts[i].n || memcmp(p, fronts[i].bytes, fronts[i].n) != 0)
			continue;
		*kind = fronts[i].kind;
		return fronts[i].name;
	}
	if (is_bzip2(p, n))
		return "bzip2";
	*kind = is_skipped_frame(p, n) ? PRS_PACKED_ZSTD : PRS_PACKED_NOT;
	return *kind == PRS_PACKED_ZSTD ? "zstd" : NULL;
}

enum prs_packed prs_packed_of(const uint8_t *front, size_t n)
{
	enum prs_packed kind;
	find(front, n, &kind);
	return kind;
}

const char *prs_packed_name(const uint8_t *front, size_t n)
{
	enum prs_packed kind;
	return find(front, n, &kind);
}

/* gzip: the last member says its size, modulo 4 GiB. The last bytes of a file that was cut off are anything: what text
 * never becomes is not believed. */
uint64_t prs_packed_least(const uint8_t *front, size_t n, const uint8_t tail[PRS_PACKED_TAIL_BYTES], uint64_t size)
{
	enum prs_packed kind = prs_packed_of(front, n);
	if (kind == PRS_PACKED_GZIP)
		return prs_get32(tail) / TEXT_RATIO <= size ? prs_get32(tail) : 0;
	if (kind != PRS_PACKED_ZSTD)
		return 0;
	unsigned long long said = ZSTD_getFrameContentSize(front, n);
	return said == ZSTD_CONTENTSIZE_UNKNOWN || said == ZSTD_CONTENTSIZE_ERROR ? 0 : said;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

struct prs_unpack {
	enum prs_packed kind;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool has_gzip;
	bool is_whole;  /* behind a member or a frame */
	bool has_zeros; /* behind the last member */
};

static void *gzip_alloc(void *ctx, unsigned n, unsigned size)
{
	(void)ctx;
	return prs_calloc(n, size);
}

static void gzip_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static bool begin(struct prs_unpack *u)
{
	if (u->kind == PRS_PACKED_ZSTD) {
		u->zstd = ZSTD_createDStream();
		return u->zstd;
	}
	u->gzip.zalloc = gzip_alloc;
	u->gzip.zfree = gzip_free;
	u->has_gzip = inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
	return u->has_gzip;
}

struct prs_unpack *prs_unpack_new(enum prs_packed kind)
{
	struct prs_unpack *u = prs_calloc(1, sizeof *u);
	if (!u)
		return NULL;
	u->kind = kind;
	if (begin(u))
		return u;
	prs_unpack_free(u);
	return NULL;
}

void prs_unpack_free(struct prs_unpack *u)
{
	if (!u)
		return;
	if (u->has_gzip)
		inflateEnd(&u->gzip);
	ZSTD_freeDStream(u->zstd);
	prs_freep(&u);
}

static int damaged(const char *what, const char *why, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, "the %s data is damaged (%s)", what, why);
}

/* Between two members; 1: another one begins at p. */
static int next_member(struct prs_unpack *u, const uint8_t *p, size_t n, size_t *used, struct prs_err *err)
{
	size_t zeros = 0;
	while (zeros < n && !p[zeros])
		zeros++;
	u->has_zeros = u->has_zeros || zeros;
	*used = zeros;
	if (zeros == n)
		return 0;
	if (u->has_zeros || p[0] != 0x1f)
		return damaged("gzip", "something else stands behind its end", err);
	u->is_whole = false;
	return inflateReset(&u->gzip) == Z_OK ? 1 : damaged("gzip", "another member", err);
}

static long gzip_step(struct prs_unpack *u, const uint8_t *p, size_t n, size_t *used, uint8_t *to, size_t room,
                      struct prs_err *err)
{
	if (u->is_whole) {
		int r = next_member(u, p, n, used, err);
		if (r != 1)
			return r;
	}
	u->gzip.next_in = (uint8_t *)(uintptr_t)p;
	u->gzip.avail_in = (unsigned)n;
	u->gzip.next_out = to;
	u->gzip.avail_out = (unsigned)room;
	int r = inflate(&u->gzip, Z_NO_FLUSH);
	*used = n - u->gzip.avail_in;
	if (r == Z_MEM_ERROR)
		return prs_fail(err, PRS_ENOMEM, "decompressing");
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return damaged("gzip", u->gzip.msg ? u->gzip.msg : "no gzip", err);
	u->is_whole = r == Z_STREAM_END;
	return (long)(room - u->gzip.avail_out);
}

static long zstd_step(struct prs_unpack *u, const uint8_t *p, size_t n, size_t *used, uint8_t *to, size_t room,
                      struct prs_err *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out = { to, room, 0 };
	size_t r = ZSTD_decompressStream(u->zstd, &out, &in);
	*used = in.pos;
	if (!ZSTD_isError(r)) {
		u->is_whole = r == 0;
		return (long)out.pos;
	}
	ZSTD_ErrorCode code = ZSTD_getErrorCode(r);
	if (code == ZSTD_error_memory_allocation)
		return prs_fail(err, PRS_ENOMEM, "decompressing");
	if (code == ZSTD_error_frameParameter_windowTooLarge)
		return prs_fail(err, PRS_ELIMIT,
		                "the zstd data needs more than 128 MB of memory: decompress it before (zstd -d "
		                "--long=31)");
	return damaged("zstd", ZSTD_getErrorName(r), err);
}

long prs_unpack(struct prs_unpack *u, const uint8_t *p, size_t n, size_t *used, uint8_t *to, size_t room,
                struct prs_err *err)
{
	size_t most = n < UINT32_MAX ? n : UINT32_MAX, fits = room < UINT32_MAX ? room : UINT32_MAX;
	*used = 0;
	if (!n && u->is_whole)
		return 0;
	return u->kind == PRS_PACKED_GZIP ? gzip_step(u, p, most, used, to, fits, err)
	                                  : zstd_step(u, p, most, used, to, fits, err);
}

bool prs_unpack_is_whole(const struct prs_unpack *u) { return u->is_whole; }
