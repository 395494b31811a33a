/* patch_text.h - reads the headers of a unified diff: which files it is about
 * and where its hunks are. Pure; applies nothing.
 */
#ifndef KERNGATE_ENGINE_PATCH_TEXT_H
#define KERNGATE_ENGINE_PATCH_TEXT_H

#include <stddef.h>

#include "strbuf.h"

/* Every file that the patch names (old and new names), without the first
 * folder ("a/", "b/"); "/dev/null", absolute names and names with ".." are left
 * out. Sorted, each once. */
void patch_text_files(const char *text, struct strvec *ret_files);

/* Appends the diff alone: what git apply reads, without what stands before, between and
 * after it (messages, diffstat, signature) and without `index` lines, which tell of a
 * repository. Two texts of one change give the same, however they were sent. Nothing if
 * there is none. */
void patch_text_diff(const char *text, struct strbuf *out);

/* Number (from 1) of the hunk of a file that starts at an old line; 0 if there
 * is none. */
size_t patch_text_find_hunk(const char *text, const char *file,
			    unsigned long old_line);

#endif
