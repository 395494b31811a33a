/* test_scaling_figure.c - figures from stored runs: what they say in words, JSON and
 * SVG, and which runs are refused. The runs and their figures are scaling_run.h's;
 * the golden texts are in fixtures/scaling/ (KERNGATE_GOLDEN=write).
 */
#include "scaling_figure.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "gnuplot.h"
#include "memory.h"
#include "process.h"
#include "sample_run.h"
#include "scaling_run.h"
#include "test.h"

#define cleanup_figure cleanup_with(scaling_figure_release)
#define near(a, b, within) test_check(fabs((a) - (b)) <= (within))

static const uint32_t counts[] = { 1, 2, 4, 8, 0 }, few[] = { 1, 2, 0 };

/* Two runs in a store of their own, to be changed before they are stored. */
struct runs {
	struct run_store *store;
	struct stored_run exact, timed;
};

static void runs_release(struct runs *runs)
{
	stored_run_release(&runs->exact);
	stored_run_release(&runs->timed);
	run_store_close(runs->store);
}

#define cleanup_runs cleanup_with(runs_release)

static struct runs runs_make(void)
{
	return (struct runs){
		.store = sample_store_open(test_temp_folder()),
		.exact = scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, counts, 3),
		.timed = scaling_run_make(SCALING_RUN_TIMED, MODE_TIMED, few, 3),
	};
}

static bool runs_store(struct runs *runs)
{
	return test_check(runs->store != NULL) &&
	       scaling_run_store(runs->store, &runs->exact, "same") &&
	       scaling_run_store(runs->store, &runs->timed, NULL);
}

static bool make(const struct runs *runs, const struct scaling_request *request,
		 struct scaling_figure *figure)
{
	struct error err = ERROR_INIT;
	int rc = scaling_figure_make(runs->store, &runs->exact, &runs->timed, request, figure,
				     &err);

	test_check_string(err.message, "");
	return test_check(rc == 0);
}

/* --- what is made ---------------------------------------------------------------------- */

static void test_make(void)
{
	cleanup_runs struct runs runs = runs_make();
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	const struct scaling_request request = { .row = NULL };

	if (!runs_store(&runs) || !make(&runs, &request, &figure) ||
	    !test_check(figure.points_count == 4 && figure.measured_count == 2))
		return;
	test_check_string(figure.guest, "scale");
	test_check_string(figure.suite, "scaling");
	test_check_string(figure.row, "fill");
	test_check_string(figure.workload, "hugetlb_fallocate");
	test_check_string(figure.variant, "stock");
	CU_ASSERT_EQUAL(figure.points[3].vcpus_count, 8);
	CU_ASSERT_EQUAL(figure.points[3].pairs_count, 3);
	near(figure.points[3].speedup.value, 8 / 1.07, 1e-9);
	near(figure.points[1].overhead.value, 1.01, 1e-12);
	near(figure.points[2].parallelism.value, 4, 1e-9);
	near(figure.points[0].work / 1e9, cbrt(1.000 * 1.001 * 1.002), 1e-9);
	near(figure.measured[1].speedup.value, sqrt(2), 1e-9);
	test_check_string(figure.timed_metric, "fallocate_ns");
	CU_ASSERT_EQUAL(figure.inexact.count, 0);
	/* 1/S - 1/n = (n - 1)/(100 n) = (1 - 1/n)/100: a serial share of 1 % */
	CU_ASSERT_TRUE(figure.fit.is_defined);
	near(figure.fit.serial_ratio, 0.01, 1e-9);
}

static void test_variant(void)
{
	cleanup_runs struct runs runs = runs_make();
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	const struct scaling_request request = { .row = "fill", .variant = "patched",
						 .cells = "scale/scaling" };

	if (!runs_store(&runs) || !make(&runs, &request, &figure))
		return;
	test_check_string(figure.variant, "patched");
	near(figure.points[0].work / 1e9, 0.5 * cbrt(1.000 * 1.001 * 1.002), 1e-9);
	near(figure.points[1].speedup.value, 2 / 1.01, 1e-9);
}

/* Cells need not stand in the order of their counts. */
static void test_order(void)
{
	static const uint32_t mixed[] = { 4, 1, 8, 2, 0 };
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run =
		scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, mixed, 2);
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	const struct scaling_request request = { .row = NULL };
	struct error err = ERROR_INIT;

	if (!store || !scaling_run_store(store, &run, "same"))
		return;
	if (!test_check(!scaling_figure_make(store, &run, NULL, &request, &figure, &err)))
		return;
	CU_ASSERT_EQUAL(figure.points[1].vcpus_count, 2);
	near(figure.points[2].speedup.value, 4 / 1.03, 1e-9);
	CU_ASSERT_EQUAL(figure.measured_count, 0);
	CU_ASSERT_PTR_NULL(figure.timed_id);
}

static void test_inexact(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run =
		scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, few, 2);
	cleanup_run struct stored_run again = { .id = NULL };
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct scaling_request request = { .row = NULL };
	struct error err = ERROR_INIT;

	if (!store || !scaling_run_store(store, &run, "another") ||
	    !test_check(!run_store_load(store, run.id, &again, &err)) ||
	    !test_check(!scaling_figure_make(store, &again, NULL, &request, &figure, &err)))
		return;
	CU_ASSERT_EQUAL(figure.inexact.count, 2);
	scaling_render_text(&figure, &text);
	test_check_contains(text.data, "! The cell scale-2cpu/scaling is not exact (its canary "
				       "differs)");
}

/* --- refusals ---------------------------------------------------------------------------- */

static void refuse(const struct runs *runs, const struct scaling_request *request, int code,
		   const char *message)
{
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(scaling_figure_make(runs->store, &runs->exact, &runs->timed, request,
					    &figure, &err), code);
	test_check_contains(err.message, message);
	CU_ASSERT_PTR_NULL(figure.run_id);
}

static void test_bad_requests(void)
{
	cleanup_runs struct runs runs = runs_make();

	if (!runs_store(&runs))
		return;
	refuse(&runs, &(struct scaling_request){ .row = "boot" }, -ENOENT,
	       "run " SCALING_RUN_EXACT " has nothing such; it has row fill of scale/scaling");
	refuse(&runs, &(struct scaling_request){ .cells = "up/scaling" }, -ENOENT,
	       "has nothing such");
	refuse(&runs, &(struct scaling_request){ .variant = "stok" }, -ENOENT,
	       "has no variant 'stok'; expected one of stock, patched");
}

static void test_bad_modes(void)
{
	cleanup_runs struct runs runs = runs_make();
	const struct scaling_request request = { .row = NULL };

	if (!runs_store(&runs))
		return;
	runs.timed.mode = MODE_EXACT;
	refuse(&runs, &request, -EINVAL, "ran in exact mode: its times are instructions");
	runs.exact.exact.counts = false;
	refuse(&runs, &request, -EINVAL, "counted no instructions (exact: {counts: false})");
	runs.exact.mode = MODE_TIMED;
	refuse(&runs, &request, -EINVAL, "ran in timed mode: instructions are counted in exact "
					 "mode only");
}

/* A second counted row, or another shape, has to be told apart. */
static void test_ambiguous(void)
{
	cleanup_runs struct runs runs = runs_make();
	const struct scaling_request request = { .row = NULL };

	for (size_t i = 0; i < runs.exact.cells_count; i++) {
		struct stored_row *boot = &runs.exact.cells[i].rows[1];

		free(boot->metrics[0].name);
		boot->metrics[0].name = string_copy("work_instructions");
	}
	if (!test_check(runs.store != NULL))
		return;
	refuse(&runs, &request, -EINVAL, "--row or --cells must say which of: row fill of "
					 "scale/scaling, row boot of scale/scaling");
}

static void rename_guests(struct stored_run *run, const char *pattern)
{
	for (size_t i = 0; i < run->cells_count; i++) {
		free(run->cells[i].guest);
		run->cells[i].guest = string_format("%s%zu", pattern, i);
	}
}

static void test_no_counts(void)
{
	static const uint32_t one[] = { 1, 0 }, no_one[] = { 2, 4, 0 };
	cleanup_runs struct runs runs = runs_make();
	const struct scaling_request request = { .row = NULL };

	if (!test_check(runs.store != NULL))
		return;
	refuse(&runs, &request, -ENODATA, "1 vCPUs: no seed that one vCPU has too gave counts");
	rename_guests(&runs.exact, "other");
	refuse(&runs, &request, -ENODATA, "has no cells over vcpus_counts with counted rows");
	stored_run_release(&runs.exact);
	runs.exact = scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, one, 1);
	refuse(&runs, &request, -ENODATA, "a speed-up takes two numbers of vCPUs");
	stored_run_release(&runs.exact);
	runs.exact = scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, no_one, 1);
	refuse(&runs, &request, -EINVAL, "told against one vCPU, but the least number is 2");
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = string_copy(with);
}

static void test_other_timed(void)
{
	cleanup_runs struct runs runs = runs_make();
	const struct scaling_request request = { .row = NULL };

	if (!runs_store(&runs))
		return;
	replace(&runs.timed.cells[1].rows[0].arguments, "size_mib=128 threads=2");
	refuse(&runs, &request, -ESTALE, "row fill at 2 vCPUs: run " SCALING_RUN_TIMED
	       " ran hugetlb_fallocate size_mib=128 threads=2, run " SCALING_RUN_EXACT
	       " hugetlb_fallocate size_mib=64 threads=2");
	replace(&runs.timed.variants[0].cmdline, "quiet");
	refuse(&runs, &request, -ESTALE, "booted stock with 'quiet'");
	replace(&runs.timed.variants[0].kernel_key, "another");
	refuse(&runs, &request, -ESTALE, "measured another kernel as stock");
	replace(&runs.timed.variants[0].name, "old");
	refuse(&runs, &request, -ENOENT, "run " SCALING_RUN_TIMED " has no variant 'stock'");
	rename_guests(&runs.timed, "up");
	refuse(&runs, &request, -ENOENT, "run " SCALING_RUN_TIMED " has no row fill of "
					 "scale/scaling over vcpus_counts");
}

/* --- what is said of it ------------------------------------------------------------------- */

static void check_golden(const char *name, const char *actual)
{
	cleanup_free char *relative = string_format("scaling/%s", name);

	test_check_golden(relative, actual);
}

static void check_width(const char *text)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		CU_ASSERT_TRUE(length <= 80);
		line += length + (line[length] == '\n');
	}
}

static void test_texts(void)
{
	cleanup_runs struct runs runs = runs_make();
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT, json = STRBUF_INIT;
	cleanup_strbuf struct strbuf svg = STRBUF_INIT, dumb = STRBUF_INIT;
	const struct scaling_request request = { .row = NULL };

	if (!runs_store(&runs) || !make(&runs, &request, &figure))
		return;
	scaling_render_text(&figure, &text);
	check_width(text.data);
	check_golden("figure.txt", text.data);
	scaling_render_json(&figure, "/results/scaling-fill.svg", &json);
	check_golden("figure.json", json.data);
	scaling_script(&figure, SCALING_SVG, &svg);
	check_golden("svg.gnuplot", svg.data);
	scaling_script(&figure, SCALING_DUMB, &dumb);
	check_golden("dumb.gnuplot", dumb.data);
}

static void test_json(void)
{
	cleanup_runs struct runs runs = runs_make();
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct scaling_request request = { .row = NULL };
	json_t *json;

	if (!runs_store(&runs) || !make(&runs, &request, &figure))
		return;
	scaling_render_json(&figure, NULL, &text);
	json = json_loads(text.data, 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "points")), 4);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "measured")), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "left_out")), 6);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json, "svg_path")));
	json_decref(json);
}

/* One seed has no interval: JSON says null, the drawing has no bar. */
static void test_one_seed(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run =
		scaling_run_make(SCALING_RUN_EXACT, MODE_EXACT, few, 1);
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct scaling_request request = { .row = NULL };
	struct error err = ERROR_INIT;

	if (!store || !scaling_run_store(store, &run, "same") ||
	    !test_check(!scaling_figure_make(store, &run, NULL, &request, &figure, &err)))
		return;
	scaling_render_json(&figure, NULL, &text);
	test_check_contains(text.data, "\"high\": null");
	test_check_contains(text.data, "it takes two numbers of vCPUs above one");
	strbuf_reset(&text);
	scaling_script(&figure, SCALING_SVG, &text);
	test_check_contains(text.data, "\n2 1.98019802 1.98019802 1.98019802\n");
}

static void test_drawings(void)
{
	cleanup_runs struct runs runs = runs_make();
	cleanup_figure struct scaling_figure figure = { .run_id = NULL };
	cleanup_free char *svg = NULL, *dumb = NULL, *program = process_find_program("gnuplot");
	const struct scaling_request request = { .row = NULL };
	struct error err = ERROR_INIT;

	if (!program) {
		test_skip("gnuplot is not installed");
		return;
	}
	if (!runs_store(&runs) || !make(&runs, &request, &figure))
		return;
	CU_ASSERT_EQUAL(scaling_draw(&figure, SCALING_SVG, &svg, &err), 0);
	test_check_contains(svg, "<svg role=\"img\" aria-labelledby=\"figure-title figure-desc\"");
	test_check_contains(svg, "<title id=\"figure-title\">fill, kernel stock: speed-up over "
				 "vCPUs</title>");
	test_check_contains(svg, "1.980 with 2, 3.883 with 4, 7.477 with 8; measured: 1.000 with "
				 "1, 1.414 with 2.");
	test_check_contains(svg, "prefers-color-scheme: dark");
	test_check_contains(svg, "SMT");
	CU_ASSERT_EQUAL(scaling_draw(&figure, SCALING_DUMB, &dumb, &err), 0);
	test_check_contains(dumb, "ideal");
	check_width(dumb);
	test_check_string(err.message, "");
}

TEST_SUITE("scaling_figure",
	   {"a figure from two runs", test_make},
	   {"of another variant", test_variant},
	   {"cells in any order", test_order},
	   {"says which cells are not exact", test_inexact},
	   {"refuses rows, shapes and variants there are not", test_bad_requests},
	   {"refuses runs of the wrong mode", test_bad_modes},
	   {"asks where there is a choice", test_ambiguous},
	   {"refuses runs without counts", test_no_counts},
	   {"refuses a timed run of something else", test_other_timed},
	   {"texts and scripts", test_texts},
	   {"JSON", test_json},
	   {"one seed", test_one_seed},
	   {"drawings", test_drawings})
