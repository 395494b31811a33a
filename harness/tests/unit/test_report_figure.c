/* test_report_figure.c - what figures are made of: boots of a metric, and scripts that
 * gnuplot draws whatever the data are.
 */
#include "report_figure.h"

#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "process.h"
#include "render.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)
#define cleanup_metric cleanup_with(report_metric_release)
#define cleanup_figures cleanup_with(report_figures_release)

static bool has_gnuplot(void)
{
	cleanup_free char *program = process_find_program("gnuplot");

	if (!program)
		test_skip("gnuplot is not installed");
	return program != NULL;
}

static bool judge(struct fake_run *fake, struct comparison *ret)
{
	struct error err = ERROR_INIT;

	return test_check(!comparison_make_from(&fake->source, &fake->run, NULL, ret, &err));
}

/* --- metrics ---------------------------------------------------------------------------- */

static void test_metric(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	cleanup_metric struct report_metric metric = { .info = NULL };

	fake_run_init(&fake);
	fake_run_trial(&fake, 0, FAKE_PATCHED, 2)->disturbed = true;
	if (!judge(&fake, &c))
		return;
	report_metric_make(&fake.run, &c, 0, 0, 0, &metric);
	CU_ASSERT_EQUAL(metric.count, FAKE_BLOCKS * FAKE_VARIANTS);
	test_check_string(metric.info->name, "fallocate_ns");
	test_check_string(metric.unit, "ms");
	CU_ASSERT_EQUAL(metric.scale, 1e6);
	CU_ASSERT_FALSE(metric.is_log);
	for (size_t i = 0; i < metric.count; i++) {
		const struct report_boot *boot = &metric.boots[i];

		CU_ASSERT_TRUE(i == 0 || boot->number > boot[-1].number);
		CU_ASSERT_EQUAL(boot->count, 3);
		CU_ASSERT_TRUE(boot->sorted[0] <= boot->sorted[1] &&
			       boot->sorted[1] <= boot->sorted[2]);
		CU_ASSERT_EQUAL(boot->figure, boot->sorted[1]);
		CU_ASSERT_EQUAL(boot->disturbed, boot->variant == FAKE_PATCHED && boot->block == 2);
	}
	report_metric_drop_samples(&metric);
	CU_ASSERT_PTR_NULL(metric.boots[0].sorted);
}

/* The samples that the accessor gives are those of the place asked for. */
static void test_places(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	size_t count;

	fake_run_init(&fake);
	if (!judge(&fake, &c))
		return;
	for (size_t i = 0; i < c.count; i++) {
		const struct comparison_entry *entry = &c.entries[i];
		const struct stored_samples *samples =
			comparison_samples(&c, &fake.run, entry->cell, entry->row, entry->metric,
					   &count);

		CU_ASSERT_EQUAL(count, FAKE_BLOCKS * FAKE_VARIANTS);
		if (test_check(samples != NULL))
			CU_ASSERT_EQUAL(samples[0].values, entry->judged.a[0].values);
	}
	CU_ASSERT_PTR_NULL(comparison_samples(&c, &fake.run, 1, 0, 9, &count));
	CU_ASSERT_EQUAL(count, 0);
}

static bool drifting_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
			   uint32_t iteration, double *ret_value)
{
	(void)metric;
	(void)iteration;
	/* By 10 % from the first of 36 trials to the last; two levels. */
	*ret_value = (variant == FAKE_PATCHED ? 3e6 : 1e6) *
		     pow(1.1, ((block * FAKE_CELLS + cell) * FAKE_VARIANTS + variant) / 32.0);
	return true;
}

static void test_drift(void)
{
	size_t boots;
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	cleanup_metric struct report_metric metric = { .info = NULL };

	fake_run_init(&fake);
	fake.value = drifting_value;
	if (!judge(&fake, &c))
		return;
	report_metric_make(&fake.run, &c, 0, 0, 0, &metric);
	/* The first cell's trials are the first to the 33rd of the plan: 32 steps. */
	CU_ASSERT_DOUBLE_EQUAL(report_metric_drift(&metric), 0.1, 1e-9);
	metric.boots[3].figure = 0;
	CU_ASSERT_TRUE(isnan(report_metric_drift(&metric)));
	boots = metric.count;
	metric.count = 4;
	CU_ASSERT_TRUE(isnan(report_metric_drift(&metric)));
	metric.count = 0;
	CU_ASSERT_TRUE(isnan(report_metric_drift(&metric)));
	metric.count = boots;
}

static void check_scale(double value, const char *unit, double expected, const char *name)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	CU_ASSERT_DOUBLE_EQUAL(render_scale(value, unit, &text) / expected, 1, 1e-12);
	test_check_string(text.data, name);
}

static void test_scale(void)
{
	check_scale(999, "ns", 1, "ns");
	check_scale(12.5e6, "ns", 1e6, "ms");
	check_scale(-2e9, "ns", 1e9, "s");
	check_scale(9e15, "ns", 1e9, "s");
	check_scale(0.5, "ms", 1e-3, "us");
	check_scale(3000, "MiB", 1024, "GiB");
	check_scale(46.7e6, "insn", 1e6, "Minsn");
	check_scale(2e6, "1/s", 1e6, "M/s");
	check_scale(0, "ns", 1, "ns");
	check_scale((double)INFINITY, "x", 1, "x");
	check_scale((double)NAN, "", 1, "");
}

/* --- scripts ----------------------------------------------------------------------------- */

static void check_drawing(const char *drawing, bool is_text)
{
	if (!test_check(drawing != NULL) || !is_text)
		return;
	for (const char *line = drawing; *line;) {
		size_t length = strcspn(line, "\n");

		CU_ASSERT_TRUE(length <= 80);
		for (size_t i = 0; i < length; i++)
			CU_ASSERT_TRUE((line[i] >= 0x20 && line[i] < 0x7f) || line[i] == '\f');
		line += length + (line[length] == '\n');
	}
}

/* All figures of all metrics of a run, drawn for the page or as text. */
static void draw_all(struct fake_run *fake, bool is_text)
{
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	cleanup_figures struct report_figures figures = REPORT_FIGURES_INIT;
	const struct comparison_entry *entries[16];
	struct error err = ERROR_INIT;

	if (!judge(fake, &c) || !test_check(c.count <= ARRAY_COUNT(entries)))
		return;
	for (size_t i = 0; i < c.count; i++) {
		cleanup_metric struct report_metric metric = { .info = NULL };

		entries[i] = &c.entries[i];
		report_metric_make(&fake->run, &c, entries[i]->cell, entries[i]->row,
				   entries[i]->metric, &metric);
		report_figures_add(&figures, report_figure_strip(&fake->run, &metric, is_text));
		report_figures_add(&figures, report_figure_ecdf(&fake->run, &metric, is_text));
		report_figures_add(&figures, report_figure_tail(&fake->run, &metric, is_text));
		report_figures_add(&figures, report_figure_order(&fake->run, &metric, is_text));
	}
	for (int form = is_text ? FOREST_TEXT : FOREST_WIDE; form <= (is_text ? FOREST_TEXT :
	     FOREST_NARROW); form++)
		report_figures_add(&figures, report_figure_forest(&fake->run, &c, entries, c.count,
								  (enum report_forest)form));
	CU_ASSERT_EQUAL(report_figures_draw(&figures, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(figures.drawings.count, figures.scripts.count);
	for (size_t i = 0; i < figures.drawings.count; i++)
		check_drawing(report_figures_drawing(&figures, i), is_text);
	CU_ASSERT_PTR_NULL(report_figures_drawing(&figures, figures.drawings.count));
}

static void draw_values(fake_value_fn value)
{
	cleanup_fake struct fake_run fake;

	fake_run_init(&fake);
	fake.value = value;
	draw_all(&fake, false);
	draw_all(&fake, true);
}

static bool equal_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
			uint32_t iteration, double *ret_value)
{
	(void)cell, (void)metric, (void)variant, (void)block, (void)iteration;
	*ret_value = 5;
	return true;
}

static bool zero_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		       uint32_t iteration, double *ret_value)
{
	(void)cell, (void)metric, (void)variant, (void)block, (void)iteration;
	*ret_value = 0;
	return true;
}

static bool odd_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		      uint32_t iteration, double *ret_value)
{
	static const double values[] = { -1e300, 0, 1e300, 1e-300, -5, 7 };

	(void)cell, (void)metric, (void)variant;
	*ret_value = values[(block + iteration) % 6];
	return true;
}

static bool no_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		     uint32_t iteration, double *ret_value)
{
	(void)cell, (void)metric, (void)block, (void)iteration;
	*ret_value = 1;
	return variant == FAKE_PATCHED;
}

static void test_draws(void)
{
	if (!has_gnuplot())
		return;
	draw_values(fake_value);
	draw_values(equal_value);
	draw_values(zero_value);
	draw_values(odd_value);
	draw_values(no_value);
}

/* Names that would be commands, formats or ends of strings. */
static void test_hostile_names(void)
{
	static const char *const names[] = {
		"%s%n%5$s%h %", "\"; system('touch /tmp/x') #", "`touch x`", "'\\\"", "{/=20 x}_y^z",
		"", "\xff\xfe\n\t", "a name that is far longer than any axis of a figure has room for",
	};

	if (!has_gnuplot())
		return;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_fake struct fake_run fake;

		fake_run_init(&fake);
		for (size_t k = 0; k < FAKE_VARIANTS; k++) {
			free(fake.run.variants[k].label);
			fake.run.variants[k].label = string_copy(names[i]);
		}
		free(fake.run.cells[0].guest);
		fake.run.cells[0].guest = string_copy(names[i]);
		free(fake.run.cells[0].rows[0].name);
		fake.run.cells[0].rows[0].name = string_copy(names[i]);
		free(fake.run.cells[0].rows[0].metrics[0].unit);
		fake.run.cells[0].rows[0].metrics[0].unit = string_copy(names[i]);
		draw_all(&fake, false);
		draw_all(&fake, true);
	}
}

static void test_many(void)
{
	cleanup_figures struct report_figures figures = REPORT_FIGURES_INIT;
	struct error err = ERROR_INIT;

	if (!has_gnuplot())
		return;
	CU_ASSERT_EQUAL(report_figures_add(&figures, NULL), REPORT_FIGURE_NONE);
	for (int i = 0; i < 130; i++) {
		struct strbuf script = STRBUF_INIT;

		report_figure_begin(&script, true, 40, 8);
		strbuf_addf(&script, "set title 'number %d'\nplot [0:1] [0:1] x\n", i);
		CU_ASSERT_EQUAL(report_figures_add(&figures, strbuf_detach(&script)), (size_t)i);
	}
	CU_ASSERT_EQUAL(report_figures_draw(&figures, &err), 0);
	for (size_t i = 0; i < 130; i++) {
		cleanup_free char *name = string_format("number %zu ", i);

		test_check_contains(report_figures_drawing(&figures, i), name);
	}
}

static void test_bad_script(void)
{
	cleanup_figures struct report_figures figures = REPORT_FIGURES_INIT;
	struct error err = ERROR_INIT;

	if (!has_gnuplot())
		return;
	(void)report_figures_add(&figures, string_copy("plto x\n"));
	CU_ASSERT_TRUE(report_figures_draw(&figures, &err) < 0);
	test_check_contains(err.message, "invalid command");
	CU_ASSERT_PTR_NULL(report_figures_drawing(&figures, 0));
}

TEST_SUITE("report figure",
	   {"boots of a metric", test_metric},
	   {"samples by their place", test_places},
	   {"drift", test_drift},
	   {"units of axes", test_scale},
	   {"draws whatever the data are", test_draws},
	   {"hostile names", test_hostile_names},
	   {"many figures", test_many},
	   {"a script that fails", test_bad_script})
