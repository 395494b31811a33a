#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "accelerator.h"
#include "clock.h"
#include "test.h"

static struct accelerator_probe judge(struct accelerator_outcome outcome)
{
	struct accelerator_probe probe;

	memset(&probe, 0x5a, sizeof(probe));
	accelerator_judge(&outcome, &probe);
	return probe;
}

static void check_unusable(struct accelerator_outcome outcome, const char *why)
{
	struct accelerator_probe probe = judge(outcome);

	CU_ASSERT_FALSE(probe.usable);
	test_check_contains(probe.reason, why);
}

static void test_choices(void)
{
	enum accelerator_choice choice = CHOICE_AUTO;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(accelerator_choice_parse("tcg", &choice, &err), 0);
	CU_ASSERT_EQUAL(choice, CHOICE_TCG);
	CU_ASSERT_EQUAL(accelerator_choice_parse("kvm", &choice, &err), 0);
	CU_ASSERT_EQUAL(choice, CHOICE_KVM);
	CU_ASSERT_EQUAL(accelerator_choice_parse("auto", &choice, &err), 0);
	CU_ASSERT_EQUAL(choice, CHOICE_AUTO);
	CU_ASSERT_EQUAL(err.code, 0);
}

static void test_bad_choices(void)
{
	static const char *const texts[] = { "", "KVM ", "kvmm", "auto,kvm", "1" };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		enum accelerator_choice choice = CHOICE_TCG;
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(accelerator_choice_parse(texts[i], &choice,
							 &err), -EINVAL);
		CU_ASSERT_EQUAL(choice, CHOICE_TCG);
		test_check_contains(err.message, "auto, kvm, tcg");
	}
}

static void test_judges_fast(void)
{
	struct accelerator_probe probe = judge((struct accelerator_outcome){
		.step = STEP_EXITED, .exit_reason = KVM_EXIT_IO,
		.loop_ns = 120000 });

	CU_ASSERT_TRUE(probe.usable);
	CU_ASSERT_EQUAL(probe.loop_ns, 120000);
	test_check_contains(probe.reason, "0.120 ms");
	probe = judge((struct accelerator_outcome){
		.step = STEP_EXITED, .exit_reason = KVM_EXIT_IO,
		.loop_ns = ACCELERATOR_LOOP_MAX_NS });
	CU_ASSERT_TRUE(probe.usable);
}

static void test_judges_slow(void)
{
	struct accelerator_outcome outcome = {
		.step = STEP_EXITED, .exit_reason = KVM_EXIT_IO,
		.loop_ns = ACCELERATOR_LOOP_MAX_NS + 1 };

	check_unusable(outcome, "emulated");
	CU_ASSERT_EQUAL(judge(outcome).loop_ns, ACCELERATOR_LOOP_MAX_NS + 1);
	outcome.loop_ns = 0;
	check_unusable(outcome, "without a time");
}

static void test_judges_failures(void)
{
	struct accelerator_outcome outcome = { .step = STEP_NOTHING };

	check_unusable(outcome, "died");
	outcome.timed_out = true;
	check_unusable(outcome, "2 s");
	outcome = (struct accelerator_outcome){ .step = STEP_OPEN,
						.error_number = ENOENT };
	check_unusable(outcome, "does not exist");
	outcome.error_number = EACCES;
	check_unusable(outcome, "no permission");
	outcome.error_number = ENXIO;
	check_unusable(outcome, "no driver");
	outcome.error_number = EMFILE;
	check_unusable(outcome, strerror(EMFILE));
	outcome = (struct accelerator_outcome){ .step = STEP_VERSION,
						.api_version = 11 };
	check_unusable(outcome, "version 11, expected 12");
	outcome = (struct accelerator_outcome){ .step = STEP_SETUP,
						.error_number = ENOMEM,
						.name = "KVM_CREATE_VM" };
	check_unusable(outcome, "KVM_CREATE_VM");
	outcome = (struct accelerator_outcome){ .step = STEP_RUN,
						.error_number = EFAULT };
	check_unusable(outcome, strerror(EFAULT));
}

static void test_judges_exits(void)
{
	struct accelerator_outcome outcome = {
		.step = STEP_EXITED, .exit_reason = KVM_EXIT_INTERNAL_ERROR,
		.detail = 1, .loop_ns = 1000 };

	/* An earlier run's time does not make a failed one good. */
	check_unusable(outcome, "KVM_EXIT_INTERNAL_ERROR");
	CU_ASSERT_EQUAL(judge(outcome).loop_ns, 0);
	outcome.exit_reason = KVM_EXIT_HLT;
	check_unusable(outcome, "KVM_EXIT_HLT");
	outcome.exit_reason = KVM_EXIT_SHUTDOWN;
	check_unusable(outcome, "KVM_EXIT_SHUTDOWN");
	outcome.exit_reason = KVM_EXIT_FAIL_ENTRY;
	outcome.detail = 0x80000021;
	check_unusable(outcome, "0x80000021");
	outcome.exit_reason = 9999;
	check_unusable(outcome, "9999");
}

/* Whatever this host is: an answer in time, in words, and choices that follow. */
static void test_probe(void)
{
	enum accelerator accelerator = ACCELERATOR_TCG;
	struct accelerator_probe probe, again;
	uint64_t start_ns = clock_monotonic_ns();
	struct error err = ERROR_INIT;
	int code;

	accelerator_probe(&probe);
	CU_ASSERT_TRUE(clock_monotonic_ns() - start_ns < 4 * NS_PER_SECOND);
	CU_ASSERT_TRUE(strlen(probe.reason) > 10);
	CU_ASSERT_TRUE(!probe.usable ||
		       probe.loop_ns <= ACCELERATOR_LOOP_MAX_NS);
	code = accelerator_choose(CHOICE_KVM, &accelerator, &again, &err);
	if (probe.usable) {
		CU_ASSERT_EQUAL(code, 0);
		CU_ASSERT_EQUAL(accelerator, ACCELERATOR_KVM);
	} else {
		CU_ASSERT_EQUAL(code, -ENOTSUP);
		CU_ASSERT_EQUAL(accelerator, ACCELERATOR_TCG);
		test_check_contains(err.message, "not usable here");
	}
}

static void test_choose_without_kvm(void)
{
	enum accelerator accelerator = ACCELERATOR_KVM;
	struct accelerator_probe probe;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(accelerator_choose(CHOICE_TCG, &accelerator, &probe,
					   &err), 0);
	CU_ASSERT_EQUAL(accelerator, ACCELERATOR_TCG);
	CU_ASSERT_FALSE(probe.usable);
	test_check_contains(probe.reason, "tcg was asked for");
	CU_ASSERT_EQUAL(accelerator_choose(CHOICE_AUTO, &accelerator, &probe,
					   &err), 0);
	CU_ASSERT_EQUAL(accelerator, probe.usable ? ACCELERATOR_KVM :
						    ACCELERATOR_TCG);
}

TEST_SUITE("accelerator",
	   {"choices are read", test_choices},
	   {"other words are refused", test_bad_choices},
	   {"a fast loop is usable", test_judges_fast},
	   {"a slow loop is emulated", test_judges_slow},
	   {"failures before the loop", test_judges_failures},
	   {"exits other than the one wanted", test_judges_exits},
	   {"the probe answers in time", test_probe},
	   {"auto and tcg", test_choose_without_kvm})
