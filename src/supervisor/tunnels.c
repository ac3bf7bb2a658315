/* src/supervisor/tunnels.c - finds tunnels by name, and peers by key */
#include "supervisor/tunnels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_make.h"

static void free_all(struct tunnels *t)
{
	for (size_t i = 0; i < t->count; i++)
		hook_keys_free(t->v[i].hook_keys);
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

void tunnels_forget(struct tunnels *t, struct conf_set *reading)
{
	if (reading)
		conf_set_clear_but(reading, &t->files);
	tunnels_leave_beside(t);
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

void tunnels_log_keys(const struct tunnels *t, const struct log *log)
{
	const struct sealed_key *key = NULL;

	for (size_t i = 0; i < t->files.n && !key; i++)
		key = conf_some_key(t->files.v[i]);
	if (key)
		log_debug(
			log, NULL, "the files' keys are sealed; what opens them is in %s",
			sealed_in_secret_memory(key)
				? "secret memory"
				: "guarded memory, because there is no secret memory, or the host could hibernate");
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

void tunnels_put_beside(struct tunnels *t, struct tunnel *tunnel)
{
	tunnel->next_beside = t->beside;
	t->beside = tunnel;
}

void tunnels_put_gone_beside(struct tunnels *t, struct tunnel *gone, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (plan_find(&t->plan, gone[i].plan->way.name))
			continue;
		gone[i].complete = true;
		tunnels_put_beside(t, &gone[i]);
	}
}

void tunnels_take_from_beside(struct tunnels *t, struct tunnel *tunnel)
{
	struct tunnel **at = &t->beside;

	while (*at && *at != tunnel)
		at = &(*at)->next_beside;
	if (*at)
		*at = tunnel->next_beside;
}

void tunnels_leave_beside(struct tunnels *t)
{
	for (struct tunnel *b = t->beside; b; b = b->next_beside) {
		hook_keys_free(b->hook_keys);
		b->hook_keys = NULL;
	}
	t->beside = NULL;
}

/* The tunnels are in the order of the plan's devices. */
struct tunnel *tunnels_find(const struct tunnels *t, const char *name)
{
	const struct plan_device *d;

	for (struct tunnel *b = t->beside; b; b = b->next_beside) {
		if (strcmp(b->plan->way.name, name) == 0)
			return b;
	}
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
