/* src/show/status_health.c - looks at each peer for a trouble of its own, and at its carriers
 * for the cause. The status comes from a worker that strangers can send packets to, so no walk
 * relies on it: each has a limit. */
#include "show/status_health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/printable.h"
#include "show/status_json.h"

#define LINES_MAX    20 /* of more troubles only the number is told */
#define CARRIERS_MAX 16
#define LOOKS_MAX    5000000 /* a second at most; then no carrier is found any more */
#define NAMES_BYTES  160
#define RECENT_S     60

/* ---- lines */

struct health {
	const json_t *status; /* borrowed */
	json_t *list;         /* NULL: out of memory */
	size_t not_shown;
	const json_t *carrier; /* borrowed: that was found last. Many have the same one */
	size_t looks;          /* at devices and peers, in search of carriers */
	bool offline;          /* no server answers, which is told once for all */
};

static void append(struct health *h, const json_t *device, const char *text)
{
	json_t *line = json_pack("{s:s?, s:s}", "device",
	                         json_string_value(json_object_get(device, "name")),
	                         "text", text);

	if (h->list && line && json_array_append_new(h->list, line) == 0)
		return;
	json_decref(h->list);
	h->list = NULL;
}

static void tell(struct health *h, const json_t *device, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static void tell(struct health *h, const json_t *device, const char *fmt, ...)
{
	char *text;
	va_list args;
	int n;

	if (json_array_size(h->list) >= LINES_MAX) {
		h->not_shown++;
		return;
	}
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		json_decref(h->list);
		h->list = NULL;
		return;
	}
	printable_make(text); /* a name may have been cut inside a character */
	append(h, device, text);
	free(text);
}

/* ---- a peer's own trouble */

enum trouble {
	TROUBLE_NONE,
	TROUBLE_WAY,    /* its way has a mistake, see `state` */
	TROUBLE_NAME,   /* its Endpoint is a name without an address */
	TROUBLE_ANSWER, /* it doesn't answer */
};

static bool is_named(const json_t *peer)
{
	return json_is_string(json_object_get(peer, "endpoint_name"));
}

static bool is_way(const json_t *peer, const char *state)
{
	return strcmp(status_string(peer, "state"), state) == 0;
}

bool status_waits_for_call(const json_t *peer)
{
	return is_way(peer, "no-endpoint") && !is_named(peer) &&
	       json_is_true(json_object_get(peer, "by_arrival")) &&
	       !json_is_string(json_object_get(peer, "endpoint"));
}

static bool owes_for(const json_t *peer, int64_t seconds)
{
	return !json_is_true(json_object_get(peer, "by_arrival")) &&
	       status_integer(peer, "unanswered_seconds") >= seconds;
}

bool status_unanswered(const json_t *peer)
{
	bool carried = json_is_string(json_object_get(peer, "carrier_peer"));

	return owes_for(peer,
	                carried ? STATUS_CARRIED_UNANSWERED_S : STATUS_UNANSWERED_S);
}

static enum trouble trouble_of(const json_t *peer)
{
	if (is_way(peer, "no-endpoint"))
		return is_named(peer) &&
		                       !json_is_string(json_object_get(peer, "endpoint"))
		               ? TROUBLE_NAME
		               : TROUBLE_NONE;
	if (*status_string(peer, "state") && !is_way(peer, "ok"))
		return TROUBLE_WAY;
	return status_unanswered(peer) ? TROUBLE_ANSWER : TROUBLE_NONE;
}

/* ---- carriers */

struct hop {
	const json_t *device, *peer; /* borrowed; NULL: there is none */
};

static struct hop carrier_of(struct health *h, const json_t *peer)
{
	const json_t *chain = json_object_get(peer, "chain");
	const char *name = json_string_value(json_array_get(chain, 1));
	struct hop next = { NULL, NULL };

	if (!name || !json_is_string(json_object_get(peer, "carrier_peer")) ||
	    h->looks > LOOKS_MAX)
		return next;
	if (!h->carrier || strcmp(status_string(h->carrier, "name"), name) != 0) {
		h->carrier = status_device(h->status, name, 0);
		h->looks += json_array_size(json_object_get(h->status, "devices"));
	}
	next.device = h->carrier;
	next.peer = status_peer(next.device, status_string(peer, "carrier_peer"), 0);
	h->looks += json_array_size(json_object_get(next.device, "peers"));
	return next;
}

/* Is the cause of its trouble further out on its way? */
static bool is_victim(struct health *h, const json_t *peer)
{
	struct hop at = carrier_of(h, peer);

	for (unsigned i = 0; at.peer && i < CARRIERS_MAX; i++) {
		if (trouble_of(at.peer) != TROUBLE_NONE ||
		    owes_for(at.peer, STATUS_UNANSWERED_S))
			return true;
		at = carrier_of(h, at.peer);
	}
	return false;
}

/* A loop is told once, for the device on it whose name comes first. */
static bool is_told_loop(struct health *h, const json_t *device, const json_t *peer)
{
	struct hop at = carrier_of(h, peer);
	const char *name = status_string(device, "name");

	for (unsigned i = 0; at.peer && i < CARRIERS_MAX; i++) {
		if (at.peer == peer)
			return true;
		if (strcmp(status_string(at.device, "name"), name) < 0)
			return false;
		at = carrier_of(h, at.peer);
	}
	return false;
}

/* Writes "A, B": the devices that are carried by this peer. */
static void carried_names(struct health *h, const json_t *peer,
                          char out[static NAMES_BYTES])
{
	const json_t *devices = json_object_get(h->status, "devices"), *d, *p;
	size_t i, k, n = 0, more = 0;

	out[0] = '\0';
	json_array_foreach(devices, i, d)
	{
		bool carried = false;

		json_array_foreach(json_object_get(d, "peers"), k, p)
		{
			carried = carried || carrier_of(h, p).peer == peer;
		}
		if (carried && n < NAMES_BYTES / 2)
			n += (size_t)snprintf(out + n, NAMES_BYTES - n, "%s%.20s",
			                      n ? ", " : "", status_string(d, "name"));
		else
			more += carried;
	}
	if (more > 0)
		snprintf(out + n, NAMES_BYTES - n, " and %zu more", more);
}

/* ---- sentences */

/* Writes "peer AbCd…wXyZ: " if the device has several. */
static const char *whose(const json_t *device, const json_t *peer, char out[static 32])
{
	char key[KEY_SHORT_STRLEN];

	out[0] = '\0';
	if (json_array_size(json_object_get(device, "peers")) > 1)
		snprintf(out, 32, "peer %s: ",
		         status_key_short(status_string(peer, "public_key"), key));
	return out;
}

static void tell_way(struct health *h, const json_t *device, const json_t *peer)
{
	const char *way = status_string(peer, "way");
	char who[32];

	whose(device, peer, who);
	if (is_way(peer, "loop")) {
		if (is_told_loop(h, device, peer))
			tell(h, device,
			     "%sits way is a loop: %s; write # tunion: Via = network into %s.conf, unless its server is inside another tunnel",
			     who, way, status_string(device, "name"));
	} else if (is_victim(h, peer)) {
		return;
	} else if (is_way(peer, "too-long")) {
		tell(h, device,
		     "%smore than 8 tunnels inside each other: %s; write # tunion: Via = network into one of the files",
		     who, way);
	} else if (is_way(peer, "no-carrier-peer")) {
		tell(h, device,
		     "%sno peer of its carrier takes %s: add it to AllowedIPs there", who,
		     status_string(peer, "endpoint"));
	} else if (is_way(peer, "no-carrier-address")) {
		tell(h, device,
		     "%sits carrier has no Address of the family of %s: give it one, or write # tunion: Via = network",
		     who, status_string(peer, "endpoint"));
	} else {
		tell(h, device, "%sits packets are dropped: %s", who,
		     status_string(peer, "state"));
	}
}

static void tell_name(struct health *h, const json_t *device, const json_t *peer)
{
	const char *error = status_string(peer, "name_error");
	const json_t *again = json_object_get(peer, "asked_again_seconds");
	char who[32];

	whose(device, peer, who);
	if (json_is_integer(again))
		tell(h, device,
		     "%s%s does not resolve (%s); asked again in %" PRId64 " s", who,
		     status_string(peer, "endpoint_name"), *error ? error : "no answer",
		     (int64_t)json_integer_value(again));
	else
		tell(h, device, "%s%s is not resolved yet (%s); it is being asked for",
		     who, status_string(peer, "endpoint_name"),
		     *error ? error : "no answer yet");
}

static bool dropped_within(const json_t *device, const char *reason, int64_t seconds)
{
	const json_t *age = json_object_get(json_object_get(device, "drop_ages"), reason);

	return json_is_integer(age) && json_integer_value(age) <= seconds;
}

/* What there is to do about a peer that doesn't answer. */
static void write_remedy(const json_t *device, const json_t *peer,
                         char out[static NAMES_BYTES])
{
	int64_t since_s = status_integer(peer, "unanswered_seconds");
	bool only = json_array_size(json_object_get(device, "peers")) == 1;
	const char *via = status_string(peer, "try_via");

	if (only && dropped_within(device, "send", STATUS_UNANSWERED_S))
		snprintf(out, NAMES_BYTES,
		         "the network refuses what is sent: is there a route to it?");
	else if (only && dropped_within(device, "bad-handshake", since_s))
		snprintf(
			out, NAMES_BYTES,
			"what it sends doesn't fit: do PresharedKey and PublicKey match?");
	else if (*via)
		snprintf(
			out, NAMES_BYTES,
			"is it only inside %.20s? Then write # tunion: Via = %.20s; or do the keys not match?",
			via, via);
	else if (status_integer(peer, "latest_handshake") > 0) /* so the keys match */
		snprintf(
			out, NAMES_BYTES,
			"it has answered before: is the server up, does the network reach it?");
	else
		snprintf(
			out, NAMES_BYTES,
			"is the server up, do PublicKey, PresharedKey and PrivateKey match?");
}

static void tell_answer(struct health *h, const json_t *device, const json_t *peer)
{
	const json_t *by = json_object_get(peer, "stood_in_by");
	char who[32], age[STATUS_AGE_BYTES], carried[NAMES_BYTES], remedy[NAMES_BYTES];
	const char *name = status_string(peer, "endpoint_name");
	const char *stands_in = json_string_value(json_array_get(by, 0));

	if (json_array_size(h->list) >=
	    LINES_MAX) { /* who is carried costs a look at all */
		h->not_shown++;
		return;
	}
	carried_names(h, peer, carried);
	write_remedy(device, peer, remedy);
	tell(h, device, "%sno answer from %s%s%s%s in %s%s%s%s%s%s: %s",
	     whose(device, peer, who), name, *name ? " (" : "",
	     status_string(peer, "endpoint"), *name ? ")" : "",
	     status_age(status_integer(peer, "unanswered_seconds"), age),
	     stands_in ? ", " : "", stands_in ? stands_in : "",
	     stands_in ? " stands in" : "", *carried ? ", and so none for " : "", carried,
	     remedy);
}

static void look_at_peer(struct health *h, const json_t *device, const json_t *peer)
{
	switch (trouble_of(peer)) {
	case TROUBLE_NONE:
		return;
	case TROUBLE_WAY:
		tell_way(h, device, peer);
		return;
	case TROUBLE_NAME:
		tell_name(h, device, peer);
		return;
	case TROUBLE_ANSWER:
		if (!h->offline && !is_victim(h, peer))
			tell_answer(h, device, peer);
		return;
	}
}

static bool has_lost_tun(const struct health *h, const json_t *device)
{
	const json_t *lost = json_object_get(h->status, "lost_tuns"), *name;
	size_t i;

	json_array_foreach(lost, i, name)
	{
		if (json_equal(name, json_object_get(device, "name")))
			return true;
	}
	return false;
}

static void look_at_device(struct health *h, const json_t *device)
{
	const json_t *peers = json_object_get(device, "peers"), *peer;
	size_t i;

	if (json_array_size(peers) > 0 &&
	    json_is_null(json_object_get(device, "public_key")))
		tell(h, device, "it has no PrivateKey, so it can't send anything");
	if (has_lost_tun(h, device))
		tell(h, device,
		     "its own tun is gone, because somebody has removed it, or it could not be made: tunion reload makes it anew");
	if (dropped_within(device, "gate-loop", RECENT_S))
		tell(h, device,
		     "a client sends our own datagrams back: exclude tunion's app from its VPN (ExcludedApplications in its file)");
	json_array_foreach(peers, i, peer) look_at_peer(h, device, peer);
}

/* ---- what concerns no single device */

static void look_at_files(struct health *h)
{
	const json_t *errors = json_object_get(h->status, "errors"), *e;
	size_t i;

	json_array_foreach(errors, i, e)
	{
		const char *file = status_string(e, "file");
		int64_t line = status_integer(e, "line");
		char number[24] = "";

		if (line > 0)
			snprintf(number, sizeof(number), "%" PRId64 ":", line);
		tell(h, NULL, "not in force: %s%s%s%s%s", file, *file ? ":" : "", number,
		     *file ? " " : "", status_string(e, "text"));
	}
}

static void look_at_yields(struct health *h)
{
	const json_t *yields = json_object_get(h->status, "yields"), *y;
	size_t i;

	json_array_foreach(yields, i, y)
	{
		const char *to = status_string(y, "to");
		const json_t *device =
			status_device(h->status, status_string(y, "device"), 0);
		json_t *named =
			device ? NULL
			       : json_pack("{s:s}", "name", status_string(y, "device"));

		tell(h, device ? device : named,
		     "%s yields to %s, and is reached there as long as that has it, too",
		     status_string(y, "prefix"), *to ? to : "another route");
		json_decref(named);
	}
}

/* Is there a cause for it elsewhere, because no peer of the device is well? */
static bool is_cut_off(struct health *h, const char *device)
{
	const json_t *peers, *p;
	size_t i;

	if (h->offline)
		return true;
	peers = json_object_get(status_device(h->status, device, 0), "peers");
	h->looks += json_array_size(peers);
	json_array_foreach(peers, i, p)
	{
		if (trouble_of(p) == TROUBLE_NONE && !owes_for(p, STATUS_UNANSWERED_S) &&
		    !is_victim(h, p))
			return false;
	}
	return json_array_size(peers) > 0;
}

static void look_at_name_servers(struct health *h)
{
	const json_t *silent = json_object_get(h->status, "silent_servers"), *s;
	size_t devices = json_array_size(json_object_get(h->status, "devices")), i;
	char age[STATUS_AGE_BYTES];

	json_array_foreach(silent, i, s)
	{
		int64_t seconds = status_integer(s, "seconds");

		if (h->looks > LOOKS_MAX)
			return;
		h->looks += 2 * devices;
		if (seconds >= STATUS_SERVER_SILENT_S &&
		    !is_cut_off(h, status_string(s, "through")))
			tell(h, status_device(h->status, status_string(s, "device"), 0),
			     "no answer from its name server %s in %s%s",
			     status_string(s, "server"), status_age(seconds, age),
			     json_is_true(json_object_get(s, "others"))
			             ? ", others of its DNS are asked"
			             : ": is it the right one in DNS, does it run?");
	}
}

/* Several servers that the network leads to, and none of them answers: then the cause is
 * here. */
static void look_at_network(struct health *h)
{
	const json_t *devices = json_object_get(h->status, "devices"), *d, *p;
	size_t i, k, silent = 0;
	int64_t shortest_s = INT64_MAX;
	char age[STATUS_AGE_BYTES];

	json_array_foreach(devices, i, d)
	{
		json_array_foreach(json_object_get(d, "peers"), k, p)
		{
			int64_t s = status_integer(p, "unanswered_seconds");

			if (trouble_of(p) == TROUBLE_ANSWER &&
			    json_array_size(json_object_get(p, "chain")) == 2) {
				silent++;
				shortest_s = s < shortest_s ? s : shortest_s;
			} else if (json_is_true(json_object_get(p, "session")) &&
			           !json_is_true(json_object_get(p, "by_arrival"))) {
				return; /* a client of a gate may be on this machine */
			}
		}
	}
	if (silent < 2)
		return;
	h->offline = true;
	tell(h, NULL,
	     "no answer from any of %zu servers in %s: is this machine online, and does its network let UDP out?",
	     silent, status_age(shortest_s, age));
}

json_t *status_health(const json_t *status)
{
	struct health h = { .status = status, .list = json_array() };
	const json_t *devices = json_object_get(status, "devices"), *device;
	char more[64];
	size_t i;

	look_at_files(&h);
	look_at_network(&h);
	look_at_yields(&h);
	json_array_foreach(devices, i, device) look_at_device(&h, device);
	look_at_name_servers(&h);
	if (h.not_shown > 0) {
		snprintf(more, sizeof(more), "and %zu more troubles", h.not_shown);
		append(&h, NULL, more);
	}
	return h.list;
}
