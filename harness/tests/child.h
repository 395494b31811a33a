/* child.h - processes of a test: this program again, in a role. A role is a
 * function that runs instead of main(), before any test:
 *
 *     static int role_victim(void) { ...; return 0; }
 *     TEST_ROLE("victim", role_victim)
 *
 *     struct test_child child;
 *     if (!test_check(test_child_start("victim", &child))) return;
 *     long pid = test_child_number(&child);    // a line that it printed
 *     test_child_end(&child);                  // kills and reaps it
 */
#ifndef KERNGATE_TESTS_CHILD_H
#define KERNGATE_TESTS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

void test_role_run(const char *name, int (*run)(void));

#define TEST_ROLE(role_name, function)                                         \
	__attribute__((constructor)) static void function##_register(void)     \
	{                                                                      \
		test_role_run(role_name, function);                            \
	}

struct test_child {
	pid_t pid;
	FILE *output;      /* its stdout */
	bool is_reaped;
};

/* Environment is inherited. */
bool test_child_start(const char *role, struct test_child *ret_child);
/* The next line it prints, as a number; -1 if none comes within 20 s. */
long test_child_number(struct test_child *child);
/* Waits for its end, at most timeout_ms: its exit status, 128 + n after signal
 * n, or -1. */
int test_child_wait(struct test_child *child, int timeout_ms);
/* Kills it if it still runs, reaps it, closes its output. */
void test_child_end(struct test_child *child);

/* Whether the process (anybody's) has ended, zombies included, within the time. */
bool test_process_gone(pid_t pid, int timeout_ms);

#endif
