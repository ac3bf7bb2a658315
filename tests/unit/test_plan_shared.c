/* tests/unit/test_plan_shared.c - what is told of files that have the same */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_shared.h"
#include "planned.h"

#define PRIVATE_A "EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA="
#define PRIVATE_B "EXAMPLE/private/key/BBBBBBBBBBBBBBBBBBBBBBA="
#define PUBLIC_A  "zl76nitfPUB7j5PO5RCCeg1khISKJIr0vt4Z1OCR8Q0=" /* of PRIVATE_A */
#define PUBLIC_B  "DK1OueJh8pDtY9EZen+zuD0MWHAfXM0RpfrCTRBNj2c="
#define SERVER_A  "EXAMPLE/server/key/AAAAAAAAAAAAAAAAAAAAAAAA="
#define SERVER_B  "EXAMPLE/server/key/BBBBBBBBBBBBBBBBBBBBBBBA="

#define INTERFACE(key, address)                                                          \
	"[Interface]\nPrivateKey = " key "\nAddress = " address "\n"
#define SERVER(key, allowed, endpoint)                                                   \
	"[Peer]\nPublicKey = " key "\nAllowedIPs = " allowed "\nEndpoint = " endpoint "\n"

#define KEY_TOO(file, other)                                                             \
	file ".conf:2: warning: PrivateKey is also that of " other                       \
	     ".conf:2: a server, or all servers of a provider, may answer only the tunnel that spoke last; expected a key for each file\n"
#define ADDRESS_TOO(file, address, other)                                                \
	file ".conf:3: warning: Address " address " is also that of " other              \
	     ".conf:3: the host can't tell the two tunnels apart by it; expected another one, if the server allows it\n"
#define SERVER_TOO(file, more, other)                                                    \
	file ".conf:4: warning: this peer" more                                          \
	     " has the same PublicKey and Endpoint as " other                            \
	     ".conf:4: one file with the AllowedIPs of both would do\n"
#define PASSED(file, other)                                                              \
	file ".conf:7: warning: " other                                                  \
	     " has this Endpoint in its AllowedIPs, but its own peer (" other            \
	     ".conf:4) is there, too: it is passed over as a carrier\n"
#define OTHER_END(file, other)                                                           \
	file ".conf:4: warning: this peer has the key of " other                         \
	     ".conf:2: this file is for the other end of that tunnel, such as the WireGuard app of a client, and here it leads packets back; expected only one end of a tunnel\n"

static const struct {
	const char *a, *b, *c, *said;
} cases[] = {
	{ INTERFACE(PRIVATE_A, "10.0.0.1"), INTERFACE(PRIVATE_B, "10.0.0.2"), "", "" },
	{ INTERFACE(PRIVATE_A, "10.0.0.1"), "", INTERFACE(PRIVATE_A, "10.0.0.2"),
	  KEY_TOO("c", "a") },
	{ INTERFACE(PRIVATE_A, "10.0.0.1"), INTERFACE(PRIVATE_A, "10.0.0.2"),
	  INTERFACE(PRIVATE_A, "10.0.0.3"), KEY_TOO("b", "a") KEY_TOO("c", "a") },
	/* files without a key have none in common */
	{ "", "", "", "" },
	/* whatever the length */
	{ INTERFACE(PRIVATE_A, "10.0.0.1/24, fd00::1/64"),
	  INTERFACE(PRIVATE_B, "10.0.0.1/32, fd00::1/128"), "",
	  ADDRESS_TOO("b", "10.0.0.1 (and 1 more)", "a") },
	{ INTERFACE(PRIVATE_A, "10.0.0.1/24, 10.0.0.1/32"), "", "", "" },
	/* the same server, by number and by name */
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "10.1.0.0/24", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_A, "10.2.0.0/24", "192.0.2.1:1"),
	  "", SERVER_TOO("b", "", "a") },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "10.1.0.0/24", "X.example:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_A, "10.2.0.0/24", "x.example:1"),
	  "", SERVER_TOO("b", "", "a") },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "10.1.0.0/24", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_A, "10.2.0.0/24", "192.0.2.1:2"),
	  "", "" },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "10.1.0.0/24", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_B, "10.2.0.0/24", "192.0.2.1:1"),
	  "", "" },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "10.1.0.0/24", "192.0.2.1:1")
	          SERVER(SERVER_B, "10.3.0.0/24", "192.0.2.2:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_A, "10.2.0.0/24", "192.0.2.1:1")
	          SERVER(SERVER_B, "10.4.0.0/24", "192.0.2.2:1"),
	  "", SERVER_TOO("b", " (and 1 more)", "a") },
	/* without an Endpoint nobody knows where */
	{ INTERFACE(PRIVATE_A, "10.0.0.1") "[Peer]\nPublicKey = " SERVER_A "\n",
	  INTERFACE(PRIVATE_B, "10.0.0.2") "[Peer]\nPublicKey = " SERVER_A "\n", "", "" },
	/* design R13: also where the key is another one */
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "0.0.0.0/0", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_B, "10.2.0.0/24", "192.0.2.1:1"),
	  "", PASSED("b", "a") },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "0.0.0.0/0", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(
		  SERVER_B, "10.2.0.0/24", "192.0.2.1:1") "# tunion: Via = network\n",
	  "", "" },
	{ INTERFACE(PRIVATE_A, "10.0.0.1") SERVER(SERVER_A, "0.0.0.0/0", "192.0.2.1:1"),
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(SERVER_B, "10.2.0.0/24", "192.0.2.1:2"),
	  "", "" },
	/* a server or a gate, and the file of its client */
	{ INTERFACE(PRIVATE_A, "10.0.0.1") "[Peer]\nPublicKey = " PUBLIC_B "\n", "",
	  INTERFACE(PRIVATE_B, "10.0.0.2") SERVER(PUBLIC_A, "10.2.0.0/24", "127.0.0.1:1"),
	  OTHER_END("c", "a") },
};

static char *printed(const struct diag *diag)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	diag_print(diag, out);
	fclose(out);
	return text;
}

START_TEST(what_two_files_have)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const texts[] = { "a", cases[i].a, "b", cases[i].b,
			                      "c", cases[i].c, NULL };
		struct diag diag = { 0 };
		struct planned p;
		char *said;

		planned_init(&p, texts);
		ck_assert_int_eq(plan_shared(&p.plan, &diag), 0);
		said = printed(&diag);
		ck_assert_msg(strcmp(said, cases[i].said) == 0, "case %zu says\n%s", i,
		              said);
		free(said);
		/* and plan_make says it, too */
		ck_assert_uint_ge(p.diag.warnings, diag.warnings);
		diag_clear(&diag);
		planned_clear(&p);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan_shared");

	tcase_add_test(tc, what_two_files_have);
	return tc;
}
