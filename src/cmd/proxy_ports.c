/* src/cmd/proxy_ports.c */
#include "cmd/proxy_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rights.h"
#include "cmd/paths.h"
#include "cmd/proxy_holder.h"

#define BACKLOG     512
#define UNIX_PREFIX "unix:"

static struct proxy_port *add(struct proxy_ports *p, const char *word, enum proxy_way way)
{
	struct proxy_port *v = reallocarray(p->v, p->n + 1, sizeof(*v));

	if (!v)
		return NULL;
	p->v = v;
	v[p->n] = (struct proxy_port){ .word = word, .way = way, .fd = -1 };
	return &v[p->n++];
}

bool proxy_ports_have(const struct proxy_ports *p, enum proxy_way way)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].way == way)
			return true;
	}
	return false;
}

bool proxy_ports_at(const struct proxy_ports *p, struct endpoint *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct proxy_port *port = &p->v[i];
		bool any = ip_addr_is_unspecified(&port->at.addr);

		if (port->way != PROXY_ASK || port->path ||
		    !(any || ip_addr_is_loopback(&port->at.addr)))
			continue;
		*out = port->at;
		if (any && port->at.addr.family == IP_V6)
			out->addr.b[15] = 1; /* ::1 */
		else if (any)
			out->addr = (struct ip_addr){ IP_V4, { 127, 0, 0, 1 } };
		return true;
	}
	return false;
}

/* ---- words */

static char *absolute(const char *path)
{
	char **paths = paths_absolute(&path, 1);
	char *one = paths ? strdup(paths[0]) : NULL;

	paths_free(paths);
	return one;
}

static bool take_path(struct proxy_port *port, const char *path)
{
	struct sockaddr_un un;

	port->path = absolute(path);
	if (!port->path) {
		perror("tunion");
		return false;
	}
	if (path[0] != '\0' && strlen(port->path) < sizeof(un.sun_path))
		return true;
	fprintf(stderr, "tunion: --listen %s: expected a path of at most %zu bytes\n",
	        port->word, sizeof(un.sun_path) - 1);
	return false;
}

bool proxy_ports_listen(struct proxy_ports *p, const char *word)
{
	struct proxy_port *port = add(p, word, PROXY_ASK);

	if (!port)
		return false;
	if (strncmp(word, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return take_path(port, word + strlen(UNIX_PREFIX));
	if (endpoint_parse(&port->at, word) && port->at.port != 0)
		return true;
	fprintf(stderr,
	        "tunion: --listen %s is wrong; expected an address and a port such as 127.0.0.1:1080 or [::1]:1080, or unix:PATH\n",
	        word);
	return false;
}

/* Where does the last HOST:PORT of the text begin? NULL: nowhere. */
static const char *find_destination(const char *text, const char *end)
{
	const char *at = end;

	while (at > text && at[-1] != ':') /* the port */
		at--;
	if (at == text)
		return NULL;
	at--;
	if (at > text && at[-1] == ']') {
		while (at > text && *at != '[')
			at--;
	} else {
		while (at > text && at[-1] != ':')
			at--;
	}
	return at > text && at[-1] == ':' ? at : NULL;
}

/* Reads "[ADDRESS:]PORT", which n characters are. */
static bool take_place(struct proxy_port *port, const char *text, size_t n)
{
	char copy[ENDPOINT_STRLEN];

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strchr(copy, ':'))
		return endpoint_parse(&port->at, copy) && port->at.port != 0;
	if (port->way == PROXY_INSIDE)
		port->at.addr = (struct ip_addr){ IP_V4, { 127, 0, 0, 1 } };
	return destination_parse_port(&port->at.port, text, n) && port->at.port != 0;
}

static bool take_forward(struct proxy_port *port, const char *word)
{
	const char *end = word + strlen(word), *slash = strrchr(word, '/'), *to;

	if (slash) {
		port->udp = strcmp(slash, "/udp") == 0;
		if (!port->udp && strcmp(slash, "/tcp") != 0)
			return false;
		end = slash;
	}
	to = find_destination(word, end);
	return to && destination_parse(&port->to, to, (size_t)(end - to), 0) &&
	       take_place(port, word, (size_t)(to - word) - 1);
}

bool proxy_ports_forward(struct proxy_ports *p, const char *word, enum proxy_way way)
{
	struct proxy_port *port = add(p, word, way);

	if (port && take_forward(port, word))
		return true;
	fprintf(stderr,
	        "tunion: -%c %s is wrong; expected [ADDRESS:]PORT:HOST:PORT, and /udp at its end for datagrams\n",
	        way == PROXY_INSIDE ? 'L' : 'R', word);
	return false;
}

/* ---- sockets */

static int bind_and_listen(int fd, const struct sockaddr *sa, socklen_t size, bool udp)
{
	if (bind(fd, sa, size) < 0 || (!udp && listen(fd, BACKLOG) < 0))
		return -errno;
	return 0;
}

/* A socket that nobody listens at any more. */
static bool is_left_over(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	bool refused;

	if (fd < 0 || lstat(un->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	refused = connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 &&
	          errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Only its owner may connect. */
static int open_path(struct proxy_port *port)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t before = umask(077);
	int err;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", port->path);
	port->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = port->fd < 0 ? -errno
	                   : bind_and_listen(port->fd, (const struct sockaddr *)&un,
	                                     sizeof(un), false);
	if (err == -EADDRINUSE && is_left_over(&un) && unlink(un.sun_path) == 0)
		err = bind_and_listen(port->fd, (const struct sockaddr *)&un, sizeof(un),
		                      false);
	umask(before);
	port->made_path = !err;
	return err;
}

/* The address of a device may not be there yet, or again later. */
static int open_at(struct proxy_port *port, struct endpoint at, bool both_families)
{
	struct sockaddr_storage ss;
	socklen_t size = endpoint_to_sockaddr(&at, &ss);
	const int on = 1, only_v6 = !both_families;
	int type = (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;

	port->fd = socket(ss.ss_family, type, 0);
	if (port->fd < 0)
		return -errno;
	if (!port->udp)
		(void)setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (port->way == PROXY_OUTSIDE)
		(void)setsockopt(port->fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (at.addr.family == IP_V6)
		(void)setsockopt(port->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6,
		                 sizeof(only_v6));
	return bind_and_listen(port->fd, (struct sockaddr *)&ss, size, port->udp);
}

static int open_port(struct proxy_port *port)
{
	struct endpoint any = { .addr = { .family = IP_V6 }, .port = port->at.port };
	int err;

	if (port->path)
		return open_path(port);
	if (port->at.addr.family != IP_NONE)
		return open_at(port, port->at, false);
	err = open_at(port, any, true);
	if (err != -EAFNOSUPPORT && err != -EADDRNOTAVAIL)
		return err;
	if (port->fd >= 0)
		close(port->fd);
	any.addr.family = IP_V4;
	return open_at(port, any, false);
}

char *proxy_ports_text(const struct proxy_ports *p)
{
	char *text = NULL, *more;

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].way != PROXY_ASK)
			continue;
		if (asprintf(&more, "%s%s%s", text ? text : "", text ? " and " : "",
		             p->v[i].word) < 0)
			more = NULL;
		free(text);
		text = more;
		if (!text)
			return NULL;
	}
	return text;
}

/* Why, and what can be done about it. */
static const char *reason_text(int err, const char *path)
{
	if (path && err != -EADDRINUSE)
		return strerror(-err);
	switch (err) {
	case -EADDRINUSE:
		return "another program does; end that one, or listen elsewhere";
	case -EADDRNOTAVAIL:
		return "this host has no such address; choose one of its own";
	case -EACCES:
		return "Permission denied; for ports from 1024 on no rights are needed";
	default:
		return strerror(-err);
	}
}

static void report_not_open(const struct proxy_ports *p, const struct proxy_port *port,
                            int err, struct diag *diag)
{
	char *tun = err == -EADDRINUSE && !port->path
	                    ? proxy_holder_find(p->run_dir, &port->at)
	                    : NULL;

	if (tun)
		diag_error(
			diag, NULL, 0,
			"can't listen on %s: %s is already up there; tunion down%s%s --tun %s ends it, or choose another port with --listen",
			port->word, tun, p->run_dir ? " --run-dir " : "",
			p->run_dir ? p->run_dir : "", tun);
	else
		diag_error(diag, NULL, 0, "%scan't listen on %s: %s", rights_needed(-err),
		           port->word, reason_text(err, port->path));
	free(tun);
}

int proxy_ports_open(struct proxy_ports *p, bool inside, struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct proxy_port *port = &p->v[i];
		int err = (port->way == PROXY_OUTSIDE) == inside ? open_port(port) : 0;

		if (err)
			report_not_open(p, port, err, diag);
		first = first ? first : err;
	}
	return first;
}

int proxy_ports_give(struct proxy_ports *p, struct proxy *proxy)
{
	int err = 0;

	for (size_t i = 0; i < p->n && !err; i++) {
		struct proxy_port *port = &p->v[i];

		if (port->fd < 0)
			continue;
		err = port->udp ? proxy_listen_udp(proxy, port->fd, port->way, &port->to)
		                : proxy_listen(proxy, port->fd, port->way, &port->to);
		port->fd = -1;
	}
	return err;
}

void proxy_ports_close(struct proxy_ports *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].fd >= 0)
			close(p->v[i].fd);
		p->v[i].fd = -1;
	}
}

void proxy_ports_remove_files(const struct proxy_ports *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].made_path)
			(void)unlink(p->v[i].path);
	}
}

void proxy_ports_clear(struct proxy_ports *p)
{
	proxy_ports_close(p);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].path);
	free(p->v);
	*p = (struct proxy_ports){ 0 };
}
