/* SPDX-License-Identifier: Apache-2.0
 * replay: main() of a fuzz target in ordinary builds: runs the inputs of its corpus (or the files named) and says so as
 * cmocka does.
 */
#include "fuzz.h"

#include <dirent.h>

static unsigned inputs;

static void run(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "cannot open %s\n", path);
		exit(1);
	}
	uint8_t *bytes = malloc(1 << 22);
	size_t n = fread(bytes, 1, 1 << 22, f);
	fclose(f);
	uint8_t *exact = fuzz_copy(bytes, n);
	free(bytes);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	inputs++;
}

int main(int argc, char **argv)
{
	char path[4096];
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	DIR *d = argc > 1 ? NULL : opendir(PRS_CORPUS);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", PRS_CORPUS, e->d_name);
		if (e->d_name[0] != '.')
			run(path);
	}
	if (d)
		closedir(d);
	printf("%s %u inputs of %s\n", inputs ? "[       OK ]" : "[  FAILED  ] test_corpus:", inputs, PRS_CORPUS);
	return inputs ? 0 : 1;
}
