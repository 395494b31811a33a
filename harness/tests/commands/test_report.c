/* test_report.c - `kerngate report` as people use it, and its page in a browser. */
#include <string.h>
#include <sys/stat.h>

#include "browser_checks.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "program.h"
#include "report_run.h"
#include "test.h"

#define PAGE REPORT_RUN "/report.html"

/* --- the command --------------------------------------------------------------------------- */

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "report", "one", "two");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "one argument too many");
	program_run(&run, "report", "--ouptut", "x");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "did you mean --output?");
	program_run(&run, "report", "--help");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "docs/report.md");
}

static void test_files(void)
{
	const char *results = report_run_folder(REPORT_RUN_REGRESSED);
	cleanup_free char *standard = path_join(results, PAGE);
	cleanup_free char *named = path_join(test_temp_folder(), "it's here.html");
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_free char *text = NULL;

	program_run(&run, "report", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_string(run.err, "");
	test_check_contains(run.out, PAGE "\n");
	CU_ASSERT_EQUAL(file_read(standard, 1 << 24, &text, NULL), 0);
	test_check_contains(text ? text : "", "<!DOCTYPE html>");
	program_run(&run, "report", REPORT_RUN, "--output", named, "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_TRUE(path_exists(named));
	program_run(&run, "report", "--output", "-", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_EQUAL(strncmp(run.out, "<!DOCTYPE html>", 15), 0);
	program_run(&run, "report", "--text", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "== all changes");
}

static void test_formats(void)
{
	const char *results = report_run_folder(REPORT_RUN_REGRESSED);
	cleanup_free char *named = path_join(test_temp_folder(), "samples.csv");
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "report", "--format", "junit", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "<testsuites");
	program_run(&run, "report", "--format", "csv", "--output", named, "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_TRUE(path_exists(named));
	test_check_contains(run.out, "samples.csv\n");
	program_run(&run, "report", "--format", "html", "--output", "-", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_EQUAL(strncmp(run.out, "<!DOCTYPE html>", 15), 0);
	program_run(&run, "report", "--format", "junti", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "did you mean junit?");
	program_run(&run, "report", "--format", "ktap", "--text", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--text and --format ktap: one of them");
}

static void test_refusals(void)
{
	const char *results = report_run_folder(REPORT_RUN_REGRESSED), *empty = test_temp_folder();
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "report", "--results", empty);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "`kerngate run` makes one");
	program_run(&run, "report", "20991231", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "20991231");
	program_run(&run, "report", "--output", "/nonexistent/a.html", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "/nonexistent/a.html: cannot be written");
}

/* --- the page in a browser ------------------------------------------------------------------- */

static char *make_page(enum report_run_kind kind)
{
	char *path = path_join(test_temp_folder(), "report.html");
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "report", "--output", path, "--results", report_run_folder(kind));
	CU_ASSERT_EQUAL(run.status, 0);
	/* The history of the runs before may report its progress; figures must be there. */
	CU_ASSERT_PTR_NULL(strstr(run.err, "no figures"));
	return path;
}

static void check_page(struct browser *browser, enum report_run_kind kind)
{
	cleanup_free char *page = make_page(kind);

	browser_check_view(browser, page, 360, false, 50);
	browser_check_view(browser, page, 360, true, 50);
	browser_check_view(browser, page, 1440, false, 50);
	browser_check_view(browser, page, 1440, true, 50);
}

static void test_views(void)
{
	cleanup_browser struct browser *browser = browser_start();

	if (!browser)
		return;
	check_page(browser, REPORT_RUN_HISTORY);
	CU_ASSERT_TRUE(browser_ask_number(browser, "document.querySelectorAll('figure').length") >
		       20);
}

static void test_hostile_view(void)
{
	cleanup_browser struct browser *browser = browser_start();

	if (!browser)
		return;
	check_page(browser, REPORT_RUN_HOSTILE);
	CU_ASSERT_EQUAL(browser_ask_number(browser, "document.scripts.length + "
					   "document.images.length + document.forms.length"), 0);
}

static void test_bad_views(void)
{
	cleanup_browser struct browser *browser = browser_start();
	static const enum report_run_kind kinds[] = { REPORT_RUN_EMPTY, REPORT_RUN_ONE_BOOT,
						      REPORT_RUN_LOOKS,
						      REPORT_RUN_CONTROL, REPORT_RUN_ODD };

	for (size_t i = 0; browser && i < ARRAY_COUNT(kinds); i++) {
		cleanup_free char *page = make_page(kinds[i]);

		browser_check_view(browser, page, 360, false, 50);
		browser_check_view(browser, page, 1440, true, 50);
	}
}

/* What assistive technology is told: names of pictures, tables that stay tables. */
static void test_tree(void)
{
	cleanup_browser struct browser *browser = browser_start();
	cleanup_free char *page = browser ? make_page(REPORT_RUN_REGRESSED) : NULL;
	size_t images = 0, nameless = 0, tables = 0, headers = 0;
	json_t *nodes, *node;
	size_t index;

	if (!browser || !browser_view(browser, 360, 800, false) || !browser_open(browser, page))
		return;
	nodes = browser_tree(browser);
	json_array_foreach(nodes, index, node) {
		const json_t *role = json_object_get(json_object_get(node, "role"), "value");
		const json_t *name = json_object_get(json_object_get(node, "name"), "value");
		const char *word = json_string_value(role);
		bool is_image = word && (!strcmp(word, "image") || !strcmp(word, "img"));

		images += is_image;
		nameless += is_image && !(name && json_string_value(name)[0]);
		tables += word && !strcmp(word, "table");
		headers += word && !strcmp(word, "rowheader");
	}
	json_decref(nodes);
	/* The wide forest is not shown on a phone: one and three a metric. */
	CU_ASSERT_EQUAL(images, 1 + 8 * 3);
	CU_ASSERT_EQUAL(nameless, 0);
	CU_ASSERT_TRUE(tables >= 10);
	CU_ASSERT_TRUE(headers >= 20);
}

/* Tab reaches the skip link first, and all that scrolls or opens can have the focus. */
static void test_keyboard(void)
{
	cleanup_browser struct browser *browser = browser_start();
	cleanup_free char *page = browser ? make_page(REPORT_RUN_REGRESSED) : NULL;

	if (!browser || !browser_view(browser, 1440, 900, false) || !browser_open(browser, page))
		return;
	CU_ASSERT_EQUAL(browser_ask_number(browser,
		"[...document.querySelectorAll('pre, .box')].filter(e => e.tabIndex !== 0 || "
		"!e.getAttribute('role')).length"), 0);
	browser_check_text(browser, "document.querySelector('a, summary, [tabindex]').className", "skip");
	browser_check_text(browser, "(document.querySelector('.skip').focus(), "
		   "getComputedStyle(document.activeElement).left)", "0px");
	/* A link of the table opens the section that it leads to. */
	CU_ASSERT_EQUAL(browser_ask_number(browser,
		"(() => { const d = document.querySelectorAll('details.metric')[1]; d.open = false; "
		"location.hash = d.querySelector('p').id; return d.querySelector('p').id ? 1 : 0; })()"),
		1);
}

/* A page that breaks each rule, so that the checks above are known to see it. */
static void test_checks_see(void)
{
	static const char page[] =
		"<!DOCTYPE html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
		"'none'\"><body><p style=\"color:red\">x</p><script>1</script><img src=\"x.png\">"
		"<div><p>wide</p><svg width=\"900\" height=\"9\"></svg></div><figure><svg></svg></figure>"
		"<pre>";
	cleanup_browser struct browser *browser = browser_start();
	cleanup_free char *path = path_join(test_temp_folder(), "bad.html");
	json_t *words;

	if (!browser || !test_check(!file_write_atomic(path, page, strlen(page), 0644)) ||
	    !browser_view(browser, 360, 800, false) || !browser_open(browser, path))
		return;
	test_check_contains(browser_messages(browser), "Content Security Policy");
	CU_ASSERT_TRUE(browser_ask_number(browser, "document.scrollingElement.scrollWidth") > 360);
	CU_ASSERT_EQUAL(browser_ask_number(browser, browser_wordless), 1);
	words = browser_ask(browser, browser_low_contrast);
	test_check_contains(json_string_value(words), "only 2 texts");
	json_decref(words);
}

TEST_SUITE("report",
	   {"usage", test_usage},
	   {"files", test_files},
	   {"formats", test_formats},
	   {"refusals", test_refusals},
	   {"in a browser, narrow and wide, light and dark", test_views},
	   {"hostile names in a browser", test_hostile_view},
	   {"bad runs in a browser", test_bad_views},
	   {"what assistive technology sees", test_tree},
	   {"by the keyboard", test_keyboard},
	   {"the checks see what is wrong", test_checks_see})
