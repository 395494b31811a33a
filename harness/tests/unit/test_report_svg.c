/* test_report_svg.c - gnuplot's SVG > the page's. */
#include "report_svg.h"

#include <errno.h>
#include <string.h>

#include "test.h"

#define HEAD \
	"<?xml version=\"1.0\"?>\n<svg \n width=\"360\" height=\"220\"\n viewBox=\"0 0 360 220\"\n" \
	">\n<title>Gnuplot</title>\n<g id=\"gnuplot_canvas\">\n" \
	"<rect x=\"0\" y=\"0\" width=\"360\" height=\"220\" fill=\"#ffffff\"/>\n" \
	"<defs>\n<circle id='gpDot' r='0.5'/><path id='gpPt0' d='M-1,0 h2'/>" \
	"<use xlink:href='#gpPt5' id='gpPt6'/></defs>\n" \
	"<g fill=\"none\" color=\"black\" stroke=\"currentColor\" stroke-width=\"2.00\">\n"
#define TAIL "</g>\n</g></svg>\n"

static void convert(const char *inside, const char *title, struct strbuf *out)
{
	cleanup_strbuf struct strbuf svg = STRBUF_INIT;
	struct error err = ERROR_INIT;

	strbuf_addf(&svg, "%s%s%s", HEAD, inside, TAIL);
	CU_ASSERT_EQUAL(report_svg_add(svg.data, title, "in words", 7, "fig", out, &err), 0);
	test_check_string(err.message, "");
}

static void check(const char *inside, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	convert(inside, "a title", &out);
	test_check_contains(out.data, expected);
}

static void test_frame(void)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	convert("", "<b>", &out);
	test_check_string(out.data,
		"<svg role=\"img\" class=\"fig\" viewBox=\"0 0 360 220\" font-size=\"12\" "
		"aria-labelledby=\"f7t\" aria-describedby=\"f7d\">\n"
		"<title id=\"f7t\">&lt;b&gt;</title>\n<desc id=\"f7d\">in words</desc>\n</svg>\n");
}

static void test_lines(void)
{
	check("<path stroke='rgb(  0,   0,  16)'  d='M10.00,20.00 L10.00,25.04 L13.20,25.04 L1,2 '/>",
	      "<path class=\"s0 l\" stroke-width=\"2\" d=\"M10 20v5h3.2l-12.2-23\"/>\n");
	/* equal looks are one path, others another; what gnuplot calls black is ink */
	check("<path stroke='rgb(0,0,1)' d='M0,0 L5,0'/><path stroke='rgb(0,0,1)' d='M0,9 L5,9'/>"
	      "<path stroke='black' stroke-dasharray='2,4' d='M1,1 L2,2'/>",
	      "<path class=\"g l\" stroke-width=\"2\" d=\"M0 0h5m-5 9h5\"/>\n"
	      "<path class=\"i l\" stroke-width=\"2\" stroke-dasharray=\"2,4\" d=\"M1 1l1 1\"/>\n");
	check("<polygon fill = 'rgb(  0,   0,   2)' points = '0,0 10,0 10,5 0,5'/>",
	      "<path class=\"m f\" d=\"M0 0h10v5h-10\"/>\n");
}

static void test_points(void)
{
	check("<use xlink:href='#gpPt6' transform='translate(10.00,20.00) scale(2.00)' "
	      "color='rgb(  0,   0,  32)'/>\n<use xlink:href='#gpPt6' "
	      "transform='translate(11.50,19.00) scale(2.00)' color='rgb(  0,   0,  32)'/>",
	      "<path class=\"t0 d\" stroke-width=\"4\" d=\"M10 20h0m1.5-1h0\"/>\n");
	check("<use xlink:href='#gpPt4' transform='translate(1,2) scale(2)' color='rgb(0,0,17)'/>",
	      "<path class=\"s1 q\" stroke-width=\"4\" d=\"M1 2h0\"/>\n");
	check("<use xlink:href='#gpPt8' transform='translate(10,20) scale(3)' color='rgb(0,0,51)'/>",
	      "<path class=\"v3 f\" d=\"M10 16l4 6l-8 0z\"/>\n");
	check("<use xlink:href='#gpPt5' transform='translate(10,20) scale(3)' color='rgb(0,0,16)'/>",
	      "<path class=\"s0 o\" stroke-width=\"1.4\" d=\"M7 20a3 3 0 1 0 6 0a3 3 0 1 0-6 0\"/>\n");
}

static void test_words(void)
{
	check("<g transform=\"translate(65.05,373.74)\" stroke=\"none\" fill=\"black\" "
	      "font-size=\"12.00\"  text-anchor=\"end\"><text> 1 &lt;b&gt; &amp;</text></g>",
	      "<text class=\"i\" x=\"65.0\" y=\"373.7\" text-anchor=\"end\">1 &lt;b&gt; &amp;</text>\n");
	check("<g transform=\"translate(22.38,227.51) rotate(270)\" fill=\"rgb(0,0,48)\" "
	      "font-size=\"10.00\" text-anchor=\"middle\"><text><tspan x='y'>up</tspan></text></g>",
	      "<text class=\"v0\" transform=\"translate(22.4 227.5) rotate(270)\" "
	      "text-anchor=\"middle\" font-size=\"10\">up</text>\n");
}

/* What is not understood is not there: no script, style, link, id or event. */
static void test_left_out(void)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	convert("<script>alert(1)</script><style>a{}</style><image href='http://x/'/>"
		"<a xlink:href='javascript:x'><path onload='x' style='y' id='z' stroke='rgb(0,0,1)' "
		"stroke-dasharray='\"/><script>' d='M0,0 L1,0\"/><script>'/></a>"
		"<use xlink:href='#gpPt6' transform='translate(nan,1e99) scale(1)'/>"
		"<path d='M1e30,nan L2,2'/><text", "t", &out);
	for (const char *const *word = (const char *const[]){ "script", "style", "http", "href",
	     "onload", "nan", "image", "e30", NULL }; *word; word++)
		if (strstr(out.data, *word))
			test_check_string(out.data, *word);
	test_check_contains(out.data, "d=\"M0 0h1\"/>");
}

static void refuse(const char *svg)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(report_svg_add(svg, "t", "d", 1, "fig", &out, &err), -EBADMSG);
	test_check_contains(err.message, "gnuplot's SVG has no size or canvas");
	test_check_string(out.data, "");
}

static void test_refused(void)
{
	refuse("");
	refuse("plot x");
	refuse("<svg viewBox=\"0 0 1 1\"></svg>");
	refuse("<svg><g id=\"gnuplot_canvas\"></g></svg>");
	refuse("<svg viewBox=\"a b\"><g id=\"gnuplot_canvas\"></g></svg>");
}

TEST_SUITE("report svg",
	   {"a frame with its words", test_frame},
	   {"lines and areas", test_lines},
	   {"points", test_points},
	   {"words", test_words},
	   {"leaves out what it does not know", test_left_out},
	   {"refuses what is none of gnuplot's", test_refused})
