/* test_report_format.c - formats by name, what they have in common, and JSON and CSV.
 * Others have files of their own.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "render.h"
#include "report_format_parts.h"
#include "reported.h"
#include "sample_run.h"
#include "test.h"

/* --- by name ------------------------------------------------------------------------ */

static void test_names(void)
{
	static const char *const names[] = { "junit", "ktap", "kcidb", "benchfmt",
					     "lkp", "bmf", "csv", "json" };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(ARRAY_COUNT(names), REPORT_FORMATS_COUNT);
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		enum report_format format = REPORT_FORMATS_COUNT;

		CU_ASSERT_EQUAL(report_format_parse(names[i], &format, &err), 0);
		CU_ASSERT_EQUAL((size_t)format, i);
		test_check_string(report_format_name(format), names[i]);
	}
	test_check_string(report_format_name(REPORT_FORMATS_COUNT), "unknown");
	test_check_string(err.message, "");
}

static void test_unknown_names(void)
{
	enum report_format format = REPORT_BMF;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(report_format_parse("junti", &format, &err), -EINVAL);
	test_check_string(err.message, "unknown format 'junti': expected one of junit, ktap, "
			  "kcidb, benchfmt, lkp, bmf, csv, json; did you mean junit?");
	CU_ASSERT_EQUAL(report_format_parse("", &format, &err), -EINVAL);
	CU_ASSERT_EQUAL(report_format_parse("JUNIT", &format, &err), -EINVAL);
	CU_ASSERT_EQUAL(report_format_parse("application/pdf", &format, &err), -EINVAL);
	CU_ASSERT_PTR_NULL(strstr(err.message, "did you mean"));
	CU_ASSERT_EQUAL(format, REPORT_BMF);
}

/* --- failures -------------------------------------------------------------------------- */

static void check_source_fails(enum report_format format, int at)
{
	cleanup_fake struct fake_run fake;
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *expected = string_format("%s report of run 20261121-213000-quick: "
						    "the disk is gone",
						    report_format_name(format));
	struct error err = ERROR_INIT;

	fake_run_init(&fake);
	CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, NULL, &c, &err), 0);
	fake.requests = 0;
	fake.fails_at = at;
	strbuf_adds(&text, "before");
	CU_ASSERT_EQUAL(report_format_write_from(format, &fake.source, &fake.run, &c, &text, &err),
			-EIO);
	test_check_string(err.message, expected);
	test_check_string(text.data, "before");
}

/* Nothing half written where the store fails. */
static void test_source_fails(void)
{
	static const enum report_format formats[] = {
		REPORT_KCIDB, REPORT_BENCHFMT, REPORT_LKP, REPORT_BMF, REPORT_CSV,
	};

	for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
		check_source_fails(formats[i], 1);
		check_source_fails(formats[i], 6);
	}
}

static void test_unknown_format(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct comparison c = { .entries = NULL };
	struct error err = ERROR_INIT;

	fake_run_init(&fake);
	CU_ASSERT_EQUAL(report_format_write_from(REPORT_FORMATS_COUNT, &fake.source, &fake.run,
						 &c, &text, &err), -EINVAL);
	CU_ASSERT_EQUAL(text.length, 0);
}

/* --- text ---------------------------------------------------------------------------- */

static void check_text(const char *text, bool keeps_lines, const char *expected)
{
	cleanup_free char *actual = format_text(text, keeps_lines);

	test_check_string(actual, expected);
}

static void test_text(void)
{
	check_text(NULL, false, "");
	check_text("plain \"a\" <b> & 'c'", false, "plain \"a\" <b> & 'c'");
	check_text("a\nb\tc\rd\x1b[1m\x7f", false, "a b c d [1m ");
	check_text("a\nb\tc\rd", true, "a\nb\tc d");
	check_text("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", false,
		   "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	check_text("\xff\xc3", false, "??");
	check_text("\xc0\xaf", false, "??");             /* overlong */
	check_text("\xe0\x80\x80", false, "???");
	check_text("\xed\xa0\x80", false, "???");        /* surrogate */
	check_text("\xf4\x90\x80\x80", false, "????");   /* beyond U+10FFFF */
	check_text("\xf8\x88\x80\x80\x80", false, "?????");
	check_text("\xe2\x82", false, "??");             /* cut short */
	check_text("\xef\xbf\xbf", false, "?");          /* U+FFFF: no XML */
	check_text("a\xc2\x85" "b\xe2\x80\xa8" "c", true, "a b c"); /* NEL, LINE SEPARATOR */
}

static void test_words(void)
{
	static const char *const cases[][3] = {
		{ "fallocate_ns", "_", "fallocate_ns" },
		{ "a b/c=d#e", "_", "a_b_c_d_e" },
		{ "a.b-c", "_.-", "a.b-c" },
		{ "\xc3\xa4", "_", "__" },
		{ "", "", "_" },
		{ NULL, "", "_" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *word = format_word(cases[i][0], cases[i][1]);

		test_check_string(word, cases[i][2]);
	}
}

static void test_numbers(void)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 12500000, "12500000" },
		{ 0.1, "0.1" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ -2.5, "-2.5" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1e300, "1e+300" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		format_add_number(cases[i].value, &text);
		test_check_string(text.data, cases[i].text);
	}
}

/* --- figures ---------------------------------------------------------------------------- */

static struct format_mean mean_of(double *values, size_t count, enum run_mode mode)
{
	const struct metric_info metric = { .name = (char[]){ "m" }, .kind = METRIC_TIME };
	static const struct comparison c = { .policy = { .confidence = 0.95 } };
	struct stored_run run = { .mode = mode, .control_variant = 1 };
	struct stored_samples boots[8];
	const struct format_metric input = { 0, 0, 0, &metric, boots, count };

	/* block 0 of the baseline, block 0 of its copy, block 1 ... */
	for (size_t i = 0; i < count; i++)
		boots[i] = (struct stored_samples){ .block = (uint32_t)i / 2,
						    .variant = (uint32_t)i % 2,
						    .values = &values[i], .count = 1 };
	return format_mean(&(struct format_input){ NULL, &run, &c }, &input, 0);
}

/* exp(mean(log(x)) -+ qt(0.975, 3) * sd(log(x)) / sqrt(4)) of 10, 20, 20, 40, by hand:
 * log2 figures -1, 0, 0, 1 about 20; sd sqrt(2/3), t 3.182446. */
static void test_mean(void)
{
	double values[] = { 10, 20, 20, 40 }, one[] = { 3 }, zero[] = { 4, 0, 2, 2 };
	double gap[] = { NAN, 10, 20, INFINITY };
	double half = 3.182446 * sqrt(2.0 / 3) / 2;
	struct format_mean mean = mean_of(values, 4, MODE_TIMED);

	CU_ASSERT_DOUBLE_EQUAL(mean.value, 20, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(mean.interval.low, 20 * exp2(-half), 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(mean.interval.high, 20 * exp2(half), 1e-4);
	CU_ASSERT_EQUAL(mean.boots_count, 4);
	mean = mean_of(one, 1, MODE_TIMED);
	CU_ASSERT_DOUBLE_EQUAL(mean.value, 3, 1e-9);
	CU_ASSERT_TRUE(isnan(mean.interval.low) && isnan(mean.interval.high));
	mean = mean_of(zero, 4, MODE_TIMED);
	CU_ASSERT_DOUBLE_EQUAL(mean.value, 2, 1e-9);
	CU_ASSERT_TRUE(isnan(mean.interval.low));
	mean = mean_of(gap, 4, MODE_TIMED);
	CU_ASSERT_EQUAL(mean.boots_count, 2);
	CU_ASSERT_DOUBLE_EQUAL(mean.value, sqrt(200), 1e-9);
	mean = mean_of(NULL, 0, MODE_TIMED);
	CU_ASSERT_TRUE(isnan(mean.value));
	CU_ASSERT_EQUAL(mean.boots_count, 0);
	/* a canary counts only where the baseline's own boot gave nothing */
	mean = mean_of(gap, 4, MODE_EXACT);
	CU_ASSERT_EQUAL(mean.boots_count, 2);
	mean = mean_of(values, 4, MODE_EXACT);
	CU_ASSERT_EQUAL(mean.boots_count, 2);
	CU_ASSERT_DOUBLE_EQUAL(mean.value, sqrt(200), 1e-9);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void test_json(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	cleanup_strbuf struct strbuf expected = STRBUF_INIT;
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;

	reported_make("crashed", &fake);
	text = reported_text(&fake, REPORT_JSON);
	CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, NULL, &c, &err), 0);
	render_comparison_json(&fake.run, &c, &expected);
	test_check_string(text, expected.data);
}

/* --- CSV ---------------------------------------------------------------------------------- */

/* The records of a report as Text::CSV reads them, a line each; owned; NULL where that
 * is not installed. */
static char *read_csv(struct fake_run *fake)
{
	cleanup_free char *text = reported_text(fake, REPORT_CSV);
	cleanup_free char *path = reported_write("report.csv", text);
	const char *argv[] = { "perl", test_fixture_path("formats/read_csv.pl"), path, NULL };
	char *output;
	int code;

	for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++)
		CU_ASSERT_TRUE(c > text && c[-1] == '\r');
	output = reported_run(argv, NULL, &code);
	if (output && !test_check(code == 0))
		fprintf(stderr, "%s\n", output);
	return output;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

#define CSV_HEADER                                                                    \
	"run|campaign|mode|block|seed|trial|started_wall_ns|disturbed|guest|suite|variant|copy|"  \
	"kernel_key|row|workload|arguments|metric|unit|better|kind|secondary|iteration|value\n"

static void test_csv(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *records = NULL;

	reported_make("regressed", &fake);
	records = read_csv(&fake);
	if (!records)
		return;
	CU_ASSERT_EQUAL(strncmp(records, CSV_HEADER, strlen(CSV_HEADER)), 0);
	/* 6 metrics, 3 variants, 6 blocks, 3 samples */
	CU_ASSERT_EQUAL(count_lines(records), 1 + 6 * 3 * 6 * 3);
	test_check_contains(records, "20261121-213000-quick|quick|timed|0||1|0|0|up|quick|stock||"
			    "3f2a9c1b04de11aa22bb|fill|hugetlb_fallocate|page_kib=2048 size_mib=256 "
			    "rounds=5|fallocate_ns|ns|lower|time|0|0|12537499.999999998\n");
	test_check_contains(records, "|0||2|0|0|up|quick|stock|control|3f2a9c1b04de11aa22bb|fill|");
	test_check_contains(records, "|GiB/s|higher|rate|1|2|");
}

static void test_csv_exact(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *records = NULL;

	reported_make("exact", &fake);
	records = read_csv(&fake);
	if (records)
		test_check_contains(records, "|exact|5|6|31|0|0|up|quick|stock||");
}

/* A value that is no number is an empty field. */
static void test_csv_gaps(void)
{
	cleanup_fake struct fake_run bad, empty;
	cleanup_free char *records = NULL, *none = NULL;

	reported_make("not-finite", &bad);
	records = read_csv(&bad);
	reported_make("empty", &empty);
	none = read_csv(&empty);
	if (!records || !none)
		return;
	CU_ASSERT_EQUAL(count_lines(records), 1 + 6 * 3 * 6 * 3);
	test_check_contains(records, "|fallocate_ns|ns|lower|time|0|0|\n");
	CU_ASSERT_PTR_NULL(strstr(records, "nan"));
	CU_ASSERT_PTR_NULL(strstr(records, "inf"));
	test_check_string(none, CSV_HEADER);
}

static void test_csv_nasty(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *records = NULL;

	reported_make("nasty", &fake);
	records = read_csv(&fake);
	if (!records)
		return;
	/* one failed boot gives no samples */
	if (!test_check(count_lines(records) == 1 + 6 * 3 * 6 * 3 - 4 * 3))
		fprintf(stderr, "%zu\n%.1500s\n", count_lines(records), records);
	test_check_contains(records, "|c,\"1\" <&> .\\n\xe2\x82\xac|timed|");
	test_check_contains(records, "|u p/#\"'<&>?" "?( |quick|p & <q> # 1..2||");
	test_check_contains(records, "|x \\ny, \"z\"\tk=v|hugetlb_fallocate|"
			    "a= [31m,b=\"1\"\\nc=\xc3\xa4|m=1 # %-7|a b\" |");
}

/* --- from a store ---------------------------------------------------------------------------- */

/* Every format writes the same from the store as from its samples. */
static void test_store(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(3, 1);
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(2, 1e6 + (double)i);

		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 "a=1\n", &err), 0);
		run.trials[i].state = TRIAL_FINISHED;
	}
	CU_ASSERT_EQUAL(comparison_make(store, &run, NULL, &c, &err), 0);
	for (int i = 0; i < REPORT_FORMATS_COUNT; i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		CU_ASSERT_EQUAL(report_format_write((enum report_format)i, store, &run, &c, &text,
						    &err), 0);
		test_check_contains(text.data, "fallocate_ns");
		CU_ASSERT_EQUAL(text.data[text.length - 1], '\n');
	}
	test_check_string(err.message, "");
}

TEST_SUITE("report-format", { "names", test_names }, { "unknown names", test_unknown_names },
	   { "a source that fails", test_source_fails },
	   { "an unknown format", test_unknown_format }, { "text", test_text },
	   { "words", test_words }, { "numbers", test_numbers }, { "means", test_mean },
	   { "JSON", test_json }, { "CSV", test_csv }, { "CSV of an exact run", test_csv_exact },
	   { "CSV with gaps", test_csv_gaps }, { "CSV, nasty names", test_csv_nasty },
	   { "from a store", test_store })
