/* render_layout.c - wrapping and small formats of render*.c. */
#include "render_layout.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "memory.h"

#define SHORT_KEY 12
#define CHANGE_PERCENT_MAX 999 /* beyond it only that it is huge matters */

struct wrap {
	struct strbuf *out;
	size_t width, column, indent;
	bool line_is_empty;
};

static void wrap_newline(struct wrap *wrap)
{
	strbuf_addc(wrap->out, '\n');
	for (size_t i = 0; i < wrap->indent; i++)
		strbuf_addc(wrap->out, ' ');
	wrap->column = wrap->indent;
	wrap->line_is_empty = true;
}

static void wrap_word(struct wrap *wrap, const char *word, size_t length)
{
	size_t needed = length + !wrap->line_is_empty;

	if (!wrap->line_is_empty && wrap->column + needed > wrap->width)
		wrap_newline(wrap);
	if (!wrap->line_is_empty) {
		strbuf_addc(wrap->out, ' ');
		wrap->column++;
	}
	wrap->line_is_empty = false;
	for (size_t i = 0; i < length; i++) {
		if (wrap->column == wrap->width)
			wrap_newline(wrap);
		strbuf_addc(wrap->out, word[i] > 0x20 && word[i] < 0x7f ? word[i] : '?');
		wrap->column++;
	}
	wrap->line_is_empty = false;
}

void render_wrapped(struct strbuf *out, const char *lead, size_t indent, const char *text)
{
	render_wrapped_to(RENDER_WIDTH, out, lead, indent, text);
}

void render_wrapped_to(size_t width, struct strbuf *out, const char *lead, size_t indent,
		       const char *text)
{
	struct wrap wrap = { .out = out, .width = width, .indent = indent,
			     .line_is_empty = true };

	strbuf_adds(out, lead);
	wrap.column = strlen(lead);
	while (*text) {
		size_t length;

		text += strspn(text, " \t\n");
		length = strcspn(text, " \t\n");
		if (length > 0)
			wrap_word(&wrap, text, length);
		text += length;
	}
	strbuf_addc(out, '\n');
}

void render_field(struct strbuf *out, const char *label, const char *format, ...)
{
	cleanup_free char *lead = string_format("%-*s", RENDER_LABEL_WIDTH, label);
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	render_wrapped(out, lead, RENDER_LABEL_WIDTH, text);
}

void render_change(double change, struct strbuf *out)
{
	double percent = 100 * change;
	int decimals = fabs(percent) < 9.995 ? 2 : fabs(percent) < 99.95 ? 1 : 0;

	if (isnan(change))
		strbuf_adds(out, "-");
	else if (percent > CHANGE_PERCENT_MAX)
		strbuf_addf(out, ">+%d %%", CHANGE_PERCENT_MAX);
	else
		strbuf_addf(out, "%+.*f %%", decimals, percent);
}

void render_change_fine(double change, struct strbuf *out)
{
	double magnitude = fabs(100 * change);

	if (isnan(change) || magnitude >= 0.9995)
		render_change(change, out);
	else if (change == 0)
		strbuf_adds(out, "0 %");
	else if (magnitude < 0.00005)
		strbuf_addf(out, "%+.0e %%", 100 * change);
	else
		strbuf_addf(out, "%+.*f %%", magnitude < 0.00995 ? 4 : 3, 100 * change);
}

void render_short_key(const char *key, struct strbuf *out)
{
	if (!key || !key[0])
		strbuf_adds(out, "none");
	else
		strbuf_add(out, key, strnlen(key, SHORT_KEY));
}
