/* SPDX-License-Identifier: Apache-2.0
 * fuzz_log: a whole file of frames. First byte: its kind. The scan of the prefix that is told to be valid, sealed there
 * or not, gives the same.
 */
#include "fuzz.h"
#include "mem_fs.h"
#include "store/log.h"

enum { FILE_MAX = 1 << 20 };

static const struct prs_run_id run = { { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac,
	                                 0xad, 0xae, 0xaf } };

struct seen {
	uint64_t frames, bytes;
	uint32_t sum;
};

static int each(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)err;
	struct seen *s = ctx;
	uint8_t both[16];
	MUST(offset % 8 == 0 && n % 8 == 0);
	s->frames++;
	s->bytes += n;
	prs_put32(both, s->sum);
	prs_put64(both + 4, offset);
	prs_put32(both + 12, prs_checksum(body, n));
	s->sum = prs_checksum(both, sizeof both);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1 || n > FILE_MAX)
		return 0;
	struct mem_fs *m = mem_fs_new();
	enum prs_file_kind kind = (enum prs_file_kind)(data[0] % 4);
	struct seen first = { 0 }, again = { 0 }, sealed = { 0 };
	struct prs_err err = { 0 };
	uint64_t length = 0, length_again = 0;
	mem_fs_put(m, "/f", data + 1, n - 1);
	int r = prs_log_scan(&m->fs, "/f", kind, &run, UINT64_MAX, each, &first, &length, &err);
	if (r == 0) {
		MUST(length <= n - 1 && (length == 0 || length >= PRS_FILE_HEADER_BYTES));
		MUST(length == 0 ||
		     length == PRS_FILE_HEADER_BYTES + first.frames * PRS_FRAME_HEADER_BYTES + first.bytes);
		MUST(prs_log_scan(&m->fs, "/f", kind, &run, length, each, &sealed, &length_again, &err) == 0 &&
		     length_again == length);
		mem_fs_resize(m, "/f", length);
		MUST(prs_log_scan(&m->fs, "/f", kind, &run, UINT64_MAX, each, &again, &length_again, &err) == 0 &&
		     length_again == length);
		MUST(!memcmp(&first, &again, sizeof first) && !memcmp(&first, &sealed, sizeof first));
	} else {
		MUST(r == err.code && (r == -PRS_ECORRUPT || r == -PRS_EVERSION) && strstr(err.msg, "/f"));
	}
	MUST(mem_fs_open_files(m) == 0);
	mem_fs_free(m);
	return 0;
}

#ifdef PRS_FUZZING
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Make the checksums of the first `frames` frames right. */
static void mend(uint8_t *p, size_t n, unsigned frames)
{
	if (n < PRS_FILE_HEADER_BYTES)
		return;
	prs_put32(p + 28, prs_checksum(p, 28));
	size_t at = PRS_FILE_HEADER_BYTES;
	while (frames-- && n - at >= PRS_FRAME_HEADER_BYTES) {
		uint32_t body = prs_get32(p + at + 4);
		prs_put64(p + at + 8, at);
		if (body <= n - at - PRS_FRAME_HEADER_BYTES)
			prs_put32(p + at + 24, prs_checksum(p + at + PRS_FRAME_HEADER_BYTES, body));
		prs_put32(p + at + 28, prs_checksum(p + at, 28));
		if (body > n - at - PRS_FRAME_HEADER_BYTES)
			break;
		at += PRS_FRAME_HEADER_BYTES + body;
	}
}

/* Most changes would only break a checksum: three of four times they are mended. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max_size);
	if (size > 1 && seed % 4)
		mend(data + 1, size - 1, seed % 4 == 1 ? (seed >> 8) % 8 : 1000);
	return size;
}
#endif
