/* test.h - the test frame on CUnit. A file of tests ends with its suite:
 *
 *     static void test_adds(void) { CU_ASSERT_EQUAL(1 + 1, 2); }
 *
 *     TEST_SUITE("strbuf", {"adds grow", test_adds}, {"cuts", test_cuts})
 *
 * which a constructor registers; test_main.c runs them. Use CU_ASSERT* without
 * _FATAL: those jump past cleanup attributes. Return early instead where going
 * on makes no sense: `if (!test_check(pointer != NULL)) return;`. A test
 * without any assertion counts as failed.
 */
#ifndef KERNGATE_TESTS_TEST_H
#define KERNGATE_TESTS_TEST_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

struct test_case {
	const char *name;
	void (*run)(void);
};

void test_suite_register(const char *name, const struct test_case *cases,
			 size_t count);

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST_SUITE(suite_name, ...)                                            \
	static const struct test_case TEST_JOIN(test_cases_, __LINE__)[] = {   \
		__VA_ARGS__                                                    \
	};                                                                     \
	__attribute__((constructor)) static void                               \
	TEST_JOIN(test_register_, __LINE__)(void)                              \
	{                                                                      \
		test_suite_register(                                           \
			suite_name, TEST_JOIN(test_cases_, __LINE__),          \
			ARRAY_COUNT(TEST_JOIN(test_cases_, __LINE__)));        \
	}

/* An assertion whose value can be used. */
#define test_check(condition) test_check_(!!(condition), #condition, __FILE__, __LINE__)
bool test_check_(bool holds, const char *text, const char *file, int line);

/* Equal strings (NULL allowed); on a failure both are printed. */
#define test_check_string(actual, expected)                                    \
	test_check_string_(actual, expected, #actual, __FILE__, __LINE__)
bool test_check_string_(const char *actual, const char *expected,
			const char *text, const char *file, int line);

/* text holds part; on a failure both are printed. */
#define test_check_contains(text, part)                                        \
	test_check_contains_(text, part, #text, __FILE__, __LINE__)
bool test_check_contains_(const char *text, const char *part, const char *name,
			  const char *file, int line);

/* Marks the running test as skipped; the test then returns. Only for what this
 * host cannot do, never for what is not written yet. */
void test_skip(const char *reason);

/* All borrowed, valid to the end of the program. */
const char *test_root(void);                     /* project root, absolute */
const char *test_fixture_path(const char *name); /* harness/tests/fixtures/NAME */
/* text must be the fixture NAME. With $KERNGATE_GOLDEN=write it is written first. */
void test_check_golden(const char *name, const char *text);
const char *test_temp_folder(void); /* a new empty folder with each call; removed at the end */

#endif
