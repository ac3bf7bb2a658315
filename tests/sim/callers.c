/* tests/sim/callers.c */
#include "callers.h"

#include "unit.h"

#define PERCENT     12
#define KEEPALIVE_S 25
#define EVENTS_MAX  10000

void callers_draw(struct plan *plan, uint64_t *state)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		struct plan_device *d = &plan->devices[i];

		for (size_t p = 0; p < d->peer_count; p++)
			d->peers[p].calls = d->via == VIA_NOT_SAID &&
			                    d->peers[p].via == VIA_NOT_SAID &&
			                    unit_below(state, 100) < PERCENT;
	}
}

void callers_call(const struct plan_peer *from, const struct node *client, uint16_t port,
                  struct wg_peer *back)
{
	const struct endpoint to = { .addr = from->endpoint.family == IP_V4
		                                     ? client->public4
		                                     : client->public6,
		                     .port = port };

	wg_peer_set_endpoint(back, &to);
	wg_peer_set_keepalive(back, KEEPALIVE_S, client->world->now_ns);
}

bool callers_run(const struct plan *plan, struct node *const *servers,
                 struct device *const *devices)
{
	struct world *w = servers[0]->world;
	bool calm = world_run(w, w->now_ns + NS_PER_SEC, EVENTS_MAX);

	for (size_t i = 0; i < plan->device_count; i++) {
		const uint8_t *key = wg_device_public_key(device_wg(devices[i]));

		for (size_t p = 0; p < plan->devices[i].peer_count; p++) {
			const struct plan_peer *from = &plan->devices[i].peers[p];
			struct device *far =
				engine_first_device(servers[from->server]->engine);

			if (from->calls)
				wg_peer_set_keepalive(
					wg_device_find_peer(device_wg(far), key), 0,
					w->now_ns);
		}
	}
	return calm;
}

void callers_note(const struct plan *plan, struct node *const *servers,
                  bool may[static NODE_MAX])
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		for (size_t p = 0; p < d->peer_count; p++) {
			if (d->peers[p].calls)
				may[servers[d->peers[p].server]->id] = true;
		}
	}
}
