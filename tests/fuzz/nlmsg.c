/* tests/fuzz/nlmsg.c - rtnetlink answers: any bytes are read as a datagram from the
 * kernel. What is understood is written and read again, and must be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/nlmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_item(const struct netlink_item *item)
{
	char before[NETLINK_ITEM_STRLEN], after[NETLINK_ITEM_STRLEN];
	uint8_t buffer[512];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };
	struct netlink_item again;
	struct reader r;
	struct nlmsg m;

	nlmsg_put_item(&w, NLMSG_ADD, item, 7);
	r = reader_of(buffer, w.len_bytes);
	if (w.full || !nlmsg_next(&r, &m) || m.seq != 7 || !nlmsg_read_item(&m, &again))
		abort();
	if (strcmp(netlink_item_format(item, before),
	           netlink_item_format(&again, after)) != 0)
		abort();
}

/* Checks every byte of a text that goes to a terminal. */
static void check_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	if (len == size)
		abort();
	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	char text[NLMSG_TEXT_MAX];
	struct netlink_item item;
	struct netlink_link link;
	struct nlmsg m;
	int error;

	while (nlmsg_next(&r, &m)) {
		if (nlmsg_read_item(&m, &item))
			check_item(&item);
		if (nlmsg_read_link(&m, &link))
			check_text(link.name, sizeof(link.name));
		if (nlmsg_read_ack(&m, &error, text))
			check_text(text, sizeof(text));
	}
	return 0;
}
