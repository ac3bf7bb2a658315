/* tests/unit/test_parse.c - whole files: how lines and sections are written, which peers
 * come of them, every error in one run, and no secret in any */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confprint.h"
#include "unit.h"

#define PRIVATE "EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA="
#define CLAMPED "EHAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAEA="
#define PUBLIC  "EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA="
#define OTHER   "EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA="
#define OWN     "zl76nitfPUB7j5PO5RCCeg1khISKJIr0vt4Z1OCR8Q0="
#define ZERO    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#define ASCII "; expected plain ASCII, so type it again\n"

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	const char *text;
	size_t n;
	const char *printed; /* by confprint; NULL: an error */
	const char *said;
} files[] = {
	{ "empty", TEXT(""), "[Interface]\n",
	  "t.conf: warning: there is no PrivateKey: no peer can be reached\n" },
	{ "comments",
	  TEXT("# a\n"
	       "   # b\n"
	       ";"),
	  NULL,
	  "t.conf:3: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE\n" },
	{ "only comments",
	  TEXT("# a\303\277\n"
	       "\n"
	       " \t# b\n"),
	  "[Interface]\n",
	  "t.conf: warning: there is no PrivateKey: no peer can be reached\n" },
	{ "no final newline",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "ListenPort = 5"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "ListenPort = 5\n",
	  "" },
	{ "crlf",
	  TEXT("[Interface]\r\n"
	       "PrivateKey = " PRIVATE "\r\n"
	       "PostUp = a b\r\n"
	       "Address = 10.0.0.1/24\r\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "Address = 10.0.0.1/24\n"
	  "PostUp = a b\n",
	  "" },
	{ "cr only", TEXT("[Interface]\rPrivateKey = " PRIVATE "\r"), NULL,
	  "t.conf:1: unknown section; expected [Interface] or [Peer]\n" },
	{ "bom",
	  TEXT("\357\273\277[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "MTU = 1\n"),
	  NULL,
	  "t.conf:1: the file begins with a byte order mark (BOM), which wg refuses; "
	  "expected UTF-8 without it\n"
	  "t.conf:3: MTU \"1\" is wrong; expected 68 to 65535\n" },
	{ "bom comment",
	  TEXT("\357\273\277# hello\n"
	       "[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"),
	  NULL,
	  "t.conf:1: the file begins with a byte order mark (BOM), which wg refuses; "
	  "expected UTF-8 without it\n" },
	{ "nbsp",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "\302\240MTU = 1400\n"
	       "MTU\342\200\213 = 1400\n"
	       "MTU = 1400\302\240\n"),
	  NULL,
	  "t.conf:3: there is a no-break space (U+00A0) in the key" ASCII
	  "t.conf:4: there is a zero-width space (U+200B) in the key" ASCII
	  "t.conf:5: there is a no-break space (U+00A0) in MTU" ASCII },
	{ "beyond ASCII",
	  TEXT("\302\240[Interface]\n"
	       "[Interface\342\200\257]\n"
	       "PrivateKey = nobody looks here\n"
	       "[Interface]\n"
	       "\302\240\n"
	       "PrivateKey = \357\273\277" PRIVATE "\n"
	       "Address = 10.0.0.1\343\200\200/24\n"
	       "ListenPort = \240"
	       "5\n"
	       "Table = \342\200\234off\342\200\235\n"
	       "DNS = b\303\274ro.lan\n"
	       "FwMark = \360\237\230\200\n"
	       "MTU = 1400\342\200\n"
	       "PostUp = echo gr\303\274n # \342\200\223\n"
	       "# tunion:\302\240Metric = 1\n"
	       "# tunion: Metric = \342\200\2231\n"
	       "# gr\303\274n\n"
	       "[Peer]\302\240\n"),
	  NULL,
	  "t.conf:1: there is a no-break space (U+00A0) in the line" ASCII
	  "t.conf:2: there is a narrow no-break space (U+202F) in the section's "
	  "header" ASCII "t.conf:5: there is a no-break space (U+00A0) in the line" ASCII
	  "t.conf:6: there is a byte order mark (U+FEFF) in PrivateKey" ASCII
	  "t.conf:7: there is a wide space (U+3000) in Address" ASCII
	  "t.conf:8: there is a no-break space (byte A0) in ListenPort" ASCII
	  "t.conf:9: there is a curly quotation mark (U+201C) in Table" ASCII
	  "t.conf:10: there is a character beyond ASCII (U+00FC) in DNS" ASCII
	  "t.conf:11: there is a character beyond ASCII (U+1F600) in FwMark" ASCII
	  "t.conf:12: there is a character beyond ASCII (byte E2) in MTU" ASCII
	  "t.conf:14: there is a no-break space (U+00A0) in the key" ASCII
	  "t.conf:15: there is a dash that is no '-' (U+2013) in Metric" ASCII
	  "t.conf:17: there is a no-break space (U+00A0) in the section's header" ASCII },
	{ "utf-16", TEXT("\377\376[\000I\000"), NULL,
	  "t.conf:1: the file is UTF-16; expected UTF-8 or ASCII\n" },
	{ "utf-16, no mark", TEXT("[\000I\000n\000"), NULL,
	  "t.conf:1: the file is UTF-16; expected UTF-8 or ASCII\n" },
	{ "utf-16, big end, no mark", TEXT("\000[\000I\000n"), NULL,
	  "t.conf:1: the file is UTF-16; expected UTF-8 or ASCII\n" },
	{ "amnezia",
	  TEXT("\357\273\277[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "Jc = 3\n"
	       "jmin = 10\n"
	       "S1 = 63\n"
	       "H1 = 479794990-486422101\n"
	       "I1 = <r 175>\n"
	       "I2 = \n"
	       "I2=\n"
	       "MTU = 1\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AdvancedSecurity = on\n"),
	  NULL,
	  "t.conf:1: the file begins with a byte order mark (BOM), which wg refuses; "
	  "expected UTF-8 without it\n"
	  "t.conf:3: this is a file of AmneziaWG (Jc, Jmin, S1, H1, I1, I2, "
	  "AdvancedSecurity), whose servers WireGuard can't talk to; expected a file for WireGuard, which you may get where you got this one\n"
	  "t.conf:10: MTU \"1\" is wrong; expected 68 to 65535\n" },
	{ "android",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "ExcludedApplications = org.example.a, org.example.b\n"
	       "ExcludedApplications = org.example.c\n"
	       "IncludedApplications =\n"
	       "IncludedApplications = org.example.d\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "IncludedApplications = org.example.d\n"
	  "ExcludedApplications = org.example.a\n"
	  "ExcludedApplications = org.example.b\n"
	  "ExcludedApplications = org.example.c\n",
	  "" },
	{ "nul",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "Address = 10.8.\0000.2\n"
	       "M\000TU = 1\n"
	       "PostUp = a\000b\n"
	       "PostUp = a # \000\n"
	       "# \000\n"
	       "ListenPort = 1 # \000\n"
	       "\000\n"
	       "[Pe\000er]\n"),
	  NULL,
	  "t.conf:3: the line contains a NUL byte; expected text\n"
	  "t.conf:4: the line contains a NUL byte; expected text\n"
	  "t.conf:5: the line contains a NUL byte; expected text\n"
	  "t.conf:6: PostUp contains a NUL byte; expected text\n"
	  "t.conf:9: the line contains a NUL byte; expected text\n"
	  "t.conf:10: unknown section; expected [Interface] or [Peer]\n" },
	{ "sections any case",
	  TEXT("[interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[PEER]\n"
	       "PublicKey = " PUBLIC "\n"
	       "  [InterFace]  \n"
	       "MTU = 1400\n"
	       "[peer]\n"
	       "publickey=" OTHER),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "MTU = 1400\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "[Peer]\n"
	  "PublicKey = " OTHER "\n",
	  "" },
	{ "blank header",
	  TEXT("[ Inter face ]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "ListenPort = 5\n"
	       "[ P eer ]\n"
	       "PublicKey = " PUBLIC "\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "ListenPort = 5\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n",
	  "" },
	{ "blank header quick",
	  TEXT("[ Interface ]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "Address = 10.0.0.1\n"
	       "PostUp = x\n"),
	  NULL,
	  "t.conf:3: Address is below an [Interface] with blanks in it, which wg-quick does not recognise; expected exactly [Interface]\n"
	  "t.conf:4: PostUp is below an [Interface] with blanks in it, which wg-quick does not recognise; expected exactly [Interface]\n" },
	{ "junk headers",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Foo]\n"
	       "Bar = 1\n"
	       "[]\n"
	       "[Peer]x\n"
	       "[Interface\n"
	       "[Peer] PublicKey = " PUBLIC "\n"
	       "[Interface] = 1\n"
	       "# tunion: Foo = 1\n"),
	  NULL,
	  "t.conf:3: unknown section \"Foo\"; expected [Interface] or [Peer]\n"
	  "t.conf:5: unknown section; expected [Interface] or [Peer]\n"
	  "t.conf:6: unknown section; expected [Interface] or [Peer]\n"
	  "t.conf:7: unknown section; expected [Interface] or [Peer]\n"
	  "t.conf:8: unknown section; expected [Interface] or [Peer]\n"
	  "t.conf:9: unknown section; expected [Interface] or [Peer]\n" },
	{ "before",
	  TEXT("MTU = 1400\n"
	       "Foo\n"
	       "# tunion: Via = vpn\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"),
	  NULL,
	  "t.conf:1: a key is before the first section; expected [Interface] or [Peer] above it\n"
	  "t.conf:2: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE\nt.conf:3: a setting of tunion is before the first section; expected [Interface] or [Peer] above it\n" },
	{ "other section",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "Address = 10.0.0.1\n"
	       "PrivateKey = " PRIVATE "\n"
	       "PostUp = x\n"),
	  NULL,
	  "t.conf:3: AllowedIPs is in [Interface]; expected it in [Peer]\n"
	  "t.conf:6: Address is in [Peer]; expected it in [Interface]\n"
	  "t.conf:7: PrivateKey is in [Peer]; expected it in [Interface]\n"
	  "t.conf:8: PostUp is in [Peer]; expected it in [Interface]\n" },
	{ "unknown",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "Adress = 10.0.0.1\n"
	       "Foo =\n"
	       "Foo=\n"
	       "Jd = 4\n"
	       "FooBarBazQuxQuuxCorge1 = 1\n"
	       "Foo:Bar = 1\n"
	       "PostDwn = x\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIP = 10.0.0.0/8\n"
	       "Keepalive = 1\n"),
	  NULL,
	  "t.conf:3: unknown key \"Adress\" in [Interface]; expected Address\n"
	  "t.conf:4: unknown key \"Foo\" in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:5: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:6: unknown key \"Jd\" in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:7: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:8: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:9: unknown key \"PostDwn\" in [Interface]; expected PostDown\n"
	  "t.conf:12: unknown key \"AllowedIP\" in [Peer]; expected AllowedIPs\n"
	  "t.conf:13: unknown key \"Keepalive\" in [Peer]; expected one that is in tunion.conf(5)\n" },
	{ "settings without a colon",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE " # tunion Metric = 3\n"
	       "# tunion via = network\n"
	       "# tunion SourceFix=off\n"
	       "# tunion has a Metric = 3\n"
	       "# tunion Foo = 3\n"
	       "PostUp = true # tunion Metric = 3\n"),
	  "[Interface]\n"
	  "PrivateKey = EHAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAEA=\n"
	  "PostUp = true # tunion Metric = 3\n",
	  "t.conf:2: warning: \"# tunion Metric =\" has no colon, so it sets nothing; expected # tunion: Metric = VALUE\n"
	  "t.conf:3: warning: \"# tunion Via =\" has no colon, so it sets nothing; expected # tunion: Via = VALUE\n"
	  "t.conf:4: warning: \"# tunion SourceFix =\" has no colon, so it sets nothing; expected # tunion: SourceFix = VALUE\n" },
	{ "blanks in AllowedIPs",
	  TEXT("[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.0.0.0/8 192.168.0.0/16\n"
	       "AllowedIPs = fd01::/64, fd02::\t /64 fd03::/64 , 10.0.0.0/33\n"
	       "AllowedIPs = EXAMPLE/private/key/ AAAAAAAAAAAAAAAAAAAAAAA=\n"),
	  NULL,
	  "t.conf:3: AllowedIPs \"10.0.0.0/8 192.168.0.0/16\" has a blank and no comma; expected IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas\n"
	  "t.conf:4: AllowedIPs \"fd02::? /64 fd03::/64\" has a blank and no comma; expected IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas\n"
	  "t.conf:4: AllowedIPs \"10.0.0.0/33\" is wrong; expected a length of 0 to 32, or 0 to 128 for IPv6, in digits\n"
	  "t.conf:5: AllowedIPs (not shown: it looks like a key) has a blank and no comma; expected IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas\n" },
	{ "secrets",
	  TEXT("[Interface]\n"
	       "PrivatKey = " PRIVATE "\n"
	       "PrivateKey: " PRIVATE "\n"
	       "PrivateKey " PRIVATE "\n" PRIVATE "\n"
	       "EXAMPLE/private/key/\n"
	       "AAAAAAAAAAAAAAAAAAAAAAA=\n"
	       "PrivateKey = EXAMPLE/private/key/\n"
	       "FwMark = " PRIVATE "\n"
	       "PrivateKey" PRIVATE "\n"
	       "Address = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "PresharedKey = " PRIVATE PRIVATE "\n"
	       "Endpoint = " PRIVATE ":1\n"
	       "AllowedIPs = " PRIVATE "\n"
	       "# tunion: Via = " PRIVATE "\n"
	       "# tunion: " PRIVATE "\n"
	       "# tunion: PrivateKey = " PRIVATE "\n"
	       "[" PRIVATE "]\n"
	       "[" PRIVATE),
	  NULL,
	  "t.conf:2: unknown key \"PrivatKey\" in [Interface]; expected PrivateKey\n"
	  "t.conf:3: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:4: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:5: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:6: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE\n"
	  "t.conf:7: unknown key in [Interface]; expected one that is in tunion.conf(5)\nt.conf:8: PrivateKey is no key: it has 20 characters; expected 44 characters of base64, of which the last is '='\n"
	  "t.conf:9: FwMark (not shown: it looks like a key) is wrong; expected off, 0 "
	  "to 4294967295, or 0x0 to 0xffffffff\n"
	  "t.conf:10: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
	  "t.conf:11: Address (not shown: it looks like a key) is wrong; expected an "
	  "IPv4 or IPv6 address, perhaps with /LENGTH\nt.conf:14: PresharedKey is no key: it has 88 characters; expected 44 characters of base64, of which the last is '='\n"
	  "t.conf:15: Endpoint (not shown: it looks like a key) is wrong: its host is "
	  "neither an address nor a name; expected ADDRESS:PORT, [ADDRESS]:PORT or "
	  "NAME:PORT\n"
	  "t.conf:16: AllowedIPs (not shown: it looks like a key) is wrong; expected "
	  "IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas\n"
	  "t.conf:17: Via (not shown: it looks like a key) is wrong; expected network, "
	  "or the NAME of another tunnel file\n"
	  "t.conf:18: unknown setting of tunion in [Peer]; expected one that is in tunion.conf(5)\n"
	  "t.conf:19: unknown setting of tunion \"PrivateKey\" in [Peer]; expected one that is in tunion.conf(5)\n"
	  "t.conf:20: unknown section; expected [Interface] or [Peer]\n"
	  "t.conf:21: unknown section; expected [Interface] or [Peer]\n" },
	{ "no public key",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "[Peer]\n"
	       "PublicKey = x\n"
	       "[Peer]\n"),
	  NULL,
	  "t.conf:3: this peer has no PublicKey; expected one in each [Peer]\nt.conf:6: PublicKey is no key: it has 1 characters; expected 44 characters of base64, of which the last is '='\n"
	  "t.conf:7: this peer has no PublicKey; expected one in each [Peer]\n" },
	{ "list adds up",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "Address = 10.0.0.1\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "[Interface]\n"
	       "Address = 10.0.0.2\n"
	       "ListenPort=1\n"
	       "ListenPort=2\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "ListenPort = 2\n"
	  "Address = 10.0.0.1/32\n"
	  "Address = 10.0.0.2/32\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n",
	  "" },
	{ "same key",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "Endpoint = 192.0.2.1:1\n"
	       "PresharedKey = " PRIVATE "\n"
	       "PersistentKeepalive = 5\n"
	       "# tunion: Via = a\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 11.0.0.0/8\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "PresharedKey = " PRIVATE "\n"
	  "AllowedIPs = 11.0.0.0/8\n"
	  "Endpoint = 192.0.2.1:1\n"
	  "PersistentKeepalive = 5\n"
	  "# tunion: Via = a\n",
	  "t.conf:10: warning: this peer has the same key as the peer in line 3: they are one peer, with the AllowedIPs given here\n" },
	{ "same key 2",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "Endpoint = 192.0.2.1:1\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "Endpoint = 192.0.2.2:2\n"
	       "PresharedKey = " PRIVATE "\n"
	       "PersistentKeepalive = 0\n"
	       "# tunion: Via = b\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "PresharedKey = " PRIVATE "\n"
	  "Endpoint = 192.0.2.2:2\n"
	  "PersistentKeepalive = 0\n"
	  "# tunion: Via = b\n",
	  "t.conf:7: warning: this peer has the same key as the peer in line 3: they are one peer, with the AllowedIPs given here\n" },
	{ "same key zero psk",
	  TEXT("[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "PresharedKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "PresharedKey = " ZERO "\n"),
	  "[Interface]\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n",
	  "t.conf: warning: there is no PrivateKey: no peer can be reached\n"
	  "t.conf:4: warning: this peer has the same key as the peer in line 1: they are one peer, with the AllowedIPs given here\n" },
	{ "prefix moves",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.1.0.1/16, 10.2.0.0/16\n"
	       "[Peer]\n"
	       "PublicKey = " OTHER "\n"
	       "AllowedIPs = 10.1.0.2/16\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "AllowedIPs = 10.2.0.0/16\n"
	  "[Peer]\n"
	  "PublicKey = " OTHER "\n"
	  "AllowedIPs = 10.1.0.0/16\n",
	  "t.conf:5: warning: AllowedIPs \"10.1.0.1/16\" has a nonzero host part; taken "
	  "as 10.1.0.0/16\n"
	  "t.conf:8: warning: AllowedIPs \"10.1.0.2/16\" has a nonzero host part; taken "
	  "as 10.1.0.0/16\n"
	  "t.conf:8: warning: AllowedIPs 10.1.0.0/16 was already given to another peer in line 5; now this peer has it\n" },
	{ "prefix moves and is lost",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.1.0.0/16\n"
	       "[Peer]\n"
	       "PublicKey = " OTHER "\n"
	       "AllowedIPs = 10.1.0.0/16\n"
	       "[Peer]\n"
	       "PublicKey = " OTHER "\n"
	       "AllowedIPs = 10.2.0.0/16\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "[Peer]\n"
	  "PublicKey = " OTHER "\n"
	  "AllowedIPs = 10.2.0.0/16\n",
	  "t.conf:8: warning: AllowedIPs 10.1.0.0/16 was already given to another peer in line 5; now this peer has it\n"
	  "t.conf:9: warning: this peer has the same key as the peer in line 6: they are one peer, with the AllowedIPs given here\n" },
	{ "take away other's",
	  TEXT("[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.1.0.0/16\n"
	       "[Peer]\n"
	       "PublicKey = " OTHER "\n"
	       "AllowedIPs = -10.1.0.0/16\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "AllowedIPs = 10.1.0.0/16\n"
	  "[Peer]\n"
	  "PublicKey = " OTHER "\n",
	  "" },
	{ "own key",
	  TEXT("[Peer]\n"
	       "PublicKey = " OWN "\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "[Interface]\n"
	       "PrivateKey = " PRIVATE "\n"
	       "[Peer]\n"
	       "PublicKey = " PUBLIC "\n"
	       "AllowedIPs = 10.0.0.0/8\n"
	       "[Peer]\n"
	       "PublicKey = " OWN "\n"
	       "AllowedIPs = 10.0.0.0/8\n"),
	  "[Interface]\n"
	  "PrivateKey = " CLAMPED "\n"
	  "[Peer]\n"
	  "PublicKey = " PUBLIC "\n"
	  "AllowedIPs = 10.0.0.0/8\n",
	  "t.conf:1: warning: this peer has the device's own key and is left out; expected the other side's PublicKey\n"
	  "t.conf:9: warning: this peer has the device's own key and is left out; expected the other side's PublicKey\n" },
	{ "deep indent",
	  TEXT(" \t[Interface]\n"
	       "\t\tPrivateKey = " PRIVATE "\n"
	       "   MTU = 1400\n"
	       "      MTU\n"),
	  NULL, "t.conf:4: MTU without '='; expected MTU = VALUE\n" },
	{ "semicolon",
	  TEXT("[Interface] ; x\n"
	       "PrivateKey = " PRIVATE "\n"
	       "; comment\n"
	       "// comment\n"),
	  NULL, "t.conf:1: unknown section; expected [Interface] or [Peer]\n" },
};

static void check_file(const char *name, const char *text, size_t n, const char *printed,
                       const char *expected)
{
	struct diag diag = { 0 };
	struct conf *conf;
	int r = confprint_read(&conf, text, n, "t.conf", &diag);
	char *said = confprint_diag(&diag), *print = conf ? confprint_text(conf) : NULL;

	ck_assert_msg(strcmp(said, expected) == 0, "%s says:\n%s", name, said);
	ck_assert_msg(r == (printed ? 0 : -EINVAL), "%s: %d", name, r);
	ck_assert_msg(!printed == !print, "%s", name);
	if (printed)
		ck_assert_msg(strcmp(print, printed) == 0, "%s is:\n%s", name, print);
	conf_free(conf);
	diag_clear(&diag);
	free(said);
	free(print);
}

START_TEST(whole_files)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		check_file(files[i].name, files[i].text, files[i].n, files[i].printed,
		           files[i].said);
}
END_TEST

/* Every message about this file must be free of every piece of the key. */
static const char leaky[] =
	"[Interface]\nPrivatKey = " PRIVATE "\nPrivateKey: " PRIVATE
	"\nPrivateKey " PRIVATE "\n" PRIVATE
	"\n EXAMPLE/private/key/AAA\nAAAAAAAAAAAAAAAAAAAA=\nPrivateKey = "
	"EXAMPLE/private\nFwMark = " PRIVATE "\nPrivateKey" PRIVATE "\nAddress = " PRIVATE
	"\nDNS = " PRIVATE "\nTable = " PRIVATE "\n[" PRIVATE "]\n[" PRIVATE "\n[Peer]\n"
	"PublicKey = " PRIVATE PRIVATE "\nPresharedKey = " PRIVATE PRIVATE
	"\nEndpoint = " PRIVATE ":1\nAllowedIPs = " PRIVATE "\n# tunion: Via = " PRIVATE
	"\n# tunion: " PRIVATE "\n# tunion: PrivateKey = " PRIVATE
	"\nPersistentKeepalive = " PRIVATE;

START_TEST(no_secret_is_told)
{
	struct diag diag = { 0 };
	struct conf *conf;
	char *said;

	ck_assert_int_eq(confprint_read(&conf, leaky, sizeof(leaky) - 1, "t.conf", &diag),
	                 -EINVAL);
	ck_assert_uint_eq(diag.errors, 22);
	said = confprint_diag(&diag);
	ck_assert_msg(!strstr(said, "EXAMPLE") && !strstr(said, "AAAA"), "%s", said);
	free(said);
	diag_clear(&diag);
}
END_TEST

/* One line of `unit` n times between a head and a tail. */
static char *repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	while (n-- > 0)
		fputs(unit, f);
	fputs(tail, f);
	fclose(f);
	return text;
}

#define MEGABYTE ((size_t)1 << 20)

START_TEST(long_lines)
{
	static const struct {
		const char *head, *unit, *tail, *said;
	} rows[] = {
		{ "[Interface]\nPrivateKey = " PRIVATE "\n#", "x", "\nMTU = 1400\n", "" },
		{ "[Interface]\nPrivateKey = ", " ", PRIVATE "\nMTU = 1400\n", "" },
		{ "[Interface]\nPrivateKey = " PRIVATE "\nMTU = 1400\nPostUp = ", "x",
		  "\n", "" },
		{ "[Interface]\nPrivateKey = " PRIVATE "\nMTU = 1400\nDNS = ", ",", "\n",
		  "" },
		{ "[Interface]\nPrivateKey = " PRIVATE "\n", "\n", "MTU = 1400\n", "" },
		{ "[Interface]\nMTU = ", "1", "\nMTU = 1\n",
		  "t.conf:2: MTU (not shown: it looks like a key) is wrong; expected 68 "
		  "to 65535\n"
		  "t.conf:3: MTU \"1\" is wrong; expected 68 to 65535\n" },
		{ "[Interface]\n", "x", " = 1\nMTU = 1\n",
		  "t.conf:2: unknown key in [Interface]; expected one that is in tunion.conf(5)\n"
		  "t.conf:3: MTU \"1\" is wrong; expected 68 to 65535\n" },
		{ "[", "Peer", "]\nMTU = 1\n[Interface]\nMTU = 1\n",
		  "t.conf:1: unknown section; expected [Interface] or [Peer]\n"
		  "t.conf:4: MTU \"1\" is wrong; expected 68 to 65535\n" },
		{ "", "\r", "[Interface]\nMTU = 1\n",
		  "t.conf:2: MTU \"1\" is wrong; expected 68 to 65535\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = repeat(rows[i].head, rows[i].unit, MEGABYTE, rows[i].tail);
		struct diag diag = { 0 };
		struct conf *conf;
		int r = confprint_read(&conf, text, strlen(text), "t.conf", &diag);
		char *said = confprint_diag(&diag);

		ck_assert_msg(strcmp(said, rows[i].said) == 0, "row %zu says:\n%s", i,
		              said);
		ck_assert_int_eq(r, *rows[i].said ? -EINVAL : 0);
		ck_assert(!conf || conf->mtu_bytes == 1400);
		conf_free(conf);
		diag_clear(&diag);
		free(said);
		free(text);
	}
}
END_TEST

/* 200 bytes is where inih cuts, 50 where it cuts names. */
START_TEST(values_around_the_length_of_inih_lines)
{
	for (size_t n = 1; n < 500; n++) {
		char *text =
			repeat("[Interface]\nPrivateKey = " PRIVATE "\nPostUp = ", "x", n,
		               " ; y\n  PreUp = z\n");
		struct diag diag = { 0 };
		struct conf *conf;

		ck_assert_int_eq(
			confprint_read(&conf, text, strlen(text), "t.conf", &diag), 0);
		ck_assert_uint_eq(conf->hooks[CONF_POST_UP].n, 1);
		ck_assert_uint_eq(strlen(conf->hooks[CONF_POST_UP].v[0].text), n + 4);
		ck_assert_str_eq(conf->hooks[CONF_PRE_UP].v[0].text, "z");
		ck_assert_uint_eq(conf->hooks[CONF_PRE_UP].v[0].line, 4);
		conf_free(conf);
		free(text);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/parse");

	tcase_add_test(tc, whole_files);
	tcase_add_test(tc, no_secret_is_told);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, values_around_the_length_of_inih_lines);
	return tc;
}
