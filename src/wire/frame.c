/* SPDX-License-Identifier: Apache-2.0
 * frame: the head of a frame is believed only where it says it lies, so that no body can pass for one.
 */
#include "wire/frame.h"

#include <xxhash.h>

static const char magics[4][9] = {
	[PRS_FILE_JOURNAL] = "PRSjrnl1",
	[PRS_FILE_PLAN] = "PRSplan1",
	[PRS_FILE_SEGMENT] = "PRSsegm1",
	[PRS_FILE_RAW] = "PRSraws1",
};
static const uint16_t minors[4] = {
	/* the greatest that is known */
	[PRS_FILE_JOURNAL] = PRS_FORMAT_MINOR_NODES,
	[PRS_FILE_PLAN] = PRS_FORMAT_MINOR_TABLES,
	[PRS_FILE_SEGMENT] = PRS_FORMAT_MINOR,
	[PRS_FILE_RAW] = PRS_FORMAT_MINOR,
};
static const char *const kinds[4] = { "journal", "plan", "segment", "raw file" };
static const uint32_t frame_magic = 0x31304250; /* "PB01" */

uint32_t prs_checksum(const void *p, size_t n) { return (uint32_t)XXH3_64bits(p, n); }

void prs_fingerprint(const void *p, size_t n, uint8_t ret[16])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits(p, n));
	memcpy(ret, c.digest, 16);
}

void prs_file_header_put(uint8_t raw[PRS_FILE_HEADER_BYTES], enum prs_file_kind kind, uint16_t minor,
                         const struct prs_run_id *run)
{
	memcpy(raw, magics[kind], 8);
	memcpy(raw + 8, run->bytes, 16);
	prs_put16(raw + 24, minor);
	prs_put16(raw + 26, 0);
	prs_put32(raw + 28, prs_checksum(raw, 28));
}

int prs_file_header_check(const uint8_t *p, size_t n, enum prs_file_kind kind, const struct prs_run_id *run,
                          struct prs_err *err)
{
	if (n < PRS_FILE_HEADER_BYTES)
		return prs_fail(err, PRS_ECORRUPT, "the %s is shorter than its header", kinds[kind]);
	if (memcmp(p, magics[kind], 8) != 0)
		return prs_fail(err, PRS_ECORRUPT, "not a %s: it does not begin with %s", kinds[kind], magics[kind]);
	if (prs_get32(p + 28) != prs_checksum(p, 28))
		return prs_fail(err, PRS_ECORRUPT, "the header of the %s is damaged (offset 0)", kinds[kind]);
	if (memcmp(p + 8, run->bytes, 16) != 0)
		return prs_fail(err, PRS_ECORRUPT, "the %s belongs to another run", kinds[kind]);
	if (prs_get16(p + 24) > minors[kind] || prs_get16(p + 26) != 0)
		return prs_fail(err, PRS_EVERSION, "the %s has format 1.%u; engine %s knows 1.%u", kinds[kind],
		                prs_get16(p + 24), PRS_VERSION, minors[kind]);
	return 0;
}

void prs_frame_put(uint8_t raw[PRS_FRAME_HEADER_BYTES], const struct prs_frame *f)
{
	prs_put32(raw, frame_magic);
	prs_put32(raw + 4, f->body_bytes);
	prs_put64(raw + 8, f->offset);
	prs_put64(raw + 16, f->durable);
	prs_put32(raw + 24, f->body_sum);
	prs_put32(raw + 28, prs_checksum(raw, 28));
}

int prs_frame_get(const uint8_t *p, size_t n, uint64_t offset, struct prs_frame *ret)
{
	if (n < PRS_FRAME_HEADER_BYTES || prs_get32(p) != frame_magic || prs_get64(p + 8) != offset ||
	    prs_get32(p + 28) != prs_checksum(p, 28))
		return 0;
	*ret = (struct prs_frame){ .offset = offset,
		                   .durable = prs_get64(p + 16),
		                   .body_bytes = prs_get32(p + 4),
		                   .body_sum = prs_get32(p + 24) };
	return 1;
}
