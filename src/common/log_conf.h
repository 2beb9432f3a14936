/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The errors of a config file in the log of a daemon that runs; what is checked on a terminal goes by conf_errors_write. */
#ifndef TANDEM_COMMON_LOG_CONF_H
#define TANDEM_COMMON_LOG_CONF_H

#include "common/conf_error.h"

void log_conf_errors(const struct conf_errors *errors);

#endif
