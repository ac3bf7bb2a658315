/* tests/sim/bad_network.c */
#include "bad_network.h"

#include "unit.h"

bool bad_network_draw(struct conditions *k, uint64_t *state)
{
	k->delay_us = (uint32_t)(1000 + unit_below(state, 40000));
	if (unit_below(state, 100) < 50)
		return false;
	k->jitter_us = (uint32_t)unit_below(state, 60000);
	k->loss_permille = (uint32_t)unit_below(state, 150);
	k->duplicate_permille = (uint32_t)unit_below(state, 100);
	return true;
}

bool bad_network_explains(enum drop reason)
{
	return reason == DROP_REPLAY || reason == DROP_REPLAYED_HANDSHAKE ||
	       reason == DROP_UNKNOWN_INDEX || reason == DROP_BAD_HANDSHAKE ||
	       reason == DROP_HANDSHAKE_FLOOD || reason == DROP_HANDSHAKE_FAILED ||
	       reason == DROP_EXPIRED_KEY ||
	       reason == DROP_NO_ENDPOINT; /* of a phone whose handshakes are lost */
}

static bool carries(size_t device, const struct chain *chains, size_t n)
{
	for (size_t c = 0; c < n; c++) {
		for (size_t i = 1; chains[c].end == CHAIN_NETWORK && i < chains[c].n;
		     i++) {
			if (chains[c].hops[i].device == device)
				return true;
		}
	}
	return false;
}

bool bad_network_late(const struct plan *plan, struct device *const *devices,
                      const struct chain *chains, size_t n, uint64_t *late)
{
	*late = 0;
	for (size_t i = 0; i < plan->device_count; i++) {
		struct drop_counts counts;

		device_drops(devices[i], &counts);
		if (counts.by[DROP_FORGED_SOURCE] > 0 && !carries(i, chains, n))
			return false;
		*late += counts.by[DROP_FORGED_SOURCE];
	}
	return true;
}
