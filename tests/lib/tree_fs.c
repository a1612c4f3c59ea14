/* SPDX-License-Identifier: Apache-2.0
 * tree_fs: a tree that is only looked at; links are followed up to a number, as the kernel does.
 */
#include "tree_fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINKS_MAX = 40 };

static struct tree_node *follow(struct tree_node *n)
{
	for (int i = 0; n && n->type == 'l'; i++)
		n = i < LINKS_MAX ? n->target : NULL;
	return n;
}

static uint32_t mode_of(char type)
{
	if (type == 'd')
		return S_IFDIR;
	return type == 'f' ? S_IFREG : S_IFSOCK;
}

static struct tree_node *child(struct tree_node *folder, const char *name, size_t len)
{
	for (size_t i = 0; folder && folder->type == 'd' && i < folder->n; i++)
		if (!strncmp(folder->v[i]->name, name, len) && !folder->v[i]->name[len])
			return folder->v[i];
	return NULL;
}

struct tree_node *tree_find(struct tree *t, const char *path)
{
	struct tree_node *n = &t->root;
	while (n && *path) {
		path += strspn(path, "/");
		size_t len = strcspn(path, "/");
		n = len ? follow(child(n, path, len)) : n;
		path += len;
	}
	return n;
}

static int tree_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	struct tree *t = ctx;
	struct tree_node *n = tree_find(t, path);
	t->stats++;
	if (!n)
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = mode_of(n->type), .dev = 1, .ino = n->ino };
	return 0;
}

static int tree_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	struct tree *t = ctx;
	struct tree_node *n = tree_find(t, path);
	t->lists++;
	if (!n)
		return -ENOENT;
	if (n->type != 'd')
		return -ENOTDIR;
	if (n->fails)
		return -n->fails;
	int r = 0;
	for (size_t i = 0; i < n->n && !r; i++)
		r = each(each_ctx, n->v[i]->name, t->no_types ? '?' : n->v[i]->type);
	return r;
}

void tree_init(struct tree *t)
{
	memset(t, 0, sizeof *t);
	t->fs = (struct prs_fs){ .ctx = t, .stat = tree_stat, .list = tree_list };
	t->root.type = 'd';
	t->root.ino = ++t->next_ino;
}

static void free_below(struct tree_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free_below(n->v[i]);
		free(n->v[i]->name);
		free(n->v[i]);
	}
	free(n->v);
}

void tree_done(struct tree *t) { free_below(&t->root); }

struct tree_node *tree_add(struct tree *t, struct tree_node *folder, const char *name, char type)
{
	if (folder->n == folder->cap) {
		folder->cap = folder->cap ? folder->cap * 2 : 8;
		folder->v = realloc(folder->v, folder->cap * sizeof *folder->v);
	}
	struct tree_node *n = calloc(1, sizeof *n);
	if (!folder->v || !n)
		abort();
	n->name = strdup(name);
	n->type = type;
	n->ino = ++t->next_ino;
	folder->v[folder->n++] = n;
	return n;
}

void tree_remove(struct tree_node *folder, const char *name)
{
	for (size_t i = 0; i < folder->n; i++)
		if (!strcmp(folder->v[i]->name, name)) {
			free_below(folder->v[i]);
			free(folder->v[i]->name);
			free(folder->v[i]);
			folder->v[i] = folder->v[--folder->n];
			return;
		}
}
