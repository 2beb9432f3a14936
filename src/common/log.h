/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line a message on standard error: "<level> program: text", with a wall-clock time before it
 * unless systemd's journal (JOURNAL_STREAM) adds its own and takes the level as a "<N>" prefix. A daemon never waits for
 * who reads it: lines that find no room are lost, and the next one that does is preceded by how many.
 */
#ifndef TANDEM_COMMON_LOG_H
#define TANDEM_COMMON_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Program's name (kept, not copied) and the highest level that is still printed. */
void log_open(const char *program, enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
