/* The text of a file that SaveConfig writes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/load.h"
#include "supervisor/save.h"

#define HEX_A  "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_B  "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_0  "0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TEXT_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define FILE_IN                                                                          \
	"[Interface]\n"                                                                  \
	"# a remark\n"                                                                   \
	"# tunion: Metric = -3\n"                                                        \
	"Address = 10.8.0.2/24, fd08::2\n"                                               \
	"DNS = home.lan, 10.8.0.1\n"                                                     \
	"Table = 7\n"                                                                    \
	"MTU = 1300\n"                                                                   \
	"ExcludedApplications = org.a, org.b\n"                                          \
	"SaveConfig = true\n"                                                            \
	"PostDown = echo %i gone\n"                                                      \
	"PreUp = echo %i\n"                                                              \
	"[Peer]\n"                                                                       \
	"# tunion: Via = network\n"                                                      \
	"PublicKey = " TEXT_B "\n"                                                       \
	"Endpoint = 192.0.2.1:1\n"
#define INTERFACE_OUT                                                                    \
	"[Interface]\n# tunion: Metric = -3\nAddress = 10.8.0.2/24\nAddress = "          \
	"fd08::2/128\nDNS = 10.8.0.1\nDNS = home.lan\nMTU = 1300\nTable = "              \
	"7\nExcludedApplications = org.a, org.b\nSaveConfig = "                          \
	"true\nPreUp = echo %i\nPostDown = echo %i gone\n"

static const struct {
	const char *answer, *text; /* NULL: refused */
} cases[] = {
	{ "errno=0\n\n", INTERFACE_OUT },
	{ "private_key=" HEX_A "\nlisten_port=51820\nfwmark=51820\nerrno=0\n\n",
	  INTERFACE_OUT "PrivateKey = " TEXT_A
	                "\nListenPort = 51820\nFwMark = 0xca6c\n" },
	{ "private_key=" HEX_0 "\nlisten_port=0\nfwmark=0\npublic_key=" HEX_B
	  "\npreshared_key=" HEX_0
	  "\nendpoint=[2001:db8::1]:2\nlast_handshake_time_sec=7\n"
	  "persistent_keepalive_interval=0\nallowed_ip=10.0.0.0/8\nallowed_ip=::/0\n"
	  "public_key=" HEX_A "\npreshared_key=" HEX_A
	  "\nallowed_ip=10.9.0.0/16\npersistent_keepalive_interval=25\nerrno=0\n\n",
	  INTERFACE_OUT "\n[Peer]\n# tunion: Via = network\nPublicKey = " TEXT_B
	                "\nEndpoint = [2001:db8::1]:2\nAllowedIPs = 10.0.0.0/8, ::/0\n"
	                "\n[Peer]\nPublicKey = " TEXT_A "\nPresharedKey = " TEXT_A
	                "\nAllowedIPs = 10.9.0.0/16\nPersistentKeepalive = 25\n" },
	/* lo always is the first interface, but others may change their places */
	{ "public_key=" HEX_A "\nendpoint=[fe80::1%1]:2\nerrno=0\n\n",
	  INTERFACE_OUT "\n[Peer]\nPublicKey = " TEXT_A "\nEndpoint = [fe80::1%lo]:2\n" },
	/* host bits are not what a device says, but they do no harm */
	{ "public_key=" HEX_B "\nallowed_ip=10.0.0.1/8\nendpoint=[::1]:1\nerrno=0\n\n",
	  INTERFACE_OUT "\n[Peer]\n# tunion: Via = network\nPublicKey = " TEXT_B
	                "\nAllowedIPs = 10.0.0.1/8\nEndpoint = [::1]:1\n" },
	/* a worker that was taken over */
	{ "listen_port=1\rPostUp = touch /x\nerrno=0\n\n", NULL },
	{ "listen_port=1 # tunion: Via = x\nerrno=0\n\n", NULL },
	{ "listen_port=65536\nerrno=0\n\n", NULL },
	{ "listen_port=51820\n\n", NULL }, /* it breaks off */
	{ "public_key=" HEX_B "\n\n", NULL },
	{ "listen_port=-1\nerrno=0\n\n", NULL },
	{ "listen_port=\nerrno=0\n\n", NULL },
	{ "fwmark=4294967296\nerrno=0\n\n", NULL },
	{ "listen_port=1\nlisten_port=2\nerrno=0\n\n", NULL },
	{ "preshared_key=" HEX_A "\nerrno=0\n\n", NULL },
	{ "allowed_ip=10.0.0.0/8\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_0 "\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nprivate_key=" HEX_A "\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nendpoint=example.org:1\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nendpoint=\033[2J\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nallowed_ip=10.0.0.0/33\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nallowed_ip=10.0.0.0/8, ::/0\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\nallowed_ip=10.0.0.0\nerrno=0\n\n", NULL },
	{ "public_key=" HEX_A "\npersistent_keepalive_interval=off\nerrno=0\n\n", NULL },
	/* torn, or an error */
	{ "", NULL },
	{ "errno=0\n", NULL },
	{ "errno=5\n\n", NULL },
	{ "private_key=" HEX_A "0\nerrno=0\n\n", NULL },
	{ "public_key=xyz\nerrno=0\n\n", NULL },
	{ "what\nerrno=0\n\n", NULL },
};

static struct conf *read_conf(const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct diag diag = { 0 };
	struct conf *conf = NULL;

	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(conf_read_stream(&conf, in, "t.conf", &diag), 0);
	fclose(in);
	diag_clear(&diag);
	return conf;
}

START_TEST(the_file_and_the_device_make_the_text)
{
	struct conf *conf = read_conf(FILE_IN), *again;
	struct outbuf out = { 0 };
	int err = save_text(&out, conf, cases[_i].answer);

	ck_assert_int_eq(err, cases[_i].text ? 0 : -EBADMSG);
	outbuf_add(&out, "", 1);
	if (cases[_i].text) {
		ck_assert_str_eq((const char *)out.bytes, cases[_i].text);
		again = read_conf((const char *)out.bytes);
		ck_assert_int_eq(again->metric, conf->metric);
		ck_assert_uint_eq(again->addresses.n, conf->addresses.n);
		conf_free(again);
	}
	outbuf_clear(&out);
	conf_free(conf);
}
END_TEST

/* A device's socket. Nobody accepts there, but what a client sends and reads goes on. */
static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

/* Accepts one client, and gives it this answer. */
static pid_t answer_one(int listener, const char *text)
{
	pid_t pid = fork();
	char request[16];
	int fd;

	if (pid != 0)
		return pid;
	alarm(3);
	fd = accept(listener, NULL, NULL);
	/* the whole request first: closing before that would be an error for the client */
	if (recv(fd, request, strlen("get=1\n\n"), MSG_WAITALL) > 0)
		dprintf(fd, "%s", text);
	_exit(0);
}

static void saved(struct conf *conf, const char *path, int result, const char *warning)
{
	const struct uapi_patience patience = { clock_now_ms() + 3000, -1 };
	struct diag diag = { 0 };

	ck_assert_int_eq(save_file(conf, path, &patience, &diag), result);
	ck_assert_uint_eq(diag.errors, 0);
	ck_assert_uint_eq(diag.count, warning ? 1 : 0);
	ck_assert(!warning || strstr(diag.entries[0].text, warning));
	diag_clear(&diag);
}

/* The instance has to be able to go down all the same. */
START_TEST(what_can_not_be_saved)
{
	struct conf *conf = read_conf(FILE_IN); /* t.conf is not there */
	char dir[] = "/tmp/tunion-save-XXXXXX", path[64];
	int listener, first;
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	saved(conf, path, -ENOTCONN, NULL);
	listener = listen_at(path, 0);
	ck_assert_int_gt(answer_one(listener, "errno=0\n\n"), 0);
	saved(conf, path, 0, "the file is gone");
	ck_assert_int_gt(answer_one(listener, "errno=7\n\n"), 0);
	saved(conf, path, -ENOTCONN, NULL);
	ck_assert_int_gt(answer_one(listener, "errno="), 0);
	saved(conf, path, -ENOTCONN, NULL);
	/* there is no room for another client */
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	ck_assert_int_eq(connect(first, (struct sockaddr *)&at, sizeof(at)), 0);
	saved(conf, path, -ENOTCONN, NULL);
	close(first);
	close(listener);
	unlink(path);
	rmdir(dir);
	conf_free(conf);
}
END_TEST

#define ANSWER   "listen_port=7777\nerrno=0\n\n"
#define STRANGER 12345

/* A folder with a file of a user's, as it was read, and a device to ask. */
struct theirs {
	char top[32], folder[48], path[64], socket[48], tmp[72];
	struct conf *conf;
	int listener;
	bool given; /* folder and file are a stranger's */
};

static void make_theirs(struct theirs *t, mode_t folder, mode_t mode)
{
	struct diag diag = { 0 };
	int fd;

	snprintf(t->top, sizeof(t->top), "/tmp/tunion-save-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->top));
	snprintf(t->folder, sizeof(t->folder), "%s/d", t->top);
	snprintf(t->path, sizeof(t->path), "%s/t.conf", t->folder);
	snprintf(t->tmp, sizeof(t->tmp), "%s.tmp", t->path);
	snprintf(t->socket, sizeof(t->socket), "%s/s", t->top);
	ck_assert_int_eq(mkdir(t->folder, 0700), 0);
	ck_assert_int_eq(chmod(t->folder, folder), 0);
	fd = open(t->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, FILE_IN, strlen(FILE_IN)), (ssize_t)strlen(FILE_IN));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	/* in a user namespace even root may not be able to give them away */
	t->given = geteuid() == 0 && fchown(fd, STRANGER, STRANGER + 1) == 0 &&
	           fchmod(fd, mode) == 0 && chown(t->folder, STRANGER, STRANGER) == 0;
	close(fd);
	ck_assert_int_eq(conf_read(&t->conf, t->path, &diag), 0);
	diag_clear(&diag);
	t->listener = listen_at(t->socket, 5);
}

static void remove_theirs(struct theirs *t)
{
	char command[64];

	close(t->listener);
	conf_free(t->conf);
	snprintf(command, sizeof(command), "rm -rf '%s'", t->top);
	ck_assert_int_eq(system(command), 0);
}

/* Saves, and returns whether the file now has the device's port. */
static bool save_theirs(struct theirs *t, const char *warning)
{
	char text[1024] = "";
	int fd;

	ck_assert_int_gt(answer_one(t->listener, ANSWER), 0);
	saved(t->conf, t->socket, 0, warning);
	fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
		close(fd);
	}
	return strstr(text, "ListenPort = 7777");
}

START_TEST(owner_and_mode_stay)
{
	static const struct {
		mode_t folder, mode;
	} modes[] = { { 0755, 0600 }, { 0700, 0640 }, { 0777, 0666 }, { 0755, 04750 } };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct theirs t;
		struct stat st;

		make_theirs(&t, modes[i].folder, modes[i].mode);
		for (int times = 0; times < 2; times++) {
			ck_assert(save_theirs(&t, NULL));
			ck_assert_int_eq(stat(t.path, &st), 0);
			ck_assert_uint_eq(st.st_mode & 07777, modes[i].mode & 0777);
			if (t.given) {
				ck_assert_uint_eq(st.st_uid, STRANGER);
				ck_assert_uint_eq(st.st_gid, STRANGER + 1);
			}
		}
		remove_theirs(&t);
	}
}
END_TEST

/* What he puts at the name that root writes to first is neither removed, nor does it keep the
 * instance up. */
START_TEST(the_folders_owner_is_in_nobodys_way)
{
	struct theirs t;
	struct stat st;

	make_theirs(&t, 0777, 0600);
	ck_assert_int_eq(mkdir(t.tmp, 0700), 0);
	ck_assert(save_theirs(&t, NULL));
	ck_assert_int_eq(rmdir(t.tmp), 0);
	ck_assert_int_eq(symlink("nowhere", t.tmp), 0);
	ck_assert(save_theirs(&t, NULL));
	ck_assert_int_eq(lstat(t.tmp, &st), 0);
	ck_assert_int_eq(unlink(t.path), 0);
	ck_assert_int_eq(symlink("t.conf", t.path), 0);
	ck_assert(!save_theirs(&t, "not saved"));
	remove_theirs(&t);
}
END_TEST

/* The same file, but by a link it is found in another folder, where he may only have moved
 * it. */
START_TEST(nothing_is_written_in_another_folder)
{
	char there[64], file[80], shown[64];
	struct theirs t;
	struct stat st;

	make_theirs(&t, 0777, 0600);
	snprintf(there, sizeof(there), "%s/there", t.top);
	snprintf(file, sizeof(file), "%s/t.conf", there);
	snprintf(shown, sizeof(shown), "%s/other", t.top);
	ck_assert_int_eq(mkdir(there, 0700), 0);
	ck_assert_int_eq(chmod(there, 01777), 0);
	ck_assert_int_eq(rename(t.path, file), 0);
	ck_assert_int_eq(rename(t.folder, shown), 0);
	ck_assert_int_eq(symlink("there", t.folder), 0);
	ck_assert(!save_theirs(&t, "it isn't the file that was read"));
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_ino, t.conf->file.inode);
	/* a folder that has only been given another name is the same */
	ck_assert_int_eq(unlink(t.folder), 0);
	ck_assert_int_eq(rename(shown, t.folder), 0);
	ck_assert_int_eq(rename(file, t.path), 0);
	ck_assert(save_theirs(&t, NULL));
	remove_theirs(&t);
}
END_TEST

/* Says one byte after the other, and waits for an event before each. */
static int answer_slowly(int listener, int step)
{
	pid_t pid = fork();
	uint64_t one;
	int fd;

	if (pid != 0)
		return pid;
	alarm(20);
	fd = accept(listener, NULL, NULL);
	while (read(step, &one, sizeof(one)) == sizeof(one) && send(fd, "a", 1, 0) == 1)
		;
	_exit(0);
}

START_TEST(a_slow_device_and_a_signal)
{
	struct conf *conf = read_conf(FILE_IN);
	char dir[] = "/tmp/tunion-save-XXXXXX", path[64];
	int step = eventfd(3, EFD_SEMAPHORE | EFD_CLOEXEC),
	    signals = eventfd(1, EFD_CLOEXEC);
	struct uapi_patience patience = { clock_now_ms() + 100, -1 };
	struct diag diag = { 0 };
	int listener;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	listener = listen_at(path, 5);
	pid = answer_slowly(listener, step);
	/* the time is over for this file, and for the next one, which is not even asked */
	ck_assert_int_eq(save_file(conf, path, &patience, &diag), -ENOTCONN);
	ck_assert_int_ge(clock_now_ms(), patience.end_ms);
	ck_assert_int_eq(save_file(conf, path, &patience, &diag), -ENOTCONN);
	/* there is time, but somebody wants the end */
	patience = (struct uapi_patience){ clock_now_ms() + 3600000, signals };
	ck_assert_int_eq(save_file(conf, path, &patience, &diag), -ENOTCONN);
	ck_assert_uint_eq(diag.count, 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(listener);
	close(step);
	close(signals);
	unlink(path);
	rmdir(dir);
	diag_clear(&diag);
	conf_free(conf);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/save");

	tcase_add_test(tc, what_can_not_be_saved);
	tcase_add_test(tc, a_slow_device_and_a_signal);
	tcase_add_test(tc, owner_and_mode_stay);
	tcase_add_test(tc, the_folders_owner_is_in_nobodys_way);
	tcase_add_test(tc, nothing_is_written_in_another_folder);
	tcase_add_loop_test(tc, the_file_and_the_device_make_the_text, 0,
	                    (int)ARRAY_SIZE(cases));
	return tc;
}
