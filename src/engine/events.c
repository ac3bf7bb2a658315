/* src/engine/events.c - the callbacks that wg calls; their context is the device */
#include "engine/events.h"

#include <string.h>

#include "engine/carry.h"
#include "engine/gate.h"
#include "engine/moves.h"
#include "engine/settle.h"
#include "engine/standby.h"

static void on_emit(void *context, struct wg_peer *wg, struct packet *const *packets,
                    size_t n, uint64_t now_ns)
{
	struct device *d = context;
	struct packet *batch[BATCH_MAX];
	int err = engine_settle(d->engine); /* it may just have been configured */

	if (err || !wg_peer_context(wg)) {
		device_drop(d, DROP_NO_ENDPOINT, n);
		return;
	}
	while (n > 0) {
		size_t now = n < BATCH_MAX ? n : BATCH_MAX;

		memcpy(batch, packets, now * sizeof(*packets));
		standby_messages_sent(wg_peer_context(wg), batch, now, now_ns);
		carry_messages(wg_peer_context(wg), batch, now, now_ns);
		packets += now;
		n -= now;
	}
}

static void on_emit_to(void *context, const struct endpoint *to, struct packet *packet,
                       uint64_t now_ns)
{
	carry_to(context, to, packet, now_ns);
}

static void on_endpoint_changed(void *context, struct wg_peer *wg)
{
	struct peer *peer = wg_peer_context(wg);

	(void)context;
	if (!peer)
		return; /* engine_settle takes its endpoint */
	settle_endpoint(peer);
	moves_note(peer);
}

static void on_handshake_done(void *context, struct wg_peer *wg)
{
	(void)context;
	if (wg_peer_context(wg))
		standby_handshake_done(wg_peer_context(wg));
}

/* Our own datagrams that come back in by a gate still have the address of the network as
 * their source if the answers came to it. */
static bool on_wrong_source(void *context, const struct packet *packet, uint64_t now_ns)
{
	const struct device *d = context;
	struct ip_view view;

	return d->gate.on &&
	       ip_view_parse_addresses(&view, packet->data, packet->len_bytes) &&
	       gate_is_own_datagram(d, packet, &view, now_ns);
}

/* Only a gate has peers that don't know us any better than by a file that somebody has
 * imported by hand. */
static void on_refused(void *context, const struct endpoint *from, enum drop reason,
                       uint64_t now_ns)
{
	const struct device *d = context;

	if (d->gate.on)
		gate_refused(d, from, reason, now_ns);
}

/* From now on no timer may find the peer. Its struct peer is freed when the engine
 * settles, which may take long because there may be no memory to settle. */
static void on_peer_removed(void *context, struct wg_peer *wg)
{
	struct peer *peer = wg_peer_context(wg);

	if (!peer)
		return;
	standby_clear_peer(peer);
	moves_forget(peer);
	peer->wg = NULL;
	settle_touch(context);
}

const struct wg_callbacks events_callbacks = {
	.emit = on_emit,
	.emit_to = on_emit_to,
	.endpoint_changed = on_endpoint_changed,
	.handshake_done = on_handshake_done,
	.wrong_source = on_wrong_source,
	.refused = on_refused,
	.peer_removed = on_peer_removed,
};
