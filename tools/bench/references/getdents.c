/* SPDX-License-Identifier: Apache-2.0
 * Reference: a bare getdents loop over a folder and the folders in it. getdents FOLDER [read]: prints the number of
 * names; read: each file is read, too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry {
	unsigned long long ino;
	long long off;
	unsigned short bytes;
	unsigned char type;
	char name[];
};

static bool reads;

static void read_file(int folder, const char *name)
{
	static char block[128 << 10];
	int fd = openat(folder, name, O_RDONLY);
	while (fd >= 0 && read(fd, block, sizeof block) == (ssize_t)sizeof block)
		;
	close(fd);
}

static unsigned long walk(int fd)
{
	char *space = malloc(64 << 10);
	unsigned long names = 0;
	long n;
	while (space && (n = syscall(SYS_getdents64, fd, space, 64 << 10)) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(space + at);
			at += e->bytes;
			names += e->type == DT_REG;
			if (reads && e->type == DT_REG)
				read_file(fd, e->name);
			if (e->type != DT_DIR || !strcmp(e->name, ".") || !strcmp(e->name, ".."))
				continue;
			int sub = openat(fd, e->name, O_RDONLY | O_DIRECTORY);
			if (sub >= 0)
				names += walk(sub);
		}
	}
	free(space);
	close(fd);
	return names;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	if (fd < 0)
		return 1;
	reads = argc > 2;
	printf("%lu\n", walk(fd));
	return 0;
}
