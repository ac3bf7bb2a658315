/* src/gate/gate_file.c - all copies of the text are wiped */
#include "gate/gate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"

#define KEY_LINE "[Interface]\nPrivateKey = "

static void wipe(char *text, size_t n)
{
	if (text)
		sodium_memzero(text, n);
	free(text);
}

/* Returns the whole text, or NULL if out of memory; wipe it. */
static char *assemble(const struct gate_file *file, size_t *n)
{
	char key[KEY_BASE64_CHARS + 1];
	size_t room = strlen(file->remark) + strlen(KEY_LINE) + KEY_BASE64_CHARS +
	              strlen(file->rest) + 2;
	char *text = malloc(room);

	*n = 0;
	if (!text)
		return NULL;
	key_to_base64(key, file->private_key);
	snprintf(text, room, "%s" KEY_LINE "%s\n%s", file->remark, key, file->rest);
	sodium_memzero(key, sizeof(key));
	*n = room - 1;
	return text;
}

/* Reads up to n bytes. Returns how many there were. */
static size_t read_up_to(int fd, char *bytes, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, bytes + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

bool gate_file_is(int folder, const char *name, const struct gate_file *file)
{
	size_t n;
	char *text = assemble(file, &n), *found = malloc(n + 1);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool same = text && found && fd >= 0 && read_up_to(fd, found, n + 1) == n &&
	            sodium_memcmp(found, text, n) == 0;

	if (fd >= 0)
		close(fd);
	wipe(text, n);
	wipe(found, n + 1);
	return same;
}

static int write_all(int fd, const char *bytes, size_t left)
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

static int write_new(int folder, const char *name, const char *text, size_t n)
{
	int fd, err;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	            0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, n);
	close(fd);
	return err;
}

int gate_file_replace(int folder, const char *name, const struct gate_file *file)
{
	char temporary[GATE_FILE_NAME_MAX + 8];
	size_t n;
	char *text = assemble(file, &n);
	int err = text ? 0 : -ENOMEM;

	/* a hidden file is no tunnel file */
	snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
	if (!err)
		err = write_new(folder, temporary, text, n);
	if (!err && renameat(folder, temporary, folder, name) < 0)
		err = -errno;
	if (err)
		(void)unlinkat(folder, temporary, 0);
	wipe(text, n);
	return err;
}
