/* symbols.c - see symbols.h. Lines are "ffffffff81000000 T name" and, in
 * kallsyms, " [module]" behind it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

#define NAME_BYTES 256
#define LINE_BYTES 1024
/* A kernel's text is nowhere near as far behind its last symbol. */
#define LAST_FUNCTION_BYTES (UINT64_C(1) << 20)

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool symbol_add(struct symbols *symbols, uint64_t address,
		       const char *name)
{
	size_t count = symbols->count;
	struct symbol *items = symbols->items;

	if ((count & (count - 1)) == 0) {
		items = reallocarray(items, count ? count * 2 : 1, sizeof(*items));
		if (!items)
			return false;
		symbols->items = items;
	}
	items[count].address = address;
	items[count].name = strdup(name);
	if (!items[count].name)
		return false;
	symbols->count++;
	return true;
}

/* Aliases of one address become one symbol: the first by name, so that the same
 * map always gives the same names. */
static void symbols_sort(struct symbols *symbols)
{
	size_t i, kept = 0;

	qsort(symbols->items, symbols->count, sizeof(*symbols->items),
	      compare_symbols);
	for (i = 0; i < symbols->count; i++) {
		if (kept && symbols->items[kept - 1].address ==
			    symbols->items[i].address)
			free(symbols->items[i].name);
		else
			symbols->items[kept++] = symbols->items[i];
	}
	symbols->count = kept;
}

static bool lines_read(FILE *file, struct symbols *symbols, char *why,
		       size_t why_size)
{
	char line[LINE_BYTES], name[NAME_BYTES], type;
	unsigned long number = 0;
	uint64_t address;

	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!strchr(line, '\n') ||
		    sscanf(line, "%" SCNx64 " %c %255[!-~]", &address, &type,
			   name) != 3) {
			snprintf(why, why_size, "line %lu is not \"address type "
				 "name\"", number);
			return false;
		}
		if (!strchr("tTwW", type))
			continue;
		if (!symbol_add(symbols, address, name)) {
			snprintf(why, why_size, "out of memory");
			return false;
		}
	}
	if (ferror(file))
		snprintf(why, why_size, "cannot be read");
	else if (symbols->count == 0)
		snprintf(why, why_size, "no text symbol in it");
	else if (symbols->items[0].address == 0 && symbols->count > 1 &&
		 symbols->items[1].address == 0)
		snprintf(why, why_size, "addresses are hidden (kptr_restrict)");
	else
		return true;
	return false;
}

bool symbols_load(const char *path, struct symbols *ret_symbols, char *why,
		  size_t why_size)
{
	struct symbols symbols = { .items = NULL };
	char reason[128];
	FILE *file = fopen(path, "re");
	bool is_read;

	if (!file) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return false;
	}
	is_read = lines_read(file, &symbols, reason, sizeof(reason));
	fclose(file);
	if (!is_read) {
		snprintf(why, why_size, "%s: %s", path, reason);
		symbols_release(&symbols);
		return false;
	}
	symbols_sort(&symbols);
	*ret_symbols = symbols;
	return true;
}

size_t symbols_find(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return symbols->count;
	if (low == symbols->count &&
	    address - symbols->items[low - 1].address > LAST_FUNCTION_BYTES)
		return symbols->count;
	return low - 1;
}

void symbols_release(struct symbols *symbols)
{
	size_t i;

	for (i = 0; i < symbols->count; i++)
		free(symbols->items[i].name);
	free(symbols->items);
	symbols->items = NULL;
	symbols->count = 0;
}
