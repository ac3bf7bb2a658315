/* src/inside/insiders.c - a pidfd is readable when its process has ended */
#include "inside/insiders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/process.h"
#include "inside/inside.h"

struct insider {
	struct insider *next;
	struct insiders *all;
	struct loop_source source; /* its fd is owned */
};

static void insider_free(struct insider *one)
{
	loop_remove(one->all->loop, &one->source);
	close(one->source.fd);
	free(one);
}

static void leave(struct insider *one)
{
	struct insider **at = &one->all->first;

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	insider_free(one);
}

static void has_ended(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct insider *one = CONTAINER_OF(source, struct insider, source);
	struct insiders *all = one->all;

	(void)events;
	(void)now_ns;
	leave(one);
	if (!all->first)
		ending_want(all->ending, 0);
}

static int add(struct insiders *i, int pidfd)
{
	struct insider *one = calloc(1, sizeof(*one));
	int err = one ? 0 : -ENOMEM;

	if (!err) {
		one->all = i;
		one->source = (struct loop_source){ pidfd, has_ended };
		err = loop_add(i->loop, &one->source, EPOLLIN);
	}
	if (err) {
		close(pidfd);
		free(one);
		return err;
	}
	one->next = i->first;
	i->first = one;
	return 0;
}

static void mend(const struct insiders *i)
{
	int err = inside_mend(i->fds);

	if (err)
		log_error(
			i->log, NULL,
			"the resolv.conf or nsswitch.conf inside was replaced, and can't be put back: %s",
			strerror(-err));
}

/* If the file below one of these mounts was replaced, the kernel has removed the mount. */
static void mounts_changed(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	(void)now_ns;
	mend(CONTAINER_OF(source, struct insiders, mounts));
}

/* If a link was replaced, the mount is still where it led to. */
static void etc_changed(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	char some[4096];

	(void)events;
	(void)now_ns;
	while (read(source->fd, some, sizeof(some)) > 0)
		;
	mend(CONTAINER_OF(source, struct insiders, etc));
}

/* Without it only what mounts_changed sees is seen. */
static void watch_etc(struct insiders *i)
{
	const uint32_t coming = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	i->etc = (struct loop_source){ fd, etc_changed };
	if (fd >= 0 && inotify_add_watch(fd, "/etc", coming) >= 0 &&
	    loop_add(i->loop, &i->etc, EPOLLIN) == 0)
		return;
	log_warn(i->log, NULL, "changes of /etc/resolv.conf will not be noticed: %s",
	         strerror(errno));
	if (fd >= 0)
		close(fd);
	i->etc.fd = -1;
}

int insiders_start(struct insiders *i, struct loop *loop, int pidfd)
{
	int err;

	i->loop = loop;
	i->mounts = (struct loop_source){ i->fds->mountinfo, mounts_changed };
	err = loop_add(loop, &i->mounts, EPOLLPRI);
	watch_etc(i);
	return err ? err : add(i, pidfd);
}

int insiders_admit(struct insiders *i, int client_fd)
{
	struct handover_fds shown = HANDOVER_NO_FDS;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int pidfd;

	if (!i->fds || !i->loop)
		return -ENOENT;
	if (getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	pidfd = process_pidfd(peer.pid);
	if (pidfd < 0)
		return -errno;
	shown.user = i->fds->user;
	shown.net = i->fds->net;
	shown.mount = i->fds->mount;
	if (handover_give(client_fd, &shown) < 0) {
		close(pidfd);
		return -EIO;
	}
	return add(i, pidfd);
}

void insiders_clear(struct insiders *i)
{
	struct insider *one;

	while ((one = i->first)) {
		i->first = one->next;
		insider_free(one);
	}
	if (!i->loop)
		return;
	loop_remove(i->loop, &i->mounts);
	if (i->etc.fd >= 0) {
		loop_remove(i->loop, &i->etc);
		close(i->etc.fd);
	}
	i->loop = NULL;
}
