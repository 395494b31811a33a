/* test_comparison.c - from a run to judged entries, on a run in memory. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

static const struct comparison_entry *find(const struct comparison *c, uint32_t cell,
					   const char *metric)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->entries[i].cell == cell &&
		    strcmp(c->entries[i].judged.metric->name, metric) == 0)
			return &c->entries[i];
	return NULL;
}

static enum verdict verdict_of(const struct comparison *c, uint32_t cell, const char *metric)
{
	const struct comparison_entry *entry = find(c, cell, metric);

	return test_check(entry != NULL) ? entry->judged.verdict : VERDICT_NOT_COMPARABLE;
}

static void test_entries(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	const struct comparison_entry *entry;

	fake_run_init(&fake);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.count, 6);
	CU_ASSERT_EQUAL(c.control_count, 6);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_ns"), VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_gib_per_s"), VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "latency_p99_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "latency_max_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(verdict_of(&c, 1, "fallocate_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_FALSE(c.control_fired);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
	CU_ASSERT_EQUAL(c.differences.count, 0);
	entry = find(&c, 0, "latency_max_ns");
	CU_ASSERT_TRUE(entry->is_tail);
	CU_ASSERT_EQUAL(entry->variant, FAKE_PATCHED);
	/* Both copies of the baseline are one side. */
	CU_ASSERT_EQUAL(entry->judged.a_count, 2 * FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.b_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.blocks, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(c.control[0].judged.a_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(c.control[0].judged.b_count, FAKE_BLOCKS);
}

static void test_without_control(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.run.control = false;
	fake.run.control_variant = -1;
	/* The third variant is then a candidate like any other. */
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.control_count, 0);
	CU_ASSERT_EQUAL(c.count, 12);
	CU_ASSERT_FALSE(c.control_fired);
	CU_ASSERT_FALSE(c.control_can_fire);
	CU_ASSERT_EQUAL(c.entries[0].judged.a_count, FAKE_BLOCKS);
}

static bool value_other_copy(uint32_t cell, const char *metric, uint32_t variant,
			     uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)fake_value(cell, metric, variant, block, iteration, ret_value);
	if (variant == FAKE_CONTROL)
		*ret_value *= 1.2;
	return true;
}

/* Exchanging labels in pairs: 2 / 2^n must pass alpha, divided by four metrics
 * for Holm: six blocks do at 0.2, not at 0.05. */
static void test_control_fires(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = value_other_copy;
	fake.run.gate.alpha = 0.2;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_TRUE(c.control_can_fire);
	CU_ASSERT_TRUE(c.control_fired);
	CU_ASSERT_EQUAL(c.gate, GATE_NOT_COMPARABLE);
	comparison_release(&c);
	fake.run.gate.alpha = 0.05;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_FALSE(c.control_can_fire);
	CU_ASSERT_FALSE(c.control_fired);
}

static void test_policy_given(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	struct gate_policy policy = { .margin_percent = 20, .alpha = 0.05,
				      .confidence = 0.95,
				      .correction = CORRECTION_HOLM };
	struct error err = ERROR_INIT;

	fake_run_init(&fake);
	CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, &policy, &c, &err), 0);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.gate, GATE_PASS);
	CU_ASSERT_EQUAL(c.policy.margin_percent, 20);
}

static void test_lost_boots(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	const struct comparison_boots *boots;

	fake_run_init(&fake);
	fake_run_trial(&fake, 0, FAKE_PATCHED, 2)->outcome = OUTCOME_BROKEN;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 3)->state = TRIAL_PLANNED;
	fake_run_trial(&fake, 0, FAKE_STOCK, 4)->disturbed = true;
	fake_run_trial(&fake, 0, FAKE_STOCK, 5)->superseded = true;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(find(&c, 0, "fallocate_ns")->judged.b_count, FAKE_BLOCKS - 2);
	CU_ASSERT_EQUAL(find(&c, 0, "fallocate_ns")->judged.blocks, FAKE_BLOCKS - 2);
	boots = &c.boots[FAKE_PATCHED];
	CU_ASSERT_EQUAL(boots->planned, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(boots->finished, FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(boots->passed, FAKE_BLOCKS - 2);
	CU_ASSERT_EQUAL(boots->broken, 1);
	CU_ASSERT_EQUAL(c.boots[FAKE_STOCK].disturbed, 1);
	CU_ASSERT_EQUAL(c.boots[FAKE_STOCK].planned, FAKE_BLOCKS - 1);
	CU_ASSERT_FALSE(c.outcome_regressed);
}

/* One crash of the candidate decides, whatever the figures say. */
static void test_crash_decides(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.gate, GATE_PASS);
	comparison_release(&c);
	fake_run_trial(&fake, 1, FAKE_PATCHED, 0)->outcome = OUTCOME_CRASHED;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_TRUE(c.outcome_regressed);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
	comparison_release(&c);
	fake_run_trial(&fake, 0, FAKE_CONTROL, 1)->outcome = OUTCOME_TIMED_OUT;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_FALSE(c.outcome_regressed);
	CU_ASSERT_TRUE(c.outcome_suspect);
	CU_ASSERT_EQUAL(c.gate, GATE_INCONCLUSIVE);
	comparison_release(&c);
	/* The baseline alone: no fault of the candidate. */
	fake_run_trial(&fake, 1, FAKE_PATCHED, 0)->outcome = OUTCOME_PASSED;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_FALSE(c.outcome_regressed || c.outcome_suspect);
	CU_ASSERT_EQUAL(c.gate, GATE_PASS);
}

static void test_nothing_measured(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	for (size_t i = 0; i < fake.run.trials_count; i++)
		fake.run.trials[i].state = TRIAL_PLANNED;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.count, 6);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_ns"), VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(c.gate, GATE_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(c.boots[0].finished, 0);
}

static void check_differences(struct fake_run *fake, const char *fingerprint, size_t count,
			      const char *text)
{
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_set_fingerprint(fake_run_trial(fake, 0, FAKE_PATCHED, 2), fingerprint);
	fake_run_set_fingerprint(fake_run_trial(fake, 0, FAKE_PATCHED, 3), fingerprint);
	if (!fake_run_compare(fake, &c))
		return;
	CU_ASSERT_EQUAL(c.differences.count, count);
	if (count == 0) {
		CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_ns"), VERDICT_REGRESSED);
		return;
	}
	test_check_string(c.differences.items[0], text);
	/* Only that cell is set aside, and the gate with it. */
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "fallocate_ns"), VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "latency_max_ns"), VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(verdict_of(&c, 1, "fallocate_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.gate, GATE_NOT_COMPARABLE);
}

#define SAME                                                                   \
	"accelerator=tcg\nguest=up 0123\nhost.cpu_model=Example CPU 3000\n"    \
	"host.cpus=2\nhost.kernel_release=6.1.0-25-amd64\n"                    \
	"host.memory_mib=24103\n"

static void test_fingerprints(void)
{
	cleanup_fake struct fake_run fake;

	fake_run_init(&fake);
	/* What is compared may differ, in value or in being there. */
	check_differences(&fake, SAME "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n"
			  "toolchain=gcc (Debian 12.2.0-14) 12.2.0\n"
			  "variant.kernel_release=7.9\nvariant.cmdline=quiet\n", 0, NULL);
	check_differences(&fake, SAME "hypervisor=libvirt 9.0.0, QEMU 8.0.0\n"
			  "toolchain=gcc (Debian 12.2.0-14) 12.2.0\n", 1,
			  "up/quick: hypervisor is \"libvirt 9.0.0, QEMU 7.2.22\" in trial 1 "
			  "(stock), \"libvirt 9.0.0, QEMU 8.0.0\" in trial 15 (patched)");
	check_differences(&fake, SAME "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n", 1,
			  "up/quick: toolchain is \"gcc (Debian 12.2.0-14) 12.2.0\" in trial 1 "
			  "(stock), nothing in trial 15 (patched)");
	check_differences(&fake, SAME "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n"
			  "new=\ntoolchain=gcc (Debian 12.2.0-14) 12.2.0\n", 1,
			  "up/quick: new is nothing in trial 1 (stock), \"\" in trial 15 "
			  "(patched)");
	check_differences(&fake, "", 8, "up/quick: accelerator is \"tcg\" in trial 1 (stock), "
			  "nothing in trial 15 (patched)");
}

static void test_findings(void)
{
	const struct stored_finding findings[] = {
		{ 1000 + FAKE_PATCHED, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 1 } },
		{ 1000 + FAKE_PATCHED, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 9 } },
		{ 1003 + FAKE_PATCHED, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 1 } },
		{ 1000 + FAKE_CONTROL, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 1 } },
		{ 99, { FINDING_OOPS, (char[]){ "of no trial" }, NULL, 1 } },
	};
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.findings = findings;
	fake.findings_count = ARRAY_COUNT(findings);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.findings_count, 2);
	CU_ASSERT_EQUAL(c.findings[0].variant, FAKE_PATCHED);
	CU_ASSERT_EQUAL(c.findings[0].boots, 2);
	CU_ASSERT_EQUAL(c.findings[1].variant, FAKE_STOCK);
	CU_ASSERT_EQUAL(c.findings[1].boots, 1);
}

static void test_store_fails(void)
{
	for (int i = 1; i <= 6; i++) {
		cleanup_fake struct fake_run fake;
		struct comparison c = COMPARISON_INIT;
		struct error err = ERROR_INIT;

		fake_run_init(&fake);
		fake.fails_at = i;
		CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, NULL, &c, &err),
				-EIO);
		test_check_contains(err.message, "the disk is gone");
		CU_ASSERT_PTR_NULL(c.entries);
	}
}

/* --- exact mode -------------------------------------------------------------------- */

static void set_digest(struct stored_trial *trial, const char *digest)
{
	free(trial->digest);
	trial->digest = string_copy(digest);
}

/* A canary is the same sample once more, not another one. */
static void test_exact_pairs(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	const struct comparison_entry *entry;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.count, 10);
	CU_ASSERT_EQUAL(c.control_count, 0);
	CU_ASSERT_FALSE(c.control_fired);
	entry = find(&c, 0, "work_instructions");
	CU_ASSERT_EQUAL(entry->judged.a_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.b_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.blocks, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "latency_p99_ns"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "latency_max_ns"), VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(verdict_of(&c, 1, "work_instructions"), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
	CU_ASSERT_EQUAL(c.canaries[0].passed, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(c.canaries[1].cell, 1);
	CU_ASSERT_EQUAL(c.canaries[1].passed, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(c.canaries[0].failed + c.canaries[0].odd + c.canaries[0].unchecked, 0);
	CU_ASSERT_FALSE(c.canary_failed);
}

/* Where the baseline's own boot was the odd one, its canary stands for it. */
static void test_exact_odd_baseline(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	const struct comparison_entry *entry;
	struct stored_trial *repeat;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	set_digest(fake_run_trial(&fake, 0, FAKE_STOCK, 2), "odd");
	fake_run_trial(&fake, 0, FAKE_STOCK, 2)->superseded = true;
	/* The repeat of its canary; another block's trial gives up its place. */
	repeat = fake_run_trial(&fake, 0, FAKE_CONTROL, 5);
	repeat->block = 2;
	set_digest(repeat, fake_run_trial(&fake, 0, FAKE_CONTROL, 2)->digest);
	fake_run_trial(&fake, 0, FAKE_CONTROL, 2)->superseded = true;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.canaries[0].passed, FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(c.canaries[0].odd, 1);
	CU_ASSERT_FALSE(c.canary_failed);
	entry = find(&c, 0, "work_instructions");
	CU_ASSERT_EQUAL(entry->judged.a_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.a[FAKE_BLOCKS - 1].block, 2);
	CU_ASSERT_EQUAL(entry->judged.blocks, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(entry->judged.verdict, VERDICT_REGRESSED);
}

static void test_canary_fails(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	set_digest(fake_run_trial(&fake, 1, FAKE_CONTROL, 4), "another");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.canaries[1].failed, 1);
	CU_ASSERT_EQUAL(c.canaries[1].passed, FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(c.canaries[0].failed, 0);
	CU_ASSERT_TRUE(c.canary_failed);
	CU_ASSERT_EQUAL(verdict_of(&c, 1, "work_instructions"), VERDICT_NOT_COMPARABLE);
	test_check_contains(find(&c, 1, "fallocate_ns")->judged.reason, "not exact: ");
	/* The other cell is judged, but nothing of this run passes or fails. */
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "work_instructions"), VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.gate, GATE_NOT_COMPARABLE);
	comparison_release(&c);
	fake_run_trial(&fake, 1, FAKE_PATCHED, 0)->outcome = OUTCOME_CRASHED;
	if (fake_run_compare(&fake, &c))
		CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
}

static void test_canary_unchecked(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	set_digest(fake_run_trial(&fake, 0, FAKE_CONTROL, 0), "another");
	fake_run_trial(&fake, 0, FAKE_CONTROL, 0)->outcome = OUTCOME_BROKEN;
	fake_run_trial(&fake, 0, FAKE_CONTROL, 1)->state = TRIAL_PLANNED;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.canaries[0].unchecked, 2);
	CU_ASSERT_EQUAL(c.canaries[0].passed, FAKE_BLOCKS - 2);
	CU_ASSERT_FALSE(c.canary_failed);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
}

#define OTHER_HOST                                                             \
	"accelerator=tcg\nguest=up 0123\nhost.cpu_model=Other CPU\n"           \
	"host.cpus=64\nhost.extra=\ntoolchain=gcc (Debian 12.2.0-14) 12.2.0\n"

/* Exact trials may come from any host, but not from any QEMU. */
static void test_exact_hosts(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	fake_run_set_fingerprint(fake_run_trial(&fake, 0, FAKE_PATCHED, 2),
				 OTHER_HOST "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.differences.count, 0);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
	comparison_release(&c);
	fake_run_set_fingerprint(fake_run_trial(&fake, 0, FAKE_PATCHED, 2),
				 OTHER_HOST "hypervisor=libvirt 9.0.0, QEMU 10.0.13\n");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.differences.count, 1);
	CU_ASSERT_EQUAL(verdict_of(&c, 0, "work_instructions"), VERDICT_NOT_COMPARABLE);
	comparison_release(&c);
	/* In timed mode the host is what is measured on. */
	fake.run.mode = MODE_TIMED;
	fake_run_set_fingerprint(fake_run_trial(&fake, 0, FAKE_PATCHED, 2),
				 OTHER_HOST "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_TRUE(c.differences.count > 1);
	CU_ASSERT_PTR_NULL(c.canaries);
}

TEST_SUITE("comparison", { "entries", test_entries },
	   { "without control", test_without_control },
	   { "control fires", test_control_fires },
	   { "policy given", test_policy_given }, { "lost boots", test_lost_boots },
	   { "a crash decides", test_crash_decides },
	   { "nothing measured", test_nothing_measured },
	   { "fingerprints", test_fingerprints }, { "findings", test_findings },
	   { "the store fails", test_store_fails },
	   { "exact mode: pairs", test_exact_pairs },
	   { "exact mode: an odd baseline", test_exact_odd_baseline },
	   { "exact mode: a canary fails", test_canary_fails },
	   { "exact mode: canaries unchecked", test_canary_unchecked },
	   { "exact mode: hosts", test_exact_hosts })
