/* src/wg/message.c */
#include "wg/message.h"

#include "base/reader.h"

enum message_type message_type_of(const void *bytes, size_t n)
{
	struct reader r = reader_of(bytes, n);
	const struct le32 *type = reader_take(&r, sizeof(*type));

	if (!type)
		return MESSAGE_NONE;
	switch (le32_get(*type)) {
	case MESSAGE_INITIATION:
		return n == sizeof(struct message_initiation) ? MESSAGE_INITIATION
		                                              : MESSAGE_NONE;
	case MESSAGE_RESPONSE:
		return n == sizeof(struct message_response) ? MESSAGE_RESPONSE
		                                            : MESSAGE_NONE;
	case MESSAGE_COOKIE_REPLY:
		return n == sizeof(struct message_cookie_reply) ? MESSAGE_COOKIE_REPLY
		                                                : MESSAGE_NONE;
	case MESSAGE_DATA:
		return n >= MESSAGE_DATA_MIN_BYTES ? MESSAGE_DATA : MESSAGE_NONE;
	default:
		return MESSAGE_NONE;
	}
}
