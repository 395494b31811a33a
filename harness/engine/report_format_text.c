/* report_format_text.c - names and numbers of a run as the formats can hold them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_format_parts.h"

/* Bytes of the UTF-8 character at text, 0 if it is none (RFC 3629: no overlong form,
 * no surrogate, nothing beyond U+10FFFF). *ret_code: its number. */
static size_t decode_utf8(const unsigned char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t code = length == 1 ? text[0] : text[0] & (0x7fu >> length);

	if (text[0] >= 0xf8 || (text[0] >= 0x80 && text[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return length;
}

/* Controls of ASCII (C0, DEL) and of Latin-1 (C1), and U+2028 and U+2029, which end
 * lines for some readers. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

char *format_text(const char *text, bool keeps_lines)
{
	struct strbuf out = STRBUF_INIT;

	while (text && *text) {
		uint32_t code = 0;
		size_t length = decode_utf8((const unsigned char *)text, &code);

		if (length == 0 || code == 0xfffe || code == 0xffff)
			strbuf_addc(&out, '?');
		else if (keeps_lines && (code == '\n' || code == '\t'))
			strbuf_addc(&out, (char)code);
		else if (is_control(code))
			strbuf_addc(&out, ' ');
		else
			strbuf_add(&out, text, length);
		text += length ? length : 1;
	}
	return strbuf_detach(&out);
}

char *format_word(const char *text, const char *allowed)
{
	struct strbuf out = STRBUF_INIT;

	for (; text && *text; text++) {
		bool is_plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
				(*text >= '0' && *text <= '9') || strchr(allowed, *text);

		strbuf_addc(&out, is_plain ? *text : '_');
	}
	if (out.length == 0)
		strbuf_addc(&out, '_');
	return strbuf_detach(&out);
}

void format_add_number(double value, struct strbuf *out)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	strbuf_adds(out, text);
}
