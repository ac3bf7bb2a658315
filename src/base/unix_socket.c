/* src/base/unix_socket.c */
#include "base/unix_socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 8

static bool is_abstract(const char *name)
{
	return name[0] == '@';
}

bool unix_name_valid(const char *name)
{
	size_t n = strlen(name);

	return n > (is_abstract(name) ? 1 : 0) &&
	       n < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* Returns how long the address is. */
static socklen_t address_of(struct sockaddr_un *address, const char *name)
{
	size_t n = strlen(name);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, n);
	if (is_abstract(name))
		address->sun_path[0] = '\0';
	else
		n++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static int open_stream(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int unix_connect(const char *name)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd, err = 0;

	if (!unix_name_valid(name))
		return -ENAMETOOLONG;
	len = address_of(&address, name);
	fd = open_stream();
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Somebody may be too busy to accept, and still serve it. */
static bool is_left_over(const char *name)
{
	struct stat st;
	int fd;

	if (is_abstract(name) || lstat(name, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = unix_connect(name);
	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

static int bind_there(int fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t len = address_of(&address, name);
	mode_t before = umask(0177);
	int err = bind(fd, (struct sockaddr *)&address, len) < 0 ? -errno : 0;

	umask(before);
	return err;
}

int unix_listen(const char *name)
{
	int fd, err;

	if (!unix_name_valid(name))
		return -ENAMETOOLONG;
	fd = open_stream();
	if (fd < 0)
		return fd;
	err = bind_there(fd, name);
	if (err == -EADDRINUSE && is_left_over(name) && unlink(name) == 0)
		err = bind_there(fd, name);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

void unix_unlink(const char *name)
{
	if (!is_abstract(name))
		unlink(name);
}

bool unix_peer_is_trusted(const char *name, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !is_abstract(name) ||
	       (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	        (peer.uid == 0 || peer.uid == geteuid()));
}
