/* line.c - see line.h. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "line.h"

/* CRC-32 of every 4-bit value: two look-ups a byte, 64 bytes of table. */
static const uint32_t crc_of_nibble[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
	0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t line_crc32(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint32_t crc = ~UINT32_C(0);
	size_t i;

	for (i = 0; i < length; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
	}
	return ~crc;
}

size_t line_room(const struct line *line)
{
	size_t limit = LINE_BYTES_MAX - LINE_SEAL_BYTES;

	return line->length < limit ? limit - line->length : 0;
}

static void line_add_char(struct line *line, char c)
{
	if (line_room(line) < 1) {
		line->overflow = true;
		return;
	}
	line->text[line->length++] = c;
	line->text[line->length] = '\0';
}

void line_addf(struct line *line, const char *format, ...)
{
	size_t room = line_room(line);
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->text + line->length, room + 1, format, arguments);
	va_end(arguments);
	if (n < 0 || (size_t)n > room) {
		line->overflow = true;
		line->text[line->length] = '\0';
		return;
	}
	line->length += (size_t)n;
}

void line_begin(struct line *line, uint64_t sequence, const char *kind)
{
	line->length = 0;
	line->overflow = false;
	line_addf(line, "KG%d %llu %s ", LINE_PROTOCOL,
		  (unsigned long long)sequence, kind);
}

void line_add_string(struct line *line, const char *text)
{
	line_add_char(line, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			line_add_char(line, '\\');
		if (c < 0x20 || c == 0x7f)
			c = ' ';
		line_add_char(line, c < 0x80 ? (char)c : '?');
	}
	line_add_char(line, '"');
}

void line_add_base64(struct line *line, const void *data, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= bytes[i + 2];
		line_add_char(line, digits[group >> 18]);
		line_add_char(line, digits[group >> 12 & 63]);
		line_add_char(line, left > 1 ? digits[group >> 6 & 63] : '=');
		line_add_char(line, left > 2 ? digits[group & 63] : '=');
	}
}

size_t line_end(struct line *line)
{
	if (line->overflow)
		return 0;
	line->length += (size_t)snprintf(
		line->text + line->length, LINE_SEAL_BYTES + 1, " %08x\n",
		(unsigned int)line_crc32(line->text, line->length));
	return line->length;
}

int line_write(int fd, const void *data, size_t length)
{
	const char *bytes = data;

	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			(void)poll(&ready, 1, 1000);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}
