/* src/wg/send.c - sealing: a batch of packets for one peer becomes a batch of AEAD jobs
 * on the stack. Each packet grows in place: a header in front, padding and tag behind. */
#include "wg/send.h"

#include <string.h>

#include <sodium.h>

#include "wg/device.h"
#include "wg/intake.h"
#include "wg/state.h"
#include "wg/timers.h"

/* ---- emitting */

static void emit(struct wg_peer *p, struct packet *const *packets, size_t n,
                 uint64_t now_ns)
{
	const struct wg_env *env = p->device->env;

	if (p->endpoint.addr.family == IP_NONE) {
		device_drop(p->device, DROP_NO_ENDPOINT, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		p->transfer.tx_bytes += packets[i]->len_bytes;
	env->callbacks->emit(env->context, p, packets, n, now_ns);
}

/* A buffer for a message of the device's own, with room for all encapsulations around
 * it. */
struct own_buffer {
	uint8_t bytes[PACKET_HEADROOM_BYTES + sizeof(struct message_initiation) +
	              PACKET_TAILROOM_BYTES];
	struct packet packet;
};

/* An empty packet in this buffer. */
static struct packet *own_packet(struct own_buffer *b, uint8_t tos)
{
	b->packet = (struct packet){
		.data = b->bytes + PACKET_HEADROOM_BYTES,
		.headroom_bytes = PACKET_HEADROOM_BYTES,
		.tailroom_bytes = sizeof(b->bytes) - PACKET_HEADROOM_BYTES,
		.tos = tos,
	};
	return &b->packet;
}

/* ---- handshake messages */

static void emit_handshake(struct wg_peer *p, void *message, uint32_t n, uint64_t now_ns)
{
	struct own_buffer buffer;
	struct packet *packet = own_packet(&buffer, HANDSHAKE_TOS);

	cookie_maker_sign(&p->cookie, message, n, now_ns);
	packet_set_len(packet, n);
	memcpy(packet->data, message, n);
	timers_any_traversal(p, now_ns);
	timers_any_sent(p);
	emit(p, &packet, 1, now_ns);
}

void send_initiation_again(struct wg_peer *p, uint64_t now_ns)
{
	struct wg_device *d = p->device;
	struct message_initiation message;
	uint8_t timestamp[TAI64N_BYTES];

	if (!d->started || now_ns < p->next_initiation_ns ||
	    p->endpoint.addr.family == IP_NONE || !d->identity.present)
		return;
	p->next_initiation_ns = now_ns + REKEY_TIMEOUT;
	index_table_insert(&d->indices, &p->handshake_index, INDEX_HANDSHAKE,
	                   d->env->rng);
	noise_timestamp(timestamp, d->env->wall_clock_ns(d->env->context));
	if (!noise_create_initiation(&p->handshake, &d->identity,
	                             index_of(&p->handshake_index), timestamp,
	                             d->env->rng, &message)) {
		index_table_remove(&d->indices, &p->handshake_index);
		return;
	}
	if (p->unanswered_since_ns == 0)
		p->unanswered_since_ns = now_ns ? now_ns : 1;
	timers_handshake_initiated(p, now_ns);
	peer_log(p, LOG_LEVEL_DEBUG, "sending a handshake initiation");
	emit_handshake(p, &message, sizeof(message), now_ns);
}

void send_initiation(struct wg_peer *p, uint64_t now_ns)
{
	p->timers.handshake_attempts = 0;
	send_initiation_again(p, now_ns);
}

void send_response(struct wg_peer *p, uint64_t now_ns)
{
	struct wg_device *d = p->device;
	struct message_response message;
	struct noise_session session;
	bool begun;

	/* An initiation of our own has to wait, because the peer's handshake is under
	 * way. */
	p->next_initiation_ns = now_ns + REKEY_TIMEOUT;
	index_table_insert(&d->indices, &p->handshake_index, INDEX_HANDSHAKE,
	                   d->env->rng);
	if (!noise_create_response(&p->handshake, index_of(&p->handshake_index),
	                           d->env->rng, &message) ||
	    !noise_begin_session(&p->handshake, &session)) {
		index_table_remove(&d->indices, &p->handshake_index);
		return;
	}
	begun = keypairs_add(&p->keypairs, &d->indices, &session, &p->handshake_index,
	                     now_ns);
	sodium_memzero(&session, sizeof(session));
	if (!begun) { /* the initiator will try again */
		index_table_remove(&d->indices, &p->handshake_index);
		return;
	}
	timers_session_begun(p, now_ns);
	emit_handshake(p, &message, sizeof(message), now_ns);
}

/* R9: unlike handshake messages, it has no DSCP of its own in the kernel. */
void send_cookie_reply(struct wg_device *d, const struct endpoint *to,
                       const struct message_cookie_reply *reply, uint64_t now_ns)
{
	const struct wg_env *env = d->env;
	struct own_buffer buffer;
	struct packet *packet = own_packet(&buffer, 0);

	packet_set_len(packet, sizeof(*reply));
	memcpy(packet->data, reply, sizeof(*reply));
	env->callbacks->emit_to(env->context, to, packet, now_ns);
}

/* ---- data */

/* 5.4.6: pads to a multiple of 16, but not beyond the MTU. Like the kernel, it pads a
 * packet that is larger than the MTU (segments before they are cut) as its last piece
 * would be padded. */
static uint32_t padding_of(uint32_t len_bytes, uint32_t mtu_bytes)
{
	uint32_t padding;

	if (mtu_bytes != 0 && len_bytes > mtu_bytes)
		len_bytes %= mtu_bytes;
	padding = -len_bytes % MESSAGE_PADDING;
	if (mtu_bytes != 0 && padding > mtu_bytes - len_bytes)
		padding = mtu_bytes - len_bytes;
	return padding;
}

/* R9, as in the kernel: DSCP 0 and the inner packet's ECN. A CE mark is the exception: it
 * stays inside, and the outer header gets ECT(0) (RFC 3168 9.1.1). */
static uint8_t outer_tos(const struct packet *inner)
{
	uint8_t ecn;

	if (inner->len_bytes < 2)
		return 0; /* a keepalive */
	ecn = inner->data[0] >> 4 == 6 ? inner->data[1] >> 4 & 3 : inner->data[1] & 3;
	return ecn == 3 ? 2 : ecn;
}

/* At most BATCH_MAX packets; the keypair must have counters left for them. */
static void seal(const struct wg_device *d, struct keypair *k,
                 struct packet *const *packets, size_t n)
{
	struct aead_job jobs[BATCH_MAX];

	for (size_t i = 0; i < n; i++) {
		struct packet *packet = packets[i];
		uint32_t padding = padding_of(packet->len_bytes, d->mtu_bytes);
		uint32_t text_bytes = packet->len_bytes + padding;
		struct message_data header = { .type = le32_put(MESSAGE_DATA),
			                       .receiver = le32_put(k->remote_index),
			                       .counter = le64_put(k->send_counter) };

		packet->tos = outer_tos(packet);
		packet_set_len(packet, (uint32_t)SEALED(text_bytes));
		memset(packet->data + text_bytes - padding, 0, padding);
		jobs[i] = (struct aead_job){ .key = k->send_key,
			                     .text = packet->data,
			                     .counter = k->send_counter++,
			                     .text_bytes = text_bytes };
		memcpy(packet_push(packet, sizeof(header)), &header, sizeof(header));
	}
	aead_seal_batch(d->env->aead, jobs, n);
}

/* One of the next two is called after packets were sealed, before they leave:
 * sent_keepalive if all of them are keepalives, sent_data if there is data among them. */
static void sent_keepalive(struct wg_peer *p, uint64_t now_ns)
{
	timers_any_traversal(p, now_ns);
	timers_any_sent(p);
	if (keypairs_stale_for_sender(&p->keypairs, now_ns))
		send_initiation(p, now_ns);
}

static void sent_data(struct wg_peer *p, uint64_t now_ns)
{
	timers_data_sent(p, now_ns);
	sent_keepalive(p, now_ns);
}

void send_staged(struct wg_peer *p, uint64_t now_ns)
{
	struct wg_device *d = p->device;
	struct packet *packets[STAGED_MAX];
	struct keypair *k;
	size_t n = p->staged.count;

	_Static_assert(STAGED_MAX <= BATCH_MAX, "one batch");
	if (n == 0 && !p->keepalive_staged)
		return;
	k = keypairs_for_sending(&p->keypairs, n ? n : 1, now_ns);
	if (!k) {
		send_initiation(p, now_ns);
		return;
	}
	if (n == 0) {
		send_keepalive(p, now_ns);
		return;
	}
	p->keepalive_staged = false; /* data has the same effect */
	for (size_t i = 0; i < n; i++)
		packets[i] = staged_pop(&p->staged);
	seal(d, k, packets, n);
	sent_data(p, now_ns);
	emit(p, packets, n, now_ns);
	for (size_t i = 0; i < n; i++)
		packet_pool_put(d->env->pool, packets[i]);
}

void send_keepalive(struct wg_peer *p, uint64_t now_ns)
{
	struct own_buffer buffer;
	struct packet *packet;
	struct keypair *k;

	if (!p->device->started)
		return;
	if (p->staged.count != 0) {
		send_staged(p, now_ns);
		return;
	}
	k = keypairs_for_sending(&p->keypairs, 1, now_ns);
	p->keepalive_staged = !k;
	if (!k) {
		send_initiation(p, now_ns);
		return;
	}
	packet = own_packet(&buffer, 0);
	seal(p->device, k, &packet, 1);
	sent_keepalive(p, now_ns);
	emit(p, &packet, 1, now_ns);
}

/* Is there a reason why nothing at all can be sent to this peer now? */
static enum drop unsendable(const struct wg_peer *p)
{
	if (!p->device->started)
		return DROP_DOWN;
	if (!p->device->identity.present)
		return DROP_NO_KEY;
	return p->endpoint.addr.family == IP_NONE ? DROP_NO_ENDPOINT : DROP_NONE;
}

/* Stages the packets and starts the handshake they wait for. */
static void stage(struct wg_peer *p, struct packet *const *packets, size_t n,
                  uint64_t now_ns)
{
	struct wg_device *d = p->device;

	for (size_t i = 0; i < n; i++)
		device_drop(d, DROP_STAGED_FULL,
		            staged_push(&p->staged, d->env->pool, packets[i]));
	send_initiation(p, now_ns);
}

size_t wg_peer_seal(struct wg_peer *p, struct packet **packets, size_t n, uint64_t now_ns)
{
	enum drop reason = unsendable(p);
	struct keypair *k;

	if (n == 0)
		return 0;
	if (reason != DROP_NONE) {
		device_drop(p->device, reason, n);
		return 0;
	}
	k = keypairs_for_sending(&p->keypairs, n, now_ns);
	if (!k) {
		stage(p, packets, n, now_ns);
		return 0;
	}
	for (size_t at = 0; at < n; at += BATCH_MAX)
		seal(p->device, k, packets + at, n - at < BATCH_MAX ? n - at : BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		p->transfer.tx_bytes += packets[i]->len_bytes;
	sent_data(p, now_ns);
	intake_note_data(p->device->env->intake, n);
	return n;
}
