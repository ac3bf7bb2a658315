/* src/host/undo.c - undoes the entries of the journal, one kind after the other */
#include "host/undo.h"

#include <errno.h>
#include <string.h>

#include "host/barrier.h"
#include "host/dns.h"
#include "host/guard.h"
#include "host/learned.h"
#include "host/valid_mark.h"

static void undo_rules(struct journal *j, struct netlink *nl, struct diag *diag)
{
	struct host_items *rules = &j->rules;
	size_t left = rules->n;

	for (size_t i = rules->n; i-- > 0;) {
		char text[NETLINK_ITEM_STRLEN];
		int err = netlink_delete(nl, &rules->v[i], 1, NULL);

		if (netlink_is_gone(err) || err == -EAFNOSUPPORT)
			continue;
		diag_warning(diag, NULL, 0, "%s cannot be removed: %s",
		             netlink_item_format(&rules->v[i], text), netlink_error(nl));
		rules->v[--left] = rules->v[i];
	}
	rules->n -= left;
	if (left > 0)
		memmove(rules->v, rules->v + left, rules->n * sizeof(rules->v[0]));
}

void undo_stale(struct journal *j, struct netlink *nl, struct diag *diag)
{
	size_t left = 0;

	for (size_t i = 0; i < j->stale_count; i++) {
		if (barriers_lift(nl, j->stale[i], diag) < 0)
			j->stale[left++] = j->stale[i];
	}
	j->stale_count = left;
}

static void undo_tun(struct journal *j, struct netlink *nl, struct diag *diag)
{
	struct netlink_link link;
	int err;

	undo_stale(j, nl, diag);
	if (j->ifindex == 0)
		return;
	if (barriers_lift(nl, j->ifindex, diag) < 0 && j->stale_count < JOURNAL_STALE_MAX)
		j->stale[j->stale_count++] = j->ifindex;
	/* by now another device may have the name, or the number */
	err = netlink_link_get(nl, j->ifindex, &link);
	if (err == 0 && strcmp(link.name, j->tun) == 0)
		err = netlink_link_delete(nl, j->ifindex);
	if (err < 0 && err != -ENODEV)
		diag_warning(diag, NULL, 0, "the device %s cannot be removed: %s", j->tun,
		             netlink_error(nl));
	j->ifindex = 0;
}

/* Runs the hooks of all files in reverse order. Returns 0, or what hooks_run_down has
 * returned for the first one that has failed. */
static MUST_CHECK int run_hooks(struct journal *j, enum conf_hook kind,
                                const struct log *log, struct diag *diag)
{
	const struct hooks_env env = { .tun = j->tun,
		                       .limit_s = j->hook_limit_s,
		                       .note_path = j->hook_note_path,
		                       .log = log,
		                       .events = j->events,
		                       .diag = diag };
	int first = 0;

	for (size_t i = j->hooks.n; i-- > 0;) {
		int err = hooks_run_down(&env, &j->hooks.v[i], kind);

		if (first == 0)
			first = err;
	}
	return first;
}

int undo_pre_down(struct journal *j, const struct log *log, struct diag *diag)
{
	return run_hooks(j, CONF_PRE_DOWN, log, diag);
}

void undo_hooks(struct journal *j, const struct log *log, struct diag *diag)
{
	(void)!run_hooks(j, CONF_PRE_DOWN, log, diag);
	(void)!run_hooks(j, CONF_POST_DOWN, log, diag);
	hooks_clear(&j->hooks);
}

/* Returns whether it is left. */
static bool undo_guard(const struct spawn_tun *tun, enum ip_family family,
                       struct diag *diag)
{
	int err = guard_down(tun, family, diag);

	if (err == -ENOENT)
		diag_warning(
			diag, NULL, 0,
			"the firewall rules for %s (IPv%u) are left, because the programs nft and iptables are missing",
			tun->name, (unsigned)family);
	return err < 0;
}

/* Returns whether they are left. */
static bool undo_dns(const struct spawn_tun *tun, struct diag *diag)
{
	int err = dns_down(tun, diag);

	if (err == -ENOENT)
		diag_warning(
			diag, NULL, 0,
			"the name servers of %s are left, because the program resolvconf is missing",
			tun->name);
	return err < 0;
}

int undo_all(struct journal *j, struct netlink *nl, const struct log *log,
             struct diag *diag)
{
	const struct spawn_tun tun = journal_tun(j);
	int err;

	/* failures are reported, and must not keep the rest from being undone */
	if (!j->pre_down_ran)
		(void)!run_hooks(j, CONF_PRE_DOWN, log, diag);
	j->pre_down_ran = false;
	undo_rules(j, nl, diag);
	j->guard6 = j->guard6 && undo_guard(&tun, IP_V6, diag);
	j->guard4 = j->guard4 && undo_guard(&tun, IP_V4, diag);
	j->dns = j->dns && undo_dns(&tun, diag);
	valid_mark_restore(j, diag);
	undo_tun(j, nl, diag);
	if (nl) /* gate and proxy change nothing on the host */
		learned_end(nl);
	if (j->events)
		j->events->gone(j->events->context);
	err = run_hooks(j, CONF_POST_DOWN, log, diag);
	hooks_clear(&j->hooks);
	(void)!journal_save(j, diag); /* it reports an error itself */
	if (j->path && !journal_is_empty(j))
		diag_warning(
			diag, j->path, 0,
			"says what is left on the host: tunion down tries again to undo it");
	return err;
}
