/* test_scale.c - `kerngate scale` as people use it, on made-up runs (scaling_run.h). */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "process.h"
#include "program.h"
#include "scaling_run.h"
#include "test.h"

#define SVG SCALING_RUN_EXACT "/scaling-fill.svg"

static bool has_gnuplot(void)
{
	cleanup_free char *program = process_find_program("gnuplot");

	if (!program)
		test_skip("gnuplot is not installed");
	return program != NULL;
}

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "scale", "one", "two");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "one argument too many");
	program_run(&run, "scale", "--tiemd", "latest");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "did you mean --timed?");
	program_run(&run, "scale", "--row");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--row needs a value");
	program_run(&run, "scale", "--help");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "gnuplot-nox");
}

static void test_figure(void)
{
	const char *results = scaling_run_folder();
	cleanup_free char *path = path_join(results, SVG);
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_free char *svg = NULL;

	if (!has_gnuplot())
		return;
	program_run(&run, "scale", SCALING_RUN_EXACT, "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_string(run.err, "");
	test_check_contains(run.out, "    8  1.071 Ginsn  133.9 Minsn  7.477 ");
	test_check_contains(run.out, "\n\n                      fill, kernel stock: speed-up over "
				     "vCPUs\n       +---");
	test_check_contains(run.out, "\nfigure: ");
	test_check_contains(run.out, SVG "\n");
	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &svg, NULL), 0);
	test_check_contains(svg ? svg : "", "<title id=\"figure-title\">fill, kernel stock");
}

static void test_with_timed(void)
{
	const char *results = scaling_run_folder();
	cleanup_free char *path = path_join(test_temp_folder(), "it's here.svg");
	cleanup_program struct program_run run = { .out = NULL };

	if (!has_gnuplot())
		return;
	program_run(&run, "scale", "20261121-21", "--timed", "20261121-22", "--variant", "patched",
		    "--row", "fill", "--cells", "scale/scaling", "--svg", path, "--results",
		    results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "! With 2 vCPUs it is 1.414 x as fast, not the 1.980 x");
	CU_ASSERT_TRUE(path_exists(path));
	program_run(&run, "scale", "20261121-21", "--variant", "patched", "--results", results);
	test_check_contains(run.out, SCALING_RUN_EXACT "/scaling-fill-patched.svg\n");
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void test_json(void)
{
	const char *results = scaling_run_folder();
	cleanup_program struct program_run run = { .out = NULL };
	json_t *json;

	if (!has_gnuplot())
		return;
	program_run(&run, "scale", SCALING_RUN_EXACT, "--timed", SCALING_RUN_TIMED, "--json",
		    "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	json = json_loads(run.out, 0, NULL);
	if (test_check(json != NULL)) {
		test_check_string(text_of(json, "run_id"), SCALING_RUN_EXACT);
		test_check_string(text_of(json, "timed_id"), SCALING_RUN_TIMED);
		test_check_contains(text_of(json, "svg_path"), SVG);
	}
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "measured")), 2);
	json_decref(json);
}

/* PATH as it was, put back at the end of a scope. */
static void restore_path(char **path)
{
	CU_ASSERT_EQUAL(setenv("PATH", *path, 1), 0);
	free(*path);
}

/* The table needs no gnuplot; the figure names what it lacks. */
static void test_without_gnuplot(void)
{
	const char *results = scaling_run_folder();
	cleanup_free char *path = path_join(results, SVG);
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_with(restore_path) char *before = string_copy(getenv("PATH"));

	if (!test_check(before != NULL) ||
	    !test_check(setenv("PATH", test_temp_folder(), 1) == 0))
		return;
	program_run(&run, "scale", SCALING_RUN_EXACT, "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "    8  1.071 Ginsn  133.9 Minsn  7.477 ");
	test_check_contains(run.err, "gnuplot is not installed (Debian: the package gnuplot-nox): "
				     "no figure, only the table");
	CU_ASSERT_PTR_NULL(strstr(run.out, "figure: "));
	CU_ASSERT_FALSE(path_exists(path));
	program_run(&run, "scale", SCALING_RUN_EXACT, "--json", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "\"svg_path\": null");
}

static void test_refusals(void)
{
	const char *results = scaling_run_folder(), *empty = test_temp_folder();
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "scale", "--results", empty);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "`kerngate run` makes one");
	program_run(&run, "scale", SCALING_RUN_TIMED, "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "ran in timed mode: instructions are counted in exact mode "
				     "only");
	program_run(&run, "scale", SCALING_RUN_EXACT, "--timed", SCALING_RUN_EXACT, "--results",
		    results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "its times are instructions");
	program_run(&run, "scale", SCALING_RUN_EXACT, "--row", "boot", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "it has row fill of scale/scaling");
	if (!has_gnuplot())
		return;
	program_run(&run, "scale", SCALING_RUN_EXACT, "--svg", "/nonexistent/a.svg", "--results",
		    results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "/nonexistent/a.svg: cannot be written");
}

TEST_SUITE("scale",
	   {"usage", test_usage},
	   {"a figure", test_figure},
	   {"with a timed run", test_with_timed},
	   {"JSON", test_json},
	   {"without gnuplot", test_without_gnuplot},
	   {"refusals", test_refusals})
