/* src/supervisor/hook_keys.c */
#include "supervisor/hook_keys.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "base/key.h"

struct hook_keys {
	bool has_private;
	uint8_t private_key[KEY_BYTES];
	size_t peer_count;
	struct {
		uint8_t public_key[KEY_BYTES], preshared_key[KEY_BYTES];
	} peers[];
};

bool hook_keys_are_likely(const struct conf *conf)
{
	const struct conf_texts *pre = &conf->hooks[CONF_PRE_UP],
				*post = &conf->hooks[CONF_POST_UP];

	if (!conf->identity.private_key)
		return pre->n > 0 || post->n > 0;
	for (size_t i = 0; i < pre->n + post->n; i++) {
		const struct conf_text *hook =
			i < pre->n ? &pre->v[i] : &post->v[i - pre->n];

		if (strstr(hook->text, "preshared-key"))
			return true;
	}
	return false;
}

/* Does the line begin with NAME=, and is the rest of it a key that isn't all zeroes? */
static bool is_key(uint8_t out[static KEY_BYTES], const char *name, const char *line,
                   size_t n)
{
	size_t skip = strlen(name);

	return n > skip && memcmp(line, name, skip) == 0 &&
	       key_from_hex(out, line + skip, n - skip) && !key_is_zero(out);
}

/* `peer` is the one that the lines are about: NULL if the file doesn't have it, or has its
 * preshared key. */
static void take_line(struct hook_keys *k, const struct conf *conf,
                      const struct conf_peer **peer, const char *line, size_t n)
{
	uint8_t key[KEY_BYTES];

	if (is_key(key, "public_key=", line, n)) {
		*peer = conf_find_peer(conf, key);
		if (*peer && (*peer)->preshared_key)
			*peer = NULL;
	} else if (is_key(key, "private_key=", line, n) && !conf->identity.private_key) {
		memcpy(k->private_key, key, KEY_BYTES);
		k->has_private = true;
	} else if (*peer && k->peer_count < conf->peer_count &&
	           is_key(key, "preshared_key=", line, n)) {
		memcpy(k->peers[k->peer_count].public_key, (*peer)->public_key,
		       KEY_BYTES);
		memcpy(k->peers[k->peer_count++].preshared_key, key, KEY_BYTES);
	}
	sodium_memzero(key, sizeof(key));
}

struct hook_keys *hook_keys_new(const struct conf *conf, const char *answer)
{
	size_t size = sizeof(struct hook_keys) +
	              conf->peer_count * sizeof(((struct hook_keys *)0)->peers[0]);
	struct hook_keys *k = sodium_malloc(size);
	const struct conf_peer *peer = NULL;

	if (!k)
		return NULL;
	memset(k, 0, size);
	while (*answer) {
		size_t n = strcspn(answer, "\n");

		take_line(k, conf, &peer, answer, n);
		answer += n + (answer[n] == '\n');
	}
	if (k->has_private || k->peer_count > 0)
		return k;
	hook_keys_free(k);
	return NULL;
}

void hook_keys_free(struct hook_keys *k)
{
	sodium_free(k);
}

bool hook_keys_has_private(const struct hook_keys *k)
{
	return k && k->has_private;
}

void hook_keys_print_device(struct outbuf *o, const struct hook_keys *k,
                            const struct conf *conf)
{
	if (hook_keys_has_private(k) && !conf->identity.private_key)
		outbuf_print_key(o, "private_key", k->private_key);
}

void hook_keys_print_peers(struct outbuf *o, const struct hook_keys *k,
                           const struct conf *conf)
{
	for (size_t i = 0; k && i < k->peer_count; i++) {
		const struct conf_peer *p = conf_find_peer(conf, k->peers[i].public_key);

		if (!p || p->preshared_key)
			continue;
		outbuf_print_key(o, "public_key", p->public_key);
		outbuf_print(o, "update_only=true\n");
		outbuf_print_key(o, "preshared_key", k->peers[i].preshared_key);
	}
}
