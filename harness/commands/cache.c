/* cache.c - `kerngate cache`: what the kernel cache holds, and making room. */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "kernel_builder.h"
#include "suggest.h"
#include "table.h"

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static int cache_list(struct kernel_cache *cache, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(5);
	char size[BYTES_TEXT_MAX], used[CLOCK_TEXT_MAX];
	struct cache_entry *items = NULL;
	uint64_t total_bytes = 0;
	size_t count = 0;
	int code = kernel_cache_list(cache, &items, &count, err);

	if (code < 0)
		return code;
	table_add(&table, "KIND", "KEY", "SIZE", "LAST USED", "WHAT");
	for (size_t i = 0; i < count; i++) {
		char key[13];

		snprintf(key, sizeof(key), "%.12s", items[i].key);
		total_bytes += items[i].bytes;
		table_add(&table, items[i].kind, key,
			  bytes_format(items[i].bytes, size),
			  items[i].in_use ? "now" :
			  clock_format_utc(items[i].used_wall_ns, used),
			  items[i].description ? items[i].description : "");
	}
	if (count)
		table_print(&table, stdout);
	printf("%zu entries, %s in %s\n", count,
	       bytes_format(total_bytes, size), kernel_cache_path(cache));
	cache_entries_free(items, count);
	return 0;
}

static int cache_prune(struct kernel_cache *cache, uint64_t to_gib,
		       struct error *err)
{
	char size[BYTES_TEXT_MAX];
	uint64_t freed_bytes = 0;
	int code = kernel_cache_prune(cache, to_gib << 30, &freed_bytes, err);

	if (code < 0)
		return code;
	printf("%s freed in %s\n", bytes_format(freed_bytes, size),
	       kernel_cache_path(cache));
	return 0;
}

static int unknown_action(const char *name, struct error *err)
{
	static const char *const actions[] = { "list", "prune", "path" };
	const char *nearest = suggest_nearest(name, actions, ARRAY_COUNT(actions));

	return command_usage_error(err, "expected list, prune or path, not \"%s\"%s%s%s",
				   name, nearest ? " (did you mean \"" : "",
				   nearest ? nearest : "", nearest ? "\"?)" : "");
}

static int run(const struct globals *globals, int argc, char **argv,
	       struct error *err)
{
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	uint64_t to_gib = UINT64_MAX;
	const struct option_info options[] = {
		{ "--to", OPTION_NUMBER, &to_gib, 0, 1 << 20 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);
	const char *action;

	if (status == 0)
		status = command_check_operands(argc, argv, 1, err);
	if (status != 0)
		return status;
	action = argc > 1 ? argv[1] : "list";
	if (strcmp(action, "list") != 0 && strcmp(action, "prune") != 0 &&
	    strcmp(action, "path") != 0)
		return unknown_action(action, err);
	if (to_gib != UINT64_MAX && strcmp(action, "prune") != 0)
		return command_usage_error(err, "--to belongs to prune");
	if (kernel_cache_open(globals->cache_path, globals->cache_max_bytes,
			      &cache, err) < 0)
		return EXIT_HARNESS;
	if (strcmp(action, "path") == 0) {
		puts(kernel_cache_path(cache));
		return EXIT_OK;
	}
	if (strcmp(action, "list") == 0)
		return command_status(cache_list(cache, err));
	return command_status(cache_prune(cache, to_gib == UINT64_MAX ? 0 : to_gib,
					  err));
}

const struct command command_cache = {
	.name = "cache",
	.summary = "list or prune cached sources and kernels",
	.usage = "cache [list | prune [--to GIB] | path]",
	.help = "  list         what is cached, its size and last use (default)\n"
		"  prune        removes all that nobody uses now\n"
		"    --to GIB   only the least recently used, until at most GIB are left\n"
		"  path         prints the cache folder\n"
		"\n"
		"The cache is shared by all clones and runs of a user. A build prunes it\n"
		"by itself when it would pass --cache-size.\n",
	.run = run,
};
