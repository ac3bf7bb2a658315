/* src/wg/handshakes.c - A message that comes in costs one hash at once: its mac1 is
 * checked, so that whoever doesn't know our public key can't fill the queues. Then it
 * waits in the intake. If this takes no more messages without a mac2 now, they don't even
 * cost the hash. Its turn comes in a slice: it is answered by a handshake, or, under
 * load and without a right mac2, by a cookie reply. */
#include "wg/handshakes.h"

#include <string.h>

#include <sodium.h>

#include "wg/device.h"
#include "wg/intake.h"
#include "wg/send.h"
#include "wg/state.h"
#include "wg/timers.h"

/* What is done in one slice, and what one message costs of it: an answer needs up to six
 * multiplications on the curve, a cookie reply some hashes and a system call. While there
 * is much data, and under load, slices are short, because what arrives in the meantime must
 * not fill up the socket: data would be lost with it. There is a slice for each round of the
 * loop, so the further behind we are, the smaller is their share. */
#define SLICE_WORK      16
#define SLICE_WORK_BUSY 4
#define WORK_ANSWER     8
#define WORK_COOKIE     2

/* ---- answers */

static struct noise_handshake *find_handshake(void *context, const uint8_t *public_key)
{
	struct wg_peer *p = wg_device_find_peer(context, public_key);

	return p ? &p->handshake : NULL;
}

/* After a handshake message from p was consumed and answered. */
static void handshake_received(struct wg_peer *p, const struct packet *message,
                               uint64_t now_ns)
{
	p->transfer.rx_bytes += message->len_bytes;
	timers_any_received(p);
	timers_any_traversal(p, now_ns);
}

static enum drop receive_initiation(struct wg_device *d, const struct packet *packet,
                                    uint64_t now_ns)
{
	struct message_initiation message;
	struct noise_handshake *handshake;
	struct wg_peer *p;
	enum drop drop;

	memcpy(&message, packet->data, sizeof(message));
	drop = noise_consume_initiation(&d->identity, &message, now_ns, find_handshake, d,
	                                &handshake);
	if (drop != DROP_NONE)
		return drop;
	p = CONTAINER_OF(handshake, struct wg_peer, handshake);
	peer_learn_endpoint(p, packet->from);
	send_response(p, now_ns);
	handshake_received(p, packet, now_ns);
	return DROP_NONE;
}

/* For the initiator. If memory is short, the timer tries the handshake again. */
static void begin_session(struct wg_peer *p, struct noise_session *session,
                          uint64_t now_ns)
{
	bool begun = keypairs_add(&p->keypairs, &p->device->indices, session,
	                          &p->handshake_index, now_ns);

	sodium_memzero(session, sizeof(*session));
	if (!begun)
		return;
	timers_session_begun(p, now_ns);
	peer_handshake_done(p);
	/* Sends what is staged, or else an empty packet: this confirms the session. */
	send_keepalive(p, now_ns);
}

static enum drop receive_response(struct wg_device *d, const struct packet *packet,
                                  uint64_t now_ns)
{
	struct message_response message;
	struct noise_session session;
	struct index_entry *entry;
	struct wg_peer *p;

	memcpy(&message, packet->data, sizeof(message));
	entry = index_table_find(&d->indices, le32_get(message.receiver));
	if (!entry || entry->kind != INDEX_HANDSHAKE)
		return DROP_UNKNOWN_INDEX;
	p = entry->peer;
	if (!noise_consume_response(&p->handshake, &d->identity, &message))
		return DROP_BAD_HANDSHAKE;
	peer_learn_endpoint(p, packet->from);
	if (noise_begin_session(&p->handshake, &session))
		begin_session(p, &session, now_ns);
	handshake_received(p, packet, now_ns);
	return DROP_NONE;
}

/* ---- coming in */

static enum drop receive_cookie_reply(struct wg_device *d, const struct packet *packet,
                                      uint64_t now_ns)
{
	struct message_cookie_reply message;
	struct index_entry *entry;

	memcpy(&message, packet->data, sizeof(message));
	entry = index_table_find(&d->indices, le32_get(message.receiver));
	if (!entry)
		return DROP_UNKNOWN_INDEX;
	return cookie_maker_consume(&entry->peer->cookie, &message, now_ns);
}

/* Does mac2 show that the sender is where the message says? */
static bool is_proven(struct wg_device *d, const void *message, size_t n,
                      const struct endpoint *from, uint64_t now_ns)
{
	return from && cookie_checker_mac2(&d->cookie_checker, message, n, from,
	                                   d->env->rng, now_ns);
}

/* Of a message that is dropped for this reason. An initiation tells the owner that somebody
 * wants to get in. */
static enum drop refuse(struct wg_device *d, enum message_type type,
                        const struct endpoint *from, enum drop reason, uint64_t now_ns)
{
	const struct wg_env *env = d->env;

	if (type == MESSAGE_INITIATION && from && from->addr.family != IP_NONE &&
	    (reason == DROP_BAD_MAC1 || reason == DROP_BAD_HANDSHAKE) &&
	    env->callbacks->refused)
		env->callbacks->refused(env->context, from, reason, now_ns);
	return reason;
}

enum drop handshakes_receive(struct wg_device *d, enum message_type type,
                             const struct packet *packet, uint64_t now_ns)
{
	struct intake *in = d->env->intake;
	const uint8_t *bytes = packet->data;
	size_t n = packet->len_bytes;

	if (type == MESSAGE_COOKIE_REPLY)
		return receive_cookie_reply(d, packet, now_ns);
	if (!d->identity.present)
		return DROP_NO_KEY;
	if (cookie_checker_no_mac2(bytes, n) && intake_is_full(in, now_ns))
		return DROP_UNDER_LOAD;
	if (!cookie_checker_mac1(&d->cookie_checker, bytes, n))
		return refuse(d, type, packet->from, DROP_BAD_MAC1, now_ns);
	if (!intake_under_load(in, now_ns) ||
	    !is_proven(d, bytes, n, packet->from, now_ns))
		return intake_put(in, INTAKE_UNPROVEN, d, packet, now_ns);
	if (!intake_allow(in, &packet->from->addr, now_ns))
		return DROP_UNDER_LOAD;
	return intake_put(in, INTAKE_PROVEN, d, packet, now_ns);
}

/* ---- slices */

static enum drop answer(struct intake_message *m, uint64_t now_ns)
{
	const struct packet packet = { .data = m->bytes,
		                       .len_bytes = m->len_bytes,
		                       .from = &m->from };

	enum drop drop;

	if (message_type_of(m->bytes, m->len_bytes) != MESSAGE_INITIATION)
		return receive_response(m->device, &packet, now_ns);
	drop = receive_initiation(m->device, &packet, now_ns);
	return refuse(m->device, MESSAGE_INITIATION, &m->from, drop, now_ns);
}

/* Of a message that came without a right mac2, or when we were not under load. Only now
 * that the message is taken out do we know whether we are. */
static bool must_prove_itself(struct intake *in, const struct intake_message *m,
                              uint64_t now_ns)
{
	return m->queue == INTAKE_UNPROVEN && intake_under_load(in, now_ns) &&
	       !is_proven(m->device, m->bytes, m->len_bytes, &m->from, now_ns);
}

static void demand_proof(const struct intake_message *m, uint64_t now_ns)
{
	struct wg_device *d = m->device;
	struct message_cookie_reply reply;

	if (m->from.addr.family == IP_NONE)
		return;
	cookie_checker_reply(&d->cookie_checker, &reply, m->bytes, m->len_bytes, &m->from,
	                     d->env->rng, now_ns);
	send_cookie_reply(d, &m->from, &reply, now_ns);
}

/* Returns the work that this was. */
static unsigned take_turn(struct intake *in, struct intake_message *m, uint64_t now_ns)
{
	struct wg_device *d = m->device;
	enum drop drop;

	if (!d->started) {
		device_drop(d, DROP_DOWN, 1);
		return 0;
	}
	if (must_prove_itself(in, m, now_ns)) {
		demand_proof(m, now_ns);
		device_drop(d, DROP_UNDER_LOAD, 1);
		return WORK_COOKIE;
	}
	drop = answer(m, now_ns);
	if (drop != DROP_NONE)
		device_drop(d, drop, 1);
	return WORK_ANSWER;
}

static void slice(struct intake *in, uint64_t now_ns)
{
	struct intake_message m;
	bool is_short = intake_busy(in) || intake_under_load(in, now_ns);
	unsigned work = 0, enough = is_short ? SLICE_WORK_BUSY : SLICE_WORK;

	if (!intake_begin(in))
		return;
	while (work < enough && intake_take(in, &m))
		work += take_turn(in, &m, now_ns);
	intake_end(in, now_ns);
}

int wg_intake_new(struct intake **out, const struct rng *rng, struct timerq *timers)
{
	return intake_new(out, rng, timers, slice);
}

void wg_answer_handshakes(struct intake *in, uint64_t now_ns)
{
	if (!intake_left_over(in))
		slice(in, now_ns);
}
