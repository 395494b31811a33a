/* suggest.h - "did you mean ...?" for wrong names. */
#ifndef KERNGATE_BASE_SUGGEST_H
#define KERNGATE_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to word by restricted Damerau-Levenshtein distance
 * (transposition counts one), case-insensitive; NULL if none is within a third
 * of the longer length (at least 1). Borrowed from candidates. */
const char *suggest_nearest(const char *word, const char *const *candidates,
			    size_t count);

#endif
