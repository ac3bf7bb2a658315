/* src/proxy/users.c - each user is a block of fixed size, so that comparing takes always
 * equally long */
#include "proxy/users.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Lengths first, then the texts, padded with zeroes. */
struct user {
	uint8_t name_n, password_n;
	uint8_t name[USERS_TEXT_MAX], password[USERS_TEXT_MAX];
};

struct users {
	size_t n;
	struct user v[USERS_MAX];
};

static void set(struct user *u, const void *name, size_t name_n, const void *password,
                size_t password_n)
{
	memset(u, 0, sizeof(*u));
	u->name_n = (uint8_t)name_n;
	u->password_n = (uint8_t)password_n;
	memcpy(u->name, name, name_n);
	memcpy(u->password, password, password_n);
}

static int take_line(struct users *u, char *line, const char *path, unsigned number,
                     struct diag *diag)
{
	char *colon;

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	colon = strchr(line, ':');
	if (!colon || colon == line || colon[1] == '\0' ||
	    colon - line > USERS_TEXT_MAX || strlen(colon + 1) > USERS_TEXT_MAX) {
		diag_error(
			diag, path, number,
			"this is no user; expected USER:PASSWORD, each of 1 to 255 bytes");
		return -EINVAL;
	}
	if (u->n == USERS_MAX) {
		diag_error(diag, path, number, "there are more than %d users", USERS_MAX);
		return -EINVAL;
	}
	set(&u->v[u->n++], line, (size_t)(colon - line), colon + 1, strlen(colon + 1));
	return 0;
}

int users_read(struct users **out, FILE *in, const char *path, struct diag *diag)
{
	struct users *u = calloc(1, sizeof(*u));
	char line[2 * USERS_TEXT_MAX + 8];
	int err = u ? 0 : -ENOMEM;
	unsigned number = 0;

	while (u && fgets(line, sizeof(line), in)) {
		int line_err = take_line(u, line, path, ++number, diag);

		err = err ? err : line_err;
	}
	if (!err && u->n == 0) {
		diag_error(diag, path, 0, "has no user; expected lines USER:PASSWORD");
		err = -EINVAL;
	}
	sodium_memzero(line, sizeof(line));
	if (err) {
		users_free(u);
		u = NULL;
	}
	*out = u;
	return err;
}

void users_free(struct users *u)
{
	if (u)
		sodium_memzero(u, sizeof(*u));
	free(u);
}

bool users_check(const struct users *u, const void *name, size_t name_n,
                 const void *password, size_t password_n)
{
	struct user given;
	unsigned found = 0;

	if (name_n > USERS_TEXT_MAX || password_n > USERS_TEXT_MAX)
		return false;
	set(&given, name, name_n, password, password_n);
	for (size_t i = 0; i < u->n; i++)
		found |= sodium_memcmp(&given, &u->v[i], sizeof(given)) == 0;
	sodium_memzero(&given, sizeof(given));
	return found != 0;
}

bool users_check_basic(const struct users *u, const char *value, size_t n)
{
	char text[2 * USERS_TEXT_MAX + 2];
	const char *colon;
	size_t text_n = 0;
	bool ok = false;

	if (n < 6 || strncasecmp(value, "Basic ", 6) != 0)
		return false;
	for (value += 6, n -= 6; n > 0 && *value == ' '; value++, n--)
		;
	if (sodium_base642bin((unsigned char *)text, sizeof(text), value, n, NULL,
	                      &text_n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0) {
		colon = memchr(text, ':', text_n);
		if (colon)
			ok = users_check(u, text, (size_t)(colon - text), colon + 1,
			                 text_n - (size_t)(colon - text) - 1);
	}
	sodium_memzero(text, sizeof(text));
	return ok;
}
