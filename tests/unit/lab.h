/* tests/unit/lab.h - a few wg devices for the tests of src/wg. They share one clock, one
 * seeded rng and one timer queue. What they emit is put into an array. */
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
	int from, to;            /* devices; the endpoint is 10.0.0.(to + 1) */
	struct endpoint sent_to; /* as emitted */
	struct endpoint sent_from;
	struct wg_peer *peer; /* of the sender; NULL if it came from emit_to */
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

/* On the heap, from lab_new until lab_free. */
struct lab {
	uint64_t now_ns;
	int64_t wall_skew_ns; /* wall clock minus now_ns */
	uint64_t seed;
	struct rng rng;
	struct timerq timers;
	struct packet_pool *pool;
	struct secrets secrets;
	struct intake *intake;
	struct wg_callbacks callbacks;
	struct lab_device devices[LAB_DEVICES];
	struct lab_mail mail[LAB_MAIL]; /* not yet delivered, in order */
	size_t mail_count;
};

struct lab *lab_new(uint64_t seed);
void lab_free(struct lab *lab);

/* Makes b a peer of device a. Its address is the endpoint; 192.168.(b+1).0/24 and
 * fd00:(b+1)::/32 are allowed. */
struct wg_peer *lab_peer(struct lab *lab, int a, int b);
/* Makes both peers of each other and starts them. */
void lab_connect(struct lab *lab, int a, int b);

/* Moves the clock forward and runs the timers at each deadline on the way. Stops early
 * when a message was emitted. */
void lab_run_until(struct lab *lab, uint64_t at_ns);
/* The same, but it does not stop: each message is delivered. Inner packets are
 * thrown away. */
void lab_run_delivering(struct lab *lab, uint64_t at_ns);

/* Takes the oldest message out of the array; false if there is none. */
bool lab_take(struct lab *lab, struct lab_mail *out);
void lab_throw_away(struct lab *lab);
/* Gives the message to device `to`. Returns the number of inner packets (0 or 1). The
 * bytes of the packet are copied to inner, if that is not NULL, and their number to
 * *inner_bytes. */
size_t lab_deliver(struct lab *lab, const struct lab_mail *mail, int to, uint8_t *inner,
                   size_t *inner_bytes);
/* Delivers all that is in the array, and what results from it. Returns the number of
 * inner packets. */
size_t lab_deliver_all(struct lab *lab);

/* Makes an IPv4 UDP packet of len_bytes (>= 28) from 192.168.(a+1).1 to
 * 192.168.(b+1).1. */
void lab_inner(uint8_t *out, size_t len_bytes, int a, int b, uint8_t tos);
/* Device a seals such a packet for b. What can be sent at once is put into the array. */
size_t lab_send(struct lab *lab, int a, int b, size_t len_bytes, uint8_t tos);
/* Device a sends a packet and everything is delivered. Returns true if b got the
 * packet. */
bool lab_ping(struct lab *lab, int a, int b);

/* Afterwards both can send, and nothing is under way. */
void lab_begin_session(struct lab *lab, int a, int b);
/* The same, and 30 s later, when everything that was owed has been sent. Returns the time
 * at which the session began. */
uint64_t lab_begin_quiet_session(struct lab *lab, int a, int b);
/* Takes out the oldest message, which must have this type and sender. */
struct lab_mail lab_expect(struct lab *lab, enum message_type type, int from);
/* The next message, if one is emitted until then; it is taken out. */
bool lab_next(struct lab *lab, struct lab_mail *mail, uint64_t until_ns);
/* The next message must have this type and sender, and be emitted between at_ns and
 * at_ns + jitter_ns. */
void lab_expect_at(struct lab *lab, enum message_type type, int from, uint64_t at_ns,
                   uint64_t jitter_ns);
/* Nothing may be emitted until then. */
void lab_expect_silence(struct lab *lab, uint64_t until_ns);
/* Calls lab_deliver for the device to which the message was sent. */
size_t lab_hand_over(struct lab *lab, const struct lab_mail *mail);
/* Checks that this device drops the message, and only for this reason. */
void lab_expect_drop(struct lab *lab, const struct lab_mail *mail, enum drop reason);
/* An address that no device has. */
struct endpoint lab_elsewhere(uint8_t last, uint16_t port);

uint64_t lab_drops(const struct lab *lab, int device, enum drop reason);
/* The sum of all reasons. */
uint64_t lab_all_drops(const struct lab *lab, int device);
struct wg_peer *lab_peer_of(const struct lab *lab, int a, int b);
enum message_type lab_type(const struct lab_mail *mail);

#endif
