/* debug_stops.h - where a debugger stops in a trial that is run again: in what
 * went wrong, or before a marker (workloads/runtime/marker.h). From names to
 * addresses to gdb's commands. Pure.
 *
 *     debug_stop_parse("row:fill", &stop, err);
 *     functions = debug_functions_find(system_map, findings, count, &n);
 *     debug_script_add_functions(&script, functions, n);
 *     debug_functions_free(functions, n);
 */
#ifndef KERNGATE_MODEL_DEBUG_STOPS_H
#define KERNGATE_MODEL_DEBUG_STOPS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "strbuf.h"
#include "trial.h"

enum debug_stop_kind {
	DEBUG_STOP_ROW,      /* row: before it begins */
	DEBUG_STOP_ROUND,    /* row, visit: before that counted round of it */
	DEBUG_STOP_REGION,   /* region, visit: before it begins */
	DEBUG_STOP_END,      /* when the last row is over */
};

struct debug_stop {
	enum debug_stop_kind kind;
	char row[64];        /* its name, or its number from 1, as it was said */
	uint32_t region;     /* 1..4095 */
	uint64_t visit;      /* from 0 */
};

/* `row:ROW`, `round:ROW[.M]`, `region:NUMBER[:VISIT]`, `end`; M and VISIT count
 * from 1, ROW is a name or a number from 1. -EINVAL says what was expected. */
int debug_stop_parse(const char *text, struct debug_stop *ret_stop,
		     struct error *err) must_check;
/* Index of a row by name or number; -ENOENT naming the rows there are. */
int debug_stop_find_row(const char *row, const char *const *names, size_t count,
			size_t *ret_index, struct error *err) must_check;

struct debug_function {
	char *name;          /* as the kernel has it, ".isra.0" and the like too; owned */
	uint64_t address;    /* of its first instruction */
};

/* The functions in which a kernel begins to say such findings, as far as this
 * kernel has them; system_map is the text of its System.map. Each once, owned by
 * the caller; NULL without any. */
struct debug_function *debug_functions_find(const char *system_map,
					    const struct finding *findings,
					    size_t findings_count, size_t *ret_count);
void debug_functions_free(struct debug_function *functions, size_t count);
/* Of a function by its exact name; 0 if the kernel has none. */
uint64_t debug_function_address(const char *system_map, const char *name);

/* gdb's commands. Hardware breakpoints: they change no memory of the guest. */
void debug_script_begin(struct strbuf *script);
/* command: "symbol-file" or "add-symbol-file"; of what lies in the kernel's addresses,
 * moved as far as the kernel was found to be. */
void debug_script_add_symbols(struct strbuf *script, const char *command, const char *path);
/* In a guest that stands behind its kernel's first steps: finds how far the kernel was
 * moved, for what comes after. page_fault: address of DEBUG_PAGE_FAULT_ENTRY where it
 * was not moved. */
void debug_script_add_offset(struct strbuf *script, uint64_t page_fault);
#define DEBUG_PAGE_FAULT_ENTRY "asm_exc_page_fault"
void debug_script_add_functions(struct strbuf *script,
				const struct debug_function *functions, size_t count);
/* A breakpoint at each of the marker's addresses, taken where the marker's bytes
 * are there (programs of a guest have the same addresses), from hit number skip
 * (from 0, over all addresses together) on. */
void debug_script_add_marker(struct strbuf *script, uint32_t mark,
			     const uint64_t *addresses, size_t count, uint64_t skip);
/* Goes on to the next stop, takes all breakpoints away, and says `stopped: WHAT` in
 * a line of its own, unless the guest ended first. What: printable; NULL: nothing
 * is said. */
void debug_script_add_run(struct strbuf *script, const char *what);
/* The line alone, where gdb stands there already; what: as above. */
void debug_script_add_word(struct strbuf *script, const char *what);

#define DEBUG_SCRIPT_STOPPED "stopped: "

#endif
