/* test_gnuplot.c - texts that reach gnuplot as texts, and what becomes of scripts
 * that fail.
 */
#include "gnuplot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

/* PATH as it was, put back at the end of a scope. */
static void restore_path(char **path)
{
	CU_ASSERT_EQUAL(setenv("PATH", *path, 1), 0);
	free(*path);
}

static bool has_gnuplot(void)
{
	cleanup_free char *program = process_find_program("gnuplot");

	if (!program)
		test_skip("gnuplot is not installed");
	return program != NULL;
}

static void check_quoted(const char *text, const char *expected)
{
	cleanup_strbuf struct strbuf quoted = STRBUF_INIT;

	gnuplot_quote(&quoted, text);
	test_check_string(quoted.data, expected);
}

static void test_quote(void)
{
	check_quoted("", "\"\"");
	check_quoted("plain, x-y_z (1)", "\"plain, x-y_z (1)\"");
	check_quoted("'a\"`", "\"\\047a\\042\\140\"");
	check_quoted("a\nb\tc\x7f", "\"a b c \"");
	check_quoted("\\", "\"\\134\"");
	check_quoted("%5x5", "\"\\045\\065x5\"");
	check_quoted("\303\244", "\"\303\244\"");
}

/* What gnuplot makes of a text is that text: no command of it runs. */
static void check_harmless(const char *pattern, const char *file)
{
	cleanup_free char *path = path_join(test_temp_folder(), file);
	cleanup_free char *text = string_format(pattern, path);
	cleanup_strbuf struct strbuf script = STRBUF_INIT;
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	strbuf_adds(&script, "set print '-'\nprint ");
	gnuplot_quote(&script, text);
	strbuf_addc(&script, '\n');
	CU_ASSERT_EQUAL(gnuplot_draw(script.data, &output, &err), 0);
	test_check_string(err.message, "");
	strbuf_reset(&script);
	strbuf_addf(&script, "%s\n", text);
	test_check_string(output, script.data);
	CU_ASSERT_FALSE(path_exists(path));
}

static void test_harmless(void)
{
	if (!has_gnuplot())
		return;
	check_harmless("`touch %s`", "backquotes");
	check_harmless("'; system('touch %s'); print '", "quotes");
	check_harmless("\"; !touch %s", "bang");
	check_harmless("@GPVAL_VERSION %s \\", "macro");
	check_harmless("# %s {/=20 x_y^z}", "comment");
	check_harmless("'5\"6#7\\0%s", "digits");
}

static void test_draws(void)
{
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	if (!has_gnuplot())
		return;
	CU_ASSERT_EQUAL(gnuplot_draw("set terminal dumb size 40,10\nplot [0:1] x\n", &output,
				     &err), 0);
	test_check_contains(output, "+-----");
}

static void refuse(const char *script, int code, const char *message)
{
	char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(gnuplot_draw(script, &output, &err), code);
	test_check_contains(err.message, message);
	CU_ASSERT_PTR_NULL(output);
}

static void test_bad_scripts(void)
{
	if (!has_gnuplot())
		return;
	refuse("plto x\n", -EREMOTEIO, "invalid command");
	refuse("x = 1\n", -ENODATA, "gnuplot drew nothing");
}

static void test_missing(void)
{
	cleanup_with(restore_path) char *path = string_copy(getenv("PATH"));

	if (!test_check(path != NULL) ||
	    !test_check(setenv("PATH", test_temp_folder(), 1) == 0))
		return;
	refuse("plot x\n", -ENOENT,
	       "gnuplot is not installed (Debian: the package gnuplot-nox)");
}

static void test_no_temporary_folder(void)
{
	const char *before = getenv("TMPDIR");
	cleanup_free char *kept = string_copy(before);

	if (!has_gnuplot())
		return;
	CU_ASSERT_EQUAL(setenv("TMPDIR", "/nonexistent", 1), 0);
	refuse("plot x\n", -ENOENT, "/nonexistent/kerngate-figure.");
	CU_ASSERT_EQUAL(kept ? setenv("TMPDIR", kept, 1) : unsetenv("TMPDIR"), 0);
}

TEST_SUITE("gnuplot",
	   {"quotes texts", test_quote},
	   {"texts stay texts", test_harmless},
	   {"draws", test_draws},
	   {"refuses scripts that fail", test_bad_scripts},
	   {"names the package where it is missing", test_missing},
	   {"a folder that cannot be written", test_no_temporary_folder})
