/* report_svg.h - an SVG that gnuplot drew > one that stands in a page: without ids,
 * styles, scripts or links, small, its colours named by classes so that the page's
 * style sheet chooses them for light and dark.
 *
 * A script names what it draws by colour: rgb 0x000000 to 0x0000ff, the number of a
 * role. Nothing of gnuplot's SVG is passed through: what is not understood is left
 * out, and texts are escaped again.
 */
#ifndef KERNGATE_ENGINE_REPORT_SVG_H
#define KERNGATE_ENGINE_REPORT_SVG_H

#include "error.h"
#include "strbuf.h"

#define REPORT_SERIES_MAX 6

/* Roles, and the classes that they become. */
enum report_role {
	ROLE_INK = 0,      /* axes, words: "i" */
	ROLE_GRID = 1,     /* "g" */
	ROLE_BAND = 2,     /* the margin: "m" */
	ROLE_LINE = 3,     /* of no change; of a change point: "u" */
	ROLE_SERIES = 16,  /* + number of the series: "s0" to "s5" */
	ROLE_FAINT = 32,   /* the same, single boots: "t0" to "t5" */
	ROLE_VERDICT = 48, /* + enum verdict: "v0" to "v4" */
};

/* Appends the <svg> with role="img", the title and description (any text) as its
 * text alternative, and `number` in their ids. -EBADMSG: svg is none of gnuplot's. */
int report_svg_add(const char *svg, const char *title, const char *description,
		   unsigned int number, const char *class_name, struct strbuf *out,
		   struct error *err) must_check;

#endif
