/* src/conf/conf.c - searches and frees a struct conf; load.c reads a file, parse.c understands it */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

const struct conf_peer *conf_find_peer(const struct conf *conf,
                                       const uint8_t public_key[static KEY_BYTES])
{
	for (size_t i = 0; i < conf->peer_count; i++)
		if (memcmp(conf->peers[i].public_key, public_key, KEY_BYTES) == 0)
			return &conf->peers[i];
	return NULL;
}

const struct sealed_key *conf_some_key(const struct conf *conf)
{
	if (sealed_is_set(&conf->identity.private_key))
		return &conf->identity.private_key;
	for (size_t i = 0; i < conf->peer_count; i++)
		if (sealed_is_set(&conf->peers[i].preshared_key))
			return &conf->peers[i].preshared_key;
	return NULL;
}

static void clear_texts(struct conf_texts *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].text);
	free(list->v);
}

bool conf_texts_equal(const struct conf_texts *a, const struct conf_texts *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++) {
		if (strcmp(a->v[i].text, b->v[i].text) != 0)
			return false;
	}
	return a->n == b->n;
}

static void clear_peer(struct conf_peer *peer)
{
	sealed_clear(&peer->preshared_key);
	free(peer->allowed_ips.v);
	free(peer->endpoint_host);
	free(peer->via.name);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->peer_count; i++)
		clear_peer(&conf->peers[i]);
	free(conf->peers);
	free(conf->via.name);
	for (size_t i = 0; i < CONF_HOOK_COUNT; i++)
		clear_texts(&conf->hooks[i]);
	clear_texts(&conf->dns.domains);
	clear_texts(&conf->applications.included);
	clear_texts(&conf->applications.excluded);
	free(conf->dns.servers.v);
	free(conf->dns.servers.lines);
	free(conf->addresses.v);
	sealed_clear(&conf->identity.private_key);
	free(conf->file.others);
	free(conf->name);
	free(conf->path);
	free(conf);
}
