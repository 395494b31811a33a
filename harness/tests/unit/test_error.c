/* test_error.c - messages for people. */
#include "error.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "test.h"

static void test_set(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(error_set(&err, -EINVAL, "row %d", 7), -EINVAL);
	CU_ASSERT_EQUAL(err.code, -EINVAL);
	test_check_string(err.message, "row 7");
}

static void test_set_errno(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(error_set_errno(&err, -ENOENT, "%s", "a.yaml"), -ENOENT);
	test_check_string(err.message, "a.yaml: No such file or directory");
}

static void test_prefix(void)
{
	struct error err = ERROR_INIT;

	error_set(&err, -EBUSY, "in use");
	CU_ASSERT_EQUAL(error_prefix(&err, "guest %s", "g1"), -EBUSY);
	CU_ASSERT_EQUAL(error_prefix(&err, "campaign"), -EBUSY);
	test_check_string(err.message, "campaign: guest g1: in use");
}

static void test_prefix_of_nothing(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(error_prefix(&err, "context"), -EIO);
	CU_ASSERT_EQUAL(err.code, -EIO);
}

static void test_no_object(void)
{
	CU_ASSERT_EQUAL(error_set(NULL, -EPERM, "x"), -EPERM);
	CU_ASSERT_EQUAL(error_set_errno(NULL, -EPERM, "x"), -EPERM);
	CU_ASSERT_EQUAL(error_prefix(NULL, "x"), -EIO);
}

static void test_own_message_as_argument(void)
{
	struct error err = ERROR_INIT;

	error_set(&err, -EINVAL, "inner");
	error_set(&err, -EIO, "outer: %s", err.message);
	test_check_string(err.message, "outer: inner");
}

static void test_long_message_is_cut(void)
{
	cleanup_free char *text = memory_alloc(3 * ERROR_MESSAGE_MAX);
	struct error err = ERROR_INIT;

	memset(text, 'x', ERROR_MESSAGE_MAX - 1);
	error_set(&err, -EINVAL, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	CU_ASSERT_EQUAL(err.message[ERROR_MESSAGE_MAX - 2], 'x');

	memset(text, 'x', 2 * ERROR_MESSAGE_MAX);
	error_set(&err, -EINVAL, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.message), ERROR_MESSAGE_MAX - 1);
	test_check_string(err.message + ERROR_MESSAGE_MAX - 5, "x...");
}

TEST_SUITE("error",
	   {"set", test_set},
	   {"set with errno", test_set_errno},
	   {"prefixes nest", test_prefix},
	   {"prefix of nothing is an I/O error", test_prefix_of_nothing},
	   {"no object wanted", test_no_object},
	   {"own message as argument", test_own_message_as_argument},
	   {"a long message is cut", test_long_message_is_cut})
