/* src/supervisor/uapi_ask.c */
#include "supervisor/uapi_ask.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_MAX (64U * 1024 * 1024) /* enough for any number of peers */

/* Doesn't wait, even if nobody accepts. */
static int ask_connect(const char *path, int *fd)
{
	static const char request[] = "get=1\n\n";
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 ||
	    connect(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(*fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/* Adds what has come to the answer. Returns 1 if there may be more, 0 at the end. */
static int read_piece(int fd, const struct uapi_patience *patience, struct outbuf *answer)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = patience->interrupt_fd, .events = POLLIN } };
	int64_t left_ms = patience->end_ms - clock_now_ms();
	char piece[4096];
	ssize_t n;

	if (left_ms <= 0)
		return -ETIMEDOUT;
	(void)poll(p, ARRAY_SIZE(p), (int)left_ms);
	if (p[1].revents && !p[0].revents)
		return -EINTR;
	n = recv(fd, piece, sizeof(piece), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	outbuf_add(answer, piece, (size_t)n);
	sodium_memzero(piece, sizeof(piece));
	if (answer->failed)
		return -ENOMEM;
	return outbuf_bytes(answer) > ANSWER_MAX ? -EMSGSIZE : n > 0;
}

int uapi_ask(const char *path, const struct uapi_patience *patience,
             struct outbuf *answer)
{
	int fd, err = ask_connect(path, &fd), more = 1;

	while (!err && more) {
		const uint8_t *end = answer->bytes + answer->end;

		if (outbuf_bytes(answer) >= 2 && memcmp(end - 2, "\n\n", 2) == 0)
			break;
		more = read_piece(fd, patience, answer);
		if (more < 0)
			err = more;
	}
	outbuf_add(answer, "", 1);
	if (fd >= 0)
		close(fd);
	return err ? err : answer->failed ? -ENOMEM : 0;
}
