/* src/page/page_server.h - who is connected to the page, and for how long?
 *
 * Anybody on this machine may connect. So everything is bounded: how many are connected,
 * what they send, how long they take, and what they have not read yet. */
#ifndef TUNION_PAGE_PAGE_SERVER_H
#define TUNION_PAGE_PAGE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "channel/page_entry.h"
#include "io/loop.h"
#include "page/page_ask.h"

/* If there are so many, another one takes the place of the one that has been silent for
 * longest. */
#define PAGE_SERVER_CONNECTIONS 16
#define PAGE_SERVER_HELD_MAX    (32U * 1024 * 1024) /* bytes of answers not read yet */

#define PAGE_SERVER_REQUEST_NS (10 * NS_PER_SEC) /* until a request is complete */
#define PAGE_SERVER_ANSWER_NS  (30 * NS_PER_SEC) /* until the supervisor has answered */
#define PAGE_SERVER_STALL_NS   (10 * NS_PER_SEC) /* without reading any of an answer */
#define PAGE_SERVER_READ_NS    (60 * NS_PER_SEC) /* until the answer is read */
#define PAGE_SERVER_CLOSE_NS   (2 * NS_PER_SEC)  /* until it closes its end, too */

struct connection;

/* Embedded. */
struct page_server {
	struct loop *loop; /* borrowed */
	struct page_ask ask;
	struct loop_source listener; /* its fd is owned */
	bool handed;                 /* see struct page_entry */
	uint64_t resume_ns;          /* nobody is accepted before; NEVER_NS: anybody is */
	struct connection *first;    /* owned */
	size_t count;
	char asked_name[IFNAME_MAX + 1]; /* of the present question */
	char token[PAGE_TOKEN_CHARS + 1];
	enum page_proxy proxy; /* set by the user after page_server_init */
};

/* Owns both descriptors, also after a failure. Returns 0 or -errno. Clear it in both
 * cases. */
MUST_CHECK int page_server_init(struct page_server *s, struct loop *loop, int channel_fd,
                                int listen_fd, const char token[static PAGE_TOKEN_CHARS]);
void page_server_clear(struct page_server *s);

/* To be called in each round of the loop. */
void page_server_run(struct page_server *s, uint64_t now_ns);
/* The time at which page_server_run has something to do; NEVER_NS: never. */
uint64_t page_server_deadline_ns(const struct page_server *s);

#endif
