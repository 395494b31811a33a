/* test_hash.c - published test vectors: FIPS 180-4 examples, CRC catalogue. */
#include "hash.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

static const char abc_hex[] =
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty_hex[] =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char million_a_hex[] =
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void test_vectors(void)
{
	cleanup_free char *million = memory_alloc(1000000);
	char hex[SHA256_HEX_SIZE];

	sha256_of("", 0, hex);
	test_check_string(hex, empty_hex);
	sha256_of("abc", 3, hex);
	test_check_string(hex, abc_hex);
	memset(million, 'a', 1000000);
	sha256_of(million, 1000000, hex);
	test_check_string(hex, million_a_hex);
}

static void test_parts(void)
{
	struct sha256 *hash = sha256_new();
	char hex[SHA256_HEX_SIZE];

	sha256_add(hash, "a", 1);
	sha256_add(hash, NULL, 0);
	sha256_add(hash, "bc", 2);
	sha256_finish(hash, hex);
	test_check_string(hex, abc_hex);
	sha256_free(NULL);
	sha256_free(sha256_new());
}

static void hash_fields(const char *key_a, const char *value_a,
			const char *key_b, const char *value_b,
			char ret_hex[SHA256_HEX_SIZE])
{
	struct sha256 *hash = sha256_new();

	sha256_add_field(hash, key_a, value_a);
	sha256_add_field(hash, key_b, value_b);
	sha256_finish(hash, ret_hex);
}

static void test_fields_do_not_run_together(void)
{
	char one[SHA256_HEX_SIZE], other[SHA256_HEX_SIZE];

	hash_fields("a", "b", "c", "d", one);
	hash_fields("a", "b", "c", "d", other);
	test_check_string(one, other);
	hash_fields("a", "b\n1,1:c=d", "", "", other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
	hash_fields("a=b", "", "c", "d", other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
}

static void test_file(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "data");
	cleanup_free char *million = memory_alloc(1000000);
	char hex[SHA256_HEX_SIZE] = "untouched";

	CU_ASSERT_EQUAL(sha256_of_file(path, hex), -ENOENT);
	CU_ASSERT_EQUAL(sha256_of_file(test_temp_folder(), hex), -EISDIR);
	test_check_string(hex, "untouched");
	memset(million, 'a', 1000000);
	CU_ASSERT_EQUAL(file_write_atomic(path, million, 1000000, 0644), 0);
	CU_ASSERT_EQUAL(sha256_of_file(path, hex), 0);
	test_check_string(hex, million_a_hex);
}

static void test_crc(void)
{
	CU_ASSERT_EQUAL(crc32_of("", 0), 0);
	CU_ASSERT_EQUAL(crc32_of("123456789", 9), 0xcbf43926u);
	CU_ASSERT_NOT_EQUAL(crc32_of("123456788", 9), 0xcbf43926u);
}

TEST_SUITE("hash",
	   {"SHA-256 vectors", test_vectors},
	   {"SHA-256 in parts", test_parts},
	   {"fields do not run together", test_fields_do_not_run_together},
	   {"SHA-256 of a file", test_file},
	   {"CRC-32", test_crc})
