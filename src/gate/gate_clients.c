/* src/gate/gate_clients.c */
#include "gate/gate_clients.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/key.h"
#include "base/text_stream.h"
#include "conf/load.h"
#include "gate/gate_net.h"
#include "plan/union_prefixes.h"

#define SHOW_MAX (1U << 20)

/* ---- the text */

/* The apps take only names of hosts (RFC 1123 2.1), and refuse the whole file if it
 * contains another one. */
static bool is_host_name(const char *name)
{
	size_t label = 0;

	if (strlen(name) > 253)
		return false;
	for (const char *c = name; *c; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		              (*c >= '0' && *c <= '9');
		bool end = c[1] == '\0' || c[1] == '.';

		if (*c == '.' && label > 0) {
			label = 0;
			continue;
		}
		if (!letter && (*c != '-' || label == 0 || end))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

/* For short names: the virtual resolver knows which file has the domain. */
static void put_domain(void *context, const char *domain)
{
	if (is_host_name(domain))
		fprintf(context, ", %s", domain);
}

static void put_dns(FILE *out, const struct gate_view *view)
{
	char a[IP_ADDR_STRLEN], b[IP_ADDR_STRLEN];
	bool both =
		view->resolver4.family != IP_NONE && view->resolver6.family != IP_NONE;

	if (view->resolver4.family == IP_NONE && view->resolver6.family == IP_NONE)
		return;
	fprintf(out, "DNS = %s%s%s",
	        view->resolver4.family ? ip_addr_format(&view->resolver4, a) : "",
	        both ? ", " : "",
	        view->resolver6.family ? ip_addr_format(&view->resolver6, b) : "");
	plan_walk_domains(view->plan, put_domain, out);
	fputc('\n', out);
}

static void put_prefix(FILE *out, size_t i, const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_STRLEN];

	fprintf(out, "%s%s", i > 0 ? ", " : "", ip_prefix_format(prefix, text));
}

static struct ip_prefix one(const struct ip_addr *addr)
{
	return (struct ip_prefix){ *addr, ip_addr_bits(addr) };
}

/* The gate, or all of its clients too if they reach each other. */
static void put_own(struct ip_prefix out[static 2], const struct conf *gate)
{
	struct gate_net net;

	if (gate->switches.isolate_off && gate_net_of(&net, gate)) {
		gate_net_prefixes(&net, out);
		return;
	}
	for (size_t i = 0; i < gate->addresses.n && i < 2; i++)
		out[i] = one(&gate->addresses.v[i].prefix.addr);
}

/* A client that is told of no address can't send anything. */
static int put_allowed_ips(FILE *out, const struct gate_view *view,
                           const struct plan_device *gate)
{
	struct ip_prefix others[4] = { one(&view->resolver4), one(&view->resolver6) };
	struct union_prefixes prefixes;
	int err;

	if (view->all) {
		fprintf(out, "AllowedIPs = 0.0.0.0/0, ::/0\n");
		return 0;
	}
	put_own(&others[2], gate->conf);
	err = union_prefixes_make(&prefixes, &view->plan->table, NULL, others,
	                          ARRAY_SIZE(others));
	if (err)
		return err;
	fprintf(out, "AllowedIPs = ");
	for (size_t i = 0; i < prefixes.n; i++)
		put_prefix(out, i, &prefixes.v[i]);
	fputc('\n', out);
	union_prefixes_clear(&prefixes);
	return 0;
}

/* Returns NULL if out of memory. */
static char *rest_of_file(const struct gate_view *view, const struct plan_device *gate,
                          const struct conf_peer *client, uint32_t mtu_bytes)
{
	const struct conf *conf = gate->conf;
	const struct endpoint at = { .addr = conf->listen, .port = conf->listen_port };
	char key[KEY_BASE64_CHARS + 1], endpoint[ENDPOINT_STRLEN], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err;

	if (!out)
		return NULL;
	fprintf(out, "Address = ");
	for (size_t i = 0; i < client->allowed_ips.n; i++)
		put_prefix(out, i, &client->allowed_ips.v[i].prefix);
	fputc('\n', out);
	put_dns(out, view);
	fprintf(out, "MTU = %u\n", (unsigned)mtu_bytes);
	/* on another machine there is no tunion to leave out */
	if (ip_addr_is_loopback(&conf->listen))
		fprintf(out, "ExcludedApplications = " GATE_CLIENTS_APP "\n");
	key_to_base64(key, conf->identity.public_key);
	fprintf(out, "\n[Peer]\nPublicKey = %s\n", key);
	err = put_allowed_ips(out, view, gate);
	fprintf(out, "Endpoint = %s\n", endpoint_format(&at, endpoint));
	text = text_stream_close(out, &text);
	if (err) {
		free(text);
		text = NULL;
	}
	return text;
}

/* ---- update */

static int read_client(const struct gate_folder *f, const char *name, struct conf **out,
                       struct diag *diag)
{
	char path[GATE_FOLDER_PATH_MAX];

	return gate_file_read(out, gate_folder_client(f, name, path), diag);
}

static bool is_for(const struct conf *client, const uint8_t gate_key[static KEY_BYTES])
{
	return client->peer_count > 0 &&
	       memcmp(client->peers[0].public_key, gate_key, KEY_BYTES) == 0;
}

struct update {
	const struct gate_folder *folder;
	const struct gate_view *view;
	const struct plan_device *gate;
	const struct gate_clients_events *events;
	struct diag *diag;
};

/* Would the file with this MTU be what is there? */
static bool is_there(const struct update *u, const char *name,
                     const uint8_t private_key[static KEY_BYTES],
                     const struct conf_peer *peer, uint32_t mtu_bytes)
{
	char base[GATE_FILE_NAME_MAX];
	char *rest = rest_of_file(u->view, u->gate, peer, mtu_bytes);
	const struct gate_file file = { "", private_key, rest };
	bool there;

	snprintf(base, sizeof(base), "%s.conf", name);
	there = rest && gate_file_is(u->folder->clients_fd, base, &file);
	free(rest);
	return there;
}

static int write_client(const struct update *u, const char *name,
                        const struct conf *client,
                        const uint8_t private_key[static KEY_BYTES], const char *rest)
{
	const struct gate_file file = { "", private_key, rest };
	char path[GATE_FOLDER_PATH_MAX];
	enum gate_news news = GATE_NEWS_CHANGED;
	int err;

	if (client->peer_count == 0)
		news = GATE_NEWS_NEW;
	else if (!is_for(client, u->gate->conf->identity.public_key))
		news = GATE_NEWS_OLD_KEY;
	err = gate_folder_write_client(u->folder, name, &file, u->diag);
	if (!err)
		u->events->written(u->events->context, name,
		                   gate_folder_client(u->folder, name, path), news);
	return err;
}

/* Brings one file up to date. The MTU alone is no reason to import a file again if it is
 * still small enough: paths change, and a phone moves between networks. Larger packets
 * than a path takes are answered with ICMP, so nobody calls this while only a path
 * changes. */
static int bring_up_to_date(const struct update *u, const char *name,
                            const struct conf *client, const struct conf_peer *peer)
{
	uint32_t mtu_bytes = u->gate->mtu_bytes;
	uint8_t private_key[KEY_BYTES];
	char *rest = NULL;
	int err = sealed_open(&client->identity.private_key, private_key) ? 0 : -ENOMEM;

	if (client->mtu_bytes > 0 && client->mtu_bytes < mtu_bytes)
		mtu_bytes = client->mtu_bytes;
	if (err || is_there(u, name, private_key, peer, mtu_bytes))
		goto out;
	rest = rest_of_file(u->view, u->gate, peer, u->gate->mtu_bytes);
	err = rest ? write_client(u, name, client, private_key, rest) : -ENOMEM;
out:
	free(rest);
	sodium_memzero(private_key, sizeof(private_key));
	return err;
}

/* A file that somebody has put there since the gate was started is for the next start. */
static int update_client(const struct update *u, const char *name)
{
	struct conf *client;
	const struct conf_peer *peer;
	int err = read_client(u->folder, name, &client, u->diag);

	if (err)
		return err;
	peer = sealed_is_set(&client->identity.private_key)
	               ? conf_find_peer(u->gate->conf, client->identity.public_key)
	               : NULL;
	if (peer)
		err = bring_up_to_date(u, name, client, peer);
	conf_free(client);
	return err;
}

int gate_clients_update(const struct gate_folder *f, const struct gate_view *view,
                        const struct gate_clients_events *events, struct diag *diag)
{
	const struct update u = { f, view, plan_find(view->plan, GATE_FOLDER_DEVICE),
		                  events, diag };
	struct gate_names names = { 0 };
	int first = 0;

	/* the file is gone, or bad: then the clients are as they were */
	if (!u.gate || !u.gate->conf->switches.gate ||
	    !sealed_is_set(&u.gate->conf->identity.private_key))
		return 0;
	first = gate_folder_clients(f, &names);
	for (size_t i = 0; i < names.n; i++) {
		int err = update_client(&u, names.v[i]);

		if (!first)
			first = err;
	}
	gate_names_clear(&names);
	return first;
}

/* ---- show */

static char *read_text(int folder, const char *name, size_t *n)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char *text = NULL;
	ssize_t got = -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size < SHOW_MAX)
		text = calloc((size_t)st.st_size + 1, 1);
	if (text)
		got = read(fd, text, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (got < 0) {
		free(text);
		return NULL;
	}
	*n = (size_t)got;
	return text;
}

/* Could a gate with this folder, as it is now, understand the client? */
static bool is_current(const struct gate_folder *f, const char *client, struct diag *diag)
{
	char path[GATE_FOLDER_PATH_MAX];
	struct conf *gate, *conf;
	struct diag not_told = { 0 };
	bool complete, current = false;

	if (read_client(f, client, &conf, diag))
		return false;
	complete = conf->peer_count > 0;
	if (conf_read(&gate, gate_folder_conf(f, path), &not_told) == 0) {
		current = is_for(conf, gate->identity.public_key);
		conf_free(gate);
	}
	conf_free(conf);
	diag_clear(&not_told);
	if (!current)
		diag_error(
			diag, gate_folder_client(f, client, path), 0, "%s",
			complete
				? "this file is for an older key of the gate; start tunion gate, which writes it again"
				: "this file is not complete; start tunion gate, which completes it");
	return current;
}

char *gate_clients_show(const struct gate_folder *f, const char *client, size_t *n,
                        struct diag *diag)
{
	char name[GATE_FILE_NAME_MAX], *text;

	if (!ifname_valid(client) ||
	    snprintf(name, sizeof(name), "%s.conf", client) < 0 ||
	    faccessat(f->clients_fd, name, F_OK, 0) < 0) {
		diag_error(
			diag, f->path, 0,
			"there is no client `%s\' here; tunion gate --client NAME makes one",
			client);
		return NULL;
	}
	if (!is_current(f, client, diag))
		return NULL;
	text = read_text(f->clients_fd, name, n);
	if (!text)
		diag_error(diag, f->path, 0, "the file of %s can't be read", client);
	return text;
}
