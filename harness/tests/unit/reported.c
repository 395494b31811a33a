/* reported.c - see reported.h. */
#include "reported.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

/* --- values ---------------------------------------------------------------------- */

static bool value_none(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		       uint32_t iteration, double *ret_value)
{
	(void)cell, (void)metric, (void)variant, (void)block, (void)iteration;
	(void)ret_value;
	return false;
}

static bool value_one_side(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
			   uint32_t iteration, double *ret_value)
{
	return variant != FAKE_PATCHED &&
	       fake_value(cell, metric, variant, block, iteration, ret_value);
}

/* What no store holds, but a damaged one might: the first boot of each side is NaN, the
 * second infinite. */
static bool value_not_finite(uint32_t cell, const char *metric, uint32_t variant,
			     uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)fake_value(cell, metric, variant, block, iteration, ret_value);
	if (block == 0)
		*ret_value = NAN;
	if (block == 1)
		*ret_value = iteration ? INFINITY : -INFINITY;
	return true;
}

static bool value_not_positive(uint32_t cell, const char *metric, uint32_t variant,
			       uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)cell, (void)metric, (void)iteration;
	*ret_value = block % 2 ? 0 : variant == FAKE_PATCHED ? -2.5 : 7;
	return true;
}

static bool value_other_copy(uint32_t cell, const char *metric, uint32_t variant,
			     uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)fake_value(cell, metric, variant, block, iteration, ret_value);
	if (variant == FAKE_CONTROL)
		*ret_value *= 1.2;
	return true;
}

/* --- scenes ------------------------------------------------------------------------ */

static void set(char **text, const char *value)
{
	free(*text);
	*text = string_copy(value);
}

static void make_regressed(struct fake_run *fake)
{
	(void)fake;
}

static void make_passed(struct fake_run *fake)
{
	fake->value = fake_value_equal;
}

static void make_inconclusive(struct fake_run *fake)
{
	fake->value = fake_value_equal;
	fake->run.gate.margin_percent = 0.2;
	set(&fake->run.state, "interrupted");
	fake_run_trial(fake, 1, FAKE_PATCHED, 5)->state = TRIAL_STARTED;
}

static void make_planned(struct fake_run *fake)
{
	set(&fake->run.state, "running");
	for (size_t i = 0; i < fake->run.trials_count; i++) {
		fake->run.trials[i].state = TRIAL_PLANNED;
		fake_run_set_fingerprint(&fake->run.trials[i], NULL);
	}
}

/* Takes out the trials that keep does not want. */
static void keep_trials(struct stored_run *run,
			bool (*keep)(const struct stored_trial *trial))
{
	size_t kept = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		if (keep(&run->trials[i]))
			run->trials[kept++] = run->trials[i];
		else
			free(run->trials[i].fingerprint);
	}
	run->trials_count = kept;
}

static bool keep_none(const struct stored_trial *trial)
{
	(void)trial;
	return false;
}

static bool keep_first_block(const struct stored_trial *trial)
{
	return trial->block == 0;
}

static bool keep_baseline(const struct stored_trial *trial)
{
	return trial->variant != FAKE_PATCHED;
}

static void make_empty(struct fake_run *fake)
{
	keep_trials(&fake->run, keep_none);
}

static void make_one_boot(struct fake_run *fake)
{
	keep_trials(&fake->run, keep_first_block);
}

static void make_alone(struct fake_run *fake)
{
	struct stored_variant *last = &fake->run.variants[FAKE_PATCHED];

	keep_trials(&fake->run, keep_baseline);
	free(last->label);
	free(last->name);
	free(last->kernel_key);
	free(last->cmdline);
	fake->run.variants_count = FAKE_PATCHED;
}

static void make_no_samples(struct fake_run *fake)
{
	fake->value = value_none;
}

static void make_one_side(struct fake_run *fake)
{
	fake->value = value_one_side;
}

static void make_not_finite(struct fake_run *fake)
{
	fake->value = value_not_finite;
}

static void make_not_positive(struct fake_run *fake)
{
	fake->value = value_not_positive;
}

static void make_control_fired(struct fake_run *fake)
{
	fake->value = value_other_copy;
	fake->run.gate.alpha = 0.2;
}

static void make_exact(struct fake_run *fake)
{
	fake_run_make_exact(fake);
}

static void make_canary_failed(struct fake_run *fake)
{
	fake_run_make_exact(fake);
	set(&fake_run_trial(fake, 1, FAKE_CONTROL, 0)->digest, "other");
}

static const struct stored_finding crash_findings[] = {
	{ 1002, { FINDING_LOCKDEP, (char[]){ "possible deadlock in hugetlb_fault" },
		  (char[]){ "WARNING: possible circular locking\n[  1.5] a <b> & c" },
		  12 } },
	{ 1014, { FINDING_PANIC, (char[]){ "Kernel panic: x" },
		  (char[]){ "[    2.000000] Kernel panic - not syncing: x" }, 40 } },
	{ 1014, { FINDING_PANIC, (char[]){ "Kernel panic: x" }, NULL, 44 } },
};

static void make_canary_not_run(struct fake_run *fake)
{
	fake_run_make_exact(fake);
	for (size_t i = 0; i < fake->run.trials_count; i++)
		if (fake->run.trials[i].variant == FAKE_CONTROL)
			fake->run.trials[i].state = TRIAL_PLANNED;
}

static void make_crashed(struct fake_run *fake)
{
	struct stored_trial *crashed = fake_run_trial(fake, 0, FAKE_PATCHED, 2);
	struct stored_trial *slow = fake_run_trial(fake, 1, FAKE_PATCHED, 3);

	fake->value = fake_value_equal;
	fake->findings = crash_findings;
	fake->findings_count = ARRAY_COUNT(crash_findings);
	crashed->outcome = OUTCOME_CRASHED;
	set(&crashed->reason, "Kernel panic: x");
	slow->outcome = OUTCOME_TIMED_OUT;
	set(&slow->reason, "no end marker after 60 s");
	fake_run_trial(fake, 1, FAKE_STOCK, 2)->disturbed = true;
	fake_run_trial(fake, 1, FAKE_PATCHED, 4)->outcome = OUTCOME_BROKEN;
	fake_run_trial(fake, 1, FAKE_PATCHED, 5)->superseded = true;
}

static void make_both_crashed(struct fake_run *fake)
{
	fake->value = fake_value_equal;
	fake_run_trial(fake, 0, FAKE_PATCHED, 2)->outcome = OUTCOME_CRASHED;
	fake_run_trial(fake, 0, FAKE_STOCK, 4)->outcome = OUTCOME_FAILED;
}

static const struct stored_finding nasty_findings[] = {
	{ 1000, { FINDING_BUG, (char[]){ "BUG: \xff\x01 <a> & \"b\" # c ]]>" },
		  (char[]){ "1..7\nok 1 fake\n\x1b[31m\xff\n\nnot ok 2 fake # SKIP\n"
			    "KTAP version 1\nBail out!" }, 3 } },
};

/* Names that no config allows, and what a console may say. */
static void make_nasty(struct fake_run *fake)
{
	struct stored_run *run = &fake->run;
	struct stored_row *row = &run->cells[0].rows[0];

	fake->findings = nasty_findings;
	fake->findings_count = ARRAY_COUNT(nasty_findings);
	set(&run->campaign, "c,\"1\" <&> .\n\xe2\x82\xac");
	set(&run->cells[0].guest, "u p/#\"'<&>\xff\xc3(\x07");
	set(&row->name, "x\r\ny, \"z\"\tk=v");
	set(&row->arguments, "a=\x1b[31m,b=\"1\"\nc=\xc3\xa4");
	set(&row->metrics[0].name, "m=1 #\x1b%-7");
	set(&row->metrics[0].unit, "a b\"\xc2\x85");
	set(&row->metrics[1].name, "m_1 _ %-7");
	set(&run->variants[FAKE_PATCHED].label, "p & <q>\xe2\x80\xa8# 1..2");
	set(&run->variants[FAKE_PATCHED].cmdline, "\x7f quiet \"a\"");
	fake_run_trial(fake, 0, FAKE_PATCHED, 1)->outcome = OUTCOME_FAILED;
	set(&fake_run_trial(fake, 0, FAKE_PATCHED, 1)->reason, "\xf0\x9f\x98\x80 # TODO\nok 1");
}

const struct reported_scene reported_scenes[] = {
	{ "regressed", make_regressed, GATE_REGRESSED },
	{ "passed", make_passed, GATE_PASS },
	{ "inconclusive", make_inconclusive, GATE_INCONCLUSIVE },
	{ "planned", make_planned, GATE_NOT_COMPARABLE },
	{ "empty", make_empty, GATE_NOT_COMPARABLE },
	{ "one-boot", make_one_boot, GATE_NOT_COMPARABLE },
	{ "alone", make_alone, GATE_NOT_COMPARABLE },
	{ "no-samples", make_no_samples, GATE_NOT_COMPARABLE },
	{ "one-side", make_one_side, GATE_NOT_COMPARABLE },
	{ "not-finite", make_not_finite, GATE_NOT_COMPARABLE },
	{ "not-positive", make_not_positive, GATE_NOT_COMPARABLE },
	{ "control-fired", make_control_fired, GATE_NOT_COMPARABLE },
	{ "exact", make_exact, GATE_REGRESSED },
	{ "canary-failed", make_canary_failed, GATE_NOT_COMPARABLE },
	{ "canary-not-run", make_canary_not_run, GATE_REGRESSED },
	{ "crashed", make_crashed, GATE_REGRESSED },
	{ "both-crashed", make_both_crashed, GATE_INCONCLUSIVE },
	{ "nasty", make_nasty, GATE_REGRESSED },
};
const size_t reported_scenes_count = ARRAY_COUNT(reported_scenes);

/* --- reports ------------------------------------------------------------------------- */

void reported_make(const char *scene, struct fake_run *ret_fake)
{
	fake_run_init(ret_fake);
	for (size_t i = 0; i < reported_scenes_count; i++) {
		if (strcmp(reported_scenes[i].name, scene) == 0) {
			reported_scenes[i].change(ret_fake);
			return;
		}
	}
	CU_FAIL("no such scene");
}

char *reported_text(struct fake_run *fake, enum report_format format)
{
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (test_check(!comparison_make_from(&fake->source, &fake->run, NULL, &c, &err)))
		CU_ASSERT_EQUAL(report_format_write_from(format, &fake->source, &fake->run, &c,
							 &text, &err), 0);
	test_check_string(err.message, "");
	return strbuf_detach(&text);
}

char *reported_write(const char *name, const char *text)
{
	char *path = path_join(test_temp_folder(), name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
	return path;
}

void reported_write_all(enum report_format format, struct strvec *ret_paths)
{
	for (size_t i = 0; i < reported_scenes_count; i++) {
		cleanup_fake struct fake_run fake;
		cleanup_free char *name = string_format("%s.%s", reported_scenes[i].name,
							report_format_name(format));
		cleanup_free char *text = NULL, *path = NULL;

		reported_make(reported_scenes[i].name, &fake);
		text = reported_text(&fake, format);
		path = reported_write(name, text);
		strvec_push(ret_paths, path);
	}
}

/* --- checks ----------------------------------------------------------------------------- */

void reported_check_golden(const char *name, const char *actual)
{
	cleanup_free char *relative = path_join("formats", name);

	test_check_golden(relative, actual);
}

char *reported_run(const char *const *argv, const struct strvec *more, int *ret_code)
{
	cleanup_strvec struct strvec all = STRVEC_INIT;
	cleanup_free char *log = path_join(test_temp_folder(), "output");
	const struct process_options options = { .output_path = log,
						 .timeout_ns = 60 * NS_PER_SECOND };
	char *text = NULL;

	strvec_push_all(&all, argv);
	for (size_t i = 0; more && i < more->count; i++)
		strvec_push(&all, more->items[i]);
	*ret_code = process_run((const char *const *)all.items, &options, NULL, NULL);
	if (*ret_code == -ENOENT) {
		test_skip(argv[0]);
		return NULL;
	}
	if (file_read(log, 1 << 20, &text, NULL) < 0)
		text = string_copy("");
	return text;
}
