/* count.c - a plugin for QEMU (TCG): counts the instructions of each vCPU, kernel
 * and user apart, between the markers that workloads emit (runtime/marker.h),
 * and on demand per function of the kernel. It changes nothing in the guest.
 *
 * Arguments: out=PATH (the count file, docs/exact-mode.md), by=block|instruction,
 * profile=on with map=PATH (System.map of the kernel), region=N (what the profile
 * covers), inside=N (only while that region is open too), row=N (only in that row,
 * from 0), top=N (functions written).
 *
 * One source, two objects: PLUGIN_API (qemu_api.h) says for which QEMU.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "marker.h"
#include "profile.h"
#include "regions.h"
#include "symbols.h"

#define MARKER_BYTES 8
#define TOP_DEFAULT 10000u
#define ROWS_MAX 1000000u

int qemu_plugin_version = PLUGIN_API;

static struct {
	FILE *out;                 /* owned */
	unsigned int vcpus_count;
	bool by_instruction;
	bool is_profiling;
	bool is_over;              /* the file is written: nothing counts now */
	struct profile_scope scope;
	size_t top;
	struct symbols symbols;
} plugin = { .scope = { .region = MARKER_REGION_ROUND }, .top = TOP_DEFAULT };

/* Guests on several threads (without an instruction clock) share the regions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A marker at its place in a block. Kept until QEMU ends: it may drop and make
 * blocks at any time, and markers are few. */
struct marker {
	unsigned int region;
	bool is_end, is_kernel;
	uint32_t behind_count;     /* instructions of the block after it */
	struct profile_block *block; /* borrowed; NULL without a profile */
};

/* --- while the guest runs ----------------------------------------------------- */

static bool profile_is_due(const struct profile_scope *scope)
{
	return region_is_open(scope->region) &&
	       (!scope->has_inside || region_is_open(scope->inside)) &&
	       (!scope->has_row || (region_is_open(MARKER_REGION_ROW) &&
				    region_visits(MARKER_REGION_ROW) == scope->row));
}

/* The marker's block was counted whole, or not at all, when it began. */
static void marker_profile(const struct marker *marker)
{
	bool is_due;

	if (!marker->block)
		return;
	is_due = profile_is_due(&plugin.scope);
	if (!profile_set(is_due))
		return;
	if (is_due)
		marker->block->extra += marker->behind_count;
	else
		marker->block->extra -= (int64_t)marker->behind_count + 1;
}

/* The markers themselves belong to no region: an empty one counts zero. */
static void marker_run(unsigned int vcpu, void *argument)
{
	const struct marker *marker = argument;
	uint64_t uncounted = 0;
	struct counts counts;

	vcpu = vcpu_running(vcpu);
	if (vcpu >= plugin.vcpus_count)
		return;
	if (plugin.by_instruction)
		counters_add_one(vcpu, marker->is_kernel);
	else
		uncounted = marker->behind_count;
	if (marker->is_end)
		uncounted++;
	counts = (struct counts){
		.kernel = marker->is_kernel ? uncounted : 0,
		.user = marker->is_kernel ? 0 : uncounted,
	};
	pthread_mutex_lock(&lock);
	if (!plugin.is_over) {
		if (marker->is_end)
			region_end(marker->region, vcpu, counts);
		else
			region_begin(marker->region, vcpu, counts);
		marker_profile(marker);
	}
	pthread_mutex_unlock(&lock);
}

/* --- while QEMU translates ------------------------------------------------------ */

static bool marker_read(const struct qemu_plugin_insn *insn, uint32_t *ret_mark)
{
	static const unsigned char opcode[] = { 0x0f, 0x1f, 0x84, 0x00 };
	unsigned char bytes[MARKER_BYTES];

	if (qemu_plugin_insn_size(insn) != MARKER_BYTES)
		return false;
#if PLUGIN_API == 1
	memcpy(bytes, qemu_plugin_insn_data(insn), MARKER_BYTES);
#else
	if (qemu_plugin_insn_data(insn, bytes, MARKER_BYTES) != MARKER_BYTES)
		return false;
#endif
	if (memcmp(bytes, opcode, sizeof(opcode)) != 0)
		return false;
	memcpy(ret_mark, bytes + sizeof(opcode), sizeof(*ret_mark));
	return (*ret_mark & 0xffff0000u) == MARKER_MAGIC &&
	       (*ret_mark & 0xffffu & ~(uint32_t)MARKER_END_BIT) <
		       MARKER_REGIONS_MAX;
}

static void marker_add(struct qemu_plugin_insn *insn, struct marker marker)
{
	struct marker *copy = malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = marker;
	qemu_plugin_register_vcpu_insn_exec_cb(insn, marker_run,
					       QEMU_PLUGIN_CB_NO_REGS, copy);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	bool is_kernel = address_is_kernel(qemu_plugin_tb_vaddr(tb));
	size_t count = qemu_plugin_tb_n_insns(tb), i;
	struct profile_block *block = NULL;
	uint32_t mark;

	(void)id;
	pthread_mutex_lock(&lock);
	if (plugin.is_profiling)
		block = profile_block_get(qemu_plugin_tb_vaddr(tb), count);
	if (block)
		profile_add_block(tb, block);
	if (!plugin.by_instruction)
		counters_add_block(tb);
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (marker_read(insn, &mark))
			marker_add(insn, (struct marker){
				.region = mark & 0xffffu & ~MARKER_END_BIT,
				.is_end = mark & MARKER_END_BIT,
				.is_kernel = is_kernel,
				.behind_count = (uint32_t)(count - i - 1),
				.block = block,
			});
		else if (plugin.by_instruction)
			counters_add_instruction(insn, is_kernel);
	}
	pthread_mutex_unlock(&lock);
}

/* --- begin and end --------------------------------------------------------------- */

static void finish(qemu_plugin_id_t id, void *argument)
{
	unsigned long lines;

	(void)id;
	(void)argument;
	pthread_mutex_lock(&lock);
	plugin.is_over = true;
	lines = 1 + regions_finish();
	if (plugin.is_profiling)
		lines += profile_write(plugin.out, &plugin.symbols, &plugin.scope,
				       plugin.top);
	fprintf(plugin.out, "end %lu\n", lines);
	if (fclose(plugin.out) != 0)
		fprintf(stderr, "kerngate count: writing the counts: %s\n",
			strerror(errno));
	/* Counters and markers stay: blocks may run on while QEMU ends. */
	symbols_release(&plugin.symbols);
	pthread_mutex_unlock(&lock);
}

static bool refuse(const char *what, const char *why)
{
	fprintf(stderr, "kerngate count: %s%s\n", what, why);
	return false;
}

static bool number_read(const char *text, unsigned long limit,
			unsigned long *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno &&
	       *ret_value < limit;
}

struct options {
	const char *out, *map;     /* borrowed from argv */
};

#define IS(name) (length == strlen(name) && !strncmp(argument, name, length))

/* What the profile covers. False if it is no such argument or a bad value. */
static bool scope_read(const char *argument, size_t length, const char *value)
{
	struct profile_scope *scope = &plugin.scope;
	unsigned long number;

	if (IS("region") && number_read(value, MARKER_REGIONS_MAX, &number)) {
		scope->region = (unsigned int)number;
	} else if (IS("inside") && number_read(value, MARKER_REGIONS_MAX, &number)) {
		scope->inside = (unsigned int)number;
		scope->has_inside = true;
	} else if (IS("row") && number_read(value, ROWS_MAX, &number)) {
		scope->row = number;
		scope->has_row = true;
	} else if (IS("top") && number_read(value, 1000000, &number) && number) {
		plugin.top = number;
	} else {
		return false;
	}
	return true;
}

static bool argument_read(const char *argument, struct options *options)
{
	const char *value = strchr(argument, '=');
	size_t length = value ? (size_t)(value - argument) : 0;

	if (!value)
		return refuse("expected name=value, not ", argument);
	value++;
	if (IS("out")) {
		options->out = value;
	} else if (IS("map")) {
		options->map = value;
	} else if (IS("by") && !strcmp(value, "block")) {
		plugin.by_instruction = false;
	} else if (IS("by") && !strcmp(value, "instruction")) {
		plugin.by_instruction = true;
	} else if (IS("profile") && !strcmp(value, "on")) {
		plugin.is_profiling = true;
	} else if (IS("profile") && !strcmp(value, "off")) {
		plugin.is_profiling = false;
	} else if (!scope_read(argument, length, value)) {
		return refuse("no such argument or value: ", argument);
	}
	return true;
}
#undef IS

static bool scope_check(void)
{
	const struct profile_scope *scope = &plugin.scope;

	if (!plugin.is_profiling && (scope->has_inside || scope->has_row))
		return refuse("inside=REGION and row=N are for profile=on", "");
	if (scope->has_inside && scope->inside == scope->region)
		return refuse("inside= names the profile's own region", "");
	return true;
}

/* QEMU checks the version that we name against the oldest it takes; whether its
 * newest is one that we know is for us to check. */
static bool info_check(const struct qemu_info *info)
{
	char text[160];

	if (info->version.cur < PLUGIN_API || info->version.cur > PLUGIN_API_NEWEST) {
		snprintf(text, sizeof(text), "this object is for QEMU's plugin "
			 "interface %d to %d; this QEMU has %d to %d", PLUGIN_API,
			 PLUGIN_API_NEWEST, info->version.min, info->version.cur);
		return refuse(text, "");
	}
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0)
		return refuse("only for qemu-system-x86_64, not ",
			      info->target_name);
	/* Those that may still be plugged in count too: an exact guest's are
	 * (docs/exact-mode.md, "Recipe"). */
	if (info->system.max_vcpus < 1 ||
	    (unsigned int)info->system.max_vcpus > COUNTERS_VCPUS_MAX)
		return refuse("too many vCPUs", "");
	plugin.vcpus_count = (unsigned int)info->system.max_vcpus;
	return true;
}

static bool output_open(const struct options *options)
{
	char why[512];

	if (!options->out)
		return refuse("out=PATH is missing", "");
	if (plugin.is_profiling != (options->map != NULL))
		return refuse("profile=on and map=PATH go together", "");
	if (plugin.is_profiling && !symbols_load(options->map, &plugin.symbols, why,
						 sizeof(why)))
		return refuse(why, "");
	plugin.out = fopen(options->out, "we");
	if (!plugin.out) {
		snprintf(why, sizeof(why), "%s: %s", options->out, strerror(errno));
		return refuse(why, "");
	}
	if (!counters_open(plugin.vcpus_count))
		return refuse("out of memory", "");
	fprintf(plugin.out, "kerngate-counts 1 api %d vcpus %u by %s\n", PLUGIN_API,
		plugin.vcpus_count, plugin.by_instruction ? "instruction" : "block");
	fflush(plugin.out);
	regions_open(plugin.out, plugin.vcpus_count);
	return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	struct options options = { .out = NULL };
	int i;

	if (!info_check(info))
		return -1;
	for (i = 0; i < argc; i++)
		if (!argument_read(argv[i], &options))
			return -1;
	if (!scope_check() || !output_open(&options))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
