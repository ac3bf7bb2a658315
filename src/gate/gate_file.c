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
#include "base/new_file.h"
#include "conf/load.h"

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

int gate_file_read(struct conf **out, const char *path, struct diag *diag)
{
	struct diag found = { 0 };
	int err = conf_read(out, path, &found);

	diag_copy_errors(diag, &found);
	diag_clear(&found);
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
	if (!err) {
		const struct new_file new = { .folder = folder,
			                      .name = name,
			                      .temporary = temporary,
			                      .bytes = text,
			                      .size = n };

		err = new_file_replace(&new, NULL);
	}
	wipe(text, n);
	return err;
}
