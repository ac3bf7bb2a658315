/* src/cmd/trace_text.c - prints the way, where its prefix comes from, and each hop */
#include "cmd/trace_text.h"

#include <string.h>

#include "cmd/table.h"
#include "show/status_json.h"

static void mtu_cell(struct table *t, const json_t *hop)
{
	int64_t mtu = status_integer(hop, "mtu"),
		fits = status_integer(hop, "carrier_fits");

	if (fits > 0 && mtu > fits)
		table_cell(t, "%d (%d fits)", (int)mtu, (int)fits);
	else
		table_cell(t, "%d", (int)mtu);
}

static void port_cell(struct table *t, const char *host, int port)
{
	if (port != 0)
		table_cell(t, "%s:%d", host, port);
	else
		table_cell(t, "%s:any", host);
}

static void source_cell(struct table *t, const json_t *hop, const char *destination)
{
	const char *source = status_string(hop, "source_address");
	int port = (int)status_integer(hop, "source_port");
	char host[80];

	snprintf(host, sizeof(host), strchr(source, ':') ? "[%s]" : "%s", source);
	if (*source != '\0')
		port_cell(t, host, port);
	else if (strcmp(status_string(hop, "state"), "no-carrier-address") == 0)
		table_cell(t, "(no %s Address)", *destination == '[' ? "IPv6" : "IPv4");
	else
		port_cell(t, "(host)", port);
}

static void add_hop(struct table *t, size_t number, const json_t *hop)
{
	const char *destination = status_string(hop, "destination");
	const char *said = status_string(hop, "endpoint");
	char key[KEY_SHORT_STRLEN];

	table_cell(t, "%zu", number);
	table_cell(t, "%s", status_string(hop, "device"));
	table_cell(t, "%s", status_key_short(status_string(hop, "peer"), key));
	mtu_cell(t, hop);
	if (*destination == '\0') {
		table_cell(t, "-");
		table_cell(t, "%s", *said ? said : "-");
	} else {
		source_cell(t, hop, destination);
		if (*said && strcmp(said, destination) != 0)
			table_cell(t, "%s (%s)", destination, said);
		else
			table_cell(t, "%s", destination);
	}
}

/* Prints where the prefix is written, or on which tun it is in force. */
static void by_text(const json_t *trace, FILE *out)
{
	const char *prefix = status_string(trace, "prefix");
	const char *file = status_string(trace, "file"),
		   *tun = status_string(trace, "tun");

	if (*file != '\0')
		fprintf(out, "by %s (%s:%d)\n", prefix, file,
		        (int)status_integer(trace, "line"));
	else
		fprintf(out, "by %s, as it is in force on %s\n", prefix, tun);
}

static bool is_own_tun(const json_t *trace, const char *link)
{
	const json_t *list = json_object_get(trace, "own_tuns"), *own;
	size_t i;

	json_array_foreach(list, i, own)
	{
		if (strcmp(status_string(own, "tun"), link) == 0)
			return true;
	}
	return false;
}

/* Says if the host itself doesn't send it into the tun, and where else. */
static void host_text(const json_t *trace, FILE *out)
{
	const char *link = status_string(trace, "host_link"),
		   *tun = status_string(trace, "tun"),
		   *address = status_string(trace, "address"),
		   *gateway = status_string(trace, "host_gateway");

	if (*tun == '\0' || *link == '\0' || strcmp(link, tun) == 0)
		return;
	if (json_is_true(json_object_get(trace, "host_local")))
		fprintf(out,
		        "this host has %s itself; a packet that does get into %s goes:\n",
		        address, tun);
	else if (is_own_tun(trace, link))
		fprintf(out,
		        "this host sends it into %s, see below; a packet that does get into %s goes:\n",
		        link, tun);
	else
		fprintf(out,
		        "this host sends it to %s%s%s, not into %s; a packet that does get into %s goes:\n",
		        link,
		        *gateway ? ", to the gateway " : ", to which it is attached",
		        gateway, tun, tun);
}

/* No instance was asked. `exec`, `gate` and `proxy` don't leave anything to the host. */
static void left_to_host_text(const json_t *trace, FILE *out)
{
	const char *link = status_string(trace, "host_link"),
		   *gateway = status_string(trace, "host_gateway");

	if (json_is_true(json_object_get(trace, "host_local")))
		fprintf(out, "in no prefix of the files, and this host has it itself\n");
	else
		fprintf(out,
		        "in no prefix of the files; with up, this host sends it in the clear to %s%s%s\n",
		        link,
		        *gateway ? ", to the gateway " : ", to which it is attached",
		        gateway);
}

/* Only the host decides what goes into such a tun. */
static void own_tuns_text(const json_t *trace, FILE *out)
{
	const json_t *list = json_object_get(trace, "own_tuns");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *own = json_array_get(list, i);

		fprintf(out, "%sin its own tun %s: %s (by %s)\n", i == 0 ? "\n" : "",
		        status_string(own, "tun"), status_string(own, "way"),
		        status_string(own, "prefix"));
	}
}

/* Prints the reason under the name of its counter. */
static void dropped_text(const json_t *trace, const char *state, FILE *out)
{
	static const char waiting[] = "? (waiting)"; /* see way_format */
	const char *way = status_string(trace, "way");
	size_t n = strlen(way), tail = sizeof(waiting) - 1;

	if (n > tail && strcmp(way + n - tail, waiting) == 0)
		fprintf(out, "\nits packets are dropped until the peer calls: %s\n",
		        state);
	else
		fprintf(out, "\nits packets are dropped: %s\n",
		        strcmp(state, "too-long") == 0 ? "way-too-long" : state);
}

/* Of several, only the carrier of the others: what it carries can't be reached either. */
static void unanswered_text(const json_t *hops, FILE *out)
{
	const char *device = NULL;

	for (size_t i = 0; i < json_array_size(hops); i++) {
		const json_t *hop = json_array_get(hops, i);

		if (json_is_true(json_object_get(hop, "unanswered")))
			device = status_string(hop, "device");
	}
	if (device)
		fprintf(out,
		        "\n%s doesn't answer: tunion status says since when, and what to do\n",
		        device);
}

void trace_text(const json_t *trace, FILE *out)
{
	const json_t *hops = json_object_get(trace, "hops");
	const char *address = status_string(trace, "address"),
		   *state = status_string(trace, "state");
	struct table t = { .columns = 6 };

	host_text(trace, out);
	if (strcmp(state, "no-route") == 0) {
		fprintf(out, "%s: ", address);
		if (*status_string(trace, "tun") == '\0' &&
		    *status_string(trace, "host_link"))
			left_to_host_text(trace, out);
		else
			fprintf(out, "no route: ICMP unreachable\n");
		own_tuns_text(trace, out);
		return;
	}
	fprintf(out, "%s: %s\n", address, status_string(trace, "way"));
	by_text(trace, out);
	fputc('\n', out);
	table_cell(&t, "HOP");
	table_cell(&t, "DEVICE");
	table_cell(&t, "PEER");
	table_cell(&t, "MTU");
	table_cell(&t, "OUTER SOURCE");
	table_cell(&t, "OUTER DESTINATION");
	for (size_t i = 0; i < json_array_size(hops); i++)
		add_hop(&t, i + 1, json_array_get(hops, i));
	table_print(&t, out);
	unanswered_text(hops, out);
	own_tuns_text(trace, out);
	if (strcmp(state, "ok") != 0)
		dropped_text(trace, state, out);
}
