/* src/conf/conf.h - what does one tunnel file say?
 *
 * Plain values with "has" flags, and the line each came from, so that later findings (two
 * files that contradict each other) can name it. Syntax and meaning: what wg-quick and
 * `wg setconf` together accept; tunion's own settings stand in comments "# tunion: KEY =
 * VALUE". See tunion.conf(5). */
#ifndef TUNION_CONF_CONF_H
#define TUNION_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/key.h"

struct conf_prefix {
	struct ip_prefix prefix;
	unsigned line;
};

/* A word or a command, and where it stood. */
struct conf_text {
	char *text; /* owned */
	unsigned line;
};

/* Growing lists; all members owned by the conf. */
struct conf_prefixes {
	struct conf_prefix *v;
	size_t n;
};
struct conf_texts {
	struct conf_text *v;
	size_t n;
};
struct conf_addrs {
	struct ip_addr *v;
	unsigned *lines; /* of each */
	size_t n;
};

enum conf_via {
	CONF_VIA_UNION = 0, /* not said: the union decides */
	CONF_VIA_NETWORK,   /* Via = network */
	CONF_VIA_DEVICE,    /* Via = NAME */
};

struct conf_carrier {
	enum conf_via kind;
	char *name; /* owned; of the device, else NULL */
	unsigned line;
};

enum conf_table {
	CONF_TABLE_AUTO = 0,
	CONF_TABLE_OFF,
	CONF_TABLE_NUMBER,
};

enum conf_hook {
	CONF_PRE_UP,
	CONF_POST_UP,
	CONF_PRE_DOWN,
	CONF_POST_DOWN,
	CONF_HOOK_COUNT,
};

struct conf_peer {
	unsigned line; /* of its [Peer] */
	uint8_t public_key[KEY_BYTES];
	bool has_preshared_key;
	uint8_t *preshared_key; /* owned, of secret_new; NULL if none */
	struct conf_prefixes
		allowed_ips; /* masked, no duplicates in the file: the last peer has it */
	bool has_endpoint;
	struct endpoint
		endpoint;       /* numeric endpoints only; else addr.family is IP_NONE */
	char *endpoint_host;    /* owned; as written, also when numeric */
	uint16_t endpoint_port; /* host order */
	unsigned endpoint_line;
	bool has_keepalive;
	uint16_t keepalive_s; /* 0: off */
	struct conf_carrier via;
};

#define CONF_DIGEST_BYTES 32

struct conf {
	uint8_t digest[CONF_DIGEST_BYTES]; /* of the text: are two files the same? */
	char *path;                        /* owned; as given or DIR/NAME.conf */
	char *name; /* owned; of the device: the file's name without .conf */
	bool only_ours; /* nobody but root and the running user could have written it: trust.h,
	                 * when it was read. False: its hooks must not run. */
	char *others; /* owned; NULL, or what of it is open to others */
	uint64_t file_device, file_inode; /* that were read last; 0: no file */

	unsigned interface_line; /* of the first [Interface]; 0: there is none */
	bool has_private_key;
	uint8_t *private_key; /* owned, of secret_new; NULL if none */
	unsigned private_key_line;
	uint8_t public_key[KEY_BYTES]; /* derived; only with has_private_key */
	uint16_t listen_port;          /* host order; 0: drawn once */
	unsigned listen_port_line;
	uint32_t fwmark; /* 0: off */
	unsigned fwmark_line;

	struct conf_prefixes addresses; /* with host bits */
	struct conf_addrs dns_servers;
	struct conf_texts dns_domains;
	bool has_mtu;
	uint32_t mtu_bytes;
	unsigned mtu_line;
	enum conf_table table;
	uint32_t table_number;
	unsigned table_line;
	bool save_config;
	struct conf_texts hooks[CONF_HOOK_COUNT]; /* %i not yet replaced */
	/* What Android's app writes: package names. They mean something only to a front
	 * end that has a VpnService. */
	struct conf_texts included_applications, excluded_applications;

	/* # tunion: */
	struct conf_carrier via;
	int32_t metric; /* 0 if not said */
	unsigned metric_line;
	bool source_fix_off;
	bool resolve_off; /* an Endpoint's name is asked for once, at start, as wg does */

	struct conf_peer *peers; /* owned array */
	size_t peer_count;
};

/* Wipes keys. NULL is fine. */
void conf_free(struct conf *conf);

#endif
