/* src/supervisor/hook_keys.c */
#include "supervisor/hook_keys.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"

struct hook_keys {
	struct sealed_key private_key;
	size_t peer_count;
	struct {
		uint8_t public_key[KEY_BYTES];
		struct sealed_key preshared_key;
	} peers[];
};

bool hook_keys_are_likely(const struct conf *conf)
{
	const struct conf_texts *pre = &conf->hooks[CONF_PRE_UP],
				*post = &conf->hooks[CONF_POST_UP];

	if (!sealed_is_set(&conf->identity.private_key))
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

/* The state between two lines of the answer. All borrowed. */
struct taking {
	struct hook_keys *keys;
	const struct conf *conf;
	struct sealer *sealer;
	/* the one that the lines are about; NULL if the file doesn't have it, or has its
	 * preshared key */
	const struct conf_peer *peer;
};

static int take_preshared_key(struct taking *t, const uint8_t key[static KEY_BYTES])
{
	struct hook_keys *k = t->keys;

	memcpy(k->peers[k->peer_count].public_key, t->peer->public_key, KEY_BYTES);
	return sealed_set(&k->peers[k->peer_count++].preshared_key, t->sealer, key);
}

/* Returns 0 or -errno. */
static int take_line(struct taking *t, const char *line, size_t n)
{
	uint8_t key[KEY_BYTES];
	int err = 0;

	if (is_key(key, "public_key=", line, n)) {
		t->peer = conf_find_peer(t->conf, key);
		if (t->peer && sealed_is_set(&t->peer->preshared_key))
			t->peer = NULL;
	} else if (is_key(key, "private_key=", line, n)) {
		if (!sealed_is_set(&t->conf->identity.private_key))
			err = sealed_set(&t->keys->private_key, t->sealer, key);
	} else if (t->peer && t->keys->peer_count < t->conf->peer_count &&
	           is_key(key, "preshared_key=", line, n)) {
		err = take_preshared_key(t, key);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}

struct hook_keys *hook_keys_new(const struct conf *conf, const char *answer)
{
	size_t size = sizeof(struct hook_keys) +
	              conf->peer_count * sizeof(((struct hook_keys *)0)->peers[0]);
	struct hook_keys *k = calloc(1, size);
	struct sealer sealer = { 0 };
	struct taking t = { k, conf, &sealer, NULL };
	int err = 0;

	if (!k)
		return NULL;
	sealer_share(&sealer, conf_some_key(conf));
	while (*answer && !err) {
		size_t n = strcspn(answer, "\n");

		err = take_line(&t, answer, n);
		answer += n + (answer[n] == '\n');
	}
	sealer_clear(&sealer);
	if (!err && (hook_keys_has_private(k) || k->peer_count > 0))
		return k;
	hook_keys_free(k);
	return NULL;
}

void hook_keys_free(struct hook_keys *k)
{
	if (!k)
		return;
	sealed_clear(&k->private_key);
	for (size_t i = 0; i < k->peer_count; i++)
		sealed_clear(&k->peers[i].preshared_key);
	free(k);
}

bool hook_keys_has_private(const struct hook_keys *k)
{
	return k && sealed_is_set(&k->private_key);
}

void hook_keys_print_device(struct outbuf *o, const struct hook_keys *k,
                            const struct conf *conf)
{
	if (hook_keys_has_private(k) && !sealed_is_set(&conf->identity.private_key))
		outbuf_print_sealed(o, "private_key", &k->private_key);
}

void hook_keys_print_peers(struct outbuf *o, const struct hook_keys *k,
                           const struct conf *conf)
{
	for (size_t i = 0; k && i < k->peer_count; i++) {
		const struct conf_peer *p = conf_find_peer(conf, k->peers[i].public_key);

		if (!p || sealed_is_set(&p->preshared_key))
			continue;
		outbuf_print_key(o, "public_key", p->public_key);
		outbuf_print(o, "update_only=true\n");
		outbuf_print_sealed(o, "preshared_key", &k->peers[i].preshared_key);
	}
}
