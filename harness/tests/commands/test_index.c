/* test_index.c - `kerngate index` as people use it, and its page in a browser. */
#include <string.h>

#include "browser_checks.h"
#include "files.h"
#include "index_run.h"
#include "memory.h"
#include "process.h"
#include "program.h"
#include "report_run.h"
#include "test.h"

/* --- the command --------------------------------------------------------------------------- */

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "index", "one");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "takes no argument");
	program_run(&run, "index", "--output", "x");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "index", "--help");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "results/index.html");
}

static char *read_page(const char *results)
{
	cleanup_free char *path = path_join(results, "index.html");
	char *text = NULL;

	CU_ASSERT_EQUAL(file_read(path, 1 << 24, &text, NULL), 0);
	return text ? text : string_copy("");
}

static void test_written(void)
{
	const char *results = index_run_folder(INDEX_RUN_NIGHTS);
	cleanup_free char *told = string_format("index: %s/index.html\n", results);
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_free char *page = NULL;

	program_run(&run, "index", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_string(run.out, told);
	page = read_page(results);
	CU_ASSERT_EQUAL(strncmp(page, "<!DOCTYPE html>", 15), 0);
	test_check_contains(page, INDEX_RUN_CULPRIT);
}

/* A report that is written where the index looks for it is linked at once; one that goes
 * elsewhere changes nothing. */
static void test_report_keeps_it_current(void)
{
	const char *results = report_run_folder(REPORT_RUN_EQUAL);
	cleanup_free char *path = path_join(results, "index.html"), *page = NULL;
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "report", "--output", "-", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_FALSE(path_exists(path));
	program_run(&run, "report", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	page = read_page(results);
	test_check_contains(page, "<a href=\"" REPORT_RUN "/report.html\">");
}

static void test_refusals(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "index.html");
	cleanup_program struct program_run run = { .out = NULL };

	CU_ASSERT_EQUAL(folder_make(path), 0);
	program_run(&run, "index", "--results", folder);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "index.html: cannot be written");
	program_run(&run, "index", "--results", "/proc/nowhere");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "/proc/nowhere");
}

/* --- the page in a browser ------------------------------------------------------------------- */

/* Drawings of more than a few units say what they show. */
static const char nameless[] =
	"[...document.querySelectorAll('svg')].filter(s => s.getAttribute('aria-hidden') !== 'true' "
	"&& !(s.getAttribute('role') === 'img' && s.firstElementChild.tagName === 'title' && "
	"s.firstElementChild.textContent.length > 40)).length";

static void check_page(enum index_run_kind kind, int texts_min)
{
	cleanup_browser struct browser *browser = browser_start();
	cleanup_free char *page = path_join(index_run_folder(kind), "index.html");
	cleanup_program struct program_run run = { .out = NULL };

	if (!browser)
		return;
	program_run(&run, "index", "--results", index_run_folder(kind));
	CU_ASSERT_EQUAL(run.status, 0);
	browser_check_view(browser, page, 360, false, texts_min);
	browser_check_view(browser, page, 360, true, texts_min);
	browser_check_view(browser, page, 1600, false, texts_min);
	browser_check_view(browser, page, 1600, true, texts_min);
	CU_ASSERT_EQUAL(browser_ask_number(browser, nameless), 0);
	CU_ASSERT_EQUAL(browser_ask_number(browser, "document.scripts.length + "
					   "document.images.length + document.forms.length"), 0);
}

static void test_views(void)
{
	check_page(INDEX_RUN_NIGHTS, 500);
}

static void test_hostile_view(void)
{
	check_page(INDEX_RUN_HOSTILE, 500);
}

static void test_small_views(void)
{
	check_page(INDEX_RUN_EMPTY, 10);
	check_page(INDEX_RUN_ONE, 10);
}

/* Marks are told apart without colour: no two kinds have the same outline. */
static void test_shapes(void)
{
	cleanup_browser struct browser *browser = browser_start();
	cleanup_free char *page = path_join(index_run_folder(INDEX_RUN_NIGHTS), "index.html");
	cleanup_program struct program_run run = { .out = NULL };

	if (!browser)
		return;
	program_run(&run, "index", "--results", index_run_folder(INDEX_RUN_NIGHTS));
	if (!browser_view(browser, 1600, 900, false) || !browser_open(browser, page))
		return;
	CU_ASSERT_EQUAL(browser_ask_number(browser,
		"document.querySelectorAll('.legend svg').length"), 10);
	CU_ASSERT_EQUAL(browser_ask_number(browser,
		"new Set([...document.querySelectorAll('.legend svg')].map(s => [...s.querySelectorAll("
		"'path')].map(p => p.getAttribute('d') + p.getAttribute('stroke-width')).join())).size"),
		10);
	/* every mark lies inside its drawing */
	CU_ASSERT_EQUAL(browser_ask_number(browser,
		"[...document.querySelectorAll('svg.strip')].filter(s => { const b = s.viewBox.baseVal, "
		"g = s.getBBox(); return g.x < -0.1 || g.y < 0 || g.x + g.width > b.width + 0.6 || "
		"g.y + g.height > b.height; }).length"), 0);
}

TEST_SUITE("index",
	   {"usage", test_usage},
	   {"written", test_written},
	   {"a report keeps it current", test_report_keeps_it_current},
	   {"refusals", test_refusals},
	   {"in a browser, narrow and wide, light and dark", test_views},
	   {"hostile names in a browser", test_hostile_view},
	   {"empty stores in a browser", test_small_views},
	   {"marks without colour", test_shapes})
