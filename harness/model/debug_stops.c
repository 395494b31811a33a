/* debug_stops.c - see debug_stops.h. Functions of the kernel: read from 7.3's
 * source, where each report begins.
 */
#include "debug_stops.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define REGION_MAX 4095u
#define MARKER_OPCODE 0x00841f0fu /* 0f 1f 84 00 */

/* --- words ------------------------------------------------------------------------ */

static int wrong_stop(const char *text, struct error *err)
{
	return error_set(err, -EINVAL, "\"%s\": expected row:ROW, round:ROW[.M], "
			 "region:NUMBER[:VISIT] or end; rows, rounds and visits count from 1",
			 text);
}

/* Decimal, 1..maximum, up to the end; 0 if it is not. */
static uint64_t parse_count(const char *text, uint64_t maximum)
{
	uint64_t value = 0;

	if (*text < '1' || *text > '9')
		return 0;
	for (; isdigit((unsigned char)*text) && value <= maximum; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return *text || value > maximum ? 0 : value;
}

/* The first `length` bytes, as a row's name or number. */
static bool take_row(struct debug_stop *stop, const char *text, size_t length)
{
	if (length == 0 || length >= sizeof(stop->row))
		return false;
	memcpy(stop->row, text, length);
	stop->row[length] = '\0';
	return true;
}

/* Takes ":M" or ".M" behind what was read; absent: the first. */
static bool take_visit(struct debug_stop *stop, const char *text)
{
	uint64_t count = *text ? parse_count(text + 1, UINT32_MAX) : 1;

	stop->visit = count - 1;
	return count != 0;
}

static bool parse_region(struct debug_stop *stop, const char *text)
{
	size_t length = strcspn(text, ":");
	cleanup_free char *number = string_copy_n(text, length);

	stop->region = (uint32_t)parse_count(number, REGION_MAX);
	return stop->region && take_visit(stop, text + length);
}

int debug_stop_parse(const char *text, struct debug_stop *ret_stop, struct error *err)
{
	struct debug_stop stop = { .kind = DEBUG_STOP_END };
	bool is_right = strcmp(text, "end") == 0;

	if (strncmp(text, "row:", 4) == 0) {
		stop.kind = DEBUG_STOP_ROW;
		is_right = take_row(&stop, text + 4, strlen(text + 4));
	} else if (strncmp(text, "round:", 6) == 0) {
		size_t length = strcspn(text + 6, ".");

		stop.kind = DEBUG_STOP_ROUND;
		is_right = take_row(&stop, text + 6, length) &&
			   take_visit(&stop, text + 6 + length);
	} else if (strncmp(text, "region:", 7) == 0) {
		stop.kind = DEBUG_STOP_REGION;
		is_right = parse_region(&stop, text + 7);
	}
	if (!is_right)
		return wrong_stop(text, err);
	*ret_stop = stop;
	return 0;
}

int debug_stop_find_row(const char *row, const char *const *names, size_t count,
			size_t *ret_index, struct error *err)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;
	uint64_t number = parse_count(row, count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], row) == 0) {
			*ret_index = i;
			return 0;
		}
		strbuf_addf(&list, "%s%zu %s", i ? ", " : "", i + 1, names[i]);
	}
	if (number == 0)
		return error_set(err, -ENOENT, "no row \"%s\": expected one of %s", row,
				 count ? list.data : "none: the suite is empty");
	*ret_index = number - 1;
	return 0;
}

/* --- functions of the kernel -------------------------------------------------------- */

/* Of each finding, blank between: NAME; NAME|NAME: the first that is there;
 * NAME*: all that begin so. */
static const char *const functions_of[FINDING_KINDS_COUNT] = {
	[FINDING_PANIC] = "vpanic|panic",
	[FINDING_OOPS] = "oops_begin|die",
	[FINDING_BUG] = "oops_begin|die dump_stack_lvl|dump_stack add_taint",
	[FINDING_WARNING] = "__warn",
	[FINDING_LOCKDEP] = "debug_locks_off lockdep_rcu_suspicious",
	[FINDING_KASAN] = "kasan_report kasan_report_invalid_free",
	[FINDING_KCSAN] = "kcsan_report_known_origin kcsan_report_unknown_origin",
	[FINDING_UBSAN] = "__ubsan_handle_*",
	[FINDING_SOFT_LOCKUP] = "show_regs dump_stack_lvl|dump_stack",
	[FINDING_HARD_LOCKUP] = "show_regs dump_stack_lvl|dump_stack",
	[FINDING_HUNG_TASK] = "sched_show_task",
	[FINDING_RCU_STALL] = "rcu_dump_cpu_stacks|dump_stack_lvl",
	[FINDING_OUT_OF_MEMORY] = "dump_header|out_of_memory",
	[FINDING_TAINT] = "add_taint",
};

/* Whether a symbol is the function: its name, and what a compiler put behind it. */
static bool is_function(const char *symbol, size_t length, const char *name, size_t name_length)
{
	if (name[name_length - 1] == '*')
		return length >= name_length - 1 && memcmp(symbol, name, name_length - 1) == 0;
	return length >= name_length && memcmp(symbol, name, name_length) == 0 &&
	       (length == name_length || symbol[name_length] == '.') &&
	       !memmem(symbol, length, ".cold", 5);
}

struct functions {
	struct debug_function *items; /* owned */
	size_t count;
};

static void add_function(struct functions *functions, const char *symbol, size_t length,
			 uint64_t address)
{
	for (size_t i = 0; i < functions->count; i++)
		if (functions->items[i].address == address)
			return;
	functions->items = memory_realloc_array(functions->items, functions->count + 1,
						sizeof(*functions->items));
	functions->items[functions->count++] = (struct debug_function){
		.name = string_copy_n(symbol, length), .address = address,
	};
}

/* Lines of System.map: "ffffffff8104da50 T vpanic". */
static bool add_named(struct functions *functions, const char *map, const char *name,
		      size_t name_length)
{
	bool found = false;

	for (const char *line = map; *line;) {
		size_t length = strcspn(line, "\n");
		char *rest;
		uint64_t address = strtoull(line, &rest, 16);

		/* a symbol that is code: T, t, W, w */
		if (rest > line && rest + 3 < line + length && rest[0] == ' ' &&
		    strchr("TtWw", rest[1]) && rest[2] == ' ' &&
		    is_function(rest + 3, (size_t)(line + length - rest - 3), name,
				name_length)) {
			add_function(functions, rest + 3, (size_t)(line + length - rest - 3),
				     address);
			found = true;
		}
		line += length + (line[length] == '\n');
	}
	return found;
}

static void add_kind(struct functions *functions, const char *map, const char *names)
{
	while (*names) {
		size_t length = strcspn(names, "| ");
		bool found = add_named(functions, map, names, length);

		names += length;
		if (found) /* what stands for it is not looked for */
			names += strcspn(names, " ");
		names += strspn(names, "| ");
	}
}

struct debug_function *debug_functions_find(const char *system_map,
					    const struct finding *findings,
					    size_t findings_count, size_t *ret_count)
{
	struct functions functions = { .items = NULL };
	bool seen[FINDING_KINDS_COUNT] = { false };

	for (size_t i = 0; i < findings_count; i++) {
		enum finding_kind kind = findings[i].kind;

		if (!seen[kind] && functions_of[kind])
			add_kind(&functions, system_map, functions_of[kind]);
		seen[kind] = true;
	}
	*ret_count = functions.count;
	return functions.items;
}

uint64_t debug_function_address(const char *system_map, const char *name)
{
	struct functions functions = { .items = NULL };
	uint64_t address;

	(void)add_named(&functions, system_map, name, strlen(name));
	address = functions.count && strcmp(functions.items[0].name, name) == 0 ?
		  functions.items[0].address : 0;
	debug_functions_free(functions.items, functions.count);
	return address;
}

void debug_functions_free(struct debug_function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(functions[i].name);
	free(functions);
}

/* --- gdb's commands ------------------------------------------------------------------- */

/* The interrupt descriptor table, which every kernel maps here (7.3:
 * CPU_ENTRY_AREA_RO_IDT); a gate's address is in three parts (Intel SDM, vol. 3,
 * 6.14.1). */
#define IDT_ADDRESS "0xfffffe0000000000"
#define PAGE_FAULT_GATE "(" IDT_ADDRESS " + 14 * 16)"

void debug_script_begin(struct strbuf *script)
{
	strbuf_adds(script, "set pagination off\nset confirm off\nset $kerngate_offset = 0\n");
}

void debug_script_add_symbols(struct strbuf *script, const char *command, const char *path)
{
	strbuf_addf(script, "eval \"%s \\\"%s\\\" -o 0x%%lx\", (unsigned long)$kerngate_offset\n",
		    command, path);
}

void debug_script_add_offset(struct strbuf *script, uint64_t page_fault)
{
	strbuf_addf(script,
		    "set $kerngate_offset = ((unsigned long)*(unsigned int *)(" PAGE_FAULT_GATE
		    " + 8) << 32) + ((unsigned long)*(unsigned short *)(" PAGE_FAULT_GATE
		    " + 6) << 16) + *(unsigned short *)" PAGE_FAULT_GATE " - 0x%" PRIx64 "\n",
		    page_fault);
}

void debug_script_add_functions(struct strbuf *script,
				const struct debug_function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strbuf_addf(script, "hbreak *(0x%" PRIx64 " + $kerngate_offset) if $kerngate_there = 1\n",
			    functions[i].address);
}

void debug_script_add_marker(struct strbuf *script, uint32_t mark, const uint64_t *addresses,
			     size_t count, uint64_t skip)
{
	uint64_t bytes = (uint64_t)mark << 32 | MARKER_OPCODE;

	strbuf_adds(script, "set $kerngate_hits = 0\n");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(script, "hbreak *0x%" PRIx64 " if *(unsigned long *)0x%" PRIx64
			    " == 0x%" PRIx64 " && $kerngate_hits++ >= %" PRIu64
			    " && ($kerngate_there = 1)\n",
			    addresses[i], addresses[i], bytes, skip);
}

void debug_script_add_run(struct strbuf *script, const char *what)
{
	strbuf_adds(script, "set $kerngate_there = 0\ncontinue\ndelete\n");
	if (!what)
		return;
	strbuf_adds(script, "if $kerngate_there\n");
	debug_script_add_word(script, what);
	strbuf_adds(script, "end\n");
}

void debug_script_add_word(struct strbuf *script, const char *what)
{
	if (what)
		strbuf_addf(script, "echo " DEBUG_SCRIPT_STOPPED "%s\\n\n", what);
}
