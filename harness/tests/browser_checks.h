/* browser_checks.h - what must hold of every page of kerngate, looked at in a browser. */
#ifndef KERNGATE_TESTS_BROWSER_CHECKS_H
#define KERNGATE_TESTS_BROWSER_CHECKS_H

#include "browser.h"

/* Opens the page at this width, with every section open: nothing on the console and no
 * request; nothing wider than the view but in boxes that scroll; contrast of every text at
 * least 4.5 (WCAG 2.2, 1.4.3); every <figure> has words of its own. texts_min: how many texts
 * must be there at least, so that there was something to check. */
void browser_check_view(struct browser *browser, const char *page, int width, bool is_dark,
			int texts_min);
/* The expression is that text. */
void browser_check_text(struct browser *browser, const char *expression, const char *expected);

/* Expressions: figures without words; the worst contrasts below 4.5, or "". */
extern const char browser_wordless[];
extern const char browser_low_contrast[];

#endif
