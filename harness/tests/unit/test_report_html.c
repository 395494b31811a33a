/* test_report_html.c - the page: what it says first, what it may do, its colours. */
#include "report_html.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "process.h"
#include "report_run.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_comparison cleanup_with(comparison_release)

/* --- colours ------------------------------------------------------------------------------- */

/* One of sRGB's parts as light (WCAG 2.2, "relative luminance"). */
static double linear(unsigned int part)
{
	double share = part / 255.0;

	return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4);
}

/* A colour of a scheme (0 light, 1 dark) by its variable; negative where it has none. */
static double luminance(int scheme, const char *name)
{
	cleanup_free char *variable = string_format("--%s:#", name);
	const char *block = strstr(report_html_style(), ":root{");
	unsigned int red, green, blue;

	for (int i = 0; i < scheme && block; i++)
		block = strstr(block + 1, ":root{");
	block = block ? strstr(block, variable) : NULL;
	if (!block || sscanf(block + strlen(variable), "%2x%2x%2x", &red, &green, &blue) != 3)
		return -1;
	return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

static void check_contrast(int scheme, const char *ink, const char *paper, double least)
{
	double a = luminance(scheme, ink), b = luminance(scheme, paper);
	double ratio = (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
	cleanup_free char *text = string_format("%s on %s, %s: %.2f", ink, paper,
						scheme ? "dark" : "light", ratio);

	CU_ASSERT_TRUE(a >= 0 && b >= 0);
	if (!(ratio >= least))
		test_check_string(text, "enough contrast");
	test_check(ratio >= least);
}

static void test_contrast(void)
{
	static const char *const words[] = { "ink", "soft", "link", "v0", "v1", "v2", "v3", "v4" };
	static const char *const papers[] = { "paper", "panel", "band" };
	static const char *const shapes[] = { "s0", "s1", "s2", "s3", "s4", "s5", "zero" };

	for (int scheme = 0; scheme < 2; scheme++) {
		for (size_t i = 0; i < ARRAY_COUNT(words); i++)
			for (size_t k = 0; k < ARRAY_COUNT(papers); k++)
				check_contrast(scheme, words[i], papers[k], 4.5);
		for (size_t i = 0; i < ARRAY_COUNT(shapes); i++)
			check_contrast(scheme, shapes[i], "paper", 3);
	}
	/* Every colour is a variable: none stands outside of both lists. */
	CU_ASSERT_TRUE(luminance(0, "paper") > luminance(1, "paper"));
	CU_ASSERT_EQUAL(luminance(0, "nothing"), -1);
}

static void test_all_colours_are_variables(void)
{
	const char *style = report_html_style(), *at = strstr(style, "}}\n");

	if (!test_check(at != NULL))
		return;
	CU_ASSERT_PTR_NULL(strchr(at, '#'));
	CU_ASSERT_PTR_NULL(strstr(at, "rgb("));
	CU_ASSERT_PTR_NULL(strstr(style, "url("));
	CU_ASSERT_PTR_NULL(strstr(style, "@import"));
	CU_ASSERT_PTR_NULL(strstr(style, "</"));
}

/* --- pages --------------------------------------------------------------------------------- */

static char *make_report(enum report_run_kind kind, bool is_text)
{
	cleanup_store struct run_store *store = sample_store_open(report_run_folder(kind));
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_comparison struct comparison c = { .entries = NULL };
	struct strbuf out = STRBUF_INIT;
	struct error err = ERROR_INIT;
	bool has_figures;

	if (!store || !test_check(!run_store_load(store, REPORT_RUN, &run, &err)) ||
	    !test_check(!comparison_make(store, &run, NULL, &c, &err)))
		return string_copy("");
	test_check(!(is_text ? report_text_write(store, &run, &c, &out, &err) :
		     report_html_write(store, &run, &c, &out, &has_figures, &err)));
	test_check_string(err.message, "");
	return strbuf_detach(&out);
}

static bool has_gnuplot(void)
{
	cleanup_free char *program = process_find_program("gnuplot");

	if (!program)
		test_skip("gnuplot is not installed");
	return program != NULL;
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		found++;
	return found;
}

/* What stands before what. */
static void check_order(const char *page, const char *const *parts)
{
	const char *before = page;

	for (; *parts; parts++) {
		const char *at = strstr(page, *parts);

		test_check_contains(page, *parts);
		CU_ASSERT_TRUE(!at || at > before);
		before = at ? at : before;
	}
}

static void test_policy(void)
{
	cleanup_free char *page = make_report(REPORT_RUN_REGRESSED, false);
	cleanup_free char *hash = report_html_hash(report_html_style());
	cleanup_free char *policy = string_format(
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">", hash);
	cleanup_free char *empty = report_html_hash("");

	/* FIPS 180-4's digest of nothing, in base64 */
	test_check_string(empty, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	test_check_contains(page, policy);
	CU_ASSERT_EQUAL(count(page, "<style>"), 1);
	CU_ASSERT_EQUAL(count(page, "<script"), 0);
	CU_ASSERT_EQUAL(count(page, " style="), 0);
	CU_ASSERT_EQUAL(count(page, "<link"), 0);
	CU_ASSERT_EQUAL(count(page, "<img"), 0);
	CU_ASSERT_EQUAL(count(page, "src="), 0);
	CU_ASSERT_EQUAL(count(page, "href="), count(page, "href=\"#"));
}

static void test_verdict_first(void)
{
	cleanup_free char *page = NULL;

	if (!has_gnuplot())
		return;
	page = make_report(REPORT_RUN_REGRESSED, false);
	check_order(page, (const char *const[]){
		"<title>exit 1: " REPORT_RUN " (kerngate)</title>", "Skip to the verdict",
		"<main id=\"main\"", "Regressed <span class=\"exit\">exit 1</span>",
		" changed by <strong>+", " with patched on guest up, suite quick",
		"<h2 id=\"h-metrics\">", "<h2 id=\"h-changes\">", "<h2 id=\"h-details\">",
		"<h2 id=\"h-findings\">", "INFO: task kworker\nblocked", "<h2 id=\"h-boots\">",
		"<h2 id=\"h-conditions\">", "variant.kernel_release", "<h2 id=\"h-again\">",
		"--blocks 12 --seed 7\n", NULL });
	CU_ASSERT_EQUAL(count(page, "<figure"), count(page, "<svg role=\"img\""));
	CU_ASSERT_EQUAL(count(page, "<figure"), count(page, "<desc id="));
	CU_ASSERT_EQUAL(count(page, "<figure"), 2 + 8 * 3);
}

/* The worst says why; each bad run has its sentence and no failure. */
static void check_says(enum report_run_kind kind, const char *words)
{
	cleanup_free char *page = make_report(kind, false);

	test_check_contains(page, words);
	test_check_contains(page, "</html>\n");
	CU_ASSERT_EQUAL(count(page, "<section"), count(page, "</section>"));
	CU_ASSERT_EQUAL(count(page, "<details"), count(page, "</details>"));
	CU_ASSERT_EQUAL(count(page, "<table"), count(page, "</table>"));
	CU_ASSERT_EQUAL(count(page, "<svg"), count(page, "</svg>"));
}

static void test_bad_runs(void)
{
	if (!has_gnuplot())
		return;
	check_says(REPORT_RUN_EMPTY, "72 of its boots have not run");
	check_says(REPORT_RUN_ONE_BOOT, "gated metrics cannot be compared");
	check_says(REPORT_RUN_UNFINISHED, "<strong>This run is not complete</strong> (interrupted)");
	check_says(REPORT_RUN_CONTROL, "The A/A control fired: stock differs from itself");
	check_says(REPORT_RUN_NO_SAMPLES, "<strong>crashed, failed or hung</strong>");
	check_says(REPORT_RUN_EQUAL, "gated metrics stayed within 2.5&nbsp;%");
	check_says(REPORT_RUN_ODD, "gated metrics cannot be compared");
}

/* A run that ended early by a look, with a tail and with boots that did not pass. */
static void test_looks(void)
{
	cleanup_free char *page = NULL, *other = NULL;

	if (!has_gnuplot())
		return;
	page = make_report(REPORT_RUN_LOOKS, false);
	test_check_contains(page, "Judged on the way: 2 of 3 <a href=\"#h-looks\">looks</a>, after 9 of "
				  "at most 12 blocks; the run ended early, since all is settled.");
	check_order(page, (const char *const[]){
		"<h4>Tail</h4>", "<th scope=\"row\">99&nbsp;%</th>",
		"<th scope=\"row\">largest</th>", "<th scope=\"row\">beyond ",
		"<h2 id=\"h-boots\">", "<h3 id=\"h-looks\">",
		"<th scope=\"row\">1</th><td>6</td><td>2026-11-22T08:10:00Z</td><td>0.0031</td>"
		"<td>2</td><td class=\"text\"></td>",
		"<th scope=\"row\">2</th><td>9</td><td>2026-11-22T08:20:00Z</td><td>0.021</td>"
		"<td>0</td><td class=\"text\">the run ended with it</td>",
		"<th scope=\"row\">3</th><td>12</td><td>not taken</td>",
		"Passed on numa, memory: baseline 17 of 18 (", "patched 3 of 9 (",
		"Fisher's exact test: p 0.00", ", regressed.</p>", NULL });
	/* levels of a look have many digits; the axis of changes is in percent */
	test_check_contains(page, "Interval: 98.17&nbsp;% of the change");
	test_check_contains(page, "alpha 0.018.");
	test_check_contains(page, ">+10 %</text>");
	test_check_contains(page, "with patched on guest numa, suite memory; more often than the "
				  "baseline, which");
	/* what a look left out is not planned any more */
	CU_ASSERT_EQUAL(count(page, "not complete"), 0);
	CU_ASSERT_EQUAL(count(page, "<table"), count(page, "</table>"));
	other = make_report(REPORT_RUN_REGRESSED, false);
	CU_ASSERT_EQUAL(count(other, "looks"), 0);
}

/* Nothing of what guests and configs say becomes markup. */
static void test_hostile(void)
{
	cleanup_free char *page = NULL;

	if (!has_gnuplot())
		return;
	page = make_report(REPORT_RUN_HOSTILE, false);
	CU_ASSERT_EQUAL(count(page, "<script"), 0);
	CU_ASSERT_EQUAL(count(page, "<img"), 0);
	CU_ASSERT_EQUAL(count(page, "<b>7"), 0);
	CU_ASSERT_EQUAL(count(page, "</title></style>"), 0);
	CU_ASSERT_EQUAL(count(page, "\342\200\256"), 0);
	CU_ASSERT_EQUAL(count(page, "\x1b"), 0);
	CU_ASSERT_EQUAL(count(page, "\xff"), 0);
	CU_ASSERT_TRUE(count(page, "&lt;script&gt;alert(1)&lt;/script&gt;") > 10);
	CU_ASSERT_TRUE(strlen(page) < 2 << 20);
}

static void test_text(void)
{
	for (int kind = 0; kind < REPORT_RUN_KINDS_COUNT && has_gnuplot(); kind++) {
		cleanup_free char *text = make_report((enum report_run_kind)kind, true);

		for (const char *line = text; *line;) {
			size_t length = strcspn(line, "\n");

			CU_ASSERT_TRUE(length <= 80);
			CU_ASSERT_TRUE(length == 0 || line[length - 1] != ' ');
			line += length + (line[length] == '\n');
		}
		test_check_contains(text, "(gate: exit ");
		if (kind == REPORT_RUN_REGRESSED)
			check_order(text, (const char *const[]){
				"verdict    REGRESSED", "== all changes", "! first.falloca",
				"== first.fallocate_ns on guest up, suite quick",
				"samples, a column each boot", "distribution", "a stock, b patched",
				"order of the run", NULL });
	}
}

static void test_history(void)
{
	cleanup_free char *page = NULL, *text = NULL;

	if (!has_gnuplot())
		return;
	page = make_report(REPORT_RUN_HISTORY, false);
	CU_ASSERT_EQUAL(count(page, "<strong>History.</strong>"), 8);
	CU_ASSERT_EQUAL(count(page, "<figure"), 2 + 8 * 4);
	test_check_contains(page, "stock: 4 runs from 2026-11-19T08:00:00Z to 2026-11-22T08:00:00Z; "
			    "means from 1.0");
	test_check_contains(page, "patched: 4 runs from ");
	text = make_report(REPORT_RUN_HISTORY, true);
	test_check_contains(text, "\n  history: the runs of the campaign\n");
}

/* PATH as it was, put back at the end of a scope. */
static void restore_path(char **path)
{
	CU_ASSERT_EQUAL(setenv("PATH", *path, 1), 0);
	free(*path);
}

static void test_without_gnuplot(void)
{
	cleanup_with(restore_path) char *path = string_copy(getenv("PATH"));
	cleanup_free char *page = NULL;

	if (!test_check(path != NULL) || !test_check(!setenv("PATH", test_temp_folder(), 1)))
		return;
	page = make_report(REPORT_RUN_REGRESSED, false);
	CU_ASSERT_EQUAL(count(page, "<figure"), 0);
	test_check_contains(page, "Figures are missing: gnuplot was not installed");
	test_check_contains(page, " changed by <strong>+");
}

TEST_SUITE("report html",
	   {"colours have contrast", test_contrast},
	   {"all colours are variables", test_all_colours_are_variables},
	   {"allows its own style only", test_policy},
	   {"the verdict comes first", test_verdict_first},
	   {"bad runs", test_bad_runs},
	   {"looks, tails and pass rates", test_looks},
	   {"hostile names", test_hostile},
	   {"as text", test_text},
	   {"history", test_history},
	   {"without gnuplot", test_without_gnuplot})
