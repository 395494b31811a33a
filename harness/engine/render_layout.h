/* render_layout.h - text of 80 columns in plain ASCII. Private to render*.c
 * and report_format*.c.
 */
#ifndef KERNGATE_ENGINE_RENDER_LAYOUT_H
#define KERNGATE_ENGINE_RENDER_LAYOUT_H

#include "strbuf.h"

#define RENDER_WIDTH 80
#define RENDER_LABEL_WIDTH 11 /* of the fields at the top */

/* Appends text, wrapped between words; the first line begins with lead, the
 * others with indent blanks. A word longer than a line is broken. Bytes that
 * are not printable ASCII become '?', blanks are joined. */
void render_wrapped(struct strbuf *out, const char *lead, size_t indent,
		    const char *text);
/* The same in lines of another width. */
void render_wrapped_to(size_t width, struct strbuf *out, const char *lead, size_t indent,
		       const char *text);
/* "label      text ..." with text at RENDER_LABEL_WIDTH. */
void render_field(struct strbuf *out, const char *label, const char *format, ...)
	printf_like(3, 4);
/* "+0.82 %", "-12.3 %", "+340 %", ">+999 %" for ratio - 1 (>= -1); "-" for NAN. */
void render_change(double change, struct strbuf *out);
/* The same with digits for changes that only exact runs can tell: "+0.512 %",
 * "-0.0021 %", "+2e-06 %"; "0 %" is exactly none. */
void render_change_fine(double change, struct strbuf *out);
/* "3f2a9c1b04de" of a long key; "none" for NULL or "". */
void render_short_key(const char *key, struct strbuf *out);

#endif
