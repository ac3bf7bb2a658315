/* src/cmd/status_text.c - prints a line about the instance, a table with a row for each
 * peer, and a table of drops if there were any */
#include "cmd/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "cmd/table.h"
#include "show/status_hint.h"
#include "show/status_json.h"

#define TEXT_BYTES 32 /* of a number with its unit */
#define NOTE_BYTES 256

/* ---- numbers */

/* Prints the two largest units: "1 hour, 2 minutes". */
static void print_duration(int64_t s, FILE *out)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" }
	};
	unsigned printed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(units) && printed < 2; i++) {
		int64_t n = s / units[i].seconds;

		if (n == 0 && (printed == 0 || i < ARRAY_SIZE(units) - 1))
			continue;
		if (n > 0)
			fprintf(out, "%s%" PRId64 " %s%s", printed ? ", " : "", n,
			        units[i].name, n == 1 ? "" : "s");
		s %= units[i].seconds;
		printed++;
	}
	if (printed == 0)
		fprintf(out, "0 seconds");
}

/* Writes the largest unit: "12 s ago". 0 becomes "never". */
static const char *format_age(int64_t then_s, int64_t wall_s, char out[static TEXT_BYTES])
{
	int64_t s = wall_s > then_s ? wall_s - then_s : 0;

	if (then_s <= 0)
		snprintf(out, TEXT_BYTES, "never");
	else if (s < 120)
		snprintf(out, TEXT_BYTES, "%" PRId64 " s ago", s);
	else if (s < 7200)
		snprintf(out, TEXT_BYTES, "%" PRId64 " min ago", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, TEXT_BYTES, "%" PRId64 " h ago", s / 3600);
	else
		snprintf(out, TEXT_BYTES, "%" PRId64 " d ago", s / 86400);
	return out;
}

static const char *format_unit(double v, double step, const char *const *units,
                               size_t unit_count, char out[static TEXT_BYTES])
{
	size_t i = 0;

	for (; v >= step && i + 1 < unit_count; i++)
		v /= step;
	snprintf(out, TEXT_BYTES, i && v < 100 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

static const char *format_bytes(uint64_t n, char out[static TEXT_BYTES])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };

	return format_unit((double)n, 1024, units, ARRAY_SIZE(units), out);
}

static const char *format_rate(uint64_t bytes_per_s, char out[static TEXT_BYTES])
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s",
		                             "Tbit/s" };

	return format_unit((double)bytes_per_s * 8, 1000, units, ARRAY_SIZE(units), out);
}

/* ---- peers */

enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_WAITING,
	COLOUR_BAD,
	COLOUR_TITLE,
};

static const char *const colours[] = {
	[COLOUR_NONE] = "",
	[COLOUR_GOOD] = "\033[32m",
	[COLOUR_WAITING] = "\033[33m",
	[COLOUR_BAD] = "\033[31m",
	[COLOUR_TITLE] = "\033[1m",
};

static void cell(struct table *t, const struct status_look *look, enum colour colour,
                 const char *text)
{
	if (look->colour && colour != COLOUR_NONE)
		table_cell(t, "%s%s\033[0m", colours[colour], text);
	else
		table_cell(t, "%s", text);
}

static void cell_state(struct table *t, const struct status_look *look,
                       const json_t *peer)
{
	const char *way = status_string(peer, "state");

	if (strcmp(way, "no-endpoint") == 0)
		cell(t, look, COLOUR_WAITING, "no endpoint");
	else if (*way && strcmp(way, "ok") != 0)
		cell(t, look, COLOUR_BAD, way);
	else if (json_is_false(json_object_get(peer, "usable")))
		cell(t, look, COLOUR_BAD, "unusable");
	else if (json_is_true(json_object_get(peer, "session")))
		cell(t, look, COLOUR_GOOD, "up");
	else if (status_integer(peer, "latest_handshake") > 0)
		cell(t, look, COLOUR_NONE, "idle");
	else
		cell(t, look, COLOUR_WAITING, "no session");
}

/* Appends "TITLE A, B", or "A, B END" if the title is empty. */
static void add_note(char note[static NOTE_BYTES], const char *title, const json_t *names,
                     const char *end)
{
	size_t n = strlen(note);

	if (json_array_size(names) == 0)
		return;
	snprintf(note + n, NOTE_BYTES - n, "%s%s", n ? "; " : "", title);
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		n = strlen(note);
		snprintf(note + n, NOTE_BYTES - n, "%s%s", i ? ", " : "",
		         name ? name : "");
	}
	n = strlen(note);
	snprintf(note + n, NOTE_BYTES - n, "%s", end);
}

/* Says who has the prefixes of this peer, and why. */
static void add_reasons(char note[static NOTE_BYTES], const json_t *after)
{
	static const struct {
		const char *why, *text;
	} reasons[] = {
		{ "table", "no Table = off" },
		{ "via", "by Via" },
		{ "metric", "lower Metric" },
		{ "default-routes", "only default routes" },
		{ "name", "first by name" },
	};

	for (size_t i = 0; i < json_array_size(after); i++) {
		const json_t *a = json_array_get(after, i);
		bool standby = json_is_true(json_object_get(a, "standby"));
		const char *why = status_string(a, "why");
		size_t n = strlen(note);

		for (size_t k = 0; k < ARRAY_SIZE(reasons); k++) {
			if (strcmp(why, reasons[k].why) == 0)
				why = reasons[k].text;
		}
		snprintf(note + n, NOTE_BYTES - n, "%s%s %s (%s)", n ? "; " : "",
		         standby ? "standing by for" : "shadowed by",
		         status_string(a, "device"), why);
	}
}

/* Says what there is to know about a peer that fails. */
static void add_failure(char note[static NOTE_BYTES], const json_t *peer)
{
	const char *via = status_string(peer, "try_via");
	int64_t waits_s = status_integer(peer, "waits_seconds");
	size_t n = strlen(note);

	if (waits_s > 0)
		snprintf(note + n, NOTE_BYTES - n,
		         "%sfailed %" PRId64 " times, waits %" PRId64 " s", n ? "; " : "",
		         status_integer(peer, "failures"), waits_s);
	n = strlen(note);
	if (*via)
		snprintf(note + n, NOTE_BYTES - n,
		         "%sno answer from the network: only inside %s? Then Via = %s",
		         n ? "; " : "", via, via);
}

static const char *format_note(const json_t *peer, char note[static NOTE_BYTES])
{
	const json_t *by = json_object_get(peer, "stood_in_by");

	note[0] = '\0';
	add_note(note, "standing in for ", json_object_get(peer, "stands_in_for"), "");
	add_note(note, "", by, json_array_size(by) == 1 ? " stands in" : " stand in");
	if (json_object_get(peer, "comes_after"))
		add_reasons(note, json_object_get(peer, "comes_after"));
	else /* it is from a version that doesn't say why */
		add_note(note, "standing by for ", json_object_get(peer, "stands_by_for"),
		         "");
	add_failure(note, peer);
	return note;
}

struct row {
	const struct status_look *look;
	const json_t *device;
	const json_t *before; /* the device's earlier status; NULL: none, or no rates */
	bool show_keys;
};

static void cell_rates(struct table *t, const struct row *row, const json_t *peer,
                       size_t index)
{
	const json_t *before =
		status_peer(row->before, status_string(peer, "public_key"), index);
	struct traffic now = status_peer_traffic(peer);
	struct traffic rate = traffic_rate(before ? status_peer_traffic(before) : now,
	                                   now, row->look->elapsed_ns);
	char text[TEXT_BYTES];

	table_cell(t, "%s", format_rate(rate.rx_bytes, text));
	table_cell(t, "%s", format_rate(rate.tx_bytes, text));
}

static void add_peer(struct table *t, const struct row *row, const json_t *peer,
                     size_t index)
{
	const struct status_look *look = row->look;
	const char *name = index ? "" : status_string(row->device, "name");
	struct traffic traffic = status_peer_traffic(peer);
	char text[TEXT_BYTES], note[NOTE_BYTES], key[KEY_SHORT_STRLEN];

	table_cell(t, "%s", name);
	if (row->show_keys)
		table_cell(t, "%s",
		           status_key_short(status_string(peer, "public_key"), key));
	cell_state(t, look, peer);
	table_cell(
		t, "%s",
		format_age(status_integer(peer, "latest_handshake"), look->wall_s, text));
	if (!look->trend) {
		table_cell(t, "%s", format_bytes(traffic.rx_bytes, text));
		table_cell(t, "%s", format_bytes(traffic.tx_bytes, text));
	}
	if (look->before)
		cell_rates(t, row, peer, index);
	if (look->trend)
		table_cell(t, "%s", *name ? look->trend(look->context, name) : "");
	else
		table_cell(t, "%s", status_string(peer, "endpoint"));
	table_cell(t, "%s", status_string(peer, "way"));
	format_note(peer, note);
	if (*name && json_is_true(json_object_get(row->device, "own_tun")))
		table_cell(t, "%s%s", *note ? "its own tun; " : "its own tun", note);
	else
		table_cell(t, "%s", note);
}

static void add_device(struct table *t, const struct row *row)
{
	const json_t *peers = json_object_get(row->device, "peers");

	for (size_t i = 0; i < json_array_size(peers); i++)
		add_peer(t, row, json_array_get(peers, i), i);
	if (json_array_size(peers) > 0)
		return;
	table_cell(t, "%s", status_string(row->device, "name"));
	cell(t, row->look, COLOUR_WAITING, "no peers");
	while (t->count % t->columns)
		table_cell(t, "%s", "");
}

static bool several_peers(const json_t *devices)
{
	for (size_t i = 0; i < json_array_size(devices); i++)
		if (json_array_size(
			    json_object_get(json_array_get(devices, i), "peers")) > 1)
			return true;
	return false;
}

static void add_titles(struct table *t, const struct row *row)
{
	const struct {
		const char *title;
		bool shown;
	} titles[] = {
		{ "DEVICE", true },
		{ "PEER", row->show_keys },
		{ "STATE", true },
		{ "HANDSHAKE", true },
		{ "RECEIVED", !row->look->trend },
		{ "SENT", !row->look->trend },
		{ "RX RATE", row->look->before != NULL },
		{ "TX RATE", row->look->before != NULL },
		{ "TREND", row->look->trend != NULL },
		{ "ENDPOINT", !row->look->trend },
		{ "WAY", true },
		{ "", true }, /* notes */
	};

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		t->columns += titles[i].shown;
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		if (titles[i].shown)
			cell(t, row->look, *titles[i].title ? COLOUR_TITLE : COLOUR_NONE,
			     titles[i].title);
	}
}

static void print_peers(const struct status_look *look, FILE *out)
{
	const json_t *devices = json_object_get(look->status, "devices");
	struct row row = { .look = look, .show_keys = several_peers(devices) };
	struct table t = { 0 };

	if (json_array_size(devices) == 0)
		return;
	fputc('\n', out);
	add_titles(&t, &row);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		row.device = json_array_get(devices, i);
		row.before = look->before
		                     ? status_device(look->before,
		                                     status_string(row.device, "name"), i)
		                     : NULL;
		add_device(&t, &row);
	}
	table_print(&t, out);
}

/* ---- drops */

static void add_drops(struct table *t, const char *device, json_t *drops)
{
	const char *reason;
	json_t *n;

	json_object_foreach(drops, reason, n)
	{
		const char *hint = status_hint(reason);

		table_cell(t, "%s", device);
		table_cell(t, "%" PRId64, (int64_t)json_integer_value(n));
		table_cell(t, "%s", reason);
		table_cell(t, "%s", hint ? hint : "");
	}
}

static void print_drops(const struct status_look *look, FILE *out)
{
	const json_t *devices = json_object_get(look->status, "devices");
	static const char *const titles[] = { "DEVICE", "DROPPED", "REASON", "" };
	struct table t = { .columns = ARRAY_SIZE(titles) };

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		cell(&t, look, *titles[i] ? COLOUR_TITLE : COLOUR_NONE, titles[i]);
	add_drops(&t, "-", json_object_get(look->status, "drops"));
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		add_drops(&t, status_string(d, "name"), json_object_get(d, "drops"));
	}
	if (t.count == ARRAY_SIZE(titles)) {
		table_clear(&t);
		return;
	}
	fputc('\n', out);
	table_print(&t, out);
}

/* Prints FILE:LINE: TEXT for each error because of which a file isn't in force as it
 * is. */
static void print_errors(const json_t *status, FILE *out)
{
	const json_t *errors = json_object_get(status, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *e = json_array_get(errors, i);
		const char *file = status_string(e, "file");
		int64_t line = status_integer(e, "line");

		fprintf(out, "not in force: %s%s", file, *file ? ":" : "");
		if (line > 0)
			fprintf(out, "%" PRId64 ":", line);
		fprintf(out, "%s%s\n", *file ? " " : "", status_string(e, "text"));
	}
}

static void print_yields(const json_t *status, FILE *out)
{
	const json_t *yields = json_object_get(status, "yields");

	for (size_t i = 0; i < json_array_size(yields); i++) {
		const json_t *y = json_array_get(yields, i);
		const char *to = status_string(y, "to");

		fprintf(out, "%s: %s yields to %s\n", status_string(y, "device"),
		        status_string(y, "prefix"), *to ? to : "another route");
	}
}

void status_text(const struct status_look *look, FILE *out)
{
	const json_t *status = look->status;
	size_t devices = json_array_size(json_object_get(status, "devices"));
	int64_t restarts = status_integer(status, "engine_restarts");

	fprintf(out, "%s: mtu %" PRId64 ", %zu device%s, up for ",
	        status_string(status, "tun"), status_integer(status, "tun_mtu"), devices,
	        devices == 1 ? "" : "s");
	print_duration(status_integer(status, "up_seconds"), out);
	if (restarts > 0)
		fprintf(out, ", worker restarted %" PRId64 " time%s", restarts,
		        restarts == 1 ? "" : "s");
	fputc('\n', out);
	print_errors(status, out);
	print_yields(status, out);
	print_peers(look, out);
	print_drops(look, out);
}
