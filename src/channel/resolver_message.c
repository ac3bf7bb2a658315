/* src/channel/resolver_message.c - each message has exactly one form: what is unused is zero */
#include "channel/resolver_message.h"

#include <string.h>

/* Both have `size` bytes. What is too long is cut off. */
static void put_text(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	memset(out, 0, size);
	memcpy(out, text, n < size ? n : size - 1);
}

/* Is it a text of at least one character, and is all behind it zero? */
static bool is_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	if (n == 0 || n == size)
		return false;
	for (size_t i = n; i < size; i++)
		if (text[i] != '\0')
			return false;
	return true;
}

struct resolver_question_wire
resolver_message_put_question(const struct resolver_question *q)
{
	struct resolver_question_wire w = { .id = be32_put(q->id),
		                            .network = q->network };

	put_text(w.name, sizeof(w.name), q->name);
	return w;
}

bool resolver_message_get_question(struct resolver_question *out, const void *bytes,
                                   size_t n)
{
	struct resolver_question_wire w;

	if (n != sizeof(w))
		return false;
	memcpy(&w, bytes, sizeof(w));
	*out = (struct resolver_question){ .id = be32_get(w.id), .network = w.network };
	memcpy(out->name, w.name, sizeof(w.name));
	return w.network <= 1 && is_text(w.name, sizeof(w.name));
}

struct resolver_answer_wire resolver_message_put_answer(const struct resolver_answer *a)
{
	struct resolver_answer_wire w = { .id = be32_put(a->id),
		                          .status = a->status,
		                          .count = (uint8_t)a->count };

	for (size_t i = 0; i < a->count; i++) {
		w.found[i].family = a->found[i].family;
		memcpy(w.found[i].bytes, a->found[i].b, ip_addr_bytes(&a->found[i]));
	}
	return w;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* An unused place has the family IP_NONE, and so no bytes. */
static bool get_address(struct ip_addr *out, uint8_t family,
                        const uint8_t bytes[static 16])
{
	size_t used;

	if (family != IP_NONE && family != IP_V4 && family != IP_V6)
		return false;
	*out = (struct ip_addr){ .family = family };
	used = ip_addr_bytes(out);
	memcpy(out->b, bytes, used);
	return is_zero(bytes + used, 16 - used);
}

bool resolver_message_get_answer(struct resolver_answer *out, const void *bytes, size_t n)
{
	struct resolver_answer_wire w;

	if (n != sizeof(w))
		return false;
	memcpy(&w, bytes, sizeof(w));
	*out = (struct resolver_answer){ .id = be32_get(w.id),
		                         .status = w.status,
		                         .count = w.count };
	if (w.count > RESOLVER_MESSAGE_ADDRESSES || (w.status == 0) != (w.count > 0))
		return false;
	for (size_t i = 0; i < RESOLVER_MESSAGE_ADDRESSES; i++) {
		struct ip_addr *at = &out->found[i];
		bool used = i < w.count;

		if (!get_address(at, w.found[i].family, w.found[i].bytes) ||
		    used != (at->family != IP_NONE) ||
		    (used && ip_addr_is_unspecified(at)))
			return false;
	}
	return true;
}

struct resolver_socket_wire resolver_message_put_socket(const struct resolver_socket *s)
{
	return (struct resolver_socket_wire){ s->network, s->stream, s->server };
}

bool resolver_message_get_socket(struct resolver_socket *out, const void *bytes, size_t n)
{
	struct resolver_socket_wire w;

	if (n != sizeof(w))
		return false;
	memcpy(&w, bytes, sizeof(w));
	*out = (struct resolver_socket){ .network = w.network,
		                         .stream = w.stream,
		                         .server = w.server };
	return w.network <= 1 && w.stream <= 1;
}
