/* bench/aead.c - what does a packet cost in each implementation of the batch AEAD?
 *
 * Built by `make bench/aead`. It prints the nanoseconds per packet for sealing and
 * opening, in batches of 1, 2, 8 and 32. It measures each implementation that this CPU
 * can run, and one packet after the other with libsodium's own AEAD, OpenSSL's EVP and
 * libgcrypt, whose keys are set only once where the library can do this. All take turns
 * within each round, so that a disturbance of the machine disturbs all of them. The
 * median of the rounds is printed. Then it prints how many times as fast as each library
 * the chosen implementation is in batches of 32, and the target.
 *
 * usage: bench/aead [bytes per packet, default 1420] [rounds, default 301]
 *                   [implementation to compare, default the one tunion would choose]
 *
 * OpenSSL chooses its own code. To see both without AVX-512:
 *   OPENSSL_ia32cap=:~0xd0030000 bench/aead 1420 301 avx2 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>
#ifdef HAVE_OPENSSL
#include <openssl/evp.h>
#endif
#ifdef HAVE_LIBGCRYPT
#include <gcrypt.h>
#endif

#include "base/attr.h"
#include "crypto/aead.h"

#define PACKETS   64 /* sealed or opened in one measurement */
#define BYTES_MAX 9000
#define WAYS_MAX  12

static const size_t batches[] = { 1, 2, 8, 32 };

struct bench {
	struct aead_job jobs[PACKETS];
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t plain[PACKETS][BYTES_MAX + AEAD_TAG_BYTES];
	uint8_t sealed[PACKETS][BYTES_MAX + AEAD_TAG_BYTES];
	uint8_t bytes[PACKETS][BYTES_MAX + AEAD_TAG_BYTES];
	uint32_t text_bytes;
	size_t rounds;
#ifdef HAVE_OPENSSL
	EVP_CIPHER_CTX *sealer, *opener;
#endif
#ifdef HAVE_LIBGCRYPT
	gcry_cipher_hd_t gcrypt;
#endif
};

/* Does `n` jobs. `bench` is for those that need more than the jobs. */
typedef void run_fn(struct bench *bench, const struct aead_impl *impl,
                    struct aead_job *jobs, size_t n);

struct way {
	const char *name;
	const struct aead_impl *impl; /* NULL if it is not one of ours */
	run_fn *seal, *open;
	double *ns[2][ARRAY_SIZE(batches)]; /* [opening][batch][round] */
};

static void seal_ours(struct bench *bench, const struct aead_impl *impl,
                      struct aead_job *jobs, size_t n)
{
	(void)bench;
	impl->seal(jobs, n);
}

static void open_ours(struct bench *bench, const struct aead_impl *impl,
                      struct aead_job *jobs, size_t n)
{
	(void)bench;
	impl->open(jobs, n);
}

static void put_nonce(uint8_t nonce[12], uint64_t counter)
{
	memset(nonce, 0, 4);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> 8 * i);
}

static void seal_sodium(struct bench *bench, const struct aead_impl *impl,
                        struct aead_job *jobs, size_t n)
{
	uint8_t nonce[12];

	(void)bench;
	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(
			job->text, job->text + job->text_bytes, NULL, job->text,
			job->text_bytes, NULL, 0, NULL, nonce, job->key);
	}
}

static void open_sodium(struct bench *bench, const struct aead_impl *impl,
                        struct aead_job *jobs, size_t n)
{
	uint8_t nonce[12];

	(void)bench;
	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		job->ok = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
				  job->text, NULL, job->text, job->text_bytes,
				  job->text + job->text_bytes, NULL, 0, nonce,
				  job->key) == 0;
	}
}

#ifdef HAVE_OPENSSL
/* The key stays in the context; only the nonce is set for each packet. */
static void seal_openssl(struct bench *bench, const struct aead_impl *impl,
                         struct aead_job *jobs, size_t n)
{
	uint8_t nonce[12];
	int done;

	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		if (!EVP_EncryptInit_ex(bench->sealer, NULL, NULL, NULL, nonce) ||
		    !EVP_EncryptUpdate(bench->sealer, job->text, &done, job->text,
		                       (int)job->text_bytes) ||
		    !EVP_EncryptFinal_ex(bench->sealer, job->text + done, &done) ||
		    !EVP_CIPHER_CTX_ctrl(bench->sealer, EVP_CTRL_AEAD_GET_TAG,
		                         AEAD_TAG_BYTES, job->text + job->text_bytes))
			abort();
	}
}

static void open_openssl(struct bench *bench, const struct aead_impl *impl,
                         struct aead_job *jobs, size_t n)
{
	uint8_t nonce[12];
	int done;

	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		if (!EVP_DecryptInit_ex(bench->opener, NULL, NULL, NULL, nonce) ||
		    !EVP_CIPHER_CTX_ctrl(bench->opener, EVP_CTRL_AEAD_SET_TAG,
		                         AEAD_TAG_BYTES, job->text + job->text_bytes) ||
		    !EVP_DecryptUpdate(bench->opener, job->text, &done, job->text,
		                       (int)job->text_bytes))
			abort();
		job->ok =
			EVP_DecryptFinal_ex(bench->opener, job->text + done, &done) == 1;
	}
}
#endif

#ifdef HAVE_LIBGCRYPT
static void seal_gcrypt(struct bench *bench, const struct aead_impl *impl,
                        struct aead_job *jobs, size_t n)
{
	gcry_cipher_hd_t gcrypt = bench->gcrypt;
	uint8_t nonce[12];

	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		if (gcry_cipher_setiv(gcrypt, nonce, sizeof(nonce)) ||
		    gcry_cipher_encrypt(gcrypt, job->text, job->text_bytes, NULL, 0) ||
		    gcry_cipher_gettag(gcrypt, job->text + job->text_bytes,
		                       AEAD_TAG_BYTES))
			abort();
	}
}

static void open_gcrypt(struct bench *bench, const struct aead_impl *impl,
                        struct aead_job *jobs, size_t n)
{
	gcry_cipher_hd_t gcrypt = bench->gcrypt;
	uint8_t nonce[12];

	(void)impl;
	for (size_t i = 0; i < n; i++) {
		struct aead_job *job = &jobs[i];

		put_nonce(nonce, job->counter);
		if (gcry_cipher_setiv(gcrypt, nonce, sizeof(nonce)) ||
		    gcry_cipher_decrypt(gcrypt, job->text, job->text_bytes, NULL, 0))
			abort();
		job->ok = gcry_cipher_checktag(gcrypt, job->text + job->text_bytes,
		                               AEAD_TAG_BYTES) == 0;
	}
}
#endif

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Does all packets once, in batches of n, and checks the results. Returns ns per
 * packet. */
static double measure(struct bench *bench, const struct way *way, bool opening, size_t n)
{
	const void *from = opening ? bench->sealed : bench->plain;
	const void *to = opening ? bench->plain : bench->sealed;
	run_fn *run = opening ? way->open : way->seal;
	double start, end;

	memcpy(bench->bytes, from, sizeof(bench->bytes));
	start = now_ns();
	for (size_t i = 0; i < PACKETS; i += n)
		run(bench, way->impl, bench->jobs + i, n);
	end = now_ns();
	for (size_t i = 0; i < PACKETS; i++) {
		const uint8_t *want = (const uint8_t *)to + i * sizeof(bench->bytes[0]);
		size_t checked = bench->text_bytes + (opening ? 0 : AEAD_TAG_BYTES);

		if (memcmp(bench->bytes[i], want, checked) != 0 ||
		    (opening && !bench->jobs[i].ok)) {
			fprintf(stderr, "%s: wrong result\n", way->name);
			exit(EXIT_FAILURE);
		}
	}
	return (end - start) / PACKETS;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare_doubles);
	return ns[n / 2];
}

static size_t list_ways(struct way ways[WAYS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; aead_at(i); i++) {
		const struct aead_impl *impl = aead_at(i);

		if (aead_works(impl))
			ways[n++] = (struct way){
				impl->name, impl, seal_ours, open_ours, { { 0 } }
			};
		else
			printf("%s: %s\n", impl->name,
			       impl->available() ? "fails the self-test"
			                         : "not for this CPU");
	}
	ways[n++] = (struct way){
		"libsodium AEAD", NULL, seal_sodium, open_sodium, { { 0 } }
	};
#ifdef HAVE_OPENSSL
	ways[n++] = (struct way){
		"OpenSSL EVP", NULL, seal_openssl, open_openssl, { { 0 } }
	};
#else
	printf("OpenSSL EVP: not in this build\n");
#endif
#ifdef HAVE_LIBGCRYPT
	ways[n++] =
		(struct way){ "libgcrypt", NULL, seal_gcrypt, open_gcrypt, { { 0 } } };
#else
	printf("libgcrypt: not in this build\n");
#endif
	return n;
}

#ifdef HAVE_OPENSSL
static void prepare_openssl(struct bench *bench)
{
	bench->sealer = EVP_CIPHER_CTX_new();
	bench->opener = EVP_CIPHER_CTX_new();
	if (!bench->sealer || !bench->opener ||
	    !EVP_EncryptInit_ex(bench->sealer, EVP_chacha20_poly1305(), NULL, bench->key,
	                        NULL) ||
	    !EVP_DecryptInit_ex(bench->opener, EVP_chacha20_poly1305(), NULL, bench->key,
	                        NULL))
		abort();
}
#endif

#ifdef HAVE_LIBGCRYPT
static void prepare_gcrypt(struct bench *bench)
{
	if (!gcry_check_version(GCRYPT_VERSION) ||
	    gcry_control(GCRYCTL_DISABLE_SECMEM, 0) ||
	    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) ||
	    gcry_cipher_open(&bench->gcrypt, GCRY_CIPHER_CHACHA20,
	                     GCRY_CIPHER_MODE_POLY1305, 0) ||
	    gcry_cipher_setkey(bench->gcrypt, bench->key, sizeof(bench->key)))
		abort();
}
#endif

static struct bench *prepare(uint32_t text_bytes, size_t rounds)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return NULL;
	bench->text_bytes = text_bytes;
	bench->rounds = rounds;
	randombytes_buf(bench->key, sizeof(bench->key));
	randombytes_buf(bench->plain, sizeof(bench->plain));
	for (size_t i = 0; i < PACKETS; i++)
		bench->jobs[i] = (struct aead_job){ bench->key, bench->bytes[i], i,
			                            text_bytes, false };
	memcpy(bench->bytes, bench->plain, sizeof(bench->bytes));
	seal_sodium(bench, NULL, bench->jobs, PACKETS);
	memcpy(bench->sealed, bench->bytes, sizeof(bench->sealed));
#ifdef HAVE_OPENSSL
	prepare_openssl(bench);
#endif
#ifdef HAVE_LIBGCRYPT
	prepare_gcrypt(bench);
#endif
	return bench;
}

static void release(struct bench *bench)
{
#ifdef HAVE_OPENSSL
	EVP_CIPHER_CTX_free(bench->sealer);
	EVP_CIPHER_CTX_free(bench->opener);
#endif
#ifdef HAVE_LIBGCRYPT
	gcry_cipher_close(bench->gcrypt);
#endif
	free(bench);
}

static void run_rounds(struct bench *bench, struct way *ways, size_t n)
{
	for (size_t round = 0; round < bench->rounds; round++)
		for (size_t b = 0; b < ARRAY_SIZE(batches); b++)
			for (int opening = 0; opening < 2; opening++)
				for (size_t i = 0; i < n; i++)
					ways[i].ns[opening][b][round] = measure(
						bench, &ways[i], opening, batches[b]);
}

static void print_table(const struct bench *bench, const struct way *ways, size_t n)
{
	const char *cap = getenv("OPENSSL_ia32cap");

	printf("ns per packet of %u bytes, median of %zu rounds%s%s\n%-16s",
	       bench->text_bytes, bench->rounds, cap ? ", OPENSSL_ia32cap=" : "",
	       cap ? cap : "", "");
	for (int opening = 0; opening < 2; opening++)
		for (size_t b = 0; b < ARRAY_SIZE(batches); b++)
			printf(" %s %2zu", opening ? "open" : "seal", batches[b]);
	for (size_t i = 0; i < n; i++) {
		printf("\n%-16s", ways[i].name);
		for (int opening = 0; opening < 2; opening++)
			for (size_t b = 0; b < ARRAY_SIZE(batches); b++)
				printf(" %7.0f",
				       median(ways[i].ns[opening][b], bench->rounds));
	}
	printf("\n");
}

/* The target of the design; 0 if there is none for this pair. */
static double target(const char *impl, const char *library)
{
	if (strcmp(library, "libsodium AEAD") == 0)
		return 2;
	if (strcmp(library, "OpenSSL EVP") == 0 && strncmp(impl, "avx512", 6) == 0)
		return 1.5;
	if (strcmp(library, "OpenSSL EVP") == 0 && strcmp(impl, "avx2") == 0)
		return 1;
	return 0;
}

/* Prints one line for each library; bench/report.py reads them. */
static void print_ratios(const struct bench *bench, const struct way *ways, size_t n,
                         const struct way *ours)
{
	size_t b = ARRAY_SIZE(batches) - 1;

	printf("\ntimes as fast, in batches of %zu:\n", batches[b]);
	for (const struct way *way = ways; way < ways + n; way++) {
		double times[2], least = target(ours->name, way->name);

		if (way->impl)
			continue;
		for (int opening = 0; opening < 2; opening++)
			times[opening] = median(way->ns[opening][b], bench->rounds) /
			                 median(ours->ns[opening][b], bench->rounds);
		printf("%s / %s: seal %.2f, open %.2f", ours->name, way->name, times[0],
		       times[1]);
		if (least > 0)
			printf(", target %.1f: %s", least,
			       times[0] >= least && times[1] >= least ? "met" : "missed");
		printf("\n");
	}
}

/* NULL if there is none of this name here. With name NULL it is the one tunion would
 * use. */
static const struct way *find_ours(const struct way *ways, size_t n, const char *name)
{
	const struct aead_impl *chosen = aead_choose(NULL);

	for (const struct way *way = ways; way < ways + n; way++)
		if (way->impl &&
		    (name ? strcmp(way->name, name) == 0 : way->impl == chosen))
			return way;
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long text_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 1420;
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 301;
	struct way ways[WAYS_MAX];
	const struct way *ours;
	struct bench *bench;
	double *all;
	size_t n;

	if (text_bytes > BYTES_MAX || rounds == 0 || rounds > 100000 ||
	    sodium_init() < 0) {
		fprintf(stderr,
		        "usage: %s [BYTES, at most %d] [ROUNDS] [IMPLEMENTATION]\n",
		        argv[0], BYTES_MAX);
		return EXIT_FAILURE;
	}
	n = list_ways(ways);
	ours = find_ours(ways, n, argc > 3 ? argv[3] : NULL);
	if (!ours) {
		fprintf(stderr, "%s: there is no such implementation here\n", argv[3]);
		return EXIT_FAILURE;
	}
	bench = prepare((uint32_t)text_bytes, rounds);
	all = calloc(n * 2 * ARRAY_SIZE(batches) * rounds, sizeof(*all));
	if (!bench || !all)
		abort();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 2 * ARRAY_SIZE(batches); k++)
			ways[i].ns[k / ARRAY_SIZE(batches)][k % ARRAY_SIZE(batches)] =
				all + (i * 2 * ARRAY_SIZE(batches) + k) * rounds;
	run_rounds(bench, ways, n);
	print_table(bench, ways, n);
	print_ratios(bench, ways, n, ours);
	free(all);
	release(bench);
	return EXIT_SUCCESS;
}
