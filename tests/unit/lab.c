/* tests/unit/lab.c */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "unit.h"
#include "wg/intake.h"
#include "wg/noise.h"

static void fill(void *context, void *bytes, size_t n)
{
	uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)unit_random(context);
}

static struct endpoint address_of(int device)
{
	struct endpoint e = { .port = 51820 };
	const uint8_t b[4] = { 10, 0, 0, (uint8_t)(device + 1) };

	e.addr = ip_addr_from_bytes(IP_V4, b);
	return e;
}

static void post(struct lab_device *d, const struct endpoint *to, struct wg_peer *peer,
                 const struct packet *packet, uint64_t now_ns)
{
	struct lab *lab = d->lab;
	struct lab_mail *m = &lab->mail[lab->mail_count];

	ck_assert_uint_lt(lab->mail_count, LAB_MAIL);
	ck_assert_uint_le(packet->len_bytes, LAB_BYTES);
	lab->mail_count++;
	*m = (struct lab_mail){ .from = (int)(d - lab->devices),
		                .to = to->addr.b[3] - 1,
		                .sent_to = *to,
		                .sent_from = d->address,
		                .peer = peer,
		                .tos = packet->tos,
		                .at_ns = now_ns,
		                .len_bytes = packet->len_bytes };
	memcpy(m->bytes, packet->data, packet->len_bytes);
	/* The receiver may do that: nothing may count on what is left in the buffer. */
	memset(packet->data - packet->headroom_bytes, 0xdd,
	       packet->headroom_bytes + packet->len_bytes + packet->tailroom_bytes);
}

static void emit(void *context, struct wg_peer *peer, struct packet *const *packets,
                 size_t n, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_ge(packets[i]->headroom_bytes,
		                  PACKET_HEADROOM_BYTES - sizeof(struct message_data));
		post(context, wg_peer_endpoint(peer), peer, packets[i], now_ns);
	}
}

static void emit_to(void *context, const struct endpoint *to, struct packet *packet,
                    uint64_t now_ns)
{
	post(context, to, NULL, packet, now_ns);
}

static void endpoint_changed(void *context, struct wg_peer *peer)
{
	struct lab_device *d = context;

	(void)peer;
	d->endpoint_changes++;
}

static void handshake_done(void *context, struct wg_peer *peer)
{
	struct lab_device *d = context;

	(void)peer;
	d->handshakes++;
}

static void peer_removed(void *context, struct wg_peer *peer)
{
	struct lab_device *d = context;

	(void)peer;
	d->removals++;
}

static uint64_t wall_clock_ns(void *context)
{
	struct lab_device *d = context;

	return d->lab->now_ns + (uint64_t)d->lab->wall_skew_ns;
}

static void set_up_device(struct lab *lab, int i)
{
	struct lab_device *d = &lab->devices[i];
	char name[8] = "dev0";

	name[3] = (char)('0' + i);
	d->lab = lab;
	d->address = address_of(i);
	d->env = (struct wg_env){ .rng = &lab->rng,
		                  .timers = &lab->timers,
		                  .pool = lab->pool,
		                  .secrets = &lab->secrets,
		                  .intake = lab->intake,
		                  .wall_clock_ns = wall_clock_ns,
		                  .callbacks = &lab->callbacks,
		                  .context = d };
	ck_assert_int_eq(wg_device_new(&d->wg, name, &d->env), 0);
	rng_fill(&lab->rng, d->private_key, KEY_BYTES);
	wg_device_set_private_key(d->wg, d->private_key);
}

struct lab *lab_new(uint64_t seed)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	ck_assert_ptr_nonnull(lab);
	lab->now_ns = LAB_START_NS;
	lab->wall_skew_ns = INT64_C(1700000000) * (int64_t)NS_PER_SEC;
	lab->seed = seed;
	lab->rng = (struct rng){ .fill = fill, .context = &lab->seed };
	lab->pool = packet_pool_new(1U << 20);
	ck_assert_int_eq(wg_intake_new(&lab->intake, &lab->rng, &lab->timers), 0);
	lab->callbacks = (struct wg_callbacks){ .emit = emit,
		                                .emit_to = emit_to,
		                                .endpoint_changed = endpoint_changed,
		                                .handshake_done = handshake_done,
		                                .peer_removed = peer_removed };
	for (int i = 0; i < LAB_DEVICES; i++)
		set_up_device(lab, i);
	return lab;
}

void lab_free(struct lab *lab)
{
	for (int i = 0; i < LAB_DEVICES; i++)
		wg_device_free(lab->devices[i].wg);
	intake_free(lab->intake);
	ck_assert_uint_eq(timerq_next_ns(&lab->timers), NEVER_NS);
	packet_pool_free(lab->pool);
	secrets_clear(&lab->secrets);
	free(lab);
}

struct wg_peer *lab_peer_of(const struct lab *lab, int a, int b)
{
	return wg_device_find_peer(lab->devices[a].wg,
	                           wg_device_public_key(lab->devices[b].wg));
}

struct wg_peer *lab_peer(struct lab *lab, int a, int b)
{
	struct endpoint e = address_of(b);
	const uint8_t v4[4] = { 192, 168, (uint8_t)(b + 1), 0 };
	const uint8_t v6[16] = { 0xfd, 0, 0, (uint8_t)(b + 1) };
	struct ip_prefix p4 = { ip_addr_from_bytes(IP_V4, v4), 24 };
	struct ip_prefix p6 = { ip_addr_from_bytes(IP_V6, v6), 32 };
	struct wg_peer *p;

	ck_assert_int_eq(wg_device_add_peer(lab->devices[a].wg,
	                                    wg_device_public_key(lab->devices[b].wg), &p),
	                 0);
	wg_peer_set_endpoint(p, &e);
	ck_assert_int_eq(wg_peer_add_allowed_ip(p, p4), 0);
	ck_assert_int_eq(wg_peer_add_allowed_ip(p, p6), 0);
	return p;
}

void lab_connect(struct lab *lab, int a, int b)
{
	lab_peer(lab, a, b);
	lab_peer(lab, b, a);
	wg_device_start(lab->devices[a].wg, lab->now_ns);
	wg_device_start(lab->devices[b].wg, lab->now_ns);
}

void lab_run_until(struct lab *lab, uint64_t at_ns)
{
	while (timerq_next_ns(&lab->timers) <= at_ns) {
		if (timerq_next_ns(&lab->timers) > lab->now_ns)
			lab->now_ns = timerq_next_ns(&lab->timers);
		timerq_run(&lab->timers, lab->now_ns);
		if (lab->mail_count != 0)
			return;
	}
	lab->now_ns = at_ns;
}

void lab_run_delivering(struct lab *lab, uint64_t at_ns)
{
	lab_deliver_all(lab);
	while (lab->now_ns < at_ns) {
		lab_run_until(lab, at_ns);
		lab_deliver_all(lab);
	}
}

bool lab_take(struct lab *lab, struct lab_mail *out)
{
	if (lab->mail_count == 0)
		return false;
	*out = lab->mail[0];
	lab->mail_count--;
	memmove(&lab->mail[0], &lab->mail[1], lab->mail_count * sizeof(lab->mail[0]));
	return true;
}

void lab_throw_away(struct lab *lab)
{
	lab->mail_count = 0;
}

size_t lab_deliver(struct lab *lab, const struct lab_mail *mail, int to, uint8_t *inner,
                   size_t *inner_bytes)
{
	/* To measure, so that a read behind the end is one for ASan. */
	uint8_t *buffer = malloc(mail->len_bytes ? mail->len_bytes : 1);
	struct packet packet = { .data = buffer,
		                 .len_bytes = (uint32_t)mail->len_bytes,
		                 .tos = mail->tos,
		                 .from = &mail->sent_from };
	struct packet *packets[1] = { &packet };
	size_t n;

	ck_assert_ptr_nonnull(buffer);
	memcpy(buffer, mail->bytes, mail->len_bytes);
	n = wg_device_open(lab->devices[to].wg, packets, 1, lab->now_ns);
	wg_answer_handshakes(lab->intake, lab->now_ns);
	if (n == 1 && inner) {
		memcpy(inner, packet.data, packet.len_bytes);
		*inner_bytes = packet.len_bytes;
	}
	free(buffer);
	return n;
}

size_t lab_deliver_all(struct lab *lab)
{
	struct lab_mail mail;
	size_t n = 0;

	while (lab_take(lab, &mail))
		n += lab_deliver(lab, &mail, mail.to, NULL, NULL);
	return n;
}

void lab_inner(uint8_t *out, size_t len_bytes, int a, int b, uint8_t tos)
{
	struct ipv4_header ip = { .version_ihl = 0x45,
		                  .tos = tos,
		                  .total_len = be16_put((uint16_t)len_bytes),
		                  .ttl = 64,
		                  .protocol = PROTO_UDP,
		                  .src = { 192, 168, (uint8_t)(a + 1), 1 },
		                  .dst = { 192, 168, (uint8_t)(b + 1), 1 } };

	ip.checksum = be16_put(checksum_finish(checksum_add(0, &ip, sizeof(ip))));
	memcpy(out, &ip, sizeof(ip));
	for (size_t i = sizeof(ip); i < len_bytes; i++)
		out[i] = (uint8_t)(i * 7);
}

size_t lab_send(struct lab *lab, int a, int b, size_t len_bytes, uint8_t tos)
{
	uint8_t buffer[PACKET_HEADROOM_BYTES + LAB_BYTES + PACKET_TAILROOM_BYTES];
	struct packet packet = { .data = buffer + PACKET_HEADROOM_BYTES,
		                 .len_bytes = (uint32_t)len_bytes,
		                 .headroom_bytes = PACKET_HEADROOM_BYTES,
		                 .tailroom_bytes = (uint32_t)(LAB_BYTES - len_bytes) +
		                                   PACKET_TAILROOM_BYTES };
	struct packet *packets[1] = { &packet };
	struct wg_peer *peer = lab_peer_of(lab, a, b);
	size_t n;

	lab_inner(packet.data, len_bytes, a, b, tos);
	n = wg_peer_seal(peer, packets, 1, lab->now_ns);
	if (n != 0)
		emit(&lab->devices[a], peer, packets, n, lab->now_ns);
	return n;
}

bool lab_ping(struct lab *lab, int a, int b)
{
	lab_send(lab, a, b, 64, 0);
	return lab_deliver_all(lab) == 1;
}

uint64_t lab_drops(const struct lab *lab, int device, enum drop reason)
{
	return wg_device_drops(lab->devices[device].wg)->by[reason];
}

uint64_t lab_all_drops(const struct lab *lab, int device)
{
	uint64_t n = 0;

	for (int i = 0; i < DROP_COUNT; i++)
		n += lab_drops(lab, device, (enum drop)i);
	return n;
}

enum message_type lab_type(const struct lab_mail *mail)
{
	return message_type_of(mail->bytes, mail->len_bytes);
}

void lab_begin_session(struct lab *lab, int a, int b)
{
	ck_assert(lab_ping(lab, a, b));
	ck_assert(lab_ping(lab, b, a));
}

uint64_t lab_begin_quiet_session(struct lab *lab, int a, int b)
{
	uint64_t begun_ns = lab->now_ns;

	lab_begin_session(lab, a, b);
	lab_run_delivering(lab, begun_ns + 30 * NS_PER_SEC);
	return begun_ns;
}

struct lab_mail lab_expect(struct lab *lab, enum message_type type, int from)
{
	struct lab_mail mail;

	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), type);
	ck_assert_int_eq(mail.from, from);
	return mail;
}

size_t lab_hand_over(struct lab *lab, const struct lab_mail *mail)
{
	return lab_deliver(lab, mail, mail->to, NULL, NULL);
}

void lab_expect_drop(struct lab *lab, const struct lab_mail *mail, enum drop reason)
{
	uint64_t before = lab_drops(lab, mail->to, reason);
	uint64_t all = lab_all_drops(lab, mail->to);

	ck_assert_uint_eq(lab_hand_over(lab, mail), 0);
	ck_assert_uint_eq(lab_drops(lab, mail->to, reason), before + 1);
	ck_assert_uint_eq(lab_all_drops(lab, mail->to), all + 1);
}

struct endpoint lab_elsewhere(uint8_t last, uint16_t port)
{
	struct endpoint e = { .addr = { IP_V4, { 10, 0, 7, last } }, .port = port };

	return e;
}

bool lab_next(struct lab *lab, struct lab_mail *mail, uint64_t until_ns)
{
	if (lab->mail_count == 0)
		lab_run_until(lab, until_ns);
	return lab_take(lab, mail);
}

void lab_expect_at(struct lab *lab, enum message_type type, int from, uint64_t at_ns,
                   uint64_t jitter_ns)
{
	struct lab_mail mail;

	ck_assert_msg(lab_next(lab, &mail, at_ns + jitter_ns), "nothing came");
	ck_assert_int_eq(lab_type(&mail), type);
	ck_assert_int_eq(mail.from, from);
	ck_assert_uint_ge(mail.at_ns, at_ns);
	ck_assert_uint_le(mail.at_ns, at_ns + jitter_ns);
}

void lab_expect_silence(struct lab *lab, uint64_t until_ns)
{
	struct lab_mail mail;

	ck_assert(!lab_next(lab, &mail, until_ns));
	ck_assert_uint_eq(lab->now_ns, until_ns);
}
