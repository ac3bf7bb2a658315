/* src/plan/plan_unmet.c */
#include "plan/plan_unmet.h"

#include <string.h>

#include "plan/hook_words.h"
#include "plan/source_address.h"

/* ---- hooks that name an interface */

static const char *const hook_names[] = {
	[CONF_PRE_UP] = "PreUp",
	[CONF_POST_UP] = "PostUp",
	[CONF_PRE_DOWN] = "PreDown",
	[CONF_POST_DOWN] = "PostDown",
};
_Static_assert(ARRAY_SIZE(hook_names) == CONF_HOOK_COUNT, "a name for each hook");

/* The file whose name comes first in the text, if there is no interface of that name. The
 * shared tun bears all these names (host/altnames.h), but firewall rules don't know them,
 * and packets of all files go through it. */
static const struct plan_device *find_name(const struct plan *plan, const char *text,
                                           const char *tun)
{
	char word[IFNAME_MAX + 1];

	while (hook_words_next(&text, word)) {
		const struct plan_device *d = plan_find(plan, word);

		if (d && !d->own_tun && !(tun && strcmp(word, tun) == 0))
			return d;
	}
	return NULL;
}

static void check_hooks(const struct plan *plan, const struct conf *conf, const char *tun,
                        struct diag *diag)
{
	for (size_t kind = 0; kind < CONF_HOOK_COUNT; kind++) {
		const struct conf_texts *hooks = &conf->hooks[kind];

		for (size_t i = 0; i < hooks->n; i++) {
			const struct plan_device *d =
				find_name(plan, hooks->v[i].text, tun);

			if (d && d->conf == conf)
				diag_warning(
					diag, conf->path, hooks->v[i].line,
					"%s names %s, but all files share one interface, which firewall rules know by another name: write %%i, which stands for it",
					hook_names[kind], d->conf->name);
			else if (d)
				diag_warning(
					diag, conf->path, hooks->v[i].line,
					"%s names %s, which is another file, but all files share one interface: write %%i, which stands for it, and tell the files apart by their addresses",
					hook_names[kind], d->conf->name);
		}
	}
}

/* ---- what a file's own prefixes contain, or don't */

static void check_dns(const struct plan_device *d, struct diag *diag)
{
	const struct conf_addrs *servers = &d->conf->dns.servers;
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < servers->n; i++) {
		if (trie_lookup(d->allowed_ips, &servers->v[i]))
			continue;
		diag_warning(
			diag, d->conf->path, servers->lines[i],
			"DNS %s is in no AllowedIPs of this file: it is not asked through this tunnel",
			ip_addr_format(&servers->v[i], text));
	}
}

#define EVERYTHING (UINT64_C(1) << 63)

/* Does the device take at least an eighth of all addresses? (With IPv6, an eighth is the
 * whole internet.) Then it is meant for everything, perhaps in many prefixes that leave
 * out a LAN. */
static bool takes_everything(const struct plan_device *d, enum ip_family family)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->prefix_count && sum < EVERYTHING / 8; i++) {
		const struct ip_prefix *p = &d->prefixes[i].trie.prefix;

		if (p->addr.family == family && p->len < 64)
			sum += EVERYTHING >> p->len;
	}
	return sum >= EVERYTHING / 8;
}

static void check_endpoints(const struct plan_device *d, struct diag *diag)
{
	bool all4 = takes_everything(d, IP_V4), all6 = takes_everything(d, IP_V6);
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];
		const struct ip_addr *to = &p->way.endpoint.addr;
		const struct trie_entry *own;

		if (to->family == IP_NONE || !p->conf->has_endpoint ||
		    (to->family == IP_V4 ? all4 : all6))
			continue;
		own = trie_lookup(d->allowed_ips, to);
		if (own)
			diag_warning(
				diag, d->conf->path, p->conf->endpoint_line,
				"Endpoint %s is inside AllowedIPs %s of its own file: the tunnel's datagrams do not go through the tunnel, so it must be reachable without it",
				p->conf->endpoint_host,
				ip_prefix_format(&own->prefix, text));
	}
}

/* A server that is inside another tunnel, whose prefix this file has, too, and first. */
static void check_servers(const struct plan *plan, const struct plan_device *d,
                          struct diag *diag)
{
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];
		const struct way_peer *behind;
		struct way_device *via;

		if (p->way.next || p->way.state != WAY_OK || !p->conf->has_endpoint ||
		    !source_address_is_private(&p->way.endpoint.addr) ||
		    way_effective_via(&p->way, &via) != WAY_VIA_UNION)
			continue;
		behind = union_lookup_behind(&plan->table, &p->way, &p->way.endpoint);
		if (behind)
			diag_warning(
				diag, d->conf->path, p->conf->endpoint_line,
				"Endpoint %s is a private address and is looked for on the network, because this file takes the prefix that %s has, too: if it can only be reached inside %s, write # tunion: Via = %s",
				p->conf->endpoint_host, behind->device->name,
				behind->device->name, behind->device->name);
	}
}

/* ---- applications */

static void check_applications(const struct conf *conf, struct diag *diag)
{
	const struct conf_texts *included = &conf->applications.included;
	const struct conf_texts *excluded = &conf->applications.excluded;
	unsigned line = included->n > 0 ? included->v[0].line : 0;

	if (excluded->n > 0 && (line == 0 || excluded->v[0].line < line))
		line = excluded->v[0].line;
	if (line > 0)
		diag_warning(
			diag, conf->path, line,
			"IncludedApplications and ExcludedApplications are for Android's VpnService; here they are kept, but they have no effect");
}

void plan_unmet(const struct plan *plan, const struct plan_env *env, struct diag *diag)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		if (!env || !env->one_tun)
			check_hooks(plan, plan->devices[i].conf, env ? env->tun : NULL,
			            diag);
		if (!env || !env->applications)
			check_applications(plan->devices[i].conf, diag);
		check_dns(&plan->devices[i], diag);
		check_endpoints(&plan->devices[i], diag);
		check_servers(plan, &plan->devices[i], diag);
	}
}
