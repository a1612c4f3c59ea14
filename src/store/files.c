/* SPDX-License-Identifier: Apache-2.0
 * files: what a run folder holds has a name here or in docs/formats.md. A small file appears whole, by a rename, or not
 * at all.
 */
#include "store/store.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_FILE_MAX = 64 << 10, ENGINE_BYTES = 64, KIND_BYTES = 64 };

void prs_path_journal(char *to, size_t n, const char *dir, uint32_t epoch)
{
	snprintf(to, n, "%s/journal-%u", dir, epoch);
}
void prs_path_plan(char *to, size_t n, const char *dir, uint32_t epoch) { snprintf(to, n, "%s/plan-%u", dir, epoch); }
void prs_path_index(char *to, size_t n, const char *dir, uint32_t epoch) { snprintf(to, n, "%s/index-%u", dir, epoch); }

void prs_path_segment(char *to, size_t n, const char *dir, uint32_t epoch, uint16_t node, uint32_t segment, bool raw)
{
	snprintf(to, n, "%s/seg/%u-%u-%u.%s", dir, epoch, node, segment, raw ? "raw" : "seg");
}

/* '#': digits. */
static bool name_matches(const char *pattern, const char *name, size_t n)
{
	size_t digits;
	for (; *pattern && n; pattern++, name += digits, n -= digits) {
		digits = *pattern == '#' ? strspn(name, "0123456789") : *name == *pattern;
		if (!digits || digits > n)
			return false;
	}
	return !*pattern && !n;
}

bool prs_run_has_name(const char *name)
{
	static const char *const names[] = { "RUN",       "job.json",    "code.sums",    "code",
		                             "code-#",    "code-#.sums", "input-#.list", "only-#.list",
		                             "journal-#", "plan-#",      "seg",          "index-#",
		                             "spool-#-#", ".prs-room",   "lock",         "ctl",
		                             "work",      "logs",        "outputs",      "failed_items.jsonl",
		                             "steps",     "snapshots",   "pipeline.json" };
	size_t n = strlen(name);
	if (n > 4 && !strcmp(name + n - 4, ".tmp")) /* a small file that was being written */
		n -= 4;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (name_matches(names[i], name, n))
			return true;
	return false;
}

static int sync_folder(const struct prs_fs *fs, const char *path)
{
	PRS_AUTOFREE char *folder = prs_path_folder(path);
	return folder ? fs->sync_dir(fs->ctx, folder) : -ENOMEM;
}

static int write_bytes(const struct prs_fs *fs, int fd, const uint8_t *p, size_t n)
{
	uint64_t at = 0;
	while (n) {
		ssize_t w = fs->pwrite(fs->ctx, fd, p, n, at);
		if (w <= 0)
			return w < 0 ? (int)w : -EIO;
		p += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	return fs->fdatasync(fs->ctx, fd);
}

int prs_write_file(const struct prs_fs *fs, const char *path, const void *bytes, size_t n, uint32_t mode,
                   struct prs_err *err)
{
	PRS_AUTOFREE char *tmp = prs_strf("%s.tmp", path);
	if (!tmp)
		return prs_fail(err, PRS_ENOMEM, "writing %s", path);
	fs->unlink(fs->ctx, tmp); /* a left-over would lend its mode */
	int fd = fs->open(fs->ctx, tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "writing %s", path);
	int r = write_bytes(fs, fd, bytes, n);
	fs->close(fs->ctx, fd);
	if (!r)
		r = fs->rename(fs->ctx, tmp, path);
	if (!r)
		r = sync_folder(fs, path);
	if (r) {
		fs->unlink(fs->ctx, tmp);
		return prs_fail_errno(err, -r, "writing %s", path);
	}
	return 0;
}

static const char *const kinds[] = { [PRS_RUN_JOB] = "run", [PRS_RUN_PIPELINE] = "pipeline" };
enum { KINDS = sizeof kinds / sizeof *kinds };

int prs_run_file_write(const struct prs_fs *fs, const char *dir, const struct prs_run_id *id, const char *name,
                       const char *engine, struct prs_err *err)
{
	return prs_run_file_write_as(fs, dir, PRS_RUN_JOB, id, name, engine, err);
}

int prs_run_file_write_as(const struct prs_fs *fs, const char *dir, enum prs_run_kind kind, const struct prs_run_id *id,
                          const char *name, const char *engine, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, RUN_FILE_MAX);
	prs_buf_putf(&b, PRS_RUN_FILE_MAGIC "1\nkind %s\nid ", kinds[kind]);
	for (int i = 0; i < 16; i++)
		prs_buf_putf(&b, "%02x", id->bytes[i]);
	prs_buf_putf(&b, " %s\nengine %s\n", name, engine);
	PRS_AUTOFREE char *path = prs_strf("%s/RUN", dir);
	if (b.failed || !path)
		return prs_fail(err, PRS_ENOMEM, "writing RUN");
	return prs_write_file(fs, path, b.data, b.len, 0644, err);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `found`: what this engine does not know, `known`: what it knows of that. */
static int newer(const char *text, const char *path, const char *found, const char *known, struct prs_err *err)
{
	const char *line = strstr(text, "\nengine ");
	char engine[ENGINE_BYTES] = "";
	if (line && sscanf(line, "\nengine %63s", engine) == 1)
		return prs_fail(err, PRS_EVERSION,
		                "%s: %s; prs %s knows %s. It was written by prs %s: use that version or a newer one",
		                path, found, PRS_VERSION, known, engine);
	return prs_fail(err, PRS_EVERSION, "%s: %s; prs %s knows %s", path, found, PRS_VERSION, known);
}

/* A folder of another kind has other files and another end; read as a run it would be run, or cleaned, as one. */
static int read_kind(const char *text, const char *path, unsigned known, enum prs_run_kind *ret, struct prs_err *err)
{
	const char *line = strstr(text, "\nkind ");
	char kind[KIND_BYTES] = "run", found[KIND_BYTES + 16];
	if (line)
		snprintf(kind, sizeof kind, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
	for (unsigned i = 0; i < known; i++)
		if (!strcmp(kind, kinds[i])) {
			*ret = (enum prs_run_kind)i;
			return 0;
		}
	snprintf(found, sizeof found, "kind \"%s\"", kind);
	return newer(text, path, found, known == KINDS ? "kinds \"run\" and \"pipeline\"" : "kind \"run\"", err);
}

static int parse_run_file(const char *text, const char *path, unsigned known, enum prs_run_kind *ret_kind,
                          struct prs_run_id *ret, char *name, size_t name_bytes, struct prs_err *err)
{
	unsigned format = 0;
	char found[32];
	if (sscanf(text, PRS_RUN_FILE_MAGIC "%u\n", &format) != 1)
		return prs_fail(err, PRS_ECORRUPT, "%s: not a run file: its first line must be \"prs-run 1\"", path);
	snprintf(found, sizeof found, "run format %u", format);
	if (format != 1)
		return newer(text, path, found, "format 1", err);
	if (read_kind(text, path, known, ret_kind, err) < 0)
		return err ? err->code : -PRS_EVERSION;
	const char *id = strstr(text, "\nid ");
	const char *end = id ? strchr(id + 1, '\n') : NULL;
	if (!end || end - id < 4 + 32 + 2 || id[4 + 32] != ' ')
		return prs_fail(err, PRS_ECORRUPT, "%s: no line \"id <32 hex digits> <name>\"", path);
	id += 4;
	for (int i = 0; i < 16; i++) {
		int hi = hex_value(id[2 * i]), lo = hex_value(id[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return prs_fail(err, PRS_ECORRUPT, "%s: the id is not 32 hex digits", path);
		ret->bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	snprintf(name, name_bytes, "%.*s", (int)(end - id - 33), id + 33);
	return 0;
}

static int read_run_file(const struct prs_fs *fs, const char *dir, unsigned known, enum prs_run_kind *ret_kind,
                         struct prs_run_id *ret, char *name, size_t name_bytes, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, RUN_FILE_MAX);
	PRS_AUTOFREE char *path = prs_strf("%s/RUN", dir);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "reading RUN");
	int r = prs_read_own_file(fs, path, &b, err);
	return r < 0 ? r : parse_run_file(prs_buf_str(&b), path, known, ret_kind, ret, name, name_bytes, err);
}

int prs_run_file_read(const struct prs_fs *fs, const char *dir, struct prs_run_id *ret, char *name, size_t name_bytes,
                      struct prs_err *err)
{
	enum prs_run_kind kind;
	return read_run_file(fs, dir, PRS_RUN_JOB + 1, &kind, ret, name, name_bytes, err);
}

int prs_run_file_read_any(const struct prs_fs *fs, const char *dir, enum prs_run_kind *ret_kind, struct prs_run_id *ret,
                          char *name, size_t name_bytes, struct prs_err *err)
{
	return read_run_file(fs, dir, KINDS, ret_kind, ret, name, name_bytes, err);
}
