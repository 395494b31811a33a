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
 *
 * A role has TEST_ROLE_LIMIT_S from its start. One that takes longer is ended, and the
 * test fails with a sentence that names it: no test waits for ever.
 */
#ifndef KERNGATE_TESTS_CHILD_H
#define KERNGATE_TESTS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

void test_role_run(const char *name, int (*run)(void));

#define TEST_ROLE(role_name, function)                                         \
	__attribute__((constructor)) static void function##_register(void)     \
	{                                                                      \
		test_role_run(role_name, function);                            \
	}

#define TEST_ROLE_LIMIT_S 300

struct test_child {
	pid_t pid;
	int output;        /* its stdout */
	bool is_reaped;
	const char *role;  /* borrowed */
	uint32_t limit_s;
	uint64_t start_ns; /* clock_monotonic_ns */
};

/* Environment is inherited. */
bool test_child_start(const char *role, struct test_child *ret_child);
/* Another limit, still from its start. */
void test_child_limit(struct test_child *child, uint32_t limit_s);
/* The next line it prints, without its newline, or the next size - 1 bytes of it; false
 * at the end of its output, and where it was ended by its limit. */
bool test_child_line(struct test_child *child, char *line, size_t size);
/* The next line it prints, as a number; -1 if none comes within 20 s. */
long test_child_number(struct test_child *child);
/* Waits for its end, at most timeout_ms (one that takes longer is ended and fails the
 * test): its exit status, 128 + n after signal n, or -1. */
int test_child_wait(struct test_child *child, int timeout_ms);
/* Kills it if it still runs, reaps it, closes its output. */
void test_child_end(struct test_child *child);

/* Whether the process (anybody's) has ended, zombies included, within the time. */
bool test_process_gone(pid_t pid, int timeout_ms);

#endif
