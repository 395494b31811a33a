/* guest_frame.h - one result line of a guest taken apart: "KG1 SEQUENCE KIND
 * JSON CRC32\n" (docs/result-format.md). Knows nothing of what the JSON means.
 */
#ifndef KERNGATE_MODEL_GUEST_FRAME_H
#define KERNGATE_MODEL_GUEST_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

enum guest_line_kind {
	GUEST_LINE_HELLO, GUEST_LINE_ROW, GUEST_LINE_SAMPLE, GUEST_LINE_ARTIFACT,
	GUEST_LINE_EVIDENCE, GUEST_LINE_REQUEST, GUEST_LINE_OUTCOME, GUEST_LINE_END,
	GUEST_LINE_KINDS_COUNT
};

const char *guest_line_kind_name(enum guest_line_kind kind);

struct guest_frame {
	uint64_t sequence;
	enum guest_line_kind kind;
	const char *json;      /* borrowed from the line, not NUL-terminated */
	size_t json_length;
};

/* line: without its newline. 0, or -EBADMSG with *ret_why (static) saying what
 * is wrong with it. */
int guest_frame_parse(const char *line, size_t length,
		      struct guest_frame *ret_frame, const char **ret_why) must_check;

/* Strict base64 (RFC 4648, section 4). *ret_data is owned; -EINVAL. */
int guest_base64_decode(const char *text, size_t length, char **ret_data,
			size_t *ret_length) must_check;

#endif
