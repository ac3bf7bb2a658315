/* src/gate/gate_state.c */
#include "gate/gate_state.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/key.h"
#include "base/text_stream.h"
#include "conf/load.h"
#include "gate/gate_net.h"

struct client {
	const char *name; /* borrowed: from names */
	uint8_t public_key[KEY_BYTES];
	unsigned host; /* of its addresses; 0: none yet */
	bool is_new;
};

struct state {
	const struct gate_folder *folder;
	const struct gate_wanted *wanted;
	uint8_t private_key[KEY_BYTES];
	struct gate_net net;
	struct endpoint listen;
	bool isolate_off;
	struct gate_names names; /* owned */
	struct client *clients;  /* owned; as many as names */
	struct diag *diag;
};

/* curve25519, section 3: these bits are not random. */
static void make_key(uint8_t key[static KEY_BYTES], const struct rng *rng)
{
	rng_fill(rng, key, KEY_BYTES);
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
}

static int read_file(struct conf **out, const char *path, struct diag *diag)
{
	int err = gate_file_read(out, path, diag);

	if (!err && !sealed_is_set(&(*out)->identity.private_key)) {
		diag_error(
			diag, path, 0,
			"there is no PrivateKey; expected the file as tunion gate has written it: delete it, and a new one is made");
		conf_free(*out);
		return -EINVAL;
	}
	return err;
}

/* ---- the gate */

static const struct endpoint default_listen = {
	.addr = { .family = IP_V4, .b = { 127, 0, 0, 1 } }, .port = GATE_STATE_PORT
};

/* Keeps what was there. Returns 0 or -ENOMEM. */
static int take_over(struct state *s, const struct conf *conf)
{
	if (!sealed_open(&conf->identity.private_key, s->private_key))
		return -ENOMEM;
	if (!gate_net_of(&s->net, conf) || gate_net_collides(&s->net, s->wanted->plan))
		gate_net_choose(&s->net, s->wanted->plan, s->wanted->rng);
	s->isolate_off = conf->switches.isolate_off;
	if (conf->listen.family != IP_NONE && conf->listen_port > 0)
		s->listen = (struct endpoint){ .addr = conf->listen,
			                       .port = conf->listen_port };
	return 0;
}

static int begin(struct state *s)
{
	char path[GATE_FOLDER_PATH_MAX];
	struct conf *conf;
	int err;

	s->listen = default_listen;
	gate_folder_conf(s->folder, path);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		make_key(s->private_key, s->wanted->rng);
		gate_net_choose(&s->net, s->wanted->plan, s->wanted->rng);
	} else {
		err = read_file(&conf, path, s->diag);
		if (err)
			return err;
		err = take_over(s, conf);
		conf_free(conf);
		if (err)
			return err;
	}
	if (s->wanted->listen)
		s->listen = *s->wanted->listen;
	return 0;
}

/* ---- the clients */

static int list_clients(struct state *s)
{
	int err = gate_folder_clients(s->folder, &s->names);
	size_t there = s->names.n;

	for (size_t i = 0; i < s->wanted->client_count && !err; i++)
		err = gate_names_add(&s->names, s->wanted->clients[i],
		                     strlen(s->wanted->clients[i]));
	if (!err && s->names.n == 0)
		err = gate_names_add(&s->names, GATE_STATE_CLIENT,
		                     strlen(GATE_STATE_CLIENT));
	if (!err && s->names.n > GATE_NET_LAST_HOST - GATE_NET_FIRST_HOST + 1) {
		diag_error(s->diag, s->folder->path, 0,
		           "%zu clients are too many; expected at most %u", s->names.n,
		           GATE_NET_LAST_HOST - GATE_NET_FIRST_HOST + 1);
		return -E2BIG;
	}
	if (!err)
		s->clients = calloc(s->names.n, sizeof(*s->clients));
	if (!err && !s->clients)
		err = -ENOMEM;
	for (size_t i = 0; i < s->names.n && !err; i++)
		s->clients[i] =
			(struct client){ .name = s->names.v[i], .is_new = i >= there };
	return err;
}

static bool is_free(const struct state *s, unsigned host)
{
	if (host < GATE_NET_FIRST_HOST || host > GATE_NET_LAST_HOST)
		return false;
	for (size_t i = 0; i < s->names.n; i++) {
		if (s->clients[i].host == host)
			return false;
	}
	return true;
}

/* list_clients has seen to it that there is one. */
static unsigned free_host(const struct state *s)
{
	unsigned host = GATE_NET_FIRST_HOST;

	while (!is_free(s, host) && host < GATE_NET_LAST_HOST)
		host++;
	return host;
}

static int read_client(struct state *s, struct client *c)
{
	char path[GATE_FOLDER_PATH_MAX];
	struct conf *conf;
	unsigned host;
	int err = read_file(&conf, gate_folder_client(s->folder, c->name, path), s->diag);

	if (err)
		return err;
	memcpy(c->public_key, conf->identity.public_key, KEY_BYTES);
	host = gate_net_number(conf);
	if (c->host == 0 && is_free(s, host))
		c->host = host;
	conf_free(conf);
	return 0;
}

static int make_client(struct state *s, struct client *c)
{
	uint8_t key[KEY_BYTES];
	char rest[100], text[IP_ADDR_STRLEN];
	const struct gate_file file = { "", key, rest };
	struct ip_addr address;
	int err;

	c->host = free_host(s);
	address = gate_net_host(&s->net.ipv4, c->host);
	snprintf(rest, sizeof(rest), "Address = %s/32\n", ip_addr_format(&address, text));
	make_key(key, s->wanted->rng);
	err = gate_folder_write_client(s->folder, c->name, &file, s->diag);
	sodium_memzero(key, sizeof(key));
	return err ? err : read_client(s, c);
}

/* All that are there are read before the first new one gets an address. */
static int read_or_make_clients(struct state *s)
{
	int first = 0;

	for (size_t i = 0; i < s->names.n; i++) {
		int err = s->clients[i].is_new ? 0 : read_client(s, &s->clients[i]);

		if (!first)
			first = err;
	}
	for (size_t i = 0; i < s->names.n && !first; i++) {
		if (s->clients[i].is_new)
			first = make_client(s, &s->clients[i]);
		else if (s->clients[i].host == 0)
			s->clients[i].host = free_host(s);
	}
	return first;
}

/* ---- gate.conf */

static void put_addresses(FILE *out, const char *key, const struct gate_net *net,
                          unsigned host)
{
	struct ip_addr ipv4 = gate_net_host(&net->ipv4, host),
		       ipv6 = gate_net_host(&net->ipv6, host);
	char a[IP_ADDR_STRLEN], b[IP_ADDR_STRLEN];

	fprintf(out, "%s = %s/32, %s/128\n", key, ip_addr_format(&ipv4, a),
	        ip_addr_format(&ipv6, b));
}

static char *conf_text(const struct state *s)
{
	char address[IP_ADDR_STRLEN], key[KEY_BASE64_CHARS + 1], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "ListenPort = %u\n", (unsigned)s->listen.port);
	fprintf(out, "# tunion: Listen = %s\n", ip_addr_format(&s->listen.addr, address));
	fprintf(out, "# tunion: Gate = on\n");
	if (s->isolate_off)
		fprintf(out, "# tunion: Isolate = off\n");
	put_addresses(out, "Address", &s->net, GATE_NET_GATE);
	for (size_t i = 0; i < s->names.n; i++) {
		const struct client *c = &s->clients[i];

		key_to_base64(key, c->public_key);
		fprintf(out, "\n# %s\n[Peer]\nPublicKey = %s\n", c->name, key);
		put_addresses(out, "AllowedIPs", &s->net, c->host);
	}
	return text_stream_close(out, &text);
}

static int write_conf(struct state *s)
{
	char *text = conf_text(s);
	const struct gate_file file = {
		"# Written by tunion gate. Only PrivateKey, Address, Isolate and where it listens are kept.\n",
		s->private_key, text
	};
	int err = text ? 0 : -ENOMEM;

	if (!err && !gate_file_is(s->folder->fd, GATE_FOLDER_CONF, &file))
		err = gate_folder_write_conf(s->folder, &file, s->diag);
	free(text);
	return err;
}

static int check_names(const struct gate_wanted *w, struct diag *diag)
{
	for (size_t i = 0; i < w->client_count; i++) {
		if (ifname_valid(w->clients[i]) && w->clients[i][0] != '.')
			continue;
		diag_error(
			diag, NULL, 0,
			"`%s\' can't be the name of a client: 1 to 15 characters of A-Z a-z 0-9 _ = + . - are expected",
			w->clients[i]);
		return -EINVAL;
	}
	return 0;
}

int gate_state_prepare(const struct gate_folder *f, const struct gate_wanted *wanted,
                       struct diag *diag)
{
	struct state s = { .folder = f, .wanted = wanted, .diag = diag };
	int err = check_names(wanted, diag);

	if (!err)
		err = begin(&s);
	if (!err)
		err = list_clients(&s);
	if (!err)
		err = read_or_make_clients(&s);
	if (!err)
		err = write_conf(&s);
	if (err && diag->errors == 0)
		diag_error(diag, f->path, 0, "can't prepare the gate: %s",
		           strerror(-err));
	sodium_memzero(s.private_key, sizeof(s.private_key));
	gate_names_clear(&s.names);
	free(s.clients);
	return err;
}
