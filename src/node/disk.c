/* SPDX-License-Identifier: Apache-2.0
 * disk: a try or an init() failed: is a disk full that the job needs? Then nobody is to blame: the job drains and can
 * be resumed.
 *
 * Scripts write to the run folder without knowing it: what they and their children print, ./outputs. They also write to
 * the output. An exception that says so (ENOSPC, EDQUOT) is believed when it names no file, or one on the device of one
 * of these folders. Where no exception says anything, because a child died, say, 1 MiB is written there to see. As long
 * as much room is left that is done once a second only.
 */
#include "node/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 8 << 10, BLOCKS = 128, ROOM_BYTES = 64 << 20, ROOM_US = 1000000 };

static bool is_full(int r) { return r == -ENOSPC || r == -EDQUOT; }

static void add(struct disks *d, const char *folder, const char *sentence)
{
	struct prs_fs_stat st;
	if (!folder || d->fs->stat(d->fs->ctx, folder, &st) < 0)
		return;
	for (unsigned i = 0; i < d->n; i++)
		if (d->v[i].device == st.dev)
			return;
	d->v[d->n++] = (struct disk){ .folder = folder, .sentence = sentence, .device = st.dev };
}

void disks_init(struct disks *d, const struct prs_fs *fs, const char *run, const char *output)
{
	*d = (struct disks){ .fs = fs };
	add(d, run, "the disk of the run folder is full");
	add(d, output, "the disk of the output is full");
}

/* What cannot be compressed away, nor shared with another block. Small: the engine runs on a small stack, too. */
static void fill(uint8_t block[BLOCK_BYTES], uint64_t seed)
{
	for (size_t i = 0; i < BLOCK_BYTES; i += 8) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		memcpy(block + i, &seed, 8);
	}
}

/* 0 or a negative errno. */
static int write_blocks(const struct prs_fs *fs, int fd, uint64_t seed)
{
	uint8_t block[BLOCK_BYTES];
	for (uint64_t at = 0; at < (uint64_t)BLOCKS * BLOCK_BYTES;) {
		size_t in = at % BLOCK_BYTES;
		if (!in)
			fill(block, seed + at);
		ssize_t r = fs->pwrite(fs->ctx, fd, block + in, BLOCK_BYTES - in, at);
		if (r <= 0)
			return r < 0 ? (int)r : -ENOSPC;
		at += (uint64_t)r;
	}
	return 0;
}

static bool probe_says_full(const struct prs_fs *fs, const char *folder, uint64_t seed)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/.prs-room.tmp", folder) >= (int)sizeof path)
		return false;
	int fd = fs->open(fs->ctx, path, O_WRONLY | O_CREAT | O_TRUNC | PRS_O_OWN, 0600);
	if (fd < 0)
		return is_full(fd);
	fs->unlink(fs->ctx, path); /* at once: a process that is killed here leaves nothing */
	int r = write_blocks(fs, fd, seed), closed = fs->close(fs->ctx, fd);
	return is_full(r) || is_full(closed);
}

static bool has_room(const struct disks *d, struct disk *k, uint64_t now_us)
{
	uint64_t free_bytes = 0;
	bool much = d->fs->free_bytes(d->fs->ctx, k->folder, &free_bytes) == 0 && free_bytes >= ROOM_BYTES;
	if (much && k->room_us && now_us - k->room_us < ROOM_US)
		return true;
	k->room_us = probe_says_full(d->fs, k->folder, now_us | 1) ? 0 : now_us;
	return k->room_us != 0;
}

static const char *probed(struct disks *d, uint64_t now_us)
{
	for (unsigned i = 0; i < d->n; i++)
		if (!has_room(d, &d->v[i], now_us))
			return d->v[i].sentence;
	return NULL;
}

const char *disks_full(struct disks *d, const struct prs_full_disk *said, uint64_t now_us)
{
	if (!said->errnum)
		return probed(d, now_us);
	if (!said->named) {
		const char *sentence = probed(d, now_us);
		return sentence ? sentence : "a disk was full, and the script does not say which";
	}
	for (unsigned i = 0; i < d->n; i++)
		if (d->v[i].device == said->device)
			return d->v[i].sentence;
	return NULL;
}
