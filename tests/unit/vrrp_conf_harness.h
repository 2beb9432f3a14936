/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts with a vrrp section, for the tests of vrrp_conf: the lines of errors that one must yield, or its model. */
#ifndef TANDEM_TESTS_VRRP_CONF_HARNESS_H
#define TANDEM_TESTS_VRRP_CONF_HARNESS_H

#include "vrrp/vrrp_conf.h"

#define LINES_MAX 4

/* The keys of one instance are line 2, each instance of a list its own line from 2. */
#define SECTION(list) "vrrp = { instances = (\n" list "\n); };\n"
#define ONE(keys)     SECTION("{ " keys " }")
#define HEAD          "name = \"a\"; interface = \"eth0\"; vrid = 1; "
#define V4            "addresses = [ \"10.0.0.100/24\" ]; "
#define V6            "addresses = [ \"fd00::100/64\" ]; "
#define BOTH          "addresses = [ \"fd00::100/64\", \"10.0.0.100/24\" ]; "
#define WITH(keys)    ONE(HEAD V4 "\n" keys) /* keys are line 3 */
#define ADDRESSES(a)  ONE(HEAD "addresses = [\n" a "\n];")
#define TRACK(keys)   ONE(HEAD V4 "track = (\n{ " keys " }\n);")
/* A pair of instances in lines 2 and 3, and a group in line 5. */
#define A(keys) \
	"{ name = \"a\"; interface = \"eth0\"; vrid = 1; addresses = [ \"10.0.0.100/24\" ]; " keys " },\n"
#define B(keys) \
	"{ name = \"b\"; interface = \"eth1\"; vrid = 2; addresses = [ \"10.0.1.100/24\" ]; " keys " }\n"
#define PAIR(ka, kb, group) "vrrp = { instances = (\n" A(ka) B(kb) "); groups = (\n" group "\n); };\n"
#define EDGE                "{ name = \"edge\"; members = [ \"a\", \"b\" ]; }"

#define A_NAME                                                    \
	"give a name of 1..63 letters, digits, '.', '_' or '-', " \
	"in quotes, that begins with a letter or digit"
#define AN_INTERFACE "give a name of 1..15 characters without blanks, '/' and ':'"

struct row {
	const char *text;
	const char *lines[LINES_MAX]; /* none: the text is sound */
};

/* Fails the test unless each text, read as "t", yields exactly its lines, and an empty model when there are any. */
void check_rows(const struct row *rows, size_t count);
void check_rows_as(const char *node, const struct row *rows, size_t count); /* of that node */

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

/* A text that must be good, as a model that the caller clears. node as in vrrp_conf_load(). */
struct vrrp_model good(const char *text, const char *node);

#endif
