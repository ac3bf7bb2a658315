/* tests/fuzz/command.c - what can a broken worker send to the supervisor, or the reverse?
 * The first byte is the type of the frame, the rest is its body. If it can be parsed, it
 * is sent as a message, and must arrive with the same meaning. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "channel/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Flags are sent as 0 or 1, and unused bytes of names and addresses as zeroes. So the
 * members are compared, and of the body only the length. */
static void check_sent(const struct command *m, size_t n)
{
	struct channel a, b;
	struct frame frame;
	struct command again;
	int fds[2];

	if (channel_pair(fds) < 0 || channel_init(&a, fds[0]) != 0 ||
	    channel_init(&b, fds[1]) != 0)
		abort();
	if (command_send(&a, m) != 0 || channel_write(&a) != 0 ||
	    channel_next(&b, &frame) != 1)
		abort();
	if (frame.type != m->type || frame.body_bytes != n ||
	    !command_parse(&again, &frame))
		abort();
	if (strcmp(again.name, m->name) != 0 ||
	    strcmp(again.via_name, m->via_name) != 0 ||
	    again.text_bytes != m->text_bytes ||
	    again.address_count != m->address_count ||
	    again.server_count != m->server_count || again.result != m->result ||
	    again.port != m->port || again.mark != m->mark || again.via != m->via ||
	    again.settings.table_off != m->settings.table_off ||
	    again.settings.own_tun != m->settings.own_tun ||
	    !endpoint_equal(&again.endpoint, &m->endpoint))
		abort();
	for (size_t i = 0; i < m->address_count; i++)
		if (!ip_addr_equal(&again.addresses[i], &m->addresses[i]))
			abort();
	command_clear(&again);
	channel_clear(&a);
	channel_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t body[4096];
	struct frame frame = { .body = body };
	struct command m;

	if (n == 0 || n > sizeof(body))
		return 0;
	frame.type = bytes[0];
	frame.body_bytes = n - 1;
	memcpy(body, bytes + 1, n - 1);
	if (command_parse(&m, &frame)) {
		check_sent(&m, n - 1);
		command_clear(&m);
	}
	return 0;
}
