/* src/plan/plan_app.c - the rules are those of AOSP's VpnService.Builder (check, addAddress,
 * addRoute, addDnsServer, addAllowedApplication), LinkAddress and InetAddress */
#include "plan/plan_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Builder and service are two processes, so that everything has to fit into one message of
 * Binder, which has 1 MB for all calls that an app makes at the same time. A route takes as
 * much as RouteInfo.writeToParcel writes for IPv4 and IPv6. */
#define PARCEL_MAX_BYTES    1000000U
#define PARCEL_ROUTE4_BYTES 84U
#define PARCEL_ROUTE6_BYTES 108U

/* Is it the file of a device whose packets come by the app's tun? */
static bool uses_tun(const struct plan_device *d)
{
	return !d->left_out && !d->conf->switches.gate;
}

/* ---- addresses, routes, servers */

/* ::ffff:0:0/96. Java makes IPv4 addresses of these. */
static bool is_mapped(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return a->family == IP_V6 && memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/* Nobody sends packets to the others, so nobody misses such a route. */
static bool takes_route(const struct ip_prefix *prefix)
{
	return !ip_addr_is_loopback(&prefix->addr) &&
	       !(prefix->len >= 96 && is_mapped(&prefix->addr));
}

static bool takes_server(const struct ip_addr *a)
{
	return !ip_addr_is_loopback(a) && !ip_addr_is_unspecified(a) && !is_mapped(a);
}

/* The parser has refused loopback, multicast and the unspecified address. */
static bool takes_address(const struct ip_addr *a)
{
	return !is_mapped(a);
}

static bool has_address(const struct plan_app *app, const struct ip_addr *a)
{
	for (size_t i = 0; i < app->address_count; i++) {
		if (ip_addr_equal(&app->addresses[i].addr, a))
			return true;
	}
	return false;
}

static void add_addresses(struct plan_app *app, const struct conf *conf,
                          struct diag *diag)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < conf->addresses.n; i++) {
		const struct conf_prefix *address = &conf->addresses.v[i];
		const struct ip_addr *a = &address->prefix.addr;

		if (!takes_address(a))
			diag_warning(
				diag, conf->path, address->line,
				"Address %s is left out: a VpnService doesn't take it",
				ip_addr_format(a, text));
		else if (!has_address(app, a))
			app->addresses[app->address_count++] = address->prefix;
	}
}

static int make_addresses(struct plan_app *app, const struct plan *plan,
                          struct diag *diag)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		n += plan->devices[i].conf->addresses.n;
	app->addresses = calloc(n + 1, sizeof(*app->addresses));
	if (!app->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < plan->device_count; i++) {
		if (uses_tun(&plan->devices[i]))
			add_addresses(app, plan->devices[i].conf, diag);
	}
	if (app->address_count > 0)
		return 0;
	diag_error(
		diag, NULL, 0,
		"no file has an Address that a VpnService takes, and it needs one: add the Address that the server expects");
	return -EINVAL;
}

static struct ip_prefix one(const struct ip_addr *a)
{
	return (struct ip_prefix){ *a, ip_addr_bits(a) };
}

static void check_size(const struct union_prefixes *routes, struct diag *diag)
{
	size_t bytes = 0;

	for (size_t i = 0; i < routes->n; i++)
		bytes += routes->v[i].addr.family == IP_V4 ? PARCEL_ROUTE4_BYTES
		                                           : PARCEL_ROUTE6_BYTES;
	if (bytes > PARCEL_MAX_BYTES)
		diag_warning(
			diag, NULL, 0,
			"%zu routes are too many for a VpnService, which takes about 1 MB of them at once: write fewer and shorter prefixes in AllowedIPs",
			routes->n);
}

static int make_routes(struct plan_app *app, const struct plan *plan,
                       const struct plan_app_dns *dns, struct diag *diag)
{
	const struct ip_prefix resolver[] = { one(&dns->virtual4), one(&dns->virtual6) };
	int err = union_prefixes_make(&app->routes, &plan->table, takes_route, resolver,
	                              ARRAY_SIZE(resolver));

	if (err)
		return err;
	app->allow_families = true;
	for (size_t i = 0; i < app->routes.n; i++)
		app->allow_families &= app->routes.v[i].len > 0;
	check_size(&app->routes, diag);
	return 0;
}

static void tell_refused_servers(const struct plan_device *d, struct diag *diag)
{
	const struct conf_addrs *servers = &plan_dns(d)->servers;
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < servers->n; i++) {
		if (!takes_server(&servers->v[i]))
			diag_warning(diag, d->conf->path, servers->lines[i],
			             "DNS %s is left out: a VpnService doesn't take it",
			             ip_addr_format(&servers->v[i], text));
	}
}

static int make_servers(struct plan_app *app, const struct plan *plan,
                        const struct plan_app_dns *dns, struct diag *diag)
{
	app->servers = calloc(dns->n + 1, sizeof(*app->servers));
	if (!app->servers)
		return -ENOMEM;
	for (size_t i = 0; i < dns->n; i++) {
		if (takes_server(&dns->servers[i]))
			app->servers[app->server_count++] = dns->servers[i];
	}
	for (size_t i = 0; i < plan->device_count; i++) {
		if (uses_tun(&plan->devices[i]))
			tell_refused_servers(&plan->devices[i], diag);
	}
	return 0;
}

/* ---- applications */

/* Makes room for at most that many names. */
static int names_init(struct plan_app_names *names, size_t max)
{
	*names = (struct plan_app_names){ calloc(max + 1, sizeof(*names->v)), 0 };
	return names->v ? 0 : -ENOMEM;
}

static bool has_name(const struct plan_app_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

static void add_names(struct plan_app_names *names, const struct conf_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (!has_name(names, texts->v[i].text))
			names->v[names->n++] = texts->v[i].text;
	}
}

/* There is one VPN for all files. What a file excludes is excluded from all of them,
 * because an application that is excluded doesn't work in a VPN. */
static int make_excluded(struct plan_app *app, const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		n += plan->devices[i].conf->applications.excluded.n;
	if (names_init(&app->excluded, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		if (uses_tun(d))
			add_names(&app->excluded, &d->conf->applications.excluded);
	}
	return 0;
}

/* The first file that is for all applications, unless they are excluded; or NULL. */
static const struct conf *for_all(const struct plan *plan)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		if (uses_tun(&plan->devices[i]) && conf->applications.included.n == 0)
			return conf;
	}
	return NULL;
}

static void tell_not_only(const struct plan *plan, const struct conf *other,
                          struct diag *diag)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;
		const struct conf_texts *included = &conf->applications.included;

		if (uses_tun(&plan->devices[i]) && included->n > 0)
			diag_warning(
				diag, conf->path, included->v[0].line,
				"IncludedApplications has no effect: there is one VPN for all files, and %s is for all applications; expected the key in every file, or in none",
				other->path);
	}
}

/* Takes those away that are excluded, too. Returns whether any is left. */
static bool take_excluded_away(struct plan_app *app)
{
	size_t n = 0;

	for (size_t i = 0; i < app->included.n; i++) {
		if (!has_name(&app->excluded, app->included.v[i]))
			app->included.v[n++] = app->included.v[i];
	}
	app->included.n = n;
	app->excluded.n = 0;
	return n > 0;
}

static int include(struct plan_app *app, const struct plan *plan, struct diag *diag)
{
	const struct conf *conf = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		n += plan->devices[i].conf->applications.included.n;
	if (names_init(&app->included, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < plan->device_count; i++) {
		if (!uses_tun(&plan->devices[i]))
			continue;
		conf = plan->devices[i].conf;
		add_names(&app->included, &conf->applications.included);
	}
	if (!conf || take_excluded_away(app))
		return 0;
	diag_error(
		diag, conf->path, conf->applications.included.v[0].line,
		"all IncludedApplications are in ExcludedApplications, too, so that the VPN would be for none; expected them in one of the two");
	return -EINVAL;
}

static int make_applications(struct plan_app *app, const struct plan *plan,
                             struct diag *diag)
{
	const struct conf *other = for_all(plan);
	int err = make_excluded(app, plan);

	if (err || !other)
		return err ? err : include(app, plan, diag);
	tell_not_only(plan, other, diag);
	return 0;
}

/* ---- what an app can't do */

const char plan_app_no_hooks[] =
	"hooks are not run, in no file: they are meant for a host that tunion configures, and the tun is an app's";
const char plan_app_no_table[] =
	"the file would need a tun of its own, but the app has only one: it is left out, and only carries files that name it in Via; take this line out to use it";

static unsigned first_hook(const struct conf *conf)
{
	for (size_t i = 0; i < CONF_HOOK_COUNT; i++) {
		if (conf->hooks[i].n > 0)
			return conf->hooks[i].v[0].line;
	}
	return 0;
}

static void tell_unused(const struct plan *plan, struct diag *diag)
{
	bool told = false;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;
		unsigned hook = first_hook(conf);

		if (hook > 0 && !told)
			diag_warning(diag, conf->path, hook, "%s", plan_app_no_hooks);
		told |= hook > 0;
		if (plan->devices[i].left_out)
			diag_warning(diag, conf->path,
			             conf->switches.own_tun ? conf->lines.tun
			                                    : conf->lines.table,
			             "%s: %s", conf->switches.own_tun ? "Tun" : "Table",
			             plan_app_no_table);
	}
}

/* ---- plan_app.h */

int plan_app_make(struct plan_app *out, const struct plan *plan,
                  const struct plan_app_dns *dns, struct diag *diag)
{
	int err;

	*out = (struct plan_app){ 0 };
	tell_unused(plan, diag);
	err = make_addresses(out, plan, diag);
	if (err != -ENOMEM) {
		int other = make_applications(out, plan, diag);

		err = other ? other : err; /* both report their errors */
	}
	if (!err)
		err = make_routes(out, plan, dns, diag);
	if (!err)
		err = make_servers(out, plan, dns, diag);
	if (err == -ENOMEM)
		diag_error(diag, NULL, 0, "out of memory");
	return err;
}

void plan_app_clear(struct plan_app *app)
{
	free(app->addresses);
	union_prefixes_clear(&app->routes);
	free(app->servers);
	free(app->included.v);
	free(app->excluded.v);
	*app = (struct plan_app){ 0 };
}
