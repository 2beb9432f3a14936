/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a config file, made fit for libconfig: files are read (once each), @include is spliced in,
 * tokens and brackets are checked and written out without comments, and every line of the result is known
 * by the file and line it came from. Knows no schema and nothing of libconfig's tree.
 */
#ifndef TANDEM_COMMON_CONF_TEXT_H
#define TANDEM_COMMON_CONF_TEXT_H

#include <stddef.h>

#include "common/conf_error.h"

#define CONF_SIZE_MAX          (16u << 20) /* bytes of a config, its includes counted */
#define CONF_INCLUDE_DEPTH_MAX 8           /* levels of @include */
#define CONF_FILES_MAX         64          /* files of one config */
#define CONF_NESTING_MAX       32          /* brackets within brackets */
#define CONF_KEYS_MAX          64          /* keys in one group */
#define CONF_VALUES_MAX        65536       /* values in one list or array */

struct conf_file {
	char *path;
	char *data;
	size_t len;
};

struct conf_segment { /* lines of the result from here on, up to the next segment, come from here */
	unsigned out_line;
	unsigned file;
	unsigned line;
};

struct conf_text {
	char *out; /* NUL-terminated */
	size_t out_len, out_room;
	unsigned out_line;
	struct conf_segment *segments;
	size_t segment_count, segment_room;
	struct conf_file files[CONF_FILES_MAX]; /* the first is the main file */
	size_t file_count;
	size_t total; /* bytes read */
	int may_include;
};

/*
 * Read and check a config file. 0; -EINVAL when errors were added; -ENOMEM. Clear the text in every case.
 * The file must be a regular one; relative names in @include are seen from the file that includes.
 */
int conf_text_read_file(struct conf_text *text, const char *path, struct conf_errors *errors);

/* The same for bytes in memory (copied); name is what errors call them. @include is refused. */
int conf_text_read_memory(
	struct conf_text *text, const char *name, const void *buf, size_t len, struct conf_errors *errors);

void conf_text_clear(struct conf_text *text);

/* Where a line of the result came from. The file name lives as long as the text. */
void conf_text_locate(const struct conf_text *text, unsigned out_line, const char **file, unsigned *line);

#endif
