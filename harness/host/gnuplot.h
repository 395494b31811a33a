/* gnuplot.h - figures by gnuplot, the program: a script in, what it draws out.
 *
 *     gnuplot_quote(&script, title);        // any text, as a string of gnuplot's
 *     gnuplot_draw(script.data, &svg, err); // the script draws to its stdout
 */
#ifndef KERNGATE_HOST_GNUPLOT_H
#define KERNGATE_HOST_GNUPLOT_H

#include "error.h"
#include "strbuf.h"

#define GNUPLOT_PACKAGE "gnuplot-nox"

/* Appends text as a string of gnuplot's in which it finds no command, variable or
 * end of the string; control characters become blanks. What a terminal makes of "_"
 * and "^" is the terminal's: set it to noenhanced. */
void gnuplot_quote(struct strbuf *script, const char *text);

/* Runs the script, which has data in it as numbers and text through gnuplot_quote
 * only, with no settings of the user's, and gives back what it wrote to stdout
 * (owned). Blocks, at most 60 s. -ENOENT: gnuplot is not installed (the message names
 * the package); -ECANCELED, -ETIMEDOUT, -EREMOTEIO with gnuplot's own words;
 * -ENODATA: it drew nothing; errnos of the script's temporary file. */
int gnuplot_draw(const char *script, char **ret_output, struct error *err) must_check;

#endif
