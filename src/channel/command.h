/* src/channel/command.h - what do supervisor and engine say to each other?
 *
 * A command is one message, either way. One struct for all; each type says in a table
 * (command.c) which of its members it bears. The engine answers each request with
 * COMMAND_REPLY, in order, but COMMAND_STATUS with COMMAND_STATUS_TEXT, and
 * COMMAND_DEVICE_UAPI once per set: when its text is complete. A device's own
 * configuration is UAPI text; only what is tunion's has messages. */
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
	/* supervisor to engine */
	COMMAND_TUN,             /* fd: the host tun */
	COMMAND_RESOLVER,        /* addresses: of the virtual resolver, one of a family */
	COMMAND_DEVICE_ADD,      /* name; fd: listening socket of its UAPI */
	COMMAND_DEVICE_REMOVE,   /* name */
	COMMAND_DEVICE_SETTINGS, /* name, via, settings, addresses, servers; text: DNS
	                            domains, a line each */
	COMMAND_DEVICE_SOCKETS,  /* name, result, port, mark, fds: also answers
	                            PORT_WANTED, MARK_WANTED */
	COMMAND_DEVICE_UAPI,     /* name, text: the next piece of one or more set=1 */
	COMMAND_DEVICE_START,    /* name */
	COMMAND_PEER_VIA,        /* name, key, via; after SETTINGS, which forgets it */
	COMMAND_PEER_TRY,        /* name, key: it has another endpoint; try that, at once
	                            unless an initiation is under way */
	COMMAND_NETWORK_CHANGED, /* the network below is another */
	COMMAND_STATUS,
	/* engine to supervisor */
	COMMAND_REPLY,       /* request, name, result */
	COMMAND_STATUS_TEXT, /* text: a piece of the JSON; an empty one ends it */
	COMMAND_ENDPOINT,    /* name, key, endpoint: the peer is there now */
	COMMAND_UNANSWERED,  /* name, key, endpoint: the peer owes an answer to what went
	                        there; said again and again */
	COMMAND_PATH_NEWS,   /* a path takes less than it did */
	COMMAND_PORT_WANTED, /* name, port (0: any): wants new sockets */
	COMMAND_MARK_WANTED, /* name, mark (0: the instance's): wants it on its sockets */
	COMMAND_LOG,         /* result: the level; text: one line */
	COMMAND_TUN_LOST,    /* result: the host tun is gone, or broken */
	COMMAND_TYPE_COUNT,
};

#define COMMAND_TEXT_MAX (32U * 1024)

struct command {
	enum command_type type;
	char name[IFNAME_MAX + 1];
	uint8_t key[KEY_BYTES];
	enum command_type request;
	int32_t result; /* 0 or -errno */
	uint16_t port;  /* host order */
	uint32_t mark;
	struct endpoint endpoint; /* addr, port, scope_id only */
	enum way_via via;
	char via_name[IFNAME_MAX + 1];
	/* settings */
	uint32_t mtu_bytes;
	int32_t metric;
	bool table_off, source_fix_off;
	/* Borrowed; of a received message owned, see command_clear. */
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
struct command command_of(enum command_type type, const char *name);

/* Adds it to what the channel has to send. 0, -EMSGSIZE, -ENOMEM, -errno. */
MUST_CHECK int command_send(struct channel *c, const struct command *m);
/* As channel_next: 1, 0, -ENOTCONN, -EPROTO, -errno. Clear what was received. */
MUST_CHECK int command_next(struct channel *c, struct command *out);
/* Of a received message: closes the fds that were not taken (set to -1), frees, wipes. */
void command_clear(struct command *m);

/* As command_next, from a frame's bytes: false if they are none of ours. For tests. */
MUST_CHECK bool command_parse(struct command *out, const struct frame *frame);

/* Words for logs. */
const char *command_type_name(enum command_type type);

#endif
