/* src/host/hooks.c - runs hooks with a shell, and remembers those for later */
#include "host/hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/key.h"
#include "base/text_stream.h"
#include "host/hook_note.h"
#include "host/spawn.h"

static const char *const kind_names[] = {
	[CONF_PRE_UP] = "PreUp",
	[CONF_POST_UP] = "PostUp",
	[CONF_PRE_DOWN] = "PreDown",
	[CONF_POST_DOWN] = "PostDown",
};
_Static_assert(ARRAY_SIZE(kind_names) == CONF_HOOK_COUNT, "a name for each");

static const struct conf_text *first_hook(const struct conf *conf)
{
	for (size_t kind = 0; kind < CONF_HOOK_COUNT; kind++) {
		if (conf->hooks[kind].n > 0)
			return &conf->hooks[kind].v[0];
	}
	return NULL;
}

int hooks_check(const struct conf *conf, struct diag *diag)
{
	const struct conf_text *hook = first_hook(conf);

	if (!hook || conf->file.only_ours)
		return 0;
	diag_error(
		diag, conf->path, hook->line,
		"hooks are refused: users other than root and the running one can change them, because %s; make it belong to root or the running user and remove the right to write from group and others, or move the file to a folder such as /etc/tunion",
		conf->file.others ? conf->file.others : "they were not read from a file");
	return -EPERM;
}

/* ---- running */

char *hooks_expand(const char *command, const char *tun)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (const char *c = command; *c; c++) {
		if (c[0] == '%' && c[1] == 'i') {
			fputs(tun, out);
			c++;
		} else {
			fputc(*c, out);
		}
	}
	return text_stream_close(out, &text);
}

/* The command is passed in a variable, because everybody can see the arguments of a
 * process, and a command may contain a key. The variable is unset before the command
 * begins, and before that it is noted which process this is (hook_note.h). */
static const char script[] = HOOK_NOTE_SCRIPT
	"\neval \"unset TUNION_HOOK " HOOK_NOTE_VARIABLES "\n$TUNION_HOOK\"";

static unsigned limit_of(const struct hooks_env *env)
{
	return env->limit_s ? env->limit_s : HOOKS_LIMIT_S;
}

/* Returns the exit status, or -errno. */
static int run_shell(const char *const *variables, const struct hooks_env *env)
{
	/* wg-quick has bash, with these options */
	static const char *const shells[][9] = {
		{ "bash", "-e", "-o", "pipefail", "-O", "extglob", "-c", script, NULL },
		{ "sh", "-e", "-c", script, NULL },
	};
	int err = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(shells) && err == -ENOENT; i++) {
		struct spawn s = { .argv = shells[i],
			           .env = variables,
			           .limit_ms = limit_of(env) * 1000 };

		if (env->events) {
			s.wait = env->events->wait;
			s.context = env->events->context;
		}
		err = spawn_run(&s);
	}
	return err;
}

/* Wipes and frees. text may be NULL. */
static void forget(char *text)
{
	if (text)
		sodium_memzero(text, strlen(text));
	free(text);
}

static void say(const struct log *log, const char *command)
{
	char *shown = strdup(command);

	if (shown)
		key_mask(shown);
	log_info(log, NULL, "[#] %s", shown ? shown : "a hook");
	free(shown);
}

static MUST_CHECK int run_one(const struct hooks_env *env, const char *path,
                              const char *command)
{
	char *expanded = hooks_expand(command, env->tun);
	char *interface = NULL, *file = NULL, *hook = NULL, *note = NULL;
	char *real = realpath(path, NULL); /* it may be gone */
	int err = -ENOMEM;

	if (asprintf(&interface, "INTERFACE=%s", env->tun) < 0)
		interface = NULL;
	if (asprintf(&file, "CONFIG_FILE=%s", real ? real : path) < 0)
		file = NULL;
	if (asprintf(&note, "TUNION_NOTE=%s",
	             hook_note_begin(env->note_path) ? env->note_path : "/dev/null") < 0)
		note = NULL;
	if (expanded && asprintf(&hook, "TUNION_HOOK=%s", expanded) < 0)
		hook = NULL;
	if (hook && interface && file && note) {
		/* in wg-quick, hooks get no translations either */
		const char *more[] = { "LC_ALL=C", interface, file, note, hook, NULL };

		say(env->log, expanded);
		err = run_shell(more, env);
	}
	hook_note_remove(env->note_path);
	free(note);
	free(file);
	free(real);
	free(interface);
	forget(hook);
	forget(expanded);
	return err;
}

/* Runs all hooks of one kind until one fails. Returns which one has failed, and its
 * result in *err; or hooks->n if none has. */
static size_t run_all(const struct hooks_env *env, const char *name, const char *path,
                      const struct conf_texts *hooks, int *err)
{
	size_t i;

	*err = 0;
	if (env->events && hooks->n > 0)
		env->events->begin(env->events->context, name);
	for (i = 0; i < hooks->n; i++) {
		*err = run_one(env, path, hooks->v[i].text);
		if (*err != 0)
			break;
	}
	if (env->events && hooks->n > 0)
		env->events->end(env->events->context);
	return i;
}

static const char *outcome(int err, const struct hooks_env *env, char *out, size_t size)
{
	if (err == -ETIMEDOUT)
		snprintf(
			out, size,
			"was ended, because it took longer than the limit of %u s; start in the background what should stay, or see --hook-limit in tunion(8)",
			limit_of(env));
	else if (err < 0)
		snprintf(out, size, "cannot be run: %s", strerror(-err));
	else
		snprintf(out, size, "failed with exit status %d", err);
	return out;
}

int hooks_run_up(const struct hooks_env *env, const struct conf *conf,
                 enum conf_hook kind)
{
	const struct conf_texts *hooks = &conf->hooks[kind];
	char text[200];
	int err = hooks_check(conf, env->diag);
	size_t i;

	if (err < 0)
		return err;
	i = run_all(env, conf->name, conf->path, hooks, &err);
	if (i == hooks->n)
		return 0;
	diag_error(env->diag, conf->path, hooks->v[i].line, "%s %s", kind_names[kind],
	           outcome(err, env, text, sizeof(text)));
	return -EIO;
}

int hooks_run_down(const struct hooks_env *env, struct hooks_file *file,
                   enum conf_hook kind)
{
	const struct conf_texts *hooks =
		kind == CONF_PRE_DOWN ? &file->pre_down : &file->post_down;
	char text[200];
	int err;
	size_t i;

	if (kind == CONF_PRE_DOWN && file->pre_down_ran)
		return 0;
	i = run_all(env, file->name, file->path, hooks, &err);
	if (i < hooks->n)
		diag_warning(env->diag, file->path, hooks->v[i].line, "%s %s",
		             kind_names[kind], outcome(err, env, text, sizeof(text)));
	else if (kind == CONF_PRE_DOWN)
		file->pre_down_ran = true;
	return err;
}

/* ---- remembering */

static void clear_texts(struct conf_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].text);
	free(t->v);
	*t = (struct conf_texts){ 0 };
}

static void clear_file(struct hooks_file *f)
{
	clear_texts(&f->pre_down);
	clear_texts(&f->post_down);
	free(f->name);
	free(f->path);
	*f = (struct hooks_file){ 0 };
}

static MUST_CHECK int add_text(struct conf_texts *t, const char *text, unsigned line)
{
	struct conf_text *v = reallocarray(t->v, t->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	t->v = v;
	v[t->n] = (struct conf_text){ .text = strdup(text), .line = line };
	if (!v[t->n].text)
		return -ENOMEM;
	t->n++;
	return 0;
}

static MUST_CHECK int copy_texts(struct conf_texts *to, const struct conf_texts *from)
{
	int err = 0;

	for (size_t i = 0; i < from->n && err == 0; i++)
		err = add_text(to, from->v[i].text, from->v[i].line);
	return err;
}

/* Adds an empty entry at the end. */
static struct hooks_file *append(struct hooks *h)
{
	struct hooks_file *v = reallocarray(h->v, h->n + 1, sizeof(*v));

	if (!v)
		return NULL;
	h->v = v;
	v[h->n] = (struct hooks_file){ 0 };
	return &v[h->n++];
}

int hooks_remember(struct hooks *h, const struct conf *conf)
{
	struct hooks_file new = { .name = strdup(conf->name),
		                  .path = strdup(conf->path) };
	int err = new.name &&new.path ? 0 : -ENOMEM;
	int old = hooks_find(h, conf->name);
	struct hooks_file *at = NULL;

	if (err == 0 && first_hook(conf) && !conf->file.only_ours)
		err = -EPERM;
	if (err == 0)
		err = copy_texts(&new.pre_down, &conf->hooks[CONF_PRE_DOWN]);
	if (err == 0)
		err = copy_texts(&new.post_down, &conf->hooks[CONF_POST_DOWN]);
	if (err == 0) {
		at = old >= 0 ? &h->v[old] : append(h);
		err = at ? 0 : -ENOMEM;
	}
	if (err) {
		clear_file(&new);
		return err;
	}
	if (conf_texts_equal(&at->pre_down, &new.pre_down))
		new.pre_down_ran = at->pre_down_ran;
	clear_file(at);
	*at = new;
	return 0;
}

void hooks_forget(struct hooks *h, size_t i)
{
	clear_file(&h->v[i]);
	h->n--;
	memmove(&h->v[i], &h->v[i + 1], (h->n - i) * sizeof(*h->v));
}

void hooks_clear(struct hooks *h)
{
	for (size_t i = 0; i < h->n; i++)
		clear_file(&h->v[i]);
	free(h->v);
	*h = (struct hooks){ 0 };
}

int hooks_find(const struct hooks *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].name && strcmp(h->v[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* ---- in a journal: "file NAME PATH", then "predown LINE COMMAND", "postdown ..." */

static void print_texts(const struct conf_texts *t, const char *word, FILE *out)
{
	for (size_t i = 0; i < t->n; i++)
		fprintf(out, "%s %u %s\n", word, t->v[i].line, t->v[i].text);
}

void hooks_print(const struct hooks *h, FILE *out)
{
	for (size_t i = 0; i < h->n; i++) {
		/* such a path would not fit on one line, and nobody has one */
		if (strchr(h->v[i].path, '\n'))
			continue;
		fprintf(out, "file %s %s\n", h->v[i].name, h->v[i].path);
		print_texts(&h->v[i].pre_down, "predown", out);
		print_texts(&h->v[i].post_down, "postdown", out);
	}
}

static bool read_file_line(struct hooks *h, const char *rest)
{
	const char *space = strchr(rest, ' ');
	struct hooks_file *f = space ? append(h) : NULL;

	if (!f)
		return false;
	f->name = strndup(rest, (size_t)(space - rest));
	f->path = strdup(space + 1);
	return f->name && f->path;
}

static bool read_text(struct conf_texts *t, const char *rest)
{
	char *end;
	unsigned long line = strtoul(rest, &end, 10);

	return end != rest && *end == ' ' && add_text(t, end + 1, (unsigned)line) == 0;
}

bool hooks_read_line(struct hooks *h, const char *line)
{
	struct hooks_file *last = h->n > 0 ? &h->v[h->n - 1] : NULL;

	if (strncmp(line, "file ", 5) == 0)
		return read_file_line(h, line + 5);
	if (last && strncmp(line, "predown ", 8) == 0)
		return read_text(&last->pre_down, line + 8);
	if (last && strncmp(line, "postdown ", 9) == 0)
		return read_text(&last->post_down, line + 9);
	return false;
}
