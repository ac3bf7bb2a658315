/* src/proxy/socks.h - what does a client say in SOCKS, and what is the answer?
 *
 * SOCKS5 (RFC 1928) with user and password (RFC 1929), SOCKS4 and SOCKS4a. Pure: bytes
 * go in as they come, one by one or all at once, and answers come out. It takes no byte
 * that comes after the request, because that is for the destination. */
#ifndef TUNION_PROXY_SOCKS_H
#define TUNION_PROXY_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "proxy/destination.h"
#include "proxy/users.h"

#define SOCKS5_VERSION 5
#define SOCKS4_VERSION 4

enum socks_command { SOCKS_CONNECT, SOCKS_UDP_ASSOCIATE };

/* RFC 1928 6; SOCKS4 only knows yes and no. */
enum socks_code {
	SOCKS_SUCCEEDED,
	SOCKS_FAILURE,
	SOCKS_NOT_ALLOWED,
	SOCKS_NETWORK_UNREACHABLE,
	SOCKS_HOST_UNREACHABLE,
	SOCKS_REFUSED,
	SOCKS_TTL_EXPIRED,
	SOCKS_NO_SUCH_COMMAND,
	SOCKS_NO_SUCH_ADDRESS_TYPE,
};

enum socks_step {
	SOCKS_MORE,    /* all bytes were taken, and more are needed */
	SOCKS_ANSWER,  /* send `reply`, then go on */
	SOCKS_REQUEST, /* command and destination are there */
	SOCKS_END,     /* send `reply`, if there is any, and hang up */
};

#define SOCKS_REPLY_MAX 22
#define SOCKS_INPUT_MAX 258 /* of a name, its length and a port, or of a user */

/* Embedded in a connection. */
struct socks {
	const struct users *users; /* borrowed; NULL: everybody may use it */
	enum socks_state {
		SOCKS_AT_VERSION,
		SOCKS_AT_METHOD_COUNT,
		SOCKS_AT_METHODS,
		SOCKS_AT_USER_LENGTH,
		SOCKS_AT_USER,
		SOCKS_AT_PASSWORD,
		SOCKS_AT_REQUEST,
		SOCKS_AT_NAME_LENGTH,
		SOCKS_AT_ADDRESS,
		SOCKS_AT_REQUEST4,
		SOCKS_AT_USER4,
		SOCKS_AT_NAME4,
		SOCKS_IS_DONE,
	} state;
	uint8_t version; /* 0: not known yet */
	uint8_t address_type;
	size_t need, have; /* bytes of the part that is read now */
	uint8_t in[SOCKS_INPUT_MAX];
	char user[USERS_TEXT_MAX];
	size_t user_n;

	/* results */
	enum socks_command command;
	struct destination destination;
	uint8_t reply[SOCKS_REPLY_MAX];
	size_t reply_n;
};

void socks_init(struct socks *s, const struct users *users);
/* Wipes what was read of a password. */
void socks_clear(struct socks *s);

/* Takes bytes until something has to be done; *taken says how many. */
MUST_CHECK enum socks_step socks_feed(struct socks *s, const uint8_t *bytes, size_t n,
                                      size_t *taken);

/* Puts the answer to the request into s->reply. bound may be NULL. */
void socks_answer(struct socks *s, enum socks_code code, const struct endpoint *bound);
/* Which answer tells of this -errno? */
enum socks_code socks_code_of(int err);

/* The header of a datagram, RFC 1928 7: is in front of what a client sends and gets. */
#define SOCKS_UDP_HEADER_MAX (4 + 1 + 255 + 2)
/* Returns how many bytes the header has; 0 if it is wrong, or if the datagram is a
 * fragment. */
MUST_CHECK size_t socks_udp_read(struct destination *out, const uint8_t *bytes, size_t n);
/* Returns how many bytes were written. */
MUST_CHECK size_t socks_udp_write(uint8_t out[static SOCKS_UDP_HEADER_MAX],
                                  const struct endpoint *from);

#endif
