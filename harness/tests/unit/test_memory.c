/* test_memory.c - allocation that cannot fail. */
#include "memory.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "test.h"

static void test_zeroed(void)
{
	cleanup_free char *bytes = memory_alloc_array(100, 10);
	cleanup_free char *nothing = memory_alloc(0);
	size_t set_count = 0;

	for (size_t i = 0; i < 1000; i++)
		set_count += bytes[i] != 0;
	CU_ASSERT_EQUAL(set_count, 0);
	CU_ASSERT_PTR_NOT_NULL(nothing);
}

static void test_strings(void)
{
	cleanup_free char *part = string_copy_n("kernel", 3);
	cleanup_free char *text = string_format("%s-%d", part, 7);

	CU_ASSERT_PTR_NULL(string_copy(NULL));
	test_check_string(part, "ker");
	test_check_string(text, "ker-7");
}

static void test_realloc_keeps(void)
{
	cleanup_free uint32_t *items = memory_alloc_array(2, sizeof(*items));

	items[1] = 42;
	items = memory_realloc_array(items, 1000, sizeof(*items));
	CU_ASSERT_EQUAL(items[1], 42);
}

static int status_of(void (*action)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		action();
		_exit(0);
	}
	(void)waitpid(child, &status, 0);
	return status;
}

/* volatile: or the compiler sees that the product cannot be right. */
static volatile size_t huge_count = SIZE_MAX / 4 + 2;

static void allocate_overflow(void)
{
	free(memory_alloc_array(huge_count, 4));
}

static void reallocate_overflow(void)
{
	free(memory_realloc_array(NULL, huge_count, 4));
}

static void allocate_half(void)
{
	free(memory_alloc(huge_count * 2));
}

static void test_overflow_aborts(void)
{
	int status = status_of(allocate_overflow);

	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(reallocate_overflow);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(allocate_half);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST_SUITE("memory",
	   {"new memory is zeroed", test_zeroed},
	   {"strings", test_strings},
	   {"realloc keeps", test_realloc_keeps},
	   {"an overflowing size aborts", test_overflow_aborts})
