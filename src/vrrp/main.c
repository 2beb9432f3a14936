/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandem-vrrp, the address owner: what the command line says. The rest is vrrp_daemon.c. */
#include <errno.h>
#include <stdio.h>

#include "common/daemon_options.h"
#include "common/secure_dgram.h"
#include "vrrp/vrrp_conf.h"
#include "vrrp/vrrp_conf_programs.h"
#include "vrrp/vrrp_daemon.h"

static const char usage[] =
	"Usage: tandem-vrrp [-c FILE] [-n NODE] [-r RUNDIR] [-t] [-v]\n"
	"\n" DAEMON_OPTIONS_USAGE "  --help, --version\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads the config. SIGTERM hands the addresses over and ends.\n";

static void warn(void *data, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

/* What is no mistake in the config, but keeps this machine from doing all that it says. */
static void warn_of(const struct vrrp_model *model)
{
	char line[SECURE_WARNING_MAX];

	if (model->peer.configured && secure_keys_warn(model->peer.key_file, line, sizeof(line)))
		warn(NULL, line);
	vrrp_conf_programs_warn(model, warn, NULL);
}

/* The config is read here to be checked only: the speaker reads it again when it begins, also after a crash. */
static int check(const struct daemon_options *o, size_t *instances)
{
	struct conf_errors errors;
	struct vrrp_model model;
	int err = vrrp_conf_load(o->config, o->node, &model, &errors);

	if (err == -ENODATA)
		fprintf(stderr, "%s: has no vrrp section; 'vrrp = { instances = ( ... ); };' would do\n",
			o->config);
	else if (err)
		conf_errors_write(&errors, stderr, "");
	else if (o->test)
		warn_of(&model);
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
