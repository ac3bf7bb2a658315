/* tests/fuzz/conf.c - a tunnel file of any bytes is read or refused. What was read is
 * printed; this text must be read as the same. No message may show a key. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "confprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, text);
	abort();
}

/* A run of base64 digits that is nearly as long as a key. */
static bool shows_key(const char *text)
{
	size_t run = 0;

	for (; *text != '\0' && run < 36; text++)
		run = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456"
		             "789+/",
		             *text)
		              ? run + 1
		              : 0;
	return run >= 36;
}

static void check_messages(const struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		const char *text = diag->entries[i].text;

		require(!shows_key(text), "a message with a key", text);
		for (const char *c = text; *c != '\0'; c++)
			require(*c >= ' ' && *c <= '~', "not one printable line", text);
	}
}

static void print_and_reparse(const struct conf *conf)
{
	char *once = confprint_text(conf), *twice;
	struct diag diag = { 0 };
	struct conf *again;

	if (!once)
		return;
	require(confprint_read(&again, once, strlen(once), "t.conf", &diag) == 0,
	        "the print is refused", once);
	twice = confprint_text(again);
	require(twice && strcmp(once, twice) == 0, "the print means something else",
	        once);
	free(once);
	free(twice);
	conf_free(again);
	diag_clear(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct diag diag = { 0 };
	struct conf *conf;
	int r = confprint_read(&conf, (const char *)bytes, n, "t.conf", &diag);

	require((r == 0) == (conf != NULL), "result and conf", "contradict each other");
	require((r == 0) == (diag.errors == 0), "result and messages",
	        "contradict each other");
	check_messages(&diag);
	if (conf)
		print_and_reparse(conf);
	conf_free(conf);
	diag_clear(&diag);
	return 0;
}
