/* test_child.c - the tests' own processes: a role that never ends does not hold them up,
 * and a fork beside threads that allocate gives a child that can allocate.
 */
#include "child.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "test.h"

#define FORKS_COUNT 40
#define ALLOCATORS_COUNT 2
#define CHILD_MS 5000

static int role_lines(void)
{
	printf("12\nsome words\n\nlast");
	return 3;
}
TEST_ROLE("child-lines", role_lines)

static void test_reads_lines(void)
{
	struct test_child child;
	char line[8];

	if (!test_check(test_child_start("child-lines", &child)))
		return;
	CU_ASSERT_EQUAL(test_child_number(&child), 12);
	CU_ASSERT_TRUE(test_child_line(&child, line, sizeof(line)));
	test_check_string(line, "some wo");
	CU_ASSERT_TRUE(test_child_line(&child, line, sizeof(line)));
	test_check_string(line, "rds");
	CU_ASSERT_TRUE(test_child_line(&child, line, sizeof(line)));
	test_check_string(line, "");
	CU_ASSERT_TRUE(test_child_line(&child, line, sizeof(line)));
	test_check_string(line, "last");
	CU_ASSERT_FALSE(test_child_line(&child, line, sizeof(line)));
	CU_ASSERT_EQUAL(test_child_wait(&child, CHILD_MS), 3);
	test_child_end(&child);
}

/* --- a fork beside threads that allocate ------------------------------------------- */

static atomic_bool is_over;

static void *allocate(void *context)
{
	do {
		for (size_t size = 16; size < 65536; size *= 2) {
			char *memory = malloc(size);

			if (memory)
				memory[size - 1] = 1;
			free(memory);
		}
	} while (!atomic_load(&is_over));
	return context;
}

/* Whether a child could do what it did. One that hangs is ours to end. */
static bool fork_once(void)
{
	pid_t pid = fork();
	bool is_gone;
	int status = 0;

	if (pid == 0) {
		allocate(NULL);
		_exit(0);
	}
	is_gone = pid > 0 && test_process_gone(pid, CHILD_MS);
	if (pid > 0 && !is_gone)
		(void)kill(pid, SIGKILL);
	return pid > 0 && waitpid(pid, &status, 0) == pid && is_gone && status == 0;
}

/* is_over is false when the children are made; each sets its own copy in time. */
static void stop_child(void)
{
	atomic_store(&is_over, true);
}

static int role_forks(void)
{
	pthread_t threads[ALLOCATORS_COUNT];

	for (size_t i = 0; i < ALLOCATORS_COUNT; i++)
		if (pthread_create(&threads[i], NULL, allocate, NULL) != 0)
			return 2;
	(void)pthread_atfork(NULL, NULL, stop_child);
	for (int i = 0; i < FORKS_COUNT; i++)
		if (!fork_once())
			return 1;
	atomic_store(&is_over, true);
	for (size_t i = 0; i < ALLOCATORS_COUNT; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
TEST_ROLE("child-forks", role_forks)

static void test_forks_beside_threads(void)
{
	struct test_child child;

	if (!test_check(test_child_start("child-forks", &child)))
		return;
	CU_ASSERT_EQUAL(test_child_wait(&child, 60000), 0);
	test_child_end(&child);
}

TEST_SUITE("child",
	   {"reads lines", test_reads_lines},
	   {"forks beside threads that allocate", test_forks_beside_threads})
