/* src/demo/story.h - prints what the demo has seen, and judges it */
#ifndef TUNION_DEMO_STORY_H
#define TUNION_DEMO_STORY_H

#include "demo/probe.h"
#include "demo/show.h"
#include "demo/witness.h"
#include "plan/plan.h"

/* One destination of the client. */
struct story_target {
	enum world_host host;
	const char *address;
	const char *chain; /* that must carry the packets */
	const char *seen;  /* the address of the client that the target must have seen */
	struct probe_ping ping;
	struct probe_transfer transfer;
	int transfer_result;
};

#define STORY_TARGETS 2

extern const struct story_target story_targets[STORY_TARGETS];

void story_opening(const struct show *s);
void story_plan(struct show *s, const struct plan *plan);
void story_target(struct show *s, const struct story_target *t);
/* Judges what the client's uplink carried. */
void story_uplink(struct show *s, struct witness *uplink);
/* Judges what came out of the tunnels at the provider and at home. */
void story_inside(struct show *s, struct witness *provider, struct witness *home);
/* `json` is what `tunion status --json` printed on the client. */
void story_devices(struct show *s, const char *json);

#endif
