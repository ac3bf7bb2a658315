/* src/host/remains.c */
#include "host/remains.h"

#include <linux/fib_rules.h>
#include <string.h>

#include "host/barrier.h"
#include "host/dns.h"
#include "host/hook_note.h"
#include "host/undo.h"

bool remains_exist(const struct host_state *h)
{
	return h->remains.path != NULL;
}

/* Our rules are `lookup main suppress_prefixlength L`, and then `not fwmark M lookup T`. */
static void use_numbers(struct host_numbers *numbers, const struct host_items *rules)
{
	const struct netlink_rule *before = NULL;

	for (size_t i = 0; i < rules->n; i++) {
		const struct netlink_rule *r = &rules->v[i].rule;

		if (r->has_mark && r->invert && r->action != FR_ACT_GOTO) {
			numbers->mark = r->mark;
			if (before && before->has_suppress && before->family == r->family)
				numbers->table[before->suppress_len] = r->table;
		}
		before = r;
	}
}

static void use_servers(struct host_state *h, const struct journal *old)
{
	if (!old->dns || h->servers_given)
		return;
	memcpy(h->network_servers, old->servers,
	       old->server_count * sizeof(old->servers[0]));
	h->network_server_count = old->server_count;
}

static MUST_CHECK int set_aside(struct host_state *h)
{
	struct journal *j = &h->journal, *old = &h->remains;
	int err;

	*old = *j;
	err = journal_init(j, old->tun, old->path);
	j->lock_fd = old->lock_fd;
	j->held = true;
	use_numbers(&h->numbers, &old->rules);
	use_servers(h, old);
	return err;
}

/* Was it up when it ended? Otherwise it is what an instance could not undo when it went down, and
 * nothing is closed. */
static bool was_up(const struct journal *j)
{
	return j->ifindex != 0 || j->stale_count > 0 || j->rules.n > 0;
}

int remains_find(struct host_state *h, bool keep, struct diag *diag)
{
	struct journal *j = &h->journal;
	int err = journal_load(j, diag);

	if (err >= 0)
		hook_note_wait(j->hook_note_path,
		               j->hook_limit_s ? j->hook_limit_s : HOOKS_LIMIT_S, h->log);
	if (err <= 0)
		return err;
	if (!keep || !was_up(j)) {
		log_info(h->log, NULL, "removing what an earlier instance of %s has left",
		         j->tun);
		/* an error is in diag */
		(void)!undo_all(j, h->nl, h->log, diag);
		use_servers(h, j);
		return 0;
	}
	undo_hooks(j, h->log, diag);
	err = journal_save(j, diag);
	return err < 0 || journal_is_empty(j) ? err : set_aside(h);
}

void remains_review_numbers(struct host_state *h, const struct plan *plan)
{
	const struct plan *whole = plan_whole(plan);
	struct host_numbers *n = &h->numbers;
	bool all = whole->device_count > 0, given = false;

	if (!remains_exist(h))
		return;
	for (size_t i = 0; i < whole->device_count; i++) {
		const struct conf *conf = whole->devices[i].conf;

		all &= conf->fwmark != 0;
		given |= conf->fwmark == n->mark;
		for (size_t l = 0; l < ARRAY_SIZE(n->table); l++) {
			if (conf->table.kind == CONF_TABLE_NUMBER &&
			    n->table[l] == conf->table.number)
				n->table[l] = 0;
		}
	}
	if (all ? whole->devices[0].conf->fwmark != n->mark : given)
		n->mark = 0;
	n->mark_is_a_files = all && n->mark != 0;
}

/* The first one is that of an instance which was up, and the others are those of an `up` that has
 * failed. If they are too many, those of the last but one such `up` are removed. */
static void note_stale(struct host_state *h, uint32_t ifindex, struct diag *diag)
{
	struct journal *j = &h->journal;

	if (ifindex == 0 || ifindex == j->ifindex)
		return;
	if (j->stale_count == JOURNAL_STALE_MAX) {
		barriers_lift(h->nl, j->stale[j->stale_count - 1], diag);
		j->stale_count--;
	}
	j->stale[j->stale_count++] = ifindex;
}

int remains_take_over(struct host_state *h, struct diag *diag)
{
	struct journal *j = &h->journal, *old = &h->remains;
	int err = 0;

	if (!remains_exist(h))
		return 0;
	for (size_t i = 0; i < old->stale_count; i++)
		note_stale(h, old->stale[i], diag);
	note_stale(h, old->ifindex, diag);
	j->rules = old->rules;
	old->rules = (struct host_items){ 0 };
	j->guard4 = old->guard4;
	j->guard6 = old->guard6;
	j->dns = old->dns;
	memcpy(j->servers, old->servers, sizeof(j->servers));
	j->server_count = old->server_count;
	j->src_valid_mark = old->src_valid_mark;
	journal_clear(old);
	j->held = false;
	for (size_t i = 0; i < j->rules.n && err == 0; i++)
		err = host_items_add(&h->config.items, &j->rules.v[i]);
	if (err == 0) {
		h->asker = (struct host_asker){ h->nl, &h->config };
		host_env_forget_missing(&h->asker);
		err = barriers_find(&h->barriers, h->nl, j->ifindex);
	}
	return err < 0 ? err : journal_save(j, diag);
}

int remains_let_go(struct host_state *h, const struct plan *plan, struct diag *diag)
{
	struct journal *j = &h->journal;
	const struct spawn_tun tun = journal_tun(j);
	int err;

	h->stay_closed = false;
	err = host_change(h, plan, diag);
	h->stay_closed = true; /* not everything is up yet */
	if (err < 0)
		return err;
	undo_stale(j, h->nl, diag);
	if (j->dns && !(h->dns && h->dns[0]))
		j->dns = dns_down(&tun, diag) < 0;
	return journal_save(j, diag);
}

void remains_stay_closed(struct host_state *h, bool stay)
{
	h->stay_closed = stay;
}
