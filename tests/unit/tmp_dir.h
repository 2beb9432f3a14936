/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory for one test: gone afterwards even when the test failed, and a complaint when it was not empty.
 */
#ifndef TANDEM_TESTS_TMP_DIR_H
#define TANDEM_TESTS_TMP_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TMP_DIR_MAX 64

/* 0 with its path in out, or -1. */
static inline int tmp_dir_make(char out[TMP_DIR_MAX])
{
	snprintf(out, TMP_DIR_MAX, "/tmp/tandem-test-XXXXXX");
	return mkdtemp(out) ? 0 : -1;
}

static inline int tmp_dir_drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	fprintf(stderr, "left behind: %s\n", path);
	return remove(path);
}

/* 0 when the test left nothing in it, else -1; removed in both cases. */
static inline int tmp_dir_remove(const char *dir)
{
	if (rmdir(dir) == 0)
		return 0;
	nftw(dir, tmp_dir_drop, 8, FTW_DEPTH | FTW_PHYS);
	return -1;
}

#endif
