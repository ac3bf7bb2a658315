/* src/demo/files.c - the keys come from libsodium; the private ones only appear
 * in the texts */
#include "demo/files.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "base/key.h"
#include "demo/world.h"

struct identity {
	uint8_t private_key[KEY_BYTES];
	char private_text[KEY_BASE64_CHARS + 1], public_text[KEY_BASE64_CHARS + 1];
};

static void make_identity(struct identity *i)
{
	uint8_t public_key[KEY_BYTES];

	randombytes_buf(i->private_key, sizeof(i->private_key));
	i->private_key[0] &= 248; /* RFC 7748 5 */
	i->private_key[31] = (uint8_t)((i->private_key[31] & 127) | 64);
	crypto_scalarmult_curve25519_base(public_key, i->private_key);
	key_to_base64(i->private_text, i->private_key);
	key_to_base64(i->public_text, public_key);
}

/* Writes one interface with one peer, as a provider's web page or a home router does. */
static int write_file(char out[FILES_TEXT_BYTES], const struct identity *mine,
                      const struct identity *theirs, const char *interface_lines,
                      const char *peer_lines)
{
	int n = snprintf(out, FILES_TEXT_BYTES,
	                 "[Interface]\nPrivateKey = %s\n%s\n[Peer]\nPublicKey = %s\n%s",
	                 mine->private_text, interface_lines, theirs->public_text,
	                 peer_lines);

	return n < 0 || n >= FILES_TEXT_BYTES ? -ENOSPC : 0;
}

int files_make(struct files *f)
{
	struct identity provider, home, vpn_client, home_client;
	int err = 0;

	if (sodium_init() < 0)
		return -ENOSYS;
	make_identity(&provider);
	make_identity(&home);
	make_identity(&vpn_client);
	make_identity(&home_client);
	if (write_file(f->client_vpn, &vpn_client, &provider,
	               "Address = " WORLD_VPN_CLIENT "/32\n",
	               "AllowedIPs = 0.0.0.0/0\nEndpoint = " WORLD_PROVIDER_ADDRESS
	               ":" WORLD_VPN_PORT "\n") != 0 ||
	    write_file(f->client_home, &home_client, &home,
	               "Address = " WORLD_HOME_CLIENT "/24\n",
	               "AllowedIPs = " WORLD_HOME_NET ", " WORLD_HOME_LAN
	               "\nEndpoint = " WORLD_HOME_ADDRESS ":" WORLD_HOME_PORT
	               "\n") != 0 ||
	    write_file(f->provider, &provider, &vpn_client,
	               "Address = " WORLD_VPN_SERVER "/24\nListenPort = " WORLD_VPN_PORT
	               "\n",
	               "AllowedIPs = " WORLD_VPN_CLIENT "/32\n") != 0 ||
	    write_file(f->home, &home, &home_client,
	               "Address = " WORLD_HOME_SERVER "/24\nListenPort = " WORLD_HOME_PORT
	               "\n",
	               "AllowedIPs = " WORLD_HOME_CLIENT "/32\n") != 0)
		err = -ENOSPC;
	sodium_memzero(&provider, sizeof(provider));
	sodium_memzero(&home, sizeof(home));
	sodium_memzero(&vpn_client, sizeof(vpn_client));
	sodium_memzero(&home_client, sizeof(home_client));
	return err;
}

void files_clear(struct files *f)
{
	sodium_memzero(f, sizeof(*f));
}
