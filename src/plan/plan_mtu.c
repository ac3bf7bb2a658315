/* src/plan/plan_mtu.c - the MTU of a device depends on the MTUs of its carriers, which
 * depend on those of their own carriers, and so on. From round to round MTUs only get
 * smaller, and a way has at most WAY_MAX peers; so after that many rounds nothing changes
 * any more. (For devices that carry each other through different peers there is no right
 * answer: their MTUs get smaller until the rounds end. Design R10.) */
#include "plan/plan_mtu.h"

static bool has_ipv6(const struct plan_device *d)
{
	for (size_t i = 0; i < d->conf->addresses.n; i++) {
		if (d->conf->addresses.v[i].prefix.addr.family == IP_V6)
			return true;
	}
	for (size_t i = 0; i < d->prefix_count; i++) {
		if (d->prefixes[i].trie.prefix.addr.family == IP_V6)
			return true;
	}
	return false;
}

static uint32_t mtu_min(const struct plan_device *d)
{
	return has_ipv6(d) ? PLAN_MTU_IPV6_MIN : PLAN_MTU_IPV4_MIN;
}

bool plan_mtu_raised(const struct plan_device *d)
{
	return d->conf->mtu_bytes != 0 && d->conf->mtu_bytes < d->mtu_bytes;
}

static uint32_t fits(uint32_t path_bytes)
{
	if (path_bytes > PACKET_MAX_BYTES)
		path_bytes = PACKET_MAX_BYTES;
	return path_bytes > PLAN_OVERHEAD_BYTES ? path_bytes - PLAN_OVERHEAD_BYTES : 0;
}

/* The answers of the peer have to fit, too. The peer pads them to a multiple of 16 bytes,
 * up to an MTU of its own, which isn't known here and is mostly larger. With IPv4 the 80
 * bytes of overhead leave room for the padding; with IPv6 they are used up. */
static uint32_t carrier_fits(const struct way_peer *p)
{
	uint32_t bytes = fits(plan_device_of(p->next)->mtu_bytes);

	return p->endpoint.addr.family == IP_V6 ? bytes / 16 * 16 : bytes;
}

static uint32_t network_fits(const struct plan_env *env, const struct plan_device *d,
                             const struct ip_addr *to)
{
	uint32_t path_bytes =
		env && env->path_mtu ? env->path_mtu(env->context, d->conf, to) : 0;

	return path_bytes ? fits(path_bytes) : PLAN_MTU_DEFAULT;
}

/* Do the outer packets of this peer go to a carrier (or, without `carrier`, to the
 * network), as far as this is known? A carrier also counts if its own endpoint is a name
 * that isn't resolved yet. */
static bool goes_on(const struct way_peer *p, bool carrier)
{
	if (p->next)
		return carrier && (p->state == WAY_OK || p->state == WAY_NO_ENDPOINT);
	return !carrier && p->state == WAY_OK;
}

/* The least that fits into the carriers (or, without `carriers`, into the network) of all
 * peers. As in wg-quick, peers whose endpoint isn't known don't count. */
static uint32_t least(const struct plan_device *d, bool carriers,
                      const struct plan_env *env)
{
	uint32_t least_bytes = UINT32_MAX, bytes;

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct way_peer *p = &d->peers[i].way;

		if (!goes_on(p, carriers))
			continue;
		bytes = p->next ? carrier_fits(p)
		                : network_fits(env, d, &p->endpoint.addr);
		if (bytes < least_bytes)
			least_bytes = bytes;
	}
	return least_bytes;
}

static bool has_carrier(const struct plan_device *d)
{
	return least(d, true, NULL) != UINT32_MAX;
}

/* Sets the MTU that follows from the file and the network alone. */
static void start(struct plan_device *d, const struct plan_env *env)
{
	uint32_t bytes = least(d, false, env);

	if (d->conf->mtu_bytes != 0)
		bytes = d->conf->mtu_bytes;
	else if (bytes == UINT32_MAX)
		bytes = has_carrier(d) ? PACKET_MAX_BYTES : PLAN_MTU_DEFAULT;
	if (bytes < mtu_min(d) && !(d->conf->mtu_bytes != 0 && !has_ipv6(d)))
		bytes = mtu_min(d);
	d->mtu_bytes = bytes;
}

/* One round for one device. Returns false if nothing changed. */
static bool lower(struct plan_device *d)
{
	uint32_t mtu_bytes = d->carrier_fits_bytes = least(d, true, NULL);

	if (d->conf->mtu_bytes != 0 || mtu_bytes >= d->mtu_bytes)
		return false;
	if (mtu_bytes < mtu_min(d))
		mtu_bytes = mtu_min(d);
	if (mtu_bytes >= d->mtu_bytes)
		return false;
	d->mtu_bytes = mtu_bytes;
	return true;
}

/* A gate stands in for the tun, so it has the MTU of the tun unless its file says another
 * one. */
static void set_tun_mtu(struct plan *plan)
{
	plan->tun_mtu_bytes = 0;
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		if (!d->conf->switches.gate && !d->left_out && !d->own_tun &&
		    d->mtu_bytes > plan->tun_mtu_bytes)
			plan->tun_mtu_bytes = d->mtu_bytes;
	}
	for (size_t i = 0; i < plan->device_count && plan->tun_mtu_bytes > 0; i++) {
		struct plan_device *d = &plan->devices[i];

		if (d->conf->switches.gate && d->conf->mtu_bytes == 0)
			d->mtu_bytes = plan->tun_mtu_bytes;
	}
}

void plan_mtu(struct plan *plan, const struct plan_env *env)
{
	bool changed = true;

	for (size_t i = 0; i < plan->device_count; i++)
		start(&plan->devices[i], env);
	for (unsigned round = 0; changed && round <= WAY_MAX; round++) {
		changed = false;
		for (size_t i = 0; i < plan->device_count; i++)
			changed |= lower(&plan->devices[i]);
	}
	set_tun_mtu(plan);
}
