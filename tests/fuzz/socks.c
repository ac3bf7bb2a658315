/* tests/fuzz/socks.c - any bytes as a client of SOCKS: in one piece and byte by byte they
 * must mean the same. The first byte says whether users are asked for; then the same bytes
 * are read as a datagram. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define ANSWERS_MAX 64

struct outcome {
	enum socks_step step;
	size_t taken, answers_n;
	uint8_t answers[ANSWERS_MAX];
	struct destination destination;
};

static struct users *make_users(void)
{
	char text[] = "me:secret\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct users *users = NULL;

	if (!in || users_read(&users, in, "users", &diag))
		abort();
	fclose(in);
	return users;
}

static void talk(struct outcome *o, const struct users *users, const uint8_t *bytes,
                 size_t n, size_t piece)
{
	struct socks s;
	size_t taken;

	memset(o, 0, sizeof(*o));
	socks_init(&s, users);
	while (o->taken < n && (o->step == SOCKS_MORE || o->step == SOCKS_ANSWER)) {
		size_t left = n - o->taken;

		o->step = socks_feed(&s, bytes + o->taken, left < piece ? left : piece,
		                     &taken);
		o->taken += taken;
		if (s.reply_n > sizeof(o->answers) - o->answers_n)
			abort();
		memcpy(o->answers + o->answers_n, s.reply, s.reply_n);
		o->answers_n += s.reply_n;
	}
	if (o->step == SOCKS_REQUEST)
		o->destination = s.destination;
	socks_clear(&s);
}

static void check_destination(const struct destination *d)
{
	char text[DESTINATION_STRLEN];
	struct destination again;

	destination_format(d, text);
	if (!destination_parse(&again, text, strlen(text), 0) ||
	    !destination_equal(d, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct users *users = n > 0 && (bytes[0] & 1) ? make_users() : NULL;
	struct outcome whole, single;
	struct destination d;

	if (n == 0)
		return 0;
	talk(&whole, users, bytes + 1, n - 1, n);
	talk(&single, users, bytes + 1, n - 1, 1);
	users_free(users);
	/* a client that says too much is answered after a smaller piece of it */
	if (whole.step != single.step || whole.taken != single.taken ||
	    whole.answers_n != single.answers_n ||
	    memcmp(whole.answers, single.answers, whole.answers_n) != 0)
		abort();
	if (whole.step == SOCKS_REQUEST && whole.destination.port)
		check_destination(&whole.destination);
	if (socks_udp_read(&d, bytes + 1, n - 1))
		check_destination(&d);
	return 0;
}
