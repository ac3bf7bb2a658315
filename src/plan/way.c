/* src/plan/way.c - Via, ranks and addresses, which don't depend on any way; and the text
 * of a way that is known */
#include "plan/way.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "plan/source_address.h"

/* Nobody needs longer chains of Via: see WAY_MAX. */
#define VIA_STEPS_MAX 64

static const char *const state_names[] = {
	[WAY_NO_ENDPOINT] = "no-endpoint",
	[WAY_OK] = "ok",
	[WAY_LOOP] = "loop",
	[WAY_TOO_LONG] = "too-long",
	[WAY_NO_CARRIER_PEER] = "no-carrier-peer",
	[WAY_NO_CARRIER_ADDRESS] = "no-carrier-address",
};
_Static_assert(ARRAY_SIZE(state_names) == WAY_STATE_COUNT, "every state has a name");

static const enum drop state_drops[] = {
	[WAY_NO_ENDPOINT] = DROP_NO_ENDPOINT,
	[WAY_OK] = DROP_NONE,
	[WAY_LOOP] = DROP_LOOP,
	[WAY_TOO_LONG] = DROP_WAY_TOO_LONG,
	[WAY_NO_CARRIER_PEER] = DROP_NO_CARRIER_PEER,
	[WAY_NO_CARRIER_ADDRESS] = DROP_NO_CARRIER_ADDRESS,
};
_Static_assert(ARRAY_SIZE(state_drops) == WAY_STATE_COUNT, "every state has a reason");

const char *way_state_name(enum way_state state)
{
	return state_names[state];
}

enum drop way_drop(enum way_state state)
{
	return state_drops[state];
}

/* ---- Via */

enum way_via way_effective_via(const struct way_peer *peer,
                               struct way_device **via_device)
{
	if (peer->via != WAY_VIA_UNION) {
		*via_device = peer->via_device;
		return peer->via;
	}
	*via_device = peer->device->via_device;
	return peer->device->via;
}

struct way_peer *way_via_peer(const struct way_peer *peer,
                              const struct way_device *carrier)
{
	struct trie_entry *entry;

	if (peer->endpoint.addr.family == IP_NONE || !carrier->allowed_ips)
		return NULL;
	entry = trie_lookup(carrier->allowed_ips, &peer->endpoint.addr);
	return entry ? carrier->peer_of(entry) : NULL;
}

/* As long as it isn't known which peer of a carrier will be used (its endpoint is not
 * resolved yet), the Via that the carrier's file sets for all peers counts. */
bool way_carried_by(const struct way_peer *peer, const struct way_device *device)
{
	struct way_device *via;
	enum way_via kind = way_effective_via(peer, &via);

	for (unsigned i = 0; i < VIA_STEPS_MAX; i++) {
		if (kind != WAY_VIA_DEVICE || !via)
			return false;
		if (via == device)
			return true;
		peer = peer ? way_via_peer(peer, via) : NULL;
		if (peer) {
			kind = way_effective_via(peer, &via);
		} else {
			kind = via->via;
			via = via->via_device;
		}
	}
	return true;
}

/* ---- the order of R3 */

static const char *const reason_names[] = {
	[WAY_BY_TABLE] = "table",   [WAY_BY_VIA] = "via",
	[WAY_BY_METRIC] = "metric", [WAY_BY_DEFAULT] = "default-routes",
	[WAY_BY_NAME] = "name",
};
_Static_assert(ARRAY_SIZE(reason_names) == WAY_REASON_COUNT, "every reason has a name");

const char *way_reason_name(enum way_reason reason)
{
	return reason_names[reason];
}

#define HALVES_LEN 1 /* 0.0.0.0/1 and 128.0.0.0/1 together are everything */
#define GLOBAL_LEN 3 /* 2000::/3, all global unicast addresses (RFC 4291 2.4) */

bool way_is_default(const struct ip_prefix *prefix)
{
	return prefix->len <= HALVES_LEN ||
	       (prefix->addr.family == IP_V6 && prefix->len == GLOBAL_LEN &&
	        prefix->addr.b[0] == 0x20);
}

/* ---- rank: a priority queue of the devices that no unranked device names with Via. It
 * is a skew heap, linked through left and right. */

/* Does the device, or one of its peers, name the carrier with Via? */
static bool names_with_via(const struct way_device *device,
                           const struct way_device *carrier)
{
	if (device->via == WAY_VIA_DEVICE && device->via_device == carrier)
		return true;
	for (const struct way_peer *p = device->peers; p; p = p->sibling) {
		if (p->via == WAY_VIA_DEVICE && p->via_device == carrier)
			return true;
	}
	return false;
}

static bool ranks_before(const struct way_device *a, const struct way_device *b)
{
	if (a->metric != b->metric)
		return a->metric < b->metric;
	if (a->names_networks != b->names_networks)
		return b->names_networks;
	return strcmp(a->name, b->name) < 0;
}

static struct way_device *meld(struct way_device *a, struct way_device *b)
{
	struct way_device *root = NULL, **at = &root, *swap;

	while (a && b) {
		if (ranks_before(b, a)) {
			swap = a;
			a = b;
			b = swap;
		}
		*at = a;
		swap = a->right;
		a->right = a->left;
		a->left = NULL;
		at = &a->left;
		a = swap;
	}
	*at = a ? a : b;
	return root;
}

enum way_reason way_reason(const struct way_device *first, const struct way_device *other)
{
	if (first->table_off != other->table_off)
		return WAY_BY_TABLE;
	if (!ranks_before(first, other) || names_with_via(first, other))
		return WAY_BY_VIA;
	if (first->metric != other->metric)
		return WAY_BY_METRIC;
	return first->names_networks != other->names_networks ? WAY_BY_DEFAULT
	                                                      : WAY_BY_NAME;
}

/* Calls fn for each device that `device`, or one of its peers, names with Via. */
static void each_carrier(struct way_device *device,
                         void (*fn)(struct way_device *carrier, void *context),
                         void *context)
{
	if (device->via == WAY_VIA_DEVICE && device->via_device)
		fn(device->via_device, context);
	for (struct way_peer *p = device->peers; p; p = p->sibling) {
		if (p->via == WAY_VIA_DEVICE && p->via_device)
			fn(p->via_device, context);
	}
}

static void count_pending(struct way_device *carrier, void *context)
{
	(void)context;
	carrier->pending++;
}

/* A device that is ranked no longer holds back its carrier. */
static void release(struct way_device *carrier, void *context)
{
	struct way_device **ready = context;

	if (--carrier->pending == 0)
		*ready = meld(*ready, carrier);
}

/* Returns how many devices could be ranked. The others have pending > 0. */
static uint32_t rank(struct way_device *devices)
{
	struct way_device *ready = NULL, *d;
	uint32_t ranked = 0;

	for (d = devices; d; d = d->sibling) {
		d->left = d->right = NULL;
		d->pending = 0;
	}
	for (d = devices; d; d = d->sibling)
		each_carrier(d, count_pending, NULL);
	for (d = devices; d; d = d->sibling) {
		if (d->pending == 0)
			ready = meld(ready, d);
	}
	while ((d = ready)) {
		ready = meld(d->left, d->right);
		d->left = d->right = NULL;
		d->rank = ranked++;
		each_carrier(d, release, &ready);
	}
	return ranked;
}

void way_rank(struct way_device *devices)
{
	uint32_t ranked = rank(devices);

	for (struct way_device *d = devices; d; d = d->sibling) {
		if (d->pending > 0)
			d->rank = ranked++;
	}
}

static void named_by(struct way_device *carrier, void *context)
{
	carrier->left = context;
}

/* Every unranked device is named by another unranked one. So whoever goes back from name
 * to name for long enough gets onto a cycle. */
struct way_device *way_via_cycle(struct way_device *devices)
{
	struct way_device *on = NULL, *d;
	uint32_t steps = 0;

	rank(devices);
	for (d = devices; d; d = d->sibling) {
		if (d->pending == 0)
			continue;
		each_carrier(d, named_by, d);
		on = d;
		steps++;
	}
	if (!on)
		return NULL;
	while (steps-- > 0)
		on = on->left;
	d = on;
	do {
		d->left->via_next = d;
		d = d->left;
	} while (d != on);
	return on;
}

/* ---- addresses */

const struct ip_addr *way_address(const struct way_device *device,
                                  const struct ip_addr *to)
{
	if (to->family == IP_V4)
		return &device->address4;
	return source_address_is_ula(to) ? &device->address_ula : &device->address6;
}

const struct ip_addr *way_source(const struct way_peer *peer)
{
	const struct ip_addr *source =
		way_address(peer->next->device, &peer->endpoint.addr);

	return source->family == IP_NONE ? NULL : source;
}

/* ---- text */

#define FORMAT_PEERS_MAX (2 * WAY_MAX)

static void append(char *out, size_t size, const char *text)
{
	size_t n = strlen(out);

	snprintf(out + n, size - n, "%s", text);
}

/* Does the way end after p, well or badly? */
static bool is_last(const struct way_peer *p)
{
	return !p->next || (p->state == WAY_NO_CARRIER_ADDRESS && !way_source(p));
}

static bool is_among(const struct way_peer *p, const struct way_peer *const *list,
                     size_t n)
{
	while (n-- > 0) {
		if (list[n] == p)
			return true;
	}
	return false;
}

size_t way_list(const struct way_peer *peer, const struct way_peer **out, size_t max)
{
	size_t n = 0;

	while (peer && n < max && !is_among(peer, out, n)) {
		out[n++] = peer;
		peer = is_last(peer) ? NULL : peer->next;
	}
	return n;
}

/* `last` is the last peer on the way. */
static const char *format_end(enum way_state state, bool whole,
                              const struct way_peer *last)
{
	switch (state) {
	case WAY_OK:
		return " > network";
	case WAY_NO_ENDPOINT:
		return last->by_arrival ? " > ? (waiting)" : " > ? (no address)";
	case WAY_NO_CARRIER_PEER:
		return " > ? (no peer of the carrier has the endpoint)";
	case WAY_NO_CARRIER_ADDRESS:
		return " > ? (the carrier has no Address of the family)";
	case WAY_LOOP:
		return " ... (loop)";
	case WAY_TOO_LONG:
		return whole ? " > network (too long)" : " ... (too long)";
	case WAY_STATE_COUNT:
		break;
	}
	return "";
}

const char *way_format(const struct way_peer *peer, char *out, size_t size)
{
	const struct way_peer *list[FORMAT_PEERS_MAX];
	size_t n = way_list(peer, list, ARRAY_SIZE(list));
	const struct way_peer *last = n > 0 ? list[n - 1] : peer;
	bool whole = is_last(last);

	if (size == 0)
		return out;
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(out, size, i > 0 ? " > " : "");
		append(out, size, list[i]->device->name);
	}
	if (!whole && is_among(last->next, list, n)) {
		append(out, size, " > ");
		append(out, size, last->next->device->name);
	}
	append(out, size, format_end(peer->state, whole, last));
	return out;
}
