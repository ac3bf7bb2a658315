/* src/worker/uapi.h - WireGuard's configuration protocol, as `wg` speaks it to a device
 *
 * https://www.wireguard.com/xplatform/: a request is "get=1" or "set=1", then KEY=VALUE
 * lines, then an empty line; the answer ends in "errno=N" and an empty line. A
 * conversation takes the bytes as they come, in any pieces, and holds no more than one
 * line of them: a set of 10,000 allowed IPs is carried out while it arrives.
 *
 * A line that fails ends the set: what the lines before it said is in force and stays so,
 * the answer is sent at once, and the rest of the request, up to its empty line, is
 * skipped. (So does wireguard-go, except that it then hangs up.) N is negative, as
 * wireguard-go has it and `wg set` needs it. Errors: -EINVAL for an unknown key or a bad
 * value, -EPROTO for a line that is too long or no KEY=VALUE, -EADDRINUSE and others for
 * a listen_port or fwmark that the host refuses, -ENOMEM.
 *
 * Answers leave out a private key, port or mark that is not set. Engine thread. */
#ifndef TUNION_WORKER_UAPI_H
#define TUNION_WORKER_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"
#include "channel/outbuf.h"
#include "engine/engine.h"

#define UAPI_LINE_MAX 256 /* characters; the longest that means something is some 80 */

/* What the protocol asks of the surroundings; NULL functions refuse (-EOPNOTSUPP) or say
 * 0. */
struct uapi_host {
	/* New sockets on this port (0: any), or with this mark (0: the instance's own).
	 * 0, or -errno, or -EINPROGRESS: uapi_resume will tell. */
	int (*set_port)(void *context, struct device *device, uint16_t port);
	int (*set_fwmark)(void *context, struct device *device, uint32_t fwmark);
	uint32_t (*fwmark)(void *context, const struct device *device);
	void *context; /* borrowed */
};

enum uapi_state {
	UAPI_OPERATION, /* expects get=1 or set=1 */
	UAPI_GET,       /* expects the empty line after get=1 */
	UAPI_DEVICE,    /* set: lines of the device */
	UAPI_PEER,      /* set: lines of the peer public_key */
	UAPI_NO_PEER, /* set: lines of a peer that is not to be: checked, not carried out
	               */
	UAPI_WAITING, /* for uapi_resume */
	UAPI_SKIP,    /* the request has failed and been answered */
	UAPI_CLOSED,  /* no protocol that we know: hang up once the answers are sent */
	UAPI_STATE_COUNT,
};

/* One conversation. Holds no pointer to a peer: others may remove it between two pieces.
 */
struct uapi {
	struct device *device;        /* borrowed: must outlive it */
	const struct uapi_host *host; /* borrowed */
	enum uapi_state state;
	uint8_t public_key[KEY_BYTES]; /* UAPI_PEER */
	bool create;          /* ... that does not exist yet: with its next line */
	bool keepalive_given; /* in force when the peer's lines are complete */
	uint16_t keepalive_s;
	bool changed; /* engine_touch is due */
	size_t line_bytes;
	char line[UAPI_LINE_MAX + 1];
};

void uapi_init(struct uapi *u, struct device *device, const struct uapi_host *host);
/* Wipes. */
void uapi_clear(struct uapi *u);

/* The next bytes; answers are added to `out`. Returns how many bytes were taken: all of
 * them, unless the state is UAPI_WAITING or UAPI_CLOSED now. Touches the engine if need
 * be. */
MUST_CHECK size_t uapi_feed(struct uapi *u, const void *bytes, size_t n,
                            struct outbuf *out, uint64_t now_ns);
/* In UAPI_WAITING only: how the change of port or mark went, 0 or -errno. Feed on then.
 */
void uapi_resume(struct uapi *u, int result, struct outbuf *out, uint64_t now_ns);

/* The answer to get=1, errno and all. */
void uapi_get(const struct device *device, const struct uapi_host *host,
              struct outbuf *out, uint64_t now_ns);

#endif
