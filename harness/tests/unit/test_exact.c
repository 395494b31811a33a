/* test_exact.c - seeds and names of exact mode, and the samples that come of a
 * count file: rows, rounds, own regions, and sequences that cannot be.
 */
#include "exact.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

#define ONE "kerngate-counts 1 api 1 vcpus 1 by block\n"
#define TWO "kerngate-counts 1 api 1 vcpus 2 by block\n"

static struct workload_info counted = { .name = (char[]){ "fill" },
					.is_counted = true };
static struct workload_info uncounted = { .name = (char[]){ "boot_log" } };
static const struct workload_info *const plan[] = { &counted, &uncounted, &counted };

static void cleanup_counts(struct plugin_counts *counts)
{
	plugin_counts_release(counts);
}

/* The lines between header and total, as a count file. */
static int counts_of(const char *header, const char *lines,
		     struct plugin_counts *ret_counts)
{
	const char *total = strcmp(header, ONE) ? "total 9 9 9 9" : "total 9 9";
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;
	size_t count = 2;
	int rc;

	for (const char *c = lines; *c; c++)
		count += *c == '\n';
	text = string_format("%s%s%s\nend %zu\n", header, lines, total, count);
	rc = plugin_counts_parse(text, strlen(text), ret_counts, &err);
	if (!test_check(rc == 0))
		fprintf(stderr, "%s\n%s\n", err.message, text);
	return rc;
}

/* A result with so many rows, all passed where nothing else is said. */
static struct trial_result result_of(size_t rows_count)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	result.rows = memory_alloc_array(rows_count, sizeof(*result.rows));
	result.rows_count = rows_count;
	return result;
}

/* "row metric iteration value" of each sample. Owned. */
static char *samples_text(const struct trial_result *result)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < result->samples_count; i++)
		strbuf_addf(&text, "%u %s %u %.17g\n", result->samples[i].row,
			    result->samples[i].metric, result->samples[i].iteration,
			    result->samples[i].value);
	return strbuf_detach(&text);
}

static void check_samples(const char *header, const char *lines, size_t rows_count,
			  struct trial_result *result, const char *expected)
{
	cleanup_with(cleanup_counts) struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;

	if (counts_of(header, lines, &counts) < 0)
		return;
	if (!test_check(exact_counts_samples(&counts, plan, rows_count, result,
					     &err) == 0))
		fprintf(stderr, "%s\n", err.message);
	text = samples_text(result);
	test_check_string(text, expected);
}

static void check_passed(const char *header, const char *lines, size_t rows_count,
			 const char *expected)
{
	cleanup_with(trial_result_release) struct trial_result result =
		result_of(rows_count);

	check_samples(header, lines, rows_count, &result, expected);
}

static void check_refused(const char *header, const char *lines, size_t rows_count,
			  const char *part)
{
	cleanup_with(cleanup_counts) struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	cleanup_with(trial_result_release) struct trial_result result =
		result_of(rows_count);
	struct error err = ERROR_INIT;

	if (counts_of(header, lines, &counts) < 0)
		return;
	CU_ASSERT_EQUAL(exact_counts_samples(&counts, plan, rows_count, &result, &err),
			-EBADMSG);
	test_check_contains(err.message, part);
	CU_ASSERT_EQUAL(result.samples_count, 0);
}

/* --- names and seeds ------------------------------------------------------------ */

static void test_modes(void)
{
	enum run_mode mode = MODE_EXACT;

	test_check_string(run_mode_name(MODE_TIMED), "timed");
	test_check_string(run_mode_name(MODE_EXACT), "exact");
	CU_ASSERT_EQUAL(run_mode_parse("timed", &mode), 0);
	CU_ASSERT_EQUAL(mode, MODE_TIMED);
	CU_ASSERT_EQUAL(run_mode_parse("exact", &mode), 0);
	CU_ASSERT_EQUAL(mode, MODE_EXACT);
	CU_ASSERT_EQUAL(run_mode_parse("Exact", &mode), -EINVAL);
	CU_ASSERT_EQUAL(run_mode_parse("", &mode), -EINVAL);
	CU_ASSERT_EQUAL(mode, MODE_EXACT);
}

static void test_seeds(void)
{
	uint64_t phases = 0, paddings = 0;

	for (uint64_t number = 1; number <= 1000; number++) {
		struct exact_seed seed = exact_seed_make(number);
		struct exact_seed again = exact_seed_make(number);
		struct exact_seed next = exact_seed_make(number + 1);

		CU_ASSERT_EQUAL(seed.number, number);
		CU_ASSERT_TRUE(seed.random <= INT64_MAX && seed.jitter <= INT64_MAX);
		CU_ASSERT_TRUE(seed.phase_turns <= 999999);
		CU_ASSERT_TRUE(seed.padding_bytes <= 258048);
		CU_ASSERT_EQUAL(seed.padding_bytes % 4096, 0);
		CU_ASSERT_TRUE(seed.random == again.random &&
			       seed.phase_turns == again.phase_turns &&
			       seed.padding_bytes == again.padding_bytes &&
			       seed.jitter == again.jitter);
		CU_ASSERT_TRUE(seed.random != next.random &&
			       seed.jitter != next.jitter);
		phases += seed.phase_turns;
		paddings += seed.padding_bytes;
	}
	/* Spread over the range, not gathered at one end of it. */
	CU_ASSERT_DOUBLE_EQUAL((double)phases / 1000, 500000, 50000);
	CU_ASSERT_DOUBLE_EQUAL((double)paddings / 1000, 129024, 13000);
	/* splitmix64's first number from 0, as published. */
	CU_ASSERT_EQUAL(exact_seed_make(0).random,
			UINT64_C(0xe220a8397b1dcdaf) & INT64_MAX);
}

static void test_metrics(void)
{
	size_t count = 0;
	const struct metric_info *metrics = exact_metrics(1, &count);

	if (test_check(count == 3)) {
		test_check_string(metrics[0].name, "work_instructions");
		CU_ASSERT_FALSE(metrics[0].secondary);
		CU_ASSERT_TRUE(metrics[1].secondary && metrics[2].secondary);
	}
	metrics = exact_metrics(2, &count);
	if (test_check(count == 5)) {
		test_check_string(metrics[3].name, "span_instructions");
		test_check_string(metrics[4].name, "parallelism_ratio");
		CU_ASSERT_EQUAL(metrics[4].better, BETTER_HIGHER);
	}
}

/* --- samples ---------------------------------------------------------------------- */

static void test_rounds(void)
{
	check_passed(ONE, "region 2 0 900 90\nregion 3 0 10 1\nregion 3 1 20 2\n"
		     "region 1 0 5000 5000\n", 1,
		     "0 work_instructions 0 11\n0 kernel_instructions 0 10\n"
		     "0 user_instructions 0 1\n0 work_instructions 1 22\n"
		     "0 kernel_instructions 1 20\n0 user_instructions 1 2\n");
}

/* Span is the busier vCPU's, of one region and of the sum of two. */
static void test_vcpus(void)
{
	check_passed(TWO, "region 3 0 10 20 5 7\nregion 1 0 9 9 9 9\n", 1,
		     "0 work_instructions 0 42\n0 kernel_instructions 0 15\n"
		     "0 user_instructions 0 27\n0 span_instructions 0 30\n"
		     "0 parallelism_ratio 0 1.3999999999999999\n");
	check_passed(TWO, "region 16 0 6 0 2 0\nregion 17 0 0 1 0 3\n"
		     "region 3 0 99 99 99 99\nregion 1 0 9 9 9 9\n", 1,
		     "0 work_instructions 0 12\n0 kernel_instructions 0 8\n"
		     "0 user_instructions 0 4\n0 span_instructions 0 9\n"
		     "0 parallelism_ratio 0 1.3333333333333333\n");
	check_passed(TWO, "region 3 0 0 0 0 0\nregion 1 0 0 0 0 0\n", 1,
		     "0 work_instructions 0 0\n0 kernel_instructions 0 0\n"
		     "0 user_instructions 0 0\n0 span_instructions 0 0\n"
		     "0 parallelism_ratio 0 1\n");
}

/* A warm-up's own regions belong to no round; each round has its own. */
static void test_own_regions(void)
{
	check_passed(ONE, "region 16 0 900 0\nregion 2 0 1000 0\n"
		     "region 16 1 7 0\nregion 16 2 1 0\nregion 4095 0 2 0\n"
		     "region 3 0 1000 0\nregion 3 1 50 0\nregion 1 0 1 0\n", 1,
		     "0 work_instructions 0 10\n0 kernel_instructions 0 10\n"
		     "0 user_instructions 0 0\n0 work_instructions 1 50\n"
		     "0 kernel_instructions 1 50\n0 user_instructions 1 0\n");
	/* Numbers that nobody has a meaning for are nobody's. */
	check_passed(ONE, "region 15 0 900 0\nregion 0 0 900 0\nregion 3 0 1 0\n"
		     "region 1 0 1 0\n", 1,
		     "0 work_instructions 0 1\n0 kernel_instructions 0 1\n"
		     "0 user_instructions 0 0\n");
}

/* Row n is visit n; the rounds of a workload that is not counted are dropped. */
static void test_rows(void)
{
	check_passed(ONE, "region 3 0 1 0\nregion 1 0 9 9\nregion 16 0 5 0\n"
		     "region 3 1 2 0\nregion 1 1 9 9\nregion 3 2 3 0\n"
		     "region 1 2 9 9\n", 3,
		     "0 work_instructions 0 1\n0 kernel_instructions 0 1\n"
		     "0 user_instructions 0 0\n2 work_instructions 0 3\n"
		     "2 kernel_instructions 0 3\n2 user_instructions 0 0\n");
}

/* Samples stand behind those that are there. */
static void test_kept_samples(void)
{
	cleanup_with(trial_result_release) struct trial_result result = result_of(1);

	trial_result_add_sample(&result, 0, "fallocate_ns", 0, 5);
	check_samples(ONE, "region 3 0 1 2\nregion 1 0 9 9\n", 1, &result,
		      "0 fallocate_ns 0 5\n0 work_instructions 0 3\n"
		      "0 kernel_instructions 0 1\n0 user_instructions 0 2\n");
}

/* A round that ended its program has no end; the rows after it are sound. */
static void test_cut_round(void)
{
	cleanup_with(trial_result_release) struct trial_result result = result_of(3);

	result.rows[0].outcome = OUTCOME_FAILED;
	check_samples(ONE, "region 16 0 4 0\nregion 3 0 8 0\nregion 16 1 5 0\ncut 3\n"
		      "cut 17\nregion 1 0 9 9\nregion 1 1 9 9\nregion 3 1 6 0\n"
		      "region 1 2 9 9\n", 3, &result,
		      "0 work_instructions 0 4\n0 kernel_instructions 0 4\n"
		      "0 user_instructions 0 0\n2 work_instructions 0 6\n"
		      "2 kernel_instructions 0 6\n2 user_instructions 0 0\n");
}

/* The guest died inside row 1: what it did there counts for nothing. */
static void test_open_row(void)
{
	cleanup_with(trial_result_release) struct trial_result result = result_of(3);

	result.rows[1].outcome = OUTCOME_CRASHED;
	result.rows[2].outcome = OUTCOME_BROKEN;
	check_samples(ONE, "region 3 0 1 0\nregion 1 0 9 9\nregion 3 1 2 0\nopen 1\n"
		      "open 3\n", 3, &result,
		      "0 work_instructions 0 1\n0 kernel_instructions 0 1\n"
		      "0 user_instructions 0 0\n");
}

/* Refused rows have a region and no round; rows never reached have neither. */
static void test_rows_without_rounds(void)
{
	cleanup_with(trial_result_release) struct trial_result result = result_of(3);

	result.rows[0].outcome = OUTCOME_BROKEN;
	result.rows[1].outcome = OUTCOME_SKIPPED;
	result.rows[2].outcome = OUTCOME_TIMED_OUT;
	check_samples(ONE, "region 1 0 1 1\nregion 1 1 1 1\n", 3, &result, "");
	check_samples(ONE, "", 3, &result, "");
}

/* A real guest's: a fill by two threads, an orphan left behind, a crash, a row
 * that was ended at its deadline, and a good one. */
static void test_real(void)
{
	cleanup_with(cleanup_counts) struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	cleanup_with(trial_result_release) struct trial_result result = result_of(5);
	const struct workload_info *const workloads[] = { &counted, &counted, &counted,
							  &counted, &counted };
	cleanup_free char *text = NULL, *samples = NULL;
	struct error err = ERROR_INIT;
	size_t length = 0;

	result.rows[2].outcome = OUTCOME_CRASHED;
	result.rows[3].outcome = OUTCOME_TIMED_OUT;
	if (!test_check(file_read(test_fixture_path("counts/rows.txt"), 65536, &text,
				  &length) == 0) ||
	    !test_check(plugin_counts_parse(text, length, &counts, &err) == 0) ||
	    !test_check(exact_counts_samples(&counts, workloads, 5, &result,
					     &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	CU_ASSERT_EQUAL(result.samples_count, (3 + 3 + 3) * 5);
	samples = samples_text(&result);
	/* The own region, not the round; the second visit, not the warm-up's. */
	test_check_contains(samples, "0 work_instructions 0 8880473\n");
	test_check_contains(samples, "0 span_instructions 0 8748702\n");
	test_check_contains(samples, "1 user_instructions 2 300223\n");
	test_check_contains(samples, "4 kernel_instructions 0 12910\n");
	CU_ASSERT_PTR_NULL(strstr(samples, "\n2 "));
	CU_ASSERT_PTR_NULL(strstr(samples, "\n3 "));
}

static void test_markers_missing(void)
{
	check_refused(ONE, "region 3 0 1 0\nlost 3\nregion 1 0 9 9\n", 1,
		      "1 regions began again");
	check_refused(ONE, "region 3 0 1 0\nstray 16\nstray 3\nregion 1 0 9 9\n", 1,
		      "2 regions ended that had not begun");
	check_refused(ONE, "region 3 0 1 0\nregion 1 0 9 9\nfull\n", 1,
		      "more regions than the plugin writes");
	check_refused(ONE, "region 3 0 1 0\nregion 1 0 9 9\nregion 1 1 9 9\n", 1,
		      "more rows ran than the 1 of the plan");
	check_refused(ONE, "region 3 0 1 0\nregion 1 0 9 9\n", 0,
		      "more rows ran than the 0 of the plan");
	check_refused(ONE, "region 3 0 1 0\nregion 1 0 9 9\nregion 3 1 1 0\n", 1,
		      "1 rounds after the last of 1 rows");
	check_refused(ONE, "region 3 0 1 0\n", 1, "1 rounds after the last of 0 rows");
}

/* What passed was measured. */
static void test_passed_unseen(void)
{
	check_refused(ONE, "", 1, "row 0 (fill) passed, but its markers are missing");
	check_refused(ONE, "region 1 0 9 9\n", 1,
		      "row 0 (fill) passed, but no round of it was seen");
	check_refused(ONE, "region 3 0 1 1\nregion 1 0 9 9\nregion 1 1 9 9\n"
		      "region 2 0 1 1\nregion 1 2 9 9\n", 3,
		      "row 2 (fill) passed, but no round of it was seen");
	check_refused(ONE, "region 3 0 1 1\nregion 1 0 9 9\n", 2,
		      "row 1 (boot_log) passed, but its markers are missing");
}

static void test_too_many_instructions(void)
{
	check_passed(ONE, "region 3 0 9007199254740991 0\nregion 1 0 9 9\n", 1,
		     "0 work_instructions 0 9007199254740991\n"
		     "0 kernel_instructions 0 9007199254740991\n"
		     "0 user_instructions 0 0\n");
	check_refused(ONE, "region 3 0 9007199254740991 1\nregion 1 0 9 9\n", 1,
		      "row 0, round 0: more than 9007199254740991 instructions");
	check_refused(ONE, "region 16 0 9007199254740991 0\nregion 16 1 1 0\n"
		      "region 3 0 1 1\nregion 1 0 9 9\n", 1, "row 0, round 0: more");
}

TEST_SUITE("exact", {"names of modes", test_modes},
	   {"seeds are made of their number", test_seeds},
	   {"metrics by the number of vCPUs", test_metrics},
	   {"rounds become samples", test_rounds},
	   {"work, span and parallelism of vCPUs", test_vcpus},
	   {"own regions stand for their round", test_own_regions},
	   {"visits of the row's region are rows", test_rows},
	   {"samples that are there stay", test_kept_samples},
	   {"a round that ended its program", test_cut_round},
	   {"a row that never ended", test_open_row},
	   {"rows that did not run", test_rows_without_rounds},
	   {"a real guest's rows", test_real},
	   {"refuses missing markers", test_markers_missing},
	   {"refuses passed rows without rounds", test_passed_unseen},
	   {"refuses counts beyond a double", test_too_many_instructions})
