/* src/wg/intake.c - two rings of messages, allocated once. A ring that has become empty
 * begins at its first slot again, so that only as many slots are touched, and cost memory,
 * as messages have waited at the same time. */
#include "wg/intake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wg/source_limit.h"

#define TOKEN_NS (NS_PER_SEC / INTAKE_UNPROVEN_PER_SEC)

struct ring {
	struct intake_message *slots; /* owned */
	size_t max, first, count;
};

struct intake {
	struct ring rings[INTAKE_QUEUES];
	enum intake_queue turn; /* where the next one is taken from */
	uint64_t load_until_ns; /* CLOCK_BOOTTIME; 0: never was under load */
	/* Under load each message without a proof takes a token out of one bucket, which is
	 * full again at this time (CLOCK_BOOTTIME). */
	uint64_t tokens_full_ns;
	struct source_limit *limit;
	struct timerq *timers; /* borrowed */
	struct timer timer;
	void (*slice)(struct intake *in, uint64_t now_ns);
	bool in_slice;
	size_t data; /* packets since the last slice */
};

static void fire(struct timer *timer, uint64_t now_ns)
{
	struct intake *in = CONTAINER_OF(timer, struct intake, timer);

	in->slice(in, now_ns);
}

int intake_new(struct intake **out, const struct rng *rng, struct timerq *timers,
               void (*slice)(struct intake *in, uint64_t now_ns))
{
	static const size_t max[INTAKE_QUEUES] = { [INTAKE_UNPROVEN] =
		                                           INTAKE_UNPROVEN_MAX,
		                                   [INTAKE_PROVEN] = INTAKE_PROVEN_MAX };
	struct intake *in = calloc(1, sizeof(*in));
	int err;

	*out = NULL;
	if (!in)
		return -ENOMEM;
	in->timers = timers;
	in->slice = slice;
	timer_init(&in->timer, fire);
	err = source_limit_new(&in->limit, rng);
	for (size_t q = 0; q < INTAKE_QUEUES && !err; q++) {
		in->rings[q].max = max[q];
		in->rings[q].slots = calloc(max[q], sizeof(*in->rings[q].slots));
		err = in->rings[q].slots ? 0 : -ENOMEM;
	}
	if (err)
		intake_free(in);
	else
		*out = in;
	return err;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	timerq_disarm(in->timers, &in->timer);
	for (size_t q = 0; q < INTAKE_QUEUES; q++)
		free(in->rings[q].slots);
	source_limit_free(in->limit);
	free(in);
}

static struct intake_message *slot(const struct ring *r, size_t i)
{
	return &r->slots[(r->first + i) % r->max];
}

/* ---- load */

static enum intake_queue other(enum intake_queue queue)
{
	return queue == INTAKE_PROVEN ? INTAKE_UNPROVEN : INTAKE_PROVEN;
}

static size_t waiting(const struct intake *in)
{
	return in->rings[INTAKE_UNPROVEN].count + in->rings[INTAKE_PROVEN].count;
}

bool intake_under_load(const struct intake *in, uint64_t now_ns)
{
	return now_ns < in->load_until_ns;
}

bool intake_allow(struct intake *in, const struct ip_addr *source, uint64_t now_ns)
{
	return source_limit_allow(in->limit, source, now_ns);
}

static bool has_token(const struct intake *in, uint64_t now_ns)
{
	return in->tokens_full_ns <= now_ns + (INTAKE_UNPROVEN_BURST - 1) * TOKEN_NS;
}

/* Where there are no more tokens, messages are refused: this is load, however few wait. */
static void take_token(struct intake *in, uint64_t now_ns)
{
	if (in->tokens_full_ns < now_ns)
		in->tokens_full_ns = now_ns;
	in->tokens_full_ns += TOKEN_NS;
	if (!has_token(in, now_ns))
		in->load_until_ns = now_ns + INTAKE_LOAD_MEMORY;
}

/* ---- in and out */

static void forget_in(struct ring *r, const struct wg_device *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (slot(r, i)->device == d)
			continue;
		if (kept != i)
			*slot(r, kept) = *slot(r, i);
		kept++;
	}
	r->count = kept;
}

void intake_forget(struct intake *in, const struct wg_device *d)
{
	for (size_t q = 0; q < INTAKE_QUEUES; q++)
		forget_in(&in->rings[q], d);
	if (waiting(in) == 0)
		timerq_disarm(in->timers, &in->timer);
}

bool intake_is_full(const struct intake *in, uint64_t now_ns)
{
	const struct ring *r = &in->rings[INTAKE_UNPROVEN];

	return r->count == r->max ||
	       (intake_under_load(in, now_ns) && !has_token(in, now_ns));
}

enum drop intake_put(struct intake *in, enum intake_queue queue, struct wg_device *d,
                     const struct packet *message, uint64_t now_ns)
{
	struct ring *r = &in->rings[queue];
	struct intake_message *m;

	assert(message->len_bytes <= sizeof(m->bytes));
	if (waiting(in) + 1 >= INTAKE_LOAD)
		in->load_until_ns = now_ns + INTAKE_LOAD_MEMORY;
	if (queue == INTAKE_PROVEN ? r->count == r->max : intake_is_full(in, now_ns))
		return DROP_UNDER_LOAD;
	if (queue == INTAKE_UNPROVEN && intake_under_load(in, now_ns))
		take_token(in, now_ns);
	m = slot(r, r->count++);
	m->device = d;
	m->queue = queue;
	m->from = message->from ? *message->from : (struct endpoint){ 0 };
	m->len_bytes = message->len_bytes;
	memcpy(m->bytes, message->data, message->len_bytes);
	return DROP_NONE;
}

void intake_note_data(struct intake *in, size_t n)
{
	in->data += n;
}

bool intake_busy(const struct intake *in)
{
	return in->data >= INTAKE_BUSY;
}

bool intake_begin(struct intake *in)
{
	if (in->in_slice)
		return false;
	in->in_slice = true;
	return true;
}

bool intake_take(struct intake *in, struct intake_message *out)
{
	struct ring *r = &in->rings[in->turn];

	if (waiting(in) == 0)
		return false;
	if (r->count == 0)
		r = &in->rings[other(in->turn)];
	*out = *slot(r, 0);
	r->first = --r->count == 0 ? 0 : (r->first + 1) % r->max;
	in->turn = other(out->queue);
	return true;
}

void intake_end(struct intake *in, uint64_t now_ns)
{
	in->in_slice = false;
	in->data = 0;
	if (waiting(in) > 0)
		timerq_arm(in->timers, &in->timer, now_ns);
}

bool intake_left_over(const struct intake *in)
{
	return timer_armed(&in->timer);
}
