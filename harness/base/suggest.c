/* suggest.c - restricted Damerau-Levenshtein distance (optimal string
 * alignment; Boytsov 2011, "Indexing methods for approximate dictionary
 * searching", section 2.1), over three rows.
 */
#include "suggest.h"

#include <ctype.h>
#include <string.h>

#include "memory.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int folded(const char *text, size_t i)
{
	return tolower((unsigned char)text[i]);
}

static size_t edit_distance(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b), width = b_length + 1;
	cleanup_free size_t *rows = memory_alloc_array(3 * width, sizeof(*rows));
	size_t *two_above = rows, *above = rows + width, *row = rows + 2 * width;

	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *oldest = two_above;

		two_above = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			int ca = folded(a, i - 1), cb = folded(b, j - 1);

			row[j] = smaller(above[j] + 1, row[j - 1] + 1);
			row[j] = smaller(row[j], above[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == folded(b, j - 2) &&
			    folded(a, i - 2) == cb)
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return row[b_length];
}

const char *suggest_nearest(const char *word, const char *const *candidates,
			    size_t count)
{
	const char *nearest = NULL;
	size_t nearest_distance = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(word), other = strlen(candidates[i]);
		size_t limit = (length > other ? length : other) / 3;
		size_t distance = edit_distance(word, candidates[i]);

		if (limit == 0)
			limit = 1;
		if (distance > limit)
			continue;
		if (nearest && distance >= nearest_distance)
			continue;
		nearest = candidates[i];
		nearest_distance = distance;
	}
	return nearest;
}
