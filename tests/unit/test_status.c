#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fixed_env.h"
#include "supervisor/instance_status.h"
#include "worker/engine_status.h"

#define NOW_NS (1000 * NS_PER_SEC)

/* A device with one peer, whose key is all `fill`; endpoint may be NULL. */
static void add(struct engine *e, const char *name, uint8_t fill, const char *endpoint,
                const char *const *prefixes)
{
	struct device *d;
	struct wg_peer *peer;
	struct endpoint to;
	uint8_t key[KEY_BYTES];
	const struct device_settings settings = { .metric = fill,
		                                  .has_metric = *name != 'h' };

	memset(key, fill, sizeof(key));
	ck_assert_int_eq(engine_add_device(e, name, &d), 0);
	ck_assert_int_eq(wg_device_add_peer(device_wg(d), key, &peer), 0);
	wg_device_set_private_key(device_wg(d), key);
	wg_peer_set_preshared_key(peer, key);
	if (endpoint) {
		ck_assert(endpoint_parse(&to, endpoint));
		wg_peer_set_endpoint(peer, &to);
	}
	for (; *prefixes; prefixes++) {
		struct endpoint addr;
		char text[64];

		/* "10.0.0.0:8" for 10.0.0.0/8: one parser less */
		snprintf(text, sizeof(text), "%s", *prefixes);
		ck_assert(endpoint_parse(&addr, text));
		ck_assert_int_eq(wg_peer_add_allowed_ip(
					 peer, (struct ip_prefix){ addr.addr,
		                                                   (uint8_t)addr.port }),
		                 0);
	}
	ck_assert_int_eq(device_set(d, &settings), 0);
	engine_touch(d);
}

static struct engine *two_devices(void)
{
	static const char *const home[] = { "10.1.0.0:16", "10.2.0.0:16", NULL };
	static const char *const vpn[] = { "0.0.0.0:0", "10.1.0.0:16", NULL };
	struct engine_env env = fixed_env();
	struct engine *e;

	ck_assert_int_eq(engine_new(&e, &env), 0);
	add(e, "home", 1, "192.0.2.1:51820", home);
	add(e, "vpn", 2, "203.0.113.1:443", vpn);
	ck_assert_int_eq(engine_settle(e), 0);
	return e;
}

static json_t *status_json_at(struct engine *e, uint64_t now_ns)
{
	const struct uapi_host host = { 0 };
	const struct instance_status instance = { .tun = "tunion0",
		                                  .tun_mtu_bytes = 1420,
		                                  .mark = UINT32_MAX,
		                                  .pid = 7,
		                                  .engine_pid = 8,
		                                  .engine_restarts = 1,
		                                  .up_s = 3661 };
	const struct sandbox sandbox = { .result[SANDBOX_FILES] = -ENOSYS };
	char *text = engine_status_text(e, &host, &sandbox, NOW_NS - 90 * NS_PER_SEC,
	                                now_ns),
	     *whole;
	json_t *json;

	ck_assert_ptr_nonnull(text);
	whole = instance_status_text(text, strlen(text), &instance);
	ck_assert_ptr_nonnull(whole);
	json = json_loads(whole, 0, NULL);
	ck_assert_ptr_nonnull(json);
	free(text);
	free(whole);
	return json;
}

static json_t *status_json(struct engine *e)
{
	return status_json_at(e, NOW_NS);
}

static int number(const json_t *object, const char *key)
{
	json_t *n = json_object_get(object, key);

	ck_assert_msg(json_is_integer(n), "%s", key);
	return (int)json_integer_value(n);
}

static void expect_stage(json_t *status, enum sandbox_stage stage, const char *why)
{
	json_t *s = json_array_get(json_object_get(status, "sandbox"), stage);
	const char *told = json_string_value(json_object_get(s, "why"));

	ck_assert_str_eq(json_string_value(json_object_get(s, "stage")),
	                 sandbox_stage_name(stage));
	ck_assert_int_eq(json_is_true(json_object_get(s, "in_force")), why == NULL);
	ck_assert_pstr_eq(told, why);
}

static json_t *peer_of(json_t *status, size_t device)
{
	json_t *d = json_array_get(json_object_get(status, "devices"), device);

	return json_array_get(json_object_get(d, "peers"), 0);
}

START_TEST(json_of_two_devices)
{
	struct engine *e = two_devices();
	json_t *s = status_json(e), *peer = peer_of(s, 0), *chain, *standby;

	ck_assert_str_eq(json_string_value(json_object_get(s, "tun")), "tunion0");
	expect_stage(s, SANDBOX_CALLS, NULL);
	expect_stage(s, SANDBOX_FILES, strerror(ENOSYS));
	ck_assert_int_eq(json_integer_value(json_object_get(s, "mark")), UINT32_MAX);
	ck_assert_uint_eq(json_array_size(json_object_get(s, "devices")), 2);
	ck_assert(json_is_array(json_object_get(s, "silent_servers")));
	ck_assert_str_eq(json_string_value(json_object_get(peer, "way")),
	                 "home > ? (the carrier has no Address of the family)");
	chain = json_object_get(peer, "chain");
	ck_assert_uint_eq(json_array_size(chain), 1);
	ck_assert_str_eq(json_string_value(json_array_get(chain, 0)), "home");
	ck_assert(json_is_null(json_object_get(peer, "latest_handshake")));
	ck_assert_uint_eq(json_array_size(json_object_get(peer, "standby")), 0);
	standby = json_object_get(peer_of(s, 1), "standby");
	ck_assert_uint_eq(json_array_size(standby), 1);
	ck_assert_str_eq(json_string_value(json_array_get(standby, 0)), "10.1.0.0/16");
	json_decref(s);
	engine_free(e);
}
END_TEST

static const char *only_name(const json_t *peer, const char *key)
{
	json_t *list = json_object_get(peer, key);

	ck_assert_uint_le(json_array_size(list), 1);
	return json_array_size(list) ? json_string_value(json_array_get(list, 0)) : "";
}

/* The first device's peer doesn't answer for 40 s. */
static void let_first_be_silent(struct engine *e)
{
	struct wg_device *a = device_wg(engine_first_device(e));

	wg_device_start(a, NOW_NS);
	wg_peer_set_keepalive(wg_device_first_peer(a), 25, NOW_NS);
	for (unsigned i = 0; i < 40; i++)
		engine_run_timers(e, NOW_NS + i * NS_PER_SEC);
	ck_assert_int_eq(engine_settle(e), 0);
}

/* b stands by for a, and in for it once nobody has answered a's handshakes; of two equal
 * prefixes the name comes once. */
START_TEST(who_stands_in)
{
	static const char *const prefixes[] = { "10.1.0.0:16", "10.2.0.0:16", NULL };
	struct engine_env env = fixed_env();
	struct engine *e;
	json_t *s, *after;

	ck_assert_int_eq(engine_new(&e, &env), 0);
	add(e, "a", 1, "10.1.2.1:1", prefixes); /* inside b, if Via said so */
	add(e, "b", 2, "192.0.2.2:2", prefixes);
	ck_assert_int_eq(engine_settle(e), 0);
	s = status_json(e);
	ck_assert_str_eq(only_name(peer_of(s, 1), "stands_by_for"), "a");
	after = json_array_get(json_object_get(peer_of(s, 1), "comes_after"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(after, "device")), "a");
	ck_assert_str_eq(json_string_value(json_object_get(after, "why")), "metric");
	ck_assert(json_is_true(json_object_get(after, "standby")));
	ck_assert(json_is_null(json_object_get(peer_of(s, 0), "try_via")));
	ck_assert_str_eq(only_name(peer_of(s, 0), "stood_in_by"), "");
	ck_assert(json_is_true(json_object_get(peer_of(s, 0), "usable")));
	json_decref(s);
	let_first_be_silent(e);
	s = status_json(e);
	ck_assert_str_eq(only_name(peer_of(s, 0), "stood_in_by"), "b");
	ck_assert_str_eq(only_name(peer_of(s, 0), "stands_in_for"), "");
	ck_assert(json_is_false(json_object_get(peer_of(s, 0), "usable")));
	ck_assert_int_eq(json_integer_value(json_object_get(peer_of(s, 0), "failures")),
	                 1);
	ck_assert_str_eq(json_string_value(json_object_get(peer_of(s, 0), "try_via")),
	                 "b");
	ck_assert_str_eq(only_name(peer_of(s, 1), "stands_in_for"), "a");
	ck_assert_str_eq(only_name(peer_of(s, 1), "stands_by_for"), "");
	json_decref(s);
	engine_free(e);
}
END_TEST

/* Its standby would carry it by Via, but a provider's server is on the internet. */
START_TEST(via_is_only_advised_for_private_addresses)
{
	static const char *const prefixes[] = { "0.0.0.0:0", NULL };
	static const char *const endpoints[] = { "203.0.113.9:1", "100.64.0.1:1" };
	struct engine_env env = fixed_env();

	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		struct engine *e;
		json_t *s, *via;

		ck_assert_int_eq(engine_new(&e, &env), 0);
		add(e, "a", 1, endpoints[i], prefixes);
		add(e, "b", 2, "192.0.2.2:2", prefixes);
		ck_assert_int_eq(engine_settle(e), 0);
		let_first_be_silent(e);
		s = status_json(e);
		via = json_object_get(peer_of(s, 0), "try_via");
		ck_assert_pstr_eq(json_string_value(via), i == 0 ? NULL : "b");
		json_decref(s);
		engine_free(e);
	}
}
END_TEST

/* How long nobody has answered, and how long ago packets were dropped last. */
START_TEST(ages)
{
	static const char *const prefixes[] = { "10.1.0.0:16", NULL };
	struct engine_env env = fixed_env();
	struct wg_device *a;
	struct engine *e;
	json_t *s, *device;

	ck_assert_int_eq(engine_new(&e, &env), 0);
	add(e, "a", 1, "192.0.2.1:1", prefixes);
	ck_assert_int_eq(engine_settle(e), 0);
	s = status_json(e);
	ck_assert_int_eq(number(s, "engine_seconds"), 90);
	ck_assert(json_is_null(json_object_get(peer_of(s, 0), "unanswered_seconds")));
	ck_assert(json_is_false(json_object_get(peer_of(s, 0), "by_arrival")));
	ck_assert(json_is_false(json_object_get(peer_of(s, 0), "waiting")));
	json_decref(s);
	a = device_wg(engine_first_device(e));
	wg_device_start(a, NOW_NS);
	engine_run_timers(e, NOW_NS);
	/* without a socket the initiation is dropped */
	wg_peer_set_keepalive(wg_device_first_peer(a), 25, NOW_NS);
	s = status_json_at(e, NOW_NS + 39 * NS_PER_SEC);
	ck_assert_int_eq(number(peer_of(s, 0), "unanswered_seconds"), 39);
	device = json_array_get(json_object_get(s, "devices"), 0);
	ck_assert_int_eq(number(json_object_get(device, "drops"), "send"), 1);
	ck_assert_int_eq(number(json_object_get(device, "drop_ages"), "send"), 39);
	ck_assert_uint_eq(json_object_size(json_object_get(device, "drop_ages")), 1);
	json_decref(s);
	engine_free(e);
}
END_TEST

/* Private and preshared keys, in any spelling, are nobody's business. */
START_TEST(no_secret_is_told)
{
	struct engine *e = two_devices();
	json_t *s = status_json(e), *key;
	char *text = json_dumps(s, 0), base64[KEY_BASE64_CHARS + 1],
	     hex[KEY_HEX_CHARS + 1];
	uint8_t psk[KEY_BYTES], private_key[KEY_BYTES];
	size_t times = 0;

	memset(psk, 1, sizeof(psk));
	key_to_base64(base64, psk);
	/* the peer's public key is the same text here: it must come once, not thrice */
	for (const char *at = text; (at = strstr(at, base64)); at++)
		times++;
	ck_assert_uint_eq(times, 1);
	wg_device_private_key(device_wg(engine_first_device(e)), private_key);
	key_to_base64(base64, private_key);
	ck_assert_ptr_null(strstr(text, base64));
	key_to_hex(hex, private_key);
	ck_assert_ptr_null(strstr(text, hex));
	key = json_object_get(json_array_get(json_object_get(s, "devices"), 0),
	                      "private_key");
	ck_assert_ptr_null(key);
	free(text);
	json_decref(s);
	engine_free(e);
}
END_TEST

START_TEST(no_object_is_no_status)
{
	const struct instance_status instance = { .tun = "tunion0" };

	ck_assert_ptr_null(instance_status_text("", 0, &instance));
	ck_assert_ptr_null(instance_status_text("[]", 2, &instance));
	ck_assert_ptr_null(instance_status_text("{\"devices\": [", 13, &instance));
}
END_TEST

/* A worker that has been taken over says what it likes. */
START_TEST(a_text_that_must_not_be_told)
{
	static const char *const texts[] = {
		"{\"devices\": \"\\u001b]0;title\\u0007\"}",
		"{\"devices\": [{\"name\": \"a\\nb\"}]}",
		"{\"\\u009b2J\": 1}",
		"{\"a\": \"\xff\"}",
		"{\"a\": \"\\u0000\"}",
		"{\"a\": 1e999}",
		"{\"a\": 99999999999999999999}",
		"{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
	};
	const struct instance_status instance = { .tun = "tunion0" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(
			!instance_status_text(texts[i], strlen(texts[i]), &instance),
			"%s", texts[i]);
}
END_TEST

/* An object of three characters needs hundreds of bytes of memory. */
START_TEST(a_text_that_needs_too_much_memory)
{
	static const char *const parts[] = { "{},", "[],", "0,", "\"\"," };
	const struct instance_status instance = { .tun = "tunion0" };
	const char *part = parts[_i];
	char text[300000] = "{\"devices\":[";
	size_t n = strlen(text);

	for (; n + 8 < sizeof(text); n += strlen(part))
		memcpy(text + n, part, strlen(part));
	memcpy(text + n, "{}]}", 4);
	ck_assert_ptr_null(instance_status_text(text, n + 4, &instance));
}
END_TEST

/* Their places in the hash table may have been chosen. Two objects may have so many together, and
 * what looks like a member may be a text. */
START_TEST(an_object_of_many_members)
{
	const struct instance_status instance = { .tun = "tunion0" };
	char *text = NULL, *whole;
	size_t n;

	for (size_t many = 600; many <= 1200; many += 600) {
		FILE *f = open_memstream(&text, &n);

		fputs("{\"a\":[", f);
		for (int k = 0; k < 2; k++) {
			fprintf(f, "%s{\"x\":\"\\\":::\"", k ? "," : "");
			for (size_t i = 1; i < many; i++)
				fprintf(f, ",\"member %zu\":0", i);
			fputs("}", f);
		}
		fputs("]}", f);
		fclose(f);
		whole = instance_status_text(text, n, &instance);
		ck_assert_msg(many > 1000 ? !whole : whole != NULL, "%zu", many);
		free(whole);
		free(text);
	}
}
END_TEST

START_TEST(a_text_can_not_replace_what_the_supervisor_says)
{
	static const char worker[] =
		"{\"pid\": 1, \"tun\": \"lo\", \"more\": 2, \"more\": 3}";
	const struct instance_status instance = { .tun = "tunion0", .pid = 7 };
	char *text = instance_status_text(worker, strlen(worker), &instance);
	json_t *s = json_loads(text, 0, NULL);

	ck_assert_int_eq((int)json_integer_value(json_object_get(s, "pid")), 7);
	ck_assert_str_eq(json_string_value(json_object_get(s, "tun")), "tunion0");
	ck_assert_int_eq((int)json_integer_value(json_object_get(s, "more")), 3);
	json_decref(s);
	free(text);
}
END_TEST

static void two_names(const struct names *names,
                      void (*visit)(void *context, const struct names_state *state),
                      void *context)
{
	uint8_t a[KEY_BYTES], b[KEY_BYTES];
	struct names_state state = { .device = "b",
		                     .host = "b.example",
		                     .port = 7,
		                     .public_key = b,
		                     .known = true,
		                     .ask_ns = NOW_NS };

	ck_assert_ptr_null(names);
	memset(a, 1, sizeof(a));
	memset(b, 2, sizeof(b));
	visit(context, &state);
	state = (struct names_state){ .device = "a",
		                      .host = "fe80::1",
		                      .port = 8,
		                      .public_key = a,
		                      .error = "not found",
		                      .ask_ns = NOW_NS + 19500 * NS_PER_MS };
	visit(context, &state);
	state.device = "gone";
	visit(context, &state);
	state.device = "a";
	state.public_key = b;
	visit(context, &state);
}

/* Though the worker has got them in another one. */
START_TEST(devices_in_the_order_of_files)
{
	static const char *const names[] = { "m", "z", "a", "home", "h", "B" };
	static const char *const sorted[] = { "B", "a", "h", "home", "m", "z" };
	static const char *const prefixes[] = { NULL };
	struct engine_env env = fixed_env();
	struct engine *e;
	json_t *s, *devices;

	ck_assert_int_eq(engine_new(&e, &env), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add(e, names[i], (uint8_t)(i + 1), "192.0.2.1:51820", prefixes);
	ck_assert_int_eq(engine_settle(e), 0);
	s = status_json(e);
	devices = json_object_get(s, "devices");
	ck_assert_uint_eq(json_array_size(devices), ARRAY_SIZE(sorted));
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		ck_assert_str_eq(json_string_value(json_object_get(
					 json_array_get(devices, i), "name")),
		                 sorted[i]);
	json_decref(s);
	engine_free(e);
}
END_TEST

/* Number 1 is lo in each network namespace. */
START_TEST(an_endpoint_of_an_interface)
{
	static const struct {
		const char *endpoint, *shown;
	} table[] = {
		{ "[fe80::1%1]:51820", "[fe80::1%lo]:51820" },
		{ "[fe80::1%lo]:51820", "[fe80::1%lo]:51820" },
		{ "[fe80::1%123456789]:7", "[fe80::1%123456789]:7" },
		{ "[2001:db8::1]:51820", "[2001:db8::1]:51820" },
	};
	static const char *const prefixes[] = { "10.1.0.0:16", NULL };
	struct engine_env env = fixed_env();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct engine *e;
		json_t *s;

		ck_assert_int_eq(engine_new(&e, &env), 0);
		add(e, "home", 1, table[i].endpoint, prefixes);
		ck_assert_int_eq(engine_settle(e), 0);
		s = status_json(e);
		ck_assert_str_eq(
			json_string_value(json_object_get(peer_of(s, 0), "endpoint")),
			table[i].shown);
		json_decref(s);
		engine_free(e);
	}
}
END_TEST

/* What the supervisor knows of names, of folders, and what is wrong because of it. */
START_TEST(names_folders_and_health)
{
	static const char *const paths[] = { "/etc/tunion", "/srv/a.conf", "/srv/b.conf",
		                             "/c.conf", "/etc/tunion" };
	static const char worker[] =
		"{\"health\": 1, \"devices\": ["
		"{\"name\": \"a\", \"peers\": [{\"endpoint_name\": null,"
		" \"state\": \"no-endpoint\","
		" \"public_key\": \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"}]},"
		"{\"name\": \"b\", \"peers\": [{"
		" \"public_key\": \"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\"}]}]}";
	const struct instance_status instance = { .tun = "t",
		                                  .now_ns = NOW_NS,
		                                  .walk_names = two_names,
		                                  .files = { .v = paths, .n = 5 } };
	char *text = instance_status_text(worker, strlen(worker), &instance);
	json_t *s = json_loads(text, 0, NULL), *a = peer_of(s, 0), *b = peer_of(s, 1),
	       *list = json_object_get(s, "folders");

	ck_assert_str_eq(json_string_value(json_object_get(a, "endpoint_name")),
	                 "[fe80::1]:8");
	ck_assert_str_eq(json_string_value(json_object_get(a, "name_error")),
	                 "not found");
	ck_assert_int_eq(number(a, "asked_again_seconds"), 20);
	ck_assert_str_eq(json_string_value(json_object_get(b, "endpoint_name")),
	                 "b.example:7");
	ck_assert(json_is_null(json_object_get(b, "asked_again_seconds")));
	ck_assert(json_is_null(json_object_get(b, "name_error")));
	ck_assert_uint_eq(json_array_size(list), 3);
	ck_assert_str_eq(json_string_value(json_array_get(list, 0)), "/etc/tunion");
	ck_assert_str_eq(json_string_value(json_array_get(list, 1)), "/srv");
	ck_assert_str_eq(json_string_value(json_array_get(list, 2)), "/");
	list = json_object_get(s, "health");
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(list, 0), "text")),
		"[fe80::1]:8 does not resolve (not found); asked again in 20 s");
	json_decref(s);
	free(text);
}
END_TEST

/* Errors of files. One file has a name that JSON can't express, but is told all the
 * same. */
START_TEST(errors_of_files)
{
	struct diag diag = { 0 };
	struct instance_status instance = { .tun = "t", .errors = &diag };
	json_t *s, *errors;
	char *text;

	diag_error(&diag, "a.conf", 7, "bad");
	diag_error(&diag, "\xff\033[2J\xc2\x9b z\xc3\xbcrich/b.conf", 0, "worse");
	diag_error(&diag, NULL, 0, "worst");
	text = instance_status_text("{}", 2, &instance);
	ck_assert_ptr_nonnull(text);
	s = json_loads(text, 0, NULL);
	errors = json_object_get(s, "errors");
	ck_assert_uint_eq(json_array_size(errors), 3);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_array_get(errors, 0), "line")),
		7);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(errors, 1), "file")),
		"??[2J?? z\xc3\xbcrich/b.conf");
	ck_assert(json_is_null(json_object_get(json_array_get(errors, 2), "file")));
	json_decref(s);
	free(text);
	diag_clear(&diag);
}
END_TEST

START_TEST(what_yields)
{
	const struct yield yields[] = {
		{ .prefix = { .addr = { .family = IP_V4, .b = { 10, 7 } }, .len = 16 },
		  .link = "eth0",
		  .device = "home" },
		{ .prefix = { .addr = { .family = IP_V6, .b = { 0xfd } }, .len = 8 },
		  .device = "vpn" },
	};
	struct instance_status instance = { .tun = "t",
		                            .yields = yields,
		                            .yield_count = ARRAY_SIZE(yields) };
	char *text = instance_status_text("{}", 2, &instance);
	json_t *s = text ? json_loads(text, 0, NULL) : NULL;
	json_t *expected = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:n}]", "prefix",
	                             "10.7.0.0/16", "device", "home", "to", "eth0",
	                             "prefix", "fd00::/8", "device", "vpn", "to");

	ck_assert(json_equal(json_object_get(s, "yields"), expected));
	json_decref(expected);
	json_decref(s);
	free(text);
}
END_TEST

START_TEST(what_is_taken_out)
{
	static const char *const names[] = { "vpn", "home" };
	struct instance_status instance = {
		.tun = "t",
		.files = { .without = names, .without_count = ARRAY_SIZE(names) }
	};
	char *text = instance_status_text("{\"taken_out\": 1}", 16, &instance);
	json_t *s = text ? json_loads(text, 0, NULL) : NULL;
	json_t *expected = json_pack("[s, s]", "vpn", "home");

	ck_assert(json_equal(json_object_get(s, "taken_out"), expected));
	json_decref(expected);
	json_decref(s);
	free(text);
}
END_TEST

/* Proxy and outlet have talked by turns. */
START_TEST(how_other_processes_are_locked_in)
{
	const struct helper_log page = { .stages = { { "page", "files", "" } },
		                         .stage_count = 1 },
				proxy = { .stages = { { "proxy", "files", "" },
		                                      { "outlet", "files", "no" },
		                                      { "proxy", "calls", "not here" } },
		                          .stage_count = 3 };
	const struct instance_status instance = { .tun = "t",
		                                  .helpers = { NULL, &page, &proxy } };
	char *text = instance_status_text("{}", 2, &instance);
	json_t *s = text ? json_loads(text, 0, NULL) : NULL;
	json_t *expected = json_pack(
		"[{s:s, s:[{s:s, s:b, s:n}]}, {s:s, s:[{s:s, s:b, s:n}, {s:s, s:b, s:s}]}, {s:s, s:[{s:s, s:b, s:s}]}]",
		"process", "page", "sandbox", "stage", "files", "in_force", 1, "why",
		"process", "proxy", "sandbox", "stage", "files", "in_force", 1, "why",
		"stage", "calls", "in_force", 0, "why", "not here", "process", "outlet",
		"sandbox", "stage", "files", "in_force", 0, "why", "no");

	ck_assert(expected && json_equal(json_object_get(s, "helpers"), expected));
	json_decref(expected);
	json_decref(s);
	free(text);
}
END_TEST

START_TEST(a_peer_that_never_called_is_waiting)
{
	static const char *const prefixes[] = { "10.1.0.0:16", NULL };
	struct engine_env env = fixed_env();
	struct engine *e;
	json_t *s;

	ck_assert_int_eq(engine_new(&e, &env), 0);
	add(e, "wlan", 1, NULL, prefixes);
	ck_assert_int_eq(engine_settle(e), 0);
	s = status_json(e);
	ck_assert(json_is_true(json_object_get(peer_of(s, 0), "waiting")));
	ck_assert_str_eq(json_string_value(json_object_get(peer_of(s, 0), "way")),
	                 "wlan > ? (waiting)");
	json_decref(s);
	engine_free(e);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine_status, instance_status");

	tcase_add_test(tc, json_of_two_devices);
	tcase_add_test(tc, who_stands_in);
	tcase_add_test(tc, via_is_only_advised_for_private_addresses);
	tcase_add_test(tc, ages);
	tcase_add_test(tc, a_peer_that_never_called_is_waiting);
	tcase_add_test(tc, no_secret_is_told);
	tcase_add_test(tc, no_object_is_no_status);
	tcase_add_test(tc, a_text_that_must_not_be_told);
	tcase_add_loop_test(tc, a_text_that_needs_too_much_memory, 0, 4);
	tcase_add_test(tc, an_object_of_many_members);
	tcase_add_test(tc, a_text_can_not_replace_what_the_supervisor_says);
	tcase_add_test(tc, devices_in_the_order_of_files);
	tcase_add_test(tc, an_endpoint_of_an_interface);
	tcase_add_test(tc, names_folders_and_health);
	tcase_add_test(tc, errors_of_files);
	tcase_add_test(tc, what_yields);
	tcase_add_test(tc, how_other_processes_are_locked_in);
	tcase_add_test(tc, what_is_taken_out);
	return tc;
}
