/* tests/sim/tunnel_files.c */
#include "tunnel_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/key.h"
#include "conf/load.h"
#include "unit.h"

#define PEERS 3 /* of which a file has one or two */

struct text {
	char v[2048];
	size_t n;
};

static void put(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->v + t->n, sizeof(t->v) - t->n, fmt, args);
	va_end(args);
	ck_assert_int_gt(n, 0);
	t->n += (size_t)n;
	ck_assert_uint_lt(t->n, sizeof(t->v));
}

static void put_key(struct text *t, const char *name, uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t key[KEY_BYTES] = { 8, a, b, c, [KEY_BYTES - 1] = 64 };
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, key);
	put(t, "%s = %s\n", name, base64);
}

static bool one_in(uint64_t *random, unsigned n)
{
	return unit_random(random) % n == 0;
}

static unsigned below(uint64_t *random, unsigned n)
{
	return (unsigned)(unit_random(random) % n);
}

/* ---- the text of a file */

/* True: PreUp or PostUp fail. */
static bool put_hooks(struct text *t, uint64_t *random)
{
	bool fail = one_in(random, 8);

	if (fail)
		put(t, "%s = false\n", one_in(random, 2) ? "PreUp" : "PostUp");
	else if (one_in(random, 3))
		put(t, "PreUp = true\nPostUp = true\n");
	if (one_in(random, 3))
		put(t, "PreDown = true\nPostDown = true\n");
	return fail;
}

static bool put_interface(struct text *t, uint64_t *random, unsigned i, unsigned version)
{
	put(t, "[Interface]\n");
	put_key(t, "PrivateKey", (uint8_t)(version / 3), (uint8_t)i, 1);
	put(t, "Address = 10.%u.%u.1/24\n", i, below(random, 3));
	if (one_in(random, 2))
		put(t, "Address = fd00:%u::1/64\n", i);
	if (one_in(random, 3))
		put(t, "ListenPort = %u\n", 40000 + below(random, 4));
	if (one_in(random, 3))
		put(t, "MTU = %u\n", 1300 + below(random, 3));
	if (one_in(random, 4))
		put(t, "DNS = 10.%u.0.53, %c.test\n", i, 'a' + (int)below(random, 3));
	if (one_in(random, 8))
		put(t, "Table = off\n");
	else if (one_in(random, 6))
		put(t, "# tunion: Tun = own\n");
	if (one_in(random, 8))
		put(t, "FwMark = %u\n", 100 + below(random, 2));
	if (one_in(random, 8))
		put(t, "SaveConfig = true\n");
	if (one_in(random, 5))
		put(t, "# tunion: Via = %c\n", 'a' + (int)below(random, TUNNEL_FILES));
	if (one_in(random, 5))
		put(t, "# tunion: Metric = %u\n", below(random, 3));
	return put_hooks(t, random);
}

static void put_endpoint(struct text *t, uint64_t *random)
{
	switch (below(random, 5)) {
	case 0:
		break;
	case 1:
		put(t, "Endpoint = localhost:%u\n", 1 + below(random, 3));
		break;
	case 2: /* one that another file may hold */
		put(t, "Endpoint = 172.16.%u.9:51820\n", below(random, TUNNEL_FILES));
		break;
	case 3:
		put(t, "Endpoint = [2001:db8::%u]:51820\n", 1 + below(random, 3));
		break;
	default:
		put(t, "Endpoint = 192.0.2.%u:51820\n", 1 + below(random, 3));
	}
}

/* A prefix is of one of the peers only, but may move from one to the other. */
static void put_peers(struct text *t, uint64_t *random, unsigned i)
{
	unsigned n = 1 + below(random, 2), first = below(random, PEERS);
	unsigned owner = below(random, 2);

	for (unsigned p = 0; p < n; p++) {
		put(t, "[Peer]\n");
		put_key(t, "PublicKey", (uint8_t)((first + p) % PEERS), (uint8_t)i, 2);
		if (one_in(random, 4))
			put_key(t, "PresharedKey", (uint8_t)below(random, 3), 0, 3);
		if (one_in(random, 3))
			put(t, "PersistentKeepalive = %u\n", below(random, 3));
		if (one_in(random, 10))
			put(t, "# tunion: Via = network\n");
		put(t, "AllowedIPs = 172.16.%u.%u/32\n", i, 100 + p);
		if (p == owner && one_in(random, 2))
			put(t, "AllowedIPs = 172.16.%u.0/24\n", i);
		if (p == owner && one_in(random, 4))
			put(t, "AllowedIPs = 0.0.0.0/0, ::/0\n");
		if (p != owner && one_in(random, 3))
			put(t, "AllowedIPs = 172.16.%u.0/24\n", below(random, 2));
		put_endpoint(t, random);
	}
}

/* ---- on the disk */

static void write_text(const struct tunnel_file *file, const char *text)
{
	FILE *out = fopen(file->path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* What is there now is another version. */
static void take_version(struct tunnel_file *file, bool hooks_fail)
{
	struct tunnel_version *v = &file->versions[file->count++];
	struct diag diag = { 0 };

	ck_assert_uint_lt(file->count, TUNNEL_VERSIONS);
	if (conf_read(&v->conf, file->path, &diag) < 0) {
		diag_print(&diag, stderr);
		ck_abort();
	}
	diag_clear(&diag);
	v->hooks_fail = hooks_fail;
	v->id = (unsigned)file->count;
	file->on_disk = v;
	file->bad = false;
}

void tunnel_files_init(struct tunnel_files *f, const char *dir, uint64_t *random)
{
	*f = (struct tunnel_files){ .random = random };
	for (unsigned i = 0; i < TUNNEL_FILES; i++) {
		struct tunnel_file *file = &f->v[i];

		file->name[0] = (char)('a' + (int)i);
		snprintf(file->path, sizeof(file->path), "%s/%s.conf", dir, file->name);
	}
}

void tunnel_files_clear(struct tunnel_files *f)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		for (size_t k = 0; k < f->v[i].count; k++)
			conf_free(f->v[i].versions[k].conf);
		unlink(f->v[i].path);
	}
}

void tunnel_file_write(struct tunnel_files *f, struct tunnel_file *file)
{
	struct text text = { .n = 0 };
	unsigned i = (unsigned)(file - f->v);
	mode_t before = umask(077);
	bool hooks_fail = put_interface(&text, f->random, i, (unsigned)file->count);

	put_peers(&text, f->random, i);
	write_text(file, text.v);
	umask(before);
	take_version(file, hooks_fail);
}

void tunnel_file_break(struct tunnel_files *f, struct tunnel_file *file)
{
	static const char *const texts[] = { "[Interface]\nMTU = lots\n", "[Interfac",
		                             "[Interface]\nListenPort = 1\n[Peer]\n" };

	write_text(file, texts[below(f->random, ARRAY_SIZE(texts))]);
	file->on_disk = NULL;
	file->bad = true;
}

void tunnel_file_remove(struct tunnel_file *file)
{
	unlink(file->path);
	file->on_disk = NULL;
	file->bad = false;
}

void tunnel_file_rename(struct tunnel_file *from, struct tunnel_file *to)
{
	bool hooks_fail = from->on_disk && from->on_disk->hooks_fail;
	bool bad = from->bad;

	if (rename(from->path, to->path) < 0)
		return; /* there is none */
	from->on_disk = to->on_disk = NULL;
	from->bad = false;
	to->bad = bad;
	if (!bad)
		take_version(to, hooks_fail);
}

void tunnel_file_touch(struct tunnel_file *file)
{
	FILE *out;
	unsigned was;

	if (!file->on_disk)
		return;
	out = fopen(file->path, "ae");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs("# more\n", out), 0);
	ck_assert_int_eq(fclose(out), 0);
	was = file->on_disk->id;
	take_version(file, file->on_disk->hooks_fail);
	file->versions[file->count - 1].id = was;
}

const struct tunnel_version *tunnel_files_find(const struct tunnel_files *f,
                                               const char *name, const uint8_t *digest)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const struct tunnel_file *file = &f->v[i];

		for (size_t k = 0; strcmp(file->name, name) == 0 && k < file->count; k++)
			if (memcmp(file->versions[k].conf->file.digest, digest,
			           CONF_DIGEST_BYTES) == 0)
				return &file->versions[k];
	}
	return NULL;
}
