/* strbuf.h - a growing string and a growing list of strings.
 *
 *     cleanup_strbuf struct strbuf text = STRBUF_INIT;
 *     strbuf_addf(&text, "%d guests", n);
 *     puts(text.data);                  // always NUL-terminated, never NULL
 *     *ret = strbuf_detach(&text);      // owned by the caller now
 *
 *     cleanup_strvec struct strvec argv = STRVEC_INIT;
 *     strvec_push(&argv, "make");       // argv.items is NULL-terminated
 */
#ifndef KERNGATE_BASE_STRBUF_H
#define KERNGATE_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

extern char strbuf_empty_[1];

struct strbuf {
	char *data;      /* owned once capacity > 0 */
	size_t length;   /* bytes without the final NUL */
	size_t capacity;
};

#define STRBUF_INIT ((struct strbuf){ .data = strbuf_empty_ })

void strbuf_add(struct strbuf *buf, const void *data, size_t length);
void strbuf_adds(struct strbuf *buf, const char *text);
void strbuf_addc(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *format, ...) printf_like(2, 3);
void strbuf_reset(struct strbuf *buf);             /* length 0, keeps memory */
void strbuf_cut(struct strbuf *buf, size_t length);/* shortens to length */
char *strbuf_detach(struct strbuf *buf);           /* owned; never NULL */
void strbuf_release(struct strbuf *buf);
/* Appends text with & < > " ' escaped for XML/HTML. */
void strbuf_add_xml(struct strbuf *buf, const char *text);
/* Appends text as one word of the shell, quoted where it must be (POSIX, 2.2.2). */
void strbuf_add_shell_word(struct strbuf *buf, const char *text);
#define cleanup_strbuf cleanup_with(strbuf_release)

struct strvec {
	char **items;    /* owned strings; items[count] == NULL once non-empty */
	size_t count;
	size_t capacity;
};

#define STRVEC_INIT ((struct strvec){ .items = NULL })

void strvec_push(struct strvec *vec, const char *text);
void strvec_pushf(struct strvec *vec, const char *format, ...) printf_like(2, 3);
void strvec_push_all(struct strvec *vec, const char *const *items); /* to NULL */
bool strvec_contains(const struct strvec *vec, const char *text);
void strvec_copy(struct strvec *to, const struct strvec *from);     /* replaces */
void strvec_sort(struct strvec *vec);                               /* strcmp */
void strvec_release(struct strvec *vec);
#define cleanup_strvec cleanup_with(strvec_release)

#endif
