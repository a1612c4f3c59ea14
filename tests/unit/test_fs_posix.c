/* SPDX-License-Identifier: Apache-2.0
 * test_fs_posix: each file function and its errors; a folder whose names hold every byte that a name may hold.
 */
#include "io/fs_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const struct prs_fs *const fs = &prs_fs_posix;

static int setup(void **state)
{
	static char dir[64];
	strcpy(dir, "/tmp/prs-fs-XXXXXX");
	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state) { return chdir("/") == 0 ? nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS) : -1; }

static void put(const char *path, const char *text)
{
	int fd = fs->open(fs->ctx, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fs->pwrite(fs->ctx, fd, text, strlen(text), 0), strlen(text));
	assert_int_equal(fs->close(fs->ctx, fd), 0);
}

static void test_reading_and_writing(void **state)
{
	(void)state;
	char to[16] = "";
	struct prs_fs_stat st;
	int fd = fs->open(fs->ctx, "f", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fs->pwrite(fs->ctx, fd, "abcdef", 6, 10), 6);
	assert_int_equal(fs->pread(fs->ctx, fd, to, 4, 12), 4);
	assert_memory_equal(to, "cdef", 4);
	assert_int_equal(fs->pread(fs->ctx, fd, to, 4, 14), 2); /* short at the end */
	assert_int_equal(fs->pread(fs->ctx, fd, to, 4, 16), 0);
	assert_int_equal(fs->fallocate(fs->ctx, fd, 0, 1 << 20), 0);
	assert_int_equal(fs->fstat(fs->ctx, fd, &st), 0);
	assert_int_equal(st.size, 16); /* allocating ahead keeps the size */
	assert_int_equal(st.mode & 0777, 0600);
	assert_int_equal(fs->ftruncate(fs->ctx, fd, 5), 0);
	assert_int_equal(fs->stat(fs->ctx, "f", &st), 0);
	assert_int_equal(st.size, 5);
	assert_int_equal(fs->fdatasync(fs->ctx, fd), 0);
	assert_int_equal(fs->sync_dir(fs->ctx, "."), 0);
	assert_int_equal(fs->close(fs->ctx, fd), 0);
	assert_int_equal(fs->open(fs->ctx, "f", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
}

/* A file of a run folder: plain, reached through no link, never waited for. */
static void test_own_files(void **state)
{
	const char *dir = *state;
	char path[128];
	put("precious", "precious");
	assert_int_equal(mkdir("folder", 0755), 0);
	put("folder/inner", "inner");
	assert_int_equal(symlink("precious", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(symlink("folder", "way"), 0);
	assert_int_equal(mkfifo("fifo", 0644), 0);
	static const char *const not_own[] = { "link", "dangling", "way/inner", "fifo", "folder" };
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_TRUNC };
	for (size_t i = 0; i < sizeof not_own / sizeof *not_own; i++)
		for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
			snprintf(path, sizeof path, "%s/%s", dir, not_own[i]);
			int fd = fs->open(fs->ctx, path, flags[k] | PRS_O_OWN, 0644);
			if (fd != -EISDIR)
				assert_int_equal(fd, -PRS_ERRNO_NOT_OWN);
		}
	assert_int_equal(access("nowhere", F_OK), -1);
	struct prs_fs_stat st;
	assert_int_equal(fs->stat(fs->ctx, "precious", &st), 0);
	assert_int_equal(st.size, 8);
	int fd = fs->open(fs->ctx, "precious", O_RDWR | O_TRUNC | PRS_O_OWN, 0);
	assert_true(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fs->fstat(fs->ctx, fd, &st), 0);
	assert_int_equal(st.size, 0);
	assert_int_equal(st.uid, geteuid());
	assert_int_equal(fs->chmod(fs->ctx, fd, 0640), 0);
	assert_int_equal(fs->chown(fs->ctx, fd, (uint32_t)-1, getegid()), 0);
	assert_int_equal(fs->fstat(fs->ctx, fd, &st), 0);
	assert_int_equal(st.mode & 07777, 0640);
	fs->close(fs->ctx, fd);
	assert_int_equal(fs->open(fs->ctx, "new", O_RDWR | PRS_O_OWN, 0), -ENOENT);
	fd = fs->open(fs->ctx, "new", O_RDWR | O_CREAT | O_EXCL | PRS_O_OWN, 0600);
	assert_true(fd >= 0);
	fs->close(fs->ctx, fd);
	assert_int_equal(fs->open(fs->ctx, "new", O_RDWR | O_CREAT | O_EXCL | PRS_O_OWN, 0600), -EEXIST);
}

static void test_mapping(void **state)
{
	(void)state;
	char to[4] = "";
	put("f", "0123");
	int fd = fs->open(fs->ctx, "f", O_RDWR, 0);
	char *p = fs->mmap(fs->ctx, fd, 4, true);
	assert_non_null(p);
	p[1] = '#';
	assert_int_equal(fs->pread(fs->ctx, fd, to, 4, 0), 4); /* shared */
	assert_memory_equal(to, "0#23", 4);
	assert_int_equal(fs->munmap(fs->ctx, p, 4), 0);
	errno = 0;
	assert_null(fs->mmap(fs->ctx, -1, 4, false));
	assert_int_equal(errno, EBADF);
	fs->close(fs->ctx, fd);
}

static void test_names(void **state)
{
	(void)state;
	struct prs_fs_stat st;
	put("a", "a");
	put("b", "b");
	assert_int_equal(fs->rename_new(fs->ctx, "a", "b"), -EEXIST);
	assert_int_equal(fs->rename_new(fs->ctx, "a", "c"), 0);
	assert_int_equal(fs->rename(fs->ctx, "c", "b"), 0);
	assert_int_equal(fs->stat(fs->ctx, "b", &st), 0);
	assert_int_equal(fs->stat(fs->ctx, "c", &st), -ENOENT);
	assert_int_equal(fs->unlink(fs->ctx, "b"), 0);
	assert_int_equal(fs->unlink(fs->ctx, "b"), -ENOENT);
	assert_int_equal(fs->mkdir(fs->ctx, "d", 0755), 0);
	assert_int_equal(fs->mkdir(fs->ctx, "d", 0755), -EEXIST);
	assert_int_equal(fs->rename(fs->ctx, "no", "b"), -ENOENT);
	assert_int_equal(symlink("nowhere", "l"), 0);
	assert_int_equal(fs->stat(fs->ctx, "l", &st), -ENOENT); /* follows */
}

static void test_errors_are_negative_errnos(void **state)
{
	(void)state;
	struct prs_fs_stat st;
	uint64_t bytes;
	char c;
	assert_int_equal(fs->open(fs->ctx, "no/f", O_RDONLY, 0), -ENOENT);
	assert_int_equal(fs->close(fs->ctx, 9999), -EBADF);
	assert_int_equal(fs->pread(fs->ctx, 9999, &c, 1, 0), -EBADF);
	assert_int_equal(fs->pwrite(fs->ctx, 9999, &c, 1, 0), -EBADF);
	assert_int_equal(fs->read(fs->ctx, 9999, &c, 1), -EBADF);
	assert_int_equal(fs->fdatasync(fs->ctx, 9999), -EBADF);
	assert_int_equal(fs->sync_dir(fs->ctx, "no"), -ENOENT);
	assert_int_equal(fs->fallocate(fs->ctx, 9999, 0, 1), -EBADF);
	assert_int_equal(fs->ftruncate(fs->ctx, 9999, 1), -EBADF);
	assert_int_equal(fs->fstat(fs->ctx, 9999, &st), -EBADF);
	assert_int_equal(fs->list(fs->ctx, "no", NULL, NULL), -ENOENT);
	assert_int_equal(fs->free_bytes(fs->ctx, "no", &bytes), -ENOENT);
	assert_int_equal(fs->free_bytes(fs->ctx, ".", &bytes), 0);
}

/* ---- list -------------------------------------------------------------------------------------------------------- */

struct seen {
	char names[64][256], types[64];
	unsigned n, stop_at;
};

static int each(void *ctx, const char *name, char type)
{
	struct seen *s = ctx;
	strcpy(s->names[s->n], name);
	s->types[s->n++] = type;
	return s->n == s->stop_at ? 77 : 0;
}

static char type_of(const struct seen *s, const char *name)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!strcmp(s->names[i], name))
			return s->types[i];
	return 0;
}

static void test_list_of_odd_names(void **state)
{
	(void)state;
	static struct seen s;
	static char longest[256];
	memset(longest, 'x', 255);
	const char *const names[] = { " ",    "  two  blanks ", "new\nline", "\xff\xfe not utf-8",
		                      "\x01", "tab\t",          "...",       "-rf",
		                      "*",    "\"quoted\"",     "a'b",       "\\",
		                      "%s%n", "e\xcc\x81",      longest };
	enum { N = sizeof names / sizeof *names };
	for (unsigned i = 0; i < N; i++)
		put(names[i], "x");
	s = (struct seen){ 0 };
	assert_int_equal(fs->list(fs->ctx, ".", each, &s), 0);
	assert_int_equal(s.n, N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(type_of(&s, names[i]), 'f');
}

/* Every single byte but "/" and 0, and "." alone. */
static void test_list_of_every_byte(void **state)
{
	(void)state;
	static struct seen s;
	for (unsigned from = 1; from < 256; from += 64) {
		unsigned made = 0;
		assert_int_equal(fs->mkdir(fs->ctx, "bytes", 0755), 0);
		assert_int_equal(chdir("bytes"), 0);
		for (unsigned b = from; b < from + 64 && b < 256; b++) {
			char name[2] = { (char)b, 0 };
			if (b != '/' && b != '.') {
				put(name, "x");
				made++;
			}
		}
		s = (struct seen){ 0 };
		assert_int_equal(fs->list(fs->ctx, ".", each, &s), 0);
		assert_int_equal(s.n, made);
		assert_int_equal(chdir(".."), 0);
		nftw("bytes", remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
}

static void test_list_tells_types_and_stops(void **state)
{
	(void)state;
	static struct seen s;
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	put("file", "x");
	assert_int_equal(mkdir("folder", 0755), 0);
	assert_int_equal(symlink("folder", "link"), 0);
	assert_int_equal(mkfifo("fifo", 0644), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	s = (struct seen){ 0 };
	assert_int_equal(fs->list(fs->ctx, ".", each, &s), 0);
	assert_int_equal(s.n, 5);
	assert_int_equal(type_of(&s, "file"), 'f');
	assert_int_equal(type_of(&s, "folder"), 'd');
	assert_int_equal(type_of(&s, "link"), 'l');
	assert_int_equal(type_of(&s, "fifo"), 'o');
	assert_int_equal(type_of(&s, "socket"), 'o');
	s = (struct seen){ .stop_at = 2 };
	assert_int_equal(fs->list(fs->ctx, ".", each, &s), 77);
	assert_int_equal(s.n, 2);
	assert_int_equal(fs->list(fs->ctx, "file", each, &s), -ENOTDIR);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reading_and_writing),
		T(test_own_files),
		T(test_mapping),
		T(test_names),
		T(test_errors_are_negative_errnos),
		T(test_list_of_odd_names),
		T(test_list_of_every_byte),
		T(test_list_tells_types_and_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
