/* src/conf/trust.c - follows a path part by part, and follows links itself
 *
 * A folder that only root and we can write is checked first. What is found in it after
 * that was put there by root or by us, and others can't replace it any more. In a sticky
 * folder, others can't replace our files. But if one of our files lies in a folder of
 * theirs, they can move it into the sticky folder. They can't do this with one of our
 * folders, because moving a folder needs the right to write it. So in a sticky folder
 * only a folder is trusted to have been put there by us.
 *
 * Another user may also make us read what only we can read, and look for it in our messages. A
 * link of his may therefore only lead to a file of his, and a file that has several names
 * isn't read in a folder where he could have given it one. */
#include "conf/trust.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* the kernel's limit, too */

struct walk {
	int folder;        /* owned: the folder where we are; -1: none yet */
	uid_t system;      /* the owner of /, who can change everything anyway */
	bool sticky;       /* others can add files to the folder where we are */
	unsigned links;    /* how many links were followed */
	char *rest;        /* owned: the part of the path that is left to follow */
	char at[PATH_MAX]; /* for messages: the path to the place where we are */
	char *others;      /* owned; the first part that others can change */
	bool led;          /* a link of another user was followed */
	uid_t leader;      /* whose link this was */
};

/* Notes a part that others can change. Only the first one is kept, because everything
 * after it may come from them. */
static MUST_CHECK int note(struct walk *w, const char *path, const struct stat *st)
{
	int n;

	if (w->others)
		return 0;
	if (path[0] == '\0')
		path = "/";
	if (st->st_mode & 022)
		n = asprintf(&w->others, "%s has mode %04o", path,
		             (unsigned)st->st_mode & 07777);
	else
		n = asprintf(&w->others, "%s belongs to user %u", path,
		             (unsigned)st->st_uid);
	if (n >= 0)
		return 0;
	w->others = NULL;
	return -ENOMEM;
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Can others change what is in the folder where we are? */
static bool is_open(const struct walk *w)
{
	return w->others || w->sticky;
}

/* These replace what is said of others by the reason why a file isn't read. They return
 * -EPERM, or -ENOMEM. */
static MUST_CHECK int refuse_led(struct walk *w, uid_t owner)
{
	free(w->others);
	if (asprintf(&w->others,
	             "%s is reached by a link of user %u, but belongs to user %u", w->at,
	             (unsigned)w->leader, (unsigned)owner) >= 0)
		return -EPERM;
	w->others = NULL;
	return -ENOMEM;
}

static MUST_CHECK int refuse_names(struct walk *w, const struct stat *file)
{
	free(w->others);
	if (asprintf(
		    &w->others,
		    "%s belongs to user %u and has %u names (hard links), and other users could have made this one",
		    w->at, (unsigned)file->st_uid, (unsigned)file->st_nlink) >= 0)
		return -EPERM;
	w->others = NULL;
	return -ENOMEM;
}

/* Goes to a folder, and takes over its fd. In a user namespace the system's folders, like
 * / itself, belong to a user that the namespace doesn't know. This owner is accepted, but
 * not in a sticky folder, because all unknown users look the same. */
static MUST_CHECK int enter(struct walk *w, int fd, const struct stat *st)
{
	bool known = is_ours(st) || (st->st_uid == w->system && !w->sticky);
	bool open = (st->st_mode & 022) != 0;
	int err = 0;

	if (!known || (open && !(st->st_mode & S_ISVTX)))
		err = note(w, w->at, st);
	w->sticky = open;
	if (w->folder >= 0)
		close(w->folder);
	w->folder = fd;
	return err;
}

static MUST_CHECK int enter_root(struct walk *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	w->at[0] = '\0';
	w->sticky = false;
	w->system = st.st_uid;
	return enter(w, fd, &st);
}

/* Adds a part to `at`. If it doesn't fit, it is only missing in messages. */
static void add_part(struct walk *w, const char *part)
{
	size_t n = strlen(w->at);

	(void)!snprintf(w->at + n, sizeof(w->at) - n, "/%s", part);
}

/* Notes whose link is followed. */
static MUST_CHECK int be_led(struct walk *w, const struct stat *link)
{
	if (!is_open(w) || is_ours(link) || link->st_uid == w->system)
		return 0;
	if (w->led && w->leader != link->st_uid)
		return refuse_led(w, link->st_uid);
	w->led = true;
	w->leader = link->st_uid;
	return 0;
}

/* May others make us read this? A user who isn't root only harms himself by it. */
static MUST_CHECK int check_owner(struct walk *w, const struct stat *file,
                                  const struct stat *folder)
{
	bool open = is_open(w);

	if (w->led && file->st_uid != w->leader)
		return refuse_led(w, file->st_uid);
	if (geteuid() != 0 || !open || file->st_nlink < 2 || S_ISDIR(file->st_mode) ||
	    (file->st_uid == folder->st_uid && !is_ours(folder)))
		return 0;
	return refuse_names(w, file);
}

#define MORE 1 /* there is more of the path to follow */

/* Replaces a link in the folder where we are by its target. */
static MUST_CHECK int follow(struct walk *w, int link)
{
	char target[PATH_MAX], *rest = NULL;
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	struct stat st, of_link;
	int err = 0;

	if (n < 0 || fstat(w->folder, &st) < 0 || fstat(link, &of_link) < 0)
		return -errno;
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (w->sticky)
		err = note(w, w->at, &st);
	if (!err)
		err = be_led(w, &of_link);
	if (err)
		return err;
	if (asprintf(&rest, "%s/%s", target, w->rest) < 0)
		return -ENOMEM;
	free(w->rest);
	w->rest = rest;
	return target[0] == '/' ? enter_root(w) : 0;
}

/* Follows a part that is not the last one. */
static MUST_CHECK int pass(struct walk *w, const char *part)
{
	/* O_DIRECTORY makes an automounter mount what belongs there */
	int fd = openat(w->folder, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int err;

	if (fd < 0 && errno == ENOTDIR)
		fd = openat(w->folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : 0;
	if (!err && S_ISDIR(st.st_mode)) {
		add_part(w, part);
		return enter(w, fd, &st);
	}
	if (!err)
		err = S_ISLNK(st.st_mode) ? follow(w, fd) : -ENOTDIR;
	close(fd);
	return err;
}

/* To open a device can do something by itself, so it must be the leader's, before. */
static MUST_CHECK int check_leader(struct walk *w, const char *part)
{
	struct stat st;

	if (!w->led)
		return 0;
	if (fstatat(w->folder, part, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) || st.st_uid == w->leader)
		return 0;
	add_part(w, part);
	return refuse_led(w, st.st_uid);
}

/* Opens the last part. Returns MORE if it is a link. */
static MUST_CHECK int arrive(struct walk *w, const char *part, struct trust_place *out)
{
	struct stat st, folder;
	int err = check_leader(w, part), fd;

	if (err)
		return err;
	fd = openat(w->folder, part,
	            O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP) {
		fd = openat(w->folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		w->rest[0] = '\0';
		err = follow(w, fd);
		close(fd);
		return err ? err : MORE;
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || fstat(w->folder, &folder) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	err = w->sticky ? note(w, w->at, &folder) : 0;
	add_part(w, part);
	if (!err)
		err = check_owner(w, &st, &folder);
	if (!err && (!is_ours(&st) || (st.st_mode & 022)))
		err = note(w, w->at, &st);
	if (err) {
		close(fd);
		return err;
	}
	out->fd = fd;
	(void)!snprintf(out->name, sizeof(out->name), "%s", part);
	return 0;
}

/* Follows the next part of the path. Returns 0 if it was the last one, MORE, or -errno. */
static MUST_CHECK int step(struct walk *w, struct trust_place *out)
{
	char part[NAME_MAX + 1], *rest = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(rest, "/");
	bool last = rest[n + strspn(rest + n, "/")] == '\0';
	int err;

	if (n == 0)
		return -EISDIR;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(part, rest, n);
	part[n] = '\0';
	memmove(w->rest, rest + n, strlen(rest + n) + 1);
	if (last)
		return arrive(w, part, out);
	if (strcmp(part, ".") == 0)
		return MORE;
	err = pass(w, part);
	return err ? err : MORE;
}

/* A relative path is also followed from the root on. */
static MUST_CHECK int begin(struct walk *w, const char *path)
{
	char *here = path[0] == '/' ? strdup("") : getcwd(NULL, 0);

	if (!here)
		return -errno;
	if (asprintf(&w->rest, "%s/%s", here, path) < 0)
		w->rest = NULL;
	free(here);
	return w->rest ? enter_root(w) : -ENOMEM;
}

/* What is known of others stays. */
static void leave(struct trust_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	if (place->folder >= 0)
		close(place->folder);
	place->fd = place->folder = -1;
}

int trust_find(const char *path, struct trust_place *out)
{
	struct walk w = { .folder = -1 };
	struct stat folder;
	int err = begin(&w, path);

	*out = (struct trust_place){ .fd = -1, .folder = -1 };
	if (!err) {
		assert(w.rest);
		do {
			err = step(&w, out);
		} while (err == MORE);
	}
	free(w.rest);
	if (err && err != -ENOMEM && w.sticky && fstat(w.folder, &folder) == 0 &&
	    note(&w, w.at, &folder) < 0)
		err = -ENOMEM;
	out->folder = w.folder;
	out->others = w.others;
	if (err)
		leave(out);
	return err;
}

void trust_place_clear(struct trust_place *place)
{
	leave(place);
	free(place->others);
	*place = (struct trust_place){ .fd = -1, .folder = -1 };
}

int trust_open(const char *path, struct trust_place *out)
{
	int err = trust_find(path, out);

	/* others could make it fail in order to be followed without being checked */
	if (!err || err == -ENOMEM || out->others)
		return err;
	/* the kernel may still know how to open it: through a link in /proc, or by a
	 * relative path in a folder that has been moved out of sight */
	out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (out->fd < 0)
		return -errno;
	if (asprintf(&out->others, "its path can't be followed (%s)", strerror(-err)) >=
	    0)
		return 0;
	out->others = NULL;
	leave(out);
	return -ENOMEM;
}
