/* src/wg/timers.c - five timers for each peer, as in the kernel module
 *
 *   RETRANSMIT_HANDSHAKE  An initiation was sent 5 s (plus up to 333 ms) ago and is not
 *                         answered: another one is sent. After 20 it is given up.
 *   SEND_KEEPALIVE        Data came 10 s ago, and nothing was sent since: an empty packet
 *                         is sent, so that the peer knows that we are there.
 *   NEW_HANDSHAKE         Data was sent 15 s ago, and nothing came since: the session may
 *                         be dead, so a new handshake is started.
 *   ZERO_KEY_MATERIAL     The last session began 540 s ago: its keys are wiped.
 *   PERSISTENT_KEEPALIVE  The interval that the user set has passed without any packet:
 *                         an empty packet is sent.
 *
 * In base/timerq there is only one timer for all five of a peer, and the data path hardly
 * ever touches it. Postponing or cancelling a deadline only writes the new deadline down.
 * When the timer fires it finds nothing due, and is armed again for the next deadline.
 * Only a deadline that is earlier than the timer's arms it anew. */
#include "wg/timers.h"

#include "wg/device.h"
#include "wg/send.h"
#include "wg/state.h"

#define MAX_RETRANSMISSIONS (REKEY_ATTEMPT_TIME / REKEY_TIMEOUT)

static struct timerq *queue_of(const struct wg_peer *p)
{
	return p->device->env->timers;
}

static bool pending(const struct wg_peer *p, enum peer_timer which)
{
	return p->timers.deadline_ns[which] != NEVER_NS;
}

static void set(struct wg_peer *p, enum peer_timer which, uint64_t deadline_ns)
{
	struct peer_timers *t = &p->timers;

	if (!p->device->started)
		return;
	t->deadline_ns[which] = deadline_ns;
	if (deadline_ns < t->timer.deadline_ns)
		timerq_arm(queue_of(p), &t->timer, deadline_ns);
}

static void cancel(struct wg_peer *p, enum peer_timer which)
{
	p->timers.deadline_ns[which] = NEVER_NS;
}

/* ---- what is done when a timer is due */

static void retransmit_handshake(struct wg_peer *p, uint64_t now_ns)
{
	struct peer_timers *t = &p->timers;
	size_t lost;

	if (t->handshake_attempts > MAX_RETRANSMISSIONS) {
		peer_log(p, LOG_LEVEL_DEBUG, "no answer to %u handshakes, giving up",
		         t->handshake_attempts + 1);
		cancel(p, TIMER_SEND_KEEPALIVE);
		p->keepalive_staged = false;
		lost = staged_purge(&p->staged, p->device->env->pool);
		device_drop(p->device, DROP_HANDSHAKE_FAILED, lost);
		/* What is left of a partial exchange gets wiped in time, too. */
		if (!pending(p, TIMER_ZERO_KEY_MATERIAL))
			set(p, TIMER_ZERO_KEY_MATERIAL, now_ns + 3 * REJECT_AFTER_TIME);
		return;
	}
	t->handshake_attempts++;
	peer_log(p, LOG_LEVEL_DEBUG, "handshake not answered, try %u",
	         t->handshake_attempts + 1);
	/* Perhaps our source address is what no longer works. */
	wg_peer_clear_local(p);
	send_initiation_again(p, now_ns);
}

static void send_due_keepalive(struct wg_peer *p, uint64_t now_ns)
{
	send_keepalive(p, now_ns);
	if (p->timers.need_another_keepalive) {
		p->timers.need_another_keepalive = false;
		set(p, TIMER_SEND_KEEPALIVE, now_ns + KEEPALIVE_TIMEOUT);
	}
}

static void new_handshake(struct wg_peer *p, uint64_t now_ns)
{
	uint64_t patience_ns = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;

	peer_log(p, LOG_LEVEL_DEBUG, "nothing heard for 15 s, new handshake");
	if (p->silent_since_ns == 0)
		p->silent_since_ns = now_ns > patience_ns ? now_ns - patience_ns : 1;
	wg_peer_clear_local(p);
	send_initiation(p, now_ns);
}

static void zero_key_material(struct wg_peer *p, uint64_t now_ns)
{
	(void)now_ns;
	peer_log(p, LOG_LEVEL_DEBUG, "no new session for 540 s, wiping keys");
	index_table_remove(&p->device->indices, &p->handshake_index);
	noise_handshake_reset(&p->handshake);
	keypairs_clear(&p->keypairs, &p->device->indices);
}

static void send_persistent_keepalive(struct wg_peer *p, uint64_t now_ns)
{
	if (p->keepalive_s != 0)
		send_keepalive(p, now_ns);
	else
		send_staged(p, now_ns); /* see timers_waiting_soon */
}

static void (*const actions[])(struct wg_peer *p, uint64_t now_ns) = {
	[TIMER_RETRANSMIT_HANDSHAKE] = retransmit_handshake,
	[TIMER_SEND_KEEPALIVE] = send_due_keepalive,
	[TIMER_NEW_HANDSHAKE] = new_handshake,
	[TIMER_ZERO_KEY_MATERIAL] = zero_key_material,
	[TIMER_PERSISTENT_KEEPALIVE] = send_persistent_keepalive,
};
_Static_assert(ARRAY_SIZE(actions) == PEER_TIMER_COUNT, "one action each");

static void fire(struct timer *timer, uint64_t now_ns)
{
	struct wg_peer *p = CONTAINER_OF(timer, struct wg_peer, timers.timer);
	uint64_t *deadline_ns = p->timers.deadline_ns, earliest = NEVER_NS;

	for (int i = 0; i < PEER_TIMER_COUNT; i++) {
		if (deadline_ns[i] > now_ns)
			continue;
		deadline_ns[i] = NEVER_NS;
		actions[i](p, now_ns);
	}
	for (int i = 0; i < PEER_TIMER_COUNT; i++)
		if (deadline_ns[i] < earliest)
			earliest = deadline_ns[i];
	if (earliest < timer->deadline_ns)
		timerq_arm(queue_of(p), timer, earliest);
}

/* ---- events */

void timers_init(struct wg_peer *p)
{
	p->timers = (struct peer_timers){ 0 };
	timer_init(&p->timers.timer, fire);
	for (int i = 0; i < PEER_TIMER_COUNT; i++)
		p->timers.deadline_ns[i] = NEVER_NS;
}

void timers_stop(struct wg_peer *p)
{
	timerq_disarm(queue_of(p), &p->timers.timer);
	timers_init(p);
}

void timers_data_sent(struct wg_peer *p, uint64_t now_ns)
{
	if (!pending(p, TIMER_NEW_HANDSHAKE))
		set(p, TIMER_NEW_HANDSHAKE,
		    now_ns + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + p->timers.jitter_ns);
}

void timers_data_received(struct wg_peer *p, size_t n, uint64_t now_ns)
{
	if (!pending(p, TIMER_SEND_KEEPALIVE)) {
		set(p, TIMER_SEND_KEEPALIVE, now_ns + KEEPALIVE_TIMEOUT);
		n--;
	}
	if (n > 0)
		p->timers.need_another_keepalive = true;
}

void timers_any_sent(struct wg_peer *p)
{
	cancel(p, TIMER_SEND_KEEPALIVE);
}

void timers_any_received(struct wg_peer *p)
{
	cancel(p, TIMER_NEW_HANDSHAKE);
	p->silent_since_ns = 0;
}

void timers_any_traversal(struct wg_peer *p, uint64_t now_ns)
{
	uint64_t deadline_ns;

	if (p->keepalive_s == 0)
		return;
	/* Rounded down to a whole second. So the keepalives of all devices that fall
	 * within one second go out together, and none later than the user asked for, when
	 * a NAT may already have forgotten us. */
	deadline_ns = now_ns + p->keepalive_s * NS_PER_SEC;
	set(p, TIMER_PERSISTENT_KEEPALIVE, deadline_ns - deadline_ns % NS_PER_SEC);
}

bool timers_handshake_pending(const struct wg_peer *p)
{
	return pending(p, TIMER_RETRANSMIT_HANDSHAKE);
}

void timers_hasten_handshake(struct wg_peer *p)
{
	if (p->next_initiation_ns < p->timers.deadline_ns[TIMER_RETRANSMIT_HANDSHAKE])
		set(p, TIMER_RETRANSMIT_HANDSHAKE, p->next_initiation_ns);
}

/* The jitter is drawn in advance for the data path, which must not draw random numbers
 * itself: that may be a system call. */
static void draw_jitter(struct wg_peer *p)
{
	p->timers.jitter_ns = rng_u32(p->device->env->rng) % REKEY_TIMEOUT_JITTER;
}

void timers_handshake_initiated(struct wg_peer *p, uint64_t now_ns)
{
	draw_jitter(p);
	set(p, TIMER_RETRANSMIT_HANDSHAKE, now_ns + REKEY_TIMEOUT + p->timers.jitter_ns);
}

void timers_handshake_done(struct wg_peer *p)
{
	cancel(p, TIMER_RETRANSMIT_HANDSHAKE);
	p->timers.handshake_attempts = 0;
	p->timers.sent_lastminute_handshake = false;
}

void timers_session_begun(struct wg_peer *p, uint64_t now_ns)
{
	draw_jitter(p);
	set(p, TIMER_ZERO_KEY_MATERIAL, now_ns + 3 * REJECT_AFTER_TIME);
}

void timers_waiting_soon(struct wg_peer *p)
{
	set(p, TIMER_PERSISTENT_KEEPALIVE, 0);
}
