/* guest_frame.c - see guest_frame.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "guest_frame.h"
#include "hash.h"
#include "memory.h"

#define MAGIC "KG1 "
#define MAGIC_LENGTH 4
#define SEAL_LENGTH 9          /* " " and 8 hex digits */
#define SEQUENCE_DIGITS_MAX 18

static const char *const kind_names[GUEST_LINE_KINDS_COUNT] = {
	[GUEST_LINE_HELLO] = "hello",       [GUEST_LINE_ROW] = "row",
	[GUEST_LINE_SAMPLE] = "sample",     [GUEST_LINE_ARTIFACT] = "artifact",
	[GUEST_LINE_EVIDENCE] = "evidence", [GUEST_LINE_REQUEST] = "request",
	[GUEST_LINE_OUTCOME] = "outcome",   [GUEST_LINE_END] = "end",
};

const char *guest_line_kind_name(enum guest_line_kind kind)
{
	return kind_names[kind];
}

static bool hex_parse(const char *text, uint32_t *ret_value)
{
	uint32_t value = 0;
	int i;

	for (i = 0; i < 8; i++) {
		char c = text[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (uint32_t)(c - 'a') + 10;
		else
			return false;
		value = value << 4 | digit;
	}
	*ret_value = value;
	return true;
}

/* Digits without a leading zero, then a space; *ret_end is behind the space. */
static bool sequence_parse(const char *text, const char *end,
			   uint64_t *ret_sequence, const char **ret_end)
{
	uint64_t sequence = 0;
	const char *c;

	for (c = text; c < end && *c >= '0' && *c <= '9'; c++) {
		if (c - text >= SEQUENCE_DIGITS_MAX)
			return false;
		sequence = 10 * sequence + (uint64_t)(*c - '0');
	}
	if (c == text || c == end || *c != ' ' || (*text == '0' && c - text > 1))
		return false;
	*ret_sequence = sequence;
	*ret_end = c + 1;
	return true;
}

static bool kind_parse(const char *text, const char *end,
		       enum guest_line_kind *ret_kind, const char **ret_end)
{
	const char *space = memchr(text, ' ', (size_t)(end - text));
	size_t length, i;

	if (!space)
		return false;
	length = (size_t)(space - text);
	for (i = 0; i < ARRAY_COUNT(kind_names); i++) {
		if (strlen(kind_names[i]) != length ||
		    memcmp(kind_names[i], text, length) != 0)
			continue;
		*ret_kind = (enum guest_line_kind)i;
		*ret_end = space + 1;
		return true;
	}
	return false;
}

static int complain(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EBADMSG;
}

int guest_frame_parse(const char *line, size_t length,
		      struct guest_frame *ret_frame, const char **ret_why)
{
	struct guest_frame frame;
	const char *end, *at;
	uint32_t said;

	if (length < MAGIC_LENGTH || memcmp(line, MAGIC, MAGIC_LENGTH) != 0)
		return complain(ret_why, "does not begin with KG1");
	if (length < MAGIC_LENGTH + SEAL_LENGTH)
		return complain(ret_why, "is cut short");
	end = line + length - SEAL_LENGTH;
	if (*end != ' ' || !hex_parse(end + 1, &said))
		return complain(ret_why, "does not end in a checksum");
	if (crc32_of(line, (size_t)(end - line)) != said)
		return complain(ret_why, "has a wrong checksum");
	if (!sequence_parse(line + MAGIC_LENGTH, end, &frame.sequence, &at))
		return complain(ret_why, "has no sequence number");
	if (!kind_parse(at, end, &frame.kind, &at))
		return complain(ret_why, "is of no known kind");
	frame.json = at;
	frame.json_length = (size_t)(end - at);
	*ret_frame = frame;
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int guest_base64_decode(const char *text, size_t length, char **ret_data,
			size_t *ret_length)
{
	cleanup_free char *data = NULL;
	size_t i, n = 0, padding = 0;

	if (length % 4)
		return -EINVAL;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	data = memory_alloc(length / 4 * 3 + 1);
	for (i = 0; i < length; i += 4) {
		uint32_t group = 0;
		size_t j;

		for (j = 0; j < 4; j++) {
			bool is_padding = i + j >= length - padding;
			int digit = is_padding ? 0 : base64_digit(text[i + j]);

			if (digit < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)digit;
		}
		data[n++] = (char)(group >> 16);
		data[n++] = (char)(group >> 8);
		data[n++] = (char)group;
	}
	n -= padding;
	/* Bits that the padding drops must be zero: one text for one content. */
	if (padding && (data[n] || (padding == 2 && data[n + 1])))
		return -EINVAL;
	data[n] = '\0';
	*ret_data = take_pointer(data);
	*ret_length = n;
	return 0;
}
