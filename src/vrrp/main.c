/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandem-vrrp, the address owner: what the command line says. The rest is vrrp_daemon.c. */
#include <errno.h>
#include <stdio.h>

#include "common/daemon_options.h"
#include "common/secure_dgram.h"
#include "vrrp/vrrp_conf.h"
#include "vrrp/vrrp_daemon.h"

static const char usage[] =
	"Usage: tandem-vrrp [-c FILE] [-n NODE] [-r RUNDIR] [-t] [-v]\n"
	"\n" DAEMON_OPTIONS_USAGE "  --help, --version\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads the config. SIGTERM hands the addresses over and ends.\n";

/* The config is read here to be checked only: the speaker reads it again when it begins, also after a crash. */
static int check(const struct daemon_options *o, size_t *instances)
{
	char line[SECURE_WARNING_MAX];
	struct conf_errors errors;
	struct vrrp_model model;
	int err = vrrp_conf_load(o->config, o->node, &model, &errors);

	if (err == -ENODATA)
		fprintf(stderr, "%s: has no vrrp section; 'vrrp = { instances = ( ... ); };' would do\n",
			o->config);
	else if (err)
		conf_errors_write(&errors, stderr, "");
	else if (o->test && model.peer.configured &&
		 secure_keys_warn(model.peer.key_file, line, sizeof(line)))
		fprintf(stderr, "%s\n", line);
	*instances = err ? 0 : model.instance_count;
	if (!err)
		vrrp_model_clear(&model);
	return err;
}

int main(int argc, char **argv)
{
	struct daemon_options o;
	size_t instances;

	if (daemon_options_read("tandem-vrrp", usage, NULL, 0, argc, argv, &o))
		return 2;
	if (check(&o, &instances))
		return 2;
	if (o.test) {
		printf("%s: good: %zu vrrp instances\n", o.config, instances);
		return 0;
	}
	return vrrp_daemon_run(&o);
}
