/* hash.h - SHA-256 (FIPS 180-4, by libcrypto) and CRC-32 (IEEE 802.3, as in
 * zlib and gzip: reflected polynomial 0xEDB88320, initial and final ~0).
 */
#ifndef KERNGATE_BASE_HASH_H
#define KERNGATE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

#define SHA256_HEX_SIZE 65 /* 64 lower-case hex digits and a NUL */

struct sha256;

/* sha256_new .. sha256_add* .. sha256_finish (which also frees). */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *hash, const void *data, size_t length);
/* Adds "key=value\n" with both lengths, so that fields cannot run together. */
void sha256_add_field(struct sha256 *hash, const char *key, const char *value);
void sha256_finish(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE]);
void sha256_free(struct sha256 *hash); /* NULL allowed */

void sha256_of(const void *data, size_t length, char ret_hex[SHA256_HEX_SIZE]);
int sha256_of_file(const char *path, char ret_hex[SHA256_HEX_SIZE]) must_check;

uint32_t crc32_of(const void *data, size_t length);

#endif
