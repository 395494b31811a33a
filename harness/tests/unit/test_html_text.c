/* test_html_text.c - what becomes of text that nobody vouches for. */
#include "html_text.h"

#include "test.h"

static void check(const char *text, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	html_text(&out, text);
	test_check_string(out.data, expected);
}

static void test_plain(void)
{
	check("", "");
	check(NULL, "");
	check("a b\tc\nd", "a b\tc\nd");
	check("gr\303\274n \342\202\254 \360\237\220\247", "gr\303\274n \342\202\254 \360\237\220\247");
}

static void test_markup(void)
{
	check("<script>", "&lt;script&gt;");
	check("\" onload='x' &amp;", "&quot; onload=&apos;x&apos; &amp;amp;");
}

static void test_bad_bytes(void)
{
	check("a\xff" "b", "a\357\277\275b");
	check("\xc0\xaf", "\357\277\275\357\277\275");        /* overlong "/" */
	check("\xe2\x82", "\357\277\275\357\277\275");        /* cut off */
	check("\xed\xa0\x80", "\357\277\275\357\277\275\357\277\275"); /* a surrogate */
	check("\xf4\x90\x80\x80", "\357\277\275\357\277\275\357\277\275\357\277\275");
	check("\xc3(", "\357\277\275(");
	check("\x80<", "\357\277\275&lt;");
}

static void test_controls(void)
{
	check("\x1b[31m", "\342\220\233[31m");
	check("a\rb", "a\342\220\215b");
	check("\x7f", "\357\277\275");
	check("\302\205", "\357\277\275");                    /* U+0085 */
	check("\357\277\276", "\357\277\275");                /* U+FFFE */
}

static void test_turned_writing(void)
{
	check("a\342\200\256b\342\200\254", "a\357\277\275b\357\277\275");
	check("\342\201\246x\342\201\251", "\357\277\275x\357\277\275");
	check("\342\200\217", "\357\277\275");
}

static void test_length(void)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	html_text_part(&out, "abcdef", 6);
	test_check_string(out.data, "abcdef");
	strbuf_reset(&out);
	html_text_part(&out, "abcdefg", 6);
	test_check_string(out.data, "abcdef...");
	/* A cut inside of a character leaves none of it. */
	strbuf_reset(&out);
	html_text_part(&out, "abcde\303\274", 6);
	test_check_string(out.data, "abcde\303\274...");
	strbuf_reset(&out);
	html_textf(&out, "%d %s", 1, "<");
	test_check_string(out.data, "1 &lt;");
}

TEST_SUITE("html text",
	   {"plain text", test_plain},
	   {"markup", test_markup},
	   {"bytes that are no UTF-8", test_bad_bytes},
	   {"control characters", test_controls},
	   {"marks that turn writing", test_turned_writing},
	   {"long texts", test_length})
