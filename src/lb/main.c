/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandem-lb, the balancer's control plane: what the command line says. The rest is lb_daemon.c. */
#include <stdio.h>

#include "common/daemon_options.h"
#include "common/secure_dgram.h"
#include "lb/lb_conf.h"
#include "lb/lb_daemon.h"

static const char usage[] =
	"Usage: tandem-lb [-c FILE] [-n NODE] [-r RUNDIR] [-t] [-v] [--reset | --remove]\n"
	"\n" DAEMON_OPTIONS_USAGE "  --reset    begin with an empty dataplane; its flows are dropped\n"
	"  --remove   take the dataplane of RUNDIR away and exit\n"
	"  --help, --version\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads the config. When it ends the dataplane goes on.\n";

int main(int argc, char **argv)
{
	bool reset = false, remove = false;
	const struct daemon_flag flags[] = {{"reset", &reset}, {"remove", &remove}};
	struct daemon_options o;
	struct conf_errors errors;
	struct lb_model model;
	int status;

	if (daemon_options_read("tandem-lb", usage, flags, 2, argc, argv, &o))
		return 2;
	if (remove)
		return lb_daemon_remove(o.run_dir);
	if (lb_conf_load(o.config, o.node, &model, &errors)) {
		conf_errors_write(&errors, stderr, "");
		return 2;
	}
	if (o.test) {
		char line[SECURE_WARNING_MAX];

		if (model.peer.configured && secure_keys_warn(model.peer.key_file, line, sizeof(line)))
			fprintf(stderr, "%s\n", line);
		printf("%s: good: %zu services, %zu pools\n", o.config, model.service_count,
			model.pool_count);
		lb_model_clear(&model);
		return 0;
	}
	status = lb_daemon_run(&o, reset, &model);
	lb_model_clear(&model);
	return status;
}
