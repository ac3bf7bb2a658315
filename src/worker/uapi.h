/* src/worker/uapi.h - WireGuard's configuration protocol, which `wg` uses with a device
 *
 * https://www.wireguard.com/xplatform/: a request is "get=1" or "set=1", then lines
 * KEY=VALUE, then an empty line. The answer ends with "errno=N" and an empty line. A
 * conversation takes the bytes in any pieces and keeps at most one line of them. So a set
 * of 10,000 allowed IPs is carried out while it arrives. But the engine makes its union
 * again after a change, before the next packet. So it is told of added allowed IPs only
 * when their number has doubled, and at the end: otherwise 100,000 of them, which come in
 * 700 pieces, would keep packets waiting for a minute.
 *
 * A line that fails ends the set: what the lines before it have set stays in force, the
 * answer is sent at once, and the rest of the request, up to its empty line, is ignored.
 * (wireguard-go does the same, but then hangs up.) N is negative, as in wireguard-go, and
 * because `wg set` needs it. Errors are -EINVAL for an unknown key or a bad value;
 * -EPROTO for a line that is too long or isn't KEY=VALUE; -EADDRINUSE and others for a
 * listen_port or fwmark that the host refuses; and -ENOMEM.
 *
 * Answers leave out a private key, port or mark that isn't set. Worker process and
 * thread. */
#ifndef TUNION_WORKER_UAPI_H
#define TUNION_WORKER_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"
#include "channel/outbuf.h"
#include "engine/engine.h"

#define UAPI_LINE_MAX 256 /* characters; the longest useful line has about 80 */

/* What the protocol needs from the host. If a function is NULL, requests for it are
 * refused (-EOPNOTSUPP), or the mark is 0, or nobody is told. */
struct uapi_host {
	/* Asks for new sockets on this port (0: any), or with this mark (0: that of the
	 * instance). Returns 0, -errno, or -EINPROGRESS if uapi_resume will tell the
	 * result. */
	int (*set_port)(void *context, struct device *device, uint16_t port);
	int (*set_fwmark)(void *context, struct device *device, uint32_t fwmark);
	uint32_t (*fwmark)(void *context, const struct device *device);
	/* The index of an interface, for an endpoint like [fe80::1%eth0]:51820. 0: there is
	 * none of this name, as if the function is NULL. */
	uint32_t (*interface)(void *context, const struct device *device,
	                      const char *name);
	/* The peer has another endpoint now than `before`, or has it for another reason. */
	void (*endpoint_set)(void *context, struct device *device,
	                     const struct wg_peer *peer, const struct endpoint *before);
	void *context; /* borrowed */
};

enum uapi_state {
	UAPI_OPERATION, /* expects get=1 or set=1 */
	UAPI_GET,       /* expects the empty line after get=1 */
	UAPI_DEVICE,    /* set: lines of the device */
	UAPI_PEER,      /* set: lines of the peer public_key */
	UAPI_NO_PEER,   /* set: lines of a peer that must not exist; are only checked */
	UAPI_WAITING,   /* waits for uapi_resume */
	UAPI_SKIP,      /* the request has failed and was answered */
	UAPI_CLOSED,    /* not our protocol: hang up after the answers are sent */
	UAPI_STATE_COUNT,
};

/* One conversation. It has no pointer to a peer, because others may remove the peer
 * between two pieces. */
struct uapi {
	struct device *device;        /* borrowed: must live longer */
	const struct uapi_host *host; /* borrowed */
	enum uapi_state state;
	uint8_t public_key[KEY_BYTES]; /* in UAPI_PEER */
	bool create;          /* the peer doesn't exist yet: make it with its next line */
	bool keepalive_given; /* to be set when the peer's lines are complete */
	uint16_t keepalive_s;
	bool replacing; /* those of the peer's allowed IPs that are old have to go, too */
	bool changed;   /* engine_touch has to be called */
	/* Prefixes that this set has added: before engine_touch was called last, and after
	 * that. The engine can do without the latter for a while. */
	size_t told, untold;
	size_t line_bytes;
	char line[UAPI_LINE_MAX + 1];
};

void uapi_init(struct uapi *u, struct device *device, const struct uapi_host *host);
/* Wipes it. The device must still exist. */
void uapi_clear(struct uapi *u);

/* Takes the next bytes; answers are added to `out`. Returns how many bytes were taken:
 * all of them, unless the state is now UAPI_WAITING or UAPI_CLOSED. Touches the engine if
 * necessary. */
MUST_CHECK size_t uapi_feed(struct uapi *u, const void *bytes, size_t n,
                            struct outbuf *out, uint64_t now_ns);
/* Only in UAPI_WAITING: result says how the change of port or mark went, 0 or -errno.
 * After this, feed more bytes. */
void uapi_resume(struct uapi *u, int result, struct outbuf *out, uint64_t now_ns);

/* Prints the answer to get=1, including errno. */
void uapi_get(const struct device *device, const struct uapi_host *host,
              struct outbuf *out, uint64_t now_ns);

#endif
