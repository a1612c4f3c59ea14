/* SPDX-License-Identifier: Apache-2.0
 * fuzz_runfile: RUN, the text at the root of a run folder.
 */
#include "fuzz.h"
#include "mem_fs.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mem_fs *m = mem_fs_new();
	struct prs_run_id id, back;
	struct prs_err err = { 0 };
	char name[32], again[32];
	m->fs.mkdir(m, "/r", 0755);
	mem_fs_put(m, "/r/RUN", data, n < (1 << 20) ? n : 1 << 20);
	int r = prs_run_file_read(&m->fs, "/r", &id, name, sizeof name, &err);
	if (r == 0) {
		MUST(strlen(name) < sizeof name);
		MUST(prs_run_file_write(&m->fs, "/r", &id, name, "0.1.0", &err) == 0);
		MUST(prs_run_file_read(&m->fs, "/r", &back, again, sizeof again, &err) == 0);
		MUST(!memcmp(&id, &back, sizeof id) && !strcmp(name, again));
	} else {
		MUST(r == err.code && err.msg[0]);
	}
	mem_fs_free(m);
	return 0;
}
