/* tests/sim/unusable.c */
#include "unusable.h"

bool unusable_any(struct device *const *devices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct wg_device *d = device_wg(devices[i]);

		for (struct wg_peer *p = wg_device_first_peer(d); p;
		     p = wg_peer_next(p)) {
			if (peer_way(p) && peer_way(p)->unusable)
				return true;
		}
	}
	return false;
}

void unusable_note(struct plan *plan, struct device *const *devices)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		struct wg_peer *p = wg_device_first_peer(device_wg(devices[i]));

		for (size_t k = 0; p; p = wg_peer_next(p), k++)
			plan->devices[i].peers[k].unusable = peer_way(p)->unusable;
	}
}
