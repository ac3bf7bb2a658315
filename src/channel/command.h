/* src/channel/command.h - what do the supervisor and the worker say to each other?
 *
 * A command is one message, in either direction. All types share one struct; a table in
 * command.c says which members each type has. The worker answers each request with
 * COMMAND_REPLY, in the order of the requests, with two exceptions: it answers
 * COMMAND_STATUS with COMMAND_STATUS_TEXT, and COMMAND_DEVICE_UAPI only once for each
 * set, when its text is complete. A device's WireGuard configuration is sent as UAPI
 * text; only what is tunion's own has messages. */
#ifndef TUNION_CHANNEL_COMMAND_H
#define TUNION_CHANNEL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "base/ip.h"
#include "base/key.h"
#include "channel/frame.h"
#include "plan/way.h"

enum command_type {
	COMMAND_NONE = 0,
	/* from the supervisor to the worker */
	COMMAND_TUN,      /* name (empty: all share it); fd: a host tun */
	COMMAND_STAND_IN, /* text, fd: for what stands in for the tun */
	COMMAND_RESOLVER, /* addresses: one per family; text: domains, by lines; port: of
	                   * the servers that may be asked outside of the tunnels, 0: none */
	COMMAND_OUTSIDE,  /* servers: one; result, port, endpoint, fds: answers
	                   * OUTSIDE_WANTED; the endpoint is that of the first fd */
	COMMAND_HOST_NETWORKS,   /* text: the networks that the host reaches without the
	                          * tun, one prefix on each line */
	COMMAND_DEVICE_ADD,      /* name; fd: the listening socket of its UAPI */
	COMMAND_DEVICE_REMOVE,   /* name */
	COMMAND_DEVICE_SETTINGS, /* name, via, settings, addresses, servers; text: the DNS
	                          * domains, one on each line */
	COMMAND_DEVICE_SOCKETS, /* name, port, mark, fds; no fds: only the others change */
	COMMAND_SOCKETS_ANSWER, /* the same and result: answers PORT_WANTED or MARK_WANTED,
	                          * even if the device has gone meanwhile */
	COMMAND_DEVICE_UAPI,    /* name, text: the next piece of one or more set=1 */
	COMMAND_DEVICE_START,   /* name */
	COMMAND_DEVICE_STOP,    /* name */
	COMMAND_PEER_VIA,       /* name, key, via; after SETTINGS, which forgets it */
	COMMAND_PEER_TRY,       /* name, key: the peer has another endpoint, so try it;
	                          * at once unless an initiation is under way */
	COMMAND_NETWORK_CHANGED, /* the network under the tunnels has changed */
	COMMAND_STATUS,
	/* from the worker to the supervisor */
	COMMAND_REPLY,        /* request, name, result */
	COMMAND_STATUS_TEXT,  /* text: a piece of the JSON; an empty one is the end */
	COMMAND_ENDPOINT,     /* name, key, endpoint: where the peer is now */
	COMMAND_ENDPOINT_SET, /* the same: a UAPI client has said so */
	COMMAND_UNANSWERED,   /* name, key, endpoint: the peer owes an answer to what was
	                      * sent there; this is said again and again */
	COMMAND_PATH_NEWS,    /* the MTU of a path has become smaller */
	COMMAND_PORT_WANTED,  /* name, port (0: any): the device needs new sockets */
	COMMAND_MARK_WANTED,  /* name, mark (0: the instance's): its sockets need it */
	COMMAND_OUTSIDE_WANTED, /* servers: one; port: 0 for a UDP socket connected to the
	                         * server; else for a TCP connection to the resolver at
	                         * this port, and another one to the server */
	COMMAND_LOG,            /* result: the level; text: one line */
	COMMAND_TUN_LOST, /* name (empty: all share it), result: a host tun is gone */
	COMMAND_TYPE_COUNT,
};

#define COMMAND_TEXT_MAX (32U * 1024)

/* What COMMAND_DEVICE_SETTINGS contains. */
struct command_settings {
	uint32_t mtu_bytes;
	int32_t metric;
	bool has_metric, has_fwmark, table_off, left_out, own_tun, source_fix_off, gate,
		isolate_off;
	bool source_check_off;
};

struct command {
	enum command_type type;
	char name[IFNAME_MAX + 1];
	uint8_t key[KEY_BYTES];
	enum command_type request;
	int32_t result; /* 0 or -errno */
	uint16_t port;  /* host order */
	uint32_t mark;
	struct endpoint endpoint; /* only addr, port, scope_id and arrived_in */
	enum way_via via;
	char via_name[IFNAME_MAX + 1];
	struct command_settings settings;
	/* Borrowed; but owned by a received message, see command_clear. */
	const struct ip_addr *addresses, *servers;
	size_t address_count, server_count;

	/* Borrowed; in a received message from the channel, until the next message. */
	const void *text;
	size_t text_bytes;
	/* Borrowed; but owned by a received message. One that was taken becomes -1. */
	int fds[FRAME_FDS_MAX];
	size_t fd_count;
};

/* Sets the type and the name (cut if it is too long); all else is zero. */
struct command command_of(enum command_type type, const char *name);

/* Adds it to what the channel has to send. Returns 0, -EMSGSIZE, -ENOMEM or -errno. */
MUST_CHECK int command_send(struct channel *c, const struct command *m);
/* Receives a message; returns 1, 0, -ENOTCONN, -EPROTO or -errno, like channel_next.
 * Clear a message that was received. */
MUST_CHECK int command_next(struct channel *c, struct command *out);
/* For a received message: closes the fds that were not taken (set to -1), frees,
 * wipes. */
void command_clear(struct command *m);

/* What command_next does with a frame; returns false if it is no valid command. For
 * tests. */
MUST_CHECK bool command_parse(struct command *out, const struct frame *frame);

/* The name of a type, for logs. */
const char *command_type_name(enum command_type type);

#endif
