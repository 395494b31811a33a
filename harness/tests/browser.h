/* browser.h - a real Chromium for tests of pages, without a window. It is spoken to in
 * the DevTools protocol over two pipes (--remote-debugging-pipe: JSON, each message
 * ended by a NUL), so nothing listens anywhere.
 *
 *     cleanup_browser struct browser *browser = browser_start();
 *     if (!browser) return;                       // skipped, or failed, already said
 *     browser_view(browser, 360, 800, true);      // a phone in the dark
 *     browser_open(browser, "/tmp/x.html");
 *     json_t *width = browser_ask(browser, "document.scrollingElement.scrollWidth");
 *     browser_messages(browser);                  // errors and requests so far
 */
#ifndef KERNGATE_TESTS_BROWSER_H
#define KERNGATE_TESTS_BROWSER_H

#include <jansson.h>
#include <stdbool.h>

#include "cleanup.h"

struct browser;

/* NULL: chromium is not installed (the test is skipped), or did not start (it failed). */
struct browser *browser_start(void);
void browser_end(struct browser **browser);
#define cleanup_browser cleanup_with(browser_end)

/* Size of the view in CSS pixels, and what is preferred; before or after opening. */
bool browser_view(struct browser *browser, int width, int height, bool is_dark);
/* Opens a file and waits until it is loaded; messages begin anew. */
bool browser_open(struct browser *browser, const char *path);
/* What an expression is, as JSON; owned by the caller; NULL, and a failure of the test,
 * where it throws. */
json_t *browser_ask(struct browser *browser, const char *expression);
/* The same for a number; -1 where it is none. */
double browser_ask_number(struct browser *browser, const char *expression);
/* Console errors and warnings, broken policies, exceptions, and every request beyond the
 * file itself, one a line; borrowed; "" where all is well. */
const char *browser_messages(struct browser *browser);
/* The page as a tree for assistive technology (Accessibility.getFullAXTree); owned. */
json_t *browser_tree(struct browser *browser);
/* A PNG of the whole page, or of the view. */
bool browser_screenshot(struct browser *browser, const char *path, bool is_whole);

#endif
