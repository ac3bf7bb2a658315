/* src/host/host_config.c - makes the list of addresses, routes and rules
 *
 * If a prefix contains an endpoint that is reached through the network, it can't be
 * routed to the tun for everybody, because our own datagrams would come back. So all such
 * prefixes of length L are in a table of their own, with two rules before it:
 *
 *     fwmark X goto PAST                    once, for each FwMark of a file
 *     lookup X suppress_prefixlength 1      once, for somebody's table with a default route
 *     lookup main suppress_prefixlength L   uses routes of the main table longer than L
 *     not fwmark M lookup TABLE(L)          sends the rest to the tun, unless it is ours
 *
 * With these rules from the longest L to the shortest, the lookups are one longest prefix
 * match over the main table and all the others, because TABLE(L) only contains prefixes
 * of length L (and parts of them that need another source).
 *
 * The priorities depend on L, within a block whose place rule_place.c chooses. L = 0 is
 * last: at 32764 and 32765 if nobody else has rules, as with wg-quick. */
#include "host/host_config.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdlib.h>
#include <string.h>

#include "host/dns.h"
#include "plan/source_address.h"

void host_config_clear(struct host_config *config)
{
	host_items_clear(&config->items);
	host_items_clear(&config->guard);
	yields_clear(&config->yields);
	*config = (struct host_config){ 0 };
}

/* ---- numbers */

static bool table_taken(const struct host_numbers *numbers, const struct plan *plan,
                        const struct host_config_env *env, uint32_t table)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers->table); i++) {
		if (numbers->table[i] == table)
			return true;
	}
	if (table == numbers->mark) /* the shared tun may use this number at any time */
		return true;
	for (size_t i = 0; i < plan_whole(plan)->device_count; i++) {
		const struct conf *conf = plan_whole(plan)->devices[i].conf;

		if ((conf->table.kind == CONF_TABLE_NUMBER &&
		     conf->table.number == table) ||
		    conf->fwmark == table) /* it may also be our mark */
			return true;
	}
	return env->table_used(env->context, table);
}

/* Returns 0 if none is free among more tables than we could ever need. */
static uint32_t free_table(const struct host_numbers *numbers, const struct plan *plan,
                           const struct host_config_env *env)
{
	for (uint32_t table = HOST_FIRST_TABLE; table < HOST_FIRST_TABLE + 4096;
	     table++) {
		if (!table_taken(numbers, plan, env, table))
			return table;
	}
	return 0;
}

/* The mark is also the number of a free table. Others may test only a part of its bits. */
static uint32_t free_mark(const struct host_numbers *numbers, const struct plan *plan,
                          const struct host_config_env *env)
{
	for (uint32_t mark = HOST_FIRST_TABLE; mark < HOST_FIRST_TABLE + 4096; mark++) {
		if (!(env->mark_used && env->mark_used(env->context, mark)) &&
		    !table_taken(numbers, plan, env, mark))
			return mark;
	}
	return 0;
}

static int no_table(struct diag *diag)
{
	diag_error(diag, NULL, 0, "no routing table from %u on is free",
	           HOST_FIRST_TABLE);
	return -ENOSPC;
}

static bool all_have_marks(const struct plan *whole)
{
	for (size_t i = 0; i < whole->device_count; i++) {
		if (whole->devices[i].conf->fwmark == 0)
			return false;
	}
	return whole->device_count > 0;
}

static void note_choice(struct host_numbers *numbers)
{
	if (numbers->chosen_anew || numbers->mark == 0)
		return;
	numbers->before.mark = numbers->mark;
	numbers->before.mark_is_a_files = numbers->mark_is_a_files;
	numbers->before.table = numbers->table[0];
	numbers->chosen_anew = true;
}

void host_numbers_decide_mark(struct host_numbers *numbers, bool comes)
{
	if (numbers->chosen_anew && !comes) {
		numbers->mark = numbers->before.mark;
		numbers->mark_is_a_files = numbers->before.mark_is_a_files;
		numbers->table[0] = numbers->before.table;
	}
	numbers->chosen_anew = false;
}

int host_numbers_choose_mark(struct host_numbers *numbers, const struct plan *plan,
                             const struct host_config_env *env, struct diag *diag)
{
	const struct plan *whole = plan_whole(plan);
	bool all = all_have_marks(whole), there = numbers->mark != 0;

	if (env->alone ||
	    (there && (all || !numbers->mark_is_a_files || whole->device_count == 0)))
		return 0;
	note_choice(numbers);
	numbers->mark_is_a_files = all;
	numbers->mark =
		all ? whole->devices[0].conf->fwmark : free_mark(numbers, plan, env);
	if (numbers->mark == 0)
		return no_table(diag);
	/* as in wg-quick, but never one of the kernel's own tables */
	if (numbers->table[0] == 0 && (numbers->mark < 253 || numbers->mark > 255))
		numbers->table[0] = numbers->mark;
	return 0;
}

/* ---- making the configuration */

/* The nodes of the union that contain an endpoint reached through the network, sorted by
 * the address of the node in memory. */
struct cover {
	const struct trie_entry **v; /* owned */
	size_t n, capacity;
};

struct maker {
	struct host_config *config;
	struct host_numbers *numbers;
	const struct plan *plan;
	const struct host_config_env *env;
	struct diag *diag;
	struct cover cover;
	struct ip_prefix
		*connected; /* owned; sorted: the kernel's routes for Addresses */
	size_t connected_count;
	bool used4[129], used6[129]; /* by length: are rules needed? */
	/* owned; by device, and then by family: does it have a default route in rules? */
	bool (*takes_all)[2];
	int error;
};

/* Also notes that something was left out. */
static bool is_left_out(struct maker *m, const struct ip_addr *a)
{
	bool left_out = m->env->without_ipv6 && a->family == IP_V6;

	m->config->ipv6_left_out |= left_out;
	return left_out;
}

static int compare_entry_pointers(const void *a, const void *b)
{
	const struct trie_entry *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int cover_add(struct cover *c, const struct trie_entry *entry)
{
	if (c->n == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 64;
		const struct trie_entry **v = reallocarray(c->v, capacity, sizeof(*v));

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->capacity = capacity;
	}
	c->v[c->n++] = entry;
	return 0;
}

/* Now, or while what carries it fails (design R3). */
static bool is_on_network(const struct maker *m, const struct way_peer *peer)
{
	struct way_device *via;

	if (peer->state != WAY_OK || !peer->next)
		return peer->state == WAY_OK;
	return way_effective_via(peer, &via) == WAY_VIA_UNION && !peer->by_arrival &&
	       union_may_leave(&plan_whole(m->plan)->table, peer);
}

static int cover_peer(struct maker *m, const struct way_peer *peer)
{
	const struct trie *trie = m->plan->table.trie;
	const struct trie_entry *entry;
	int err = 0;

	if (!is_on_network(m, peer))
		return 0;
	for (entry = trie_lookup(trie, &peer->endpoint.addr); entry && err == 0;
	     entry = trie_shorter(trie, entry))
		err = cover_add(&m->cover, entry);
	return err;
}

/* None of the tuns must catch the datagrams of any device. */
static int find_cover(struct maker *m)
{
	const struct plan *all = plan_whole(m->plan);

	for (size_t i = 0; i < all->device_count; i++) {
		const struct plan_device *d = &all->devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			int err = cover_peer(m, &d->peers[j].way);

			if (err < 0)
				return err;
		}
	}
	if (m->cover.n > 0)
		qsort(m->cover.v, m->cover.n, sizeof(*m->cover.v),
		      compare_entry_pointers);
	return 0;
}

static bool covers_endpoint(const struct maker *m, const struct trie_entry *entry)
{
	return m->cover.n > 0 &&
	       bsearch(&entry, m->cover.v, m->cover.n, sizeof(*m->cover.v),
	               compare_entry_pointers) != NULL;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct ip_prefix *x = a, *y = b;
	int c = ip_addr_compare(&x->addr, &y->addr);

	return c != 0 ? c : (int)x->len - (int)y->len;
}

/* Called after add_addresses, when the list contains nothing else. */
static int find_connected(struct maker *m)
{
	const struct host_items *addresses = &m->config->items;

	m->connected = calloc(addresses->n + 1, sizeof(*m->connected));
	if (!m->connected)
		return -ENOMEM;
	for (size_t i = 0; i < addresses->n; i++) {
		if (host_item_network(&addresses->v[i].address.prefix,
		                      &m->connected[m->connected_count]))
			m->connected_count++;
	}
	qsort(m->connected, m->connected_count, sizeof(*m->connected), compare_prefixes);
	return 0;
}

static int add_all_addresses(struct maker *m)
{
	for (size_t i = 0; i < m->plan->device_count; i++) {
		const struct conf *conf = m->plan->devices[i].conf;

		if (m->plan->devices[i].left_out)
			continue;
		for (size_t j = 0; j < conf->addresses.n; j++) {
			struct netlink_item item = {
				.kind = NETLINK_KIND_ADDRESS,
				.address = { .ifindex = m->env->ifindex,
				             .prefix = conf->addresses.v[j].prefix },
			};
			int err = is_left_out(m, &item.address.prefix.addr)
			                  ? 0
			                  : host_items_add(&m->config->items, &item);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

/* Makes the union of all Addresses: of equal ones, the first is kept. An IPv6 address
 * with several lengths gets the shortest one. */
static int add_addresses(struct maker *m)
{
	struct host_items all = { 0 };
	const struct netlink_item **index = NULL;
	bool *dropped = NULL;
	size_t first = 0;
	int err = add_all_addresses(m);

	all = m->config->items;
	m->config->items = (struct host_items){ 0 };
	if (err == 0) {
		index = host_items_sorted(&all);
		dropped = calloc(all.n + 1, sizeof(*dropped));
		err = index && dropped ? 0 : -ENOMEM;
	}
	for (size_t i = 1; err == 0 && i < all.n; i++) {
		if (host_item_compare(index[first], index[i]) != 0) {
			first = i;
			continue;
		}
		dropped[index[i] - all.v] = true;
		if (index[i]->address.prefix.len < index[first]->address.prefix.len)
			all.v[index[first] - all.v].address.prefix.len =
				index[i]->address.prefix.len;
	}
	for (size_t i = 0; err == 0 && i < all.n; i++) {
		if (!dropped[i])
			err = host_items_add(&m->config->items, &all.v[i]);
	}
	free(dropped);
	free(index);
	host_items_clear(&all);
	return err;
}

/* Is the prefix equal to, or inside, the connected route of an Address of this device? Or
 * is it equal to that of another device, so that the kernel would refuse to add it
 * again? */
static bool is_connected(const struct maker *m, const struct plan_device *device,
                         const struct ip_prefix *prefix)
{
	struct ip_prefix c;

	for (size_t i = 0; i < device->conf->addresses.n; i++) {
		if (host_item_network(&device->conf->addresses.v[i].prefix, &c) &&
		    ip_prefix_covers(&c, prefix))
			return true;
	}
	return bsearch(prefix, m->connected, m->connected_count, sizeof(*m->connected),
	               compare_prefixes) != NULL;
}

/* Returns the table for a device's entry of this node; 0: it gets no route. */
static uint32_t table_for(struct maker *m, const struct union_node *node,
                          const struct plan_device *device)
{
	const struct ip_prefix *prefix = &node->trie.prefix;

	if (device->conf->table.kind != CONF_TABLE_OFF && is_left_out(m, &prefix->addr))
		return 0;
	switch (device->conf->table.kind) {
	case CONF_TABLE_OFF:
		return 0;
	case CONF_TABLE_NUMBER:
		return device->conf->table.number ? device->conf->table.number
		                                  : NETLINK_TABLE_MAIN;
	case CONF_TABLE_AUTO:
		break;
	}
	if (prefix->len > 0 && is_connected(m, device, prefix))
		return 0;
	if (m->env->alone || (prefix->len > 0 && !covers_endpoint(m, &node->trie)))
		return NETLINK_TABLE_MAIN;
	if (m->numbers->table[prefix->len] == 0)
		m->numbers->table[prefix->len] = free_table(m->numbers, m->plan, m->env);
	if (m->numbers->table[prefix->len] == 0)
		m->error = no_table(m->diag);
	*(prefix->addr.family == IP_V4 ? &m->used4[prefix->len]
	                               : &m->used6[prefix->len]) = true;
	return m->numbers->table[prefix->len];
}

static int add_route(struct maker *m, const struct ip_prefix *prefix,
                     const struct plan_device *device, uint32_t table)
{
	struct netlink_item item = {
		.kind = NETLINK_KIND_ROUTE,
		.route = { .dst = *prefix,
		           .src = plan_source(device, prefix),
		           .ifindex = m->env->ifindex,
		           .table = table,
		           .mtu_bytes = device->mtu_bytes },
	};

	return host_items_add(&m->config->items, &item);
}

/* Does the part of the prefix in fc00::/7 have another source? This is false if there is
 * an entry between the two or equal to that part, because the part would get in its
 * way. */
static bool ula_differs(const struct maker *m, const struct union_node *node,
                        const struct plan_device *device)
{
	const struct ip_prefix *prefix = &node->trie.prefix;
	struct ip_prefix ula = source_address_ula();
	struct ip_addr src, src_ula;
	const struct trie_entry *entry;

	if (prefix->len >= ula.len || !ip_prefix_contains(prefix, &ula.addr))
		return false;
	src = plan_source(device, prefix);
	src_ula = plan_source(device, &ula);
	if (ip_addr_equal(&src, &src_ula) || is_connected(m, device, &ula))
		return false;
	entry = trie_lookup(m->plan->table.trie, &ula.addr);
	while (entry && entry->prefix.len > ula.len)
		entry = trie_shorter(m->plan->table.trie, entry);
	return entry == &node->trie;
}

static int add_routes(struct maker *m, const struct union_node *node,
                      const struct plan_device *device, uint32_t table)
{
	struct ip_prefix ula = source_address_ula();
	int err = add_route(m, &node->trie.prefix, device, table);

	return err == 0 && ula_differs(m, node, device)
	               ? add_route(m, &ula, device, table)
	               : err;
}

static bool *takes_all(const struct maker *m, const struct plan_device *device,
                       enum ip_family family)
{
	return &m->takes_all[device - m->plan->devices][family == IP_V6];
}

/* Makes one route per table, for the first entry in the order of R3 that wants one
 * there. */
static bool add_node(void *context, const struct union_node *node)
{
	struct maker *m = context;
	size_t first = m->config->items.n;

	for (const struct union_entry *e = node->first; e && m->error == 0; e = e->next) {
		const struct plan_device *device = plan_device_of(e->peer);
		uint32_t table = table_for(m, node, device);
		bool there = table == 0;

		if (table != 0 && table == m->numbers->table[node->trie.prefix.len] &&
		    way_is_default(&node->trie.prefix))
			*takes_all(m, device, node->trie.prefix.addr.family) = true;
		for (size_t i = first; i < m->config->items.n; i++)
			there |= m->config->items.v[i].route.table == table;
		if (!there && m->error == 0)
			m->error = add_routes(m, node, device, table);
	}
	return m->error == 0;
}

static int add_client_route(struct maker *m, const struct plan_device *gate,
                            const struct ip_prefix *prefix)
{
	if (is_left_out(m, &prefix->addr) || is_connected(m, gate, prefix) ||
	    union_find(&m->plan->table, prefix)) /* there is one already */
		return 0;
	return add_route(m, prefix, gate, NETLINK_TABLE_MAIN);
}

/* The host reaches the clients of a gate through the tun, too. */
static int add_client_routes(struct maker *m)
{
	int err = 0;

	for (size_t i = 0; i < m->plan->device_count; i++) {
		const struct plan_device *d = &m->plan->devices[i];

		for (size_t j = 0; j < d->prefix_count && d->conf->switches.gate && !err;
		     j++)
			err = add_client_route(m, d, &d->prefixes[j].trie.prefix);
	}
	return err;
}

/* The virtual resolver is reached through the tun, whichever address the host has. */
static int add_resolver(struct maker *m, const struct ip_addr *resolver)
{
	struct netlink_item item = {
		.kind = NETLINK_KIND_ROUTE,
		.route = { .dst = { .addr = *resolver, .len = ip_addr_bits(resolver) },
		           .ifindex = m->env->ifindex,
		           .table = NETLINK_TABLE_MAIN,
		           .mtu_bytes = m->config->mtu_bytes },
	};

	if (resolver->family == IP_NONE || is_left_out(m, resolver))
		return 0;
	for (size_t i = 0; i < m->plan->device_count && item.route.src.family == IP_NONE;
	     i++) {
		if (!m->plan->devices[i].left_out)
			item.route.src =
				plan_source(&m->plan->devices[i], &item.route.dst);
	}
	return host_items_add(&m->config->items, &item);
}

static int add_resolvers(struct maker *m)
{
	struct ip_addr ipv4, ipv6;
	int err;

	dns_virtual_addresses(m->plan, &ipv4, &ipv6);
	err = add_resolver(m, &ipv4);
	return err < 0 ? err : add_resolver(m, &ipv6);
}

/* The nth rule of a block. */
static struct netlink_rule rule_at(enum ip_family family, const struct rule_place *place,
                                   uint32_t n)
{
	return (struct netlink_rule){ .family = (uint8_t)family,
		                      .priority = place->first + (place->shared ? 0 : n),
		                      .shared = place->shared };
}

/* Is it the first file with this FwMark? */
static bool is_first_with(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (plan->devices[i].conf->fwmark == plan->devices[index].conf->fwmark)
			return false;
	}
	return true;
}

/* A file's FwMark leads past our rules, so that those of the user for this mark decide. */
static int add_marks(struct maker *m, enum ip_family family,
                     const struct rule_place *place)
{
	const struct plan *whole = plan_whole(m->plan);
	struct netlink_item item = { .kind = NETLINK_KIND_RULE };
	int err = 0;

	item.rule = rule_at(family, place, 0);
	item.rule.action = FR_ACT_GOTO;
	item.rule.target = place->past;
	item.rule.has_mark = true;
	for (size_t i = 0; i < whole->device_count && err == 0; i++) {
		item.rule.mark = whole->devices[i].conf->fwmark;
		if (item.rule.mark != 0 && item.rule.mark != m->numbers->mark &&
		    is_first_with(whole, i))
			err = host_items_add(&m->config->items, &item);
	}
	return err;
}

/* What a rule behind ours would find, but for its default route or the halves of one. */
static int add_others(struct maker *m, enum ip_family family,
                      const struct rule_place *place)
{
	struct netlink_item item = { .kind = NETLINK_KIND_RULE };

	item.rule = rule_at(family, place, 0);
	item.rule.table = place->table;
	item.rule.has_suppress = true;
	item.rule.suppress_len = family == IP_V4 ? 1 : 3;
	return host_items_add(&m->config->items, &item);
}

static int add_rule_pair(struct maker *m, enum ip_family family,
                         const struct rule_place *place, uint8_t len)
{
	const uint32_t bits = family == IP_V4 ? 32 : 128, n = 1 + 2 * (bits - len);
	struct netlink_item item = { .kind = NETLINK_KIND_RULE };
	int err;

	item.rule = rule_at(family, place, n);
	item.rule.table = NETLINK_TABLE_MAIN;
	item.rule.has_suppress = true;
	item.rule.suppress_len = len;
	if (place->shared) { /* so that it isn't equal to that of another instance */
		item.rule.has_mark = item.rule.invert = true;
		item.rule.mark = m->numbers->mark;
	}
	err = host_items_add(&m->config->items, &item);
	if (err < 0)
		return err;
	item.rule = rule_at(family, place, n + 1);
	item.rule.table = m->numbers->table[len];
	item.rule.has_mark = item.rule.invert = true;
	item.rule.mark = m->numbers->mark;
	return host_items_add(&m->config->items, &item);
}

static int add_rules(struct maker *m, enum ip_family family, const bool *used,
                     uint8_t bits, struct rule_place *place)
{
	bool any = false;
	int err;

	for (unsigned len = 0; len <= bits; len++)
		any |= used[len];
	*(family == IP_V4 ? &m->config->rules4 : &m->config->rules6) = any;
	if (any && place->first == 0)
		*place = m->env->place_rules(m->env->context, family);
	if (any && place->first == 0) {
		diag_error(
			m->diag, NULL, 0,
			"there is no free priority for routing rules before the IPv%u rule for the main table: see ip%s rule",
			family, family == IP_V6 ? " -6" : "");
		return -ENOSPC;
	}
	err = any ? add_marks(m, family, place) : 0;
	if (err == 0 && any && place->table != 0)
		err = add_others(m, family, place);
	for (unsigned len = bits + 1U; len-- > 0 && err == 0;) {
		if (used[len])
			err = add_rule_pair(m, family, place, (uint8_t)len);
	}
	return err;
}

static int guard_addresses(struct maker *m, const struct plan_device *device)
{
	int err = 0;

	for (size_t i = 0; i < device->conf->addresses.n && err == 0; i++) {
		struct netlink_item item = {
			.kind = NETLINK_KIND_ADDRESS,
			.address.prefix = device->conf->addresses.v[i].prefix,
		};

		if (*takes_all(m, device, item.address.prefix.addr.family))
			err = host_items_add(&m->config->guard, &item);
	}
	return err;
}

/* As in wg-quick, the addresses of a file without a default route can be reached through
 * other links. */
static int add_guard(struct maker *m)
{
	const struct host_items *items = &m->config->items;
	int err = 0;

	for (size_t i = 0; i < m->plan->device_count && err == 0; i++)
		err = guard_addresses(m, &m->plan->devices[i]);
	for (size_t i = 0; i < items->n && err == 0; i++) {
		if (items->v[i].kind == NETLINK_KIND_RULE && items->v[i].rule.has_mark)
			err = host_items_add(&m->config->guard, &items->v[i]);
	}
	return err;
}

static int make(struct maker *m)
{
	int err = add_addresses(m);

	if (err == 0)
		err = find_connected(m);
	if (err == 0)
		err = find_cover(m);
	if (err == 0) {
		union_walk(&m->plan->table, add_node, m);
		err = m->error;
	}
	if (err == 0)
		err = add_client_routes(m);
	if (err == 0)
		err = add_resolvers(m);
	if (err == 0)
		err = add_rules(m, IP_V4, m->used4, 32, &m->numbers->place4);
	if (err == 0)
		err = add_rules(m, IP_V6, m->used6, 128, &m->numbers->place6);
	if (err == 0)
		err = add_guard(m);
	return err;
}

int host_config_make(struct host_config *out, struct host_numbers *numbers,
                     const struct plan *plan, const struct host_config_env *env,
                     struct diag *diag)
{
	struct maker m = {
		.config = out, .numbers = numbers, .plan = plan, .env = env, .diag = diag
	};
	int err;

	*out = (struct host_config){
		.mtu_bytes = plan->tun_mtu_bytes ? plan->tun_mtu_bytes : PLAN_MTU_DEFAULT,
	};
	m.takes_all = calloc(plan->device_count + 1, sizeof(*m.takes_all));
	err = m.takes_all ? make(&m) : -ENOMEM;
	free(m.takes_all);
	free(m.cover.v);
	free(m.connected);
	if (err < 0)
		host_config_clear(out);
	return err;
}
