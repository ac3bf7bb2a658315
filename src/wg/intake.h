/* src/wg/intake.h - which handshake messages wait for their turn, and are there so many
 * that their senders have to show that their addresses are real?
 *
 * A handshake costs as much time as some hundred packets of data, and a stranger can ask
 * for one. So handshake messages are put aside here until the data that came with them is
 * on its way, and are then answered in slices (wg_answer_handshakes). As in the kernel and
 * in wireguard-go, we are under load if too many of them wait, and then for one more
 * second (paper 5.3). There is one intake for all devices of an engine, because one thread
 * works for all of them. */
#ifndef TUNION_WG_INTAKE_H
#define TUNION_WG_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/packet.h"
#include "base/rng.h"
#include "base/timerq.h"
#include "wg/message.h"

struct intake;
struct wg_device;

/* Messages whose mac2 was right when they came have a queue of their own: a flood from
 * forged addresses can't take away its room. */
enum intake_queue {
	INTAKE_UNPROVEN,
	INTAKE_PROVEN,
	INTAKE_QUEUES,
};

#define INTAKE_UNPROVEN_MAX 1024
#define INTAKE_PROVEN_MAX   256
#define INTAKE_LOAD         128        /* under load if so many messages wait */
#define INTAKE_BUSY         32         /* packets of data between two slices */
#define INTAKE_LOAD_MEMORY  NS_PER_SEC /* and so long afterwards */

/* Under load so many messages without a proof are taken, from all sources together, since
 * these may be forged. Each costs a cookie reply, which takes about 8 us; so this is 6 % of
 * a processor. The others are dropped: before anything is computed if they have no mac2 at
 * all, and after three hashes if it is wrong. */
#define INTAKE_UNPROVEN_PER_SEC 8000
#define INTAKE_UNPROVEN_BURST   1024

/* A copy of an initiation or response. */
struct intake_message {
	struct wg_device *device; /* borrowed */
	enum intake_queue queue;
	struct endpoint from; /* addr.family is IP_NONE if it isn't known */
	uint32_t len_bytes;
	uint8_t bytes[sizeof(struct message_initiation)];
};

/* All memory is taken here. `timers` is borrowed; rng is used for this call only. `slice`
 * is called by a timer as long as messages wait after intake_end. 0 or -ENOMEM. */
MUST_CHECK int intake_new(struct intake **out, const struct rng *rng,
                          struct timerq *timers,
                          void (*slice)(struct intake *in, uint64_t now_ns));
/* NULL is fine. */
void intake_free(struct intake *in);
/* Forgets the messages for a device. To be called before it is freed. */
void intake_forget(struct intake *in, const struct wg_device *d);

bool intake_under_load(const struct intake *in, uint64_t now_ns);
/* Under load: does the rate limit of this real address permit one more message? */
bool intake_allow(struct intake *in, const struct ip_addr *source, uint64_t now_ns);

/* Would intake_put refuse a message without a proof now? Then it isn't worth the check of its
 * mac1. */
bool intake_is_full(const struct intake *in, uint64_t now_ns);

/* Copies an initiation or response, which must have passed message_type_of. Returns
 * DROP_NONE, or DROP_UNDER_LOAD if the queue is full, or if too many came without a proof. */
MUST_CHECK enum drop intake_put(struct intake *in, enum intake_queue queue,
                                struct wg_device *d, const struct packet *message,
                                uint64_t now_ns);

/* So many packets of data have been sealed or opened. */
void intake_note_data(struct intake *in, size_t n);
/* Has there been much data since the last slice, so that this one has to be short? */
bool intake_busy(const struct intake *in);

/* A slice is between intake_begin and intake_end. intake_begin returns false inside
 * another slice. */
MUST_CHECK bool intake_begin(struct intake *in);
/* Takes messages from both queues by turns; false if both are empty. */
MUST_CHECK bool intake_take(struct intake *in, struct intake_message *out);
void intake_end(struct intake *in, uint64_t now_ns);
/* Will the timer call `slice`, because some were left over from the last one? */
bool intake_left_over(const struct intake *in);

#endif
