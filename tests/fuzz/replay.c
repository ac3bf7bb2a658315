/* tests/fuzz/replay.c - a main() for fuzz targets, where the compiler has none
 *
 *   TARGET FILE...   gives each file to the target: to look at a crash
 *   TARGET           gives it each file of tests/fuzz/corpus/TARGET, and then
 *                    TUNION_FUZZ_RUNS (2000) inputs that are made of these files or of
 *                    nothing, beginning with TUNION_SEED, or more of them, until
 *                    TUNION_FUZZ_SECONDS (0) are over: this is for `make check`
 *
 * A made-up input that crashes is not lost: each one is written to the file
 * `crash-TARGET` in the working directory before it is run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX    4096U
#define CORPUS_MAX   512U
#define RUNS_DEFAULT 2000U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct input {
	size_t n;
	uint8_t bytes[INPUT_MAX];
};

/* Reads a file into memory from malloc; NULL if it can't be read. Ignores all
 * after INPUT_MAX. */
static struct input *read_input(const char *path)
{
	struct input *in = malloc(sizeof(*in));
	FILE *f = fopen(path, "rb");

	if (in && f)
		in->n = fread(in->bytes, 1, sizeof(in->bytes), f);
	else
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (!f) {
		free(in);
		return NULL;
	}
	fclose(f);
	return in;
}

/* Runs a copy of exactly this size, so that ASan detects reads behind it. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		exit(EXIT_FAILURE);
	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static size_t draw(uint64_t *state, size_t below)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % below);
}

static const uint8_t telling[] = { 0,    1,    2,    4,    0x10, 0x20,
	                           0x40, 0x45, 0x60, 0x7f, 0x80, 0xff };

/* Changes the input a little: one byte, a few random bytes, its end, or a piece
 * doubled. */
static void mutate(struct input *in, uint64_t *state)
{
	size_t at = in->n ? draw(state, in->n) : 0;
	size_t piece = draw(state, 32);

	switch (draw(state, 5)) {
	case 0:
		if (in->n)
			in->bytes[at] = telling[draw(state, sizeof(telling))];
		break;
	case 1:
		for (size_t i = at; i < in->n && i < at + piece; i++)
			in->bytes[i] = (uint8_t)draw(state, 256);
		break;
	case 2:
		in->n = at;
		break;
	case 3:
		while (in->n < INPUT_MAX && piece-- > 0)
			in->bytes[in->n++] = (uint8_t)draw(state, 256);
		break;
	case 4:
		piece = piece < in->n - at ? piece : in->n - at;
		if (in->n + piece > INPUT_MAX)
			break;
		memmove(in->bytes + at + piece, in->bytes + at, in->n - at);
		in->n += piece;
		break;
	}
}

static void make_input(struct input *in, struct input *const *corpus, size_t corpus_count,
                       uint64_t *state)
{
	uint64_t changes = 1 + draw(state, 8);

	if (corpus_count == 0 || draw(state, 8) == 0) {
		in->n = draw(state, INPUT_MAX / 4);
		for (size_t i = 0; i < in->n; i++)
			in->bytes[i] = (uint8_t)draw(state, 256);
		return;
	}
	*in = *corpus[draw(state, corpus_count)];
	while (changes-- > 0)
		mutate(in, state);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;
	char *end;

	if (!text)
		return otherwise;
	value = strtoull(text, &end, 0);
	if (end == text || *end) {
		fprintf(stderr, "%s=%s: expected a number\n", name, text);
		exit(EXIT_FAILURE);
	}
	return value;
}

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void run_made_up(const char *target, struct input *const *corpus,
                        size_t corpus_count)
{
	uint64_t seed =
		setting("TUNION_SEED", (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid());
	uint64_t runs = setting("TUNION_FUZZ_RUNS", RUNS_DEFAULT), done = 0;
	uint64_t end_s = now_s() + setting("TUNION_FUZZ_SECONDS", 0);
	static struct input in;
	char path[128];
	int fd;

	printf("%zu corpus files passed; TUNION_SEED=%" PRIu64
	       " TUNION_FUZZ_RUNS=%" PRIu64 "\n",
	       corpus_count, seed, runs);
	fflush(stdout);
	snprintf(path, sizeof(path), "crash-%s", target);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	for (; done < runs || now_s() < end_s; done++) {
		make_input(&in, corpus, corpus_count, &seed);
		if (fd >= 0 && (ftruncate(fd, (off_t)in.n) != 0 ||
		                pwrite(fd, in.bytes, in.n, 0) != (ssize_t)in.n))
			perror(path);
		run(in.bytes, in.n);
	}
	printf("%" PRIu64 " made-up inputs passed\n", done);
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
}

/* Reads the files into corpus and runs each of them; returns their number. */
static size_t run_corpus(const char *target, struct input **corpus)
{
	const char *top = getenv("top_srcdir");
	char folder[256], path[600];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top ? top : ".",
	         target);
	dir = opendir(folder);
	while (dir && n < CORPUS_MAX && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		corpus[n] = read_input(path);
		if (!corpus[n])
			exit(EXIT_FAILURE);
		run(corpus[n]->bytes, corpus[n]->n);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	static struct input *corpus[CORPUS_MAX];
	const char *slash = strrchr(argv[0], '/');
	const char *target = slash ? slash + 1 : argv[0];
	size_t n;

	for (int i = 1; i < argc; i++) {
		struct input *in = read_input(argv[i]);

		if (!in)
			return EXIT_FAILURE;
		run(in->bytes, in->n);
		free(in);
	}
	if (argc > 1)
		return EXIT_SUCCESS;
	n = run_corpus(target, corpus);
	run_made_up(target, corpus, n);
	while (n > 0)
		free(corpus[--n]);
	return EXIT_SUCCESS;
}
