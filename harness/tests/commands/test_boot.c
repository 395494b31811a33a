/* `kerngate boot` as far as it goes without a guest. */
#include "program.h"
#include "test.h"

static void expect_usage(const struct program_run *run, const char *part)
{
	CU_ASSERT_EQUAL(run->status, 64);
	test_check_string(run->out, "");
	test_check_contains(run->err, part);
}

static void test_wrong_arguments(void)
{
	cleanup_program struct program_run none = { 0 }, two = { 0 }, both = { 0 };
	cleanup_program struct program_run zero = { 0 }, word = { 0 }, typo = { 0 };

	program_run(&none, "boot");
	expect_usage(&none, "boot: needs a variant");
	program_run(&two, "boot", "stock", "patched");
	expect_usage(&two, "\"patched\" is one argument too many");
	program_run(&both, "boot", "stock", "--shell", "--count", "2");
	expect_usage(&both, "do not go together");
	program_run(&zero, "boot", "stock", "--count", "0");
	expect_usage(&zero, "expected a number from 1 to 1000");
	program_run(&word, "boot", "stock", "--count=many");
	expect_usage(&word, "expected a number from 1 to 1000");
	program_run(&typo, "boot", "stock", "--shel");
	expect_usage(&typo, "did you mean --shell?");
}

static void test_wrong_names(void)
{
	cleanup_program struct program_run variant = { 0 }, guest = { 0 };
	cleanup_program struct program_run campaign = { 0 };

	program_run(&variant, "boot", "stok");
	CU_ASSERT_EQUAL(variant.status, 2);
	test_check_contains(variant.err, "stock");
	program_run(&guest, "boot", "stock", "--guest", "smp");
	CU_ASSERT_EQUAL(guest.status, 2);
	test_check_contains(guest.err, "smp2");
	program_run(&campaign, "boot", "stock", "--campaign", "quik");
	CU_ASSERT_EQUAL(campaign.status, 2);
	test_check_contains(campaign.err, "quick");
}

/* What no host can do is said before a kernel is built. */
static void test_unusable_accelerator(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "boot", "stock", "--accel", "kvm", "--connect",
		    "test:///default", "--cache", "/proc/nowhere");
	CU_ASSERT_EQUAL(run.status, 2);
	/* Where KVM works, the cache is what cannot be had. */
	test_check(run.err[0] != '\0');
}

TEST_SUITE("boot",
	   {"wrong arguments", test_wrong_arguments},
	   {"wrong names", test_wrong_names},
	   {"what cannot work", test_unusable_accelerator})
