/* test_selftest.c - `kerngate selftest` with real guests, in exact mode, where what it
 * says does not hang on the host.
 */
#include <stdlib.h>
#include <string.h>

#include "boot_place.h"
#include "memory.h"
#include "test.h"

/* A loop that is 7 % longer, in a row that has a little else in it. */
static void check_found(const char *text)
{
	static const char line[] = "\n7 %         1    1    +";
	const char *at = strstr(text, line);
	double found = at ? strtod(at + strlen(line), NULL) : 0;

	CU_ASSERT_DOUBLE_EQUAL(found, 7, 0.2);
}

static void test_exact(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program all = PROGRAM_INIT, leg = PROGRAM_INIT;

	boot_place_write_campaign(&place, "  - {name: one}\n  - {name: two}\n",
				  "repeats_max: 0\n");
	all = start(&place, "selftest", "small", "--mode", "exact", "--blocks", "4",
		    "--slowdown", "7");
	if (!program_check(&all, 0))
		return;
	test_check_contains(all.text.data, "leg 1 of 2: self-test of the gate: nothing injected");
	test_check_contains(all.text.data, "\nnone        0    0        0 %");
	check_found(all.text.data);
	test_check_contains(all.text.data, "the gate is right: every leg gave what it must\n");
	/* one leg by itself is a gate */
	leg = start(&place, "selftest", "small", "--mode", "exact", "--blocks", "4", "--leg",
		    "7");
	program_check(&leg, 1);
	test_check_contains(leg.text.data, "REGRESSED (gate: exit 1)");
	if (boot_place_load_latest(&place, &run))
		test_check_contains(run.note, "self-test of the gate: +7 % injected");
}

TEST_SUITE("selftest", {"exact mode", test_exact})
