/* src/supervisor/status_request.c - one request to the worker serves all waiting
 * clients */
#include "supervisor/status_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/timerq.h"
#include "channel/command.h"

static void complete(struct status_request *r)
{
	struct instance_status i = { 0 };
	char *text;

	r->describe(r->context, &i);
	text = instance_status_text((const char *)r->text.bytes + r->text.first,
	                            outbuf_bytes(&r->text), &i);
	clients_answer_status(r->clients, text);
	free(text);
	outbuf_clear(&r->text);
	r->asked = false;
	r->due_ns = NEVER_NS;
}

int status_request_piece(struct status_request *r, const void *text, size_t n)
{
	if (!r->asked || n > STATUS_TEXT_MAX - outbuf_bytes(&r->text))
		return -EPROTO;
	outbuf_add(&r->text, text, n);
	if (n == 0)
		complete(r);
	return 0;
}

/* For a status while there is no worker. */
static const char absent[] =
	"error: the worker process ends again and again: another one is started within a minute; the log says why it ends\n";

void status_request_ask(struct status_request *r)
{
	struct command m = command_of(COMMAND_STATUS, NULL);

	if (worker_child_absent(r->worker)) {
		clients_answer_status(r->clients, absent);
		return;
	}
	if (r->worker->pid == 0) { /* PostDown hooks are running */
		clients_answer_status(r->clients, "error: the instance is going down\n");
		return;
	}
	if (r->due_ns == NEVER_NS)
		r->due_ns = loop_now_ns() + r->worker->silence_ms * NS_PER_MS;
	if (r->asked)
		return;
	outbuf_clear(&r->text);
	r->asked = worker_child_ask(r->worker, &m) == 0;
}

void status_request_restarted(struct status_request *r)
{
	r->asked = false;
	if (clients_want_status(r->clients))
		status_request_ask(r);
}

uint64_t status_request_deadline_ns(const struct status_request *r)
{
	return r->due_ns;
}

int status_request_wait_ms(const struct status_request *r)
{
	uint64_t now_ns = loop_now_ns();

	if (r->due_ns == NEVER_NS)
		return -1;
	return r->due_ns <= now_ns ? 0 : (int)((r->due_ns - now_ns) / NS_PER_MS) + 1;
}

/* The answer may still come. Until then the worker isn't asked again. */
void status_request_run(struct status_request *r)
{
	char text[SILENCE_TEXT_MAX], answer[SILENCE_TEXT_MAX + 10];

	if (loop_now_ns() < r->due_ns)
		return;
	r->due_ns = NEVER_NS;
	snprintf(answer, sizeof(answer), "error: %s\n",
	         worker_child_silence(r->worker, text));
	clients_answer_status(r->clients,
	                      worker_child_absent(r->worker) ? absent : answer);
}

void status_request_clear(struct status_request *r)
{
	outbuf_clear(&r->text);
}
