/* test_report_benchfmt.c - the Go benchmark format, by a strict reader of its rules
 * (golang.org/design/14313; lines as golang.org/x/perf/benchfmt takes them). benchstat
 * itself is not packaged in Debian 12.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "reported.h"
#include "test.h"

struct reading {
	char variant[64];
	struct strvec units;     /* "ns lower" */
	struct strvec lines;     /* "variant|name|iterations|value|unit" */
};

static void reading_release(struct reading *reading)
{
	strvec_release(&reading->units);
	strvec_release(&reading->lines);
}

#define cleanup_reading cleanup_with(reading_release)

/* The fields of a line: exactly one blank between them. */
static void split(const char *line, struct strvec *ret_fields)
{
	cleanup_free char *copy = string_copy(line);
	char *rest = copy, *field;

	while ((field = strsep(&rest, " ")) != NULL) {
		CU_ASSERT_TRUE(*field != '\0');
		strvec_push(ret_fields, field);
	}
}

static void read_benchmark(const char *line, struct reading *reading)
{
	cleanup_strvec struct strvec fields = STRVEC_INIT;
	char *end;

	split(line, &fields);
	if (!test_check(fields.count == 4))
		return;
	/* what follows "Benchmark" is no lower-case letter, or it is another word */
	CU_ASSERT_FALSE(islower((unsigned char)fields.items[0][strlen("Benchmark")]));
	CU_ASSERT_TRUE(strlen(fields.items[0]) > strlen("Benchmark"));
	CU_ASSERT_TRUE(strtoul(fields.items[1], &end, 10) > 0 && *end == '\0');
	CU_ASSERT_TRUE(isfinite(strtod(fields.items[2], &end)) && *end == '\0');
	strvec_pushf(&reading->lines, "%s|%s|%s|%s|%s", reading->variant, fields.items[0],
		     fields.items[1], fields.items[2], fields.items[3]);
}

/* One direction a unit. */
static void read_unit(const char *line, struct reading *reading)
{
	cleanup_strvec struct strvec fields = STRVEC_INIT;

	split(line, &fields);
	if (!test_check(fields.count == 3))
		return;
	CU_ASSERT_TRUE(strcmp(fields.items[2], "better=lower") == 0 ||
		       strcmp(fields.items[2], "better=higher") == 0);
	CU_ASSERT_FALSE(strvec_contains(&reading->units, fields.items[1]));
	strvec_push(&reading->units, fields.items[1]);
}

static void read_key(const char *line, struct reading *reading)
{
	const char *value = strstr(line, ": ");

	if (!test_check(value != NULL))
		return;
	CU_ASSERT_TRUE(islower((unsigned char)line[0]));
	for (const char *c = line; c < value; c++)
		CU_ASSERT_FALSE(isupper((unsigned char)*c) || isspace((unsigned char)*c));
	CU_ASSERT_TRUE(value[2] != '\0');
	if (strncmp(line, "variant: ", 9) == 0)
		snprintf(reading->variant, sizeof(reading->variant), "%s", value + 2);
}

static void read_report(const char *text, struct reading *reading)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		cleanup_free char *copy = string_copy_n(line, length);

		if (strncmp(copy, "Benchmark", 9) == 0)
			read_benchmark(copy, reading);
		else if (strncmp(copy, "Unit ", 5) == 0)
			read_unit(copy, reading);
		else
			read_key(copy, reading);
		CU_ASSERT_EQUAL(line[length], '\n');
		line += length + 1;
	}
}

static void read_scene(const char *scene, struct reading *reading)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	reported_make(scene, &fake);
	text = reported_text(&fake, REPORT_BENCHFMT);
	read_report(text, reading);
}

static size_t count_lines(const struct reading *reading, const char *part)
{
	size_t count = 0;

	for (size_t i = 0; i < reading->lines.count; i++)
		count += strstr(reading->lines.items[i], part) != NULL;
	return count;
}

static void test_golden(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	reported_make("regressed", &fake);
	text = reported_text(&fake, REPORT_BENCHFMT);
	reported_check_golden("regressed.benchfmt", text);
}

/* Each boot's median, both copies of the baseline as one variant. */
static void test_lines(void)
{
	cleanup_reading struct reading reading = { .variant = "" };

	read_scene("regressed", &reading);
	CU_ASSERT_EQUAL(reading.lines.count, 6 * 3 * 6);
	CU_ASSERT_EQUAL(count_lines(&reading, "stock|"), 6 * 2 * 6);
	CU_ASSERT_EQUAL(count_lines(&reading, "patched|"), 6 * 6);
	/* 12.5e6 * (1 + 0.3, 0.1, -0.2 %): noise of block 0 */
	CU_ASSERT_TRUE(strvec_contains(&reading.lines,
				       "stock|BenchmarkFill/guest=up/suite=quick/"
				       "metric=fallocate_ns|3|12512499.999999998|ns"));
	CU_ASSERT_TRUE(strvec_contains(&reading.units, "ns"));
	CU_ASSERT_TRUE(strvec_contains(&reading.units, "GiB/s"));
	CU_ASSERT_EQUAL(reading.units.count, 2);
}

static void test_scenes(void)
{
	for (size_t i = 0; i < reported_scenes_count; i++) {
		cleanup_reading struct reading reading = { .variant = "" };

		read_scene(reported_scenes[i].name, &reading);
		CU_ASSERT_TRUE(reading.units.count >= 2);
	}
}

static void test_gaps(void)
{
	cleanup_reading struct reading empty = { .variant = "" }, bad = { .variant = "" };
	cleanup_reading struct reading side = { .variant = "" }, exact = { .variant = "" };

	read_scene("empty", &empty);
	CU_ASSERT_EQUAL(empty.lines.count, 0);
	read_scene("not-finite", &bad);
	CU_ASSERT_EQUAL(bad.lines.count, 6 * 3 * 4);
	read_scene("one-side", &side);
	CU_ASSERT_EQUAL(side.lines.count, 6 * 2 * 6);
	/* the canary is the same bytes once more */
	read_scene("exact", &exact);
	CU_ASSERT_EQUAL(count_lines(&exact, "metric=work_instructions"), 2 * 2 * 6);
}

/* One unit with both directions: those that want more have one of their own. */
static void test_directions(void)
{
	cleanup_reading struct reading reading = { .variant = "" };
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.run.cells[0].rows[1].metrics[0].better = BETTER_HIGHER;
	free(fake.run.cells[0].guest_record);
	fake.run.cells[0].guest_record = string_copy("{\"vcpus_count\": 4}");
	text = reported_text(&fake, REPORT_BENCHFMT);
	read_report(text, &reading);
	CU_ASSERT_EQUAL(reading.units.count, 3);
	test_check_contains(text, "Unit ns better=lower\n");
	test_check_contains(text, "Unit ns-higher better=higher\n");
	CU_ASSERT_EQUAL(count_lines(&reading, "metric=latency_p99_ns-4|3|"), 18);
	for (size_t i = 0; i < reading.lines.count; i++)
		CU_ASSERT_EQUAL(strstr(reading.lines.items[i], "latency_p99_ns") != NULL,
				strstr(reading.lines.items[i], "|ns-higher") != NULL);
}

static void test_nasty(void)
{
	cleanup_reading struct reading reading = { .variant = "" };

	read_scene("nasty", &reading);
	/* both of the row's metrics, one failed boot less */
	CU_ASSERT_EQUAL(count_lines(&reading, "p & <q> # 1..2|BenchmarkX__y___z__k_v/"
				    "guest=u_p___________/suite=quick/metric=m_1_____7|"), 2 * 5);
	CU_ASSERT_EQUAL(count_lines(&reading, "|a_b___"), 12 + 5);
}

TEST_SUITE("report-benchfmt", { "golden", test_golden }, { "a line a boot", test_lines },
	   { "every scene", test_scenes }, { "figures that are not there", test_gaps },
	   { "directions of a unit", test_directions }, { "nasty names", test_nasty })
