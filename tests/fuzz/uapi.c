/* tests/fuzz/uapi.c - what can a client of a device's UAPI socket send? The first byte is
 * the length of the pieces, the rest is the conversation. The port number decides whether
 * the host answers later, or refuses. Another device must accept what the device then
 * tells about itself, and must tell the same. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixed_env.h"
#include "worker/uapi.h"

#define NOW_NS (1000 * NS_PER_SEC)

struct world {
	struct engine *engine;
	struct device *device;
	struct uapi_host host;
	struct uapi uapi;
	struct outbuf out;
	uint16_t port; /* that was asked for */
	uint32_t fwmark;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int set_port(void *context, struct device *device, uint16_t port)
{
	struct world *w = context;

	w->port = port;
	if (port % 4 == 1)
		return -EADDRINUSE;
	if (port % 4 >= 2)
		return -EINPROGRESS;
	device_set_port(device, port);
	return 0;
}

static int set_fwmark(void *context, struct device *device, uint32_t fwmark)
{
	struct world *w = context;

	(void)device;
	w->fwmark = fwmark;
	return 0;
}

static uint32_t get_fwmark(void *context, const struct device *device)
{
	struct world *w = context;

	(void)device;
	return w->fwmark;
}

static void begin(struct world *w)
{
	struct engine_env env = fixed_env();

	*w = (struct world){ .host = { set_port, set_fwmark, get_fwmark, NULL, NULL,
		                       w } };
	if (engine_new(&w->engine, &env) != 0 ||
	    engine_add_device(w->engine, "fuzzed", &w->device) != 0)
		abort();
	uapi_init(&w->uapi, w->device, &w->host);
	wg_device_start(device_wg(w->device), NOW_NS);
}

static void end(struct world *w)
{
	uapi_clear(&w->uapi);
	outbuf_clear(&w->out);
	engine_free(w->engine);
}

static void resume(struct world *w)
{
	int result = w->port % 4 == 3 ? -EACCES : 0;

	if (result == 0)
		device_set_port(w->device, w->port);
	uapi_resume(&w->uapi, result, &w->out, NOW_NS);
}

static void feed(struct world *w, const uint8_t *bytes, size_t n, size_t piece)
{
	while (n > 0 && w->uapi.state != UAPI_CLOSED) {
		size_t now = n < piece ? n : piece;
		size_t taken = uapi_feed(&w->uapi, bytes, now, &w->out, NOW_NS);

		if (taken > now)
			abort();
		bytes += taken;
		n -= taken;
		if (w->uapi.state == UAPI_WAITING)
			resume(w);
		else if (taken < now && w->uapi.state != UAPI_CLOSED)
			abort();
		if (engine_settle(w->engine) != 0)
			abort();
	}
}

/* Puts the answer to a get into `out`, with a NUL at the end. */
static const char *get(struct world *w)
{
	outbuf_clear(&w->out);
	uapi_get(w->device, &w->host, &w->out, NOW_NS);
	outbuf_add(&w->out, "", 1);
	if (w->out.failed)
		abort();
	return (const char *)w->out.bytes + w->out.first;
}

/* Feeds it as a set, without the lines that only a get has, and without the port, to
 * which the host of this target reacts in different ways. */
static void set_from(struct world *w, const char *text)
{
	static const char *const omitted[] = { "last_handshake", "tx_bytes", "rx_bytes",
		                               "errno", "listen_port" };
	const char *end;

	feed(w, (const uint8_t *)"set=1\n", 6, 6);
	for (; *text && (end = strchr(text, '\n')); text = end + 1) {
		bool omit = *text == '\n';

		for (size_t i = 0; i < ARRAY_SIZE(omitted); i++)
			omit = omit || strncmp(text, omitted[i], strlen(omitted[i])) == 0;
		if (!omit)
			feed(w, (const uint8_t *)text, (size_t)(end + 1 - text),
			     SIZE_MAX);
	}
	feed(w, (const uint8_t *)"\n", 1, 1);
	if (outbuf_bytes(&w->out) != 9 ||
	    memcmp(w->out.bytes + w->out.first, "errno=0\n\n", 9) != 0)
		abort();
}

/* Ignores tx_bytes, because the device itself counts what its keepalives cost. */
static bool same_lines(const char *a, const char *b)
{
	while (*a && *b) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
		bool counts = strncmp(a, "tx_bytes=", 9) == 0 &&
		              strncmp(b, "tx_bytes=", 9) == 0;

		if (!counts && (n != m || memcmp(a, b, n) != 0))
			return false;
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
	}
	return !*a && !*b;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct world fuzzed, other;
	const char *said, *again;

	begin(&fuzzed);
	begin(&other);
	if (n > 0)
		feed(&fuzzed, bytes + 1, n - 1, bytes[0] ? bytes[0] : SIZE_MAX);
	said = get(&fuzzed);
	set_from(&other, said);
	device_set_port(other.device, device_port(fuzzed.device));
	again = get(&other);
	if (!same_lines(said, again))
		abort();
	if (wg_device_peer_count(device_wg(fuzzed.device)) !=
	            wg_device_peer_count(device_wg(other.device)) ||
	    union_count(engine_union(fuzzed.engine)) !=
	            union_count(engine_union(other.engine)))
		abort();
	end(&fuzzed);
	end(&other);
	return 0;
}
