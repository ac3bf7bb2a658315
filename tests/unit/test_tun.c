#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/iphdr.h"
#include "craft.h"
#include "io/tun.h"
#include "io/tun_open.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* <linux/udp.h> */
#endif

#define HOST     "10.9.8.1" /* the tun's address */
#define OTHER    "10.9.8.2" /* what is behind it */
#define PORT     9
#define SEEN_MAX 64

/* ---- what can't be opened */

static const struct {
	const char *name, *text;
	int err;
} refused[] = {
	{ "", "cannot be the name of a tun device", -EINVAL },
	{ "tun%d", "cannot be the name of a tun device", -EINVAL },
	{ "sixteen-letters-", "cannot be the name of a tun device", -EINVAL },
	{ "lo", "`lo' already exists", -EEXIST },
	{ "a/b", "cannot be the name of a tun device", -EINVAL },
};

/* In a network of our own; the test's process ends with it. False: not here. */
static bool enter_network(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		unit_lacks("a network namespace");
		return false;
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		unit_lacks("a tun device");
		return false;
	}
	close(fd);
	return true;
}

static bool says(const struct diag *diag, const char *text)
{
	return diag->count > 0 && strstr(diag->entries[diag->count - 1].text, text);
}

START_TEST(names_that_are_refused)
{
	struct diag diag = { 0 };
	int fd;

	if (!enter_network())
		return;
	ck_assert_int_eq(tun_open(&fd, refused[_i].name, false, &diag), refused[_i].err);
	ck_assert_int_eq(fd, -1);
	ck_assert_msg(says(&diag, refused[_i].text), "%s: what it says",
	              refused[_i].name);
	diag_clear(&diag);
}
END_TEST

/* ---- packets */

struct lab {
	struct buffers *buffers;
	struct tun *tun;
	int udp;        /* a socket of the host, at HOST and PORT */
	uint32_t bytes; /* of the payloads that are looked for */
	size_t seen;
};

static void put_address(struct ifreq *r, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	ck_assert_int_eq(inet_pton(AF_INET, text, &a.sin_addr), 1);
	memcpy(&r->ifr_addr, &a, sizeof(a));
}

static void bring_up(const char *name)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	ck_assert_int_ge(s, 0);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	put_address(&r, HOST);
	ck_assert_int_eq(ioctl(s, SIOCSIFADDR, &r), 0);
	put_address(&r, "255.255.255.0");
	ck_assert_int_eq(ioctl(s, SIOCSIFNETMASK, &r), 0);
	r.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(s, SIOCSIFFLAGS, &r), 0);
	close(s);
}

static struct sockaddr_in at(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	ck_assert_int_eq(inet_pton(AF_INET, address, &a.sin_addr), 1);
	return a;
}

static void set_up(struct lab *lab, bool vnet)
{
	struct sockaddr_in host = at(HOST);
	struct diag diag = { 0 };
	int fd;

	memset(lab, 0, sizeof(*lab));
	ck_assert_int_eq(tun_open(&fd, "t0", vnet, &diag), 0);
	ck_assert_uint_eq(diag.count, 0);
	ck_assert_int_eq(buffers_new(&lab->buffers), 0);
	ck_assert_int_eq(tun_new(&lab->tun, fd, lab->buffers), 0);
	ck_assert_int_eq(tun_fd(lab->tun), fd);
	bring_up("t0");
	lab->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(lab->udp, (struct sockaddr *)&host, sizeof(host)), 0);
}

static void tear_down(struct lab *lab)
{
	close(lab->udp);
	tun_free(lab->tun);
	tun_free(NULL);
	buffers_free(lab->buffers);
}

/* Counts the host's datagrams. It sends others of its own accord, to find its
 * neighbours. */
static void sink(void *context, struct packet **packets, size_t n)
{
	struct lab *lab = context;
	struct ip_view v;

	for (size_t i = 0; i < n; i++) {
		const struct packet *p = packets[i];

		ck_assert_uint_ge(p->headroom_bytes, PACKET_HEADROOM_BYTES);
		ck_assert_uint_ge(p->tailroom_bytes, PACKET_TAILROOM_BYTES);
		if (!ip_view_parse(&v, p->data, p->len_bytes) || v.family != IP_V4 ||
		    v.protocol != PROTO_UDP)
			continue;
		ck_assert(craft_valid(p->data, p->len_bytes));
		ck_assert_uint_eq(v.total_bytes - v.payload_at - 8, lab->bytes);
		lab->seen++;
	}
}

static void read_until(struct lab *lab, size_t n)
{
	struct pollfd p = { .fd = tun_fd(lab->tun), .events = POLLIN };

	while (lab->seen < n) {
		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		ck_assert_int_eq(tun_read(lab->tun, sink, lab), 0);
	}
	ck_assert_uint_eq(lab->seen, n);
}

static void send_out(const struct lab *lab, const void *bytes, size_t n)
{
	struct sockaddr_in to = at(OTHER);

	ck_assert_int_eq(
		sendto(lab->udp, bytes, n, 0, (struct sockaddr *)&to, sizeof(to)),
		(ssize_t)n);
}

/* With a vnet header the kernel leaves several in one piece, or cuts them before. */
static void out_of_the_host(struct lab *lab)
{
	static const uint8_t text[10 * 100];
	int segment = 100;

	lab->bytes = 300;
	send_out(lab, text, lab->bytes);
	read_until(lab, 1);
	lab->seen = 0;
	lab->bytes = (uint32_t)segment;
	if (setsockopt(lab->udp, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		return; /* before Linux 4.18 */
	send_out(lab, text, sizeof(text));
	read_until(lab, 10);
}

static void into_the_host(const struct lab *lab)
{
	static struct craft crafts[SEEN_MAX];
	struct packet *packets[SEEN_MAX];
	uint8_t text[100] = { 0 }, got[200];
	struct pollfd p = { .fd = lab->udp, .events = POLLIN };

	for (size_t i = 0; i < SEEN_MAX; i++) {
		text[0] = (uint8_t)i;
		craft_udp(&crafts[i], OTHER, PORT, HOST, PORT, text, sizeof(text));
		packets[i] = &crafts[i].packet;
	}
	ck_assert_uint_eq(
		tun_as_link(lab->tun)->write(tun_as_link(lab->tun), packets, SEEN_MAX),
		SEEN_MAX);
	for (size_t i = 0; i < SEEN_MAX; i++) {
		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		ck_assert_int_eq(recv(lab->udp, got, sizeof(got), 0), sizeof(text));
		ck_assert_uint_eq(got[0], i);
	}
}

START_TEST(packets_in_both_directions)
{
	struct lab lab;

	if (!enter_network())
		return;
	set_up(&lab, _i);
	out_of_the_host(&lab);
	into_the_host(&lab);
	tear_down(&lab);
}
END_TEST

START_TEST(a_name_that_is_taken)
{
	struct lab lab;
	struct diag diag = { 0 };
	int fd;

	if (!enter_network())
		return;
	set_up(&lab, false);
	ck_assert_int_eq(tun_open(&fd, "t0", false, &diag), -EEXIST);
	ck_assert(says(&diag, "`t0' already exists"));
	diag_clear(&diag);
	tear_down(&lab);
	/* it has gone with its descriptor */
	ck_assert_int_eq(tun_open(&fd, "t0", false, &diag), 0);
	close(fd);
}
END_TEST

/* What isn't a tun is read packet by packet; an end of it is no end of ours. */
START_TEST(a_pair_of_sockets)
{
	struct buffers *buffers;
	struct lab lab = { .bytes = 5 };
	struct craft c;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(buffers_new(&buffers), 0);
	ck_assert_int_eq(tun_new(&lab.tun, pair[0], buffers), 0);
	ck_assert_int_eq(tun_read(lab.tun, sink, &lab), 0);
	ck_assert_uint_eq(lab.seen, 0);
	craft_udp(&c, OTHER, PORT, HOST, PORT, "hello", 5);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(send(pair[1], c.packet.data, c.packet.len_bytes, 0),
		                 c.packet.len_bytes);
	ck_assert_int_eq(tun_read(lab.tun, sink, &lab), 0);
	ck_assert_uint_eq(lab.seen, 3);
	close(pair[1]);
	tun_free(lab.tun);
	buffers_free(buffers);
	ck_assert_int_eq(tun_new(&lab.tun, -1, NULL), -EBADF);
	ck_assert_ptr_null(lab.tun);
}
END_TEST

/* ---- segments that are joined for a host without offloads */

#define SEGMENT_BYTES 500

/* The host has no such connection, so it answers each packet of it with a reset. */
static void craft_tcp(struct craft *c, uint32_t seq)
{
	uint8_t text[12 + 20 + SEGMENT_BYTES] = { [9] = PROTO_TCP };
	uint8_t *tcp = text + 12;
	const uint16_t bytes = sizeof(text) - 12;
	uint16_t sum;

	ck_assert_int_eq(inet_pton(AF_INET, OTHER, text), 1);
	ck_assert_int_eq(inet_pton(AF_INET, HOST, text + 4), 1);
	text[10] = (uint8_t)(bytes >> 8);
	text[11] = (uint8_t)bytes;
	tcp[1] = tcp[3] = 77; /* ports */
	tcp[6] = (uint8_t)(seq >> 8);
	tcp[7] = (uint8_t)seq;
	tcp[11] = 1;
	tcp[12] = 5 << 4;
	tcp[13] = 0x10; /* ACK */
	tcp[14] = 1;
	sum = (uint16_t)~craft_sum(text, sizeof(text));
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	text[9] = 0;
	craft_ip(c, OTHER, HOST, PROTO_TCP, tcp, bytes);
}

struct answers {
	size_t resets, marks;
};

static void count_answers(void *context, struct packet **packets, size_t n)
{
	struct answers *a = context;
	struct ip_view v;

	for (size_t i = 0; i < n; i++) {
		if (!ip_view_parse(&v, packets[i]->data, packets[i]->len_bytes))
			continue;
		a->resets += v.protocol == PROTO_TCP;
		a->marks += v.protocol == PROTO_UDP;
	}
}

/* How many packets were two segments for the host? */
static size_t resets_of_two(const struct lab *lab)
{
	static struct craft crafts[2];
	struct packet *packets[] = { &crafts[0].packet, &crafts[1].packet };
	struct pollfd p = { .fd = tun_fd(lab->tun), .events = POLLIN };
	struct answers a = { 0 };
	bool marked = false;

	craft_tcp(&crafts[0], 1);
	craft_tcp(&crafts[1], 1 + SEGMENT_BYTES);
	ck_assert_uint_eq(tun_as_link(lab->tun)->write(tun_as_link(lab->tun), packets, 2),
	                  2);
	while (a.marks == 0) {
		if (a.resets > 0 && !marked) {
			send_out(lab, "mark", 4);
			marked = true;
		}
		ck_assert_int_eq(poll(&p, 1, 30000), 1);
		ck_assert_int_eq(tun_read(lab->tun, count_answers, &a), 0);
	}
	return a.resets;
}

/* As if it had been asked to forward a packet of this length to a link that is too small. */
static void refuse_bytes(const struct lab *lab, uint16_t bytes)
{
	uint8_t icmp[8 + 40] = {
		3, 4, [8] = 0x45, [10] = (uint8_t)(bytes >> 8), [11] = (uint8_t)bytes
	};
	struct sockaddr_in to = at(OTHER);
	struct answers none = { 0 };
	struct pollfd p = { .fd = tun_fd(lab->tun), .events = POLLIN };
	uint16_t sum = (uint16_t)~craft_sum(icmp, sizeof(icmp));
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	ck_assert_int_ge(raw, 0);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	to.sin_port = 0;
	ck_assert_int_eq(
		sendto(raw, icmp, sizeof(icmp), 0, (struct sockaddr *)&to, sizeof(to)),
		(ssize_t)sizeof(icmp));
	close(raw);
	ck_assert_int_eq(poll(&p, 1, 30000), 1);
	ck_assert_int_eq(tun_read(lab->tun, count_answers, &none), 0);
}

START_TEST(segments_are_joined_until_the_host_refuses_it)
{
	struct lab lab;

	if (!enter_network())
		return;
	set_up(&lab, false);
	ck_assert_uint_eq(resets_of_two(&lab), 2);
	tun_join(lab.tun);
	ck_assert_uint_eq(resets_of_two(&lab), 1);
	/* one that was so large when it came is not our fault */
	refuse_bytes(&lab, 40 + SEGMENT_BYTES);
	ck_assert_uint_eq(resets_of_two(&lab), 1);
	refuse_bytes(&lab, 40 + 2 * SEGMENT_BYTES);
	ck_assert_uint_eq(resets_of_two(&lab), 2);
	tear_down(&lab);
}
END_TEST

/* ---- descriptors of others */

static int make(const char *name, int flags)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq r = { .ifr_flags = (short)flags };

	ck_assert_int_ge(fd, 0);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &r), 0);
	return fd;
}

static void check_fit(int fd, const char *unfit, const char *named)
{
	char name[IFNAME_MAX + 1] = "";
	struct diag diag = { 0 };
	const char *text = tun_unfit(fd);

	ck_assert_msg(unfit ? text && strstr(text, unfit) : !text, "%s: %s",
	              unfit ? unfit : "fit", text ? text : "fit");
	ck_assert_int_eq(tun_name(fd, name, &diag), named ? 0 : -EINVAL);
	ck_assert_str_eq(name, named ? named : "");
	ck_assert_uint_eq(diag.errors, named ? 0 : 1);
	diag_clear(&diag);
	if (fd >= 0)
		close(fd);
}

START_TEST(which_descriptors_are_tuns)
{
	int pair[2];

	if (!enter_network())
		return;
	check_fit(make("t1", IFF_TUN | IFF_NO_PI), NULL, "t1");
	check_fit(make("t2", IFF_TAP | IFF_NO_PI), "it is a tap", NULL);
	check_fit(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "not attached", NULL);
	check_fit(open("/dev/null", O_RDWR | O_CLOEXEC), "neither a tun nor", NULL);
	check_fit(open("/dev/null", O_RDONLY | O_CLOEXEC), "reading and writing", NULL);
	check_fit(-1, "not open in this process", NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	check_fit(pair[0], "a stream socket", NULL);
	close(pair[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	check_fit(pair[0], NULL, NULL);
	close(pair[1]);
}
END_TEST

/* ---- where no tun is to be had */

static void check_refused(int err, const char *text)
{
	struct diag diag = { 0 };
	int fd;

	ck_assert_int_eq(tun_open(&fd, "t0", false, &diag), err);
	ck_assert_int_eq(fd, -1);
	ck_assert_msg(says(&diag, text), "%s", text);
	diag_clear(&diag);
}

START_TEST(without_the_device)
{
	if (!enter_network())
		return;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/dev/net", "tmpfs", 0, NULL) < 0 ||
	    access("/dev/tun", F_OK) == 0) {
		unit_lacks("a mount namespace");
		return;
	}
	check_refused(-ENOENT, "neither /dev/net/tun nor /dev/tun exists");
	ck_assert_int_eq(mkdir("/dev/net/tun", 0700), 0);
	check_refused(-EISDIR, "/dev/net/tun cannot be opened: Is a directory");
	ck_assert_int_eq(rmdir("/dev/net/tun"), 0);
	ck_assert_int_eq(mkfifo("/dev/net/tun", 0600), 0);
	check_refused(-ENOTTY, "the tun device `t0\' cannot be made");
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	check_refused(-EPERM, "this needs root: a tun device needs CAP_NET_ADMIN");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/tun");

	tcase_add_loop_test(tc, names_that_are_refused, 0, ARRAY_SIZE(refused));
	tcase_add_loop_test(tc, packets_in_both_directions, 0, 2);
	tcase_add_test(tc, a_name_that_is_taken);
	tcase_add_test(tc, a_pair_of_sockets);
	tcase_add_test(tc, segments_are_joined_until_the_host_refuses_it);
	tcase_add_test(tc, which_descriptors_are_tuns);
	tcase_add_test(tc, without_the_device);
	return tc;
}
