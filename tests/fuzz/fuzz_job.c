/* SPDX-License-Identifier: Apache-2.0
 * fuzz_job: job.json. What is read is written, and read to the same.
 */
#include "fuzz.h"
#include "spec/placed.h"

static int read_and_write(const char *text, size_t n, struct prs_buf *to, struct prs_err *err)
{
	struct prs_job j;
	struct prs_placed p;
	prs_job_init(&j);
	int r = prs_placed_from_json(&p, &j, text, n, err);
	if (r == 0)
		MUST(prs_placed_to_json(&p, to, err) == 0);
	prs_placed_done(&p);
	prs_job_done(&j);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	PRS_AUTOBUF once;
	PRS_AUTOBUF twice;
	struct prs_err err = { 0 };
	prs_buf_init(&once, 1 << 26);
	prs_buf_init(&twice, 1 << 26);
	int r = read_and_write((const char *)data, n, &once, &err);
	if (r < 0) {
		MUST(r == err.code && err.msg[0]);
		return 0;
	}
	MUST(read_and_write((const char *)once.data, once.len, &twice, &err) == 0);
	MUST(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	return 0;
}

#ifdef PRS_FUZZING
#include <jansson.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static unsigned dice(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}

static json_t *another(json_t *old, unsigned *seed)
{
	char text[256] = "";
	size_t n = json_is_string(old) ? json_string_length(old) : 0;
	n = n < sizeof text ? n : sizeof text;
	switch (dice(seed, 8)) {
	case 0: return json_null();
	case 1: return json_integer((json_int_t)dice(seed, 5) - 2);
	case 2: return json_array();
	case 3: return json_object();
	case 4: return json_pack("{s:s}", "hex", dice(seed, 2) ? "ff00" : "f");
	case 5: return json_pack("[s]", "x");
	case 6: return json_true();
	default:
		if (n)
			memcpy(text, json_string_value(old), n);
		n = LLVMFuzzerMutate((uint8_t *)text, n, sizeof text);
		old = json_stringn(text, n);
		return old ? old : json_string("?");
	}
}

/* Change something at a random depth. */
static json_t *mutate(json_t *v, unsigned *seed)
{
	size_t n = json_is_object(v) ? json_object_size(v) : json_array_size(v), k = 0;
	if (!n || dice(seed, 4) == 0)
		return another(v, seed);
	size_t pick = dice(seed, (unsigned)n);
	if (json_is_array(v)) {
		if (dice(seed, 5) == 0)
			json_array_remove(v, pick);
		else
			json_array_set_new(v, pick, mutate(json_array_get(v, pick), seed));
		return json_incref(v);
	}
	void *it = json_object_iter(v);
	while (k++ < pick)
		it = json_object_iter_next(v, it);
	const char *key = json_object_iter_key(it);
	if (dice(seed, 8) == 0)
		json_object_del(v, key);
	else
		json_object_iter_set_new(v, it, mutate(json_object_iter_value(it), seed));
	return json_incref(v);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	json_t *root = seed % 8 ? json_loadb((const char *)data, size, 0, NULL) : NULL;
	if (!root)
		return LLVMFuzzerMutate(data, size, max_size);
	json_t *now = mutate(root, &seed);
	size_t n = json_dumpb(now, (char *)data, max_size, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(now);
	json_decref(root);
	return n <= max_size ? n : LLVMFuzzerMutate(data, size, max_size);
}
#endif
