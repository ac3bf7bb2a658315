/* src/cmd/status_text.c - prints a line about the instance, what is wrong, a table with a row
 * for each peer, and a table of drops if there were any lately */
#include "cmd/status_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/text_stream.h"
#include "cmd/table.h"
#include "show/status_health.h"
#include "show/status_hint.h"
#include "show/status_json.h"

#define TEXT_BYTES STATUS_AGE_BYTES /* of a number with its unit */
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

/* 0 becomes "never". */
static const char *format_age(int64_t then_s, int64_t wall_s,
                              char out[static STATUS_AGE_BYTES])
{
	size_t n;

	if (then_s <= 0)
		return "never";
	status_age(wall_s > then_s ? wall_s - then_s : 0, out);
	n = strlen(out);
	snprintf(out + n, STATUS_AGE_BYTES - n, " ago");
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

/* A peer that calls us may be away; if its prefixes matter, somebody stands in. */
static bool is_away(const json_t *peer)
{
	return json_is_true(json_object_get(peer, "by_arrival")) &&
	       json_array_size(json_object_get(peer, "stood_in_by")) == 0;
}

static void cell_no_endpoint(struct table *t, const struct status_look *look,
                             const json_t *peer)
{
	if (status_waits_for_call(peer))
		cell(t, look, COLOUR_WAITING, "waiting");
	else if (*status_string(peer, "endpoint") == '\0' &&
	         *status_string(peer, "endpoint_name"))
		cell(t, look, COLOUR_BAD, "no address");
	else
		cell(t, look, COLOUR_WAITING, "no endpoint");
}

static void cell_state(struct table *t, const struct status_look *look,
                       const json_t *peer)
{
	const char *way = status_string(peer, "state");

	if (strcmp(way, "no-endpoint") == 0)
		cell_no_endpoint(t, look, peer);
	else if (*way && strcmp(way, "ok") != 0)
		cell(t, look, COLOUR_BAD, way);
	else if (json_is_false(json_object_get(peer, "usable")) && !is_away(peer))
		cell(t, look, COLOUR_BAD, "unusable");
	else if (status_unanswered(peer))
		cell(t, look, COLOUR_BAD, "no answer");
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

/* Says which of its prefixes another device has, if there are others. If several devices have
 * some, it isn't known here which has which. */
static void add_prefixes(char note[static NOTE_BYTES], const json_t *peer)
{
	const json_t *taken = json_object_get(peer, "standby");
	size_t n = strlen(note),
	       all = json_array_size(json_object_get(peer, "allowed_ips"));
	const char *first = json_string_value(json_array_get(taken, 0));

	if (!first || json_array_size(taken) >= all ||
	    json_array_size(json_object_get(peer, "comes_after")) != 1)
		return;
	n += (size_t)snprintf(note + n, NOTE_BYTES - n, " for %s", first);
	if (json_array_size(taken) > 1 && n < NOTE_BYTES)
		snprintf(note + n, NOTE_BYTES - n, " and %zu more",
		         json_array_size(taken) - 1);
}

/* Says who has the prefixes of this peer, and why. */
static void add_reasons(char note[static NOTE_BYTES], const json_t *peer)
{
	const json_t *after = json_object_get(peer, "comes_after");
	static const struct {
		const char *why, *text;
	} reasons[] = {
		{ "table", "no Table of its own" },
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
		add_prefixes(note, peer);
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
		add_reasons(note, peer);
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

/* Without an address, the name, and when it is asked for again. */
static void cell_endpoint(struct table *t, const json_t *peer)
{
	const char *endpoint = status_string(peer, "endpoint"),
		   *name = status_string(peer, "endpoint_name");
	const json_t *again = json_object_get(peer, "asked_again_seconds");

	if (*endpoint || !json_is_integer(again))
		table_cell(t, "%s", *endpoint ? endpoint : name);
	else
		table_cell(t, "%s (asked again in %" PRId64 " s)", name,
		           (int64_t)json_integer_value(again));
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
		cell_endpoint(t, peer);
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

/* The columns. Those that are cut if the terminal is too narrow stand in `cuts`, of the status
 * as of the live one, in the order in which they go. Device, state and way never do. */
enum column {
	COLUMN_DEVICE,
	COLUMN_PEER,
	COLUMN_STATE,
	COLUMN_HANDSHAKE,
	COLUMN_RECEIVED,
	COLUMN_SENT,
	COLUMN_RX_RATE,
	COLUMN_TX_RATE,
	COLUMN_TREND,
	COLUMN_ENDPOINT,
	COLUMN_WAY,
	COLUMN_NOTE,
	COLUMN_COUNT,
};

static const char *const titles[] = { "DEVICE",   "PEER",     "STATE",   "HANDSHAKE",
	                              "RECEIVED", "SENT",     "RX RATE", "TX RATE",
	                              "TREND",    "ENDPOINT", "WAY",     "" };
_Static_assert(ARRAY_SIZE(titles) == COLUMN_COUNT, "a title for each column");

static const struct table_cut cuts[] = {
	{ COLUMN_NOTE, 16, false },     { COLUMN_TX_RATE, 0, true },
	{ COLUMN_RX_RATE, 0, false },   { COLUMN_SENT, 0, true },
	{ COLUMN_RECEIVED, 0, false },  { COLUMN_ENDPOINT, 16, false },
	{ COLUMN_HANDSHAKE, 0, false }, { COLUMN_NOTE, 0, false },
	{ COLUMN_ENDPOINT, 0, false },  { COLUMN_PEER, 0, false },
};

static const struct table_cut cuts_live[] = {
	{ COLUMN_NOTE, 16, false },     { COLUMN_TREND, 0, false },
	{ COLUMN_HANDSHAKE, 0, false }, { COLUMN_NOTE, 0, false },
	{ COLUMN_TX_RATE, 0, true },    { COLUMN_RX_RATE, 0, false },
	{ COLUMN_PEER, 0, false },
};
_Static_assert(ARRAY_SIZE(cuts_live) <= ARRAY_SIZE(cuts), "room for the translated cuts");

static bool is_shown(const struct row *row, enum column column)
{
	switch (column) {
	case COLUMN_PEER:
		return row->show_keys;
	case COLUMN_RECEIVED:
	case COLUMN_SENT:
	case COLUMN_ENDPOINT:
		return !row->look->trend;
	case COLUMN_RX_RATE:
	case COLUMN_TX_RATE:
		return row->look->before != NULL;
	case COLUMN_TREND:
		return row->look->trend != NULL;
	case COLUMN_DEVICE:
	case COLUMN_STATE:
	case COLUMN_HANDSHAKE:
	case COLUMN_WAY:
	case COLUMN_NOTE:
	case COLUMN_COUNT:
		break;
	}
	return true;
}

/* `out` has room for all cuts, and gets them with the columns' places in this table. */
static void add_titles(struct table *t, const struct row *row, struct table_cut *out)
{
	const struct table_cut *from = row->look->trend ? cuts_live : cuts;
	size_t n = row->look->trend ? ARRAY_SIZE(cuts_live) : ARRAY_SIZE(cuts);
	size_t place[COLUMN_COUNT];

	for (enum column c = 0; c < COLUMN_COUNT; c++) {
		place[c] = t->columns;
		t->columns += is_shown(row, c);
	}
	for (enum column c = 0; c < COLUMN_COUNT; c++) {
		if (is_shown(row, c))
			cell(t, row->look, *titles[c] ? COLOUR_TITLE : COLOUR_NONE,
			     titles[c]);
	}
	t->width = row->look->columns;
	t->ellipsis = row->look->ellipsis;
	t->cuts = out;
	t->comes_back = place[COLUMN_HANDSHAKE];
	for (size_t i = 0; i < n; i++) {
		if (is_shown(row, (enum column)from[i].column))
			out[t->cut_count++] =
				(struct table_cut){ place[from[i].column], from[i].least,
				                    from[i].with_next };
	}
}

static void print_peers(const struct status_look *look, FILE *out)
{
	const json_t *devices = json_object_get(look->status, "devices");
	struct row row = { .look = look, .show_keys = several_peers(devices) };
	struct table_cut placed[ARRAY_SIZE(cuts)];
	struct table t = { 0 };

	if (json_array_size(devices) == 0)
		return;
	fputc('\n', out);
	add_titles(&t, &row, placed);
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

static void add_drops(struct table *t, const struct status_look *look, const char *device,
                      const json_t *of)
{
	const json_t *ages = json_object_get(of, "drop_ages");
	char age[STATUS_AGE_BYTES];
	const char *reason;
	json_t *n;

	json_object_foreach(json_object_get(of, "drops"), reason, n)
	{
		const json_t *last = json_object_get(ages, reason);
		const char *hint = status_hint(reason);

		if (!status_drop_is_news(look->status, ages, reason))
			continue;
		table_cell(t, "%s", device);
		table_cell(t, "%" PRId64, (int64_t)json_integer_value(n));
		if (json_is_integer(last))
			table_cell(t, "%s ago",
			           status_age(json_integer_value(last), age));
		else
			table_cell(t, "-");
		table_cell(t, "%s", reason);
		table_cell(t, "%s", hint ? hint : "");
	}
}

static void print_drops(const struct status_look *look, FILE *out)
{
	static const char *const drop_titles[] = { "DEVICE", "DROPPED", "LAST", "REASON",
		                                   "" };
	static const struct table_cut hint[] = {
		{ ARRAY_SIZE(drop_titles) - 1, 16, false },
		{ ARRAY_SIZE(drop_titles) - 1, 0, false },
	};
	const json_t *devices = json_object_get(look->status, "devices");
	struct table t = { .columns = ARRAY_SIZE(drop_titles),
		           .width = look->columns,
		           .ellipsis = look->ellipsis,
		           .cuts = hint,
		           .cut_count = ARRAY_SIZE(hint) };

	for (size_t i = 0; i < ARRAY_SIZE(drop_titles); i++)
		cell(&t, look, *drop_titles[i] ? COLOUR_TITLE : COLOUR_NONE,
		     drop_titles[i]);
	add_drops(&t, look, "-", look->status);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		add_drops(&t, look, status_string(d, "name"), d);
	}
	if (t.count == ARRAY_SIZE(drop_titles)) {
		table_clear(&t);
		return;
	}
	fputc('\n', out);
	table_print(&t, out);
}

/* ---- the lines above */

/* Breaks the line between words where the terminal ends; what follows is indented. */
static void print_wrapped(const struct status_look *look, enum colour colour,
                          const char *line, FILE *out)
{
	size_t used = 0;

	fputs(look->colour ? colours[colour] : "", out);
	while (look->columns > 0 && *line) {
		size_t word = strcspn(line, " "), wide = 0;

		for (size_t i = 0; i < word; i++)
			wide += (line[i] & 0xc0) != 0x80;
		if (used > 0 && used + 1 + wide > look->columns) {
			fputs("\n  ", out);
			used = 2;
		} else if (used > 0) {
			fputc(' ', out);
			used++;
		}
		fwrite(line, 1, word, out);
		used += wide;
		line += word + (line[word] == ' ');
	}
	fprintf(out, "%s%s\n", line,
	        look->colour && colour != COLOUR_NONE ? "\033[0m" : "");
}

/* What is wrong, and what to do about it. An instance of an earlier version doesn't say so
 * itself. */
static void print_health(const struct status_look *look, FILE *out)
{
	const json_t *told = json_object_get(look->status, "health"), *line;
	json_t *made = json_is_array(told) ? NULL : status_health(look->status);
	size_t i;

	json_array_foreach(made ? made : told, i, line)
	{
		const char *device = status_string(line, "device");
		char *text;

		if (asprintf(&text, "%s%s%s", device, *device ? ": " : "",
		             status_string(line, "text")) < 0)
			break;
		print_wrapped(look, COLOUR_BAD, text, out);
		free(text);
	}
	json_decref(made);
}

static void print_folders(const json_t *status, FILE *out)
{
	const json_t *folders = json_object_get(status, "folders");

	for (size_t i = 0; i < json_array_size(folders); i++) {
		const char *folder = json_string_value(json_array_get(folders, i));

		fprintf(out, "%s%s", i == 0 ? ", files in " : ", ", folder ? folder : "");
	}
}

static void print_taken_out(const json_t *status, const char *options, FILE *out)
{
	const json_t *names = json_object_get(status, "taken_out");

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		fprintf(out, "%s%s", i == 0 ? "; taken out: " : ", ", name ? name : "");
	}
	if (json_array_size(names) > 0)
		fprintf(out, " (tunion up%s NAME brings it back)",
		        options ? options : "");
}

static void print_head(const struct status_look *look, FILE *out)
{
	const json_t *status = look->status;
	size_t devices = json_array_size(json_object_get(status, "devices"));
	int64_t mtu = status_integer(status, "tun_mtu"),
		restarts = status_integer(status, "engine_restarts");
	const json_t *engine = json_object_get(status, "engine_seconds");
	char age[STATUS_AGE_BYTES];

	fprintf(out, "%s: ", status_string(status, "tun"));
	if (mtu > 0) /* else no device shares the tun */
		fprintf(out, "mtu %" PRId64 ", ", mtu);
	fprintf(out, "%zu device%s, up for ", devices, devices == 1 ? "" : "s");
	print_duration(status_integer(status, "up_seconds"), out);
	if (restarts > 0)
		fprintf(out, ", worker restarted %" PRId64 " time%s", restarts,
		        restarts == 1 ? "" : "s");
	if (restarts > 0 && json_is_integer(engine)) /* this is its age */
		fprintf(out, "%s %s ago", restarts == 1 ? "," : ", last",
		        status_age(json_integer_value(engine), age));
	print_folders(status, out);
	print_taken_out(status, look->options, out);
}

void status_text(const struct status_look *look, FILE *out)
{
	char *head = NULL;
	size_t n = 0;
	FILE *text = open_memstream(&head, &n);

	if (text)
		print_head(look, text);
	if (text && text_stream_close(text, &head))
		print_wrapped(look, COLOUR_NONE, head, out);
	free(head);
	print_health(look, out);
	print_peers(look, out);
	print_drops(look, out);
}
