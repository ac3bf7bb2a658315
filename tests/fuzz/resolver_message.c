/* tests/fuzz/resolver_message.c - what a resolver that was taken over says: the first byte is the
 * type, the rest is the message, with zeros behind it or cut off to its size, or as it is. What
 * is understood is written again, and must be the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "channel/resolver_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must_equal(const void *a, const void *b, size_t n)
{
	if (memcmp(a, b, n) != 0)
		abort();
}

static void check_answer(const uint8_t *bytes, size_t n)
{
	struct resolver_answer a;
	struct resolver_answer_wire w;

	if (!resolver_message_get_answer(&a, bytes, n))
		return;
	if (a.count > RESOLVER_MESSAGE_ADDRESSES || (a.count > 0) == (a.status > 0))
		abort();
	for (size_t i = 0; i < a.count; i++)
		if (ip_addr_bytes(&a.found[i]) == 0 ||
		    ip_addr_is_unspecified(&a.found[i]))
			abort();
	w = resolver_message_put_answer(&a);
	must_equal(&w, bytes, n);
}

static void check_socket(const uint8_t *bytes, size_t n)
{
	struct resolver_socket s;
	struct resolver_socket_wire w;

	if (!resolver_message_get_socket(&s, bytes, n))
		return;
	w = resolver_message_put_socket(&s);
	must_equal(&w, bytes, n);
}

static void check_question(const uint8_t *bytes, size_t n)
{
	struct resolver_question q;
	struct resolver_question_wire w;

	if (!resolver_message_get_question(&q, bytes, n))
		return;
	w = resolver_message_put_question(&q);
	must_equal(&w, bytes, n);
}

static const struct {
	void (*check)(const uint8_t *bytes, size_t n);
	size_t size;
} kinds[] = {
	{ check_answer, sizeof(struct resolver_answer_wire) },
	{ check_socket, sizeof(struct resolver_socket_wire) },
	{ check_question, sizeof(struct resolver_question_wire) },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t whole[sizeof(struct resolver_answer_wire)] = { 0 };
	size_t kind, size;

	if (n == 0)
		return 0;
	kind = bytes[0] % ARRAY_SIZE(kinds);
	size = kinds[kind].size;
	bytes++;
	n--;
	kinds[kind].check(bytes, n);
	memcpy(whole, bytes, n < size ? n : size);
	kinds[kind].check(whole, size);
	return 0;
}
