/* src/cmd/status_watch.c - the text of a frame is made first. Then it is written at once,
 * cut to the size of the terminal. Signals are read from a descriptor, so that the
 * terminal is restored in only one place. */
#include "cmd/status_watch.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cmd/sparkline.h"
#include "cmd/status_text.h"
#include "cmd/target.h"
#include "io/loop.h"
#include "show/status_json.h"

#define PERIOD_NS NS_PER_SEC

#define ENTER      "\033[?1049h\033[?25l" /* shows the other screen, hides the cursor */
#define LEAVE      "\033[?25h\033[?1049l"
#define HOME       "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* A device's bytes per second, in both directions together. */
struct trend {
	char *name; /* owned */
	struct sparkline line;
	bool seen; /* it is in the newest status */
};

struct watch {
	const struct instance *instance; /* borrowed */
	bool colour, utf8;
	int signal_fd;
	struct termios terminal; /* its settings before they were changed */
	bool has_terminal;       /* standard input is a terminal that was changed */
	json_t *status, *before; /* owned */
	char *why_not;           /* owned; NULL: the instance gave no reason */
	uint64_t status_ns, before_ns;
	struct trend *trends; /* owned */
	size_t trend_count;
	char line[SPARKLINE_BYTES]; /* the result of the latest trend_of */
};

/* ---- trends */

static struct trend *find_trend(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->trend_count; i++)
		if (strcmp(w->trends[i].name, name) == 0)
			return &w->trends[i];
	return NULL;
}

static struct trend *get_trend(struct watch *w, const char *name)
{
	struct trend *t = find_trend(w, name), *more;

	if (t)
		return t;
	more = reallocarray(w->trends, w->trend_count + 1, sizeof(*more));
	if (!more)
		return NULL;
	w->trends = more;
	t = &more[w->trend_count];
	*t = (struct trend){ .name = strdup(name) };
	if (!t->name)
		return NULL;
	w->trend_count++;
	return t;
}

static void note_trend(struct watch *w, const json_t *device, size_t index)
{
	const char *name = status_string(device, "name");
	const json_t *before = status_device(w->before, name, index);
	struct trend *t = get_trend(w, name);
	struct traffic rate;

	if (!t)
		return;
	t->seen = true;
	if (!before)
		return;
	rate = traffic_rate(status_device_traffic(before), status_device_traffic(device),
	                    w->status_ns - w->before_ns);
	sparkline_add(&t->line, rate.rx_bytes + rate.tx_bytes);
}

/* Also forgets devices that are gone. */
static void note_trends(struct watch *w)
{
	const json_t *devices = json_object_get(w->status, "devices");
	size_t kept = 0;

	for (size_t i = 0; i < json_array_size(devices); i++)
		note_trend(w, json_array_get(devices, i), i);
	for (size_t i = 0; i < w->trend_count; i++) {
		if (!w->trends[i].seen) {
			free(w->trends[i].name);
			continue;
		}
		w->trends[kept] = w->trends[i];
		w->trends[kept++].seen = false;
	}
	w->trend_count = kept;
}

static const char *trend_of(void *context, const char *device)
{
	struct watch *w = context;
	const struct sparkline none = { 0 };
	const struct trend *t = find_trend(w, device);

	return sparkline_format(t ? &t->line : &none, w->utf8, w->line);
}

/* ---- frames */

/* Returns how many bytes of the line fit. Colours take no columns. */
static size_t fitting(const char *line, size_t bytes, unsigned columns)
{
	unsigned used = 0;
	size_t i = 0;

	while (i < bytes) {
		if (line[i] == '\033') {
			while (i < bytes && line[i] != 'm')
				i++;
			i += i < bytes;
			continue;
		}
		if ((line[i] & 0xc0) != 0x80 && ++used > columns)
			break;
		i++;
	}
	return i;
}

static void size_of_terminal(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 2)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	*rows = size.ws_row;
	*columns = size.ws_col ? size.ws_col : 80;
}

unsigned status_watch_columns(void)
{
	unsigned rows, columns;

	size_of_terminal(&rows, &columns);
	return columns;
}

const char *status_watch_ellipsis(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "…" : "~";
}

static void write_line(const char *line, size_t bytes, unsigned columns)
{
	size_t n = fitting(line, bytes, columns);

	if (n < bytes)
		n = fitting(line, bytes, columns - 1);
	fwrite(line, 1, n, stdout);
	if (n < bytes)
		fputs(status_watch_ellipsis(), stdout);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; n++) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return n;
}

static void write_frame(const char *text, bool colour)
{
	unsigned rows, columns;
	size_t lines = count_lines(text);
	char more[80] = "";

	size_of_terminal(&rows, &columns);
	if (lines > rows)
		snprintf(more, sizeof(more), "(%zu more lines: tunion status prints all)",
		         lines - (rows - 1));
	fputs(HOME, stdout);
	for (unsigned row = 0; *text && row < rows; row++) {
		size_t bytes = strcspn(text, "\n");

		if (row > 0)
			fputc('\n', stdout);
		if (*more && row == rows - 1)
			write_line(more, strlen(more), columns);
		else
			write_line(text, bytes, columns);
		fputs(colour ? "\033[0m" CLEAR_LINE : CLEAR_LINE, stdout);
		text += bytes + (text[bytes] == '\n');
	}
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}

static void draw(struct watch *w)
{
	char options[INSTANCE_OPTIONS_MAX];
	struct status_look look = { .status = w->status,
		                    .before = w->before ? w->before : w->status,
		                    .elapsed_ns = w->status_ns - w->before_ns,
		                    .wall_s = (int64_t)time(NULL),
		                    .colour = w->colour,
		                    .columns = status_watch_columns(),
		                    .options = instance_options(w->instance, options),
		                    .ellipsis = status_watch_ellipsis(),
		                    .trend = trend_of,
		                    .context = w };
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return;
	status_text(&look, out);
	if (fclose(out) == 0)
		write_frame(text, w->colour);
	free(text);
}

/* Returns 0, or the error because of which the instance doesn't answer. */
static int look_again(struct watch *w)
{
	char *answer;
	int err = target_ask_quietly(w->instance, "status", &answer);
	json_t *status = err ? NULL : json_loads(answer, 0, NULL);

	if (!err && !status && *answer) {
		w->why_not = answer;
		return -EIO;
	}
	free(answer);
	if (!status)
		return err ? err : -ECONNREFUSED; /* the instance has ended meanwhile */
	json_decref(w->before);
	w->before = w->status;
	w->before_ns = w->status_ns;
	w->status = status;
	w->status_ns = loop_now_ns();
	note_trends(w);
	draw(w);
	return 0;
}

/* ---- the terminal */

static int take_terminal(struct watch *w)
{
	struct termios raw;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGWINCH);
	w->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (w->signal_fd < 0 || sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	if (tcgetattr(STDIN_FILENO, &w->terminal) == 0) {
		raw = w->terminal;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
		raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* would keep our screen */
		w->has_terminal = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	fputs(ENTER, stdout);
	return 0;
}

static void give_terminal_back(struct watch *w)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (w->has_terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &w->terminal);
}

/* Returns false if it is to end. */
static bool take_key(struct pollfd *p)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n <= 0)
		p->fd = -1; /* it is closed or was never open, so only signals remain */
	return n <= 0 || (key != 'q' && key != 'Q');
}

static bool take_signal(struct watch *w)
{
	struct signalfd_siginfo info;

	if (read(w->signal_fd, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo != SIGWINCH)
		return false;
	draw(w);
	return true;
}

/* Returns 0 if it was told to end, or the error because of which the instance doesn't
 * answer. */
static int serve(struct watch *w)
{
	struct pollfd p[] = { { .fd = w->signal_fd, .events = POLLIN },
		              { .fd = STDIN_FILENO, .events = POLLIN } };
	uint64_t next_ns = loop_now_ns();

	for (;;) {
		uint64_t now_ns = loop_now_ns();
		int timeout_ms;

		if (now_ns >= next_ns) {
			int err = look_again(w);

			if (err)
				return err;
			next_ns = now_ns + PERIOD_NS;
			now_ns = loop_now_ns();
		}
		timeout_ms =
			next_ns > now_ns ? (int)((next_ns - now_ns) / NS_PER_MS) + 1 : 0;
		if (poll(p, ARRAY_SIZE(p), timeout_ms) < 0)
			continue; /* a stop and its end have interrupted it */
		if ((p[0].revents && !take_signal(w)) ||
		    (p[1].revents && !take_key(&p[1])))
			return 0;
	}
}

int status_watch(const struct instance *instance, bool colour)
{
	struct watch w = { .instance = instance, .colour = colour, .signal_fd = -1 };
	int err;

	if (!isatty(STDOUT_FILENO)) {
		fprintf(stderr, "tunion: status --watch needs a terminal\n");
		return EXIT_FAILURE;
	}
	w.utf8 = strcmp(status_watch_ellipsis(), "…") == 0;
	err = take_terminal(&w);
	if (err) {
		fprintf(stderr, "tunion: status: %s\n", strerror(-err));
	} else {
		err = serve(&w);
		give_terminal_back(&w);
		if (w.why_not)
			fputs(w.why_not, stderr);
		else if (err)
			target_say_error(instance, err);
	}
	if (w.signal_fd >= 0)
		close(w.signal_fd);
	free(w.why_not);
	json_decref(w.status);
	json_decref(w.before);
	for (size_t i = 0; i < w.trend_count; i++)
		free(w.trends[i].name);
	free(w.trends);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
