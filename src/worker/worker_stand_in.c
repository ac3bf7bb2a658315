/* src/worker/worker_stand_in.c */
#include "worker/worker_stand_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/local.h"
#include "io/loop.h"

static int route(void *context, const struct ip_addr *to, struct ip_addr *from,
                 uint32_t *mtu_bytes)
{
	const struct worker_stand_in *w = context;

	return local_route(w->engine, to, from, mtu_bytes);
}

static bool is_own(void *context, const struct ip_addr *addr)
{
	const struct worker_stand_in *w = context;

	return local_is_own(w->engine, addr);
}

static void send_packets(void *context, struct packet **packets, size_t n,
                         uint64_t now_ns)
{
	const struct worker_stand_in *w = context;

	engine_tun_input(w->engine, packets, n, now_ns);
}

int worker_stand_in_begin(struct worker_stand_in *w, const struct stand_in_entry *entry,
                          struct engine *engine, struct loop *loop, const struct log *log)
{
	const struct stand_in_env env = { .loop = loop,
		                          .log = log,
		                          .route = route,
		                          .is_own = is_own,
		                          .send = send_packets,
		                          .context = w };
	int err;

	if (!entry)
		return 0;
	w->engine = engine;
	err = entry->begin(&w->stand_in, &env, entry->context);
	if (!err)
		engine_set_tun(engine, w->stand_in->link);
	return err;
}

void worker_stand_in_end(struct worker_stand_in *w)
{
	if (!w->stand_in)
		return;
	w->stand_in->ops->end(w->stand_in);
	w->stand_in = NULL;
}

int worker_stand_in_give(struct worker_stand_in *w, struct command *m)
{
	char *what;
	int fd = -1, err;

	if (!w->stand_in)
		return -EPROTO;
	what = strndup(m->text_bytes ? m->text : "", m->text_bytes);
	if (!what)
		return -ENOMEM;
	if (m->fd_count == 1) {
		fd = m->fds[0];
		m->fds[0] = -1;
	}
	err = w->stand_in->ops->give(w->stand_in, what, fd);
	free(what);
	return err;
}

void worker_stand_in_resolver(struct worker_stand_in *w, const struct command *m)
{
	char *domains;

	if (!w->stand_in)
		return;
	domains = strndup(m->text_bytes ? m->text : "", m->text_bytes);
	if (!domains)
		return; /* the present ones stay */
	w->stand_in->ops->names(w->stand_in, m->addresses, m->address_count, domains);
	free(domains);
}

uint64_t worker_stand_in_deadline_ns(const struct worker_stand_in *w, uint64_t now_ns)
{
	return w->stand_in ? w->stand_in->ops->deadline_ns(w->stand_in, now_ns)
	                   : NEVER_NS;
}

void worker_stand_in_run(struct worker_stand_in *w, uint64_t now_ns)
{
	if (w->stand_in)
		w->stand_in->ops->run(w->stand_in, now_ns);
}
