/* test_guest_lines_recorded.c - streams of result lines that real guests sent. */
#include "files.h"
#include "guest_lines.h"
#include "memory.h"
#include "test.h"

static void cleanup_lines(struct guest_lines **lines)
{
	guest_lines_free(*lines);
}

static struct metric_info recorded_metrics[] = {
	{ .name = (char *)"fallocate_ns", .unit = (char *)"ns" },
	{ .name = (char *)"fallocate_gib_per_s", .unit = (char *)"GiB/s",
	  .kind = METRIC_RATE },
	{ .name = (char *)"page_init_ns", .unit = (char *)"ns" },
	{ .name = (char *)"page_init_node_ns", .unit = (char *)"ns" },
	{ .name = (char *)"page_init_total_ns", .unit = (char *)"ns" },
	{ .name = (char *)"page_init_pages_per_s", .unit = (char *)"1/s",
	  .kind = METRIC_RATE },
	{ .name = (char *)"spin_ns", .unit = (char *)"ns" },
};

static const struct workload_info recorded = {
	.name = (char *)"recorded", .metrics = recorded_metrics,
	.metrics_count = ARRAY_COUNT(recorded_metrics),
};

static const struct workload_info *const recorded_workloads[] = {
	&recorded, &recorded, &recorded, &recorded, &recorded, &recorded, &recorded,
	&recorded, &recorded,
};

/* Reads a fixture in pieces of some size. */
static void replay(const char *fixture, const struct guest_expectation *expect,
		   size_t piece, struct trial_result *result, char **ret_artifact)
{
	cleanup_with(cleanup_lines) struct guest_lines *lines = guest_lines_new(expect);
	const struct guest_artifact *artifacts;
	cleanup_free char *data = NULL;
	size_t length = 0, count;

	if (!test_check(file_read(test_fixture_path(fixture), 1 << 20, &data,
				  &length) == 0))
		return;
	for (size_t at = 0; at < length; at += piece)
		guest_lines_feed(lines, data + at,
				 length - at < piece ? length - at : piece);
	guest_lines_artifacts(lines, &artifacts, &count);
	*ret_artifact = string_copy(count ? artifacts[0].data : NULL);
	guest_lines_finish(lines, result);
}

static void test_recorded(void)
{
	static const char *const names[] = { "fill", "pages", "wakeup" };
	static const size_t pieces[] = { 1, 7, 4096, 1 << 20 };
	const struct guest_expectation expect = {
		.trial_id = "20261121-213000-quick-0001", .rows_count = 3,
		.workloads = recorded_workloads, .row_names = names,
	};
	cleanup_free char *json = NULL;

	CU_ASSERT_EQUAL(file_read(test_fixture_path("guest/cyclictest-guest.json"),
				  1 << 20, &json, NULL), 0);
	for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
		cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
		cleanup_free char *artifact = NULL;

		replay("guest/three-workloads.results", &expect, pieces[i], &result,
		       &artifact);
		CU_ASSERT_EQUAL(result.outcome, OUTCOME_PASSED);
		test_check_string(result.reason, NULL);
		test_check_string(result.kernel_release, "7.3.4");
		CU_ASSERT_EQUAL(result.samples_count, 14);
		test_check_string(artifact, json);
	}
}

static void test_recorded_bad_rows(void)
{
	static const char *const names[] = { "spin", "late", "crash", "fail", "skip",
					     "orphan", "flood", "exit", "last" };
	static const enum outcome outcomes[] = {
		OUTCOME_PASSED, OUTCOME_TIMED_OUT, OUTCOME_CRASHED, OUTCOME_FAILED,
		OUTCOME_SKIPPED, OUTCOME_PASSED, OUTCOME_BROKEN, OUTCOME_BROKEN,
		OUTCOME_PASSED,
	};
	const struct guest_expectation expect = {
		.trial_id = "20261121-213000-bad-0001", .rows_count = 9,
		.workloads = recorded_workloads, .row_names = names,
	};
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	cleanup_free char *artifact = NULL;

	replay("guest/bad-rows.results", &expect, 512, &result, &artifact);
	if (!test_check(result.rows_count == 9))
		return;
	for (size_t i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(result.rows[i].outcome, outcomes[i]);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_CRASHED);
	test_check_string(result.reason, "crash: killed by SIGSEGV");
	CU_ASSERT_EQUAL(result.samples_count, 70);
}

TEST_SUITE("guest_lines_recorded",
	   { "three workloads, in pieces", test_recorded },
	   { "rows that misbehave", test_recorded_bad_rows })
