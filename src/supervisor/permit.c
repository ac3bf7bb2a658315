/* src/supervisor/permit.c */
#include "supervisor/permit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_MAX    4095 /* MAX_ERRNO of the kernel */
#define CAPACITY_MIN 64

enum when {
	NEVER = 0, /* only we say that, or it is a reply */
	ALWAYS,
	AFTER, /* after we have said something of that type */
};

/* Devices and the tun may be gone meanwhile, without the worker having heard of it; so what
 * was permitted stays permitted. */
static const struct {
	enum when when;
	enum command_type told;
} table[] = {
	[COMMAND_LOG] = { ALWAYS, COMMAND_NONE },
	[COMMAND_STATUS_TEXT] = { AFTER, COMMAND_STATUS },
	[COMMAND_ENDPOINT] = { AFTER, COMMAND_DEVICE_ADD }, /* wg may give it peers */
	[COMMAND_ENDPOINT_SET] = { AFTER, COMMAND_DEVICE_ADD },
	[COMMAND_UNANSWERED] = { AFTER, COMMAND_DEVICE_ADD },
	[COMMAND_PATH_NEWS] = { AFTER, COMMAND_DEVICE_SOCKETS },
	[COMMAND_PORT_WANTED] = { AFTER, COMMAND_DEVICE_ADD },
	[COMMAND_MARK_WANTED] = { AFTER, COMMAND_DEVICE_ADD },
	[COMMAND_OUTSIDE_WANTED] = { AFTER, COMMAND_RESOLVER },
	[COMMAND_TUN_LOST] = { AFTER, COMMAND_TUN },
};
_Static_assert(ARRAY_SIZE(table) == COMMAND_TYPE_COUNT, "all that the worker says");

void permit_clear(struct permit *p)
{
	free(p->due);
	*p = (struct permit){ 0 };
}

/* Moves them to the front, or to a larger array. */
int permit_reserve(struct permit *p)
{
	size_t capacity = p->capacity ? p->capacity : CAPACITY_MIN;
	struct permit_due *due = p->due;

	if (p->first + p->due_count < p->capacity)
		return 0;
	if (p->due_count > capacity / 2 || !due) {
		capacity = due ? 2 * capacity : capacity;
		due = reallocarray(p->due, capacity, sizeof(*due));
		if (!due)
			return -ENOMEM;
		p->due = due;
		p->capacity = capacity;
	}
	memmove(due, due + p->first, p->due_count * sizeof(*due));
	p->first = 0;
	return 0;
}

void permit_request(struct permit *p, const struct command *m)
{
	struct permit_due *last = &p->due[p->first + p->due_count++];

	last->request = m->type;
	memcpy(last->name, m->name, sizeof(last->name));
	permit_tell(p, m->type);
}

void permit_tell(struct permit *p, enum command_type type)
{
	p->told[type] = true;
}

bool permit_awaits(const struct permit *p, enum command_type type)
{
	for (size_t i = 0; i < p->due_count; i++)
		if (p->due[p->first + i].request == type)
			return true;
	return false;
}

bool permit_now(const struct permit *p, enum command_type type)
{
	return table[type].when == ALWAYS ||
	       (table[type].when == AFTER && p->told[table[type].told]);
}

bool permit_reply(struct permit *p, const struct command *m, struct permit_due *out)
{
	if (p->due_count == 0 || m->result > 0 || m->result < -ERRNO_MAX)
		return false;
	*out = p->due[p->first];
	if (m->request != out->request || strcmp(m->name, out->name) != 0)
		return false;
	p->first++;
	p->due_count--;
	return true;
}
