/* src/host/host.c - the steps of an instance; host_change.c makes the changes */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ifname.h"
#include "host/closing.h"
#include "host/hooks.h"
#include "host/host_change.h"
#include "host/journal.h"
#include "host/learned.h"
#include "host/remains.h"
#include "host/rival.h"
#include "host/undo.h"
#include "io/outward.h"
#include "io/tun_open.h"
#include "netlink/netlink.h"

struct host {
	struct host_state state;
	/* Where our sockets are; owned unless it is state.nl. NULL if there is no tun: then
	 * we have no rights, and outward.h has the answers, too. */
	struct netlink *network;
	int tun_fd; /* owned; -1: there is no tun */
	bool told_of_hooks;
	bool without_marks; /* the system doesn't allow them */
	bool vnet_hdr;
	bool mark_given; /* by another host of the instance */
	bool left_files; /* host_leave_files has run since the last host_update */
};

/* ---- new and free */

/* Opens the sockets for the place of the tun, and for our own. */
static MUST_CHECK int open_netlink(struct host *h, struct diag *diag)
{
	const struct host_place *place = h->state.place;
	int fd = -1, err;

	if (place && place->nowhere)
		return 0;
	err = netlink_open(&h->network);
	if (err == 0 && !place)
		h->state.nl = h->network;
	if (err == 0 && place) {
		fd = fcntl(place->netlink_fd, F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : netlink_from_fd(&h->state.nl, fd);
	}
	if (err < 0)
		diag_error(diag, NULL, 0, "no rtnetlink socket: %s", strerror(-err));
	return err;
}

static void close_netlink(struct host *h)
{
	if (h->network != h->state.nl)
		netlink_free(h->network);
	netlink_free(h->state.nl);
	h->network = h->state.nl = NULL;
}

int host_new(struct host **out, const struct host_options *options, struct diag *diag)
{
	struct host *h;
	int err;

	*out = NULL;
	if (!ifname_valid(options->tun)) {
		diag_error(
			diag, NULL, 0,
			"`%s\' cannot be the name of a tun device: 1 to 15 characters of A-Z a-z 0-9 _ = + . - are expected",
			options->tun);
		return -EINVAL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->tun_fd = -1;
	h->vnet_hdr = options->vnet_hdr;
	h->state.no_guard = options->no_guard;
	h->state.no_dns = options->no_dns;
	h->state.place = options->place;
	h->state.log = options->log;
	h->state.servers_given = options->name_server_count > 0;
	for (size_t i = 0; i < options->name_server_count && i < NAMESERVERS_MAX; i++)
		h->state.network_servers[h->state.network_server_count++] =
			options->name_servers[i];
	err = journal_init(&h->state.journal, options->tun, options->state_path);
	h->state.journal.lock_fd = options->lock_fd;
	if (err == 0)
		err = open_netlink(h, diag);
	h->state.stay_closed = options->stay_closed;
	if (err == 0)
		err = remains_find(&h->state, options->keep_remains, diag);
	/* only now, because an earlier instance has no devices, and has its own limit */
	h->state.journal.events = options->events;
	h->state.journal.hook_limit_s = options->hook_limit_s;
	if (err < 0) {
		host_free(h);
		return err;
	}
	*out = h;
	return 0;
}

static void clear_config(struct host *h)
{
	host_config_clear(&h->state.config);
	host_items_clear(&h->state.barriers);
	altnames_clear(&h->state.altnames);
	h->state.network_known = false;
	free(h->state.dns);
	h->state.dns = NULL;
}

/* Undoes everything that is in place, in reverse order, or leaves it as if we had been
 * killed. Returns what undo_all returns. */
static int undo(struct host *h, struct diag *diag)
{
	int err = h->state.stay_closed
	                  ? 0
	                  : undo_all(&h->state.journal, h->state.nl, h->state.log, diag);

	if (h->tun_fd >= 0)
		close(h->tun_fd);
	h->tun_fd = -1;
	h->state.up = false;
	clear_config(h);
	h->state.numbers = (struct host_numbers){ 0 };
	return err;
}

void host_free(struct host *h)
{
	struct diag diag = { 0 };

	if (!h)
		return;
	if (h->state.nl && h->tun_fd >= 0)
		(void)!undo(h, &diag);
	diag_clear(&diag);
	clear_config(h);
	free(h->state.other_dns);
	journal_clear(&h->state.journal);
	journal_clear(&h->state.remains);
	close_netlink(h);
	free(h);
}

void host_forget(struct host *h)
{
	if (!h)
		return;
	h->tun_fd = -1; /* so that there is nothing to undo */
	host_free(h);
}

int host_tun_fd(const struct host *h)
{
	const struct host_place *place = h->state.place;

	return place && place->nowhere ? place->tun_fd : h->tun_fd;
}

uint32_t host_tun_ifindex(const struct host *h)
{
	return h->state.place ? 0 : h->state.journal.ifindex;
}

uint32_t host_mark(const struct host *h)
{
	return h->state.numbers.mark;
}

void host_use_mark(struct host *h, uint32_t mark)
{
	h->state.numbers.mark = mark;
	h->mark_given = true;
}

uint32_t host_file_mark(const struct host *h, const struct conf *conf)
{
	return conf && conf->fwmark != 0 && !h->without_marks ? conf->fwmark
	                                                      : h->state.numbers.mark;
}

void host_resolver(const struct host *h, struct ip_addr *ipv4, struct ip_addr *ipv6)
{
	*ipv4 = h->state.resolver4;
	*ipv6 = h->state.resolver6;
}

bool host_may_ask_outside(const struct host *h)
{
	return !h->state.place || h->state.place->nowhere;
}

/* Where no way leads to the address, it is that of the default route. The addresses for
 * that are meant for examples (RFC 5737, RFC 3849), and nobody has them. */
static uint32_t outward_mtu(const struct host *h, const struct ip_addr *to, uint32_t mark)
{
	const struct outward_sockets *by =
		h->state.place ? h->state.place->outward : NULL;
	const struct endpoint ways[] = {
		{ .addr = *to },
		{ .addr = { IP_V4, { 192, 0, 2, 1 } } },
		{ .addr = { IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct outward found;

		if (outward_look(by, &ways[i], mark, &found) == 0 && found.mtu_bytes > 0)
			return found.mtu_bytes;
	}
	return 0;
}

uint32_t host_path_mtu(void *context, const struct conf *conf, const struct ip_addr *to)
{
	struct host *h = context;
	uint32_t mtu_bytes = 0;

	if (!h->network)
		return outward_mtu(h, to, host_file_mark(h, conf));
	if (to->family != IP_NONE)
		mtu_bytes = netlink_path_mtu(h->network, to, host_file_mark(h, conf));
	return mtu_bytes ? mtu_bytes : netlink_default_mtu(h->network);
}

size_t host_network_servers(struct host *h, struct ip_addr *out, size_t max)
{
	size_t n;

	host_change_note_servers(&h->state);
	n = h->state.network_server_count < max ? h->state.network_server_count : max;
	memcpy(out, h->state.network_servers, n * sizeof(*out));
	return n;
}

void host_leave_out_servers(struct host *h, char *text)
{
	free(h->state.other_dns);
	h->state.other_dns = text;
}

/* RFC 4291 2.4, RFC 4193: fe80::/10 and fc00::/7. */
static bool is_for_internet(const struct ip_addr *a)
{
	if (a->family == IP_V6)
		return (a->b[0] & 0xfe) != 0xfc &&
		       !(a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
	return true;
}

static enum host_reach judge(const struct ip_addr *from, const struct ip_addr *to)
{
	return is_for_internet(to) && !is_for_internet(from) ? HOST_REACH_POOR
	                                                     : HOST_REACH_GOOD;
}

enum host_reach host_reach(struct host *h, const struct conf *conf,
                           const struct ip_addr *to)
{
	const struct endpoint there = { .addr = *to };
	struct netlink_route r;
	struct outward found;

	if (!h->network)
		return outward_look(h->state.place ? h->state.place->outward : NULL,
		                    &there, host_file_mark(h, conf), &found) < 0
		               ? HOST_REACH_NONE
		               : judge(&found.source, to);
	if (netlink_route_get(h->network, to, host_file_mark(h, conf), &r) < 0)
		return HOST_REACH_NONE;
	if (r.type != RTN_UNICAST && r.type != RTN_LOCAL)
		return HOST_REACH_NONE;
	return judge(&r.src, to);
}

int host_own_networks(struct host *h, const struct plan *plan, struct own_networks *out)
{
	out->n = 0;
	out->more = false;
	if (h->tun_fd < 0 || h->state.place || !plan_has_gate(plan))
		return 0;
	return own_networks_find(out, h->state.nl, host_tun_ifindex(h), &plan->table);
}

/* ---- the steps of an instance */

static MUST_CHECK int open_tun(struct host *h, struct diag *diag)
{
	const struct host_place *place = h->state.place;
	const char *name = h->state.journal.tun;
	int fd;

	if (!place)
		return tun_open(&h->tun_fd, name, h->vnet_hdr, diag);
	fd = place->make_tun(place->context, name, h->vnet_hdr);
	h->tun_fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

static MUST_CHECK int make_tun(struct host *h, struct diag *diag)
{
	struct netlink_link link;
	int err;

	if (h->state.place && h->state.place->nowhere)
		return 0;
	err = open_tun(h, diag);
	if (err < 0)
		return err;
	err = netlink_link_find(h->state.nl, h->state.journal.tun, &link);
	if (err < 0) {
		diag_error(diag, NULL, 0, "there is no device %s: %s",
		           h->state.journal.tun, netlink_error(h->state.nl));
		return err;
	}
	h->state.journal.ifindex = link.ifindex;
	/* if this fails, there is no IPv6, and nothing to keep quiet */
	(void)!netlink_link_set_quiet(h->state.nl, link.ifindex);
	return journal_save(&h->state.journal, diag);
}

static struct hooks_env hooks_env(struct host *h, struct diag *diag)
{
	return (struct hooks_env){ .tun = h->state.journal.tun,
		                   .limit_s = h->state.journal.hook_limit_s,
		                   .note_path = h->state.journal.hook_note_path,
		                   .log = h->state.log,
		                   .events = h->state.journal.events,
		                   .diag = diag };
}

/* Is this a file whose hooks have not run yet? */
static bool is_new(const struct host *h, const struct conf *conf)
{
	return hooks_find(&h->state.journal.hooks, conf->name) < 0;
}

/* What the file wants of the host, and does not get in another place. */
static void tell_unused(struct host *h, const struct conf *conf, struct diag *diag)
{
	unsigned hook = 0;

	for (size_t i = 0; i < CONF_HOOK_COUNT && hook == 0; i++)
		hook = conf->hooks[i].n > 0 ? conf->hooks[i].v[0].line : 0;
	if (hook > 0 && !h->told_of_hooks)
		diag_warning(diag, conf->path, hook, "%s", h->state.place->no_hooks);
	h->told_of_hooks |= hook > 0;
	if (plan_needs_own_tun(conf))
		diag_warning(diag, conf->path,
		             conf->switches.own_tun ? conf->lines.tun : conf->lines.table,
		             "%s: %s", conf->switches.own_tun ? "Tun" : "Table",
		             h->state.place->no_table);
}

/* Without CAP_NET_ADMIN no socket can be marked. */
static bool can_mark(uint32_t mark)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool can =
		fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;

	if (fd >= 0)
		close(fd);
	return can;
}

/* Where the tun is elsewhere, no rule needs a mark, but the host may have rules of its own
 * for a file's FwMark. */
static void try_marks(struct host *h, const struct plan *plan, struct diag *diag)
{
	const char *why = h->state.place->no_marks;

	for (size_t i = 0; i < plan->device_count && !h->without_marks; i++) {
		uint32_t mark = plan->devices[i].conf->fwmark;

		if (mark == 0 || (!why && can_mark(mark)))
			continue;
		h->without_marks = true;
		diag_warning(
			diag, NULL, 0, "%s",
			why ? why
			    : "FwMark is not used: to mark sockets, root or CAP_NET_ADMIN is needed");
	}
}

int host_choose_mark(struct host *h, const struct plan *plan, struct diag *diag)
{
	struct host_config_env env = host_change_env(&h->state);
	if (h->mark_given)
		return 0;
	if (h->state.place)
		try_marks(h, plan, diag);
	return host_numbers_choose_mark(&h->state.numbers, plan, &env, diag);
}

void host_unchoose_mark(struct host *h)
{
	host_numbers_decide_mark(&h->state.numbers, false);
}

/* Is called before anything is changed. */
static MUST_CHECK int check_hooks(struct host *h, const struct plan *plan,
                                  struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < plan->device_count && h->state.place; i++)
		tell_unused(h, plan->devices[i].conf, diag);
	for (size_t i = 0; i < plan->device_count && !h->state.place; i++) {
		int err = is_new(h, plan->devices[i].conf)
		                  ? hooks_check(plan->devices[i].conf, diag)
		                  : 0;

		if (first == 0)
			first = err;
	}
	return first;
}

/* A file is remembered before its hooks run, so that nothing can come between their
 * success and remembering it. */
static MUST_CHECK int post_up_file(struct host *h, const struct conf *conf,
                                   struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	struct hooks *hooks = &h->state.journal.hooks;
	int err;

	if (!is_new(h, conf) || h->state.place)
		return 0;
	err = hooks_remember(hooks, conf);
	if (err < 0)
		return err;
	err = hooks_run_up(&env, conf, CONF_POST_UP);
	if (err < 0)
		hooks_forget(hooks, hooks->n - 1);
	return err;
}

static bool has_down_hooks(const struct conf *conf)
{
	return conf->hooks[CONF_PRE_DOWN].n > 0 || conf->hooks[CONF_POST_DOWN].n > 0;
}

/* Hooks of further files may take long, and meanwhile we may be killed: then those of files that
 * are up already have to be run all the same. */
static MUST_CHECK int post_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < plan->device_count && err == 0; i++) {
		const struct conf *conf = plan->devices[i].conf;

		err = post_up_file(h, conf, diag);
		if (err == 0 && has_down_hooks(conf))
			err = journal_save(&h->state.journal, diag);
	}
	if (err == 0)
		err = journal_save(&h->state.journal, diag);
	return err;
}

/* Remembers the hooks of the files that are up, as the files are now. */
static MUST_CHECK int remember_changed(struct host *h, const struct plan *plan,
                                       struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < plan->device_count && err == 0; i++) {
		if (!is_new(h, plan->devices[i].conf))
			err = hooks_remember(&h->state.journal.hooks,
			                     plan->devices[i].conf);
	}
	return err < 0 ? err : journal_save(&h->state.journal, diag);
}

/* Runs hooks of the files that the plan no longer has, in reverse order. */
static void run_hooks_of_gone(struct host *h, const struct plan *plan,
                              enum conf_hook kind, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	struct hooks *hooks = &h->state.journal.hooks;

	for (size_t i = hooks->n; i-- > 0;) {
		if (plan && plan_find(plan, hooks->v[i].name))
			continue;
		(void)!hooks_run_down(&env, &hooks->v[i], kind);
		if (kind == CONF_POST_DOWN)
			hooks_forget(hooks, i);
	}
}

int host_prepare(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err = check_hooks(h, plan, diag);

	host_change_choose_resolver(&h->state, plan);
	remains_review_numbers(&h->state, plan);
	if (err == 0)
		err = host_choose_mark(h, plan, diag);
	if (err == 0)
		err = make_tun(h, diag);
	if (err == 0 && h->state.nl) /* PreUp hooks may use the names */
		err = altnames_change(&h->state.altnames, h->state.nl,
		                      h->state.journal.ifindex, plan);
	if (err < 0)
		(void)!undo(h, diag);
	return err;
}

int host_pre_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	int err = 0;

	for (size_t i = 0; i < plan->device_count && err == 0 && !h->state.place; i++)
		err = hooks_run_up(&env, plan->devices[i].conf, CONF_PRE_UP);
	if (err < 0)
		(void)!undo(h, diag);
	return err;
}

struct host_state *host_state_of(struct host *h)
{
	return &h->state;
}

static void warn_of_others(const struct host *h, const struct plan *plan,
                           struct diag *diag)
{
	const struct host_numbers *numbers = &h->state.numbers;
	const struct rival_ours ours = { &h->state.config.items, numbers->table[0],
		                         numbers->mark, h->state.journal.ifindex };

	own_networks_warn(plan, diag); /* a hook may have allowed it */
	rival_warn(&ours, h->state.nl, diag);
}

int host_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err = host_change(&h->state, plan, diag);

	if (err == 0)
		err = post_up(h, plan, diag);
	if (err < 0)
		(void)!undo(h, diag);
	else if (!h->state.place)
		warn_of_others(h, plan, diag);
	return err;
}

int host_file_added(struct host *h, const struct conf *conf, struct diag *diag)
{
	const struct hooks_env env = hooks_env(h, diag);
	int err;

	if (h->state.place)
		tell_unused(h, conf, diag);
	if (!is_new(h, conf) || h->state.place)
		return 0;
	err = hooks_check(conf, diag);
	return err < 0 ? err : hooks_run_up(&env, conf, CONF_PRE_UP);
}

void host_file_changed(struct host *h, const struct conf *conf, struct diag *diag)
{
	if (h->state.place)
		tell_unused(h, conf, diag);
}

int host_file_up(struct host *h, const struct conf *conf, struct diag *diag)
{
	int err;

	if (!is_new(h, conf))
		return 0;
	err = post_up_file(h, conf, diag);
	return err < 0 ? err : journal_save(&h->state.journal, diag);
}

void host_network_changed(struct host *h)
{
	h->state.network_known = false;
}

void host_leave_files(struct host *h, const struct plan *plan, struct diag *diag)
{
	run_hooks_of_gone(h, plan, CONF_PRE_DOWN, diag);
	h->left_files = true;
}

void host_close(struct host *h, const struct plan *plan)
{
	host_numbers_decide_mark(&h->state.numbers, true);
	(void)!closing_add(&h->state, plan);
}

int host_update(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err, changed;

	host_numbers_decide_mark(&h->state.numbers, true);
	if (!h->left_files)
		run_hooks_of_gone(h, plan, CONF_PRE_DOWN, diag);
	h->left_files = false;
	changed = host_change(&h->state, plan, diag);
	err = remember_changed(h, plan, diag);
	return changed < 0 ? changed : err;
}

void host_give_up_name(struct host *h, const char *name)
{
	if (h->state.nl)
		altnames_give_up(&h->state.altnames, h->state.nl,
		                 h->state.journal.ifindex, name);
}

int host_post_down(struct host *h, const struct plan *plan, struct diag *diag)
{
	run_hooks_of_gone(h, plan, CONF_POST_DOWN, diag);
	return journal_save(&h->state.journal, diag);
}

int host_pre_down(struct host *h, struct diag *diag)
{
	return undo_pre_down(&h->state.journal, h->state.log, diag);
}

const struct yield *host_yields(const struct host *h, size_t *n)
{
	*n = h->state.config.yields.n;
	return h->state.config.yields.v;
}

/* Rules that share a priority must be in order, so host_update adds all of them again. */
static bool can_be_restored(const struct netlink_item *item)
{
	return item->kind != NETLINK_KIND_RULE || !item->rule.shared;
}

size_t host_restore(struct host *h, const struct plan *plan)
{
	const struct host_items *all = &h->state.config.items;
	int *results = calloc(all->n + 1, sizeof(*results));
	struct host_items items = { 0 };
	size_t added = 0;
	int err = 0;

	for (size_t i = 0; i < all->n && err == 0; i++) {
		if (can_be_restored(&all->v[i]))
			err = host_items_add(&items, &all->v[i]);
	}
	if (!results || !h->state.up || err < 0)
		goto out;
	(void)!netlink_add(h->state.nl, items.v, items.n, results);
	for (size_t i = 0; i < items.n; i++)
		added += results[i] == 0;
	(void)!netlink_add(h->state.nl, h->state.barriers.v, h->state.barriers.n, NULL);
	if (added > 0 && !h->state.place)
		learned_forget(h->state.nl, h->state.journal.ifindex, plan);
	added += altnames_restore(&h->state.altnames, h->state.nl,
	                          h->state.journal.ifindex);
out:
	host_items_clear(&items);
	free(results);
	return added;
}

int host_down(struct host *h, struct diag *diag)
{
	return undo(h, diag);
}

void host_end(struct host *h, struct diag *diag)
{
	h->state.journal.pre_down_ran = true;
	(void)!undo(h, diag);
}
