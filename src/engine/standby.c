/* src/engine/standby.c */
#include "engine/standby.h"

#include "engine/device_list.h"
#include "plan/way_compute.h"
#include "wg/message.h"

static struct timerq *timers_of(const struct peer *peer)
{
	return &peer_device(peer)->engine->timers;
}

/* A peer that fails again soon after it got its prefixes back has to wait for longer and
 * longer, up to a limit. */
static void note_failure(struct peer_failures *f, uint64_t now_ns)
{
	bool again =
		f->given_back_ns != 0 && now_ns - f->given_back_ns < STANDBY_WAIT_MAX_NS;

	f->in_a_row = again ? f->in_a_row + 1 : 1;
	f->wait_ns = !again ? 0 : f->wait_ns ? 2 * f->wait_ns : STANDBY_WAIT_FIRST_NS;
	if (f->wait_ns > STANDBY_WAIT_MAX_NS)
		f->wait_ns = STANDBY_WAIT_MAX_NS;
	f->wait_until_ns = now_ns + f->wait_ns;
}

static void set_failing(struct peer *peer, bool failing, uint64_t now_ns)
{
	struct device *d = peer_device(peer);
	struct engine *e = d->engine;
	char key[KEY_SHORT_STRLEN];

	if (peer->failing == failing)
		return;
	if (failing)
		note_failure(&peer->failures, now_ns);
	else if (peer->failures.stood_in)
		peer->failures.given_back_ns = now_ns;
	peer->failing = failing;
	peer->failures.stood_in = peer->failures.answered = false;
	e->failing_count += failing ? 1 : (size_t)-1;
	engine_need(e, SETTLE_STANDBY);
	log_info(e->env.log, d->way.name, "peer %s %s",
	         key_short(wg_peer_public_key(peer->wg), key),
	         failing ? "does not answer" : "answers again");
}

static bool has_to_wait(const struct peer *peer, uint64_t now_ns)
{
	return peer->failures.stood_in && now_ns < peer->failures.wait_until_ns;
}

/* An initiation that was only due for a new session doesn't count. */
static bool owes_answer(const struct wg_peer_stats *stats)
{
	return stats->handshake_unanswered_ns != 0 && (!stats->session || stats->silent);
}

static void judge(struct timer *timer, uint64_t now_ns)
{
	struct peer *peer = CONTAINER_OF(timer, struct peer, failing_timer);
	struct engine *e = peer_device(peer)->engine;
	struct wg_peer_stats stats;

	wg_peer_stats(peer->wg, &stats, now_ns);
	if (!owes_answer(&stats) ||
	    peer->way.state != WAY_OK) /* a loop is a mistake in the files (R2) */
		return;
	set_failing(peer, true, now_ns);
	if (!timer_armed(&e->retry_timer))
		timerq_arm(&e->timers, &e->retry_timer, now_ns + STANDBY_RETRY_NS);
}

/* What an unusable peer has lost. */
enum loss {
	LOST_NOTHING,
	LOST_TURN,   /* it stands by, and could not take over */
	LOST_PREFIX, /* another device has taken over a prefix of it */
};

static enum loss loss_of(const struct way_peer *p)
{
	enum loss loss = LOST_NOTHING;

	for (const struct union_entry *u = p->unusable ? p->device->entries : NULL; u;
	     u = u->device_next) {
		const struct way_device *active = u->node->active->device;

		if (u->peer != p || active == p->device)
			continue;
		if (u == u->node->first || (union_stands_by(u->node, p->device) &&
		                            active->rank > p->device->rank))
			return LOST_PREFIX;
		if (union_stands_by(u->node, p->device))
			loss = LOST_TURN;
	}
	return loss;
}

/* Returns the peer that fails on the way of this one, which may be this one itself. */
static struct peer *culprit(struct way_peer *p)
{
	while (p && !peer_of_way(p)->failing)
		p = p->state == WAY_OK ? p->next : NULL;
	return p ? peer_of_way(p) : NULL;
}

/* A peer that had to wait, but for which nobody stands in any more, doesn't wait. */
static void end_needless_waits(struct engine *e, uint64_t now_ns)
{
	for (struct device *d = e->devices.first; d; d = device_list_next(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling) {
			struct peer *peer = peer_of_way(p);

			if (peer->failures.answered && !peer->failures.stood_in)
				set_failing(peer, false, now_ns);
		}
	}
}

/* A peer without a standby is tried when there is something to send, as always. A peer
 * that gets no packets any more because of its standby has to be tried from here, or we
 * would never find out that it works again. One that has to wait is not tried before its
 * time, so that it must answer then. */
static void retry(struct timer *timer, uint64_t now_ns)
{
	struct engine *e = CONTAINER_OF(timer, struct engine, retry_timer);
	bool again = false;

	for (struct device *d = e->devices.first; d; d = device_list_next(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling) {
			struct peer *failing =
				loss_of(p) != LOST_NOTHING ? culprit(p) : NULL;

			if (!failing)
				continue;
			if (!has_to_wait(failing, now_ns))
				wg_peer_try_handshake(failing->wg, now_ns);
			again = true;
		}
	}
	end_needless_waits(e, now_ns);
	if (again)
		timerq_arm(&e->timers, timer, now_ns + STANDBY_RETRY_NS);
}

void standby_init_engine(struct engine *e)
{
	timer_init(&e->retry_timer, retry);
}

/* This runs shortly before the next initiation, which is delayed by up to a third of a
 * second more (jitter). So the next initiation can go to another address, and there are
 * never two of them on their way at once. */
static void complain(struct timer *timer, uint64_t now_ns)
{
	struct peer *peer = CONTAINER_OF(timer, struct peer, complaint_timer);
	struct device *d = peer_device(peer);
	const struct engine_env *env = &d->engine->env;
	struct wg_peer_stats stats;

	wg_peer_stats(peer->wg, &stats, now_ns);
	if (env->unanswered && owes_answer(&stats))
		env->unanswered(env->context, d, peer->wg, &peer->tried);
}

void standby_init_peer(struct peer *peer)
{
	timer_init(&peer->failing_timer, judge);
	timer_init(&peer->complaint_timer, complain);
}

void standby_clear_peer(struct peer *peer)
{
	struct engine *e = peer_device(peer)->engine;

	timerq_disarm(&e->timers, &peer->failing_timer);
	timerq_disarm(&e->timers, &peer->complaint_timer);
	if (peer->failing)
		e->failing_count--;
	peer->failing = false;
}

static bool is_initiation(const struct packet *message)
{
	return message->len_bytes == sizeof(struct message_initiation) &&
	       message->data[0] == MESSAGE_INITIATION;
}

void standby_messages_sent(struct peer *peer, struct packet *const *messages, size_t n,
                           uint64_t now_ns)
{
	struct wg_peer_stats stats;
	uint64_t due_ns;

	if (n != 1 || !is_initiation(messages[0]))
		return;
	wg_peer_stats(peer->wg, &stats, now_ns);
	if (owes_answer(&stats)) {
		peer->tried = *wg_peer_endpoint(peer->wg);
		timerq_arm(timers_of(peer), &peer->complaint_timer,
		           now_ns + REKEY_TIMEOUT);
	}
	if (peer->failing || timer_armed(&peer->failing_timer))
		return;
	if (!stats.session)
		due_ns = now_ns + STANDBY_UNANSWERED_NS; /* this is the first attempt */
	else if (stats.silent)
		due_ns = now_ns + STANDBY_SILENT_NS;
	else
		return; /* it is only due for a new session */
	timerq_arm(timers_of(peer), &peer->failing_timer, due_ns);
}

void standby_handshake_done(struct peer *peer)
{
	timerq_disarm(timers_of(peer), &peer->failing_timer);
	timerq_disarm(timers_of(peer), &peer->complaint_timer);
	if (has_to_wait(peer, timers_of(peer)->ran_ns))
		peer->failures.answered = true;
	else
		set_failing(peer, false, timers_of(peer)->ran_ns);
}

void standby_peer_failures(const struct peer *peer, uint64_t now_ns, unsigned *in_a_row,
                           uint64_t *wait_ns)
{
	*in_a_row = peer->failing ? peer->failures.in_a_row : 0;
	*wait_ns = peer->failing && has_to_wait(peer, now_ns)
	                   ? peer->failures.wait_until_ns - now_ns
	                   : 0;
}

/* ---- the union's order */

/* Which peer is active depends on the ways, because a carrier may be unusable; and the
 * ways depend on which peer is active. If this doesn't become stable, the last result is
 * as good as any other. */
#define ROUNDS 4

static void each_peer(struct engine *e, void (*fn)(struct peer *peer, bool *any),
                      bool *any)
{
	for (struct device *d = e->devices.first; d; d = device_list_next(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling)
			fn(peer_of_way(p), any);
	}
}

static void forget_dependence(struct peer *peer, bool *any)
{
	(void)any;
	peer->depended_on = false;
}

static void forget(struct peer *peer, bool *any)
{
	*any = *any || peer->way.unusable;
	peer->way.unusable = false;
}

static void note_way(struct peer *peer, bool *any)
{
	(void)any;
	peer->has_way = peer->way.state == WAY_OK;
}

static void start_with_failing(struct peer *peer, bool *any)
{
	(void)any;
	peer->way.unusable = peer->failing;
}

static void spread(struct peer *peer, bool *any)
{
	struct way_peer *p = &peer->way;
	bool now = peer->failing || (p->state == WAY_OK && p->next && p->next->unusable);

	*any = *any || now != p->unusable;
	p->unusable = now;
}

static void find_broken(struct peer *peer, bool *any)
{
	*any = *any || (peer->has_way && peer->way.state != WAY_OK);
}

static void note_stood_in(struct peer *peer, bool *any)
{
	struct peer *failing =
		loss_of(&peer->way) == LOST_PREFIX ? culprit(&peer->way) : NULL;

	(void)any;
	if (failing)
		failing->failures.stood_in = true;
}

static void forget_stood_in(struct peer *peer, bool *any)
{
	(void)any;
	peer->failures.stood_in = false;
}

/* In one round another peer may carry than in the last one. All of them are noted,
 * because each decides about the result. */
static void note_dependence(struct peer *peer, bool *any)
{
	(void)any;
	if (peer->way.next)
		peer_of_way(peer->way.next)->depended_on = true;
	if (peer->way.passed_over)
		peer->depended_on = true;
}

static void ways_anew(struct engine *e, bool choose)
{
	if (choose)
		union_choose(&e->table);
	way_compute(&e->table, &e->devices.first->way);
	each_peer(e, note_dependence, NULL);
}

/* A way has at most WAY_MAX peers, so this number of rounds reaches the end of each
 * way. */
static bool spread_all(struct engine *e)
{
	bool any = false, changed = true;

	for (int round = 0; changed && round < WAY_MAX; round++) {
		changed = false;
		each_peer(e, spread, &changed);
		any = any || changed;
	}
	return any;
}

void standby_arrange(struct engine *e)
{
	bool any = false, broken = false, stable = false;

	if (!e->devices.first)
		return;
	each_peer(e, forget_dependence, NULL);
	each_peer(e, forget, &any);
	ways_anew(e, any);
	if (e->failing_count == 0)
		return;
	if (!timer_armed(&e->retry_timer)) /* a peer may be displaced from now on */
		timerq_arm(&e->timers, &e->retry_timer,
		           e->timers.ran_ns + STANDBY_RETRY_NS);
	each_peer(e, note_way, &any);
	each_peer(e, start_with_failing, &any);
	for (int round = 0; round < ROUNDS && !stable; round++) {
		ways_anew(e, true);
		stable = !spread_all(e);
	}
	if (!stable)
		ways_anew(e, true);
	each_peer(e, find_broken, &broken);
	if (broken) {
		each_peer(e, forget, &any);
		ways_anew(e, true);
	}
	each_peer(e, forget_stood_in, &any);
	each_peer(e, note_stood_in, &any);
}
