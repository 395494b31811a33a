/* line.h - result lines of a guest: framing, sequence number, CRC-32.
 *
 *     KG1 <sequence> <kind> <compact JSON> <crc32 hex>\n
 *
 * docs/result-format.md has the format. The caller writes the JSON; this file
 * numbers, bounds and seals it. No library: it runs in the guest's PID 1.
 *
 *     struct line line;
 *     line_begin(&line, sequence, "row");
 *     line_addf(&line, "{\"row\":%u,\"name\":", row);
 *     line_add_string(&line, name);
 *     line_addf(&line, "}");
 *     length = line_end(&line);              // 0: it did not fit
 *     line_write(fd, line.text, length);
 */
#ifndef KERNGATE_RUNTIME_LINE_H
#define KERNGATE_RUNTIME_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_PROTOCOL 1
#define LINE_BYTES_MAX 4096  /* with the newline */
#define LINE_SEAL_BYTES 10   /* " " + 8 hex digits + newline */
/* Raw bytes of an artifact that fit into one line as base64. */
#define LINE_ARTIFACT_BYTES 2880

struct line {
	char text[LINE_BYTES_MAX + 1];
	size_t length;
	bool overflow;           /* something did not fit */
};

/* CRC-32 as in zlib: reflected polynomial 0xEDB88320, initial and final ~0
 * (IEEE 802.3). */
uint32_t line_crc32(const void *data, size_t length);

void line_begin(struct line *line, uint64_t sequence, const char *kind);
void line_addf(struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes; control characters become spaces, bytes
 * beyond ASCII '?'. */
void line_add_string(struct line *line, const char *text);
void line_add_base64(struct line *line, const void *data, size_t length);
/* Bytes that still fit before the seal. */
size_t line_room(const struct line *line);
/* Adds checksum and newline. Length of the whole line, 0 if it overflowed. */
size_t line_end(struct line *line);

/* Writes all bytes, over short writes and EINTR; 0 or negative errno. */
int line_write(int fd, const void *data, size_t length);

#endif
