/* src/proxy/users.h - who may use the proxy?
 *
 * The list is read once, and stays in memory that is wiped when it is freed. */
#ifndef TUNION_PROXY_USERS_H
#define TUNION_PROXY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"

#define USERS_TEXT_MAX 255 /* bytes of a name or a password, RFC 1929 */
#define USERS_MAX      1000

struct users;

/* Reads lines "USER:PASSWORD"; empty lines and those that begin with '#' are left out.
 * Returns 0, or -errno with every mistake in diag as PATH:LINE. The caller frees *out. */
MUST_CHECK int users_read(struct users **out, FILE *in, const char *path,
                          struct diag *diag);
/* NULL is fine. */
void users_free(struct users *u);

/* How long this takes doesn't depend on what is right of it. */
MUST_CHECK bool users_check(const struct users *u, const void *name, size_t name_n,
                            const void *password, size_t password_n);

/* The value of the header Proxy-Authorization: "Basic " and base64 of "USER:PASSWORD". */
MUST_CHECK bool users_check_basic(const struct users *u, const char *value, size_t n);

#endif
