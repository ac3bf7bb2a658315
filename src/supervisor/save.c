/* src/supervisor/save.c - keys are only kept in outbufs, which are wiped */
#include "supervisor/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/key.h"
#include "conf/trust.h"

#define ASK_TIMEOUT_S 5
#define ANSWER_MAX    (64U * 1024 * 1024) /* enough for any number of peers */

/* ---- what is taken from the file */

/* Prints a line of any length. */
static void put_line(struct outbuf *o, const char *key, const char *value)
{
	outbuf_print(o, "%s = ", key);
	outbuf_add(o, value, strlen(value));
	outbuf_add(o, "\n", 1);
}

static void put_via(struct outbuf *o, const struct conf_carrier *via)
{
	if (via->kind == CONF_VIA_NETWORK)
		outbuf_print(o, "# tunion: Via = network\n");
	else if (via->kind == CONF_VIA_DEVICE)
		outbuf_print(o, "# tunion: Via = %s\n", via->name);
}

static void put_own_settings(struct outbuf *o, const struct conf *conf)
{
	put_via(o, &conf->via);
	if (conf->metric != 0)
		outbuf_print(o, "# tunion: Metric = %d\n", (int)conf->metric);
	if (conf->source_fix_off)
		outbuf_print(o, "# tunion: SourceFix = off\n");
	if (conf->resolve_off)
		outbuf_print(o, "# tunion: Resolve = off\n");
}

static void put_table(struct outbuf *o, const struct conf *conf)
{
	switch (conf->table.kind) {
	case CONF_TABLE_AUTO:
		break;
	case CONF_TABLE_OFF:
		outbuf_print(o, "Table = off\n");
		break;
	case CONF_TABLE_NUMBER:
		outbuf_print(o, "Table = %u\n", (unsigned)conf->table.number);
		break;
	}
}

/* Prints all on one line, like the Android app. */
static void put_list(struct outbuf *o, const char *key, const struct conf_texts *list)
{
	for (size_t i = 0; i < list->n; i++) {
		outbuf_print(o, "%s%s", i == 0 ? key : "", i == 0 ? " = " : ", ");
		outbuf_add(o, list->v[i].text, strlen(list->v[i].text));
	}
	if (list->n > 0)
		outbuf_add(o, "\n", 1);
}

static void put_interface(struct outbuf *o, const struct conf *conf)
{
	static const char *const hooks[] = {
		[CONF_PRE_UP] = "PreUp",
		[CONF_POST_UP] = "PostUp",
		[CONF_PRE_DOWN] = "PreDown",
		[CONF_POST_DOWN] = "PostDown",
	};
	char text[IP_PREFIX_STRLEN];

	outbuf_print(o, "[Interface]\n");
	put_own_settings(o, conf);
	for (size_t i = 0; i < conf->addresses.n; i++)
		outbuf_print(o, "Address = %s\n",
		             ip_prefix_format(&conf->addresses.v[i].prefix, text));
	for (size_t i = 0; i < conf->dns.servers.n; i++)
		outbuf_print(o, "DNS = %s\n",
		             ip_addr_format(&conf->dns.servers.v[i], text));
	for (size_t i = 0; i < conf->dns.domains.n; i++)
		put_line(o, "DNS", conf->dns.domains.v[i].text);
	if (conf->mtu_bytes != 0)
		outbuf_print(o, "MTU = %u\n", (unsigned)conf->mtu_bytes);
	put_table(o, conf);
	put_list(o, "IncludedApplications", &conf->applications.included);
	put_list(o, "ExcludedApplications", &conf->applications.excluded);
	outbuf_print(o, "SaveConfig = true\n");
	for (size_t kind = 0; kind < CONF_HOOK_COUNT; kind++) {
		for (size_t i = 0; i < conf->hooks[kind].n; i++)
			put_line(o, hooks[kind], conf->hooks[kind].v[i].text);
	}
}

/* ---- what is taken from the device */

/* The state between two lines of the answer. */
struct saving {
	struct outbuf *out;
	const struct conf *conf;
	bool in_allowed_ips; /* the line of AllowedIPs is not complete yet */
};

static void end_allowed_ips(struct saving *s)
{
	if (s->in_allowed_ips)
		outbuf_print(s->out, "\n");
	s->in_allowed_ips = false;
}

/* Prints nothing if the key is all zeroes. */
static bool put_key(struct saving *s, const char *name, const char *hex)
{
	uint8_t key[KEY_BYTES];
	char text[KEY_BASE64_CHARS + 1];
	bool ok = key_from_hex(key, hex, strlen(hex));

	if (ok && !key_is_zero(key)) {
		key_to_base64(text, key);
		outbuf_print(s->out, "%s = %s\n", name, text);
		sodium_memzero(text, sizeof(text));
	}
	sodium_memzero(key, sizeof(key));
	return ok;
}

static bool put_peer(struct saving *s, const char *hex)
{
	uint8_t key[KEY_BYTES];

	outbuf_print(s->out, "\n[Peer]\n");
	if (!key_from_hex(key, hex, strlen(hex)))
		return false;
	for (size_t i = 0; i < s->conf->peer_count; i++) {
		const struct conf_peer *p = &s->conf->peers[i];

		if (memcmp(p->public_key, key, KEY_BYTES) == 0)
			put_via(s->out, &p->via);
	}
	return put_key(s, "PublicKey", hex);
}

/* 0 is the default of all these numbers, so it isn't printed. */
static void put_number(struct saving *s, const char *name, const char *value)
{
	if (strcmp(value, "0") != 0)
		outbuf_print(s->out, "%s = %s\n", name, value);
}

static void put_mark(struct saving *s, const char *value)
{
	unsigned long mark = strtoul(value, NULL, 10);

	if (mark != 0)
		outbuf_print(s->out, "FwMark = 0x%lx\n", mark);
}

static bool put_answer_line(struct saving *s, const char *key, const char *value)
{
	if (strcmp(key, "allowed_ip") == 0) {
		outbuf_print(s->out, "%s%s",
		             s->in_allowed_ips ? ", " : "AllowedIPs = ", value);
		s->in_allowed_ips = true;
		return true;
	}
	end_allowed_ips(s);
	if (strcmp(key, "private_key") == 0)
		return put_key(s, "PrivateKey", value);
	if (strcmp(key, "public_key") == 0)
		return put_peer(s, value);
	if (strcmp(key, "preshared_key") == 0)
		return put_key(s, "PresharedKey", value);
	if (strcmp(key, "listen_port") == 0)
		put_number(s, "ListenPort", value);
	else if (strcmp(key, "fwmark") == 0)
		put_mark(s, value);
	else if (strcmp(key, "persistent_keepalive_interval") == 0)
		put_number(s, "PersistentKeepalive", value);
	else if (strcmp(key, "endpoint") == 0)
		outbuf_print(s->out, "Endpoint = %s\n", value);
	else if (strcmp(key, "errno") == 0)
		return strcmp(value, "0") == 0;
	return true; /* counters and times aren't saved */
}

/* Reads a line key=value, without its newline. */
static bool read_line(struct saving *s, const char *line, size_t n)
{
	char copy[256];
	char *value;
	bool ok;

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, line, n);
	copy[n] = '\0';
	value = strchr(copy, '=');
	if (value)
		*value++ = '\0';
	ok = value && put_answer_line(s, copy, value);
	sodium_memzero(copy, sizeof(copy));
	return ok;
}

int save_text(struct outbuf *out, const struct conf *conf, const char *answer)
{
	struct saving s = { .out = out, .conf = conf };
	bool ok = true;

	put_interface(out, conf);
	while (ok && *answer && *answer != '\n') {
		size_t n = strcspn(answer, "\n");

		ok = read_line(&s, answer, n);
		answer += n + (answer[n] == '\n');
	}
	end_allowed_ips(&s);
	if (out->failed)
		return -ENOMEM;
	return ok && *answer == '\n' ? 0 : -EBADMSG;
}

/* ---- asking and writing */

static int ask_connect(const char *path, int *fd)
{
	const struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* Reads up to the empty line that ends the answer, and adds a NUL. */
static int ask(const char *path, struct outbuf *answer)
{
	static const char request[] = "get=1\n\n";
	char piece[4096];
	ssize_t n = 1;
	int fd, err = ask_connect(path, &fd);

	if (!err && send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		err = -errno;
	while (!err && n > 0) {
		const uint8_t *end = answer->bytes + answer->end;

		if (outbuf_bytes(answer) >= 2 && memcmp(end - 2, "\n\n", 2) == 0)
			break;
		n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0 && errno != EINTR)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n > 0)
			outbuf_add(answer, piece, (size_t)n);
		n = n < 0 ? 1 : n;
		if (answer->failed || outbuf_bytes(answer) > ANSWER_MAX)
			err = -ENOMEM;
	}
	sodium_memzero(piece, sizeof(piece));
	outbuf_add(answer, "", 1);
	if (fd >= 0)
		close(fd);
	return err ? err : answer->failed ? -ENOMEM : 0;
}

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

/* Writes a new file in the folder; st identifies it. */
static int write_new(int folder, const char *name, const struct outbuf *text,
                     struct stat *st)
{
	int fd, err;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	            0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text->bytes + text->first, outbuf_bytes(text));
	if (!err && fstat(fd, st) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Writes a new file next to the old one, and then replaces the old one by it. Uses only
 * descriptors, because the path may lead elsewhere meanwhile. Returns -ESTALE if there is
 * another file now, which others may have written. */
static int replace(struct conf *conf, const struct outbuf *text)
{
	char temporary[sizeof(((struct trust_place *)0)->name) + 8];
	struct trust_place place;
	struct stat st;
	int err = trust_find(conf->path, &place);

	if (err)
		return err;
	snprintf(temporary, sizeof(temporary), "%s.tmp", place.name);
	if (fstat(place.fd, &st) < 0)
		err = -errno;
	else if (place.others &&
	         (st.st_dev != conf->file.device || st.st_ino != conf->file.inode))
		err = -ESTALE;
	if (!err)
		err = write_new(place.folder, temporary, text, &st);
	if (!err && renameat(place.folder, temporary, place.folder, place.name) < 0)
		err = -errno;
	if (!err) {
		conf->file.device = st.st_dev;
		conf->file.inode = st.st_ino;
	} else if (err != -ESTALE) {
		(void)unlinkat(place.folder, temporary, 0);
	}
	trust_place_clear(&place);
	return err;
}

int save_file(struct conf *conf, const char *uapi_socket_path, struct diag *diag)
{
	struct outbuf answer = { 0 }, text = { 0 };
	int err = ask(uapi_socket_path, &answer);

	if (!err)
		err = save_text(&text, conf, (const char *)answer.bytes + answer.first);
	if (!err)
		err = replace(conf, &text);
	if (err == -ESTALE) {
		diag_warning(
			diag, conf->path, 0,
			"SaveConfig: not saved, because it isn't the file that was read, and users other than root and the running one can write there");
		err = 0; /* otherwise they could keep us from going down */
	}
	if (err)
		diag_error(diag, conf->path, 0, "SaveConfig: can't be saved: %s",
		           strerror(-err));
	outbuf_clear(&answer);
	outbuf_clear(&text);
	return err;
}
