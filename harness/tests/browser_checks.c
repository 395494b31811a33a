/* browser_checks.c - see browser_checks.h. */
#include "browser_checks.h"

#include "memory.h"
#include "test.h"

/* With every section open there is the most to overflow. */
static const char open_all[] =
	"document.querySelectorAll('details').forEach(d => { d.open = true; }), 1";

/* Boxes that scroll by themselves may hold what is wider than the page. */
static const char overflowing[] =
	"[...document.querySelectorAll('body *')].filter(e => !e.closest('.box, pre, svg, .skip, "
	"thead') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)"
	".map(e => e.tagName + '.' + e.className).slice(0, 5).join(' ')";

/* Contrast of every text with what lies behind it, computed from what the browser shows;
 * the worst one below 4.5, or "". */
const char browser_low_contrast[] =
	"(() => { const lin = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : "
	"((c + 0.055) / 1.055) ** 2.4; };"
	"const rgb = s => s.match(/[\\d.]+/g).map(Number);"
	"const lum = c => 0.2126 * lin(c[0]) + 0.7152 * lin(c[1]) + 0.0722 * lin(c[2]);"
	"const behind = e => { for (; e; e = e.parentElement) { const c = "
	"rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } "
	"return [255, 255, 255]; };"
	"let seen = 0; const low = []; const walk = document.createTreeWalker(document.body, "
	"NodeFilter.SHOW_TEXT); while (walk.nextNode()) { const e = walk.currentNode.parentElement;"
	"if (!walk.currentNode.data.trim() || !e.getClientRects().length || "
	"['TITLE', 'DESC'].includes(e.tagName.toUpperCase())) continue; seen++;"
	"const ink = getComputedStyle(e)[e.closest('svg') ? 'fill' : 'color'];"
	"const a = lum(rgb(ink)), b = lum(behind(e));"
	"const r = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);"
	"if (r < 4.5) low.push(r.toFixed(2) + ' ' + e.tagName + '.' + "
	"e.getAttribute('class')); } return seen < (globalThis.textsMin ?? 50) ? 'only ' + seen + ' texts' : "
	"low.slice(0, 5).join('; '); })()";

/* Figures without words of their own, of those that are shown. */
const char browser_wordless[] =
	"[...document.querySelectorAll('figure')].filter(f => { const s = f.querySelector('svg'); "
	"const word = n => { const id = s && s.getAttribute(n); const e = id && "
	"document.getElementById(id); return e ? e.textContent.trim() : ''; };"
	"return !s || s.getAttribute('role') !== 'img' || word('aria-labelledby').length < 5 || "
	"word('aria-describedby').length < 40; }).length";

void browser_check_text(struct browser *browser, const char *expression, const char *expected)
{
	json_t *value = browser_ask(browser, expression);

	test_check_string(json_string_value(value), expected);
	json_decref(value);
}

void browser_check_view(struct browser *browser, const char *page, int width, bool is_dark,
			int texts_min)
{
	cleanup_free char *set_texts = string_format("globalThis.textsMin = %d", texts_min);

	if (!browser_view(browser, width, 900, is_dark) || !browser_open(browser, page))
		return;
	test_check_string(browser_messages(browser), "");
	CU_ASSERT_EQUAL(browser_ask_number(browser, set_texts), texts_min);
	CU_ASSERT_EQUAL(browser_ask_number(browser, open_all), 1);
	CU_ASSERT_EQUAL(browser_ask_number(browser, "document.documentElement.clientWidth"), width);
	CU_ASSERT_TRUE(browser_ask_number(browser, "document.scrollingElement.scrollWidth") <=
		       width);
	browser_check_text(browser, overflowing, "");
	browser_check_text(browser, browser_low_contrast, "");
	CU_ASSERT_EQUAL(browser_ask_number(browser, browser_wordless), 0);
	test_check_string(browser_messages(browser), "");
}

