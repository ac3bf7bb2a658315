/* src/conf/conf.h - what does one tunnel file say?
 *
 * Plain values with "has" flags, and the line from which each value came, so that later
 * findings (two files that contradict each other) can name it. Syntax and meaning are
 * what wg-quick and `wg setconf` together accept; tunion's own settings are in comments
 * "# tunion: KEY = VALUE". See tunion.conf(5). */
#ifndef TUNION_CONF_CONF_H
#define TUNION_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/sealed.h"

struct conf_prefix {
	struct ip_prefix prefix;
	unsigned line;
};

/* A word or a command, and the line it came from. */
struct conf_text {
	char *text; /* owned */
	unsigned line;
};

/* Growing lists. All their members are owned by the conf. */
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
	unsigned *lines; /* of each address */
	size_t n;
};

enum conf_via {
	CONF_VIA_UNION = 0, /* no Via: the union decides */
	CONF_VIA_NETWORK,   /* Via = network */
	CONF_VIA_DEVICE,    /* Via = NAME */
};

struct conf_carrier {
	enum conf_via kind;
	char *name; /* owned; of the device, or NULL */
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
	struct sealed_key preshared_key; /* owned */
	/* masked; each prefix only once in a file, at the last peer that names it */
	struct conf_prefixes allowed_ips;
	bool has_endpoint;
	struct endpoint endpoint; /* addr.family is IP_NONE unless it is numeric */
	char *endpoint_host;      /* owned; as written, also if it is numeric */
	uint16_t endpoint_port;   /* host order */
	unsigned endpoint_line;
	bool has_keepalive;
	uint16_t keepalive_s; /* 0: off */
	struct conf_carrier via;
};

#define CONF_DIGEST_BYTES 32

/* What is known about the file from reading it. */
struct conf_file {
	uint8_t digest[CONF_DIGEST_BYTES]; /* of the text, to see if it has changed */
	/* Could only root and the running user have written it (trust.h)? If not, its
	 * hooks must not run. */
	bool only_ours;
	char *others; /* owned; NULL, or which part of its path others can change */
	uint64_t device, inode;               /* 0: no file */
	uint64_t folder_device, folder_inode; /* where it was found; 0: nowhere */
};

/* The lines of the values; 0: not given. `interface` is the line of the first
 * [Interface]. */
struct conf_lines {
	unsigned interface, private_key, listen_port, fwmark, mtu, table, metric, listen,
		tun;
};

struct conf_identity {
	struct sealed_key private_key; /* owned */
	uint8_t public_key[KEY_BYTES]; /* of the private key; only if there is one */
};

struct conf_dns {
	struct conf_addrs servers;
	struct conf_texts domains;
};

struct conf_route_table {
	enum conf_table kind;
	uint32_t number;
};

/* Names of packages, written by the Android app. They only mean something to a front end
 * that has a VpnService. */
struct conf_applications {
	struct conf_texts included, excluded;
};

/* All are false if the file says nothing about them. */
struct conf_switches {
	bool source_fix_off;
	bool source_check_off;
	bool gate;        /* its peers are clients (design R15) */
	bool gate_unsaid; /* the file doesn't say so: conf_paths.gate names it */
	bool isolate_off; /* of a gate: its clients reach each other */
	bool own_tun;     /* design R14 */
	bool resolve_off; /* Endpoint names are looked up only once, at start, as in wg */
};

struct conf {
	char *path; /* owned; as given, or DIR/NAME.conf; NULL: there is no file */
	char *name; /* owned; of the device: the file's name without .conf */
	struct conf_file file;
	struct conf_lines lines;

	struct conf_identity identity;
	uint16_t listen_port; /* host order; 0: chosen at random, once */
	uint32_t fwmark;      /* 0: off */

	struct conf_prefixes addresses; /* with host bits */
	struct conf_dns dns;
	uint32_t mtu_bytes; /* 0: not given */
	struct conf_route_table table;
	bool save_config;
	struct conf_texts hooks[CONF_HOOK_COUNT]; /* %i is not replaced yet */
	struct conf_applications applications;

	/* # tunion: */
	struct conf_carrier via;
	int32_t metric; /* 0 if there is no Metric */
	bool has_metric;
	struct conf_switches switches;
	struct ip_addr listen; /* of its sockets; IP_NONE: all addresses */

	struct conf_peer *peers; /* owned array */
	size_t peer_count;
};

/* Returns the peer with this key, or NULL. */
const struct conf_peer *conf_find_peer(const struct conf *conf,
                                       const uint8_t public_key[static KEY_BYTES]);
/* Returns one of its private and preshared keys, NULL if it has none: for sealer_share. */
const struct sealed_key *conf_some_key(const struct conf *conf);
/* Wipes the keys. conf may be NULL. */
void conf_free(struct conf *conf);
/* The same texts in the same order? Their lines don't count. */
bool conf_texts_equal(const struct conf_texts *a, const struct conf_texts *b);

#endif
