/* src/engine/moves.c */
#include "engine/moves.h"

#include "engine/core.h"

static void tell(struct timer *timer, uint64_t now_ns)
{
	struct engine *e = CONTAINER_OF(timer, struct engine, moves.timer);
	struct peer *peer;

	e->moves.next_ns = now_ns + MOVES_PAUSE_NS;
	while ((peer = e->moves.first)) {
		e->moves.first = peer->next_moved;
		peer->moved = false;
		e->env.endpoint_changed(e->env.context, peer_device(peer), peer->wg);
	}
}

void moves_init(struct engine *e)
{
	timer_init(&e->moves.timer, tell);
}

void moves_note(struct peer *peer)
{
	struct engine *e = peer_device(peer)->engine;

	if (peer->moved || !e->env.endpoint_changed)
		return;
	peer->moved = true;
	peer->next_moved = e->moves.first;
	e->moves.first = peer;
	if (!timer_armed(&e->moves.timer))
		timerq_arm(&e->timers, &e->moves.timer, e->moves.next_ns);
}

void moves_forget(struct peer *peer)
{
	struct peer **at = &peer_device(peer)->engine->moves.first;

	if (!peer->moved)
		return;
	peer->moved = false;
	while (*at != peer)
		at = &(*at)->next_moved;
	*at = peer->next_moved;
}
