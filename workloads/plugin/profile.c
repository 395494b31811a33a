/* profile.c - see profile.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define BUCKETS_COUNT 65536u

static struct profile_block *buckets[BUCKETS_COUNT];
static bool is_profiling;
static uint64_t visits_count;      /* times that it was on, and is off again */
static bool is_short;              /* memory ran out: blocks are missing */

struct function {
	const char *name;          /* borrowed from symbols, or static */
	uint64_t instructions;
};

static uint32_t bucket_of(uint64_t address, size_t count)
{
	return (uint32_t)((address ^ count << 48) * UINT64_C(0x9e3779b97f4a7c15) >>
			  48);
}

struct profile_block *profile_block_get(uint64_t address, size_t instructions_count)
{
	struct profile_block **bucket, *block;

	if (!address_is_kernel(address))
		address = 0;
	bucket = &buckets[bucket_of(address, instructions_count)];
	for (block = *bucket; block; block = block->next)
		if (block->address == address &&
		    block->instructions_count == instructions_count)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block) {
		is_short = true;
		return NULL;
	}
	block->address = address;
	block->instructions_count = (uint32_t)instructions_count;
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void count_run(unsigned int vcpu, void *argument)
{
	struct profile_block *block = argument;

	(void)vcpu;
	if (is_profiling)
		block->runs_count++;
}

void profile_add_block(struct qemu_plugin_tb *tb, struct profile_block *block)
{
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count_run,
					     QEMU_PLUGIN_CB_NO_REGS, block);
}

bool profile_set(bool is_on)
{
	if (is_on == is_profiling)
		return false;
	is_profiling = is_on;
	visits_count += !is_on;
	return true;
}

static uint64_t block_instructions(const struct profile_block *block)
{
	return block->runs_count * block->instructions_count +
	       (uint64_t)block->extra;
}

/* functions: one for each symbol, then [unknown] and [user]. */
static void functions_sum(struct function *functions,
			  const struct symbols *symbols)
{
	const struct profile_block *block;
	size_t i, at;

	for (i = 0; i < symbols->count; i++)
		functions[i].name = symbols->items[i].name;
	functions[symbols->count].name = "[unknown]";
	functions[symbols->count + 1].name = "[user]";
	for (i = 0; i < BUCKETS_COUNT; i++)
		for (block = buckets[i]; block; block = block->next) {
			at = block->address == 0 ? symbols->count + 1 :
				symbols_find(symbols, block->address);
			functions[at].instructions += block_instructions(block);
		}
}

static int compare_names(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->instructions != b->instructions)
		return a->instructions > b->instructions ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Static functions may share a name: one entry a name. Returns how many. */
static size_t functions_merge(struct function *functions, size_t count)
{
	size_t i, kept = 0;

	qsort(functions, count, sizeof(*functions), compare_names);
	for (i = 1; i < count; i++)
		if (!strcmp(functions[kept].name, functions[i].name))
			functions[kept].instructions += functions[i].instructions;
		else
			functions[++kept] = functions[i];
	qsort(functions, kept + 1, sizeof(*functions), compare_functions);
	return kept + 1;
}

static void scope_write(FILE *out, const struct profile_scope *scope)
{
	if (scope->has_inside)
		fprintf(out, " inside %u", scope->inside);
	if (scope->has_row)
		fprintf(out, " row %" PRIu64, scope->row);
	fputc('\n', out);
}

unsigned long profile_write(FILE *out, const struct symbols *symbols,
			    const struct profile_scope *scope, size_t top)
{
	size_t count = symbols->count + 2, used = 0, i;
	struct function *functions = calloc(count, sizeof(*functions));
	uint64_t sum = 0, others = 0;

	if (!functions || is_short) {
		free(functions);
		fprintf(out, "short\n");
		return 1;
	}
	functions_sum(functions, symbols);
	count = functions_merge(functions, count);
	while (used < count && functions[used].instructions)
		sum += functions[used++].instructions;
	for (i = top; i < used; i++)
		others += functions[i].instructions;
	if (used > top)
		used = top;
	fprintf(out, "profile %u %" PRIu64 " %" PRIu64 " %zu", scope->region,
		visits_count, sum, used + (others > 0));
	scope_write(out, scope);
	for (i = 0; i < used; i++)
		fprintf(out, "function %" PRIu64 " %s\n",
			functions[i].instructions, functions[i].name);
	if (others)
		fprintf(out, "function %" PRIu64 " [other]\n", others);
	free(functions);
	return 1 + used + (others > 0);
}
