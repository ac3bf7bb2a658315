/* src/io/tun.c - one packet per read and write. */
#include "io/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct tun {
	struct tun_link link; /* first member */
	int fd;
	struct buffers *buffers; /* borrowed */
};

static size_t tun_write(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct tun *t = CONTAINER_OF(link, struct tun, link);
	size_t i = 0;

	while (i < n) {
		if (write(t->fd, packets[i]->data, packets[i]->len_bytes) >= 0)
			i++;
		else if (errno != EINTR)
			break;
	}
	return i;
}

int tun_new(struct tun **out, int fd, struct buffers *buffers)
{
	struct tun *t = calloc(1, sizeof(*t));
	int flags = fcntl(fd, F_GETFL);
	int err = -ENOMEM;

	*out = NULL;
	if (t && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
		*t = (struct tun){ .link.write = tun_write,
			           .fd = fd,
			           .buffers = buffers };
		*out = t;
		return 0;
	}
	if (t)
		err = -errno;
	free(t);
	close(fd);
	return err;
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

int tun_fd(const struct tun *t)
{
	return t->fd;
}

struct tun_link *tun_as_link(struct tun *t)
{
	return &t->link;
}

int tun_read(struct tun *t, struct packet ***packets)
{
	struct buffers *b = t->buffers;
	int n = 0;

	while (n < BATCH_MAX) {
		uint8_t *data = buffers_slot(b, (size_t)n) + PACKET_HEADROOM_BYTES;
		ssize_t got = read(t->fd, data, PACKET_MAX_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != EAGAIN && n == 0)
			return -errno;
		if (got <= 0)
			break;
		b->packets[n] = (struct packet){
			.data = data,
			.len_bytes = (uint32_t)got,
			.headroom_bytes = PACKET_HEADROOM_BYTES,
			.tailroom_bytes =
				PACKET_MAX_BYTES - (uint32_t)got + PACKET_TAILROOM_BYTES,
		};
		b->order[n] = &b->packets[n];
		n++;
	}
	*packets = b->order;
	return n;
}
