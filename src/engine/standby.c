/* src/engine/standby.c */
#include "engine/standby.h"

#include "engine/settle.h"
#include "wg/message.h"

static struct timerq *timers_of(const struct peer *peer)
{
	return &peer_device(peer)->engine->timers;
}

static void set_failing(struct peer *peer, bool failing)
{
	struct device *d = peer_device(peer);
	struct engine *e = d->engine;
	char key[KEY_SHORT_STRLEN];

	if (peer->failing == failing)
		return;
	peer->failing = failing;
	e->failing_count += failing ? 1 : (size_t)-1;
	settle_standby(e);
	log_info(e->env.log, d->way.name, "peer %s %s",
	         key_short(wg_peer_public_key(peer->wg), key),
	         failing ? "does not answer, standbys take over" : "answers again");
}

static void judge(struct timer *timer, uint64_t now_ns)
{
	struct peer *peer = CONTAINER_OF(timer, struct peer, failing_timer);
	struct engine *e = peer_device(peer)->engine;
	struct wg_peer_stats stats;

	wg_peer_stats(peer->wg, &stats, now_ns);
	if (stats.handshake_unanswered_ns == 0 || (stats.session && !stats.silent))
		return;
	set_failing(peer, true);
	if (!timer_armed(&e->retry_timer))
		timerq_arm(&e->timers, &e->retry_timer, now_ns + STANDBY_RETRY_NS);
}

static void retry(struct timer *timer, uint64_t now_ns)
{
	struct engine *e = CONTAINER_OF(timer, struct engine, retry_timer);

	for (struct device *d = e->first; d && e->failing_count > 0;
	     d = engine_next_device(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling)
			if (peer_of_way(p)->failing)
				wg_peer_try_handshake(peer_of_way(p)->wg, now_ns);
	}
	if (e->failing_count > 0)
		timerq_arm(&e->timers, timer, now_ns + STANDBY_RETRY_NS);
}

void standby_init_engine(struct engine *e)
{
	timer_init(&e->retry_timer, retry);
}

void standby_init_peer(struct peer *peer)
{
	timer_init(&peer->failing_timer, judge);
}

void standby_clear_peer(struct peer *peer)
{
	struct engine *e = peer_device(peer)->engine;

	timerq_disarm(&e->timers, &peer->failing_timer);
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

	if (n != 1 || peer->failing || timer_armed(&peer->failing_timer) ||
	    !is_initiation(messages[0]))
		return;
	wg_peer_stats(peer->wg, &stats, now_ns);
	if (!stats.session)
		due_ns = stats.handshake_unanswered_ns + STANDBY_UNANSWERED_NS;
	else if (stats.silent)
		due_ns = now_ns + STANDBY_SILENT_NS;
	else
		return; /* just time for a new session */
	timerq_arm(timers_of(peer), &peer->failing_timer, due_ns);
}

void standby_handshake_done(struct peer *peer)
{
	timerq_disarm(timers_of(peer), &peer->failing_timer);
	set_failing(peer, false);
}

/* ---- along the ways */

static bool unusable(const struct peer *peer)
{
	const struct way_peer *p = &peer->way;

	return peer->failing || (p->state == WAY_OK && p->next && p->next->unusable);
}

void standby_restart(struct engine *e)
{
	for (struct device *d = e->first; d; d = engine_next_device(d)) {
		for (struct way_peer *p = d->way.peers; p; p = p->sibling)
			p->unusable = peer_of_way(p)->failing;
	}
}

/* A way has at most WAY_MAX peers, so as many rounds see the end of each. */
bool standby_spread(struct engine *e)
{
	bool any = false, changed = true;

	for (int round = 0; changed && round < WAY_MAX; round++) {
		changed = false;
		for (struct device *d = e->first; d; d = engine_next_device(d)) {
			for (struct way_peer *p = d->way.peers; p; p = p->sibling) {
				bool now = unusable(peer_of_way(p));

				changed = changed || now != p->unusable;
				p->unusable = now;
			}
		}
		any = any || changed;
	}
	return any;
}
