/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log_conf.h"

#include "common/log.h"

void log_conf_errors(const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->shown; i++)
		log_error("%s", errors->error[i].text);
	if (errors->count > errors->shown)
		log_error(
			"%zu more errors are not shown; correct these first", errors->count - errors->shown);
}
