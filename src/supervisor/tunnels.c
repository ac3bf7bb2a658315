/* src/supervisor/tunnels.c - finds tunnels by name, and peers by key */
#include "supervisor/tunnels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_make.h"

static void free_all(struct tunnels *t)
{
	free(t->v);
	plan_clear(&t->plan);
	conf_set_clear(&t->files);
	*t = (struct tunnels){ 0 };
}

void tunnels_clear(struct tunnels *t)
{
	for (size_t i = 0; i < t->count; i++)
		tunnel_close(&t->v[i]);
	free_all(t);
}

void tunnels_forget(struct tunnels *t)
{
	free_all(t);
}

/* An error of plan_make is only reported in a second run, because its warnings are not. */
int tunnels_read(struct tunnels *t, const struct conf_paths *from,
                 const struct plan_env *env, struct diag *diag)
{
	int err = conf_set_read(&t->files, from, diag), plan_err;
	struct diag not_told = { 0 };

	if (err && err != -EINVAL)
		return err;
	plan_err = plan_make(&t->plan, &t->files, env, err ? diag : &not_told);
	if (!err && plan_err)
		plan_err = plan_make(&t->plan, &t->files, env, diag);
	diag_clear(&not_told);
	return err ? err : plan_err;
}

int tunnels_make(struct tunnels *t)
{
	t->v = calloc(t->plan.device_count + 1, sizeof(*t->v));
	if (!t->v)
		return -ENOMEM;
	for (; t->count < t->plan.device_count; t->count++)
		t->v[t->count] = tunnel_of(&t->plan.devices[t->count]);
	return 0;
}

/* The tunnels are in the order of the plan's devices. */
struct tunnel *tunnels_find(const struct tunnels *t, const char *name)
{
	const struct plan_device *d;

	if (t->coming && strcmp(t->coming->plan->way.name, name) == 0)
		return t->coming;
	d = t->count > 0 ? plan_find(&t->plan, name) : NULL;
	return d ? &t->v[d - t->plan.devices] : NULL;
}

struct plan_peer *tunnels_find_peer(const struct tunnels *t, const char *name,
                                    const uint8_t public_key[static KEY_BYTES])
{
	const struct plan_device *d = plan_find(&t->plan, name);

	for (size_t i = 0; d && i < d->peer_count; i++) {
		if (memcmp(d->peers[i].conf->public_key, public_key, KEY_BYTES) == 0)
			return &d->peers[i];
	}
	return NULL;
}

void tunnels_peer_moved(struct tunnels *t, struct plan_peer *peer,
                        const struct endpoint *endpoint)
{
	peer->way.endpoint = *endpoint;
	t->endpoints_moved = true;
}
