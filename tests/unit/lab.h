/* tests/unit/lab.h - a few wg devices on a table, for the tests of src/wg: one clock, one
 * seeded rng, one timer queue, and what they emit laid out in an array */
#ifndef TUNION_UNIT_LAB_H
#define TUNION_UNIT_LAB_H

#include "base/packet.h"
#include "base/secret.h"
#include "base/timerq.h"
#include "wg/device.h"
#include "wg/message.h"

#define LAB_DEVICES 4
#define LAB_MAIL    512
#define LAB_BYTES   2048 /* the largest message */

#define LAB_START_NS (UINT64_C(1000) * NS_PER_SEC)

struct lab_mail {
	int from, to;            /* device; by the endpoint: 10.0.0.(to + 1) */
	struct endpoint sent_to; /* as emitted */
	struct endpoint sent_from;
	struct wg_peer *peer; /* the sender's; NULL: emit_to */
	uint8_t tos;
	uint64_t at_ns;
	size_t len_bytes;
	uint8_t bytes[LAB_BYTES];
};

struct lab_device {
	struct lab *lab;
	struct wg_device *wg;
	struct wg_env env;
	uint8_t private_key[KEY_BYTES];
	struct endpoint address; /* where its datagrams come from */
	int endpoint_changes, handshakes, removals;
};

/* On the heap; lab_new, lab_free. */
struct lab {
	uint64_t now_ns;
	int64_t wall_skew_ns; /* wall clock minus now_ns */
	uint64_t seed;
	struct rng rng;
	struct timerq timers;
	struct packet_pool *pool;
	struct secrets secrets;
	struct wg_callbacks callbacks;
	struct lab_device devices[LAB_DEVICES];
	struct lab_mail mail[LAB_MAIL]; /* not yet delivered, in order */
	size_t mail_count;
};

struct lab *lab_new(uint64_t seed);
void lab_free(struct lab *lab);

/* Device a has b as peer: its address as endpoint, 192.168.(b+1).0/24 and fd00:(b+1)::/32
 * allowed. */
struct wg_peer *lab_peer(struct lab *lab, int a, int b);
/* Both have each other; started. */
void lab_connect(struct lab *lab, int a, int b);

/* Moves the clock on, running timers at each deadline between; stops early when a message
 * was emitted. */
void lab_run_until(struct lab *lab, uint64_t at_ns);
/* Nothing stops it: each message goes to where it is sent. Inner packets are thrown away.
 */
void lab_run_delivering(struct lab *lab, uint64_t at_ns);

/* The oldest message taken out of the array; false: none. */
bool lab_take(struct lab *lab, struct lab_mail *out);
void lab_throw_away(struct lab *lab);
/* Gives the message to device `to`. Returns the inner packets (0 or 1), the bytes of
 * which are copied to inner, if not NULL, and their number to *inner_bytes. */
size_t lab_deliver(struct lab *lab, const struct lab_mail *mail, int to, uint8_t *inner,
                   size_t *inner_bytes);
/* All that is in the array and what comes of it; returns the number of inner packets. */
size_t lab_deliver_all(struct lab *lab);

/* An IPv4 UDP packet of len_bytes (>= 28) from 192.168.(a+1).1 to 192.168.(b+1).1 */
void lab_inner(uint8_t *out, size_t len_bytes, int a, int b, uint8_t tos);
/* Such a packet sealed by a for b; what could be sent at once is in the array. */
size_t lab_send(struct lab *lab, int a, int b, size_t len_bytes, uint8_t tos);
/* a sends, all is delivered; true if b got it. */
bool lab_ping(struct lab *lab, int a, int b);

/* Both can send; nothing is under way. */
void lab_begin_session(struct lab *lab, int a, int b);
/* The oldest message, taken out; it must be there and be this. */
struct lab_mail lab_expect(struct lab *lab, enum message_type type, int from);
/* lab_deliver to whom it is for. */
size_t lab_hand_over(struct lab *lab, const struct lab_mail *mail);
/* Whom it is for drops it for this reason alone. */
void lab_expect_drop(struct lab *lab, const struct lab_mail *mail, enum drop reason);
/* An address that no device has. */
struct endpoint lab_elsewhere(uint8_t last, uint16_t port);

uint64_t lab_drops(const struct lab *lab, int device, enum drop reason);
/* Of all reasons. */
uint64_t lab_all_drops(const struct lab *lab, int device);
struct wg_peer *lab_peer_of(const struct lab *lab, int a, int b);
enum message_type lab_type(const struct lab_mail *mail);

#endif
