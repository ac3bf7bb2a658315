/* By whom does the proxy that is inside have names looked up? What the supervisor writes is what
 * the process reads. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/proxy_names.h"
#include "planned.h"

#define FILE_OF(address, more)                                                           \
	"[Interface]\nPrivateKey = CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHE=\n"       \
	"Address = " address "/32\n" more PEER("B") "AllowedIPs = 192.168.1.0/24\n"

static void make(char *message, struct proxy_names *names, const char *const *texts)
{
	struct planned p;
	size_t n;

	planned_init(&p, texts);
	n = proxy_names_make(message, &p.plan);
	ck_assert_uint_lt(n, PROXY_NAMES_BYTES);
	message[n] = '\0';
	ck_assert_int_eq(proxy_names_read(names, message), 0);
	planned_clear(&p);
}

START_TEST(servers_of_a_file)
{
	const char *const texts[] = {
		"home",
		FILE_OF("10.0.0.1", "DNS = 192.168.1.1, 2001:db8::53, lan, home.lan\n"),
		NULL
	};
	char *message = malloc(PROXY_NAMES_BYTES), text[IP_ADDR_STRLEN];
	struct proxy_names names;

	make(message, &names, texts);
	ck_assert(!names.outside);
	ck_assert_uint_eq(names.server_count, 2);
	ck_assert_str_eq(ip_addr_format(&names.servers[0], text), "192.168.1.1");
	ck_assert_str_eq(ip_addr_format(&names.servers[1], text), "2001:db8::53");
	ck_assert_uint_eq(names.domain_count, 2);
	ck_assert_str_eq(names.domains[0], "lan");
	ck_assert_str_eq(names.domains[1], "home.lan");
	proxy_names_clear(&names);
	free(message);
}
END_TEST

/* Then those of the network are asked: this machine's. */
START_TEST(no_file_has_servers)
{
	const char *const texts[] = { "home", FILE_OF("10.0.0.1", "DNS = lan\n"), NULL };
	char *message = malloc(PROXY_NAMES_BYTES);
	struct proxy_names names;

	make(message, &names, texts);
	ck_assert(names.outside);
	ck_assert_uint_eq(names.domain_count, 0);
	proxy_names_clear(&names);
	free(message);
}
END_TEST

/* More than there is room for: what fits is whole. */
START_TEST(many_domains)
{
	char *text = malloc(400000), *message = malloc(PROXY_NAMES_BYTES);
	const char *const texts[] = { "home", text, NULL };
	size_t n = (size_t)sprintf(text, "[Interface]\nPrivateKey = "
	                                 "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHE=\n"
	                                 "Address = 10.0.0.1/32\nDNS = 192.168.1.1\n");
	struct proxy_names names;

	for (int i = 0; i < 10000; i++)
		n += (size_t)sprintf(text + n, "DNS = domain%04d.example\n", i);
	strcpy(text + n, PEER("B") "AllowedIPs = 192.168.1.0/24\n");
	make(message, &names, texts);
	ck_assert_uint_eq(names.server_count, 1);
	ck_assert_uint_gt(names.domain_count, 2000);
	ck_assert_uint_lt(names.domain_count, 10000);
	for (size_t i = 0; i < names.domain_count; i++)
		ck_assert_uint_eq(strlen(names.domains[i]), strlen("domain0000.example"));
	proxy_names_clear(&names);
	free(message);
	free(text);
}
END_TEST

START_TEST(what_is_no_message)
{
	static const char *const nonsense[] = { "", "insid", "inside\nserver x\n",
		                                "inside\nsomething\n",
		                                "outside\nserver 1.2.3\n" };
	struct proxy_names names;
	char message[100];

	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		snprintf(message, sizeof(message), "%s", nonsense[i]);
		ck_assert_int_eq(proxy_names_read(&names, message), -EPROTO);
		proxy_names_clear(&names);
	}
	/* further servers are left out */
	snprintf(
		message, sizeof(message),
		"inside\nserver 1.1.1.1\nserver ::2\nserver ::3\nserver ::4\nserver ::5\n");
	ck_assert_int_eq(proxy_names_read(&names, message), 0);
	ck_assert_uint_eq(names.server_count, LOOKUP_SERVERS_MAX);
	proxy_names_clear(&names);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/proxy_names");

	tcase_add_test(tc, servers_of_a_file);
	tcase_add_test(tc, no_file_has_servers);
	tcase_add_test(tc, many_domains);
	tcase_add_test(tc, what_is_no_message);
	return tc;
}
