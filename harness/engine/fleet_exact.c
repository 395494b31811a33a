/* fleet_exact.c - what is particular to a guest in exact mode: the plugins that
 * fit this QEMU, what of their counts becomes samples, and the digest by which two
 * worlds are told to be one.
 */
#include "fleet_guest_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "hash.h"
#include "memory.h"
#include "plugin_counts.h"

#define COUNTS_NAME "counts"
#define COUNTS_MAX_BYTES (UINT64_C(256) << 20)
#define PORT_MAX_BYTES (UINT64_C(64) << 20)
#define REGION_LINE "region "
#define GDB_SOCKET_BYTES_MAX 100u

/* Which versions of QEMU (major * 100 + minor) load the objects for which interface:
 * docs/exact-mode.md. */
static const struct {
	uint32_t oldest, newest, api;
} objects[] = {
	{ 600, 802, 1 },
	{ 901, 1002, 3 },
};

int fleet_exact_plugin_api(const char *version, uint32_t *ret_api, struct error *err)
{
	const char *qemu = strstr(version, "QEMU ");
	unsigned int major = 0, minor = 0;

	if (!qemu || sscanf(qemu, "QEMU %u.%u", &major, &minor) != 2)
		return error_set(err, -ENOTSUP, "\"%s\" names no version of QEMU, by which "
				 "the plugins are chosen", version);
	for (size_t i = 0; i < ARRAY_COUNT(objects); i++) {
		if (major * 100 + minor < objects[i].oldest ||
		    major * 100 + minor > objects[i].newest)
			continue;
		*ret_api = objects[i].api;
		return 0;
	}
	return error_set(err, -ENOTSUP, "the plugins of exact mode are for QEMU 6.0 to 8.2 and "
			 "9.1 to 10.2, not %u.%u; guests of one vCPU go without them where "
			 "nothing is counted (`exact: {counts: false}`)", major, minor);
}

/* QEMU's options are separated by commas; one in a value is doubled. */
static void add_value(struct strbuf *text, const char *name, const char *value)
{
	strbuf_addf(text, "%s%s", text->length ? "," : "", name);
	for (; *value; value++) {
		if (*value == ',')
			strbuf_addc(text, ',');
		strbuf_addc(text, *value);
	}
}

static void add_profile(struct strbuf *text, const struct fleet_exact *exact)
{
	uint32_t region = exact->profile_region ? exact->profile_region : PLUGIN_REGION_ROUND;

	add_value(text, "map=", exact->profile_map);
	strbuf_addf(text, ",profile=on,region=%" PRIu32 ",row=%" PRIu32, region,
		    exact->profile_row);
	if (region != PLUGIN_REGION_ROUND)
		strbuf_addf(text, ",inside=%d", PLUGIN_REGION_ROUND);
}

/* *text begins the argument of -plugin. */
static int add_object(const struct fleet_guest *guest, const char *name, struct strbuf *text,
		      struct error *err)
{
	cleanup_free char *file = NULL, *path = NULL;
	uint32_t api;
	int code = fleet_exact_plugin_api(guest->place.version, &api, err);

	if (code < 0)
		return code;
	file = string_format("%s-api%" PRIu32 ".so", name, api);
	path = path_join(guest->job.exact->plugin_folder, file);
	if (!path_exists(path))
		return error_set(err, -ENOENT, "%s: the plugin is not there; `make build` "
				 "makes it", path);
	add_value(text, "", path);
	return 0;
}

static int add_counting(struct fleet_guest *guest, struct error *err)
{
	const struct fleet_exact *exact = guest->job.exact;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int code = add_object(guest, "count", &text, err);

	if (code < 0)
		return code;
	guest->counts_path = path_join(guest->job.folder, COUNTS_NAME);
	add_value(&text, "out=", guest->counts_path);
	add_value(&text, "by=", exact->policy.by_instruction ? "instruction" : "block");
	if (exact->profile_map)
		add_profile(&text, exact);
	strvec_push(&guest->plugins, text.data);
	return 0;
}

/* So that several vCPUs take the same turns in every run. One has no turns. */
static int add_turns(struct fleet_guest *guest, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int code = add_object(guest, "turns", &text, err);

	if (code == 0)
		strvec_push(&guest->plugins, text.data);
	return code;
}

int fleet_exact_prepare(struct fleet_guest *guest, struct error *err)
{
	const struct fleet_exact *exact = guest->job.exact;
	int code = 0;

	if (exact->gdb_socket && strlen(exact->gdb_socket) > GDB_SOCKET_BYTES_MAX)
		return error_set(err, -ENAMETOOLONG, "%s: a debugger's socket has a path of "
				 "at most %u bytes", exact->gdb_socket,
				 GDB_SOCKET_BYTES_MAX);
	if (guest->job.guest->vcpus_count > 1)
		code = add_turns(guest, err);
	if (code == 0 && (exact->policy.counts || exact->profile_map))
		code = add_counting(guest, err);
	return code;
}

struct guest_exact fleet_exact_boot(const struct fleet_guest *guest)
{
	const struct fleet_exact *exact = guest->job.exact;

	if (!exact)
		return (struct guest_exact){ .shift = 0 };
	return (struct guest_exact){
		.shift = exact->policy.shift,
		.random_seed = exact->seed.random,
		.plugins = (const char *const *)guest->plugins.items,
		.gdb_socket = exact->gdb_socket,
		.recording = exact->recording,
		.plays_recording = exact->plays_recording,
	};
}

/* --- afterwards ------------------------------------------------------------------------ */

static int take_samples(const struct fleet_guest *guest, const char *text, size_t length,
			struct trial_result *result, struct error *why)
{
	const struct guest_expectation *expected = guest->job.expectation;
	cleanup_with(plugin_counts_release) struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	int code = plugin_counts_parse(text, length, &counts, why);

	if (code < 0)
		return code;
	return exact_counts_samples(&counts, expected->workloads, expected->rows_count, result,
				    why);
}

/* A guest that did not end well may have left markers without their ends: what it
 * is called already is worse. */
static void judge_counts(const struct fleet_guest *guest, const char *text, size_t length,
			 struct trial_result *result)
{
	struct error why = ERROR_INIT;

	if (result->outcome != OUTCOME_PASSED && result->outcome != OUTCOME_SKIPPED &&
	    result->outcome != OUTCOME_FAILED)
		return;
	if (!text)
		trial_result_worsen(result, OUTCOME_BROKEN, "no counts: the plugin wrote no "
				    COUNTS_NAME);
	else if (take_samples(guest, text, length, result, &why) < 0)
		trial_result_worsen(result, OUTCOME_BROKEN, "counts: %s", why.message);
}

/* Its name goes in too, so that bytes cannot move from one file to the next. */
static int add_port(const struct fleet_guest *guest, const char *name, struct sha256 *hash,
		    struct error *err)
{
	cleanup_free char *path = path_join(guest->job.folder, name), *text = NULL;
	size_t length;
	int code = file_read(path, PORT_MAX_BYTES, &text, &length);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	sha256_add(hash, name, strlen(name) + 1);
	sha256_add(hash, text, length);
	return 0;
}

/* The totals behind the regions end at no fixed instruction. */
static void add_regions(const char *text, struct sha256 *hash)
{
	while (text && *text) {
		size_t length = strcspn(text, "\n");

		length += text[length] == '\n';
		if (strncmp(text, REGION_LINE, strlen(REGION_LINE)) == 0)
			sha256_add(hash, text, length);
		text += length;
	}
}

static int make_digest(const struct fleet_guest *guest, const char *counts,
		       struct trial_result *result, struct error *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 *hash = sha256_new();
	int code = add_port(guest, "console.log", hash, err);

	if (code == 0)
		code = add_port(guest, "results.log", hash, err);
	if (code < 0) {
		sha256_free(hash);
		return code;
	}
	add_regions(counts, hash);
	sha256_finish(hash, hex);
	result->digest = string_copy(hex);
	return 0;
}

int fleet_exact_finish(const struct fleet_guest *guest, struct trial_result *result,
		       struct error *err)
{
	cleanup_free char *text = NULL;
	size_t length = 0;
	int code = 0;

	if (guest->counts_path) {
		code = file_read(guest->counts_path, COUNTS_MAX_BYTES, &text, &length);
		if (code < 0 && code != -ENOENT)
			return error_set_errno(err, code, "%s", guest->counts_path);
		judge_counts(guest, text, length, result);
	}
	return make_digest(guest, text, result, err);
}
