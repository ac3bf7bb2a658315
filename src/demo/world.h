/* src/demo/world.h - the small internet of the demo: five hosts, each of which is a
 * network namespace, and four cables
 *
 *   client 198.51.100.2 --- internet --- provider 203.0.113.2
 *                           198.18.0.80 \
 *                                        -- home 192.0.2.2 --- lan 192.168.77.10
 *
 * The internet is a router, and also a host at 198.18.0.80. It has a route to the
 * provider's customers, so nobody has to translate addresses, and each host sees who
 * really sent a packet. */
#ifndef TUNION_DEMO_WORLD_H
#define TUNION_DEMO_WORLD_H

#include "base/attr.h"
#include "base/diag.h"

#define WORLD_CLIENT_ADDRESS   "198.51.100.2"
#define WORLD_PROVIDER_ADDRESS "203.0.113.2"
#define WORLD_HOME_ADDRESS     "192.0.2.2"
#define WORLD_INTERNET_ADDRESS "198.18.0.80"
#define WORLD_LAN_ADDRESS      "192.168.77.10"

#define WORLD_VPN_NET     "10.66.0.0/24"
#define WORLD_VPN_SERVER  "10.66.0.1"
#define WORLD_VPN_CLIENT  "10.66.0.2"
#define WORLD_HOME_NET    "10.77.0.0/24"
#define WORLD_HOME_LAN    "192.168.77.0/24"
#define WORLD_HOME_SERVER "10.77.0.1"
#define WORLD_HOME_CLIENT "10.77.0.2"
#define WORLD_VPN_PORT    "51820"
#define WORLD_HOME_PORT   "51821"

#define WORLD_UPLINK "uplink" /* the client's only cable */

enum world_host {
	WORLD_CLIENT,
	WORLD_INTERNET,
	WORLD_PROVIDER,
	WORLD_HOME,
	WORLD_LAN,
	WORLD_HOST_COUNT,
};

struct world {
	int ns[WORLD_HOST_COUNT]; /* owned fds of network namespaces; -1 if not made */
};

/* Makes hosts, cables, addresses and routes. The process must be root of its user
 * namespace; afterwards it is in one of the hosts. After an error the world is only built
 * in part: call world_clear. */
MUST_CHECK int world_build(struct world *w, struct diag *diag);
void world_clear(struct world *w);

MUST_CHECK int world_enter(const struct world *w, enum world_host host);
const char *world_host_name(enum world_host host);

#endif
