/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandem-vrrp, the address owner: what the command line says. The rest is vrrp_daemon.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/ctl_rundir.h"
#include "common/log.h"
#include "vrrp/vrrp_conf.h"
#include "vrrp/vrrp_daemon.h"

#define CONFIG_DEFAULT "/etc/tandem/tandem.conf"

static const char usage[] =
	"Usage: tandem-vrrp [-c FILE] [-n NODE] [-r RUNDIR] [-t] [-v]\n"
	"\n"
	"  -c FILE    config (default " CONFIG_DEFAULT ")\n"
	"  -n NODE    this node's name in the config (default: the hostname)\n"
	"  -r RUNDIR  sockets and state (default " CTL_RUNDIR_DEFAULT ")\n"
	"  -t         check the config and exit\n"
	"  -v         say more\n"
	"  --help, --version\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads the config. SIGTERM hands the addresses over and ends.\n";

static int parse_options(int argc, char **argv, struct vrrp_daemon_options *o)
{
	enum { HELP = 256, VERSION };
	static const struct option longs[] = {{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION}, {NULL, 0, NULL, 0}};
	int c;

	*o = (struct vrrp_daemon_options){.config = CONFIG_DEFAULT, .run_dir = CTL_RUNDIR_DEFAULT};
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
		case 'h':
		case HELP:
			fputs(usage, stdout);
			exit(0);
		case VERSION:
			puts("tandem-vrrp " TANDEM_VERSION);
			exit(0);
		default:
			fputs("try 'tandem-vrrp --help'\n", stderr);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "tandem-vrrp: unexpected argument '%s'; try 'tandem-vrrp --help'\n", argv[optind]);
	return -EINVAL;
}

/* The config is read here to be checked only: the speaker reads it again when it begins, also after a crash. */
static int check(const struct vrrp_daemon_options *o, size_t *instances)
{
	struct conf_errors errors;
	struct vrrp_model model;
	int err = vrrp_conf_load(o->config, o->node, &model, &errors);

	if (err == -ENODATA)
		fprintf(stderr, "%s: has no vrrp section; 'vrrp = { instances = ( ... ); };' would do\n",
			o->config);
	else if (err)
		conf_errors_write(&errors, stderr, "");
	*instances = err ? 0 : model.instance_count;
	if (!err)
		vrrp_model_clear(&model);
	return err;
}

int main(int argc, char **argv)
{
	struct vrrp_daemon_options o;
	size_t instances;

	log_open("tandem-vrrp", LOG_LEVEL_INFO);
	if (parse_options(argc, argv, &o))
		return 2;
	if (o.verbose)
		log_open("tandem-vrrp", LOG_LEVEL_DEBUG);
	if (check(&o, &instances))
		return 2;
	if (o.test) {
		printf("%s: good: %zu vrrp instances\n", o.config, instances);
		return 0;
	}
	return vrrp_daemon_run(&o);
}
