/* test_results_index.c - verdicts of runs that are kept, and what the index makes of many
 * nights.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "history_run.h"
#include "index_run.h"
#include "memory.h"
#include "results_index_parts.h"
#include "run_store_private.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_index cleanup_with(results_index_release)

static int64_t ask(struct run_store *store, const char *sql)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(!statement_prepare(store, sql, &st, &err)) ||
	    !test_check(statement_step(&st, &err) == 1))
		return -1;
	return statement_integer(&st, 0);
}

static void change(struct run_store *store, const char *sql)
{
	CU_ASSERT_EQUAL(sqlite3_exec(store->database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static bool fill(struct run_store *store)
{
	struct error err = ERROR_INIT;
	int rc = results_index_fill(store, &err);

	test_check_string(err.message, "");
	return !rc;
}

/* --- verdicts ------------------------------------------------------------------------------ */

/* Runs of an older store are judged once, and again when the rule is another one. */
static void test_fill(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_night night = { .factor = 1.2, .blocks_count = 8 };
	cleanup_run struct stored_run unfinished = sample_run(2, 1);

	if (!store || !history_night_store(store, &night) ||
	    !sample_store_begin(store, &unfinished) || !fill(store))
		return;
	/* 2 cells x 2 rows x 2 metrics of "patched"; its times are 20 % more everywhere */
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts WHERE NOT is_history"), 8);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts v JOIN series s USING (series)"
				   " WHERE s.metric = 'fallocate_ns' AND s.variant = 'patched' AND"
				   " v.verdict = 'regressed' AND abs(v.ratio - 1.2) < 0.01 AND"
				   " v.p < 0.05 AND v.low > 1.1"), 4);
	CU_ASSERT_EQUAL(ask(store, "SELECT gate FROM runs WHERE verdicts_rule > 0"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM runs WHERE verdicts_rule = 0"), 1);
	change(store, "UPDATE verdicts SET verdict = 'improved'");
	if (fill(store))
		CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts"
					   " WHERE verdict = 'improved'"), 8);
	change(store, "UPDATE runs SET verdicts_rule = 1000 WHERE verdicts_rule > 0");
	if (fill(store))
		CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts"
					   " WHERE verdict = 'improved'"), 0);
}

/* One that cannot be read is told, and does not hide the others. */
static void test_fill_bad_run(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	struct error err = ERROR_INIT;
	cleanup_free char *id = history_night_id(0);

	if (!store || !history_nights_store(store, 2, 2, 1) || !fill(store))
		return;
	change(store, "UPDATE runs SET verdicts_rule = 0; DELETE FROM verdicts;"
		      "PRAGMA ignore_check_constraints = 1;"
		      "UPDATE metrics SET kind = 'odd' WHERE run = 1");
	CU_ASSERT_EQUAL(results_index_fill_run(store, id, &err), -EUCLEAN);
	test_check_contains(err.message, "verdicts of run 20260101");
	if (fill(store))
		CU_ASSERT_EQUAL(ask(store, "SELECT count(DISTINCT run) FROM verdicts"
					   " WHERE run <> 1"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts WHERE run = 1"), 0);
}

/* What against_make said of two variants, one after the other; a name that the run does not
 * have is passed over. */
static void test_keep_against(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_night night = { .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&night);
	struct metric_info *info = &run.cells[0].rows[0].metrics[0];
	struct against_entry entries[2] = {
		{ .guest = "up", .suite = "quick", .row = "first",
		  .judged = { .metric = info, .verdict = VERDICT_REGRESSED, .ratio = 1.5,
			      .p_adjusted = 0.01 } },
		{ .guest = "up", .suite = "quick", .row = "none", .judged = { .metric = info } },
	};
	const struct against against = { .entries = entries, .count = 2 };
	struct error err = ERROR_INIT;

	if (!store || !history_night_finish(store, &run, &night) || !fill(store))
		return;
	CU_ASSERT_EQUAL(results_index_keep_against(store, &run, 0, &against, &err), 0);
	CU_ASSERT_EQUAL(results_index_keep_against(store, &run, 1, &against, &err), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts WHERE is_history AND"
				   " verdict = 'regressed' AND ratio = 1.5 AND p = 0.01"), 2);
	entries[0].judged.verdict = VERDICT_EQUIVALENT;
	CU_ASSERT_EQUAL(results_index_keep_against(store, &run, 1, &against, &err), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts WHERE is_history"), 2);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts JOIN series USING (series) WHERE"
				   " is_history AND verdict = 'equivalent' AND"
				   " variant = 'patched'"), 1);
	test_check_string(err.message, "");
}

/* --- the data -------------------------------------------------------------------------------- */

static bool load(struct run_store *store, struct results_index *ret)
{
	struct error err = ERROR_INIT;
	int rc = results_index_load(store, ret, &err);

	test_check_string(err.message, "");
	return !rc;
}

static const struct index_line *find_line(const struct index_campaign *campaign,
					  const char *guest, const char *metric)
{
	for (size_t i = 0; i < campaign->lines_count; i++) {
		const struct history_series *series = campaign->lines[i].series;

		if (!strcmp(series->guest, guest) && !strcmp(series->row, "first") &&
		    !strcmp(series->metric, metric))
			return &campaign->lines[i];
	}
	return NULL;
}

static size_t count_marks(const struct index_campaign *campaign, const uint8_t *marks,
			  enum index_mark mark)
{
	size_t count = 0;

	for (size_t i = campaign->first; i < campaign->columns_count; i++)
		count += marks[i] == mark;
	return count;
}

static void check_columns(const struct index_campaign *campaign)
{
	/* 98 runs, a night without one, a gap */
	CU_ASSERT_EQUAL(campaign->columns_count, 100);
	CU_ASSERT_EQUAL(campaign->first, 40);
	CU_ASSERT_EQUAL(campaign->months_count, 2); /* January, and nine days */
	CU_ASSERT_EQUAL(campaign->columns[0].month, 0);
	CU_ASSERT_EQUAL(campaign->columns[39].month, 1);
	CU_ASSERT_PTR_NULL(campaign->columns[30].run);
	CU_ASSERT_PTR_NULL(campaign->columns[30].night);
	CU_ASSERT_PTR_NULL(campaign->columns[97].run);
	CU_ASSERT_PTR_NOT_NULL(campaign->columns[97].night);
	CU_ASSERT_PTR_NOT_NULL(campaign->columns[99].run);
	test_check_string(campaign->baseline, "stock");
}

static void check_slower(const struct index_campaign *campaign, const struct index_line *line)
{
	const uint8_t *marks = line->marks[INDEX_BASELINE], *earlier = line->marks[INDEX_EARLIER];

	if (!test_check(marks && earlier))
		return;
	CU_ASSERT_EQUAL(count_marks(campaign, marks, (enum index_mark)VERDICT_REGRESSED), 19);
	CU_ASSERT_EQUAL(count_marks(campaign, marks, MARK_NO_RUN), 1);
	CU_ASSERT_EQUAL(count_marks(campaign, marks, MARK_WITHHELD), 1);
	CU_ASSERT_EQUAL(marks[30], MARK_GAP);
	CU_ASSERT_EQUAL(marks[60], MARK_WITHHELD);
	CU_ASSERT_EQUAL(marks[97], MARK_NO_RUN);
	CU_ASSERT_EQUAL(count_marks(campaign, earlier, (enum index_mark)VERDICT_REGRESSED), 7);
	CU_ASSERT_EQUAL(line->newest[INDEX_BASELINE], (enum index_mark)VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(line->newest[INDEX_EARLIER], (enum index_mark)VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(line->ratio[INDEX_BASELINE], 1.1);
	CU_ASSERT_EQUAL(line->older[INDEX_BASELINE][0], VERDICT_EQUIVALENT);
	CU_ASSERT_DOUBLE_EQUAL(line->values[99], 1100, 12);
	CU_ASSERT_DOUBLE_EQUAL(line->base_values[99], 1000, 11);
	CU_ASSERT_DOUBLE_EQUAL(line->older_values[0], 1005, 6);
	CU_ASSERT_TRUE(isnan(line->values[97]));
}

static void test_marks(void)
{
	cleanup_store struct run_store *store =
		sample_store_open(index_run_folder(INDEX_RUN_NIGHTS));
	cleanup_index struct results_index index = { .store = NULL };
	const struct index_line *slower, *numa;

	if (!store || !load(store, &index) || !test_check(index.campaigns_count == 1))
		return;
	check_columns(&index.campaigns[0]);
	/* the baseline is drawn with the others; derived metrics come last */
	CU_ASSERT_EQUAL(index.campaigns[0].lines_count, 8);
	CU_ASSERT_TRUE(index.campaigns[0].lines[7].series->info.secondary);
	slower = find_line(&index.campaigns[0], "up", "fallocate_ns");
	numa = find_line(&index.campaigns[0], "numa", "fallocate_ns");
	if (!test_check(slower && numa && numa->marks[INDEX_BASELINE]))
		return;
	CU_ASSERT_PTR_EQUAL(slower, &index.campaigns[0].lines[0]);
	check_slower(&index.campaigns[0], slower);
	CU_ASSERT_EQUAL(count_marks(&index.campaigns[0], numa->marks[INDEX_BASELINE],
				    MARK_LEFT_OUT), 12);
	CU_ASSERT_EQUAL(numa->marks[INDEX_BASELINE][95], MARK_LEFT_OUT);
}

/* Without any verdict there are figures all the same, and what was left out. */
static void test_not_judged(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_index struct results_index index = { .store = NULL };
	const struct index_line *line;

	if (!store || !history_nights_store(store, 3, 3, 1) || !fill(store))
		return;
	change(store, "DELETE FROM verdicts");
	if (!load(store, &index) || !test_check(index.campaigns_count == 1))
		return;
	line = find_line(&index.campaigns[0], "up", "fallocate_ns");
	if (!test_check(line && line->marks[INDEX_BASELINE]))
		return;
	CU_ASSERT_EQUAL(count_marks(&index.campaigns[0], line->marks[INDEX_BASELINE],
				    MARK_FIGURE), 3);
	CU_ASSERT_PTR_NULL(line->marks[INDEX_EARLIER]);
	CU_ASSERT_EQUAL(line->newest[INDEX_BASELINE], MARK_NONE);
}

/* --- the page ----------------------------------------------------------------------------------- */

static char *write_page(enum index_run_kind kind)
{
	const char *folder = index_run_folder(kind);
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_free char *path = path_join(folder, RESULTS_INDEX_FILE);
	struct error err = ERROR_INIT;
	char *text = NULL;

	if (!store)
		return string_copy("");
	CU_ASSERT_EQUAL(results_index_write(store, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(file_read(path, 1 << 24, &text, NULL), 0);
	return text ? text : string_copy("");
}

static size_t count_text(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static void test_words(void)
{
	cleanup_free char *page = write_page(INDEX_RUN_NIGHTS);

	test_check_contains(page, "Newest night: regressed");
	/* two nights, one change, in the newer one's words */
	test_check_contains(page, "regressed</span> <strong>first.fallocate_ns</strong> "
				  "+10.0&nbsp;% (worse), p 0.0004");
	test_check_contains(page, "Moved by <code>" INDEX_RUN_CULPRIT "</code>");
	test_check_contains(page, "since 2026-03-22, called so in 2 nights; against 7 nights; "
				  "confirmed by a run of both kernels");
	CU_ASSERT_EQUAL(count_text(page, "<code>" INDEX_RUN_CULPRIT), 1);
	test_check_contains(page, "1 refuted: a run of both kernels did not show them");
	/* what was left out, nights without a run, time and budget */
	test_check_contains(page, "1 of 2 cells left out by the budget: numa/memory");
	test_check_contains(page, "12 left out by the budget");
	test_check_contains(page, "1 night without a finished run");
	test_check_contains(page, "31 min 00 s<small>of 45 min</small>");
	test_check_contains(page, "summary of night 99");
	/* the newest month is open, those before it closed */
	test_check_contains(page, "<details><summary>2026-01: ");
	/* only the newest run has a report */
	CU_ASSERT_EQUAL(count_text(page, "<a href=\"" INDEX_RUN_NEWEST "/report.html\">"), 2);
	CU_ASSERT_EQUAL(count_text(page, "/report.html\""), 2);
}

static void test_hostile(void)
{
	cleanup_free char *page = write_page(INDEX_RUN_HOSTILE);

	CU_ASSERT_TRUE(strlen(page) > 10000);
	CU_ASSERT_PTR_NULL(strstr(page, "<script"));
	CU_ASSERT_PTR_NULL(strstr(page, "<img"));
	CU_ASSERT_PTR_NULL(strstr(page, "\xe2\x80\xae"));
	CU_ASSERT_PTR_NULL(strstr(page, "\x1b"));
	CU_ASSERT_EQUAL(count_text(page, "</title></style>"), 0);
	test_check_contains(page, "&lt;script&gt;alert(1)");
	/* figures that are none leave no hole in a path */
	CU_ASSERT_PTR_NULL(strstr(page, "nan"));
	CU_ASSERT_PTR_NULL(strstr(page, "inf "));
	CU_ASSERT_PTR_NULL(strstr(page, "-inf"));
}

static void test_empty(void)
{
	cleanup_free char *none = write_page(INDEX_RUN_EMPTY), *one = write_page(INDEX_RUN_ONE);

	test_check_contains(none, "No run yet");
	test_check_contains(none, "No run has finished yet.");
	test_check_contains(none, "There is none yet.");
	test_check_contains(one, "not finished");
	CU_ASSERT_EQUAL(count_text(one, "<tr><th scope=\"row\">"), 1);
}

/* Names of runs become paths: nothing leaves the folder. */
static void test_links(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "results");
	cleanup_store struct run_store *store = sample_store_open(results);
	static const char *const ids[] = { "..", "javascript:alert(1)", "a b\"c", "plain", "" };
	struct results_index index = { .store = store };
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	if (!store)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
		cleanup_free char *run = path_join(results, ids[i]);
		cleanup_free char *report = path_join(run, "report.html");

		CU_ASSERT_EQUAL(folder_make(run), 0);
		CU_ASSERT_EQUAL(file_write_atomic(report, "x", 1, 0644), 0);
		index_add_run_link(&index, ids[i], "t", &out);
		strbuf_addc(&out, ' ');
	}
	index_add_run_link(&index, NULL, "t", &out);
	test_check_string(out.data, "t <a href=\"javascript%3Aalert%281%29/report.html\">t</a> "
				    "<a href=\"a%20b%22c/report.html\">t</a> "
				    "<a href=\"plain/report.html\">t</a> t t");
}

/* The folder cannot be written: an error with the path, no half of a page. */
static void test_not_written(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_free char *path = path_join(folder, RESULTS_INDEX_FILE);
	struct error err = ERROR_INIT;

	if (!store || !test_check(!folder_make(path)))
		return;
	CU_ASSERT_TRUE(results_index_write(store, &err) < 0);
	test_check_contains(err.message, "index.html: cannot be written");
}

TEST_SUITE("results_index",
	   {"runs are judged once a rule", test_fill},
	   {"a run that cannot be judged", test_fill_bad_run},
	   {"verdicts against earlier runs", test_keep_against},
	   {"columns and marks", test_marks},
	   {"nothing was judged", test_not_judged},
	   {"what the page says", test_words},
	   {"hostile names and figures", test_hostile},
	   {"empty stores", test_empty},
	   {"links stay in the folder", test_links},
	   {"it cannot be written", test_not_written})
