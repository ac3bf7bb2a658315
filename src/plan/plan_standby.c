/* src/plan/plan_standby.c - walks a way as the engine would compute it (engine/standby.c) */
#include "plan/plan_standby.h"

#include "base/attr.h"
#include "plan/way_compute.h"

/* As often as the engine does: a carrier of the standby may be unusable for the same reason,
 * and may have a standby of its own. */
#define ROUNDS 4

/* Those that are unusable because they are carried by one that fails. */
struct victims {
	struct way_peer *v[ROUNDS * WAY_MAX];
	size_t n;
};

enum walk_end {
	WALK_FREE, /* it comes to the network, or ends for a reason that is told elsewhere */
	WALK_FAILED, /* it comes to one that fails */
	WALK_CIRCLE,
};

static void set_unusable(const struct union_node *node, const struct union_entry *until,
                         bool unusable)
{
	for (struct union_entry *e = node->first; e != until; e = e->next) {
		if (e == node->first || union_stands_by(node, e->peer->device))
			e->peer->unusable = unusable;
	}
}

/* If its way doesn't lead to one that fails, it does not change. */
static bool is_concerned(const struct way_peer *p)
{
	while (p->state == WAY_OK && p->next) {
		p = p->next;
		if (p->unusable)
			return true;
	}
	return false;
}

static bool is_among(const struct way_peer *p, struct way_peer *const *list, size_t n)
{
	while (n-- > 0) {
		if (list[n] == p)
			return true;
	}
	return false;
}

/* Who carries it now? Returns whether its way goes on. */
static bool next_of(const struct plan *plan, const struct way_peer *p,
                    struct way_peer **next)
{
	struct way_peer now = *p;

	way_next(&plan->table, &now);
	*next = now.next;
	return now.state == WAY_OK && now.next;
}

/* list has room for WAY_MAX + 1 peers. */
static enum walk_end walk(const struct plan *plan, struct way_peer *from,
                          const struct victims *victims, struct way_peer **list,
                          size_t *n)
{
	struct way_peer *next;

	list[0] = from;
	*n = 1;
	while (*n <= WAY_MAX && next_of(plan, list[*n - 1], &next)) {
		bool again = is_among(next, list, *n);

		list[(*n)++] = next;
		if (again)
			return WALK_CIRCLE;
		if (next->unusable && !is_among(next, victims->v, victims->n))
			return WALK_FAILED;
	}
	return WALK_FREE;
}

/* What is between the first and the last of the list is unusable from now on. Returns whether
 * that is new of one of them. */
static bool spread(struct victims *victims, struct way_peer *const *list, size_t n)
{
	size_t before = victims->n;

	for (size_t i = 1; i + 1 < n; i++) {
		if (list[i]->unusable || victims->n == ARRAY_SIZE(victims->v))
			continue;
		list[i]->unusable = true;
		victims->v[victims->n++] = list[i];
	}
	return victims->n > before;
}

/* The first one on the way whose carrier isn't named by Via. */
static const struct way_device *find_wants(const struct plan_standby *why)
{
	struct way_device *via;

	for (size_t i = 0; i + 1 < why->n; i++) {
		if (way_effective_via(why->way[i], &via) == WAY_VIA_UNION)
			return why->way[i]->device;
	}
	return why->way[0]->device;
}

bool plan_standby_is_stuck(const struct plan *plan, const struct union_node *node,
                           const struct union_entry *standby, struct plan_standby *why)
{
	struct way_peer *list[ARRAY_SIZE(why->way)];
	struct victims victims = { .n = 0 };
	enum walk_end end = WALK_FREE;
	size_t n = 0;

	set_unusable(node, standby, true);
	if (is_concerned(standby->peer)) {
		do
			end = walk(plan, standby->peer, &victims, list, &n);
		while (end == WALK_FAILED && spread(&victims, list, n));
	}
	while (victims.n > 0)
		victims.v[--victims.n]->unusable = false;
	set_unusable(node, standby, false);
	if (end == WALK_FREE)
		return false;
	*why = (struct plan_standby){ .n = n, .circle = end == WALK_CIRCLE };
	for (size_t i = 0; i < n; i++)
		why->way[i] = list[i];
	why->wants = find_wants(why);
	return true;
}
