/* html_text.h - text of anybody's, for HTML: guests, configs and consoles may say
 * what they like, a page shows it and does nothing of it.
 */
#ifndef KERNGATE_ENGINE_HTML_TEXT_H
#define KERNGATE_ENGINE_HTML_TEXT_H

#include <stddef.h>

#include "strbuf.h"

/* Appends text as clean UTF-8: what is none, and marks that turn the direction of
 * writing around (they make a name read as another), become U+FFFD; control
 * characters but newline and tab become their pictures (U+2400 and on). At most
 * max_bytes of text are read, then "..." stands for the rest. */
void html_clean(struct strbuf *out, const char *text, size_t max_bytes);

/* The same with & < > " ' escaped: fit for an element or a quoted attribute. NULL
 * gives nothing. */
void html_text(struct strbuf *out, const char *text);
void html_text_part(struct strbuf *out, const char *text, size_t max_bytes);
void html_textf(struct strbuf *out, const char *format, ...) printf_like(2, 3);

#endif
