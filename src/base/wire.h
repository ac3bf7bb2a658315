/* src/base/wire.h - how are integers laid out on the wire?
 *
 * A wire struct is made only of these types and of byte arrays. So it has no padding and
 * may have any alignment, and nobody can forget its byte order: every access names it. */
#ifndef TUNION_BASE_WIRE_H
#define TUNION_BASE_WIRE_H

#include <stdint.h>

struct le32 {
	uint8_t b[4];
};
struct le64 {
	uint8_t b[8];
};
struct be16 {
	uint8_t b[2];
};
struct be32 {
	uint8_t b[4];
};
struct be64 {
	uint8_t b[8];
};

static inline uint32_t le32_get(struct le32 v)
{
	return (uint32_t)v.b[0] | (uint32_t)v.b[1] << 8 | (uint32_t)v.b[2] << 16 |
	       (uint32_t)v.b[3] << 24;
}

static inline struct le32 le32_put(uint32_t v)
{
	return (struct le32){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
		                (uint8_t)(v >> 24) } };
}

static inline uint64_t le64_get(struct le64 v)
{
	uint64_t r = 0;

	for (int i = 7; i >= 0; i--)
		r = r << 8 | v.b[i];
	return r;
}

static inline struct le64 le64_put(uint64_t v)
{
	struct le64 r;

	for (int i = 0; i < 8; i++)
		r.b[i] = (uint8_t)(v >> 8 * i);
	return r;
}

static inline uint16_t be16_get(struct be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline struct be16 be16_put(uint16_t v)
{
	return (struct be16){ { (uint8_t)(v >> 8), (uint8_t)v } };
}

static inline uint32_t be32_get(struct be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 |
	       (uint32_t)v.b[3];
}

static inline struct be32 be32_put(uint32_t v)
{
	return (struct be32){ { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		                (uint8_t)v } };
}

static inline struct be64 be64_put(uint64_t v)
{
	struct be64 r;

	for (int i = 0; i < 8; i++)
		r.b[i] = (uint8_t)(v >> 8 * (7 - i));
	return r;
}

#endif
