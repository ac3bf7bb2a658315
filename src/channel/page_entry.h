/* src/channel/page_entry.h - how does the process of the status page start, and what does
 * it ask the supervisor?
 *
 * The supervisor forks it but doesn't know what runs in it: it only gets the function that
 * it has to call there. The page asks by frames (frame.h), one question at a time. Each is
 * answered by a frame of the same type, with the descriptor of a socket from which the
 * answer is read until its end; without one if too many answers have not been read. An
 * answer that begins with PAGE_ERROR is a line that says why there is no other one. It may also
 * say lines for the log. */
#ifndef TUNION_CHANNEL_PAGE_ENTRY_H
#define TUNION_CHANNEL_PAGE_ENTRY_H

#include <sys/types.h>

#define PAGE_TOKEN_CHARS 32 /* hex digits of 16 random bytes */
#define PAGE_ERROR       "error: "

enum page_question {
	PAGE_QUESTION_NONE = 0,
	PAGE_QUESTION_STATUS,  /* JSON, as of the command status */
	PAGE_QUESTION_CLIENTS, /* JSON: [{"name", "public_key"}...], those of a gate */
	PAGE_QUESTION_FILE,    /* of the client whose name is the body: it has a key */
	PAGE_LINE,             /* no question, and not answered: line.h */
};

/* Is the page at the port of a proxy? Then it says how programs use that. */
enum page_proxy { PAGE_NO_PROXY, PAGE_PROXY, PAGE_PROXY_WITH_USERS };

/* What the page has to know from the start. */
struct page_options {
	char token[PAGE_TOKEN_CHARS + 1]; /* who knows it may see the page */
	enum page_proxy proxy;
};

/* Runs the page in a process that was forked for it, which has no descriptors except 0 to 2
 * and these, which it owns. listen_fd listens; or it is a SOCK_SEQPACKET, and each message
 * that comes there, of one byte, has a connection with it that another process has accepted
 * (base/fd_pass.h). Returns the exit status: 0 after the supervisor has closed the
 * channel. */
struct page_entry {
	int (*run)(int channel_fd, int listen_fd, pid_t supervisor,
	           const struct page_options *options);
	/* Called before that: wipes secrets of who has started the supervisor, which the page
	 * doesn't need. NULL: there are none. */
	void (*forget)(void *context);
	void *context; /* borrowed */
};

#endif
