/* src/host/guard.c - makes the text for nft or iptables, and runs them */
#include "host/guard.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_stream.h"
#include "host/spawn.h"

#define SAVED_BYTES  (1U << 20) /* for the output of iptables-save */
#define ERRORS_BYTES 512

static const char *nft_family(enum ip_family family)
{
	return family == IP_V4 ? "ip" : "ip6";
}

#define TABLE_STRLEN 48

/* nft allows fewer characters in a name than wg-quick does in that of an interface, but
 * also '/', which no interface has. So two tuns never have the same table. */
static const char *table_name(const char *tun, char out[static TABLE_STRLEN])
{
	char *to = out + snprintf(out, TABLE_STRLEN, "tunion-");

	for (; *tun && to < out + TABLE_STRLEN - 2; tun++) {
		if (*tun != '+' && *tun != '=') {
			*to++ = *tun;
			continue;
		}
		*to++ = '/';
		*to++ = *tun == '+' ? 'p' : 'e';
	}
	*to = '\0';
	return out;
}

/* Prints a line for each address of the family. */
static void each_address(FILE *out, const struct host_items *items, enum ip_family family,
                         const char *before, const char *after)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < items->n; i++) {
		const struct netlink_item *item = &items->v[i];

		if (item->kind != NETLINK_KIND_ADDRESS ||
		    item->address.prefix.addr.family != family)
			continue;
		ip_addr_format(&item->address.prefix.addr, text);
		fprintf(out, "%s%s%s", before, text, after);
	}
}

/* Prints a line for the mark, and for each file's FwMark that leads past our rules. */
static void each_mark(FILE *out, const struct host_items *items, enum ip_family family,
                      uint32_t mark, const char *before, const char *after)
{
	fprintf(out, "%s%u%s", before, mark, after);
	for (size_t i = 0; i < items->n; i++) {
		const struct netlink_item *item = &items->v[i];

		if (item->kind == NETLINK_KIND_RULE && item->rule.family == family &&
		    item->rule.action == FR_ACT_GOTO)
			fprintf(out, "%s%u%s", before, item->rule.mark, after);
	}
}

char *guard_nft_text(const char *tun, enum ip_family family,
                     const struct host_items *items, uint32_t mark)
{
	const char *f = nft_family(family);
	char *text = NULL, before[128], after[64], table[TABLE_STRLEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	table_name(tun, table);
	/* The table is added first, so that deleting an old one never fails. All this is
	 * one transaction. */
	fprintf(out, "add table %s %s\ndelete table %s %s\nadd table %s %s\n", f, table,
	        f, table, f, table);
	fprintf(out,
	        "add chain %s %s preraw { type filter hook prerouting priority -300; }\n",
	        f, table);
	fprintf(out,
	        "add chain %s %s premangle { type filter hook prerouting priority -150; }\n",
	        f, table);
	fprintf(out,
	        "add chain %s %s postmangle { type filter hook postrouting priority -150; }\n",
	        f, table);
	snprintf(before, sizeof(before),
	         "add rule %s %s preraw iifname != \"%s\" %s daddr ", f, table, tun, f);
	snprintf(after, sizeof(after), " fib saddr type != local drop\n");
	each_address(out, items, family, before, after);
	if (family == IP_V6) /* see learned.h */
		fprintf(out, "add rule %s %s preraw icmpv6 type nd-redirect drop\n", f,
		        table);
	snprintf(before, sizeof(before),
	         "add rule %s %s postmangle meta l4proto udp mark ", f, table);
	each_mark(out, items, family, mark, before, " ct mark set mark\n");
	fprintf(out, "add rule %s %s premangle meta l4proto udp meta mark set ct mark\n",
	        f, table);
	return text_stream_close(out, &text);
}

char *guard_iptables_text(const char *tun, enum ip_family family,
                          const struct host_items *items, uint32_t mark)
{
	char *text = NULL, before[64], after[128], comment[80];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	snprintf(comment, sizeof(comment), "-m comment --comment \"tunion rule for %s\"",
	         tun);
	snprintf(before, sizeof(before), "-I PREROUTING ! -i %s -d ", tun);
	snprintf(after, sizeof(after), " -m addrtype ! --src-type LOCAL -j DROP %s\n",
	         comment);
	fprintf(out, "*raw\n");
	each_address(out, items, family, before, after);
	if (family == IP_V6)
		fprintf(out,
		        "-I PREROUTING -p icmpv6 --icmpv6-type redirect -j DROP %s\n",
		        comment);
	fprintf(out, "COMMIT\n*mangle\n");
	snprintf(after, sizeof(after), " -p udp -j CONNMARK --save-mark %s\n", comment);
	each_mark(out, items, family, mark, "-I POSTROUTING -m mark --mark ", after);
	fprintf(out, "-I PREROUTING -p udp -j CONNMARK --restore-mark %s\nCOMMIT\n",
	        comment);
	return text_stream_close(out, &text);
}

char *guard_iptables_removal(const char *tun, const char *saved)
{
	char *text = NULL, comment[64];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	snprintf(comment, sizeof(comment), "--comment \"tunion rule for %s\"", tun);
	while (*saved) {
		size_t n = strcspn(saved, "\n");
		const char *found = memmem(saved, n, comment, strlen(comment));

		if (saved[0] == '*' || (n >= 6 && memcmp(saved, "COMMIT", 6) == 0))
			fprintf(out, "%.*s\n", (int)n, saved);
		else if (found && n > 2 && memcmp(saved, "-A", 2) == 0)
			fprintf(out, "-D%.*s\n", (int)(n - 2), saved + 2);
		saved += n + (saved[n] == '\n');
	}
	return text_stream_close(out, &text);
}

/* What a program that has failed has printed. */
struct failure {
	char text[ERRORS_BYTES + 64];
};

/* Runs the program with text as its input. Returns 0, -ENOENT if it doesn't exist, or
 * -errno with the first line of its errors in why. */
static int feed(const struct spawn_tun *tun, const char *const *argv, const char *text,
                struct failure *why)
{
	char errors[ERRORS_BYTES] = "";
	struct spawn s = { .argv = argv,
		           .input = text,
		           .errors = errors,
		           .errors_size = sizeof(errors),
		           .lock_fd = tun->lock_fd };
	int err;

	if (!text)
		return -ENOMEM;
	err = spawn_run(&s);
	if (err == 0 || err == -ENOENT)
		return err;
	errors[strcspn(errors, "\n")] = '\0';
	snprintf(why->text, sizeof(why->text), "%s failed (%s %d)%s%s", argv[0],
	         err < 0 ? "error" : "exit status", err, errors[0] ? ": " : "", errors);
	return err < 0 ? err : -EIO;
}

static int nft(const struct spawn_tun *tun, const char *text, struct failure *why)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };

	return feed(tun, argv, text, why);
}

static int iptables_restore(const struct spawn_tun *tun, enum ip_family family,
                            const char *text, struct failure *why)
{
	const char *argv[] = { family == IP_V4 ? "iptables-restore" : "ip6tables-restore",
		               "-n", NULL };

	return feed(tun, argv, text, why);
}

int guard_up(const struct spawn_tun *tun, enum ip_family family,
             const struct host_items *items, uint32_t mark, struct diag *diag)
{
	char *text = guard_nft_text(tun->name, family, items, mark);
	struct failure why = { "out of memory" };
	int err = nft(tun, text, &why);

	free(text);
	if (err == -ENOENT) {
		(void)!guard_down(tun, family, diag);
		text = guard_iptables_text(tun->name, family, items, mark);
		err = iptables_restore(tun, family, text, &why);
		free(text);
	}
	if (err == -ENOENT) {
		diag_error(
			diag, NULL, 0,
			"the program nft is needed to keep out packets from other links to the tunnels' addresses, but it is missing: install the package nftables (or iptables), or use --no-firewall to do without it");
	} else if (err < 0) {
		diag_error(
			diag, NULL, 0,
			"the firewall rules for %s can't be set: %s; if this kernel lacks what they need, use --no-firewall to do without them",
			tun->name, why.text);
	}
	return err;
}

/* Returns 0 or -errno; -ENOENT if the program is missing. */
static int iptables_down(const struct spawn_tun *tun, enum ip_family family,
                         struct diag *diag)
{
	const char *argv[] = { family == IP_V4 ? "iptables-save" : "ip6tables-save",
		               NULL };
	struct spawn s = { .argv = argv, .output_size = SAVED_BYTES };
	struct failure why;
	char *text = NULL;
	int err = -ENOMEM;

	s.output = calloc(1, s.output_size);
	if (s.output)
		err = spawn_run(&s);
	if (err == 0)
		text = guard_iptables_removal(tun->name, s.output);
	if (text && strstr(text, "-D")) {
		err = iptables_restore(tun, family, text, &why);
		if (err < 0 && err != -ENOENT)
			diag_warning(diag, NULL, 0, "%s", why.text);
	}
	free(text);
	free(s.output);
	return err > 0 ? -EIO : err;
}

const char *guard_nft_removal(const char *tun, enum ip_family family,
                              char out[static GUARD_REMOVAL_STRLEN])
{
	const char *f = nft_family(family);
	char table[TABLE_STRLEN];

	table_name(tun, table);
	snprintf(out, GUARD_REMOVAL_STRLEN, "add table %s %s\ndelete table %s %s\n", f,
	         table, f, table);
	return out;
}

int guard_down(const struct spawn_tun *tun, enum ip_family family, struct diag *diag)
{
	struct failure why;
	char text[GUARD_REMOVAL_STRLEN];
	int err = nft(tun, guard_nft_removal(tun->name, family, text), &why);

	if (err == -ENOENT)
		err = iptables_down(tun, family, diag);
	else if (err < 0)
		diag_warning(diag, NULL, 0, "the firewall rules for %s are left: %s",
		             tun->name, why.text);
	return err;
}
