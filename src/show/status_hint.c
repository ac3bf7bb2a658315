/* src/show/status_hint.c */
#include "show/status_hint.h"

#include <string.h>

#include "base/attr.h"
#include "base/drop.h"
#include "show/status_json.h"

static const char *const hints[] = {
	[DROP_NONE] = "",
	[DROP_MALFORMED] = "A program writes something to the tun that is no IP packet.",
	[DROP_NO_ROUTE] = "No file's AllowedIPs contain the destination.",
	[DROP_MULTICAST] = "To a group, such as router solicitations: nothing is wrong.",
	[DROP_NO_KEY] = "The device has no PrivateKey.",
	[DROP_NO_ENDPOINT] =
		"No Endpoint, and it has not called; or its name has no address.",
	[DROP_TOO_BIG] = "The sender has to use the path MTU: let ICMP through.",
	[DROP_LOOP] = "Set Via in one of the files; tunion check shows the loop.",
	[DROP_WAY_TOO_LONG] =
		"At most 8 tunnels may be nested; set Via = network in one.",
	[DROP_NO_CARRIER_PEER] = "Add the endpoint to the AllowedIPs of the carrier.",
	[DROP_NO_CARRIER_ADDRESS] =
		"Give the carrier an Address of the endpoint's family.",
	[DROP_STAGED_FULL] = "More packets were sent than can wait for a handshake.",
	[DROP_HANDSHAKE_FAILED] =
		"The peer does not answer: check its Endpoint and keys.",
	[DROP_SEND] = "The network refused to send: is there a route to the endpoint?",
	[DROP_SOURCE] = "Too many flows at once, or no Address of that family.",
	[DROP_GATE_LOOP] = "In the client, exclude tunion's own app from the VPN.",
	[DROP_BAD_MESSAGE] = "Somebody sends packets to the port that are not WireGuard.",
	[DROP_BAD_MAC1] = "Is the PublicKey that the peer has for us right?",
	[DROP_UNKNOWN_INDEX] = "Late packets of an old session; normal after a restart.",
	[DROP_BAD_HANDSHAKE] = "Is the peer's PublicKey or PresharedKey right?",
	[DROP_REPLAYED_HANDSHAKE] =
		"Is the peer's clock right, and is its key used only once?",
	[DROP_HANDSHAKE_FLOOD] = "The peer asks too often: is its key used twice?",
	[DROP_UNDER_LOAD] = "Many handshakes at once: peers have to prove who they are.",
	[DROP_BAD_COOKIE] = "A cookie that was not for us: it came late, or was forged.",
	[DROP_BAD_AUTH] = "The message was changed on the way, or forged.",
	[DROP_REPLAY] = "The packet came twice, or was delayed for long.",
	[DROP_EXPIRED_KEY] = "Packets of a session that has ended; a new one is made.",
	[DROP_WRONG_SOURCE] = "Add the source to the AllowedIPs of the peer.",
	[DROP_FORGED_SOURCE] =
		"It came through the wrong tunnel; SourceCheck = off allows that.",
	[DROP_GUARDED_ADDRESS] =
		"Sent to a full tunnel's Address by another one: is that wanted?",
	[DROP_FRAGMENT] = "Fragments were lost: a lower MTU avoids them.",
	[DROP_TUN] = "Programs read too slowly, or the tun is down.",
	[DROP_DOWN] = "The device is not started yet.",
};
_Static_assert(ARRAY_SIZE(hints) == DROP_COUNT, "a hint for each reason");

const char *status_hint(const char *reason)
{
	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT; i++)
		if (strcmp(reason, drop_name((enum drop)i)) == 0)
			return hints[i];
	return NULL;
}

/* What happens while sessions, names and routes are not there yet. */
static bool belongs_to_a_start(const char *reason)
{
	static const enum drop reasons[] = { DROP_NO_ROUTE,      DROP_NO_ENDPOINT,
		                             DROP_STAGED_FULL,   DROP_HANDSHAKE_FAILED,
		                             DROP_SEND,          DROP_TUN,
		                             DROP_UNKNOWN_INDEX, DROP_DOWN };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strcmp(reason, drop_name(reasons[i])) == 0)
			return true;
	return false;
}

bool status_drop_is_news(const json_t *status, const json_t *ages, const char *reason)
{
	const json_t *age = json_object_get(ages, reason);
	int64_t up_s = status_integer(status, "up_seconds");
	int64_t engine_s = status_integer(status, "engine_seconds");
	int64_t start_s = engine_s < up_s ? engine_s : up_s;

	if (strcmp(reason, drop_name(DROP_MULTICAST)) == 0)
		return false;
	if (!json_is_integer(age))
		return true;
	if (json_integer_value(age) > STATUS_DROPS_OLD_S)
		return false;
	return !belongs_to_a_start(reason) ||
	       start_s - json_integer_value(age) > STATUS_DROPS_START_S;
}
