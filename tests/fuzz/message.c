/* tests/fuzz/message.c - what can be sent to a device? The input is a script for a
 * device that has a session with a peer. There are messages of arbitrary bytes, messages
 * with a right mac1 (an attacker only needs the public key for it), genuine messages
 * with some bytes changed, and sealed inner packets with any content (as a hostile peer
 * can send them). Many handshake messages at once bring it under load; its cookies come
 * back to whoever has sent these. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aead_turn.h"
#include "base/reader.h"
#include "base/secret.h"
#include "script.h"
#include "wg/cookie.h"
#include "wg/device.h"
#include "wg/intake.h"
#include "wg/message.h"

struct world {
	struct script script;
	struct rng rng;
	struct timerq timers;
	struct wg_callbacks callbacks;
	struct wg_env env;
	struct secrets secrets;
	struct wg_device *device, *other; /* the one that is tested, and its peer */
	struct wg_peer *peer, *other_peer;
	struct cookie_maker maker; /* makes MACs for messages to device */
	bool cut;                  /* everything that is emitted gets lost */
	struct buffer last;        /* the last message that other has emitted */
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct endpoint somewhere = { .addr = { IP_V4, { 10, 0, 0, 1 } },
	                                   .port = 1 };

/* Checks what must hold for every inner packet that a device lets through. */
static void check_inner(const struct packet *p)
{
	bool v4 = p->len_bytes >= 20 && p->data[0] >> 4 == 4;
	bool v6 = p->len_bytes >= 40 && p->data[0] >> 4 == 6;

	if (!v4 && !v6)
		abort();
}

static void open_at(struct world *w, struct wg_device *d, struct buffer *b)
{
	struct packet *packets[1] = { &b->packet };
	bool claimed = wg_device_claims(d, &b->packet);
	size_t n = wg_device_open(d, packets, 1, w->script.now_ns);

	wg_answer_handshakes(w->env.intake, w->script.now_ns);
	if (n > 1 || (n == 1 && !claimed))
		abort();
	if (n == 1)
		check_inner(&b->packet);
}

static void emit(void *context, struct wg_peer *peer, struct packet *const *packets,
                 size_t n, uint64_t now_ns)
{
	struct world *w = context;
	struct wg_device *to = peer == w->peer ? w->other : w->device;
	struct buffer b;

	(void)now_ns;
	for (size_t i = 0; i < n; i++) {
		if (peer == w->other_peer)
			buffer_set(&w->last, packets[i]->data, packets[i]->len_bytes,
			           &somewhere);
		if (w->cut)
			continue;
		buffer_set(&b, packets[i]->data, packets[i]->len_bytes, &somewhere);
		open_at(w, to, &b);
	}
}

static void emit_to(void *context, const struct endpoint *to, struct packet *packet,
                    uint64_t now_ns)
{
	struct world *w = context;
	struct message_cookie_reply reply;

	if (packet->len_bytes != sizeof(reply) || to->addr.family == IP_NONE)
		abort();
	memcpy(&reply, packet->data, sizeof(reply));
	(void)!cookie_maker_consume(&w->maker, &reply, now_ns);
}

static void nothing(void *context, struct wg_peer *peer)
{
	(void)context;
	(void)peer;
}

static struct wg_device *new_device(struct world *w, const char *name, uint8_t key)
{
	uint8_t private_key[KEY_BYTES] = { key, 1 };
	struct wg_device *d;

	if (wg_device_new(&d, name, &w->env))
		abort();
	wg_device_set_private_key(d, private_key);
	return d;
}

static struct wg_peer *new_peer(struct wg_device *d, const struct wg_device *of)
{
	struct ip_prefix v4 = { .addr.family = IP_V4, .len = 1 };
	struct ip_prefix v6 = { .addr.family = IP_V6, .len = 1 };
	struct wg_peer *p;

	if (wg_device_add_peer(d, wg_device_public_key(of), &p) ||
	    wg_peer_add_allowed_ip(p, v4) || wg_peer_add_allowed_ip(p, v6))
		abort();
	wg_peer_set_endpoint(p, &somewhere);
	return p;
}

static void set_up(struct world *w, const struct aead_impl *aead)
{
	*w = (struct world){ .script.now_ns = NS_PER_SEC };
	w->rng = (struct rng){ .fill = script_fill, .context = w };
	w->callbacks = (struct wg_callbacks){ .emit = emit,
		                              .emit_to = emit_to,
		                              .endpoint_changed = nothing,
		                              .handshake_done = nothing,
		                              .peer_removed = nothing };
	w->env = (struct wg_env){ .rng = &w->rng,
		                  .aead = aead,
		                  .timers = &w->timers,
		                  .pool = packet_pool_new(1U << 20),
		                  .secrets = &w->secrets,
		                  .wall_clock_ns = script_wall_clock_ns,
		                  .callbacks = &w->callbacks,
		                  .context = w };
	if (wg_intake_new(&w->env.intake, &w->rng, &w->timers))
		abort();
	w->device = new_device(w, "device", 8);
	w->other = new_device(w, "other", 16);
	w->peer = new_peer(w->device, w->other);
	w->other_peer = new_peer(w->other, w->device);
	cookie_maker_init(&w->maker, wg_device_public_key(w->device));
	wg_device_start(w->device, w->script.now_ns);
	wg_device_start(w->other, w->script.now_ns);
}

static void tear_down(struct world *w)
{
	wg_device_free(w->device);
	wg_device_free(w->other);
	intake_free(w->env.intake);
	packet_pool_free(w->env.pool);
	secrets_clear(&w->secrets);
}

static void seal(struct world *w, struct wg_peer *peer, const uint8_t *piece, size_t n)
{
	struct buffer b;
	struct packet *packets[1] = { &b.packet };

	buffer_set(&b, piece, n, &somewhere);
	if (wg_peer_seal(peer, packets, 1, w->script.now_ns) == 1)
		emit(w, peer, packets, 1, w->script.now_ns);
}

/* So many messages of strangers in one batch, of different ports; they are not answered yet. */
static void flood(struct world *w, uint8_t count, uint8_t kind)
{
	static struct buffer buffers[BATCH_MAX];
	static struct endpoint from[BATCH_MAX];
	struct packet *packets[BATCH_MAX];
	size_t n = 1U + count, bytes = kind & 1 ? sizeof(struct message_response)
	                                        : sizeof(struct message_initiation);

	for (size_t i = 0; i < n; i++) {
		uint8_t b[sizeof(struct message_initiation)];

		script_fill(&w->script, b, sizeof(b));
		memcpy(b, (uint8_t[]){ kind & 1 ? 2 : 1, 0, 0, 0 }, 4);
		cookie_maker_sign(&w->maker, b, bytes, w->script.now_ns);
		from[i] = somewhere;
		from[i].port = (uint16_t)(1 + i % (kind & 2 ? 2U : BATCH_MAX));
		buffer_set(&buffers[i], b, bytes, kind & 4 ? NULL : &from[i]);
		packets[i] = &buffers[i].packet;
	}
	if (wg_device_open(w->device, packets, n, w->script.now_ns) != 0)
		abort();
}

enum op {
	OP_RAW,
	OP_MAC1,
	OP_CHANGED,
	OP_INNER,
	OP_OUT,
	OP_TIME,
	OP_CUT,
	OP_HANDSHAKE,
	OP_FLOOD,
	OP_COUNT
};

static void step(struct world *w, enum op op, const uint8_t *piece, size_t n)
{
	struct buffer b;

	switch (op) {
	case OP_RAW: /* any bytes */
		buffer_set(&b, piece, n, &somewhere);
		open_at(w, w->device, &b);
		break;
	case OP_MAC1: /* with right MACs, like a handshake message */
		buffer_set(&b, piece, n, &somewhere);
		if (b.packet.len_bytes >= sizeof(struct message_macs))
			cookie_maker_sign(&w->maker, b.packet.data, b.packet.len_bytes,
			                  w->script.now_ns);
		open_at(w, w->device, &b);
		break;
	case OP_CHANGED: /* the last message of the peer again, with some bytes changed */
		buffer_set(&b, w->last.packet.data ? w->last.packet.data : piece,
		           w->last.packet.len_bytes, &somewhere);
		for (size_t i = 0; i + 1 < n && b.packet.len_bytes; i += 2)
			b.packet.data[piece[i] % b.packet.len_bytes] ^= piece[i + 1];
		open_at(w, w->device, &b);
		break;
	case OP_INNER:
		seal(w, w->other_peer, piece, n);
		break;
	case OP_OUT:
		seal(w, w->peer, piece, n);
		break;
	case OP_TIME:
		w->script.now_ns += n ? piece[0] * NS_PER_SEC + 1 : 1;
		timerq_run(&w->timers, w->script.now_ns);
		break;
	case OP_CUT:
		w->cut = !w->cut;
		break;
	case OP_HANDSHAKE: /* forget the old keys and start a new handshake */
		wg_device_stop(w->other);
		wg_device_start(w->other, w->script.now_ns);
		seal(w, w->other_peer, piece, n);
		break;
	case OP_FLOOD:
		flood(w, n ? piece[0] : 0, n > 1 ? piece[1] : 0);
		break;
	case OP_COUNT:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct world w; /* too large for the stack; set up anew each time */
	struct reader r = reader_of(bytes, n);
	const uint8_t *head, *piece;
	size_t piece_bytes;

	set_up(&w, aead_turn(n));
	while ((head = reader_take(&r, 3))) {
		piece_bytes = (size_t)head[1] | (size_t)head[2] << 8;
		if (piece_bytes > r.left_bytes)
			piece_bytes = r.left_bytes;
		piece = reader_take(&r, piece_bytes);
		step(&w, (enum op)(head[0] % OP_COUNT), piece, piece_bytes);
	}
	tear_down(&w);
	return 0;
}
