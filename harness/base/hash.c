/* hash.c - SHA-256 through libcrypto's EVP interface, CRC-32 through zlib. */
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "memory.h"

struct sha256 {
	EVP_MD_CTX *context; /* owned */
};

static void require(int worked)
{
	if (worked == 1)
		return;
	/* SHA-256 of memory fails only for want of memory or a broken libcrypto. */
	fprintf(stderr, "kerngate: libcrypto cannot compute SHA-256\n");
	abort();
}

struct sha256 *sha256_new(void)
{
	struct sha256 *hash = memory_alloc(sizeof(*hash));

	hash->context = EVP_MD_CTX_new();
	require(hash->context != NULL);
	require(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
	return hash;
}

void sha256_add(struct sha256 *hash, const void *data, size_t length)
{
	if (length)
		require(EVP_DigestUpdate(hash->context, data, length));
}

void sha256_add_field(struct sha256 *hash, const char *key, const char *value)
{
	char head[64];

	snprintf(head, sizeof(head), "%zu,%zu:", strlen(key), strlen(value));
	sha256_add(hash, head, strlen(head));
	sha256_add(hash, key, strlen(key));
	sha256_add(hash, "=", 1);
	sha256_add(hash, value, strlen(value));
	sha256_add(hash, "\n", 1);
}

void sha256_finish(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	require(EVP_DigestFinal_ex(hash->context, digest, &length));
	for (size_t i = 0; i < length && i < 32; i++) {
		ret_hex[2 * i] = digits[digest[i] >> 4];
		ret_hex[2 * i + 1] = digits[digest[i] & 15];
	}
	ret_hex[SHA256_HEX_SIZE - 1] = '\0';
	sha256_free(hash);
}

void sha256_free(struct sha256 *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	free(hash);
}

void sha256_of(const void *data, size_t length, char ret_hex[SHA256_HEX_SIZE])
{
	struct sha256 *hash = sha256_new();

	sha256_add(hash, data, length);
	sha256_finish(hash, ret_hex);
}

int sha256_of_file(const char *path, char ret_hex[SHA256_HEX_SIZE])
{
	cleanup_free char *block = memory_alloc(1 << 16);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sha256 *hash;
	ssize_t got;

	if (fd < 0)
		return -errno;
	hash = sha256_new();
	while ((got = read(fd, block, 1 << 16)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int code = -errno;

			sha256_free(hash);
			return code;
		}
		sha256_add(hash, block, (size_t)got);
	}
	sha256_finish(hash, ret_hex);
	return 0;
}

uint32_t crc32_of(const void *data, size_t length)
{
	return (uint32_t)crc32_z(0, data, length);
}
