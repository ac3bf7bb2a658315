/* src/wg/receive.c - a batch of messages comes in. Handshake messages are put aside
 * (wg/handshakes.h), so they take no time from the data. Data messages are collected into
 * a run: they are looked up, opened side by side, and then checked and passed on in
 * order. */
#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "base/reader.h"
#include "wg/device.h"
#include "wg/handshakes.h"
#include "wg/intake.h"
#include "wg/send.h"
#include "wg/state.h"
#include "wg/timers.h"

/* ---- data: what an opened packet has to pass */

/* RFC 6040 4.2, but nothing is dropped: like the kernel module, we leave an inner packet
 * that is not ECN-capable as it is. */
enum { ECN_MASK = 3, ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

static uint8_t inner_ecn(uint8_t outer, uint8_t inner)
{
	if (inner != ECN_NOT_ECT && outer == ECN_CE)
		return ECN_CE;
	return inner == ECN_ECT0 && outer == ECN_ECT1 ? ECN_ECT1 : inner;
}

static void copy_ecn_in(struct packet *packet, const struct ip_view *view)
{
	uint8_t inner = view->tos & ECN_MASK;
	uint8_t ecn = inner_ecn(packet->tos & ECN_MASK, inner);
	struct ipv4_header *h = (void *)packet->data;
	uint8_t before[2];

	if (ecn == inner)
		return;
	if (view->family == IP_V6) {
		packet->data[1] =
			(uint8_t)((packet->data[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	memcpy(before, packet->data, sizeof(before));
	h->tos = (uint8_t)((h->tos & ~ECN_MASK) | ecn);
	h->checksum = be16_put(checksum_replace(be16_get(h->checksum), before,
	                                        packet->data, sizeof(before)));
}

/* For an authentic packet of p that is no repeat; it still has its padding and
 * is not empty. */
static enum drop check_inner(struct wg_peer *p, struct packet *packet)
{
	struct trie_entry *entry;
	struct ip_view view;

	if (!ip_view_parse_addresses(&view, packet->data, packet->len_bytes))
		return DROP_MALFORMED;
	entry = trie_lookup(p->device->allowed_ips, &view.src);
	if (!entry || wg_allowed_ip_peer(entry) != p)
		return DROP_WRONG_SOURCE;
	copy_ecn_in(packet, &view);
	packet_set_len(packet, view.total_bytes);
	return DROP_NONE;
}

/* An authentic data message tells three things about its peer: where it is, that it has
 * the keypair, and that it is alive. */
static void heard_from(struct wg_peer *p, struct keypair *k, const struct endpoint *from,
                       uint64_t now_ns)
{
	peer_learn_endpoint(p, from);
	if (keypairs_received(&p->keypairs, &p->device->indices, k)) {
		peer_handshake_done(p);
		send_staged(p, now_ns);
	}
	if (!p->timers.sent_lastminute_handshake &&
	    keypairs_stale_for_receiver(&p->keypairs, now_ns)) {
		p->timers.sent_lastminute_handshake = true;
		send_initiation(p, now_ns);
	}
	timers_any_received(p);
	timers_any_traversal(p, now_ns);
}

/* Returns true if there is an inner packet to pass on. */
static bool receive_inner(struct wg_peer *p, struct packet *packet, uint64_t now_ns)
{
	const struct wg_env *env = p->device->env;
	uint32_t len_bytes = packet->len_bytes;
	enum drop drop;

	if (len_bytes == 0) {
		p->transfer.rx_bytes += MESSAGE_DATA_MIN_BYTES;
		return false; /* a keepalive has done its work */
	}
	drop = check_inner(p, packet);
	if (drop == DROP_WRONG_SOURCE && env->callbacks->wrong_source &&
	    env->callbacks->wrong_source(env->context, packet, now_ns))
		return false;
	if (drop != DROP_NONE) {
		device_drop(p->device, drop, 1);
		return false;
	}
	p->transfer.rx_bytes += MESSAGE_DATA_MIN_BYTES + len_bytes;
	return true;
}

/* ---- data: a run */

struct run {
	size_t n;
	struct aead_job jobs[BATCH_MAX];
	size_t at[BATCH_MAX]; /* position in the batch */
	struct keypair *keypair[BATCH_MAX];
	uint32_t index[BATCH_MAX];
};

static enum drop run_add(struct run *run, struct wg_device *d,
                         const struct packet *packet, size_t at, uint64_t now_ns)
{
	struct message_data header;
	struct index_entry *entry;
	struct keypair *k;
	uint64_t counter;

	memcpy(&header, packet->data, sizeof(header));
	entry = index_table_find(&d->indices, le32_get(header.receiver));
	if (!entry || entry->kind != INDEX_KEYPAIR)
		return DROP_UNKNOWN_INDEX;
	k = CONTAINER_OF(entry, struct keypair, index);
	counter = le64_get(header.counter);
	if (!keypair_may_receive(k, counter, now_ns))
		return DROP_EXPIRED_KEY;
	run->jobs[run->n] = (struct aead_job){
		.key = k->receive_key,
		.text = packet->data + sizeof(header),
		.counter = counter,
		.text_bytes = packet->len_bytes - (uint32_t)MESSAGE_DATA_MIN_BYTES,
	};
	run->at[run->n] = at;
	run->keypair[run->n] = k;
	run->index[run->n] = le32_get(header.receiver);
	run->n++;
	return DROP_NONE;
}

/* Was it authentic, and is it no repeat? The packets before it in the run may have ended
 * its keypair, through the callbacks too. */
static enum drop run_check(struct run *run, size_t i)
{
	struct keypair *k = run->keypair[i];

	if (!run->jobs[i].ok)
		return DROP_BAD_AUTH;
	if (k->index.kind != INDEX_KEYPAIR || index_of(&k->index) != run->index[i])
		return DROP_UNKNOWN_INDEX;
	return replay_accept(&k->replay, run->jobs[i].counter) ? DROP_NONE : DROP_REPLAY;
}

/* Consecutive messages with one keypair from one endpoint. What they tell about the peer,
 * and its timers, are dealt with once for all of them. */
struct streak {
	struct keypair *keypair; /* NULL if there is no message yet */
	const struct endpoint *from;
	size_t data; /* number of messages that are no keepalives */
};

static void streak_end(struct streak *s, uint64_t now_ns)
{
	if (s->data > 0)
		timers_data_received(s->keypair->index.peer, s->data, now_ns);
	*s = (struct streak){ 0 };
}

static void streak_add(struct streak *s, struct keypair *k, const struct packet *packet,
                       uint64_t now_ns)
{
	if (k != s->keypair || packet->from != s->from) {
		streak_end(s, now_ns);
		*s = (struct streak){ .keypair = k, .from = packet->from };
		heard_from(k->index.peer, k, packet->from, now_ns);
	}
	s->data += packet->len_bytes > 0;
}

/* Opens the run and empties it. Moves the packets to pass on behind the `done`
 * ones in front. */
static size_t run_finish(struct run *run, struct wg_device *d, struct packet **messages,
                         size_t done, uint64_t now_ns)
{
	struct streak streak = { 0 };

	aead_open_batch(d->env->aead, run->jobs, run->n);
	for (size_t i = 0; i < run->n; i++) {
		struct packet **slot = &messages[run->at[i]], *packet = *slot;
		enum drop drop = run_check(run, i);

		if (drop != DROP_NONE) {
			device_drop(d, drop, 1);
			continue;
		}
		packet_pull(packet, sizeof(struct message_data));
		packet_set_len(packet, packet->len_bytes - AEAD_TAG_BYTES);
		streak_add(&streak, run->keypair[i], packet, now_ns);
		if (!receive_inner(run->keypair[i]->index.peer, packet, now_ns))
			continue;
		*slot = messages[done];
		messages[done++] = packet;
	}
	streak_end(&streak, now_ns);
	run->n = 0;
	return done;
}

size_t wg_device_open(struct wg_device *d, struct packet **messages, size_t n,
                      uint64_t now_ns)
{
	struct run run;
	size_t done = 0;

	if (!d->started) {
		device_drop(d, DROP_DOWN, n);
		return 0;
	}
	run.n = 0;
	for (size_t i = 0; i < n; i++) {
		struct packet *packet = messages[i];
		enum message_type type = message_type_of(packet->data, packet->len_bytes);
		enum drop drop = DROP_NONE;

		if (run.n == BATCH_MAX)
			done = run_finish(&run, d, messages, done, now_ns);
		switch (type) {
		case MESSAGE_DATA:
			drop = run_add(&run, d, packet, i, now_ns);
			break;
		case MESSAGE_INITIATION:
		case MESSAGE_RESPONSE:
		case MESSAGE_COOKIE_REPLY:
			drop = handshakes_receive(d, type, packet, now_ns);
			break;
		case MESSAGE_NONE:
			drop = DROP_BAD_MESSAGE;
			break;
		}
		if (drop != DROP_NONE)
			device_drop(d, drop, 1);
	}
	done = run_finish(&run, d, messages, done, now_ns);
	intake_note_data(d->env->intake, done);
	return done;
}

/* ---- claims */

bool wg_device_claims(const struct wg_device *d, const struct packet *message)
{
	struct reader r = reader_of(message->data, message->len_bytes);
	const struct message_data *data;
	const struct message_cookie_reply *reply;
	const struct index_entry *entry;

	switch (message_type_of(message->data, message->len_bytes)) {
	case MESSAGE_INITIATION:
	case MESSAGE_RESPONSE:
		return d->identity.present &&
		       cookie_checker_mac1(&d->cookie_checker, message->data,
		                           message->len_bytes);
	case MESSAGE_DATA:
		data = reader_take(&r, sizeof(*data));
		entry = data ? index_table_find(&d->indices, le32_get(data->receiver))
		             : NULL;
		return entry && entry->kind == INDEX_KEYPAIR;
	case MESSAGE_COOKIE_REPLY:
		reply = reader_take(&r, sizeof(*reply));
		return reply && index_table_find(&d->indices, le32_get(reply->receiver));
	case MESSAGE_NONE:
		break;
	}
	return false;
}
