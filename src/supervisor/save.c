/* src/supervisor/save.c - keys are only kept in outbufs, which are wiped */
#include "supervisor/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/key.h"
#include "base/new_file.h"
#include "conf/trust.h"

/* ---- what is taken from the file */

/* Prints a line of any length. */
static void put_line(struct outbuf *o, const char *key, const char *value)
{
	outbuf_print(o, "%s = ", key);
	outbuf_add(o, value, strlen(value));
	outbuf_add(o, "\n", 1);
}

static void put_via(struct outbuf *o, const struct conf_carrier *via)
{
	if (via->kind == CONF_VIA_NETWORK)
		outbuf_print(o, "# tunion: Via = network\n");
	else if (via->kind == CONF_VIA_DEVICE)
		outbuf_print(o, "# tunion: Via = %s\n", via->name);
}

static void put_own_settings(struct outbuf *o, const struct conf *conf)
{
	char address[IP_ADDR_STRLEN];

	put_via(o, &conf->via);
	if (conf->has_metric)
		outbuf_print(o, "# tunion: Metric = %d\n", (int)conf->metric);
	if (conf->switches.source_fix_off)
		outbuf_print(o, "# tunion: SourceFix = off\n");
	if (conf->switches.source_check_off)
		outbuf_print(o, "# tunion: SourceCheck = off\n");
	if (conf->switches.gate && !conf->switches.gate_unsaid)
		outbuf_print(o, "# tunion: Gate = on\n");
	if (conf->switches.isolate_off)
		outbuf_print(o, "# tunion: Isolate = off\n");
	if (conf->switches.own_tun)
		outbuf_print(o, "# tunion: Tun = own\n");
	if (conf->listen.family != IP_NONE)
		outbuf_print(o, "# tunion: Listen = %s\n",
		             ip_addr_format(&conf->listen, address));
	if (conf->switches.resolve_off)
		outbuf_print(o, "# tunion: Resolve = off\n");
}

static void put_table(struct outbuf *o, const struct conf *conf)
{
	switch (conf->table.kind) {
	case CONF_TABLE_AUTO:
		break;
	case CONF_TABLE_OFF:
		outbuf_print(o, "Table = off\n");
		break;
	case CONF_TABLE_NUMBER:
		outbuf_print(o, "Table = %u\n", (unsigned)conf->table.number);
		break;
	}
}

/* Prints all on one line, like the Android app. */
static void put_list(struct outbuf *o, const char *key, const struct conf_texts *list)
{
	for (size_t i = 0; i < list->n; i++) {
		outbuf_print(o, "%s%s", i == 0 ? key : "", i == 0 ? " = " : ", ");
		outbuf_add(o, list->v[i].text, strlen(list->v[i].text));
	}
	if (list->n > 0)
		outbuf_add(o, "\n", 1);
}

static void put_interface(struct outbuf *o, const struct conf *conf)
{
	static const char *const hooks[] = {
		[CONF_PRE_UP] = "PreUp",
		[CONF_POST_UP] = "PostUp",
		[CONF_PRE_DOWN] = "PreDown",
		[CONF_POST_DOWN] = "PostDown",
	};
	char text[IP_PREFIX_STRLEN];

	outbuf_print(o, "[Interface]\n");
	put_own_settings(o, conf);
	for (size_t i = 0; i < conf->addresses.n; i++)
		outbuf_print(o, "Address = %s\n",
		             ip_prefix_format(&conf->addresses.v[i].prefix, text));
	for (size_t i = 0; i < conf->dns.servers.n; i++)
		outbuf_print(o, "DNS = %s\n",
		             ip_addr_format(&conf->dns.servers.v[i], text));
	for (size_t i = 0; i < conf->dns.domains.n; i++)
		put_line(o, "DNS", conf->dns.domains.v[i].text);
	if (conf->mtu_bytes != 0)
		outbuf_print(o, "MTU = %u\n", (unsigned)conf->mtu_bytes);
	put_table(o, conf);
	put_list(o, "IncludedApplications", &conf->applications.included);
	put_list(o, "ExcludedApplications", &conf->applications.excluded);
	outbuf_print(o, "SaveConfig = true\n");
	for (size_t kind = 0; kind < CONF_HOOK_COUNT; kind++) {
		for (size_t i = 0; i < conf->hooks[kind].n; i++)
			put_line(o, hooks[kind], conf->hooks[kind].v[i].text);
	}
}

/* ---- what is taken from the device
 *
 * The worker may have been taken over. So each value is parsed, and what is written is
 * printed from the result; each key stands where it belongs, and only once. */

enum saved_key {
	SAVED_PRIVATE_KEY,
	SAVED_LISTEN_PORT,
	SAVED_FWMARK,
	SAVED_PUBLIC_KEY,
	SAVED_PRESHARED_KEY,
	SAVED_ENDPOINT,
	SAVED_KEEPALIVE,
	SAVED_ALLOWED_IP,
	SAVED_ERRNO,
	SAVED_KEY_COUNT, /* all others: counters and times, which aren't saved */
};

static const struct {
	const char *name;
	bool of_device, of_peer; /* where it may stand */
} saved_keys[] = {
	[SAVED_PRIVATE_KEY] = { "private_key", true, false },
	[SAVED_LISTEN_PORT] = { "listen_port", true, false },
	[SAVED_FWMARK] = { "fwmark", true, false },
	[SAVED_PUBLIC_KEY] = { "public_key", true, true },
	[SAVED_PRESHARED_KEY] = { "preshared_key", false, true },
	[SAVED_ENDPOINT] = { "endpoint", false, true },
	[SAVED_KEEPALIVE] = { "persistent_keepalive_interval", false, true },
	[SAVED_ALLOWED_IP] = { "allowed_ip", false, true },
	[SAVED_ERRNO] = { "errno", true, true },
};
_Static_assert(ARRAY_SIZE(saved_keys) == SAVED_KEY_COUNT, "a name for each key");

/* The state between two lines of the answer. */
struct saving {
	struct outbuf *out;
	const struct conf *conf;
	bool in_peer;
	bool seen[SAVED_KEY_COUNT]; /* in this section */
	bool in_allowed_ips;        /* the line of AllowedIPs is not complete yet */
};

static void end_allowed_ips(struct saving *s)
{
	if (s->in_allowed_ips)
		outbuf_print(s->out, "\n");
	s->in_allowed_ips = false;
}

/* Prints nothing if the key is all zeroes. */
static bool put_key(struct saving *s, const char *name, const char *hex)
{
	uint8_t key[KEY_BYTES];
	char text[KEY_BASE64_CHARS + 1];
	bool ok = key_from_hex(key, hex, strlen(hex));

	if (ok && !key_is_zero(key)) {
		key_to_base64(text, key);
		outbuf_print(s->out, "%s = %s\n", name, text);
		sodium_memzero(text, sizeof(text));
	}
	sodium_memzero(key, sizeof(key));
	return ok;
}

static bool put_peer(struct saving *s, const char *hex)
{
	const struct conf_peer *p;
	uint8_t key[KEY_BYTES];

	if (!key_from_hex(key, hex, strlen(hex)) || key_is_zero(key))
		return false;
	s->in_peer = true;
	memset(s->seen, 0, sizeof(s->seen));
	outbuf_print(s->out, "\n[Peer]\n");
	p = conf_find_peer(s->conf, key);
	if (p)
		put_via(s->out, &p->via);
	return put_key(s, "PublicKey", hex);
}

/* 0 is the default of all these numbers, so it isn't printed. */
static bool put_number(struct saving *s, const char *name, const char *value,
                       unsigned long max)
{
	bool hex = max > UINT16_MAX; /* a mark */
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || n > max)
		return false;
	if (n != 0 && hex)
		outbuf_print(s->out, "%s = 0x%lx\n", name, n);
	else if (n != 0)
		outbuf_print(s->out, "%s = %lu\n", name, n);
	return true;
}

static bool put_endpoint(struct saving *s, const char *value)
{
	char text[ENDPOINT_STRLEN];
	struct endpoint e;

	if (!endpoint_parse(&e, value))
		return false;
	outbuf_print(s->out, "Endpoint = %s\n", endpoint_format_named(&e, text));
	return true;
}

static bool put_allowed_ip(struct saving *s, const char *value)
{
	char text[IP_PREFIX_STRLEN], *slash, *end;
	struct ip_prefix p = { 0 };
	unsigned long len;

	snprintf(text, sizeof(text), "%s", value);
	slash = strchr(text, '/');
	if (!slash || slash[1] < '0' || slash[1] > '9')
		return false;
	*slash = '\0';
	len = strtoul(slash + 1, &end, 10);
	if (*end || !ip_addr_parse(&p.addr, text) || len > ip_addr_bits(&p.addr))
		return false;
	p.len = (uint8_t)len;
	outbuf_print(s->out, "%s%s", s->in_allowed_ips ? ", " : "AllowedIPs = ",
	             ip_prefix_format(&p, text));
	s->in_allowed_ips = true;
	return true;
}

static bool put_value(struct saving *s, enum saved_key key, const char *value)
{
	switch (key) {
	case SAVED_PRIVATE_KEY:
		return put_key(s, "PrivateKey", value);
	case SAVED_LISTEN_PORT:
		return put_number(s, "ListenPort", value, UINT16_MAX);
	case SAVED_FWMARK:
		return put_number(s, "FwMark", value, UINT32_MAX);
	case SAVED_PUBLIC_KEY:
		return put_peer(s, value);
	case SAVED_PRESHARED_KEY:
		return put_key(s, "PresharedKey", value);
	case SAVED_ENDPOINT:
		return put_endpoint(s, value);
	case SAVED_KEEPALIVE:
		return put_number(s, "PersistentKeepalive", value, UINT16_MAX);
	case SAVED_ALLOWED_IP:
		return put_allowed_ip(s, value);
	case SAVED_ERRNO:
		return strcmp(value, "0") == 0;
	case SAVED_KEY_COUNT:
		break;
	}
	return true;
}

static bool put_answer_line(struct saving *s, const char *name, const char *value)
{
	enum saved_key key = 0;
	bool repeats;

	while (key < SAVED_KEY_COUNT && strcmp(saved_keys[key].name, name) != 0)
		key++;
	if (key != SAVED_ALLOWED_IP)
		end_allowed_ips(s);
	if (key == SAVED_KEY_COUNT)
		return true;
	repeats = key == SAVED_PUBLIC_KEY || key == SAVED_ALLOWED_IP;
	if (!(s->in_peer ? saved_keys[key].of_peer : saved_keys[key].of_device) ||
	    (s->seen[key] && !repeats))
		return false;
	s->seen[key] = true;
	return put_value(s, key, value);
}

/* Reads a line key=value, without its newline. */
static bool read_line(struct saving *s, const char *line, size_t n)
{
	char copy[256];
	char *value;
	bool ok;

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, line, n);
	copy[n] = '\0';
	value = strchr(copy, '=');
	if (value)
		*value++ = '\0';
	ok = value && put_answer_line(s, copy, value);
	sodium_memzero(copy, sizeof(copy));
	return ok;
}

int save_text(struct outbuf *out, const struct conf *conf, const char *answer)
{
	struct saving s = { .out = out, .conf = conf };
	bool ok = true;

	put_interface(out, conf);
	while (ok && *answer && *answer != '\n') {
		size_t n = strcspn(answer, "\n");

		ok = read_line(&s, answer, n);
		answer += n + (answer[n] == '\n');
	}
	end_allowed_ips(&s);
	if (out->failed)
		return -ENOMEM;
	/* one that breaks off would take peers out of the file */
	return ok && s.seen[SAVED_ERRNO] && *answer == '\n' ? 0 : -EBADMSG;
}

/* ---- writing */

/* Is the file at this place the one that was read, and has it stayed where it was? Others could
 * have put another one there for us to overwrite, or have led us to another folder. */
static bool is_same(const struct conf_file *read, const struct stat *file,
                    const struct stat *folder)
{
	return file->st_dev == read->device && file->st_ino == read->inode &&
	       folder->st_dev == read->folder_device &&
	       folder->st_ino == read->folder_inode;
}

/* Writes a new file next to the old one, and then replaces the old one by it. Uses only
 * descriptors, because the path may lead elsewhere meanwhile. */
static int replace_at(const struct trust_place *place, struct conf_file *read,
                      const struct outbuf *text)
{
	char temporary[sizeof(place->name) + 8];
	struct stat old, folder, st;
	struct new_file new = { .folder = place->folder,
		                .name = place->name,
		                .temporary = temporary,
		                .bytes = text->bytes + text->first,
		                .size = outbuf_bytes(text),
		                .like = &old };
	int err;

	if (fstat(place->fd, &old) < 0 || fstat(place->folder, &folder) < 0)
		return -errno;
	if (place->others && !is_same(read, &old, &folder))
		return -ESTALE;
	/* one that was left by a kill is replaced the next time, but a name that others know may
	 * be the name of something of theirs */
	if (place->others)
		snprintf(temporary, sizeof(temporary), ".tunion-%08x%08x.tmp",
		         (unsigned)randombytes_random(), (unsigned)randombytes_random());
	else
		snprintf(temporary, sizeof(temporary), "%s.tmp", place->name);
	err = new_file_replace(&new, &st);
	if (!err) {
		read->device = st.st_dev;
		read->inode = st.st_ino;
	}
	return err;
}

/* Sets *theirs if others can write there, or could when the file was read. Returns -ESTALE if
 * what is there now may be theirs. */
static int replace(struct conf *conf, const struct outbuf *text, bool *theirs)
{
	struct trust_place place;
	int err = trust_find(conf->path, &place);

	*theirs = place.others || !conf->file.only_ours;
	if (err == -EPERM && place.others)
		err = -ESTALE;
	if (!err)
		err = replace_at(&place, &conf->file, text);
	trust_place_clear(&place);
	return err;
}

/* What doesn't keep the instance from going down, because it would do so for ever, or because
 * others have made it so. */
static const char *harmless(int err, bool theirs)
{
	if (err == -ESTALE)
		return "it isn't the file that was read, and users other than root and the running one can write there";
	if (err == -ENOENT || err == -ENOTDIR)
		return "the file is gone";
	return theirs && err && err != -ENOMEM ? strerror(-err) : NULL;
}

int save_file(struct conf *conf, const char *uapi_socket_path,
              const struct uapi_patience *patience, struct diag *diag)
{
	struct outbuf answer = { 0 }, text = { 0 };
	int err = uapi_ask(uapi_socket_path, patience, &answer);
	bool told = err == 0, theirs = false;

	if (!err)
		err = save_text(&text, conf, (const char *)answer.bytes + answer.first);
	told = told && err != -EBADMSG;
	if (!err)
		err = replace(conf, &text, &theirs);
	if (!told && err != -ENOMEM) {
		err = -ENOTCONN;
	} else if (harmless(err, theirs)) {
		diag_warning(diag, conf->path, 0, "SaveConfig: not saved, because %s",
		             harmless(err, theirs));
		err = 0;
	} else if (err) {
		diag_error(diag, conf->path, 0, "SaveConfig: can't be saved: %s",
		           strerror(-err));
	}
	outbuf_clear(&answer);
	outbuf_clear(&text);
	return err;
}
