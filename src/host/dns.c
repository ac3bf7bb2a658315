/* src/host/dns.c - tells resolvconf, or else systemd-resolved, which servers to use */
#include "host/dns.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_stream.h"

#define ORDER_PATH       "/etc/resolvconf/interface-order"
#define RESOLV_CONF_PATH "/etc/resolv.conf"
#define ERRORS_BYTES     512

/* These belong to nobody: an address that the IETF has not assigned (RFC 6890), and a
 * random one (RFC 4193). */
static const struct ip_addr virtual4 = { .family = IP_V4, .b = { 192, 0, 0, 53 } };
static const struct ip_addr virtual6 = {
	.family = IP_V6, .b = { 0xfd, 0x2b, 0x91, 0x5e, 0x3c, 0xa7, [15] = 0x53 }
};

/* Is a server of any file in a prefix of any file? */
static bool any_inside(const struct plan *plan)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_addrs *servers = &plan_dns(&plan->devices[i])->servers;

		for (size_t j = 0; j < servers->n; j++) {
			if (union_lookup(&plan->table, &servers->v[j]))
				return true;
		}
	}
	return false;
}

static size_t files_with_servers(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		n += plan_dns(&plan->devices[i])->servers.n > 0;
	return n;
}

void dns_lasting_addresses(const struct plan *plan, struct ip_addr *ipv4,
                           struct ip_addr *ipv6)
{
	*ipv4 = *ipv6 = (struct ip_addr){ 0 };
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_addrs *servers = &plan_dns(&plan->devices[i])->servers;

		for (size_t j = 0; j < servers->n; j++) {
			if (servers->v[j].family == IP_V4)
				*ipv4 = virtual4;
			else if (servers->v[j].family == IP_V6)
				*ipv6 = virtual6;
		}
	}
}

/* Servers that are in no prefix are public ones, or those of the LAN: the host asks them
 * itself, as it would without the tunnels. */
static bool has_choice(const struct plan *plan)
{
	return files_with_servers(plan) > 1 && any_inside(plan);
}

void dns_virtual_addresses(const struct plan *plan, struct ip_addr *ipv4,
                           struct ip_addr *ipv6)
{
	*ipv4 = *ipv6 = (struct ip_addr){ 0 };
	if (has_choice(plan))
		dns_lasting_addresses(plan, ipv4, ipv6);
}

static void put_server(void *context, const struct ip_addr *server)
{
	char text[IP_ADDR_STRLEN];
	FILE *out = context;

	fprintf(out, "nameserver %s\n", ip_addr_format(server, text));
}

struct domains {
	FILE *out;
	const char *before; /* the next one */
};

static void put_domain(void *context, const char *domain)
{
	struct domains *d = context;

	fprintf(d->out, "%s%s", d->before, domain);
	d->before = " ";
}

static void put_domains(FILE *out, const struct plan *plan)
{
	struct domains d = { out, "search " };

	plan_walk_domains(plan, put_domain, &d);
	if (strcmp(d.before, " ") == 0)
		fputc('\n', out);
}

/* Has an earlier file the j-th server of the i-th file, too? */
static bool server_said(const struct plan *plan, size_t i, size_t j)
{
	const struct ip_addr *server = &plan_dns(&plan->devices[i])->servers.v[j];

	for (size_t k = 0; k < i; k++) {
		const struct conf_addrs *servers = &plan_dns(&plan->devices[k])->servers;

		for (size_t l = 0; l < servers->n; l++) {
			if (ip_addr_equal(&servers->v[l], server))
				return true;
		}
	}
	return false;
}

void dns_walk_servers(const struct plan *plan,
                      void (*visit)(void *context, const struct ip_addr *server),
                      void *context)
{
	struct ip_addr ipv4, ipv6;

	if (has_choice(plan)) {
		dns_virtual_addresses(plan, &ipv4, &ipv6);
		if (ipv4.family != IP_NONE)
			visit(context, &ipv4);
		if (ipv6.family != IP_NONE)
			visit(context, &ipv6);
		return;
	}
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_addrs *servers = &plan_dns(&plan->devices[i])->servers;

		for (size_t j = 0; j < servers->n; j++) {
			if (!server_said(plan, i, j))
				visit(context, &servers->v[j]);
		}
	}
}

char *dns_text(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	dns_walk_servers(plan, put_server, out);
	put_domains(out, plan);
	return text_stream_close(out, &text);
}

char *dns_resolv_conf(const struct plan *plan, const struct ip_addr *others, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("# made by tunion from the DNS lines of its files\n", out);
	for (size_t i = 0; i < n && files_with_servers(plan) == 0; i++)
		put_server(out, &others[i]);
	dns_walk_servers(plan, put_server, out);
	put_domains(out, plan);
	return text_stream_close(out, &text);
}

/* If a line contains only "NAME*", returns the number of characters before the star,
 * otherwise 0. */
static size_t pattern_len(const char *line)
{
	static const char name[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
	size_t n = strspn(line, name);

	if (line[n] != '*' || line[n + 1 + strspn(line + n + 1, " \t\n")] != '\0')
		return 0;
	return n <= DNS_INTERFACE_STRLEN / 2 ? n : 0;
}

const char *dns_interface(const char *path, const char *tun,
                          char out[static DNS_INTERFACE_STRLEN])
{
	FILE *in = fopen(path, "re");
	char line[128];

	snprintf(out, DNS_INTERFACE_STRLEN, "%s", tun);
	while (in && fgets(line, sizeof(line), in)) {
		const char *start = line + strspn(line, " \t");
		size_t n = pattern_len(start);

		if (n == 0)
			continue;
		snprintf(out, DNS_INTERFACE_STRLEN, "%.*s.%s", (int)n, start, tun);
		break;
	}
	if (in)
		fclose(in);
	return out;
}

/* Returns 0, -ENOENT if the program doesn't exist, or -EIO after any other failure, which
 * is reported as a warning. */
static MUST_CHECK int run(const char *const *argv, const char *input,
                          const struct spawn_tun *tun, struct diag *diag)
{
	char errors[ERRORS_BYTES] = "";
	struct spawn s = { .argv = argv,
		           .input = input,
		           .errors = errors,
		           .errors_size = sizeof(errors),
		           .lock_fd = tun->lock_fd };
	int err = spawn_run(&s);

	if (err == 0 || err == -ENOENT)
		return err;
	errors[strcspn(errors, "\n")] = '\0';
	diag_warning(diag, NULL, 0, "%s failed (%s %d)%s%s", argv[0],
	             err < 0 ? "error" : "exit status", err, errors[0] ? ": " : "",
	             errors);
	return -EIO;
}

/* ---- systemd-resolved, if its own resolvconf is missing */

bool dns_is_resolved(const char *path)
{
	FILE *in = fopen(path, "re");
	char line[128];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in)) {
		line[strcspn(line, " \t\n")] = ' ';
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, "nameserver 127.0.0.53") == 0 ||
		        strcmp(line, "nameserver 127.0.0.54") == 0;
	}
	if (in)
		fclose(in);
	return found;
}

/* Runs `resolvectl VERB TUN [FIRST] WORDS...`, with the words of those lines of text that
 * begin with the keyword. */
static MUST_CHECK int resolvectl(const char *verb, const struct spawn_tun *tun,
                                 const char *first, const char *text, const char *keyword,
                                 struct diag *diag)
{
	size_t n = 0, max = strlen(text) / 2 + 8;
	const char **argv = calloc(max, sizeof(*argv));
	char *copy = strdup(text), *lines = copy, *line;
	int err = -ENOMEM;

	if (!argv || !copy)
		goto out;
	argv[n++] = "resolvectl";
	argv[n++] = verb;
	argv[n++] = tun->name;
	if (first)
		argv[n++] = first;
	while ((line = strsep(&lines, "\n"))) {
		char *word = strsep(&line, " ");

		if (strcmp(word, keyword) != 0)
			continue;
		while ((word = strsep(&line, " ")))
			argv[n++] = word;
	}
	err = run(argv, NULL, tun, diag);
out:
	free(copy);
	free(argv);
	return err;
}

/* Like resolvconf -x: every name is asked for here, and only here. */
static MUST_CHECK int resolved_up(const struct spawn_tun *tun, const char *text,
                                  struct diag *diag)
{
	int err = dns_is_resolved(RESOLV_CONF_PATH) ? 0 : -ENOENT;

	if (err == 0)
		err = resolvectl("dns", tun, NULL, text, "nameserver", diag);
	if (err == 0)
		err = resolvectl("domain", tun, "~.", text, "search", diag);
	return err;
}

/* ---- dns.h */

/* Adds an error with FILE:LINE of the first DNS server. */
static void say(struct diag *diag, const struct plan *plan, const char *what)
{
	const struct conf *conf = NULL;

	for (size_t i = 0; i < plan->device_count && !conf; i++) {
		if (plan_dns(&plan->devices[i])->servers.n > 0)
			conf = plan->devices[i].conf;
	}
	diag_error(diag, conf ? conf->path : NULL, conf ? conf->dns.servers.lines[0] : 0,
	           "%s", what);
}

int dns_up(const struct spawn_tun *tun, const struct plan *plan, const char *text,
           struct diag *diag)
{
	char name[DNS_INTERFACE_STRLEN];
	const char *argv[] = {
		"resolvconf", "-a", dns_interface(ORDER_PATH, tun->name, name), "-m", "0",
		"-x",         NULL
	};
	int err = run(argv, text, tun, diag);

	if (err == -ENOENT)
		err = resolved_up(tun, text, diag);
	if (err == -ENOENT)
		say(diag, plan,
		    "DNS needs the program resolvconf, which is missing: install the package openresolv or systemd-resolved, or use --no-dns to leave the host's name servers as they are");
	else if (err < 0)
		say(diag, plan,
		    "the host's name servers can't be set: repair what has failed, or use --no-dns to leave them as they are");
	return err;
}

int dns_down(const struct spawn_tun *tun, struct diag *diag)
{
	char name[DNS_INTERFACE_STRLEN];
	const char *argv[] = { "resolvconf", "-d",
		               dns_interface(ORDER_PATH, tun->name, name), "-f", NULL };
	const char *revert[] = { "resolvectl", "revert", tun->name, NULL };
	int err = run(argv, NULL, tun, diag);

	/* both report their failures themselves; a link that is gone has no servers any more */
	if (err == -ENOENT && dns_is_resolved(RESOLV_CONF_PATH))
		err = if_nametoindex(tun->name) ? run(revert, NULL, tun, diag) : 0;
	return err;
}
