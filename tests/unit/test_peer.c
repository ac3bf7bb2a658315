/* Allowed IPs and the other settings of peers. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define PEERS 3

static struct lab *lab;
static struct wg_device *device;
static struct wg_peer *peers[PEERS];

static void set_up(void)
{
	lab = lab_new(unit_seed());
	device = lab->devices[0].wg;
	for (int i = 0; i < PEERS; i++)
		ck_assert_int_eq(
			wg_device_add_peer(device,
		                           wg_device_public_key(lab->devices[i + 1].wg),
		                           &peers[i]),
			0);
}

static void tear_down(void)
{
	lab_free(lab);
}

static struct ip_prefix prefix(const char *addr, uint8_t len)
{
	struct ip_prefix p = { .len = len };

	ck_assert(ip_addr_parse(&p.addr, addr));
	return p;
}

static void allow(int peer, const char *addr, uint8_t len)
{
	ck_assert_int_eq(wg_peer_add_allowed_ip(peers[peer], prefix(addr, len)), 0);
}

static bool append(void *context, const struct ip_prefix *p)
{
	char *text = context, one[IP_PREFIX_STRLEN];

	strcat(strcat(text, ip_prefix_format(p, one)), " ");
	return true;
}

static void check_list(int peer, const char *want)
{
	char text[1000] = "";

	wg_peer_walk_allowed_ips(peers[peer], append, text);
	ck_assert_str_eq(text, want);
}

static const struct wg_peer *owner(const char *addr)
{
	struct ip_prefix p = prefix(addr, 0);
	struct trie_entry *e = trie_lookup(wg_device_allowed_ips(device), &p.addr);

	return e ? wg_allowed_ip_peer(e) : NULL;
}

START_TEST(prefixes_are_listed_as_added_and_looked_up_by_length)
{
	allow(0, "10.0.0.7", 8);
	allow(1, "10.1.0.0", 16);
	allow(0, "10.1.2.3", 32);
	allow(1, "2001:db8::1", 64);
	allow(1, "0.0.0.0", 0);
	check_list(0, "10.0.0.0/8 10.1.2.3/32 ");
	check_list(1, "10.1.0.0/16 2001:db8::/64 0.0.0.0/0 ");
	check_list(2, "");
	ck_assert_ptr_eq(owner("10.1.2.3"), peers[0]);
	ck_assert_ptr_eq(owner("10.1.2.4"), peers[1]);
	ck_assert_ptr_eq(owner("10.2.0.0"), peers[0]);
	ck_assert_ptr_eq(owner("8.8.8.8"), peers[1]);
	ck_assert_ptr_eq(owner("2001:db8::ffff"), peers[1]);
	ck_assert_ptr_null(owner("2001:db9::"));
}
END_TEST

START_TEST(a_prefix_moves_to_the_peer_that_names_it_last)
{
	allow(0, "10.0.0.0", 8);
	allow(0, "10.1.0.0", 16);
	allow(0, "10.2.0.0", 16);
	allow(1, "10.9.0.0", 16);
	allow(1, "10.1.77.77", 16); /* host bits: the same one */
	check_list(0, "10.0.0.0/8 10.2.0.0/16 ");
	check_list(1, "10.9.0.0/16 10.1.0.0/16 ");
	allow(0, "10.0.0.0", 8); /* its own again: to the end */
	check_list(0, "10.2.0.0/16 10.0.0.0/8 ");
	ck_assert_uint_eq(wg_peer_allowed_ip_count(peers[0]), 2);
	ck_assert_ptr_eq(owner("10.1.0.1"), peers[1]);
	wg_peer_remove_allowed_ip(peers[0], prefix("10.1.0.0", 16)); /* not its own */
	ck_assert_ptr_eq(owner("10.1.0.1"), peers[1]);
	wg_peer_remove_allowed_ip(peers[1], prefix("10.1.2.3", 16));
	ck_assert_ptr_eq(owner("10.1.0.1"), peers[0]);
	wg_peer_clear_allowed_ips(peers[0]);
	check_list(0, "");
	ck_assert_ptr_null(owner("10.1.0.1"));
	ck_assert_uint_eq(trie_count(wg_device_allowed_ips(device)), 1);
	wg_device_remove_peer(peers[1]);
	ck_assert_uint_eq(trie_count(wg_device_allowed_ips(device)), 0);
}
END_TEST

START_TEST(prefixes_are_replaced)
{
	allow(0, "10.0.0.0", 8);
	allow(0, "10.1.0.0", 16);
	allow(0, "10.2.0.0", 16);
	wg_peer_age_allowed_ips(peers[0]);
	ck_assert_ptr_eq(owner("10.1.0.1"), peers[0]);
	allow(0, "10.1.0.0", 16);
	allow(0, "10.3.0.0", 16);
	allow(1, "10.2.0.0", 16); /* for him it isn't old */
	check_list(0, "10.0.0.0/8 10.1.0.0/16 10.3.0.0/16 ");
	ck_assert(!wg_peer_remove_old_allowed_ips(peers[1]));
	ck_assert(wg_peer_remove_old_allowed_ips(peers[0]));
	check_list(0, "10.1.0.0/16 10.3.0.0/16 ");
	check_list(1, "10.2.0.0/16 ");
	ck_assert_ptr_null(owner("10.9.0.1"));
	ck_assert(!wg_peer_remove_old_allowed_ips(peers[0]));
}
END_TEST

/* The model: 256 prefixes, each of one peer or none. */
static size_t count_of(const int *owner_of, int peer)
{
	size_t n = 0;

	for (int i = 0; i < 256; i++)
		n += owner_of[i] == peer;
	return n;
}

START_TEST(lists_and_table_agree_after_random_steps)
{
	uint64_t state = unit_seed();
	int owner_of[256];

	for (int i = 0; i < 256; i++)
		owner_of[i] = -1;
	for (int step = 0; step < 5000; step++) {
		int i = (int)(unit_random(&state) % 256);
		int peer = (int)(unit_random(&state) % PEERS);
		struct ip_prefix p = { .addr = { IP_V4, { 10, (uint8_t)i } }, .len = 16 };

		if (unit_random(&state) % 200 == 0) {
			wg_peer_clear_allowed_ips(peers[peer]);
			for (int j = 0; j < 256; j++)
				owner_of[j] = owner_of[j] == peer ? -1 : owner_of[j];
		} else if (unit_random(&state) % 3 == 0) {
			wg_peer_remove_allowed_ip(peers[peer], p);
			owner_of[i] = owner_of[i] == peer ? -1 : owner_of[i];
		} else {
			ck_assert_int_eq(wg_peer_add_allowed_ip(peers[peer], p), 0);
			owner_of[i] = peer;
		}
		for (peer = 0; peer < PEERS; peer++)
			ck_assert_uint_eq(wg_peer_allowed_ip_count(peers[peer]),
			                  count_of(owner_of, peer));
	}
	for (int i = 0; i < 256; i++) {
		struct ip_addr a = { IP_V4, { 10, (uint8_t)i, 1 } };
		struct trie_entry *e = trie_lookup(wg_device_allowed_ips(device), &a);

		ck_assert_ptr_eq(e ? wg_allowed_ip_peer(e) : NULL,
		                 owner_of[i] < 0 ? NULL : peers[owner_of[i]]);
	}
}
END_TEST

START_TEST(peers_are_found_and_kept_in_order)
{
	const uint8_t *keys[40];
	uint8_t bytes[40][KEY_BYTES];
	struct wg_peer *p;
	int n = 0;

	for (int i = 0; i < 40; i++) {
		rng_fill(&lab->rng, bytes[i], KEY_BYTES);
		keys[i] = bytes[i];
		ck_assert_int_eq(wg_device_add_peer(device, keys[i], &p), 0);
		ck_assert_int_eq(wg_device_add_peer(device, keys[i], &p), -EEXIST);
		ck_assert_ptr_null(p);
	}
	ck_assert_uint_eq(wg_device_peer_count(device), 43);
	for (int i = 0; i < 40; i += 2)
		wg_device_remove_peer(wg_device_find_peer(device, keys[i]));
	wg_device_remove_peer(wg_device_first_peer(device));
	for (int i = 0; i < 40; i++)
		ck_assert(!wg_device_find_peer(device, keys[i]) == (i % 2 == 0));
	for (p = wg_device_first_peer(device); p; p = wg_peer_next(p), n++)
		if (n >= 2)
			ck_assert_mem_eq(wg_peer_public_key(p), keys[2 * (n - 2) + 1],
			                 KEY_BYTES);
	ck_assert_int_eq(n, 22);
	ck_assert_uint_eq(wg_device_peer_count(device), 22);
}
END_TEST

START_TEST(the_devices_own_key_is_no_peer)
{
	uint8_t own[KEY_BYTES];
	struct wg_peer *p;

	memcpy(own, wg_device_public_key(device), KEY_BYTES);
	ck_assert_int_eq(wg_device_add_peer(device, own, &p), -EINVAL);
	allow(0, "10.0.0.0", 8);
	/* The key of peer 0's device: peer 0 goes, with its prefixes. */
	wg_device_set_private_key(device, lab->devices[1].private_key);
	ck_assert_uint_eq(wg_device_peer_count(device), 2);
	ck_assert_ptr_eq(wg_device_first_peer(device), peers[1]);
	ck_assert_ptr_null(owner("10.0.0.1"));
	ck_assert_int_eq(wg_device_add_peer(device, own, &p), 0);
	wg_device_set_private_key(device, NULL);
	ck_assert(!wg_device_has_private_key(device));
	ck_assert(key_is_zero(wg_device_public_key(device)));
}
END_TEST

START_TEST(keys_come_out_clamped_as_they_went_in)
{
	uint8_t in[KEY_BYTES], out[KEY_BYTES], zero[KEY_BYTES] = { 0 };

	memset(in, 0xff, sizeof(in));
	wg_device_set_private_key(device, in);
	wg_device_private_key(device, out);
	in[0] = 0xf8;
	in[31] = 0x7f;
	ck_assert_mem_eq(out, in, KEY_BYTES);
	wg_device_set_private_key(device, zero);
	ck_assert(!wg_device_has_private_key(device));
	wg_device_private_key(device, out);
	ck_assert_mem_eq(out, zero, KEY_BYTES);
	wg_peer_set_preshared_key(peers[0], in);
	wg_peer_preshared_key(peers[0], out);
	ck_assert_mem_eq(out, in, KEY_BYTES);
	wg_peer_set_preshared_key(peers[0], NULL);
	wg_peer_preshared_key(peers[0], out);
	ck_assert_mem_eq(out, zero, KEY_BYTES);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/peer");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, prefixes_are_listed_as_added_and_looked_up_by_length);
	tcase_add_test(tc, a_prefix_moves_to_the_peer_that_names_it_last);
	tcase_add_test(tc, prefixes_are_replaced);
	tcase_add_test(tc, lists_and_table_agree_after_random_steps);
	tcase_add_test(tc, peers_are_found_and_kept_in_order);
	tcase_add_test(tc, the_devices_own_key_is_no_peer);
	tcase_add_test(tc, keys_come_out_clamped_as_they_went_in);
	return tc;
}
