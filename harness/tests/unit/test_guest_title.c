/* test_guest_title.c - a guest whose vCPUs share CPUs is marked where reports name it. */
#include "guest_title.h"

#include "memory.h"
#include "test.h"

static void check(enum run_mode mode, const char *record, const char *expected)
{
	const struct stored_run run = { .mode = mode };
	const struct stored_cell cell = { .guest = (char *)"g", .guest_record = (char *)record };
	cleanup_free char *title = guest_title(&run, &cell);

	test_check_string(title, expected);
}

static void test_title(void)
{
	static const char shared[] =
		"{\"host_cpus_count\":2,\"overcommit\":true,\"vcpus_count\":4}";

	check(MODE_TIMED, "{\"overcommit\":false,\"vcpus_count\":4}", "g");
	check(MODE_TIMED, shared, "g (overcommitted: 4 vCPUs on 2 host CPUs)");
	check(MODE_EXACT, shared, "g");
	check(MODE_TIMED, "{\"overcommit\":true,\"vcpus_count\":4}",
	      "g (may be overcommitted: takes what CPUs the host has)");
	/* what an old or a broken store holds */
	check(MODE_TIMED, NULL, "g");
	check(MODE_TIMED, "{", "g");
	check(MODE_TIMED, "[]", "g");
	check(MODE_TIMED, "{\"host_cpus_count\":-1,\"vcpus_count\":\"x\"}", "g");
}

TEST_SUITE("guest_title", { "the mark of a shape", test_title })
