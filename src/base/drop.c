/* src/base/drop.c */
#include "base/drop.h"

#include "base/attr.h"

static const char *const names[] = {
	[DROP_NONE] = "none",
	[DROP_MALFORMED] = "malformed",
	[DROP_NO_ROUTE] = "no-route",
	[DROP_MULTICAST] = "multicast",
	[DROP_NO_KEY] = "no-key",
	[DROP_NO_ENDPOINT] = "no-endpoint",
	[DROP_TOO_BIG] = "too-big",
	[DROP_LOOP] = "loop",
	[DROP_WAY_TOO_LONG] = "way-too-long",
	[DROP_NO_CARRIER_PEER] = "no-carrier-peer",
	[DROP_NO_CARRIER_ADDRESS] = "no-carrier-address",
	[DROP_STAGED_FULL] = "staged-full",
	[DROP_HANDSHAKE_FAILED] = "handshake-failed",
	[DROP_SEND] = "send",
	[DROP_SOURCE] = "source",
	[DROP_GATE_LOOP] = "gate-loop",
	[DROP_BAD_MESSAGE] = "bad-message",
	[DROP_BAD_MAC1] = "bad-mac1",
	[DROP_UNKNOWN_INDEX] = "unknown-index",
	[DROP_BAD_HANDSHAKE] = "bad-handshake",
	[DROP_REPLAYED_HANDSHAKE] = "replayed-handshake",
	[DROP_HANDSHAKE_FLOOD] = "handshake-flood",
	[DROP_UNDER_LOAD] = "under-load",
	[DROP_BAD_COOKIE] = "bad-cookie",
	[DROP_BAD_AUTH] = "bad-auth",
	[DROP_REPLAY] = "replay",
	[DROP_EXPIRED_KEY] = "expired-key",
	[DROP_WRONG_SOURCE] = "wrong-source",
	[DROP_FORGED_SOURCE] = "forged-source",
	[DROP_GUARDED_ADDRESS] = "guarded-address",
	[DROP_FRAGMENT] = "fragment",
	[DROP_TUN] = "tun",
	[DROP_DOWN] = "down",
};
_Static_assert(ARRAY_SIZE(names) == DROP_COUNT, "every reason has a name");

const char *drop_name(enum drop reason)
{
	return names[reason];
}
