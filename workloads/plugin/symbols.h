/* symbols.h - kernel addresses > function names, from a System.map or a copy of
 * /proc/kallsyms.
 */
#ifndef KERNGATE_PLUGIN_SYMBOLS_H
#define KERNGATE_PLUGIN_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t address;
	char *name;                /* owned */
};

struct symbols {
	struct symbol *items;      /* owned; sorted by address, one for each */
	size_t count;
};

/* Reads the text symbols of a map. False with the reason (which names the file)
 * in why. */
bool symbols_load(const char *path, struct symbols *ret_symbols, char *why,
		  size_t why_size);
/* Index of the function that holds address; count if none does. */
size_t symbols_find(const struct symbols *symbols, uint64_t address);
void symbols_release(struct symbols *symbols);

#endif
