/* src/wg/keypair.c */
#include "wg/keypair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static bool older_than(const struct keypair *k, uint64_t age_ns, uint64_t now_ns)
{
	return now_ns >= k->born_ns && now_ns - k->born_ns >= age_ns;
}

void keypairs_init(struct keypairs *k, struct wg_peer *peer, struct secrets *secrets)
{
	*k = (struct keypairs){ .peer = peer, .secrets = secrets };
}

/* NULL is fine. */
static void slot_free(struct keypair *k)
{
	if (!k)
		return;
	secret_free(k->send_key);
	secret_free(k->receive_key);
	free(k);
}

/* NULL if out of memory. */
static struct keypair *slot_new(struct secrets *secrets)
{
	struct keypair *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->send_key = secret_new(secrets);
	k->receive_key = secret_new(secrets);
	if (!k->send_key || !k->receive_key) {
		slot_free(k);
		return NULL;
	}
	return k;
}

void keypairs_free(struct keypairs *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->slots); i++)
		slot_free(k->slots[i]);
}

/* NULL is fine. */
static void discard(struct index_table *t, struct keypair *k)
{
	if (!k)
		return;
	index_table_remove(t, &k->index);
	sodium_memzero(k->send_key, AEAD_KEY_BYTES);
	sodium_memzero(k->receive_key, AEAD_KEY_BYTES);
	*k = (struct keypair){ .index = { .peer = k->index.peer },
		               .send_key = k->send_key,
		               .receive_key = k->receive_key };
}

void keypairs_clear(struct keypairs *k, struct index_table *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->slots); i++)
		discard(t, k->slots[i]);
	k->previous = k->current = k->next = NULL;
}

void keypairs_expire(struct keypairs *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->slots); i++)
		if (k->slots[i])
			k->slots[i]->can_send = false;
}

/* NULL if all of them are in use. */
static struct keypair *unused_slot(const struct keypairs *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->slots); i++)
		if (k->slots[i] && k->slots[i]->index.kind == INDEX_UNUSED)
			return k->slots[i];
	return NULL;
}

/* Allocates one more if none is unused and there are fewer than three. False if
 * out of memory. */
static bool make_slot(struct keypairs *k)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(k->slots) && k->slots[i])
		i++;
	if (unused_slot(k) || i == ARRAY_SIZE(k->slots))
		return true;
	k->slots[i] = slot_new(k->secrets);
	if (!k->slots[i])
		return false;
	k->slots[i]->index.peer = k->peer;
	return true;
}

bool keypairs_add(struct keypairs *k, struct index_table *t,
                  const struct noise_session *session, struct index_entry *handshake,
                  uint64_t now_ns)
{
	struct keypair *new;

	if (!make_slot(k))
		return false;
	discard(t, k->previous);
	k->previous = NULL;
	if (!session->initiator) {
		/* `current` goes on sealing until the initiator has confirmed
		 * the new one. */
		discard(t, k->next);
		new = k->next = unused_slot(k);
	} else if (k->next) {
		/* The peer may already seal with `next`, although it has
			 * confirmed nothing yet: keep that one. */
		discard(t, k->current);
		k->previous = k->next;
		k->next = NULL;
		new = k->current = unused_slot(k);
	} else {
		k->previous = k->current;
		new = k->current = unused_slot(k);
	}
	assert(new); /* there are three slots, and what was `previous` has left its own */
	index_table_hand_over(t, handshake, &new->index, INDEX_KEYPAIR);
	new->remote_index = session->remote_index;
	new->initiator = session->initiator;
	new->can_send = new->can_receive = true;
	new->born_ns = now_ns;
	memcpy(new->send_key, session->send_key, AEAD_KEY_BYTES);
	memcpy(new->receive_key, session->receive_key, AEAD_KEY_BYTES);
	return true;
}

bool keypairs_received(struct keypairs *k, struct index_table *t, struct keypair *keypair)
{
	if (keypair != k->next)
		return false;
	discard(t, k->previous);
	k->previous = k->current;
	k->current = k->next;
	k->next = NULL;
	return true;
}

struct keypair *keypairs_for_sending(struct keypairs *k, uint64_t n, uint64_t now_ns)
{
	struct keypair *current = k->current;

	if (!current || !current->can_send)
		return NULL;
	if (older_than(current, REJECT_AFTER_TIME, now_ns) || n > REJECT_AFTER_MESSAGES ||
	    current->send_counter > REJECT_AFTER_MESSAGES - n) {
		current->can_send = false;
		return NULL;
	}
	return current;
}

bool keypair_may_receive(struct keypair *k, uint64_t counter, uint64_t now_ns)
{
	if (!k->can_receive)
		return false;
	if (older_than(k, REJECT_AFTER_TIME, now_ns)) {
		k->can_receive = false;
		return false;
	}
	return counter < REJECT_AFTER_MESSAGES;
}

bool keypairs_stale_for_sender(const struct keypairs *k, uint64_t now_ns)
{
	const struct keypair *current = k->current;

	return current && current->can_send &&
	       (current->send_counter > REKEY_AFTER_MESSAGES ||
	        (current->initiator && older_than(current, REKEY_AFTER_TIME, now_ns)));
}

bool keypairs_stale_for_receiver(const struct keypairs *k, uint64_t now_ns)
{
	const struct keypair *current = k->current;

	return current && current->can_send && current->initiator &&
	       older_than(current, REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT,
	                  now_ns);
}
