/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void store_path(char *out, size_t size, const char *run_dir, const char *suffix)
{
	snprintf(out, size, "%s/lb.state%s", run_dir, suffix);
}

/*
 * The file is text, a line a thing, fields apart by a space; what may hold spaces stands last:
 *   tandem-lb-state VERSION
 *   pool INDEX CHECK NAME
 *   backend INDEX PORT WEIGHT BACKUP ADMIN OVERRIDE STATE SINCE_MS ADDRESS NAME CAUSE    of the pool above it
 *   said WHEN_MS    an operator's last word about the backend above it, when there was one
 *   service INDEX PORT PROTOCOL ADDRESS NAME POOL
 *   end
 */

/* ---- save ---- */

static void save_backend(FILE *out, const struct lb_live_backend *b)
{
	char addr[ADDR_TEXT_MAX], cause[sizeof(b->cause)];

	snprintf(cause, sizeof(cause), "%s", b->cause);
	for (char *c = cause; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	fprintf(out, "backend %u %u %u %d %d %d %d %llu %s %s %s\n", b->index, b->conf->port, b->conf->weight,
		b->conf->backup, (int)b->admin, b->weight_override,
		b->pool->conf->check.type == LB_CHECK_NONE ? (int)LB_VERDICT_UP : (int)b->verdict.state,
		(unsigned long long)b->since_ms, addr_format(&b->conf->addr, addr), b->conf->name, cause);
	if (b->said_ms)
		fprintf(out, "said %llu\n", (unsigned long long)b->said_ms);
}

static void save_all(FILE *out, const struct lb_live *live)
{
	char addr[ADDR_TEXT_MAX];

	fprintf(out, "tandem-lb-state %d\n", LB_STORE_VERSION);
	for (size_t i = 0; i < live->model.pool_count; i++) {
		const struct lb_live_pool *pool = &live->pools[i];

		fprintf(out, "pool %u %d %s\n", pool->index, (int)pool->conf->check.type, pool->conf->name);
		for (size_t k = 0; k < pool->conf->backend_count; k++)
			save_backend(out, pool->backends[k]);
	}
	for (size_t i = 0; i < live->model.service_count; i++) {
		const struct lb_service *s = live->services[i].conf;

		fprintf(out, "service %u %u %d %s %s %s\n", live->services[i].index, s->port,
			(int)s->protocol, addr_format(&s->addr, addr), s->name,
			live->model.pools[s->pool].name);
	}
	fputs("end\n", out);
}

int lb_store_save(const struct lb_live *live, const char *run_dir)
{
	char path[300], fresh[300];
	int fd, err = 0;
	FILE *out;

	store_path(path, sizeof(path), run_dir, "");
	store_path(fresh, sizeof(fresh), run_dir, ".new");
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	save_all(out, live);
	if (ferror(out))
		err = -EIO;
	if (fclose(out))
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	return err;
}

/* ---- load ---- */

static int grow(void **list, size_t count, size_t size)
{
	void *p;

	if (count & (count - 1)) /* room doubles at each power of two */
		return 0;
	p = reallocarray(*list, count ? count * 2 : 1, size);
	if (!p)
		return -ENOMEM;
	*list = p;
	return 0;
}

/* What one line says. Pointers into models are set when all is read and nothing moves any more (settle). */
static int load_backend(struct lb_live *live, const char *line)
{
	struct lb_pool *pool = live->model.pool_count ? &live->model.pools[live->model.pool_count - 1] : NULL;
	unsigned index, port, weight;
	int backup, admin, override, state, used = 0;
	char address[ADDR_TEXT_MAX], name[LB_NAME_MAX + 1];
	unsigned long long since;
	struct lb_live_backend *b;
	struct lb_backend *conf;

	if (!pool || pool->backend_count == LB_POOL_BACKENDS_MAX ||
		sscanf(line, "backend %u %u %u %d %d %d %d %llu %63s %63s %n", &index, &port, &weight,
			&backup, &admin, &override, &state, &since, address, name, &used) != 10 ||
		!used)
		return -EINVAL;
	if (port < 1 || port > 65535 || weight > LB_WEIGHT_MAX || admin < LB_ADMIN_ENABLED ||
		admin > LB_ADMIN_DISABLED || override < -1 || override > LB_WEIGHT_MAX ||
		state < LB_VERDICT_CHECKING || state > LB_VERDICT_DOWN)
		return -EINVAL;

	struct lb_live_pool *live_pool = &live->pools[live->model.pool_count - 1];

	if (grow((void **)&pool->backends, pool->backend_count, sizeof(*pool->backends)) ||
		grow((void **)&live_pool->backends, pool->backend_count, sizeof(*live_pool->backends)))
		return -ENOMEM;
	conf = &pool->backends[pool->backend_count];
	memset(conf, 0, sizeof(*conf));
	if (addr_parse(address, &conf->addr) || lb_ids_claim(&live->backend_ids, index))
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	live_pool->backends[pool->backend_count++] = b;
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	conf->port = (uint16_t)port;
	conf->weight = (uint16_t)weight;
	conf->backup = backup;
	b->live = live;
	b->index = (uint16_t)index;
	b->serving = live->bpf->view.backends[index].flags & LB_BACKEND_SERVING;
	b->admin = (enum lb_admin)admin;
	b->weight_override = override;
	b->since_ms = since;
	b->verdict.state = (enum lb_verdict_state)state;
	snprintf(b->cause, sizeof(b->cause), "%s", line + used);
	return 0;
}

/* About the backend of the line above. */
static int load_said(struct lb_live *live, const char *line)
{
	struct lb_pool *pool = live->model.pool_count ? &live->model.pools[live->model.pool_count - 1] : NULL;
	unsigned long long said;

	if (!pool || !pool->backend_count || sscanf(line, "said %llu", &said) != 1)
		return -EINVAL;
	live->pools[live->model.pool_count - 1].backends[pool->backend_count - 1]->said_ms = said;
	return 0;
}

/* The check's kind counts only as far as: none or another. */
static int load_pool(struct lb_live *live, const char *line)
{
	size_t at = live->model.pool_count;
	char name[LB_NAME_MAX + 1];
	unsigned index;
	int check;

	if (sscanf(line, "pool %u %d %63s", &index, &check, name) != 3 ||
		lb_ids_claim(&live->pool_ids, index))
		return -EINVAL;
	if (grow((void **)&live->model.pools, at, sizeof(*live->model.pools)) ||
		grow((void **)&live->pools, at, sizeof(*live->pools)))
		return -ENOMEM;
	memset(&live->model.pools[at], 0, sizeof(live->model.pools[at]));
	memset(&live->pools[at], 0, sizeof(live->pools[at]));
	live->model.pool_count++;
	snprintf(live->model.pools[at].name, sizeof(live->model.pools[at].name), "%s", name);
	live->model.pools[at].check.type = check == LB_CHECK_NONE ? LB_CHECK_NONE : LB_CHECK_TCP;
	live->pools[at].index = index;

	uint64_t table = live->bpf->view.pools[index].table;

	live->pools[at].table_base = (uint32_t)(table >> 32);
	return lb_regions_claim(&live->regions, live->pools[at].table_base, (uint32_t)table) ? -EINVAL : 0;
}

static int load_service(struct lb_live *live, const char *line)
{
	char address[ADDR_TEXT_MAX], name[LB_NAME_MAX + 1], pool[LB_NAME_MAX + 1];
	size_t at = live->model.service_count;
	unsigned index, port;
	struct lb_service *s;
	int protocol;
	long pool_at;

	if (sscanf(line, "service %u %u %d %63s %63s %63s", &index, &port, &protocol, address, name, pool) !=
		6)
		return -EINVAL;
	pool_at = lb_model_find_pool(&live->model, pool);
	if (port < 1 || port > 65535 || (protocol != LB_TCP && protocol != LB_UDP) || pool_at < 0)
		return -EINVAL;
	if (grow((void **)&live->model.services, at, sizeof(*live->model.services)) ||
		grow((void **)&live->services, at, sizeof(*live->services)))
		return -ENOMEM;
	s = &live->model.services[at];
	memset(s, 0, sizeof(*s));
	if (addr_parse(address, &s->addr) || lb_ids_claim(&live->service_ids, index))
		return -EINVAL;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->port = (uint16_t)port;
	s->protocol = (enum lb_protocol)protocol;
	s->pool = (size_t)pool_at;
	live->services[at].index = index;
	live->model.service_count++;
	return 0;
}

static void settle(struct lb_live *live)
{
	for (size_t i = 0; i < live->model.pool_count; i++) {
		struct lb_live_pool *pool = &live->pools[i];

		pool->conf = &live->model.pools[i];
		for (size_t k = 0; k < pool->conf->backend_count; k++) {
			struct lb_live_backend *b = pool->backends[k];

			b->pool = pool;
			b->conf = &pool->conf->backends[k];
			lb_probe_init(&b->probe, &live->prober, &pool->conf->check, &b->conf->addr,
				b->conf->port, lb_live_on_report, b);
		}
	}
	for (size_t i = 0; i < live->model.service_count; i++)
		live->services[i].conf = &live->model.services[i];
}

static int load_all(struct lb_live *live, FILE *in)
{
	char line[512];
	int version, err = 0;
	bool ended = false;

	if (!fgets(line, sizeof(line), in) || sscanf(line, "tandem-lb-state %d", &version) != 1 ||
		version != LB_STORE_VERSION)
		return -EINVAL;
	while (!err && !ended && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "backend ", 8))
			err = load_backend(live, line);
		else if (!strncmp(line, "said ", 5))
			err = load_said(live, line);
		else if (!strncmp(line, "pool ", 5))
			err = load_pool(live, line);
		else if (!strncmp(line, "service ", 8))
			err = load_service(live, line);
		else if (!strcmp(line, "end"))
			ended = true;
		else
			err = -EINVAL;
	}
	return err ? err : ended ? 0 : -EINVAL;
}

int lb_store_load(struct lb_live *live, const char *run_dir, char *error, size_t error_size)
{
	struct ev_loop *loop = live->loop;
	struct lb_bpf *bpf = live->bpf;
	char path[300];
	FILE *in;
	int err;

	store_path(path, sizeof(path), run_dir, "");
	in = fopen(path, "re");
	if (!in)
		return -ENOENT;
	err = load_all(live, in);
	fclose(in);
	if (!err) {
		settle(live);
		return 0;
	}
	snprintf(error, error_size, "%s: not a state file that fits the pinned dataplane", path);
	lb_live_close(live);
	return lb_live_open(live, loop, bpf) ? -ENOMEM : -EINVAL;
}

void lb_store_assume_all(struct lb_live *live)
{
	const struct lb_bpf_view *v = &live->bpf->view;

	for (uint32_t i = 0; i < live->bpf->sizes.backends; i++)
		if (v->backends[i].family && !lb_ids_claim(&live->backend_ids, i))
			lb_ids_retire(&live->backend_ids, i, live->walk);
	for (uint32_t i = 0; i < live->bpf->sizes.services; i++)
		if (v->services[i].protocol && !lb_ids_claim(&live->service_ids, i))
			lb_ids_retire(&live->service_ids, i, live->walk);
	for (uint32_t i = 0; i < live->bpf->sizes.pools; i++) {
		uint64_t table = v->pools[i].table;

		if ((v->pools[i].hash_seed || table) && !lb_ids_claim(&live->pool_ids, i)) {
			lb_ids_retire(&live->pool_ids, i, live->walk);
			if (!lb_regions_claim(&live->regions, (uint32_t)(table >> 32), (uint32_t)table))
				lb_regions_give(&live->regions, (uint32_t)(table >> 32), lb_live_steady_ms());
		}
	}
}
