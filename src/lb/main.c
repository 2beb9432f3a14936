/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandem-lb, the balancer's control plane: what the command line says. The rest is lb_daemon.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/ctl_rundir.h"
#include "common/log.h"
#include "lb/lb_conf.h"
#include "lb/lb_daemon.h"

#define CONFIG_DEFAULT "/etc/tandem/tandem.conf"

static const char usage[] =
	"Usage: tandem-lb [-c FILE] [-n NODE] [-r RUNDIR] [-t] [-v] [--reset | --remove]\n"
	"\n"
	"  -c FILE    config (default " CONFIG_DEFAULT ")\n"
	"  -n NODE    this node's name in the config (default: the hostname)\n"
	"  -r RUNDIR  sockets and state (default " CTL_RUNDIR_DEFAULT ")\n"
	"  -t         check the config and exit\n"
	"  -v         say more\n"
	"  --reset    begin with an empty dataplane; its flows are dropped\n"
	"  --remove   take the dataplane of RUNDIR away and exit\n"
	"  --help, --version\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads the config. When it ends the dataplane goes on.\n";

static int parse_options(int argc, char **argv, struct lb_daemon_options *o)
{
	enum { RESET = 256, REMOVE, HELP, VERSION };
	static const struct option longs[] = {{"reset", no_argument, NULL, RESET},
		{"remove", no_argument, NULL, REMOVE}, {"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION}, {NULL, 0, NULL, 0}};
	int c;

	*o = (struct lb_daemon_options){.config = CONFIG_DEFAULT, .run_dir = CTL_RUNDIR_DEFAULT};
	while ((c = getopt_long(argc, argv, "c:n:r:tvh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'n':
			o->node = optarg;
			break;
		case 'r':
			o->run_dir = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case RESET:
			o->reset = true;
			break;
		case REMOVE:
			o->remove = true;
			break;
		case 'h':
		case HELP:
			fputs(usage, stdout);
			exit(0);
		case VERSION:
			puts("tandem-lb " TANDEM_VERSION);
			exit(0);
		default:
			fputs("try 'tandem-lb --help'\n", stderr);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "tandem-lb: unexpected argument '%s'; try 'tandem-lb --help'\n", argv[optind]);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct lb_daemon_options o;
	struct conf_errors errors;
	struct lb_model model;
	int status;

	log_open("tandem-lb", LOG_LEVEL_INFO);
	if (parse_options(argc, argv, &o))
		return 2;
	if (o.verbose)
		log_open("tandem-lb", LOG_LEVEL_DEBUG);
	if (o.remove)
		return lb_daemon_remove(&o);
	if (lb_conf_load(o.config, o.node, &model, &errors)) {
		conf_errors_write(&errors, stderr, "");
		return 2;
	}
	if (o.test) {
		printf("%s: good: %zu services, %zu pools\n", o.config, model.service_count,
			model.pool_count);
		lb_model_clear(&model);
		return 0;
	}
	status = lb_daemon_run(&o, &model);
	lb_model_clear(&model);
	return status;
}
