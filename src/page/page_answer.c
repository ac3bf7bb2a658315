/* src/page/page_answer.c */
#include "page/page_answer.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"
#include "base/text_stream.h"
#include "page/http_response.h"
#include "page/page_html.h"
#include "show/qr.h"
#include "show/status_hint.h"
#include "show/status_metrics.h"

#define NOT_FOUND   404U
#define NO_MEMORY   500U
#define UNAVAILABLE 503U

#define JSON_TYPE "application/json"

struct answer {
	struct outbuf *out;
	const struct page_target *target;
	bool keep_alive;
};

enum page_question page_answer_needs(enum page_thing thing)
{
	switch (thing) {
	case PAGE_THING_STATUS:
	case PAGE_THING_METRICS:
		return PAGE_QUESTION_STATUS;
	case PAGE_THING_CLIENTS:
		return PAGE_QUESTION_CLIENTS;
	case PAGE_THING_FILE:
	case PAGE_THING_QR:
		return PAGE_QUESTION_FILE;
	case PAGE_THING_NONE:
	case PAGE_THING_HTML:
	case PAGE_THING_HINTS:
	case PAGE_THING_PROXY:
		break;
	}
	return PAGE_QUESTION_NONE;
}

static void refuse(const struct answer *a, unsigned status, const char *why)
{
	http_response_add_refusal(a->out, status, why, a->keep_alive, a->target->head);
}

static void add(const struct answer *a, struct http_response head, const void *text,
                size_t n)
{
	head.status = 200;
	head.keep_alive = a->keep_alive;
	http_response_add(a->out, &head, text, n, a->target->head);
}

static void add_html(const struct answer *a)
{
	char policy[PAGE_HTML_POLICY_MAX];
	const struct http_response head = { .type = "text/html; charset=utf-8",
		                            .policy = policy };

	page_html_policy(policy);
	add(a, head, page_html, page_html_bytes);
}

static void add_metrics(const struct answer *a, const char *text, size_t n)
{
	const struct http_response head = {
		.type = "text/plain; version=0.0.4; charset=utf-8"
	};
	json_t *status = json_loadb(text, n, 0, NULL);
	char *metrics = NULL;
	size_t size = 0;
	FILE *out = status ? open_memstream(&metrics, &size) : NULL;

	if (out)
		status_metrics(status, out);
	if (out && text_stream_close(out, &metrics)) {
		add(a, head, metrics, size);
		free(metrics);
	} else {
		refuse(a, status ? NO_MEMORY : UNAVAILABLE, NULL);
	}
	json_decref(status);
}

static void add_hints(const struct answer *a)
{
	json_t *hints = json_object();
	char *text;
	bool failed = hints == NULL;

	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT && !failed; i++) {
		const char *reason = drop_name((enum drop)i);

		failed = json_object_set_new(hints, reason,
		                             json_string(status_hint(reason))) < 0;
	}
	text = failed ? NULL : json_dumps(hints, JSON_COMPACT);
	if (text)
		add(a, (struct http_response){ .type = JSON_TYPE }, text, strlen(text));
	else
		refuse(a, NO_MEMORY, NULL);
	free(text);
	json_decref(hints);
}

static void add_file(const struct answer *a, const char *text, size_t n)
{
	char name[IFNAME_MAX + sizeof(".conf")];
	/* a browser would show text/plain, or change the end of the name */
	const struct http_response head = { .type = "application/octet-stream",
		                            .file = name };

	snprintf(name, sizeof(name), "%s.conf", a->target->name);
	add(a, head, text, n);
}

static void add_qr(const struct answer *a, const char *text)
{
	size_t n = 0;
	char *svg = NULL;
	int err = qr_svg(&svg, &n, text);

	if (!err) {
		add(a, (struct http_response){ .type = "image/svg+xml" }, svg, n);
		sodium_memzero(svg, n);
		free(svg);
	} else if (err == -ENOTSUP) {
		refuse(a, NOT_FOUND,
		       "There is no QR code, because tunion was built without libqrencode.");
	} else if (err == -E2BIG) {
		refuse(a, NOT_FOUND, "The file is too long for a QR code.");
	} else {
		refuse(a, NO_MEMORY, NULL);
	}
}

static void add_thing(const struct answer *a, const char *text, size_t n)
{
	switch (a->target->thing) {
	case PAGE_THING_NONE:
		refuse(a, a->target->refusal, NULL);
		break;
	case PAGE_THING_HTML:
		add_html(a);
		break;
	case PAGE_THING_STATUS:
	case PAGE_THING_CLIENTS:
	case PAGE_THING_PROXY:
		add(a, (struct http_response){ .type = JSON_TYPE }, text, n);
		break;
	case PAGE_THING_METRICS:
		add_metrics(a, text, n);
		break;
	case PAGE_THING_HINTS:
		add_hints(a);
		break;
	case PAGE_THING_FILE:
		add_file(a, text, n);
		break;
	case PAGE_THING_QR:
		add_qr(a, text);
		break;
	}
}

void page_answer_add(struct outbuf *out, const struct page_target *target,
                     bool keep_alive, const char *text, size_t n)
{
	const struct answer a = { out, target, keep_alive };
	const size_t mark = strlen(PAGE_ERROR);
	bool file = page_answer_needs(target->thing) == PAGE_QUESTION_FILE;

	if (page_answer_needs(target->thing) == PAGE_QUESTION_NONE)
		add_thing(&a, text, n);
	else if (!text || n == 0)
		refuse(&a, UNAVAILABLE, NULL);
	else if (n >= mark && memcmp(text, PAGE_ERROR, mark) == 0)
		refuse(&a, file ? NOT_FOUND : UNAVAILABLE, text + mark);
	else
		add_thing(&a, text, n);
}
