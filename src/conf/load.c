/* src/conf/load.c - the text of a file contains its private key. So it is read without a
 * buffer into memory that is locked and that is wiped later. */
#include "conf/load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/ifname.h"
#include "base/unreadable.h"
#include "conf/parse.h"
#include "conf/trust.h"
#include "conf/value.h"

#define TEXT_START_BYTES ((size_t)4096)
#define TEXT_MAX_BYTES   ((size_t)64 << 20) /* for 100,000 peers, not for a disk image */

static const char suffix[] = ".conf";

/* Returns the device's name, which stands between the last slash and ".conf". */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t n = strlen(base), tail = sizeof(suffix) - 1;
	char *name;

	if (n < tail || strcmp(base + n - tail, suffix) != 0)
		return strdup("");
	name = strndup(base, n - tail);
	if (name && !ifname_valid(name))
		name[0] = '\0';
	return name;
}

/* Says which rule of ifname_valid the name breaks. */
static void explain_name(const char *path, struct diag *diag)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = strlen(name), tail = sizeof(suffix) - 1, good;
	struct value_beyond beyond;
	char wrong[] = "' '";

	if (n < tail || strcmp(name + n - tail, suffix) != 0) {
		diag_error(diag, path, 0,
		           "the file's name doesn't end in .conf; expected NAME.conf");
		return;
	}
	n -= tail;
	good = strspn(name, IFNAME_CHARACTERS);
	wrong[1] = name[good];
	if (good < n)
		diag_error(
			diag, path, 0,
			"there is %s in the file's name, which is the tunnel's too; expected A-Z a-z 0-9 _ = + . - and then .conf: rename it",
			name[good] == ' ' ? "a blank"
			: value_beyond_ascii(&beyond, name + good) &&
					(unsigned char)name[good] >= 0x80
				? beyond.text
				: wrong);
	else if (n > IFNAME_MAX)
		diag_error(
			diag, path, 0,
			"the file's name has %zu characters before .conf, but an interface's name has at most %d: rename it",
			n, IFNAME_MAX);
	else
		diag_error(
			diag, path, 0,
			"no interface can have the name \"%.*s\", which stands before .conf: rename the file",
			(int)n, name);
}

/* Returns 0, -ENOMEM, or -EINVAL if the file's name is invalid. Then this is in diag,
 * too, and conf->name is empty. */
static int conf_new(struct conf **out, const char *path, struct diag *diag)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	*out = NULL;
	if (!conf || sodium_init() < 0) {
		free(conf);
		return conf ? -ENOSYS : -ENOMEM;
	}
	conf->path = strdup(path);
	conf->name = name_of(path);
	if (!conf->path || !conf->name) {
		conf_free(conf);
		return -ENOMEM;
	}
	*out = conf;
	if (conf->name[0] != '\0')
		return 0;
	explain_name(path, diag);
	return -EINVAL;
}

/* Moves the text to a larger buffer, and wipes the old one. */
static int enlarge(struct load_buffer *b, size_t n)
{
	size_t room = b->room ? 2 * b->room : TEXT_START_BYTES;
	char *larger = sodium_malloc(room);

	if (!larger)
		return -ENOMEM;
	if (n > 0)
		memcpy(larger, b->text, n);
	sodium_free(b->text);
	b->text = larger;
	b->room = room;
	return 0;
}

void load_buffer_clear(struct load_buffer *b)
{
	sodium_free(b->text);
	sealer_clear(&b->sealer);
	*b = (struct load_buffer){ 0 };
}

/* Reads n bytes into the buffer, which has room for one more. Returns 0 or -errno. */
static int read_all(struct load_buffer *b, size_t *n, FILE *stream)
{
	*n = 0;
	do {
		if (*n + 1 >= b->room && enlarge(b, *n) < 0)
			return -ENOMEM;
		*n += fread(b->text + *n, 1, b->room - 1 - *n, stream);
		if (ferror(stream))
			return errno ? -errno : -EIO;
		if (*n > TEXT_MAX_BYTES)
			return -EFBIG;
	} while (!feof(stream));
	return 0;
}

static void digest_of(uint8_t out[static CONF_DIGEST_BYTES], const char *text, size_t n)
{
	(void)crypto_generichash(out, CONF_DIGEST_BYTES, (const unsigned char *)text, n,
	                         NULL, 0);
}

/* Reads and parses; conf already has its path. Returns 1 if the text is the same as that
 * of known; then it was not parsed. */
static int fill(struct conf *conf, FILE *stream, struct load_buffer *buffer,
                const struct conf *known, struct diag *diag)
{
	size_t n;
	int err;

	errno = 0;
	err = read_all(buffer, &n, stream);
	if (err < 0) {
		unreadable_report(conf->path, -err, diag);
		return err;
	}
	digest_of(conf->file.digest, buffer->text, n);
	if (known &&
	    memcmp(known->file.digest, conf->file.digest, CONF_DIGEST_BYTES) == 0)
		return 1;
	return parse_text(conf, buffer->text, n, &buffer->sealer, diag);
}

/* Like wg-quick: can everybody get at the file through its directory? */
static bool is_open_to_all(const struct conf *conf, const struct stat *file)
{
	char *path = (file->st_mode & 07) != 0 ? realpath(conf->path, NULL) : NULL;
	char *slash = path ? strrchr(path, '/') : NULL;
	struct stat directory;
	bool open = false;

	if (slash) {
		slash[slash == path] = '\0';
		open = stat(path, &directory) == 0 &&
		       (file->st_mode & directory.st_mode & 07) != 0;
	}
	free(path);
	return open;
}

static bool is_example(const struct conf *conf)
{
	uint8_t key[KEY_BYTES];
	bool is = sealed_open(&conf->identity.private_key, key) && key_is_example(key);

	sodium_memzero(key, sizeof(key));
	return is;
}

/* `mode` is that of the file, if it is open to all, or else 0. `conf` is what was read of it.
 * The keys of conf-examples are no secrets. */
static void warn_of_mode(const struct conf *conf, mode_t mode, struct diag *diag)
{
	if (mode != 0 && !is_example(conf))
		diag_warning(
			diag, conf->path, 0,
			"is world accessible and contains keys; expected mode 0600 (chmod 600), but it has %04o",
			(unsigned)mode & 07777);
}

/* Returns 0 or -errno. A FIFO doesn't block this, and a device isn't read. `open_mode`
 * becomes the file's mode if it is open to all, or else 0. */
static int open_file(FILE **out, struct conf *conf, mode_t *open_mode, struct diag *diag)
{
	struct trust_place place;
	struct stat st, folder = { 0 };
	int err = trust_open(conf->path, &place);

	*out = NULL;
	*open_mode = 0;
	conf->file.others = place.others;
	place.others = NULL;
	if (err == 0 && (fstat(place.fd, &st) < 0 ||
	                 (place.folder >= 0 && fstat(place.folder, &folder) < 0)))
		err = -errno;
	if (err == -EPERM && conf->file.others) {
		diag_error(diag, conf->path, 0,
		           "isn't read, because %s: make it a file of its own",
		           conf->file.others);
	} else if (err) {
		unreadable_report(conf->path, -err, diag);
	} else if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
		diag_error(diag, conf->path, 0,
		           "is no regular file; expected a tunnel file");
	} else {
		conf->file.only_ours = !conf->file.others;
		conf->file.device = st.st_dev;
		conf->file.inode = st.st_ino;
		conf->file.folder_device = folder.st_dev;
		conf->file.folder_inode = folder.st_ino;
		*open_mode = is_open_to_all(conf, &st) ? st.st_mode : 0;
		*out = fdopen(place.fd, "r");
		if (*out) {
			place.fd = -1;
		} else {
			err = -errno;
			unreadable_report(conf->path, -err, diag);
		}
	}
	trust_place_clear(&place);
	return err;
}

/* `named` is what conf_new has returned, and `err` comes from reading the file. If the
 * name is invalid, there is no conf. */
static int finish(struct conf **out, int named, int err)
{
	if (named < 0 || err == -ENOMEM) {
		conf_free(*out);
		*out = NULL;
	}
	return err < 0 ? err : named;
}

int load_file(struct conf **out, const char *path, struct load_buffer *buffer,
              struct conf *known, struct diag *diag)
{
	int named = conf_new(out, path, diag);
	mode_t open_mode;
	FILE *stream;
	int err;

	if (!*out)
		return named;
	err = open_file(&stream, *out, &open_mode, diag);
	if (err == 0) {
		setvbuf(stream, NULL, _IONBF, 0); /* or stdio would copy the keys */
		err = fill(*out, stream, buffer, known, diag);
		fclose(stream);
		assert(err <= 0 || known);
		warn_of_mode(err > 0 ? known : *out, open_mode, diag);
	}
	if (err > 0) {
		assert(known); /* only what has been read before can be the same */
		known->file.device = (*out)->file.device;
		known->file.inode = (*out)->file.inode;
		known->file.folder_device = (*out)->file.folder_device;
		known->file.folder_inode = (*out)->file.folder_inode;
		conf_free(*out);
		*out = known;
		return 0;
	}
	return finish(out, named, err);
}

int load_stream(struct conf **out, FILE *stream, const char *path, struct diag *diag)
{
	int named = conf_new(out, path, diag);
	struct load_buffer buffer = { 0 };
	int err;

	if (!*out)
		return named;
	err = fill(*out, stream, &buffer, NULL, diag);
	load_buffer_clear(&buffer);
	return finish(out, named, err);
}

/* A conf that was read only in part is not returned. */
static int whole(struct conf **out, int err)
{
	if (err < 0) {
		conf_free(*out);
		*out = NULL;
	}
	return err;
}

int conf_read(struct conf **out, const char *path, struct diag *diag)
{
	struct load_buffer buffer = { 0 };
	int err = load_file(out, path, &buffer, NULL, diag);

	load_buffer_clear(&buffer);
	return whole(out, err);
}

int conf_read_stream(struct conf **out, FILE *stream, const char *path, struct diag *diag)
{
	return whole(out, load_stream(out, stream, path, diag));
}
