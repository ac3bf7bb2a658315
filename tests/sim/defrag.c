/* tests/sim/defrag.c */
#include "defrag.h"

#include <string.h>

static bool is_v6(const uint8_t *ip)
{
	return ip[0] >> 4 == 6;
}

bool defrag_is_fragment(const uint8_t *ip)
{
	return is_v6(ip) ? ip[6] == 44 : (ip[6] & 0x3f) != 0 || ip[7] != 0;
}

/* Copies the header that all fragments share, without the fields that differ. */
static size_t whole_header(const uint8_t *ip, uint8_t *out)
{
	memcpy(out, ip, is_v6(ip) ? 40 : 20);
	if (is_v6(ip))
		out[6] = ip[40];
	else
		out[6] = out[7] = 0;
	return is_v6(ip) ? 40 : 20;
}

static void key_of(const uint8_t *ip, uint8_t key[static 40])
{
	memset(key, 0, 40);
	if (is_v6(ip)) {
		memcpy(key, ip + 8, 32);
		memcpy(key + 32, ip + 44, 4);
	} else {
		memcpy(key, ip + 12, 8);
		memcpy(key + 32, ip + 4, 2);
		key[34] = ip[9];
	}
	key[39] = ip[0] >> 4;
}

static struct defrag_slot *slot_of(struct defrag *d, const uint8_t *ip)
{
	struct defrag_slot *s;
	uint8_t key[40];

	key_of(ip, key);
	for (size_t i = 0; i < DEFRAG_SLOTS; i++) {
		if (memcmp(d->slots[i].key, key, sizeof(key)) == 0)
			return &d->slots[i];
	}
	s = &d->slots[d->next++ % DEFRAG_SLOTS];
	memset(s, 0, sizeof(*s));
	memcpy(s->key, key, sizeof(key));
	return s;
}

static bool complete(const struct defrag_slot *s)
{
	for (size_t i = 0; i < (s->end + 7) / 8; i++) {
		if (!s->have[i])
			return false;
	}
	return s->end > 0;
}

static size_t finish(struct defrag_slot *s, const uint8_t *ip, uint8_t *out)
{
	size_t header = whole_header(ip, s->bytes), n = header + s->end;
	size_t field = is_v6(ip) ? s->end : n, at = is_v6(ip) ? 4 : 2;
	uint16_t sum;

	s->bytes[at] = (uint8_t)(field >> 8);
	s->bytes[at + 1] = (uint8_t)field;
	if (!is_v6(ip)) {
		s->bytes[10] = s->bytes[11] = 0;
		sum = craft_sum(s->bytes, 20);
		s->bytes[10] = (uint8_t)(~sum >> 8);
		s->bytes[11] = (uint8_t)~sum;
	}
	memcpy(out, s->bytes, n);
	memset(s, 0, sizeof(*s));
	return n;
}

size_t defrag_add(struct defrag *d, const uint8_t *ip, size_t n, uint8_t *out)
{
	struct defrag_slot *s = slot_of(d, ip);
	size_t at = is_v6(ip) ? 48 : 20, header = is_v6(ip) ? 40 : 20;
	unsigned field = is_v6(ip) ? (unsigned)(ip[42] << 8 | ip[43])
	                           : (unsigned)(ip[6] << 8 | ip[7]);
	size_t offset = is_v6(ip) ? field & 0xfff8 : (field & 0x1fff) * 8;
	bool more = is_v6(ip) ? (field & 1) != 0 : (field & 0x2000) != 0;

	must(n > at && (!more || (n - at) % 8 == 0));
	must(header + offset + n - at <= CRAFT_MAX_BYTES);
	memcpy(s->bytes + header + offset, ip + at, n - at);
	for (size_t i = offset; i < offset + n - at; i += 8)
		s->have[i / 8] = true;
	if (!more)
		s->end = offset + n - at;
	return complete(s) ? finish(s, ip, out) : 0;
}
