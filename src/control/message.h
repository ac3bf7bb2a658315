/* src/control/message.h - what do supervisor and engine say to each other?
 *
 * One struct for all messages; each type says in a table (message.c) which of its members
 * it bears. The engine answers each request with MESSAGE_REPLY, in order, but
 * MESSAGE_STATUS with MESSAGE_STATUS_TEXT, and MESSAGE_DEVICE_UAPI once per set: when its
 * text is complete. A device's own configuration is UAPI text; only what is tunion's has
 * messages. */
#ifndef TUNION_CONTROL_MESSAGE_H
#define TUNION_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/key.h"
#include "control/frame.h"
#include "plan/way.h"

enum message_type {
	MESSAGE_NONE = 0,
	/* supervisor to engine */
	MESSAGE_TUN,             /* fd: the host tun */
	MESSAGE_RESOLVER,        /* addresses: of the virtual resolver, one of a family */
	MESSAGE_DEVICE_ADD,      /* name; fd: listening socket of its UAPI */
	MESSAGE_DEVICE_REMOVE,   /* name */
	MESSAGE_DEVICE_SETTINGS, /* name, via, settings, addresses, servers; text: DNS
	                            domains, a line each */
	MESSAGE_DEVICE_SOCKETS,  /* name, result, port, mark, fds: also answers
	                            PORT_WANTED, MARK_WANTED */
	MESSAGE_DEVICE_UAPI,     /* name, text: the next piece of one or more set=1 */
	MESSAGE_DEVICE_START,    /* name */
	MESSAGE_PEER_VIA,        /* name, key, via; after SETTINGS, which forgets it */
	MESSAGE_STATUS,
	/* engine to supervisor */
	MESSAGE_REPLY,       /* request, name, result */
	MESSAGE_STATUS_TEXT, /* text: a piece of the JSON; an empty one ends it */
	MESSAGE_ENDPOINT,    /* name, key, endpoint: the peer is there now */
	MESSAGE_PORT_WANTED, /* name, port (0: any): wants new sockets */
	MESSAGE_MARK_WANTED, /* name, mark (0: the instance's): wants it on its sockets */
	MESSAGE_LOG,         /* result: the level; text: one line */
	MESSAGE_TUN_LOST,    /* result: the host tun is gone, or broken */
	MESSAGE_TYPE_COUNT,
};

#define MESSAGE_NAME_MAX 15 /* characters of a device's name */
#define MESSAGE_TEXT_MAX (32U * 1024)

struct message {
	enum message_type type;
	char name[MESSAGE_NAME_MAX + 1];
	uint8_t key[KEY_BYTES];
	enum message_type request;
	int32_t result; /* 0 or -errno */
	uint16_t port;  /* host order */
	uint32_t mark;
	struct endpoint endpoint; /* addr, port, scope_id only */
	enum way_via via;
	char via_name[MESSAGE_NAME_MAX + 1];
	/* settings */
	uint32_t mtu_bytes;
	int32_t metric;
	bool table_off, source_fix_off, default_route;
	/* Borrowed; of a received message owned, see message_clear. */
	const struct ip_addr *addresses, *servers;
	size_t address_count, server_count;

	/* Borrowed; of a received message from the channel, until the next one. */
	const void *text;
	size_t text_bytes;
	/* Borrowed; of a received message owned: -1 where one was taken. */
	int fds[FRAME_FDS_MAX];
	size_t fd_count;
};

/* The type and the name (cut to size) set, all else zero. */
struct message message_of(enum message_type type, const char *name);

/* Adds it to what the channel has to send. 0, -EMSGSIZE, -ENOMEM, -errno. */
MUST_CHECK int message_send(struct channel *c, const struct message *m);
/* As channel_next: 1, 0, -ENOTCONN, -EPROTO, -errno. Clear what was received. */
MUST_CHECK int message_next(struct channel *c, struct message *out);
/* Of a received message: closes the fds that were not taken (set to -1), frees, wipes. */
void message_clear(struct message *m);

/* As message_next, from a frame's bytes: false if they are none of ours. For tests. */
MUST_CHECK bool message_parse(struct message *out, const struct frame *frame);

/* Words for logs. */
const char *message_type_name(enum message_type type);

#endif
