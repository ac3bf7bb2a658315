/* tests/unit/test_keys.c - for each key: which values are taken, with which meaning; and
 * which values are refused, with which words. The rows follow what wg, wg-quick and `ip`
 * were seen to do. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "confprint.h"
#include "unit.h"

#define PRIVATE "EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA="
#define PUBLIC  "EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA="
#define ZERO    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ADDRESS " is wrong; expected an IPv4 or IPv6 address, perhaps with /LENGTH"
#define PORT    " is wrong; expected 0 to 65535, or a service name"
#define MARK    " is wrong; expected off, 0 to 4294967295, or 0x0 to 0xffffffff"
#define ALLOWED                                                                          \
	" is wrong; expected IPv4 or IPv6 addresses, perhaps with /LENGTH, between "     \
	"commas"
#define LENGTH   " is wrong; expected a length of 0 to 32, or 0 to 128 for IPv6, in digits"
#define ENDPOINT "; expected ADDRESS:PORT, [ADDRESS]:PORT or NAME:PORT"
#define TABLE                                                                            \
	" is wrong; expected auto or off, in lower case, a number to 4294967295, or "    \
	"the name of a routing table such as main"
#define KEEPALIVE " is wrong; expected off, or 0 to 65535 seconds"
#define DNS       " is wrong; expected an IPv4 or IPv6 address, without port or zone"
#define MTU       " is wrong; expected 68 to 65535"
#define OCTAL     "; a leading 0 would mean octal"
#define VIA       " is wrong; expected network, or the NAME of another tunnel file"
#define METRIC    " is wrong; expected a number, -2147483647 to 2147483647"

#define INTERFACE "[Interface]\nPrivateKey = " PRIVATE "\n"
#define PEER      INTERFACE "[Peer]\nPublicKey = " PUBLIC "\n"

static const struct {
	const char *above; /* the file up to the line */
	const char *line;
	const char *printed; /* the line as confprint writes it; NULL if it is an error */
	const char *said;    /* errors and warnings, one a line */
} rows[] = {
	/* PrivateKey */
	{ INTERFACE, "PrivateKey = " PRIVATE, "", "" },
	{ INTERFACE, "privatekey=" PRIVATE, "", "" },
	{ INTERFACE, "Private Key = EXAMPLE/private/key/ AAAAAAAAAAAAAAAAAAAAAAA\t=", "",
	  "" },
	{ INTERFACE, "PrivateKey = EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA", NULL,
	  "t.conf:3: PrivateKey is no key: it has 43 characters; expected 44 characters of base64, of which the last is '='" },
	{ INTERFACE, "PrivateKey = " PRIVATE "=", NULL,
	  "t.conf:3: PrivateKey is no key: it has 45 characters; expected 44 characters of base64, of which the last is '='" },
	{ INTERFACE, "PrivateKey = EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAB=", NULL,
	  "t.conf:3: PrivateKey is no key; expected 44 characters of base64 that stand for 32 bytes, of which the last is '='" },
	{ INTERFACE, "PrivateKey = EXAMPLE_private_key_AAAAAAAAAAAAAAAAAAAAAAA=", NULL,
	  "t.conf:3: PrivateKey is no key; expected 44 characters of base64 that stand for 32 bytes, of which the last is '='" },
	{ INTERFACE, "PrivateKey = \"" PRIVATE "\"", NULL,
	  "t.conf:3: PrivateKey is no key: it has 46 characters; expected 44 characters of base64, of which the last is '='" },
	{ INTERFACE, "PrivateKey =", NULL,
	  "t.conf:3: PrivateKey is empty; expected a value, or no such line" },
	{ INTERFACE, "PrivateKey = # " PRIVATE, NULL,
	  "t.conf:3: PrivateKey is empty; expected a value, or no such line" },
	{ INTERFACE, "PrivateKey = short\nPrivateKey = " PRIVATE, NULL,
	  "t.conf:3: PrivateKey is no key: it has 5 characters; expected 44 characters of base64, of which the last is '='" },
	/* ListenPort */
	{ INTERFACE, "ListenPort = 51820", "ListenPort = 51820\n", "" },
	{ INTERFACE, "ListenPort = 51 820", "ListenPort = 51820\n", "" },
	{ INTERFACE, "ListenPort = 0", "", "" },
	{ INTERFACE, "ListenPort = 00051820", "ListenPort = 51820\n", "" },
	{ INTERFACE, "ListenPort = +5000", "ListenPort = 5000\n", "" },
	{ INTERFACE, "ListenPort = 65535", "ListenPort = 65535\n", "" },
	{ INTERFACE, "ListenPort = 65536", NULL, "t.conf:3: ListenPort \"65536\"" PORT },
	{ INTERFACE, "ListenPort = 4294967297", NULL,
	  "t.conf:3: ListenPort \"4294967297\"" PORT },
	{ INTERFACE, "ListenPort = 18446744073709551617", NULL,
	  "t.conf:3: ListenPort \"18446744073709551617\"" PORT },
	{ INTERFACE, "ListenPort = -1", NULL, "t.conf:3: ListenPort \"-1\"" PORT },
	{ INTERFACE, "ListenPort = 0x50", NULL, "t.conf:3: ListenPort \"0x50\"" PORT },
	{ INTERFACE, "ListenPort = nosuchservice", NULL,
	  "t.conf:3: ListenPort \"nosuchservice\"" PORT },
	{ INTERFACE, "ListenPort = 51820 51821\nListenPort = 1", NULL,
	  "t.conf:3: ListenPort \"5182051821\"" PORT },
	{ INTERFACE, "ListenPort = 1\nListenPort = 2", "ListenPort = 2\n", "" },
	{ INTERFACE, "ListenPort = ; 5", NULL, "t.conf:3: ListenPort \";5\"" PORT },
	/* FwMark */
	{ INTERFACE, "FwMark = off", "", "" },
	{ INTERFACE, "FwMark = OFF", "", "" },
	{ INTERFACE, "FwMark = 0", "", "" },
	{ INTERFACE, "FwMark = 010", "FwMark = 0xa\n", "" },
	{ INTERFACE, "FwMark = 0xca6c", "FwMark = 0xca6c\n", "" },
	{ INTERFACE, "FwMark = 0xFFFFFFFF", "FwMark = 0xffffffff\n", "" },
	{ INTERFACE, "FwMark = 4294967295", "FwMark = 0xffffffff\n", "" },
	{ INTERFACE, "FwMark = 4294967296", NULL,
	  "t.conf:3: FwMark \"4294967296\"" MARK },
	{ INTERFACE, "FwMark = 0X1", NULL, "t.conf:3: FwMark \"0X1\"" MARK },
	{ INTERFACE, "FwMark = 0x", NULL, "t.conf:3: FwMark \"0x\"" MARK },
	{ INTERFACE, "FwMark = 0x100000000", NULL,
	  "t.conf:3: FwMark \"0x100000000\"" MARK },
	{ INTERFACE, "FwMark = -1", NULL, "t.conf:3: FwMark \"-1\"" MARK },
	{ INTERFACE, "FwMark = +1", NULL, "t.conf:3: FwMark \"+1\"" MARK },
	{ INTERFACE, "FwMark = ca6c", NULL, "t.conf:3: FwMark \"ca6c\"" MARK },
	/* Address */
	{ INTERFACE, "Address = 10.8.0.2/24", "Address = 10.8.0.2/24\n", "" },
	{ INTERFACE, "Address = 10.8.0.2", "Address = 10.8.0.2/32\n", "" },
	{ INTERFACE, "Address = fd00::2", "Address = fd00::2/128\n", "" },
	{ INTERFACE, "Address = fd00::2/64,10.8.0.2/24  10.9.0.2/32",
	  "Address = fd00::2/64\nAddress = 10.8.0.2/24\nAddress = 10.9.0.2/32\n", "" },
	{ INTERFACE, "Address = ,10.8.0.2/24,, fd00::2/64,",
	  "Address = 10.8.0.2/24\nAddress = fd00::2/64\n", "" },
	{ INTERFACE, "Address = 10.8.0.2/24\nADDRESS = 10.9.0.2/24",
	  "Address = 10.8.0.2/24\nAddress = 10.9.0.2/24\n", "" },
	{ INTERFACE, "Address =", "", "" },
	{ INTERFACE, "Address = ,", "", "" },
	{ INTERFACE, "Address = 10.8.0.2/255.255.255.0", "Address = 10.8.0.2/24\n", "" },
	{ INTERFACE, "Address = 10.8/16", "Address = 10.8.0.0/16\n", "" },
	{ INTERFACE, "Address = 10.8.0.2/0", "Address = 10.8.0.2/0\n", "" },
	{ INTERFACE, "Address = 10.8.0.0/24", "Address = 10.8.0.0/24\n", "" },
	{ INTERFACE, "Address = 10.8.0.255/24", "Address = 10.8.0.255/24\n", "" },
	{ INTERFACE, "Address = 224.0.0.1/24", "Address = 224.0.0.1/24\n", "" },
	{ INTERFACE, "Address = 0.0.0.0", "",
	  "t.conf:3: warning: Address 0.0.0.0 is no address and has no effect" },
	{ INTERFACE, "Address = 10.8.0.2/0x18", "Address = 10.8.0.2/24\n", "" },
	{ INTERFACE, "Address = 10.8.0.2/+24", "Address = 10.8.0.2/24\n", "" },
	{ INTERFACE, "Address = 0xa.8.0.2/24", "Address = 10.8.0.2/24\n", "" },
	{ INTERFACE, "Address = 2001:db8::1.2.3.4/96", "Address = 2001:db8::102:304/96\n",
	  "" },
	{ INTERFACE, "Address = 10.8.0.2/24, 10.8.0.2/25",
	  "Address = 10.8.0.2/24\nAddress = 10.8.0.2/25\n", "" },
	{ INTERFACE, "Address = 010.10.0.2/24", NULL,
	  "t.conf:3: Address \"010.10.0.2/24\"" ADDRESS OCTAL },
	{ INTERFACE, "Address = 10.8.0.2/024", NULL,
	  "t.conf:3: Address \"10.8.0.2/024\"" ADDRESS OCTAL },
	{ INTERFACE, "Address = 10.8.0.2/33", NULL,
	  "t.conf:3: Address \"10.8.0.2/33\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.2/", NULL,
	  "t.conf:3: Address \"10.8.0.2/\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.256/24", NULL,
	  "t.conf:3: Address \"10.8.0.256/24\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.2.1/24", NULL,
	  "t.conf:3: Address \"10.8.0.2.1/24\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.2/255.0.255.0", NULL,
	  "t.conf:3: Address \"10.8.0.2/255.0.255.0\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.*/24", NULL,
	  "t.conf:3: Address \"10.8.0.*/24\"" ADDRESS },
	{ INTERFACE, "Address = fd00::2/129", NULL,
	  "t.conf:3: Address \"fd00::2/129\"" ADDRESS },
	{ INTERFACE, "Address = fd00::2/255.255.0.0", NULL,
	  "t.conf:3: Address \"fd00::2/255.255.0.0\"" ADDRESS },
	{ INTERFACE, "Address = fe80::1%eth0/64", NULL,
	  "t.conf:3: Address \"fe80::1%eth0/64\"" ADDRESS },
	{ INTERFACE, "Address = fd00:::2/64", NULL,
	  "t.conf:3: Address \"fd00:::2/64\"" ADDRESS },
	{ INTERFACE, "Address = ::/0", NULL,
	  "t.conf:3: Address \"::/0\" is wrong; expected a unicast address, which the "
	  "host can have" },
	{ INTERFACE, "Address = ::1/128", NULL,
	  "t.conf:3: Address \"::1/128\" is wrong; expected a unicast address, which the "
	  "host can have" },
	{ INTERFACE, "Address = ff02::1/64", NULL,
	  "t.conf:3: Address \"ff02::1/64\" is wrong; expected a unicast address, which "
	  "the host can have" },
	{ INTERFACE, "Address = any", NULL, "t.conf:3: Address \"any\"" ADDRESS },
	{ INTERFACE, "Address = host.lan", NULL,
	  "t.conf:3: Address \"host.lan\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.2/24; fd00::2/64", NULL,
	  "t.conf:3: Address \"10.8.0.2/24;\"" ADDRESS },
	{ INTERFACE, "Address = 10.8.0.2/24\nAddress = 10.9.0.2/24, 10.8.0.2/24", NULL,
	  "t.conf:4: Address 10.8.0.2/24 is already in line 3; expected it only once" },
	{ INTERFACE, "Address = 1.2.3.4/33, x, 5.6.7.8", NULL,
	  "t.conf:3: Address \"1.2.3.4/33\"" ADDRESS
	  "\nt.conf:3: Address \"x\"" ADDRESS },
	{ INTERFACE, "Add ress = 10.8.0.2/24", NULL,
	  "t.conf:3: unknown key \"Add ress\" in [Interface]; expected Address" },
	/* DNS */
	{ INTERFACE, "DNS = 10.8.0.1, fd00::1 home.lan",
	  "DNS = 10.8.0.1\nDNS = fd00::1\nDNS = home.lan\n", "" },
	{ INTERFACE, "DNS = home.lan", "DNS = home.lan\n",
	  "t.conf:3: warning: DNS has search domains but no server, so it has no effect" },
	{ INTERFACE, "DNS =", "", "" },
	{ INTERFACE, "DNS = 1.1.1.1,1.1.1.1", "DNS = 1.1.1.1\nDNS = 1.1.1.1\n", "" },
	{ INTERFACE, "DNS = 10.8.0.1\nDNS = office_1.example.",
	  "DNS = 10.8.0.1\nDNS = office_1.example.\n", "" },
	{ INTERFACE, "DNS = 999.1.1", NULL, "t.conf:3: DNS \"999.1.1\"" DNS },
	{ INTERFACE, "DNS = .", NULL, "t.conf:3: DNS \".\"" DNS },
	{ INTERFACE, "DNS = 10.8.0.1:5353", NULL, "t.conf:3: DNS \"10.8.0.1:5353\"" DNS },
	{ INTERFACE, "DNS = 10.8.0.1;10.8.0.2", NULL,
	  "t.conf:3: DNS \"10.8.0.1;10.8.0.2\" is wrong; expected addresses and search "
	  "domains, between commas" },
	{ INTERFACE, "DNS = fe80::1%eth0", NULL, "t.conf:3: DNS \"fe80::1%eth0\"" DNS },
	{ INTERFACE, "DNS = https://dns.example/", NULL,
	  "t.conf:3: DNS \"https://dns.example/\"" DNS },
	{ INTERFACE, "DNS = home..lan", NULL,
	  "t.conf:3: DNS \"home..lan\" is wrong; expected addresses and search domains, "
	  "between commas" },
	{ INTERFACE, "DNS = [fd00::1]", NULL, "t.conf:3: DNS \"[fd00::1]\"" DNS },
	/* MTU */
	{ INTERFACE, "MTU = 1400", "MTU = 1400\n", "" },
	{ INTERFACE, "MTU = 68", "MTU = 68\n", "" },
	{ INTERFACE, "MTU = 65535", "MTU = 65535\n", "" },
	{ INTERFACE, "MTU = +1400", "MTU = 1400\n", "" },
	{ INTERFACE, "MTU = 0x500", "MTU = 1280\n", "" },
	{ INTERFACE, "MTU =", "", "" },
	{ INTERFACE, "MTU = 1400\nMTU =", "", "" },
	{ INTERFACE, "MTU = 1400\nmtu = 1300", "MTU = 1300\n", "" },
	{ INTERFACE, "MTU = 67", NULL, "t.conf:3: MTU \"67\"" MTU },
	{ INTERFACE, "MTU = 65536", NULL, "t.conf:3: MTU \"65536\"" MTU },
	{ INTERFACE, "MTU = 0", NULL, "t.conf:3: MTU \"0\"" MTU },
	{ INTERFACE, "MTU = 02400", NULL, "t.conf:3: MTU \"02400\"" MTU OCTAL },
	{ INTERFACE, "MTU = 1400.5", NULL, "t.conf:3: MTU \"1400.5\"" MTU },
	{ INTERFACE, "MTU = auto", NULL, "t.conf:3: MTU \"auto\"" MTU },
	{ INTERFACE, "MTU = -1400", NULL, "t.conf:3: MTU \"-1400\"" MTU },
	{ INTERFACE, "MTU", NULL, "t.conf:3: MTU without '='; expected MTU = VALUE" },
	{ INTERFACE, "MTU 1400", NULL,
	  "t.conf:3: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE" },
	{ INTERFACE, "M TU = 1400", NULL,
	  "t.conf:3: unknown key \"M TU\" in [Interface]; expected MTU" },
	{ INTERFACE, "MTU = 14 00", NULL, "t.conf:3: MTU \"14 00\"" MTU OCTAL },
	/* Table */
	{ INTERFACE, "Table = off", "Table = off\n", "" },
	{ INTERFACE, "Table = auto", "", "" },
	{ INTERFACE, "Table =", "", "" },
	{ INTERFACE, "Table = off\nTable = auto", "", "" },
	{ INTERFACE, "Table = 1234", "Table = 1234\n", "" },
	{ INTERFACE, "Table = 0", "Table = 0\n", "" },
	{ INTERFACE, "Table = 0x10", "Table = 16\n", "" },
	{ INTERFACE, "Table = 4294967295", "Table = 4294967295\n", "" },
	{ INTERFACE, "Table = main", "Table = 254\n", "" },
	{ INTERFACE, "Table = default", "Table = 253\n", "" },
	{ INTERFACE, "Table = local", "Table = 255\n", "" },
	{ INTERFACE, "Table = OFF", NULL, "t.conf:3: Table \"OFF\"" TABLE },
	{ INTERFACE, "Table = Auto", NULL, "t.conf:3: Table \"Auto\"" TABLE },
	{ INTERFACE, "Table = on", NULL, "t.conf:3: Table \"on\"" TABLE },
	{ INTERFACE, "Table = vpn-none", NULL, "t.conf:3: Table \"vpn-none\"" TABLE },
	{ INTERFACE, "Table = 4294967296", NULL, "t.conf:3: Table \"4294967296\"" TABLE },
	{ INTERFACE, "Table = 010", NULL, "t.conf:3: Table \"010\"" TABLE OCTAL },
	{ INTERFACE, "Table = -1", NULL, "t.conf:3: Table \"-1\"" TABLE },
	/* IncludedApplications, ExcludedApplications */
	{ INTERFACE, "IncludedApplications = org.a, org.b",
	  "IncludedApplications = org.a\nIncludedApplications = org.b\n", "" },
	{ INTERFACE, "ExcludedApplications =", "", "" },

	/* SaveConfig */
	{ INTERFACE, "SaveConfig = false", "", "" },
	{ INTERFACE, "SaveConfig = TRUE", "SaveConfig = true\n", "" },
	{ INTERFACE, "SaveConfig = yes", NULL,
	  "t.conf:3: SaveConfig \"yes\" is wrong; expected true or false" },
	{ INTERFACE, "SaveConfig =", NULL,
	  "t.conf:3: SaveConfig \"\" is wrong; expected true or false" },
	{ INTERFACE, "SaveConfig", NULL,
	  "t.conf:3: SaveConfig without '='; expected SaveConfig = VALUE" },
	/* hooks */
	{ INTERFACE,
	  "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING "
	  "-j MASQUERADE ; true",
	  "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING "
	  "-j MASQUERADE ; true\n",
	  "" },
	{ INTERFACE, "PostUp = echo \"a # b\" ${#a[@]} # c  \nPreUp = :",
	  "PreUp = :\nPostUp = echo \"a # b\" ${#a[@]} # c\n", "" },
	{ INTERFACE, "PostUp = a = b # = c", "PostUp = a = b # = c\n", "" },
	{ INTERFACE, "PostDown =   \nPreDown = x", "PreDown = x\n", "" },
	{ INTERFACE, "PostUp =# only a comment", "PostUp = # only a comment\n", "" },
	{ INTERFACE, "PostUp = x # tunion: Via = vpn", "PostUp = x # tunion: Via = vpn\n",
	  "" },
	{ INTERFACE, "PostUp = \t a \t  b\t", "PostUp = a \t  b\n", "" },
	{ INTERFACE, "PostUp = [Peer]", "PostUp = [Peer]\n", "" },
	{ INTERFACE, "PostUp", NULL,
	  "t.conf:3: PostUp without '='; expected PostUp = VALUE" },
	{ INTERFACE, "PostUp # = x", NULL,
	  "t.conf:3: PostUp without '='; expected PostUp = VALUE" },
	{ INTERFACE, "Post Up = x", NULL,
	  "t.conf:3: unknown key \"Post Up\" in [Interface]; expected PostUp" },
	{ INTERFACE, "PostUp : x", NULL,
	  "t.conf:3: this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE" },
	/* PublicKey */
	{ PEER, "PublicKey = EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA", NULL,
	  "t.conf:5: PublicKey is no key: it has 43 characters; expected 44 characters of base64, of which the last is '='" },
	{ PEER, "PublicKey = " PUBLIC " " PUBLIC, NULL,
	  "t.conf:5: PublicKey is no key: it has 88 characters; expected 44 characters of base64, of which the last is '='" },
	{ PEER, "PublicKey =", NULL,
	  "t.conf:5: PublicKey is empty; expected a value, or no such line" },
	/* PresharedKey */
	{ PEER, "PresharedKey = " PRIVATE, "PresharedKey = " PRIVATE "\n", "" },
	{ PEER, "PresharedKey = " ZERO, "", "" },
	{ PEER, "PresharedKey = " PRIVATE "\nPresharedKey = " ZERO, "", "" },
	{ PEER, "PresharedKey = AMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA=", NULL,
	  "t.conf:5: PresharedKey is no key: it has 42 characters; expected 44 characters of base64, of which the last is '='" },
	{ PEER, "PresharedKey =", NULL,
	  "t.conf:5: PresharedKey is empty; expected a value, or no such line" },
	{ PEER, "PresharedKey " PRIVATE, NULL,
	  "t.conf:5: unknown key in [Peer]; expected one that is in tunion.conf(5)" },
	/* AllowedIPs */
	{ PEER, "AllowedIPs = 10.0.0.0/8, fd00::/8",
	  "AllowedIPs = 10.0.0.0/8\nAllowedIPs = fd00::/8\n", "" },
	{ PEER, "AllowedIPs = 10.1.2.3, fd00::1",
	  "AllowedIPs = 10.1.2.3/32\nAllowedIPs = fd00::1/128\n", "" },
	{ PEER, "AllowedIPs = 10.9.0.7/24", "AllowedIPs = 10.9.0.0/24\n",
	  "t.conf:5: warning: AllowedIPs \"10.9.0.7/24\" has a nonzero host part; taken "
	  "as 10.9.0.0/24" },
	{ PEER, "AllowedIPs = 10.0.0.0/0", "AllowedIPs = 0.0.0.0/0\n",
	  "t.conf:5: warning: AllowedIPs \"10.0.0.0/0\" has a nonzero host part; taken "
	  "as 0.0.0.0/0" },
	{ PEER, "AllowedIPs = 10.0.0.0/008", "AllowedIPs = 10.0.0.0/8\n", "" },
	{ PEER, "AllowedIPs = 10.0.0.0/8\nAllowedIPs = 10.0.0.0/8, 10.0.0.0/9",
	  "AllowedIPs = 10.0.0.0/8\nAllowedIPs = 10.0.0.0/9\n", "" },
	{ PEER, "AllowedIPs = ::ffff:10.0.0.1/128", "AllowedIPs = ::ffff:10.0.0.1/128\n",
	  "" },
	{ PEER, "AllowedIPs = +10.0.0.0/8", "AllowedIPs = 10.0.0.0/8\n", "" },
	{ PEER, "AllowedIPs = 10.0.0.0/8, 11.0.0.0/8, -10.0.0.0/8",
	  "AllowedIPs = 11.0.0.0/8\n", "" },
	{ PEER, "AllowedIPs = -10.0.0.0/8", "", "" },
	{ PEER, "AllowedIPs = 1 0.0.0.0 / 8", "AllowedIPs = 10.0.0.0/8\n", "" },
	{ PEER, "AllowedIPs =", NULL,
	  "t.conf:5: AllowedIPs is empty; expected a value, or no such line" },
	{ PEER, "AllowedIPs = ,10.0.0.0/8", NULL,
	  "t.conf:5: AllowedIPs has an empty item; expected one comma between two "
	  "addresses" },
	{ PEER, "AllowedIPs = 10.0.0.0/8,", NULL,
	  "t.conf:5: AllowedIPs has an empty item; expected one comma between two "
	  "addresses" },
	{ PEER, "AllowedIPs = 10.0.0.0/8,,11.0.0.0/8", NULL,
	  "t.conf:5: AllowedIPs has an empty item; expected one comma between two "
	  "addresses" },
	{ PEER, "AllowedIPs = 10.0/8", NULL, "t.conf:5: AllowedIPs \"10.0/8\"" ALLOWED },
	{ PEER, "AllowedIPs = 010.0.0.0/8", NULL,
	  "t.conf:5: AllowedIPs \"010.0.0.0/8\"" ALLOWED OCTAL },
	{ PEER, "AllowedIPs = host.lan", NULL,
	  "t.conf:5: AllowedIPs \"host.lan\"" ALLOWED },
	{ PEER, "AllowedIPs = fe80::1%lo/64", NULL,
	  "t.conf:5: AllowedIPs \"fe80::1%lo/64\"" ALLOWED },
	{ PEER, "AllowedIPs = [fd00::]/8", NULL,
	  "t.conf:5: AllowedIPs \"[fd00::]/8\"" ALLOWED },
	{ PEER, "AllowedIPs = any", NULL, "t.conf:5: AllowedIPs \"any\"" ALLOWED },
	{ PEER, "AllowedIPs = 10.0.0.0/33", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/33\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/-1", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/-1\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/+8", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/+8\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/0x8", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/0x8\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/255.0.0.0", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/255.0.0.0\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/8/8", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/8/8\"" LENGTH },
	{ PEER, "AllowedIPs = 10.0.0.0/8 11.0.0.0/8", NULL,
	  "t.conf:5: AllowedIPs \"10.0.0.0/8 11.0.0.0/8\" has a blank and no comma; expected IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas" },
	{ PEER, "AllowedIPs = fd00::/129", NULL,
	  "t.conf:5: AllowedIPs \"fd00::/129\"" LENGTH },
	{ PEER, "AllowedIPs = ++10.0.0.0/8", NULL,
	  "t.conf:5: AllowedIPs \"+10.0.0.0/8\"" ALLOWED },
	/* Endpoint */
	{ PEER, "Endpoint = 192.0.2.1:51820", "Endpoint = 192.0.2.1:51820\n", "" },
	{ PEER, "Endpoint = [2001:db8::1]:51820", "Endpoint = [2001:db8::1]:51820\n",
	  "" },
	{ PEER, "Endpoint = 2001:db8::1:51820", "Endpoint = [2001:db8::1]:51820\n", "" },
	{ PEER, "Endpoint = vpn.example.net:51820", "Endpoint = vpn.example.net:51820\n",
	  "" },
	{ PEER, "Endpoint = [vpn.example.net]:51820",
	  "Endpoint = vpn.example.net:51820\n", "" },
	{ PEER, "Endpoint = [192.0.2.1]:51820", "Endpoint = 192.0.2.1:51820\n", "" },
	{ PEER, "Endpoint = 10.1:51820", "Endpoint = 10.1:51820\n", "" },
	{ PEER, "Endpoint = 0xc0000201:51820", "Endpoint = 0xc0000201:51820\n", "" },
	{ PEER, "Endpoint = 3221225985:51820", "Endpoint = 3221225985:51820\n", "" },
	{ PEER, "Endpoint = 192.0.2.1 : 051820", "Endpoint = 192.0.2.1:51820\n", "" },
	{ PEER, "Endpoint = 192.0.2.1:+51820", "Endpoint = 192.0.2.1:51820\n", "" },
	{ PEER, "Endpoint = [fe80::1%1]:51820", "Endpoint = [fe80::1%1]:51820\n", "" },
	{ PEER, "Endpoint = fe80::1%1:5", "Endpoint = [fe80::1%1]:5\n", "" },
	{ PEER, "Endpoint = my_host.example.net.:1",
	  "Endpoint = my_host.example.net.:1\n", "" },
	{ PEER, "Endpoint = 192.0.2.1:1\nEndpoint = 192.0.2.2:2",
	  "Endpoint = 192.0.2.2:2\n", "" },
	{ PEER, "Endpoint = 192.0.2.1", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1\" is wrong: the port is missing" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1:\" is wrong: the port is missing" ENDPOINT },
	{ PEER, "Endpoint = :51820", NULL,
	  "t.conf:5: Endpoint \":51820\" is wrong: there is no host before the "
	  "port" ENDPOINT },
	{ PEER, "Endpoint = [2001:db8::1]51820", NULL,
	  "t.conf:5: Endpoint \"[2001:db8::1]51820\" is wrong: the port is "
	  "missing" ENDPOINT },
	{ PEER, "Endpoint = [2001:db8::1]", NULL,
	  "t.conf:5: Endpoint \"[2001:db8::1]\" is wrong: the port is missing" ENDPOINT },
	{ PEER, "Endpoint = [2001:db8::1:51820", NULL,
	  "t.conf:5: Endpoint \"[2001:db8::1:51820\" is wrong: the \"]\" is "
	  "missing" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:65536", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1:65536\" is wrong: its port is not 1 to 65535, "
	  "nor a service name" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:0", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1:0\" is wrong: its port is 0, where nobody can "
	  "be reached" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:nosuchservice", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1:nosuchservice\" is wrong: its port is not 1 to "
	  "65535, nor a service name" ENDPOINT },
	{ PEER, "Endpoint = udp://192.0.2.1:51820", NULL,
	  "t.conf:5: Endpoint \"udp://192.0.2.1:51820\" is wrong: it is a URL, but only its host and port belong here" ENDPOINT },
	{ PEER, "Endpoint = http://wg.example.net:8000:51820", NULL,
	  "t.conf:5: Endpoint \"http://wg.example.net:8000:51820\" is wrong: it is a URL, but only its host and port belong here" ENDPOINT },
	{ PEER, "Endpoint = https://wg.example.net", NULL,
	  "t.conf:5: Endpoint \"https://wg.example.net\" is wrong: it is a URL, but only its host and port belong here" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:1,192.0.2.2:2", NULL,
	  "t.conf:5: Endpoint \"192.0.2.1:1,192.0.2.2:2\" is wrong: it is a list, but "
	  "a peer has one endpoint" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.256:51820", NULL,
	  "t.conf:5: Endpoint \"192.0.2.256:51820\" is wrong: its host is not an IPv4 "
	  "address" ENDPOINT },
	{ PEER, "Endpoint = 010.0.0.1:51820", NULL,
	  "t.conf:5: Endpoint \"010.0.0.1:51820\" is wrong: its host is not an IPv4 "
	  "address" ENDPOINT },
	{ PEER, "Endpoint = 2001:db8::1", NULL,
	  "t.conf:5: Endpoint \"2001:db8::1\" is wrong: it is an IPv6 address without "
	  "brackets and port" ENDPOINT },
	{ PEER, "Endpoint = 2001:db8::a01f", NULL,
	  "t.conf:5: Endpoint \"2001:db8::a01f\" is wrong: it is an IPv6 address without "
	  "brackets and port" ENDPOINT },
	{ PEER, "Endpoint = fe80::1%lo", NULL,
	  "t.conf:5: Endpoint \"fe80::1%lo\" is wrong: it is an IPv6 address without "
	  "brackets and port" ENDPOINT },
	{ PEER, "Endpoint = 2001:db8::1:g", NULL,
	  "t.conf:5: Endpoint \"2001:db8::1:g\" is wrong: its port is not 1 to 65535, "
	  "nor "
	  "a service name" ENDPOINT },
	{ PEER, "Endpoint = 2001:db8::a01:53", "Endpoint = [2001:db8::a01]:53\n",
	  "t.conf:5: warning: Endpoint \"2001:db8::a01:53\" is taken as [2001:db8::a01]:53, as wg does; write it like that, or add the port if it is missing" },
	{ PEER, "Endpoint = [fe80::1]:51820", "Endpoint = [fe80::1]:51820\n",
	  "t.conf:5: warning: Endpoint \"[fe80::1]:51820\" is a link-local address without its link, so nothing can be sent there; expected one such as [fe80::1%eth0]:51820" },
	{ PEER, "Endpoint = [fe80::1%nosuchif0]:51820", NULL,
	  "t.conf:5: Endpoint \"[fe80::1%nosuchif0]:51820\" is wrong: its address is wrong, or no interface has the name after the '%'" ENDPOINT },
	{ PEER, "Endpoint = ho+st:51820", NULL,
	  "t.conf:5: Endpoint \"ho+st:51820\" is wrong: its host is neither an address "
	  "nor a name" ENDPOINT },
	{ PEER,
	  "Endpoint = "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net:51820",
	  NULL,
	  "t.conf:5: Endpoint (not shown: it looks like a key) is wrong: its host is "
	  "neither an address nor a name" ENDPOINT },
	{ PEER,
	  "Endpoint = "
	  "abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc."
	  "abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc."
	  "abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc."
	  "abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc."
	  "abc.abc.abc.abc.net:51820",
	  NULL,
	  "t.conf:5: Endpoint "
	  "\"abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.ab...\" is "
	  "wrong: its host is too long" ENDPOINT },
	{ PEER, "Endpoint = 192.0.2.1:1\nEndpoint = x", NULL,
	  "t.conf:6: Endpoint \"x\" is wrong: the port is missing" ENDPOINT },
	/* PersistentKeepalive */
	{ PEER, "PersistentKeepalive = 25", "PersistentKeepalive = 25\n", "" },
	{ PEER, "PersistentKeepalive = off", "PersistentKeepalive = 0\n", "" },
	{ PEER, "PersistentKeepalive = OFF", "PersistentKeepalive = 0\n", "" },
	{ PEER, "PersistentKeepalive = 0", "PersistentKeepalive = 0\n", "" },
	{ PEER, "PersistentKeepalive = 65535", "PersistentKeepalive = 65535\n", "" },
	{ PEER, "PersistentKeepalive = 2 5", "PersistentKeepalive = 25\n", "" },
	{ PEER, "PersistentKeepalive = 65536", NULL,
	  "t.conf:5: PersistentKeepalive \"65536\"" KEEPALIVE },
	{ PEER, "PersistentKeepalive = +25", NULL,
	  "t.conf:5: PersistentKeepalive \"+25\"" KEEPALIVE },
	{ PEER, "PersistentKeepalive = 0x19", NULL,
	  "t.conf:5: PersistentKeepalive \"0x19\"" KEEPALIVE },
	{ PEER, "PersistentKeepalive = 25s", NULL,
	  "t.conf:5: PersistentKeepalive \"25s\"" KEEPALIVE },
	{ PEER, "PersistentKeepalive = -1", NULL,
	  "t.conf:5: PersistentKeepalive \"-1\"" KEEPALIVE },
	{ PEER, "PersistentKeepalive = on", NULL,
	  "t.conf:5: PersistentKeepalive \"on\"" KEEPALIVE },
	/* # tunion: */
	{ INTERFACE, "# tunion: Via = vpn", "# tunion: Via = vpn\n", "" },
	{ INTERFACE, "#tunion:via=network", "# tunion: Via = network\n", "" },
	{ INTERFACE, "#  TUNION : Via = vpn # the provider", "# tunion: Via = vpn\n",
	  "" },
	{ INTERFACE, "# tunion: Via = vpn\n# tunion: Via = network",
	  "# tunion: Via = network\n", "" },
	{ PEER, "# tunion: Via = vpn", "# tunion: Via = vpn\n", "" },
	{ PEER, "AllowedIPs = 10.0.0.0/8 # tunion: Via = network",
	  "AllowedIPs = 10.0.0.0/8\n# tunion: Via = network\n", "" },
	{ INTERFACE, "# tunion: Metric = 10", "# tunion: Metric = 10\n", "" },
	{ INTERFACE, "# tunion: Metric = -2147483647", "# tunion: Metric = -2147483647\n",
	  "" },
	{ INTERFACE, "# tunion: SourceFix = off", "# tunion: SourceFix = off\n", "" },
	{ INTERFACE, "# tunion: SourceFix = ON", "", "" },
	{ INTERFACE, "# tunion: SourceCheck = off", "# tunion: SourceCheck = off\n", "" },
	{ INTERFACE, "# tunion: SourceCheck = on", "", "" },
	{ INTERFACE, "# tunion: Resolve = off", "# tunion: Resolve = off\n", "" },
	{ INTERFACE, "# tunion: Tun = own", "# tunion: Tun = own\n", "" },
	{ INTERFACE, "# tunion: Gate = on", "# tunion: Gate = on\n", "" },
	{ INTERFACE, "# tunion: Gate = off", "", "" },
	{ INTERFACE, "# tunion: Isolate = off", "# tunion: Isolate = off\n", "" },
	{ INTERFACE, "# tunion: Isolate = on", "", "" },
	{ INTERFACE, "# tunion: Listen = 127.0.0.1", "# tunion: Listen = 127.0.0.1\n",
	  "" },
	{ INTERFACE, "# tunion: Listen = FD00::0:1", "# tunion: Listen = fd00::1\n", "" },
	{ INTERFACE, "## tunion: Via = vpn", "", "" },
	{ INTERFACE, "# # tunion: Via = vpn", "", "" },
	{ INTERFACE, "# tunion Via = vpn", "",
	  "t.conf:3: warning: \"# tunion Via =\" has no colon, so it sets nothing; expected # tunion: Via = VALUE" },
	{ INTERFACE, "# tunions: x", "", "" },
	{ INTERFACE, "; tunion: Via = vpn", NULL,
	  "t.conf:3: unknown key in [Interface]; expected one that is in tunion.conf(5)" },
	{ INTERFACE, "# tunion: Via =", NULL, "t.conf:3: Via \"\"" VIA },
	{ INTERFACE, "# tunion: Via", NULL,
	  "t.conf:3: Via without '='; expected Via = VALUE" },
	{ INTERFACE, "# tunion: see below", NULL,
	  "t.conf:3: this \"# tunion:\" sets nothing; expected # tunion: KEY = VALUE" },
	{ INTERFACE, "# tunion:", NULL,
	  "t.conf:3: this \"# tunion:\" sets nothing; expected # tunion: KEY = VALUE" },
	{ INTERFACE, "# tunion: Via = a/b", NULL, "t.conf:3: Via \"a/b\"" VIA },
	{ INTERFACE, "# tunion: Via = vpn.conf.d/verylongname", NULL,
	  "t.conf:3: Via \"vpn.conf.d/verylongname\"" VIA },
	{ INTERFACE, "# tunion: Via = vpn home", NULL, "t.conf:3: Via \"vpn home\"" VIA },
	{ INTERFACE, "# tunion: Carrier = vpn", NULL,
	  "t.conf:3: unknown setting of tunion \"Carrier\" in [Interface]; expected one that is in tunion.conf(5)" },
	{ INTERFACE, "# tunion: MTU = 1400", NULL,
	  "t.conf:3: unknown setting of tunion \"MTU\" in [Interface]; expected one that is in tunion.conf(5)" },
	{ INTERFACE, "# tunion: Metric = low", NULL, "t.conf:3: Metric \"low\"" METRIC },
	{ INTERFACE, "# tunion: Metric = 2147483648", NULL,
	  "t.conf:3: Metric \"2147483648\"" METRIC },
	{ INTERFACE, "# tunion: Metric = 1.5", NULL, "t.conf:3: Metric \"1.5\"" METRIC },
	{ INTERFACE, "# tunion: SourceFix = no", NULL,
	  "t.conf:3: SourceFix \"no\" is wrong; expected on or off" },
	{ INTERFACE, "# tunion: Resolve =", NULL,
	  "t.conf:3: Resolve \"\" is wrong; expected on or off" },
	{ PEER, "# tunion: Metric = 1", NULL,
	  "t.conf:5: Metric is in [Peer]; expected it in [Interface]" },
	{ PEER, "# tunion: SourceFix = off", NULL,
	  "t.conf:5: SourceFix is in [Peer]; expected it in [Interface]" },
	{ INTERFACE, "# tunion: Tun = shared", NULL,
	  "t.conf:3: Tun \"shared\" is wrong; expected own, or no such line: then all files share one tun" },
	{ INTERFACE, "# tunion: Isolate = no", NULL,
	  "t.conf:3: Isolate \"no\" is wrong; expected on or off" },
	{ PEER, "# tunion: Isolate = off", NULL,
	  "t.conf:5: Isolate is in [Peer]; expected it in [Interface]" },
	{ INTERFACE, "# tunion: Gate = 51820", NULL,
	  "t.conf:3: Gate \"51820\" is wrong; expected on or off" },
	{ PEER, "# tunion: Gate = on", NULL,
	  "t.conf:5: Gate is in [Peer]; expected it in [Interface]" },
	{ INTERFACE, "# tunion: Listen = 127.0.0.1:51821", NULL,
	  "t.conf:3: Listen \"127.0.0.1:51821\" is wrong; expected an IPv4 or IPv6 address of this host, without a port" },
	{ INTERFACE, "# tunion: Listen = ", NULL,
	  "t.conf:3: Listen \"\" is wrong; expected an IPv4 or IPv6 address of this host, without a port" },
	{ PEER, "# tunion: Listen = ::1", NULL,
	  "t.conf:5: Listen is in [Peer]; expected it in [Interface]" },
	{ PEER, "# tunion: Resolve = off", NULL,
	  "t.conf:5: Resolve is in [Peer]; expected it in [Interface]" },
};

static char *print_of(const char *above, const char *line, int expected, char **said)
{
	struct diag diag = { 0 };
	struct conf *conf;
	char *text, *printed = NULL;
	int n = asprintf(&text, "%s%s\n", above, line);

	ck_assert_int_ge(n, 0);
	ck_assert_msg(confprint_read(&conf, text, (size_t)n, "t.conf", &diag) == expected,
	              "%s: not %d", line, expected);
	if (conf)
		printed = confprint_text(conf);
	*said = confprint_diag(&diag);
	conf_free(conf);
	diag_clear(&diag);
	free(text);
	return printed;
}

/* The line adds to the print what it means, and nothing else. */
static void check_row(const char *above, const char *line, const char *meaning,
                      const char *expected)
{
	char *said, *nothing, *base = print_of(above, "", 0, &nothing);
	char *printed = print_of(above, line, meaning ? 0 : -EINVAL, &said);
	size_t n = strlen(said);

	if (meaning) {
		ck_assert_msg(strstr(printed, meaning), "%s: %s", line, printed);
		ck_assert_msg(strlen(printed) == strlen(base) + strlen(meaning), "%s: %s",
		              line, printed);
	}
	if (n > 0)
		said[n - 1] = '\0';
	ck_assert_msg(strcmp(said, expected) == 0, "%s\nsays     %s\nexpected %s", line,
	              said, expected);
	free(said);
	free(nothing);
	free(base);
	free(printed);
}

START_TEST(each_value_of_each_key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(rows[i].above, rows[i].line, rows[i].printed, rows[i].said);
}
END_TEST

START_TEST(service_names)
{
	if (!getservbyname("domain", "udp"))
		return; /* no /etc/services here */
	check_row(INTERFACE, "ListenPort = domain", "ListenPort = 53\n", "");
	check_row(PEER, "Endpoint = 192.0.2.1:domain", "Endpoint = 192.0.2.1:53\n", "");
}
END_TEST

/* To be freed. */
static char *repeated(const char *head, const char *unit, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	fputs(head, f);
	for (size_t i = 0; i < 2 * KEYS_BAD_MAX; i++)
		fputs(unit, f);
	fclose(f);
	return text;
}

/* Such as a log or a picture that somebody has put into the folder. */
START_TEST(errors_are_not_without_end)
{
	static const struct {
		const char *head, *unit;
	} files[] = {
		{ "", "x\n" },
		{ "", "[Peer]\n" },
		{ "", "\300[\n" },
		{ "[Interface]\nAddress = ", "x," },
		{ "[Interface]\nDNS = ", "!," },
		{ PEER "AllowedIPs = ", "," },
		{ "[Interface]\n", "# tunion: x\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct diag diag = { 0 };
		struct conf *conf;
		size_t n;
		char *text = repeated(files[i].head, files[i].unit, &n);

		ck_assert_int_eq(confprint_read(&conf, text, n, "t.conf", &diag),
		                 -EINVAL);
		ck_assert_ptr_null(conf);
		ck_assert_uint_eq(diag.errors, KEYS_BAD_MAX + 1);
		ck_assert_str_eq(
			diag.entries[diag.count - 1].text,
			"these are 1000 errors, so the rest of the file isn't read");
		diag_clear(&diag);
		free(text);
	}
}
END_TEST

START_TEST(nor_are_warnings)
{
	static const struct {
		const char *head, *unit;
	} files[] = {
		{ INTERFACE, "# tunion Via = x\n" },
		{ INTERFACE "Address = ", "0.0.0.0," },
		{ PEER "AllowedIPs = 10.0.0.0/8", ",10.0.0.1/8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct diag diag = { 0 };
		struct conf *conf;
		size_t n;
		char *text = repeated(files[i].head, files[i].unit, &n);

		ck_assert_int_eq(confprint_read(&conf, text, n, "t.conf", &diag), 0);
		ck_assert_uint_eq(diag.warnings, KEYS_BAD_MAX + 1);
		conf_free(conf);
		diag_clear(&diag);
		free(text);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/keys");

	tcase_add_test(tc, each_value_of_each_key);
	tcase_add_test(tc, service_names);
	tcase_add_test(tc, errors_are_not_without_end);
	tcase_add_test(tc, nor_are_warnings);
	return tc;
}
