#include "unit.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/status_metrics.h"

static const char status[] =
	"{\"tun\": \"tunion0\", \"up_seconds\": 61, \"engine_restarts\": 0, "
	"\"tun_mtu\": 1420, \"errors\": [{}, {}], \"drops\": {\"no-route\": 3}, "
	"\"devices\": ["
	"{\"name\": \"home\", \"mtu\": 1340, \"drops\": {\"send\": 2}, \"peers\": ["
	"{\"public_key\": \"a\\\\b\\\"c\\nd=\", \"state\": \"ok\", \"rx_bytes\": "
	"9007199254740993, \"tx_bytes\": 0, \"latest_handshake\": 1700000000, "
	"\"session\": true, \"usable\": false, \"standby\": [\"::/0\"]}]},"
	"{\"name\": \"lab\", \"mtu\": 1420, \"drops\": {}, \"peers\": ["
	"{\"public_key\": \"L\", \"state\": \"ok\", \"usable\": true, \"session\": false, "
	"\"stands_in_for\": [\"home\", \"vpn\"]}, "
	"{\"public_key\": \"M\", \"state\": \"ok\", \"usable\": true, \"session\": true, "
	"\"stands_in_for\": [\"home\"]}]},"
	"{\"name\": \"vpn\", \"mtu\": 1420, \"drops\": {}, \"peers\": ["
	"{\"public_key\": \"K\", \"state\": \"loop\", \"rx_bytes\": 1, \"tx_bytes\": 2, "
	"\"latest_handshake\": null, \"session\": false, \"standby\": []}]},"
	"{\"name\": \"wlan\", \"mtu\": 1420, \"drops\": {}, \"peers\": ["
	"{\"public_key\": \"W\", \"state\": \"no-endpoint\", \"endpoint\": null, "
	"\"endpoint_name\": null, \"by_arrival\": true, \"session\": false}]}]}";

static char *metrics_of(const char *json)
{
	json_t *s = json_loads(json, 0, NULL);
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(s);
	status_metrics(s, f);
	fclose(f);
	json_decref(s);
	return text;
}

static const char *const lines[] = {
	"tunion_up_seconds{tun=\"tunion0\"} 61\n",
	"tunion_engine_restarts_total{tun=\"tunion0\"} 0\n",
	"tunion_tun_mtu_bytes{tun=\"tunion0\"} 1420\n",
	"tunion_config_errors{tun=\"tunion0\"} 2\n",
	"tunion_device_mtu_bytes{tun=\"tunion0\",device=\"home\"} 1340\n"
	"tunion_device_mtu_bytes{tun=\"tunion0\",device=\"lab\"} 1420\n"
	"tunion_device_mtu_bytes{tun=\"tunion0\",device=\"vpn\"} 1420\n"
	"tunion_device_mtu_bytes{tun=\"tunion0\",device=\"wlan\"} 1420\n",
	"tunion_device_stands_in{tun=\"tunion0\",device=\"home\"} 0\n"
	"tunion_device_stands_in{tun=\"tunion0\",device=\"lab\"} 2\n"
	"tunion_device_stands_in{tun=\"tunion0\",device=\"vpn\"} 0\n"
	"tunion_device_stands_in{tun=\"tunion0\",device=\"wlan\"} 0\n",
	"# TYPE tunion_device_state gauge\n"
	"tunion_device_state{tun=\"tunion0\",device=\"home\",state=\"session\"} 0\n"
	"tunion_device_state{tun=\"tunion0\",device=\"home\",state=\"idle\"} 0\n"
	"tunion_device_state{tun=\"tunion0\",device=\"home\",state=\"waiting\"} 0\n"
	"tunion_device_state{tun=\"tunion0\",device=\"home\",state=\"unusable\"} 1\n"
	"tunion_device_state{tun=\"tunion0\",device=\"home\",state=\"no-way\"} 0\n"
	"tunion_device_state{tun=\"tunion0\",device=\"lab\",state=\"session\"} 1\n",
	"tunion_device_state{tun=\"tunion0\",device=\"vpn\",state=\"no-way\"} 1\n",
	"tunion_device_state{tun=\"tunion0\",device=\"wlan\",state=\"waiting\"} 1\n",
	"tunion_device_state{tun=\"tunion0\",device=\"wlan\",state=\"no-way\"} 0\n",
	"tunion_peer_received_bytes_total{tun=\"tunion0\",device=\"home\",peer="
	"\"a\\\\b\\\"c\\nd=\"} 9007199254740993\n",
	"tunion_peer_sent_bytes_total{tun=\"tunion0\",device=\"vpn\",peer=\"K\"} 2\n",
	"tunion_peer_session{tun=\"tunion0\",device=\"vpn\",peer=\"K\"} 0\n",
	"tunion_peer_way_ok{tun=\"tunion0\",device=\"vpn\",peer=\"K\"} 0\n",
	"tunion_peer_waiting{tun=\"tunion0\",device=\"vpn\",peer=\"K\"} 0\n"
	"tunion_peer_waiting{tun=\"tunion0\",device=\"wlan\",peer=\"W\"} 1\n",
	"# TYPE tunion_dropped_packets_total counter\n"
	"tunion_dropped_packets_total{tun=\"tunion0\",device=\"\",reason=\"no-route\"} "
	"3\n"
	"tunion_dropped_packets_total{tun=\"tunion0\",device=\"home\",reason=\"send\"} "
	"2\n",
};

START_TEST(samples)
{
	char *text = metrics_of(status);

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(strstr(text, lines[i]), "%s in %s", lines[i], text);
	/* never: no sample, rather than 1970 */
	ck_assert_ptr_null(
		strstr(text, "timestamp_seconds{tun=\"tunion0\",device=\"vpn\""));
	/* not told: no sample */
	ck_assert_ptr_null(strstr(text, "usable{tun=\"tunion0\",device=\"vpn\""));
	/* a peer that has to call is no trouble */
	ck_assert_ptr_null(strstr(text, "way_ok{tun=\"tunion0\",device=\"wlan\""));
	free(text);
}
END_TEST

/* ---- the format, by a reader of its own: exposition formats, "Text format details" */

static const char *skip_name(const char *at)
{
	ck_assert_msg(isalpha((unsigned char)*at) || *at == '_', "a name: %s", at);
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	return at;
}

static const char *skip_labels(const char *at)
{
	ck_assert_int_eq(*at, '{');
	do {
		at = skip_name(at + 1);
		ck_assert_int_eq(*at++, '=');
		ck_assert_int_eq(*at++, '"');
		for (; *at != '"'; at++) {
			ck_assert_msg(*at && *at != '\n', "an open label");
			if (*at == '\\') {
				at++;
				ck_assert_ptr_nonnull(strchr("\\\"n", *at));
			}
		}
		at++;
	} while (*at == ',');
	ck_assert_int_eq(*at++, '}');
	return at;
}

static const char *end_of_line(const char *at)
{
	at = strchr(at, '\n');
	ck_assert_ptr_nonnull(at);
	return at + 1;
}

/* "# HELP name text", "# TYPE name type", samples of that name and no other. Counters,
 * and only they, end in _total. */
static const char *read_metric(const char *at)
{
	char name[80], type[16], help[200];
	int n = 0;
	bool total;

	ck_assert_int_eq(sscanf(at, "# HELP %79s %199[^\n]\n%n", name, help, &n), 2);
	at += n;
	n = 0;
	ck_assert_int_eq(sscanf(at, "# TYPE %79s %15[^\n]\n%n", help, type, &n), 2);
	ck_assert_str_eq(help, name);
	at = end_of_line(at);
	total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
	ck_assert_str_eq(type, total ? "counter" : "gauge");
	while (*at && *at != '#') {
		char *end;

		ck_assert_int_eq(strncmp(at, name, strlen(name)), 0);
		at = skip_labels(at + strlen(name));
		ck_assert_int_eq(*at++, ' ');
		strtod(at, &end);
		ck_assert(end != at && *end == '\n');
		at = end + 1;
	}
	return at;
}

static void check_format(const char *json)
{
	char *text = metrics_of(json);

	for (const char *at = text; *at;)
		at = read_metric(at);
	free(text);
}

START_TEST(format)
{
	check_format(status);
	check_format("{}");
	check_format("{\"devices\": [7, {\"peers\": 5}], \"drops\": []}");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("show/status_metrics");

	tcase_add_test(tc, samples);
	tcase_add_test(tc, format);
	return tc;
}
