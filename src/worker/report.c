/* src/worker/report.c - makes messages and puts them into the channel */
#include "worker/report.h"

#include <string.h>

#include "engine/engine.h"

/* Log lines are dropped if this many bytes wait for a supervisor that doesn't read. */
#define LOG_PENDING_MAX (256U * 1024)

void report_send(struct report *r, const struct command *m)
{
	if (r->channel->fd < 0 || command_send(r->channel, m) < 0)
		r->failed = true;
}

void report_reply(struct report *r, const struct command *request, int result)
{
	struct command m = command_of(COMMAND_REPLY, request->name);

	m.request = request->type;
	m.result = result;
	report_send(r, &m);
}

void report_peer(struct report *r, enum command_type type, const struct device *device,
                 const struct wg_peer *peer, const struct endpoint *endpoint)
{
	struct command m = command_of(type, device_name(device));

	m.endpoint = *endpoint;
	memcpy(m.key, wg_peer_public_key(peer), KEY_BYTES);
	report_send(r, &m);
}

void report_log(void *context, enum log_level level, const char *line)
{
	struct report *r = context;
	struct command m = command_of(COMMAND_LOG, NULL);

	if (r->channel->waiting_bytes > LOG_PENDING_MAX)
		return;
	m.result = (int32_t)level;
	m.text = line;
	m.text_bytes = strlen(line);
	report_send(r, &m);
}
