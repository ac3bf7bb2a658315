/* src/base/new_file.c */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, const uint8_t *bytes, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, bytes, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

/* A user who isn't root can't give files away. If the owner can't be kept, nobody but us has
 * rights: the group would be another one. */
static int keep_owner(int fd, const struct stat *like)
{
	mode_t mode = like->st_mode & 0777;

	if (fchown(fd, like->st_uid, like->st_gid) < 0)
		mode &= 0700;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int fill(int fd, const struct new_file *f, struct stat *st)
{
	int err = write_all(fd, f->bytes, f->size);

	if (!err && f->like)
		err = keep_owner(fd, f->like);
	if (!err && (fsync(fd) < 0 || (st && fstat(fd, st) < 0)))
		err = -errno;
	return err;
}

int new_file_replace(const struct new_file *f, struct stat *st)
{
	int fd, err;

	if (unlinkat(f->folder, f->temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(f->folder, f->temporary,
	            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = fill(fd, f, st);
	close(fd);
	if (!err && renameat(f->folder, f->temporary, f->folder, f->name) < 0)
		err = -errno;
	if (err)
		(void)unlinkat(f->folder, f->temporary, 0);
	return err;
}
