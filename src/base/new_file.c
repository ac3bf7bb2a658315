/* src/base/new_file.c */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
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
	return fsync(fd) < 0 ? -errno : 0;
}

int new_file_write(int folder, const char *name, const void *bytes, size_t n,
                   struct stat *st)
{
	int fd, err;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	            0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, n);
	if (!err && st && fstat(fd, st) < 0)
		err = -errno;
	close(fd);
	return err;
}
