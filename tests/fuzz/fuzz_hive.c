/* SPDX-License-Identifier: Apache-2.0
 * fuzz_hive: any path and keys: a slow reference finds the same values in its folders, or the same key missing. Input:
 * pieces, the keys and in the end the path.
 */
#include "base/hive.h"
#include "fuzz.h"

#include <ctype.h>

enum { KEYS_MAX = 4 };

/* %41 is A; %00 and what is no such stays. */
static size_t slow_decode(const char *p, size_t n, char *to)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		char hex[3] = { 0 };
		if (p[i] == '%' && n - i > 2 && isxdigit((unsigned char)p[i + 1]) &&
		    isxdigit((unsigned char)p[i + 2])) {
			hex[0] = p[i + 1];
			hex[1] = p[i + 2];
		}
		long byte = strtol(hex, NULL, 16);
		to[used++] = byte ? (char)byte : p[i];
		i += byte ? 2 : 0;
	}
	to[used] = 0;
	return used;
}

/* The value in a folder: behind some = with the key in front. */
static const char *slow_value(const char *key, const char *folder, size_t n, size_t *ret_n)
{
	char *name = malloc(n + 1);
	const char *found = NULL;
	for (size_t i = 0; i < n && !found; i++)
		if (folder[i] == '=' && slow_decode(folder, i, name) == strlen(key) && !strcmp(name, key))
			found = folder + i + 1;
	*ret_n = found ? (size_t)(folder + n - found) : 0;
	free(name);
	return found;
}

/* The last folder of the path that has one. */
static const char *slow_find(const char *key, const char *path, size_t *ret_n)
{
	const char *found = NULL;
	size_t n;
	for (const char *at = path, *slash; (slash = strchr(at, '/')); at = slash + 1) {
		const char *value = slow_value(key, at, (size_t)(slash - at), &n);
		if (value) {
			found = value;
			*ret_n = n;
		}
	}
	return found;
}

static void slow_put(struct prs_buf *to, const char *key, const char *value, size_t n)
{
	static const char null[] = "__HIVE_DEFAULT_PARTITION__";
	char *text = malloc(n + 1);
	prs_buf_put(to, key, strlen(key) + 1);
	if (n == sizeof null - 1 && !memcmp(value, null, n)) {
		prs_buf_puts(to, "n");
	} else {
		prs_buf_putc(to, 's');
		prs_buf_put(to, text, slow_decode(value, n, text));
	}
	prs_buf_putc(to, 0);
	free(text);
}

/* 1, or 0 and the first key that is nowhere. */
static int slow_match(const struct prs_list *keys, const char *path, struct prs_buf *to, size_t *ret_missing)
{
	for (size_t i = 0; i < keys->n; i++) {
		size_t n = 0;
		const char *value = slow_find(keys->v[i], path, &n);
		if (!value) {
			*ret_missing = i;
			return 0;
		}
		slow_put(to, keys->v[i], value, n);
	}
	return 1;
}

static void check(const struct prs_list *keys, const char *path)
{
	PRS_AUTOBUF got, want;
	size_t missing = SIZE_MAX, want_missing = SIZE_MAX;
	prs_buf_init(&got, SIZE_MAX / 2);
	prs_buf_init(&want, SIZE_MAX / 2);
	prs_buf_puts(&got, "before");
	prs_buf_puts(&want, "before");
	int r = slow_match(keys, path, &want, &want_missing);
	MUST(prs_hive_match(keys, path, &got, &missing) == r);
	MUST(missing == want_missing);
	MUST(r || got.len == 6);
	MUST(!r || (got.len == want.len && !memcmp(got.data, want.data, got.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_pieces in = { data, n };
	struct prs_list keys = { 0 };
	const uint8_t *p;
	size_t piece;
	char *text = NULL;
	while (keys.n < KEYS_MAX && fuzz_piece(&in, &p, &piece)) {
		if (text && prs_list_add(&keys, text) < 0)
			abort();
		free(text);
		text = malloc(piece + 1);
		memcpy(text, p, piece);
		text[piece] = 0;
	}
	if (text)
		check(&keys, text);
	free(text);
	prs_list_done(&keys);
	return 0;
}
