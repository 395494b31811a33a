/* html_text.c - UTF-8 (RFC 3629) in, clean and escaped UTF-8 out. */
#include "html_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"

#define TEXT_BYTES_MAX 4096 /* of a name or a reason */
#define REPLACEMENT UINT32_C(0xfffd)

/* Bytes of the sequence that begins with this one; 0: none does. */
static size_t sequence_length(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte >= 0xc2 && byte <= 0xdf)
		return 2;
	if (byte >= 0xe0 && byte <= 0xef)
		return 3;
	return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
}

/* One character of at most `left` bytes; *ret_length: how many it took, 1 where they
 * are none. */
static uint32_t decode(const char *text, size_t left, size_t *ret_length)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = sequence_length(bytes[0]);
	uint32_t code;

	*ret_length = 1;
	if (length == 1)
		return bytes[0];
	if (length == 0 || length > left)
		return REPLACEMENT;
	code = bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		code = code << 6 | (bytes[i] & 0x3fU);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return REPLACEMENT;
	*ret_length = length;
	return code;
}

/* Unicode's Bidi_Control (PropList.txt), and what is no character at all. */
static bool is_unfit(uint32_t code)
{
	return (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff ||
	       (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
}

static void encode(struct strbuf *out, uint32_t code)
{
	if (code < 0x80) {
		strbuf_addc(out, (char)code);
	} else if (code < 0x800) {
		strbuf_addc(out, (char)(0xc0 | code >> 6));
		strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
	} else if (code < 0x10000) {
		strbuf_addc(out, (char)(0xe0 | code >> 12));
		strbuf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
	} else {
		strbuf_addc(out, (char)(0xf0 | code >> 18));
		strbuf_addc(out, (char)(0x80 | (code >> 12 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
	}
}

void html_clean(struct strbuf *out, const char *text, size_t max_bytes)
{
	size_t length = strnlen(text, max_bytes + 1), at = 0;

	while (at < length && at < max_bytes) {
		size_t taken;
		uint32_t code = decode(text + at, length - at, &taken);

		if (code < 0x20 && code != '\n' && code != '\t')
			code += 0x2400;
		else if (is_unfit(code))
			code = REPLACEMENT;
		encode(out, code);
		at += taken;
	}
	if (length > max_bytes)
		strbuf_adds(out, "...");
}

void html_text_part(struct strbuf *out, const char *text, size_t max_bytes)
{
	cleanup_strbuf struct strbuf clean = STRBUF_INIT;

	if (!text)
		return;
	html_clean(&clean, text, max_bytes);
	strbuf_add_xml(out, clean.data);
}

void html_text(struct strbuf *out, const char *text)
{
	html_text_part(out, text, TEXT_BYTES_MAX);
}

void html_textf(struct strbuf *out, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	html_text(out, text);
}
