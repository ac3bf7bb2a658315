/* src/host/journal.c - the file has one line per entry, written by print() and read by
 * read_line() */
#include "host/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC          "tunion host state 1"
#define SUFFIX         ".state"
#define SVM_LINE       "src_valid_mark"
#define SVM_LINE_BYTES 64

int journal_init(struct journal *j, const char *tun, const char *path)
{
	*j = (struct journal){ 0 };
	if (strlen(tun) >= sizeof(j->tun))
		return -ENAMETOOLONG;
	memcpy(j->tun, tun, strlen(tun));
	if (path) {
		j->path = strdup(path);
		if (asprintf(&j->hook_note_path, "%s.hook", path) < 0)
			j->hook_note_path = NULL;
		return j->path && j->hook_note_path ? 0 : -ENOMEM;
	}
	return 0;
}

void journal_clear(struct journal *j)
{
	host_items_clear(&j->rules);
	hooks_clear(&j->hooks);
	free(j->hook_note_path);
	free(j->path);
	*j = (struct journal){ 0 };
}

/* ---- the file */

bool journal_is_empty(const struct journal *j)
{
	return j->ifindex == 0 && j->stale_count == 0 && j->rules.n == 0 && !j->guard4 &&
	       !j->guard6 && !j->dns && !j->src_valid_mark && j->hooks.n == 0;
}

static void print(const struct journal *j, FILE *out)
{
	char server[IP_ADDR_STRLEN];

	fprintf(out, "%s\n", MAGIC);
	if (j->ifindex != 0)
		fprintf(out, "tun %u\n", j->ifindex);
	for (size_t i = 0; i < j->stale_count; i++)
		fprintf(out, "stale %u\n", j->stale[i]);
	for (size_t i = 0; i < j->rules.n; i++) {
		const struct netlink_rule *r = &j->rules.v[i].rule;

		if (r->action == FR_ACT_GOTO)
			fprintf(out, "goto %u %u %u %u\n", r->family, r->priority,
			        r->mark, r->target);
		else
			fprintf(out, "rule %u %u %u %d %d %u %d %u\n", r->family,
			        r->priority, r->table, r->has_mark, r->invert, r->mark,
			        r->has_suppress, r->suppress_len);
	}
	if (j->guard4)
		fprintf(out, "guard4\n");
	if (j->guard6)
		fprintf(out, "guard6\n");
	if (j->dns)
		fprintf(out, "dns\n");
	for (size_t i = 0; i < j->server_count && j->dns; i++)
		fprintf(out, "server %s\n", ip_addr_format(&j->servers[i], server));
	if (j->src_valid_mark)
		fprintf(out, "%s\n", SVM_LINE);
	if (j->hook_limit_s != 0)
		fprintf(out, "hooklimit %u\n", j->hook_limit_s);
	hooks_print(&j->hooks, out);
}

static MUST_CHECK int write_file(const struct journal *j, const char *temporary)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	              0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int err;

	if (!out) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	print(j, out);
	err = ferror(out) ? -EIO : 0;
	if (fclose(out) != 0)
		err = -errno;
	if (err == 0 && rename(temporary, j->path) != 0)
		err = -errno;
	if (err < 0)
		(void)unlink(temporary); /* the old file stays */
	return err;
}

/* Returns the name under which a new version is written; NULL if out of memory. */
static char *temporary_path(const struct journal *j)
{
	char *path;

	return asprintf(&path, "%s.tmp", j->path) < 0 ? NULL : path;
}

int journal_save(const struct journal *j, struct diag *diag)
{
	char *temporary;
	int err;

	if (!j->path || j->held)
		return 0;
	if (journal_is_empty(j)) {
		err = unlink(j->path) != 0 && errno != ENOENT ? -errno : 0;
	} else if (!(temporary = temporary_path(j))) {
		err = -ENOMEM;
	} else {
		err = write_file(j, temporary);
		free(temporary);
	}
	if (err < 0)
		diag_error(diag, j->path, 0, "cannot be written: %s", strerror(-err));
	return err;
}

static bool read_rule(struct journal *j, const char *line)
{
	struct netlink_item item = { .kind = NETLINK_KIND_RULE };
	struct netlink_rule *r = &item.rule;
	unsigned family, suppress_len;
	int has_mark, invert, has_suppress;

	if (sscanf(line, "rule %u %u %u %d %d %u %d %u", &family, &r->priority, &r->table,
	           &has_mark, &invert, &r->mark, &has_suppress, &suppress_len) != 8)
		return false;
	if ((family != IP_V4 && family != IP_V6) || suppress_len > 128)
		return false;
	r->family = (uint8_t)family;
	r->has_mark = has_mark;
	r->invert = invert;
	r->has_suppress = has_suppress;
	r->suppress_len = (uint8_t)suppress_len;
	return host_items_add(&j->rules, &item) == 0;
}

static bool read_goto(struct journal *j, const char *line)
{
	struct netlink_item item = { .kind = NETLINK_KIND_RULE };
	struct netlink_rule *r = &item.rule;
	unsigned family;

	if (sscanf(line, "goto %u %u %u %u", &family, &r->priority, &r->mark,
	           &r->target) != 4 ||
	    (family != IP_V4 && family != IP_V6))
		return false;
	r->family = (uint8_t)family;
	r->action = FR_ACT_GOTO;
	r->has_mark = true;
	return host_items_add(&j->rules, &item) == 0;
}

static bool read_stale(struct journal *j, const char *line)
{
	if (j->stale_count == JOURNAL_STALE_MAX ||
	    sscanf(line, "stale %u", &j->stale[j->stale_count]) != 1)
		return false;
	j->stale_count++;
	return true;
}

static bool read_server(struct journal *j, const char *line)
{
	static const char word[] = "server ";

	if (strncmp(line, word, sizeof(word) - 1) != 0 ||
	    j->server_count == NAMESERVERS_MAX ||
	    !ip_addr_parse(&j->servers[j->server_count], line + sizeof(word) - 1))
		return false;
	j->server_count++;
	return true;
}

static bool read_line(struct journal *j, const char *line)
{
	if (strcmp(line, "guard4") == 0)
		return j->guard4 = true;
	if (strcmp(line, "guard6") == 0)
		return j->guard6 = true;
	if (strcmp(line, "dns") == 0)
		return j->dns = true;
	if (strcmp(line, SVM_LINE) == 0)
		return j->src_valid_mark = true;
	if (sscanf(line, "tun %u", &j->ifindex) == 1)
		return true;
	if (sscanf(line, "hooklimit %u", &j->hook_limit_s) == 1)
		return j->hook_limit_s <= HOOKS_LIMIT_MAX_S;
	return read_rule(j, line) || read_goto(j, line) || read_stale(j, line) ||
	       read_server(j, line) || hooks_read_line(&j->hooks, line);
}

static MUST_CHECK int read_file(struct journal *j, FILE *in)
{
	char *line = NULL; /* a hook may be of any length */
	size_t size = 0, n = 0;
	int err = 0;

	for (; err == 0 && getline(&line, &size, in) >= 0; n++) {
		line[strcspn(line, "\n")] = '\0';
		if (n == 0 ? strcmp(line, MAGIC) != 0 : !read_line(j, line))
			err = -EBADMSG;
	}
	free(line);
	if (err == 0)
		err = ferror(in) ? -EIO : n == 0 ? -EBADMSG : 0;
	return err;
}

/* The file must have been written by us, because what it says is done with our rights. */
static MUST_CHECK int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & 022))
		return -EPERM;
	return 0;
}

static void remove_unfinished(const struct journal *j)
{
	char *temporary = j->path ? temporary_path(j) : NULL;

	if (temporary)
		(void)unlink(temporary);
	free(temporary);
}

int journal_load(struct journal *j, struct diag *diag)
{
	int fd = j->path ? open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
	                 : -1;
	FILE *in = NULL;
	int err = fd < 0 ? -errno : 0;

	remove_unfinished(j);
	if (!j->path || err == -ENOENT)
		return 0;
	if (err == 0)
		err = check_owner(fd);
	if (err == 0) {
		in = fdopen(fd, "r");
		err = in ? read_file(j, in) : -errno;
	}
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
	if (err < 0)
		diag_error(
			diag, j->path, 0,
			"what an earlier instance has left cannot be read: %s; check the routing rules, and remove the file",
			err == -EBADMSG ? "it has an unknown format" : strerror(-err));
	return err < 0 ? err : 1;
}

/* ---- the files of other instances, in the same folder */

static bool has_svm_line(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *in = fd < 0 || check_owner(fd) < 0 ? NULL : fdopen(fd, "r");
	char line[SVM_LINE_BYTES];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		found = strcmp(line, SVM_LINE "\n") == 0;
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
	return found;
}

bool journal_mark_is_needed_elsewhere(const struct journal *j)
{
	const char *slash = j->path ? strrchr(j->path, '/') : NULL;
	char *folder = slash ? strndup(j->path, (size_t)(slash - j->path) + 1) : NULL;
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (n > strlen(SUFFIX) &&
		    strcmp(e->d_name + n - strlen(SUFFIX), SUFFIX) == 0 &&
		    strcmp(e->d_name, slash + 1) != 0)
			found = has_svm_line(dirfd(dir), e->d_name);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return found;
}
